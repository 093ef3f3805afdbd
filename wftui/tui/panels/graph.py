"""Any series of the catalogue on a panel: its past as a graph, its current value, on the unit's own scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.names import METRICS
from wftui.tui.frame import Row, fit_row, outside, plain, row_width
from wftui.tui.gpus import boxes
from wftui.tui.panels import parts
from wftui.tui.panels.pressure import wrap
from wftui.tui.panels.window import Window
from wftui.tui.scene import Body, Scene, gap, keep
from wftui.tui.state import shows
from wftui.tui.timeline import lanes
from wftui.tui.timeline.figures import (
    axis_top,
    brief,
    label,
    label_name,
    short_name,
    step_words,
    unit_of,
    unit_words,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.model.sample import Column
    from wftui.tui.layouts.plan import Graph
    from wftui.tui.state import State

MOST: Final = 9
"""Series on one panel: more lines than that tell nothing."""
_COUNTER: Final = "counter"
_SOURCES: Final = (
    ("hw.gpu", "gpu"), ("hw.energy", "energy"), ("hw.power", "energy"), ("system.cpu.frequency", "frequency"),
    ("system.cpu", "cpu"), ("container.", "cgroup"), ("system.memory", "memory"), ("system.paging", "memory"),
    ("system.disk", "disks"), ("system.filesystem", "mounts"), ("system.network", "network"),
    ("system.pressure", "pressure"), ("hw.temperature", "sensors"), ("hw.fan", "sensors"),
    ("system.process", "processes"),
)  # fmt: skip
_ACCENTS: Final = (
    ("hw.gpu", "gpus"), ("system.cpu", "cpu"), ("container.cpu", "cpu"), ("system.memory", "memory"),
    ("system.paging", "memory"), ("system.disk", "disks"), ("system.filesystem", "disks"),
    ("system.network", "network"), ("system.pressure", "pressure"), ("hw.temperature", "pressure"),
    ("system.process", "processes"),
)  # fmt: skip


def accent(graph: Graph) -> str:
    """The colour of its title: that of the panel its first series is about."""
    return next((role for prefix, role in _ACCENTS if graph.series[0].startswith(prefix)), "sources")


def columns_of(state: State, graph: Graph) -> list[Column]:
    """The series that are told, in the order of the graph's patterns."""

    def look() -> tuple[list[Column], list[Column]]:
        found: dict[str, Column] = {}
        for pattern in graph.series:
            for column in state.columns:
                if shows(pattern, column.series):
                    found.setdefault(column.series.text, column)
        # The columns are kept as well: as long as they live, their id is nobody else's.
        return list(found.values()), state.columns

    return keep(state, f"graph {graph.name}", (id(state.columns), tuple(graph.series)), look)[0]


def line(scene: Scene, graph: Graph, width: int) -> Row:
    """The graph in one line: its first series."""
    found = columns_of(scene.state, graph)
    row: Row = [(outside(graph.title, 14, scene.glyphs), "dim"), gap(1)]
    if not found:
        return fit_row([*row, ("not told on this machine", "dim")], width)
    value = _newest(scene.state, found[0])
    unit = unit_of(found[0])
    row += [
        (brief(value, unit, ascii_only=scene.glyphs.ascii_only), "strong" if value == value else "dim"),
        gap(1),
    ]
    room = width - row_width(row)
    if room < 4:
        return fit_row(row, width)
    past = Window(scene.state, room, 0).sampled(found[0].series.text).mean
    top = axis_top(max((value for value in past if value == value), default=0.0), unit)
    return fit_row([*row, *parts.spark(scene, past, room, top, accent(graph))], width)


def draw(scene: Scene, graph: Graph, width: int, height: int) -> Body:
    """One area, or a line for each series; a lane for each unit as far as there are lines."""
    state = scene.state
    found = columns_of(state, graph)
    if not found:
        return _empty(scene, graph, width, height)
    values = tuple(f"{_newest(state, column):.6g}" for column in found[:MOST])
    made_of = (_moved(scene, found), values, id(state.columns), tuple(graph.series), graph.seconds, width, height)
    return keep(state, f"graph {graph.name} drawn", made_of, lambda: _drawn(scene, graph, found, width, height))


def _moved(scene: Scene, found: Sequence[Column]) -> object:
    """Another one as soon as the lines are others: they move by whole cells of two seconds."""
    if scene.replay is not None:
        return object()  # blocks of the past come when they come
    state = scene.state
    # The past that is fetched later comes as new histories.
    held = tuple(id(state.histories.get(column.series.text)) for column in found[:MOST])
    return state.slot + state.ahead, held, scene.glyphs, scene.sweep


def _drawn(scene: Scene, graph: Graph, found: list[Column], width: int, height: int) -> Body:
    scene.state.spans[graph.name] = 2 * width
    window = Window(scene.state, width, graph.seconds)
    if len(found) > 1 or window.each > 1:
        # Lines carry their number at the right edge.
        window = Window(scene.state, max(1, width - 1), graph.seconds)
    right: Row = [(step_words(graph.seconds or window.span), "dim")]
    groups = lanes.group(found[:MOST])
    if len(found) == 1:
        value, unit = _newest(scene.state, found[0]), unit_of(found[0])
        said = brief(value, unit, ascii_only=scene.glyphs.ascii_only).strip()
        right = [(said, "strong" if value == value else "dim"), (f" {scene.glyphs.separator} ", "dim"), *right]
        if window.each == 1:
            return Body(_area(scene, groups[0], window, width, height), right)
    fits = max(1, height // 3)
    rows: list[Row] = []
    shown = groups[:fits]
    for place, lane in enumerate(shown):
        rows += _lane(
            scene, lane, window, width, (height - len(rows)) // (len(shown) - place), alone=len(found) == 1
        )
    more = len(found) - sum(len(lane.lines) for lane in shown)
    if more:
        right = [(f"{more} more, ", "dim"), *right]
    return Body(rows, right)


def _area(scene: Scene, lane: lanes.Lane, window: Window, width: int, height: int) -> list[Row]:
    text = lane.lines[0].column.series.text
    values = window.sampled(text).mean
    top = axis_top(max((value for value in values if value == value), default=0.0), lane.unit)
    # Shares have a heat of their own; of watts and bytes nobody knows here what is much.
    role = None if lane.unit == "1" and top == 1.0 else lane.lines[0].role
    rows = parts.area(window.scene(scene), values, top, height, role, ahead=window.ahead)
    if height >= 3 and rows:
        words = label(top, lane.unit, ascii_only=scene.glyphs.ascii_only)
        rows[0] = parts.overlay(rows[0], [(words, "faint")], width)
    return rows


def _lane(scene: Scene, lane: lanes.Lane, window: Window, width: int, height: int, *, alone: bool) -> list[Row]:
    """The names with their values, as many lines as leave the graph the larger part, then the lines themselves."""
    head = [] if alone else _legend(scene, lane, width, max(1, height // 3))
    room = max(1, height - len(head))
    made_of = (_moved(scene, [item.column for item in lane.lines]), window.each, window.span, width, room)
    names = ",".join(item.column.series.text for item in lane.lines)
    rows = keep(scene.state, f"graph of {names}", made_of, lambda: _lines(scene, lane, window, width, room))
    return [*head, *rows][:height]


def _lines(scene: Scene, lane: lanes.Lane, window: Window, width: int, height: int) -> list[Row]:
    """What moves every second second only: the lines with their scale."""
    sampled = [window.sampled(item.column.series.text) for item in lane.lines]
    drawn = lanes.draw(lane, window, (), window.holes(sampled), height, scene.glyphs)
    # Numbers of the lines stay at the right edge.
    rows: list[Row] = [
        fit_row([*parts.swept(window.scene(scene), list(row[:-1]), width - 1), row[-1]], width)
        for row in drawn.rows
    ]
    if height >= 3:
        words = label(drawn.top, lane.unit, ascii_only=scene.glyphs.ascii_only)
        rows[0] = parts.overlay(rows[0], [(words, "faint")], width)
    return rows


def _legend(scene: Scene, lane: lanes.Lane, width: int, most: int) -> list[Row]:
    pieces: list[Row] = []
    for item in lane.lines:
        value = _newest(scene.state, item.column)
        said = brief(value, lane.unit, ascii_only=scene.glyphs.ascii_only).strip()
        name = outside(_name(scene, item.column, lane), 18, scene.glyphs, middle=True).rstrip()
        pieces.append(
            [
                (f"{item.sign} ", item.role),
                (f"{name} ", "dim"),
                (f"{said:<7}", "text" if value == value else "dim"),
            ]
        )
    widest = max(row_width(piece) for piece in pieces) + 2
    each = max(1, (width + 2) // widest)
    rows: list[Row] = []
    for start in range(0, len(pieces), each):
        row: Row = []
        for piece in pieces[start : start + each]:
            row += [*fit_row(piece, widest - 2), gap(2)]
        rows.append(fit_row(row, width))
    if len(rows) > most:
        left = len(pieces) - most * each
        rows = rows[:most]
        words = f" +{left}"
        rows[-1] = [*fit_row(rows[-1], width - len(words)), (words, "dim")]
    return rows


def _name(scene: Scene, column: Column, lane: lanes.Lane) -> str:
    """What tells it from the others: the GPU's number instead of its UUID."""
    item = column.series
    uuid = item.label("gpu")
    if uuid:
        number = next((gpu.label for gpu in boxes(scene.state) if gpu.uuid == uuid), uuid[-6:])
        others = {line.column.series.name for line in lane.lines}
        return f"GPU {number}" if len(others) == 1 else f"{number} {item.name.rpartition('.')[2]}"
    return label_name(item) if item.labels else short_name(item)


def _newest(state: State, column: Column) -> float:
    return state.newest(column.series.text, counter=column.kind == _COUNTER)


def _empty(scene: Scene, graph: Graph, width: int, height: int) -> Body:
    """Which source would tell it, how that one is, and the step."""
    wanted = graph.series[0]
    name = wanted.partition("{")[0]
    metric = METRICS.get(name)
    glyphs = scene.glyphs
    if metric is None and not any(sign in name for sign in "*?["):
        words, step = f"there is no metric {name}", "docs/metrics.md lists all; p chooses others"
    else:
        source = next((told for prefix, told in _SOURCES if name.startswith(prefix)), "")
        health = scene.state.source(source) if source else None
        unit = f" ({unit_words(metric.unit, ascii_only=glyphs.ascii_only)})" if metric else ""
        words = f"nobody tells {name}{unit} on this machine"
        if health is not None:
            words += f": source {source} is {health.state}" + (f", {health.reason}" if health.reason else "")
        elif source:
            words += f": it comes from the source {source}"
        step = health.fix if health is not None and health.fix else "p chooses other series"
    rows = wrap(scene, plain(words, glyphs), width, "dim", max(1, height - 1))
    return Body([*rows, *wrap(scene, f"{glyphs.right} {plain(step, glyphs)}", width, "dim", 1)][:height])
