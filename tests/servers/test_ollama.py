"""Ollama over a real socket: what is loaded, where and until when; nothing is loaded by looking."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakeclock import FakeClock
from tests.servers import fake
from tests.servers.conftest import Dial
from tests.servers.fake import Fake, Route, constant, said, sample
from tests.servers.fake_ollama import OllamaState, serve
from tests.servers.told import short
from wftui.clock import NS_PER_S
from wftui.collectors.servers import ollama
from wftui.collectors.servers.figures import ModelInfo
from wftui.collectors.servers.ollama import LATENCIES, TOKENS, TOKENS_OLD, Ps, Tags, Version
from wftui.collectors.servers.web import Answer
from wftui.errors import SourceError, SourceFormatError, SourceUnavailableError
from wftui.model import health
from wftui.model.servers import NEVER

GIB = 1 << 30
QWEN_EXPIRES_NS = 1_767_269_131_837_531_000
"""2026-01-01T12:05:31.837531Z."""


def samples() -> dict[str, Route]:
    """An Ollama that says what the samples say."""
    return {
        "/": constant(b"Ollama is running"),
        "/api/version": constant(sample("ollama_version.json")),
        "/api/ps": constant(sample("ollama_ps.json")),
        "/api/tags": constant(sample("ollama_tags.json")),
    }


async def test_every_figure_of_the_samples(dial: Dial) -> None:
    with Fake(samples()) as server:
        look = await ollama.make().look(dial(server, FakeClock(QWEN_EXPIRES_NS - 1)))
    assert look.models == (
        ModelInfo(
            name="qwen3:8b", size=5225388164, parameters=8.2e9, quantization="Q4_K_M", context=8192,
            vram=6514378752, ram=0, expires=QWEN_EXPIRES_NS,
        ),
        ModelInfo(
            name="gemma3:27b", size=17396936941, parameters=27.4e9, quantization="Q4_K_M", context=32768,
            vram=15032385536, ram=21474836480 - 15032385536, expires=NEVER,
        ),
    )  # fmt: skip
    assert short(look, "qwen3:8b") == {"model.memory vram": 6514378752, "model.memory ram": 0}
    assert short(look, "gemma3:27b") == {"model.memory vram": 15032385536, "model.memory ram": 6442450944}
    assert look.version == "0.32.15"
    assert look.reads == ("/api/ps",)
    assert look.missing == (TOKENS, LATENCIES)
    assert "LLAMA_ARG_ENDPOINT_METRICS=1" in TOKENS.fix
    assert "wftop proxy" in TOKENS.fix


async def test_a_model_whose_time_is_over(dial: Dial) -> None:
    with Fake(samples()) as server:
        look = await ollama.make().look(dial(server, FakeClock(QWEN_EXPIRES_NS)))
    assert look.models is not None
    assert [item.detail for item in look.models] == ["it is being unloaded", ""]


async def test_nothing_loaded(dial: Dial) -> None:
    for body in (sample("ollama_ps_empty.json"), b'{"models": null}', b"{}"):
        with Fake(samples() | {"/api/ps": constant(body)}) as server:
            look = await ollama.make().look(dial(server))
            assert look.models == ()
            assert look.gauges == {}
            assert "/api/tags" not in server.paths


async def test_a_day_of_it(dial: Dial) -> None:
    """Models come and go; the log gets a line every other second, the list is read when there is a new one."""
    clock = FakeClock()
    state = OllamaState(clock)
    state.install("qwen3:8b")
    state.install("gemma3:27b", 16 * GIB)
    with serve(state) as server:
        web, adapter = dial(server, clock), ollama.make()

        async def look() -> dict[str, tuple[float | None, float | None]]:
            """Two looks: one of them asks."""
            clock.advance(NS_PER_S)
            first = await adapter.look(web)
            clock.advance(NS_PER_S)
            second = await adapter.look(web)
            assert first.missing == second.missing == (TOKENS, LATENCIES)
            assert first.models is not None
            assert second.models is None
            assert second.gauges == first.gauges, "they stand in between"
            return {item.name: (item.vram, item.ram) for item in first.models}

        assert await look() == {}
        state.load("qwen3:8b")
        assert list(await look()) == ["qwen3:8b"]
        state.load("gemma3:27b", on_gpu=0.5, keep_s=None)
        size = 16 * GIB + 1200 * (1 << 20)
        assert (await look())["gemma3:27b"] == (size / 2, size / 2)
        state.unload("qwen3:8b")
        assert list(await look()) == ["gemma3:27b"]
        for _ in range(20):
            await look()
        paths = server.paths
        assert paths.count("/api/ps") == 24
        assert paths.count("/api/tags") == 2
        assert paths.count("/api/version") == 1
        assert paths.count("/metrics") == 1
        assert {item.method for item in server.asked} == {"GET"}
        assert state.harm == 0


async def test_an_old_one(dial: Dial) -> None:
    state = OllamaState(version="0.9.6", contexts=False)
    state.install("m")
    state.load("m")
    with serve(state) as server:
        look = await ollama.make().look(dial(server))
    assert look.missing == (TOKENS_OLD, LATENCIES)
    assert look.models is not None
    assert look.models[0].context is None


async def test_runners_that_are_watched_tell_the_tokens(dial: Dial) -> None:
    with serve(OllamaState()) as server:
        web, adapter = dial(server), ollama.make()
        assert TOKENS in (await adapter.look(web)).missing
        adapter.runners = ("127.0.0.1:41000",)
        for _ in range(3):
            assert (await adapter.look(web)).missing == (LATENCIES,)
        adapter.runners = ()
        assert TOKENS in (await adapter.look(web)).missing


async def test_a_list_that_cannot_be_had_costs_the_sizes_only(dial: Dial) -> None:
    for route in (lambda _: said({}, 500), constant(b"<html>"), constant(b'{"models": null}')):
        with Fake(samples() | {"/api/tags": route}) as server:
            web, adapter = dial(server), ollama.make()
            for _ in range(6):
                look = await adapter.look(web)
                assert short(look, "qwen3:8b")["model.memory vram"] == 6514378752
            assert server.paths.count("/api/tags") == 1, "it is not asked for again"


async def test_a_page_if_it_comes_one_day(dial: Dial) -> None:
    state = OllamaState()
    state.page = b"# TYPE ollama_requests_queued gauge\nollama_requests_queued 3\nollama_models_loaded 1\n"
    with serve(state) as server:
        web, adapter = dial(server), ollama.make()
        look = await adapter.look(web)
        assert short(look) == {"requests waiting": 3}
        assert look.reads == ("/api/ps", "/metrics")
    for other in (b"go_goroutines 5\n", b"<html>"):
        state.page = other
        with serve(state) as server:
            web, adapter = dial(server), ollama.make()
            for _ in range(4):
                assert short(await adapter.look(web)) == {}
            assert server.paths.count("/metrics") == 1


async def test_a_restart(dial: Dial) -> None:
    state = OllamaState()
    with serve(state) as server:
        web, adapter = dial(server), ollama.make()
        assert (await adapter.look(web)).version == "0.32.15"
        server.refuse()
        await adapter.look(web)  # in between nothing is asked
        with pytest.raises(SourceUnavailableError):
            await adapter.look(web)
        with pytest.raises(SourceUnavailableError):
            await adapter.look(web)
        state.version = "0.33.0"
        server.listen()
        look = await adapter.look(web)
        assert look.version == "0.33.0"
        assert look.state == health.OK


@pytest.mark.parametrize(
    "fault", [401, 403, 404, 500, 501, 503, fake.GARBAGE, fake.HALF, fake.HUGE, fake.REDIRECT, fake.TYPE]
)
async def test_faults(fault: str | int, dial: Dial) -> None:
    with serve(OllamaState()) as server:
        web, adapter = dial(server), ollama.make()
        await adapter.look(web)
        server.fault = fault
        await adapter.look(web)
        with pytest.raises(SourceError):
            await adapter.look(web)
        server.fault = ""
        looks = [await adapter.look(web) for _ in range(3)]
        assert looks[-1].state == health.OK


@pytest.mark.parametrize(
    ("routes", "version"),
    [
        (samples(), "0.32.15"),
        (samples() | {"/": constant(b"Ollama is running\n")}, "0.32.15"),
        (samples() | {"/": constant(b"SGLang is running")}, None),
        (samples() | {"/": constant(b"<html>KoboldAI Lite</html>")}, None),
        (samples() | {"/api/version": constant(b"{}")}, None),
        (samples() | {"/api/version": constant(b'"0.7.0"')}, None),
        (samples() | {"/api/version": lambda _: said({}, 404)}, None),
        ({"/api/version": constant(sample("koboldcpp_fake_ollama_version.json"))}, None),
        ({}, None),
    ],
)
async def test_identify(routes: dict[str, Route], version: str | None, dial: Dial) -> None:
    with Fake(routes) as server:
        assert await ollama.identify(dial(server)) == version


@pytest.mark.parametrize(
    ("said_so", "parameters"),
    [("8.2B", 8.2e9), ("30.5M", 30.5e6), ("1T", 1e12), ("620", 620), ("", None), ("B", None), ("8x7B", None)],
)
async def test_parameters(said_so: str, parameters: float | None, dial: Dial) -> None:
    body = sample("ollama_ps.json").replace(b"8.2B", said_so.encode())
    with Fake(samples() | {"/api/ps": constant(body)}) as server:
        look = await ollama.make().look(dial(server))
    assert look.models is not None
    assert look.models[0].parameters == parameters


@pytest.mark.parametrize(
    ("said_so", "expires"),
    [
        ("2026-01-01T14:05:31.8375319+02:00", QWEN_EXPIRES_NS),
        ("2318-04-12T12:00:00.000000001Z", NEVER),
        ("0001-01-01T00:00:00Z", None),
        ("2026-01-01T12:05:31", None),
        ("soon", None),
        ("", None),
    ],
)
async def test_expiry(said_so: str, expires: int | None, dial: Dial) -> None:
    body = sample("ollama_ps.json").replace(b"2026-01-01T12:05:31.837531Z", said_so.encode())
    with Fake(samples() | {"/api/ps": constant(body)}) as server:
        look = await ollama.make().look(dial(server))
    assert look.models is not None
    assert look.models[0].expires == expires


SHAPES: tuple[tuple[str, type], ...] = (
    ("ollama_ps.json", Ps),
    ("ollama_tags.json", Tags),
    ("ollama_version.json", Version),
)


@given(st.data())
def test_damaged_bodies_are_read_or_refused(data: st.DataObject) -> None:
    name, shape = data.draw(st.sampled_from(SHAPES))
    body = sample(name)
    at = data.draw(st.integers(0, len(body)))
    body = body[:at] + data.draw(st.binary(max_size=4)) + body[at + data.draw(st.integers(0, 30)) :]
    answer = Answer("/x", 200, {}, body, FakeClock().now())
    try:
        found: object = answer.json(shape)
    except SourceFormatError:
        return
    if isinstance(found, Ps):
        adapter = ollama.make()
        models = [adapter._model(item, answer.at) for item in found.models or ()]
        assert all((item.ram is None) == (item.vram is None) for item in models)
        assert all(item.ram is None or item.ram >= 0 for item in models)
