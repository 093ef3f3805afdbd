"""Any metrics page by configuration: names, labels, kinds, units, limits."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakeclock import FakeClock
from tests.servers.conftest import Dial
from tests.servers.fake import Fake, page, sample
from wftui.clock import NS_PER_S
from wftui.collectors.servers import custom, prometheus
from wftui.collectors.servers.derive import Derivation
from wftui.collectors.servers.figures import Look
from wftui.collectors.servers.kinds import load, modules
from wftui.endpoint import Endpoint, Named, Pick
from wftui.errors import ConfigError, SourceError, SourceFormatError

DCGM = "http://127.0.0.1:9400/metrics kind=prometheus source=dcgm relabel=UUID:mode,modelName:model,*:"
CARD = "NVIDIA H100 80GB HBM3"
FIRST, SECOND = "GPU-01111111-2222-3333-4444-555555555555", "GPU-11111111-2222-3333-4444-555555555555"


async def look_at(body: bytes, dial: Dial, line: str = "http://127.0.0.1:1 kind=prometheus source=a") -> Look:
    """What is told of a page."""
    named = Named.parse(line)
    path = named.endpoint.prefix or "/metrics"
    with Fake({path: lambda _: page(body)}) as server:
        web = dial(server, prefix=named.endpoint.prefix, pick=named.endpoint.pick)
        assert await prometheus.identify(web) == ""
        adapter = prometheus.make()
        first = await adapter.look(web)
        again = await adapter.look(web)
        assert (first.gauges, first.counters, first.histograms) == (again.gauges, again.counters, again.histograms)
        assert first.reads == (path,)
        return again


def told(look: Look) -> dict[tuple[str, str, str], float]:
    """Gauges and counters."""
    return {(key.metric, key.model, key.mode): value for key, value in (look.gauges | look.counters).items()}


async def test_every_figure_of_dcgm(dial: Dial) -> None:
    look = await look_at(sample("dcgm.prom"), dial, DCGM)
    found = told(look)
    assert found["custom.dcgm.DCGM_FI_DEV_SM_CLOCK", CARD, FIRST] == 1980
    assert found["custom.dcgm.DCGM_FI_DEV_SM_CLOCK", CARD, SECOND] == 345
    assert found["custom.dcgm.DCGM_FI_DEV_MEMORY_TEMP", CARD, FIRST] == 58
    assert ("custom.dcgm.DCGM_FI_DEV_MEMORY_TEMP", CARD, SECOND) not in found, "DCGM does not know it"
    counters = {key.metric.rpartition(".")[2] for key in look.counters}
    assert counters == {
        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
        "DCGM_FI_DEV_PCIE_REPLAY_COUNTER",
        "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL",
    }
    lines = [line for line in sample("dcgm.prom").split(b"\n") if line and not line.startswith(b"#")]
    blanks = [line for line in lines if line.endswith(b"9223372036854775794")]
    assert len(found) == len(lines) - len(blanks)
    assert look.missing == ()


PAGE = b"""# TYPE load gauge
load{gpu="0"} 1
load{gpu="1"} 3
# TYPE work_seconds counter
work_seconds_total{gpu="0",phase="a"} 10
work_seconds_total{gpu="1",phase="a"} 5 1767225600000
work_seconds_created{gpu="1"} 1.7e9
# TYPE wait_seconds histogram
wait_seconds_bucket{le="1"} 2
wait_seconds_bucket{le="+Inf"} 5
wait_seconds_sum 9
wait_seconds_count 5
# TYPE pause_seconds summary
pause_seconds{quantile="0.5"} 0.1
pause_seconds_sum 4
pause_seconds_count 8
loose_bytes 7
loose_total{model_name="m"} 8
empty NaN
"""


async def test_kinds_of_metrics(dial: Dial) -> None:
    look = await look_at(PAGE, dial)
    assert told(look) == {
        ("custom.a.load", "", "gpu=0"): 1,
        ("custom.a.load", "", "gpu=1"): 3,
        ("custom.a.work_seconds_total", "", "gpu=0,phase=a"): 10,
        ("custom.a.work_seconds_total", "", "gpu=1,phase=a"): 5,
        ("custom.a.pause_seconds", "", "quantile=0.5"): 0.1,
        ("custom.a.loose_bytes", "", ""): 7,
        ("custom.a.loose_total", "m", ""): 8,
    }
    assert {key.metric for key in look.counters} == {"custom.a.work_seconds_total", "custom.a.loose_total"}
    spreads = {key.metric: (item.bounds, item.counts, item.total) for key, item in look.histograms.items()}
    assert spreads == {
        "custom.a.wait_seconds": ((1, math.inf), (2, 5), 9),
        "custom.a.pause_seconds": ((math.inf,), (8,), 4),
    }


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ("include=load", {"load"}),
        ("include=*_seconds", {"work_seconds_total", "wait_seconds", "pause_seconds"}),
        ("exclude=*_seconds,loose_*", {"load"}),
        ("include=l* exclude=loose_bytes", {"load", "loose_total"}),
    ],
)
async def test_include_and_exclude(options: str, names: set[str], dial: Dial) -> None:
    look = await look_at(PAGE, dial, f"http://127.0.0.1:1 kind=prometheus source=a {options}")
    assert {key.metric.rpartition(".")[2] for key in [*look.gauges, *look.counters, *look.histograms]} == names


async def test_relabel(dial: Dial) -> None:
    line = "http://127.0.0.1:1 kind=prometheus source=a include=load,work* relabel=gpu:,phase:mode,load:cpu_load"
    look = await look_at(PAGE, dial, line)
    assert told(look) == {("custom.a.cpu_load", "", ""): 2, ("custom.a.work_seconds_total", "", "a"): 15}


async def test_series_rates_and_units(dial: Dial) -> None:
    clock, derivation = FakeClock(), Derivation("127.0.0.1:1")
    derivation.samples(await look_at(PAGE, dial), clock.now())
    clock.advance(NS_PER_S)
    more = PAGE.replace(b'bucket{le="+Inf"} 5', b'bucket{le="+Inf"} 6').replace(b'le="1"} 2', b'le="1"} 3')
    samples, _ = derivation.samples(await look_at(more, dial), clock.now())
    columns = {
        item.column.series.text: (item.column.kind, item.column.unit, item.column.group) for item in samples
    }
    assert columns['custom.a.load{mode="gpu=0",server="127.0.0.1:1"}'] == ("gauge", "{value}", "custom")
    text = 'custom.a.work_seconds_total{mode="gpu=0,phase=a",server="127.0.0.1:1"}'
    assert columns[text] == ("counter", "s", "custom")
    text = 'custom.a.wait_seconds{server="127.0.0.1:1",stat="count"}'
    assert columns[text] == ("distribution", "s", "custom")
    values = {item.column.series.text: item.value for item in samples}
    assert values['custom.a.wait_seconds{server="127.0.0.1:1",stat="count"}'] == 1
    assert values['custom.a.wait_seconds{server="127.0.0.1:1",stat="p50"}'] == 1, "a bound: it says so"


async def test_too_many_and_too_long(dial: Dial) -> None:
    body = b"".join(b'a{i="%d"} 1\n' % number for number in range(2100)) + b"x" * 80 + b" 1\n"
    look = await look_at(body, dial)
    assert len(look.gauges) == prometheus.MOST
    assert [item.figure[:22] for item in look.missing] == ["100 series beyond 2000", "x" * 22]
    assert "include=" in look.missing[0].fix
    assert "relabel=" in look.missing[1].fix


@pytest.mark.parametrize("body", [b"", b"<html>", b"# only words\n", b"\xff\xfe"])
async def test_no_page(body: bytes, dial: Dial) -> None:
    with Fake({"/metrics": lambda _: page(body)}) as server:
        assert await prometheus.identify(dial(server)) is None
        server.fault = 404
        with pytest.raises(SourceError):
            await prometheus.identify(dial(server))


@pytest.mark.parametrize(
    ("endpoint", "source"),
    [
        (Endpoint(host="127.0.0.1", port=9400), "port_9400"),
        (Endpoint(host="::1", port=9400), "port_9400"),
        (Endpoint(host="box.lan", port=80), "box_lan_80"),
        (Endpoint(path="/run/My-Page.sock"), "my_page_sock"),
        (Endpoint(path="/run/Ω"), "page"),
        (Endpoint(host="a" * 60, port=1), "a" * 24),
        (Endpoint(host="127.0.0.1", port=1, pick=Pick(source="mine")), "mine"),
    ],
)
def test_what_its_series_are_called(endpoint: Endpoint, source: str) -> None:
    assert custom.source_of(endpoint) == source
    assert custom.metric(source, "node:load-1") == f"custom.{source}.node_load_1"
    assert custom.metric(source, "x" * 64) is None


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("custom.a.wait_seconds", "s"), ("custom.a.sent_bytes_total", "By"), ("custom.a.hit_ratio", "1"),
        ("custom.a.load", "{value}"), ("custom.a.requests_total", "{value}"),
    ],
)  # fmt: skip
def test_units(name: str, unit: str) -> None:
    assert custom.unit(name) == unit


def test_names_that_no_series_may_have() -> None:
    with pytest.raises(SourceFormatError):
        custom.custom("custom.ä", {}, "gauge", call="x", quality="measured")


def test_a_line_of_the_setting() -> None:
    named = Named.parse(DCGM + " include=DCGM_*,x exclude=y metrics=9000")
    assert named.kind == "prometheus"
    assert named.endpoint.name == "127.0.0.1:9400/metrics"
    assert named.endpoint.metrics == 9000
    assert named.endpoint.pick == Pick(
        "dcgm", ("DCGM_*", "x"), ("y",), (("UUID", "mode"), ("modelName", "model"), ("*", ""))
    )
    assert modules("Prometheus") == ("prometheus",)
    assert load("prometheus").NAME == "prometheus"
    assert "prometheus" not in modules(""), "it would say yes to any page"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("include=a", "kind=prometheus"),
        ("kind=vllm relabel=a:b", "kind=prometheus"),
        ("kind=prometheus relabel=a", "OLD:NEW"),
        ("kind=prometheus relabel=:b", "OLD:NEW"),
        ("kind=prometheus source=A", "a-z 0-9 _"),
        ("kind=prometheus source=" + "a" * 25, "at most 24"),
        ("metrics=0", "a port"),
        ("metrics=65536", "a port"),
        ("metrics=x", "a port"),
        ("include", "include=PATTERN"),
    ],
)
def test_a_line_that_cannot_be(words: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Named.parse(f"http://127.0.0.1:1 {words}")


@given(st.data())
def test_any_page_is_read_or_refused(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(PAGE)))
    damaged = PAGE[:at] + data.draw(st.binary(max_size=5)) + PAGE[at + data.draw(st.integers(0, 40)) :]
    reader, look = prometheus.make(), Look()
    reader.start(Pick(), "a")
    try:
        reader.read(PAGE, "/metrics", Look())
        reader.read(damaged, "/metrics", look)
    except SourceFormatError:
        return
    Derivation("a").samples(look, FakeClock().now())
