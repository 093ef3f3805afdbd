"""Sockets that nobody but their owner may reach."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from wftui.errors import ConfigError


@contextmanager
def binding(path: Path) -> Iterator[None]:
    """Bind a unix socket there inside this block.

    Whoever binds holds the data dir's lock, so a socket that lies there is a dead recorder's.

    Raises:
        ConfigError: Something else lies there, or it cannot be bound.
    """
    with suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()
    mask = os.umask(0o177)  # the socket must never exist with wider rights, not for a moment
    try:
        yield
    except OSError as error:
        raise ConfigError(f"cannot listen on {path}: {error.strerror or error}") from error
    finally:
        os.umask(mask)
