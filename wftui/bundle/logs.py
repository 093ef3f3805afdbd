"""wftop's own log, for a bundle: the lines of a range of time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wftui import log
from wftui.bundle import format as form
from wftui.bundle.format import LogLine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wftui.bundle.privacy import Redactor

_OTHER: Final = form.LINES // 5
_BYTES: Final = 16 * 1024 * 1024


def lines(folder: Path, redactor: Redactor, since_ns: int, until_ns: int) -> tuple[bytes, int]:
    """Those of [since, until) as ``log.jsonl`` has them, oldest first, and how many older ones were too many.

    Args:
        folder: Where ``wftop.log`` lies.
        redactor: For messages and fields.
        since_ns: UTC.
        until_ns: UTC.
    """
    found = [
        msgspec.json.encode(_line(time_ns, item, redactor)) + b"\n"
        for time_ns, item in _read(folder)
        if since_ns <= time_ns < until_ns
    ]
    first, size = max(0, len(found) - _OTHER), sum(map(len, found))
    for at in range(first):
        size -= len(found[at])
    while size > _BYTES:
        size -= len(found[first])
        first += 1
    return b"".join(found[first:]), first


def _read(folder: Path) -> Iterator[tuple[int, dict[str, Any]]]:  # Any: JSON values
    """Time (ns, UTC) and the rest of each line, oldest first."""
    for number in range(log.FILES - 1, -1, -1):
        path = folder / (f"wftop.log.{number}" if number else "wftop.log")
        try:
            raw = path.read_bytes()
        except OSError:
            continue
        for line in raw.splitlines():
            try:
                found = msgspec.json.decode(line, type=dict[str, Any])  # Any: as above
                yield _ns(str(found.pop("time"))), found
            except (msgspec.MsgspecError, KeyError, ValueError):
                continue  # cut in the middle of a write


def _line(time_ns: int, found: dict[str, Any], redactor: Redactor) -> LogLine:  # Any: as above
    level, about, message = (str(found.pop(key, "")) for key in ("level", "area", "message"))
    told = redactor.log_message(about, message)
    return LogLine(time_ns, redactor.text(level), redactor.text(about), told, redactor.log_fields(found))


def _ns(text: str) -> int:
    """``2026-11-20T14:32:05.123Z`` in ns."""
    moment = datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1_000_000_000 + int(text[20:23] or 0) * 1_000_000
