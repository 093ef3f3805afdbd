"""Details of a process: its cells, what it has of GPUs, its last minutes, its command line in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.model import gpus
from wftui.model import processes as cells
from wftui.render import graph, text
from wftui.render.palette import heat
from wftui.tui.frame import Row, fit_row, join, outside, plain
from wftui.tui.gpus import boxes, holders
from wftui.tui.process import tree
from wftui.tui.process.trail import SPAN_NS, STEP_NS
from wftui.tui.scene import Scene, gap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.model.table import Cell
    from wftui.model.table import Row as Cells
    from wftui.tui.ui import Ui
    from wftui.wire.messages import InspectReply

_STATES: Final = {
    "R": "running", "S": "sleeping", "D": "waits for a disk or the like", "Z": "ended, not yet collected",
    "T": "halted", "t": "halted by a debugger", "I": "idle kernel thread", "X": "dead",
}  # fmt: skip
_LABEL: Final = 11
_TWO: Final = 60
"""Columns from which on the facts stand in two."""
_LINES: Final = 2
"""Of each graph."""
_SCANS: Final = 4
"""Intervals without a scan after which nothing is known."""


def content(scene: Scene, ui: Ui, width: int) -> tuple[str, list[Row], int]:
    """Title, lines and width of the dialog."""
    inner = min(100, width - 8)
    target = ui.target
    row = scene.state.processes().get(target.key) if target else None
    if target is None or row is None:
        name = plain(target.name, scene.glyphs) if target else ""
        return "process", [[(f"{name} has ended", "warn")], [("Esc closes this", "dim")]], 40
    rows = _facts(scene, ui.closer, target.key, row, inner)
    for place, said in enumerate(_held(scene, target.key)):
        rows.append(_fact(scene, "" if place else "gpu", said, inner))
    rows += _trail(scene, ui, row, inner)
    rows.append([("command", "dim")])
    words = plain(str(row[cells.COMMAND] or ""), scene.glyphs, 4096)
    rows += [
        fit_row(line, inner) for line in _folded(words or "none: a kernel thread, or not ours to read", inner)
    ]
    title = f"process {target.pid} {outside(target.name, 20, scene.glyphs).rstrip()}"
    return title, rows, inner


def _facts(scene: Scene, closer: InspectReply | None, key: str, row: Cells, inner: int) -> list[Row]:
    left = [
        ("pid", _plain(row[cells.PID])),
        ("parent", _parent(scene, key, row)),
        ("user", _plain(row[cells.USER])),
        ("name", _plain(row[cells.NAME])),
        ("state", _state(row[cells.STATE])),
        ("started", _started(scene, row[cells.CREATED])),
        ("nice", _plain(closer.nice if closer else None)),
        ("cgroup", _plain(closer.cgroup if closer else None)),
    ]
    right = [
        ("cpu", text.percent(_number(row[cells.CPU])).strip()),
        ("memory", text.size(_number(row[cells.MEMORY])).strip()),
        ("threads", _plain(row[cells.THREADS])),
        ("reads", text.rate(_number(row[cells.READ])).strip()),
        ("writes", text.rate(_number(row[cells.WRITE])).strip()),
        ("container", _plain(row[cells.CGROUP])),
        ("files", _files(closer)),
        ("sockets", _plain(closer.sockets if closer else None)),
    ]
    if inner < _TWO:
        return [_fact(scene, *each, inner) for each in (*left, *right)]
    # "2026-11-21 13:52:05, 12h 43m ago" is what the left column has to hold.
    half = max(46, inner // 2)
    return [
        [*_fact(scene, *one, half), *_fact(scene, *other, inner - half)]
        for one, other in zip(left, right, strict=True)
    ]


def _files(closer: InspectReply | None) -> str:
    """Open files, and of how many; why there is no number."""
    if closer is None or closer.files is None:
        said = closer.reason if closer is not None else ""
        return said.removeprefix("its open files are ").removesuffix(" to see") or text.UNKNOWN
    return f"{closer.files}" if closer.files_limit is None else f"{closer.files} of {closer.files_limit}"


def _fact(scene: Scene, name: str, shown: str, width: int) -> Row:
    room = max(1, width - _LABEL - 1)
    # The end of a path tells more than its middle.
    said = outside(shown, room, scene.glyphs, middle=name == "cgroup")
    return fit_row([(f"{name:<{_LABEL}}", "dim"), (said, "text")], width)


def _parent(scene: Scene, key: str, row: Cells) -> str:
    """Its number and name; the number alone when it is not in the table, or is another process by now."""
    rows = scene.state.processes()
    above = tree.parents(rows).get(key)
    shown = _plain(row[cells.PARENT])
    return shown if above is None else f"{shown} {_plain(rows[above][cells.NAME])}"


def _state(value: Cell) -> str:
    return f"{value} {_STATES[value]}" if isinstance(value, str) and value in _STATES else _plain(value)


def _started(scene: Scene, value: Cell) -> str:
    if not isinstance(value, int | float):
        return text.UNKNOWN
    age = text.duration((scene.now.time_ns - value) / 1e9)
    return f"{text.day(value / 1e9)} {text.clock(value / 1e9)}, {age} ago"


# ---- its last minutes


def _trail(scene: Scene, ui: Ui, row: Cells, inner: int) -> list[Row]:
    """Two graphs and their times; what the recorder knows, and what came since."""
    trail, at_ns = ui.trail, scene.state.table_times.get(cells.PROCESSES.name, 0)
    room = inner - _LABEL - 12
    if trail is None or ui.target is None or trail.key != ui.target.key or room < 10:
        return []
    trail.look(row, at_ns)
    columns = min(room, SPAN_NS // STEP_NS // 2)
    source = scene.state.source(cells.PROCESSES.name)
    gap_ns = int(_SCANS * max(2.0, source.interval_s if source is not None else 2.0) * 1e9)
    cpu, memory = trail.samples(at_ns, 2 * columns, gap_ns)
    rows: list[Row] = [[gap(inner)]]
    peak = max((value for value in cpu if value == value), default=0.0)
    # The axis of CPU never ends below a tenth of a core: noise is no mountain.
    rows += _graph(scene, "cpu", cpu, max(0.1, text.round_up(peak)), text.percent(peak), inner)
    peak = max((value for value in memory if value == value), default=0.0)
    rows += _graph(scene, "memory", memory, text.round_up_bytes(peak), text.short(peak), inner)
    span = text.duration(2 * columns * STEP_NS / 1e9)
    end = "now" if scene.replay is None else "then"
    times: Row = [gap(_LABEL), (f"{span} ago", "faint")]
    rows.append(join(times, [(end, "faint")], _LABEL + columns))
    rows.append([gap(inner)])
    return rows


def _graph(scene: Scene, name: str, values: Sequence[float], top: float, peak: str, inner: int) -> list[Row]:
    """A graph, its name before and its peak behind it. CPU is the warmer the more it is."""
    ascii_only = scene.glyphs.ascii_only
    lines = graph.rows(graph.levels(values, top, _LINES), _LINES, ascii_only=ascii_only)
    rows: list[Row] = []
    for place, line in enumerate(lines):
        height = (_LINES - place - 0.3) / _LINES * top
        row: Row = [(f"{'' if place else name:<{_LABEL}}", "dim")]
        row += _hatched(
            line, name if name == "memory" else heat(min(1.0, height), "cpu"), "%" if ascii_only else "▒"
        )
        row += [gap(2), (peak.strip(), "text") if place else ("peak", "dim")]
        rows.append(fit_row(row, inner))
    return rows


def _hatched(line: str, role: str, hatch: str) -> Row:
    """A line of a graph; gaps are no values and have none of their colour."""
    row: Row = []
    for char in line:
        shade = "faint" if char == hatch else role
        if row and row[-1][1] == shade:
            row[-1] = (row[-1][0] + char, shade)
        else:
            row.append((char, shade))
    return row


# ---- what it has of GPUs


def _held(scene: Scene, key: str) -> list[str]:
    """What the process has of each GPU."""
    held = holders(scene.state).get(key)
    if held is None:
        return []
    names = {gpu.uuid: f"{gpu.label} {gpu.short}" for gpu in boxes(scene.state)}
    dot = f" {scene.glyphs.separator} "
    out = []
    for row in sorted(held.rows, key=lambda row: names.get(str(row[gpus.P_UUID]), "")):
        use, memory = _number(row[gpus.P_UTILIZATION]), _number(row[gpus.P_MEMORY])
        said = [
            names.get(str(row[gpus.P_INSTANCE] or row[gpus.P_UUID])) or str(row[gpus.P_UUID]),
            f"{text.percent(use).strip()} busy" if use is not None else "busy: not told",
            text.size(memory).strip(),
        ]
        idle = _number(row[gpus.P_IDLE_SINCE])
        if idle is not None:
            said.append(f"idle for {text.duration(max(0.0, scene.now.time_ns - idle) / 1e9)}")
        out.append(dot.join(said))
    return out


def _folded(words: str, width: int) -> list[Row]:
    """Text cut hard at the width: a command line has no better place."""
    from wftui.text import width as columns

    rows: list[Row] = []
    line = ""
    used = 0
    for char in words:
        taken = columns(char)
        if used + taken > width:
            rows.append([(line, "text")])
            line, used = "", 0
        line += char
        used += taken
    rows.append([(line, "text")])
    return rows


def _plain(value: Cell) -> str:
    if value is None or value == "":
        return text.UNKNOWN
    return str(value) if isinstance(value, str) else f"{value:.0f}"


def _number(value: Cell) -> float | None:
    return float(value) if isinstance(value, int | float) else None
