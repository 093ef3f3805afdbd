"""Where numbers come from: what the dialog says, and what it is about on each screen."""

from __future__ import annotations

import msgspec
import pytest
from textual.pilot import Pilot

from tests.tui import fake_history as history
from tests.tui.fake import NOW_S, full, scene
from tests.tui.fake_gpu_screen import told
from tests.tui.fake_gpus import box
from tests.tui.fake_history import HistoryLink
from tests.tui.fake_past import remembered
from tests.tui.fake_streams import streaming
from tests.tui.servers_seen import serving
from tests.tui.test_keys import PALETTE, Still, make, press, screen_text
from tests.tui.test_pointer import click, find, turn
from tests.tui.ux_seen import drawing
from wftui.errors import ProtocolError
from wftui.model.processes import PROCESSES
from wftui.model.sample import QUALITIES
from wftui.names import METRICS
from wftui.render import text
from wftui.tui import clipboard, layout
from wftui.tui.app import WftopApp
from wftui.tui.frame import row_width
from wftui.tui.provenance import control, draw
from wftui.tui.provenance.cells import MEANINGS, OF_PROCESSES
from wftui.tui.provenance.formulas import FORMULAS
from wftui.tui.provenance.model import GPU, OF_PANELS, PANEL, PROCESS, SERIES, SOURCE, Origins, Subject, gather
from wftui.tui.ui import ORIGINS
from wftui.wire import messages as wire


def words(origins: Origins, *, size: tuple[int, int] = (120, 40), ascii_only: bool = False, state=None) -> str:  # type: ignore[no-untyped-def]  # a State, or the whole machine
    rows, _, _ = draw.content(scene(state or full(), ascii_only=ascii_only), origins, *size)
    return "\n".join("".join(text for text, _ in row) for row in rows)


def test_every_panel_with_numbers_has_metrics_of_the_catalogue() -> None:
    assert set(OF_PANELS) >= set(layout.ORDER) - {"processes"}
    for prefixes in OF_PANELS.values():
        for prefix in prefixes:
            assert any(name.startswith(prefix) for name in METRICS), prefix


def test_every_cell_of_the_process_table_and_every_quality_is_explained() -> None:
    assert set(OF_PROCESSES) == {column.name for column in PROCESSES.columns}
    assert {quality for _, quality, _ in OF_PROCESSES.values()} <= set(QUALITIES)
    assert set(MEANINGS) == set(QUALITIES)


@pytest.mark.parametrize("name", sorted(OF_PANELS))
def test_a_panel_lists_what_it_shows_and_nothing_else(name: str) -> None:
    state = serving() if name == "models" else drawing() if name == "ux" else told(box(2))
    found = gather(scene(state), Subject(PANEL, name, name))
    assert found or name in ("alerts", "events")
    assert all(number.metric.startswith(OF_PANELS[name]) for number in found)
    assert all(number.help and number.source and number.call for number in found)


def test_the_first_number_of_cpu_says_all_that_is_known() -> None:
    said = words(Origins(Subject(PANEL, "cpu", "cpu")))
    assert "metric    system.cpu.utilization" in said
    assert METRICS["system.cpu.utilization"].help[:40] in said
    assert "value     21.7 %" in said
    assert "unit      %" in said
    assert "read      test" in said
    assert "quality   measured" in said
    assert "age       0.0 s" in said


def test_a_counter_is_shown_as_its_rate_with_what_it_stands_at() -> None:
    found = gather(scene(full()), Subject(PANEL, "disks", "disks"))
    number = next(each for each in found if each.metric == "system.disk.io")
    assert number.unit == "By/s"
    assert number.raw_unit == "By"
    assert number.raw > 1e9
    origins = Origins(Subject(PANEL, "disks", "disks"))
    origins.chosen = number.id
    assert "the counter stands at" in words(origins)


def test_a_source_in_trouble_says_why() -> None:
    said = words(Origins(Subject(SOURCE, "sensors", "source sensors")))
    assert "metric    wftop.source.interval" in said
    state = full()
    origins = Origins(Subject(PROCESS, next(iter(state.processes())), "process 812", "cpu"))
    assert "● ok" in words(origins)


def test_a_late_source_tells_its_reason_and_age() -> None:
    state = full()
    late = state.source("sensors")
    assert late is not None
    state.sources = [
        *(item for item in state.sources if item.source != "test"),
        msgspec.structs.replace(late, source="test", fix="modprobe k10temp"),
    ]
    said = words(Origins(Subject(PANEL, "pressure", "pressure")), state=state)
    assert "◐ late" in said
    assert "took 6.1 s, over its deadline of 5 s" in said
    assert "→ modprobe k10temp" in said
    assert "age       31 s · read every 5 s" in said


def test_a_source_that_is_well_has_kept_its_rhythm_since_its_last_word() -> None:
    state = full()
    well = state.source("cpu")
    assert well is not None
    for last_s, interval_s, wanted in ((4.9, 0.1, 0.1), (4.9, 10.0, 4.9), (0.05, 1.0, 0.05)):
        told_ns = int((NOW_S - last_s) * 1e9)
        state.sources = [msgspec.structs.replace(well, source="test", last_ns=told_ns, interval_s=interval_s)]
        number = gather(scene(state), Subject(PANEL, "cpu", "cpu"))[0]
        assert number.taken_ns is not None
        assert NOW_S - number.taken_ns / 1e9 == pytest.approx(wanted, abs=1e-3)


def test_the_driver_call_of_a_gpu_number_is_named() -> None:
    state = told(box(1))
    state.columns = [msgspec.structs.replace(item, source="gpu", call="GPU worker") for item in state.columns]
    uuid = state.labels("hw.gpu.utilization", "gpu")[0]
    found = {number.metric: number for number in gather(scene(state), Subject(GPU, uuid, "GPU 0"))}
    assert found["hw.gpu.utilization"].call == "nvmlDeviceGetUtilizationRates.gpu, by the GPU worker"
    assert found["hw.gpu.utilization"].every == "0.1 to 1 s"
    assert "PCIE_COUNT_RX_BYTES" in found["hw.gpu.io"].call
    assert all(uuid not in number.title for number in found.values())
    assert all(("gpu", uuid) in number.labels for number in found.values())


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (120, 40), (200, 50)], ids=str)
@pytest.mark.parametrize("ascii_only", [False, True], ids=["UTF-8", "ASCII"])
def test_every_number_fits_at_every_size(size: tuple[int, int], ascii_only: bool) -> None:
    state = full(hostile=True)
    subject = Subject(PANEL, "disks", "disks")
    for number in gather(scene(state), subject):
        origins = Origins(subject)
        origins.chosen = number.id
        rows, inner, _ = draw.content(scene(state, ascii_only=ascii_only), origins, *size)
        assert len(rows) <= size[1] - 2
        assert all(row_width(row) <= inner for row in rows)
        if ascii_only:
            assert all(text.isascii() for row in rows for text, _ in row)


def test_the_list_holds_still_while_the_cursor_passes() -> None:
    origins, state = Origins(Subject(PANEL, "cpu", "cpu")), full()
    heights = []
    for _ in range(12):
        rows, _, _ = draw.content(scene(state), origins, 80, 24)
        heights.append(len(rows))
        origins.move(origins.numbers(scene(state)), 1)
    assert len(set(heights[1:])) == 1


def test_what_nobody_tells_says_so() -> None:
    said = words(Origins(Subject(PANEL, "gpus", "gpus")))
    assert "no number of gpus is told on this machine" in said
    assert "Esc" in said


@pytest.mark.parametrize(
    ("keys", "kind", "name", "first"),
    [
        (("tab", "tab", "i"), PANEL, "memory", "system.memory."),
        (("i",), PANEL, "cpu", "system.cpu.utilization"),
        (("tab", "e", "i"), PANEL, "cpu", "system.cpu.utilization"),
        (("2", "down", "s", "i"), PROCESS, "", "process.memory.usage"),
        (("4", "i"), SOURCE, "sensors", "wftop.source."),
        (("3", "i"), "event", "", "wftop.event.signal.sent"),
    ],
)
async def test_each_screen_has_its_own_numbers(keys: tuple[str, ...], kind: str, name: str, first: str) -> None:
    app, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, *keys)
        assert app.ui.overlay == ORIGINS
        origins = app.ui.origins
        assert origins is not None
        assert origins.subject.kind == kind
        assert not name or origins.subject.name == name
        number = origins.number(app.scene())
        assert number is not None
        assert number.metric.startswith(first)
        assert "where the numbers come from" in screen_text(app)
        await press(pilot, "escape")
        assert app.ui.overlay == ""


async def test_the_selected_gpu_and_the_energy_screen() -> None:
    app = WftopApp(PALETTE, state=told(box(4)), clock=Still())
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "6", "down", "i")
        assert app.ui.gpu is not None
        assert app.ui.origins is not None
        assert app.ui.origins.subject[:2] == (GPU, app.ui.gpu.uuid)
        await press(pilot, "i")
        assert app.ui.overlay == ""
        await press(pilot, "9", "i")
        number = app.ui.origins.number(app.scene())
        assert number is not None
        assert number.metric == "hw.gpu.power"


async def test_the_page_of_streams_lists_its_columns() -> None:
    app = WftopApp(PALETTE, state=streaming(), clock=Still())
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "9", "i")
        assert app.ui.origins is not None
        found = app.ui.origins.numbers(app.scene())
        assert all(number.help and number.source and number.call for number in found)
        titled = {number.title: number for number in found}
        assert titled["llama3:8b  state"].value == "flowing"
        assert titled["qwen3:32b  energy"].value == 0.42
        assert titled["qwen3:32b  energy"].formula == FORMULAS["ux.stream.energy"]
        assert titled["qwen3:32b  friction"].value == 0.3
        assert titled["qwen3:32b  first token"].value == 1.9
        assert "qwen3:32b" in titled["llama3:8b  apart"].call
        assert titled["gemma3:27b  apart"].quality == "estimated"
        assert titled["gemma3:27b  first token"].call == "token counters"
        assert not any(number.metric.startswith("hw.") for number in found)
        assert "formula" not in screen_text(app)
        await press(pilot, "down")
        assert "E = 0.35 base" in screen_text(app)


def test_formulas_are_of_metrics_of_the_catalogue() -> None:
    assert set(METRICS) >= set(FORMULAS)
    assert {name for name in METRICS if name.startswith(("ux.ensemble.", "wftop.fidelity."))} - set(FORMULAS) == {
        "wftop.fidelity.particles",
        "wftop.fidelity.tokens",
    }


async def test_the_timeline_lists_what_was_chosen() -> None:
    link = HistoryLink()
    app = WftopApp(PALETTE, state=full(), link=lambda _: link, clock=Still())  # type: ignore[arg-type,return-value]  # the fake has the methods that the app calls
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "5")
        for _ in range(8):
            await pilot.pause()
        await press(pilot, "i")
        origins = app.ui.origins
        assert origins is not None
        assert app.ui.timeline is not None
        assert origins.subject.kind == SERIES
        assert sorted(origins.subject.series) == sorted(app.ui.timeline.chosen)


async def open_on_the_timeline(pilot: Pilot[int], *keys: str) -> str:
    """The dialog over the timeline after these keys, as text."""
    for key in ("5", *keys):
        await pilot.press(key)
        for _ in range(8):
            await pilot.pause()
    app = pilot.app
    assert isinstance(app, WftopApp)
    return screen_text(app)


def timeline_app(link: object) -> WftopApp:
    return WftopApp(PALETTE, state=full(), link=lambda _: link, clock=Still())  # type: ignore[arg-type,return-value]  # as above


async def test_at_the_cursor_of_the_timeline_the_numbers_are_those_of_then() -> None:
    link = HistoryLink()
    app = timeline_app(link)
    async with app.run_test(size=(120, 40)) as pilot:
        said = await open_on_the_timeline(pilot, "Z", "Z", "N", "N", "i")
        timeline, origins = app.ui.timeline, app.ui.origins
        assert timeline is not None
        assert timeline.answer is not None
        assert origins is not None
        grid = timeline.grid(timeline.now_ns)
        at = timeline.window.cursor(grid)
        begin = grid.begin(at) // 10**9
        seconds = range(begin, grid.begin(at + 1) // 10**9)
        number = origins.number(app.scene())
        assert number is not None
        assert number.metric == "system.cpu.utilization"
        known = [history.value(number.id, second) for second in seconds if history.recorded(second)]
        assert number.value == pytest.approx(sum(known) / len(known), rel=0.05)
        assert number.value != app.state.newest(number.id, counter=False)
        assert number.taken_ns == grid.begin(at)
        assert f"time      {text.day(begin)} {text.clock(begin)}" in said
        assert "quality   measured" in said
        # Neither how its source is now, nor how old the number of now is.
        assert "● ok" not in said
        assert "age  " not in said
        copied = clipboard.row(app)
        assert copied is not None
        await press(pilot, "escape")
        rows = clipboard.row(app)
        assert rows is not None
        assert f"{number.id}\t{number.value:.15g}" in rows.text


async def test_at_the_cursor_a_number_is_known_as_it_was_then() -> None:
    app = timeline_app(HistoryLink())
    async with app.run_test(size=(120, 40)) as pilot:
        await open_on_the_timeline(pilot, "Z", "home", "i")
        origins = app.ui.origins
        assert origins is not None
        found = {number.metric: number for number in origins.numbers(app.scene())}
        assert found["system.disk.io"].quality == "apportioned"
        assert found["system.disk.io"].call == "then"
        assert found["system.cpu.utilization"].quality == "measured"
        await press(pilot, "escape", "end")
        said = await open_on_the_timeline(pilot, "i")
        assert "age       0.0 s" in said
        assert app.ui.origins is not None
        assert {number.quality for number in app.ui.origins.numbers(app.scene())} == {"measured"}


async def test_at_the_cursor_in_a_gap_nothing_is_known() -> None:
    app = timeline_app(HistoryLink())
    async with app.run_test(size=(120, 40)) as pilot:
        await open_on_the_timeline(pilot, "Z")
        assert app.timeline is not None
        app.timeline.go((NOW_S - 8500) * 10**9)
        said = await open_on_the_timeline(pilot, "i")
        assert "- not known then" in said
        assert "mean of 0 of" in said
        assert "now, not then: no second of then is kept" in said


async def test_at_the_cursor_without_a_recorder_says_so() -> None:
    class Silent(HistoryLink):
        async def ask(self, message: wire.Message, timeout_s: float) -> wire.Message:
            if isinstance(message, wire.At):
                raise ProtocolError("nobody answers")
            return await super().ask(message, timeout_s)

    app = timeline_app(Silent())
    async with app.run_test(size=(120, 40)) as pilot:
        said = await open_on_the_timeline(pilot, "shift+left", "i")
        assert "quality   measured: as the source says it · now, not then: nobody answers" in said


async def test_arrows_choose_and_the_cursor_stays_with_its_number() -> None:
    app, _ = make()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "i", "down", "down")
        origins = app.ui.origins
        assert origins is not None
        assert origins.chosen == "system.cpu.load_average.5m"
        await press(pilot, "end")
        found = origins.numbers(app.scene())
        assert origins.chosen == found[-1].id
        await press(pilot, "home")
        assert origins.chosen == found[0].id
        await press(pilot, "pagedown")
        assert origins.place(found) == origins.page - 1
        x, y = find(app, "load_average.1m")
        await click(pilot, app, x, y)
        assert origins.chosen == "system.cpu.load_average.1m"
        await turn(pilot, app, x, y, 1)
        assert origins.chosen == "system.cpu.load_average.5m"
        await click(pilot, app, 0, 12)
        assert app.ui.overlay == ""


async def test_in_the_past_it_says_when_the_number_was_taken() -> None:
    state, memory = remembered()
    app = WftopApp(PALETTE, state=state, link=lambda _: memory, clock=Still())  # type: ignore[arg-type,return-value]  # as above
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "left")
        for _ in range(8):
            await pilot.pause()
        assert not app.past.live
        await press(pilot, "i")
        origins = app.ui.origins
        assert origins is not None
        number = origins.number(app.scene())
        assert number is not None
        assert number.taken_ns is not None
        assert number.taken_ns // 10**9 < NOW_S
        assert "age       20" in screen_text(app)


async def test_settings_have_no_numbers() -> None:
    app, _ = make()
    async with app.run_test(size=(80, 24)):
        app.ui.screen = "settings"
        assert control.subject(app) is None
        control.open_dialog(app)
        assert app.ui.overlay == ""
        assert "i tells where numbers come from" in app.ui.notice
        app.ui.screen = "overview"


def test_picture_of_a_process(snap_compare) -> None:  # type: ignore[no-untyped-def]  # the plugin's fixture has no exported type
    app = WftopApp(PALETTE, state=told(box(8)), clock=Still())
    assert snap_compare(app, terminal_size=(120, 40), press=("2", "i", "down"))
