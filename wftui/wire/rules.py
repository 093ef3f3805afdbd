"""Messages about the numbers of a rule: what they are, how often others would have fired, and writing them.

A recorder answers ``RuleNumbers`` and carries out ``ChangeRule``; ``PreviewRule`` it hands on as ``ReplayRules``
to the history service, which has the past and no rules.
"""

from typing import Final

import msgspec

from wftui.wire.base import Message

MOST_SPANS: Final = 500
"""Firings of an answer that are told one by one."""


class RuleNumber(msgspec.Struct, frozen=True):
    """A number of a rule, as its file writes it."""

    path: tuple[str | int, ...]
    """Keys and places in lists, from the rule."""
    about: str
    """What it belongs to: ``avg(hw.gpu.temperature over 1m) >``."""
    field: str
    """``value``, ``clear``, ``score``, ``for``, ``absent_for``."""
    text: str
    """``85``, ``2m``; empty: it is not written there."""
    unit: str = ""
    """Of the text, as people write it; empty: none, or a duration's own."""
    lasts: bool = False
    """Whether it is a duration."""
    shipped: str | None = None
    """The same of the rule that ships with wftop; None: there is none, or it has no such number."""
    selector: str = ""
    """Series that the number is a limit of; empty: it cannot be drawn beside one."""
    factor: float = 1.0
    """From the number to the unit of those series."""


class RuleNumbers(Message, frozen=True):
    """Which numbers of a rule may be changed."""

    rule: str
    """Its id."""


class RuleNumbersReply(Message, frozen=True):
    """Answer to ``RuleNumbers``."""

    rule: str
    name: str
    file: str
    builtin: bool
    """Whether it stands in a file that ships with wftop."""
    replaces: bool
    """Whether it replaces one that does."""
    numbers: list[RuleNumber]


class NewNumber(msgspec.Struct, frozen=True):
    """What a number is to be."""

    path: tuple[str | int, ...]
    text: str


class PreviewRule(Message, frozen=True):
    """How often a rule would have fired, as it is and with other numbers. Answered by ``ReplayRulesReply``."""

    rule: str
    numbers: list[NewNumber]
    span_s: int = 86_400
    """Until now."""


class ReplayRules(Message, frozen=True):
    """Rules over what was recorded in the last ``span_s`` seconds before ``until_ns``."""

    rules: list[bytes]
    """msgpack of ``wftui.alerts.rule.Rule``."""
    span_s: int
    until_ns: int


class RuleFirings(msgspec.Struct, frozen=True):
    """What became of one rule."""

    count: int
    """Firings."""
    firing_s: int
    """Seconds in which at least one of its alerts fired."""
    seconds: int
    """That were looked at."""
    unknown_s: int
    """Of them those in which nothing was known of any of its alerts."""
    why: str
    """The most frequent reason for that; empty: all was known."""
    spans: list[tuple[int, int]]
    """[since, until) in UTC seconds of each firing, the newest ``MOST_SPANS``, ascending by begin."""


class ReplayRulesReply(Message, frozen=True):
    """Answer to ``PreviewRule`` and ``ReplayRules``: of each rule, in their order."""

    since_s: int
    until_s: int
    rules: list[RuleFirings]
    gaps: list[tuple[int, int]]
    """[since, until) in UTC seconds without a recorded second."""
    coarse: list[tuple[int, int, int]]
    """(since, until, seconds of a step) where only means are left."""


class ChangeRule(Message, frozen=True):
    """Write other numbers of a rule into a file of the person's own. Answered by ``ChangeRuleReply``."""

    rule: str
    numbers: list[NewNumber]
    by: str = ""


class ChangeRuleReply(Message, frozen=True):
    """Answer to ``ChangeRule``."""

    file: str
    created: bool
    """Whether the file is new: a copy of the rule that ships with wftop."""
    removed: bool
    """Whether it was taken away, because the rule is again as it ships."""
