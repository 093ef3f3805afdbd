"""How true the pictures of energy are: a view each, what was lost and to what, how far they lag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.render import graph, text
from wftui.tui.energy.flows import flows
from wftui.tui.frame import Row, fit_row, row_width
from wftui.tui.panels import parts
from wftui.tui.scene import gap
from wftui.tui.state import text_of
from wftui.tui.ux_screen import figures, seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.tui.scene import Scene
    from wftui.tui.ux_screen.seen import View

_SPAN_S: Final = 300
_BAR: Final = 6
_LONGEST: Final = 30
"""Cells of a meter, at least and at most."""
_HEAD: Final = 23
"""Cells before it."""
_MEANT: Final = 62
"""Columns from which on a cause is told in a sentence."""
_SHOWN: Final = 100
"""The same of the histogram with its shares."""


def heading(width: int) -> Row:
    """What follows."""
    words = "energy seen of that computed, 60 s"
    if width >= _SHOWN:
        words = "energy whose frame the terminal acknowledged, of that computed: 60 s, and since the view began"
    row: Row = [("fidelity", "gpus.title"), gap(2), (words, "dim")]
    return fit_row(row, width)


def lines(scene: Scene, width: int, height: int) -> list[Row]:
    """Each view, with the cause of its loss and its lags as far as there are lines."""
    known = seen.views(scene.state)
    if not known:
        return nothing(scene, width)[:height]
    rows: list[Row] = []
    each = max(1, height // len(known))
    pieces, bar = _room(known, width)
    for view in known:
        rows.append(_gauge(scene, view, width, pieces, bar))
        if each >= 2:
            rows.append(_loss(view, width))
        if each >= 3 and width >= _MEANT:
            rows.append(_histogram(scene, view, width))
    return rows[:height]


def _gauge(scene: Scene, view: View, width: int, pieces: int, bar: int) -> Row:
    """``pieces``: of ``_pieces``; ``bar``: cells of the meter, 0: none. The same for all views."""
    role = seen.ratio_role(view.ratio)
    known = view.ratio == view.ratio
    sign = scene.glyphs.alert if role else scene.glyphs.ok if known else scene.glyphs.none
    row: Row = [(f"{sign} ", role or ("good" if known else "dim")), (f"view {view.number:<3}", "text")]
    row += [(f"{view.motion:<7}", "dim"), parts.percent(view.ratio, role or "strong"), gap(1)]
    if bar:
        row += parts.meter(scene, view.ratio, bar, role or "good")
    for piece in _pieces(view)[:pieces]:
        row += [gap(2), *piece]
    return fit_row(row, width)


def _room(known: Sequence[View], width: int) -> tuple[int, int]:
    """How many pieces fit beside a meter in every row, and how long that is."""
    left = width - _HEAD
    widths = [max(2 + row_width(piece) for piece in column) for column in zip(*map(_pieces, known), strict=True)]
    taken = 0
    for wide in widths:
        if left - wide < _BAR * (width >= _MEANT):
            break
        left -= wide
        taken += 1
    return taken, min(_LONGEST, left) if left >= _BAR else 0


def _pieces(view: View) -> list[Row]:
    """What is said behind the ratio, the most telling first; the same width for every view where that goes."""
    lag = "bad" if view.lag_s > 2 * seen.LAGGING_S else "warn" if view.lag_s > seen.LAGGING_S else "text"
    sums = f"{figures.units(view.seen):>6}", f" of {figures.units(view.computed):>6} EU"
    return [
        [("lag ", "dim"), (figures.milliseconds(view.lag_s), lag if view.lag_s == view.lag_s else "dim")],
        [(sums[0], "text"), (sums[1], "dim")],
        [("coherence ", "dim"), _coherence(view)],
        [(f"{figures.whole(view.particles):>5}", "text"), (" particles", "dim")],
        [(f"{figures.level(view.tokens)} token{'' if view.tokens == 1 else 's'} each", "dim")],
    ]


def _coherence(view: View) -> tuple[str, str]:
    if view.coherence != view.coherence:
        return f"{text.UNKNOWN:>3}", "dim"
    return f"{view.coherence:>3.0f}", "warn" if view.coherence < seen.UNSTEADY else "text"


def _loss(view: View, width: int) -> Row:
    """Where the rest went."""
    lost = sorted(((units, cause) for cause, units in view.missed.items() if units > 0), reverse=True)
    if not lost:
        words = "nothing is missing" if view.seen == view.seen else "not told what is missing"
        return fit_row([gap(2), (words, "dim")], width)
    row: Row = [gap(2), ("missed ", "dim")]
    for place, (units, cause) in enumerate(lost):
        why = f" ({seen.WORDS[cause]})" if width >= _MEANT else ""
        start: Row = [("; ", "dim")] if place else []
        piece: Row = [*start, (f"{cause} {figures.units(units)} EU", "text")]
        if place and row_width(row) + row_width(piece) > width:
            break
        if row_width(row) + row_width(piece) + len(why) <= width:
            piece.append((why, "dim"))
        row += piece
    return fit_row(row, width)


def _histogram(scene: Scene, view: View, width: int) -> Row:
    """Seconds of the last minutes by their lag."""
    values = scene.state.seconds(text_of("wftop.fidelity.lag", ("view", view.number)), _SPAN_S)
    counts = seen.lags(values)
    total = sum(counts)
    if not total:
        return fit_row([gap(2), ("no lag was told in the last 5 min", "dim")], width)
    most = max(counts)
    row: Row = [gap(2), ("lag, 5 min " if width < _SHOWN else "lag of each second, 5 min ", "dim")]
    for count, (top, name) in zip(counts, seen.LAGS, strict=True):
        late = "warn" if top > 1.5 * seen.LAGGING_S else "text"
        row.append((f"  {name} ", "faint"))
        if not count:
            row.append((scene.glyphs.separator, "faint"))
            continue
        cell = graph.cell(count / most, ascii_only=scene.glyphs.ascii_only)
        row.append((cell * 2, late))
        if width >= _SHOWN:
            row.append((f" {text.percent(count / total).strip()}", late))
    return fit_row([*row, (" ms", "faint")], width)


def brief(scene: Scene, width: int) -> Row:
    """All views in one line: the least true one."""
    known = [view for view in seen.views(scene.state) if view.ratio == view.ratio]
    if not known:
        return fit_row([("fidelity ", "dim"), ("no view draws energy", "dim")], width)
    worst = min(known, key=lambda view: view.ratio)
    role = seen.ratio_role(worst.ratio)
    row: Row = [(f"{scene.glyphs.alert if role else scene.glyphs.ok} ", role or "good"), ("seen ", "dim")]
    row += [parts.percent(worst.ratio, role or "strong"), gap(1), ("lag ", "dim")]
    row += [(figures.milliseconds(worst.lag_s).strip(), "text")]
    if worst.cause and row_width(row) + len(worst.cause) + 9 <= width:
        row.append((f"  lost to {worst.cause}"[: max(0, width - row_width(row))], "dim"))
    return fit_row(row, width)


def nothing(scene: Scene, width: int) -> list[Row]:
    """Why nothing is known, and what to do."""
    if scene.replay is not None:
        return [fit_row([("no view drew energy at this moment", "dim")], width)]
    if flows(scene.state):
        return [
            fit_row([("no view tells yet how much of it is seen", "dim")], width),
            fit_row([("told once a second while streams flow on screen 9", "dim")], width),
        ]
    return [
        fit_row([("no stream of tokens is known, so no energy is drawn", "dim")], width),
        fit_row(
            [(f"{scene.glyphs.right} the page ", "dim"), ("streams", "key"), (" says who could tell", "dim")],
            width,
        ),
    ]
