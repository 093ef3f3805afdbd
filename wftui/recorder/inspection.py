"""A closer look at one process, when a person asks: too dear to do for all of them with each scan."""

import os
from typing import Final

from wftui import text
from wftui.errors import ProtocolError
from wftui.recorder.signals import start_time
from wftui.wire.messages import InspectReply

MOST: Final = 20_000
"""Open files that are told apart; a process may have a million."""
_NICE: Final = 16
"""Place of nice behind the command name in /proc/PID/stat. Source: proc_pid_stat(5), field 19."""


def inspect(pid: int, started: int, proc: str = "/proc") -> InspectReply:
    """Count open files and sockets, read niceness, limit and cgroup. May take 50 ms: not for the loop.

    Raises:
        ProtocolError: The process is gone, or another one has its number.
    """
    folder = f"{proc}/{pid}"
    files, sockets, reason = _open_files(folder)
    fields = _read(f"{folder}/stat").rpartition(")")[2].split()
    nice = int(fields[_NICE]) if len(fields) > _NICE else None
    reply = InspectReply(files, sockets, _limit(folder), nice, _cgroup(folder), reason)
    # Checked last: all that was read before is of the process that is still there.
    if pid <= 0 or start_time(pid, proc) != started:
        raise ProtocolError(f"process {pid} is gone")
    return reply


def _open_files(folder: str) -> tuple[int | None, int | None, str]:
    """How many, how many of them sockets (None: too many to tell), and why there is no number."""
    try:
        names = os.listdir(f"{folder}/fd")  # noqa: PTH208  a path object per file buys nothing
    except PermissionError:
        return None, None, "its open files are not ours to see"
    except OSError as error:
        return None, None, f"its open files cannot be listed: {error.strerror}"
    if len(names) > MOST:
        return len(names), None, ""
    sockets = 0
    for name in names:
        try:
            sockets += os.readlink(f"{folder}/fd/{name}").startswith("socket:")  # noqa: PTH115  as above
        except OSError:  # closed meanwhile
            continue
    return len(names), sockets, ""


def _limit(folder: str) -> int | None:
    """How many files it may open; None: not known, or without a limit."""
    for line in _read(f"{folder}/limits").splitlines():
        if line.startswith("Max open files"):
            soft = line.split()[3]
            return int(soft) if soft.isdecimal() else None
    return None


def _cgroup(folder: str) -> str:
    """Its path in the unified hierarchy; empty: none, or not known."""
    for line in _read(f"{folder}/cgroup").splitlines():
        if line.startswith("0::"):
            return text.clean(line[3:], 256)
    return ""


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123  as above
            return file.read(65_536)
    except OSError:
        return ""
