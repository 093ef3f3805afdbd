"""What an opened bundle answers is what was recorded, after redaction, for any recording."""

from __future__ import annotations

import math
import struct
import tempfile
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import past
from tests.hostile import bundles
from tests.hostile.contents import CONTENT
from tests.recording import BYTES, CPU, PEAK, START_S, S, mount
from tests.stored import process
from wftui.bundle import collect, crypt
from wftui.bundle import format as form
from wftui.bundle.format import Consent, TableHead, TableLine
from wftui.bundle.opened import open_bundle
from wftui.bundle.privacy import Redactor
from wftui.errors import BundleError
from wftui.history.service import Service
from wftui.model.event import Event
from wftui.model.processes import PROCESSES
from wftui.model.sample import Column
from wftui.model.streams import STREAMS
from wftui.model.table import Row, TableChange, TableColumn, TableSchema
from wftui.model.tick import Layout, Tick, pack, unpack
from wftui.store import manifest
from wftui.store.archive import Archive, open_archive
from wftui.store.journal import NAME, Journal, StoredChange
from wftui.wire import messages as m

COLUMNS = (CPU, PEAK, BYTES, mount("/home/alice"), mount("/data"))
JUMPS = (0, -1, -30, 9, 300, 4000)
NUMBERS = st.one_of(
    st.integers(0, 40).map(float),
    st.floats(-1e6, 1e6),
    st.sampled_from((math.nan, 0.1, 2.0**53 + 2, -(2.0**63), 1e300, -0.0, 5e-324)),
)
SEED = bytes(range(32))


class Recorded(NamedTuple):
    """A recording as a test writes it."""

    ticks: list[tuple[Tick, Layout]]
    changes: list[StoredChange]
    events: list[Event]


@st.composite
def recordings(draw: st.DrawFn) -> Recorded:
    """Mostly a tick a second, with all that clocks, machines and collectors do."""
    layouts: dict[tuple[Column, ...], Layout] = {}
    columns = COLUMNS[: draw(st.integers(1, len(COLUMNS)))]
    seq, time_s, at_ns, boot = draw(st.integers(1, 9)), START_S, 100 * S, 1
    found = Recorded([], [], [])
    whole = False
    for number in range(draw(st.integers(1, 40))):
        odd = draw(st.integers(0, 14))
        if odd == 0:
            time_s += draw(st.sampled_from(JUMPS))
        elif odd == 1:
            seq += draw(st.integers(1, 3))
        elif odd == 2:
            boot = 3 - boot
        elif odd == 3:
            columns = tuple(draw(st.permutations(COLUMNS))[: draw(st.integers(1, len(COLUMNS)))])
        layout = layouts.setdefault(columns, Layout(len(layouts) + 1, columns))
        values = pack(array("d", [draw(NUMBERS) for _ in columns]))
        found.ticks.append((Tick(seq, time_s, at_ns, boot, layout.id, values), layout))
        if odd > 9:
            rows = draw(
                st.dictionaries(
                    st.sampled_from(("7:1", "8:1", "9:3")),
                    st.tuples(st.sampled_from(("python", "vllm")), st.floats(0, 8)).map(
                        lambda item: process(item[0], item[1], user="alice", pid=7.0)
                    ),
                    max_size=3,
                )
            )
            gone = draw(st.lists(st.sampled_from(("7:1", "8:1")), max_size=1))
            change = TableChange("processes", time_s * S + S // 2, not whole, rows, gone if whole else [])
            found.changes.append(StoredChange(seq, PROCESSES, change))
            whole = True
        if odd in (7, 8):
            payload = {"note": draw(st.sampled_from(("slow", "seen by alice", "10.1.2.3 is gone"))), "n": number}
            found.events.append(
                Event(
                    number + 1,
                    f"019a0000-0000-7000-8000-{number:012d}",
                    time_s * S,
                    "mark.set",
                    "recorder",
                    "1",
                    payload=payload,
                )
            )
        seq, time_s, at_ns = seq + 1, time_s + 1, at_ns + S
    return found


def _write(folder: Path, recorded: Recorded) -> None:
    folder.mkdir(mode=0o700)
    made = Journal(folder / NAME)
    for boot in ("boot-a", "boot-b"):
        made.begin(boot, "test", "record", 1, START_S * S, 0)
    made.write(recorded.ticks, recorded.changes, recorded.events)
    made.close()


def _bits(value: float) -> bytes:
    return b"" if math.isnan(value) else struct.pack("<d", value)


def _ticks(archive: Archive, redactor: Redactor | None) -> Iterator[tuple[object, ...]]:
    for tick in archive.ticks(0, 2**32):
        known: dict[str, bytes] = {}
        for item, value in zip(archive.layout(tick.layout).columns, unpack(tick.values), strict=True):
            told = item if redactor is None else redactor.column(item)
            if told is not None:
                known[f"{told.series.text} {told.unit} {told.kind} {told.quality} {told.call}"] = _bits(value)
        yield tick.seq, tick.time_s, tick.boottime_ns, tick.boot, known


def _row(redactor: Redactor, row: Row) -> Row:
    """A row as the view gets it: this wftop's own columns, unknown where the bundle leaves one out."""
    told = redactor.schema(PROCESSES)
    assert told is not None
    cells = dict(zip([item.name for item in told.columns], redactor.row(PROCESSES, row), strict=True))
    return tuple(cells.get(item.name) for item in PROCESSES.columns)


def _processes(archive: Archive, redactor: Redactor | None) -> Iterator[tuple[int, dict[str, Row] | None]]:
    for tick in archive.ticks(0, 2**32):
        found = archive.table_of("processes", tick.seq)
        rows = found.rows if found is not None else None
        if redactor is not None and rows is not None:
            rows = {redactor.key(PROCESSES, key): _row(redactor, row) for key, row in rows.items()}
        yield tick.seq, rows


def _events(archive: Archive, redactor: Redactor | None) -> list[tuple[object, ...]]:
    found = archive.events()[0]
    told = found if redactor is None else [item for event in found if (item := redactor.event(event)) is not None]
    return [(item.time_ns, item.type, item.aggregate_type, item.aggregate_id, item.payload) for item in told]


def _range(folder: Path, selector: str, since_s: int, until_s: int) -> m.Message:
    service = Service(folder)
    try:
        return service.answer(m.Range([selector], since_s * S, until_s * S, 30))
    finally:
        service.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(recordings())
def test_what_comes_back_is_what_was_recorded(recorded: Recorded) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder / "data", recorded)
        times = [tick.time_s for tick, _ in recorded.ticks]
        request = collect.Request(
            folder / "data",
            folder / "made.wftop",
            min(times),
            max(times) + 1,
            form.FULL,
            Consent("--yes", START_S * S, "plain"),
            screens=False,
            config=str(folder / "none.toml"),
        )
        (folder / "none.toml").write_text("")
        with patch.object(collect, "Redactor", lambda level: Redactor(level, SEED, me="alice")):
            made = collect.make(request)
        (folder / "inside").mkdir()
        found = open_bundle(made.path, folder / "inside")
        assert (found.first_ns, found.last_ns) == (min(times) * S, max(times) * S)
        redactor = Redactor(form.FULL, SEED, me="alice")
        with open_archive(folder / "data") as mine, open_archive(found.data_dir) as theirs:
            redactor.learn(mine, request.since_s, request.until_s)
            assert list(_ticks(theirs, None)) == list(_ticks(mine, redactor))
            assert list(_processes(theirs, None)) == list(_processes(mine, redactor))
            assert _events(theirs, None) == _events(mine, redactor)
            assert theirs.damaged == 0
        told = [
            _range(where, "system.cpu.*", min(times), max(times) + 1)
            for where in (folder / "data", found.data_dir)
        ]
        assert told[0] == told[1]


def test_steps_of_time_whose_seconds_are_gone_come_back(tmp_path: Path) -> None:
    data = tmp_path / "recorded"
    data.mkdir(mode=0o700)
    past.fill(data)
    past.close_hours(data)
    made = manifest.load(data)
    # What retention leaves of an hour that is two days old.
    left = tuple(item for item in made.segments if item.kind != manifest.RAW)
    manifest.save(data, msgspec.structs.replace(made, segments=left))
    (tmp_path / "none.toml").write_text("")
    request = collect.Request(
        data, tmp_path / "made.wftop", START_S, START_S + past.SECONDS, form.FULL,
        Consent("--yes", START_S * S, "plain"), screens=False, config=str(tmp_path / "none.toml"),
    )  # fmt: skip
    collect.make(request)
    (tmp_path / "inside").mkdir()
    found = open_bundle(request.path, tmp_path / "inside")
    assert any(item.name.startswith("rollups/10s") for item in found.manifest.members)
    assert found.first_ns is not None
    assert found.first_ns // S == START_S // 10 * 10
    for selector in ("system.cpu.*", "system.disk.*"):
        mine = _range(data, selector, START_S, START_S + 3600)
        theirs = _range(found.data_dir, selector, START_S, START_S + 3600)
        assert isinstance(mine, m.RangeReply)
        assert isinstance(theirs, m.RangeReply)
        assert sum(mine.counts) > 2000
        assert theirs.counts == mine.counts
        assert [item.mean for item in theirs.series] == [item.mean for item in mine.series]
        assert [item.maximum for item in theirs.series] == [item.maximum for item in mine.series]


def test_a_table_whose_columns_changed_keeps_both_shapes(tmp_path: Path) -> None:
    members = bundles.sound()
    other = TableSchema("things", (TableColumn("thing.weight", "kg", "gauge"),))
    line = TableLine(110, TableChange("things", (START_S + 9) * S, True, {"a": (5.5,)}))
    members["tables/things-0001.jsonl"] = bundles.lines([TableHead(other), line])
    (tmp_path / "inside").mkdir()
    found = open_bundle(bundles.put(tmp_path, bundles.bundle(members)), tmp_path / "inside")
    with open_archive(found.data_dir) as archive:
        before, after = archive.table_of("things", 105), archive.table_of("things", 115)
    assert before is not None
    assert after is not None
    assert (before.schema.columns, before.rows["a"]) == (bundles.OTHER.columns, ("one", 5))
    assert (after.schema.columns, after.rows) == (other.columns, {"a": (5.5,)})


def test_a_known_table_comes_in_our_columns(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    path = bundles.put(tmp_path, CONTENT["a known table with its columns turned"][0]())
    found = open_bundle(path, tmp_path / "inside")
    with open_archive(found.data_dir) as archive:
        rows = archive.table_of("processes", 102)
    assert rows is not None
    assert rows.schema.columns == PROCESSES.columns
    assert rows.rows["7:5"] == (None, *bundles.row(7)[1:])  # the pid was left out


@pytest.mark.skipif(not crypt.available(), reason="pyrage is not installed")
def test_an_encrypted_one_leaves_nothing_of_what_was_in_it(tmp_path: Path) -> None:
    plain = bundles.put(tmp_path, bundles.bundle())
    locked = tmp_path / "locked.wftop.age"
    words = crypt.generate_passphrase()
    crypt.encrypt_file(plain, locked, crypt.Encryption(passphrase=words))
    folder = tmp_path / "inside"
    folder.mkdir()
    with pytest.raises(BundleError, match=r"locked\.wftop\.age: "):
        open_bundle(locked, folder, passphrase=words[:-1])
    assert list(folder.iterdir()) == []
    found = open_bundle(locked, folder, passphrase=words)
    assert found.manifest.origin.host == "host-3f"
    assert not any(item.name.startswith("plain") for item in folder.iterdir())


def test_names_in_tables_are_as_long_as_labels_may_be(tmp_path: Path) -> None:
    """They become labels of series: longer ones would be refused there, in the middle of a screen."""
    head = TableHead(STREAMS)
    row = tuple("中" * 300 if item.kind == "text" else 1 for item in STREAMS.columns)
    line = TableLine(101, TableChange("streams", START_S * S, True, {"s": row}))
    data = bundles.replaced("tables/streams-0000.jsonl", bundles.lines([head, line]))
    (tmp_path / "inside").mkdir()
    found = open_bundle(bundles.put(tmp_path, data), tmp_path / "inside")
    with open_archive(found.data_dir) as archive:
        told = archive.table_of("streams", 102)
    assert told is not None
    name = told.rows["s"][STREAMS.index("stream.source")]
    assert isinstance(name, str)
    assert 250 < len(name.encode()) <= 256
