"""What the operations of one proxy add up to, by model."""

from collections import Counter
from typing import Final

from wftui.proxy.answers import Usage
from wftui.proxy.operation import ABORTED, FAILED, FINISHED
from wftui.proxy.sink import Labels, Sink

MODELS: Final = 200
"""Clients choose the names: what comes after so many is counted without one."""

_DURATION: Final = "gen_ai.client.operation.duration"
_FIRST: Final = "gen_ai.client.operation.time_to_first_chunk"
_GAP: Final = "gen_ai.client.operation.time_per_output_chunk"
_REQUESTS: Final = "gen_ai.client.requests"
_UNREAD: Final = "gen_ai.client.connections.unread"
_UNMETERED: Final = "gen_ai.client.requests.unmetered"
_UP: Final = "inference.proxy.upstream.up"
_TOKENS: Final = "gen_ai.client.tokens"


class _Model:
    """One model's labels and totals."""

    __slots__ = ("labels", "requests", "tokens", "unmetered")

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.requests = {FINISHED: 0, ABORTED: 0, FAILED: 0}
        self.tokens: dict[str, int] = {}
        self.unmetered = 0


class Meter:
    """The `operation.Record` of a proxy; durations go on at once, totals with `flush`."""

    def __init__(self, sink: Sink, server: str) -> None:
        """``server``: the label of all series."""
        self._sink = sink
        self._server = server
        self._models: dict[str, _Model] = {}
        self._told: dict[tuple[str, _Model | None, str], int] = {}
        self.statuses: Counter[int] = Counter()
        """Of answers that failed; 0: the connection broke before one came."""
        self.unread = 0
        """Connections whose bytes could not be read; they were passed on."""

    def first_text(self, model: str, seconds: float) -> None:
        """See `operation.Record`."""
        self._sink.timing(_FIRST, seconds, self._model(model).labels)

    def gap(self, model: str, seconds: float) -> None:
        """See `operation.Record`."""
        self._sink.timing(_GAP, seconds, self._model(model).labels)

    def asked(self, model: str, now_ns: int) -> None:
        """See `operation.Record`."""
        self._sink.happened("prompt", now_ns, self._model(model).labels)

    def text(self, model: str, now_ns: int) -> None:
        """See `operation.Record`."""
        self._sink.happened("token", now_ns, self._model(model).labels)

    def over(self, model: str, how: str, now_ns: int) -> None:
        """See `operation.Record`."""
        self._sink.happened("end", now_ns, self._model(model).labels, how)

    def ended(self, model: str, how: str, status: int, seconds: float, usage: Usage | None) -> None:
        """See `operation.Record`. Only what finished has a duration: an abort tells nothing about the server."""
        one = self._model(model)
        one.requests[how] += 1
        if how == FAILED:
            self.statuses[status] += 1
        if how == FINISHED:
            self._sink.timing(_DURATION, seconds, one.labels)
            one.unmetered += not usage
        if usage is not None:
            for mode, count in (("input", usage.prompt), ("output", usage.generation)):
                if count is not None:
                    one.tokens[mode] = one.tokens.get(mode, 0) + count

    def cannot_read(self, _: str) -> None:
        """A connection goes on unmeasured."""
        self.unread += 1

    def reachable(self, up: bool) -> None:
        """Whether connections to the server are made, now."""
        self._sink.gauge(_UP, float(up), (("server", self._server),))

    def flush(self) -> None:
        """Hand over by how much the totals have grown."""
        for one in self._models.values():
            for how, count in one.requests.items():
                self._grown((_REQUESTS, one, how), count)
            for mode, count in one.tokens.items():
                self._grown((_TOKENS, one, mode), count)
            self._grown((_UNMETERED, one, ""), one.unmetered)
        self._grown((_UNREAD, None, ""), self.unread)

    def _grown(self, key: tuple[str, "_Model | None", str], total: int) -> None:
        by = total - self._told.get(key, 0)
        if by:
            self._told[key] = total
            name, one, mode = key
            labels: Labels = one.labels if one else (("server", self._server),)
            self._sink.counter(name, by, (("mode", mode), *labels) if mode else labels)

    def total(self, how: str) -> int:
        """Requests that ended so."""
        return sum(one.requests[how] for one in self._models.values())

    @property
    def unmetered(self) -> int:
        """Finished answers that did not say how many tokens they cost."""
        return sum(one.unmetered for one in self._models.values())

    def tokens(self, mode: str) -> int | None:
        """Tokens by mode (input, output); None: no answer said."""
        counts = [one.tokens[mode] for one in self._models.values() if mode in one.tokens]
        return sum(counts) if counts else None

    def summary(self) -> str:
        """One line: what passed."""
        failed = ""
        if self.statuses:
            shown = (f"{'no answer' if s == 0 else s}: {n}" for s, n in sorted(self.statuses.items()))
            failed = f" ({', '.join(shown)})"
        tokens = [f"{n} {mode} tokens" for mode in ("input", "output") if (n := self.tokens(mode)) is not None]
        return "; ".join(
            (
                f"{self.total(FINISHED)} requests finished, {self.total(ABORTED)} aborted, "
                f"{self.total(FAILED)} failed{failed}",
                ", ".join(tokens) or "tokens unknown",
                f"{self.unmetered} answers without usage",
                f"{self.unread} connections not read",
            )
        )

    def _model(self, name: str) -> _Model:
        if name not in self._models and len(self._models) >= MODELS:
            name = ""
        found = self._models.get(name)
        if found is None:
            server: Labels = (("server", self._server),)
            found = self._models[name] = _Model((("model", name), *server) if name else server)
        return found
