"""The tap: ticks and events as JSON lines in a rotated file, for whoever wants to feed something else with them.

Off unless asked for (``tap.enabled``). Tables are not in it, so nothing of processes is; of events about processes
only the numbers are told.
"""

import threading
import time
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

import msgspec

from wftui import log
from wftui.errors import ConfigError
from wftui.log import Log
from wftui.model.event import Event
from wftui.model.tick import Layout, Tick, unpack
from wftui.paths import private_dir
from wftui.units import NS_PER_S

QUEUE: Final = 120
"""Ticks and events that wait for a slow disk at most; what comes then is dropped and counted."""

_encode: Final = msgspec.json.Encoder().encode


class Tap:
    """A thread that writes what it is handed."""

    def __init__(self, path: Path, max_bytes: int, files: int, days: float) -> None:
        """Begin; ``max_bytes`` (By) of one file, ``files`` kept, none older than ``days``."""
        self.path = path
        self.dropped = 0
        """Lines that were not written."""
        self._file = Log(path, max_bytes=max_bytes, files=files, days=days)
        self._queue: SimpleQueue[tuple[Tick, Layout] | Event | None] = SimpleQueue()
        self._failed = False
        self._thread = threading.Thread(target=self._run, name="wftop-tap", daemon=True)
        self._thread.start()

    def put(self, item: tuple[Tick, Layout] | Event) -> None:
        """Hand over a tick or an event; never waits."""
        if self._queue.qsize() >= QUEUE:
            self.dropped += 1
        else:
            self._queue.put(item)

    def close(self, timeout_s: float = 1.0) -> None:
        """Write what is there and close the file."""
        self._queue.put(None)
        self._thread.join(timeout_s)
        self._file.close()

    def _run(self) -> None:
        try:
            private_dir(self.path.parent)
        except ConfigError as error:
            log.error("tap", str(error))
        while (item := self._queue.get()) is not None:
            try:
                self._file.put(_line(item))
                self._failed = False
            except (OSError, ConfigError) as error:
                self.dropped += 1
                if not self._failed:
                    log.error("tap", f"{self.path}: cannot be written: {error}")
                self._failed = True


def _line(item: tuple[Tick, Layout] | Event) -> bytes:
    if isinstance(item, Event):
        return (
            _encode(
                {
                    "type": "event",
                    "time": _rfc3339(item.time_ns // NS_PER_S),
                    "time_ns": item.time_ns,
                    "seq": item.seq,
                    "event_id": item.event_id,
                    "event": item.type,
                    "about": {"type": item.aggregate_type, "id": item.aggregate_id},
                    "payload": _told(item),
                }
            )
            + b"\n"
        )
    tick, layout = item
    values = zip(layout.columns, unpack(tick.values), strict=False)
    return (
        _encode(
            {
                "type": "tick",
                "time": _rfc3339(tick.time_s),
                "time_ns": tick.time_s * NS_PER_S,
                "seq": tick.seq,
                # NaN, no value, becomes null.
                "values": {column.series.text: value for column, value in values},
            }
        )
        + b"\n"
    )


def _told(item: Event) -> dict[str, Any]:  # Any: JSON values, fixed by the event type
    if item.aggregate_type != "process":
        return item.payload
    return {key: value for key, value in item.payload.items() if isinstance(value, int | float)}


def _rfc3339(time_s: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time_s))
