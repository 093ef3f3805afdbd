"""Built-in rules over seconds that a test makes up: which of them fire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

from tests.unit.alerts.machine import Machine, Value
from wftui import paths
from wftui.alerts import load
from wftui.alerts.judges import Texts
from wftui.alerts.rule import Rule
from wftui.names import COUNTER, METRICS

RULES: Final[Mapping[str, Rule]] = {
    rule.id.removeprefix("rule."): rule
    for path in sorted(paths.resources("rules").glob("*.json"))
    for rule in load.rules(path.read_bytes(), path.name, builtin=True)
}
GIB: Final = 2.0**30
GB: Final = 1e9
Series = Mapping[str, str | Sequence[Value]]


class Watched(Machine):
    """A machine with built-in rules; which series are counters the catalogue knows."""

    def __init__(self, names: str, series: Iterable[str], *, texts: Texts = lambda _: ()) -> None:
        """``names``: patterns of rules without ``rule.``, with spaces; ``series``: all that there will be."""
        rules = [
            rule
            for name, rule in RULES.items()
            if rule.enabled and any(fnmatchcase(name, item) for item in names.split())
        ]
        assert rules, names
        counters = [text for text in series if METRICS[text.partition("{")[0]].kind == COUNTER]
        super().__init__(rules, counters=counters, texts=texts)

    @property
    def fired(self) -> set[str]:
        """Alerts that ever fired, without ``rule.``."""
        return {key.removeprefix("rule.") for key, letters in self.seen.items() if "F" in letters}


def fired(names: str, series: Series, *, texts: Texts = lambda _: ()) -> set[str]:
    """Which alerts of these rules fire at any second of the scripts."""
    machine = Watched(names, series, texts=texts)
    machine.run(series)
    return machine.fired
