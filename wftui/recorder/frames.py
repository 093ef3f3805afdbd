"""The desk of all programs that make frames: frames come in, what they were like goes out, once a second.

Programs push the time of each frame and its parts, a core tells its own, and each view of wftop reports those it
drew while it moved fully.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final, NamedTuple

from wftui.clock import NS_PER_S, Instant
from wftui.model.sample import DERIVED, Column, Reading, Sample, Scrape, column
from wftui.model.streams import FRAMES
from wftui.model.table import Row, TableSnapshot
from wftui.windows.frames import SHARES, Frames, Look
from wftui.wire.reports import Report

SOURCE: Final = FRAMES.source
MOST: Final = 64
"""Programs."""
LATE_S: Final = 0.25
"""Frames are told so late at most: pushed by fifths of a second. Their windows end so long ago."""
REPORT_S: Final = 1.5
"""The same of a view, which reports once a second."""
PAUSED_S: Final = 10.0
"""A program that makes no frames for longer has no rate."""
UNSEEN_S: Final = 3.0
"""A view that reports no frames for so long does not move fully any more."""
FORGOTTEN_S: Final = 600.0
INPUT_S: Final = 10.0
_INPUTS: Final = 600
_WAITING: Final = 256
_FULL: Final = "full"
_LONG: Final = 300
_EVERY: Final = 10
"""The longest window is told once in so many seconds."""
_WINDOWS: Final = {1: "1s", 10: "10s", _LONG: "5m"}
_NOTHING: Final[Mapping[str, float]] = {}


class Who(NamedTuple):
    """Whose frames they are."""

    label: str
    """``source`` or ``view``."""
    name: str


class _Program:
    """One of them."""

    def __init__(self, who: Who) -> None:
        self.who = who
        self.frames = Frames()
        """Without those that wait."""
        self.waiting: list[tuple[float, float, Mapping[str, float]]] = []
        """(when, time, parts) of frames, until the second ends: sixty in a row cost what ten cost one by one."""
        self.stages: dict[str, float] = {}
        """Parts of the frame that has not been told yet, s."""
        self.inputs: deque[tuple[float, float]] = deque(maxlen=_INPUTS)
        """(when, latency), s."""
        self.seen_s = 0.0
        self.look: Look | None = None
        """Of the last ten seconds."""
        self._columns: dict[tuple[str, int], Column] = {}

    @property
    def late_s(self) -> float:
        return LATE_S if self.who.label == "source" else REPORT_S

    def goes_on(self, now_s: float) -> bool:
        """Whether it still makes frames, or paused a moment ago."""
        return now_s - self.seen_s < (PAUSED_S if self.who.label == "source" else UNSEEN_S)

    def take_in(self) -> None:
        """Those that wait."""
        for frame in self.waiting:
            self.frames.frame(*frame)
        self.waiting.clear()

    def column(self, name: str, span_s: int = 0) -> Column:
        found = self._columns.get((name, span_s))
        if found is None:
            labels = {self.who.label: self.who.name}
            if span_s:
                labels["mode"] = _WINDOWS[span_s]
            found = column(SOURCE, name, labels, call="times of its frames", quality=DERIVED)
            self._columns[name, span_s] = found
        return found

    def window(self, span_s: int, now_s: float) -> list[Sample]:
        """What the frames of the last whole seconds were like; unknown is NaN, and left out."""
        look = self.frames.look(now_s - self.late_s, span_s)
        if span_s == _EVERY:
            self.look = look
        return [
            Sample(self.column(f"ux.frame.{name}", span_s), value)
            for name, value in (
                ("rate", look.fps), ("p50", look.p50_s), ("p95", look.p95_s), ("p99", look.p99_s),
                ("longest", look.longest_s), ("jitter", look.jitter_s), ("low", look.low_fps),
                ("jank", look.jank), ("stability", look.stability),
            )
        ]  # fmt: skip

    def row(self, now_s: float) -> Row:
        look = self.look
        stages = look.stages if look is not None else {}
        while self.inputs and self.inputs[0][0] < now_s - INPUT_S:
            self.inputs.popleft()
        waits = sorted(latency for _, latency in self.inputs)
        slow = waits[min(len(waits) - 1, int(0.95 * len(waits)))] if waits else None
        told = [round(stages[name], 6) if name in stages else None for name in SHARES]
        bottleneck = look.bottleneck if look is not None else ""
        return (self.who.name, bottleneck, *told, slow)


class FrameDesk:
    """Of one recorder. Times are seconds of CLOCK_BOOTTIME."""

    def __init__(self) -> None:
        self._programs: dict[Who, _Program] = {}
        self._rows: dict[str, Row] = {}
        self._seconds = 0

    @property
    def programs(self) -> int:
        """That are known."""
        return len(self._programs)

    # ---- what comes

    def frame(self, program: str, at_s: float, took_s: float, stages: Mapping[str, float] = _NOTHING) -> None:
        """A program made a frame; parts of it that were told before it are of it."""
        found = self._program(Who("source", program), at_s)
        if found is None:
            return
        if found.stages:
            stages, found.stages = {**found.stages, **stages}, {}
        found.waiting.append((at_s, took_s, stages))
        if len(found.waiting) >= _WAITING:
            found.take_in()

    def lost(self, program: str, at_s: float, count: int) -> None:
        """Frames of a program are missing."""
        found = self._program(Who("source", program), at_s)
        if found is not None:
            found.take_in()
            found.frames.lose(at_s, count)

    def stage(self, program: str, at_s: float, stage: str, took_s: float) -> None:
        """A part of the frame that comes took so long."""
        found = self._program(Who("source", program), at_s) if stage in SHARES else None
        if found is not None:
            found.stages[stage] = found.stages.get(stage, 0.0) + took_s

    def input(self, program: str, at_s: float, latency_s: float) -> None:
        """What a person did had its effect after so long."""
        found = self._programs.get(Who("source", program))
        if found is not None:
            found.inputs.append((at_s, latency_s))

    def view(self, label: str, report: Report, now_s: float) -> None:
        """A view reports; its frames count while it moves fully."""
        drawn = report.frames_drawn
        if drawn is None or report.motion != _FULL or not drawn.took_s:
            return
        found = self._program(Who("view", label), now_s)
        if found is None:
            return
        # Sums are all that is told: each frame has the mean.
        stages = {stage: took_s / len(drawn.took_s) for stage, took_s in drawn.stages_s.items() if stage in SHARES}
        for took_s, ago_s in zip(drawn.took_s, drawn.ago_s, strict=False):
            if took_s >= 0 and 0 <= ago_s < PAUSED_S:
                found.frames.frame(now_s - ago_s, took_s, stages)
        if report.key_s is not None:
            found.inputs.append((now_s, report.key_s))

    def _program(self, who: Who, at_s: float) -> _Program | None:
        found = self._programs.get(who)
        if found is None:
            if len(self._programs) >= MOST:
                return None
            found = self._programs[who] = _Program(who)
        found.seen_s = max(found.seen_s, at_s)
        return found

    # ---- what is told

    def collect(self, at: Instant) -> Scrape | None:
        """Of the second that ended; None: there is nothing to tell."""
        if not self._programs and not self._rows:
            return None
        now_s = at.boottime_ns / NS_PER_S
        self._seconds += 1
        samples: list[Sample] = []
        seldom: list[Sample] = []
        for program in list(self._programs.values()):
            if now_s - program.seen_s > FORGOTTEN_S:
                del self._programs[program.who]
                continue
            program.take_in()
            if not program.goes_on(now_s):
                continue
            samples += program.window(1, now_s)
            samples += program.window(_EVERY, now_s)
            samples.append(Sample(program.column("ux.frames.over"), program.frames.over))
            samples.append(Sample(program.column("ux.frames.lost"), program.frames.lost))
            if self._seconds % _EVERY == 1:
                seldom += program.window(_LONG, now_s)
        rows = {f"{who.label}:{who.name}": program.row(now_s) for who, program in self._programs.items()}
        tables: tuple[TableSnapshot, ...] = ()
        if rows != self._rows:
            self._rows = rows
            tables = (TableSnapshot(FRAMES, at.time_ns, rows),)
        return Scrape(samples, tables, readings=(Reading(at, float(_EVERY), seldom),) if seldom else ())

    def clear(self) -> None:
        """Nothing is known any more."""
        self._programs.clear()
        self._rows = {}
