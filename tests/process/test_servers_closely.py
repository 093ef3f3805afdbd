"""A view that looks closely at the model servers, a real recorder, and a llama.cpp that makes tokens meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.harness import View, recorder
from tests.servers.fake import Fake
from tests.servers.fake_llamacpp import Llama, serve
from wftui.model.tick import unpack
from wftui.wire import messages as m

RATE = "inference.tokens.rate"
DEADLINE_S = 60.0


@contextmanager
def generating() -> Iterator[Fake]:
    """One that makes a token every 10 ms."""
    llama = Llama()
    ended = threading.Event()
    with serve(llama) as server:

        def work() -> None:
            with server.lock:
                seat = llama.begin()
                llama.read(seat, 10)
            while not ended.wait(0.01):
                with server.lock:
                    llama.decode(seat, 1)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield server
        finally:
            ended.set()
            thread.join(30)


def samples(view: View, count: int) -> tuple[list[int], set[str]]:
    """Times (ns) of so many samples of the rate, and the names of all that came between ticks until then."""
    layout: list[str] = []
    times: list[int] = []
    names: set[str] = set()
    end = time.monotonic() + DEADLINE_S
    for message in view.messages():
        assert time.monotonic() < end, (len(times), names)
        if isinstance(message, m.LayoutChanged):
            layout = [column.series.name for column in message.columns]
        elif isinstance(message, m.Samples):
            assert len(unpack(message.values)) == len(message.places)
            for time_ns, place in zip(message.time_ns, message.places, strict=True):
                names.add(layout[place])
                if layout[place] == RATE:
                    times.append(time_ns)
        if len(times) >= count:
            break
    return times, names


def test_whoever_looks_at_servers_sees_tokens_ten_times_a_second() -> None:
    with generating() as server:
        line = f"http://{server.endpoint.name} kind=llamacpp"
        with recorder(env={"WFTOP_SERVERS_ENDPOINTS": line}) as running, View(running.where) as view:
            view.connection.ask(m.Subscribe(["*"], 10.0, sources=["servers"]), m.Ok)
            times, names = samples(view, 60)
            assert all(name.startswith("inference.") for name in names), names
            gaps = sorted(after - before for before, after in zip(times[::2], times[2::2], strict=False))
            assert gaps[len(gaps) // 2] < 0.6e9, "more often than once a second, on a machine however busy"
            view.connection.ask(m.Subscribe(["*"], 1.0, sources=["servers"]), m.Ok)
            asked = len(server.asked)
            began = time.monotonic()
            for _ in range(4):
                view.tick()
            rate = (len(server.asked) - asked) / (time.monotonic() - began)
            assert rate < 6, "three questions a second"
            assert running.stop() == 0
            assert running.errors() == ""


@pytest.mark.parametrize("sources", [["*"], ["cpu"]])
def test_whoever_follows_others_leaves_the_servers_alone(sources: list[str]) -> None:
    with generating() as server:
        line = f"http://{server.endpoint.name} kind=llamacpp"
        with recorder(env={"WFTOP_SERVERS_ENDPOINTS": line}) as running, View(running.where) as view:
            view.connection.ask(m.Subscribe(["*"], 10.0, sources=sources), m.Ok)
            while server.paths.count("/props") < 6:
                view.tick()
            assert server.paths.count("/slots") <= server.paths.count("/props")
