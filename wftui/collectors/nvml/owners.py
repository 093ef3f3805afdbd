"""The processes that the worker lists, as rows of ``GPU_PROCESSES``: who, how much, since when idle."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from wftui.clock import NS_PER_S
from wftui.collectors.gpu_owners import MAX_PID, Owner, Owners
from wftui.collectors.nvml.frames import Process, Processes
from wftui.energy.apportion import split
from wftui.model.gpus import process_key
from wftui.model.table import Row

MOST_MEMORY: Final = 2**50
"""By; no GPU has that much, and no sentinel is below it."""
_PATIENCE_S: Final = 0.05
"""The caller must not wait longer for names of users and launchers; they come with the next list then."""
_TYPES: Final = frozenset({"C", "G", "C+G", "M"})
_LONGEST: Final = 2.5
"""Intervals that a list may stand for: a longer pause is a gap, of which nothing is known."""


class Uses(NamedTuple):
    """What the driver tells of one process on one GPU, as far as it can be true; None: no word."""

    kind: str
    memory: int | None
    sm: float | None
    """Utilisation are shares, 1 = the whole GPU."""
    io: float | None
    encoder: float | None
    decoder: float | None
    instance: str

    @property
    def busy(self) -> bool | None:
        """Whether it computed in the last interval; None: the driver does not tell."""
        told = [share for share in (self.sm, self.encoder, self.decoder) if share is not None]
        return any(told) if told else None


_SILENT: Final = Uses("", None, None, None, None, None, "")


class _Held:
    """One process on one GPU, from its first list to its last."""

    __slots__ = ("energy", "idle_ns", "key", "kind", "owner", "pid", "time")

    def __init__(self, key: str, pid: int, owner: Owner) -> None:
        self.key = key
        """Of its row. Made once: a thousand of them are a quarter of the memory of such a table."""
        self.pid = pid
        self.owner = owner
        self.kind = ""
        self.time: float | None = None
        self.energy: float | None = None
        self.idle_ns: int | None = None


class ProcessRows:
    """Rows of ``GPU_PROCESSES``, list after list, with what adds up between them."""

    def __init__(self, owners: Owners) -> None:
        self._owners = owners
        self._held: dict[str, dict[int, _Held]] = {}
        """UUID to pid to process."""
        self._before: dict[str, int] = {}
        """UUID to boottime (ns) of its last list."""
        self._joules: dict[str, float] = {}
        self.rejected: dict[str, int] = {}
        """UUID to the number of readings of the last list that cannot be true."""

    def take(
        self, frame: Processes, joules: Mapping[str, float] | None = None, gpus: Collection[str] | None = None
    ) -> dict[str, Row]:
        """The rows after one more list.

        Args:
            frame: What the worker said.
            joules: UUID to the energy (J) of the board since any beginning, now; without those whose energy is
                not known. What is smaller than before is a new beginning.
            gpus: All GPUs that are there. One of them that tells nothing this time (a call hangs) keeps its
                processes, as long as these live, with their numbers unknown; None: those of the frame.
        """
        self.rejected = {}
        told = {uuid: self._plausible(uuid, listed) for uuid, listed in frame.gpus.items()}
        silent = [
            uuid for uuid in self._held
            if uuid not in told and uuid not in frame.codes and gpus is not None and uuid in gpus
        ]  # fmt: skip
        waited = {uuid: set(self._held[uuid]) for uuid in silent}
        for uuid in frame.partial:
            if uuid in told:
                waited[uuid] = self._held.get(uuid, {}).keys() - told[uuid].keys()
        pids = {pid for listed in (*told.values(), *waited.values()) for pid in listed}
        owners = {pid: self._owners.look(pid) for pid in pids}
        self._owners.settle(_PATIENCE_S)
        owners = {pid: self._owners.known(pid) or owner for pid, owner in owners.items()}
        self._owners.keep(pids)
        held: dict[str, dict[int, _Held]] = {}
        rows: dict[str, Row] = {}
        for uuid in (*told, *silent):
            uses = dict(told.get(uuid, {}))
            for pid in waited.get(uuid, ()):
                if owners[pid].start is not None:  # one that is not ours to see may have ended meanwhile
                    uses[pid] = _SILENT
            before = self._held.get(uuid, {})
            here = held[uuid] = dict[int, _Held]()
            for pid in uses:
                owner, item = owners[pid], before.get(pid)
                if item is None or item.owner.start != owner.start:
                    item = _Held(process_key(uuid, pid, owner.start), pid, owner)
                item.owner = owner
                here[pid] = item
            self._add_up(uuid, here, uses, frame, (joules or {}).get(uuid))
            rows.update((item.key, _row(uuid, item, uses[pid])) for pid, item in here.items())
        self._held = held
        return rows

    def processes(self) -> dict[str, int]:
        """UUID to the number of processes, of the GPUs that told them last."""
        return {uuid: len(held) for uuid, held in self._held.items()}

    def _plausible(self, uuid: str, listed: Sequence[Process]) -> dict[int, Uses]:
        """Pid to what is believed; a process on two instances of a GPU is one, with the memory of both."""
        found: dict[int, Uses] = {}
        for item in listed:
            if not 0 < item.pid < MAX_PID:
                self._reject(uuid)
                continue
            memory = item.memory
            if memory is not None and not 0 <= memory <= MOST_MEMORY:
                self._reject(uuid)
                memory = None
            uses = Uses(
                item.kind if item.kind in _TYPES else "",
                memory,
                self._share(uuid, item.sm),
                self._share(uuid, item.mem),
                self._share(uuid, item.enc),
                self._share(uuid, item.dec),
                item.instance,
            )
            other = found.get(item.pid)
            if other is not None:
                both = (uses.memory, other.memory)
                uses = (other if other.sm is not None else uses)._replace(
                    memory=None if both == (None, None) else sum(part or 0 for part in both),
                    kind=other.kind if other.kind == uses.kind else "C+G",
                    instance=other.instance or uses.instance,
                )
            found[item.pid] = uses
        return found

    def _share(self, uuid: str, percent: float | None) -> float | None:
        if percent is None:
            return None
        if not 0 <= percent <= 100:
            self._reject(uuid)
            return None
        return percent / 100

    def _reject(self, uuid: str) -> None:
        self.rejected[uuid] = self.rejected.get(uuid, 0) + 1

    def _add_up(
        self, uuid: str, here: dict[int, _Held], uses: dict[int, Uses], frame: Processes, joules: float | None
    ) -> None:
        before_ns = self._before.get(uuid)
        elapsed_s = (frame.boottime_ns - before_ns) / NS_PER_S if before_ns is not None else 0.0
        if not 0 < elapsed_s <= _LONGEST * frame.interval_s:
            elapsed_s = 0.0
        if uuid in frame.gpus:
            self._before[uuid] = frame.boottime_ns
        items = list(here.values())
        for item in items:
            self._count(item, uses[item.pid], elapsed_s, frame.time_ns)
        if joules is None:
            # What flows until the next reading belongs to nobody: its shares are not known.
            self._joules.pop(uuid, None)
            return
        drawn = joules - self._joules.get(uuid, joules)
        self._joules[uuid] = joules
        if not items or drawn < 0 or elapsed_s <= 0 or uuid not in frame.gpus:
            return
        shares = split(drawn, [(uses[item.pid].sm, uses[item.pid].memory) for item in items])
        for item, share in zip(items, shares, strict=True):
            if share is not None:
                item.energy = (item.energy or 0.0) + share

    def _count(self, item: _Held, uses: Uses, elapsed_s: float, time_ns: int) -> None:
        item.kind = uses.kind or item.kind
        if uses.sm is not None:
            # A process of the first list counts from there: what it did before was not seen.
            item.time = 0.0 if item.time is None else item.time + uses.sm * elapsed_s
        if uses.busy:
            item.idle_ns = None
        elif uses.busy is False and item.idle_ns is None:
            item.idle_ns = time_ns


def _row(uuid: str, item: _Held, uses: Uses) -> Row:
    owner = item.owner
    return (
        uuid,
        item.pid,
        owner.start,
        owner.user,
        owner.name,
        owner.cgroup,
        owner.job,
        owner.rank,
        item.kind,
        uses.memory,
        uses.sm,
        uses.io,
        uses.encoder,
        uses.decoder,
        item.time,
        item.energy,
        item.idle_ns,
        uses.instance,
        owner.unseen,
    )
