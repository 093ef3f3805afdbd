"""Pushed lines: three forms, what is refused of them and why, and nothing but the error that says so."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pushed import line as say
from wftui import names
from wftui.recorder.push.forms import CAREFUL, MAX_SAMPLES, Batch, UnusableError
from wftui.recorder.push.known import FIELDS, LABELS
from wftui.recorder.push.lines import parse

numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**80), 2**80)
anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
WORDS = ("source", "samples", "data", "fields", "tags", "timestamp", "ts", "energy_visual", "frame_budget_used_ms")
nearly = st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=6), anything, max_size=6)
sample = st.fixed_dictionaries(
    {"name": st.text(max_size=8), "value": anything | numbers},
    optional={"unit": anything, "kind": anything, "labels": anything},
)


def understood(line: bytes) -> Batch | str:
    try:
        return parse(line)
    except UnusableError as error:
        return str(error)


def reasons(batch: Batch) -> list[tuple[int | None, str, str]]:
    return [(item.index, item.name, item.reason) for item in batch.troubles]


def test_the_native_form() -> None:
    batch = parse(
        say(source="train", samples=[{"name": "loss", "value": 2, "unit": "1", "labels": {"model": "m"}}])
    )
    assert batch.source == "train"
    [item] = batch.samples
    assert (item.name, item.value, item.unit, item.kind) == ("loss", 2.0, "1", "")
    assert json.loads(bytes(item.labels)) == {"model": "m"}
    assert batch.troubles == []


def test_the_metrics_event_with_everything_it_may_hold() -> None:
    batch = parse(
        say(
            timestamp=1_790_000_000_000, source="model:llama", type="performance", data={"tps": 12.5},
            version="1.0", window="1m", tags={"session": "x"}, energy_visual={"ribbon_width": 0.5},
            frame_budget_used_ms=8.25, privacy_level="internal", retention_policy="ephemeral",
        )
    )  # fmt: skip
    assert (batch.source, batch.time_ms) == ("model:llama", 1_790_000_000_000)
    assert batch.data == {"tps": 12.5, "ribbon_width": 0.5, "frame_budget_used_ms": 8.25}
    assert json.loads(bytes(batch.tags)) == {"session": "x"}


def test_the_compact_form_is_of_the_core_unless_it_says_otherwise() -> None:
    batch = parse(say(ts=1_790_000_000_000, kind="model", fields={"tps": 3, "vram_mb": 4}, ver=1))
    assert (batch.source, batch.time_ms, batch.data) == ("core", 1_790_000_000_000, {"tps": 3, "vram_mb": 4})
    assert parse(say(source="ui", fields={})).source == "ui"


def test_what_is_wrong_costs_one_sample_and_is_named_with_its_place() -> None:
    line = (
        b'{"source":"a","samples":[{"name":"nan","value":NaN},{"name":"big","value":1e400},{"name":"ok","value":1},'
        b'{"name":"huge","value":' + b"9" * 400 + b'},{"name":"text","value":"1"},{"name":"yes","value":true},7,'
        b'{"value":3},{"name":"unit","value":1,"unit":5},{"name":"labels","value":1,"labels":[]},'
        b'{"name":"again","value":2}]}'
    )
    batch = parse(line)
    assert [item.name for item in batch.samples] == ["ok", "again"]
    assert batch.indices == [2, 10]
    assert reasons(batch) == [
        (0, "nan", "value: expected a finite number"),
        (1, "big", "value: expected a finite number"),
        (3, "huge", "value: expected a number that fits into 64 bits of float"),
        (4, "text", "value: expected a number, got a text"),
        (5, "yes", "value: expected a number, got a truth value"),
        (6, "", "expected an object with a name and a value"),
        (7, "", "expected an object with a name and a value"),
        (8, "unit", "unit and kind: expected texts"),
        (9, "labels", "labels: expected an object, got a list"),
    ]


def test_of_an_event_the_good_fields_are_left() -> None:
    batch = parse(b'{"source":"a","data":{"x":null,"y":-Infinity,"z":3},"tags":"none","frame_budget_used_ms":"8"}')
    assert batch.data == {"z": 3.0}
    assert [item[1] for item in reasons(batch)] == ["x", "y", "frame_budget_used_ms"]


def test_of_a_key_that_comes_twice_the_last_counts() -> None:
    assert parse(b'{"source":"a","source":"b","data":{"x":1,"x":2}}').data == {"x": 2.0}
    careful = parse(b'{"source":"a","source":"b","unknown":0,"data":{"x":1,"x":2}}')
    assert (careful.source, careful.data) == ("b", {"x": 2.0})


def test_unknown_fields_do_no_harm() -> None:
    assert parse(say(source="a", data={"x": 1}, trace={"id": [1, 2]})).data == {"x": 1.0}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"", "not JSON"),
        (b"loss 5", "not JSON"),
        (b"[]", "expected an object, got a list"),
        (b"null", "expected an object, got null"),
        (b'{"source":5,"data":{}}', "source: expected a text"),
        (b'{"source":"a"}', "expected samples, tokens, data or fields"),
        (b'{"source":"a","samples":[],"data":{}}', "either samples or data"),
        (b'{"source":"a","samples":{}}', "samples: expected a list"),
        (b'{"source":"a","data":[]}', "data: expected an object"),
        (b'{"source":"a","data":{},"timestamp":"now"}', "timestamp: expected a number"),
        (b'{"source":"\xff","data":{}}', "not JSON"),
        (b"[" * 100_000, "nested deeper|not a line"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "nested deeper than 32"),
        (b'{"source":"a","data":{},"x":' + b"[" * 5_000 + b"]" * 5_000 + b"}", "nested deeper than 32"),
        (b'{"data":{"x":' + b"9" * 5_000 + b"}}", "not JSON"),
        (say(source="a", samples=[{"name": "x", "value": 1}] * (MAX_SAMPLES + 1)), "at most 20000"),
        (say(source="a", samples=[{"name": "x", "value": 1}] * 3_000 + [{"name": "y"}]), r"\$.samples\[3000\]"),
    ],
)  # fmt: skip
def test_a_line_of_no_use_says_why(line: bytes, why: str) -> None:
    with pytest.raises(UnusableError, match=why):
        parse(line)


def test_a_lone_surrogate_is_the_trouble_of_its_sample_only() -> None:
    batch = parse(b'{"source":"a","samples":[{"name":"x\\ud800","value":1},{"name":"y","value":NaN}]}')
    assert [item.name for item in batch.samples] == ["x\ud800"]  # refused by name where names are understood
    assert len(reasons(batch)) == 1


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), numbers, max_size=6))
def test_events_round_trip(data: dict[str, float]) -> None:
    assert parse(say(source="a", data=data)).data == {name: float(value) for name, value in data.items()}


@given(nearly | st.fixed_dictionaries({"source": st.text(max_size=8), "samples": st.lists(sample, max_size=4)}))
def test_any_object_is_understood_or_refused_and_its_numbers_are_finite(item: dict[str, Any]) -> None:
    line = json.dumps(item).encode()
    assert len(line) < CAREFUL
    batch = understood(line)
    assert batch
    if isinstance(batch, str):
        return
    values = [found.value for found in batch.samples] + list(batch.data.values())
    assert all(math.isfinite(value) for value in values)
    said = len(item.get("samples") or ()) if batch.samples else len(batch.data)
    assert len(values) <= said


@given(st.binary(max_size=200))
def test_any_bytes_are_understood_or_refused(line: bytes) -> None:
    assert understood(line)


def test_the_page_on_pushes_names_every_field_with_its_metric_and_every_label() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "push.md").read_text(encoding="utf-8")
    rows = [row for row in page.splitlines() if row.startswith("| `")]
    for name, known in FIELDS.items():
        [row] = [row for row in rows if f"`{name}`" in row]
        assert f"`{known.metric}" in row
        assert f"| {names.METRICS[known.metric].unit} | {names.METRICS[known.metric].kind} |" in row
    assert ", ".join(sorted(LABELS)) in page


def test_the_lines_on_the_page_are_understood() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "push.md").read_text(encoding="utf-8")
    said = [row.encode() for row in page.splitlines() if row.startswith("{") and '"accepted"' not in row]
    assert len(said) == 4
    for row in said:
        batch = parse(row)
        assert len(batch.samples) + len(batch.data) + len(batch.tokens or ()) > 0
        assert batch.troubles == []
