"""A tiny script language: series of values per second in, ticks through the engine, states out.

A series is a text of words, one or more seconds each: ``5`` a value, ``5x10`` ten seconds of it, ``0+2x3`` is
``0 2 4``, ``_`` a second without a value, ``-`` a second in which the series is in no layout (``_x4``, ``-x4``).
States come back as letters, one a second: ``.`` inactive, ``p`` pending, ``F`` firing, ``o`` over; ``4. 2p F``
is what ``short("....ppF")`` gives.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from zlib import crc32

from wftui.alerts.engine import Change, Engine
from wftui.alerts.judges import Texts
from wftui.alerts.rule import Aggregation, Condition, Operator, Query, Rule, Threshold
from wftui.alerts.states import Alert
from wftui.clock import NS_PER_S, Instant
from wftui.model import health
from wftui.model.alerts import FIRING, INACTIVE, OVER, PENDING
from wftui.model.health import Health
from wftui.model.sample import MEASURED, Column
from wftui.model.series import parse
from wftui.model.tick import Layout, Tick, pack
from wftui.names import COUNTER, GAUGE

NAN = math.nan
LETTERS = {INACTIVE: ".", PENDING: "p", FIRING: "F", OVER: "o"}
PHASE_S = crc32(b"system.cpu.utilization") % 300
"""What that series' steps of the usual begin earlier: not all of a machine end in one second."""
START_S = 1_700_000_000 - 1_700_000_000 % 3600 - PHASE_S
"""Its steps begin here, those of 10 s and of 300 s."""
BOOT_S = 5_000
Value = float | None
"""None: the series is in no layout."""


def values(text: str) -> list[Value]:
    """A script to its values, one a second."""
    found: list[Value] = []
    for word in text.split():
        what, _, times = word.rpartition("x") if "x" in word else (word, "", "1")
        for place in range(int(times)):
            if what in ("_", "-"):
                found.append(NAN if what == "_" else None)
            else:
                start, plus, step = what.partition("+")
                found.append(float(start) + place * float(step or 0) if plus else float(what))
    return found


def short(letters: str) -> str:
    """States with repeats counted: ``4. 2p F``."""
    runs = ((letter, len(list(found))) for letter, found in groupby(letters))
    return " ".join(f"{count}{letter}" if count > 1 else letter for letter, count in runs)


def column(text: str, kind: str = GAUGE, source: str = "test") -> Column:
    """A column of a series as it is written."""
    return Column(parse(text), "1", kind, "system", MEASURED, source, "test")


def threshold(
    series: str,
    operator: Operator,
    value: float,
    aggregation: Aggregation = "last",
    window_s: int = 0,
    clear: float | None = None,
    per: str = "",
) -> Threshold:
    """A number compared with a value."""
    return Threshold(Query(series, aggregation, window_s, per), operator, value, clear)


def rule(condition: Condition, name: str = "r", *, for_s: float = 0, keep_s: float = 0) -> Rule:
    """``rule.<name>``."""
    return Rule(f"rule.{name}", condition, for_s=for_s, keep_firing_s=keep_s)


class Machine:
    """An engine with clocks that tests turn; a step is a second of all series."""

    def __init__(
        self,
        rules: Iterable[Rule],
        *,
        counters: Iterable[str] = (),
        sources: Mapping[str, str] | None = None,
        intervals: Mapping[str, float] | None = None,
        texts: Texts = lambda _: (),
    ) -> None:
        """``counters``: series that are; ``sources``: series to source; ``intervals``: of sources, in seconds."""
        self.engine = Engine(texts)
        self.time_s = START_S
        self.boot_ns = BOOT_S * NS_PER_S
        self.health = {
            name: Health(name, health.OK, interval_s=(intervals or {}).get(name, 1.0))
            for name in {"test", *(sources or {}).values()}
        }
        self.changes: list[Change] = []
        """Of the last second."""
        self.seen: dict[str, str] = {}
        """Alert to the letters of its states so far; from its first second that was not inactive."""
        self.seconds = 0
        self._counters = set(counters)
        self._sources = dict(sources or {})
        self._layouts: dict[tuple[str, ...], Layout] = {}
        self.engine.use(rules, self.now)

    @property
    def now(self) -> Instant:
        """The end of the last second."""
        return Instant(self.time_s * NS_PER_S, self.boot_ns)

    def unwell(self, source: str, state: str = health.STUCK) -> None:
        """A source's health changes."""
        self.health[source] = Health(source, state, interval_s=self.health[source].interval_s)

    def sleep(self, seconds: int) -> None:
        """The machine is suspended: both clocks go on, nobody looks."""
        self.time_s += seconds
        self.boot_ns += seconds * NS_PER_S

    def jump(self, seconds: int) -> None:
        """The wall clock alone."""
        self.time_s += seconds

    def step(self, now: Mapping[str, Value], latest: Mapping[str, float] | None = None) -> list[Change]:
        """One second; ``latest``: what series were at its end, where that is told."""
        tick, layout = self._tick(now)
        said = {layout.places()[text]: value for text, value in (latest or {}).items()}
        self.changes = self.engine.second(tick, layout, self.health, self.now, said)
        for running in self.engine.running.values():
            for alert in running.alerts.values():
                before = self.seen.get(alert.key, "")
                if before or alert.active:
                    before += "." * (self.seconds - 1 - len(before))
                    self.seen[alert.key] = before + LETTERS[alert.state]
        for key, letters in self.seen.items():
            self.seen[key] = letters + "." * (self.seconds - len(letters))
        return self.changes

    def read_back(self, now: Mapping[str, Value]) -> None:
        """One second that was before the start."""
        tick, layout = self._tick(now)
        self.engine.past(tick, layout, self.health)

    def _tick(self, now: Mapping[str, Value]) -> tuple[Tick, Layout]:
        there = {text: value for text, value in now.items() if value is not None}
        self.time_s += 1
        self.boot_ns += NS_PER_S
        self.seconds += 1
        layout = self._layout(tuple(there))
        values_now = pack(array("d", there.values()))
        return Tick(self.seconds, self.time_s - 1, self.boot_ns, 1, layout.id, values_now), layout

    def run(self, series: Mapping[str, str | Sequence[Value]]) -> dict[str, str]:
        """As many seconds as the longest of the scripts; the others have no value after their end.

        Returns:
            Alert to its states in short; alerts that were never active are left out.
        """
        scripts = {
            text: values(script) if isinstance(script, str) else list(script) for text, script in series.items()
        }
        for second in range(max(map(len, scripts.values()))):
            self.step({text: (found[second] if second < len(found) else NAN) for text, found in scripts.items()})
        return {key: short(letters) for key, letters in self.seen.items()}

    def alert(self, key: str = "rule.r") -> Alert:
        """An alert that must be there."""
        found = self.engine.find(key)
        assert found is not None
        return found

    def _layout(self, texts: tuple[str, ...]) -> Layout:
        found = self._layouts.get(texts)
        if found is None:
            columns = tuple(
                column(text, COUNTER if text in self._counters else GAUGE, self._sources.get(text, "test"))
                for text in texts
            )
            found = self._layouts[texts] = Layout(len(self._layouts) + 1, columns)
        return found


def states(
    condition: Condition,
    series: Mapping[str, str | Sequence[Value]],
    *,
    for_s: float = 0,
    keep_s: float = 0,
    counters: Iterable[str] = (),
) -> dict[str, str]:
    """Of one rule, ``rule.r``, from a start without any past."""
    return Machine([rule(condition, for_s=for_s, keep_s=keep_s)], counters=counters).run(series)
