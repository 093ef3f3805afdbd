"""A daemon thread for one source that may block."""

import threading
from collections.abc import Callable
from queue import SimpleQueue

from wftui import clock
from wftui.clock import Instant
from wftui.collectors.base import Collector
from wftui.model.sample import Scrape

Done = Callable[[Instant, Scrape | Exception, float, float], None]
"""(when it began, what came, CPU seconds, wall seconds), called in the thread."""


class Worker:
    """Runs one collector's collections in turn. A stuck one is left alone: threads cannot be killed."""

    def __init__(self, collector: Collector, done: Done) -> None:
        self._collector = collector
        self._done = done
        self._requests: SimpleQueue[Instant | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"wftop-{collector.name}", daemon=True)
        self._thread.start()

    def request(self, at: Instant) -> None:
        """Collect once. The caller asks for no second one before the first is done."""
        self._requests.put(at)

    def stop(self) -> None:
        """End when idle; does not wait."""
        self._requests.put(None)

    def _run(self) -> None:
        while (at := self._requests.get()) is not None:
            started, cpu = clock.perf_ns(), clock.thread_cpu_ns()
            result: Scrape | Exception
            try:
                result = self._collector.collect(at)
            except Exception as error:  # noqa: BLE001  the collector loop: this source becomes `failed`, others go on
                result = error
            cost_s, duration_s = (clock.thread_cpu_ns() - cpu) / 1e9, (clock.perf_ns() - started) / 1e9
            self._done(at, result, cost_s, duration_s)
        self._collector.close()
