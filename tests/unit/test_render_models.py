"""Cards of model servers made of tables and numbers: what counts once, what is unknown, what is a bound."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.model import servers as cells
from wftui.model.series import series
from wftui.model.table import Cell, Row, TableSchema
from wftui.render import model_words as words
from wftui.render import models, serving
from wftui.render.model_cards import Server
from wftui.render.model_figures import CLIENT_TTFT, KV, RATE, TTFT, Index, Spread

NAN = float("nan")
MINUTE_NS = 60 * 10**9


class Told:
    """Numbers by series; rates and means by the same text."""

    def __init__(self, values: dict[str, float]) -> None:
        self.values = values

    def value(self, text: str) -> float:
        return self.values.get(text, NAN)

    def rate(self, text: str) -> float:
        return self.values.get(f"rate {text}", NAN)

    def mean(self, text: str) -> float:
        return self.values.get(f"mean {text}", NAN)


def row(schema: TableSchema, **known: Cell) -> Row:
    found = {name.replace("__", "."): value for name, value in known.items()}
    return tuple(found.get(item.name, "" if item.kind == "text" else None) for item in schema.columns)


def server(endpoint: str, **known: Cell) -> tuple[str, Row]:
    base: dict[str, Cell] = {"server__kind": "ollama", "server__state": "ok", **known}
    return endpoint, row(cells.SERVERS, server__endpoint=endpoint, **base)


def model(endpoint: str, name: str, **known: Cell) -> tuple[str, Row]:
    base: dict[str, Cell] = {"model__state": "loaded", **known}
    return f"{endpoint}|{name}", row(cells.MODELS, server__endpoint=endpoint, model__name=name, **base)


def text(metric: str, server_: str, model_: str = "", mode: str = "", stat: str = "") -> str:
    labels = {key: value for key, value in (("server", server_), ("model", model_), ("mode", mode)) if value}
    return series(metric, labels, stat).text


def made(
    servers: list[tuple[str, Row]],
    served: list[tuple[str, Row]],
    numbers: dict[str, float],
    asked: dict[str, Row] | None = None,
) -> tuple[Server, ...]:
    from wftui.model.series import parse

    tables = {"servers": dict(servers), "models": dict(served), "inference_requests": asked or {}}
    names = {name.removeprefix("rate ").removeprefix("mean ") for name in numbers}
    return models.servers(tables, Index(parse(name) for name in sorted(names)), Told(numbers))


def test_servers_have_an_order_that_does_not_depend_on_the_table() -> None:
    rows = [
        server("h:10000"),
        server("h:9000"),
        server("a:1", server__kind="vllm"),
        server("z:1", server__kind="comfyui"),
    ]
    for order in (rows, rows[::-1]):
        assert [item.endpoint for item in made(order, [], {})] == ["z:1", "h:9000", "h:10000", "a:1"]


def test_the_parts_of_a_server_stand_in_its_card_and_count_once() -> None:
    servers = [server("o:1"), server("r:1", server__parent="o:1"), server("r:2", server__parent="o:1")]
    served = [model("o:1", "a"), model("o:1", "b")]
    numbers = {
        text(RATE, "r:1", "a", "generation"): 90.0,
        text(RATE, "r:2", "b", "generation"): 7.0,
        text(KV, "r:1", "a"): 0.2,
        text(KV, "r:2", "b"): 0.6,
        text("inference.server.up", "o:1"): 1.0,
    }
    (card,) = made(servers, served, numbers)
    assert card.figures.generation == 97.0
    assert card.figures.kv == 0.6  # the fullest
    assert [item.figures.generation for item in card.models] == [90.0, 7.0]
    assert [part[cells.ENDPOINT] for part in card.parts] == ["r:1", "r:2"]
    # What server and part both tell of one model is the server's word.
    (card,) = made(servers, served, {**numbers, text(RATE, "o:1", "a", "generation"): 91.0})
    assert card.figures.generation == 98.0


def test_a_part_whose_server_is_not_known_stands_for_itself() -> None:
    assert [item.endpoint for item in made([server("r:1", server__parent="gone:1")], [], {})] == ["r:1"]


def test_what_is_told_of_the_server_is_told_of_its_only_model() -> None:
    numbers = {text(RATE, "v:1", "", "generation"): 5.0, text(RATE, "v:1", "other", "prompt"): 3.0}
    (card,) = made([server("v:1")], [model("v:1", "served")], numbers)
    assert card.models[0].figures.generation == 5.0
    assert card.models[0].figures.prompt == 3.0
    (card,) = made([server("v:1")], [model("v:1", "one"), model("v:1", "two")], numbers)
    assert card.figures.generation == 5.0
    assert math.isnan(card.models[0].figures.generation)


def test_nothing_told_is_unknown_and_never_zero() -> None:
    (card,) = made([server("v:1", server__state="stuck")], [], {})
    values = [value for value in card.figures if isinstance(value, float)]
    assert values
    assert all(math.isnan(value) for value in values)
    assert not card.figures.speaks
    assert (card.level, card.trouble) == (models.BAD, "stuck")


def test_quantiles_of_several_models_are_the_worst_with_their_bounds() -> None:
    numbers = {text(TTFT, "v:1", name, "", stat): value for name, stat, value in (
        ("a", "p50", 0.1), ("a", "p95", 0.4), ("b", "p50", 0.3), ("b", "p95", 2560.0),
    )}  # fmt: skip
    numbers |= {f"mean {text(TTFT, 'v:1', name, '', 'count')}": 0.5 for name in "ab"}
    (card,) = made([server("v:1", server__bounds=f"{TTFT}=0.001:2560,{KV}=x:1,junk")], [], numbers)
    assert (card.figures.ttft.p50, card.figures.ttft.p95) == (0.3, 2560.0)
    assert card.figures.ttft.seen == 10.0
    assert words.took(card.figures.ttft.p95, card.figures.ttft.bounds).strip() == "≥2560 s"
    assert card.bounds == {TTFT: (0.001, 2560.0)}


def _seen(source: str, metric: str, stat: str = "p50", mode: str = "") -> str:
    labels = {"server": "a:1", "model": "m", "source": source, **({"mode": mode} if mode else {})}
    return series(metric, labels, stat).text


def test_what_clients_saw_stands_in_for_what_the_server_does_not_tell() -> None:
    chunk = _seen("proxy", CLIENT_TTFT)
    (found,) = made([server("a:1")], [model("a:1", "m")], {chunk: 0.25})
    assert (found.figures.ttft.p50, found.figures.from_clients) == (0.25, True)
    told = text(TTFT, "a:1", "m", stat="p50")
    (found,) = made([server("a:1")], [model("a:1", "m")], {chunk: 0.25, told: 0.2})
    assert (found.figures.ttft.p50, found.figures.from_clients) == (0.2, False)


def test_what_is_pushed_in_a_servers_name_is_not_the_servers_word() -> None:
    pushed = _seen("bench", RATE, "", "generation")
    (found,) = made([server("a:1")], [model("a:1", "m")], {pushed: 99.0})
    assert math.isnan(found.figures.generation)


def test_energy_of_a_thousand_tokens() -> None:
    (card,) = made([server("v:1")], [], {text("inference.energy.per_token", "v:1"): 3.6})
    assert card.figures.per_1000_j == 3600.0
    assert card.figures.per_1000_wh == pytest.approx(1.0)
    assert card.figures.per_watt == pytest.approx(1 / 3.6)


@pytest.mark.parametrize(
    ("known", "numbers", "level", "trouble"),
    [
        ({"server__verdict": "not all on the GPU"}, {}, models.WARN, "claim"),
        ({}, {text(KV, "v:1"): 0.97}, models.WARN, "KV cache full"),
        ({}, {f"rate {text('inference.preemptions', 'v:1')}": 2.0}, models.WARN, "preempting"),
        ({"server__state": "denied"}, {text(KV, "v:1"): 0.97}, models.WARN, "denied"),
        ({"server__state": "asleep"}, {}, models.QUIET, "asleep"),
        ({}, {text(KV, "v:1"): 0.5}, models.GOOD, ""),
    ],
)
def test_how_well_a_server_is(known: dict[str, Cell], numbers: dict[str, float], level: str, trouble: str) -> None:
    (card,) = made([server("v:1", **known)], [], numbers)
    assert (card.level, card.trouble) == (level, trouble)


def test_what_is_missing_and_what_was_renamed() -> None:
    missing = "tokens: --metrics\nfailed requests:\n"
    (card,) = made([server("v:1", server__missing=missing, server__renamed="a_b=a_c,x=y")], [], {})
    assert card.missing == (("tokens", "--metrics"), ("failed requests", ""))
    assert card.renamed == (("a_b", "a_c"), ("x", "y"))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.00123, " 1.23 ms"), (0.212, "  212 ms"), (0.9999, " 1.00 s "), (124.0, "  124 s "), (NAN, "    -   ")],
)
def test_durations_have_one_width(seconds: float, said: str) -> None:
    assert words.took(seconds) == said


@given(st.floats(0, 1e9), st.floats(1e-6, 1e4))
def test_figures_keep_their_width(speed: float, seconds: float) -> None:
    assert len(words.speed(speed)) == 6
    assert len(words.took(seconds)) >= 8
    assert words.took(seconds).rstrip()[-1] == "s"


@pytest.mark.parametrize(
    ("vram", "ram", "said"),
    [
        (6.1 * 2**30, 0.0, "6.10 GiB in VRAM"),
        (0.0, 19.0 * 2**30, "19.0 GiB in RAM"),
        (12.8 * 2**30, 7.8 * 2**30, "38 % of 20.6 GiB in RAM"),
        (None, None, ""),
    ],
)
def test_where_a_model_is(vram: float | None, ram: float | None, said: str) -> None:
    (card,) = made([server("v:1")], [model("v:1", "m", model__vram=vram, model__ram=ram)], {})
    assert words.placed(card.models[0]) == said


@pytest.mark.parametrize(
    ("expires", "said"),
    [(None, ""), (-1, "kept"), (5 * MINUTE_NS, "in 4 min"), (0, "being unloaded"), (10**19, "kept")],
)
def test_until_when_it_is_kept(expires: int | None, said: str) -> None:
    (card,) = made([server("v:1")], [model("v:1", "m", model__expires=expires)], {})
    assert words.expiry(card.models[0], MINUTE_NS) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(812, "812"), (8192, "8192"), (131_072, "128k"), (14_200, "14k"), (1_000_000, "1M"), (None, "-")],
)
def test_tokens(value: float | None, said: str) -> None:
    assert words.tokens(value) == said


CELLS = st.none() | st.text(max_size=12) | st.integers(-2, 2**62) | st.floats()


@given(st.data())
def test_any_row_makes_a_card(data: st.DataObject) -> None:
    def rows(schema: TableSchema) -> dict[str, Row]:
        shape = st.tuples(*(CELLS for _ in schema.columns))
        return {str(place): row_ for place, row_ in enumerate(data.draw(st.lists(shape, max_size=3)))}

    tables = {schema.name: rows(schema) for schema in (cells.SERVERS, cells.MODELS, cells.REQUESTS)}
    found = models.servers(tables, Index([]), Told({}))
    assert len(found) <= len(tables["servers"])
    assert all(item.level in models.RANK for item in found)


def test_lines_of_a_report() -> None:
    numbers = {
        text(RATE, "v:1", "m", "generation"): 2431.0,
        text("inference.requests", "v:1", "m", "waiting"): 6.0,
    }
    listed = [
        server("v:1", server__kind="vllm"),
        server("l:1", server__kind="lmstudio", server__state="denied", server__reason="401", server__fix="a key"),
        server("o:1", server__verdict="split", server__evidence="38 % in RAM"),
    ]
    said = serving.lines(made(listed, [model("v:1", "m")], numbers))
    assert said == [
        "lmstudio l:1 denied: 401; fix: a key",
        "ollama o:1: no model loaded",
        "  split: 38 % in RAM",
        "vllm v:1: m, 2,431 tok/s, 6 waiting",
    ]


def test_what_quantiles_are_of() -> None:
    assert words.seen(Spread(NAN, NAN, NAN, 48.2, (NAN, NAN))) == "n 48"
    assert words.seen(Spread(NAN, NAN, NAN, NAN, (NAN, NAN))) == ""
