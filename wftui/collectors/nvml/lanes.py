"""Threads that call NVML, and who watches them.

A *crew* does one kind of work (fast readings, slow ones, enumeration) for many targets, one after the other, in
one thread at a time: its *lane*. A call that is not back by the crew's deadline keeps its lane and its target;
another lane goes on with the others. When the call does come back, that lane hands its target back and ends.
Threads cannot be cancelled, so at most one waits for each target and crew.
"""

import sys
import threading
from collections.abc import Callable, Hashable, Iterable
from typing import Final, Generic, NamedTuple, TypeVar

from wftui import clock
from wftui.collectors.nvml.binding import Binding

T = TypeVar("T", bound=Hashable)

STACK_BYTES: Final = 1 << 20
"""Of a lane: how much a driver's library puts there is not known; what is not used costs no memory."""


class Waiting(NamedTuple):
    """A call that has not come back in time."""

    call: str
    since_ns: int
    """``clock.perf_ns``."""


class _Lane(threading.Thread, Generic[T]):
    """One thread; it lives as long as its crew does, or until a call keeps it."""

    def __init__(self, crew: "Crew[T]") -> None:
        super().__init__(name=f"wftop-{crew.name}", daemon=True)
        self.call: tuple[str, int] | None = None
        """(name, ``clock.perf_ns``) of what is under way."""
        self.target: T | None = None
        self.target_ns = 0
        self.left = False
        """Its crew goes on without it."""
        self._crew = crew
        self._go = threading.Semaphore(0)

    def go(self) -> None:
        """Work through what the crew has to do."""
        self._go.release()

    def run(self) -> None:
        crew = self._crew
        crew.binding.under_way.track = self
        while True:
            self._go.acquire()
            while (target := crew.take(self)) is not None:
                try:
                    crew.work(target)
                except Exception:  # noqa: BLE001  a mistake of ours costs one reading, never the lane and its GPUs
                    crew.mistaken()
                if crew.done(self, target):
                    return
            if self.left:
                return


class Crew(Generic[T]):
    """Work for targets in turn. Used by one thread, the main one; ``take`` and ``done`` are the lanes'."""

    def __init__(self, name: str, binding: Binding, work: Callable[[T], None], deadline_s: float) -> None:
        """``work`` should not raise; what it raises is told on stderr, once."""
        self.name = name
        self.binding = binding
        self.work = work
        self.deadline_ns = int(deadline_s * 1e9)
        self._lock = threading.Lock()
        self._idle = threading.Event()
        self._idle.set()
        self._todo: list[T] = []
        self._lane: _Lane[T] | None = None
        self._held: dict[T, _Lane[T]] = {}
        self._told = False

    @property
    def busy(self) -> bool:
        """Whether the last round is not over yet."""
        return not self._idle.is_set()

    def begin(self, targets: Iterable[T]) -> bool:
        """Start a round with all targets that no lane waits for; False: the last one is not over."""
        if self.busy:
            self.look()
            if self.busy:
                return False
        with self._lock:
            self._todo = [target for target in targets if target not in self._held]
            self._todo.reverse()
            if not self._todo:
                return True
            self._idle.clear()
            if self._lane is None:
                self._lane = self._new()
            self._lane.go()
        return True

    def wait(self, seconds: float) -> bool:
        """Wait until the round is over, letting lanes go that are kept; whether it is."""
        end = clock.perf_ns() / 1e9 + seconds
        while not self._idle.wait(max(0.0, min(end - clock.perf_ns() / 1e9, self.deadline_ns / 1e9 + 0.005))):
            self.look()
            if clock.perf_ns() / 1e9 >= end:
                return not self.busy
        return True

    def look(self) -> None:
        """Leave a lane to its fate whose call is over the deadline, and go on with the other targets."""
        with self._lock:
            lane = self._lane
            if lane is None or lane.target is None or self._idle.is_set():
                return
            call = lane.call
            since = call[1] if call is not None else lane.target_ns
            if clock.perf_ns() - since < self.deadline_ns:
                return
            lane.left = True
            self._held[lane.target] = lane
            self._lane = None
            if self._todo:
                self._lane = self._new()
                self._lane.go()
            else:
                self._idle.set()

    def waiting(self) -> dict[T, Waiting]:
        """Targets whose call has not come back, by then longer than the deadline."""
        with self._lock:
            return {
                target: Waiting(
                    lane.call[0] if lane.call else self.name, lane.call[1] if lane.call else lane.target_ns
                )
                for target, lane in self._held.items()
            }

    def _new(self) -> _Lane[T]:
        lane = _Lane(self)
        lane.start()
        return lane

    # ---- what lanes do

    def mistaken(self) -> None:
        """Work raised: tell it once, go on."""
        if not self._told:
            self._told = True
            sys.excepthook(*sys.exc_info())

    def take(self, lane: _Lane[T]) -> T | None:
        """The next target; None: nothing is left, or the lane was left."""
        with self._lock:
            if lane.left:
                return None
            if not self._todo:
                lane.target = None
                self._idle.set()
                return None
            target = self._todo.pop()
            lane.target, lane.target_ns, lane.call = target, clock.perf_ns(), None
            return target

    def done(self, lane: _Lane[T], target: T) -> bool:
        """A target is done; True: the lane was left meanwhile and has to end."""
        with self._lock:
            if lane.left:
                self._held.pop(target, None)
                return True
            lane.target = None
            return False
