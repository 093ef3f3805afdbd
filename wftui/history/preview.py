"""How often rules would have fired lately: one rule with this number and that, asked while a person types."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from wftui import clock
from wftui.alerts.replay import Outcome
from wftui.alerts.rule import Rule
from wftui.clock import NS_PER_S
from wftui.errors import ProtocolError
from wftui.history.past import Past
from wftui.history.replayed import MOST_S, replayed
from wftui.store.answers import TooLargeError
from wftui.store.archive import Archive
from wftui.store.cuts import Cut
from wftui.wire import messages as m
from wftui.wire.rules import MOST_SPANS, RuleFirings

KEPT_S: Final = 60
"""So long what was read serves the next question of the same series: it ends a minute ago at most, and says so."""
DEADLINE_S: Final = 6.5
"""More than of other questions, and less than the recorder waits."""
_RULES: Final = 8
_GAPS: Final = 200
"""Gaps that are told one by one: the longest."""
_rule: Final = msgspec.msgpack.Decoder(Rule)


class _Kept(NamedTuple):
    past: "_Timed"
    archive: Archive
    span_s: int
    until_s: int


class Preview:
    """Answers such questions; remembers what the last one read."""

    def __init__(self) -> None:
        self._kept: _Kept | None = None

    def answer(
        self, archive: Archive, question: m.ReplayRules, deadline_s: float = DEADLINE_S
    ) -> m.ReplayRulesReply:
        """Replay the rules.

        Raises:
            ProtocolError: The question makes no sense.
            TooLargeError: The deadline passed.
            StoreError: The store cannot be read.
        """
        rules = _rules(question)
        until_s = question.until_ns // NS_PER_S
        deadline_ns = clock.perf_ns() + int(deadline_s * NS_PER_S)
        kept = self._kept
        if (
            kept is None
            or kept.archive is not archive
            or kept.span_s != question.span_s
            or not 0 <= until_s - kept.until_s <= KEPT_S
            or not kept.past.serves(rules)
        ):
            extent = archive.extent()
            # What the recorder has not written yet is no gap.
            until_s = until_s if extent is None else min(until_s, extent[1] + 1)
            kept = self._kept = _Kept(_Timed(archive, rules), archive, question.span_s, until_s)
        kept.past.deadline_ns = deadline_ns
        since_s = kept.until_s - question.span_s
        found = replayed(archive, rules, since_s, kept.until_s, kept.past)
        gaps = sorted(found.gaps, key=lambda item: item.since_s - item.until_s)[:_GAPS]
        if not any(item.seconds for item in found.outcomes):
            gaps = []  # nothing at all was recorded: that is told by the seconds
        return m.ReplayRulesReply(
            since_s,
            kept.until_s,
            [_told(item, kept.until_s) for item in found.outcomes],
            sorted((item.since_s, item.until_s) for item in gaps),
            [(item.since_s, item.until_s, item.step_s) for item in kept.past.levels],
        )


class _Timed(Past):
    """Seconds that are given out until a deadline."""

    deadline_ns = 0

    def cuts(self, since_s: int, until_s: int) -> Iterator[Cut]:
        for cut in super().cuts(since_s, until_s):
            if clock.perf_ns() > self.deadline_ns:
                raise TooLargeError("not replayed in time: it looks at many series; wftop rules test has time")
            yield cut


def _rules(question: m.ReplayRules) -> Sequence[Rule]:
    """The rules under ids of their own: they are one rule with other numbers."""
    if not (1 <= len(question.rules) <= _RULES and 1 <= question.span_s <= MOST_S):
        raise ProtocolError(f"replay: expected 1 to {_RULES} rules and up to {MOST_S} s")
    try:
        found = [_rule.decode(item) for item in question.rules]
    except msgspec.MsgspecError as error:
        raise ProtocolError(f"replay: expected rules: {error}") from error
    return [msgspec.structs.replace(rule, id=f"{rule.id}-{place}") for place, rule in enumerate(found)]


def _told(item: Outcome, until_s: int) -> RuleFirings:
    spans = [
        (firing.fired_ns // NS_PER_S, until_s if firing.ended_ns is None else firing.ended_ns // NS_PER_S)
        for firing in item.firings[-MOST_SPANS:]
    ]
    why = max(item.unknown, key=item.unknown.__getitem__, default="")
    unknown_s = sum(item.unknown.values())
    return RuleFirings(len(item.firings), item.firing_s, item.seconds, unknown_s, why, sorted(spans))
