"""The text formats: exact bytes, gaps, hostile names, identity."""

from __future__ import annotations

import csv
import io
import json
import math
from array import array

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recording import BYTES, CPU, START_S, mount
from wftui.model.sample import Column
from wftui.model.series import Series
from wftui.render import defuse, files
from wftui.store.rows import Batch, Field

T_NS = START_S * 1_000_000_000
FIELDS = (Field(CPU, "1", "gauge"), Field(BYTES, "By/s", "rate"))
BATCH = Batch([1, 2], [START_S, START_S + 1], [array("d", [0.5, math.nan]), array("d", [10.0, 1e300])])


def written(
    writer: files.Writer, fields: tuple[Field, ...] = FIELDS, batches: tuple[Batch, ...] = (BATCH,)
) -> bytes:
    """The whole file."""
    columns, _ = files.headings(fields, identity=False)
    return b"".join([writer.head(columns), *map(writer.rows, batches), writer.tail()])


def named(value: str) -> Field:
    """A series whose label value is hostile, past the checks that keep it out."""
    text = f'system.filesystem.limit{{mount="{value}"}}'
    item = Series("system.filesystem.limit", (("mount", value),), text)
    return Field(msgspec.structs.replace(mount("/"), series=item), "By", "gauge")


def test_csv() -> None:
    assert written(files.Csv()).decode().splitlines() == [
        'time_ns,time,system.cpu.utilization [1],"system.disk.io{device=""sda"",direction=""read""} [By/s]"',
        f"{T_NS},2026-09-21T14:13:20Z,0.5,10",
        f"{T_NS + 10**9},2026-09-21T14:13:21Z,,1e300",
    ]


def test_json_and_json_lines_are_the_same_rows() -> None:
    document = json.loads(written(files.Json(), batches=(BATCH, BATCH)))
    assert list(document) == ["schema_version", "level_s", "series", "rows"]
    assert document["schema_version"] == 1
    assert document["series"][1] == {
        "id": BYTES.series.text, "name": "system.disk.io", "labels": {"device": "sda", "direction": "read"},
        "unit": "By/s", "kind": "rate", "stat": "",
    }  # fmt: skip
    assert document["rows"] == [[T_NS, 0.5, 10], [T_NS + 10**9, None, 1e300]] * 2
    lines = written(files.JsonLines(), batches=(BATCH, BATCH)).splitlines()
    assert json.loads(lines[0]) == {key: document[key] for key in ("schema_version", "level_s", "series")}
    assert [json.loads(line) for line in lines[1:]] == document["rows"]


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(finite | st.just(math.nan), finite), min_size=1, max_size=20))
def test_numbers_round_trip(rows: list[tuple[float, float]]) -> None:
    batch = Batch(
        list(range(len(rows))),
        [START_S + place for place in range(len(rows))],
        [array("d", column) for column in zip(*rows, strict=True)],
    )
    wanted = [[None if math.isnan(value) else value for value in row] for row in rows]
    assert [row[1:] for row in json.loads(written(files.Json(), batches=(batch,)))["rows"]] == wanted
    cells = list(csv.reader(io.StringIO(written(files.Csv(), batches=(batch,)).decode())))[1:]
    assert [[float(cell) if cell else None for cell in row[2:]] for row in cells] == wanted


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_cells_that_a_spreadsheet_would_run_are_defused(start: str) -> None:
    assert defuse.cell(f"{start}HYPERLINK(1)").startswith("'")
    assert defuse.cell("system.cpu [1]") == "system.cpu [1]"


HOSTILE = [
    "/\x1b]0;own\x07",
    "/\x9b31m",
    "/\u202egpj.exe",
    "/a\r\n=cmd()",
    '/"x",y',
    "/\udcff",
    "/" + "\x1b" * 200,
]


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_names_reach_no_terminal_and_break_no_cell(value: str) -> None:
    fields = (*FIELDS, named(value))
    for writer in (files.Csv(), files.JsonLines(), files.Json()):
        batch = Batch([1], [START_S], [array("d", [1.0])] * 3)
        shown = written(writer, fields, (batch,)).decode()
        assert all(letter.isprintable() or letter == "\n" for letter in shown)
        assert "\u202e" not in shown
        if isinstance(writer, files.Csv):
            header, row = csv.reader(io.StringIO(shown))
            assert len(header) == len(row) == 5
        else:
            assert (
                len(json.loads(shown.splitlines()[0] if isinstance(writer, files.JsonLines) else shown)["series"])
                == 3
            )


def test_paths_of_people_and_containers_are_replaced_without_merging() -> None:
    paths = ["/home/bob", "/home/alice", "/home", "/", "/media/alice/usb", "/var/lib/docker/overlay2/abc", "/srv"]
    fields = tuple(Field(mount(path), "By", "gauge") for path in paths)
    columns, replaced = files.headings(fields, identity=False)
    shown = [column.labels["mount"] for column in columns]
    assert shown == ["/home/*#2", "/home/*", "/home", "/", "/media/*", "/var/lib/docker/*", "/srv"]
    assert columns[1].id == 'system.filesystem.limit{mount="/home/*"}'
    assert sorted(replaced) == ["/home/alice", "/home/bob", "/media/alice/usb", "/var/lib/docker/overlay2/abc"]
    assert b"alice" not in msgspec.json.encode(columns)
    kept, none = files.headings(fields, identity=True)
    assert [column.labels["mount"] for column in kept] == paths
    assert none == {}


def test_equal_headings_are_numbered() -> None:
    assert files.unique(["a", "b", "a", "a"]) == ["a", "b", "a#2", "a#3"]
    assert files.unique(["a", "A", "a#2"], fold=True) == ["a", "A#2", "a#2#2"]


def test_stat_is_apart_from_labels() -> None:
    from wftui.model.sample import column

    peak: Column = column("cpu", "system.cpu.utilization", call="x", stat="max")
    ((heading,), _) = files.headings((Field(peak, "1", "gauge"),), identity=False)
    assert (heading.id, heading.labels, heading.stat) == ('system.cpu.utilization{stat="max"}', {}, "max")
