"""Numbers and outside text in words: what a screen reader can say, in one line, without control characters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from wftui.render import text
from wftui.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

UNKNOWN: Final = "unknown"
_SIGNS: Final = (
    (" %", " percent"),
    ("%", " percent"),
    (" °C", " degrees Celsius"),
    (" °F", " degrees Fahrenheit"),
    ("…", "..."),
    (" · ", ", "),
    (" → ", " to "),
    ("≈", "about "),
)
_TIMES: Final = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"\b(\d+)h 0?(\d+)m\b", r"\1 hours \2 minutes"),
        (r"\b(\d+)d 0?(\d+)h\b", r"\1 days \2 hours"),
        (r"\b(\d+) min\b", r"\1 minutes"),
        (r"\b(\d+) s\b", r"\1 seconds"),
    )
)


def spoken(said: str, limit: int = 200) -> str:
    """A text of ours or from outside, signs as words, cleaned."""
    shown = clean(said, limit)
    for sign, word in _SIGNS:
        shown = shown.replace(sign, word)
    for pattern, words in _TIMES:
        shown = pattern.sub(words, shown)
    return shown


def percent(ratio: float | None) -> str:
    """``41 percent``."""
    return UNKNOWN if ratio is None or ratio != ratio else f"{ratio * 100:.0f} percent"


def size(value: float | None) -> str:
    """``9.87 GiB``."""
    return UNKNOWN if value is None or value != value else text.size(value).strip()


def rate(value: float | None) -> str:
    """``9.87 MiB per second``; below 100 bytes ``nothing``."""
    if value is None or value != value:
        return UNKNOWN
    return f"{text.size(value).strip()} per second" if value >= 100 else "nothing"


def degrees(value: float) -> str:
    """``71 degrees Celsius``."""
    if value != value:
        return "temperature unknown"
    return f"{text.degrees(value):.0f} degrees {'Fahrenheit' if text.degree_letter() == 'F' else 'Celsius'}"


def watts(value: float) -> str:
    """``698 watts``."""
    return "power unknown" if value != value else f"{value:.0f} watts"


def number(value: float | None) -> str:
    """``0.42``, ``27.4``."""
    return UNKNOWN if value is None or value != value else text.significant(value).strip()


def span(values: Sequence[float], unit: str, scale: float = 1.0) -> str:
    """``95 to 98 percent``, or one number where they are the same."""
    known = [value * scale for value in values if value == value]
    if not known:
        return f"{unit} unknown"
    low, high = f"{min(known):.0f}", f"{max(known):.0f}"
    return f"{low} {unit}" if low == high else f"{low} to {high} {unit}"


def listed(names: Sequence[str], most: int = 4) -> str:
    """``a, b and c``; the rest as a number."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
