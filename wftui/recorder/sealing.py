"""When the sealer runs, a child for a second each hour, and what becomes of what it says."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

import msgspec

from wftui import log
from wftui.recorder.errand import Errand, Usage
from wftui.store.outcome import Report
from wftui.store.retention import Caps

HOUR_S: Final = 3600
FIRST_S: Final = 20.0
"""After the start, when hours from before are waiting."""
AFTER_HOUR_S: Final = 60.0
"""After the first tick of a new hour: what comes late is there."""
RETRY_S: Final = (60.0, 300.0, 900.0)
"""After the first, the second and each later failure in a row."""
LATER_S: Final = 60.0
"""When the journal cannot be written, or another process has the segments."""
BUSY_TIMES: Final = 15
"""In a row, then it is a failure: a sealer of a recorder that was killed may hang."""
CLOSE_S: Final = 1.0


class Kept(Protocol):
    """What is needed of the journal's keeper."""

    sealed_seq: int
    segments_bytes: int | None
    manifest_lost: bool

    @property
    def in_memory(self) -> bool: ...
    @property
    def writes(self) -> bool: ...
    def oldest_unsealed(self, tell: Callable[[int | None], object]) -> None: ...


class Sealing:
    """Runs the sealer; all methods belong to the loop's thread."""

    def __init__(
        self, command: list[str], keeper: Kept, emit: Callable[[str, tuple[str, str], dict[str, object]], object]
    ) -> None:
        """``emit`` makes an event of a type, about something, with a payload."""
        self._command = command
        self._keeper = keeper
        self._emit = emit
        self._loop: asyncio.AbstractEventLoop | None = None
        self._hour: int | None = None
        self._due_ns: int | None = None
        self._now_ns = 0
        self._looked = False
        self._run: Errand | None = None
        self._failures = self._busy = 0
        self._closed = False
        self.damaged = 0
        """Segments that were set aside in this session."""
        self.cpu_s = 0.0
        """Of the sealers of this session."""
        self.duration_s: float | None = None
        """Wall time of the last one; None: none ended yet."""
        self.peak_bytes = 0
        """Peak RSS of the last one."""

    @property
    def pid(self) -> int | None:
        """Of the sealer that runs."""
        return None if self._run is None else self._run.pid

    def second_ended(self, time_s: int, boottime_ns: int) -> None:
        """Look whether a seal is due.

        Args:
            time_s: UTC second of the tick that was closed.
            boottime_ns: CLOCK_BOOTTIME.
        """
        hour, self._now_ns = time_s // HOUR_S, boottime_ns
        if self._hour is None:
            self._plan(FIRST_S)
        elif hour != self._hour:
            # Also when the wall clock was stepped: what was recorded before is an hour of its own.
            self._looked = True
            self._plan(AFTER_HOUR_S)
        self._hour = hour
        if self._due_ns is None or boottime_ns < self._due_ns or self._run is not None or self._closed:
            return
        self._due_ns = None
        if self._keeper.in_memory:
            return
        if not self._keeper.writes:
            self._plan(LATER_S)  # a full disk takes no segments; it is told already
        elif self._looked:
            self._start()
        else:
            loop = asyncio.get_running_loop()
            self._keeper.oldest_unsealed(lambda oldest_s: loop.call_soon_threadsafe(self._found, oldest_s))

    def _plan(self, after_s: float) -> None:
        due_ns = self._now_ns + int(after_s * 1e9)
        self._due_ns = due_ns if self._due_ns is None else min(self._due_ns, due_ns)

    def _found(self, oldest_s: int | None) -> None:
        """The second of the first tick that no segment has."""
        self._looked = True
        waits = oldest_s is not None and oldest_s // HOUR_S != self._hour
        if (waits or self._keeper.manifest_lost) and self._run is None and not self._closed:
            self._start()

    def _start(self) -> None:
        try:
            self._run = Errand("seal", self._command, self._ended)
        except OSError as error:
            self._failed(f"cannot be started: {error.strerror or error}")

    def _ended(self, code: int, output: str, usage: Usage) -> None:
        self._run = None
        self.cpu_s += usage.cpu_s
        if self._closed:
            return
        said, reason = _read(output)
        if said is not None and said.busy:
            self._busy += 1
            if self._busy >= BUSY_TIMES:
                self._failed(f"another process has held the segments for {BUSY_TIMES * LATER_S / 60:g} minutes")
            else:
                self._plan(LATER_S)
            return
        self._busy = 0
        self.duration_s, self.peak_bytes = usage.wall_s, usage.peak_bytes
        if said is not None:
            self._keeper.sealed_seq = said.sealed_seq
            self._keeper.segments_bytes = said.segments_bytes
            self._keeper.manifest_lost = False
            for error in said.errors:
                log.warning("seal", "a part of it failed", reason=error)
            if said.aside:
                self._emit("store.damaged", ("store", "segments"), {"reason": said.errors[0]})
            for file in said.segments_aside:
                self.damaged += 1
                self._emit("store.segment_damaged", ("store", "segments"), {"file": file})
        if code:
            self._failed(reason or (f"ended by signal {-code}" if code < 0 else f"ended with code {code}"))
            return
        self._failures = 0
        if said is not None:
            fields = {name: getattr(said, name) for name in said.__struct_fields__ if getattr(said, name)}
            log.info("seal", "sealed", **fields)

    def _failed(self, reason: str) -> None:
        wait_s = RETRY_S[min(self._failures, len(RETRY_S) - 1)]
        self._failures += 1
        log.error("seal", "the sealer failed", reason=reason, again_in_s=wait_s)
        if self._failures == 1:
            self._emit("store.seal_failed", ("store", "segments"), {"reason": reason})
        self._plan(wait_s)

    async def close(self) -> None:
        """End the sealer that runs: what it did not commit is done next time. Twice is harmless."""
        self._closed = True
        if self._run is not None:
            await self._run.end(CLOSE_S)


def _read(output: str) -> tuple[Report | None, str]:
    """The report, and the last line that is none, as the reason of a failure."""
    said, reason = None, ""
    for line in output.splitlines():
        if line.startswith("{"):
            with suppress(msgspec.MsgspecError):
                said = msgspec.json.decode(line, type=Report)
                continue
        if line.strip():
            reason = line.strip().removeprefix("wftop: ")
    return said, reason


def sealer(data_dir: Path, caps: Caps) -> list[str]:
    """The command that seals a data dir."""
    keep = msgspec.json.encode(caps).decode()
    return [sys.executable, "-m", "wftui.store.sealer", str(data_dir), f"--caps={keep}"]
