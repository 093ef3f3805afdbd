"""The file that a command writes: whole or not at all, ours alone, nothing overwritten by accident."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from wftui.errors import ConfigError


class OutputFile:
    """A file that appears under its name when the block around it ends well; a context manager.

    ``path`` is the temporary file beside it, mode 0600.
    """

    def __init__(self, target: str, *, force: bool) -> None:
        """Choose the names.

        Raises:
            ConfigError: The target is there and ``force`` is not set, or is no regular file (a link too).
        """
        self.target = Path(target)
        self._force = force
        self.path = self.target.with_name(f"{self.target.name}.tmp-{os.getpid()}")
        self._check()

    def _check(self) -> None:
        if self.target.is_symlink():
            raise ConfigError(f"{self.target}: is a link, so it is not written; name its target")
        if self.target.exists():
            if not self.target.is_file():
                raise ConfigError(f"{self.target}: is no regular file; -o - writes to standard output")
            if not self._force:
                raise ConfigError(f"{self.target}: exists; --force overwrites it")

    def __enter__(self) -> Self:
        """Make the temporary file."""
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            os.close(os.open(self.path, flags, 0o600))
        except OSError as error:
            raise ConfigError(f"{self.target}: cannot be written: {error.strerror}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the file its name, or remove it."""
        try:
            if error is None:
                self._finish()
        finally:
            with suppress(FileNotFoundError):
                self.path.unlink()

    def _finish(self) -> None:
        self.path.chmod(0o600)  # DuckDB makes the file anew
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._check()
        if self._force:
            self.path.replace(self.target)
            return
        try:
            os.link(self.path, self.target)  # unlike a rename, fails if somebody was faster
        except FileExistsError:
            raise ConfigError(f"{self.target}: exists; --force overwrites it") from None
        except OSError:  # a file system without hard links
            self.path.replace(self.target)


def say(line: str) -> None:
    """A line of a command's output."""
    sys.stdout.write(line + "\n")


def standard_output() -> BinaryIO:
    """Standard output for bytes."""
    return sys.stdout.buffer


def stop_quietly() -> None:
    """After a broken pipe: whoever read us has enough, and Python must not complain when it flushes at the end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
