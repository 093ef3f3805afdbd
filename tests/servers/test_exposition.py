"""The text format of metrics pages: what is in it, and what is not of it."""

from __future__ import annotations

import math
import string
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.servers.fake import EXPOSITIONS, sample
from wftui.collectors.servers.exposition import Sample, number, parse, types
from wftui.errors import SourceFormatError

SAMPLES = {
    "dcgm.prom": 36,
    "dynamo_frontend.prom": 46,
    "dynamo_worker.prom": 4,
    "llamacpp.prom": 19,
    "llamacpp_2024.prom": 10,
    "llamacpp_fresh.prom": 15,
    "localai.prom": 38,
    "sglang.prom": 249,
    "tgi.prom": 408,
    "triton.prom": 40,
    "trtllm_serve.prom": 120,
    "vllm.prom": 395,
    "vllm_dp2.prom": 762,
    "vllm_v0.prom": 292,
}
"""Pages to the samples on them; as prometheus_client's parser counts them."""

first = st.sampled_from(string.ascii_letters + "_")
names = st.builds(
    "".join, st.tuples(st.sampled_from(string.ascii_letters + "_:"), st.text(string.ascii_letters + "_:0"))
)
keys = st.builds("".join, st.tuples(first, st.text(string.ascii_letters + "_0", max_size=8)))
values = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
blanks = st.sampled_from(["", " ", "\t", "  "])


def one(line: str) -> Sample:
    """The only sample of a page."""
    found = list(parse(line.encode(), "/metrics"))
    assert len(found) == 1
    return found[0]


def escaped(value: str) -> str:
    """As the format writes a label's value."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


@pytest.mark.parametrize(("name", "count"), SAMPLES.items())
def test_every_sample_of_every_page(name: str, count: int) -> None:
    body = sample(name)
    found = list(parse(body, name))
    assert len(found) == count
    lines = body.split(b"\n")
    for item in found:
        assert lines[item.line].startswith(item.name.encode())
        assert number(lines[item.line][item.start :].split()[0]) == item.value or math.isnan(item.value)
        assert b"}" not in lines[item.line][item.start :]


def test_no_page_is_left_out() -> None:
    assert {path.name for path in EXPOSITIONS.glob("*.prom")} == set(SAMPLES)


def test_a_line_in_full() -> None:
    found = one('a:b_total{x="1",y="two, \\"2\\" }{ \\\\ \\n",} 1.5e+06 1700000000000 # {trace="ab"} 3 1700')
    assert found.name == "a:b_total"
    assert found.labels == {"x": "1", "y": 'two, "2" }{ \\ \n'}
    assert found.value == 1.5e6


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("a 1", 1),
        ("a{} 1", 1),
        ("a\t{ x = \"1\" , }\t-1.5e-3\r", -0.0015),
        ("a +Inf", math.inf),
        ("a -Inf", -math.inf),
        ("a 0x", None),
        ("a 1_000", None),
        ("a{x=1} 1", None),
        ('a{x="1} 1', None),
        ('a{x="1"', None),
        ('a{x="1"} ', None),
        ("a", None),
        ("1a 1", None),
        ("a 1 2 3", None),
        ("<!doctype html>", None),
        ('{"error": 1}', None),
    ],
)  # fmt: skip
def test_lines(line: str, value: float | None) -> None:
    if value is not None:
        assert one(line).value == value
        return
    with pytest.raises(SourceFormatError, match=r"/metrics line 1: expected"):
        list(parse(line.encode(), "/metrics"))


def test_not_a_number_is_a_number_here() -> None:
    assert math.isnan(one("a NaN").value)


def test_the_error_names_the_line_and_is_short() -> None:
    with pytest.raises(SourceFormatError, match=r"/m line 3: ") as caught:
        list(parse(b"# HELP a b\na 1\n" + b"?" * 10_000, "/m"))
    assert len(str(caught.value)) < 200


def test_types() -> None:
    found = types(sample("vllm.prom"))
    assert found["vllm:num_requests_running"] == "gauge"
    assert found["vllm:prompt_tokens_total"] == "counter"
    assert found["vllm:e2e_request_latency_seconds"] == "histogram"
    assert types(b"# TYPE a gauge\n#TYPE b gauge\n# TYPE c\n# TYPE d what is this\n") == {"a": "gauge"}


@given(names, st.dictionaries(keys, values, max_size=4), st.floats(), blanks, st.sampled_from(["", ",", " , "]))
def test_what_is_written_is_read(name: str, labels: dict[str, str], value: float, blank: str, end: str) -> None:
    inner = ",".join(f'{blank}{key}{blank}={blank}"{escaped(item)}"' for key, item in labels.items())
    line = f"{name}{{{inner}{end if labels else ''}}} {blank}{value!r}{blank}"
    found = list(parse(line.encode(), "/metrics"))
    assert [(item.name, item.labels) for item in found] == [(name, labels)]
    assert found[0].value == value or math.isnan(value)


@given(st.binary(max_size=300))
@example(b'a{x="\xff"} 1')
@example(b"a 1\x00")
@example(b"\xef\xbb\xbfa 1")
def test_any_bytes_are_parsed_or_refused(page: bytes) -> None:
    try:
        found = list(parse(page, "/metrics"))
    except SourceFormatError:
        return
    assert all(isinstance(item.value, float) for item in found)


@given(st.data())
def test_a_damaged_page_is_parsed_or_refused(data: st.DataObject) -> None:
    body = bytearray(sample(data.draw(st.sampled_from(["llamacpp.prom", "triton.prom", "dynamo_worker.prom"]))))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        found = list(parse(bytes(body), "/metrics"))
    except SourceFormatError:
        return
    assert len(found) <= body.count(b"\n") + 1


@pytest.mark.parametrize(
    "line",
    [
        b'a{' + b'x="1",' * 20_000,
        b'a{x="' + b"\\" * 100_000,
        b"a{" + b" " * 100_000,
        b"a" * 100_000 + b" " * 100_000,
        b"a 1 " + b"1" * 100_000 + b"x",
    ],
)  # fmt: skip
def test_a_hostile_line_takes_no_longer_than_its_length(line: bytes) -> None:
    """Backtracking would take minutes."""
    started = time.process_time()
    with pytest.raises(SourceFormatError):
        list(parse(line, "/metrics"))
    assert time.process_time() - started < 2
