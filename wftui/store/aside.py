"""The journal as a file: its name and lock, and damaged ones renamed aside."""

import errno
import fcntl
import os
from pathlib import Path
from typing import Final

from wftui.store.database import StoreUnavailableError

NAME: Final = "journal.db"


def lock(path: Path) -> int:
    """Hold the data dir: two recorders with different runtime folders must not write one journal."""
    descriptor = os.open(path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            raise StoreUnavailableError(f"{path}: another recorder writes this data dir") from error
        raise StoreUnavailableError(f"{path}: cannot lock: {error.strerror}") from error
    return descriptor


def set_aside(path: Path, time_ns: int) -> Path:
    """Rename a damaged journal (and its WAL) so that a new one can begin; return the new name."""
    target = path.with_name(f"{path.name}.damaged-{time_ns // 1_000_000_000}")
    number = 0
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.damaged-{time_ns // 1_000_000_000}-{number}")
    path.rename(target)
    for suffix in ("-wal", "-shm"):
        side = path.with_name(path.name + suffix)
        if side.exists():
            side.rename(target.with_name(target.name + suffix))
    return target


def damaged_files(folder: Path) -> list[Path]:
    """Journals that were renamed aside."""
    return sorted(p for p in folder.glob(f"{NAME}.damaged-*") if not p.name.endswith(("-wal", "-shm")))
