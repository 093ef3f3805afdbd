"""One GPU of the kernel's graphics drivers: who it is, how it is, and its numbers as samples."""

from collections.abc import Iterator
from typing import Final

from wftui import names, text
from wftui.clock import NS_PER_S, Instant
from wftui.collectors import gpu_amd, gpu_pci
from wftui.collectors.gpu_drivers import AMD, INTEL, SOURCE, TELLING, judge
from wftui.collectors.gpu_hwmon import Hwmon
from wftui.collectors.gpu_intel import Intel
from wftui.collectors.gpu_pci import Device
from wftui.collectors.gpu_reading import MOST_W, Told, Value, word
from wftui.collectors.gpu_throttle import Throttle
from wftui.collectors.nvml.episodes import Episodes
from wftui.collectors.nvml.states import ASLEEP, OK, UNIFIED, State
from wftui.energy import meter
from wftui.energy.meter import EnergyMeter
from wftui.model import health
from wftui.model.gpus import LOST, OWN
from wftui.model.gpus import UNIFIED as SHARED
from wftui.model.sample import DERIVED, ESTIMATED, MEASURED, Column, JsonValue, Occurrence, Sample, column
from wftui.model.table import Row

IDLE_S: Final = 60.0
"""So long nothing may have run on a card that may sleep, before it is left alone for a while."""
LONGEST_S: Final = 600.0
"""At most so long between two such pauses, where the card does not fall asleep in them."""
DELAY_S: Final = 10.0
"""The kernel's patience with an idle card, where it does not say."""
_BUSY: Final = 0.01
_REJECTED: Final = "wftop.gpu.rejected"
FRESH_S: Final = 15.0
"""So long the sum over its processes stands for the use of a card."""
_LOST: Final = State(
    LOST, "not there any more: unplugged, off the bus, or its driver let go of it", "dmesg | grep -iE 'drm|pci'"
)
_RESTING: Final = State(health.OK, "idle: left alone for some seconds, so that the kernel can suspend it")


class Card:
    """One of them, from its first sight on."""

    def __init__(self, device: Device, proc: str, ids: tuple[str, ...] = gpu_pci.NAMES) -> None:
        self.device = device
        self.uuid = f"pci-{device.bus}"
        self.name = gpu_pci.name(device, ids)
        self.state: State | None = None
        self.since_ns = 0
        self.meter = EnergyMeter()
        self.rejected = 0
        self.unified = False
        self._proc = proc
        self._hwmon: Hwmon | None = None
        self._intel: Intel | None = None
        self._throttle = Throttle()
        self._episodes = Episodes()
        self._found = False
        self._columns: dict[tuple[str, str, str, str], Column] = {}
        self._idle_ns = self._rest_ns = 0
        self._pause_s = IDLE_S
        self._uncorrected: float | None = None
        self._clients: tuple[float, int] | None = None
        """(share of time of its busiest engine, boottime)."""
        self._told: set[str] = set()
        self._counted: tuple[float, int] | None = None
        """(J, boottime) of the card's counter, where nothing else tells its power."""

    # ---- how it is

    def renew(self, device: Device) -> None:
        """It was listed again."""
        if device != self.device:
            self._hwmon = self._intel = None
        self.device = device

    def look(self, at: Instant, *, listed: bool) -> bool:
        """Find out whether it may be asked now. Nothing here wakes it."""
        status = self.device.status if listed else ""
        if not status and not (listed and word(f"{self.device.folder}/vendor", 16)):
            self.state = self._enter(_LOST, at)
            return False
        if status in ("suspended", "suspending"):
            self._idle_ns = self._rest_ns = 0
            self._pause_s = IDLE_S
            self.state = self._enter(ASLEEP, at)
            return False
        state = judge(self.device)
        if self.device.driver not in TELLING:
            self.state = self._enter(state, at)
            return False
        if state is OK and at.boottime_ns < self._rest_ns:
            self.state = self._enter(_RESTING, at)
            return False
        if state is OK and self.unified:
            state = State(health.OK, UNIFIED)
        self.state = self._enter(state, at)
        return True

    def _enter(self, state: State, at: Instant) -> State:
        if self.state is None or self.state.state != state.state:
            self.since_ns = at.time_ns
        if state.state in (LOST, health.ASLEEP):
            self._throttle.forget()
        return state

    def events(self, at: Instant) -> Iterator[Occurrence]:
        """What befell it since the last time."""
        assert self.state is not None  # noqa: S101  asked after ``look``
        if not self._found:
            self._found = True
            yield self._about("gpu.found")
        for turn in self._episodes.enter(self.state.state, at.boottime_ns):
            yield self._about(turn.kind, **turn.payload())
        due = self._throttle.event(at)
        if due is not None:
            yield self._about(due[0], **due[1])

    @property
    def awake(self) -> bool:
        """Whether its open files may be asked: it is known to run."""
        return self.state is not None and self.state.state in (health.OK, health.UNSUPPORTED)

    # ---- its numbers

    def read(self, at: Instant) -> list[Sample]:
        """What moves."""
        device = self.device
        if self._hwmon is None:
            self._hwmon = Hwmon(device.folder)
            self.name = gpu_pci.product(device) or self.name
            if device.driver in AMD:
                self.uuid = gpu_amd.identity(device.folder) or self.uuid
            elif device.driver in INTEL:
                self._intel = Intel(device.folder, device.card_folder, device.bus, self._proc)
        told = Told()
        if device.driver in AMD:
            gpu_amd.read(device.folder, self._hwmon, told)
        elif self._intel is not None:
            self._intel.read(self._hwmon, told, at)
        else:
            self._hwmon.read(told)
        self.unified = told.unified
        self._use(told, at)
        self._power(told, at)
        self.rejected += told.rejected
        self._told |= {value.name for value in told.values}
        samples = [self._sample(value) for value in told.values]
        samples += self._energy(told, at)
        if told.reasons is not None:
            for mode, value in self._throttle.take(told.reasons, at):
                samples.append(self._sample(Value("throttled", mode, value, told.throttle_call)))
        self._rest(told.busy, at)
        return samples

    def read_rare(self, at: Instant) -> tuple[list[Sample], list[Occurrence]]:
        """What hardly ever changes: after ``read``."""
        told = Told()
        if self._hwmon is not None and self.device.driver in AMD:
            gpu_amd.read_rare(self.device.folder, self._hwmon, told)
        elif self._hwmon is not None and self._intel is not None:
            self._intel.read_rare(self._hwmon, told)
        elif self._hwmon is not None:
            self._hwmon.read_limits(told)
        gpu_pci.link(self.device, told)
        self.rejected += told.rejected
        samples = [self._sample(value) for value in told.values]
        covered = self.meter.coverage(at)
        if covered is not None:
            samples.append(self._sample(Value("energy.coverage", "", round(covered, 4), "energy meter", DERIVED)))
        errors = next((v.number for v in told.values if (v.name, v.mode) == ("ecc.errors", "uncorrected")), None)
        events = []
        if errors is not None:
            before, self._uncorrected = self._uncorrected, errors
            if before is not None and errors > before:
                what = "uncorrected memory errors"
                events.append(self._about("gpu.ecc", what=what, field="umc ue", before=before, after=errors))
        return samples, events

    def state_samples(self) -> Iterator[Sample]:
        """What is told of it each time, whether it was asked or not."""
        assert self.state is not None  # noqa: S101  asked after ``look``
        if self.state.state == LOST or (self.awake and self.device.driver in TELLING):
            yield self._sample(Value("up", "", float(self.awake), "whether its driver lists it", DERIVED))
        yield self._sample(Value(_REJECTED, "", self.rejected, "bounds of each field"))

    def used_by_clients(self, share: float, at: Instant) -> None:
        """The share of time of its busiest engine, summed over all processes."""
        self._clients = share, at.boottime_ns

    def processes(self, count: int, call: str, quality: str) -> Sample:
        """How many hold it."""
        return self._sample(Value("process.count", "", count, call, quality))

    def _use(self, told: Told, at: Instant) -> None:
        """Engine time of all its processes is truer than the time in which it was powered."""
        if self._intel is None or self._clients is None:
            return
        share, told_ns = self._clients
        if at.boottime_ns - told_ns > FRESH_S * NS_PER_S:
            return
        told.values = [value for value in told.values if value.name != "utilization"]
        call = "fdinfo: the busiest engine, summed over all processes"
        told.busy = told.add("utilization", "", share, 1, call, ESTIMATED)

    def _power(self, told: Told, at: Instant) -> None:
        """Cards of Intel count energy, and tell no power."""
        before, self._counted = self._counted, None
        if told.joules is None or told.watts is not None:
            return
        self._counted = told.joules, at.boottime_ns
        elapsed_s = (at.boottime_ns - before[1]) / NS_PER_S if before is not None else 0.0
        if before is not None and 0 < elapsed_s <= FRESH_S and told.joules >= before[0]:
            told.add(
                "power", "", (told.joules - before[0]) / elapsed_s, MOST_W, "growth of the energy counter", DERIVED
            )

    def _energy(self, told: Told, at: Instant) -> Iterator[Sample]:
        if told.joules is not None:
            self.meter.counter(told.joules, at)
        if told.watts is not None:
            self.meter.power(told.watts, at, instant=not told.averaged)
        if self.meter.source:
            counted = self.meter.source == meter.COUNTER
            call = "energy counter of the card" if counted else self.meter.words
            quality = MEASURED if counted else ESTIMATED
            yield self._sample(Value("energy", "", self.meter.joules, call, quality))

    def _rest(self, busy: float | None, at: Instant) -> None:
        """Each question sets the kernel's idle clock back: an idle card gets time to fall asleep."""
        if (busy is not None and busy >= _BUSY) or not self.device.may_sleep:
            self._idle_ns = 0
            self._pause_s = IDLE_S
            return
        self._idle_ns = self._idle_ns or at.boottime_ns
        if at.boottime_ns - self._idle_ns < self._pause_s * NS_PER_S:
            return
        try:
            delay_s = int(word(f"{self.device.folder}/power/autosuspend_delay_ms", 32)) / 1000
        except ValueError:
            delay_s = DELAY_S
        self._rest_ns = at.boottime_ns + int(min(60.0, max(1.0, delay_s) + 3) * NS_PER_S)
        self._idle_ns = 0
        self._pause_s = min(LONGEST_S, 2 * self._pause_s)

    def _sample(self, value: Value) -> Sample:
        key = (value.name, value.mode, value.quality, value.call)
        found = self._columns.get(key)
        if found is None or found.series.label("gpu") != self.uuid:
            metric = names.METRICS[value.name if value.name == _REJECTED else f"hw.gpu.{value.name}"]
            labels = {"gpu": self.uuid}
            if value.mode:
                labels[metric.labels[1]] = value.mode
            found = column(SOURCE, metric.name, labels, call=value.call, quality=value.quality)
            self._columns[key] = found
        return Sample(found, value.number)

    # ---- tables and events

    def _about(self, kind: str, **more: JsonValue) -> Occurrence:
        reason = self.state.reason if self.state is not None else ""
        payload: dict[str, JsonValue] = {"name": self.name, "index": self.device.number, "reason": reason}
        return Occurrence(kind, ("gpu", self.uuid), payload | more)

    def row(self) -> Row:
        """Cells of ``GPUS``."""
        device, state = self.device, self.state or OK
        here = state.state not in (LOST, health.ASLEEP)
        node = word(f"{device.folder}/numa_node", 16)
        throttle = self._throttle
        missing = [
            field
            for field, name in (
                ("util", "utilization"), ("mem_used", "memory.usage"), ("power", "power"),
                ("temp_gpu", "temperature"), ("clock_graphics", "clock.frequency"),
            )
            if self._told and name not in self._told
        ]  # fmt: skip
        return (
            self.uuid, device.number if here else None, device.vendor, self.name, device.bus, "",
            state.state, state.reason, state.fix, self.since_ns, "",
            ",".join(sorted(throttle.reasons)), throttle.since_ns if throttle.told else None,
            self.meter.source, SHARED if self.unified else OWN, "", "", "", "", "",
            text.clean(device.driver, 32), "", text.clean(word(f"{device.folder}/local_cpulist"), 128),
            int(node) if node.isdecimal() else None, None, None, ",".join(missing),
        )  # fmt: skip
