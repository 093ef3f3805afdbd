"""Who records: the lock of a data dir, and the one line in its file that names the holder.

Imports nothing heavy: fifty recorders started at once must find out within a second that one runs already.
"""

import errno
import fcntl
import os
from typing import Final, NamedTuple

from wftui.errors import AlreadyRunningError, ConfigError
from wftui.paths import Places, open_private, private_dir

RECORD: Final = "record"
"""Started by `wftop record`: runs until it is stopped."""
VIEW: Final = "view"
"""Started by a view: ends some time after its last view, and gives way to `wftop record`."""


class Holder(NamedTuple):
    """The recorder that holds a lock."""

    pid: int
    mode: str


class Lock:
    """A held lock; it goes with the process, whatever ends it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Let another recorder take it. Twice is harmless."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1


def take(places: Places, mode: str) -> Lock:
    """Take the lock and write pid and mode into its file.

    Raises:
        AlreadyRunningError: Another recorder holds it (``pid`` None when it has not written its line yet).
        ConfigError: The runtime folder cannot be used.
    """
    private_dir(places.runtime_dir, exact=True)
    try:
        descriptor = open_private(places.lock, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise ConfigError(f"cannot open the lock {places.lock}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno != errno.EWOULDBLOCK:
            raise ConfigError(f"cannot lock {places.lock}: {error.strerror}") from error
        found = holder(places)
        pid = found.pid if found else None
        raise AlreadyRunningError(
            f"a recorder already runs for {places.data_dir} (pid {pid or '?'})", pid
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()} {mode}\n".encode(), 0)
    return Lock(descriptor)


def holder(places: Places) -> Holder | None:
    """The recorder that holds the lock, as its file says; None: nobody, or it has not said so yet."""
    try:
        descriptor = os.open(places.lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        text = os.pread(descriptor, 64, 0)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            pass  # held: the line is its holder's
        else:
            return None
    finally:
        os.close(descriptor)
    pid, _, mode = text.decode("ascii", "replace").strip().partition(" ")
    if not pid.isdecimal() or mode not in (RECORD, VIEW):
        return None
    return Holder(int(pid), mode)
