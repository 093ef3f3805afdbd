"""The keeper: what fails is kept, told once, and written when it works again."""

from __future__ import annotations

import sqlite3
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakeclock import FakeClock
from tests.records import GAUGE, LAYOUT, SCHEMA, fact, many_columns, rows, tick
from wftui.model import health
from wftui.model.event import Event
from wftui.model.table import keyframe
from wftui.model.tick import Layout, Tick
from wftui.recorder import keeper as keeper_module
from wftui.recorder import pending
from wftui.recorder.keeper import QUEUE, Caps, Condition, Keeper
from wftui.recorder.pending import TICKS as PENDING_TICKS
from wftui.store import database, journal, manifest, read
from wftui.store.journal import (
    Burst,
    Journal,
    Opening,
    StoredChange,
    StoreFullError,
    StoreUnavailableError,
    damaged_files,
)

CAPS = Caps(48 * 3600, 1 << 30, 0, 0.0)
CODES = {"full": sqlite3.SQLITE_FULL, "io": sqlite3.SQLITE_IOERR, "readonly": sqlite3.SQLITE_READONLY}


class Failing(Journal):
    """A journal whose writes fail while ``code`` is set, as SQLite would."""

    code: int | None = None
    fail_at: int | None = None
    """The n-th write from now fails, once."""
    writes = 0
    attempts = 0
    gate: threading.Event | None = None

    def write(
        self,
        ticks: Iterable[tuple[Tick, Layout]] = (),
        changes: Iterable[StoredChange] = (),
        events: Iterable[Event] = (),
        bursts: Iterable[Burst] = (),
    ) -> None:
        kind = type(self)
        kind.attempts += 1
        if kind.gate is not None:
            kind.gate.wait(20)
        code = kind.code
        if kind.fail_at is not None:
            kind.fail_at -= 1
            if kind.fail_at == 0:
                code = sqlite3.SQLITE_IOERR
        if code is not None:
            error = sqlite3.OperationalError("injected")
            error.sqlite_errorcode = code
            raise database.translate(error, self.path) from error
        super().write(ticks, changes, events, bursts)
        kind.writes += 1


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Failing]]:
    Failing.code = Failing.fail_at = Failing.gate = None
    Failing.writes = Failing.attempts = 0
    monkeypatch.setattr(keeper_module, "Journal", Failing)
    monkeypatch.setattr(keeper_module, "RETRY_S", 0.01)
    yield Failing
    if Failing.gate is not None:
        Failing.gate.set()


class Told:
    """What the keeper told."""

    def __init__(self, path: Path | None, caps: Caps = CAPS) -> None:
        self.conditions: list[Condition] = []
        self.damaged: list[str] = []
        self.keeper = Keeper(path, caps, FakeClock(), self.conditions.append, self.damaged.append)

    @property
    def states(self) -> list[str]:
        return [item.state for item in self.conditions]


def until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.002)


def stored(path: Path) -> list[int]:
    with read.open_reader(path.parent) as reader:
        return [item.seq for item in reader.ticks(0, 2**40)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / journal.NAME


def test_what_is_put_is_written_and_the_session_closed(path: Path) -> None:
    told = Told(path)
    opening = told.keeper.open("boot", "0.1", "record")
    assert (opening.session, opening.unclean) == (1, False)
    told.keeper.start()
    for seq in range(1, 101):
        told.keeper.put((tick(seq, seq), LAYOUT))
    told.keeper.put(fact(1))
    told.keeper.put(StoredChange(5, SCHEMA, keyframe(SCHEMA, 5, rows(2))))
    assert told.keeper.stop("stopped", 5)
    assert stored(path) == list(range(1, 101))
    assert told.conditions == []
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT ended FROM session").fetchall() == [("stopped",)]
    assert connection.execute("SELECT count(*) FROM table_change").fetchone() == (1,)
    connection.close()


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_a_disk_that_fails_for_a_while_loses_nothing_that_fits(
    path: Path, failing: type[Failing], code: int
) -> None:
    told = Told(path)
    told.keeper.open("boot", "0.1", "record")
    told.keeper.start()
    told.keeper.put((tick(1, 1), LAYOUT))
    until(lambda: failing.writes == 1)
    failing.code = code
    for seq in range(2, PENDING_TICKS + 2):
        told.keeper.put((tick(seq, seq), LAYOUT))
    told.keeper.put(fact(1))
    until(lambda: told.keeper.pending == PENDING_TICKS and failing.attempts > 5)
    assert told.states == [health.FAILED], "told once, not at each try"
    assert "injected" in told.conditions[0].reason
    assert told.conditions[0].fix
    failing.code = None
    until(lambda: told.keeper.pending == 0)
    assert told.states == [health.FAILED, health.OK]
    assert told.keeper.lost == 0
    assert told.keeper.stop("stopped", 5)
    assert stored(path) == list(range(1, PENDING_TICKS + 2))
    with read.open_reader(path.parent) as reader:
        assert [item.seq for item in reader.events()[0]] == [1]


def test_beyond_ten_minutes_the_oldest_go_counted(path: Path, failing: type[Failing]) -> None:
    told = Told(path)
    told.keeper.open("boot", "0.1", "record")
    failing.code = sqlite3.SQLITE_FULL
    told.keeper.start()
    for seq in range(1, PENDING_TICKS + 51):
        told.keeper.put((tick(seq, seq), LAYOUT))
    until(lambda: told.keeper.lost == 50)
    failing.code = None
    until(lambda: told.keeper.pending == 0)
    told.keeper.stop("stopped", 5)
    assert stored(path) == list(range(51, PENDING_TICKS + 51))


@pytest.mark.parametrize("nth", range(1, 13))
def test_any_single_failing_write_loses_nothing(path: Path, failing: type[Failing], nth: int) -> None:
    told = Told(path)
    told.keeper.open("boot", "0.1", "record")
    failing.fail_at = nth
    told.keeper.start()
    for seq in range(1, 11):
        told.keeper.put((tick(seq, seq), LAYOUT))
        told.keeper.put(fact(seq))
        until(lambda: told.keeper.pending == 0 and failing.writes >= 1)
    assert told.keeper.stop("stopped", 5)
    assert stored(path) == list(range(1, 11))
    with read.open_reader(path.parent) as reader:
        assert [item.seq for item in reader.events()[0]] == list(range(1, 11))
    assert told.states in ([health.FAILED, health.OK], []), "each change once"
    assert told.states or failing.fail_at > 0, "the write did fail"


def test_a_disk_that_hangs_does_not_fill_the_memory(path: Path, failing: type[Failing]) -> None:
    told = Told(path)
    told.keeper.open("boot", "0.1", "record")
    failing.gate = threading.Event()
    told.keeper.start()
    told.keeper.put((tick(1, 1), LAYOUT))
    until(lambda: failing.attempts == 1)
    for seq in range(2, QUEUE + 1001):
        told.keeper.put((tick(seq, seq), LAYOUT))
    assert told.keeper._queue.qsize() == QUEUE
    assert told.keeper.lost == 999
    failing.gate.set()
    failing.gate = None
    assert told.keeper.stop("stopped", 10)
    kept = stored(path)
    assert len(kept) >= PENDING_TICKS
    assert len(kept) + told.keeper.lost == QUEUE + 1000, "what is lost is counted"


def test_a_checkpoint_on_a_full_disk_is_no_recovery(path: Path, failing: type[Failing]) -> None:
    told = Told(path)
    told.keeper.open("boot", "0.1", "record")
    failing.code = sqlite3.SQLITE_FULL
    told.keeper.start()
    told.keeper.put((tick(1, 1), LAYOUT))
    until(lambda: told.states == [health.FAILED])
    done = threading.Event()

    def checkpoint(open_journal: Journal) -> None:
        open_journal.checkpoint()
        done.set()

    told.keeper.put(checkpoint)
    assert done.wait(5)
    until(lambda: failing.attempts > 3)
    assert told.states == [health.FAILED]
    failing.code = None
    assert told.keeper.stop("stopped", 5)


def test_too_little_room_for_others_stops_writing(path: Path, failing: type[Failing]) -> None:
    told = Told(path, CAPS._replace(min_free_bytes=1 << 60))
    told.keeper.open("boot", "0.1", "record")
    told.keeper.start()
    told.keeper.put((tick(1, 1), LAYOUT))
    until(lambda: failing.writes == 1)
    told.keeper.put(told.keeper._trim)
    until(lambda: told.states == [health.FAILED])
    assert "free space" in told.conditions[0].reason
    told.keeper.put((tick(2, 2), LAYOUT))
    until(lambda: told.keeper.pending == 1)
    assert failing.writes == 1
    told.keeper._caps = CAPS
    until(lambda: told.keeper.pending == 0)
    told.keeper.stop("stopped", 5)
    assert stored(path) == [1, 2]


def test_a_journal_damaged_while_it_runs_is_renamed_aside(path: Path, failing: type[Failing]) -> None:
    told = Told(path)
    opening = told.keeper.open("boot", "0.1", "record")
    told.keeper.start()
    told.keeper.put((tick(1, 1), LAYOUT))
    until(lambda: failing.writes == 1)
    failing.code = sqlite3.SQLITE_CORRUPT
    told.keeper.put((tick(2, 2), LAYOUT))
    until(lambda: told.keeper.damaged >= 1)
    failing.code = None
    told.keeper.put((tick(3, 3), LAYOUT))
    until(lambda: told.keeper.pending == 0)
    assert told.keeper.stop("stopped", 5)
    assert stored(path) == [1, 2, 3], "nothing of what was pending is lost, nor of what was stored"
    assert len(damaged_files(path.parent)) == told.keeper.damaged == len(told.damaged)
    with read.open_reader(path.parent) as reader:
        assert {item.boot for item in reader.ticks(0, 9)} == {opening.boot}
        assert reader.layout(1) == LAYOUT, "the layout is written again"


def test_a_damaged_journal_at_the_start(path: Path) -> None:
    path.write_bytes(b"garbage" * 1000)
    told = Told(path)
    assert told.keeper.open("boot", "0.1", "record").session == 1
    assert len(told.damaged) == 1
    told.keeper.start()
    told.keeper.put((tick(1, 1), LAYOUT))
    assert told.keeper.stop("stopped", 5)
    assert stored(path) == [1]
    assert damaged_files(path.parent)[0].read_bytes() == b"garbage" * 1000


def test_a_data_folder_that_vanishes_and_comes_back(tmp_path: Path, failing: type[Failing]) -> None:
    """Renaming aside fails, opening anew fails: still nothing ends the thread."""
    folder = tmp_path / "d"
    folder.mkdir()
    path = folder / journal.NAME
    told = Told(path)
    told.keeper.open("boot", "0.1", "record")
    told.keeper.start()
    folder.rename(tmp_path / "elsewhere")
    failing.code = sqlite3.SQLITE_CORRUPT
    told.keeper.put((tick(1, 1), LAYOUT))
    until(lambda: health.FAILED in told.states)
    failing.code = None
    until(lambda: told.keeper.pending == 1)
    folder.mkdir()
    until(lambda: told.keeper.pending == 0)
    assert told.keeper.stop("stopped", 5)
    assert stored(path) == [1]
    assert told.states[-1] == health.OK


def test_an_item_that_cannot_be_stored_holds_up_nothing(path: Path) -> None:
    told = Told(path)
    told.keeper.open("boot", "0.1", "record")
    told.keeper.start()
    bad = fact(1)
    told.keeper.put(Event(1, bad.event_id, 1, "recorder.started", "path", "a\udcff"))
    told.keeper.put(Event(3, "other", 2**70, "recorder.started", "recorder", "1"))
    told.keeper.put((tick(3, 3), LAYOUT))
    told.keeper.put(fact(2))
    until(lambda: told.keeper.pending == 0)
    assert told.keeper.stop("stopped", 5)
    assert stored(path) == [3]
    assert told.keeper.lost == 2


def test_memory_only_answers_and_forgets(path: Path) -> None:
    told = Told(path)
    told.keeper.use_memory("boot", "0.1", "record")
    assert told.keeper.in_memory
    told.keeper.start()
    for seq in range(1, 1001):
        told.keeper.put((tick(seq, seq), LAYOUT))
    told.keeper.put(told.keeper._trim)
    found: list[int] = []
    told.keeper.put(
        lambda open_journal: found.extend(item.seq for item in read.Reader(open_journal.reader()).ticks(0, 9999))
    )
    assert told.keeper.stop("stopped", 5)
    assert found == list(range(401, 1001))
    assert not path.exists()


def test_stop_gives_up_on_a_hanging_disk(path: Path, failing: type[Failing]) -> None:
    told = Told(path)
    told.keeper.open("boot", "0.1", "record")
    failing.gate = threading.Event()
    told.keeper.start()
    told.keeper.put((tick(1, 1), LAYOUT))
    until(lambda: failing.attempts == 1)
    assert not told.keeper.stop("stopped", 0.05)
    failing.gate.set()
    until(lambda: told.keeper._thread is not None and not told.keeper._thread.is_alive())


def test_stop_without_a_start(path: Path) -> None:
    assert Told(path).keeper.stop("stopped", 1)
    assert StoreUnavailableError("x").exit_code == 5


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_in_the_keeper_is_told(path: Path, failing: type[Failing]) -> None:
    """Else the store would seem to be well for ever after, with nothing written."""
    assert failing
    told = Told(path)
    told.keeper.open("boot", "0.1", "record")
    told.keeper.start()

    def bug(_: Journal) -> None:
        raise ZeroDivisionError("oh")

    told.keeper.put(bug)
    until(lambda: told.states == [health.FAILED])
    assert "ZeroDivisionError" in told.conditions[0].reason
    thread = told.keeper._thread
    assert thread is not None
    thread.join(5)  # its traceback comes last, and belongs to this test


def test_ten_minutes_of_many_series_stay_under_the_bound(
    path: Path, failing: type[Failing], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ticks go before nothing else: bursts and table changes are given up first."""
    monkeypatch.setattr(pending, "BYTES", 100_000)
    told = Told(path)
    told.keeper.open("boot", "0.1", "record")
    failing.code = sqlite3.SQLITE_FULL
    told.keeper.start()
    wide = Layout(1, tuple(many_columns(100)))
    burst = Burst(1, "e", GAUGE, array("q", range(900)), array("d", range(900)))
    told.keeper.put(burst)
    until(lambda: failing.attempts > 1)
    for seq in range(1, 201):
        told.keeper.put((tick(seq, seq, [1.0] * 100), wide))
        if seq % 10 == 0:
            told.keeper.put(StoredChange(seq, SCHEMA, keyframe(SCHEMA, seq, rows(20))))
            until(lambda: told.keeper._queue.empty())
    until(lambda: told.keeper.lost > 0 and told.keeper._queue.empty())
    assert told.keeper._pending.bytes <= 100_000
    held = told.keeper.pending
    assert held == 100_000 // pending.weight((tick(1, 1, [1.0] * 100), wide)), "all room is the ticks'"
    assert held + told.keeper.lost == 200
    failing.code = None
    until(lambda: told.keeper.pending == 0)
    assert told.keeper._pending.bytes == 0
    assert told.keeper.stop("stopped", 5)
    assert stored(path) == list(range(201 - held, 201))


def test_a_hanging_disk_and_wide_ticks_stay_under_the_bound(
    path: Path, failing: type[Failing], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "BYTES", 100_000)
    told = Told(path)
    told.keeper.open("boot", "0.1", "record")
    failing.gate = threading.Event()
    told.keeper.start()
    told.keeper.put((tick(1, 1), LAYOUT))
    until(lambda: failing.attempts == 1)
    wide = Layout(2, tuple(many_columns(100)))
    for seq in range(2, 202):
        told.keeper.put((tick(seq, seq, [1.0] * 100, layout=2), wide))
    fits = 100_000 // pending.weight((tick(1, 1, [1.0] * 100), wide))
    assert told.keeper._queue.qsize() == fits
    assert told.keeper.lost == 200 - fits
    failing.gate.set()
    failing.gate = None
    assert told.keeper.stop("stopped", 10)
    assert stored(path) == list(range(1, fits + 2))
    assert told.keeper._put_bytes == told.keeper._taken_bytes


def seal(folder: Path, last_seq: int) -> None:
    """A manifest and the file that it names."""
    (folder / manifest.FOLDER / manifest.RAW).mkdir(parents=True)
    file = f"{manifest.RAW}/system-1-{last_seq}-1.parquet"
    (folder / manifest.FOLDER / file).write_bytes(b"x")
    segment = manifest.Segment(file, "raw", "system", "", 1, last_seq, 0, 9, 9, 5_000, "", 0)
    manifest.save(
        folder,
        manifest.Manifest(sealed_seq=last_seq, sealed_event_seq=40, boots={"old": 6}, segments=(segment,)),
    )


def test_a_new_journal_goes_on_behind_the_segments(path: Path) -> None:
    seal(path.parent, 5000)
    told = Told(path)
    opening = told.keeper.open("boot", "0.1", "record")
    assert (opening.last_seq, opening.last_event_seq, opening.boot) == (5000, 40, 7)
    assert (told.keeper.sealed_seq, told.keeper.segments_bytes) == (5000, 5000)
    assert not told.keeper.manifest_lost
    told.keeper.start()
    assert told.keeper.stop("stopped", 5)


def test_a_manifest_that_is_missing_beside_segments(path: Path) -> None:
    seal(path.parent, 5000)
    (path.parent / manifest.FOLDER / manifest.NAME).unlink()
    told = Told(path)
    assert told.keeper.open("boot", "0.1", "record").last_seq == 5000
    assert told.keeper.manifest_lost
    assert told.damaged == []
    told.keeper.start()
    assert told.keeper.stop("stopped", 5)


def test_a_newer_manifest_is_left_untouched(path: Path) -> None:
    seal(path.parent, 5000)
    file = path.parent / manifest.FOLDER / manifest.NAME
    file.write_text('{"version": 99, "segments": "another shape"}')
    with pytest.raises(manifest.SegmentsNewerError, match="newer wftop"):
        Told(path).keeper.open("boot", "0.1", "record")
    assert file.read_text() == '{"version": 99, "segments": "another shape"}'
    assert not path.exists(), "no journal was begun"


@pytest.mark.parametrize("content", [b"", b"garbage", b"[]", b'{"version": "x"}', bytes(500)])
def test_a_damaged_manifest_is_renamed_aside(path: Path, content: bytes) -> None:
    seal(path.parent, 5000)
    file = path.parent / manifest.FOLDER / manifest.NAME
    file.write_bytes(content)
    told = Told(path)
    opening = told.keeper.open("boot", "0.1", "record")
    assert opening.last_seq == 5000, "the segments' names tell"
    assert opening.boot > 5000, "a number that no segment has"
    assert (told.keeper.damaged, len(told.damaged), told.keeper.sealed_seq) == (1, 1, 0)
    assert told.keeper.manifest_lost
    (aside,) = file.parent.glob("manifest.json.damaged-*")
    assert aside.read_bytes() == content
    told.keeper.start()
    assert told.keeper.stop("stopped", 5)


def test_sealed_ticks_leave_after_an_hour_and_never_before(path: Path) -> None:
    told = Told(path, CAPS._replace(ticks=5000))
    told.keeper.open("boot", "0.1", "record")
    told.keeper.start()
    for seq in range(1, 4001):
        told.keeper.put((tick(seq, seq), LAYOUT))
    told.keeper.put(told.keeper._trim)
    until(lambda: told.keeper.size is not None)
    assert stored(path) == list(range(1, 4001)), "nothing of it was sealed"
    told.keeper.sealed_seq = 3900
    told.keeper.put(told.keeper._trim)
    assert told.keeper.stop("stopped", 5)
    assert stored(path) == list(range(4000 - journal.LIVE_TICKS + 1, 4001))


def test_segments_take_from_what_the_journal_may(path: Path) -> None:
    told = Told(path, CAPS._replace(max_bytes=400_000))
    told.keeper.open("boot", "0.1", "record")
    told.keeper.segments_bytes = 1 << 30
    wide = Layout(1, tuple(many_columns(100)))
    told.keeper.start()
    for seq in range(1, 1001):
        told.keeper.put((tick(seq, seq, [1.0] * 100), wide))
    told.keeper.put(told.keeper._trim)
    assert told.keeper.stop("stopped", 5)
    assert told.keeper.size is not None
    assert told.keeper.size <= 400_000
    assert stored(path)[-1] == 1000


class Full(Failing):
    """A disk that is full from the start: nothing can be begun."""

    room = False

    def begin(self, *arguments: Any, **named: Any) -> Opening:  # Any: passed on as they are
        if not type(self).room:
            raise StoreFullError(f"{self.path}: database or disk is full")
        return super().begin(*arguments, **named)


def test_a_disk_that_is_full_at_the_start(
    path: Path, failing: type[Failing], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert failing
    first = Told(path)
    before = first.keeper.open("boot", "0.1", "record")
    first.keeper.start()
    first.keeper.put((tick(7, 7), LAYOUT))
    first.keeper.put(fact(3))
    assert first.keeper.stop("stopped", 5)
    monkeypatch.setattr(keeper_module, "Journal", Full)
    monkeypatch.setattr(Full, "room", False)
    told = Told(path)
    opening = told.keeper.open("another boot", "0.1", "record")
    assert (opening.last_seq, opening.last_event_seq, opening.last_time_s) == (7, 3, 7)
    assert (opening.session, opening.boot) == (before.session + 1, before.boot + 1)
    assert (opening.unclean, opening.rebooted) == (False, True)
    assert told.states == [health.FAILED]
    assert "full" in told.conditions[0].reason
    told.keeper.start()
    for seq in range(8, 20):
        told.keeper.put((tick(seq, seq), LAYOUT))
    until(lambda: told.keeper.pending == 12)
    monkeypatch.setattr(Full, "room", True)
    until(lambda: told.keeper.pending == 0)
    assert told.states == [health.FAILED, health.OK]
    assert told.keeper.stop("stopped", 5)
    assert stored(path) == list(range(7, 20))
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT id, boot, ended FROM session").fetchall() == [
        (before.session, before.boot, "stopped"), (opening.session, opening.boot, "stopped"),
    ]  # fmt: skip
    connection.close()


def test_a_disk_that_is_full_and_empty_of_ours(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper_module, "Journal", Full)
    monkeypatch.setattr(keeper_module, "RETRY_S", 0.01)
    monkeypatch.setattr(Full, "room", False)
    seal(path.parent, 5000)
    told = Told(path)
    opening = told.keeper.open("boot", "0.1", "record")
    assert (opening.last_seq, opening.session, opening.boot, opening.unclean) == (5000, 1, 7, False)
    told.keeper.start()
    told.keeper.put((tick(5001, 9), LAYOUT))
    until(lambda: told.keeper.pending == 1)
    monkeypatch.setattr(Full, "room", True)
    until(lambda: told.keeper.pending == 0)
    assert told.keeper.stop("stopped", 5)
    assert stored(path) == [5001]


@pytest.mark.parametrize("replaced", [False, True])
def test_a_journal_that_somebody_removed_is_begun_anew(path: Path, failing: type[Failing], replaced: bool) -> None:
    told = Told(path)
    told.keeper.open("boot", "0.1", "record")
    told.keeper.start()
    told.keeper.put((tick(1, 1), LAYOUT))
    until(lambda: failing.writes == 1)
    for file in path.parent.glob("journal.db*"):
        file.rename(file.with_name(f"old-{file.name}"))
    if replaced:
        other = path.parent / "other"
        other.mkdir()
        Journal(other / path.name).close()
        (other / path.name).rename(path)
    told.keeper.put(told.keeper._trim)
    until(lambda: told.states == [health.FAILED])
    assert "removed" in told.conditions[0].reason
    told.keeper.put((tick(2, 2), LAYOUT))
    until(lambda: told.states == [health.FAILED, health.OK])
    assert told.keeper.stop("stopped", 5)
    assert stored(path) == [2]
