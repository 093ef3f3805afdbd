"""A bundle of a part of a recording answers as the data dir does over that part, after redaction, of any data."""

from __future__ import annotations

import math
import shutil
import tempfile
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recording import BYTES, CPU, PEAK, START_S, S
from wftui.bundle import collect, opened
from wftui.bundle import format as form
from wftui.bundle.format import Consent
from wftui.bundle.privacy import Redactor
from wftui.model.event import Event, event
from wftui.model.processes import PROCESSES
from wftui.model.sample import Column, column
from wftui.model.servers import MODELS
from wftui.model.table import Row, TableChange, TableSchema
from wftui.model.tick import Layout, Tick, pack, unpack
from wftui.store.archive import Archive, open_archive
from wftui.store.journal import NAME, Journal, StoredChange
from wftui.units import NS_PER_S

SEED = b"a seed that only tests may have."
COLUMNS = (
    CPU, PEAK, BYTES,
    column("disks", "system.disk.io", {"device": "sdb", "direction": "write"}, call="/proc/diskstats"),
    column("gpu", "hw.gpu.utilization", {"gpu": "GPU-1a2b3c4d-0000-0000-0000-000000000001"}, call="nvml"),
    column("mounts", "system.filesystem.limit", {"mount": "/home/alice"}, call="statvfs"),
    column("memory", "system.memory.usage", {"mode": "used"}, call="/proc/meminfo"),
)  # fmt: skip
VALUES = st.one_of(
    st.floats(allow_infinity=False),
    st.integers(-(2**60), 2**60).map(float),
    st.sampled_from([0.0, -0.0, 0.25, math.nan, 1e308, 5e-324]),
)
TEXTS = ["alice", "python3", "python3 train.py --lr 0.1", "", "R"]
"""As the recorder keeps them: cleaned when they came."""
CELLS = {
    "text": st.one_of(st.none(), st.sampled_from(TEXTS)),
    "number": st.one_of(st.none(), st.integers(0, 2**40), st.floats(0, 1e9)),
    "time": st.one_of(st.none(), st.integers(START_S * S, (START_S + 10**6) * S)),
}


class Step(NamedTuple):
    """One tick, and what came in its second."""

    forward_s: int
    """From the tick before; below 1: the clock stepped back."""
    lost: int
    """Numbers that were lost before it."""
    boots: bool
    columns: list[int]
    values: list[float]
    changes: list[tuple[str, bool, dict[str, list[Any]], list[str]]]
    """Table, whether it is a keyframe, rows, those that are gone."""
    events: list[tuple[str, str]]


def _rows(schema: TableSchema) -> st.SearchStrategy[dict[str, list[Any]]]:
    cells = [CELLS.get(item.kind, CELLS["number"]) for item in schema.columns]
    keys = ["1:1", "2:5", "77:123"] if schema is PROCESSES else ["127.0.0.1:8000|llama", "127.0.0.1:8000|qwen"]
    return st.dictionaries(st.sampled_from(keys), st.tuples(*cells).map(list), max_size=3)


def _change() -> st.SearchStrategy[tuple[str, bool, dict[str, list[Any]], list[str]]]:
    def of(schema: TableSchema, keys: list[str]) -> Any:
        gone = st.lists(st.sampled_from(keys), max_size=2, unique=True)
        return st.tuples(st.just(schema.name), st.booleans(), _rows(schema), gone)

    return st.one_of(of(PROCESSES, ["1:1", "2:5"]), of(MODELS, ["127.0.0.1:8000|llama"]))


KINDS = ("mark.set", "source.state", "view.attached")
STEPS = st.builds(
    lambda forward_s, lost, boots, columns, changes, events, seed: Step(
        forward_s, lost, boots, columns, [seed[at % len(seed)] for at in columns], changes, events
    ),
    st.sampled_from([1, 1, 1, 1, 1, 2, 30, -5, 0]),
    st.sampled_from([0, 0, 0, 0, 3]),
    st.sampled_from([False] * 9 + [True]),
    st.lists(st.integers(0, len(COLUMNS) - 1), min_size=1, max_size=len(COLUMNS), unique=True),
    st.lists(_change(), max_size=2),
    st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(["here", "slow", "x"])), max_size=2),
    st.lists(VALUES, min_size=1, max_size=4),
)  # fmt: skip


def record(folder: Path, steps: list[Step]) -> None:
    """Through the journal, as a recorder does."""
    journal = Journal(folder / NAME)
    boots = 1
    boot = journal.begin("boot-1", "test", "record", 1, START_S * S, 0).boot
    layouts: dict[tuple[Column, ...], Layout] = {}
    seen: set[str] = set()
    seq, time_s, boottime_ns, number = 0, START_S, 100 * S, 0
    for step in steps:
        if step.boots:
            boots += 1
            boot = journal.begin(f"boot-{boots}", "test", "record", 1, time_s * S, 0).boot
        seq += 1 + step.lost
        time_s += step.forward_s
        boottime_ns += max(1, step.forward_s) * S
        columns = tuple(COLUMNS[at] for at in step.columns)
        layout = layouts.setdefault(columns, Layout(len(layouts) + 1, columns))
        tick = Tick(seq, time_s, boottime_ns, boot, layout.id, pack(array("d", step.values)))
        changes = []
        for name, frame, rows, gone in step.changes:
            schema = PROCESSES if name == PROCESSES.name else MODELS
            first = name not in seen
            seen.add(name)
            cells = {key: tuple(row) for key, row in rows.items()}
            # A recorder begins each session with all rows.
            change = TableChange(name, time_s * S + S // 2, frame or first, cells, [] if frame or first else gone)
            changes.append(StoredChange(seq, schema, change))
        told = []
        for kind, word in step.events:
            number += 1
            payload = {"text": word} if kind == "mark.set" else {"before": "ok", "after": "late", "reason": word}
            about = ("source", "cpu") if kind == "source.state" else ("mark", "1")
            made = event(time_s * S + number, kind, about, payload)
            told.append(Event(number, *(getattr(made, item) for item in Event.__struct_fields__[1:])))
        journal.write([(tick, layout)], changes, told)
    journal.close()


@contextmanager
def bundled(folder: Path, since_s: int, until_s: int) -> Iterator[tuple[Archive, Archive, Redactor]]:
    """The data dir, the opened bundle of it, and a redactor that makes the same names."""
    made, inside = folder / "x.wftop", folder / "opened"
    inside.mkdir(mode=0o700)
    request = collect.Request(
        folder / "data", made, since_s, until_s, form.FULL, Consent("--yes", 1, "plain"), screens=False
    )
    with mock.patch.object(collect, "Redactor", partial(Redactor, seed=SEED)):
        collect.make(request)
    found = opened.open_bundle(made, inside)
    redactor = Redactor(form.FULL, SEED)
    with open_archive(folder / "data") as mine, open_archive(found.data_dir) as theirs:
        redactor.learn(mine, since_s, until_s)
        yield mine, theirs, redactor


def values(archive: Archive, tick: Tick, redactor: Redactor | None) -> dict[str, tuple[Column, str]]:
    """Columns and bits of a tick by series (-0.0 is not 0.0); empty: no value."""
    told = {}
    for item, value in zip(archive.layout(tick.layout).columns, unpack(tick.values), strict=True):
        shown = item if redactor is None else redactor.column(item)
        if shown is not None:
            told[shown.series.text] = shown, ("" if value != value else value.hex())
    return told


def table(archive: Archive, name: str, seq: int, redactor: Redactor | None) -> dict[str, Row] | None:
    """Rows of a table at a tick."""
    found = archive.table_of(name, seq)
    if found is None:
        return None
    if redactor is None:
        return found.rows
    return {redactor.key(found.schema, key): redactor.row(found.schema, row) for key, row in found.rows.items()}


@settings(max_examples=25)
@given(st.lists(STEPS, min_size=1, max_size=25), st.integers(0, 40), st.integers(1, 60))
def test_a_part_of_a_recording_is_as_it_was(steps: list[Step], after_s: int, length_s: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "data").mkdir(mode=0o700)
        record(folder / "data", steps)
        with open_archive(folder / "data") as archive:
            since_s = START_S + after_s - 10
            until_s = since_s + length_s
            if archive.span(since_s, until_s) is None:
                since_s, until_s = START_S - 1000, START_S + 10_000
        with bundled(folder, since_s, until_s) as (mine, theirs, redactor):
            _same(mine, theirs, redactor, since_s, until_s)
        shutil.rmtree(folder / "opened")


def _same(mine: Archive, theirs: Archive, redactor: Redactor, since_s: int, until_s: int) -> None:
    expected = list(mine.ticks(since_s, until_s))
    found = list(theirs.ticks(0, 1 << 40))
    assert [(item.seq, item.time_s, item.boottime_ns) for item in found] == [
        (item.seq, item.time_s, item.boottime_ns) for item in expected
    ]
    boots = dict(zip([item.boot for item in expected], [item.boot for item in found], strict=True))
    assert len(set(boots.values())) == len(boots)
    assert [boots[item.boot] for item in expected] == [item.boot for item in found]
    for one, other in zip(expected, found, strict=True):
        assert values(mine, one, redactor) == values(theirs, other, None)
        for name in (PROCESSES.name, MODELS.name):
            assert (table(mine, name, one.seq, redactor) or {}) == (table(theirs, name, other.seq, None) or {})
    told, _ = mine.events(0, since_s * NS_PER_S, until_s * NS_PER_S)
    shown, _ = theirs.events(0, since_s * NS_PER_S, until_s * NS_PER_S)
    assert shown == [redactor.event(item) for item in told]
