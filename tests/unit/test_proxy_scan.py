"""The values that are wanted of a JSON object, in whatever pieces it passes by."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.proxy.scan import VALUE_BYTES, TopLevel

WANTED = frozenset({b"model", b"usage"})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
KEYS = st.sampled_from(["model", "usage", "messages", '"', "\\", "{", "a:b", ""])


def scanned(text: bytes, cuts: list[int]) -> TopLevel:
    scan = TopLevel(WANTED, 1 << 20)
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    for start, end in itertools.pairwise(places):
        scan.feed(text[start:end])
    return scan


@given(st.dictionaries(KEYS, JSON), st.lists(st.integers(0, 10_000)), st.booleans(), st.sampled_from([None, 1]))
def test_values_are_found_in_any_pieces(
    item: dict[str, Any], cuts: list[int], ascii_only: bool, indent: int | None
) -> None:
    text = json.dumps(item, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")
    scan = scanned(text, cuts)
    assert scan.done
    wanted = {key: value for key, value in item.items() if key in ("model", "usage")}
    small = {key for key in wanted if len(json.dumps(wanted[key], indent=indent)) < VALUE_BYTES / 2}
    found = {key.decode(): json.loads(value.decode("utf-8", "surrogatepass")) for key, value in scan.found.items()}
    assert {key: found[key] for key in small} == {key: wanted[key] for key in small}
    assert found.keys() <= wanted.keys()


@given(st.binary(max_size=200), st.lists(st.integers(0, 200)))
def test_anything_else_is_survived(text: bytes, cuts: list[int]) -> None:
    assert scanned(text, cuts).found.keys() <= WANTED


@given(st.text(alphabet='{}[]",:\\ amodel1', max_size=60), st.integers(0, 60))
def test_pieces_do_not_matter_to_nonsense_either(text: str, cut: int) -> None:
    whole = scanned(text.encode(), [])
    assert scanned(text.encode(), [cut]).found == whole.found
    assert scanned(text.encode(), list(range(60))).found == whole.found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b'{"messages":[{"model":"no"}],"model":"yes"}', {b"model": b'"yes"'}),
        (b'{"a":"\\"model\\":\\"no\\"","model" : "yes" , "b":1}', {b"model": b'"yes"'}),
        (b'{"model":"one","model":"two"}', {b"model": b'"two"'}),
        (b'{"model":{"model":1}}', {b"model": b'{"model":1}'}),
        (b'[{"model":"no"}]', {}),
        (b'"model"', {}),
        (b'{"model"', {}),
        (b'{"model":"cut', {}),
        (b'{} {"model":"later"}', {}),
    ],
)
def test_only_the_top_level_counts(text: bytes, found: dict[bytes, bytes]) -> None:
    assert scanned(text, []).found == found


def test_a_value_that_is_too_long_is_not_kept() -> None:
    scan = TopLevel(WANTED, 1 << 30)
    scan.feed(b'{"model":"')
    for _ in range(100):
        scan.feed(b"x" * 1000)
    scan.feed(b'","usage":1}')
    assert scan.found == {b"usage": b"1"}


def test_nothing_is_looked_at_beyond_the_limit() -> None:
    scan = TopLevel(WANTED, 100)
    scan.feed(b'{"messages":"' + b"x" * 100)
    scan.feed(b'","model":"late"}')
    assert scan.done
    assert not scan.found
