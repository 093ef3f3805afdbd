"""Who a process on a GPU is: user, container, job, rank; or why that is not ours to see."""

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final, NamedTuple

from wftui import text
from wftui.clock import NS_PER_S, perf_ns
from wftui.collectors.files import read_once
from wftui.collectors.gpu_jobs import Ranks, launcher, ranks, slurm_job
from wftui.collectors.mountinfo import parse_mountinfo
from wftui.collectors.process_files import COMMAND_LIMIT, ProcessStat, parse_process, short_cgroup
from wftui.collectors.users import Users
from wftui.errors import SourceFormatError

HOST: Final = "a pid of the host: this container has a pid namespace of its own (--pid=host shows it)"
GONE: Final = "it ended, yet the driver still lists it"
HIDDEN: Final = "another user's process: /proc hides it ({})"
REFUSED: Final = "another user's process: not ours to read"
MAX_PID: Final = 1 << 22
"""Greatest pid of a 64-bit kernel. Source: include/linux/threads.h, PID_MAX_LIMIT."""

_FIRST_NAMESPACE: Final = "pid:[4026531836]"
"""Source: include/linux/proc_ns.h, PROC_PID_INIT_INO."""
_DEVICES: Final = ("/dev/nvidia", "/dev/dri/", "/dev/kfd", "/dev/dxg", "/dev/nvhost", "/dev/nvmap")
_MOST_FILES: Final = 1024
_ENVIRONMENT: Final = 1 << 16
_GENERATIONS: Final = 5
"""Ancestors that are asked whether they are a launcher: shells and wrappers come between."""
_REMEMBERED: Final = 4096
_HANGS: Final = 3
"""Threads that may hang in a process' memory lock; beyond them the slow questions are given up."""
PATIENCE_S: Final = 5.0
"""Seconds after which a thread counts as hanging."""


class Owner(NamedTuple):
    """One process, as far as it is ours to see."""

    start: int | None = None
    """Clock ticks after boot; None: nothing is known of it."""
    user: str = ""
    name: str = ""
    cgroup: str = ""
    job: str = ""
    """``slurm:4711``, ``torchrun:812`` (pid of the launcher), empty."""
    rank: int | None = None
    unseen: str = ""
    """Why nothing is known; empty when it is."""


class _Known:
    __slots__ = ("comm", "owner", "parent", "uid")

    def __init__(self, stat: ProcessStat, uid: int | None, cgroup: bytes) -> None:
        self.comm = stat.name
        self.parent = stat.parent
        self.uid = uid
        number = slurm_job(cgroup)
        try:
            place = short_cgroup(cgroup)
        except SourceFormatError:
            place = ""
        job = ""
        if number is not None:
            job = f"slurm:{number}"
            place = f"job_{number}"  # its last part, step_0, is the same in every job
        # A thousand processes share a few names and places.
        name, place, job = sys.intern(text.clean(stat.name, 64)), sys.intern(place), sys.intern(job)
        self.owner = Owner(stat.start, "" if uid is None else str(uid), name, place, job)


class Owners:
    """Pid to owner, remembered as long as pid and start time stay the same.

    The state, the user's number and the cgroup are read at once: the kernel answers these without waiting. Names
    of users (which may come from the network), command lines and environments (which wait for the lock of that
    process' memory, for ever if it hangs in a driver) are read by a thread; until it has answered the user is a
    number and there is no launcher and no rank.
    """

    def __init__(
        self,
        proc: str | Path = "/proc",
        *,
        read_ranks: bool = True,
        wait: bool = False,
        alive: Callable[[int], bool] | None = None,
    ) -> None:
        """``wait``: read everything at once, for callers that have a thread of their own.

        ``alive`` says whether a pid that is not in ``proc`` exists.
        """
        self._proc = str(proc)
        self._read_ranks = read_ranks
        self._wait = wait
        self._alive = alive or _exists
        self._known: dict[int, _Known] = {}
        self._users = Users()
        self._launchers: dict[tuple[int, int], str] = {}
        self._uid: Final = os.geteuid()
        self._foreign = _namespace(self._proc) not in ("", _FIRST_NAMESPACE)
        self._hidden: str | None = None
        self._later = _Later(self._finish)

    def look(self, pid: int) -> Owner:
        """The process as it is now; new ones are told in full after ``settle``, or in the next round."""
        if not 0 < pid < MAX_PID:
            return Owner(unseen=GONE)
        folder = f"{self._proc}/{pid}"
        try:
            stat = parse_process(read_once(f"{folder}/stat", 2048))
        except (OSError, SourceFormatError) as error:
            self._known.pop(pid, None)
            return self._unseen(pid, error)
        known = self._known.get(pid)
        if known is None or known.owner.start != stat.start or known.comm != stat.name:
            if self._foreign and not self._holds_gpu(folder):
                # The number is that of a process of the host; the one of ours that has it is another.
                self._known.pop(pid, None)
                return Owner(unseen=HOST)
            known = _Known(stat, _uid(folder), _cgroup(folder))
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[pid] = known
            if self._wait:
                self._finish(pid, known)
            else:
                self._later.add(pid, known)
        return known.owner

    def known(self, pid: int) -> Owner | None:
        """What the last ``look`` and what came after it found, without reading anything."""
        known = self._known.get(pid)
        return None if known is None else known.owner

    def settle(self, seconds: float) -> bool:
        """Wait for the thread, at most so long; True: nothing is outstanding."""
        return self._later.settle(seconds)

    def keep(self, pids: Collection[int]) -> None:
        """Forget all others."""
        for pid in [pid for pid in self._known if pid not in pids]:
            del self._known[pid]

    def _unseen(self, pid: int, error: Exception) -> Owner:
        uid = _uid(f"{self._proc}/{pid}")
        if self._foreign and uid is None:
            return Owner(unseen=HOST)
        user = "" if uid is None else self._users.known(uid)
        if isinstance(error, PermissionError) or (uid is None and self._alive(pid)):
            hidden = self._hidepid()
            return Owner(user=user, unseen=HIDDEN.format(hidden) if hidden else REFUSED)
        return Owner(unseen=GONE)

    def _hidepid(self) -> str:
        if self._hidden is None:
            self._hidden = ""
            try:
                mounts = parse_mountinfo(Path(f"{self._proc}/self/mountinfo").read_bytes())
            except (OSError, SourceFormatError):
                mounts = []
            for mount in mounts:
                if mount.kind == b"proc":
                    words = mount.options.decode("ascii", "replace").split(",")
                    self._hidden = next((word for word in words if word.startswith("hidepid=")), "")
        return self._hidden

    def _holds_gpu(self, folder: str) -> bool:
        try:
            with os.scandir(f"{folder}/fd") as files:
                for count, file in enumerate(files):
                    if count >= _MOST_FILES:
                        return False
                    try:
                        if os.readlink(file.path).startswith(_DEVICES):  # noqa: PTH115  a Path costs 3 µs each
                            return True
                    except OSError:  # closed meanwhile
                        continue
        except OSError:
            return False
        return False

    def _finish(self, pid: int, known: _Known) -> None:
        """The slow questions. In the thread: only ``known.owner`` is replaced, as a whole."""
        owner = known.owner
        folder = f"{self._proc}/{pid}"
        if known.uid is not None:
            owner = owner._replace(user=self._users.name(known.uid))
            known.owner = owner
        told = Ranks()
        if self._read_ranks and known.uid == self._uid:
            try:
                told = ranks(read_once(f"{folder}/environ", _ENVIRONMENT))
            except OSError:  # it ended, or may not be dumped
                told = Ranks()
        job = owner.job
        if not job and told.job is not None:
            job = f"slurm:{told.job}"
        if not job:
            job = self._launched(known.parent)
        # A rank of nothing would make siblings of strangers.
        known.owner = owner._replace(job=job, rank=told.rank if job or told.world else None)

    def _launched(self, pid: int) -> str:
        for _ in range(_GENERATIONS):
            if pid <= 1:
                return ""
            try:
                stat = parse_process(read_once(f"{self._proc}/{pid}/stat", 2048))
                kind = self._launchers.get((pid, stat.start))
                if kind is None:
                    kind = launcher(read_once(f"{self._proc}/{pid}/cmdline", COMMAND_LIMIT))
                    if len(self._launchers) >= _REMEMBERED:
                        self._launchers.clear()
                    self._launchers[pid, stat.start] = kind
            except (OSError, SourceFormatError):
                return ""
            if kind:
                return f"{kind}:{pid}"
            pid = stat.parent
        return ""


class _Later:
    """Work for a daemon thread that lives as long as there is some; one that hangs is left to its fate."""

    def __init__(self, work: Callable[[int, _Known], None]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._jobs: deque[tuple[int, _Known]] = deque()
        self._idle = threading.Event()
        self._idle.set()
        self._thread: threading.Thread | None = None
        self._generation = 0
        self._began_ns = 0
        self._hung = 0

    def add(self, pid: int, known: _Known) -> None:
        """Do it soon; never, once too many threads hang."""
        with self._lock:
            thread = self._thread
            alive = thread is not None and thread.is_alive()
            if alive and perf_ns() - self._began_ns > PATIENCE_S * NS_PER_S:
                self._hung += 1
                alive = False
            if self._hung > _HANGS:
                self._jobs.clear()
                return
            self._jobs.append((pid, known))
            self._idle.clear()
            if not alive:
                self._generation += 1
                self._began_ns = perf_ns()
                self._thread = threading.Thread(
                    target=self._run, args=(self._generation,), daemon=True, name="gpu owners"
                )
                self._thread.start()

    def settle(self, seconds: float) -> bool:
        return self._idle.wait(seconds)

    def _run(self, generation: int) -> None:
        while True:
            with self._lock:
                if generation != self._generation:  # it hung, and another went on
                    return
                if not self._jobs:
                    self._thread = None
                    self._idle.set()
                    return
                pid, known = self._jobs.popleft()
                self._began_ns = perf_ns()
            self._work(pid, known)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # no signal: only whether there is such a process
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _namespace(proc: str) -> str:
    try:
        return os.readlink(f"{proc}/self/ns/pid")  # noqa: PTH115  a text is compared, not a path
    except OSError:
        return ""


def _uid(folder: str) -> int | None:
    try:
        return os.stat(folder).st_uid  # noqa: PTH116  a Path for each process costs 3 µs
    except OSError:
        return None


def _cgroup(folder: str) -> bytes:
    try:
        return read_once(f"{folder}/cgroup", 8192)
    except OSError:
        return b""
