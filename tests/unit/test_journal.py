"""The journal: what is committed comes back, damage is counted, what is newer or foreign is left alone."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records import COUNTER, GAUGE, LAYOUT, SCHEMA, fact, many_columns, rows, tick
from wftui.clock import NS_PER_S
from wftui.errors import NoDataError, StoreError
from wftui.model.sample import ESTIMATED, Column
from wftui.model.table import TableSnapshot, difference, keyframe
from wftui.model.tick import Layout
from wftui.store import founding, journal, read, schema
from wftui.store.journal import (
    Journal,
    Opening,
    StoreDamagedError,
    StoredChange,
    StoreNewerError,
    StoreUnavailableError,
    damaged_files,
    set_aside,
)
from wftui.store.read import Reader


def begun(path: Path | None) -> Journal:
    made = Journal(path)
    made.begin("boot-1", "0.1", "record", 1, 5, 6)
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / journal.NAME


def filled(path: Path, count: int = 10) -> None:
    made = begun(path)
    made.write(
        [(tick(n, 1000 + n, (n, n * 2.0)), LAYOUT) for n in range(1, count + 1)], (), [fact(n) for n in (1, 2)]
    )
    made.close()


def spoil(path: Path, sql: str, *parameters: object) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(sql, parameters)
    connection.close()


@pytest.mark.parametrize("memory", [True, False])
def test_what_is_written_comes_back(path: Path, memory: bool) -> None:
    made = begun(None if memory else path)
    wider = Layout(2, (*LAYOUT.columns, many_columns(1)[0]))
    ticks = [(tick(1, 1001), LAYOUT), (tick(2, 1002, (3, 4, 5), layout=2), wider), (tick(3, 1002), LAYOUT)]
    facts = [fact(1, 7), fact(2, 9)]
    made.write(ticks, (), facts)
    reader = Reader(made.reader())
    assert list(reader.ticks(0, 2000)) == [item for item, _ in ticks]
    assert list(reader.ticks(1002, 1003)) == [item for item, _ in ticks[1:]]
    assert list(reader.ticks(5, 6)) == []
    assert reader.at(1002) == ticks[2][0], "the last pass counts"
    assert reader.at(1500) is None
    assert reader.neighbours(1500) == (1002, None)
    assert reader.neighbours(1002) == (1001, None)
    assert reader.bounds() == (1001, 1002)
    assert (reader.layout(1), reader.layout(2)) == (LAYOUT, wider)
    assert reader.columns() == list(wider.columns)
    assert reader.events() == (facts, False)
    assert [e.seq for e in reader.events(limit=1)[0]] == [1]
    assert reader.events(limit=1)[1] is True
    assert [e.seq for e in reader.events(limit=1, newest=True)[0]] == [2]
    assert [e.seq for e in reader.events(since_ns=8)[0]] == [2]
    assert [e.seq for e in reader.events(until_ns=8)[0]] == [1]
    assert [e.seq for e in reader.events(after_seq=1)[0]] == [2]
    assert reader.events(types=["store.*"]) == ([], False)
    assert reader.damaged == 0
    made.close()


def test_private_files_and_the_marks_of_the_format(path: Path) -> None:
    filled(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA application_id").fetchone() == (schema.APPLICATION_ID,)
    assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_sessions_follow_each_other(path: Path) -> None:
    filled(path)
    made = Journal(path)
    opening = made.begin("boot-2", "0.1", "view", 2, 50, 60)
    assert opening == Opening(2, 2, 10, 2, 1, True, True, 1010)
    made.end(opening.session, 99, "stopped")
    made.close()
    made = Journal(path)
    opening = made.begin("boot-1", "0.1", "record", 3, 70, 80)
    assert (opening.session, opening.boot, opening.unclean) == (3, 1, False)
    made.close()
    made.close()


def test_a_provenance_change_is_another_column(path: Path) -> None:
    made = begun(path)
    guess = Column(GAUGE.series, GAUGE.unit, GAUGE.kind, GAUGE.group, ESTIMATED, GAUGE.source, GAUGE.call)
    changed = Layout(2, (guess, COUNTER))
    made.write([(tick(1, 1), LAYOUT), (tick(2, 2, layout=2), changed)])
    reader = Reader(made.reader())
    assert [reader.layout(item.layout).columns[0].quality for item in reader.ticks(0, 9)] == [
        "measured",
        "estimated",
    ]
    made.close()


def test_a_flipped_byte_costs_one_tick(path: Path) -> None:
    filled(path)
    (values,) = sqlite3.connect(path).execute('SELECT "values" FROM tick WHERE seq = 4').fetchone()
    spoil(path, 'UPDATE tick SET "values" = ? WHERE seq = 4', bytes([values[0] ^ 1]) + values[1:])
    spoil(path, "UPDATE tick SET time_s = 1008 WHERE seq = 7")
    with read.open_reader(path.parent) as reader:
        assert [item.seq for item in reader.ticks(0, 2000)] == [1, 2, 3, 5, 6, 8, 9, 10]
        assert reader.damaged == 2
        assert reader.at(1004) is None


def test_a_damaged_layout_has_no_columns(path: Path) -> None:
    filled(path)
    spoil(path, "UPDATE layout SET crc32 = crc32 + 1")
    with read.open_reader(path.parent) as reader:
        assert reader.layout(1).columns == ()
        assert reader.damaged == 1


def test_a_newer_schema_is_refused_untouched(path: Path) -> None:
    filled(path)
    spoil(path, "PRAGMA user_version = 99")
    before = path.read_bytes()
    with pytest.raises(StoreNewerError, match="newer"):
        Journal(path)
    with pytest.raises(StoreNewerError, match="newer"):
        read.open_reader(path.parent)
    assert path.read_bytes() == before


def test_a_foreign_database_is_not_ours(path: Path) -> None:
    spoil(path, "CREATE TABLE theirs(a)")
    before = path.read_bytes()
    with pytest.raises(StoreDamagedError, match="not a journal"):
        Journal(path)
    assert path.read_bytes() == before
    target = set_aside(path, 5 * NS_PER_S)
    assert target.read_bytes() == before
    assert damaged_files(path.parent) == [target]
    begun(path).close()


@pytest.mark.parametrize("content", [b"x" * 5000, b"SQLite format 3\0" + b"\xff" * 4096])
def test_garbage_is_damaged(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreDamagedError):
        begun(path)
    begun_lock_is_free(path)


def begun_lock_is_free(path: Path) -> None:
    """A failed opening leaves nothing locked."""
    set_aside(path, 0)
    begun(path).close()


def test_an_empty_file_was_a_journal(path: Path) -> None:
    path.touch()
    with pytest.raises(StoreDamagedError, match="empty"):
        Journal(path)


def test_a_journal_that_is_being_made_is_none_yet(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that comes between any two steps finds no journal, or a whole one without ticks."""
    found: list[object] = []

    def look() -> None:
        try:
            with read.open_reader(path.parent) as reader:
                found.append((reader.bounds(), reader.columns(), reader.events(), reader.tables()))
        except NoDataError:
            found.append(None)

    class Watched(sqlite3.Connection):
        def execute(self, *arguments: Any) -> sqlite3.Cursor:  # Any: passed on as they are
            look()
            return super().execute(*arguments)

        def executescript(self, sql: str, /) -> sqlite3.Cursor:
            statement = ""
            for part in sql.split(";"):
                statement += f"{part};"
                if sqlite3.complete_statement(statement):
                    self.execute(statement)
                    statement = ""
            return self.cursor()

    def connect(file: Any, **named: Any) -> sqlite3.Connection:
        return real(file, **named) if "uri" in named else real(file, factory=Watched, **named)

    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", connect)
    begun(path).close()
    empty: tuple[object, ...] = (None, [], ([], False), [])
    assert set(map(repr, found)) == {repr(None), repr(empty)}
    assert found == sorted(found, key=lambda item: item is not None), "once it is there it stays"
    assert {item.name for item in path.parent.glob("journal*")} == {path.name, "journal.lock"}


def test_what_a_start_that_was_killed_left_is_no_journal(path: Path) -> None:
    filled(path)
    path.with_name(path.name + "-wal").write_bytes(b"of a journal that is gone")
    path.rename(path.with_name(path.name + founding.BESIDE))
    with pytest.raises(NoDataError):
        read.open_reader(path.parent)
    filled(path, 3)
    with read.open_reader(path.parent) as reader:
        assert [item.seq for item in reader.ticks(0, 9999)] == [1, 2, 3]
    assert not path.with_name(path.name + founding.BESIDE).exists()


def test_a_folder_or_a_link_in_its_place(path: Path, tmp_path: Path) -> None:
    path.mkdir()
    with pytest.raises(StoreDamagedError, match="a folder"):
        Journal(path)
    path.rmdir()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError):
        Journal(path)
    assert not (tmp_path / "elsewhere").exists()


def test_no_folder_is_no_crash(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError):
        Journal(tmp_path / "missing" / journal.NAME)
    with pytest.raises(NoDataError):
        read.open_reader(tmp_path)
    with pytest.raises(StoreUnavailableError, match="there is no journal"):
        journal.open_reader(tmp_path / "x")


def test_a_truncated_file_is_damaged(path: Path) -> None:
    filled(path, 500)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(StoreError):  # noqa: PT012  where it shows depends on which page is cut
        made = begun(path)
        made.write([(tick(501, 9), LAYOUT)])
        list(Reader(made.reader()).ticks(0, 9999))


def test_two_writers_are_refused(path: Path) -> None:
    made = begun(path)
    with pytest.raises(StoreUnavailableError, match="another recorder"):
        Journal(path)
    made.close()
    begun(path).close()


def test_a_failed_write_leaves_nothing_behind_it(path: Path) -> None:
    """Layout, columns and schema of a rolled back transaction must be written again by the next."""
    made = begun(path)
    change = StoredChange(1, SCHEMA, keyframe(SCHEMA, 5, rows(1)))
    broken = fact(1)
    with pytest.raises(UnicodeEncodeError):
        made.write([(tick(1, 1001), LAYOUT)], [change], [broken.__class__(2, "id\udcff", 1, "t", "a", "b")])
    reader = Reader(made.reader())
    assert reader.bounds() is None
    made.write([(tick(1, 1001), LAYOUT)], [change], [broken])
    assert reader.layout(1) == LAYOUT
    found = reader.table_at("things", 1001 * NS_PER_S)
    assert found is not None
    assert found.rows == rows(1)
    made.close()


def test_trim_by_count(path: Path) -> None:
    made = begun(path)
    made.write([(tick(n, n), LAYOUT) for n in range(1, 2001)], (), [fact(n) for n in range(1, 51)])
    made.write((), [StoredChange(n, SCHEMA, keyframe(SCHEMA, n * NS_PER_S, rows(1))) for n in range(1, 2001, 10)])
    assert made.trim(300, 1 << 40, keep_events=20) == 1700
    reader = Reader(made.reader())
    assert [item.seq for item in reader.ticks(0, 9999)] == list(range(1701, 2001))
    assert next(reader._database.rows("SELECT min(tick) FROM table_change")) == (1701,)
    assert [item.seq for item in reader.events()[0]] == list(range(31, 51))
    assert made.trim(300, 1 << 40) == 0
    made.close()


def test_trim_gives_pages_back(path: Path) -> None:
    made = begun(path)
    wide = Layout(1, tuple(many_columns(200)))
    made.write([(tick(n, n, [1.0] * 200), wide) for n in range(1, 2001)])
    made.checkpoint()
    before = path.stat().st_size
    made.trim(1, 1 << 40)
    made.checkpoint()
    assert path.stat().st_size < before / 2
    made.close()


def test_trim_by_bytes_keeps_the_newest_tick(path: Path) -> None:
    made = begun(path)
    wide = Layout(1, tuple(many_columns(200)))
    made.write([(tick(n, n, [1.0] * 200), wide) for n in range(1, 3001)])
    before = made.size()
    made.trim(10**9, before // 2)
    assert made.size() <= before // 2
    reader = Reader(made.reader())
    kept = [item.seq for item in reader.ticks(0, 9999)]
    assert kept == list(range(kept[0], 3001))
    made.trim(10**9, 1)
    assert [item.seq for item in reader.ticks(0, 9999)] == [3000]
    made.close()


def test_layouts_leave_with_their_ticks(path: Path) -> None:
    """Containers come and go: a layout each, for ever, would fill the journal with lists of numbers."""
    made = begun(path)
    columns = many_columns(50)
    for number in range(1, 51):
        made.write(
            [(tick(number, number, [1.0] * number, layout=number), Layout(number, tuple(columns[:number])))]
        )
    made.trim(5, 1 << 40)
    reader = Reader(made.reader())
    assert list(reader._database.rows("SELECT min(id), max(id) FROM layout")) == [(46, 50)]
    assert [len(reader.layout(item.layout).columns) for item in reader.ticks(0, 99)] == [46, 47, 48, 49, 50]
    made.close()


def test_events_keep_their_numbers_after_the_newest_is_trimmed(path: Path) -> None:
    made = begun(path)
    made.write((), (), [fact(n) for n in range(1, 6)])
    made.write((), (), [fact(3)])  # again: ignored
    made.close()
    made = Journal(path)
    assert made.begin("boot-1", "0.1", "record", 1, 5, 6).last_event_seq == 5
    made.close()


def test_a_reader_sees_what_is_committed_while_the_writer_goes_on(path: Path) -> None:
    made = begun(path)
    with read.open_reader(path.parent) as reader:
        for number in range(1, 20):
            made.write([(tick(number, number), LAYOUT)])
            assert len(list(reader.ticks(0, 99))) == number
            made.checkpoint()
    made.close()


def test_a_read_only_copy_without_its_side_files_is_read(path: Path) -> None:
    filled(path)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        with read.open_reader(path.parent) as reader:
            assert len(list(reader.ticks(0, 2000))) == 10
    finally:
        path.parent.chmod(0o700)


def test_names_of_what_was_set_aside_do_not_collide(path: Path) -> None:
    for _ in range(3):
        path.write_bytes(b"x")
        path.with_name(path.name + "-wal").write_bytes(b"w")
        set_aside(path, 7 * NS_PER_S)
    assert [item.name for item in damaged_files(path.parent)] == [
        f"{journal.NAME}.damaged-7",
        f"{journal.NAME}.damaged-7-1",
        f"{journal.NAME}.damaged-7-2",
    ]
    assert len(list(path.parent.glob("*-wal"))) == 3


# ---- tables


def put_tables(made: Journal, clock: list[int]) -> None:
    """One row whose size is the tick's seq; a keyframe each 10 ticks; ``clock``: second of each tick."""
    held: dict[str, tuple[str | int | float | None, ...]] = {}
    for seq, time_s in enumerate(clock, 1):
        now = TableSnapshot(SCHEMA, time_s * NS_PER_S + 700_000_000, {"a": ("x", seq * 1000)})
        change = keyframe(SCHEMA, now.time_ns, now.rows) if seq % 10 == 1 else difference(held, now)
        held = dict(now.rows)
        made.write([(tick(seq, time_s), LAYOUT)], [StoredChange(seq, SCHEMA, change)])


def size_at(reader: Reader, time_s: int) -> object:
    found = reader.table_at("things", time_s * NS_PER_S)
    return found and found.rows["a"][1]


def test_tables_at_a_moment_and_over_a_range(path: Path) -> None:
    made = begun(path)
    put_tables(made, list(range(100, 140)))
    reader = Reader(made.reader())
    assert [size_at(reader, 100 + n) for n in (0, 5, 17, 39)] == [1000, 6000, 18000, 40000]
    assert size_at(reader, 99) is None
    assert size_at(reader, 140) is None, "a gap has no rows"
    assert reader.table_at("other", 100 * NS_PER_S) is None
    found = [change for _, change in reader.changes("things", 105 * NS_PER_S, 108 * NS_PER_S)]
    assert [(change.keyframe, change.rows["a"][1]) for change in found] == [
        (True, 5000), (False, 6000), (False, 7000), (False, 8000),
    ]  # fmt: skip
    whole = [change for _, change in reader.changes("things", 0, 999 * NS_PER_S)]
    assert [change.rows["a"][1] for change in whole] == [n * 1000 for n in range(1, 41)]
    assert list(reader.changes("things", 500 * NS_PER_S, 600 * NS_PER_S)) == []
    assert [c.name for c in reader.tables()] == ["things"]
    made.close()


def test_tables_of_a_repeated_hour(path: Path) -> None:
    """100..159, then the clock steps back by 30: 130..159 have two passes, and the first is reachable too."""
    made = begun(path)
    put_tables(made, [*range(100, 160), *range(130, 150)])
    reader = Reader(made.reader())
    assert size_at(reader, 129) == 30_000
    assert size_at(reader, 135) == 66_000, "the last pass, as with ticks"
    assert size_at(reader, 155) == 56_000, "only the first pass was there"
    found = [change.rows["a"][1] for _, change in reader.changes("things", 135 * NS_PER_S, 137 * NS_PER_S)]
    assert found == [35_000, 36_000, 37_000, 65_000, 66_000, 67_000]
    made.close()


def test_a_damaged_change_hides_the_table_until_the_next_keyframe(path: Path) -> None:
    made = begun(path)
    put_tables(made, list(range(100, 130)))
    made.close()
    spoil(path, "UPDATE table_change SET crc32 = crc32 + 1 WHERE tick = 14")
    with read.open_reader(path.parent) as reader:
        assert size_at(reader, 112) == 13_000
        assert size_at(reader, 113) == 13_000, "the last that is known"
        assert size_at(reader, 121) == 22_000
        assert reader.damaged


@given(st.lists(st.tuples(st.integers(0, 2**33), st.lists(st.floats(), min_size=2, max_size=2)), max_size=30))
def test_any_ticks_come_back_in_order(ticks: list[tuple[int, list[float]]]) -> None:
    made = begun(None)
    stored = [tick(seq, time_s, values) for seq, (time_s, values) in enumerate(ticks, 1)]
    made.write([(item, LAYOUT) for item in stored])
    reader = Reader(made.reader())
    assert list(reader.ticks(0, 2**34)) == stored
    for item in stored:
        last = max(other.seq for other in stored if other.time_s == item.time_s)
        assert reader.at(item.time_s) == stored[last - 1]
    made.close()
