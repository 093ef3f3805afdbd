"""The host of the scripted machine: 64 cores, 1 TiB, three disks, two network cards."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from wftui.demo import story
from wftui.demo.noise import calm, quick, slow
from wftui.demo.part import Part, constant, counter

CORES: Final = 64
GIB: Final = 1024.0**3
MEMORY: Final = 1007.5 * GIB
UPTIME_S: Final = 41 * 86_400 + 11_000
"""At second 0 of the script."""
_TRAINING: Final = range(0, 24)
"""Cores that feed the training job."""
_SERVING: Final = range(32, 44)
_LINE: Final = 12.5e9
"""Bytes per second of 100 Gbit/s."""


def parts() -> list[Part]:
    """Everything that the host tells, by source."""
    return [
        _cpu(), _cores(), _frequency(), _memory(), _paging(), _pressure(), _stalls(), _disks(), _mounts(),
        _network(), _links(), _sensors(), _energy(),
    ]  # fmt: skip


@lru_cache(maxsize=8)  # asked for by each core
def _feeding(t: float) -> float:
    return 0.56 + 0.17 * calm(t / 3, 1) + 0.07 * slow(t, 2)


def core(t: float, number: int) -> float:
    """Share of one core that is busy."""
    if number in _TRAINING:
        busy = 0.12 if story.saving(t) else _feeding(t) + 0.2 * calm(t, number)
    elif number in _SERVING:
        busy = 0.16 + 0.5 * story.served(t) + 0.2 * calm(t, number)
    elif story.loading(t) and number < 56:
        busy = 0.75 + 0.2 * quick(t, number)
    else:
        busy = 0.05 + 0.06 * calm(t, number)
    return min(1.0, max(0.0, busy + 0.04 * quick(t, number)))


@lru_cache(maxsize=4)  # asked for by a dozen series in one second
def busy(t: float) -> float:
    """Share of all cores that is busy."""
    feeding = 0.12 if story.saving(t) else _feeding(t)
    serving = 0.16 + 0.5 * story.served(t)
    rest = 0.45 if story.loading(t) else 0.055
    whole = (feeding * len(_TRAINING) + serving * len(_SERVING) + rest * 28) / CORES
    return min(1.0, max(0.0, whole + 0.012 * quick(t, 2) + 0.01 * calm(t, 3)))


def reading(t: float) -> float:
    """Bytes per second that the disk of the models gives."""
    if story.loading(t):
        return 5.9e9 + 4e8 * calm(t, 11)
    return max(0.0, 2.1e6 + 4e6 * calm(t, 12))


def writing(t: float) -> float:
    """Bytes per second that go to the scratch disk: checkpoints."""
    if story.saving(t):
        return 3.3e9 + 3e8 * calm(t, 13)
    return max(0.0, 6e6 + 8e6 * calm(t, 14))


def _cpu() -> Part:
    part = Part("cpu", 0.1)
    part.add("system.cpu.utilization", busy, derived=True)
    part.add("system.cpu.run_queue", lambda t: float(int(busy(t) * CORES + 2 + 2 * quick(t, 5))))
    return part


def _cores() -> Part:
    part = Part("cores", 1.0)

    def one(number: int) -> Callable[[float], float]:
        return lambda t: core(t, number)

    for number in range(CORES):
        part.add("system.cpu.logical.utilization", one(number), {"cpu": str(number)}, derived=True)

    def waits(t: float) -> float:
        return 0.06 if story.loading(t) or story.saving(t) else 0.002

    for mode, rate in (
        ("user", lambda t: busy(t) * CORES * 0.8),
        ("nice", constant(0.0)),
        ("system", lambda t: busy(t) * CORES * 0.17),
        ("idle", lambda t: (1 - busy(t) - waits(t)) * CORES),
        ("iowait", lambda t: waits(t) * CORES),
        ("irq", constant(0.0)),
        ("softirq", lambda t: busy(t) * CORES * 0.03),
        ("steal", constant(0.0)),
        ("guest", constant(0.0)),
    ):
        part.add("system.cpu.time", counter(rate, UPTIME_S * 9.0), {"mode": mode})
    part.add("system.cpu.context_switches", counter(lambda t: 61_000 + 380_000 * busy(t), 9e11))
    part.add("system.cpu.interrupts", counter(lambda t: 48_000 + 210_000 * busy(t), 6e11))
    part.add("system.processes.created", counter(lambda t: 3.0 + 2 * calm(t, 6), 4e6))
    part.add("system.processes.blocked", lambda t: 5.0 if story.loading(t) else 0.0)
    part.add("system.cpu.logical.count", constant(CORES))
    part.add("system.cpu.load_average.1m", lambda t: round(busy(t - 30) * CORES + 2.2 + slow(t, 7), 2))
    part.add("system.cpu.load_average.5m", lambda t: round(23.4 + 1.6 * slow(t / 4, 8), 2))
    part.add("system.cpu.load_average.15m", lambda t: round(22.1 + 0.7 * slow(t / 9, 9), 2))
    part.add("system.uptime", lambda t: UPTIME_S + t)
    return part


def _frequency() -> Part:
    part = Part("frequency", 5.0)

    def clock(number: int) -> Callable[[float], float]:
        return lambda t: 3.4e9 + 2.5e8 * calm(t, 20 + number)

    for number in (*_TRAINING, *_SERVING):
        part.add("system.cpu.frequency", clock(number), {"cpu": str(number)})
    return part


def _used(t: float) -> float:
    leaked = 22 * GIB * story.ramp(story.phase(t), story.BACK_S, story.LOADED_S) if story.loading(t) else 0.0
    return (352 + 9 * slow(t / 3, 30)) * GIB + leaked


def _memory() -> Part:
    part = Part("memory", 0.1)
    part.add("system.memory.physical", constant(MEMORY))
    part.add("system.memory.limit", constant(MEMORY))
    part.add("system.memory.available", lambda t: MEMORY - _used(t) - 6 * GIB)
    part.add("system.memory.utilization", lambda t: _used(t) / MEMORY, derived=True)
    part.add("system.memory.usage", _used, {"mode": "used"}, derived=True)
    part.add("system.memory.usage", lambda t: (438 - 4 * slow(t / 3, 30)) * GIB, {"mode": "cached"}, derived=True)
    part.add("system.memory.usage", constant(1.7 * GIB), {"mode": "buffers"})
    part.add(
        "system.memory.usage",
        lambda t: MEMORY - _used(t) - (439.7 - 4 * slow(t / 3, 30)) * GIB,
        {"mode": "free"},
    )
    return part


def _paging() -> Part:
    part = Part("paging", 1.0)
    part.add("system.paging.usage", constant(0.0), {"mode": "used"}, derived=True)
    part.add("system.paging.usage", constant(32 * GIB), {"mode": "free"})
    part.add("system.paging.utilization", constant(0.0), derived=True)
    part.add("system.paging.operations", constant(0.0), {"direction": "in"})
    part.add("system.paging.operations", constant(0.0), {"direction": "out"})
    part.add("system.memory.oom_kills", constant(0.0))
    part.add(
        "system.paging.faults", counter(lambda t: 2.0 + (900.0 if story.loading(t) else 0.0)), {"mode": "major"}
    )
    part.add(
        "system.paging.faults", counter(lambda t: 52_000 + 2e4 * calm(t, 31)), {"mode": "minor"}, derived=True
    )
    return part


def _stall(device: str, mode: str, t: float) -> float:
    if device == "io":
        share = 0.46 if story.loading(t) else 0.22 if story.saving(t) else 0.006
        share *= 0.7 if mode == "full" else 1.0
        return max(0.0, share * (1 + 0.25 * quick(t, 40)))
    if device == "cpu" and mode == "some":
        return max(0.0, 0.02 + 0.08 * busy(t) + 0.01 * quick(t, 41))
    return 0.0


_STALLS: Final = (("cpu", "some"), ("memory", "some"), ("memory", "full"), ("io", "some"), ("io", "full"))


def _share(device: str, mode: str) -> Callable[[float], float]:
    return lambda t: _stall(device, mode, t)


def _pressure() -> Part:
    part = Part("pressure", 0.1)
    for device, mode in _STALLS:
        labels = {"device": device, "mode": mode}
        part.add("system.pressure.utilization", _share(device, mode), labels, derived=True)
    return part


def _stalls() -> Part:
    part = Part("pressure", 1.0)
    for device, mode in _STALLS:
        part.add("system.pressure.time", counter(_share(device, mode), 900.0), {"device": device, "mode": mode})
    return part


def _disks() -> Part:
    part = Part("disks", 1.0)

    def quiet(t: float) -> float:
        return max(0.0, 3e5 + 6e5 * calm(t, 16))

    def logs(t: float) -> float:
        return max(4096.0, 1.4e6 + 1.1e6 * calm(t, 17))

    def disk(name: str, read: Callable[[float], float], write: Callable[[float], float], most: float) -> None:
        def use(t: float) -> float:
            return min(0.99, (read(t) + write(t)) / most)

        of = {"device": name}
        part.add("system.disk.io", counter(read, 7.1e13), {**of, "direction": "read"})
        part.add("system.disk.io", counter(write, 2.9e13), {**of, "direction": "write"})
        part.add("system.disk.operations", counter(lambda t: read(t) / 131_072), {**of, "direction": "read"})
        part.add("system.disk.operations", counter(lambda t: write(t) / 131_072), {**of, "direction": "write"})
        part.add("system.disk.io_time", counter(use, 41_000.0), of)
        part.add("system.disk.utilization", use, of, derived=True)
        part.add("system.disk.queue", lambda t: round(use(t) ** 2 * 38, 3), of, derived=True)

    disk("nvme0n1", quiet, logs, 2.2e9)
    disk("nvme1n1", quiet, writing, 4.1e9)
    disk("nvme2n1", reading, constant(0.0), 6.6e9)
    return part


def _mounts() -> Part:
    part = Part("mounts", 10.0)

    def mount(path: str, size: float, used: Callable[[float], float], inodes: float) -> None:
        of = {"mount": path}
        part.add("system.filesystem.usage", lambda t: round(size * used(t)), {**of, "mode": "used"})
        part.add("system.filesystem.usage", lambda t: round(size * (1 - used(t))), {**of, "mode": "free"})
        part.add("system.filesystem.limit", constant(size), of)
        part.add("system.filesystem.utilization", used, of, derived=True)
        part.add("system.filesystem.inodes.utilization", constant(inodes), of, derived=True)

    def saved(t: float) -> float:
        # Old checkpoints are deleted once an hour.
        return 0.71 + 0.012 * (int((t + 40) / story.SAVE_EVERY_S) % 12)

    mount("/", 878 * GIB, constant(0.34), 0.05)
    mount("/scratch", 6.9 * 1024 * GIB, saved, 0.02)
    mount("/srv/models", 6.9 * 1024 * GIB, constant(0.884), 0.01)
    mount("/boot/efi", 1.0 * GIB, constant(0.06), 0.0)
    return part


def _network() -> Part:
    part = Part("network", 1.0)

    def served(t: float) -> float:
        return (3.5e6 + 2.2e7 * story.served(t) + 1.4e7 * story.demand(t, 6) * story.serves(t)) * (
            1 + 0.2 * calm(t, 51)
        )

    def asked(t: float) -> float:
        return served(t) * 0.11

    def managed(t: float) -> float:
        return max(2_000.0, 2.2e4 + 2e4 * calm(t, 52))

    def stored(t: float) -> float:
        # Checkpoints are copied away right after they were written.
        return served(t) + (1.1e9 if story.SAVE_S <= (t + 40) % story.SAVE_EVERY_S < 45 else 0.0)

    def card(name: str, receive: Callable[[float], float], transmit: Callable[[float], float]) -> None:
        for direction, rate in (("receive", receive), ("transmit", transmit)):
            labels = {"interface": name, "direction": direction}
            part.add("system.network.io", counter(rate, 3.3e13), labels)
            part.add("system.network.packets", _packets(rate), labels)
            part.add("system.network.errors", constant(0.0), labels)
            part.add("system.network.dropped", constant(0.0), labels)
            part.add("system.network.throughput", rate, labels, derived=True)

    card("ens1f0np0", asked, stored)
    card("eno1", managed, managed)
    part.add("system.network.loopback.io", counter(lambda t: 3.1e6 + 2e6 * calm(t, 53), 8e11))
    part.add("system.network.loopback.packets", counter(lambda t: 2_100 + 900 * calm(t, 53), 6e8))
    return part


def _packets(rate: Callable[[float], float]) -> Callable[[float], float]:
    return counter(lambda t: rate(t) / 1_400, 2.4e10)


def _links() -> Part:
    part = Part("links", 60.0)
    part.add("system.network.link.speed", constant(_LINE), {"interface": "ens1f0np0"})
    part.add("system.network.link.speed", constant(_LINE / 100), {"interface": "eno1"})
    return part


def _sensors() -> Part:
    part = Part("sensors", 5.0)
    for place, (name, level, limit) in enumerate(
        (
            ("coretemp Package id 0", 54.0, 100.0),
            ("coretemp Package id 1", 51.0, 100.0),
            ("nvme0 Composite", 37.0, 84.0),
            ("nvme1 Composite", 44.0, 84.0),
            ("nvme2 Composite", 46.0, 84.0),
        )
    ):
        part.add("hw.temperature", _warmth(level, place), {"sensor": name})
        part.add("hw.temperature.limit", constant(limit), {"sensor": name})
    for number in range(6):
        part.add("hw.fan.speed", _fan(number), {"sensor": f"bmc FAN{number + 1}"})
    return part


def _warmth(level: float, place: int) -> Callable[[float], float]:
    return lambda t: round(level + 2.5 * slow(t, 60 + place) + 9 * (busy(t) - 0.25), 1)


def _fan(number: int) -> Callable[[float], float]:
    # The fourth one is worn out: it is asked for more and gives less, which is what heats GPU 3.
    if number == 3:
        return lambda t: round(8_700 - 3_900 * story.ramp(story.heat(t), 0, 20) + 40 * calm(t, 70), -1)
    return lambda t: round(8_700 + 3_600 * story.ramp(story.heat(t), 6, 22) + 60 * calm(t, 70 + number), -1)


def _energy() -> Part:
    part = Part("energy", 1.0)

    def package(number: int) -> Callable[[float], float]:
        return lambda t: 118 + 190 * busy(t) + 6 * calm(t, 80 + number)

    for number in range(2):
        of = {"device": f"package-{number}"}
        part.add("hw.energy", counter(package(number), 4e7), of)
        part.add("hw.power", package(number), of, derived=True)
    return part
