"""Space on file systems. A network mount that does not answer costs only its own row."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from wftui import clock
from wftui.clock import Instant
from wftui.collectors.base import THREAD
from wftui.collectors.files import label, unavailable
from wftui.collectors.mountinfo import Mount, parse_mountinfo
from wftui.model.health import LATE, STUCK
from wftui.model.sample import DERIVED, Column, Note, Sample, Scrape, column
from wftui.units import NS_PER_S

_REMOTE: Final = (
    b"nfs", b"cifs", b"smb", b"9p", b"ceph", b"gluster", b"lustre", b"afs", b"gpfs", b"beegfs", b"orangefs",
    b"fuse", b"virtiofs", b"vboxsf", b"prl_fs", b"coda", b"ocfs2", b"gfs2", b"davfs", b"ncp",
)  # fmt: skip
"""Types that may wait for another machine or a process: each is asked in a thread of its own."""
_LOCAL: Final = frozenset({b"zfs", b"btrfs", b"bcachefs", b"ubifs", b"jffs2"})
"""Types whose source is not always a path under /dev."""
_IMAGES: Final = frozenset({b"squashfs", b"iso9660", b"udf", b"erofs", b"cramfs", b"romfs", b"fuse.snapfuse"})
"""Always full: nothing to watch."""
_HELPERS: Final = frozenset(
    {b"fusectl", b"fuse.gvfsd-fuse", b"fuse.portal", b"fuse.lxcfs", b"nfsd", b"fuse.fuse-overlayfs"}
)
_FILES: Final = frozenset({b"/etc/resolv.conf", b"/etc/hostname", b"/etc/hosts", b"/dev/termination-log"})
"""Files that container engines mount one by one from a file system of the host."""


class Space(Protocol):
    """What ``os.statvfs`` gives, as far as we use it."""

    @property
    def f_frsize(self) -> int:
        """Bytes per block."""
        ...

    @property
    def f_blocks(self) -> int:
        """All blocks."""
        ...

    @property
    def f_bfree(self) -> int:
        """Blocks that root can use."""
        ...

    @property
    def f_bavail(self) -> int:
        """Blocks that others can use."""
        ...

    @property
    def f_files(self) -> int:
        """Inodes; 0 where they are made as needed."""
        ...

    @property
    def f_ffree(self) -> int:
        """Free inodes."""
        ...

    @property
    def f_flag(self) -> int:
        """How it is mounted: ``os.ST_RDONLY`` and others."""
        ...


def is_remote(mount: Mount) -> bool:
    """Whether asking it may wait for a server or another process."""
    return mount.kind.startswith(_REMOTE) and mount.kind != b"fuseblk"


def worth_showing(mounts: list[Mount]) -> list[Mount]:
    """Real file systems, each once, at its shortest path; ``/`` whatever it is (an overlay in a container)."""
    visible = {mount.point: mount for mount in mounts}  # a later mount hides an earlier one
    chosen: dict[bytes, Mount] = {}
    for mount in sorted(visible.values(), key=lambda m: (len(m.point), m.point)):
        real = (mount.source.startswith(b"/dev/") or mount.kind in _LOCAL or is_remote(mount)) and not (
            mount.kind in _IMAGES or mount.kind in _HELPERS or mount.point in _FILES
        )
        if mount.point == b"/" or (real and mount.kind not in (b"devtmpfs", b"tmpfs")):
            chosen.setdefault(mount.device, mount)
    return list(chosen.values())


class _Question:
    """One ``statvfs`` in a thread of its own."""

    def __init__(self, ask: Callable[[bytes], Space], mount: Mount, at: Instant) -> None:
        self.mount = mount
        self.since_ns = at.boottime_ns
        self.answer: Space | None = None
        self._ask = ask
        self.thread = threading.Thread(target=self._run, name="statvfs", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.answer = self._ask(self.mount.point)
        except OSError:  # a server that is gone, a stale handle: no row
            self.answer = None


class Mounts:
    """Space and inodes of each real file system, every 10 s in a thread.

    Remote file systems have ``patience_s`` together to answer. One that does not is named in the note, and is
    not asked again until its thread comes back.
    """

    name = "mounts"
    interval_s = 10.0
    where = THREAD
    timeout_s = 5.0

    def __init__(
        self,
        proc: str | Path = "/proc",
        statvfs: Callable[[bytes], Space] = os.statvfs,
        patience_s: float = 1.0,
    ) -> None:
        self._path = f"{proc}/self/mountinfo"
        self._statvfs = statvfs
        self._patience_s = patience_s
        self._stuck: dict[bytes, _Question] = {}
        self._known: dict[bytes, tuple[Column, ...]] = {}

    def collect(self, at: Instant) -> Scrape:
        """Ask every file system.

        Raises:
            SourceError: mountinfo cannot be read or is not as documented.
        """
        try:
            mounts = worth_showing(parse_mountinfo(Path(self._path).read_bytes()))
        except OSError as error:
            raise unavailable(self._path, error) from error
        # Answers that came after their time are old: they only free the mount for the next question.
        self._stuck = {point: q for point, q in self._stuck.items() if q.thread.is_alive()}
        asked = [
            _Question(self._statvfs, mount, at)
            for mount in mounts
            if is_remote(mount) and mount.point not in self._stuck
        ]
        samples: list[Sample] = []
        for mount in mounts:
            if is_remote(mount):
                continue
            try:
                samples += self._samples(mount.point, self._statvfs(mount.point))
            except OSError:  # no right to look, or gone since: no row
                continue
        until_ns = clock.perf_ns() + int(self._patience_s * NS_PER_S)
        late = []
        for question in asked:
            question.thread.join(max(0.0, (until_ns - clock.perf_ns()) / NS_PER_S))
            if question.thread.is_alive():
                late.append(question)
            elif question.answer is not None:
                samples += self._samples(question.mount.point, question.answer)
        note = self._note(late, at)
        self._stuck.update({question.mount.point: question for question in late})
        points = {mount.point for mount in mounts}
        self._known = {point: columns for point, columns in self._known.items() if point in points}
        return Scrape(samples, note=note)

    def _note(self, late: list[_Question], at: Instant) -> Note | None:
        if self._stuck:
            question = min(self._stuck.values(), key=lambda q: q.since_ns)
            seconds = (at.boottime_ns - question.since_ns) // NS_PER_S
            more = len(self._stuck) + len(late) - 1
            others = f" (and {more} more)" if more else ""
            point = label(question.mount.point)
            kind, source = label(question.mount.kind), label(question.mount.source)
            return Note(
                STUCK,
                f"no answer from {point} ({kind} {source}) for {seconds} s{others}",
                f"bring its server back, or: umount -l {point}",
            )
        if late:
            names = ", ".join(label(question.mount.point) for question in late)
            return Note(LATE, f"no answer within {self._patience_s:g} s from {names}")
        return None

    def _samples(self, point: bytes, space: Space) -> list[Sample]:
        size = space.f_blocks * space.f_frsize
        if size <= 0:
            return []
        # An image is full as it was made, whatever its type: an AppImage (FUSE), the root of an image-based system
        # (an overlay without an upper layer), a packed ext4. A disk that was put to read-only has room kept back.
        if space.f_flag & os.ST_RDONLY and space.f_bfree == 0:
            return []
        columns = self._known.get(point) or self._columns(point)
        used = max(0, space.f_blocks - space.f_bfree) * space.f_frsize
        free = space.f_bavail * space.f_frsize
        reserved = max(0, space.f_bfree - space.f_bavail) * space.f_frsize
        samples = [*map(Sample, columns, (used, free, reserved, size))]
        if used + free > 0:  # as df: what root keeps back is not usable
            samples.append(Sample(columns[4], used / (used + free)))
        if space.f_files > 0:
            samples.append(Sample(columns[5], max(0, space.f_files - space.f_ffree) / space.f_files))
        return samples

    def _columns(self, point: bytes) -> tuple[Column, ...]:
        """Used, free, reserved, size, share of the space, share of the inodes."""
        usage, mount = "system.filesystem.usage", label(point)

        def make(name: str, mode: str = "", quality: str = "measured") -> Column:
            labels = {"mount": mount, "mode": mode} if mode else {"mount": mount}
            return column(self.name, name, labels, call="statvfs", quality=quality)

        made = (
            *(make(usage, mode) for mode in ("used", "free", "reserved")),
            make("system.filesystem.limit"),
            make("system.filesystem.utilization", quality=DERIVED),
            make("system.filesystem.inodes.utilization", quality=DERIVED),
        )
        self._known[point] = made
        return made

    def close(self) -> None:
        """Nothing is kept open; a stuck thread is a daemon and ends with the process."""
