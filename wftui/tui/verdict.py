"""One sentence: is this machine well, and if not, what holds it back now."""

from __future__ import annotations

from typing import Final, NamedTuple

from wftui.model.health import FAILED, STUCK
from wftui.model.servers import SERVERS
from wftui.render import text
from wftui.tui.gpu_trouble import findings
from wftui.tui.gpus import boxes
from wftui.tui.state import State
from wftui.units import NS_PER_S

WELL: Final = "good"
WARN: Final = "warn"
BAD: Final = "bad"
_RANK: Final = {BAD: 2, WARN: 1, WELL: 0}
# Seconds that a busy share is averaged over: one busy second is no verdict.
_SPAN: Final = 5


class Verdict(NamedTuple):
    """What the top line says."""

    level: str
    """The role that it is drawn in: ``good``, ``warn`` or ``bad``."""
    sentence: str


def limited(state: State) -> bool:
    """Whether the memory total is a cgroup's limit and not the machine's."""
    limit = state.value("system.memory.limit")
    physical = state.value("system.memory.physical")
    return limit < physical * 0.999


def verdict(state: State) -> Verdict:
    """The worst finding; of equals the first in the order below, which is that of harm."""
    worst = Verdict(WELL, "well")
    for found in _findings(state):
        if _RANK[found.level] > _RANK[worst.level]:
            worst = found
    return worst


def _findings(state: State) -> list[Verdict]:
    found: list[Verdict] = []

    def over(ratio: float, warn: float, bad: float, sentence: str) -> None:
        # Comparisons with NaN are false: what is unknown is no finding.
        if ratio >= warn:
            found.append(Verdict(BAD if ratio >= bad else WARN, sentence))

    memory = state.value("system.memory.utilization")
    whose = " of the cgroup limit" if limited(state) else ""
    over(memory, 0.90, 0.97, f"memory {_percent(memory)}{whose}")
    stall = state.recent(_SPAN, "system.pressure.utilization", ("device", "memory"), ("mode", "full"))
    over(stall, 0.05, 0.25, f"memory stalls everything {_percent(stall)} of the time")
    for mount in state.labels("system.filesystem.utilization", "mount"):
        full = state.value("system.filesystem.utilization", ("mount", mount))
        over(full, 0.92, 0.98, f"{_outside(mount)} is {_percent(full)} full")
    throttled = state.rate("container.cpu.throttled.time")
    found += _gpus(state)
    found += _models(state)
    over(throttled, 0.10, 1.0, f"the CPU limit of the cgroup holds back {text.decimal(throttled).strip()} cores")
    stall = state.recent(_SPAN, "system.pressure.utilization", ("device", "io"), ("mode", "some"))
    over(stall, 0.20, 0.60, f"pressure io {_percent(stall)}")
    for disk in state.labels("system.disk.utilization", "device"):
        busy = state.recent(_SPAN, "system.disk.utilization", ("device", disk))
        over(busy, 0.85, 2.0, f"disk {_outside(disk)} busy {_percent(busy)}")
    busy = state.recent(_SPAN, "system.cpu.utilization")
    over(busy, 0.90, 2.0, f"cpu {_percent(busy)}")
    stall = state.recent(_SPAN, "system.pressure.utilization", ("device", "cpu"), ("mode", "some"))
    over(stall, 0.40, 2.0, f"pressure cpu {_percent(stall)}")
    for sensor in state.labels("hw.temperature.limit", "sensor"):
        limit = state.value("hw.temperature.limit", ("sensor", sensor))
        heat = state.value("hw.temperature", ("sensor", sensor))
        if limit > 0:
            said = f"{text.degrees(heat):.0f} degrees, critical at {text.degrees(limit):.0f}"
            over(heat - limit, -8.0, -2.0, f"{_outside(sensor)} {said}")
    broken = [source.source for source in state.sources if source.state in (FAILED, STUCK)]
    if broken:
        word = next(source.state for source in state.sources if source.source == broken[0])
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        found.append(Verdict(WARN, f"source {_outside(broken[0])} {word}{more}"))
    return found


def _gpus(state: State) -> list[Verdict]:
    """What troubles the GPUs; since when counts from the last tick, so that it is right in the past, too."""
    gpus = boxes(state)
    now_ns = (state.tick.time_s + 1) * NS_PER_S if state.tick is not None else 0
    found = []
    for item in findings(gpus):
        those = item.labels
        named = ", ".join(those) if len(those) <= 4 else str(len(those))
        which = f"{named} GPUs" if len(those) > 4 else f"GPU {named}" if len(those) == 1 else f"GPUs {named}"
        age_s = None if item.since_ns is None else max(0.0, (now_ns - item.since_ns) / NS_PER_S)
        since = "" if age_s is None else text.duration(age_s)
        age = "" if not since else f", {since} ago" if item.word.startswith("Xid") else f" for {since}"
        found.append(Verdict(item.level, f"{which} {_outside(item.word)}{age}"))
    return found


def _models(state: State) -> list[Verdict]:
    """What troubles the model servers: one that does not answer, a model that failed, a cache that is full."""
    if not state.tables.get(SERVERS.name):
        return []
    from wftui.tui.models_screen.seen import servers
    from wftui.tui.panels.model_parts import named, troubled  # here: few machines have one

    found = []
    for server in servers(state):
        if server.trouble == "claim" or not troubled(server):
            continue
        waiting = f", {server.figures.waiting:.0f} requests wait" if server.figures.waiting >= 1 else ""
        word = f"KV cache {_percent(server.figures.kv)}" if server.trouble == "KV cache full" else server.trouble
        found.append(Verdict(server.level, f"{_outside(named(server))} {_outside(word)}{waiting}"))
    return found


def _percent(ratio: float) -> str:
    return text.percent(ratio).strip()


def _outside(name: str) -> str:
    from wftui.text import clean  # data becomes text of a sentence here

    return clean(name, 40)
