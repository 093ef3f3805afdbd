"""The whole of screen 5: lanes over one time axis, what is at the cursor, or one of its two lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.names import COUNTER
from wftui.render import text
from wftui.tui import gpus
from wftui.tui.frame import Row, fit_row, outside, row_width
from wftui.tui.panels import events
from wftui.tui.scene import Body, Scene, empty, gap, keep
from wftui.tui.timeline import axis, compare, lanes, picker
from wftui.tui.timeline.figures import step_words
from wftui.tui.timeline.legend import legend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.model.event import Event
    from wftui.tui.glyphs import Glyphs
    from wftui.tui.timeline.data import Answer
    from wftui.tui.timeline.lanes import Drawn, Lane, Line
    from wftui.tui.timeline.model import Timeline
    from wftui.tui.timeline.window import Grid

_NS: Final = 1_000_000_000
NAN: Final = float("nan")
_SEVERITY: Final = {"bad": 0, "warn": 1, "mark": 2}


def draw(scene: Scene, timeline: Timeline, width: int, height: int) -> Body:
    """The inside of the screen."""
    glyphs = scene.glyphs
    if timeline.table is not None:
        return Body(compare.draw(timeline.table, width, height, glyphs, timeline.now_ns), _table_right(timeline))
    if timeline.picker is not None:
        found = list(timeline.columns.values())
        return Body(picker.draw(timeline.picker, found, timeline.chosen, width, height, glyphs,
                                gpus.names(scene.state)))  # fmt: skip
    timeline.plot = lanes.plot_width(width)
    now_ns = timeline.now_ns
    grid = timeline.grid(now_ns)
    covered = timeline.covered(timeline.wish(now_ns))
    if covered:
        timeline.error = ""  # what failed was another wish
    right = _right(scene, timeline, grid)
    groups = lanes.group(timeline.picked())
    if timeline.error and timeline.answer is None:
        return Body([[(outside(timeline.error, width, glyphs), "bad")]], right)
    if not groups:
        if timeline.asking or not timeline.columns:
            return empty("asking for what was recorded" + glyphs.ellipsis, "")._replace(right=right)
        return empty("no series is chosen", "/ opens the list of all series")._replace(right=right)
    marked = timeline.ranges(now_ns)
    detail = 1 if height < 14 else max(2, min(8, height // 6)) if height < 30 else max(4, height // 7)
    below = 2 + bool(marked) + detail
    room = max(1, height - below)
    shown = max(1, min(lanes.MAX_LANES, len(groups), room // lanes.MIN_ROWS))
    timeline.lanes_shown = shown
    timeline.top = min(timeline.top, len(groups) - shown)
    cursor = timeline.window.cursor(grid)
    answer = timeline.answer
    places, holes = lanes.holes_of(answer, grid, timeline.window.first_ns, now_ns)
    rows: list[Row] = []
    seen = groups[timeline.top : timeline.top + shown]
    for number, (lane, lines) in enumerate(zip(seen, _heights(seen, room), strict=True)):
        rows += _lane(scene, timeline, lane, lines, width, cursor, places, holes, last=number == shown - 1)
    faded = answer is not None and not covered and (timeline.asking or bool(timeline.error))
    if faded:
        rows = [[(words, "faint") for words, _ in row] for row in rows]
    rest = len(groups) - shown
    left = gap(lanes.left_width(width))
    tail = "" if not rest else f"{glyphs.down if timeline.top < rest else glyphs.up} {rest} more"
    rows.append(fit_row([left, *axis.ruler(grid, glyphs, cursor), (f"  {tail}", "dim")], width))
    happened = keep(
        scene.state,
        "timeline events",
        (timeline.events_version, grid, glyphs),
        lambda: _happened(scene, timeline, grid),
    )
    rows.append(fit_row([left, *axis.lane(grid, {k: v[0] for k, v in happened.items()}, cursor, glyphs)], width))
    if marked:
        rows.append(fit_row([left, *axis.ranges(grid, marked, glyphs)], width))
    timeline.drawn = len(rows)
    rows += _detail(scene, timeline, grid, cursor, places, happened, detail, width)
    return Body(rows[:height], right)


def _end(scene: Scene) -> str:
    """What the right edge of time is called: a recording that is over has no now."""
    return "now" if scene.replay is None or scene.replay.recording is None else "its end"


def _right(scene: Scene, timeline: Timeline, grid: Grid) -> Row:
    """In the border: length and end of the window, what its numbers are made of, whether more is to come."""
    state = f"asking{scene.glyphs.ellipsis}" if timeline.asking else ""
    if timeline.error:
        state = "no answer"
    window = timeline.window
    until = (
        _end(scene)
        if window.live
        else axis.moment(grid.end_ns / _NS, timeline.now_ns / _NS, seconds=window.span_s < 3600)
    )
    answer = timeline.answer
    row: Row = [(f"{state}  ", "warn" if timeline.error else "dim")] if state else []
    row += [(window.span, "strong"), (f" to {until}", "text")]
    if answer is not None:
        row.append((f" {scene.glyphs.separator} {step_words(answer.step_ns / _NS)} a point", "dim"))
    return row


def _table_right(timeline: Timeline) -> Row:
    table = timeline.table
    if table is None or table.lines is None:
        return []
    told = sum(1 for line in table.lines if line.verdict in (compare.MORE, compare.LESS))
    return [(f"{told} of {len(table.lines)} differ beyond their noise", "text")]


def _lane(
    scene: Scene, timeline: Timeline, lane: Lane, lines: int, width: int, cursor: int, places: list[int],
    holes: list[int], *, last: bool,
) -> list[Row]:  # fmt: skip
    """A lane of ``lines`` rows with scale and legend; a blank row between two lanes where there is room."""
    glyphs = scene.glyphs
    tall = lines - (1 if lines > lanes.MIN_ROWS and not last else 0)
    answer = timeline.answer
    grid = timeline.grid(timeline.now_ns)
    texts = tuple(line.column.series.text for line in lane.lines)
    made_of = (timeline.version, grid, tall, texts, glyphs, holes)
    drawn: Drawn = keep(
        scene.state, f"lane {lane.unit}", made_of, lambda: lanes.draw(lane, answer, places, holes, tall, glyphs)
    )
    here = places[2 * cursor : 2 * cursor + 2]
    live = timeline.window.cursor_ns is None
    values = [_value(scene, answer, line, here, live=live) for line in lane.lines]
    scale = lanes.scale(drawn, tall, lane.unit, lanes.left_width(width), glyphs)
    named = legend(lane, drawn, values, tall, lanes.right_width(width), glyphs, gpus.names(scene.state))
    rows = []
    for at in range(tall):
        graph = _with_cursor(drawn.rows[at], cursor, glyphs)
        rows.append(fit_row([scale[at], *graph, gap(2), *(named[at] if at < len(named) else [])], width))
    return rows + [[gap(width)]] * (lines - tall)


def _heights(groups: Sequence[Lane], room: int) -> list[int]:
    """Rows of each lane: the same for all, but what one has to spare goes to one whose legend needs it."""
    count = len(groups)
    heights = [room // count + (number < room % count) for number in range(count)]
    # Two lines a series and the blank row below.
    spare = [
        height - max(lanes.MIN_ROWS, 2 * len(lane.lines) + 1) for height, lane in zip(heights, groups, strict=True)
    ]
    for number in range(count):
        while spare[number] < 0 and (rich := max(range(count), key=lambda at: spare[at])) != number:
            if spare[rich] <= 0:
                break
            heights[rich], heights[number] = heights[rich] - 1, heights[number] + 1
            spare[rich], spare[number] = spare[rich] - 1, spare[number] + 1
    return heights


def _value(
    scene: Scene, answer: Answer | None, line: Line, here: list[int], *, live: bool
) -> tuple[float, float, float]:
    """Lowest, mean, highest at the cursor; live the newest second of the feed."""
    name = line.column.series.text
    if live:
        value = scene.state.newest(name, counter=line.column.kind == COUNTER) if scene.replay is None else NAN
        return NAN, answer.newest(name) if value != value and answer is not None else value, NAN
    return answer.at(name, sorted(set(here))) if answer is not None else (NAN, NAN, NAN)


def _with_cursor(row: Row, cursor: int, glyphs: Glyphs) -> Row:
    """A line down the cursor's column; what is drawn there stays."""
    out: Row = []
    x = 0
    for words, role in row:
        wide = len(words)
        if x <= cursor < x + wide:
            at = cursor - x
            if at:
                out.append((words[:at], role))
            out.append((words[at] if words[at] != " " else glyphs.vertical, "crosshair"))
            if at + 1 < wide:
                out.append((words[at + 1 :], role))
        else:
            out.append((words, role))
        x += wide
    return out


Happened = dict[int, tuple[list[tuple[str, str]], list["Event"]]]


def _happened(scene: Scene, timeline: Timeline, grid: Grid) -> Happened:
    """Column to what is drawn there, the worst first, and the events in order."""
    found: Happened = {}
    for event in timeline.events:
        column = grid.column(event.time_ns)
        if 0 <= column < grid.columns:
            drawn, there = found.setdefault(column, ([], []))
            drawn.append(_sign(scene, event))
            there.append(event)
    for drawn, _ in found.values():
        drawn.sort(key=lambda item: _SEVERITY.get(item[1], 3))
    return found


def _sign(scene: Scene, event: Event) -> tuple[str, str]:
    if event.type == "mark.set":
        return "m", "mark"
    return events.glyph(scene, event), events.role(event)


def _detail(
    scene: Scene, timeline: Timeline, grid: Grid, cursor: int, places: list[int], happened: Happened, lines: int,
    width: int,
) -> list[Row]:  # fmt: skip
    """The cursor's time, what its numbers are made of, and what happened then."""
    glyphs = scene.glyphs
    begin_s = grid.begin(cursor) / _NS
    live = timeline.window.cursor_ns is None
    row: Row = [
        (_end(scene) if live else glyphs.mark, "strong"),
        gap(2 if live else 1),
        (axis.moment(begin_s, timeline.now_ns / _NS), "strong"),
    ]
    said = []
    answer = timeline.answer
    if answer is not None:
        held = [place for place in sorted(set(places[2 * cursor : 2 * cursor + 2])) if place >= 0]
        expected = max(1, len(held)) * answer.step_ns // _NS
        said.append(f"{sum(answer.counts[place] for place in held)} of {expected} ticks")
        said.append(f"values of {text.duration(answer.level_s)}")
        row.append((f" {glyphs.separator} " + f" {glyphs.separator} ".join(said), "dim"))
    if timeline.error:
        row = [(outside(timeline.error, width, glyphs), "bad")]
    elif timeline.events_cut:
        row.append((f" {glyphs.separator} more events than these", "warn"))
    rows: list[Row] = [fit_row(row, width)]
    there = happened.get(cursor, ([], []))[1]
    for place, event in enumerate(there[: lines - 1]):
        sign, role = _sign(scene, event)
        more = len(there) - (lines - 1)
        head: Row = [(text.clock(event.time_ns / _NS), "dim"), gap(1), (sign, role), gap(1)]
        head += [(outside(event.type, 20, glyphs), role), gap(1)]
        left = width - row_width(head)
        words = events.summary(scene, event)
        if more > 0 and place == lines - 2:
            words = f"{words} {glyphs.separator} and {more} more"
        rows.append(fit_row([*head, (outside(words, max(1, left), glyphs), "text")], width))
    if not there and lines >= 3:
        rows += _beside(scene, timeline, grid, cursor, width)
    while len(rows) < lines:
        rows.append([gap(width)])
    return rows


def _beside(scene: Scene, timeline: Timeline, grid: Grid, cursor: int, width: int) -> list[Row]:
    """Where nothing happened: the event before and the one after, with the keys that lead there."""
    begin, end = grid.begin(cursor), grid.begin(cursor + 1)
    # Only what is in view: beyond it nobody has asked what lies between.
    before = next((item for item in reversed(timeline.events) if grid.start_ns <= item.time_ns < begin), None)
    after = next((item for item in timeline.events if end <= item.time_ns < grid.end_ns), None)
    rows: list[Row] = []
    for key, event in (("N", before), ("n", after)):
        if event is not None:
            sign, role = _sign(scene, event)
            row: Row = [
                (key, "key"),
                gap(1),
                (axis.moment(event.time_ns / _NS, timeline.now_ns / _NS), "dim"),
                gap(1),
                (sign, role),
                gap(1),
            ]
            row.append((outside(event.type, 20, scene.glyphs), "dim"))
            left = width - row_width(row) - 1
            row += [gap(1), (outside(events.summary(scene, event), max(1, left), scene.glyphs), "dim")]
            rows.append(fit_row(row, width))
    return rows
