"""Memory of the servers that are watched, as samples: theirs as the kernel says, beside what they claim."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from wftui.clock import NS_PER_S, Instant
from wftui.collectors.servers.memory import Weights, use, weights
from wftui.model.sample import Column, Reading, Sample, column
from wftui.model.servers import SOURCE

WEIGHTS_NS: Final = 30 * NS_PER_S
"""To see which pages of a mapping are there the kernel walks all of them: 64 GiB of 4 KiB pages take 50 ms."""


class Weighing:
    """Remembers what is asked seldom. Called from one thread."""

    def __init__(self, proc: str | Path = "/proc") -> None:
        self._proc = proc
        self._columns: dict[tuple[str, str], Column] = {}
        self._weights: dict[str, Weights | None] = {}
        self._due_ns = 0

    def reading(self, servers: Mapping[str, Sequence[int]], at: Instant, interval_s: float) -> Reading:
        """Memory of all of them now.

        Args:
            servers: Endpoint to the pids of its processes.
            at: Now.
            interval_s: To the next reading.
        """
        look = at.boottime_ns >= self._due_ns or servers.keys() - self._weights.keys()
        if look:
            self._due_ns = at.boottime_ns + WEIGHTS_NS
            self._weights = {name: weights(self._proc, pids) for name, pids in servers.items()}
        samples = []
        for name, pids in servers.items():
            held = use(self._proc, pids)
            if held is not None:
                samples += [
                    Sample(self._column(name, "resident"), held.resident),
                    Sample(self._column(name, "swapped"), held.swapped),
                    Sample(self._column(name, ""), held.faults),
                ]
            mapped = self._weights.get(name)
            if mapped is not None:
                samples += [
                    Sample(self._column(name, "weights"), mapped.size),
                    Sample(self._column(name, "weights_resident"), mapped.resident),
                ]
        return Reading(at, interval_s, samples)

    def _column(self, server: str, mode: str) -> Column:
        found = self._columns.get((server, mode))
        if found is None:
            labels = {"server": server}
            if mode:
                call = "/proc/PID/smaps" if mode.startswith("weights") else "/proc/PID/status"
                made = column(SOURCE, "inference.server.memory", {**labels, "mode": mode}, call=call)
            else:
                made = column(SOURCE, "inference.server.memory.faults", labels, call="/proc/PID/stat")
            found = self._columns[server, mode] = made
        return found
