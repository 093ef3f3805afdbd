"""The tables about the GPUs of the scripted machine: how each is, who holds it, how they are linked."""

from typing import Final

from wftui.demo import cards, people, serving, story
from wftui.demo.people import Person
from wftui.model.gpus import OWN, link_key, process_key
from wftui.model.table import Row
from wftui.units import NS_PER_S

TABLE_S: Final = 5
"""Between two lists of the processes that hold GPUs."""
_DRIVER: Final = "570.86.15"
_CUDA: Final = "12.8"


def gpus(second: int, epoch_s: int) -> dict[str, Row]:
    """Rows of ``gpus`` in a second of the script; ``epoch_s``: UTC second of its second 0."""
    return {cards.uuid(gpu): _gpu(gpu, float(second), epoch_s) for gpu in range(cards.COUNT)}


def _gpu(gpu: int, t: float, epoch_s: int) -> Row:
    why = story.reasons(gpu, t)
    span = story.SLOWED if gpu == story.HOT else story.POWER
    since = int((epoch_s + story.began(span, t)) * NS_PER_S) if why else None
    shown = why or (("idle",) if gpu == cards.NOTEBOOK else ())
    fell = cards.xids(t) if gpu == story.LEAKING else 0.0
    xid_ns = None
    if fell:
        xid_ns = int((epoch_s + story.FIRST_S + (fell - 1) * story.CYCLE_S + story.FAULT_S) * NS_PER_S)
    return (
        cards.uuid(gpu), gpu, "nvidia", cards.NAME, cards.bus(gpu), "", "ok", "", "", epoch_s * NS_PER_S, "P0",
        ",".join(sorted(shown)), since, "counter", OWN, "disabled", "default", "on", "none", "on", _DRIVER, _CUDA,
        "0-31" if gpu < 4 else "32-63", 0 if gpu < 4 else 1, story.XID if fell else None, xid_ns, "",
    )  # fmt: skip


def links() -> dict[str, Row]:
    """Rows of ``gpu_links``: all are joined by switches."""
    found: dict[str, Row] = {}
    for one in range(cards.COUNT):
        for other in range(one + 1, cards.COUNT):
            names = cards.uuid(one), cards.uuid(other)
            found[link_key(*names)] = (*names, "nvswitch", 18)
    return found


class Holders:
    """Who holds the GPUs, and what they have used since the script began."""

    def __init__(self) -> None:
        self._used: dict[str, tuple[float, float]] = {}
        """Row to (GPU seconds, joules)."""

    def rows(self, second: int, epoch_s: int) -> dict[str, Row]:
        """Rows of ``gpu_processes``; asked once each ``TABLE_S`` seconds, in order."""
        t = float(second)
        found: dict[str, Row] = {}
        for gpu in range(cards.COUNT):
            for one, memory, share in _holders(gpu, t):
                key = process_key(cards.uuid(gpu), one.pid, one.start)
                found[key] = self._row(key, gpu, one, memory, share, t, epoch_s)
        self._used = {key: used for key, used in self._used.items() if key in found}
        return found

    def _row(self, key: str, gpu: int, one: Person, memory: float, share: float, t: float, epoch_s: int) -> Row:
        whole = cards.utilization(gpu, t)
        seconds, joules = self._used.get(key, (0.0, 0.0))
        seconds += share * TABLE_S
        joules += cards.power(gpu, t) * (share / whole if whole else 1.0) * TABLE_S
        self._used[key] = seconds, joules
        idle = int((epoch_s - 11_400) * NS_PER_S) if gpu == cards.NOTEBOOK else None
        trains = gpu in cards.TRAINING
        return (
            cards.uuid(gpu), one.pid, one.start, one.user, one.name, one.cgroup, people.JOB if trains else "",
            gpu if trains else None, "C", memory, share, round(share * 0.58, 2), 0.0, 0.0,
            round(seconds, 2), round(joules, 1), idle, "", "",
        )  # fmt: skip


def _holders(gpu: int, t: float) -> list[tuple[Person, float, float]]:
    """Who holds it, how much of its memory (By), and their share of its time."""
    memory, used = cards.memory(gpu, t), cards.utilization(gpu, t)
    if gpu in cards.SERVING:
        beside: list[tuple[Person, float, float]]
        if gpu == cards.SERVING[0]:
            beside = [(people.person(people.RUNNER_PID), serving.SMALL_VRAM, 0.04)]
            if story.larger_loaded(t):
                beside.append((people.splitting(t), serving.LARGE_VRAM, 0.01))
        else:
            beside = [(people.person(people.COMFY_PID), serving.COMFY_VRAM, 0.08 if serving.drawing(t) else 0.0)]
        memory -= sum(item[1] for item in beside)
        used = round(max(0.0, used - sum(item[2] for item in beside)), 2)
        return [(people.person(people.SERVER_PIDS[gpu - cards.SERVING[0]]), memory, used), *beside]
    if gpu in cards.TRAINING:
        return [(people.training(gpu), memory, used)]
    if gpu == cards.NOTEBOOK:
        return [(people.person(people.NOTEBOOK_PID), memory, used)]
    return [(people.leaky(t), memory, used)] if cards.processes(gpu, t) else []
