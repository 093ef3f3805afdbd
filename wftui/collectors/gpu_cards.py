"""All GPUs of the kernel's graphics drivers, and the processes that hold them.

A module of its own: the recorder of a machine that has none does without 400 kB.
"""

import os
from collections.abc import Mapping
from typing import Final

from wftui.clock import NS_PER_S, Instant
from wftui.collectors.gpu_card import Card
from wftui.collectors.gpu_clients import Clients
from wftui.collectors.gpu_fdinfo import Scanner
from wftui.collectors.gpu_kfd import Kfd
from wftui.collectors.gpu_owners import Owners
from wftui.collectors.gpu_pci import Device
from wftui.collectors.nvml.frames import Processes
from wftui.collectors.nvml.owners import ProcessRows
from wftui.model import health
from wftui.model.gpus import GPU_PROCESSES, GPUS, LOST
from wftui.model.sample import ESTIMATED, MEASURED, Note, Occurrence, Reading, Sample, Scrape
from wftui.model.table import Row, TableSnapshot

SCAN_S: Final = 5.0
"""Between two rounds through the open files of processes."""
RARE_S: Final = 10.0
TABLE_S: Final = 10.0
"""The table of GPUs is told at least so often, else when it changed."""
PART: Final = "sysfs"
_FIRST_NAMESPACE: Final = "pid:[4026531836]"
"""Source: include/linux/proc_ns.h, PROC_PID_INIT_INO."""


class Cards:
    """All of them."""

    def __init__(
        self, proc: str, sys: str, ids: tuple[str, ...], *, read_ranks: bool, sees_all: bool | None
    ) -> None:
        """As ``SysfsGpus``."""
        self._proc, self._ids = proc, ids
        self._sees_all = _sees_all(proc) if sees_all is None else sees_all
        self._cards: dict[str, Card] = {}
        """PCI address to card."""
        self._listed: set[str] = set()
        self._scan_ns = self._rare_ns = self._told_ns = 0
        self._told: dict[str, Row] = {}
        self._scanner = Scanner(proc)
        self._clients = Clients()
        self._kfd = Kfd(sys)
        self._nodes: dict[str, str] = {}
        self._rows = ProcessRows(Owners(proc, read_ranks=read_ranks))

    def listed(self, found: Mapping[str, Device]) -> None:
        """What is on the bus now, by PCI address."""
        # What NVIDIA's own driver has is left to NVML.
        ours = {bus: device for bus, device in found.items() if device.driver != "nvidia"}
        for bus in found.keys() - ours.keys():
            self._cards.pop(bus, None)
        self._listed = set(ours)
        for bus, device in ours.items():
            card = self._cards.get(bus)
            if card is None:
                self._cards[bus] = Card(device, self._proc, self._ids)
            else:
                card.renew(device)
        amd = any(card.device.vendor == "amd" for card in self._cards.values())
        self._nodes = self._kfd.nodes() if amd else {}

    def __bool__(self) -> bool:
        """Whether there is one, or was."""
        return bool(self._cards)

    def read(self, at: Instant) -> Scrape:
        """Read all that are awake."""
        rare = at.boottime_ns >= self._rare_ns
        samples: list[Sample] = []
        slow: list[Sample] = []
        events: list[Occurrence] = []
        for bus, card in self._cards.items():
            if card.look(at, listed=bus in self._listed):
                samples += card.read(at)
                if rare:
                    more, happened = card.read_rare(at)
                    slow += more
                    events += happened
            samples += card.state_samples()
            events += card.events(at)
        if rare:
            self._rare_ns = at.boottime_ns + int(RARE_S * NS_PER_S)
        readings = [Reading(at, RARE_S, slow)] if slow else []
        tables: list[TableSnapshot] = []
        if at.boottime_ns >= self._scan_ns:
            self._scan_ns = at.boottime_ns + int(SCAN_S * NS_PER_S)
            self._scan(at, readings, tables)
        self._tell(at, tables)
        return Scrape(samples, tuple(tables), self._note(), tuple(readings), tuple(events))

    def _scan(self, at: Instant, readings: list[Reading], tables: list[TableSnapshot]) -> None:
        awake = {bus: card for bus, card in self._cards.items() if card.awake and card.device.card}
        nodes = {name for card in awake.values() for name in (card.device.card, card.device.render) if name}
        if not awake and not self._rows.processes():
            return
        found = self._scanner.scan(nodes, awake.keys())
        rocm = self._kfd.memory({number: bus for number, bus in self._nodes.items() if bus in awake})
        unified = frozenset(bus for bus, card in awake.items() if card.unified)
        held, busy = self._clients.take(found, rocm, unified, at)
        if self._sees_all and found.whole and not found.hidden:
            for bus, card in awake.items():
                if bus in busy or bus not in held:
                    card.used_by_clients(busy.get(bus, 0.0), at)
        frame = Processes(
            at.time_ns, at.boottime_ns, SCAN_S, {card.uuid: held.get(bus, []) for bus, card in awake.items()}
        )
        joules = {card.uuid: card.meter.joules for card in awake.values() if card.meter.source}
        rows = self._rows.take(frame, joules)
        tables.append(TableSnapshot(GPU_PROCESSES, at.time_ns, rows, part=PART))
        counts = self._rows.processes()
        call = "/proc/PID/fdinfo" if self._sees_all else "/proc/PID/fdinfo of the processes that are ours to see"
        quality = MEASURED if self._sees_all else ESTIMATED
        samples = [card.processes(counts.get(card.uuid, 0), call, quality) for card in awake.values()]
        if samples:
            readings.append(Reading(at, SCAN_S, samples))

    def _tell(self, at: Instant, tables: list[TableSnapshot]) -> None:
        rows = {card.uuid: card.row() for card in self._cards.values()}
        if rows != self._told or at.boottime_ns - self._told_ns > TABLE_S * NS_PER_S:
            self._told, self._told_ns = rows, at.boottime_ns
            tables.append(TableSnapshot(GPUS, at.time_ns, rows, part=PART))

    def _note(self) -> Note | None:
        """The worst that is known; None: all is well."""
        states = [(card, card.state) for card in self._cards.values() if card.state is not None]
        for wanted in (LOST, health.FAILED, health.UNSUPPORTED):
            for card, state in states:
                if state.state == wanted:
                    word = health.FAILED if wanted == LOST else wanted
                    return Note(word, f"{card.name} at {card.device.bus}: {state.reason}", state.fix)
        if states and all(state.state == health.ASLEEP for _, state in states):
            return Note(health.ASLEEP, states[0][1].reason)
        return None


def _sees_all(proc: str) -> bool:
    """Whether every process of the machine is ours to see: root, and not in a pid namespace of our own."""
    try:
        space = os.readlink(f"{proc}/self/ns/pid")  # noqa: PTH115  a text is compared, not a path
    except OSError:
        return False
    return os.geteuid() == 0 and space == _FIRST_NAMESPACE
