"""Signals to processes, and their niceness, only if the process is still the one that the person saw."""

import errno
import os
import signal
from contextlib import suppress
from typing import Final

from wftui.errors import ProtocolError

_START: Final = 19
"""Place of starttime behind the command name in /proc/PID/stat. Source: proc_pid_stat(5), field 22."""


def start_time(pid: int, proc: str = "/proc") -> int | None:
    """When a process began, in clock ticks after boot; None: it is gone."""
    try:
        with open(f"{proc}/{pid}/stat", "rb") as file:  # noqa: PTH123  a path object per call buys nothing
            fields = file.read().rpartition(b")")[2].split()
        return int(fields[_START])
    except (OSError, IndexError, ValueError):
        return None


def send(pid: int, started: int, number: int, allowed: bool) -> None:
    """Send a signal through a pidfd, which cannot come to mean another process.

    Raises:
        ProtocolError: Signals are not allowed here, the process is gone or another one, or we may not.
    """
    if not allowed:
        raise ProtocolError("signals are switched off ([recorder] signals = false)")
    if not 1 <= number < signal.NSIG or pid <= 1:
        raise ProtocolError(f"signal {number} to pid {pid} is not sent")
    try:
        descriptor = os.pidfd_open(pid)
    except (OSError, OverflowError) as error:
        raise ProtocolError(f"process {pid} is gone ({error})") from error
    try:
        # Checked after the pidfd is open: from here on it stays this process or nobody.
        same = start_time(pid) == started
        if same:
            signal.pidfd_send_signal(descriptor, number)
    except PermissionError as error:
        raise ProtocolError(f"process {pid} is not ours to signal; ask its owner or root") from error
    except OSError as error:
        what = "is gone" if error.errno == errno.ESRCH else f"could not be signalled: {error.strerror}"
        raise ProtocolError(f"process {pid} {what}") from error
    finally:
        os.close(descriptor)
    if not same:
        raise ProtocolError(f"pid {pid} is another process by now; nothing was sent")


def renice(pid: int, started: int, nice: int, allowed: bool) -> None:
    """Set the niceness of a process and all its threads, each of which has its own in Linux.

    Raises:
        ProtocolError: Not allowed here, the process is gone or another one, or we may not.
    """
    if not allowed:
        raise ProtocolError("priorities are not changed here ([recorder] signals = false, or a demo)")
    if not -20 <= nice <= 19 or pid <= 1:
        raise ProtocolError(f"nice {nice} for pid {pid} is not set")
    if start_time(pid) != started:
        raise ProtocolError(f"process {pid} is gone; nothing was changed")
    try:
        os.setpriority(os.PRIO_PROCESS, pid, nice)
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208  a path object buys nothing
            with suppress(ProcessLookupError):  # it ended meanwhile
                os.setpriority(os.PRIO_PROCESS, int(thread), nice)
    except PermissionError as error:
        what = "only root goes below what it is now" if error.errno == errno.EACCES else "it is not ours"
        raise ProtocolError(f"process {pid}: {what}") from error
    except OSError as error:
        raise ProtocolError(f"process {pid} could not be changed: {error.strerror}") from error
