"""The files of /proc/PID: pure parsers."""

import re
from typing import Final, NamedTuple

from wftui import redact, text
from wftui.collectors.cgroup import parse_cgroup
from wftui.collectors.files import malformed

KERNEL_THREAD: Final = 0x00200000
"""PF_KTHREAD in the flags of stat. Source: include/linux/sched.h."""
COMMAND_LIMIT: Final = 4096
"""Bytes read of a command line."""
_CONTAINER: Final = re.compile(
    r"(?:(?:docker|cri-containerd|crio|libpod|containerd|nerdctl)-)?([0-9a-f]{12})[0-9a-f]{52}(?:\.scope)?\Z"
)


class ProcessStat(NamedTuple):
    """What we use of /proc/PID/stat."""

    name: bytes
    """Up to 15 bytes that the process itself chose; anything but NUL."""
    state: str
    parent: int
    flags: int
    cpu_ticks: int
    """User and system time together."""
    threads: int
    start: int
    """Clock ticks after boot."""
    pages: int
    """Resident set; the kernel's sum may lag by some dozen pages."""


def parse_process(data: bytes) -> ProcessStat:
    """Parse ``/proc/PID/stat``. The name may hold blanks, brackets and newlines: it ends at the last ``)``.

    Raises:
        SourceFormatError: No name in brackets, fewer than 24 fields, or one of ours is no number.

    Source: proc_pid_stat(5).
    """
    first, last = data.find(b"("), data.rfind(b")")
    # Field n of the manual stands at n - 3.
    fields = data[last + 2 :].split(b" ", 22)
    try:
        if first < 0 or last < first or len(fields[0]) != 1:
            raise ValueError  # noqa: TRY301  the except below quotes the line
        return ProcessStat(
            data[first + 1 : last],
            chr(fields[0][0]),
            int(fields[1]),
            int(fields[6]),
            int(fields[11]) + int(fields[12]),
            int(fields[17]),
            int(fields[19]),
            int(fields[21]),
        )
    except (ValueError, IndexError) as error:
        raise malformed("/proc/PID/stat", "'pid (name) state …' with 24 fields", data) from error


def parse_command_line(data: bytes) -> str:
    """The words of ``/proc/PID/cmdline`` on one clean line, secrets hidden.

    A line as long as ``COMMAND_LIMIT`` was cut: its last word may be half a secret, which does not look like one,
    and is dropped.

    Source: proc_pid_cmdline(5).
    """
    words = data.rstrip(b"\0").split(b"\0")
    if len(data) >= COMMAND_LIMIT:
        words = words[:-1] or [b""]
    # Redacted before it is cleaned: an escape made visible could split what looks like a key.
    shown = redact.command_line([word.decode("utf-8", "replace") for word in words])
    return text.clean(shown).strip()


def short_cgroup(data: bytes) -> str:
    """A short name for where a process belongs, from ``/proc/PID/cgroup``.

    The twelve digits that container engines show, else the last part of the path (a unit, scope or slice); empty
    at the root.

    Raises:
        SourceFormatError: A line is not ``number:controllers:path``.
    """
    paths = parse_cgroup(data)
    # In the hybrid layout v2 carries the units too; pure v1 has them under systemd's name, containers in memory.
    for key in ("", "name=systemd", "memory", "pids"):
        part = paths.get(key, b"/").rstrip(b"/").rpartition(b"/")[2]
        if part and part != b"..":
            name = part.decode("utf-8", "replace")
            container = _CONTAINER.match(name)
            return container[1] if container else text.clean(name, 64)
    return ""


def parse_io(data: bytes) -> tuple[int, int]:
    """Bytes that a process caused to be read from and written to storage, from ``/proc/PID/io``.

    Raises:
        SourceFormatError: One of the lines is missing or holds no whole number.

    Source: proc_pid_io(5).
    """
    found = []
    for name in (b"\nread_bytes: ", b"\nwrite_bytes: "):
        start = data.find(name)
        end = data.find(b"\n", start + 1)
        value = data[start + len(name) : end if end > 0 else None] if start >= 0 else b""
        if not value.isdigit():
            raise malformed("/proc/PID/io", f"a line {name.decode().strip()!r} with a number", data)
        found.append(int(value))
    return found[0], found[1]
