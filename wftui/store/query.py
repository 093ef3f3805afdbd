"""Ranges of time over journal and segments: min, mean and max per bucket.

Buckets are of wall time: where a clock stepped back, both passes of the repeated hour fall into the same ones.
The level is chosen by the length of a bucket, so that no more is read than is shown. Raw seconds for up to 26 h
(45 ms for a day of four series); beyond, the coarsest level that costs at most half as much again in resolution.
Where the wanted level does not reach back, or one of its files is damaged, the next coarser one tells, and what
is not sealed yet comes from the journal; no tick is counted twice. Buckets are multiples of the coarsest level
that took part. At a coarser level, a distribution's quantile is the worst second of each step.
"""

from collections.abc import Callable, Sequence
from itertools import groupby, islice
from typing import Final

from wftui import clock, names
from wftui.clock import NS_PER_S
from wftui.errors import ProtocolError
from wftui.model.sample import Column
from wftui.model.series import matches
from wftui.model.tick import pack
from wftui.store import sums
from wftui.store.answers import MAX_CELLS, MAX_POINTS, TooLargeError, answer_range
from wftui.store.archive import Archive
from wftui.store.manifest import LEVELS, R10, R300, RAW, Segment, StoredColumn, numbers
from wftui.store.sealed import SegmentGoneError
from wftui.store.totals import Total, Totals
from wftui.windows.buckets import Buckets
from wftui.wire import messages as m

DEADLINE_S: Final = 5.0
RAW_SPAN_S: Final = 26 * 3600
RAW_VALUES: Final = 20_000_000
"""Seconds times series that are read raw at most, when a coarser level would do: 1 s."""
_COARSER: Final = {RAW: (RAW, R10, R300), R10: (R10, R300, RAW), R300: (R300, R10, RAW)}
"""Wanted level to what tells where that does not."""
_RETRIES: Final = 3
_BLOCK: Final = 256
"""Ticks counted at once."""


def range_(archive: Archive, question: m.Range, deadline_s: float = DEADLINE_S) -> m.RangeReply:
    """min/mean/max per bucket; counters as rates per second.

    Raises:
        TooLargeError: Too many cells, too much memory, or the deadline passed.
        ProtocolError: The question makes no sense.
        StoreError: The store cannot be read.
    """
    if question.until_ns <= question.since_ns or not 1 <= question.points <= MAX_POINTS:
        raise ProtocolError(f"range: expected since < until and 1 to {MAX_POINTS} points")
    with archive.sealed.deadline(deadline_s):
        for _ in range(_RETRIES):
            try:
                return _Range(archive, question, deadline_s).reply()
            except SegmentGoneError as error:
                archive.gone(error)
    raise TooLargeError("range: the segments change faster than they can be read; ask again")


def totals(
    archive: Archive, question: m.Range, wanted: Callable[[Column], bool], deadline_s: float = DEADLINE_S
) -> tuple[Totals, int]:
    """Sums and how many seconds they stand for, of counters as rates; and the seconds of a row behind them.

    Args:
        archive: What was recorded.
        question: Its selectors are not looked at.
        wanted: Which columns are meant; two of one series that are known in different ways are added up.

    Raises:
        As ``range_``.
    """
    with archive.sealed.deadline(deadline_s):
        for _ in range(_RETRIES):
            try:
                return _Range(archive, question, deadline_s, wanted).totals()
            except SegmentGoneError as error:
                archive.gone(error)
    raise TooLargeError("range: the segments change faster than they can be read; ask again")


class _Range:
    """One question under way."""

    def __init__(
        self,
        archive: Archive,
        question: m.Range,
        deadline_s: float,
        wanted: Callable[[Column], bool] | None = None,
    ) -> None:
        self._archive, self._question = archive, question
        self._is_wanted = wanted or self._is_selected
        self._deadline_ns = clock.perf_ns() + int(deadline_s * NS_PER_S)
        self._since_s = question.since_ns // NS_PER_S
        self._end_s = -(-question.until_ns // NS_PER_S)

    def reply(self) -> m.RangeReply:
        """Ask, and put it together."""
        archive = self._archive
        if not archive.has_older(archive.boundary(), self._since_s - 1, self._end_s):
            return answer_range(archive, self._question)  # the journal has all of it
        return self._told(*self.totals())

    def totals(self) -> tuple[Totals, int]:
        """Buckets of all levels, and the seconds of the coarsest one."""
        archive = self._archive
        cut = archive.sealed.manifest.sealed_seq + 1
        groups = self._groups(cut)
        level_s = max((LEVELS[share.kind] for group in groups for share in group.shares), default=1)
        totals = self._buckets(level_s)
        self._limit(len({item.series for group in groups for item in group.columns}), totals.points)
        asked = sums.Asked(totals, self._end_s, cut)
        for group in groups:
            totals.counts = list(map(max, totals.counts, sums.ask(archive.sealed, asked, group)))
        self._count_rest(asked, groups)
        self._live(totals, cut)
        return totals, level_s

    # ---- what is sealed

    def _groups(self, cut: int) -> list[sums.Group]:
        sealed = self._archive.sealed
        wanted = [item for item in sealed.manifest.columns if self._is_wanted(sums.column(sealed, item))]
        ids = {item.id: item for item in wanted}
        by_key: dict[tuple[str, int], dict[str, list[Segment]]] = {}
        present: dict[tuple[str, int], dict[int, StoredColumn]] = {}
        held: dict[str, list[StoredColumn]] = {}
        for segment in sealed.manifest.segments:
            if segment.kind not in LEVELS or segment.first_seq >= cut:
                continue
            if segment.columns not in held:
                held[segment.columns] = [ids[number] for number in numbers(segment.columns) if number in ids]
            if held[segment.columns]:
                key = sums.key(segment)
                by_key.setdefault(key, {}).setdefault(segment.kind, []).append(segment)
                if self._overlaps(segment):
                    present.setdefault(key, {}).update({item.id: item for item in held[segment.columns]})
        level = self._level(len(wanted))
        # A group may have files of other times only.
        return [
            sums.Group(list(present[key].values()), self._shares(by_key[key], level)) for key in sorted(present)
        ]

    def _shares(self, kinds: dict[str, list[Segment]], level: str) -> list[sums.Share]:
        """Which files tell what: each tick is told by one level."""
        shares: list[sums.Share] = []
        told: list[sums.Interval] = []
        for kind in _COARSER[level]:
            there = kinds.get(kind, ())
            candidates = [
                item
                for item in there
                if self._overlaps(item) and not sums.covered(item.first_seq, item.last_seq, told)
            ]
            good = sums.usable(candidates, self._archive.sealed.whole(candidates))
            if good:
                shares.append(sums.Share(kind, good, told))
            # A step reaches beyond its ticks: what other files of this level hold is told by them, too.
            held = [*good, *(item for item in there if not self._overlaps(item))]
            told = sums.merged([*told, *((item.first_seq, item.last_seq) for item in held)])
        return shares

    def _overlaps(self, segment: Segment) -> bool:
        return segment.since_s < self._end_s and segment.until_s > self._since_s - 1

    def _level(self, series: int) -> str:
        """The level for a bucket of the length asked for."""
        span_s = self._end_s - self._since_s
        step_s = -(-span_s // self._question.points)
        fits = [kind for kind in (R300, R10) if 2 * -(-step_s // LEVELS[kind]) * LEVELS[kind] <= 3 * step_s]
        if not fits or (span_s <= RAW_SPAN_S and span_s * series <= RAW_VALUES):
            return RAW
        return fits[0]

    def _count_rest(self, asked: sums.Asked, groups: list[sums.Group]) -> None:
        """Ticks of hours in which none of the wanted series has a file."""
        told = sums.merged(
            (item.first_seq, item.last_seq)
            for group in groups
            for share in group.shares
            for item in share.segments
        )
        for run in self._archive.sealed.runs():
            if (
                run.first_seq < asked.cut_seq
                and run.since_s < self._end_s
                and run.until_s > self._since_s
                and not sums.covered(run.first_seq, run.last_seq, told)
            ):
                whole = self._archive.sealed.whole(run.segments)
                if whole:
                    sums.count(self._archive.sealed, asked, whole[:1], asked.totals.counts)

    # ---- buckets

    def _buckets(self, level_s: int) -> Totals:
        points = self._question.points
        start_s = self._since_s // level_s * level_s
        step_s = level_s
        # Not `span / points` alone: the begin moved to a multiple of the level.
        span_s = max(self._end_s - start_s, 1)
        if level_s == 1:
            span_ns = self._question.until_ns - self._question.since_ns
            step_s = max(1, -(-span_ns // (points * NS_PER_S)))
            return Totals(start_s, step_s, min(points, -(-span_s // step_s)))
        step_s = -(-span_s // (points * level_s)) * level_s
        return Totals(start_s, step_s, -(-span_s // step_s))

    def _limit(self, series: int, points: int) -> None:
        if series * points > MAX_CELLS:
            raise TooLargeError(
                f"range: {series} series x {points} points, at most {MAX_CELLS} together; name fewer"
            )

    # ---- what is not sealed yet

    def _live(self, totals: Totals, cut: int) -> None:
        buckets = Buckets(totals.start_s * NS_PER_S, totals.step_s * NS_PER_S, totals.points, cut)
        places: dict[int, tuple[list[tuple[str, int]], list[tuple[str, int]]]] = {}
        ticks = self._archive.live(self._since_s - 1, self._end_s, cut)
        for (number, size), group in groupby(ticks, lambda tick: (tick.layout, len(tick.values))):
            columns = self._archive.layout(number).columns
            if number not in places:
                places[number] = self._places(columns, totals)
            while block := list(islice(group, _BLOCK)):
                if clock.perf_ns() > self._deadline_ns:
                    raise TooLargeError("range: not done within its deadline; ask for less time or fewer series")
                if size == 8 * len(columns):
                    buckets.add_all(block, *places[number])
        totals.take(buckets)

    def _places(
        self, columns: Sequence[Column], totals: Totals
    ) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
        """Wanted gauges and counters, text and place in the layout."""
        gauges: list[tuple[str, int]] = []
        counters: list[tuple[str, int]] = []
        for place, item in enumerate(columns):
            if self._is_wanted(item):
                totals.columns[item.series.text] = item
                (counters if item.kind == names.COUNTER else gauges).append((item.series.text, place))
        self._limit(len(totals.columns), totals.points)
        return gauges, counters

    def _is_selected(self, column: Column) -> bool:
        return any(matches(selector, column.series) for selector in self._question.selectors)

    def _told(self, totals: Totals, level_s: int) -> m.RangeReply:
        nothing = Total(totals.points)
        found = []
        for text in sorted(totals.columns):
            held = totals.series.get(text, nothing)
            told = (pack(held.minimum), pack(held.mean()), pack(held.maximum))
            found.append(m.RangeSeries(totals.columns[text], *told))
        start_ns, step_ns = totals.start_s * NS_PER_S, totals.step_s * NS_PER_S
        return m.RangeReply(start_ns, step_ns, totals.points, totals.counts, found, level_s)
