"""The eight GPUs of the scripted machine: their numbers."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from wftui.demo import story
from wftui.demo.noise import calm, quick
from wftui.demo.part import Part, constant, counter

COUNT: Final = 8
NAME: Final = "NVIDIA H200"
SOURCE: Final = "gpu"
TRAINING: Final = (0, 1, 2, 3)
SERVING: Final = (4, 5)
NOTEBOOK: Final = 7
MEMORY: Final = 150_754_820_096.0
"""Bytes (By) of one."""
SPLIT: Final = 5.1 * 1024**3
"""Bytes of GPU 4 that Ollama's larger model takes while it is loaded."""
_RESERVED: Final = 553_648_128.0
_LIMIT_W: Final = 700.0
_CLOCK: Final = 1.98e9
_IDLE_W: Final = 76.0

_Number = Callable[[int, float], float]
"""(index of the GPU, second of the script) to a value."""
_once = lru_cache(maxsize=4 * COUNT)
"""What many series are made of is asked by all of them in one second; temperature asks an earlier one, too."""


def uuid(gpu: int) -> str:
    """Of one GPU."""
    return f"GPU-{0xD3A0 + 0x1F35 * gpu:08x}-0de0-4a11-9c2e-{0x5B7A00E0 + gpu:012x}"


def bus(gpu: int) -> str:
    """Where it is on the PCI bus."""
    return f"00000000:{(0x1A, 0x3B, 0x4D, 0x5E, 0x9A, 0xBB, 0xCD, 0xDE)[gpu]:02X}:00.0"


@_once
def utilization(gpu: int, t: float) -> float:
    """Share of the time in which something ran."""
    if gpu in TRAINING:
        if story.saving(t):
            return 0.03
        # Between two steps the ranks wait for data, all at the same moment.
        share = 0.71 if t % 11.0 < 0.5 else 0.985 + 0.015 * quick(t, gpu)
        return round(share - 0.27 if gpu == story.LAMED and story.within(story.LANES, t) else share, 2)
    if gpu in SERVING:
        return round(min(1.0, 0.12 + 0.8 * story.served(t) + 0.07 * quick(t, gpu)), 2)
    if gpu == story.LEAKING:
        if story.FAULT_S <= story.phase(t) < story.LOADED_S:
            return 0.0
        return round(min(1.0, 0.08 + 0.8 * story.demand(t, 6) + 0.07 * quick(t, gpu)), 2)
    return 0.0


@_once
def memory(gpu: int, t: float) -> float:
    """Bytes in use."""
    if gpu == story.LEAKING:
        share = story.leak(t)
    elif gpu in TRAINING:
        share = 0.887 + 0.004 * calm(t / 6, gpu)
    elif gpu in SERVING:
        share = 0.918 - (SPLIT / MEMORY if gpu == SERVING[0] and not story.larger_loaded(t) else 0.0)
    else:
        share = 0.311
    return float(round(share * MEMORY / 2_097_152) * 2_097_152)


@_once
def power(gpu: int, t: float) -> float:
    """Watts of the board."""
    if gpu in TRAINING:
        if story.saving(t):
            return 181 + 6 * quick(t, gpu)
        held = story.within(story.SLOWED, t)
        most = 398 if held and gpu == story.HOT else 556 if held else 652
        if gpu == story.LAMED and story.within(story.LANES, t):
            most -= 128
        return most + 14 * calm(t, gpu) + 18 * quick(t, gpu) - (190 if t % 11.0 < 0.5 else 0)
    if gpu == NOTEBOOK:
        return _IDLE_W + 2 * calm(t, gpu)
    watts = 118 + 470 * utilization(gpu, t) + 12 * quick(t, gpu)
    if gpu == story.CAPPED and story.within(story.POWER, t):
        return 699.0 + 0.9 * quick(t, gpu)
    return watts


@_once
def temperature(gpu: int, t: float) -> float:
    """Of the chip, °C."""
    if gpu not in TRAINING:
        return float(round(33 + gpu % 3 + 0.046 * power(gpu, t - t % 4) + 0.8 * calm(t, 90 + gpu)))
    level = 50.0 if story.saving(t - 5) else 62.0
    extra = story.heat(t) * (1.0 if gpu == story.HOT else 0.12)
    return float(round(level + (gpu % 3) + extra + 0.8 * calm(t, 90 + gpu)))


@_once
def clock(gpu: int, t: float) -> float:
    """Hertz of the multiprocessors."""
    if gpu == NOTEBOOK:
        return 3.45e8
    if gpu == story.HOT and story.within(story.SLOWED, t):
        slow = 1.11e9 if story.within(story.SCORCHED, t) else 1.44e9
        return slow + 1.5e7 * round(2 * calm(t, 3))
    if gpu == story.CAPPED and story.within(story.POWER, t):
        return 1.74e9 + 1.5e7 * round(3 * calm(t, 5))
    return _CLOCK


def lanes(gpu: int, t: float) -> float:
    """PCIe lanes in use."""
    return 8.0 if gpu == story.LAMED and story.within(story.LANES, t) else 16.0


def xids(t: float) -> float:
    """Of GPU 6, since the script began."""
    return float(max(0, story.incident(t) + (1 if story.phase(t) >= story.FAULT_S else 0)))


def processes(gpu: int, t: float) -> float:
    """That hold it."""
    if gpu in SERVING:
        return 2.0 + (gpu == SERVING[0] and story.larger_loaded(t))
    return 0.0 if gpu == story.LEAKING and story.FAULT_S <= story.phase(t) < story.BACK_S else 1.0


def parts() -> list[Part]:
    """Everything that the GPUs tell in numbers."""
    return [_fast(), _second(), _slow(), _rare(), _presence()]


def _each(part: Part, name: str, value: _Number, *, derived: bool = False, **labels: str) -> None:
    for gpu in range(COUNT):
        part.add(f"hw.gpu.{name}", _of(value, gpu), {"gpu": uuid(gpu), **labels}, derived=derived)


def _of(value: _Number, gpu: int) -> Callable[[float], float]:
    return lambda t: value(gpu, t)


def _all(part: Part, name: str, value: float, **labels: str) -> None:
    for gpu in range(COUNT):
        part.add(f"hw.gpu.{name}", constant(value), {"gpu": uuid(gpu), **labels})


def _grow(part: Part, name: str, rate: _Number, start: float, **labels: str) -> None:
    for gpu in range(COUNT):
        grows = counter(_of(rate, gpu), start * (1 + gpu / 10), part.interval_s)
        part.add(f"hw.gpu.{name}", grows, {"gpu": uuid(gpu), **labels})


def _fast() -> Part:
    part = Part(SOURCE, 0.1)
    _each(part, "utilization", utilization)
    _each(part, "memory.io.utilization", lambda gpu, t: round(utilization(gpu, t) * 0.58, 2))
    _each(part, "memory.usage", memory, mode="used")
    _each(part, "memory.usage", lambda gpu, t: MEMORY - _RESERVED - memory(gpu, t), mode="free")
    _all(part, "memory.usage", _RESERVED, mode="reserved")
    _all(part, "memory.limit", MEMORY)
    _each(part, "memory.utilization", lambda gpu, t: memory(gpu, t) / MEMORY, derived=True)
    _each(part, "power", power)
    return part


def _second() -> Part:
    part = Part(SOURCE, 1.0)
    _each(part, "power.average", power)
    _grow(part, "energy", power, 8.1e9)
    _each(part, "temperature", temperature, sensor="gpu")
    _each(part, "temperature", lambda gpu, t: temperature(gpu, t) + 6, sensor="memory")
    for mode in ("graphics", "sm"):
        _each(part, "clock.frequency", clock, mode=mode)
    _all(part, "clock.frequency", 3.201e9, mode="memory")
    _each(part, "clock.frequency", lambda gpu, t: clock(gpu, t) * 0.79, mode="video")
    _all(part, "performance_state", 0.0)
    _each(part, "throttled", lambda gpu, t: float(bool(story.reasons(gpu, t))), mode="any")
    for gpu, reason in ((story.HOT, "sw_thermal"), (story.HOT, "hw_thermal"), (story.CAPPED, "power_cap")):
        labels = {"gpu": uuid(gpu), "mode": reason}
        part.add("hw.gpu.throttled", _held(gpu, reason), labels)
        part.add("hw.gpu.throttle.time", counter(_held(gpu, reason), 31.0), labels)
    _each(part, "activity", lambda gpu, t: round(utilization(gpu, t) * 0.83, 3), mode="sm")
    _each(
        part,
        "activity",
        lambda gpu, t: round(utilization(gpu, t) * 0.46 * clock(gpu, t) / _CLOCK, 3),
        mode="tensor",
    )
    _each(part, "activity", lambda gpu, t: round(utilization(gpu, t) * 0.55, 3), mode="dram")
    _grow(part, "io", lambda gpu, t: 1.1e9 * utilization(gpu, t) * lanes(gpu, t) / 16, 4e13, direction="receive")
    _grow(part, "io", lambda gpu, t: 2.6e8 * utilization(gpu, t) * lanes(gpu, t) / 16, 9e12, direction="transmit")
    return part


def _held(gpu: int, reason: str) -> Callable[[float], float]:
    return lambda t: float(reason in story.reasons(gpu, t))


def _slow() -> Part:
    part = Part(SOURCE, 5.0)
    for mode, watts in (("enforced", _LIMIT_W), ("default", _LIMIT_W), ("minimum", 200.0), ("maximum", _LIMIT_W)):
        _all(part, "power.limit", watts, mode=mode)
    for mode in ("encoder", "decoder", "jpeg", "ofa"):
        _all(part, "engine.utilization", 0.0, mode=mode)
    _all(part, "bar1.usage", 5_242_880.0)
    _all(part, "bar1.limit", 274_877_906_944.0)
    _all(part, "pcie.generation", 5.0, mode="current")
    _all(part, "pcie.generation", 5.0, mode="maximum")
    _each(part, "pcie.width", lanes, mode="current")
    _all(part, "pcie.width", 16.0, mode="maximum")
    _grow(part, "pcie.replays", lambda gpu, t: 2.4 if lanes(gpu, t) < 16 else 0.0, 0.0)
    for direction in ("receive", "transmit"):
        _grow(part, "nvlink.io", _linked, 8e14, direction=direction)
    _all(part, "nvlink.links", 18.0, mode="active")
    _all(part, "nvlink.links", 0.0, mode="inactive")
    for mode in ("crc", "replay", "recovery"):
        _all(part, "nvlink.errors", 0.0, mode=mode)
    _each(part, "ecc.errors", lambda gpu, t: float(gpu == 1 and t > 900), mode="corrected")
    _all(part, "ecc.errors", 0.0, mode="uncorrected")
    _each(part, "ecc.lifetime.errors", lambda gpu, t: (3.0 + (t > 900)) if gpu == 1 else 0.0, mode="corrected")
    _all(part, "ecc.lifetime.errors", 0.0, mode="uncorrected")
    for mode in ("corrected", "uncorrected", "pending", "failure"):
        _all(part, "memory.remapped_rows", 0.0, mode=mode)
    _all(part, "up", 1.0)
    _all(part, "energy.coverage", 1.0)
    _each(part, "xid", lambda gpu, t: xids(t) if gpu == story.LEAKING else 0.0)
    _each(part, "process.count", processes)
    return part


def _linked(gpu: int, t: float) -> float:
    if gpu == NOTEBOOK or gpu == story.LEAKING:
        return 0.0
    return 1.35e11 * utilization(gpu, t) * (0.7 if story.within(story.LANES, t) and gpu in TRAINING else 1.0)


def _rare() -> Part:
    part = Part(SOURCE, 10.0)
    for mode, degrees in (("slowdown", 89.0), ("shutdown", 94.0), ("maximum", 85.0), ("memory", 95.0)):
        _all(part, "temperature.limit", degrees, mode=mode)
    for mode, hertz in (("graphics", _CLOCK), ("sm", _CLOCK), ("memory", 3.201e9), ("video", 1.545e9)):
        _all(part, "clock.limit", hertz, mode=mode)
    return part


def _presence() -> Part:
    part = Part("gpu.presence", 60.0)
    part.add("hw.gpu.count", constant(COUNT), {"device": "nvidia"})
    return part
