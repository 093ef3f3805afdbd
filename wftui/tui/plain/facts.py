"""What there is to say about each subject now: a sentence, and the numbers that decide whether it is news."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.model.alerts import ALERTS
from wftui.model.health import TROUBLE
from wftui.model.servers import SERVERS
from wftui.model.streams import STREAMS
from wftui.tui.gpus import boxes, cards
from wftui.tui.plain import speech
from wftui.tui.verdict import BAD, WELL, limited, verdict

if TYPE_CHECKING:
    from wftui.tui.gpus import Gpu
    from wftui.tui.state import State

_QUIET_RATE: Final = 1e7
"""Bytes per second below which disks and network come and go without a word."""
_VARYING: Final = re.compile(r"[\d.]+|,? (?:for|since) .*| ago$")
"""What of a verdict goes on changing while the trouble is the same."""


class Fact(NamedTuple):
    """One subject now."""

    subject: str
    """The same as long as it is the same thing: ``cpu``, ``gpu GPU-…``."""
    head: str
    """Begin of the sentence, with its figure: ``CPU 41 percent busy``."""
    figure: str = ""
    """The figure by itself, told again as ``up from …`` when it is another."""
    lead: float = math.nan
    """Value of the figure."""
    rest: str = ""
    numbers: tuple[tuple[float, float], ...] = ()
    """Value, and by how much another one is news; the lead is the first."""
    words: tuple[str, ...] = ()
    """States: any other one is news."""

    @property
    def sentence(self) -> str:
        """The whole of it."""
        return f"{self.head}{f', {self.rest}' if self.rest else ''}."


def facts(state: State, seconds: int) -> list[Fact]:
    """All subjects, in the order in which they are told; shares and rates as means over the last ``seconds``."""
    found = [_host(state), _cpu(state, seconds), _memory(state, seconds)]
    found += [fact for fact in (_disks(state, seconds), _fullest(state), _network(state, seconds)) if fact]
    found += [gpu_fact(state, gpu, seconds) for gpu in cards(boxes(state))]
    if state.tables.get(SERVERS.name):
        from wftui.tui.plain.serving import server_facts  # here: many machines serve no models

        found += server_facts(state)
    if state.tables.get(STREAMS.name):
        from wftui.tui.plain.streams import stream_facts  # here: on most machines nobody tells tokens

        found += stream_facts(state)
    if state.by_name.get("ux.frame.rate") or state.by_name.get("wftop.fidelity.ratio"):
        from wftui.tui.plain.drawing import drawing_facts  # here: most machines draw nothing

        found += drawing_facts(state)
    if state.tables.get(ALERTS.name):
        from wftui.tui.plain import alarms  # here: on a good day nothing fires

        found.append(Fact("alerts", said := alarms.count(state), words=(said,)))
    sources = _sources(state)
    return [*found, sources] if sources is not None else found


def _host(state: State) -> Fact:
    found = verdict(state)
    said = speech.spoken(found.sentence)
    name = "Demo machine" if state.hello is not None and state.hello.demo else f"Host {_name(state.hostname)}"
    if found.level == WELL:
        head = f"{name} is well"
    else:
        head = f"{name}, {'serious' if found.level == BAD else 'warning'}: {said}"
    return Fact("host", head, words=(found.level, _VARYING.sub("", said)))


def _cpu(state: State, seconds: int) -> Fact:
    busy = state.recent(seconds, "system.cpu.utilization")
    figure = speech.percent(busy)
    rest = []
    load, cores = state.value("system.cpu.load_average.1m"), state.value("system.cpu.logical.count")
    if load == load:
        rest.append(f"load {speech.number(load)}")
    if cores == cores:
        rest.append(f"on {cores:.0f} cores" if cores != 1 else "on 1 core")
    head = f"CPU {figure} busy" if busy == busy else "CPU use unknown"
    return Fact("cpu", head, figure, busy, " ".join(rest), ((busy, 0.2),))


def _memory(state: State, seconds: int) -> Fact:
    share = state.recent(seconds, "system.memory.utilization")
    limit = state.value("system.memory.limit")
    used = limit - state.value("system.memory.available")
    whole = f"{speech.size(used)} of {speech.size(limit)}" if used == used else ""
    rest = f"{whole}, a limit of the cgroup" if whole and limited(state) else whole
    swap = state.value("system.paging.usage", ("mode", "used"))
    if swap >= 0.1 * limit:
        rest += f", swap {speech.size(swap)}"
    figure = speech.percent(share)
    head = f"Memory {figure} used" if share == share else "Memory use unknown"
    return Fact("memory", head, figure, share, rest, ((share, 0.05),))


def _disks(state: State, seconds: int) -> Fact | None:
    devices = state.labels("system.disk.io", "device")
    if not devices:
        return None
    read = _total(state, seconds, "system.disk.io", devices, "device", "read")
    write = _total(state, seconds, "system.disk.io", devices, "device", "write")
    busy = {
        device: share
        for device in devices
        if (share := state.recent(seconds, "system.disk.utilization", ("device", device))) == share
    }
    most = max(busy, key=lambda device: busy[device], default="")
    share = busy.get(most, math.nan)
    rest = f"busiest {_name(most)} {speech.percent(share)}" if share >= 0.01 else ""
    return Fact(
        "disks",
        f"Disks read {speech.rate(read)}, write {speech.rate(write)}",
        rest=rest,
        numbers=((_steps(read), 2.0), (_steps(write), 2.0), (share, 0.3)),
    )


def _fullest(state: State) -> Fact | None:
    """The file system with the least room."""
    shares = {
        mount: share
        for mount in state.labels("system.filesystem.utilization", "mount")
        if (share := state.value("system.filesystem.utilization", ("mount", mount))) == share
    }
    if not shares:
        return None
    mount = max(shares, key=lambda name: shares[name])
    limit = state.value("system.filesystem.limit", ("mount", mount))
    rest = f"of {speech.size(limit)}" if limit == limit else ""
    share = shares[mount]
    figure = speech.percent(share)
    head = f"Fullest file system {_name(mount)}, {figure} full"
    return Fact("fullest", head, figure, share, rest, ((share, 0.02),), (mount,) if share >= 0.8 else ())


def _network(state: State, seconds: int) -> Fact | None:
    name = "system.network.throughput"
    interfaces = state.labels(name, "interface")
    if not interfaces:
        return None
    receive = _total(state, seconds, name, interfaces, "interface", "receive")
    transmit = _total(state, seconds, name, interfaces, "interface", "transmit")
    return Fact(
        "network",
        f"Network receives {speech.rate(receive)}, sends {speech.rate(transmit)}",
        numbers=((_steps(receive), 2.0), (_steps(transmit), 2.0)),
    )


def gpu_fact(state: State, gpu: Gpu, seconds: int) -> Fact:
    """One GPU."""
    name = f"GPU {_name(gpu.label)}"
    subject = f"gpu {gpu.uuid}"
    words = (gpu.state, gpu.trouble)
    if not gpu.speaks:
        said = gpu.trouble or gpu.state
        return Fact(subject, f"{name}, {speech.spoken(gpu.short)}, {speech.spoken(said)}", words=words)
    label = ("gpu", gpu.uuid)
    busy = state.recent(seconds, "hw.gpu.utilization", label)
    figure = speech.percent(busy)
    parts = []
    if gpu.memory_used == gpu.memory_used:
        parts.append(f"memory {speech.size(gpu.memory_used)} of {speech.size(gpu.memory_total)}")
    if gpu.temperature == gpu.temperature:
        parts.append(speech.degrees(gpu.temperature))
    if gpu.power == gpu.power:
        parts.append(speech.watts(gpu.power))
    if gpu.trouble:
        parts.append(speech.spoken(gpu.trouble))
    watts = gpu.power / gpu.power_limit if gpu.power_limit > 0 else gpu.power / 400
    numbers = ((busy, 0.25), (gpu.memory_share, 0.05), (gpu.temperature, 12.0), (watts, 0.3))
    head = f"{name}, {figure} busy" if busy == busy else f"{name}, use unknown"
    return Fact(subject, head, figure, busy, ", ".join(parts), numbers, words)


def gpus_together(state: State, gpus: list[Gpu], seconds: int) -> str:
    """Several GPUs in one sentence."""
    busy = [state.recent(seconds, "hw.gpu.utilization", ("gpu", gpu.uuid)) for gpu in gpus]
    said = [f"busy {speech.span(busy, 'percent', 100)}"]
    said.append(f"memory {speech.span([gpu.memory_share for gpu in gpus], 'percent', 100)}")
    hottest = max(gpus, key=lambda gpu: gpu.temperature if gpu.temperature == gpu.temperature else -1.0)
    if hottest.temperature == hottest.temperature:
        said.append(f"hottest {_name(hottest.label)} with {speech.degrees(hottest.temperature)}")
    known = [gpu.power for gpu in gpus if gpu.power == gpu.power]
    if known:
        said.append(f"together {speech.watts(sum(known))}")
    return f"GPUs {numbered([_name(gpu.label) for gpu in gpus])}: {', '.join(said)}."


def numbered(labels: list[str]) -> str:
    """``0 to 7``, or each."""
    if len(labels) > 2 and all(label.isdigit() for label in labels):
        whole = [int(label) for label in labels]
        if whole == list(range(whole[0], whole[0] + len(whole))):
            return f"{whole[0]} to {whole[-1]}"
    return speech.listed(labels, 8)


def _sources(state: State) -> Fact | None:
    if not state.sources:
        return None
    wrong = sorted(f"{_name(item.source)} {item.state}" for item in state.sources if item.state in TROUBLE)
    well = sum(item.state == "ok" for item in state.sources)
    rest = f"in trouble: {speech.listed(wrong)}" if wrong else ""
    return Fact("sources", f"{well} sources ok" if well != 1 else "1 source ok", rest=rest, words=tuple(wrong))


def _total(state: State, seconds: int, name: str, values: list[str], key: str, direction: str) -> float:
    known = [
        value
        for label in values
        if (value := state.recent(seconds, name, (key, label), ("direction", direction))) == value
    ]
    return sum(known) if known else math.nan


def _steps(rate: float) -> float:
    """A rate on a scale on which 1 is a doubling."""
    return math.log2(max(rate, _QUIET_RATE)) if rate == rate else math.nan


def _name(name: str) -> str:
    return speech.spoken(name, 40)
