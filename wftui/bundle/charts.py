"""Charts and the timeline of a bundle's report as inline SVG: no script, no font, nothing from elsewhere.

They are written here by hand: a chart library would be a dependency many times the size of wftop, and what it
makes would have to be looked through for scripts and addresses. A page of charts is to stay below 60 kB, so
points are as many as can be told apart, and those on a straight line are left out.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import Final, NamedTuple

from wftui.units import quantity

WIDTH: Final = 360
HEIGHT: Final = 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 16, 8, 20
PLOT_WIDTH: Final = WIDTH - _LEFT - _RIGHT
PLOT_HEIGHT: Final = HEIGHT - _TOP - _BOTTOM
FEW: Final = 2
"""Lines up to which each has its band from lowest to highest; beyond, one band holds all of them."""
LETTERS: Final = "ABCDEFGHIJKLMNOP"
_LETTER_STEP: Final = 9
"""Between two letters at the right end."""
_TOPS: Final = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_STEPS_S: Final = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200,
    86_400, 172_800, 604_800, 1_209_600, 2_592_000, 7_776_000, 31_536_000,
)  # fmt: skip
_DAY_S: Final = 86_400
_LEAST: Final = 1e-12
"""Whatever is less is as good as nothing."""

Time = Callable[[int, bool], str]
"""UTC second to its label, of a day (True) or of a time of day."""


class Line(NamedTuple):
    """One series over the range, in as many steps as the others; NaN = no value."""

    name: str
    low: Sequence[float]
    mean: Sequence[float]
    high: Sequence[float]

    def known(self) -> list[tuple[float, float, float]]:
        """(lowest, mean, highest) of the steps that have a value."""
        return [item for item in zip(self.low, self.mean, self.high, strict=True) if item[1] == item[1]]


class Threshold(NamedTuple):
    """Where an alert begins."""

    value: float
    number: int
    """Of the alert, as the report counts them."""


class Chart(NamedTuple):
    """What is drawn, without a size."""

    title: str
    unit: str
    lines: Sequence[Line]
    thresholds: Sequence[Threshold] = ()
    most: float = 0.0
    """Where the axis ends at least: of shares 1."""
    note: str = ""


class _Axis(NamedTuple):
    """Values at the lower and the upper end of a plot."""

    bottom: float
    top: float

    def share(self, value: float) -> float:
        """Place of a value, 0 to 1 from below; what is beyond stands at the end."""
        return min(1.0, max(0.0, (value - self.bottom) / (self.top - self.bottom)))


class Span(NamedTuple):
    """The range [since, until) in UTC seconds, and where nothing was recorded in it."""

    since_s: int
    until_s: int
    gaps: Sequence[tuple[int, int]] = ()
    east_s: int = 0
    """What local time is ahead of UTC: round moments are round there."""

    def share(self, time_s: float) -> float:
        """Place of a moment, 0 to 1."""
        return min(1.0, max(0.0, (time_s - self.since_s) / max(1, self.until_s - self.since_s)))


class Bar(NamedTuple):
    """A line of the timeline that lasts."""

    name: str
    spans: Sequence[tuple[int, int, str]]
    """(from, until, words), UTC seconds."""
    role: str


class Tick(NamedTuple):
    """Something on the timeline that happened at once."""

    time_s: float
    role: str
    words: str


def chart(made: Chart, span: Span, label: Time) -> str:
    """A chart as ``<svg>``: grid, gaps, band, lines with letters at their ends, thresholds."""
    axis = _axis(made)
    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{_told(made)}</title>",
        *_grid(axis, made.unit, span, label),
    ]
    for since_s, until_s in span.gaps:
        x = _x(span, since_s)
        wide = max(1.0, _x(span, until_s) - x)
        parts.append(
            f'<rect class="gap" x="{x:.1f}" y="{_TOP}" width="{wide:.1f}" height="{PLOT_HEIGHT}">'
            f"<title>nothing recorded {label(since_s, False)} to {label(until_s, False)}</title></rect>"
        )
    if len(made.lines) <= FEW:
        for place, line in enumerate(made.lines):
            parts.append(f'<path class="band c{place % 8}" d="{_band(line.low, line.high, axis)}"/>')
    else:
        low, high = _envelope(made.lines)
        parts.append(f'<path class="band" d="{_band(low, high, axis)}"/>')
    for place, line in enumerate(made.lines):
        parts.append(f'<path class="line c{place % 8} d{place % 4}" d="{_stroke(line.mean, axis)}"/>')
    parts += _letters(made.lines, axis)
    for item in made.thresholds:
        if axis.bottom <= item.value <= axis.top:
            y = _y(item.value, axis)
            parts.append(f'<path class="limit" d="M{_LEFT} {y:.1f}h{PLOT_WIDTH}"/>')
    parts += _limit_words(made.thresholds, axis)
    parts.append("</svg>")
    return "".join(parts)


def amount(value: float, unit: str) -> str:
    """A number with its unit; what is counted stands without braces."""
    return quantity(value, unit).replace("{", "").replace("}", "")


def swatch(place: int) -> str:
    """A piece of a chart's line, for its legend."""
    return (
        f'<svg class="swatch" aria-hidden="true"><path class="line c{place % 8} d{place % 4}" d="M0 4h22"/></svg>'
    )


def timeline(span: Span, bars: Sequence[Bar], ticks: Sequence[tuple[str, Sequence[Tick]]], label: Time) -> str:
    """All of the range in rows: names stand above their lines, so that it is as readable on a phone.

    Widths are shares of the page's, heights are pixels: letters keep their size.
    """
    rows: list[str] = []
    y = 4
    for bar in bars:
        rows.append(f'<text class="name" x="0" y="{y + 11}">{escape(bar.name)}</text>')
        rows.append(f'<rect class="track" x="0" y="{y + 16}" width="100%" height="10"/>')
        for since_s, until_s, words in bar.spans:
            x, end = span.share(since_s), span.share(until_s)
            rows.append(
                f'<rect class="{bar.role}" x="{x:.2%}" y="{y + 16}" width="{max(0.004, end - x):.2%}" height="10">'
                f"<title>{escape(words)}</title></rect>"
            )
        y += 34
    for name, items in ticks:
        rows.append(f'<text class="name" x="0" y="{y + 11}">{escape(name)}</text>')
        rows.append(f'<rect class="track" x="0" y="{y + 16}" width="100%" height="10"/>')
        rows += [
            f'<rect class="{item.role}" x="{span.share(item.time_s):.2%}" y="{y + 14}" width="3" height="14">'
            f"<title>{escape(item.words)}</title></rect>"
            for item in items
        ]
        y += 34
    lines = [
        f'<line class="grid" x1="{span.share(at):.2%}" x2="{span.share(at):.2%}" y1="0" y2="{y}"/>'
        f'<text class="axis" x="{span.share(at):.2%}" y="{y + 14}" text-anchor="middle">{words}</text>'
        for at, words in _times(span, label, 4)
        if 0.06 < span.share(at) < 0.94
    ]
    return (
        f'<svg class="timeline" width="100%" height="{y + 20}" role="img">'
        f"<title>Timeline of the range</title>{''.join(lines)}{''.join(rows)}</svg>"
    )


# ---- axes


def _axis(made: Chart) -> _Axis:
    """From 0, or from below the lowest value where that is less."""
    known = [item for line in made.lines for item in line.known()]
    highest = max((item[2] for item in known), default=0.0)
    lowest = min((item[0] for item in known), default=0.0)
    # A limit far beyond what was reached would press the lines flat: its words say that it is above.
    near = [item.value for item in made.thresholds if item.value <= 2 * highest]
    top = nice(max([highest, made.most, *near]), made.unit)
    return _Axis(-nice(-lowest, made.unit) if lowest < 0 else 0.0, top)


def nice(value: float, unit: str) -> float:
    """The end of an axis: a number that reads well in the unit that ``quantity`` will choose."""
    if not value > _LEAST:
        return 1.0
    base = 1.0
    if unit.startswith("By"):
        while value >= 1024 * base:
            base *= 1024
    power = 10.0 ** math.floor(math.log10(value / base))
    return next(base * power * item for item in _TOPS if value <= base * power * item * 1.0000001)


def _grid(axis: _Axis, unit: str, span: Span, label: Time) -> Iterator[str]:
    for part in range(4 + 1):
        y = _TOP + PLOT_HEIGHT * part / 4
        yield f'<path class="grid" d="M{_LEFT} {y:.1f}h{PLOT_WIDTH}"/>'
        if part % 2 == 0:
            value = axis.bottom + (axis.top - axis.bottom) * (4 - part) / 4
            words = amount(value, unit) if value or unit == "Cel" else "0"
            place = f'x="{_LEFT - 4}" y="{y + 3.5:.1f}"'
            yield f'<text class="axis" {place} text-anchor="end">{escape(_short(words))}</text>'
    for at, words in _times(span, label, 4):
        x = _x(span, at)
        yield f'<path class="grid" d="M{x:.1f} {_TOP}v{PLOT_HEIGHT}"/>'
        if _LEFT + 12 < x < WIDTH - 22:
            yield f'<text class="axis" x="{x:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{words}</text>'


def _short(words: str) -> str:
    """At most ten characters stand left of the axis: the unit's first word goes with the number."""
    return words if len(words) <= 10 else words.partition(" ")[0]


def _times(span: Span, label: Time, most: int) -> Iterator[tuple[int, str]]:
    """Round moments and their labels, at most so many."""
    length = max(1, span.until_s - span.since_s)
    step = next((item for item in _STEPS_S if length / item <= most), _STEPS_S[-1])
    first = -(-(span.since_s + span.east_s) // step) * step - span.east_s
    for at in range(first, span.until_s, step):
        yield at, label(at, step >= _DAY_S)


# ---- lines


def _x(span: Span, time_s: float) -> float:
    return _LEFT + span.share(time_s) * PLOT_WIDTH


def _y(value: float, axis: _Axis) -> float:
    return _TOP + PLOT_HEIGHT * (1 - axis.share(value))


def _place(place: int, count: int) -> float:
    return _LEFT + (place + 0.5) * PLOT_WIDTH / count


def _points(values: Sequence[float], axis: _Axis) -> list[tuple[float, float] | None]:
    count = len(values)
    return [
        None if value != value else (_place(place, count), _y(value, axis)) for place, value in enumerate(values)
    ]


def _stroke(values: Sequence[float], axis: _Axis) -> str:
    return _path(_points(values, axis))


def _band(low: Sequence[float], high: Sequence[float], axis: _Axis) -> str:
    """Areas between two lines, one for each run of known steps."""
    found = []
    upper, lower = _points(high, axis), _points(low, axis)
    for first, end in _runs(upper):
        there = upper[first:end]
        back = lower[first:end][::-1]
        found.append(_path([*there, *back]) + "z")
    return "".join(found)


def _runs(points: Sequence[object | None]) -> Iterator[tuple[int, int]]:
    first: int | None = None
    for place, point in enumerate([*points, None]):
        if point is not None and first is None:
            first = place
        elif point is None and first is not None:
            yield first, place
            first = None


def _path(points: Sequence[tuple[float, float] | None]) -> str:
    """Whole pixels, relative, without those on a straight line; a point alone becomes a dash."""
    found = []
    for first, end in _runs(points):
        run = [(round(item[0]), round(item[1])) for item in points[first:end] if item is not None]
        kept = [run[0]]
        for before, here, after in zip(run, run[1:], run[2:], strict=False):
            ahead = (after[0] - here[0]) * (here[1] - before[1])
            behind = (here[0] - before[0]) * (after[1] - here[1])
            if ahead != behind:
                kept.append(here)
        if len(run) > 1:
            kept.append(run[-1])
        found.append(f"M{kept[0][0]} {kept[0][1]}")
        if len(kept) == 1:
            found.append("h1")
        for one, other in pairwise(kept):
            across, down = other[0] - one[0], other[1] - one[1]
            found.append(f"h{across}" if not down else f"v{down}" if not across else f"l{across} {down}")
    return "".join(found).replace(" -", "-")


def _envelope(lines: Sequence[Line]) -> tuple[list[float], list[float]]:
    """Lowest and highest of all lines, step by step."""
    low, high = [], []
    for place in range(len(lines[0].mean)):
        known = [(line.low[place], line.high[place]) for line in lines if line.mean[place] == line.mean[place]]
        low.append(min((item[0] for item in known), default=math.nan))
        high.append(max((item[1] for item in known), default=math.nan))
    return low, high


def _letters(lines: Sequence[Line], axis: _Axis) -> Iterator[str]:
    """At the right end of each line, none over another; a single line needs none."""
    if len(lines) < 2:
        return
    ends = []
    for place, line in enumerate(lines):
        last = next((value for value in reversed(line.mean) if value == value), None)
        if last is not None:
            ends.append((_y(last, axis), place))
    ends.sort()
    lowest = _TOP + PLOT_HEIGHT + 3
    places = [y + 3 for y, _ in ends]
    for number in range(1, len(places)):
        places[number] = max(places[number], places[number - 1] + _LETTER_STEP)
    for number in reversed(range(len(places))):
        most = lowest if number == len(places) - 1 else places[number + 1] - _LETTER_STEP
        places[number] = min(places[number], most)
    for (_, place), y in zip(ends, places, strict=True):
        yield f'<text class="letter c{place % 8}" x="{WIDTH - _RIGHT + 3}" y="{y:.1f}">{LETTERS[place]}</text>'


def _limit_words(thresholds: Sequence[Threshold], axis: _Axis) -> Iterator[str]:
    """Which alert a limit belongs to, at its left end; those of nearly the same value share a place."""
    by_place: dict[int, list[int]] = {}
    above: list[int] = []
    for item in thresholds:
        if item.value > axis.top:
            above.append(item.number)
        elif item.value >= axis.bottom:
            by_place.setdefault(round(_y(item.value, axis) / 11), []).append(item.number)
    if above:
        by_place.setdefault(round(_TOP / 11), []).extend(above)
    for place, numbers in by_place.items():
        y = max(_TOP + 9, place * 11 - 3)
        said = "limit of alert " + ", ".join(str(number) for number in sorted(set(numbers)))
        words = f"{said}: above this" if set(numbers) <= set(above) else said
        yield f'<text class="limit-words" x="{_LEFT + 3}" y="{y}">{words}</text>'


def _told(made: Chart) -> str:
    """A chart in words, for who does not see it."""
    said = []
    for line in made.lines:
        known = line.known()
        if known:
            mean = sum(item[1] for item in known) / len(known)
            most = max(item[2] for item in known)
            said.append(f"{line.name}: mean {amount(mean, made.unit)}, highest {amount(most, made.unit)}")
    return escape(f"{made.title}. {'; '.join(said) or 'no value'}")
