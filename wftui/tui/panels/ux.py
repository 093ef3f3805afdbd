"""The panel of UX and fidelity: programs that make frames, streams of tokens, how true the picture of them is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.model.streams import COUNTERS, TOLD_BY
from wftui.model.streams import STREAMS as STREAMS_TABLE
from wftui.render import text
from wftui.tui.frame import Row, fit_row, row_width
from wftui.tui.history import NAN
from wftui.tui.panels import parts
from wftui.tui.scene import Body, Scene, gap
from wftui.tui.ux_screen import figures, programs, seen, truth

if TYPE_CHECKING:
    from wftui.tui.state import State

_HEADED: Final = 60
"""Columns from which on programs stand in a table."""
_LEAST: Final = 3
"""Lines from which on one of them is a heading."""
_WHOLE: Final = (70, 18)
"""Columns and lines from which on it is the page of screen 9."""


def told(state: State) -> int:
    """Streams whose tokens were told one by one: those of servers' counters are told by the models panel."""
    rows = state.tables.get(STREAMS_TABLE.name, {}).values()
    return sum(len(row) > TOLD_BY and row[TOLD_BY] != COUNTERS for row in rows)


def count(state: State) -> int:
    """Lines that there are to say of programs that push and of a core; 0: nobody draws or streams."""
    pushing = len(state.labels("ux.frame.rate", "source"))
    streams = told(state)
    return pushing + (streams > 0) + bool(pushing or streams)


def line(scene: Scene, width: int) -> Row:
    """The subject in one line: the program that is worst off, else the first, and fidelity."""
    found = seen.programs(scene.state)
    row: Row = [parts.label("ux", 5)]
    if not found:
        return fit_row([*row, ("no program tells its frames", "dim")], width)
    worst = min(found, key=lambda program: (program.trouble != "bad", program.trouble != "warn"))
    tail: Row = []
    ratio = min((view.ratio for view in seen.views(scene.state) if view.ratio == view.ratio), default=NAN)
    if ratio == ratio:
        tail = [gap(1), ("seen ", "dim"), parts.percent(ratio, seen.ratio_role(ratio) or "strong")]
    room = max(1, width - row_width(row) - row_width(tail))
    return fit_row([*row, *programs.brief(scene, worst, room), *tail], width)


def draw(scene: Scene, width: int, height: int) -> Body:
    """A line a program, then streams and fidelity; over a whole screen the page of screen 9."""
    if width >= _WHOLE[0] and height >= _WHOLE[1]:
        from wftui.tui.ux_screen.page import UxPage  # here: seldom so large

        return UxPage().draw(scene, width, height)
    found = seen.programs(scene.state)
    right: Row = [("10 s", "dim")] if found and width >= 20 else []
    if not found and not told(scene.state):
        return Body(programs.nothing(scene, width)[:height])
    below = [row for row in (_streams(scene, width), truth.brief(scene, width)) if row]
    room = height - min(len(below), max(0, height - 1))
    table = width >= _HEADED and room >= _LEAST
    rows: list[Row] = [programs.heading(width)] if table else []
    draws = sorted(found, key=lambda program: program.draws is False)[: room - table]
    for program in draws:
        if table:
            rows.append(programs.line(scene, program, width, chosen=False))
        else:
            rows.append(programs.brief(scene, program, width))
    if len(found) > len(draws):
        right = [(f"{len(draws)} of {len(found)}, ", "dim"), *right]
    return Body([*rows, *below][:height], right)


def _streams(scene: Scene, width: int) -> Row:
    """All streams together."""
    state = scene.state
    number = told(state)
    if not number:
        return []
    energy = state.value("ux.ensemble.energy")
    rates = [state.values[state.places[item.text]] for item in state.by_name.get("ux.stream.rate", ())]
    known = [rate for rate in rates if rate == rate]
    row: Row = [(f"{number} stream{'' if number == 1 else 's'} ", "dim")]
    row += [("E ", "dim"), (f"{energy:.2f}" if energy == energy else text.UNKNOWN, "strong"), gap(2)]
    row += [(figures.units(sum(known)) if known else text.UNKNOWN, "text"), (" tok/s", "dim")]
    return fit_row(row, width)
