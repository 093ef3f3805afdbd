"""Every number that the worker may send of a GPU: what it is, in what unit it comes, and what it can be at all.

The worker sends NVML's own numbers under these keys; the collector turns them into samples. A reading outside its
bounds cannot be true (4294967295, 2^64-1, -1, 101 %): it is dropped and counted, whatever the driver says of
success.
"""

import math
from typing import Final, NamedTuple

FAST: Final = "fast"
"""Up to ten times a second, as the worker can afford it."""
SECOND: Final = "second"
"""Once a second."""
SLOW: Final = "slow"
"""Every ``SLOW_S`` seconds: calls that cost, and what hardly moves."""
HOURLY: Final = "hourly"
"""Once when a GPU is found, and every hour: limits and what is not supported (a driver may learn it)."""
SLOW_S: Final = 10.0
HOUR_S: Final = 3600.0

_PERCENT: Final = 0.01
_MHZ: Final = 1e6
_MILLI: Final = 1e-3
_KIB: Final = 1024.0
_NS: Final = 1e-9
_MOST_BYTES: Final = float(2**50)
"""1 PiB: no GPU has that much memory, and no sentinel is below it."""
_MOST_COUNT: Final = float(2**63)


class Field(NamedTuple):
    """One number of one GPU."""

    key: str
    metric: str
    """A name of the catalogue."""
    labels: tuple[tuple[str, str], ...] = ()
    """Beside ``gpu``."""
    scale: float = 1.0
    """Factor from NVML's unit to the catalogue's."""
    low: float = 0.0
    """Least and greatest that can be true, in NVML's unit."""
    high: float = math.inf
    cadence: str = SECOND
    call: str = ""
    """NVML's name of where it comes from, for a person."""


def _modes(
    metric: str, prefix: str, modes: str, call: str, *, label: str = "mode", **rest: float | str
) -> list[Field]:
    """A field for each of the words, ``prefix_word``."""
    return [
        Field(f"{prefix}_{word}", metric, ((label, word),), call=call, **rest)  # type: ignore[arg-type]  # named ones
        for word in modes.split()
    ]


FIELDS: Final[dict[str, Field]] = {
    field.key: field
    for field in (
        Field("util", "hw.gpu.utilization", (), _PERCENT, 0, 100, FAST, "nvmlDeviceGetUtilizationRates.gpu"),
        Field(
            "mem_io",
            "hw.gpu.memory.io.utilization",
            (),
            _PERCENT,
            0,
            100,
            FAST,
            "nvmlDeviceGetUtilizationRates.memory",
        ),
        *_modes(
            "hw.gpu.memory.usage",
            "mem",
            "used reserved free",
            "nvmlDeviceGetMemoryInfo_v2",
            high=_MOST_BYTES,
            cadence=FAST,
        ),
        Field("mem_total", "hw.gpu.memory.limit", (), 1, 1, _MOST_BYTES, FAST, "nvmlDeviceGetMemoryInfo_v2"),
        Field(
            "power",
            "hw.gpu.power",
            (),
            _MILLI,
            0,
            2e7,
            FAST,
            "field 186 POWER_INSTANT, else nvmlDeviceGetPowerUsage",
        ),
        Field(
            "power_average",
            "hw.gpu.power.average",
            (),
            _MILLI,
            0,
            2e7,
            FAST,
            "field 185 POWER_AVERAGE, else nvmlDeviceGetPowerUsage",
        ),
        Field("energy", "hw.gpu.energy", (), _MILLI, 0, _MOST_COUNT, FAST, "nvmlDeviceGetTotalEnergyConsumption"),
        Field(
            "temp_gpu",
            "hw.gpu.temperature",
            (("sensor", "gpu"),),
            1,
            0,  # -1 is a sentinel, and no GPU that works is that cold
            200,
            SECOND,
            "nvmlDeviceGetTemperatureV",
        ),
        Field(
            "temp_memory",
            "hw.gpu.temperature",
            (("sensor", "memory"),),
            1,
            0,
            200,
            SECOND,
            "field 82 MEMORY_TEMP",
        ),
        *_modes(
            "hw.gpu.temperature.limit",
            "temp_limit",
            "slowdown shutdown maximum memory",
            "nvmlDeviceGetTemperatureThreshold",
            low=1,
            high=200,
            cadence=HOURLY,
        ),
        *_modes(
            "hw.gpu.power.limit",
            "power_limit",
            "enforced default minimum maximum",
            "nvmlDeviceGetEnforcedPowerLimit, …DefaultLimit, …LimitConstraints",
            scale=_MILLI,
            low=1,
            high=2e7,
            cadence=SLOW,
        ),
        *_modes(
            "hw.gpu.clock.frequency",
            "clock",
            "graphics sm memory video",
            "nvmlDeviceGetClockInfo",
            scale=_MHZ,
            high=1e5,
        ),
        *_modes(
            "hw.gpu.clock.limit",
            "clock_limit",
            "graphics sm memory video",
            "nvmlDeviceGetMaxClockInfo",
            scale=_MHZ,
            low=1,
            high=1e5,
            cadence=HOURLY,
        ),
        Field("pstate", "hw.gpu.performance_state", (), 1, 0, 15, SECOND, "nvmlDeviceGetPerformanceState"),
        *_modes(
            "hw.gpu.throttle.time",
            "throttle_ns",
            "power_cap sw_thermal sync_boost hw_thermal hw_power_brake hw_slowdown",
            "fields CLOCKS_EVENT_REASON_*, PERF_POLICY_*",
            scale=_NS,
            high=_MOST_COUNT,
        ),
        *_modes(
            "hw.gpu.engine.utilization",
            "engine",
            "encoder decoder jpeg ofa",
            "nvmlDeviceGet{Encoder,Decoder,Jpg,Ofa}Utilization",
            scale=_PERCENT,
            high=100,
        ),
        *_modes(
            "hw.gpu.activity",
            "gpm",
            "graphics sm sm_occupancy integer tensor dfma_tensor hmma_tensor imma_tensor dram fp64 fp32 fp16",
            "nvmlGpmMetricsGet",
            scale=_PERCENT,
            high=100.5,
        ),
        Field("bar1_used", "hw.gpu.bar1.usage", (), 1, 0, _MOST_BYTES, SLOW, "nvmlDeviceGetBAR1MemoryInfo"),
        Field("bar1_total", "hw.gpu.bar1.limit", (), 1, 1, _MOST_BYTES, SLOW, "nvmlDeviceGetBAR1MemoryInfo"),
        *_modes(
            "hw.gpu.fan.speed_ratio",
            "fan",
            "fan0 fan1 fan2 fan3 fan4 fan5",
            "nvmlDeviceGetFanSpeed_v2",
            label="sensor",
            scale=_PERCENT,
            high=200,
            cadence=SLOW,
        ),
        *_modes(
            "hw.gpu.io",
            "pcie",
            "receive transmit",
            "fields 198 PCIE_COUNT_RX_BYTES, 197 PCIE_COUNT_TX_BYTES",
            label="direction",
            high=_MOST_COUNT,
        ),
        *_modes(
            "hw.gpu.io.throughput",
            "pcie_rate",
            "receive transmit",
            "nvmlDeviceGetPcieThroughput (20 ms)",
            label="direction",
            scale=_KIB,
            high=4e9,
            cadence=SLOW,
        ),
        *_modes(
            "hw.gpu.pcie.generation",
            "pcie_generation",
            "current maximum",
            "nvmlDeviceGet{Curr,Max}PcieLinkGeneration",
            low=1,
            high=10,
            cadence=SLOW,
        ),
        *_modes(
            "hw.gpu.pcie.width",
            "pcie_width",
            "current maximum",
            "nvmlDeviceGet{Curr,Max}PcieLinkWidth",
            low=1,
            high=64,
            cadence=SLOW,
        ),
        Field("pcie_replays", "hw.gpu.pcie.replays", (), 1, 0, 2**32 - 2, SLOW, "nvmlDeviceGetPcieReplayCounter"),
        *_modes(
            "hw.gpu.nvlink.io",
            "nvlink",
            "receive transmit",
            "fields 139, 138 NVLINK_THROUGHPUT_DATA, all links",
            label="direction",
            scale=_KIB,
            high=_MOST_COUNT,
            cadence=SLOW,
        ),
        *_modes(
            "hw.gpu.nvlink.links",
            "nvlink_links",
            "active inactive",
            "nvmlDeviceGetNvLinkState",
            high=64,
            cadence=SLOW,
        ),
        *_modes(
            "hw.gpu.nvlink.errors",
            "nvlink_errors",
            "crc replay recovery",
            "nvmlDeviceGetNvLinkErrorCounter, all links",
            high=_MOST_COUNT,
            cadence=SLOW,
        ),
        *_modes(
            "hw.gpu.ecc.errors",
            "ecc",
            "corrected uncorrected",
            "nvmlDeviceGetTotalEccErrors, volatile",
            high=_MOST_COUNT,
            cadence=SLOW,
        ),
        *_modes(
            "hw.gpu.ecc.lifetime.errors",
            "ecc_lifetime",
            "corrected uncorrected",
            "nvmlDeviceGetTotalEccErrors, aggregate",
            high=_MOST_COUNT,
            cadence=SLOW,
        ),
        *_modes(
            "hw.gpu.memory.remapped_rows",
            "rows",
            "corrected uncorrected pending failure",
            "nvmlDeviceGetRemappedRows",
            high=1e6,
            cadence=SLOW,
        ),
        *_modes(
            "hw.gpu.memory.retired_pages",
            "pages",
            "single_bit double_bit pending",
            "nvmlDeviceGetRetiredPages",
            high=1e6,
            cadence=SLOW,
        ),
    )
}
"""Key to field. ``throttle`` (a bit mask) is not a number for a person: see ``REASON_BITS``."""

THROTTLE: Final = "throttle"
"""Key of the bit mask of clocks event reasons, once a second."""
REASON_BITS: Final = {
    0x1: "idle",
    0x2: "app_clocks",
    0x4: "power_cap",
    0x8: "hw_slowdown",
    0x10: "sync_boost",
    0x20: "sw_thermal",
    0x40: "hw_thermal",
    0x80: "hw_power_brake",
    0x100: "display",
}
"""Bit to a word of ``model.gpus.REASONS``. Source: nvml.h, nvmlClocksEventReason*."""


def plausible(field: Field, value: object) -> float | None:
    """The value in the catalogue's unit; None when it cannot be true."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not field.low <= value <= field.high:
        return None
    return value * field.scale
