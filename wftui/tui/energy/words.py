"""The words and numbers of a lane of streams, and of all of them together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.energy import stream
from wftui.energy.fidelity import ADAPTATION, CPU, LINK, ROOM
from wftui.model.streams import COUNTERS
from wftui.tui.energy import weave
from wftui.tui.energy.flows import Flow
from wftui.tui.frame import Row, fit_row, outside, row_width
from wftui.tui.history import NAN
from wftui.tui.scene import Scene, gap

if TYPE_CHECKING:
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
_LOST: Final = {
    LINK: "the terminal's link",
    CPU: "late frames",
    ADAPTATION: "wftop's lower quality",
    ROOM: "lack of room",
}
_WAVES: Final = (("\u288e\u2871\u2812\u2812\u2812\u2812", "\u288e\u2871"), ("><----", "><"))
"""Two waves that cross: in characters and in ASCII, of what is estimated and of what was told."""
_BRIGHTEST: Final = 0.7
STALLED_AT: Final = 1.0
"""Friction below which a stream is told to stall."""


def sign(flow: Flow, glyphs: Glyphs) -> str:
    """The state as a character; unknown is a question mark."""
    pair = _SIGNS.get(flow.state)
    return pair[glyphs.ascii_only] if pair else "?"


def lane(scene: Scene, flow: Flow, per: int, width: int, lines: int) -> list[Row]:
    """A lane's numbers: ``lines`` rows of ``width`` cells, with the gap behind them."""
    glyphs = scene.glyphs
    role = _ROLES.get(flow.state, "dim")
    if lines == 1 or width < 24:
        return [_brief(scene, flow, role, width), *([gap(width)] for _ in range(lines - 1))]
    badges = _badges(flow, glyphs)
    state: Row = [(flow.state or "?", role)]
    room = width - 3 - row_width(state) - 1
    name = outside(flow.name, max(1, room), glyphs, middle=True)
    rows: list[Row] = [[(f"{sign(flow, glyphs)} ", role), (name, "strong"), gap(1), *state, gap(1)]]
    about = glyphs.about if flow.told_by == COUNTERS else " "
    rows.append(
        [("E ", "dim"), (f"{_number(flow.energy, 2, 4)}", "strong"), (f" {about}", "dim"),
         (f"{_number(flow.rate, 1, 7)}", "strong"), (" tok/s", "dim")]
    )  # fmt: skip
    sure: Row = [("sure ", "dim"), (_number(flow.certainty, 2, 4), "text"), gap(2)]
    shared: Row = [(f"1 = {per} tok", "warn" if per > 1 else "faint")]
    last = [*sure, *badges]
    if row_width(last) + row_width(shared) + 2 <= width:
        last += [*([gap(2)] if badges else []), *shared]
    rows.append(last)
    if lines >= 5:
        more = "its 5 min" if flow.own else "profile"
        against = f" x {flow.baseline:.4g} {more}"
        rows.append([("width ", "dim"), (_number(flow.share, 2, 4), "text"), (against, "dim")])
        rows.append(
            [("first token ", "dim"), (f"{_number(flow.first_token_s, 2, 4)}", "text"), (" s", "dim")]
        )  # fmt: skip
    rows += [[] for _ in range(lines - len(rows))]
    return [fit_row(row, width) for row in rows[:lines]]


def _brief(scene: Scene, flow: Flow, role: str, width: int) -> Row:
    """One line: state, name, E, tokens a second, and a badge where there is room."""
    numbers: Row = [(_number(flow.energy, 2, 4), "strong")]
    if width >= 16:
        wide = width >= 22
        # A thousand and more: the tenth gives its room to the blank before the number.
        numbers += [(_number(flow.rate, int(wide and flow.rate < 999.5), 6 if wide else 4), "text")]
    if width >= 22:
        numbers += [gap(1), *(_badges(flow, scene.glyphs, short=True) or [gap(1)])]
    room = max(1, width - 4 - row_width(numbers))
    name = outside(flow.name, room, scene.glyphs, middle=True)
    return fit_row([(f"{sign(flow, scene.glyphs)} ", role), (name, "text"), gap(1), *numbers, gap(1)], width)


def _badges(flow: Flow, glyphs: Glyphs, *, short: bool = False) -> Row:
    stall, burst = ("!", "^") if glyphs.ascii_only else ("▮", "↯")
    if flow.state == stream.STALLING or flow.friction < STALLED_AT:
        return [(stall if short else f"{stall} stall", "warn")]
    if flow.rate > stream.BURST_RATE:
        return [(burst if short else f"{burst} burst", "mark")]
    return []


def heads(left: int, middle: int, right: int) -> Row:
    """Titles of the columns."""
    row: Row = [(f"{'stream':<{left}.{left}}", "faint"), (f"{'flow':<{middle}.{middle}}", "faint")]
    if right:
        row += [gap(2), (f"{'E, last minute':<{right}.{right}}", "faint")]
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
    """Of two streams, as far as it is the greatest of one of them; NaN: not known."""
    for one, other in ((upper, lower), (lower, upper)):
        if one.against == other.key and one.apart == one.apart:
            return one.apart, one.apart_by
    return NAN, ""


def ensemble(scene: Scene, width: int) -> Row:
    """All streams together."""
    state = scene.state
    row: Row = [("ensemble  ", "dim"), ("E ", "dim"), (_number(state.value("ux.ensemble.energy"), 2, 4), "strong")]
    row += [gap(3), ("apart ", "dim")]
    for mode in ("top_k", "timing"):
        value = state.value("ux.ensemble.disagreement", ("mode", mode))
        about = f" {scene.glyphs.about}" if mode == "timing" else ""
        row += [(_number(value, 2, 4), "text"), (f" {mode.replace('_', ' ')}{about}", "dim"), gap(2)]
    return fit_row(row, width)


def account(field: Field, at_s: float, width: int, *, heard: bool) -> Row:
    """What was seen of what was computed in the last 60 s, and what the rest was lost to."""
    if not heard:
        return fit_row([("the terminal does not acknowledge frames: what is seen is not known", "warn")], width)
    look = field.fidelity.look(at_s)
    if look.ratio != look.ratio:
        return fit_row([("seen    -", "dim"), ("  no energy came in the last minute", "faint")], width)
    role = "good" if look.ratio >= 0.9 else "warn" if look.ratio >= 0.7 else "bad"
    row: Row = [
        ("seen ", "dim"),
        (f"{100 * look.ratio:4.0f} %", role),
        (f" of {look.computed:,.0f} EU", "dim"),
        gap(2),
    ]
    pieces: list[Row] = [
        [("lag ", "dim"), (f"{_number(1000 * look.lag_s, 0, 4)}", "text"), (" ms", "dim")],
        [(f"{field.particles}", "text"), (" particles", "dim")],
    ]
    if look.cause:
        pieces.insert(0, [("lost to ", "dim"), (_LOST[look.cause], "warn")])
    each = field.per_particle
    pieces.append([("1 = ", "dim"), (f"{each:.3g}", "text"), (" tokens" if each != 1 else " token", "dim")])
    pieces.append([("coherence ", "dim"), (_number(look.coherence, 0, 3), "text")])
    for piece in pieces:
        if row_width(row) + row_width(piece) <= width:
            row += [*piece, gap(2)]
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
