"""When nothing was recorded: seconds of a range without a tick, by the finest level that is there."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from wftui.clock import NS_PER_S
from wftui.errors import StoreError
from wftui.model.event import Event
from wftui.store import manifest
from wftui.store.archive import Archive
from wftui.store.manifest import Segment
from wftui.store.sealed import SegmentGoneError
from wftui.store.sql import text

SHORT_S: Final = 2
"""A shorter gap is a late tick's."""
_RETRIES: Final = 3
_BEFORE_S: Final = 5
_BEHIND_S: Final = 30
"""Events so far before and behind a gap tell why it is there."""
_REASONS: Final = (
    ("machine.down", "the machine went down"),
    ("recorder.unclean", "the recorder ended without a word"),
    ("clock.suspended", "the machine slept, or was starved"),
    ("clock.stepped", "the clock was set"),
    ("store.failed", "the store could not be written"),
    ("store.damaged", "the journal was damaged"),
    ("store.segment_damaged", "a segment was damaged"),
    ("store.purged", "a person deleted it"),
    ("recorder.handover", "one recorder gave way to another"),
    ("recorder.stopped", "the recorder was stopped"),
    ("recorder.started", "no recorder ran"),
)
"""Type of event to why there is nothing; what explains most comes first."""


class Gap(NamedTuple):
    """Seconds [since, until) without a tick; of coarser levels only how many seconds of them are missing."""

    since_s: int
    until_s: int
    missing_s: int


class _Piece(NamedTuple):
    since_s: int
    until_s: int
    ticks: int


def gaps(archive: Archive, since_s: int, until_s: int) -> tuple[list[Gap], int]:
    """Gaps between the first and the last tick of the seconds [since, until), and how many seconds have a tick.

    Raises:
        StoreError: The segments change faster than they can be read.
    """
    for _ in range(_RETRIES):
        try:
            return _between(sorted(_pieces(archive, since_s, until_s)))
        except SegmentGoneError as error:
            archive.gone(error)
    raise StoreError("the segments change faster than they can be read; ask again")


def reason(gap: Gap, events: Sequence[Event]) -> str:
    """Why there is nothing, by the events around it."""
    low, high = (gap.since_s - _BEFORE_S) * NS_PER_S, (gap.until_s + _BEHIND_S) * NS_PER_S
    there = {item.type for item in events if low <= item.time_ns < high}
    return next((said for kind, said in _REASONS if kind in there), "no event tells")


def _between(pieces: Sequence[_Piece]) -> tuple[list[Gap], int]:
    found: list[Gap] = []
    recorded = 0
    end: int | None = None
    for piece in pieces:
        if end is not None and piece.since_s - end >= SHORT_S:
            _note(found, end, piece.since_s, piece.since_s - end)
        begin = piece.since_s if end is None else max(piece.since_s, end)
        # The second pass of a repeated hour adds nothing: its seconds have a tick.
        fresh = max(0, piece.until_s - begin)
        ticks = min(fresh, piece.ticks)
        missing = fresh - ticks
        if missing >= SHORT_S:
            _note(found, begin, piece.until_s, missing)
        recorded += ticks
        end = max(piece.until_s, end or piece.until_s)
    return found, recorded


def _note(found: list[Gap], since_s: int, until_s: int, missing_s: int) -> None:
    if found and found[-1].until_s == since_s:
        before = found.pop()
        since_s, missing_s = before.since_s, before.missing_s + missing_s
    found.append(Gap(since_s, until_s, missing_s))


def _pieces(archive: Archive, since_s: int, until_s: int) -> Iterator[_Piece]:
    limit = archive.boundary()
    made = archive.sealed.manifest
    if archive.journal is not None and archive.journal.first() is not None:
        yield from _islands(
            (tick.time_s for tick in archive.journal.ticks(since_s, until_s)) if limit else (), since_s, until_s
        )
    told: list[tuple[int, int]] = []
    for kind, step_s in manifest.LEVELS.items():
        # One file of each run tells: all groups have the same ticks.
        runs: dict[tuple[int, int], Segment] = {}
        for item in made.of(kind):
            if item.first_seq < limit and item.until_s > since_s and item.since_s < until_s:
                runs.setdefault((item.first_seq, item.last_seq), item)
        files = archive.sealed.whole(list(runs.values()))
        if files:
            yield from _level(archive, files, step_s, (since_s, until_s), _where(limit, told))
        told = _joined([*told, *((item.first_seq, item.last_seq) for item in files)])


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(high, found[-1][1])
        else:
            found.append((low, high))
    return found


def _where(limit: int, told: Sequence[tuple[int, int]]) -> str:
    """Rows that neither the journal nor a finer level tells about."""
    known = "".join(f" AND NOT seq BETWEEN {low:d} AND {high:d}" for low, high in told)
    return f"seq < {limit:d}{known}"


def _islands(times: Iterator[int] | Sequence[int], since_s: int, until_s: int) -> Iterator[_Piece]:
    first = last = None
    for time_s in times:
        if not since_s <= time_s < until_s:
            continue
        if last is not None and first is not None and time_s != last + 1:
            yield _Piece(first, last + 1, last + 1 - first)
            first = None
        first, last = time_s if first is None else first, time_s
    if first is not None and last is not None:
        yield _Piece(first, last + 1, last + 1 - first)


def _level(
    archive: Archive, files: Sequence[Segment], step_s: int, wanted: tuple[int, int], where: str
) -> Iterator[_Piece]:
    since_s, until_s = wanted
    where += f" AND time_s > {since_s - step_s:d} AND time_s < {until_s:d}"
    listed = ", ".join(text(str(archive.sealed.path(item))) for item in files)
    count = "1" if step_s == 1 else "count"
    # Rows in a row, each full, are one piece; so is a row that misses ticks.
    rows = archive.sealed.rows(
        "SELECT min(time_s), max(time_s), sum(ticks) FROM (SELECT time_s, ticks, ticks < step AS cut,"  # noqa: S608  numbers and quoted names
        " time_s - step * row_number() OVER (PARTITION BY ticks < step ORDER BY seq) AS island,"
        " CASE WHEN ticks < step THEN seq END AS alone FROM"
        f" (SELECT seq, time_s, {count} AS ticks, {step_s} AS step FROM read_parquet([{listed}]) WHERE {where}))"
        " GROUP BY island, cut, alone",
        files,
    )
    for low, high, ticks in rows:
        begin, end = max(since_s, int(low)), min(until_s, int(high) + step_s)
        yield _Piece(begin, end, min(int(ticks), end - begin))
