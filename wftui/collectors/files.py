"""Reading the kernel's small text files: kept open, read whole, errors turned into ours."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wftui import text
from wftui.errors import SourceFormatError, SourceUnavailableError
from wftui.model.health import ABSENT, DENIED, FAILED, UNSUPPORTED
from wftui.model.series import MAX_VALUE

if TYPE_CHECKING:
    from wftui.errors import HealthState

_CHUNK: Final = 16_384
_QUOTED: Final = 60
_STATES: Final[dict[int, "HealthState"]] = {
    errno.ENOENT: ABSENT,
    errno.ENOTDIR: ABSENT,
    errno.ENODEV: ABSENT,
    errno.EACCES: DENIED,
    errno.EPERM: DENIED,
    errno.EOPNOTSUPP: UNSUPPORTED,
    errno.ENOSYS: UNSUPPORTED,
}


def unavailable(path: str | Path, error: OSError, fix: str = "") -> SourceUnavailableError:
    """The source error for a file that could not be opened or read; its state follows from errno."""
    reason = f"{text.clean(str(path))}: {error.strerror or type(error).__name__}"
    return SourceUnavailableError(reason, state=_STATES.get(error.errno or 0, FAILED), fix=fix)


def malformed(path: str | Path, expected: str, seen: bytes) -> SourceFormatError:
    """The source error for text that is not in the documented format; it quotes the start of what was seen."""
    return SourceFormatError(f"{text.clean(str(path))}: expected {expected}, got {seen[:_QUOTED]!r}")


def label(value: str | bytes) -> str:
    """Outside text as a label value: clean, never empty, at most ``MAX_VALUE`` bytes."""
    shown = text.clean(value, MAX_VALUE) or "?"
    if len(shown) <= MAX_VALUE // 4:
        return shown
    while len(shown.encode()) > MAX_VALUE:
        shown = shown[:-2] + "…"
    return shown


def read_once(path: str | Path, limit: int = 4096) -> bytes:
    """Open, read at most ``limit`` bytes in one call, close.

    Raises:
        OSError: As the kernel gives it; many files are allowed not to answer.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, limit)
    finally:
        os.close(fd)


def read_number(path: str | Path) -> int | None:
    """The whole number in a one-value file; None when it cannot be read or holds something else."""
    try:
        return int(read_once(path, 64))
    except (OSError, ValueError):
        return None


Reading = bytes | SourceUnavailableError
"""What a file held at one moment, or why it could not be read."""


class ProcFile:
    """A file of /proc or /sys that is read again and again: opened once, read by ``pread`` from the start."""

    __slots__ = ("_fd", "_held", "_single", "path")

    def __init__(self, path: str | Path, *, single: bool = False) -> None:
        """``single``: the kernel makes this file in one piece (single_open), so a short answer is the whole."""
        self.path: Final = str(path)
        self._fd = -1
        self._single = single
        self._held: Reading | None = None

    def read(self) -> bytes:
        """The whole file as it is now, or the reading that is held.

        Raises:
            SourceUnavailableError: It cannot be opened or read, also after opening it afresh.
        """
        held = self._held
        if held is not None:
            self._held = None
            if isinstance(held, bytes):
                return held
            raise held
        if self._fd >= 0:
            try:
                return self._whole()
            except OSError:  # ENODEV: what was behind it went away and may be back under the same name
                self.close()
        try:
            self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            return self._whole()
        except OSError as error:
            self.close()
            raise unavailable(self.path, error) from error

    def fetch(self) -> Reading:
        """What ``read`` would return or raise, to be held later."""
        try:
            return self.read()
        except SourceUnavailableError as error:
            return error

    def hold(self, reading: Reading | None) -> None:
        """Let the next ``read`` give this instead of the file; None: the file again."""
        self._held = reading

    def _whole(self) -> bytes:
        fd = self._fd
        data = os.pread(fd, _CHUNK, 0)
        if self._single and len(data) < _CHUNK:
            return data
        # seq_file hands out about a page a call, whatever is asked for: only an empty answer is the end.
        # The extra call at the end of the file costs 0.4 µs in a row, 20 µs after a sleep.
        while more := os.pread(fd, _CHUNK, len(data)):
            data += more
        return data

    def close(self) -> None:
        """Let go of the descriptor. Twice is harmless."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)


def fetch_all(files: Sequence[ProcFile]) -> list[Reading]:
    """What each of these holds now, or why it cannot be read; all of them ``single``.

    Ten times a second after a sleep, on cold caches: in as few calls as can be.
    """
    try:
        found: list[Reading] = [os.pread(file._fd, _CHUNK, 0) for file in files]
    except OSError:  # not open yet, or gone
        return [file.fetch() for file in files]
    for place, data in enumerate(found):
        if len(data) >= _CHUNK:  # type: ignore[arg-type]  # all of them are bytes
            found[place] = files[place].fetch()
    return found
