"""Panels of the overview as rules name them: which one an alert asks to be highlighted."""

from collections.abc import Iterable
from typing import Final

from wftui.alerts.rule import Action

WORDS: Final = {
    "cpu": ("processor", "load", "system", "host"),
    "memory": ("ram", "swap"),
    "disks": ("disk", "storage", "filesystem", "io"),
    "network": ("net",),
    "pressure": ("psi", "heat", "thermal", "temperature", "sensors"),
    "processes": ("process",),
    "gpus": ("gpu", "vram", "graphics"),
    "models": ("model", "inference", "server", "servers", "llm"),
    "ux": ("frames", "fidelity"),
    "events": ("event", "log", "logs"),
    "sources": ("source", "recorder"),
    "alerts": ("alert", "health"),
}
"""Panel to what else it may be called. docs/alerts.md has the table."""
_ENDINGS: Final = ("_panel", "_metrics")
_KNOWN: Final = {word: panel for panel, others in WORDS.items() for word in (panel, *others)}


def named(word: str) -> str:
    """The panel that a word means; empty: none."""
    wanted = word.strip().lower().replace("-", "_")
    for ending in _ENDINGS:
        wanted = wanted.removesuffix(ending)
    return _KNOWN.get(wanted, "")


def expected(word: str) -> str:
    """What should have stood there, with what is nearest to it."""
    import difflib  # only a mistake needs it

    near = difflib.get_close_matches(word.lower(), _KNOWN, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"one of {', '.join(WORDS)}{hint}"


def wanted(actions: Iterable[Action]) -> tuple[str, ...]:
    """The panels that actions name; none: that of its series is meant."""
    return tuple(dict.fromkeys(panel for action in actions if (panel := named(action.panel))))
