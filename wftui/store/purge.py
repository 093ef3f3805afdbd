"""Deleting for good out of the journal: the part of a purge that its one writer does.

What is deleted is overwritten, then the file is written anew without its free pages and the WAL is emptied, so
that no byte of it stays. Segments are the business of ``purge_segments``.
"""

import sys
import zlib
from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

from wftui.model.series import matches, parse
from wftui.model.tick import Tick
from wftui.store import little
from wftui.store.journal import Journal
from wftui.units import NS_PER_S

_BATCH: Final = 500
_NAN: Final = array("d", [float("nan")]).tobytes()
_Run = Callable[..., Any]  # sqlite3's execute: cells are of any type
Kept = list[tuple[int, int, bool]]
"""Runs of columns [from, to) and whether they stay."""


class Wanted(NamedTuple):
    """What is to go; neither of both: everything."""

    before_s: int | None = None
    """What is older than this UTC second."""
    patterns: tuple[str, ...] = ()
    """These series only (``series.matches``), and nothing else."""

    @property
    def everything(self) -> bool:
        """Whether nothing is to stay."""
        return self.before_s is None and not self.patterns

    def names(self, series: str) -> bool:
        """Whether a pattern names this series; what is no series is named by nobody."""
        try:
            item = parse(series)
        except ValueError:
            return False
        return any(matches(pattern, item) for pattern in self.patterns)


class Purged(NamedTuple):
    """What went."""

    ticks: int = 0
    """Deleted, or rewritten without some series."""
    changes: int = 0
    events: int = 0
    bursts: int = 0
    series: int = 0
    wiped: bool = True
    """False: somebody was reading, so the bytes stay in the file until its WAL can be emptied."""


def before_second(before_ns: int | None) -> int | None:
    """A second that had begun before the moment goes whole."""
    return None if before_ns is None else -(-before_ns // NS_PER_S)


def purge_journal(journal: Journal, wanted: Wanted, session: int = 0) -> Purged:
    """Delete, in one transaction. ``session`` runs now and stays; 0: none does.

    Whoever writes ticks begins a new layout first; whoever reads them reads layouts again afterwards.

    Raises:
        StoreError: Nothing was deleted.
    """

    def change(run: _Run) -> Purged:
        if wanted.everything:
            done = _everything(run, session)
        elif wanted.patterns:
            done = _series(run, wanted)
        else:
            done = _before(run, wanted.before_s or 0)
        _remove_unused(run)
        return done

    done, wiped = journal.revise(change)
    return done._replace(wiped=wiped)


def _delete(run: _Run, table: str, where: str = "true", parameters: Sequence[object] = ()) -> int:
    return int(run(f"DELETE FROM {table} WHERE {where}", parameters).rowcount)  # noqa: S608  fixed words only


def _everything(run: _Run, session: int) -> Purged:
    done = Purged(_delete(run, "tick"), _delete(run, "table_change"), _delete(run, "event"), _delete(run, "burst"))
    _delete(run, "session", "id <> ?", (session,))
    return done


def _before(run: _Run, before_s: int) -> Purged:
    before_ns = before_s * NS_PER_S
    done = Purged(
        _delete(run, "tick", "time_s < ?", (before_s,)),
        _delete(run, "table_change", "time_ns < ?", (before_ns,)),
        _delete(run, "event", "time_ns < ?", (before_ns,)),
        _cut_bursts(run, before_ns, "true"),
    )
    # The newest one stays: it says whether the recorder before ended in order.
    older = "id < (SELECT max(id) FROM session) AND coalesce(ended_ns, started_ns) < ?"
    _delete(run, "session", older, (before_ns,))
    return done


def _cut_bursts(run: _Run, before_ns: int, where: str) -> int:
    gone = 0
    for (number,) in run(f"SELECT id FROM burst WHERE {where}").fetchall():  # noqa: S608  numbers only
        # One after the other: all of them may be more than a recorder should hold.
        times, values = run('SELECT time_ns, "values" FROM burst WHERE id = ?', (number,)).fetchone()
        kept = sum(at >= before_ns for at in little.unpack("q", times))
        if 8 * kept == len(times):
            continue
        gone += 1
        if kept:
            times, values = times[-8 * kept :], values[-8 * kept :]
            cells = (times, values, zlib.crc32(values, zlib.crc32(times)), number)
            run('UPDATE burst SET time_ns = ?, "values" = ?, crc32 = ? WHERE id = ?', cells)
        else:
            _delete(run, "burst", "id = ?", (number,))
    return gone


def _series(run: _Run, wanted: Wanted) -> Purged:
    columns = run("SELECT id, series FROM series_column").fetchall()
    ids = {number for number, text in columns if wanted.names(text)}
    if not ids:
        return Purged(events=_about_series(run, wanted))
    layouts: dict[int, Kept] = {}
    for number, blob in run("SELECT id, columns FROM layout").fetchall():
        held = little.unpack("I", blob)
        if ids.isdisjoint(held):
            continue
        layouts[number] = _runs([item not in ids for item in held])
        if wanted.before_s is None:
            kept = little.pack(array("I", [item for item in held if item not in ids]))
            run("UPDATE layout SET columns = ?, crc32 = ? WHERE id = ?", (kept, zlib.crc32(kept), number))
    listed = f"series_column IN ({', '.join(map(str, sorted(ids)))})"
    before_s = wanted.before_s
    return Purged(
        _ticks(run, layouts, before_s),
        events=_about_series(run, wanted),
        bursts=_delete(run, "burst", listed)
        if before_s is None
        else _cut_bursts(run, before_s * NS_PER_S, listed),
        series=len(ids),
    )


def _about_series(run: _Run, wanted: Wanted) -> int:
    """Events that name such a series."""
    until_ns = sys.maxsize if wanted.before_s is None else wanted.before_s * NS_PER_S
    about = run("SELECT DISTINCT aggregate_id FROM event WHERE aggregate_type = 'series'").fetchall()
    where = "aggregate_type = 'series' AND aggregate_id = ? AND time_ns < ?"
    return sum(_delete(run, "event", where, (text, until_ns)) for (text,) in about if wanted.names(text))


def _ticks(run: _Run, layouts: dict[int, Kept], before_s: int | None) -> int:
    """Take the columns out of the ticks of these layouts, or (with a time) make them unknown before it."""
    changed, after = 0, -1
    widths = {number: 8 * runs[-1][1] for number, runs in layouts.items()}
    fields = 'seq, time_s, boottime_ns, boot, layout, "values", crc32'
    while rows := run(f"SELECT {fields} FROM tick WHERE seq > ? ORDER BY seq LIMIT {_BATCH}", (after,)).fetchall():  # noqa: S608  fixed words only
        after = rows[-1][0]
        for *cells, crc in rows:
            tick = Tick(*cells)
            runs = layouts.get(tick.layout)
            if runs is None or (before_s is not None and tick.time_s >= before_s):
                continue
            changed += 1
            if tick.crc32() != crc or len(tick.values) != widths[tick.layout]:
                _delete(run, "tick", "seq = ?", (tick.seq,))  # nobody can say what is where in it
                continue
            values = b"".join(
                tick.values[8 * low : 8 * high] if stays else b"" if before_s is None else _NAN * (high - low)
                for low, high, stays in runs
            )
            tick = Tick(tick.seq, tick.time_s, tick.boottime_ns, tick.boot, tick.layout, values)
            run('UPDATE tick SET "values" = ?, crc32 = ? WHERE seq = ?', (values, tick.crc32(), tick.seq))
    return changed


def _remove_unused(run: _Run) -> None:
    """Layouts, series, schemas and boots that nothing refers to any more."""
    _delete(run, "layout", "id NOT IN (SELECT layout FROM tick)")
    used: set[int] = {number for (number,) in run("SELECT series_column FROM burst").fetchall()}
    for (blob,) in run("SELECT columns FROM layout").fetchall():
        used.update(little.unpack("I", blob))
    for (number,) in run("SELECT id FROM series_column").fetchall():
        if number not in used:
            _delete(run, "series_column", "id = ?", (number,))
    _delete(run, "table_schema", "id NOT IN (SELECT schema FROM table_change)")
    _delete(run, "boot", "id NOT IN (SELECT boot FROM tick) AND id NOT IN (SELECT boot FROM session)")


def _runs(stays: Iterable[bool]) -> Kept:
    found: Kept = []
    place = 0
    for flag, group in groupby(stays):
        count = len(list(group))
        found.append((place, place + count, flag))
        place += count
    return found
