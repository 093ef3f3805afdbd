"""The editor of a rule's numbers: what was typed, and how often it would have fired with it. Plain data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from wftui.errors import UsageError
from wftui.when import duration
from wftui.wire.messages import NewNumber

if TYPE_CHECKING:
    from wftui.wire.messages import ReplayRulesReply, RuleNumbersReply
    from wftui.wire.rules import RuleNumber

_LASTS: Final = (0, 5, 10, 15, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 3600, 7200, 14_400, 28_800, 86_400)
"""Seconds that a duration goes through by steps."""
_LENGTH: Final = 20
"""Characters of a number."""


class Editor:
    """Of one rule; nothing is written before a person says so."""

    def __init__(self, rule: str, name: str, alert: str = "") -> None:
        """``alert``: key of the alert that it was opened on; empty: the rule itself."""
        self.rule = rule
        self.name = name
        self.alert = alert
        self.told: RuleNumbersReply | None = None
        """What the recorder says of the rule; None: it was asked."""
        self.typed: list[str] = []
        """The numbers, as they stand in the editor."""
        self.place = 0
        self.fresh = True
        """Whether the next character begins a new number."""
        self.error = ""
        """What is wrong, and keeps it from being written."""
        self.asking = False
        self.preview: ReplayRulesReply | None = None
        self.previewed: tuple[str, ...] = ()
        """The numbers that it is about."""
        self.trouble = ""
        """Why there is no preview."""

    @property
    def numbers(self) -> list[RuleNumber]:
        """Those of the rule, as its file has them."""
        return self.told.numbers if self.told is not None else []

    @property
    def number(self) -> RuleNumber | None:
        """The one that is changed."""
        return self.numbers[self.place] if self.numbers else None

    def take(self, told: RuleNumbersReply) -> None:
        """The recorder has told the numbers."""
        self.told = told
        self.typed = [item.text for item in told.numbers]

    def changed(self) -> list[NewNumber]:
        """Those that are others than in the file."""
        pairs = zip(self.numbers, self.typed, strict=True)
        return [NewNumber(item.path, text) for item, text in pairs if text != item.text]

    def wrong(self) -> str:
        """What is no number or no duration; empty: all are."""
        for item, text in zip(self.numbers, self.typed, strict=True):
            if text == item.text:
                continue
            if item.lasts:
                if _seconds(text) is None:
                    return f"{item.field}: expected a duration like 90s or 5m, got {text!r}"
            elif _float(text) is None:
                return f"{item.field}: expected a number, got {text!r}"
        return ""

    # ---- what keys do

    def move(self, step: int) -> None:
        """Another number."""
        self.place = min(max(0, len(self.numbers) - 1), max(0, self.place + step))
        self.fresh = True

    def put(self, char: str) -> None:
        """A character; the first one begins a new number."""
        if self.numbers:
            before = "" if self.fresh else self.typed[self.place]
            self.typed[self.place] = (before + char)[:_LENGTH]
            self.fresh = False

    def rub(self) -> None:
        """The last character away."""
        if self.numbers:
            self.typed[self.place] = self.typed[self.place][:-1]
            self.fresh = False

    def step(self, direction: int) -> None:
        """A little more (1) or less (-1)."""
        number = self.number
        if number is None:
            return
        text = self.typed[self.place]
        if number.lasts:
            seconds = _seconds(text) if text else 0.0
            if seconds is not None:
                others = [item for item in _LASTS if (item > seconds if direction > 0 else item < seconds)]
                if others:
                    self.typed[self.place] = _lasting(others[0] if direction > 0 else others[-1])
        else:
            value = _float(text)
            if value is not None:
                size = _step(text, value)
                self.typed[self.place] = f"{value + direction * size:.12g}"
        self.fresh = True

    def ship(self) -> str:
        """All numbers as they ship with wftop, else as the file has them; a word on that."""
        known = any(item.shipped is not None for item in self.numbers)
        for at, item in enumerate(self.numbers):
            text = item.text if item.shipped is None else item.shipped
            # A duration that is not written is none.
            self.typed[at] = "0s" if item.lasts and not text and item.text else text
        self.fresh = True
        return "as it ships with wftop: Enter writes it" if known else "as the file has it"


def _float(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


def _seconds(text: str) -> float | None:
    value = _float(text)
    if value is not None:
        return value
    try:
        return duration(text)
    except UsageError:
        return None


def _lasting(seconds: int) -> str:
    for size, unit in ((3600, "h"), (60, "m")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _step(text: str, value: float) -> float:
    """One of the last place that was written; of a large number a hundredth at least."""
    places = len(text.partition(".")[2]) if "e" not in text else 0
    if places:
        return float(10**-places)
    return float(10 ** max(0, math.floor(math.log10(abs(value))) - 2)) if value else 1.0
