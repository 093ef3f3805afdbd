"""CPU: history of the utilisation, a meter for each core, modes, load, frequency."""

from __future__ import annotations

from typing import Final

from wftui.render import graph, text
from wftui.render.palette import heat
from wftui.tui.frame import Row, fit_row, join, row_width
from wftui.tui.panels import parts
from wftui.tui.panels.window import said, window
from wftui.tui.scene import Body, Scene, gap

_TOTAL: Final = "system.cpu.utilization"
_CORE: Final = "system.cpu.logical.utilization"
_LOAD: Final = tuple(f"system.cpu.load_average.{span}" for span in ("1m", "5m", "15m"))
_MODES: Final = (("user", "user"), ("system", "sys"), ("iowait", "wait"), ("steal", "steal"))


def line(scene: Scene, width: int) -> Row:
    """The subject in one line."""
    state = scene.state
    busy = state.value(_TOTAL)
    row: Row = [parts.label("cpu", 5), parts.percent(busy), gap(1)]
    load = text.decimal(state.value(_LOAD[0])).strip()
    tail: Row = [gap(1), ("load ", "dim"), parts.figure(load, "text")]
    room = width - row_width(row) - row_width(tail)
    if room < 4:
        return fit_row([*row, *parts.meter(scene, busy, max(0, width - row_width(row)), scale="cpu")], width)
    bar = min(12, room // 2)
    row += parts.meter(scene, busy, bar, scale="cpu")
    if room - bar > 3:
        row.append(gap(1))
        row += parts.spark(scene, state.past(2 * (room - bar - 1), _TOTAL), room - bar - 1, 1.0, "cpu")
    return fit_row([*row, *tail], width)


def draw(scene: Scene, width: int, height: int) -> Body:
    """Graph on the left, cores and figures on the right; below 6 lines without cores' own meters."""
    state = scene.state
    cores = state.labels(_CORE, "cpu")
    metered = cores if scene.plan.option("cpu", "cores") else []
    right: Row = []
    count = state.value("system.cpu.logical.count")
    if count == count:
        right.append((f"{count:.0f} cores" if count != 1 else "1 core", "dim"))
    frequency = _frequency(scene, cores)
    if frequency == frequency:
        right.append((f" {scene.glyphs.separator} {text.frequency(frequency).strip()}", "dim"))
    side = 38 if width >= 150 else 24 if width >= 60 else 17
    if width < 34:
        side = 0
    wide = width - side - (2 if side else 0)
    ruled = height >= 9
    graph_height = max(1, height - ruled)
    shown = window(scene, "cpu", wide)
    rows = shown.area(scene, shown.past(_TOTAL), 1.0, graph_height, scale="cpu")
    if graph_height >= 8 and state.tick is not None:
        rows[0] = parts.overlay(rows[0], [("100 %", "faint")], wide)
    if ruled:
        rows.append(shown.ruler(scene, wide))
    if side:
        figures = _figures(scene, metered, side, height)
        rows = [
            [*row, gap(2), *(figures[place] if place < len(figures) else [gap(side)])]
            for place, row in enumerate(rows)
        ]
    else:
        rows[0] = fit_row([parts.percent(state.value(_TOTAL)), *_tail(rows[0], 5)], width)
    return Body(rows, said(scene, "cpu", right, width))


def _tail(row: Row, columns: int) -> Row:
    from wftui.tui.frame import crop

    return crop(row, columns, row_width(row))


def _frequency(scene: Scene, cores: list[str]) -> float:
    """The highest known frequency: idle cores are not asked."""
    values = [scene.state.value("system.cpu.frequency", ("cpu", core)) for core in cores]
    return max((value for value in values if value == value), default=float("nan"))


def _figures(scene: Scene, cores: list[str], width: int, height: int) -> list[Row]:
    """The right column: total, cores, modes, load; ``height`` lines at most."""
    state = scene.state
    busy = state.value(_TOTAL)
    rows: list[Row] = [
        [parts.label("busy", 5), *parts.meter(scene, busy, width - 11, scale="cpu"), gap(1), parts.percent(busy)],
    ]
    load = [text.decimal(state.value(name)).strip() for name in _LOAD]
    shown = " ".join(load) if width >= 22 else load[0]
    loads: Row = [parts.label("load", 5), (f"{shown:>{width - 5}}", "text")]
    modes = _modes(scene, width)
    pulse = state.value("system.cpu.run_queue")
    switches = state.rate("system.cpu.context_switches")
    work: Row = [
        parts.label("queue", 6),
        parts.figure(f"{text.count(pulse).strip():<4}", "text"),
        *([parts.label("switches", 9), parts.figure(text.count(switches), "text")] if width >= 24 else []),
    ]
    room = height - 2
    want_modes = modes[: max(0, min(len(modes), room - 1))] if height >= 5 else []
    room -= len(want_modes)
    want_work = [work] if room >= 4 else []
    room -= len(want_work)
    up_s = state.value("system.uptime")
    if room >= len(cores) + 1 and up_s == up_s:
        want_work.append([parts.label("up", 6), (f"{text.duration(up_s):>{width - 6}}", "text")])
        room -= 1
    rows += _cores(scene, cores, width, max(0, room))
    rows += want_modes
    rows += [fit_row(loads, width)]
    rows += [fit_row(row, width) for row in want_work]
    return [fit_row(row, width) for row in rows]


def _cores(scene: Scene, cores: list[str], width: int, room: int) -> list[Row]:
    """A meter a core; two a line when they do not fit; one cell a core when those do not either."""
    if not cores or room <= 0:
        return []
    state = scene.state
    values = [state.value(_CORE, ("cpu", core)) for core in cores]
    if len(cores) <= room:
        return [
            [
                parts.label(core, 4),
                *parts.meter(scene, value, width - 10, scale="cpu"),
                gap(1),
                parts.percent(value, "text"),
            ]
            for core, value in zip(cores, values, strict=True)
        ]
    half = (width - 2) // 2
    if len(cores) <= 2 * room and half >= 10:
        rows = []
        for place in range(0, len(cores), 2):
            row: Row = []
            for core, value in list(zip(cores, values, strict=True))[place : place + 2]:
                if row:
                    row.append(gap(width - 2 * half))
                row += [
                    parts.label(core, 3),
                    *parts.meter(scene, value, half - 9, scale="cpu"),
                    gap(1),
                    parts.percent(value, "text"),
                ]
            rows.append(row)
        return rows
    cells: list[Row] = []
    for start in range(0, len(values), width):
        row = []
        for value in values[start : start + width]:
            role = heat(value, "cpu")
            char = graph.cell(value, ascii_only=scene.glyphs.ascii_only)
            if row and row[-1][1] == role:
                row[-1] = (row[-1][0] + char, role)
            else:
                row.append((char, role))
        cells.append(row)
    if len(cells) > room:
        hidden = len(values) - (room - 1) * width
        if room == 1:
            # No core has room: the busiest one says whether a single thread is at its limit.
            known = [value for value in values if value == value]
            most = parts.percent(max(known, default=float("nan")), "text")
            return [join([("max core", "dim")], [most], width)]
        cells = [*cells[: room - 1], [(f"{hidden} more cores", "dim")]]
    return cells


def _modes(scene: Scene, width: int) -> list[Row]:
    """Share of all cores by mode since the tick before; two a line where they fit whole."""
    state = scene.state
    count = state.value("system.cpu.logical.count")
    each = (width - 2) // 2 if width >= 24 else width
    cells: list[Row] = []
    for mode, name in _MODES:
        used = state.rate("system.cpu.time", ("mode", mode))
        if mode == "steal" and not used > 0:
            continue
        share = used / count if count > 0 else float("nan")
        cells.append([parts.label(name, each - 5), parts.percent(share, "system" if name == "sys" else name)])
    if each == width:
        return cells
    return [
        [*cells[place], gap(width - 2 * each), *(cells[place + 1] if place + 1 < len(cells) else [])]
        for place in range(0, len(cells), 2)
    ]
