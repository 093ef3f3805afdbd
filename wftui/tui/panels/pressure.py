"""Pressure stall (who waits for what) and temperatures."""

from __future__ import annotations

from typing import Final

from wftui.render import text
from wftui.render.palette import heat
from wftui.tui.frame import Row, fit_row, outside, row_width
from wftui.tui.panels import parts
from wftui.tui.panels.window import said, window
from wftui.tui.scene import Body, Scene, gap

_PSI: Final = "system.pressure.utilization"
_HEAT: Final = "hw.temperature"
_RESOURCES: Final = (("cpu", "cpu"), ("memory", "mem"), ("io", "io"))
_WIDE: Final = 100
_TALL: Final = 24
"""From here on the panel has a screen for itself."""
_SIDE: Final = 32
"""Columns of names and figures there."""
# A stall of a fifth of the time is as warm as a fully busy disk.
_SCALE: Final = 0.4


def _some(scene: Scene, device: str) -> float:
    return scene.state.value(_PSI, ("device", device), ("mode", "some"))


def _full(scene: Scene, device: str) -> float:
    return scene.state.value(_PSI, ("device", device), ("mode", "full"))


def line(scene: Scene, width: int) -> Row:
    """The subject in one line: what waits, and the hottest sensor."""
    row: Row = [parts.label("psi", 5)]
    if not scene.state.labels(_PSI, "device"):
        row.append(("no pressure figures", "dim"))
    else:
        for device, name in _RESOURCES:
            value = _some(scene, device)
            row += [
                (f"{name} ", "dim"),
                (text.percent(value), heat(value / _SCALE) if value > 0 else "text"),
                gap(1),
            ]
    hottest = _hottest(scene)
    tail: Row = []
    if hottest:
        shown = text.celsius(hottest[0][1]).strip().replace(" °", scene.glyphs.degree[:-1])
        tail = [(shown, _warmth(scene, *hottest[0]))]
    past = scene.state.past(2 * width, _PSI, ("device", "cpu"), ("mode", "some"))
    top = max(0.1, text.round_up(max((v for v in past if v == v), default=0.0)))
    return parts.with_spark(scene, row, tail, width, past, top, "pressure")


def brief(scene: Scene) -> Row:
    """What is waited for most."""
    waits = [(_some(scene, device), name) for device, name in _RESOURCES]
    most, name = max((wait for wait in waits if wait[0] == wait[0]), default=(float("nan"), "psi"))
    return [(f"{name} waits ", "dim"), (text.percent(most).strip(), heat(most / _SCALE) if most > 0 else "text")]


def draw(scene: Scene, width: int, height: int) -> Body:
    """A line a resource with its spark, ``full`` beside ``some`` where it is wide; below them the sensors."""
    state = scene.state
    known = state.labels(_PSI, "device")
    if known and width >= _WIDE and height >= _TALL:
        return Body(_large(scene, width, height), said(scene, "pressure", [("stalled time", "dim")], width))
    rows: list[Row] = []
    if not known:
        source = state.source("pressure")
        rows += _why(
            scene, width, "no pressure figures", source.reason if source else "", source.fix if source else ""
        )
    else:
        sensors = _hottest(scene)
        below = min(len(sensors), max(1, height // 3)) if sensors else 1 + (height >= 14)
        each = max(1, (height - below) // 3) if height >= 8 else 1
        for device, name in _RESOURCES:
            rows += _resource(scene, device, name, width, min(each, 8))
    free = height - len(rows)
    if free > 0:
        rows += _temperatures(scene, width, free, spaced=height >= 10)
    right: Row = [("stalled time", "dim")] if width >= 30 else []
    return Body(rows, said(scene, "pressure", right, width) if known else right)


def _large(scene: Scene, width: int, height: int) -> list[Row]:
    """All of a screen: what waits and every sensor as graphs over one ruler, names and figures at the left."""
    sensors = _hottest(scene)
    lines = height - 1
    each = max(3, min(8, lines // 5))
    room = lines - len(_RESOURCES) * each
    tall = max(1, min(4, room // max(1, len(sensors))))
    shown = sensors[: room // tall]
    each = min(12, (lines - tall * len(shown)) // len(_RESOURCES))
    rows: list[Row] = []
    for device, name in _RESOURCES:
        rows += _resource(scene, device, name, width, each, _SIDE)
    for sensor, value in shown:
        rows += _heat_of(scene, sensor, value, width, tall)
    if not sensors:
        rows += _temperatures(scene, width, room, spaced=True)
    rows += [[gap(width)] for _ in range(lines - len(rows))]
    columns = width - _SIDE
    return [*rows[:lines], [gap(_SIDE), *window(scene, "pressure", columns).ruler(scene, columns)]]


def _heat_of(scene: Scene, sensor: str, value: float, width: int, lines: int) -> list[Row]:
    """A sensor and its past, from 30 degrees to what it calls critical."""
    columns = width - _SIDE
    shown = window(scene, "pressure", columns)
    limit = scene.state.value("hw.temperature.limit", ("sensor", sensor))
    top = limit if limit > 0 else 95.0
    past = [
        max(0.0, (each - 30) / (top - 30)) if each == each else each
        for each in shown.past(_HEAT, ("sensor", sensor))
    ]
    degrees = text.celsius(value).replace(" °", scene.glyphs.degree[:-1])
    name = outside(sensor, _SIDE - len(degrees) - 3, scene.glyphs, middle=True)
    head: Row = [(name, "text"), gap(1), (degrees, _warmth(scene, sensor, value)), gap(2)]
    if lines == 1:
        return [[*head, *shown.spark(scene, past, columns, 1.0, _warmth(scene, sensor, value))]]
    warmth = [heat((place + 0.7) / lines, "temperature") for place in range(lines)]
    graph = shown.area(scene, past, 1.0, lines, warmth)
    return [[*(head if place == 0 else [gap(_SIDE)]), *row] for place, row in enumerate(graph)]


def _resource(scene: Scene, device: str, name: str, width: int, lines: int, side_width: int = 0) -> list[Row]:
    some, full = _some(scene, device), _full(scene, device)
    head: Row = [parts.label(name, 4), (text.percent(some), heat(some / _SCALE) if some > 0 else "text")]
    if width >= 32:
        head += [(" full ", "dim"), (text.percent(full), heat(full / _SCALE) if full > 0 else "text")]
    room = width - (side_width or row_width(head) + 1)
    shown = window(scene, "pressure", max(1, room))
    past = shown.past(_PSI, ("device", device), ("mode", "some"))
    peak = max((v for v in past if v == v), default=0.0)
    top = max(0.1, text.round_up(peak)) if peak > 0 else 0.1
    if room < 3:
        return [fit_row(head, width)]
    if lines <= 1:
        return [[*head, gap(1), *shown.spark(scene, past, room, top, "pressure")]]
    graph = shown.area(scene, past, top, lines, "pressure")
    scale: Row = [parts.label("", 4), (f"of {text.percent(top).strip()}", "faint")]
    side: list[Row] = [head, *([scale] if lines > 2 else [])]
    return [
        [*fit_row(side[place] if place < len(side) else [], width - room), *row] for place, row in enumerate(graph)
    ]


def _hottest(scene: Scene) -> list[tuple[str, float]]:
    """Sensors with a value, the hottest first."""
    state = scene.state
    found = [(sensor, state.value(_HEAT, ("sensor", sensor))) for sensor in state.labels(_HEAT, "sensor")]
    known = [(sensor, value) for sensor, value in found if value == value]
    return sorted(known, key=lambda item: -round(item[1] / 3))


def _warmth(scene: Scene, sensor: str, value: float) -> str:
    limit = scene.state.value("hw.temperature.limit", ("sensor", sensor))
    top = limit if limit > 0 else 95.0
    return heat((value - 30) / (top - 30), "temperature")


def _temperatures(scene: Scene, width: int, lines: int, *, spaced: bool) -> list[Row]:
    sensors = _hottest(scene)
    rows: list[Row] = []
    if not sensors:
        source = scene.state.source("sensors")
        reason = source.reason if source else ""
        return _why(scene, width, "no sensors", reason, source.fix if source else "", lines)
    if spaced and lines > len(sensors) + 1:
        rows.append([gap(width)])
    for sensor, value in sensors[: lines - len(rows)]:
        shown = text.celsius(value).replace(" °", scene.glyphs.degree[:-1])
        name = max(4, width - len(shown) - 1 - (12 if width >= 32 else 0))
        row: Row = [(outside(sensor, name, scene.glyphs, middle=True), "text"), gap(1)]
        if width >= 32:
            limit = scene.state.value("hw.temperature.limit", ("sensor", sensor))
            top = limit if limit > 0 else 100.0
            row += [*parts.meter(scene, value / top, 11, _warmth(scene, sensor, value)), gap(1)]
        rows.append(fit_row([*row, (shown, _warmth(scene, sensor, value))], width))
    return rows


def _why(scene: Scene, width: int, what: str, reason: str, fix: str, lines: int = 4) -> list[Row]:
    from wftui.tui.frame import plain

    shown = plain(reason, scene.glyphs)
    first = f"{what}: {shown}" if shown and not shown.startswith(what) else shown or what
    rows: list[Row] = wrap(scene, first, width, "dim", min(2, lines) if fix else lines)
    if fix and len(rows) < lines:
        rows += wrap(scene, f"{scene.glyphs.right} {plain(fix, scene.glyphs)}", width, "dim", lines - len(rows))
    return rows


def wrap(scene: Scene, words: str, width: int, role: str, lines: int) -> list[Row]:
    """Cleaned text over at most ``lines`` rows; the last is cut with an ellipsis."""

    from wftui.text import width as columns

    rows: list[Row] = []
    rest = words.split(" ")
    while rest and len(rows) < lines:
        if len(rows) == lines - 1:
            rows.append([(outside(" ".join(rest), width, scene.glyphs), role)])
            break
        taken = rest.pop(0)
        while rest and columns(taken) + 1 + columns(rest[0]) <= width:
            taken += " " + rest.pop(0)
        rows.append([(outside(taken, width, scene.glyphs), role)])
    return rows
