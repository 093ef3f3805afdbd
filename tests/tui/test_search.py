"""The command palette and the search in help: what is found, what runs, what is said where it cannot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.fake import full, scene
from tests.tui.test_keys import make, press, screen_text
from tests.tui.test_snapshots import app
from wftui.render.palette import MONO
from wftui.tui.actions import ACTIONS, keys_of
from wftui.tui.search.match import match, segments
from wftui.tui.search.palette import Found, Palette, found
from wftui.tui.ui import CONFIRM, HELP, MENU, PALETTE, Ui


def lines(typed: str, screen: str = "overview", recent: tuple[str, ...] = (), **changed: object) -> list[Found]:
    """What the palette finds on a screen."""
    ui = Ui()
    ui.screen = screen
    palette = Palette(recent)
    palette.write(typed)
    return found(palette, scene(full())._replace(**changed), ui)  # type: ignore[arg-type]  # fields of the scene by name


@pytest.mark.parametrize(
    ("typed", "title", "marked"),
    [
        ("", "Next theme", ""),
        ("theme", "Next theme", "theme"),
        ("the ne", "Next theme", "Nethe"),
        ("hem", "Next theme", "hem"),
        ("nth", "Next theme", "Nth"),
        ("VIEW", "Next theme", ""),
        ("t", "Next theme", "t"),
    ],
)
def test_what_fits_and_which_letters_are_marked(typed: str, title: str, marked: str) -> None:
    fits = match(typed, title, "View", ("T",))
    assert fits is not None
    assert "".join(title[place] for place in sorted(fits.marks)) == marked


@pytest.mark.parametrize("typed", ["next zebra", "x", "emn", "mm"])
def test_what_does_not_fit(typed: str) -> None:
    assert match(typed, "Next theme", "View", ("T",)) is None


@given(st.text(max_size=20), st.sampled_from([action.title for action in ACTIONS]))
def test_any_text_fits_or_does_not_and_marks_lie_inside(typed: str, title: str) -> None:
    fits = match(typed, title, "View")
    if fits is not None:
        assert all(0 <= place < len(title) for place in fits.marks)
        assert "".join(piece for piece, _ in segments(title, fits.marks, "text")) == title


def test_words_of_the_title_come_before_those_of_the_section() -> None:
    ids = [line.action.id for line in lines("time")]
    assert ids[0] == "time.go"
    assert ids.index("time.go") < ids.index("time.mark")
    assert lines("f2")[0].action.id == "view.settings"
    assert lines("^z")[0].action.id == "view.suspend"


def test_with_nothing_typed_all_are_there_those_that_can_run_first() -> None:
    all_of_them = lines("")
    assert {line.action.id for line in all_of_them} == {action.id for action in ACTIONS}
    blocked = [bool(line.obstacle) for line in all_of_them]
    assert blocked == sorted(blocked)
    assert all_of_them[0].action.id == "screen.overview"
    on_timeline = lines("", "timeline")
    assert on_timeline[0].action.screen == "timeline"


def test_what_was_chosen_before_stands_first_where_it_can_run() -> None:
    recent = ("view.theme", "timeline.compare", "screen.events")
    assert [line.action.id for line in lines("", recent=recent)[:2]] == ["view.theme", "screen.events"]


@pytest.mark.parametrize(
    ("action", "screen", "reason"),
    [
        ("alert.acknowledge", "overview", "only on screen 8"),
        ("timeline.compare", "overview", "only on screen 5"),
        ("process.tree", "gpu", "only on screen 2"),
        ("process.sort", "overview", "only on screen 2"),
        ("process.signal", "events", "only on 2 and 6"),
        ("panel.expand", "processes", "only on screen 1"),
        ("list.down", "overview", "no list is shown"),
        ("open", "overview", "nothing is selected"),
        ("process.unfold", "processes", "only in the tree"),
        ("process.untag", "processes", "nothing tagged"),
        ("panel.series", "overview", "Tab to a graph first"),
        ("panel.zoom_in", "overview", "Tab to a panel first"),
        ("time.live", "overview", "this is live"),
        ("time.forward", "overview", "this is live"),
        ("time.back", "overview", ""),
        ("process.signal", "processes", ""),
        ("source.switch", "sources", ""),
    ],
)
def test_why_an_action_cannot_run(action: str, screen: str, reason: str) -> None:
    found_there = {line.action.id: line.obstacle for line in lines("", screen)}
    assert found_there[action] == reason


def test_a_readonly_view_sends_no_signal_from_the_palette() -> None:
    found_there = {line.action.id: line.obstacle for line in lines("", "processes", readonly=True)}
    assert found_there["process.signal"] == "read-only view"
    assert found_there["process.nice"] == "read-only view"


@pytest.mark.parametrize("screen", ["overview", "processes", "sources", "gpu", "model", "timeline", "energy"])
def test_titles_and_reasons_fit_on_80_columns(screen: str) -> None:
    for readonly in (False, True):
        for line in lines("", screen, readonly=readonly):
            about = f"{line.action.section}: {line.obstacle}" if line.obstacle else line.action.section
            assert len(about) <= 30, about
            assert len(line.title) <= 31
            assert len(keys_of(line.action, ascii_only=True)) <= 9


@pytest.mark.parametrize("key", ["colon", "ctrl+p"])
async def test_the_palette_runs_what_was_chosen(key: str) -> None:
    view, _ = make()
    async with view.run_test(size=(120, 40)) as pilot:
        await press(pilot, key)
        assert view.ui.overlay == PALETTE
        await press(pilot, *"events", "enter")
        assert view.ui.overlay == ""
        assert view.ui.screen == "events"
        await press(pilot, key)
        assert view.ui.palette is not None
        assert view.ui.palette.recent == ("screen.events",)
        await press(pilot, *"zzzq", "enter")
        assert "no action matches" in screen_text(view)
        await press(pilot, "ctrl+u", "escape")
        assert view.ui.overlay == ""
        assert view.ui.screen == "events"


async def test_enter_on_what_cannot_run_says_why_and_stays() -> None:
    view, _ = make()
    async with view.run_test(size=(80, 24)) as pilot:
        await press(pilot, "colon", *"compare a", "enter")
        assert view.ui.overlay == PALETTE
        assert "only on screen 5" in screen_text(view)
        await press(pilot, "escape")
        assert view.ui.screen == "overview"


async def test_a_dialog_opened_from_the_palette_asks_as_ever() -> None:
    view, link = make()
    async with view.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2", "colon", *"signal", "enter")
        assert view.ui.overlay == MENU
        await press(pilot, "enter")
        assert view.ui.overlay == CONFIRM
        assert link.sent == []


async def test_the_cursor_of_the_palette_stays_within_its_lines() -> None:
    view, _ = make()
    async with view.run_test(size=(80, 24)) as pilot:
        await press(pilot, "colon", "up", "pagedown", "down", "tab", "ctrl+n", "ctrl+p")
        palette = view.ui.palette
        assert palette is not None
        assert palette.place == palette.page - 1 + 2
        await press(pilot, "end", "down")
        assert palette.place == len(ACTIONS) - 1
        await press(pilot, "home")
        assert palette.place == 0
        await press(pilot, *"panel")
        view.commands.paste("s next\nq")
        assert palette.typed == "panels next"
        await press(pilot, "ctrl+w")
        assert palette.typed == "panels"


async def test_help_narrows_to_what_is_typed() -> None:
    view, _ = make()
    async with view.run_test(size=(80, 24)) as pilot:
        await press(pilot, "question_mark", "slash", *"compare")
        said = screen_text(view)
        assert "Compare A and B" in said
        assert "on screen 5" in said
        assert "Overview" not in said
        await press(pilot, "enter")
        assert view.ui.overlay == HELP
        assert view.ui.sought == "compare"
        await press(pilot, "escape")
        assert view.ui.overlay == HELP
        assert "Overview" in screen_text(view)
        await press(pilot, "slash", *"zzzq")
        assert "no key or sign matches" in screen_text(view)
        await press(pilot, "ctrl+c", "escape")
        assert view.ui.overlay == ""
        assert view.is_running


async def test_help_scrolls_while_it_is_searched() -> None:
    view, _ = make()
    async with view.run_test(size=(80, 12)) as pilot:
        await press(pilot, "question_mark", "slash", "e", "down", "down")
        assert view.ui.places[HELP] == 2
        await press(pilot, "x")
        assert view.ui.places[HELP] == 0


SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])


@SIZES
@pytest.mark.parametrize(
    "keys",
    [["colon", *"next"], ["question_mark", "slash", *"next"]],
    ids=["narrowed", "help"],
)
def test_pictures(snap_compare, size: tuple[int, int], keys: list[str]) -> None:  # type: ignore[no-untyped-def]  # the plugin's fixture has no exported type
    assert snap_compare(app(), terminal_size=size, press=keys)


def test_palette_in_ascii_where_there_is_little_room(snap_compare) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(MONO, ascii_only=True), terminal_size=(40, 12), press=["colon", *"sor"])
