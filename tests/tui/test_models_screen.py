"""Screen 7 at any size, its keys and clicks, and what it says of servers that are not well."""

from __future__ import annotations

import pytest

from tests.tui import servers_seen as fake
from tests.tui.fake import NOW_S, full, scene
from tests.tui.fake_gpus import NS
from tests.tui.servers_seen import ServersFed, serving
from tests.tui.test_compose import SIZES, check, lines
from tests.tui.test_keys import FakeLink, Still, press, screen_text
from wftui import paths
from wftui.model.event import Event
from wftui.model.sample import JsonValue
from wftui.model.series import parse, select, series
from wftui.render.palette import TRUECOLOR, load
from wftui.tui import clipboard
from wftui.tui.app import WftopApp
from wftui.tui.compose import Picture, picture
from wftui.tui.models_screen import axis, lanes, lately
from wftui.tui.models_screen.model import SORTS, ModelsScreen
from wftui.tui.models_screen.seen import servers
from wftui.tui.mouse import Mouse
from wftui.tui.state import State
from wftui.tui.ui import ORIGINS, Ui

PALETTE = load(paths.resources("themes") / "default.toml", TRUECOLOR)
ALL = serving()
STATES = {
    "all": ALL,
    "one": serving(fake.VLLM),
    "denied": serving(fake.LOCKED),
    "hostile": serving(hostile=True),
    "none": full(),
    "nothing": State(),
}


def show(
    state: State,
    size: tuple[int, int],
    key: tuple[str, str] = ("", ""),
    *,
    inside: bool = False,
    ascii_only: bool = False,
    wanted: str = "",
) -> tuple[Picture, ModelsScreen]:
    """The screen without an application."""
    ui = Ui()
    ui.models = screen = ModelsScreen()
    screen.key, screen.inside = key, inside
    ui.wanted["model"] = wanted
    ui.show("model")
    return picture(scene(state, ascii_only=ascii_only), ui, *size), screen


def body(drawn: Picture) -> str:
    return "\n".join(lines(drawn)[1:])


def app(state: State, **more: object) -> WftopApp:
    return WftopApp(PALETTE, state=state, clock=Still(), **more)  # type: ignore[arg-type]  # as the app has them


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", STATES)
def test_every_row_is_exactly_as_wide_as_the_terminal(size: tuple[int, int], name: str) -> None:
    state = STATES[name]
    keys = [item.key for item in ModelsScreen().listed(state)] if size[0] in (80, 120, 40) else []
    for key in keys or [("", "")]:
        for inside in (False, True):
            for ascii_only in (False, True):
                drawn, _ = show(state, size, key, inside=inside, ascii_only=ascii_only)
                check(drawn, *size)
                if ascii_only:
                    assert all(line.isascii() for line in lines(drawn)), (key, inside)


@pytest.mark.parametrize("size", [(120, 18), (120, 40), (160, 30), (200, 50)], ids=str)
def test_what_is_beside_the_list_begins_in_one_column(size: tuple[int, int]) -> None:
    for key in [item.key for item in ModelsScreen().listed(ALL)]:
        inner = lines(show(ALL, size, key)[0])[2:-2]
        assert len({line.index("│", 2) for line in inner}) == 1


def test_it_opens_where_trouble_can_be_seen_and_stays_with_what_was_chosen() -> None:
    _, screen = show(ALL, (120, 40))
    assert screen.key == (fake.SWOLLEN, "")
    found = screen.listed(ALL)
    screen.select([item.key for item in found].index((fake.OLLAMA, fake.LARGE)), found)
    assert screen.key == (fake.OLLAMA, fake.LARGE)
    # The model goes: its server is meant. The server goes: the first one.
    without = serving(fake.OLLAMA)
    without.tables["models"] = {key: row for key, row in without.tables["models"].items() if fake.LARGE not in key}
    without.table_version += 1
    chosen = screen.selected(screen.listed(without))
    assert chosen is not None
    assert chosen.key == (fake.OLLAMA, "")
    assert screen.selected(screen.listed(serving(fake.COMFY))).key == (fake.COMFY, "")  # type: ignore[union-attr]  # there is one


@pytest.mark.parametrize(
    ("server", "said"),
    [
        (fake.LOCKED, ["denied since", "401: it wants a key", "[servers] endpoints", "no figure of its work"]),
        (fake.GONE, ["stuck since", "12 s", "no answer within 5 s", "see its log"]),
        (
            fake.OLLAMA,
            ["not all of it is on", "38 % of 20.6 GiB is in RAM", "not told: time to first token"],
        ),
        (fake.SWOLLEN, ["preempting", "100 %", "waiting"]),
    ],
)
@pytest.mark.parametrize("size", [(120, 40), (200, 50)], ids=str)
def test_what_is_wrong_is_said_with_its_step(size: tuple[int, int], server: str, said: list[str]) -> None:
    shown = body(show(ALL, size, (server, ""))[0])
    for words in said:
        assert words in shown, words


def test_a_server_that_does_not_answer_has_no_numbers() -> None:
    shown = body(show(STATES["denied"], (120, 40), (fake.LOCKED, ""))[0])
    assert "tok/s" not in shown
    assert " 0 " not in shown
    assert "0 %" not in shown


def test_the_figures_stand_beside_their_lanes() -> None:
    told = servers(ALL)
    server = next(item for item in told if item.endpoint == fake.VLLM)
    by_name: dict[str, str] = {}
    for line in _main(ALL, (fake.VLLM, "")):
        by_name.setdefault(line.split()[0] if line.split() else "", line)
    assert f"{server.figures.prompt:,.0f} tok/s" in by_name["prompt"]
    assert f"{server.figures.generation:,.0f} tok/s" in by_name["generation"]
    assert "n 30" in by_name["TTFT"]
    assert f"{server.figures.running:.0f}" in by_name["running"].split()
    assert "≈" in by_name["1k"]
    assert "Wh" in by_name["1k"]


def _main(state: State, key: tuple[str, str]) -> list[str]:
    """Lines right of the list."""
    return [line.split("│")[2] for line in lines(show(state, (200, 50), key)[0])[2:-2]]


def test_a_bound_is_no_measurement() -> None:
    shown = body(show(ALL, (200, 50), (fake.VLLM, ""), inside=True)[0])
    queue = next(line for line in shown.splitlines() if "in queue" in line)
    assert "≤300 ms" in queue
    assert "<300 ms" in body(show(ALL, (200, 50), (fake.VLLM, ""), inside=True, ascii_only=True)[0])


def test_seconds_in_which_nothing_ended_are_blank_and_hatched_only_where_nobody_recorded() -> None:
    fed = ServersFed((fake.VLLM,))
    labels = {"server": fake.VLLM, "model": fake.SCOUT}
    ttft = series("gen_ai.server.time_to_first_token", labels, "p95").text
    for second in range(500, 601):
        if second not in range(540, 552):
            fed.state.on(fed.tick(second, {ttft: float("nan")} if 560 <= second < 572 else None))
    fed.furnish()
    line = next(text for text in _main(fed.state, (fake.VLLM, "")) if " p95 " in text)
    plot = line.split("p95", 1)[1]
    assert plot.count("▒") == 6
    assert " " * 6 in plot[plot.index("▒") : plot.rindex("▄")]


def test_details_tell_origin_and_what_would_bring_the_rest() -> None:
    shown = body(show(ALL, (200, 50), (fake.VLLM, ""), inside=True)[0])
    for words in ("/metrics vllm:num_requests_running", "apportioned", "hw.gpu.energy by GPU processes", "derived",
                  "vllm:gpu_cache_usage_perc → vllm:kv_cache_usage_perc", "first token"):  # fmt: skip
        assert words in shown, words
    shown = body(show(ALL, (200, 50), (fake.OLLAMA, ""), inside=True)[0])
    for words in ("wftop proxy --upstream http://127.0.0.1:11434", "nothing would bring it", fake.RUNNER,
                  "kept", "unloaded in 4 min", "38 % of 20.6 GiB in RAM"):  # fmt: skip
        assert words in shown, words


def test_requests_under_way_are_a_table() -> None:
    shown = body(show(ALL, (120, 40), (fake.LLAMA, ""))[0])
    assert "6144/14k" in shown
    assert "generating" in shown
    assert "9 s" in shown


@pytest.mark.parametrize("room", range(2, 40))
def test_lanes_take_no_more_lines_than_there_are(room: int) -> None:
    found = lanes.lanes(next(item for item in ModelsScreen().listed(ALL) if item.key == (fake.VLLM, "")))
    tall, spaced = axis.heights(found, room)
    blanks = len({axis._GROUPS[name] for name in tall}) - 1 if spaced else 0
    assert 0 < sum(tall.values()) + blanks <= room
    assert lanes.TOKENS in tall


def test_an_empty_screen_says_how_to_be_seen() -> None:
    shown = body(show(STATES["none"], (120, 40))[0])
    assert "[servers]" in shown
    assert "endpoints = [" in shown
    assert "--metrics" in shown


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=str)
def test_models_that_are_only_installed_do_not_flood_the_list(size: tuple[int, int]) -> None:
    state = serving(fake.OLLAMA)
    template = state.tables["models"][f"{fake.OLLAMA}|mistral:7b"]
    for place in range(40):
        name = f"installed:{place}b"
        state.tables["models"][f"{fake.OLLAMA}|{name}"] = (template[0], name, *template[2:])
    state.table_version += 1
    drawn, screen = show(state, size)
    # Where the list is short it ends before that.
    assert "38 more not loaded" in body(drawn) or size[0] == 80
    assert len(screen.listed(state)) == 1 + 2 + 3
    check(drawn, *size)
    # A filter finds each of them.
    names = [item.model.name for item in screen.listed(state, "installed:39b") if item.model is not None]
    assert "installed:39b" in names


def test_tables_that_are_old_say_so() -> None:
    fed = ServersFed((fake.VLLM,)).run(500, 600).furnish()
    assert "told" not in body(show(fed.state, (120, 40))[0])
    fed.state.table_times["servers"] -= 200 * 10**9
    assert "told 3 min ago" in body(show(fed.state, (120, 40))[0])


def test_every_order_holds_all_servers() -> None:
    screen = ModelsScreen()
    everything = {item.key for item in screen.listed(ALL)}
    for name in SORTS:
        screen.sort = name
        assert {item.key for item in screen.listed(ALL)} == everything
    screen.sort = "speed"
    assert screen.listed(ALL)[0].server.endpoint == fake.VLLM
    screen.sort = "cache"
    assert screen.listed(ALL)[0].server.endpoint == fake.SWOLLEN


async def test_keys_of_the_screen() -> None:
    view = app(serving(), link=lambda _: FakeLink())
    async with view.run_test(size=(120, 40)) as pilot:
        await press(pilot, "7", "home")
        screen = view.ui.models
        assert screen is not None
        assert screen.key == (fake.COMFY, "")
        await press(pilot, "down")
        assert screen.key == (fake.LLAMA, "")
        await press(pilot, "enter")
        assert screen.inside
        assert "tokens since the start" in screen_text(view)
        await press(pilot, "right_square_bracket", "right_square_bracket")
        assert screen.key == (fake.OLLAMA, "")
        await press(pilot, "escape")
        assert not screen.inside
        await press(pilot, "s")
        assert screen.sort == "speed"
        assert "sorted by speed" in screen_text(view)
        await press(pilot, "slash", *"qwen3-32", "enter")
        assert "1 of 7 servers" in screen_text(view)
        assert screen.key == (fake.SWOLLEN, "")
        await press(pilot, "escape")
        assert view.ui.wanted["model"] == ""
        assert view.ui.shown == "model"
        await press(pilot, "escape")
        assert view.ui.shown == ""


async def test_lengths_of_the_lanes() -> None:
    view = app(serving())
    async with view.run_test(size=(120, 40)) as pilot:
        await press(pilot, "7")
        screen = view.ui.models
        assert screen is not None
        usual = screen.span
        await press(pilot, "Z")
        assert screen.seconds > usual
        await press(pilot, "z")
        assert screen.seconds == 0
        await press(pilot, "z")
        assert 0 < screen.seconds < usual


async def test_origin_and_copy_are_about_what_is_selected() -> None:
    view = app(serving())
    async with view.run_test(size=(120, 40)) as pilot:
        await press(pilot, "7", "home", "down", "i")
        assert view.ui.overlay == ORIGINS
        assert f"llama.cpp {fake.LLAMA}" in screen_text(view)
        assert "/slots" in screen_text(view)
        await press(pilot, "escape")
        copied = clipboard.row(view)
        assert copied is not None
        assert copied.what == f"server {fake.LLAMA}"
        assert "server.endpoint" in copied.text
        view.ui.models.key = (fake.OLLAMA, fake.SMALL)  # type: ignore[union-attr]  # it is shown
        copied = clipboard.row(view)
        assert copied is not None
        assert "Q4_K_M" in copied.text


async def test_an_export_holds_the_selected_server_with_its_gpus_and_no_other() -> None:
    state = serving()
    view = app(state)
    async with view.run_test(size=(120, 40)) as pilot:
        await press(pilot, "7")
        view.ui.models.key = (fake.OLLAMA, "")  # type: ignore[union-attr]  # it is shown
        _, _, patterns = view.commands.in_view()
    names = {item.text for item in select(patterns, [column.series for column in state.columns])}
    assert any(fake.RUNNER in name for name in names)
    assert any(name.startswith("hw.gpu.power{") for name in names)
    assert not any(fake.VLLM in name for name in names)
    of = {parse(name).label("server") for name in names} - {""}
    assert of == {fake.OLLAMA, fake.RUNNER}


async def test_clicks_choose_and_open() -> None:
    view = app(serving())
    async with view.run_test(size=(120, 40)) as pilot:
        await press(pilot, "7", "home")
        screen = view.ui.models
        assert screen is not None
        y = _line(view, "vllm :8000")
        mouse = Mouse(view)
        mouse.press(6, y, 1.0)
        assert screen.key == (fake.VLLM, "")
        mouse.press(6, y, 1.2)
        assert screen.inside
        await press(pilot, "escape")
        view.paint()
        mouse.wheel(6, y, 1)
        assert screen.key == (fake.SWOLLEN, "")


def _line(view: WftopApp, words: str) -> int:
    assert view.picture is not None
    return next(n for n, line in enumerate(lines(view.picture)) if words in line)


def test_a_scale_says_what_it_ends_with() -> None:
    named = {line.split()[0]: line.split()[1] for line in _main(ALL, (fake.VLLM, "")) if len(line.split()) > 1}
    assert named["prompt"] == "10k"
    assert named["running"] == "50"
    assert named["power"] == "1.4kW", "what its two cards may draw"


@pytest.mark.parametrize("width", [120, 200])
def test_a_card_says_more_where_there_is_room_for_it(width: int) -> None:
    def side(state: State, height: int) -> str:
        return "\n".join(line.split("│")[1] for line in lines(show(state, (width, height))[0])[2:-2])

    alone = side(STATES["one"], 40)
    of = servers(STATES["one"])[0].figures
    assert f"{of.ttft.p95 * 1000:.0f} ms" in alone
    assert ("KV" in alone.split("\n", 1)[1]) == (width == 120), "a wide card has a column for it"
    assert ("≈" in alone) == (width == 200)
    assert "TTFT" not in side(ALL, 20)


def test_all_durations_stand_in_one_table() -> None:
    shown = body(show(ALL, (200, 50), (fake.VLLM, ""), inside=True)[0])
    row = next(line for line in shown.splitlines() if "first token" in line)
    of = servers(STATES["one"])[0].figures.ttft
    for value in (f"{of.p50 * 1000:.0f} ms", f"{of.p95 * 1000:.0f} ms", f"{of.p99:.2f} s", "30"):
        assert value in row.replace("  ", " "), value


@pytest.mark.parametrize(
    ("kind", "payload", "words"),
    [
        ("server.found", {"kind": "vllm"}, "vllm:8000 found"),
        ("server.state", {"after": "failed", "reason": "/metrics: 500"}, "vllm:8000 failed: /metrics: 500"),
        ("server.queueing", {"waiting": 17, "running": 48.0}, "vllm:8000: 17 wait, 48 run"),
        ("server.preempting", {"count": 3, "kv_cache": 0.99}, "vllm:8000: 3 preempted"),
        ("server.preempting", {}, "vllm:8000: - preempted"),
        ("model.unloaded", {"model": "gemma3:27b"}, "gemma3:27b unloaded, vllm:8000"),
        ("model.verdict", {"verdict": "in swap", "evidence": "2 of 9 GiB"}, "vllm:8000 in swap: 2 of 9 GiB"),
    ],
)
def test_what_happened_lately_is_a_sentence(kind: str, payload: dict[str, JsonValue], words: str) -> None:
    told = event(kind, payload)
    assert lately.said(told, "vllm:8000") == words


def test_a_server_that_is_gone_keeps_its_name() -> None:
    fed = ServersFed((fake.VLLM,)).run(500, 600).furnish()
    for told in (event("server.found", {"kind": "tgi"}), event("server.state", {"after": "failed"})):
        fed.state.events.append(told)
    shown = body(show(fed.state, (120, 40))[0])
    assert "tgi:3000 found" in shown
    assert "tgi:3000 failed" in shown


def event(kind: str, payload: dict[str, JsonValue]) -> Event:
    return Event(1, "id", NOW_S * NS, kind, "server", "127.0.0.1:3000", None, None, payload, {})
