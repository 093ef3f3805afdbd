"""The list of programs that make frames: a line each, over the last ten seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.render import text
from wftui.tui.frame import Row, fit_row, outside, row_width
from wftui.tui.scene import gap
from wftui.tui.ux_screen import figures, seen

if TYPE_CHECKING:
    from wftui.tui.scene import Scene
    from wftui.tui.ux_screen.seen import Program

_COLUMNS: Final = (
    "fps",
    "p95",
    "low",
    "jitter",
    "lost",
    "p99",
    "jank",
    "bottleneck",
    "stability",
    "p50",
    "input",
    "longest",
)
"""The most telling first: as many as fit."""
_ORDER: Final = (
    "fps",
    "p50",
    "p95",
    "p99",
    "longest",
    "low",
    "jitter",
    "stability",
    "jank",
    "lost",
    "input",
    "bottleneck",
)
_HEADS: Final = {"p50": "median", "lost": "lost", "input": "input", "bottleneck": "bottleneck", "jank": "jank"}
_WIDTHS: Final = {"bottleneck": 10, "stability": 9, "fps": 8}
_NAME: Final = 16
_P95: Final = 28
"""Columns from which on a line says more than frames a second."""
_LONG_NAME: Final = 28


def _width(name: str) -> int:
    return _WIDTHS.get(name, figures.WIDE)


def columns(width: int) -> tuple[str, ...]:
    """Which fit beside a name, in the order in which they stand."""
    left = width - 2 - _NAME
    taken: set[str] = set()
    for name in _COLUMNS:
        if left < _width(name) + 2:
            break
        taken.add(name)
        left -= _width(name) + 2
    return tuple(name for name in _ORDER if name in taken)


def _name_width(width: int, shown: tuple[str, ...]) -> int:
    return max(1, min(_LONG_NAME, width - 2 - sum(_width(name) + 2 for name in shown)))


def heading(width: int) -> Row:
    """What the columns are."""
    shown = columns(width)
    row: Row = [(f"  {'program, 10 s':<{_name_width(width, shown)}.{_name_width(width, shown)}}", "faint")]
    for name in shown:
        words = _HEADS.get(name, figures.NAMES.get(name, name))
        row.append((f"  {words:>{_width(name)}}", "faint"))
    return fit_row(row, width)


def line(scene: Scene, program: Program, width: int, *, chosen: bool) -> Row:
    """A program; narrow terminals get its frames a second and p95."""
    glyphs = scene.glyphs
    shown = columns(width)
    window = program.windows["10s"]
    trouble = program.trouble
    role = trouble or ("good" if program.draws else "dim")
    name = outside(program.name, _name_width(width, shown), glyphs, middle=True)
    row: Row = [(f"{_sign(scene, program)} ", role), (name, "select" if chosen else "text")]
    if program.silent or program.draws is False:
        words = "tells no frames now" if program.silent else "does not draw now"
        words += f"; {window.fps:.1f} frames/s over 10 s" if window.fps > 0 else ""
        return fit_row([*row, gap(2), (words, "dim")], width)
    for column in shown:
        row.append(gap(2))
        if column == "bottleneck":
            words = program.bottleneck or ("none" if program.stages else text.UNKNOWN)
            row.append((f"{words:>{_width(column)}}", "warn" if program.bottleneck else "faint"))
        elif column == "lost":
            row.append(_padded(figures.whole(program.lost), column, "warn" if program.lost > 0 else "text"))
        elif column == "input":
            row.append(_padded(figures.milliseconds(program.input_s), column, "text"))
        else:
            value = getattr(window, column)
            said, role = figures.segment(column, value, plain="strong" if column == "fps" else "text")
            row.append(_padded(said, column, role))
    return fit_row(row, width)


def _sign(scene: Scene, program: Program) -> str:
    """State without colour."""
    return scene.glyphs.alert if program.trouble else scene.glyphs.ok if program.draws else scene.glyphs.none


def _padded(words: str, column: str, role: str) -> tuple[str, str]:
    return f"{words:>{_width(column)}}", "dim" if words.strip() == text.UNKNOWN else role


def brief(scene: Scene, program: Program, width: int) -> Row:
    """A program where there is a line for each subject only."""
    glyphs = scene.glyphs
    trouble = program.trouble
    window = program.windows["10s"]
    if program.silent or program.draws is False:
        tail: Row = [("no frames" if program.silent else "does not draw", "dim")]
    else:
        fps = text.UNKNOWN if window.fps != window.fps else f"{window.fps:.0f}"
        tail = [
            (f"{fps:>3} fps", seen.fps_role(window.fps) or "strong"),
            gap(1),
            figures.segment("p95", window.p95),
        ]
    room = max(1, width - 2 - row_width(tail) - 1)
    name = outside(program.name, room, glyphs, middle=True)
    return fit_row(
        [
            (f"{_sign(scene, program)} ", trouble or ("good" if program.draws else "dim")),
            (name, "text"),
            gap(1),
            *tail,
        ],
        width,
    )


def nothing(scene: Scene, width: int) -> list[Row]:
    """Why there is none, and what to do."""
    if scene.replay is not None:
        return [fit_row([("no program told its frames at this moment", "dim")], width)]
    step = "Pusher.frame(seconds) of wftui.client, or ux.frame.duration: docs/push.md"
    return [
        fit_row([("no program tells its frames", "dim")], width),
        fit_row([(f"{scene.glyphs.right} {step}", "dim")], width),
    ]
