"""Tables as changes: nothing that matters is lost, drifts included."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.records import SCHEMA
from wftui.model.table import (
    CHANGE,
    KEYFRAME_NS,
    Row,
    TableColumn,
    TableSchema,
    TableSnapshot,
    apply,
    difference,
    keyframe,
)
from wftui.recorder.tables import Tables

CELLS = st.one_of(st.none(), st.floats(0, 1e12), st.integers(0, 2**40))
ROWS = st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.text(max_size=3), CELLS), max_size=6)


def near(held: Row, true: Row) -> bool:
    for a, b in zip(held, true, strict=True):
        if a == b:
            continue
        if isinstance(a, str) or isinstance(b, str) or a is None or b is None:
            return False
        if abs(a - b) > CHANGE * max(abs(a), abs(b)):
            return False
    return True


@given(st.lists(ROWS, min_size=1, max_size=8))
def test_a_reader_of_changes_is_never_further_off_than_one_percent(scans: list[dict[str, Row]]) -> None:
    held: dict[str, Row] = {}
    for number, now in enumerate(scans):
        change = difference(held, TableSnapshot(SCHEMA, number, now))
        apply(held, change)
        assert held.keys() == now.keys()
        assert all(near(held[key], now[key]) for key in now)


def test_slow_drift_adds_up() -> None:
    """0.5 % a scan: a comparison with the scan before would never store it."""
    held: dict[str, Row] = {}
    value, told = 1000.0, 0
    for number in range(100):
        value *= 1.005
        change = difference(held, TableSnapshot(SCHEMA, number, {"a": ("x", value)}))
        told += len(change.rows)
        apply(held, change)
        assert near(held["a"], ("x", value))
    assert 30 <= told <= 51, "about every second scan passes 1 %"


def test_births_deaths_and_keyframes() -> None:
    held: dict[str, Row] = {"old": ("o", 1), "gone": ("g", 1)}
    change = difference(held, TableSnapshot(SCHEMA, 5, {"old": ("o", 1), "new": ("n", None)}))
    assert (change.rows, change.gone, change.keyframe) == ({"new": ("n", None)}, ["gone"], False)
    apply(held, keyframe(SCHEMA, 6, {"only": ("k", 0)}))
    assert held == {"only": ("k", 0)}


def test_a_keyframe_is_stored_each_minute_and_matches_what_followers_hold() -> None:
    tables = Tables()
    follower: dict[str, Row] = {}
    stored: dict[str, Row] = {}
    frames = 0
    for second in range(0, 200, 2):
        size = 1000 + second * 3
        scan = TableSnapshot(SCHEMA, second, {"a": ("x", size)})
        told, kept = tables.scanned(scan, second * 1_000_000_000, "things")
        apply(follower, told)
        apply(stored, kept)
        frames += kept.keyframe
        assert stored == follower
    assert frames == 1 + 199_000_000_000 // KEYFRAME_NS


def test_a_later_time_is_a_change_and_a_trembling_one_is_none() -> None:
    schema = TableSchema("t", (TableColumn("at", "ns", "time"), TableColumn("number", "", "gauge")))
    held: dict[str, Row] = {"a": (1_790_000_000 * 10**9, 31), "b": (None, 0)}
    again: dict[str, Row] = {"a": (1_790_001_200 * 10**9, 31), "b": (None, 0)}
    assert difference(held, TableSnapshot(schema, 1, again)).rows == {"a": again["a"]}
    near_by: dict[str, Row] = {"a": (1_790_000_000 * 10**9 + 900_000_000, 31), "b": (None, 0)}
    assert not difference(held, TableSnapshot(schema, 1, near_by)).rows
