"""The models panel of the overview: any servers in any room, nothing unknown as a number, trouble in words."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from tests.tui.fake import NOW_S, full, scene
from tests.tui.servers_seen import COMFY, GONE, LOCKED, OLLAMA, SWOLLEN, VLLM, ServersFed, serving
from wftui.model.health import Health
from wftui.model.servers import MODELS, SERVERS, SOURCE
from wftui.model.table import TableChange
from wftui.render import model_words
from wftui.render.models import BAD, GOOD, WARN
from wftui.tui import layout
from wftui.tui.frame import Row, row_width
from wftui.tui.models_screen.seen import servers
from wftui.tui.overview import overview
from wftui.tui.panels import model_parts, model_rows, models
from wftui.tui.scene import Scene
from wftui.tui.state import State
from wftui.tui.verdict import verdict
from wftui.wire import messages as wire

NS = 10**9
SIZES = [(1, 1), (12, 3), (33, 5), (34, 1), (36, 8), (52, 2), (60, 4), (76, 3), (76, 12), (103, 6), (116, 6),
         (116, 30), (130, 9), (149, 9), (150, 3), (196, 9), (196, 46), (300, 60)]  # fmt: skip


@pytest.fixture(scope="module")
def state() -> State:
    return serving()


def text(rows: list[Row]) -> str:
    return "\n".join("".join(piece for piece, _ in row) for row in rows)


def told(state: State, width: int = 196, height: int = 9, **more: object) -> str:
    return text(models.draw(scene(state)._replace(**more), width, height).rows)  # type: ignore[arg-type]  # fields of the scene


def only(*endpoints: str, values: Mapping[str, float] | None = None) -> State:
    """The servers of these endpoints in the last second; ``values`` by the name of a metric."""
    fed = ServersFed(endpoints)
    fed.state.on(fed.tick(599))
    fed.state.on(fed.tick(600, values))
    return fed.furnish().state


def with_option(shown: Scene, **options: object) -> Scene:
    plan = layout.DEFAULT
    changed = type(plan)(plan.name, plan.title, plan.importance, plan.whens, options={"models": dict(options)})
    return shown._replace(plan=changed)


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_it_fits_into_any_room(state: State, width: int, height: int, ascii_only: bool) -> None:
    body = models.draw(scene(state, ascii_only=ascii_only), width, height)
    assert len(body.rows) <= height
    assert all(row_width(row) == width for row in body.rows)
    if ascii_only:
        assert text([*body.rows, body.right]).isascii()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_names_of_anybody_s_making_break_nothing(width: int, height: int) -> None:
    body = models.draw(scene(serving(hostile=True)), width, height)
    assert all(row_width(row) == width for row in body.rows)
    assert "\x1b" not in text(body.rows)


def test_columns_stand_under_their_heads(state: State) -> None:
    rows = models.draw(scene(state), 116, 11).rows
    lines = text(rows).splitlines()
    head = next(line for line in lines if "tok/s" in line)
    vllm = next(line for line in lines if line.startswith("● vllm:8000"))
    for word, unit in (("tok/s", r""), ("TTFT p50", "ms"), ("ITL p95", "ms"), ("KV", "%")):
        end = head.index(word) + len(word)
        assert vllm[:end].rstrip().endswith(unit), (word, vllm)
        assert vllm[:end].rstrip() == vllm[: len(vllm[:end].rstrip())]
    figures = next(item.figures for item in model_parts.lines(state) if item.server.endpoint == VLLM)
    assert vllm[: head.index("tok/s") + 5].endswith(model_words.speed(figures.generation))
    assert vllm[: head.index("prompt") + 6].endswith(model_words.speed(figures.prompt))


def test_every_server_has_a_line_and_says_how_it_is(state: State) -> None:
    shown = told(state)
    for words in ("● vllm:8000", "▲ vllm:8001", "◌ lmstudio:1234  denied 401: it wants a key", "✕ tgi tgi.sock",
                  "▲ ollama:11434", "└─ qwen3:8b", "job ", "38 % in RAM", "preempting", "J/tok ≈"):  # fmt: skip
        assert words in shown, words
    # The runner of the Ollama is a part of it, and what is not in memory has no line.
    assert "36417" not in shown
    assert "mistral" not in shown


def test_what_is_not_known_is_no_number() -> None:
    shown = told(only(COMFY), 116, 2)
    assert "0.00" not in shown
    assert shown.splitlines()[-1].count(" - ") >= 4
    nothing = only(VLLM, values={"inference.requests": float("nan"), "inference.tokens.rate": float("nan")})
    line = told(nothing, 116, 3).splitlines()[-1]
    assert "idle" not in line
    assert line.split("Llama-4-Scout")[1].split()[:4] == ["-"] * 4 or " - " in line


def test_idle_is_said_only_of_what_is_known_to_do_nothing() -> None:
    still = only(VLLM, values={"inference.tokens.rate": 0.0, "inference.requests": 0.0})
    assert "idle" in told(still, 116, 3)
    reading = only(VLLM, values={"inference.tokens.rate": 0.0, "inference.requests": 3.0})
    assert "idle" not in told(reading, 116, 3)


def test_a_quantile_that_is_a_bound_says_so() -> None:
    low = only(VLLM, values={'gen_ai.server.time_to_first_token{model="Llama-4-Scout",server="127.0.0.1:8000",'
                        'stat="p50"}': 0.001,
                        'gen_ai.server.time_to_first_token{model="Llama-4-Scout",server="127.0.0.1:8000",'
                        'stat="p95"}': 2560.0})  # fmt: skip
    shown = told(low, 116, 3)
    assert "≤1.00 ms" in shown
    assert "≥2560 s" in shown
    plain = text(models.draw(scene(low, ascii_only=True), 116, 3).rows)
    assert "<1.00 ms" in plain
    assert ">2560 s" in plain


def test_a_full_cache_and_a_queue_are_warnings(state: State) -> None:
    found = {(item.server.endpoint, item.model.name if item.model else ""): item
             for item in model_parts.lines(state)}  # fmt: skip
    swollen = found[SWOLLEN, "Qwen3-32B"]
    assert swollen.level == WARN
    assert model_parts.waiting(swollen.figures)[1] == "warn"
    assert found[VLLM, "Llama-4-Scout"].level == GOOD
    assert found[GONE, ""].level == BAD
    # What is wrong with one model of a server is said in that model's line.
    assert found[OLLAMA, "gemma3:27b"].claims
    assert not found[OLLAMA, "qwen3:8b"].claims


def test_the_frame_sums_up(state: State) -> None:
    right = text([models.draw(scene(state), 196, 9).right])
    sums = {name: sum(value for item in servers(state) if (value := getattr(item.figures, name)) == value)
            for name in ("generation", "prompt", "running", "waiting")}  # fmt: skip
    assert right == (
        f"{model_words.speed(sums['generation']).strip()} tok/s · "
        f"prompt {model_words.speed(sums['prompt']).strip()} · "
        f"{sums['running']:.0f} running · {sums['waiting']:.0f} waiting · ▲ 3 of 7"
    )
    assert text([models.draw(scene(only(VLLM)), 76, 3).right]).endswith("1 server")


def test_one_that_wants_a_key_is_no_alarm() -> None:
    right = text([models.draw(scene(only(VLLM, LOCKED)), 116, 4).right])
    assert "▲" not in right
    assert "2 servers" in right


def test_where_it_is_tight_what_matters_stays_in_its_order(state: State) -> None:
    shown = models.draw(scene(state), 76, 3)
    lines = text(shown.rows).splitlines()
    assert [line.split()[1] for line in lines[1:]] == ["tgi", "vllm:8001"]
    assert text([shown.right]).endswith("▲ 3 of 7 · 6 more")
    calm = only(VLLM, COMFY, LOCKED)
    assert "vllm:8000" in told(calm, 76, 2)
    few = told(state, 116, 6).splitlines()
    assert "4 more: comfyui:8188" in few[-1]
    # A model whose server's line is left out names that itself.
    tight = model_parts.foremost(state, model_parts.lines(state), 4)
    assert all(item.first for item in tight)


def test_lines_are_sorted_as_a_person_chose(state: State) -> None:
    shown = with_option(scene(state), sort="speed")
    rows = text(models.draw(shown, 116, 9).rows).splitlines()
    assert "vllm:8000" in rows[1]
    assert "vllm:8001" in rows[2]
    rows = text(models.draw(scene(state), 116, 9).rows).splitlines()
    assert "comfyui" in rows[1]


def test_graphs_are_beside_above_or_in_the_lines(state: State) -> None:
    beside = told(state, 196, 9)
    assert re.search(r"prompt [\d,]+ tok/s", beside.splitlines()[0])
    assert "generation 5,000 tok/s" in beside
    above = told(state, 116, 24).splitlines()
    assert above[0].startswith("prompt")
    assert "tok/s prompt" in above[24 - 9]
    assert "generation" not in told(state, 116, 9)
    assert "⣿" in told(state, 116, 9)


def test_a_chosen_length_is_said_and_drawn(state: State) -> None:
    shown = with_option(scene(state), length=120)
    body = models.draw(shown, 196, 9)
    assert text([body.right]).startswith("120 s · ")
    assert "models" in state.spans


def test_old_tables_are_dimmed_and_say_their_age() -> None:
    old = only(VLLM)
    old.table_times[SERVERS.name] = (NOW_S - 95) * NS
    old.version += 1
    body = models.draw(scene(old), 116, 3)
    assert text([body.right]).startswith("told 1 min ago")
    assert {role for _, role in body.rows[-1]} <= {"dim", "faint"}
    fresh = models.draw(scene(only(VLLM)), 116, 3)
    assert "strong" in {role for _, role in fresh.rows[-1]}


def test_a_server_that_began_anew_says_so() -> None:
    fed = ServersFed((SWOLLEN,))
    for second in (599, 600):
        fed.state.on(fed.tick(second, {"inference.preemptions": 5.0, "inference.kv_cache.utilization": 0.4}))
    state = fed.furnish().state
    rows = {key: tuple((NOW_S - 40) * NS if at == 6 else cell for at, cell in enumerate(row))
            for key, row in state.tables[SERVERS.name].items()}  # fmt: skip
    change = TableChange(SERVERS.name, NOW_S * NS, keyframe=True, rows=rows)
    state.on(wire.TableArrived(change, SERVERS))
    assert "restarted 40 s ago" in told(state, 196, 4)
    assert "restarted" in told(state, 116, 3)


def test_an_empty_panel_says_why_and_how_to_be_seen() -> None:
    state = full()
    assert "no word on model servers yet" in told(state, 76, 3)
    for schema in (SERVERS, MODELS):
        state.on(wire.TableArrived(TableChange(schema.name, NOW_S * NS, keyframe=True, rows={}), schema))
    shown = told(state, 100, 8)
    assert "no model server runs here as far as can be seen" in shown
    assert "[servers] endpoints = [" in shown
    assert "--metrics" in shown
    state.sources = [Health(SOURCE, "off", "switched off by a person", "o on the sources screen")]
    state.kept.clear()
    shown = told(state, 76, 2)
    assert "switched off by a person" in shown
    assert "→ o on the sources screen" in shown
    assert "no model server" not in shown


def test_a_line_for_very_small_terminals(state: State) -> None:
    row = models.line(scene(state), 40)
    assert row_width(row) == 40
    assert re.match(r"llm  [\d,]+ tok/s  wait \d+ ▲ stuck", text([row]))
    wide = text([models.line(scene(only(VLLM)), 60)])
    assert re.match(r"llm  [\d,]+ tok/s  run \d+ ", wide)
    assert text([models.line(scene(full()), 40)]).startswith("llm  no word on model servers yet")


@pytest.mark.parametrize("width", [20, 36, 37, 80])
def test_a_line_a_model_where_a_subject_is_a_line(state: State, width: int) -> None:
    rows = [models.one(scene(state), width, place, 4) for place in range(4)]
    assert all(row_width(row) == width for row in rows)
    assert "5 more" in text([rows[-1]])
    assert row_width(models.one(scene(state), width, 20, 30)) == width


def test_room_for_servers_stays_when_one_goes() -> None:
    fed = ServersFed().run(590, 600).furnish()
    before = overview(fed.state, 120, 40).places
    assert any(place.name == "models" for place in before)
    rows = dict(list(fed.state.tables[SERVERS.name].items())[:1])
    fed.state.on(wire.TableArrived(TableChange(SERVERS.name, NOW_S * NS, keyframe=True, rows=rows), SERVERS))
    assert overview(fed.state, 120, 40).places == before
    assert overview(full(), 120, 40).place("models") is None


def test_the_top_line_names_a_server_in_trouble() -> None:
    def said(state: State) -> str:
        state.tables["gpus"].clear()
        state.table_version += 1
        return verdict(state).sentence

    assert said(only(VLLM)) == "well"
    assert "vllm:8000 KV cache 99 %" in said(only(VLLM, values={"inference.kv_cache.utilization": 0.99}))
    assert "tgi tgi.sock stuck" in said(only(GONE))
    # A claim and a key that is missing are no trouble of the machine.
    assert said(only(OLLAMA, LOCKED)) == "well"


@pytest.mark.parametrize("width", range(34, 260, 3))
def test_a_plan_never_takes_more_than_there_is(state: State, width: int) -> None:
    shape = model_rows.plan(model_parts.lines(state), width)
    assert row_width(model_rows.header(shape, width)) == width
    assert shape.words == 0 or shape.words >= 8
