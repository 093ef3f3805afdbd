"""NVIDIA GPUs: what the worker process sends, as samples, tables, health and events."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from wftui import log, text
from wftui.clock import NS_PER_S, Instant
from wftui.collectors.base import STREAM
from wftui.collectors.gpu_owners import Owners
from wftui.collectors.nvml import frames, library, states
from wftui.collectors.nvml.card import LIMITS_S, SOURCE, Card
from wftui.collectors.nvml.child import COMMAND, Child
from wftui.collectors.nvml.fields import HOURLY
from wftui.collectors.nvml.owners import ProcessRows
from wftui.collectors.nvml.states import State
from wftui.collectors.nvml.storms import Storms
from wftui.collectors.nvml.unified import system_memory
from wftui.model import health
from wftui.model.gpus import GPU_LINKS, GPU_PROCESSES, GPUS, LOST, link_key
from wftui.model.sample import Column, JsonValue, Note, Occurrence, Reading, Sample, Scrape, column
from wftui.model.table import Row, TableSnapshot

LOOK_S: Final = 60.0
"""Between two looks for a library that is not there."""
SILENT_S: Final = 2.5
"""A worker that says nothing for so long has no news of any GPU."""
RARE_S: Final = 5.0
"""What hardly changes is told so often, and whenever something happened."""
TABLE_S: Final = 10.0
"""The table of GPUs is told at least so often, else when it changed."""
BACKOFF_S: Final = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Before a worker that ended is started again."""
CALLS_S: Final = 10.0
"""Between two frames of what calls cost, as the worker sends them."""
LIVED_S: Final = 60.0
"""A worker that lived so long is no worker that cannot start."""
_STAT: Final = ("count", "sum", "p50", "p99", "max")


class NvidiaGpus:
    """The source ``gpu``. It streams: asked once a second, it brings all readings since."""

    name = SOURCE
    interval_s = 1.0
    where = STREAM
    timeout_s = 3.0

    def __init__(
        self,
        proc: str | Path = "/proc",
        sys: str | Path = "/sys",
        *,
        read_ranks: bool = True,
        command: tuple[str, ...] = COMMAND,
        environ: Mapping[str, str] | None = None,
        root: str = "/",
    ) -> None:
        """``root`` is where the loader's cache and the signs of a container are looked for."""
        self._proc = str(proc)
        self._sys = str(sys)
        self._command = command if self._sys == "/sys" else (*command, "--sys", self._sys)
        self._environ = os.environ if environ is None else environ
        self._root = root
        self._container = states.in_container(root)
        self._child: Child | None = None
        self._leaving: list[Child] = []
        self._next_ns = self._rare_ns = 0
        self._started_ns = 0
        self._now_ns = 0
        """CLOCK_BOOTTIME of the newest collection."""
        self._ends = 0
        self._asked_rate = 0
        self._library: frames.Library | None = None
        self._settled: frames.Library | None = None
        """The last that was told with nothing under way."""
        self._status: frames.Status | None = None
        self._absent = State(health.ABSENT, "not looked yet")
        self._cards: dict[str, Card] = {}
        self._listed: frozenset[str] = frozenset()
        """UUIDs of the last enumeration."""
        self._partial: frozenset[str] = frozenset()
        """UUIDs of those whose last list of processes may lack some."""
        self._enumerated = False
        self._rows = ProcessRows(Owners(self._proc, read_ranks=read_ranks))
        self._listing = False
        """Somebody says which processes there are, and what they use."""
        self._told: dict[str, Row] = {}
        self._told_ns = 0
        self._columns: dict[tuple[str, str, str], Column] = {}
        self._failed_calls: dict[str, int] = {}
        self._storms = Storms()

    # ---- what the recorder calls

    def collect(self, at: Instant) -> Scrape:
        """Everything that came since the last time; never waits."""
        self._now_ns = at.boottime_ns
        out = _Out()
        if self._child is None:
            self._begin(at, out)
        if self._child is not None:
            for frame in self._child.read(at):
                self._take(frame, at, out)
            self._after(at)
        self.part(at)
        self._judge(at, out)
        limits = [sample for card in self._cards.values() for sample in card.limits(at)]
        if limits:
            out.readings.append(Reading(at, LIMITS_S, limits))
        due = at.boottime_ns - self._rare_ns >= RARE_S * NS_PER_S or bool(out.events)
        rare: list[Sample] = []
        for card in self._cards.values():
            if due:
                rare += card.slow_samples(at)
            if (event := card.throttled(at)) is not None:
                out.events.append(event)
        if due:
            self._rare_ns = at.boottime_ns
            out.readings.append(Reading(at, RARE_S, rare))
        self._unified(out)
        self._tell_gpus(at, out)
        return Scrape(out.samples, tuple(out.tables), self._note(), tuple(out.readings), tuple(out.events))

    def part(self, at: Instant) -> None:
        """Reap the workers that were let go, and insist with those that do not end."""
        for child in self._leaving:
            child.look(at)
        self._leaving = [child for child in self._leaving if child.status is None]

    def close(self) -> None:
        """Ask the worker to end; nobody waits for it. Twice is harmless."""
        if self._child is not None:
            # Booked too early, SIGKILL would follow at once instead of a minute later.
            self._child.close(Instant(0, self._now_ns))
            self._leaving.append(self._child)
            self._child = None
            self._status = None
            self._next_ns = 0
        self._told = {}
        self._listing = False

    # ---- the worker

    def _begin(self, at: Instant, out: "_Out") -> None:
        if at.boottime_ns < self._next_ns:
            return
        if not library.present(self._environ, self._root.rstrip("/")):
            self._next_ns = at.boottime_ns + int(LOOK_S * NS_PER_S)
            self._absent = states.missing(library.drivers(self._sys), container=self._container)
            return
        try:
            self._child = Child(self._command, at)
        except OSError as error:
            self._next_ns = at.boottime_ns + int(LOOK_S * NS_PER_S)
            self._absent = State(health.FAILED, f"the GPU worker cannot be started: {error.strerror}")
            return
        self._started_ns = at.boottime_ns
        self._library = self._settled = self._status = None
        self._enumerated = False
        self._asked_rate = 0
        self._absent = State(health.OK, "")
        if self._ends:
            about: dict[str, JsonValue] = {"ended": self._ends}
            out.events.append(Occurrence("gpu.worker_restarted", ("source", SOURCE), about))

    def _after(self, at: Instant) -> None:
        child = self._child
        assert child is not None  # noqa: S101  asked by the caller
        child.look(at)
        if not child.ended and child.status is None:
            if child.terminated_ns is not None:
                self._enumerated = False  # what it still says is of no use
            return
        lived_s = (at.boottime_ns - self._started_ns) / NS_PER_S
        self._ends = 1 if lived_s > LIVED_S else self._ends + 1
        pause_s = BACKOFF_S[min(self._ends, len(BACKOFF_S)) - 1]
        self._next_ns = at.boottime_ns + int(pause_s * NS_PER_S)
        how = "its output ended" if child.status is None else f"code {child.status}"
        why = child.complaint
        log.warning("gpu", "the GPU worker ended", how=how, lived_s=round(lived_s, 1), why=why)
        how += f": {why}" if why else ""
        self._absent = State(
            health.FAILED, f"the GPU worker ended ({how}); it is started again in {pause_s:.0f} s"
        )
        child.close(at)
        self._leaving.append(child)
        self._child = self._status = None

    # ---- frames

    def _take(self, data: bytes, at: Instant, out: "_Out") -> None:
        try:
            frame = frames.DECODER.decode(data)
        except msgspec.MsgspecError as error:
            log.warning("gpu", "a frame of the worker cannot be read", why=str(error)[:200])
            return
        match frame:
            case frames.Values():
                self._values(frame, out)
            case frames.Status():
                self._took_status(frame, out)
            case frames.Library():
                self._took_library(frame, out)
            case frames.Box():
                self._box(frame, at, out)
            case frames.Processes():
                self._processes(frame, out)
            case frames.Xid():
                self._xid(frame, out)
            case frames.Calls():
                self._calls(frame, out)
            case frames.Hello() if frame.version != frames.VERSION:
                log.error("gpu", "the GPU worker is of another version", version=frame.version)

    def _card(self, uuid: str) -> Card:
        card = self._cards.get(uuid)
        if card is None:
            card = self._cards[uuid] = Card(text.clean(uuid, 64))
        return card

    def _values(self, frame: frames.Values, out: "_Out") -> None:
        at = Instant(frame.time_ns, frame.boottime_ns)
        samples: list[Sample] = []
        for uuid, values in frame.gpus.items():
            card = self._cards.get(uuid)
            if card is None:
                continue  # no box named it: nothing is known of it
            found = card.samples(values, at)
            if frame.cadence == HOURLY:
                card.keep(found)
                continue
            samples += found
            if frame.cadence == "slow":
                out.events += card.faults(values)
        out.readings.append(Reading(at, frame.interval_s, samples))

    def _took_status(self, frame: frames.Status, out: "_Out") -> None:
        self._status = frame
        for uuid, codes in frame.errors.items():
            card = self._cards.get(uuid)
            if card is None:
                continue
            for key, code in codes.items():
                if code:
                    card.codes[key[:64]] = code
                else:
                    card.codes.pop(key, None)
        for uuid, card in self._cards.items():
            deaf = frame.heard is not None and uuid not in frame.heard
            if deaf != card.deaf:
                card.deaf = deaf
                self._rare_ns = 0
        own = {"source": "gpu.worker"}
        if frame.cpu_utilization is not None:
            out.samples.append(Sample(self._own("wftop.cpu.utilization", own), frame.cpu_utilization))
        if frame.memory_bytes > 0:
            out.samples.append(Sample(self._own("wftop.memory.usage", own), frame.memory_bytes))
        self.interval_s = 1 / frame.rate_hz if 1 <= frame.rate_hz <= 10 else 1.0

    def _took_library(self, frame: frames.Library, out: "_Out") -> None:
        self._library = frame
        if frame.waiting_s is None:
            before, self._settled = self._settled, frame
            if before is not None and (before.code, before.driver) != (frame.code, frame.driver):
                payload: dict[str, JsonValue] = {
                    "before": text.clean(before.driver, 32), "after": text.clean(frame.driver, 32),
                    "code": frame.code,
                }  # fmt: skip
                out.events.append(Occurrence("gpu.driver", ("source", SOURCE), payload))
        if frame.code:
            self._enumerated = False

    def _box(self, frame: frames.Box, at: Instant, out: "_Out") -> None:
        self._enumerated = True
        listed = []
        for facts in frame.gpus:
            if not facts.uuid:
                continue
            card = self._card(facts.uuid)
            card.described(facts)
            listed.append(facts.uuid)
        self._listed = frozenset(listed)
        self._rename(frame.gpus)
        links = {
            link_key(one, other): (text.clean(one, 64), text.clean(other, 64), text.clean(path, 16), count)
            for one, other, path, count in frame.links
        }
        out.tables.append(TableSnapshot(GPU_LINKS, at.time_ns, links))

    def _rename(self, listed: list[frames.Gpu]) -> None:
        """Let go of what was only a place while the GPU there slept or was refused, and has told its UUID now."""
        places = {f"pci-{facts.bus_id}" for facts in listed} | {f"index-{facts.index}" for facts in listed}
        for uuid in [uuid for uuid in self._cards if uuid in places and uuid not in self._listed]:
            del self._cards[uuid]

    def _processes(self, frame: frames.Processes, out: "_Out") -> None:
        joules = {uuid: card.meter.joules for uuid, card in self._cards.items() if card.meter.source}
        rows = self._rows.take(frame, joules, self._listed)
        self._partial = frozenset(frame.partial)
        self._listing = True
        out.tables.append(TableSnapshot(GPU_PROCESSES, frame.time_ns, rows, part="nvidia"))
        for uuid, count in self._rows.rejected.items():
            if uuid in self._cards:
                self._cards[uuid].rejected += count
        samples = []
        for uuid, count in self._rows.processes().items():
            card = self._cards.get(uuid)
            if card is not None and uuid in frame.gpus:
                call = "nvmlDeviceGet{Compute,Graphics,MPSCompute}RunningProcesses_v3"
                samples.append(Sample(card.column("processes", "hw.gpu.process.count", (), call), count))
        at = Instant(frame.time_ns, frame.boottime_ns)
        out.readings.append(Reading(at, frame.interval_s, samples))

    def _xid(self, frame: frames.Xid, out: "_Out") -> None:
        card = self._cards.get(frame.uuid)
        if card is not None:
            card.xid(frame.xid, frame.time_ns)
        left_out = self._storms.tell(frame.uuid[:64], frame.xid, self._now_ns)
        if left_out is None:
            return
        payload: dict[str, JsonValue] = {
            "xid": frame.xid, "origin": text.clean(frame.origin, 16), "words": text.clean(frame.words, 200),
        }  # fmt: skip
        if card is not None:
            payload = {**card.payload(), **payload}
        if left_out:
            payload["left_out"] = left_out
        about = ("gpu", card.uuid if card is not None else "unknown")
        out.events.append(Occurrence("gpu.xid", about, payload))

    def _calls(self, frame: frames.Calls, out: "_Out") -> None:
        samples: list[Sample] = []
        for call, (count, total, p50, p99, longest, failed) in frame.calls.items():
            name = text.clean(call, 64)
            for stat, value in zip(_STAT, (count, total, p50, p99, longest), strict=True):
                item = self._own("wftop.gpu.call.duration", {"source": name}, stat)
                samples.append(Sample(item, value))
            self._failed_calls[name] = self._failed_calls.get(name, 0) + failed
            if self._failed_calls[name]:
                item = self._own("wftop.gpu.call.errors", {"source": name})
                samples.append(Sample(item, self._failed_calls[name]))
        out.readings.append(Reading(Instant(frame.time_ns, self._now_ns), CALLS_S, samples))

    def _own(self, name: str, labels: dict[str, str], stat: str = "") -> Column:
        key = (name, labels["source"], stat)
        found = self._columns.get(key)
        if found is None:
            found = self._columns[key] = column(SOURCE, name, labels, call="GPU worker", stat=stat)
        return found

    # ---- states

    def _judge(self, at: Instant, out: "_Out") -> None:
        """The state of each GPU, and the events of their changes."""
        silent_s = self._child.silent_s(at) if self._child is not None else 0.0
        whole = self._whole()
        for uuid, card in self._cards.items():
            state = self._state(uuid, card, whole, silent_s)
            if state is None:
                continue
            # A worker that is silent, ended or has not looked yet says nothing of a GPU: what was known stands.
            told = self._child is not None and silent_s <= SILENT_S and (whole is not None or self._enumerated)
            out.events += card.enter(state, at, told=told)
        if self._listing and (silent_s > SILENT_S or whole is not None or self._child is None):
            # They may go on; what they use now is not known.
            self._listing = False
            rows = self._rows.take(frames.Processes(at.time_ns, at.boottime_ns, 1.0, {}), None, set(self._cards))
            out.tables.append(TableSnapshot(GPU_PROCESSES, at.time_ns, rows, part="nvidia"))

    def _whole(self) -> State | None:
        """What holds for all GPUs; None: each for itself."""
        if self._child is None:
            return self._absent if self._cards else None
        if self._library is None or self._library.code == 0:
            return None
        words = text.clean(self._library.words, 120)
        return states.library(self._library.code, words, container=self._container, known=bool(self._cards))

    def _state(self, uuid: str, card: Card, whole: State | None, silent_s: float) -> State | None:
        if silent_s > SILENT_S:
            if card.facts.asleep:
                return states.ASLEEP
            return State(health.STUCK, f"no word from the GPU worker for {silent_s:.0f} s", "it goes on by itself")
        xid = card.last_xid[0] if card.last_xid else None
        if whole is not None and whole.state != health.OK:
            return whole._replace(state=LOST) if whole.state == health.ABSENT else whole
        library_ = self._library
        if library_ is not None and library_.waiting_s is not None and not library_.call.startswith("nvmlDevice"):
            # Not a look-up that hangs beside the readings: there is no open library to read from.
            if card.facts.asleep:
                return states.ASLEEP
            return states.stuck(text.clean(library_.call, 64), library_.waiting_s)
        if not self._enumerated:
            return card.state  # a new worker has not looked yet
        status = self._status
        if status is not None and uuid in status.waiting:
            call, seconds = status.waiting[uuid]
            return states.stuck(text.clean(call, 64), seconds)
        if uuid not in self._listed:
            return states.gpu(0, xid, container=self._container)
        if card.facts.asleep:
            return states.ASLEEP
        code = card.facts.code or (status.lost.get(uuid, 0) if status is not None else 0)
        if code:
            return states.gpu(code, xid, container=self._container)
        said = [states.MIG] if card.facts.mig.startswith("enabled") else []
        said += [states.UNIFIED] if card.facts.unified else []
        said += [states.PARTIAL] if uuid in self._partial else []
        return State(health.OK, "; ".join(said)) if said else states.OK

    def _note(self) -> Note | None:
        """The word on the source as a whole: the worst that is known."""
        if self._child is None:
            return Note(self._absent.state, self._absent.reason, self._absent.fix)
        if self._library is not None and self._library.waiting_s is not None:
            state = states.stuck(text.clean(self._library.call, 64), self._library.waiting_s)
            return Note(state.state, f"NVML: {state.reason}", state.fix)
        whole = self._whole()
        if whole is not None and whole.state != health.OK:
            return Note(whole.state, whole.reason, whole.fix)
        for wanted in (health.STUCK, LOST, health.FAILED, health.DENIED):
            for card in self._cards.values():
                if card.state is not None and card.state.state == wanted:
                    place = "" if card.facts.index is None else f" {card.facts.index}"
                    word = health.FAILED if wanted == LOST else wanted
                    return Note(word, f"GPU{place} {card.name}: {card.state.reason}", card.state.fix)
        status = self._status
        if status is not None and status.events is not None:
            state = states.deaf(
                text.clean(status.events[0], 64), status.events[1], wholly=status.heard is not None
            )
            return Note(state.state, state.reason, state.fix)
        if self._cards and all(
            c.state is not None and c.state.state == health.ASLEEP for c in self._cards.values()
        ):
            return Note(health.ASLEEP, states.ASLEEP.reason)
        if not self._cards and self._enumerated:
            return Note(health.ABSENT, "the driver sees no GPU", "lspci | grep -i nvidia; dmesg | grep -i nvrm")
        return None

    # ---- tables

    def _tell_gpus(self, at: Instant, out: "_Out") -> None:
        library_ = self._library
        driver = text.clean(library_.driver, 32) if library_ is not None else ""
        cuda = text.clean(library_.cuda, 16) if library_ is not None else ""
        rows = {card.uuid: card.row(driver, cuda) for card in self._cards.values()}
        if rows != self._told or (rows and at.boottime_ns - self._told_ns > TABLE_S * NS_PER_S):
            self._told, self._told_ns = rows, at.boottime_ns
            out.tables.append(TableSnapshot(GPUS, at.time_ns, rows, part="nvidia"))

    def _unified(self, out: "_Out") -> None:
        """System memory stands for that of a GPU that has none of its own."""
        cards = [card for card in self._cards.values() if card.facts.unified and card.up]
        memory = system_memory(self._proc) if cards else None
        if memory is None:
            return
        used, total = memory
        call = "/proc/meminfo: unified memory"
        for card in cards:
            item = card.column("mem_used", "hw.gpu.memory.usage", (("mode", "used"),), call, "derived")
            out.samples.append(Sample(item, used))
            out.samples.append(Sample(card.column("mem_total", "hw.gpu.memory.limit", (), call, "derived"), total))
            share = card.column("share", "hw.gpu.memory.utilization", (), call, "derived")
            out.samples.append(Sample(share, used / total))


class _Out:
    """What one collection brings."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.readings: list[Reading] = []
        self.tables: list[TableSnapshot] = []
        self.events: list[Occurrence] = []
