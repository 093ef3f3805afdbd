"""The words and numbers of a lane of streams, and of all of them together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.energy import stream
from wftui.energy.fidelity import ADAPTATION, CPU, LINK, ROOM
from wftui.model.streams import COUNTERS
from wftui.tui.energy import weave
from wftui.tui.energy.flows import Flow
from wftui.tui.frame import Row, cells, fit_row, outside, row_width
from wftui.tui.history import NAN
from wftui.tui.scene import Scene, gap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.tui.energy.field import Field
    from wftui.tui.glyphs import Glyphs

_SIGNS: Final = {
    stream.IDLE: ("◌", "-"),
    stream.CHARGING: ("◔", "."),
    stream.FLOWING: ("▶", ">"),
    stream.STALLING: ("▮", "!"),
    stream.SATURATED: ("◆", "#"),
    stream.DRAINED: ("▽", "v"),
}
_ROLES: Final = {
    stream.STALLING: "warn", stream.FLOWING: "good", stream.SATURATED: "good", stream.CHARGING: "text",
}  # fmt: skip
_AT_REST: Final = frozenset({stream.IDLE, stream.DRAINED})
_LOST: Final = {
    LINK: "the terminal's link",
    CPU: "late frames",
    ADAPTATION: "wftop's lower quality",
    ROOM: "lack of room",
}
_WAVES: Final = (("\u288e\u2871\u2812\u2812\u2812\u2812", "\u288e\u2871"), ("><----", "><"))
"""Two waves that cross: in characters and in ASCII, of what is estimated and of what was told."""
_BADGE: Final = 7
"""Cells of a badge."""
_BADGED: Final = 26
"""Of a lane's words: from so many on one line has a badge."""
_SHARED: Final = 31
"""From so many on it is written out how many tokens a particle is."""
_BRIGHTEST: Final = 0.7
STALLED_AT: Final = 1.0
"""Friction below which a stream is told to stall."""


_NARROW: Final = 66
"""Columns below which a lane is a sign, a name and two numbers."""
_WIDE: Final = 100
_TRACED: Final = 130
"""Columns from which on the last minute stands beside a lane."""


class Columns(NamedTuple):
    """Cells of the page: words, flow, last minute (0: it is not shown). Two blank ones stand before the last."""

    left: int
    flow: int
    right: int


def columns(visible: Sequence[Flow], width: int, lines: int) -> Columns:
    """What lanes of so many lines have of ``width``: names as long as they are, as far as the flow is seen."""
    if lines > 1:
        left = 34 if width >= _WIDE else 26 if width >= _NARROW else min(width, 22)
    else:
        longest = max((cells(flow.name) for flow in visible), default=0)
        least, most, figures = (26, width * 2 // 5, 16) if width >= _NARROW else (18, width * 11 // 20, 13)
        left = min(width, max(least, min(most, longest + figures)))
    right = 30 if width >= _TRACED else 0
    return Columns(left, max(0, width - left - (right + 2 if right else 0)), right)


def sign(flow: Flow, glyphs: Glyphs) -> str:
    """The state as a character; unknown is a question mark."""
    pair = _SIGNS.get(flow.state)
    return pair[glyphs.ascii_only] if pair else "?"


def lane(scene: Scene, flow: Flow, per: int, width: int, lines: int) -> list[Row]:
    """A lane's numbers: ``lines`` rows of ``width`` cells, with the gap behind them.

    ``per``: tokens that a particle stands for; 0: there are none.
    """
    glyphs = scene.glyphs
    role = _ROLES.get(flow.state, "dim")
    if lines == 1 or width < 24:
        return [_brief(scene, flow, role, width), *([gap(width)] for _ in range(lines - 1))]
    state: Row = [(flow.state or "?", role)]
    room = width - 3 - row_width(state) - 1
    name = outside(flow.name, max(1, room), glyphs, middle=True)
    rows: list[Row] = [[(f"{sign(flow, glyphs)} ", role), (name, "strong"), gap(1), *state, gap(1)]]
    about = glyphs.about if flow.told_by == COUNTERS else " "
    rows.append(
        [("E ", "dim"), (f"{_number(flow.energy, 2, 4)}", "strong"), (f" {about}", "dim"),
         (f"{_number(flow.rate, 1, 7)}", "strong"), (" tok/s", "dim")]
    )  # fmt: skip
    # Each has its place, so that nothing moves when a badge comes or goes.
    badge = _badges(flow, glyphs) or [gap(_BADGE)]
    share = "" if not per else f"1 = {per} tok" if width >= _SHARED else f"1={per}"
    rows.append(
        [("sure ", "dim"), (_number(flow.certainty, 2, 4), "text"), gap(2), *badge,
         gap(2 if width >= _SHARED else 1), (share, "warn" if per > 1 else "faint")]
    )  # fmt: skip
    if lines >= 5:
        # In narrow columns fewer words: the number would touch the flow.
        own, other = ("its mean", "the profile's") if width >= _SHARED else ("mean", "profile")
        usual = f" of {own if flow.own else other} {flow.baseline:.3g}"
        rows.append([("width ", "dim"), (_number(flow.share, 2, 4), "text"), (usual, "dim")])
        rows.append(
            [("first token ", "dim"), (f"{_number(flow.first_token_s, 2, 4)}", "text"), (" s", "dim")]
        )  # fmt: skip
    rows += [[] for _ in range(lines - len(rows))]
    return [fit_row(row, width) for row in rows[:lines]]


def _brief(scene: Scene, flow: Flow, role: str, width: int) -> Row:
    """One line: state, name, E, tokens a second, and a badge where there is room."""
    wide = width >= _BADGED
    numbers: Row = [(_number(flow.energy, 2, 4), "strong"), (_rate(flow.rate, 6 if wide else 5), "text")]
    if wide:
        numbers += [gap(1), *(_badges(flow, scene.glyphs, short=True) or [gap(1)])]
    room = max(1, width - 4 - row_width(numbers))
    name = outside(flow.name, room, scene.glyphs, middle=True)
    return fit_row([(f"{sign(flow, scene.glyphs)} ", role), (name, "text"), gap(1), *numbers, gap(1)], width)


def _rate(rate: float, width: int) -> str:
    """With a tenth where that leaves a blank before the number."""
    if rate >= 10 ** (width - 1) - 0.5:
        return f"{rate / 1000:{width - 1}.0f}k"
    return _number(rate, int(rate < 10 ** (width - 3) - 0.05 and width > 5), width)


def _badges(flow: Flow, glyphs: Glyphs, *, short: bool = False) -> Row:
    """Of ``_BADGE`` cells, ``short``: of one; or none."""
    stall, burst = ("!", "^") if glyphs.ascii_only else ("▮", "↯")
    if flow.state == stream.STALLING or flow.friction < STALLED_AT:
        return [(stall if short else f"{stall} stall", "warn")]
    if flow.rate > stream.BURST_RATE:
        return [(burst if short else f"{burst} burst", "mark")]
    return []


def heads(columns: Columns, *, brief: bool) -> Row:
    """Titles of the columns."""
    left = columns.left
    numbers = ""
    if brief:
        numbers = "   E tok/s   " if left >= _BADGED else "   E  t/s "
    title = f"{'stream':<{left - len(numbers)}.{left - len(numbers)}}{numbers}"
    row: Row = [(title, "faint"), (f"{'flow':<{columns.flow}.{columns.flow}}", "faint")]
    if columns.right:
        row += [gap(2), (f"{'E, last minute':<{columns.right}.{columns.right}}", "faint")]
    return row


def between(scene: Scene, upper: Flow, lower: Flow, left: int, middle: int, share: float, shades: int) -> Row:
    """The line between two lanes: how far they disagree, as waves; blank where nobody knows.

    ``share``: of the width that wftop's quality leaves to effects.
    """
    apart, by = disagreement(upper, lower)
    if apart != apart:
        return []
    about = "" if by == "top_k" else f" {scene.glyphs.about}"
    said = f"  apart {apart:.2f} {by.replace('_', ' ')}{about}"
    wave = _WAVES[scene.glyphs.ascii_only][by == "top_k"]
    cells = int(middle * share)
    # Brighter than this the streams themselves would be the ground.
    ink = weave.glow(_BRIGHTEST * apart, shades)
    return [(f"{said:<{left}.{left}}", "dim"), ((wave * (cells // len(wave) + 1))[:cells], ink)]


def disagreement(upper: Flow, lower: Flow) -> tuple[float, str]:
    """Of two streams, as far as it is the greatest of one of them; NaN: not known, or one of them is at rest."""
    if upper.state in _AT_REST or lower.state in _AT_REST:
        return NAN, ""
    for one, other in ((upper, lower), (lower, upper)):
        if one.against == other.key and one.apart == one.apart:
            return one.apart, one.apart_by
    return NAN, ""


def ensemble(scene: Scene, width: int) -> Row:
    """All streams together; of two ways to disagree that which is known, where there is room for one."""
    state = scene.state
    row: Row = [("ensemble  ", "dim"), ("E ", "dim"), (_number(state.value("ux.ensemble.energy"), 2, 4), "strong")]
    row += [gap(3), ("apart ", "dim")]
    told: list[Row] = []
    for mode in ("top_k", "timing"):
        value = state.value("ux.ensemble.disagreement", ("mode", mode))
        about = f" {scene.glyphs.about}" if mode == "timing" else ""
        told.append([(_number(value, 2, 4), "text" if value == value else "dim")])
        told[-1] += [(f" {mode.replace('_', ' ')}{about}", "dim")]
    if row_width(row) + sum(map(row_width, told)) + 2 > width:
        told = [next((piece for piece in told if piece[0][1] == "text"), told[0])]
    for at, piece in enumerate(told):
        row += [*([gap(2)] if at else []), *piece]
    return fit_row(row, width)


def account(field: Field, at_s: float, width: int, *, heard: bool) -> Row:
    """What was seen of what was computed in the last 60 s, and what the rest was lost to."""
    if not heard:
        said = "the terminal does not acknowledge frames: what is seen is not known"
        return fit_row([(said if len(said) <= width else "seen: the terminal does not tell", "warn")], width)
    look = field.fidelity.look(at_s)
    if look.ratio != look.ratio:
        return fit_row([("seen    -", "dim"), ("  no energy in the last minute", "faint")], width)
    role = "good" if look.ratio >= 0.9 else "warn" if look.ratio >= 0.7 else "bad"
    row: Row = [("seen ", "dim"), (f"{100 * look.ratio:4.0f} %", role)]
    each = field.per_particle
    pieces: list[Row] = [
        [("lag ", "dim"), (f"{_number(1000 * look.lag_s, 0, 4)}", "text"), (" ms", "dim")],
        [(f"{field.particles:4}", "text"), (" particles", "dim")],
        [("1 = ", "dim"), (f"{each:.3g}", "text"), (" tokens" if each != 1 else " token", "dim")],
        [("coherence ", "dim"), (_number(look.coherence, 0, 3), "text")],
    ]
    if width >= _NARROW:
        row.append((f" of {look.computed:,.0f} EU", "dim"))
    if look.cause:
        lost = _LOST[look.cause] if width >= _NARROW else look.cause
        pieces.insert(0, [("lost to ", "dim"), (lost, "warn")])
    for piece in pieces:
        if row_width(row) + row_width(piece) + 2 <= width:
            row += [gap(2), *piece]
    return fit_row(row, width)


def legend(scene: Scene, width: int) -> Row:
    """What stands for what, as far as there is room. Particles are named: their characters stand on belts only."""
    said = ["width rate", "speed tok/s", "brightness E", "particle a token", "hollow: unsure", "v what is what"]
    separator = f" {scene.glyphs.separator} "
    while len(said) > 1 and len(separator.join(said)) > width:
        del said[-2]
    return fit_row([(separator.join(said), "faint")], width)


def _number(value: float, places: int, width: int) -> str:
    return f"{value:{width}.{places}f}" if value == value else f"{'-':>{width}}"
