"""Two ranges of time side by side: a line a series, what differs most beyond its noise first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.render import text
from wftui.tui.frame import Row, fit_row, outside
from wftui.tui.timeline.axis import RANGE_ROLES, moment
from wftui.tui.timeline.figures import WIDTH, figure, short_name, unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.tui.glyphs import Glyphs
    from wftui.wire import messages as wire

NAN: Final = float("nan")
_NS: Final = 1_000_000_000
MORE: Final = 1
LESS: Final = -1
NOISE: Final = 0
"""The difference lies inside the noise band."""
UNSURE: Final = None
"""Nobody can say: no value in a range, or too few for a noise band."""


class Line(NamedTuple):
    """One series compared."""

    name: str
    unit: str
    item: wire.Difference
    change: float
    share: float
    """Change as a share of mean A; NaN without a mean A or when it is 0."""
    verdict: int | None


class Comparison:
    """The open table."""

    def __init__(self, a: tuple[int, int], b: tuple[int, int], *, everything: bool) -> None:
        self.a = a
        self.b = b
        self.everything = everything
        self.lines: list[Line] | None = None
        """None: the answer has not come."""
        self.levels = (1, 1)
        self.error = ""
        self.place = 0
        self.top = 0
        self.room = 10

    def take(self, reply: wire.CompareReply) -> None:
        """The answer."""
        self.lines = ordered(reply.series)
        self.levels = (reply.a_level_s, reply.b_level_s)

    def move(self, step: int) -> None:
        """Cursor by lines."""
        self.place = min(max(0, len(self.lines or ()) - 1), max(0, self.place + step))


def ordered(series: Sequence[wire.Difference]) -> list[Line]:
    """Largest difference in units of its noise first, then what cannot be judged, by name."""
    lines = [_line(item) for item in series]

    def weight(line: Line) -> tuple[int, float, str]:
        if line.verdict is UNSURE:
            return (2, 0.0, line.name)
        noise = line.item.noise
        times = abs(line.change) / noise if noise > 0 else float("inf") if line.change else 0.0
        return (0 if line.verdict else 1, -times, line.name)

    return sorted(lines, key=weight)


def _line(item: wire.Difference) -> Line:
    column = item.column
    change = item.b.mean - item.a.mean if item.a is not None and item.b is not None else NAN
    share = change / abs(item.a.mean) if item.a is not None and item.a.mean else NAN
    verdict: int | None = UNSURE
    if change == change and item.noise == item.noise:
        verdict = NOISE if abs(change) <= item.noise else MORE if change > 0 else LESS
    return Line(short_name(column.series), unit_of(column), item, change, share, verdict)


def _share(value: float) -> str:
    """A change in percent in 8 cells."""
    if value != value:
        return f"{'-':>6}  "
    percent = value * 100
    if abs(percent) >= 999.5:
        times = f"{'>' if value > 0 else '<'}{'' if value > 0 else '-'}999"
        return f"{times:>6} %"
    return f"{percent:+6.1f} %" if abs(percent) < 99.95 else f"{percent:+6.0f} %"


def draw(table: Comparison, width: int, height: int, glyphs: Glyphs, now_ns: int) -> list[Row]:
    """Both ranges with their levels, and the table."""
    rows = [_head(letter, since, until, level, width, now_ns / _NS) for letter, (since, until), level in (
        ("A", table.a, table.levels[0] if table.lines is not None else 0),
        ("B", table.b, table.levels[1] if table.lines is not None else 0),
    )]  # fmt: skip
    warning = ""
    if table.lines is not None and table.levels[0] != table.levels[1]:
        warning = f"{glyphs.alert} A has values of {_level(table.levels[0])}, B of {_level(table.levels[1])}: "
        warning += "peaks and percentiles of the longer ones are flatter"
    rows.append([(outside(warning, width, glyphs), "warn")] if warning else [(" " * width, "text")])
    if table.error:
        return [*rows, [(outside(table.error, width, glyphs), "bad")]]
    if table.lines is None:
        return [*rows, [("asking" + glyphs.ellipsis, "dim")]]
    if not table.lines:
        return [*rows, [("no series has a value in these ranges", "dim")], [("Esc, then / chooses others", "dim")]]
    rows.append(fit_row([(_titles(width), "dim")], width))
    table.room = room = max(1, height - len(rows))
    table.place = min(table.place, len(table.lines) - 1)
    table.top = max(0, min(table.top, table.place, max(0, len(table.lines) - room)))
    if table.place >= table.top + room:
        table.top = table.place - room + 1
    for at in range(table.top, min(len(table.lines), table.top + room)):
        row = _row(table.lines[at], width, glyphs)
        rows.append([("".join(piece for piece, _ in row), "select")] if at == table.place else row)
    return rows


def _level(seconds: int) -> str:
    return text.duration(seconds)


def _head(letter: str, since_ns: int, until_ns: int, level_s: int, width: int, now_s: float) -> Row:
    long = width >= 90
    begin = moment(since_ns / _NS, now_s)
    until = moment(until_ns / _NS, now_s) if long else text.clock(until_ns / _NS)
    length = text.duration((until_ns - since_ns) / _NS)
    row: Row = [(f"{letter} ", RANGE_ROLES[letter]), (f"{begin} to {until}", "text"), (f"  {length:>7}", "strong")]
    if level_s:
        row.append((f"  {'values of ' if long else 'of '}{_level(level_s)}", "dim"))
    return fit_row(row, width)


def _columns(width: int) -> list[str]:
    """Titles of the figures by room; each is ``WIDTH`` wide, ``change %`` is 8."""
    if width >= 170:
        return ["mean A", "mean B", "B - A", "%", "noise", "p50 A", "p50 B", "p95 A", "p95 B", "n A", "n B"]
    if width >= 120:
        return ["mean A", "mean B", "B - A", "%", "noise", "p95 A", "p95 B"]
    if width >= 70:
        return ["mean A", "mean B", "%", "noise"]
    return ["mean A", "mean B", "%"] if width >= 50 else ["%"]


def _wide(title: str) -> int:
    return 8 if title == "%" else 7 if title.startswith("n ") else WIDTH


def _name(width: int) -> int:
    return max(6, width - 2 - sum(_wide(title) + 1 for title in _columns(width)))


def _titles(width: int) -> str:
    # Digits end four places in; titles stand over them.
    heads = []
    for title in _columns(width):
        said = "change" if title == "%" else title
        wide = _wide(title)
        heads.append(f"{said:>7}{'':<{wide - 7}}" if wide > 7 else f"{said:>{wide}}")
    return f"  {'series':<{_name(width)}}" + "".join(" " + head for head in heads)


def _row(line: Line, width: int, glyphs: Glyphs) -> Row:
    plain = glyphs.ascii_only
    quiet = line.verdict is NOISE or line.verdict is UNSURE
    role = "dim" if quiet else "text"
    signs = {MORE: "^", LESS: "v", NOISE: "=", UNSURE: " "} if plain else {
        MORE: "▲", LESS: "▼", NOISE: "≈", UNSURE: " ",
    }  # fmt: skip
    row: Row = [(signs[line.verdict] + " ", role if quiet else "strong")]
    row.append((outside(line.name, _name(width), glyphs, middle=True), role))
    a, b = line.item.a, line.item.b
    for title in _columns(width):
        strong = "dim" if quiet else "strong" if title in ("mean B", "%") else "text"
        row.append((" " + _figure(title, line, a, b, plain=plain), strong))
    return fit_row(row, width)


def _figure(title: str, line: Line, a: wire.RangeStats | None, b: wire.RangeStats | None, *, plain: bool) -> str:
    if title == "%":
        return _share(line.share)
    if title == "B - A":
        return figure(line.change, line.unit, ascii_only=plain)
    if title == "noise":
        return figure(line.item.noise, line.unit, ascii_only=plain)
    kind, _, letter = title.partition(" ")
    stats = a if letter == "A" else b
    if kind == "n":
        return f"{stats.count if stats is not None else 0:>7}"
    value = NAN if stats is None else {"mean": stats.mean, "p50": stats.p50, "p95": stats.p95}[kind]
    return figure(value, line.unit, ascii_only=plain)
