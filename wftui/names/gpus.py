"""Metrics of GPUs, and energy of the machine."""

from typing import Final

from wftui.names.entry import COUNTER, DISTRIBUTION, GAUGE, Metric

_PER_GPU: Final = ("gpu",)


def _gpu(
    name: str, unit: str, kind: str, words: str, labels: tuple[str, ...] = (), statistics: tuple[str, ...] = ()
) -> Metric:
    """A metric of one GPU (or MIG instance), labelled with its UUID."""
    return Metric(f"hw.gpu.{name}", unit, kind, words, _PER_GPU + labels, "gpu", statistics)


GPUS: Final = (
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
