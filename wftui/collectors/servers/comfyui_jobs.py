"""Jobs of a ComfyUI: those that ended, of its history, and the one that runs, of its WebSocket's messages.

Workflows, prompts and names of files stand in both and are passed over unread.
"""

from bisect import bisect_left
from typing import Final

import msgspec

from wftui import text
from wftui.collectors.servers.figures import Histogram
from wftui.errors import SourceFormatError

BOUNDS: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600, float("inf"))
"""Seconds."""
_STARTED: Final = "execution_start"
_ENDS: Final = {
    "execution_success": "finished",
    "execution_error": "failed",
    "execution_interrupted": "aborted",
}
_MS: Final = 1000.0


class _Stamp(msgspec.Struct):
    timestamp: float | None = None
    """ms, UTC; old versions give none."""


class _Status(msgspec.Struct):
    messages: list[tuple[str, _Stamp]] = []


class _Job(msgspec.Struct):
    status: _Status | None = None


class Jobs:
    """Counts jobs that end. Those that had ended before the first look are not counted."""

    def __init__(self) -> None:
        self._seen: frozenset[str] | None = None
        self._buckets = [0.0] * len(BOUNDS)
        self._total = 0.0
        self.counts: dict[str, float] = dict.fromkeys(_ENDS.values(), 0.0)
        """How it ended → how many."""

    def take(self, history: bytes) -> None:
        """Count what is new in an answer of ``/history``.

        Raises:
            SourceFormatError: It is none.
        """
        try:
            jobs = msgspec.json.decode(history, type=dict[str, _Job], strict=False)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise SourceFormatError(f"/history: {text.clean(str(error))[:120]}") from error
        seen, self._seen = self._seen, frozenset(jobs)
        if seen is None:
            return
        for name in reversed(jobs):
            if name in seen:
                break  # what stands before it is older than our first look, or was counted
            if (status := jobs[name].status) is not None:
                self._count(status)

    def _count(self, status: _Status) -> None:
        start = next((stamp.timestamp for what, stamp in status.messages if what == _STARTED), None)
        for what, stamp in status.messages:
            mode = _ENDS.get(what)
            if mode is None:
                continue
            self.counts[mode] += 1
            if mode == "finished" and start is not None and stamp.timestamp is not None:
                took = max(0.0, (stamp.timestamp - start) / _MS)
                self._buckets[bisect_left(BOUNDS, took)] += 1
                self._total += took
            return

    def durations(self) -> Histogram:
        """Of jobs that finished, in seconds."""
        counts, so_far = [], 0.0
        for count in self._buckets:
            so_far += count
            counts.append(so_far)
        return Histogram(BOUNDS, tuple(counts), self._total)


class _Node(msgspec.Struct):
    state: str = ""
    value: float | None = None
    max: float | None = None


class _Length(msgspec.Struct, frozen=True):
    queue_remaining: float | None = None


class _Remains(msgspec.Struct, frozen=True):
    exec_info: _Length = _Length()


class _Data(msgspec.Struct):
    prompt_id: str | None = None
    node: str | None = None
    value: float | None = None
    max: float | None = None
    nodes: dict[str, _Node] = {}
    status: _Remains | None = None


class _Kind(msgspec.Struct):
    type: str
    data: msgspec.Raw = msgspec.Raw(b"{}")


_ASKED: Final = frozenset({"status", "executing", "progress", "progress_state", _STARTED, *_ENDS})


class Now:
    """The job that runs, as far as ComfyUI tells us of it."""

    def __init__(self) -> None:
        self.prompt = ""
        """Empty: none runs, or none that we are told of."""
        self.node = ""
        self.progress: float | None = None
        """Of the node that runs, 0 to 1."""
        self._ended = False
        self._remaining = 0.0

    def hear(self, message: str) -> None:
        """Take a message; one of an extension or a broken one says nothing."""
        try:
            kind = msgspec.json.decode(message, type=_Kind)
            if kind.type not in _ASKED:
                return
            data = msgspec.json.decode(kind.data, type=_Data, strict=False)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return
        if kind.type in _ENDS or (kind.type == "executing" and data.node is None):
            self.forget()
            self._ended = True
            return
        if kind.type == "status":
            self._length(data.status)
            return
        self.prompt = data.prompt_id or self.prompt
        if kind.type == "executing":
            self.node, self.progress = data.node or "", None
        elif kind.type == "progress":
            self.node = data.node or self.node
            self.progress = _share(data.value, data.max)
        elif kind.type == "progress_state":
            for name, node in data.nodes.items():
                if node.state == "running":
                    self.node, self.progress = name, _share(node.value, node.max)

    def _length(self, status: _Remains | None) -> None:
        """All clients are told how many remain: with one less, a job has ended, even one between two looks."""
        remaining = status.exec_info.queue_remaining if status is not None else None
        if remaining is not None:
            self._ended = self._ended or remaining < self._remaining
            self._remaining = remaining

    def take_ended(self) -> bool:
        """Whether a job ended since the last time this was asked."""
        ended, self._ended = self._ended, False
        return ended

    def forget(self) -> None:
        """Nothing is known of a job."""
        self.prompt = self.node = ""
        self.progress = None


def _share(value: float | None, most: float | None) -> float | None:
    if value is None or most is None or not most > 0:
        return None
    return min(1.0, max(0.0, value / most))
