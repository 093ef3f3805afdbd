"""One answer of a model, token by token, as its client sees it."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Literal, Protocol, Self, TypeVar

RATE_EVERY_S: Final = 0.2
_T = TypeVar("_T")


class Figures(Protocol):
    """Takes figures; never waits, never raises."""

    def gauge(self, name: str, value: float, labels: Mapping[str, str] | None = None, *, unit: str = "") -> None:
        """A value as it is now."""
        ...

    def counter(
        self, name: str, by: float = 1.0, labels: Mapping[str, str] | None = None, *, unit: str = ""
    ) -> None:
        """Something happened ``by`` times more."""
        ...

    def timing(self, name: str, seconds: float, labels: Mapping[str, str] | None = None) -> None:
        """Something took so long."""
        ...

    def happened(self, fields: dict[str, Any]) -> None:  # Any: JSON
        """Something happened in a stream of tokens."""
        ...


class TokenStream:
    """One answer of a model as its client sees it; made by ``Pusher.stream``.

    Tells time to the first token, gaps between tokens, tokens a second while they come, and at the end the
    duration, the tokens and how it ended. And each moment of it as a token event, of which wftop makes energy.
    """

    def __init__(self, pusher: Figures, model: str, server: str) -> None:
        self.tokens = 0
        """So far."""
        self._pusher = pusher
        self._named = {"model": model, "server": server}
        self._labels = {key: value for key, value in (("model", model), ("server", server)) if value}
        self._start = self._last = self._told = time.perf_counter()
        self._told_tokens = 0

    def __enter__(self) -> Self:
        self._start = self._last = self._told = time.perf_counter()
        self._happened("prompt")
        return self

    def token(
        self,
        count: int = 1,
        *,
        bits: float | None = None,
        of: int | None = None,
        top: Mapping[Any, float] | None = None,  # Any: what a program calls its tokens
        cost: float | None = None,
    ) -> None:
        """So many tokens arrived together.

        Args:
            count: 1 or more.
            bits: Entropy of the last of them, where it is known.
            of: How many tokens that is over.
            top: What the last of them might have been (text or id) to its probability, 64 at most; how sure the
                model was follows from it, and how far two models are apart. The recorder keeps none of the keys.
            cost: What each of them cost, where a plain one is 1.
        """
        now = time.perf_counter()
        told: dict[str, Any] = {"bits": bits, "of": of, "top": top, "cost": cost}  # Any: JSON
        if count > 0:
            known = {name: value for name, value in told.items() if value is not None}
            self._happened("token", count=count, **known)
        name = "time_per_output_chunk" if self.tokens else "time_to_first_chunk"
        self._pusher.timing(f"gen_ai.client.operation.{name}", now - self._last, self._labels)
        if not self.tokens:
            self._told, self._told_tokens = now, count  # a rate is of what came after the first
        self.tokens += count
        self._last = now
        if now - self._told >= RATE_EVERY_S:
            rate = (self.tokens - self._told_tokens) / (now - self._told)
            self._pusher.gauge(
                "inference.tokens.rate", rate, {**self._labels, "mode": "generation"}, unit="{token}/s"
            )
            self._told, self._told_tokens = now, self.tokens

    def over(self, chunks: Iterable[_T], count: Callable[[_T], int] = lambda _: 1) -> Iterator[_T]:
        """The chunks as they come; ``count`` says how many tokens one holds, 0 for none."""
        for chunk in chunks:
            if tokens := count(chunk):
                self.token(tokens)
            yield chunk

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        seconds = time.perf_counter() - self._start
        self._pusher.timing("gen_ai.client.operation.duration", seconds, self._labels)
        if self.tokens:
            labels = {**self._labels, "mode": "output"}
            self._pusher.counter("gen_ai.client.tokens", self.tokens, labels, unit="{token}")
        how = "finished" if kind is None else "failed" if issubclass(kind, Exception) else "aborted"
        self._happened("end", how=how)
        self._pusher.counter("gen_ai.client.requests", 1, {**self._labels, "mode": how}, unit="{request}")
        return False

    def _happened(self, do: str, **told: Any) -> None:  # Any: JSON
        self._pusher.happened({"do": do, **self._named, **told})
