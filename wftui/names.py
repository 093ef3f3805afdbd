"""The catalogue: every metric, event type and table that wftop knows, declared once.

Names follow OpenTelemetry where it has one, ours start with ``wftop.``. Units are UCUM as OpenTelemetry
writes them (``1`` ratio, ``By``, ``s``, ``Hz``, ``Cel``, ``W``, ``J``, ``{thing}`` for counts).
``docs/metrics.md`` is generated from this module; a test fails on an emitted series that is not here.
"""

from typing import Final, NamedTuple

GAUGE: Final = "gauge"
COUNTER: Final = "counter"
DISTRIBUTION: Final = "distribution"

GROUPS: Final = ("system", "gpu", "models", "ux", "custom")
"""Of metrics: each is stored in segments of its own, and can be switched off."""

LABEL_KEYS: Final = frozenset(
    {
        "cpu",
        "mode",
        "device",
        "direction",
        "interface",
        "mount",
        "sensor",
        "gpu",
        "server",
        "model",
        "source",
        "view",
    }
    | {"plugin"}
)
"""The only label keys a series may carry, beside the reserved ``stat``. No ``host``: the data dir is the host."""

STAT: Final = "stat"
"""The reserved label that names a statistic; none means mean (gauge) or last (counter)."""


class Metric(NamedTuple):
    """One catalogue entry."""

    name: str
    unit: str
    kind: str
    """``gauge``, ``counter`` (cumulative, raw) or ``distribution``."""
    help: str
    labels: tuple[str, ...] = ()
    """Label keys that a series of this metric may carry, each optional."""
    group: str = "system"
    """``system``, ``gpu``, ``models``, ``ux`` or ``custom``: the segment file it is stored in."""
    statistics: tuple[str, ...] = ()
    """Statistics kept in a tick beside the plain series: ``max`` where a peak inside a second matters."""


class EventType(NamedTuple):
    """One kind of event; each has a counter series ``wftop.event.<type>``."""

    name: str
    help: str

    @property
    def counter(self) -> str:
        """Name of the counter metric of this type."""
        return f"wftop.event.{self.name}"


_OWN = (
    Metric("wftop.cpu.utilization", "1", GAUGE, "CPU of wftop's own process; 1 = one core", ("source", "view")),
    Metric("wftop.memory.usage", "By", GAUGE, "Resident memory (RSS) of wftop's own process", ("source", "view")),
    Metric("wftop.tick.lateness", "s", GAUGE, "How late the tick was closed after the end of its second"),
    Metric("wftop.tick.series", "{series}", GAUGE, "Series in the open layout"),
    Metric(
        "wftop.series.rejected",
        "{series}",
        COUNTER,
        "New series refused because a limit was reached",
        ("source",),
    ),
    Metric("wftop.source.duration", "s", GAUGE, "Wall time of one collection", ("source",), statistics=("max",)),
    Metric("wftop.source.cpu.utilization", "1", GAUGE, "CPU spent collecting; 1 = one core", ("source",)),
    Metric(
        "wftop.source.coverage",
        "1",
        GAUGE,
        "Share of the expected collections of 5 minutes that came",
        ("source",),
    ),
    Metric(
        "wftop.source.late",
        "{collection}",
        COUNTER,
        "Collections skipped because their time had passed",
        ("source",),
    ),
    Metric("wftop.source.failures", "{collection}", COUNTER, "Collections that ended in an error", ("source",)),
    Metric(
        "wftop.source.interval",
        "s",
        GAUGE,
        "Interval now; longer than configured when over the budget",
        ("source",),
    ),
    Metric("wftop.ring.capacity", "s", GAUGE, "Seconds of full-rate samples that the rings can hold"),
    Metric("wftop.ring.memory", "By", GAUGE, "Memory of the full-rate rings"),
    Metric("wftop.bus.dropped", "{message}", COUNTER, "Messages dropped for a slow reader", ("view", "source")),
    Metric("wftop.view.count", "{view}", GAUGE, "Views attached to the recorder"),
    Metric("wftop.view.output", "By", COUNTER, "Bytes written to the terminal", ("view",)),
    Metric("wftop.view.frames", "{frame}", COUNTER, "Frames painted", ("view",)),
    Metric("wftop.view.lag", "s", GAUGE, "Median time in which the terminal acknowledged a frame", ("view",)),
    Metric("wftop.view.frame.duration", "s", GAUGE, "Time to make and write a frame, 95th percentile", ("view",)),
    Metric("wftop.view.frame.interval", "s", GAUGE, "Longest interval while something moves", ("view",)),
    Metric("wftop.view.key.duration", "s", GAUGE, "Longest time from a key to its frame", ("view",)),
    Metric("wftop.store.write.duration", "s", GAUGE, "Wall time of one journal commit", statistics=("max",)),
    Metric("wftop.store.size", "By", GAUGE, "Size of the journal on disk, without its free pages"),
    Metric("wftop.store.pending", "{tick}", GAUGE, "Ticks held in memory because the journal cannot be written"),
    Metric(
        "wftop.store.lost",
        "{tick}",
        COUNTER,
        "Ticks lost because the journal could not be written for too long",
    ),
    Metric("wftop.store.damaged", "{file}", COUNTER, "Damaged journals and segments renamed aside"),
    Metric("wftop.store.segments.size", "By", GAUGE, "Size of everything sealed, history.duckdb with it"),
    Metric("wftop.store.unsealed", "{tick}", GAUGE, "Ticks in the journal that are not in segments yet"),
    Metric("wftop.seal.duration", "s", GAUGE, "Wall time of the last seal"),
    Metric("wftop.seal.cpu.time", "s", COUNTER, "CPU time of the sealers of this session"),
    Metric("wftop.seal.memory.usage", "By", GAUGE, "Peak resident memory (RSS) of the last sealer"),
    Metric("wftop.history.cpu.time", "s", COUNTER, "CPU time of the history services of this session"),
    Metric("wftop.history.memory.usage", "By", GAUGE, "Resident memory (RSS) of the history service that runs"),
)

EVENT_TYPES: Final[dict[str, EventType]] = {
    e.name: e
    for e in (
        EventType("recorder.started", "A recorder began a session"),
        EventType("recorder.stopped", "A recorder ended its session in order"),
        EventType("recorder.handover", "A recorder that a view had started gave way to `wftop record`"),
        EventType("recorder.unclean", "The session before ended without being closed (kill, power, crash)"),
        EventType("view.attached", "A view attached"),
        EventType("view.detached", "A view went away"),
        EventType("source.state", "A source changed its health state"),
        EventType("provenance.changed", "A series changed how it is known (measured, derived, …)"),
        EventType("clock.stepped", "The wall clock jumped against CLOCK_BOOTTIME"),
        EventType("clock.suspended", "Seconds passed without a tick: the machine slept or was starved"),
        EventType("store.damaged", "A damaged journal was renamed aside"),
        EventType("store.failed", "The journal cannot be written; ticks are held in memory"),
        EventType("store.resumed", "The journal can be written again"),
        EventType("store.seal_failed", "An hour could not be sealed; its ticks stay in the journal"),
        EventType("store.segment_damaged", "A damaged segment was renamed aside"),
        EventType("store.purged", "A person deleted recorded data"),
        EventType("store.restored", "A backup was put back"),
        EventType("mark.set", "A person set a mark"),
        EventType("burst.stored", "The full-rate samples around a mark were stored"),
        EventType("machine.down", "The machine went down while it was recorded; the last second is the payload's"),
        EventType("process.oom_killed", "The kernel killed a process because memory had run out"),
        EventType("series.limited", "New series were refused because a limit was reached"),
        EventType("gpu.found", "A GPU was seen for the first time in this session"),
        EventType(
            "gpu.lost", "A GPU that was there does not answer any more: off the bus, unplugged, driver gone"
        ),
        EventType("gpu.returned", "A lost GPU is back"),
        EventType("gpu.stuck", "A call to a GPU has not come back"),
        EventType("gpu.answered", "A GPU that was stuck answers again"),
        EventType("gpu.asleep", "A GPU was suspended by the kernel; it is left alone"),
        EventType("gpu.awake", "A GPU that slept is running"),
        EventType("gpu.throttled", "A GPU's clocks are held back; the payload names the reasons"),
        EventType("gpu.unthrottled", "A GPU's clocks are free again; the payload says for how long they were not"),
        EventType("gpu.xid", "The driver reported an error (Xid)"),
        EventType("gpu.ecc", "Memory errors of a GPU: uncorrected ones, or rows and pages taken out of use"),
        EventType("gpu.driver", "The driver was loaded, unloaded or replaced"),
        EventType("gpu.worker_restarted", "The process that reads the GPUs ended or was ended and began anew"),
        EventType("signal.sent", "A person sent a signal to a process"),
        EventType("signal.refused", "A request to signal a process was refused"),
        EventType("process.reniced", "A person changed the niceness of a process"),
        EventType("process.renice_refused", "A request to change the niceness of a process was refused"),
    )
}

_HOST = (
    Metric(
        "system.cpu.utilization",
        "1",
        GAUGE,
        "Share of all cores that was busy (not idle, not waiting for I/O)",
        statistics=("max",),
    ),
    Metric("system.cpu.logical.utilization", "1", GAUGE, "Share of one core that was busy", ("cpu",)),
    Metric("system.cpu.time", "s", COUNTER, "CPU time of all cores by mode; guest is not in user", ("mode",)),
    Metric("system.cpu.logical.count", "{cpu}", GAUGE, "Cores online"),
    Metric("system.cpu.frequency", "Hz", GAUGE, "Current frequency of a core that is not idle", ("cpu",)),
    Metric("system.cpu.load_average.1m", "{thread}", GAUGE, "Threads running or waiting, 1 minute average"),
    Metric("system.cpu.load_average.5m", "{thread}", GAUGE, "Threads running or waiting, 5 minutes average"),
    Metric("system.cpu.load_average.15m", "{thread}", GAUGE, "Threads running or waiting, 15 minutes average"),
    Metric("system.cpu.context_switches", "{switch}", COUNTER, "Context switches"),
    Metric("system.cpu.interrupts", "{interrupt}", COUNTER, "Interrupts served"),
    Metric(
        "system.cpu.run_queue",
        "{thread}",
        GAUGE,
        "Threads that run or could run now, wftop's own reading thread among them",
        statistics=("max",),
    ),
    Metric("system.processes.blocked", "{process}", GAUGE, "Processes blocked on I/O"),
    Metric("system.processes.created", "{process}", COUNTER, "Processes and threads started since boot"),
    Metric("system.process.count", "{process}", GAUGE, "Processes by state", ("mode",)),
    Metric("system.uptime", "s", GAUGE, "Time since boot"),
    Metric(
        "system.memory.limit", "By", GAUGE, "Total memory that we may use: the cgroup's limit where there is one"
    ),
    Metric("system.memory.physical", "By", GAUGE, "Total memory of the machine"),
    Metric(
        "system.memory.usage",
        "By",
        GAUGE,
        "Memory by mode: used, cached, buffers, free",
        ("mode",),
        statistics=("max",),
    ),
    Metric("system.memory.available", "By", GAUGE, "Memory that programs could still get without swapping"),
    Metric("system.memory.utilization", "1", GAUGE, "Share of the limit in use", statistics=("max",)),
    Metric("system.memory.huge_pages.usage", "By", GAUGE, "Huge pages by mode: used, free, reserved", ("mode",)),
    Metric("system.memory.oom_kills", "{process}", COUNTER, "Processes that the kernel killed for lack of memory"),
    Metric("system.paging.usage", "By", GAUGE, "Swap by mode: used, free", ("mode",)),
    Metric("system.paging.utilization", "1", GAUGE, "Share of the swap in use"),
    Metric("system.paging.operations", "{page}", COUNTER, "Pages swapped", ("direction",)),
    Metric("system.paging.faults", "{fault}", COUNTER, "Page faults by mode: minor, major", ("mode",)),
    Metric(
        "system.pressure.time",
        "s",
        COUNTER,
        "Time stalled (PSI) by resource and mode some, full",
        ("device", "mode"),
    ),
    Metric(
        "system.pressure.utilization",
        "1",
        GAUGE,
        "Share of the time stalled (PSI)",
        ("device", "mode"),
        statistics=("max",),
    ),
    Metric(
        "system.disk.io",
        "By",
        COUNTER,
        "Bytes by direction read, write; dm and md devices count again what their disks do",
        ("device", "direction"),
    ),
    Metric("system.disk.operations", "{operation}", COUNTER, "Operations by direction", ("device", "direction")),
    Metric("system.disk.io_time", "s", COUNTER, "Time with at least one operation in flight", ("device",)),
    Metric(
        "system.disk.utilization",
        "1",
        GAUGE,
        "Share of the time that the device was busy",
        ("device",),
        statistics=("max",),
    ),
    Metric("system.disk.queue", "{operation}", GAUGE, "Mean operations in flight", ("device",)),
    Metric("system.filesystem.usage", "By", GAUGE, "Space by mode: used, free, reserved", ("mount", "mode")),
    Metric("system.filesystem.limit", "By", GAUGE, "Size of the file system", ("mount",)),
    Metric("system.filesystem.utilization", "1", GAUGE, "Share of the usable space in use", ("mount",)),
    Metric("system.filesystem.inodes.utilization", "1", GAUGE, "Share of the inodes in use", ("mount",)),
    Metric(
        "system.network.io",
        "By",
        COUNTER,
        "Bytes by direction receive, transmit; no loopback, no bridges, veth pairs or tunnels",
        ("interface", "direction"),
    ),
    Metric(
        "system.network.packets",
        "{packet}",
        COUNTER,
        "Packets by direction; no loopback",
        ("interface", "direction"),
    ),
    Metric(
        "system.network.errors", "{error}", COUNTER, "Errors by direction; no loopback", ("interface", "direction")
    ),
    Metric(
        "system.network.dropped",
        "{packet}",
        COUNTER,
        "Packets dropped by direction; no loopback",
        ("interface", "direction"),
    ),
    Metric(
        "system.network.throughput",
        "By/s",
        GAUGE,
        "Bytes per second by direction; no loopback",
        ("interface", "direction"),
        statistics=("max",),
    ),
    Metric("system.network.link.speed", "By/s", GAUGE, "Negotiated speed of the link", ("interface",)),
    Metric("system.network.loopback.io", "By", COUNTER, "Bytes through the loopback interface"),
    Metric("system.network.loopback.packets", "{packet}", COUNTER, "Packets through the loopback interface"),
    Metric("hw.temperature", "Cel", GAUGE, "Temperature", ("sensor",)),
    Metric("hw.temperature.limit", "Cel", GAUGE, "Temperature that the sensor itself calls critical", ("sensor",)),
    Metric("hw.fan.speed", "rpm", GAUGE, "Fan speed", ("sensor",)),
    Metric("hw.battery.charge", "1", GAUGE, "Charge of the battery", ("sensor",)),
    Metric("hw.battery.power", "W", GAUGE, "Power drawn from (positive) or put into the battery", ("sensor",)),
    Metric("container.cpu.limit", "{cpu}", GAUGE, "Cores that our cgroup may use"),
    Metric("container.cpu.time", "s", COUNTER, "CPU time of our cgroup"),
    Metric("container.cpu.throttled.time", "s", COUNTER, "Time that our cgroup was held back by its CPU limit"),
    Metric(
        "container.cpu.throttled.periods", "{period}", COUNTER, "Periods in which our cgroup hit its CPU limit"
    ),
    Metric("container.memory.usage", "By", GAUGE, "Memory charged to our cgroup"),
    Metric("container.memory.limit", "By", GAUGE, "Memory limit of our cgroup"),
    Metric(
        "container.memory.oom_kills", "{process}", COUNTER, "Processes of our cgroup killed for lack of memory"
    ),
)

_PER_GPU: Final = ("gpu",)


def _gpu(
    name: str, unit: str, kind: str, words: str, labels: tuple[str, ...] = (), statistics: tuple[str, ...] = ()
) -> Metric:
    """A metric of one GPU (or MIG instance), labelled with its UUID."""
    return Metric(f"hw.gpu.{name}", unit, kind, words, _PER_GPU + labels, "gpu", statistics)


_GPUS = (
    Metric(
        "hw.gpu.count", "{gpu}", GAUGE, "Graphics processors on the PCI bus by vendor", ("device",), group="gpu"
    ),
    _gpu("up", "1", GAUGE, "1 while the GPU answers, 0 while it is lost, stuck or refuses; asleep: no value"),
    _gpu(
        "utilization",
        "1",
        GAUGE,
        "Share of the time in which something ran on it, not how full it was",
        statistics=("max",),
    ),
    _gpu("activity", "1", GAUGE, "Share of the time that a unit worked (GPM): sm, tensor, dram, …", ("mode",)),
    _gpu("engine.utilization", "1", GAUGE, "Use of encoder, decoder, jpeg, ofa (optical flow)", ("mode",)),
    _gpu("memory.io.utilization", "1", GAUGE, "Share of the time in which its memory was read or written"),
    _gpu("memory.usage", "By", GAUGE, "Memory by mode: used, reserved, free", ("mode",), statistics=("max",)),
    _gpu("memory.limit", "By", GAUGE, "Memory that it has"),
    _gpu("memory.utilization", "1", GAUGE, "Share of its memory in use", statistics=("max",)),
    _gpu("bar1.usage", "By", GAUGE, "Window through which the CPU sees its memory (BAR1): used", ()),
    _gpu("bar1.limit", "By", GAUGE, "Size of the BAR1 window"),
    _gpu("temperature", "Cel", GAUGE, "Temperature by sensor: gpu, memory, hotspot", ("sensor",)),
    _gpu("temperature.limit", "Cel", GAUGE, "Limits by mode: slowdown, shutdown, maximum, memory", ("mode",)),
    _gpu("power", "W", GAUGE, "Power of the board, as near to now as it can be had", statistics=("max",)),
    _gpu("power.average", "W", GAUGE, "Power of the board, averaged by the driver over a second"),
    _gpu("power.limit", "W", GAUGE, "Limits by mode: enforced, default, minimum, maximum", ("mode",)),
    _gpu("energy", "J", COUNTER, "Energy of the board; how it is known is the series' provenance"),
    _gpu("energy.coverage", "1", GAUGE, "Share of the last 5 minutes in which the energy counter had readings"),
    _gpu("clock.frequency", "Hz", GAUGE, "Clocks by mode: graphics, sm, memory, video", ("mode",)),
    _gpu("clock.limit", "Hz", GAUGE, "Highest clocks by mode: graphics, sm, memory, video", ("mode",)),
    _gpu("performance_state", "{state}", GAUGE, "Performance state: 0 is the fastest, 15 the slowest"),
    _gpu(
        "throttled",
        "1",
        GAUGE,
        "1 while its clocks are held back, by mode: the reason; `any`: one of them",
        ("mode",),
    ),
    _gpu("throttle.time", "s", COUNTER, "Time that its clocks were held back, by mode: the reason", ("mode",)),
    _gpu(
        "fan.speed_ratio", "1", GAUGE, "Speed that the fan is asked for; a blocked fan says the same", ("sensor",)
    ),
    _gpu("io", "By", COUNTER, "Bytes over PCIe by direction: receive, transmit", ("direction",)),
    _gpu("io.throughput", "By/s", GAUGE, "PCIe throughput in a window of 20 ms, by direction", ("direction",)),
    _gpu("pcie.generation", "1", GAUGE, "PCIe generation by mode: current, maximum", ("mode",)),
    _gpu("pcie.width", "{lane}", GAUGE, "PCIe lanes by mode: current, maximum", ("mode",)),
    _gpu("pcie.replays", "{replay}", COUNTER, "PCIe packets sent again"),
    _gpu("nvlink.io", "By", COUNTER, "Bytes over all NVLinks by direction: receive, transmit", ("direction",)),
    _gpu("nvlink.links", "{link}", GAUGE, "NVLinks by mode: active, inactive", ("mode",)),
    _gpu("nvlink.errors", "{error}", COUNTER, "Errors of all NVLinks by mode: crc, replay, recovery", ("mode",)),
    _gpu(
        "ecc.errors",
        "{error}",
        COUNTER,
        "Memory errors since the driver was loaded: corrected, uncorrected",
        ("mode",),
    ),
    _gpu(
        "ecc.lifetime.errors", "{error}", COUNTER, "Memory errors of its life: corrected, uncorrected", ("mode",)
    ),
    _gpu(
        "memory.remapped_rows",
        "{row}",
        GAUGE,
        "Rows of memory replaced, by mode: corrected, uncorrected; pending, failure: 1 or 0",
        ("mode",),
    ),
    _gpu(
        "memory.retired_pages",
        "{page}",
        GAUGE,
        "Pages of memory taken out of use, by mode: single_bit, double_bit; pending: 1 or 0",
        ("mode",),
    ),
    _gpu("xid", "{event}", COUNTER, "Xid errors since the recorder started; unknown while they cannot be heard"),
    _gpu("process.count", "{process}", GAUGE, "Processes that hold it"),
    Metric("hw.energy", "J", COUNTER, "Energy of a CPU package, its cores or its memory", ("device",)),
    Metric(
        "hw.power", "W", GAUGE, "Power of a CPU package, its cores or its memory, from its energy", ("device",)
    ),
    Metric(
        "wftop.gpu.rejected", "{reading}", COUNTER, "Readings of a GPU that cannot be true, left out", ("gpu",)
    ),
    Metric(
        "wftop.gpu.call.duration",
        "s",
        DISTRIBUTION,
        "Wall time of one call of the vendor's library, by the call's name",
        ("source",),
        statistics=("count", "sum", "p50", "p99", "max"),
    ),
    Metric("wftop.gpu.call.errors", "{call}", COUNTER, "Calls of the vendor's library that failed", ("source",)),
)

METRICS: Final[dict[str, Metric]] = {
    m.name: m
    for m in (
        *_HOST,
        *_GPUS,
        *_OWN,
        *(Metric(e.counter, "{event}", COUNTER, f"Events: {e.help}") for e in EVENT_TYPES.values()),
    )
}
"""Metric name to its entry."""


def group_of(name: str) -> str:
    """Group that a metric's series are stored in; ``custom.`` names are not in the catalogue."""
    metric = METRICS.get(name)
    return metric.group if metric else "custom"
