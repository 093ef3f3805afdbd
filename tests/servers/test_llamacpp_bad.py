"""Who is a llama.cpp server, and what one may say that is none of it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakeclock import FakeClock
from tests.servers import fake
from tests.servers.conftest import Dial
from tests.servers.fake import Fake, Route, constant, sample
from tests.servers.fake_llamacpp import SERVER, Llama, samples, serve
from tests.servers.told import short
from wftui.collectors.servers import llamacpp
from wftui.collectors.servers.figures import Look, Missing
from wftui.collectors.servers.llamacpp_instance import SLOTS_OFF, TAKES
from wftui.collectors.servers.llamacpp_said import Models, Props
from wftui.collectors.servers.llamacpp_slots import Slot
from wftui.collectors.servers.takes import Reader
from wftui.collectors.servers.web import Answer
from wftui.errors import SourceError, SourceFormatError
from wftui.model import health


@pytest.mark.parametrize(
    ("routes", "server", "version"),
    [
        ({"/props": constant(sample("llamacpp_props.json"))}, "", "b10488-0c1e570"),
        ({"/props": constant(sample("llamacpp_router_props.json"))}, "", "b10488-0c1e570"),
        ({"/props": constant(b"{}")}, SERVER, ""),
        ({}, SERVER, ""),
        ({}, "", None),
        ({"/props": constant(b"{}")}, "", None),
        ({"/props": constant(b"[1]")}, "", None),
        ({"/props": constant(b"<html>")}, "uvicorn", None),
        ({"/props": constant(b'{"chat_template": "", "total_slots": 1}')}, "KoboldCpp", None),
        ({"/props": constant(b'{"build_info": "x", "total_slots": "many"}')}, "", None),
    ],
)
async def test_identify(routes: dict[str, Route], server: str, version: str | None, dial: Dial) -> None:
    with Fake(routes, server=server) as found:
        assert await llamacpp.identify(dial(found)) == version


@pytest.mark.parametrize(
    "fault", [401, 403, 500, fake.GARBAGE, fake.HALF, fake.HUGE, fake.REDIRECT, fake.TYPE, fake.REFUSED]
)
async def test_faults(fault: str | int, dial: Dial) -> None:
    """Each is our error, and over when it is over."""
    llama = Llama()
    with serve(llama) as server:
        web, adapter = dial(server), llamacpp.make()
        await adapter.look(web)
        server.fault = fault
        if fault == fake.REFUSED:
            server.refuse()
        with pytest.raises(SourceError):
            await adapter.look(web)
        server.fault = ""
        if fault == fake.REFUSED:
            server.listen()
        assert (await adapter.look(web)).state == health.OK


async def test_a_server_without_props(dial: Dial) -> None:
    routes = samples()
    del routes["/props"]
    with Fake(routes, server=SERVER) as server:
        look = await llamacpp.make().look(dial(server))
    assert short(look, "")["tokens generation"] == 1.23457e6


SHAPES: tuple[tuple[str, type], ...] = (
    ("llamacpp_props.json", Props),
    ("llamacpp_router_props.json", Props),
    ("llamacpp_models.json", Models),
    ("llamacpp_router_models.json", Models),
    ("llamacpp_slots.json", list[Slot]),
)


@given(st.data())
def test_damaged_bodies_are_read_or_refused(data: st.DataObject) -> None:
    name, shape = data.draw(st.sampled_from(SHAPES))
    body = sample(name)
    at = data.draw(st.integers(0, len(body)))
    body = body[:at] + data.draw(st.binary(max_size=4)) + body[at + data.draw(st.integers(0, 30)) :]
    try:
        found: object = Answer("/x", 200, {}, body, FakeClock().now()).json(shape)
    except SourceFormatError:
        return
    assert msgspec.to_builtins(found) is not None


@given(st.data())
def test_a_damaged_page_is_read_or_refused(data: st.DataObject) -> None:
    body = sample("llamacpp.prom")
    at = data.draw(st.integers(0, len(body)))
    damaged = body[:at] + data.draw(st.binary(max_size=4)) + body[at + data.draw(st.integers(0, 40)) :]
    look = Look()
    try:
        Reader(TAKES, "/metrics").read(damaged, look)
    except SourceFormatError:
        return
    assert all(isinstance(value, float) for value in (look.gauges | look.counters).values())


def test_what_is_missing_says_the_exact_flag() -> None:
    assert Missing("tokens a second, requests, KV cache", "start it without --no-slots") == SLOTS_OFF
