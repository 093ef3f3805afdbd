"""Tables, bursts and events in segments; and what a raw segment says about its series."""

from __future__ import annotations

import math
import sqlite3
import tempfile
from array import array
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.recording import START_S, S
from tests.sealing import Given, Journaled, joined, key, made, metadata, rows, sealed
from wftui.model.event import Event, event
from wftui.model.sample import Column
from wftui.model.table import Row, TableChange, TableColumn, TableSchema, apply
from wftui.store import manifest, pieces
from wftui.store.journal import NAME, Burst, StoredChange

HOUR_S = START_S - START_S % 3600
GAUGE = made("a")
SCHEMAS = (
    TableSchema("t", (TableColumn("name", "", "text"), TableColumn("size", "By", "gauge"))),
    TableSchema(
        "t", (TableColumn("name", "", "text"), TableColumn("size", "By", "gauge"), TableColumn("at", "ns", "time"))
    ),
)


def ticks(count: int, start_s: int = HOUR_S + 3590, first_seq: int = 1) -> list[Given]:
    """Ticks of one gauge across an hour's end."""
    return [Given(first_seq + n, start_s + n, n * S, 1, (GAUGE,), (float(n),)) for n in range(count)]


def state(folder: Path, seq: int) -> dict[str, Row]:
    """The table at a tick, as segments tell it."""
    found: dict[str, Row] = {}
    for item in manifest.load(folder).of(manifest.TABLE, "t"):
        if item.first_seq <= seq <= item.last_seq:
            schema = msgspec.json.decode(metadata(folder, item)["wftop.schema"], type=TableSchema)
            stored = rows(folder, item)
            assert [(row["key"], row["seq"]) for row in stored] == sorted((r["key"], r["seq"]) for r in stored)
            for row in stored:
                if row["seq"] <= seq:
                    found.pop(row["key"], None)
                    if not row["gone"]:
                        found[row["key"]] = tuple(row[column.name] for column in schema.columns)
    return found


@st.composite
def changes(draw: st.DrawFn) -> list[tuple[int, int, TableChange]]:
    """Tick, schema and change, in order."""
    found: list[tuple[int, int, TableChange]] = []
    schema = 0
    for tick in sorted(draw(st.lists(st.integers(1, 22), min_size=1, max_size=14))):
        frame = not found or draw(st.integers(0, 3)) == 0
        if frame:
            schema = draw(st.sampled_from((schema, schema, 0, 1)))
        cells = (
            st.sampled_from(("x", "ä'\"", "", None)),
            st.one_of(st.none(), st.integers(0, 3), st.sampled_from((0.5, 2.0, 1e18))),
            st.one_of(st.none(), st.integers(1_790_000_000 * S, 1_790_000_000 * S + 3)),
        )
        keys = draw(st.lists(st.sampled_from(("k1", "k2", "K2", "k3")), unique=True))
        row = st.tuples(*cells[: 2 + schema])
        gone = [] if frame else draw(st.lists(st.sampled_from(("k1", "k3")), unique=True))
        held = {item: draw(row) for item in keys}
        change = TableChange(
            "t", (HOUR_S + 3590 + tick) * S, frame, held, [item for item in gone if item not in keys]
        )
        found.append((tick, schema, change))
    return found


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes(), st.integers(0, 22))
def test_a_table_at_each_tick(given_changes: list[tuple[int, int, TableChange]], cut: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Journaled(folder) as journaled:
            for part in (range(1, cut + 1), range(cut + 1, 23)):
                journaled.write([item for item in ticks(22) if item.seq in part])
                for tick, schema, change in given_changes:
                    if tick in part:
                        journaled.journal._numbers.forget()  # as another session would have it
                        journaled.journal.write(changes=[StoredChange(tick, SCHEMAS[schema], change)])
                sealed(folder, everything=True)
        before = 0
        expected: dict[str, Row] = {}
        for seq in range(1, 23):
            for tick, schema, change in given_changes:
                if tick == seq:
                    if schema != before:
                        expected.clear()
                    before = schema
                    apply(expected, change)
            assert state(folder, seq) == expected, seq


def test_a_damaged_change_costs_what_follows_up_to_the_next_keyframe(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    with Journaled(folder) as journaled:
        journaled.write(ticks(10))
        for tick, frame, size in ((1, True, 1.0), (3, False, 2.0), (5, False, 3.0), (7, True, 4.0)):
            change = TableChange("t", tick * S, frame, {"k": ("x", size)})
            journaled.journal.write(changes=[StoredChange(tick, SCHEMAS[0], change)])
        with sqlite3.connect(folder / NAME) as connection:
            connection.execute("UPDATE table_change SET body = x'00' WHERE tick = 3")
        connection.close()
        assert sealed(folder, everything=True).damaged == 1
    assert [state(folder, seq)["k"][1] for seq in range(1, 11)] == [1] * 6 + [4] * 4


def test_events_and_bursts(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    fact = event(HOUR_S * S, "recorder.started", ("recorder", "1"), {"n": 1, "text": "it's \n \u2028"})
    fields = [getattr(fact, name) for name in Event.__struct_fields__[1:]]
    times = array("q", range(HOUR_S * S, HOUR_S * S + 50, 10))
    with Journaled(folder) as journaled:
        journaled.write(ticks(20))
        journaled.journal.write(
            events=[Event(7, *fields)],
            bursts=[
                Burst(2, "m-1", made("z"), times, array("d", [1, math.nan, 3, 4, 5.5])),
                Burst(3, "m-1", made("b"), times[:2], array("d", [1, 2])),
                Burst(15, "m-2", made("z"), times, array("d", range(5))),
            ],
        )
        sealed(folder)
        seen = manifest.load(folder)
        (item,) = seen.of(manifest.EVENT)
        (row,) = rows(folder, item)
        assert (row["seq"], row["event_id"], row["time_ns"]) == (7, fact.event_id, fact.time_ns)
        assert row["trace_id"] is None
        assert msgspec.json.decode(row["payload"]) == fact.payload
        assert (item.first_seq, item.last_seq, seen.sealed_event_seq) == (7, 7, 7)
        (item,) = seen.of(manifest.BURST)
        found = rows(folder, item)
        assert [(row["series"], row["time_ns"] % 100, row["value"]) for row in found] == [
            (made("b").series.text, 0, 1), (made("b").series.text, 10, 2), (made("z").series.text, 0, 1),
            (made("z").series.text, 10, None), (made("z").series.text, 20, 3), (made("z").series.text, 30, 4),
            (made("z").series.text, 40, 5.5),
        ]  # fmt: skip
        names = {column.id: column.series for column in seen.columns}
        assert {names[number] for number in manifest.numbers(item.columns)} == {row["series"] for row in found}
        sealed(folder, everything=True)
    assert [len(rows(folder, item)) for item in manifest.load(folder).of(manifest.BURST)] == [7, 5]
    assert len(manifest.load(folder).of(manifest.EVENT)) == 1


def test_provenance_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    stale = Column(GAUGE.series, "1", "gauge", "system", "stale", "other", "rule")
    with Journaled(folder) as journaled:
        journaled.write(ticks(5))
        journaled.write([item._replace(columns=(stale,)) for item in ticks(13)[5:]])
        sealed(folder)
        sealed(folder, everything=True)
    first, second = manifest.load(folder).of(manifest.RAW)
    (column,) = manifest.unpacked(metadata(folder, first)["wftop.columns"])
    assert column.quality == "measured"
    assert msgspec.json.decode(metadata(folder, first)["wftop.provenance"]) == [[6, 0, "stale", "other", "rule"]]
    (column,) = manifest.unpacked(metadata(folder, second)["wftop.columns"])
    assert (column.quality, column.source, column.call) == ("stale", "other", "rule")
    assert metadata(folder, second)["wftop.provenance"] == "[]"
    (column,) = manifest.load(folder).columns
    assert column.quality == "stale"


def test_more_series_than_fit_into_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    columns = tuple(made(f"d{n}") for n in range(2 * manifest.PART + 10))
    values = tuple(float(n) for n in range(len(columns)))
    with Journaled(folder) as journaled:
        journaled.write([Given(seq, HOUR_S + seq, seq * S, 1, columns, values) for seq in range(1, 4)])
        sealed(folder, everything=True)
    raw = manifest.load(folder).of(manifest.RAW)
    assert [len(manifest.numbers(item.columns)) for item in raw] == [manifest.PART, 10, manifest.PART]  # by name
    assert len(joined(folder, manifest.RAW)[2]) == len(columns) + 4


def test_a_piece_too_wide_to_be_kept_is_read_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "_KEPT", 5)
    folder = tmp_path / "d"
    with Journaled(folder) as journaled:
        journaled.write(ticks(10))
        sealed(folder, everything=True)
    assert [row[key(GAUGE)] for row in joined(folder, manifest.RAW).values()] == list(range(10))


def test_a_series_named_like_a_column_of_ours() -> None:
    odd = msgspec.structs.replace(GAUGE, series=msgspec.structs.replace(GAUGE.series, text="Seq"))
    _, (stored,) = manifest.with_columns(manifest.Manifest(), [odd])
    assert stored.name == "Seq~2"
