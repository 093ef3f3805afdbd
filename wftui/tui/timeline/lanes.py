"""Series grouped by unit as lanes: a scale, lines with their bands, names and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.render import graph
from wftui.tui.frame import Segment
from wftui.tui.timeline.data import BLANK, trend
from wftui.tui.timeline.figures import axis_top, label, unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.model.sample import Column
    from wftui.tui.glyphs import Glyphs
    from wftui.tui.history import Sampled
    from wftui.tui.timeline.data import Answer, Sampling
    from wftui.tui.timeline.window import Grid

LEFT: Final = 10
"""Cells of the scale: ``200 MiB/s`` and a blank."""
NARROW: Final = 26
WIDE: Final = 42
_LITTLE: Final = 18
_SCALED_FROM: Final = 64
"""Narrower panels keep their columns for the graph: no scale, brief figures."""
_CYCLE: Final = ("cpu", "memory", "disks", "processes", "network", "pressure", "events", "gpus", "sources")
_BY_LABEL: Final = {
    "read": "read", "write": "write", "receive": "receive", "transmit": "transmit", "user": "user",
    "system": "system", "iowait": "wait", "steal": "steal",
}  # fmt: skip
_BY_NAME: Final = (
    ("system.cpu", "cpu"), ("container.cpu", "cpu"), ("system.memory", "memory"), ("container.memory", "memory"),
    ("system.paging", "memory"), ("system.disk", "disks"), ("system.filesystem", "disks"),
    ("system.network", "network"), ("system.pressure", "pressure"), ("hw.temperature", "pressure"),
    ("hw.gpu", "gpus"), ("system.process", "processes"), ("wftop.", "sources"),
)  # fmt: skip
MIN_ROWS: Final = 4
MAX_LANES: Final = 4


class Line(NamedTuple):
    """One series in a lane."""

    column: Column
    sign: str
    """``1`` to ``9`` within its lane: which line is whose, also without colour."""
    role: str


class Lane(NamedTuple):
    """Series of one unit."""

    unit: str
    lines: list[Line]


class Drawn(NamedTuple):
    """A lane on a grid, without cursor and values."""

    rows: list[list[Segment]]
    """The graph, top line first."""
    top: float
    bottom: float
    trends: list[int | None]
    extremes: list[tuple[float, float]]


def right_width(width: int) -> int:
    """Cells for names and values beside the graphs of a panel this wide."""
    return WIDE if width >= 120 else NARROW if width >= _SCALED_FROM else _LITTLE


def left_width(width: int) -> int:
    """Cells for the scale."""
    return LEFT if width >= _SCALED_FROM else 0


def plot_width(width: int) -> int:
    """Columns of the graphs in a panel this wide."""
    return max(4, width - left_width(width) - right_width(width) - 3)


def group(columns: Sequence[Column]) -> list[Lane]:
    """Series of the same unit share a lane, in the order they were chosen."""
    found: dict[str, list[Column]] = {}
    for column in columns:
        found.setdefault(unit_of(column), []).append(column)
    return [Lane(unit, _lines(items)) for unit, items in found.items()]


def _lines(columns: Sequence[Column]) -> list[Line]:
    taken: set[str] = set()
    lines = []
    for place, column in enumerate(columns):
        role = _role(column)
        if role in taken:
            role = next((name for name in _CYCLE if name not in taken), role)
        taken.add(role)
        lines.append(Line(column, "123456789"[place] if place < 9 else "+", role))
    return lines


def _role(column: Column) -> str:
    for _, value in column.series.labels:
        if value in _BY_LABEL:
            return _BY_LABEL[value]
    return next((role for prefix, role in _BY_NAME if column.series.name.startswith(prefix)), "sources")


def draw(lane: Lane, answer: Sampling | None, places: Sequence[int], holes: Sequence[int], height: int,
         glyphs: Glyphs) -> Drawn:  # fmt: skip
    """The graph of a lane: bands behind, lines before them, the number of each line at its end."""
    sampled: list[Sampled | None] = [
        answer.sampled(line.column.series.text, places) if answer is not None else None for line in lane.lines
    ]
    highest, lowest, extremes = float("-inf"), 0.0, []
    for item in sampled:
        most = max((v for v in item.high if v == v), default=float("nan")) if item else float("nan")
        least = min((v for v in item.low if v == v), default=float("nan")) if item else float("nan")
        extremes.append((least, most))
        highest = max(highest, most) if most == most else highest
        lowest = min(lowest, least) if least == least else lowest
    top = axis_top(max(0.0, highest), lane.unit)
    bottom = -axis_top(-lowest, lane.unit) if lowest < 0 else 0.0
    bands: list[tuple[list[int], str]] = []
    strokes: list[tuple[list[int], str]] = []
    band_roles: list[str] = []
    roles: list[str] = []
    ends: list[tuple[int, Line]] = []
    nothing = list(holes)
    for line, item in zip(lane.lines, sampled, strict=True):
        if item is None:
            continue
        means = _dots(item.mean, bottom, top, height)
        for at, dot in enumerate(means):
            if dot > 0:
                nothing[at] = 1
        lows, highs = _dots(item.low, bottom, top, height), _dots(item.high, bottom, top, height)
        if lows != highs:
            bands.append((graph.band_masks(lows, highs, height), graph.BAND))
            band_roles.append(f"{line.role}.band")
        strokes.append((graph.line_masks(means), line.sign))
        roles.append(line.role)
        last = next((dot for dot in reversed(means) if dot > 0), 0)
        if last:
            ends.append((height - 1 - (last - 1) // 4, line))
    runs = graph.layers([*bands, *strokes], holes, height, ascii_only=glyphs.ascii_only)
    known = [*band_roles, *roles]
    rows: list[list[Segment]] = [
        [(words, known[owner] if owner >= 0 else "faint") for words, owner in row] for row in runs
    ]
    if rows:
        rows[-1] = _without_values(rows[-1], nothing, glyphs)
    signs: dict[int, Line] = {}
    for at, line in ends:
        place = at
        # Two lines that end at the same height: the later one's number goes beside, where there is room.
        while place in signs and place + 1 < height:
            place += 1
        signs.setdefault(place, line)
    for at, row in enumerate(rows):
        marked = signs.get(at)
        row.append((marked.sign, marked.role) if marked else (" ", "text"))
    trends = [trend(item.mean, top - bottom) if item else None for item in sampled]
    return Drawn(rows, top, bottom, trends, extremes)


def _dots(values: Sequence[float], bottom: float, top: float, height: int) -> list[int]:
    highest = 4 * height
    scale = (highest - 1) / (top - bottom)
    # Conditions, not min and max: most of what drawing costs was their calls.
    return [
        BLANK
        if value != value
        else 1
        if (dot := int((value - bottom) * scale + 1.5)) < 1
        else highest
        if dot > highest
        else dot
        for value in values
    ]


def _without_values(row: list[Segment], nothing: Sequence[int], glyphs: Glyphs) -> list[Segment]:
    """Seconds that were recorded, but without a value of these series: dots on the ground, no hole and no 0."""
    dot = "_" if glyphs.ascii_only else "·"
    out: list[Segment] = []
    at = 0
    for words, role in row:
        shown = words
        if role == "faint" and 0 in nothing[2 * at : 2 * (at + len(words))]:
            shown = "".join(
                dot if char == " " and nothing[2 * x] == 0 == nothing[2 * x + 1] else char
                for x, char in enumerate(words, at)
            )
        out.append((shown, role))
        at += len(words)
    return out


def scale(drawn: Drawn, height: int, unit: str, width: int, glyphs: Glyphs) -> list[Segment]:
    """The left edge: the top, the middle where there is room, and the ground."""
    words = [""] * height
    words[0] = label(drawn.top, unit, ascii_only=glyphs.ascii_only)
    if height >= 7:
        half = (drawn.top + drawn.bottom) / 2
        words[height // 2] = label(half, unit, ascii_only=glyphs.ascii_only)
    if height >= 2:
        words[-1] = label(drawn.bottom, unit, ascii_only=glyphs.ascii_only) if drawn.bottom else "0"
    return [(f"{word:>{LEFT - 1}} "[:width], "dim") for word in words]


def holes_of(answer: Answer | None, grid: Grid, first_ns: int | None, now_ns: int) -> tuple[list[int], list[int]]:
    """Bucket and hole of each half column; all blank without an answer."""
    if answer is None:
        return [-1] * (2 * grid.columns), [BLANK] * (2 * grid.columns)
    places = answer.places(grid)
    return places, answer.holes(places, first_ns, now_ns)
