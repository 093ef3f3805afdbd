"""A recorder's word without a recorder: a deterministic machine, as messages of the wire."""

from __future__ import annotations

import math
from array import array
from collections.abc import Hashable, Mapping
from typing import Self

from wftui.clock import Instant
from wftui.model import tick as ticks
from wftui.model.event import Event
from wftui.model.health import Health
from wftui.model.processes import PROCESSES, row_key
from wftui.model.sample import Column, column
from wftui.model.table import Row, TableChange
from wftui.tui.glyphs import ASCII, UTF8
from wftui.tui.scene import Scene
from wftui.tui.state import LIVE, State
from wftui.wire import messages as wire

NOW_S = 1_763_733_125
GIB = 1024.0**3
HOSTILE = "\x1b]0;own\x07[red]\u202e\x9b31m\n漢字👩‍💻" + "x" * 60
NAN = float("nan")
VLLM = "vllm.entrypoints.openai.api_server"
NO_GPU = "no GPU found: no display controller of NVIDIA, AMD or Intel on the PCI bus"


_columns: dict[tuple[str, str, str, tuple[tuple[str, str], ...]], Column] = {}


def column_of(source: str, name: str, labels: Mapping[str, str] | None = None, stat: str = "") -> Column:
    """The same column for the same words: a fake makes each of them hundreds of times."""
    key = source, name, stat, tuple((labels or {}).items())
    found = _columns.get(key)
    if found is None:
        found = _columns[key] = column(source, name, labels, call="test", stat=stat)
    return found


def _c(name: str, labels: Mapping[str, str] | None = None, stat: str = "") -> Column:
    return column_of("test", name, labels, stat)


def wave(second: int, period: float, phase: float = 0.0) -> float:
    return 0.5 + 0.5 * math.sin(second / period + phase)


def machine(second: int, *, cores: int = 8, hostile: bool = False) -> list[tuple[Column, float]]:
    """Every series of one second."""
    out: list[tuple[Column, float]] = []

    def put(name: str, value: float, labels: Mapping[str, str] | None = None) -> None:
        out.append((_c(name, labels), value))

    disk = HOSTILE[:40] if hostile else "nvme0n1"
    nic = HOSTILE[:40] if hostile else "enp5s0"
    mount = HOSTILE[:40] if hostile else "/"
    sensor = HOSTILE[:40] if hostile else "k10temp Tctl"
    busy = 0.12 + 0.55 * wave(second, 17) * wave(second, 5, 1.0) + 0.1 * wave(second, 3)
    put("system.cpu.utilization", busy)
    for core in range(cores):
        put("system.cpu.logical.utilization", min(1.0, busy * 2 * wave(second + 40 * core, 7)), {"cpu": str(core)})
        if core % 3 == 0:
            put("system.cpu.frequency", 3.1e9 + core * 1e7, {"cpu": str(core)})
    put("system.cpu.logical.count", cores)
    for mode, share in (("user", 0.7), ("system", 0.2), ("iowait", 0.05), ("idle", 4.0)):
        put("system.cpu.time", 1000 + second * share * cores * 0.4, {"mode": mode})
    for span, load in (("1m", 3.42), ("5m", 2.8), ("15m", 2.11)):
        put(f"system.cpu.load_average.{span}", load)
    put("system.cpu.run_queue", 4)
    put("system.cpu.context_switches", 18_300.0 * second)
    total = 64 * GIB
    put("system.memory.physical", 128 * GIB)
    put("system.memory.limit", total)
    used = total * (0.52 + 0.1 * wave(second, 60))
    put("system.memory.usage", used, {"mode": "used"})
    put("system.memory.usage", 14.2 * GIB, {"mode": "cached"})
    put("system.memory.usage", 0.31 * GIB, {"mode": "buffers"})
    put("system.memory.available", total - used)
    put("system.memory.utilization", used / total)
    put("system.paging.usage", 0.7 * GIB, {"mode": "used"})
    put("system.paging.usage", 7.3 * GIB, {"mode": "free"})
    for device, some, full in (("cpu", 0.08, 0.0), ("memory", 0.0, 0.0), ("io", 0.12, 0.07)):
        put("system.pressure.utilization", some * wave(second, 9), {"device": device, "mode": "some"})
        put("system.pressure.utilization", full * wave(second, 9), {"device": device, "mode": "full"})
    for name, read, write in ((disk, 48e6, 21e6), ("sda", 0.0, 9e3)):
        volume = second + 8 * math.sin(second / 8)
        put("system.disk.io", read * volume, {"device": name, "direction": "read"})
        put("system.disk.io", write * (second + 4 * math.sin(second / 4)), {"device": name, "direction": "write"})
        put("system.disk.utilization", 0.42 * wave(second, 8) if read else 0.01, {"device": name})
        put("system.disk.queue", 1.7 if read else 0.0, {"device": name})
    for place, share, size in ((mount, 0.63, 930), ("/srv/models", 0.87, 3726), ("/boot/efi", 0.06, 1)):
        put("system.filesystem.utilization", share, {"mount": place})
        put("system.filesystem.limit", size * GIB, {"mount": place})
    for name, receive, transmit in ((nic, 31e6, 4.2e6), ("wlan0", 0.0, 0.0)):
        put("system.network.throughput", receive * wave(second, 11), {"interface": name, "direction": "receive"})
        put("system.network.throughput", transmit * wave(second, 6), {"interface": name, "direction": "transmit"})
        put("system.network.io", receive * second, {"interface": name, "direction": "receive"})
        put("system.network.io", transmit * second, {"interface": name, "direction": "transmit"})
    put("system.uptime", 86_400.0 * 3 + second)
    put("system.network.loopback.io", 2.1e5 * second)
    put("hw.temperature", 61.0, {"sensor": sensor})
    put("hw.temperature.limit", 95.0, {"sensor": sensor})
    put("hw.temperature", 38.0, {"sensor": "nvme Composite"})
    for source in ("cpu", "memory", "disks", "network", "pressure", "cgroup", "mounts", "processes", "sensors"):
        label = {"source": source}
        put("wftop.source.interval", 5.0 if source == "sensors" else 1.0, label)
        put("wftop.source.duration", 0.0007, label)
        put("wftop.source.coverage", 1.0, label)
        put("wftop.source.late", 4.0 if source == "sensors" else 0.0, label)
        put("wftop.source.failures", 0.0, label)
    put("wftop.cpu.utilization", 0.003)
    put("wftop.memory.usage", 27.0 * 1024**2)
    return out


def process_rows(*, hostile: bool = False) -> dict[str, Row]:
    """A process table; unknown cells where the kernel gives none."""
    commands = [
        (
            "ana",
            "python3",
            "python3 -m vllm.entrypoints.openai.api_server --model /srv/models/Llama-4-70B --tp 8",
            "R",
        ),
        ("ana", "ollama", "/usr/local/bin/ollama serve", "S"),
        ("root", "kworker/3:1", "", "I"),
        ("postgres", "postgres", "postgres: walwriter", "S"),
        ("ana", "firefox", "/usr/lib/firefox/firefox -contentproc -childID 7", "S"),
        ("root", "containerd", "/usr/bin/containerd", "S"),
        ("ana", "rsync", "rsync -a /srv/models/ backup:/models/", "D"),
        ("ana", "zombie", "", "Z"),
    ]
    rows: dict[str, Row] = {}
    for place in range(40):
        user, name, command, state = commands[place % len(commands)]
        if hostile:
            user = name = command = HOSTILE
        pid = 812 + 97 * place
        cpu = None if place == 5 else round(2.31 / (1 + place) ** 1.4, 3)
        read = None if user == "root" else (4.1e6 if name == "rsync" else 0.0)
        write = None if user == "root" else (2.2e6 if name == "rsync" else 0.0)
        container = HOSTILE if hostile else ("3f2a9c11d0e4" if place % 5 == 0 else "")
        rows[row_key(pid, 1000 + place)] = (
            pid, 1000 + place, 1, user, name, command, state, cpu, (9.1 * GIB) / (1 + place), 4 + place,
            read, write, (NOW_S - 3600 * (1 + place)) * 10**9, container,
        )  # fmt: skip
    return rows


def sources() -> list[Health]:
    """Sources in all kinds of health."""

    def last(age_s: float) -> int:
        return int((NOW_S - age_s) * 1e9)

    names = ("cpu", "memory", "disks", "network", "pressure", "cgroup", "mounts", "processes")
    found = [
        Health(name, "ok", interval_s=1.0 if name != "processes" else 2.0, duration_s=0.0004 * (1 + place),
               coverage=1.0, last_ns=last(0.4))
        for place, name in enumerate(names)
    ]  # fmt: skip
    found.append(Health("sensors", "late", "took 6.1 s, over its deadline of 5 s", interval_s=5.0, duration_s=6.1,
                        coverage=0.71, last_ns=last(31), late=4))  # fmt: skip
    found.append(Health("gpu", "absent", NO_GPU,
                        interval_s=60.0))  # fmt: skip
    found.append(Health("frequency", "denied", "cpufreq is not readable in this container",
                        "run the container with /sys mounted", interval_s=1.0, failures=3))  # fmt: skip
    return found


def events() -> list[Event]:
    """What happened."""

    def at(age_s: float, kind: str, about: tuple[str, str], payload: dict[str, object]) -> Event:
        event_seq = 1000 - int(age_s)
        return Event(event_seq, f"id{event_seq}", int((NOW_S - age_s) * 1e9), kind, *about, payload=dict(payload))

    return [
        at(500, "recorder.started", ("recorder", "812"), {"version": "0.1.0", "mode": "view"}),
        at(499, "view.attached", ("view", "1"), {"pid": 901}),
        at(200, "clock.stepped", ("recorder", "812"), {"by_s": 3600.0}),
        at(70, "source.state", ("source", "sensors"), {"before": "ok", "after": "late", "reason": "took 6.1 s"}),
        at(12, "signal.sent", ("process", "1394"), {"signal": "SIGTERM", "name": "rsync"}),
    ]


_packed: dict[tuple[Hashable, int], bytes] = {}
_MOST_PACKED = 8192


class Fed:
    """A state that was fed like a real one: layout, ticks, tables, events, health."""

    def __init__(self, *, cores: int = 8, hostile: bool = False) -> None:
        self.state = State()
        self.cores = cores
        self.hostile = hostile
        self.state.attached(wire.Hello(wire.VERSION, "recorder", hostname=HOSTILE if hostile else "gpu-box-3",
                                       session=1, mode="view", boot_id="b", data_dir="/d"))  # fmt: skip
        self.state.now_linked(LIVE, 0)
        columns = [item for item, _ in self.series(0)]
        self.layout = wire.LayoutChanged(1, columns)
        self.state.on(self.layout)

    def series(self, second: int) -> list[tuple[Column, float]]:
        """What the machine says in one second."""
        return machine(second, cores=self.cores, hostile=self.hostile)

    @property
    def made_of(self) -> tuple[Hashable, ...]:
        """All that ``series`` depends on besides the second."""
        return type(self).__name__, self.cores, self.hostile

    def _pack(self, second: int) -> bytes:
        """The numbers of one second: two thousand tests are fed the same minutes."""
        key = self.made_of, second
        found = _packed.get(key)
        if found is None:
            if len(_packed) >= _MOST_PACKED:
                _packed.clear()
            found = _packed[key] = ticks.pack(array("d", [value for _, value in self.series(second)]))
        return found

    def tick(
        self, second: int, values: Mapping[str, float] | None = None, seq: int | None = None
    ) -> wire.TickArrived:
        """The tick of one second; ``values`` replaces some by name or series text."""
        packed = self._pack(second)
        if values:
            numbers = ticks.unpack(packed)
            for place, (item, value) in enumerate(self.series(second)):
                numbers[place] = values.get(item.series.text, values.get(item.series.name, value))
            packed = ticks.pack(numbers)
        return wire.TickArrived(
            seq if seq is not None else second, NOW_S - 1 - 600 + second, second * 10**9, 1, 1, packed
        )

    def run(self, first: int = 1, last: int = 600, *, without: range = range(0)) -> Self:
        """Feed ticks ``first`` to ``last`` but those of a gap."""
        for second in range(first, last + 1):
            if second not in without:
                self.state.on(self.tick(second))
        return self

    def furnish(self) -> Self:
        """Tables, events and health."""
        change = TableChange("processes", NOW_S * 10**9, keyframe=True, rows=process_rows(hostile=self.hostile))
        self.state.on(wire.TableArrived(change, PROCESSES))
        self.state.add_events(events())
        self.state.on(wire.HealthArrived(sources()))
        return self


def scene(state: State, *, ascii_only: bool = False, age_s: float = 0.0) -> Scene:
    """A moment right after the last tick."""
    now = Instant(NOW_S * 10**9 + int(age_s * 1e9), 600 * 10**9 + int(age_s * 1e9))
    glyphs = ASCII if ascii_only else UTF8
    return Scene(state, now, glyphs, own_cpu=0.004, own_memory=38.0 * 1024**2)


def full(*, cores: int = 8, hostile: bool = False) -> State:
    """Ten minutes of the whole machine, with a gap of 12 s."""
    return Fed(cores=cores, hostile=hostile).run(without=range(540, 552)).furnish().state
