"""Buckets of sealed data, made inside DuckDB: one question per group of series, level and statistic.

Rates at raw level follow the rules of ``windows.buckets`` to the letter: from the second before, or over one
missing second; never across a reset, a gap, a boot or a step of the clock. The files' rows are in the order of
``seq``, and one thread reads them in that order, so ``lag`` needs no sorting (86,400 rows of 4 counters: 15 ms).
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from wftui import names
from wftui.model.sample import Column
from wftui.store.manifest import MAX, MEAN, MIN, PART, RAW, SUM, Segment, StoredColumn, numbers
from wftui.store.sealed import Sealed
from wftui.store.sql import name as quoted
from wftui.store.sql import text
from wftui.store.totals import Totals
from wftui.windows.buckets import GAP_NS, SHORT_NS

_COLUMNS: Final = 48
"""Series in one question: more of them take memory, not time."""

Interval = tuple[int, int]
"""First and last seq."""
Rows = list[tuple[Any, ...]]  # Any: SQL's cells


class Share(NamedTuple):
    """What one level tells of one group's part."""

    kind: str
    segments: list[Segment]
    without: list[Interval]
    """Ticks that a better level tells."""


class Group(NamedTuple):
    """Series that lie in the same files."""

    columns: list[StoredColumn]
    shares: list[Share]


class Asked(NamedTuple):
    """Where to look, and where to put it."""

    totals: Totals
    end_s: int
    cut_seq: int
    """Ticks from here on are not asked of segments."""


def key(segment: Segment) -> tuple[str, int]:
    """Files with the same key hold the same series of a group."""
    first = segment.columns.partition(",")[0].partition("-")[0]
    return segment.group, int(first or 0) // PART


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Intervals joined where they touch."""
    found: list[Interval] = []
    for low, high in sorted(intervals):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return found


def covered(low: int, high: int, intervals: Iterable[Interval]) -> bool:
    """Whether merged intervals hold all of [low, high]."""
    return any(first <= low and high <= last for first, last in intervals)


def usable(candidates: Sequence[Segment], whole: Sequence[Segment]) -> list[Segment]:
    """Whole files of spans of which no file is damaged: one statistic without the others would mislead."""
    good = set(whole)
    bad = {(item.first_seq, item.last_seq) for item in candidates if item not in good}
    return [item for item in whole if (item.first_seq, item.last_seq) not in bad]


def column(sealed: Sealed, item: StoredColumn) -> Column:
    """A stored series as layouts have it."""
    return sealed.column(item.series, item.unit, item.kind, item.group, item.quality, item.source, item.call)


def ask(sealed: Sealed, asked: Asked, group: Group) -> list[int]:
    """Put a group's sealed values into the totals; ticks per bucket as this group has them.

    Raises:
        What ``Sealed.rows`` raises.
    """
    counts = [0] * asked.totals.points
    for share in group.shares:
        (_raw if share.kind == RAW else _rollup)(sealed, asked, share, group.columns, counts)
    return counts


def count(sealed: Sealed, asked: Asked, segments: Sequence[Segment], counts: list[int]) -> None:
    """Add the ticks per bucket of raw segments."""
    _raw(sealed, asked, Share(RAW, list(segments), []), [], counts)


def _present(share: Share, columns: Sequence[StoredColumn], stat: str = "") -> list[StoredColumn]:
    ids: set[int] = set()
    for held in {item.columns for item in share.segments if item.stat == stat}:
        ids.update(numbers(held))
    return [item for item in columns if item.id in ids]


def _source(sealed: Sealed, segments: Sequence[Segment]) -> str:
    ordered = sorted(segments, key=lambda item: item.first_seq)
    paths = ", ".join(text(str(sealed.path(item))) for item in ordered)
    # By name: a series that appears later is missing in the files before, and whole numbers are typed by the hour.
    return f"read_parquet([{paths}], union_by_name = {'true' if len(ordered) > 1 else 'false'})"


def _where(asked: Asked, share: Share, early_s: int) -> str:
    parts = [
        f"seq < {asked.cut_seq}",
        f"time_s >= {asked.totals.start_s - early_s}",
        f"time_s < {asked.end_s}",
        *(f"NOT seq BETWEEN {low} AND {high}" for low, high in share.without),
    ]
    return " AND ".join(parts)


def _bucket(totals: Totals) -> str:
    return f"(time_s - {totals.start_s}) // {totals.step_s}"


def _raw(sealed: Sealed, asked: Asked, share: Share, columns: Sequence[StoredColumn], counts: list[int]) -> None:
    totals = asked.totals
    found = _present(share, columns)
    for begin in range(0, max(1, len(found)), _COLUMNS):
        some = found[begin : begin + _COLUMNS]
        cells = "".join(
            f", count(r{place}), sum(r{place}::DOUBLE), min(r{place}), max(r{place})" for place in range(len(some))
        )
        sql = f"SELECT {_bucket(totals)}, count(*){cells} FROM ({_seconds(sealed, asked, share, some)}) GROUP BY 1"  # noqa: S608  numbers and quoted names
        for row in sealed.rows(sql, share.segments):
            if not begin:
                counts[row[0]] += row[1]
            for place, item in enumerate(some):
                weight, total, low, high = row[2 + 4 * place : 6 + 4 * place]
                if weight:
                    totals.fold(item.series, row[0], weight, total, low, high)
        for item in some:
            totals.columns[item.series] = column(sealed, item)


def _seconds(sealed: Sealed, asked: Asked, share: Share, some: Sequence[StoredColumn]) -> str:
    """SQL for rows of one second: ``time_s``, and ``r0`` … with gauges as they are and counters as rates."""
    cells = "".join(f", {quoted(item.name)} AS c{place}" for place, item in enumerate(some))
    counters = {place for place, item in enumerate(some) if item.kind == names.COUNTER}
    sql = (
        f"SELECT seq, time_s, boottime_ns, boot{cells} FROM {_source(sealed, share.segments)}"  # noqa: S608  numbers and quoted names
        f" WHERE {_where(asked, share, 1)}"
    )
    if counters:
        lags = "".join(
            f", lag(c{place}) OVER () AS p{place}, lag(c{place}, 2) OVER () AS q{place}" for place in counters
        )
        linked = (
            "coalesce(lag(seq) OVER () = seq - 1 AND lag(boot) OVER () = boot AND lag(time_s) OVER () = time_s - 1"
            f" AND boottime_ns - lag(boottime_ns) OVER () BETWEEN {SHORT_NS} AND {GAP_NS}, false)"
        )
        sql = f"SELECT *, {linked} AS linked{lags} FROM ({sql})"  # noqa: S608  as above
        sql = f"SELECT *, linked AND coalesce(lag(linked) OVER (), false) AS twice FROM ({sql})"  # noqa: S608  as above
    rates = "".join(
        f", {_rate(place) if place in counters else f'c{place}'} AS r{place}" for place in range(len(some))
    )
    return f"SELECT time_s{rates} FROM ({sql}) WHERE time_s >= {asked.totals.start_s}"  # noqa: S608  as above


def _rate(place: int) -> str:
    now, before, older = f"c{place}", f"p{place}", f"q{place}"
    return (
        "CASE WHEN NOT linked THEN NULL"
        f" WHEN {before} IS NOT NULL THEN CASE WHEN {now} >= {before} THEN ({now} - {before})::DOUBLE END"
        f" WHEN twice AND {now} >= {older} THEN ({now} - {older}) / 2.0 END"
    )


def _rollup(
    sealed: Sealed, asked: Asked, share: Share, columns: Sequence[StoredColumn], counts: list[int]
) -> None:
    """Rows of one level; what is only kept as the worst of a step is that in minimum, mean and maximum."""
    totals = asked.totals
    means = _present(share, columns, MEAN)
    ids = {item.id for item in means}
    extremes = {stat: {item.id for item in _present(share, columns, stat)} for stat in (MIN, MAX)}
    counted = False
    for stat in (MEAN, SUM, MIN, MAX):
        some = means if stat == MEAN else [item for item in _present(share, columns, stat) if item.id not in ids]
        for part in _batches(some):
            lows: dict[tuple[str, int], float] = {}
            highs: dict[tuple[str, int], float] = {}
            if stat == MEAN:  # folded together with the extremes
                lows, highs = (
                    _ends(sealed, asked, share, end, [item for item in part if item.id in held])
                    for end, held in extremes.items()
                )
            rows = _steps(sealed, asked, share, stat, [told for item in part for told in _told(item, stat)])
            for row in rows:
                for place, item in enumerate(part):
                    weight, total, *ends = row[2 + 4 * place : 6 + 4 * place]
                    if weight:
                        at = (item.series, row[0])
                        low = lows[at] if at in lows else ends[0]
                        high = highs[at] if at in highs else ends[1]
                        totals.fold(item.series, row[0], int(weight), total, low, high)
                if not counted:
                    counts[row[0]] += int(row[1])
            counted = counted or bool(rows)
        for item in some:
            totals.columns[item.series] = column(sealed, item)


def _ends(
    sealed: Sealed, asked: Asked, share: Share, stat: str, some: Sequence[StoredColumn]
) -> dict[tuple[str, int], float]:
    """Least or greatest values by series and bucket."""
    told = [f"{stat}({quoted(item.name)})" for item in some]  # a statistic's name is SQL's, too
    return {
        (item.series, row[0]): cell
        for row in _steps(sealed, asked, share, stat, told)
        for item, cell in zip(some, row[2:], strict=True)
        if cell is not None
    }


def _batches(some: Sequence[StoredColumn]) -> list[Sequence[StoredColumn]]:
    """So many as one question asks for: 400 series in one take 3 s and 900 MB to plan, 0.3 s in nine."""
    return [some[begin : begin + _COLUMNS] for begin in range(0, len(some), _COLUMNS)]


def _told(item: StoredColumn, stat: str) -> list[str]:
    """Weight, sum and extremes of a series in a statistic's files."""
    cell = quoted(item.name)
    value = f"{cell} / count" if stat == SUM else cell
    return [
        f"sum(count) FILTER ({cell} IS NOT NULL)",
        f"sum({cell}::DOUBLE{'' if stat == SUM else ' * count'})",
        f"min({value})",
        f"max({value})",
    ]


def _steps(sealed: Sealed, asked: Asked, share: Share, stat: str, told: list[str]) -> Rows:
    """Rows (bucket, ticks, what is asked) of one statistic's files."""
    segments = [item for item in share.segments if item.stat == stat]
    if not segments or not told:
        return []
    return sealed.rows(
        f"SELECT {_bucket(asked.totals)}, sum(count), {', '.join(told)} FROM {_source(sealed, segments)}"  # noqa: S608  numbers and quoted names
        f" WHERE {_where(asked, share, 0)} GROUP BY 1",
        segments,
    )
