"""A recorder's word about the numbers of a rule, and how often it would have fired over a day."""

from __future__ import annotations

from tests.tui import alerts_seen as fake
from tests.tui.fake import NOW_S
from wftui.errors import ProtocolError
from wftui.wire import messages as wire
from wftui.wire.rules import RuleFirings, RuleNumber

DAY_S = 86_400
VALUE = ("conditions", "when_all", 0, "value")
CLEAR = ("conditions", "when_all", 0, "clear")
LASTS = ("for",)


def numbers(value: str = "85", *, builtin: bool = True) -> wire.RuleNumbersReply:
    """Those of the rule of the hot GPU."""
    found = [
        RuleNumber(
            VALUE, 'avg(hw.gpu.temperature{sensor="gpu"} over 1m) >', "value", value, "°C",
            shipped="85", selector='hw.gpu.temperature{*sensor="gpu"*}',
        ),
        RuleNumber(CLEAR, "while it fires", "clear", "80", "°C", shipped="80"),
        RuleNumber(LASTS, "it must hold", "for", "10s", lasts=True, shipped="10s"),
    ]  # fmt: skip
    file = "/usr/lib/wftop/rules/gpu.json" if builtin else "/home/ana/.config/wftop/rules/gpu-hot.json"
    return wire.RuleNumbersReply(fake.HOT, "A GPU is hot", file, builtin, not builtin, found)


def firings(value: float) -> RuleFirings:
    """The higher the limit, the fewer and the shorter."""
    count = max(0, round((100 - value) / 2))
    length = int(20 * max(1, 100 - value))
    begin = NOW_S - DAY_S
    spans = [(begin + 18_000 + at * 7919 % 66_000, 0) for at in range(count)]
    spans = sorted((since, since + length) for since, _ in spans)
    return RuleFirings(count, count * length, 75_600, 0, "", spans)


def preview(value: float) -> wire.ReplayRulesReply:
    """A day in the middle of which three hours are missing."""
    begin = NOW_S - DAY_S
    return wire.ReplayRulesReply(
        begin, NOW_S, [firings(85), firings(value)], [(begin + 3600, begin + 4 * 3600)], []
    )


class Rules:
    """The recorder, as far as it answers about rules; ``refusal``: what it says to a preview or an order."""

    def __init__(self, refusal: str = "", *, builtin: bool = True, value: str = "85") -> None:
        self.asked: list[wire.Message] = []
        self.refusal = refusal
        self.told = numbers(value, builtin=builtin)

    async def follow(self) -> None:
        return

    async def ask(self, message: wire.Message, timeout_s: float) -> wire.Message:  # noqa: ARG002  as the link has it
        self.asked.append(message)
        if isinstance(message, wire.Events):
            return wire.EventsReply([], more=False)
        if isinstance(message, wire.RuleNumbers):
            return self.told
        if self.refusal:
            raise ProtocolError(self.refusal)
        if isinstance(message, wire.PreviewRule):
            typed = next((item.text for item in message.numbers if item.path == VALUE), self.told.numbers[0].text)
            return preview(float(typed))
        if isinstance(message, wire.ChangeRule):
            removed = all(item.text == "85" for item in message.numbers)
            return wire.ChangeRuleReply("/home/ana/.config/wftop/rules/gpu-hot.json", self.told.builtin, removed)
        return wire.Ok()

    def report_soon(self) -> None:
        """Nobody reads reports."""

    def rate_changed(self) -> None:
        return

    def graphs_changed(self) -> None:
        return

    def orders(self) -> list[wire.ChangeRule]:
        return [item for item in self.asked if isinstance(item, wire.ChangeRule)]
