"""Memory: what is used, cached and left, swap, and its history."""

from __future__ import annotations

from typing import Final

from wftui.render import text
from wftui.render.palette import heat
from wftui.tui.frame import Row, fit_row, row_width
from wftui.tui.panels import parts
from wftui.tui.panels.window import said, window
from wftui.tui.scene import Body, Scene, gap
from wftui.tui.verdict import limited

_SHARE: Final = "system.memory.utilization"


def line(scene: Scene, width: int) -> Row:
    """The subject in one line."""
    state = scene.state
    share = state.value(_SHARE)
    row: Row = [parts.label("mem", 5), parts.percent(share), gap(1)]
    limit = state.value("system.memory.limit")
    used = limit - state.value("system.memory.available")
    tail: Row = [
        gap(1),
        parts.figure(text.short(used).strip(), "text"),
        (" of ", "dim"),
        parts.figure(text.short(limit).strip(), "text"),
    ]
    room = width - row_width(row) - row_width(tail)
    if room < 3:
        return fit_row([*row, *parts.meter(scene, share, max(0, width - row_width(row)), scale="memory")], width)
    row += parts.meter(scene, share, room, scale="memory")
    return fit_row([*row, *tail], width)


def draw(scene: Scene, width: int, height: int) -> Body:
    """The meter first, then the parts, then the history as far as there are lines."""
    state = scene.state
    limit = state.value("system.memory.limit")
    right: Row = []
    if limit == limit:
        right = [(text.size(limit).strip(), "text")]
        if limited(state):
            right.append((" cgroup limit", "warn"))
    share = state.value(_SHARE)
    head: Row = [*parts.meter(scene, share, max(4, width - 6), scale="memory"), gap(1), parts.percent(share)]
    available = state.value("system.memory.available")
    entries: list[tuple[str, float, str]] = [
        ("used", state.value("system.memory.usage", ("mode", "used")), "strong"),
        ("available" if width >= 40 else "avail", available, "strong"),
        ("cached", state.value("system.memory.usage", ("mode", "cached")), "text"),
        ("buffers", state.value("system.memory.usage", ("mode", "buffers")), "text"),
    ]
    swap_used = state.value("system.paging.usage", ("mode", "used"))
    swap_free = state.value("system.paging.usage", ("mode", "free"))
    swap_total = swap_used + swap_free
    columns = min(4, (width + 4) // 34) if width >= 98 else 2 if width >= 31 else 1
    # A column wider than this only parts a label from its number; the last one ends where the meter does.
    each = min(30, (width - 2 * (columns - 1)) // columns)
    spread = (width - columns * each) // max(1, columns - 1)
    if columns == 2 and height < 5:
        # Four lines: swap says more than buffers.
        entries.pop()
    cells: list[Row] = [_entry(name, value, each, role) for name, value, role in entries]
    if swap_total == 0:
        cells.append(fit_row([parts.label("swap", 5), (f"{'none':>{each - 5}}", "dim")], each))
    else:
        cells.append(_entry("swap", swap_used, each, "warn" if swap_used > 0.5 * swap_total else "text"))
        if width >= 40:
            cells.append(_entry("swap free", swap_free, each, "text"))
    huge = state.value("system.memory.huge_pages.usage", ("mode", "used"))
    if huge > 0:
        cells.append(_entry("huge pages", huge, each, "text"))
    kills = state.value("container.memory.oom_kills")
    if kills > 0:
        cells.append(fit_row([parts.label("OOM", 4), (f"{kills:>{each - 4}.0f}", "bad")], each))
    rows: list[Row] = [head]
    if columns == 2 and height >= 8 and width >= 40:
        rows.append([gap(width)])
    for place in range(0, len(cells), columns):
        row: Row = []
        for cell in cells[place : place + columns]:
            if row:
                row.append(gap(spread))
            row += cell
        rows.append(row)
    left = height - len(rows)
    if left >= 2:
        if left >= 4:
            rows.append([gap(width)])
            left -= 1
        ruled = left >= 6
        shown = window(scene, "memory", width)
        past = shown.past(_SHARE)
        # A machine that uses little would be a line on the floor: the axis ends above the peak, and says where.
        peak = max((value for value in past if value == value), default=0.0)
        top = min(1.0, max(0.05, text.round_up(peak * 1.1)))
        lines = left - ruled
        warmth = [heat(top * (place + 0.7) / lines, "memory") for place in range(lines)]
        graph = shown.area(scene, past, top, lines, warmth)
        if state.tick is not None:
            graph[0] = parts.overlay(graph[0], [(text.percent(top).strip(), "faint")], width)
        rows += graph
        if ruled:
            rows.append(shown.ruler(scene, width))
    elif left == 1:
        shown = window(scene, "memory", width)
        rows.append(shown.spark(scene, shown.past(_SHARE), width, 1.0, "memory"))
    return Body(rows, said(scene, "memory", right, width))


def _entry(name: str, value: float, width: int, role: str) -> Row:
    return fit_row([parts.label(name, max(4, width - 8)), parts.figure(text.size(value), role)], width)
