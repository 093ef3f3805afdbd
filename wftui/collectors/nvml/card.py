"""One GPU as the recorder knows it: who it is, how it is, and its numbers as samples."""

from collections.abc import Iterator
from typing import Final

from wftui import text
from wftui.clock import NS_PER_S, Instant
from wftui.collectors.nvml import states
from wftui.collectors.nvml.episodes import Episodes
from wftui.collectors.nvml.fields import FIELDS, REASON_BITS, THROTTLE, Field, plausible
from wftui.collectors.nvml.frames import Gpu
from wftui.collectors.nvml.states import State
from wftui.energy import meter
from wftui.energy.meter import EnergyMeter
from wftui.model import health
from wftui.model.gpus import HARMLESS, LOST, OWN, UNIFIED
from wftui.model.sample import DERIVED, ESTIMATED, MEASURED, Column, JsonValue, Occurrence, Sample, column
from wftui.model.table import Row

SOURCE: Final = "gpu"
LIMITS_S: Final = 10.0
"""What is asked once an hour is told so often, while the GPU answers: of a lost one it is not known any more."""
HOLD_S: Final = 3.0
"""So long clocks have to be held back, or free, before it is an event: flapping makes no storm."""
_FAULTS: Final = {
    "ecc_uncorrected": "uncorrected memory errors",
    "rows_uncorrected": "rows remapped for uncorrected errors",
    "rows_pending": "a row remap waits for a reset",
    "rows_failure": "row remapping failed",
    "pages_double_bit": "pages retired for double bit errors",
    "pages_pending": "a page retirement waits for a reset",
}
"""Numbers that only get worse; an increase is an event."""
_MOST_REASONS: Final = 0xFFFF
"""All reasons, and some that a newer driver may know; 4294967295 is a sentinel, not every reason at once."""
_MISSING: Final = frozenset({2, 3, 13})
"""Codes of what a card or its driver does not have: invalid argument, not supported, no such function. What is
refused, or fails, it has."""
_UP: Final = frozenset({health.OK, health.UNSUPPORTED})


class Card:
    """One GPU, or one MIG instance."""

    def __init__(self, uuid: str, vendor: str = "nvidia") -> None:
        self.uuid = uuid
        self.facts = Gpu(uuid)
        self.state: State | None = None
        """None: not judged yet."""
        self.known = False
        """Whether the worker said its state; else it is only that nothing is known."""
        self._found = False
        self._episodes = Episodes()
        self.since_ns = 0
        self.name = ""
        self.meter = EnergyMeter()
        self.rejected = 0
        self.xids = 0
        self.deaf = True
        """Errors of the driver about it do not reach us, as far as is known: that there were none is not."""
        self.last_xid: tuple[int, int] | None = None
        """(number, time_ns)."""
        self.codes: dict[str, int] = {}
        """Field key to the code that it answers with."""
        self.reasons: frozenset[str] = frozenset()
        self._vendor = vendor
        self._columns: dict[str, Column] = {}
        self._held: tuple[bool, int] = (False, 0)
        """(whether clocks are held back, since when: boottime)."""
        self._told = False
        self._told_ns = self._throttled_ns = 0
        self._why: frozenset[str] = frozenset()
        self._seen_reasons: set[str] = set()
        self._pstate: float | None = None
        self._faults: dict[str, float] = {}
        self._limits: dict[Column, Sample] = {}
        self._limits_ns: int | None = None

    # ---- who it is

    def described(self, facts: Gpu) -> None:
        """The worker enumerated it."""
        self.facts = facts
        self.name = text.clean(facts.name, 64) or self.name

    def enter(self, state: State, at: Instant, *, told: bool = True) -> Iterator[Occurrence]:
        """Come into a state, or stay in it; the events of that.

        ``told``: the worker said so. Else it is only that nothing is known, and nothing has happened to the GPU.
        """
        before, self.state = self.state, state
        self.known = told
        if before is None or before.state != state.state:
            self.since_ns = at.time_ns
            if state.state not in _UP:
                self.reasons = frozenset()
        return iter(self._turns(at) if told else ())

    def _turns(self, at: Instant) -> list[Occurrence]:
        assert self.state is not None  # noqa: S101  just entered
        turns = [] if self._found else [self._about("gpu.found")]
        self._found = True
        entered = self._episodes.enter(self.state.state, at.boottime_ns)
        return [*turns, *(self._about(turn.kind, **turn.payload()) for turn in entered)]

    @property
    def up(self) -> bool | None:
        """Whether it answers; None while it sleeps or nothing is known of it."""
        if self.state is None or not self.known or self.state.state == health.ASLEEP:
            return None
        return self.state.state in _UP

    def payload(self) -> dict[str, JsonValue]:
        """What every event about it says."""
        state = self.state or states.OK
        return {"name": self.name, "index": self.facts.index, "reason": state.reason}

    def row(self, driver: str, cuda: str) -> Row:
        """Cells of ``GPUS``."""
        facts, state = self.facts, self.state or states.OK
        here = state.state not in (LOST, health.ASLEEP)
        return (
            self.uuid, facts.index if here else None, self._vendor, self.name, text.clean(facts.bus_id, 32),
            text.clean(facts.parent, 64), state.state, state.reason, state.fix, self.since_ns,
            f"P{self._pstate:.0f}" if self._pstate is not None and here else "",
            ",".join(sorted(self.reasons)), self._throttled_ns if self._told else None,
            self.meter.source, UNIFIED if facts.unified else OWN, text.clean(facts.mig, 64),
            text.clean(facts.compute_mode, 32), text.clean(facts.persistence, 8),
            text.clean(facts.virtualization, 16),
            text.clean(facts.ecc, 8), driver, cuda, text.clean(facts.cpus, 128), facts.numa,
            self.last_xid[0] if self.last_xid else None, self.last_xid[1] if self.last_xid else None,
            ",".join(sorted(key for key, code in self.codes.items() if code in _MISSING)),
        )  # fmt: skip

    # ---- its numbers

    def column(
        self, key: str, name: str, labels: tuple[tuple[str, str], ...], call: str, quality: str = MEASURED
    ) -> Column:
        """The column of one of its series, made once for each way in which it is known."""
        place = f"{key}/{quality}/{call}"
        found = self._columns.get(place)
        if found is None:
            found = column(SOURCE, name, {"gpu": self.uuid, **dict(labels)}, call=call, quality=quality)
            self._columns[place] = found
        return found

    def _of(self, field: Field) -> Column:
        found = self._columns.get(field.key)
        if found is None:
            found = self._columns[field.key] = self.column(field.key, field.metric, field.labels, field.call)
        return found

    def samples(self, values: dict[str, int | float], at: Instant) -> list[Sample]:
        """The samples of one reading; what cannot be true is counted and left out."""
        out: list[Sample] = []
        known: dict[str, float] = {}
        for key, value in values.items():
            field = FIELDS.get(key)
            if field is None:
                if key == THROTTLE:
                    out += self._throttle(value, at)
                continue
            number = plausible(field, value)
            if number is None:
                self.rejected += 1
                continue
            known[key] = number
            if key != "energy":
                out.append(Sample(self._of(field), number))
        self._memory(known, out, told="mem_total" in values)
        if "energy" in known or "power" in known:
            out += self._energy(known, at)
        if "pstate" in known:
            self._pstate = known["pstate"]
        return out

    def _memory(self, known: dict[str, float], out: list[Sample], *, told: bool) -> None:
        used, total = known.get("mem_used"), known.get("mem_total")
        if used is None or (total is None and not told):
            return
        if total is None or used > total:
            # One of the two lies, and nobody knows which; of a total that cannot be true nothing is used.
            self.rejected += 1
            out[:] = [item for item in out if not item.column.series.name.startswith("hw.gpu.memory.usage")]
            return
        share = self.column("share", "hw.gpu.memory.utilization", (), "used / total", DERIVED)
        out.append(Sample(share, used / total))

    def _energy(self, known: dict[str, float], at: Instant) -> Iterator[Sample]:
        if "energy" in known:
            self.meter.counter(known["energy"], at)
        if "power" in known:
            self.meter.power(known["power"], at, instant=self.facts.instant)
        if self.meter.source:
            counted = self.meter.source == meter.COUNTER
            call = FIELDS["energy"].call if counted else self.meter.words
            quality = MEASURED if counted else ESTIMATED
            yield Sample(self.column("energy", "hw.gpu.energy", (), call, quality), self.meter.joules)

    def _throttle(self, mask: float, at: Instant) -> Iterator[Sample]:
        if not isinstance(mask, int) or not 0 <= mask <= _MOST_REASONS:
            self.rejected += 1
            return
        self.reasons = frozenset(word for bit, word in REASON_BITS.items() if mask & bit)
        self._seen_reasons |= self.reasons - HARMLESS
        trouble = bool(self.reasons - HARMLESS)
        if trouble != self._held[0] or not self._held[1]:
            self._held = trouble, at.boottime_ns
            if trouble and not self._told:
                self._throttled_ns = at.time_ns
        call = "nvmlDeviceGetCurrentClocksEventReasons"
        yield Sample(self.column("any", "hw.gpu.throttled", (("mode", "any"),), call), float(trouble))
        for reason in self._seen_reasons:
            item = self.column(f"why {reason}", "hw.gpu.throttled", (("mode", reason),), call)
            yield Sample(item, float(reason in self.reasons))

    def keep(self, samples: list[Sample]) -> None:
        """Samples of what is asked once an hour: limits."""
        self._limits.update((sample.column, sample) for sample in samples)
        self._limits_ns = None

    def limits(self, at: Instant) -> list[Sample]:
        """What was kept, when it is due."""
        if not self.up:
            self._limits_ns = None
            return []
        if self._limits_ns is not None and at.boottime_ns - self._limits_ns < LIMITS_S * NS_PER_S:
            return []
        self._limits_ns = at.boottime_ns
        return list(self._limits.values())

    def slow_samples(self, at: Instant) -> Iterator[Sample]:
        """What is told of it each second, whatever it answers."""
        up = self.up
        if up is not None:
            yield Sample(self.column("up", "hw.gpu.up", (), "whether its calls are answered", DERIVED), float(up))
        covered = self.meter.coverage(at)
        if covered is not None:
            item = self.column("coverage", "hw.gpu.energy.coverage", (), "energy meter", DERIVED)
            yield Sample(item, round(covered, 4))
        if not self.deaf:
            yield Sample(self.column("xid", "hw.gpu.xid", (), "nvmlEventSetWait_v2, /dev/kmsg"), self.xids)
        yield Sample(self.column("rejected", "wftop.gpu.rejected", (), "bounds of each field"), self.rejected)

    # ---- what happened

    def throttled(self, at: Instant) -> Occurrence | None:
        """The event that is due: held back for a while now, or free again."""
        held, since_ns = self._held
        if held == self._told or not since_ns or at.boottime_ns - since_ns < HOLD_S * NS_PER_S:
            if held and self._told:
                self._why |= self.reasons - HARMLESS
            return None
        self._told = held
        if held:
            self._told_ns, self._why = since_ns, self.reasons - HARMLESS
            return self._about("gpu.throttled", reasons=sorted(self._why))
        seconds = round((since_ns - self._told_ns) / NS_PER_S, 1)
        return self._about("gpu.unthrottled", reasons=sorted(self._why), for_s=seconds)

    def faults(self, values: dict[str, int | float]) -> Iterator[Occurrence]:
        """Events about its memory: numbers that grew."""
        for key, words in _FAULTS.items():
            if key not in values or (number := plausible(FIELDS[key], values[key])) is None:
                continue
            before = self._faults.get(key)
            self._faults[key] = number
            if before is not None and number > before:
                yield self._about("gpu.ecc", what=words, field=key, before=before, after=number)

    def xid(self, number: int, time_ns: int) -> None:
        """The driver reported an error about it."""
        self.xids += 1
        self.last_xid = number, time_ns

    def _about(self, kind: str, **more: object) -> Occurrence:
        return Occurrence(kind, ("gpu", self.uuid), {**self.payload(), **more})  # type: ignore[dict-item]  # JSON values
