"""Numbers of rules on a person's word: what they are, how often others would have fired, and writing them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final

import msgspec

from wftui import log
from wftui.alerts.rule import Rule
from wftui.clock import Clock
from wftui.errors import ProtocolError
from wftui.paths import Places
from wftui.recorder.alerting.rulebook import Rulebook
from wftui.recorder.child import Passed
from wftui.recorder.emitter import Emit
from wftui.wire import messages as m

if TYPE_CHECKING:
    from wftui.alerts.edit import Edited

EVENT: Final = "rule.changed"
MOST_S: Final = 7 * 86_400
"""Of a preview."""
_NUMBERS: Final = 256
"""Of one order."""


class Editing:
    """Reads and writes files in a thread, one order after the other: two views may not undo each other."""

    def __init__(
        self,
        places: Places,
        clock: Clock,
        emit: Emit,
        rulebook: Rulebook,
        ask: Callable[[m.ReplayRules], Awaitable[m.Message | Passed]],
        *,
        demo: bool,
    ) -> None:
        """``ask``: a question to the history service."""
        self._places = places
        self._clock = clock
        self._emit = emit
        self._rulebook = rulebook
        self._ask = ask
        self._demo = demo
        self._one = asyncio.Lock()

    async def numbers(self, question: m.RuleNumbers) -> m.RuleNumbersReply:
        """The numbers of a rule.

        Raises:
            ProtocolError: There is no such rule.
            ConfigError: Its file cannot be read, or is wrong.
        """
        from wftui.alerts import edit  # here, as below: most recorders never do it

        rule = self._rule(question.rule)
        found, shipped = await asyncio.to_thread(edit.known, self._places, rule)
        origin = rule.origin
        return m.RuleNumbersReply(rule.id, rule.name, origin.file, origin.builtin, shipped, found)

    async def preview(self, question: m.PreviewRule) -> m.Message | Passed:
        """How often a rule would have fired, as it is and with other numbers.

        Raises:
            ProtocolError: There is no such rule, or no such time.
            ConfigError: It would be wrong; says how.
        """
        if not 60 <= question.span_s <= MOST_S:
            raise ProtocolError(f"preview: expected 60 to {MOST_S} s, got {question.span_s}")
        edited = await self._edited(question.rule, question.numbers)
        rules = [msgspec.msgpack.encode(item) for item in (edited.before, edited.after)]
        return await self._ask(m.ReplayRules(rules, question.span_s, self._clock.now().time_ns))

    async def change(self, order: m.ChangeRule) -> m.ChangeRuleReply:
        """Write other numbers of a rule into a file of the person's own; the rules are read anew at once.

        Raises:
            ProtocolError: There is no such rule, nothing is another, or this is the demo.
            ConfigError: It would be wrong, or cannot be written; says how, and the file is as it was.
        """
        if self._demo:
            raise ProtocolError("this is the demo: no rule of yours is written")
        from wftui.alerts import edit

        async with self._one:
            edited = await self._edited(order.rule, order.numbers)
            if not edited.changes:
                raise ProtocolError(f"rule {order.rule}: no number is another")
            await asyncio.to_thread(edit.write, self._places, edited)
        self._told(edited, order.by)
        self._rulebook.look()
        return m.ChangeRuleReply(str(edited.file), edited.created, edited.removed)

    def _told(self, edited: "Edited", by: str) -> None:
        from wftui.alerts.words import condition_text

        rule = edited.after
        payload = {
            "rule": rule.id,
            "name": rule.name,
            "before": condition_text(edited.before),
            "after": condition_text(rule),
            "changes": [item._asdict() for item in edited.changes],
            "file": "" if edited.removed else str(edited.file),
            "by": by,
        }
        self._emit(EVENT, ("rule", rule.id), payload)
        words = ", ".join(f"{item.field} {item.before or '-'} to {item.after}" for item in edited.changes)
        log.info("audit", "a rule was changed", rule=rule.id, changes=words, file=edited.file, by=by)

    async def _edited(self, name: str, wanted: Iterable[m.NewNumber]) -> "Edited":
        from wftui.alerts import edit

        numbers = list(wanted)
        if len(numbers) > _NUMBERS:
            raise ProtocolError(f"rule {name}: expected at most {_NUMBERS} numbers, got {len(numbers)}")
        return await asyncio.to_thread(edit.edited, self._places, self._rule(name), numbers)

    def _rule(self, name: str) -> Rule:
        found = next((item for item in self._rulebook.rules if item.id == name), None)
        if found is None:
            raise ProtocolError(f"rule {name}: there is none of that id now")
        return found
