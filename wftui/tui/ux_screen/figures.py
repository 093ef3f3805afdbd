"""Figures of frames and fidelity as text: fixed widths, ``-`` for what is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.render import text
from wftui.tui.ux_screen import seen

if TYPE_CHECKING:
    from wftui.tui.frame import Segment

NAMES: Final = {
    "fps": "frames/s",
    "p95": "p95",
    "p99": "p99",
    "low": "1 % low",
    "jitter": "jitter",
    "jank": "jank budget",
    "stability": "stability",
    "p50": "median",
    "longest": "longest",
}
"""Fields of a window, the most telling first."""
WIDE: Final = 7
"""Cells of every figure."""


def field(name: str, value: float) -> str:
    """One of ``NAMES`` in ``WIDE`` cells."""
    if value != value:
        return f"{text.UNKNOWN:>{WIDE}}"
    if name in ("fps", "low"):
        return f"{value:>{WIDE}.1f}"
    if name == "jank":
        return f"{text.percent(value):>{WIDE}}"
    if name == "stability":
        return f"{value:>{WIDE}.0f}"
    return milliseconds(value)


def milliseconds(seconds: float) -> str:
    """7 cells: `` 8.21 ms``."""
    if seconds != seconds:
        return f"{text.UNKNOWN:>{WIDE}}"
    return f"{text.significant(seconds * 1000):>4} ms"


def segment(name: str, value: float, *, plain: str = "strong") -> Segment:
    """The figure with its colour."""
    return field(name, value), "dim" if value != value else seen.role(name, value) or plain


def units(value: float) -> str:
    """Energy units without blanks: ``4.2``, ``1,812``, ``1.24M``."""
    if value != value:
        return text.UNKNOWN
    if value < 99.95:
        return f"{value:.1f}"
    return f"{value:,.0f}" if value < 99_999.5 else text.count(value).strip()


def whole(value: float) -> str:
    """A count: ``1,240``."""
    return text.UNKNOWN if value != value else f"{value:,.0f}"


def level(value: float) -> str:
    """A level, or levels an hour: ``3``, ``1.2``."""
    return text.UNKNOWN if value != value else f"{value:.2f}".rstrip("0").rstrip(".")
