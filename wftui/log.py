"""The program's own log: JSON lines in a file, never on stdout or stderr, and never a reason to fail.

Not the standard `logging`: importing it costs 1.5 ms and 0.5 MB in the recorder, and it prints its own
failures on stderr, over the screen. Until `open_log` is called, lines are dropped and counted.
"""

import fcntl
import os
import threading
import time
from pathlib import Path
from typing import Final, Literal

from wftui import paths, redact, text
from wftui.errors import ConfigError

Level = Literal["debug", "info", "warning", "error"]

MAX_BYTES: Final = 1 << 20
FILES: Final = 3
DAYS: Final = 30.0
"""A file is put away when its first line is half as old, and removed when its last line is this old."""
_DAY_NS: Final = 86_400 * 10**9
_LEVELS: Final = {"debug": 0, "info": 1, "warning": 2, "error": 3}
_TRACEBACK_LINES: Final = 200


class Log:
    """One log file with its older ones (``.1``, ``.2``); several processes may write to it at once."""

    def __init__(
        self,
        path: Path | None = None,
        *,
        level: Level = "info",
        max_bytes: int = MAX_BYTES,
        files: int = FILES,
        days: float = DAYS,
    ) -> None:
        self._path = path
        self._level = _LEVELS[level]
        self._max_bytes = max_bytes
        self._files = files
        self._days = days
        self._began_ns = 0
        self._fd = -1
        # Reentrant: a signal handler may log while its own thread is writing.
        self._lock = threading.RLock()
        self.dropped = 0
        """Lines that were not written."""

    def write(self, level: Level, area: str, message: str, fields: dict[str, object]) -> None:
        """Write one line; whatever goes wrong only counts as a dropped line."""
        if _LEVELS[level] < self._level:
            return
        try:
            line = _line(level, area, message, fields)
            with self._lock:
                self.put(line)
        except Exception:  # noqa: BLE001 - a log that raises would take down what it reports on
            self.dropped += 1

    def close(self) -> None:
        """Close the file; later lines are dropped and counted. Twice is harmless."""
        with self._lock:
            fd, self._fd = self._fd, -1
            self._path = None
            if fd >= 0:
                os.close(fd)

    def put(self, line: bytes) -> None:
        """Append a ready line, ended by a newline; rotate first when it is time.

        Raises:
            OSError, ConfigError: It could not be written.
        """
        if self._path is None:
            self.dropped += 1
            return
        self._current(self._path)
        old = time.time_ns() - self._began_ns > self._days * _DAY_NS / 2
        if 0 < os.fstat(self._fd).st_size > (0 if old else self._max_bytes - len(line)):
            self._rotate(self._path)
        # O_APPEND and one write: lines of several processes never mix.
        if os.write(self._fd, line) != len(line):
            self.dropped += 1

    def _current(self, path: Path) -> None:
        """Have the file of that name open, also after another process has moved it away."""
        if self._fd >= 0:
            try:
                if os.path.samestat(os.fstat(self._fd), path.stat()):
                    return
            except FileNotFoundError:
                pass  # removed: made again below
            os.close(self._fd)
            self._fd = -1
        self._fd = paths.open_private(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        self._began_ns = _began(os.pread(self._fd, 64, 0)) or time.time_ns()

    def _rotate(self, path: Path) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return  # another process is at it; one line more does no harm
        if os.path.samestat(os.fstat(self._fd), path.stat()):
            for number in range(self._files - 1, 0, -1):
                older = path.with_name(f"{path.name}.{number}")
                newer = path.with_name(f"{path.name}.{number - 1}") if number > 1 else path
                if newer.exists():
                    newer.replace(older)
            if self._files == 1:
                path.unlink()
            self._remove_old(path)
        self._current(path)  # closing the old one ends its lock

    def _remove_old(self, path: Path) -> None:
        for number in range(1, self._files):
            older = path.with_name(f"{path.name}.{number}")
            if older.exists() and time.time_ns() - older.stat().st_mtime_ns > self._days * _DAY_NS:
                older.unlink()


def _began(head: bytes) -> int:
    """Time (ns) of a log's first line, right to a day (it is UTC, read as local time); 0: it has none."""
    stamp = head.partition(b'"time":"')[2]
    try:
        # Not strptime: that imports locale and datetime, 9 ms.
        return int(time.mktime((int(stamp[:4]), int(stamp[5:7]), int(stamp[8:10]), 12, 0, 0, 0, 0, 0))) * 10**9
    except (ValueError, OverflowError):
        return 0


_log = Log()


def open_log(
    path: Path,
    *,
    level: Level = "info",
    max_bytes: int = MAX_BYTES,
    files: int = FILES,
    days: float = DAYS,
) -> Log:
    """Send this process's lines to `path` (0600, its folder made private); return the log to close at the end.

    When the file cannot be made, lines go on being dropped and counted, and the log says so by `dropped`.
    """
    global _log
    dropped = _log.dropped
    _log.close()
    _log = Log(path, level=level, max_bytes=max_bytes, files=files, days=days)
    _log.dropped = dropped
    try:
        paths.private_dir(path.parent)
    except ConfigError:
        _log.close()
    return _log


def dropped() -> int:
    """Count the lines that were not written, by this process and since its start."""
    return _log.dropped


def debug(area: str, message: str, **fields: object) -> None:
    """Write a line that only a search for a fault needs."""
    _log.write("debug", area, message, fields)


def info(area: str, message: str, **fields: object) -> None:
    """Write what happened in the normal course."""
    _log.write("info", area, message, fields)


def warning(area: str, message: str, **fields: object) -> None:
    """Write what went wrong and was recovered from."""
    _log.write("warning", area, message, fields)


def error(area: str, message: str, *, exc: BaseException | None = None, **fields: object) -> None:
    """Write what went wrong; `exc` adds the field ``traceback``."""
    if exc is not None:
        fields["traceback"] = exc
    _log.write("error", area, message, fields)


def _line(level: str, area: str, message: str, fields: dict[str, object]) -> bytes:
    import msgspec  # the first frame and a refused second recorder log nothing and need not load it

    now_ns = time.time_ns()
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now_ns // 10**9))
    row: dict[str, object] = {
        "time": f"{seconds}.{now_ns // 10**6 % 1000:03d}Z",
        "level": level,
        "area": _safe(area),
        "message": _safe(message),
    }
    for name, value in fields.items():
        row.setdefault(text.clean(name, 64), _safe(value))
    return msgspec.json.encode(row) + b"\n"


def _safe(value: object) -> object:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else str(value)
    if isinstance(value, BaseException):
        import traceback  # only a failure needs it

        lines = "".join(traceback.format_exception(value)[-_TRACEBACK_LINES:]).split("\n")
        return "\n".join(text.clean(redact.message(line)) for line in lines if line)
    return text.clean(redact.message(value if isinstance(value, str) else str(value)))
