"""Mounts of our namespace, from /proc/self/mountinfo."""

import os
import re
from pathlib import Path
from typing import Final, NamedTuple

from wftui.collectors.files import malformed

CALL: Final = "/proc/self/mountinfo"
_ESCAPED: Final = re.compile(rb"\\([0-7]{3})")


NETWORKED: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "gpfs", "beegfs"}
    | {"fuse.sshfs", "fuse.glusterfs", "fuse.ceph"}
)
"""Types on which SQLite's locks and shared memory cannot be trusted. Source: sqlite.org/faq.html, question 5."""


class Mount(NamedTuple):
    """One line of mountinfo; paths are bytes without the kernel's octal escapes."""

    device: bytes
    """``major:minor`` of the file system."""
    root: bytes
    """The folder of the file system that is mounted."""
    point: bytes
    """Where."""
    kind: bytes
    """File system type, with its subtype: ``fuse.sshfs``."""
    source: bytes
    options: bytes
    """Options of the file system, comma-separated."""


def file_system(path: str | Path, mounts: bytes) -> str:
    """Type of the file system that a path lies on, by the text of mountinfo; empty when it does not say."""
    best, kind = b"", ""
    target = os.path.realpath(os.fsencode(path))
    for item in parse_mountinfo(mounts):
        inside = target == item.point or target.startswith(item.point.rstrip(b"/") + b"/")
        if inside and len(item.point) >= len(best):
            best, kind = item.point, item.kind.decode("ascii", "replace")
    return kind


def _plain(path: bytes) -> bytes:
    return _ESCAPED.sub(lambda m: bytes([int(m[1], 8) & 0xFF]), path) if b"\\" in path else path


def parse_mountinfo(data: bytes) -> list[Mount]:
    """Parse the text of ``/proc/self/mountinfo``, in its order: a later mount hides an earlier one.

    Raises:
        SourceFormatError: A line has no six fields before, or no three after the separator ``-``.

    Source: proc_pid_mountinfo(5).
    """
    found = []
    for line in data.split(b"\n"):
        if not line:
            continue
        before, separator, after = line.partition(b" - ")
        fields, tail = before.split(b" "), after.split(b" ")
        if not separator or len(fields) < 6 or len(tail) < 3:
            raise malformed(CALL, "six fields, ' - ' and three fields", line)
        found.append(Mount(fields[2], _plain(fields[3]), _plain(fields[4]), tail[0], _plain(tail[1]), tail[-1]))
    return found
