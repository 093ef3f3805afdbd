"""Every kind of server with every fault, as its watch tells it, on real sockets; and that no other one notices."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.fakeclock import FakeClock
from tests.servers import fake
from tests.servers.fake import Fake
from tests.servers.fakes.kinds import HEADERS, SERVERS
from tests.servers.fakes.paged import Paged
from tests.servers.test_poller import Vllm, line, watching
from tests.servers.watched import Watched
from wftui.collectors.servers import poller as poller_module
from wftui.collectors.servers import trtllm, web
from wftui.collectors.servers import watch as watch_module
from wftui.collectors.servers.web import Web
from wftui.model import health

KINDS = [name for name, (module, _) in SERVERS.items() if module]
FAULTS: dict[str | int, tuple[str, str, str]] = {
    401: (health.DENIED, "it wants a key", "key_env or key_file"),
    403: (health.DENIED, "it wants a key", "key_env or key_file"),
    404: (health.FAILED, ": 404", ""),
    500: (health.FAILED, ": 500", ""),
    501: (health.FAILED, ": 501", ""),
    503: (health.FAILED, ": 503", ""),
    fake.SLOW: (health.STUCK, "no answer within", ""),
    fake.HUNG: (health.STUCK, "no answer within", ""),
    fake.GARBAGE: (health.FAILED, "no HTTP", ""),
    fake.HALF: (health.FAILED, "", ""),
    fake.HUGE: (health.FAILED, "more than 8 MiB", ""),
    fake.ENDLESS: (health.FAILED, "more than 8 MiB", ""),
    fake.REDIRECT: (health.FAILED, "it points to", "give that address"),
    fake.TYPE: (health.FAILED, "", ""),
    fake.REFUSED: (health.FAILED, "nobody listens there", ""),
}
"""Fault → state, a part of the reason, a part of the fix."""
LOADING = "it loads its model"
NO_FAULT: dict[tuple[str, str | int], str] = {
    ("llamacpp", 503): LOADING,
    ("llamacpp router", 503): LOADING,
    # Both of its pages are off unless they are switched on; what would bring them is told.
    ("trtllm", 404): "",
    ("trtllm", 501): "",
}
"""What is no fault of that kind, with the reason that is told."""


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers have a tenth of a second for their answers."""
    call: Callable[..., object]
    for call in (Web.get, Web.ok, Web.json):
        assert call.__kwdefaults__ is not None
        monkeypatch.setitem(call.__kwdefaults__, "timeout_s", 0.1)
    monkeypatch.setattr(trtllm, "RECORDS_S", 0.1)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", KINDS)
async def test_a_fault_is_told_and_over_when_it_is_over(
    name: str, fault: str | int, request: pytest.FixtureRequest
) -> None:
    module, routes = SERVERS[name]
    state, reason, fix = FAULTS[fault]
    with Fake(routes(), server=HEADERS.get(name, "")) as server:
        watched = Watched(server, FakeClock(), module)
        watch = watched.watch
        await watched.seconds(2)
        well = watch.state
        assert well == health.OK, watch.reason
        if fault == fake.REFUSED:
            server.refuse()
        server.fault = fault
        if fault in (fake.SLOW, fake.HUNG):
            request.getfixturevalue("hurried")
        await watched.seconds(2.5)
        server.fault = ""
        if fault == fake.REFUSED:
            server.listen()
        if (said := NO_FAULT.get((name, fault))) is not None:
            assert (watch.state, watch.reason) == (health.OK, said)
        else:
            assert watch.state == state, watch.reason
            assert reason in watch.reason
            assert fix in watch.fix
            assert watched.told("inference.server.up")[-1][1] == 0
            assert watched.events.count("server.state") == 1
        await watched.seconds(70)
        assert (watch.state, watch.reason) == (well, ""), "the pauses are a minute at most"
        assert watched.told("inference.server.up")[-1][1] == 1


@pytest.mark.parametrize("fault", [fake.HUGE, fake.ENDLESS])
@pytest.mark.parametrize("name", KINDS)
async def test_a_body_without_measure_takes_no_more_memory_than_is_read_of_one(name: str, fault: str) -> None:
    module, routes = SERVERS[name]
    with Fake(routes(), server=HEADERS.get(name, "")) as server:
        watched = Watched(server, FakeClock(), module)
        await watched.seconds(2)
        server.fault = fault
        tracemalloc.start()
        try:
            await watched.seconds(2.5)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert watched.watch.state == health.FAILED
        assert peak < 4 * web.LIMIT


@pytest.mark.parametrize("name", KINDS)
async def test_counters_that_begin_anew_are_a_restart(name: str) -> None:
    """Of those that have a page of counters; what the others count begins anew when they do."""
    module, routes = SERVERS[name]
    served = routes()
    pages = [route for route in served.values() if isinstance(route, Paged)]
    with Fake(served, server=HEADERS.get(name, "")) as server:
        watched = Watched(server, FakeClock(), module)
        await watched.seconds(3)
        if not pages:
            server.refuse()
            server.listen()
        with server.lock:
            for page in pages:
                page.restart()
        await watched.seconds(3)
        assert watched.watch.state not in health.TROUBLE, watched.watch.reason
        counts = bool(pages)
        assert (watched.watch.restarts, watched.events.count("server.restarted")) == (counts, counts)
        assert all(value >= 0 for _, value, _ in watched.told("inference.tokens.rate"))


def test_others_go_on_and_the_thread_lives(hurried: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001  it hurries
    """One of each fault at once, and one that is well; then all of them are well."""
    monkeypatch.setattr(watch_module, "BACKOFF_S", (0.1, 0.2))
    monkeypatch.setattr(watch_module, "DENIED_S", 0.2)
    monkeypatch.setattr(watch_module, "INTERVAL_S", 0.1)
    monkeypatch.setattr(poller_module, "DISCOVER_S", 0.1)
    with ExitStack() as stack:
        good = stack.enter_context(Vllm())
        bad = {fault: stack.enter_context(Vllm()) for fault in FAULTS}
        seen = stack.enter_context(watching(line(good), *(line(server) for server in bad.values())))
        names = {fault: server.endpoint.name for fault, server in bad.items()}
        up = f'inference.server.up{{server="{good.endpoint.name}"}}'
        seen.until(lambda: all(seen.state(name) == health.OK for name in names.values()), "all of them")
        for fault, server in bad.items():
            server.fault = fault
            if fault == fake.REFUSED:
                server.refuse()
        seen.until(lambda: all(seen.state(names[fault]) == FAULTS[fault][0] for fault in bad), "the faults")
        had = len(seen.values(up))
        seen.until(lambda: len(seen.values(up)) >= had + 10, "ten readings more of the one that is well")
        assert set(seen.values(up)) == {1}
        assert seen.state(good.endpoint.name) == health.OK
        assert any(thread.name == "wftop-servers" for thread in threading.enumerate())
        for fault, server in bad.items():
            server.fault = ""
            if fault == fake.REFUSED:
                server.listen()
        seen.until(lambda: all(seen.state(name) == health.OK for name in names.values()), "all of them again")
