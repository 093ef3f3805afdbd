"""What keys do: the table of actions applied to the interaction, and the few that reach outside."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from wftui.text import clean
from wftui.tui.actions import WHILE_ARRANGING, WHILE_EDITING, find
from wftui.tui.process.commands import ProcessWork
from wftui.tui.travel import Travel
from wftui.tui.ui import (
    ASK,
    BUNDLE,
    CONFIRM,
    DETAILS,
    HELP,
    MENU,
    ORIGINS,
    OUTCOME,
    PALETTE,
    PROMPT,
    REFRESHES,
    WHY,
)

if TYPE_CHECKING:
    from wftui.tui.alerts_screen.model import AlertsScreen
    from wftui.tui.app import WftopApp
    from wftui.tui.gpu_screen.model import GpuScreen
    from wftui.tui.models_screen.model import ModelsScreen


class Commands(ProcessWork, Travel):
    """Carries out actions; each method is named by ``Action.run`` and takes its argument."""

    def __init__(self, app: WftopApp) -> None:
        self._app = app
        self._ui = app.ui

    def key(self, key: str, character: str | None) -> None:
        """One key: into the filter or a question while one is open, else by the table."""
        ui = self._ui
        if ui.series is not None:
            from wftui.tui.arrange import series  # here: as below

            series.key(self._app, key, character)
            return
        timeline = self._app.shown_timeline
        if timeline is not None and timeline.typing and not ui.overlay:
            timeline.type(key, character)
            return
        if ui.filtering and not ui.overlay:
            if key == "enter":
                ui.filtering = False
            elif key == "backspace":
                ui.type("")
            elif key in ("escape", "ctrl+c"):
                ui.back()
            elif key in ("up", "down", "pageup", "pagedown"):
                self._run(key)
            elif character and character.isprintable():
                ui.type(character)
            return
        if ui.editing and not ui.overlay and self._number(key, character):
            return
        if ui.overlay == PROMPT:
            self.prompt_key(key, character)
            return
        if ui.overlay == BUNDLE:
            from wftui.tui.bundling import control  # here: few ever write one

            ui.notice = ""
            control.key(self._app, key, character)
            return
        if ui.overlay in (PALETTE, HELP) and self._typed(key, character):
            return
        if ui.overlay in (CONFIRM, ASK) and key in ("y", "n"):
            if key == "n":
                ui.back()
            elif ui.overlay == CONFIRM:
                self.send_signal()
            elif ui.choice is not None:
                ui.overlays.clear()
                ui.choice.run()
            return
        if key != "ctrl+c":
            ui.notice = ""
        self._run(key)

    def paste(self, text: str) -> None:
        """Text into an open filter or a line that is typed."""
        line = clean(text.splitlines()[0] if text else "", 200)
        if self._ui.overlay == PROMPT:
            for char in line:
                self.prompt_key("", char)
        elif self._ui.overlay == BUNDLE:
            from wftui.tui.bundling import control as bundling

            bundling.paste(self._app, line)
        elif self._ui.overlay in (PALETTE, HELP):
            from wftui.tui.search import control

            control.paste(self._app, line)
        elif self._ui.filtering:
            for char in line[:80]:
                self._ui.type(char)
        elif self._ui.editing:
            for char in line[:20]:
                self._number("", char)
        elif (timeline := self._app.shown_timeline) is not None:
            timeline.paste(text)
        elif self._ui.series is not None:
            for char in line[:80]:
                self._ui.series.key("", char)

    def _number(self, key: str, character: str | None) -> bool:
        """A key of a number in the editor of a rule; False: it is none."""
        from wftui.tui.alerts_screen import editing  # here: it is loaded by then

        screen = self._alerts_screen
        return screen is not None and editing.typed(self._app, screen, key, character)

    def _typed(self, key: str, character: str | None) -> bool:
        """A key of the palette, or of the search in help; False: it is none of these."""
        from wftui.tui.search import control  # here: few use either

        if self._ui.overlay == HELP:
            return control.help_key(self._app, key, character)
        action = control.palette_key(self._app, key, character)
        if action is not None:
            self._ui.notice = ""
            getattr(self, action.run)(action.argument)
        return True

    def _run(self, key: str) -> None:
        # A dialog over a screen has the keys of dialogs, not those of what it covers.
        action = find(key, "" if self._ui.overlay else self._ui.keyed)
        if action is None:
            return
        if self._ui.arrange is not None and not self._ui.overlay and action.run not in WHILE_ARRANGING:
            return
        if self._ui.editing and not self._ui.overlay and action.run not in WHILE_EDITING:
            return
        if self._ui.overlay and action.run not in (
            "move",
            "page",
            "edge",
            "back",
            "open",
            "help",
            "quit",
            "suspend",
            "redraw",
            "signal",
            "origin",
            "copy",
            "why",
        ):
            return
        getattr(self, action.run)(action.argument)

    # ---- actions

    def show(self, screen: str) -> None:
        """A screen."""
        self._ui.show(screen)
        if screen == "timeline":
            self._app.open_timeline()
        elif screen == "gpu" and self._ui.gpu is None:
            from wftui.tui.gpu_screen.model import GpuScreen  # here: many machines have no GPU to look at

            self._ui.gpu = GpuScreen()
        elif screen == "model" and self._ui.models is None:
            from wftui.tui.models_screen.model import ModelsScreen  # here: many machines serve no models

            self._ui.models = ModelsScreen()
        elif screen == "alert":
            from wftui.tui.alerts_screen import control, model  # here: on a good day nobody looks at it

            if self._ui.alerts is None:
                self._ui.alerts = model.AlertsScreen()
            control.opened(self._app, self._ui.alerts)
        elif screen == "energy" and self._ui.energy is None:
            from wftui.tui.energy.screen import EnergyScreen  # here: not everybody looks at it

            self._ui.energy = EnergyScreen()

    def focus(self, step: str) -> None:
        """Next or previous panel."""
        self._ui.move_focus(int(step), self._app.visible_panels())

    def expand(self, _: str) -> None:
        """Focused panel to the whole screen, and back."""
        self._ui.expand()

    def open(self, _: str) -> None:
        """Enter."""
        ui = self._ui
        if ui.overlay == MENU:
            ui.overlays.append(CONFIRM)
        elif ui.overlay == WHY:
            from wftui.tui.why import control  # here: as above

            control.enter(self._app)
        elif ui.overlay in (HELP, DETAILS, ORIGINS, OUTCOME):
            ui.back()
        elif ui.overlay:
            return
        elif ui.shown == "processes":
            if ui.aim(self._app.seen):
                self.details()
        elif (screen := self._gpu_screen) is not None:
            if not screen.enter() and screen.pane == "processes":
                self._aim_at_holder(screen)
        elif (models := self._models_screen) is not None:
            models.enter()
        elif ui.shown == "events":
            self.visit()
        elif not ui.shown and ui.focus:
            ui.expand()

    def back(self, _: str) -> None:
        """Escape: one thing at a time, at last the past."""
        if not self._ui.overlay and self._ui.banner.dismiss(self._app.clock.now().boottime_ns):
            return
        timeline = self._app.shown_timeline
        if timeline is not None and not self._ui.overlay and timeline.back():
            return
        for screen in (self._gpu_screen, self._models_screen, self._alerts_screen):
            if screen is not None and not self._ui.overlay and screen.back():
                return
        if self._ui.arrange is not None and not self._ui.overlay:
            from wftui.tui.arrange import control  # here: few arrange, and those seldom

            control.back(self._app)
        elif not self._ui.back() and self._app.past.recording is None:
            self._app.past.to_live()

    def gpu(self, what: str) -> None:
        """An action of the GPU screen."""
        screen = self._gpu_screen
        if screen is not None and (words := screen.do(what, self._app.seen)):
            self._ui.say(words)

    def model(self, what: str) -> None:
        """An action of the models screen."""
        screen = self._models_screen
        if screen is None:
            return
        if what in ("zoom_in", "zoom_out"):
            from wftui.tui.models_screen import lengths  # here: few change how much of the past is shown

            self._ui.say(lengths.said(self._app, screen, -1 if what == "zoom_in" else 1))
        elif words := screen.do(what, self._app.seen, self._ui.wanted["model"]):
            self._ui.say(words)

    def alert(self, what: str) -> None:
        """An action of the alerts screen."""
        if (screen := self._alerts_screen) is not None and screen.editor is None:
            from wftui.tui.alerts_screen import control  # here: as above

            control.act(self._app, screen, what)

    def rule(self, what: str) -> None:
        """An action of the editor of a rule."""
        if (screen := self._alerts_screen) is not None:
            from wftui.tui.alerts_screen import editing  # here: as above

            editing.act(self._app, screen, what)

    @property
    def _alerts_screen(self) -> AlertsScreen | None:
        """The alerts screen while it is shown."""
        return self._ui.alerts if self._ui.shown == "alert" else None

    @property
    def _models_screen(self) -> ModelsScreen | None:
        """The models screen while it is shown."""
        return self._ui.models if self._ui.shown == "model" else None

    def energy(self, what: str) -> None:
        """An action of the energy screen."""
        screen = self._ui.energy
        if screen is None:
            return
        if what == "full":
            screen.full = not screen.full
            self._ui.say(self._app.motion.words())
        elif what in ("next", "previous"):
            screen.turn(1 if what == "next" else -1)
        elif what in ("up", "down"):
            screen.page.scroll(-1 if what == "up" else 1)
        elif words := screen.page.do(what):
            self._ui.say(words)

    @property
    def _gpu_screen(self) -> GpuScreen | None:
        """The GPU screen while it is shown."""
        return self._ui.gpu if self._ui.shown == "gpu" else None

    def _aim_at_holder(self, screen: GpuScreen) -> None:
        """Open the details of the process under the cursor of the GPU screen, or say why there is none."""
        ui = self._ui
        found = screen.aim(self._app.seen)
        if isinstance(found, str):
            ui.say(found, "warn")
            return
        ui.target = found
        self.details()

    def timeline(self, what: str) -> None:
        """An action of the timeline."""
        timeline = self._app.shown_timeline
        if timeline is not None:
            timeline.act(what)

    def origin(self, _: str) -> None:
        """Where the numbers come from that are looked at, and away with it."""
        from wftui.tui.provenance import control  # here: seldom used

        if self._ui.overlay == ORIGINS:
            self._ui.back()
        elif not self._ui.overlay:
            control.open_dialog(self._app)

    def why(self, what: str) -> None:
        """What was different at the moment that is looked at, or what the health score lacks."""
        from wftui.tui.why import control  # here: seldom used

        control.act(self._app, what)

    def bundle(self, _: str) -> None:
        """Ask for an incident bundle of what is in view, or of the chosen alert."""
        from wftui.tui.bundling import control  # here: as above

        control.show(self._app)

    def copy(self, what: str) -> None:
        """The row or value under the cursor, or the command for what is in view, into the clipboard."""
        from wftui.tui import clipboard  # here: as above

        if self._ui.overlay in ("", DETAILS, ORIGINS):
            clipboard.copy(self._app, (clipboard.row if what == "row" else clipboard.command)(self._app))

    def _in_origins(self, step: str, *, edge: bool = False, page: bool = False) -> bool:
        if self._ui.overlay != ORIGINS:
            return False
        from wftui.tui.provenance import control

        return control.move(self._app, int(step), edge=edge, page=page)

    def move(self, step: str) -> None:
        """Cursor by a line."""
        if self._in_origins(step):
            return
        self._ui.move(self._app.seen, int(step))

    def page(self, step: str) -> None:
        """Cursor by a page; time by a whole bar where there is no list."""
        if self._in_origins(step, page=True):
            return
        if self._listing:
            self._ui.move(self._app.seen, int(step) * max(1, self._ui.page - 1))
        else:
            self._app.past.page(int(step))

    def edge(self, step: str) -> None:
        """Cursor to the first or last line; to the begin of the recording or to live where there is no list."""
        if self._in_origins(step, edge=True):
            return
        if self._listing:
            self._ui.move(self._app.seen, int(step), edge=True)
        elif int(step) < 0:
            self._app.past.first()
        else:
            self._app.past.to_live()

    @property
    def _listing(self) -> bool:
        """Whether a list or a dialog is what such keys move in."""
        return bool(self._ui.overlay) or self._ui.shown in self._ui.tops

    def filter(self, _: str) -> None:
        """Type a filter for the list on the screen."""
        ui = self._ui
        if ui.shown not in ("processes", "events", "model", "alert"):
            ui.show("processes")
        if (models := self._models_screen) is not None:
            models.inside = False
        if (alerts := self._alerts_screen) is not None:
            alerts.inside = False
        ui.filtering = True

    def refresh(self, step: str) -> None:
        """Frames of data more or less often."""
        app = self._app
        nearest = min(range(len(REFRESHES)), key=lambda place: abs(REFRESHES[place] - app.refresh_s))
        place = min(len(REFRESHES) - 1, max(0, nearest + int(step)))
        app.refresh_s = REFRESHES[place]
        self._ui.say(f"refresh every {app.refresh_s:g} s")
        if app.link is not None:
            app.link.rate_changed()

    def quality(self, _: str) -> None:
        """wftop's own quality: everything for an hour, or what alerts ask for."""
        from wftui.tui import quality  # here: as above

        quality.turn(self._app)

    def arrange(self, what: str) -> None:
        """Begin to arrange the panels, or one key of it."""
        from wftui.tui.arrange import control  # here: as above

        if what == "begin":
            control.begin(self._app)
        else:
            control.act(self._app, what)

    def zoom(self, step: str) -> None:
        """More or less of the past on the focused panel."""
        from wftui.tui import zoom  # here: as above

        if words := zoom.said(self._app, int(step)):
            self._ui.say(words)

    def series(self, _: str) -> None:
        """Choose the series of the focused graph."""
        name = self._ui.expanded or self._ui.focus
        if name in self._app.plan.graphs and (self._ui.expanded or not self._ui.shown):
            from wftui.tui.arrange import series  # here: as above

            series.begin(self._app, name)
        elif not self._ui.shown:
            self._ui.say("series are chosen for graphs: Tab goes to one, L and a add one")

    def layout(self, step: str) -> None:
        """The next layout."""
        app = self._app
        if app.layouts is None:
            return
        self._ui.show("overview")
        name = app.layouts.following(int(step))
        trouble = app.layouts.choose(name)
        if trouble:
            self._ui.say(trouble, "bad")
            return
        app.arranged(app.layouts.plan)
        self._ui.say(f"layout {name}: {app.plan.title or 'yours'}; F2 keeps it")

    def settings(self, _: str) -> None:
        """The settings screen, and away with it."""
        from wftui.tui.settings import control  # here: seldom used

        if self._ui.shown == "settings":
            self._ui.back()
        else:
            control.show(self._app)

    def setting(self, what: str) -> None:
        """An action of the settings screen."""
        from wftui.tui.settings import control

        if self._ui.settings is not None:
            control.act(self._app, self._ui.settings, what)

    def theme(self, _: str) -> None:
        """The next theme, for now."""
        from wftui.tui.settings import control

        control.next_theme(self._app)

    def help(self, _: str) -> None:
        """Help, and away with it."""
        ui = self._ui
        if ui.overlay == HELP:
            ui.back()
        elif not ui.overlay:
            ui.places[HELP] = 0
            ui.sought, ui.seeking = "", False
            ui.overlays.append(HELP)

    def palette(self, _: str) -> None:
        """All actions, found by typing."""
        from wftui.tui.search import control  # here: as above

        control.show(self._app)

    def redraw(self, _: str) -> None:
        """Everything anew, after another program has written into the terminal or has reset it."""
        self._app.redraw()

    def suspend(self, _: str) -> None:
        """Stop, as ^Z does with other programs: the whole group, so that a wrapper around us stops as well."""
        os.killpg(os.getpgrp(), signal.SIGTSTP)

    def quit(self, _: str) -> None:
        """The end."""
        self._app.leave(0)
