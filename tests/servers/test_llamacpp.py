"""llama.cpp's server over a real socket: what is told, and that looking never wakes, loads or keeps awake."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakeclock import FakeClock
from tests.servers import fake
from tests.servers.conftest import Dial
from tests.servers.fake import Fake, page, sample
from tests.servers.fake_llamacpp import SECRET, SERVER, Llama, samples, serve
from tests.servers.told import short
from wftui.clock import NS_PER_S
from wftui.collectors.servers import llamacpp
from wftui.collectors.servers.derive import Derivation
from wftui.collectors.servers.figures import ModelInfo
from wftui.collectors.servers.llamacpp import LATENCIES, LlamaCpp
from wftui.collectors.servers.llamacpp_instance import METRICS_OFF, RUNNER_METRICS_OFF, SLOTS_OFF
from wftui.collectors.servers.web import Web
from wftui.errors import SourceUnavailableError
from wftui.model import health
from wftui.model.servers import LOADED, LOADING


async def test_every_figure_of_the_samples(dial: Dial) -> None:
    with Fake(samples(), server=SERVER) as server:
        look = await llamacpp.make().look(dial(server))
    assert short(look) == pytest.approx(
        {
            "tokens prompt": 48211 + 9034, "tokens cached": 9034, "tokens generation": 1.23457e6,
            "prefix_cache.tokens queried": 48211 + 9034, "prefix_cache.tokens hit": 9034,
            "speculation.tokens drafted": 970, "speculation.tokens accepted": 370,
            "requests running": 2, "requests waiting": 1,
            "kv_cache.utilization": 2210 / 8192,
        }
    )  # fmt: skip
    assert {(key.metric, key.mode) for key in look.coarse if key in look.counters} == {
        ("inference.tokens", "prompt"), ("inference.tokens", "cached"), ("inference.tokens", "generation"),
    }  # fmt: skip
    assert look.version == "b10488-0c1e570"
    assert look.birth == "4711"
    assert look.reads == ("/props", "/metrics", "/slots")
    assert look.missing == (LATENCIES,)
    assert look.models == (
        ModelInfo(
            name="qwen3-8b", size=5021787136, parameters=8190735360, quantization="Q4_K - Medium", context=8192
        ),
    )
    assert [item.key for item in look.requests] == ["qwen3-8b#0", "qwen3-8b#1"]


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("llamacpp_2024.prom", {
            "tokens prompt": 6886, "tokens generation": 3469, "requests running": 1, "requests waiting": 0,
            "kv_cache.utilization": 0.31,
        }),
        ("llamacpp_fresh.prom", {
            "tokens prompt": 0, "tokens cached": 0, "tokens generation": 0, "prefix_cache.tokens queried": 0,
            "prefix_cache.tokens hit": 0, "speculation.tokens drafted": 0, "speculation.tokens accepted": 0,
            "requests running": 0, "requests waiting": 0, "kv_cache.utilization": 2210 / 8192,
        }),
    ],
)  # fmt: skip
async def test_other_pages(name: str, figures: dict[str, float], dial: Dial) -> None:
    with Fake(samples() | {"/metrics": lambda _: page(sample(name))}, server=SERVER) as server:
        look = await llamacpp.make().look(dial(server))
        assert short(look) == pytest.approx(figures)


async def test_a_generation(dial: Dial) -> None:
    """Live while it runs, exact in the end."""
    clock = FakeClock()
    llama = Llama(clock, slots=1)
    with serve(llama) as server:
        web, adapter, derivation = dial(server, clock), llamacpp.make(), Derivation("s")
        derivation.samples(await adapter.look(web), clock.now())
        clock.advance(NS_PER_S)
        with server.lock:
            seat = llama.begin(cached=20, limit=100)
            llama.read(seat, 300)
        look = await adapter.look(web)
        assert short(look)["tokens.rate prompt"] == 300
        assert short(look)["tokens.rate generation"] == 0
        assert [item.state for item in look.requests] == ["prefill"]
        for _ in range(3):
            clock.advance(NS_PER_S)
            with server.lock:
                llama.decode(seat, 25)
            look = await adapter.look(web)
            told, restarted = derivation.samples(look, clock.now())
            assert not restarted
            rates = {
                item.column.series.label("mode"): item.value
                for item in told
                if item.column.series.name == "inference.tokens.rate"
            }
            assert rates == {"prompt": 0, "generation": 25}
        assert [(item.state, item.prompt, item.generated, item.detail) for item in look.requests] == [
            ("generating", 320, 75, "at most 25 more")
        ]
        figures = short(look)
        assert figures["kv_cache.utilization"] == pytest.approx(395 / 8192)
        assert figures["kv_cache.limit"] == 8192
        assert figures["tokens generation"] == 0
        clock.advance(NS_PER_S)
        with server.lock:
            llama.decode(seat, 10)
            llama.finish(seat)
        look = await adapter.look(web)
        assert short(look)["tokens.rate generation"] == 10
        assert short(look)["tokens generation"] == 85
        assert short(look)["tokens prompt"] == 320
        assert look.requests == ()


async def test_nothing_of_what_was_asked_gets_into_a_look(dial: Dial) -> None:
    llama = Llama()
    llama.decode(llama.begin(), 1)
    with serve(llama) as server:
        adapter = llamacpp.make()
        for _ in range(2):
            look = await adapter.look(dial(server))
            assert look.requests
            assert SECRET not in repr(look)
            assert SECRET not in repr(adapter._last)


async def test_without_the_page(dial: Dial) -> None:
    """``/props`` says so; older ones answer 501, which is asked for once."""
    for old in (False, True):
        llama = Llama(metrics=False, old=old)
        llama.begin()
        with serve(llama) as server:
            web, adapter = dial(server), llamacpp.make()
            for _ in range(3):
                look = await adapter.look(web)
                assert METRICS_OFF in look.missing
                assert look.missing.count(METRICS_OFF) == 1
                assert METRICS_OFF.fix == "start it with --metrics"
                assert "tokens" in METRICS_OFF.figure
                model = "Qwen3-8B-Q4_K_M.gguf" if old else "qwen3-8b"
                assert short(look, model)["requests running"] == 1
                assert look.reads == ("/props", "/slots")
            assert server.paths.count("/metrics") == (1 if old else 0)


async def test_without_slots(dial: Dial) -> None:
    for old in (False, True):
        with serve(Llama(show_slots=False, old=old)) as server:
            web, adapter = dial(server), llamacpp.make()
            await adapter.look(web)
            look = await adapter.look(web)
            assert SLOTS_OFF in look.missing
            assert look.live == {}
            assert server.paths.count("/slots") == (1 if old else 0)


async def test_a_runner_of_ollama(dial: Dial) -> None:
    with serve(Llama(metrics=False)) as server:
        look = await LlamaCpp("qwen3:8b", runner=True).look(dial(server))
    assert RUNNER_METRICS_OFF in look.missing
    assert "LLAMA_ARG_ENDPOINT_METRICS=1" in RUNNER_METRICS_OFF.fix
    assert {key.model for key in look.gauges} == {"qwen3:8b"}
    assert look.models is not None
    assert [item.name for item in look.models] == ["qwen3:8b"]


@pytest.mark.parametrize("old", [False, True])
async def test_loading(old: bool, dial: Dial) -> None:
    """Older ones name what they load, newer ones answer nothing at all until they have."""
    llama = Llama(old=old)
    llama.loading = True
    loading = ModelInfo(name="qwen3-8b", state=LOADING)
    with serve(llama) as server:
        web, adapter = dial(server), llamacpp.make()
        look = await adapter.look(web)
        assert (look.state, look.reason) == (health.OK, "it loads its model")
        assert look.models == ((loading,) if old else ())
        assert short(look) == {}
        assert await llamacpp.identify(web) == ""
        llama.loading = False
        look = await adapter.look(web)
        assert look.models is not None
        assert [(item.state, item.size) for item in look.models] == [(LOADED, 5021787136)]
        assert look.reason == ""
        llama.loading = True
        assert [item.state for item in (await adapter.look(web)).models or ()] == [LOADING], "again"


async def test_a_restart(dial: Dial) -> None:
    clock = FakeClock()
    llama = Llama(clock)
    with serve(llama) as server:
        web, adapter, derivation = dial(server, clock), llamacpp.make(), Derivation("s")
        llama.predicted, llama.prompt = 100, 50
        derivation.samples(await adapter.look(web), clock.now())
        with server.lock:
            llama.restart()
            llama.predicted, llama.prompt = 200, 100  # more than before: only the birth tells
        clock.advance(NS_PER_S)
        look = await adapter.look(web)
        assert look.reloaded == frozenset()
        assert derivation.samples(look, clock.now())[1] is True
        server.refuse()
        with pytest.raises(SourceUnavailableError):
            await adapter.look(web)
        server.listen()
        assert (await adapter.look(web)).models is not None, "it may be another model now"


async def test_a_big_prompt_is_no_death(dial: Dial, monkeypatch: pytest.MonkeyPatch) -> None:
    """``/props`` answers, ``/metrics`` and ``/slots`` wait for the batch that runs."""
    defaults = Web.get.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "timeout_s", 1.0)
    with serve(Llama()) as server:
        web, adapter = dial(server), llamacpp.make()
        for path in ("/metrics", "/slots"):
            server.faults = {path: fake.HUNG}
            look = await adapter.look(web)
            assert (look.state, look.reason) == (
                health.LATE, f"busy with a batch: {path}: no answer within 1 s"
            )  # fmt: skip
        server.faults = {}
        assert (await adapter.look(web)).state == health.OK


async def test_a_key(dial: Dial) -> None:
    with serve(Llama(), key="k") as server:
        with pytest.raises(SourceUnavailableError) as caught:
            await llamacpp.make().look(dial(server))
        assert caught.value.state == health.DENIED
        assert await llamacpp.identify(dial(server)) == ""
        look = await llamacpp.make().look(dial(server, key="k"))
        assert look.state == health.OK


async def test_a_unix_socket_with_a_prefix(tmp_path: Path, dial: Dial) -> None:
    path = Path("/tmp") / f"{tmp_path.parent.name[:8]}{tmp_path.name[:12]}.sock"  # noqa: S108  107 bytes at most
    with serve(Llama(), unix=path, prefix="/llm") as server:
        web = dial(server)
        assert await llamacpp.identify(web) == "b10488-0c1e570"
        assert (await llamacpp.make().look(web)).reads == ("/props", "/metrics", "/slots")
        assert set(server.paths) == {"/llm/props", "/llm/metrics", "/llm/slots", "/llm/v1/models"}
