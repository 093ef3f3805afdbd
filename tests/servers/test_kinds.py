"""What holds for adapters of every kind: who is whom, what is never asked, and that bad answers harm nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakeclock import FakeClock
from tests.servers import fake
from tests.servers.conftest import Dial
from tests.servers.fake import Fake, Reply
from tests.servers.fakes.kinds import HEADERS, SERVERS, Routes
from wftui import names
from wftui.clock import NS_PER_S
from wftui.collectors.servers import kinds
from wftui.collectors.servers.derive import Derivation
from wftui.collectors.servers.figures import Look
from wftui.collectors.servers.signs import PRETENDERS_FIRST
from wftui.collectors.servers.web import Answer, Web
from wftui.endpoint import Endpoint
from wftui.errors import SourceError
from wftui.model import health

MINE = (
    "sglang", "tgi", "trtllm", "triton", "dynamo", "dynamo worker", "lmstudio", "localai", "koboldcpp", "comfyui",
    "transformers", "llamacpp_python",
)  # fmt: skip
ALL = (*MINE, "vllm", "ollama", "llamacpp", "llamacpp router")
"""The last four have their own tests of faults and of who they are."""
ASKED = {
    "vllm": {"/metrics", "/v1/models", "/version"},
    "ollama": {"/", "/api/version", "/api/ps", "/api/tags", "/metrics"},
    "llamacpp": {"/props", "/metrics", "/slots", "/v1/models"},
    "llamacpp router": {"/props", "/metrics", "/slots", "/v1/models"},
    "sglang": {"/model_info", "/v1/loads", "/metrics"},
    "tgi": {"/info", "/metrics"},
    "trtllm": {"/v1/models", "/version", "/prometheus/metrics"},
    "triton": {"/v2", "/metrics"},
    "dynamo": {"/metrics", "/v1/models"},
    "dynamo worker": {"/metrics"},
    "lmstudio": {"/api/v1/models"},
    "localai": {"/system", "/version", "/metrics"},
    "koboldcpp": {"/api/extra/version", "/api/extra/perf", "/api/v1/model", "/api/extra/true_max_context_length"},
    "comfyui": {"/system_stats", "/prompt", "/history", "/ws"},
    "transformers": {"/health", "/openapi.json"},
    "llamacpp_python": {"/openapi.json", "/v1/models"},
}
"""All that each kind may be asked for: nothing that loads, wakes, generates, or holds what was asked of it."""

LATER = {"koboldcpp": ["ollama"], "sglang": ["ollama"]}
"""Who would believe a pretender, were it not met first by its own kind."""


def served(name: str, routes: Routes | None = None) -> Fake:
    """A stand-in of that kind."""
    return Fake(routes or SERVERS[name][1](), server=HEADERS.get(name, ""))


@pytest.mark.parametrize("name", SERVERS)
async def test_only_its_own_kind_says_yes(name: str, dial: Dial) -> None:
    with served(name) as server:
        web = dial(server)
        said_yes = []
        for kind in PRETENDERS_FIRST:
            try:
                version = await kinds.load(kind).identify(web)
            except SourceError:
                continue
            if version is not None:
                said_yes.append(kind)
        assert said_yes[:1] == [kind for kind in [SERVERS[name][0]] if kind]
        assert said_yes[1:] == LATER.get(name, [])


@pytest.mark.parametrize("name", ALL)
async def test_nothing_else_is_asked(name: str, dial: Dial) -> None:
    with served(name) as server:
        web = dial(server)
        kind = kinds.load(SERVERS[name][0])
        assert await kind.identify(web) is not None
        adapter = kind.make()
        for _ in range(61):
            await adapter.look(web)
        assert set(server.paths) == ASKED[name]
        assert {item.method for item in server.asked} == {"GET"}
        assert len(server.asked) < 4.1 * 61


@pytest.mark.parametrize("name", ALL)
async def test_every_figure_is_in_the_catalogue(name: str, dial: Dial) -> None:
    with served(name) as server:
        web, clock = dial(server), FakeClock()
        adapter, derivation = kinds.load(SERVERS[name][0]).make(), Derivation("a")
        look = Look()
        for _ in range(3):
            look = await adapter.look(web)
            samples, restarted = derivation.samples(look, clock.now())
            assert not restarted
            for sample in samples:
                metric = names.METRICS[sample.column.series.name]
                assert {key for key, _ in sample.column.series.labels} <= {*metric.labels, "stat"}
            clock.advance(NS_PER_S)
        # One series each: two figures of one name and labels would overwrite one another.
        keys = [(key.metric, key.model, key.mode) for key in [*look.gauges, *look.counters, *look.histograms]]
        assert len(keys) == len(set(keys))
        assert all(item.figure and item.fix for item in look.missing)


@pytest.mark.parametrize("name", MINE)
@pytest.mark.parametrize(
    "fault", [fake.HALF, fake.GARBAGE, fake.HUGE, fake.TYPE, fake.REDIRECT, 401, 404, 500, 501, fake.REFUSED]
)
async def test_faults(name: str, fault: str | int, dial: Dial) -> None:
    with served(name) as server:
        web = dial(server)
        kind = kinds.load(SERVERS[name][0])
        adapter = kind.make()
        await adapter.look(web)
        if fault == fake.REFUSED:
            server.refuse()
        server.fault = fault
        told = None
        try:
            await adapter.look(web)
        except SourceError as error:
            told = error
        # A page may be missing (404, 501): what else there is says so, and it is looked for again.
        assert told is not None or fault in (404, 501) or (fault == fake.TYPE and name == "comfyui"), name
        if fault == 401 and told is not None:
            assert told.state == health.DENIED
            assert "key" in told.fix
        server.fault = ""
        if fault == fake.REFUSED:
            server.listen()
        look = Look()
        for _ in range(31):
            look = await adapter.look(web)
        assert look.reads, "it comes back by itself"


@pytest.mark.parametrize("name", MINE)
async def test_identify_survives_faults(name: str, dial: Dial) -> None:
    kind = kinds.load(SERVERS[name][0])
    with served(name) as server:
        for fault in (fake.HALF, fake.GARBAGE, fake.TYPE, fake.REDIRECT, 401, 404, 500, 501):
            server.fault = fault
            web = dial(server)
            try:
                assert await kind.identify(web) is None, fault
            except SourceError as error:
                assert (error.state == health.DENIED) == (fault == 401)  # noqa: PT017  either of the two is right


class _Told(Web):
    """A connection whose answers are made up."""

    def __init__(self, bodies: Mapping[str, bytes], status: int = 200) -> None:
        super().__init__(Endpoint(host="127.0.0.1", port=1), FakeClock())
        self._bodies = bodies
        self._status = status

    async def get(self, path: str, **_: float) -> Answer:
        """The body of that path."""
        body = self._bodies.get(path.partition("?")[0])
        status = 404 if body is None else self._status
        return Answer(path, status, {}, body or b"", self._clock.now())


def bodies(name: str) -> dict[str, bytes]:
    """All answers of a stand-in."""
    asked = fake.Asked("GET", "", {}, {})
    return {path: Reply(*route(asked)).body for path, route in SERVERS[name][1]().items()}


BODIES = {name: bodies(name) for name in ALL}


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_answer_is_read_or_refused(name: str, data: st.DataObject) -> None:
    whole = BODIES[name]
    path = data.draw(st.sampled_from(sorted(set(whole) & ASKED[name])))
    body = whole[path]
    way = data.draw(st.sampled_from(["cut", "bytes", "number", "json", "any"]))
    if way == "any":
        body = data.draw(st.binary(max_size=200))
    elif way == "json":
        body = data.draw(st.sampled_from([b"[]", b"{}", b"null", b"[{}]", b'{"data":[{}]}', b'"x"', b"[" * 5000]))
    elif way == "number":
        digits = [place for place, char in enumerate(body) if chr(char).isdigit()]
        if digits:
            at = data.draw(st.sampled_from(digits))
            more = data.draw(st.sampled_from([b"1e999", b"-1", b"9" * 400, b"NaN", b"-0", b"null", b'"7"']))
            body = body[:at] + more + body[at + 1 :]
    else:
        at = data.draw(st.integers(0, len(body)))
        more = b"" if way == "cut" else data.draw(st.binary(max_size=5))
        body = body[:at] + more + body[at + data.draw(st.integers(0, 40)) :]

    async def asked() -> None:
        kind = kinds.load(SERVERS[name][0])
        with suppress(SourceError):
            await kind.identify(_Told(whole | {path: body}))
        adapter, derivation = kind.make(), Derivation("a")
        clock = FakeClock()
        for told in (whole | {path: body}, whole, whole | {path: body}):
            try:
                look: Look = await adapter.look(_Told(told))
            except SourceError:
                continue
            derivation.samples(look, clock.now())
            assert all(isinstance(item.context, int | None) for item in look.models or ())
            clock.advance(NS_PER_S)

    asyncio.run(asked())
