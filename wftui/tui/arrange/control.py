"""What the keys of arranging do on the running application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.errors import ConfigError
from wftui.tui import compose, layout, overview
from wftui.tui.arrange import series
from wftui.tui.arrange.model import Arranger, Menu
from wftui.tui.layouts import files, write
from wftui.tui.process.columns import columns_for, graphic
from wftui.tui.ui import ASK, Choice, Prompt

if TYPE_CHECKING:
    from wftui.tui.app import WftopApp

_ADD: Final = "add a panel"
_NEW: Final = "a new graph"
_STEPS: Final = {"up": -1, "down": 1}


def begin(app: WftopApp) -> None:
    """Arrange what is on the screen."""
    ui = app.ui
    if ui.arrange is not None:
        return
    ui.show("overview")
    width, height = app.size
    scene = app.scene()
    height -= compose.bar_lines(scene, height)
    if not layout.overview(width, height, plan=app.plan).framed:
        least = f"{layout.MIN_WIDTH} columns and {layout.MIN_HEIGHT} lines"
        ui.say(f"arranging needs {least}: below that a panel is one line", "warn")
        return
    count, quiet = overview.gpu_count(scene.state)
    ui.arrange = Arranger(
        app.plan,
        width,
        height,
        count,
        quiet=quiet,
        models=overview.model_count(scene.state),
        ux=overview.ux_count(scene.state),
        selected=ui.focus,
    )
    app.plan = ui.arrange.plan
    ui.focus = ui.arrange.selected


def act(app: WftopApp, what: str) -> None:
    """One key of arranging."""
    ui = app.ui
    arranger = ui.arrange
    if arranger is None:
        return
    verb, _, rest = what.partition(" ")
    words = ""
    if not arranger.screen.framed:
        ui.say("too small to arrange: Esc leaves, or make the terminal larger", "warn")
        return
    if arranger.menu is not None:
        _in_menu(app, arranger, arranger.menu, verb, rest)
    elif verb == "go":
        if arranger.moving:
            arranger.move(rest)
        else:
            arranger.choose(rest)
    elif verb == "resize":
        words = arranger.resize(rest)
    elif verb == "grab":
        arranger.moving = not arranger.moving
    elif verb == "stack":
        words = arranger.stack()
    elif verb == "hide":
        words = arranger.hide()
    elif verb == "add":
        titles = layout.titles(arranger.plan)
        hidden = [(name, titles[name]) for name in arranger.hidden()]
        arranger.menu = Menu(_ADD, [*hidden, ("", _NEW)])
    elif verb == "options":
        if place := arranger.place:
            shown = columns_for(place.width - 4, "cpu", gpus=graphic(app.seen))
            arranger.fitting = [column.title for column, _ in shown]
        items = arranger.options()
        if items:
            arranger.menu = Menu(f"options of {layout.titles(arranger.plan)[arranger.selected]}", items)
        else:
            words = f"{layout.titles(arranger.plan)[arranger.selected]} has no options"
    elif verb == "write":
        _ask_name(app, arranger)
    elif verb == "enter":
        arranger.moving = False
    if words:
        ui.say(words)
    ui.focus = arranger.selected


def back(app: WftopApp) -> bool:
    """Escape: the menu, the grip, at last the mode, which asks when something is unsaved; False: not arranging."""
    ui = app.ui
    arranger = ui.arrange
    if arranger is None:
        return False
    if arranger.menu is not None:
        arranger.menu = None
    elif arranger.moving:
        arranger.moving = False
    elif arranger.changed:
        words = "Leave without writing the layout? It goes back to what it was."
        ui.choice = Choice("arrange", words, "leave", lambda: leave(app))
        ui.overlays.append(ASK)
    else:
        leave(app)
    return True


def leave(app: WftopApp) -> None:
    """End; what was not written is gone."""
    ui = app.ui
    arranger = ui.arrange
    ui.arrange = None
    if arranger is not None and not arranger.changed:
        app.arranged(arranger.plan)
    elif app.layouts is not None:
        app.arranged(app.layouts.plan)
    else:
        app.arranged(layout.DEFAULT)
    ui.focus = ""


def _in_menu(app: WftopApp, arranger: Arranger, menu: Menu, verb: str, rest: str) -> None:
    if verb == "go" and rest in _STEPS:
        menu.move(_STEPS[rest])
    elif verb == "resize" and rest in _STEPS:
        if menu.title != _ADD and arranger.shift(menu.chosen, _STEPS[rest]):
            menu.items = arranger.options()
            menu.move(_STEPS[rest])
    elif verb in ("enter", "hide") or (verb == "go" and rest == "right"):
        chosen = menu.chosen
        if menu.title == _ADD:
            arranger.menu = None
            if chosen:
                arranger.add(chosen)
            else:
                series.begin(app, "")
        else:
            place = menu.place
            if chosen == "series":
                arranger.menu = None
                series.begin(app, arranger.selected)
                return
            arranger.turn(chosen)
            menu.items = arranger.options()
            # A column that comes or goes changes places in the list: the cursor stays with it.
            menu.place = next((at for at, item in enumerate(menu.items) if item[0] == chosen), place)


def _ask_name(app: WftopApp, arranger: Arranger) -> None:
    ui, layouts = app.ui, app.layouts
    if layouts is None or app.readonly:
        ui.say("nothing is written: the view is read-only (--readonly or view.readonly)", "warn")
        return
    now = arranger.plan.name
    # Whoever changed a layout that ships wants another one, whoever changed their own wants that.
    proposed = now if (layouts.own / f"{now}.toml").is_file() and not layouts.built_in(now) else "mine"

    def submit(typed: str) -> str:
        name = typed.strip()
        if not files.good(name):
            return "a name is made of letters, digits, - and _"
        if layouts.built_in(name):
            return f"{name} is a layout that ships with wftop: choose another name"
        try:
            path = write.save(arranger.plan, layouts.own, name)
        except ConfigError as error:
            return str(error)
        trouble = layouts.choose(name)
        if trouble:
            return trouble
        arranger.written(name)
        ui.say(f"written to {path}", "good")
        if layouts.remember is not None:
            try:
                layouts.remember(name)
            except ConfigError as error:
                ui.say(f'written to {path}; set view.layout = "{name}" to keep it: {error}', "warn")
        return ""

    def note(typed: str) -> str:
        there = files.good(typed.strip()) and (layouts.own / f"{typed.strip()}.toml").is_file()
        return f"{typed.strip()} is there already: this replaces it" if there else f"{layouts.own}/"

    ui.ask(
        Prompt("write layout", "name", submit, value=proposed, hint="the view begins with it next time", note=note)
    )
