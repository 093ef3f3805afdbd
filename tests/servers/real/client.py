"""A client that streams answers, several at a time, and knows afterwards what it was sent."""

from __future__ import annotations

import http.client
import json
import threading
import time
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tests.servers.real.model import VOCABULARY, word
from wftui.clock import NS_PER_S

WAIT_S = 600.0


class Asked(NamedTuple):
    """One request."""

    generate: int
    """Tokens; exactly so many are made."""
    prompt: int = 40
    """Words."""


class Got(NamedTuple):
    """What came for it."""

    asked: Asked
    begun_ns: int
    """CLOCK_BOOTTIME, like all times here."""
    ended_ns: int
    first_s: float
    """From the request to the first text."""
    prompt: int
    """Tokens, cached ones among them, as the answer's ``usage`` counts them."""
    generated: int
    cached: int
    arrived: Sequence[tuple[int, int]]
    """Moments, and the tokens that had been made at each."""


class Run(NamedTuple):
    """Several of them, side by side."""

    got: Sequence[Got]

    @property
    def prompt(self) -> int:
        """Tokens of all prompts."""
        return sum(one.prompt for one in self.got)

    @property
    def generated(self) -> int:
        """Tokens of all answers."""
        return sum(one.generated for one in self.got)

    @property
    def cached(self) -> int:
        """Tokens of prompts that were taken from the cache."""
        return sum(one.cached for one in self.got)

    @property
    def seconds(self) -> float:
        """From the first request to the last token."""
        return (max(one.ended_ns for one in self.got) - min(one.begun_ns for one in self.got)) / NS_PER_S

    def until(self, at_ns: int) -> int:
        """Tokens that had been made at a moment."""
        total = 0
        for one in self.got:
            place = bisect_right(one.arrived, at_ns, key=lambda item: item[0])
            total += one.arrived[place - 1][1] if place else 0
        return total


def stream(
    port: int, asked: Asked, model: str = "", number: int = 0, headers: Mapping[str, str] | None = None
) -> Got:
    """Ask one thing and read the stream to its end."""
    words = " ".join(word((number * 37 + place) % (VOCABULARY - 261) + 1) for place in range(asked.prompt))
    body: dict[str, object] = {
        "prompt": words, "max_tokens": asked.generate, "ignore_eos": True, "stream": True, "seed": number + 1,
        "stream_options": {"include_usage": True}, "timings_per_token": True,
    }  # fmt: skip
    if model:
        body["model"] = model
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
    try:
        begun_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        connection.request(
            "POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json", **(headers or {})}
        )
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        arrived: list[tuple[int, int]] = []
        first_ns = 0
        usage: dict[str, int] = {}
        timings: dict[str, int] = {}
        for line in answer:
            if not line.startswith(b"data: {"):
                continue
            now_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            chunk = json.loads(line[6:])
            timings = chunk.get("timings") or timings
            arrived.append((now_ns, timings["predicted_n"]))
            if not first_ns and chunk["choices"] and chunk["choices"][0]["text"]:
                first_ns = now_ns
            usage = chunk.get("usage") or usage
    finally:
        connection.close()
    return Got(
        asked, begun_ns, arrived[-1][0], (first_ns - begun_ns) / NS_PER_S, usage["prompt_tokens"],
        usage["completion_tokens"], timings["cache_n"], arrived,
    )  # fmt: skip


class Client:
    """Asks in threads of its own, which begin when it is created."""

    def __init__(
        self,
        port: int,
        asked: Sequence[Asked],
        model: str = "",
        *,
        seconds: float = 0.0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """One thread for each of ``asked``, which asks it again and again until ``seconds`` are over."""
        self._got: list[Got] = []
        self._errors: list[BaseException] = []
        self._until = time.monotonic() + seconds

        def one(number: int, what: Asked) -> None:
            try:
                self._got.append(stream(port, what, model, number, headers))
                while time.monotonic() < self._until:
                    number += len(asked)  # other words each time
                    self._got.append(stream(port, what, model, number, headers))
            except BaseException as error:  # noqa: BLE001  it is raised in the test, by `run`
                self._errors.append(error)

        self._threads = [
            threading.Thread(target=one, args=(number, what), daemon=True) for number, what in enumerate(asked)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def done(self) -> bool:
        """Whether all have ended."""
        return not any(thread.is_alive() for thread in self._threads)

    def run(self) -> Run:
        """Wait for all of them."""
        for thread in self._threads:
            thread.join(WAIT_S)
        assert self.done
        if self._errors:
            raise self._errors[0]
        return Run(sorted(self._got, key=lambda got: got.begun_ns))


def warm(port: int, tokens: int = 200) -> Run:
    """Three requests side by side: how fast is this machine now?"""
    return Client(port, [Asked(tokens)] * 3).run()


def lasting(seconds: float, run: Run, most: int) -> int:
    """Tokens of an answer, three side by side as in ``run``, that takes about so long; at most ``most``."""
    share = seconds / run.seconds
    # Twice as many take four times as long with this server.
    return min(most, int(run.got[0].generated * max(1.0, share) ** 0.5))
