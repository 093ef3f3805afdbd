"""Network: received and sent bytes of each interface, mirrored over time; errors and drops when there are any."""

from __future__ import annotations

from typing import Final

from wftui.render import text
from wftui.tui.frame import Row, fit_row, join, outside
from wftui.tui.panels import parts
from wftui.tui.panels.disks import mirrored, total
from wftui.tui.panels.window import said, window
from wftui.tui.scene import Body, Scene, empty, gap

_FLOW: Final = "system.network.throughput"
_BYTES: Final = "system.network.io"
_PEAK_S: Final = 300


def interfaces(scene: Scene) -> list[str]:
    """Interfaces with traffic in the last minute first, then the others, each by name order of the recorder."""
    state = scene.state

    def quiet(interface: str) -> bool:
        flows = [
            state.recent(60, _FLOW, ("interface", interface), ("direction", direction))
            for direction in ("receive", "transmit")
        ]
        return not any(flow > 0 for flow in flows)

    return sorted(state.labels(_FLOW, "interface"), key=quiet)


def _flows(scene: Scene, interface: str) -> tuple[float, float]:
    state = scene.state
    receive, transmit = (
        state.value(_FLOW, ("interface", interface), ("direction", direction))
        for direction in ("receive", "transmit")
    )
    return receive, transmit


def line(scene: Scene, width: int) -> Row:
    """The subject in one line: all interfaces together."""
    found = interfaces(scene)
    row: Row = [parts.label("net", 5)]
    if not found:
        return fit_row([*row, ("no interface but loopback", "dim")], width)
    receive, transmit = _flows(scene, found[0])
    room = max(3, min(10, width - 22))
    row += [(outside(found[0], room, scene.glyphs, middle=True), "text")]
    row += [(f" {scene.glyphs.down} ", "receive"), parts.figure(text.short(receive))]
    row += [(f" {scene.glyphs.up} ", "transmit"), parts.figure(text.short(transmit))]
    past = [
        scene.state.past(2 * width, _FLOW, ("interface", found[0]), ("direction", direction))
        for direction in ("receive", "transmit")
    ]
    both = total(past, 2 * width)
    peak = max((value for value in both if value == value), default=0.0)
    return parts.with_spark(scene, row, [], width, both, text.round_up_bytes(max(peak, 1024.0)), "network")


def brief(scene: Scene) -> Row:
    """The busiest interface in a few words."""
    found = interfaces(scene)
    row: Row = [("net", "dim")]
    receive, transmit = _flows(scene, found[0]) if found else (float("nan"), float("nan"))
    row += [(f" {scene.glyphs.down}", "receive"), parts.figure(text.tiny(receive).strip(), "text")]
    return [*row, (f" {scene.glyphs.up}", "transmit"), parts.figure(text.tiny(transmit).strip(), "text")]


def draw(scene: Scene, width: int, height: int) -> Body:
    """The mirrored graph, then a line an interface; beside each other where it is wide."""
    found = interfaces(scene)
    state = scene.state
    loopback = state.rate("system.network.loopback.io")
    right: Row = (
        [("lo ", "dim"), parts.figure(text.rate(loopback).strip(), "text")] if loopback == loopback else []
    )
    if not found:
        body = empty("no interface but loopback", "a network shows here as soon as it is up")
        return Body(body.rows, right)
    if width >= 84:
        side = min(46, width // 2)
        wide = width - side - 2
        rows = _graph(scene, found, wide, height)
        listing = _listing(scene, found, side, height)
        return Body(
            [
                [*row, gap(2), *(listing[place] if place < len(listing) else [gap(side)])]
                for place, row in enumerate(rows)
            ],
            said(scene, "network", right, width),
        )
    lines = min(len(found), max(1, height - 4 if height >= 6 else height - 2))
    listing = _listing(scene, found, width, lines)
    room = height - len(listing)
    rows = _graph(scene, found, width, room) if room >= 1 else []
    return Body([*listing, *rows], said(scene, "network", right, width) if rows else right)


def _graph(scene: Scene, found: list[str], width: int, height: int) -> list[Row]:
    shown = window(scene, "network", width)
    receive, transmit = (
        total([shown.past(_FLOW, ("interface", name), ("direction", direction)) for name in found], 2 * width)
        for direction in ("receive", "transmit")
    )
    return mirrored(scene, shown, width, height, (receive, transmit), ("in", "out"), ("receive", "transmit"))


def _listing(scene: Scene, found: list[str], width: int, height: int) -> list[Row]:
    rows: list[Row] = []
    for interface in found:
        if len(rows) >= height:
            break
        receive, transmit = _flows(scene, interface)
        shape = text.rate if width >= 44 else text.short if width >= 26 else text.tiny
        name = max(1, min(18, width - 4 - 2 * (10 if width >= 44 else 5 if width >= 26 else 4)))
        row: Row = [(outside(interface, name, scene.glyphs, middle=True), "text"), gap(1)]
        after = " " if width >= 30 else ""
        flow: Row = [(scene.glyphs.down + after, "receive"), parts.figure(shape(receive)), gap(1)]
        flow += [(scene.glyphs.up + after, "transmit"), parts.figure(shape(transmit))]
        rows.append(join(row, flow, width))
        trouble = _trouble(scene, interface, width)
        if trouble and len(rows) < height:
            rows.append(trouble)
    # Beside a tall graph there are lines left: how high it was in what the graph shows, how much since boot.
    if width >= 44 and height - len(rows) >= 2 * len(found) + 1:
        rows.append([gap(width)])
        for interface in found:
            rows += _sums(scene, interface, width)
    return rows


def _sums(scene: Scene, interface: str, width: int) -> list[Row]:
    """Peak of the last minutes and bytes since boot, under the columns of the present rates."""
    state = scene.state
    peaks, sums = [], []
    for direction in ("receive", "transmit"):
        labels = (("interface", interface), ("direction", direction))
        past = [value for value in state.past(_PEAK_S, _FLOW, *labels) if value == value]
        peaks.append(text.rate(max(past) if past else None))
        sums.append(text.size(state.value(_BYTES, *labels)) + "  ")
    name = outside(interface, max(1, width - 36), scene.glyphs, middle=True)
    return [
        join([(name, "dim"), gap(1), (word, "dim")], [(both[0], "text"), gap(3), (both[1], "text")], width)
        for word, both in (("peak 5 min", peaks), ("since boot", sums))
    ]


def _trouble(scene: Scene, interface: str, width: int) -> Row:
    """Errors and drops of the last second; nothing when there are none."""
    state = scene.state
    words = []
    for name, word in (("system.network.errors", "errors"), ("system.network.dropped", "drops")):
        both = [
            state.rate(name, ("interface", interface), ("direction", side)) for side in ("receive", "transmit")
        ]
        rate = sum(value for value in both if value == value)
        if rate > 0:
            words.append(f"{text.count(rate).strip()} {word}/s")
    if not words:
        return []
    return fit_row([(f"  {scene.glyphs.alert} ", "warn"), (", ".join(words), "warn")], width)
