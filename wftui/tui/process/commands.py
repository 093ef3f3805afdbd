"""What the keys of the process list do: order, tree, tags, following, and signals to one or several."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from wftui.errors import ProtocolError
from wftui.model import processes as cells
from wftui.render import text
from wftui.text import clean
from wftui.tui.process.trail import SPAN_NS, Trail
from wftui.tui.process.work import Follow, Target, target_of
from wftui.tui.ui import ASK, DETAILS, MENU, OUTCOME, SIGNALS, Choice, Prompt
from wftui.wire import messages as wire

if TYPE_CHECKING:
    from wftui.tui.app import WftopApp
    from wftui.tui.ui import Ui

_CLOSER_S: Final = 4.0
"""Between two closer looks at the process of the open details."""
_NICEST: Final = 19


class ProcessWork:
    """The part of ``Commands`` that is about processes."""

    _app: WftopApp
    _ui: Ui

    def sort(self, step: str) -> None:
        """Next sort column, or the one before."""
        if self._ui.shown == "processes":
            self._ui.next_sort(self._app.seen, int(step))

    def reverse(self, _: str) -> None:
        """The other way round."""
        if self._ui.shown == "processes":
            self._ui.reverse = not self._ui.reverse

    def process(self, what: str) -> None:
        """An action of the process list."""
        ui, work, state = self._ui, self._ui.work, self._app.seen
        if what == "tree":
            line = ui.process(state)
            # The cursor goes along, also when nobody moved it yet.
            ui.selected = line.key if line is not None else None
            work.tree = not work.tree
        elif what == "untag_all":
            ui.say(f"{_many(len(work.tagged))} untagged" if work.tagged else "nothing is tagged")
            work.tagged.clear()
        elif what == "nice":
            self._renice()
        elif what in ("fold", "unfold", "fold_all", "unfold_all"):
            self._fold(what)
        elif (line := ui.process(state)) is None or (target := target_of(line.key, line.row)) is None:
            ui.say("no process is selected")
        elif what == "tag":
            work.tag([target])
            self._down()
        elif what == "tag_below":
            each = work.below(state, target.key)
            done = "tagged" if work.tag(each) else "untagged"
            ui.say(f"{target.pid} {target.name} and {len(each) - 1} below it {done}")
        else:
            self._follow(target)

    def _down(self) -> None:
        """To the next line, as one who tags one after another wants; without ceasing to follow."""
        ui, state = self._ui, self._app.seen
        if ui.work.follow is not None:
            return
        lines = ui.processes(state)
        place = min(len(lines) - 1, ui.places["processes"] + 1)
        ui.places["processes"] = place
        ui.selected = lines[place].key

    def _fold(self, what: str) -> None:
        ui, work, state = self._ui, self._ui.work, self._app.seen
        if not work.tree:
            ui.say("folding is for the tree: t shows it")
        elif ui.wanted["processes"]:
            ui.say("the filter opens all branches: Esc clears it")
        elif what == "fold_all":
            work.fold_all(state)
        elif what == "unfold_all":
            work.unfold_all()
        elif (line := ui.process(state)) is None:
            return
        elif what == "fold":
            ui.selected = work.fold(state, line.key) or line.key
        elif not work.unfold(line.key):
            ui.say("nothing is folded here")

    def _follow(self, target: Target) -> None:
        ui, work = self._ui, self._ui.work
        before = work.follow
        if before is not None and before.target.key == target.key:
            work.follow = None
            ui.say(f"no longer follows {before.target.pid} {before.target.name}")
            return
        work.follow = Follow(target, self._app.seen.table_times.get(cells.PROCESSES.name, 0))
        ui.selected = target.key
        ui.say(f"follows {target.pid} {target.name}: F or moving the cursor ends that")

    # ---- details

    def details(self) -> None:
        """Open those of ``ui.target``, and ask the recorder for its last minutes."""
        ui, app = self._ui, self._app
        ui.places[DETAILS] = 0
        ui.overlays.append(DETAILS)
        if ui.target is None:
            return
        trail = ui.trail = Trail(ui.target.key)
        until_ns = app.seen.table_times.get(cells.PROCESSES.name, 0) + 1
        question = wire.Tables(cells.PROCESSES.name, until_ns - SPAN_NS, until_ns, [trail.key])

        async def ask() -> None:
            with suppress(ProtocolError):  # the graph then begins with what is seen from now on
                trail.fill((await app.past.ask(question, wire.TablesReply)).changes)
                app.paint()

        ui.closer = None
        if app.link is not None:
            app.run_worker(ask(), name="trail")
            self._look_closer(ui.target)

    def _look_closer(self, target: Target) -> None:
        """Ask what is too dear to be in the table; again while the details stay open. Of now only."""
        ui, app = self._ui, self._app
        if ui.overlay != DETAILS or ui.target != target or not app.past.live:
            return

        async def ask() -> None:
            try:
                ui.closer = await app.past.ask(wire.Inspect(target.pid, target.start_time), wire.InspectReply)
            except ProtocolError:
                ui.closer = None  # it ended, or the recorder is gone: both are told elsewhere
            else:
                asyncio.get_running_loop().call_later(_CLOSER_S, self._look_closer, target)
            app.paint()

        app.run_worker(ask(), name="closer")

    # ---- signals

    def signal(self, _: str) -> None:
        """Open the signal menu: for the process of the open details, for all tagged ones, for the selected one."""
        ui, app = self._ui, self._app
        about = None
        if ui.overlay == DETAILS:
            about = ui.target
            ui.overlays.pop()
        elif ui.overlay:
            return
        if self._forbidden("signals"):
            return
        if about is not None:
            self._choose([about])
        elif ui.gpu is not None and ui.shown == "gpu":
            found = ui.gpu.aim(app.seen)
            if isinstance(found, str):
                ui.say(found, "warn")
            else:
                self._choose([found])
        elif ui.shown != "processes":
            ui.say("signals are sent from the process screen (2)")
        elif targets := self._meant():
            self._choose(targets)

    def _forbidden(self, what: str) -> bool:
        """Say why nothing is done to processes here; False: it may be."""
        ui, app = self._ui, self._app
        if why := app.past.refusal(f"no {what} in the past: ` goes back to live"):
            ui.say(why, "warn")
        elif app.readonly:
            ui.say(f"no {what}: the view is read-only (--readonly or view.readonly)", "warn")
        else:
            return False
        return True

    def _meant(self) -> list[Target]:
        """All tagged that still run, or the selected one; empty after saying why."""
        ui, app = self._ui, self._app
        if ui.work.tagged:
            there = [target for key, target in ui.work.tagged.items() if key in app.state.processes()]
            if not there:
                ui.say(f"all {len(ui.work.tagged)} tagged have ended: U untags them", "warn")
            return there
        return [ui.target] if ui.aim(app.state) and ui.target is not None else []

    def _choose(self, targets: list[Target]) -> None:
        ui = self._ui
        ui.targets, ui.target, ui.menu = targets, targets[0], 0
        ui.overlays.append(MENU)

    def send_signal(self) -> None:
        """Ask the recorder to send what was chosen and confirmed."""
        ui, app = self._ui, self._app
        ui.overlays.clear()
        name, number = SIGNALS[ui.menu]
        targets, link = ui.targets, app.link
        if not targets or link is None or app.readonly:
            return
        who = f"{targets[0].pid}" if len(targets) == 1 else _many(len(targets))
        ui.say(f"{name} to {who}: asked the recorder")

        async def ask() -> None:
            answers = [(each, await link.signal(each.pid, each.start_time, number)) for each in targets]
            self._told(f"{name} sent to", targets, [(target, why) for target, why in answers if why])
            app.paint()

        app.run_worker(ask(), name="signal")

    def _told(self, done: str, targets: list[Target], refused: list[tuple[Target, str]]) -> None:
        """Say what became of it; each that was refused by its reason. ``done``: what was done to the others."""
        ui = self._ui
        first = targets[0]
        good = len(targets) - len(refused)
        if len(targets) == 1:
            if refused:
                ui.say(f"not {done} {first.pid} {first.name}: {refused[0][1]}", "bad")
            else:
                ui.say(f"{done} {first.pid} {first.name}", "good")
        elif not refused:
            ui.say(f"{done} {_many(good)}", "good")
        else:
            ui.say(f"{done} {good}, refused for {len(refused)}", "bad")
            ui.outcome = [(f"{done} {_many(good)}", "good" if good else "dim")]
            ui.outcome += [(f"{target.pid} {target.name}: {why}", "bad") for target, why in refused]
            ui.places[OUTCOME] = 0
            ui.overlays = [OUTCOME]

    # ---- niceness

    def _renice(self) -> None:
        """Ask for a niceness, then whether it is meant."""
        ui = self._ui
        if self._forbidden("changes of priority"):
            return
        targets = self._meant()
        if not targets:
            return
        who = f"{targets[0].pid} {targets[0].name}" if len(targets) == 1 else f"{_many(len(targets))} tagged"

        def submit(line: str) -> str:
            try:
                nice = int(line)
            except ValueError:
                nice = _NICEST + 1
            if not -20 <= nice <= _NICEST:
                return f"expected a whole number from -20 to {_NICEST}, got {line!r}"
            ui.choice = Choice(
                "confirm", f"Set nice {nice} for {who}?", "set", lambda: self._set_nice(targets, nice)
            )
            ui.overlays.append(ASK)
            return ""

        hint = f"0 is usual, {_NICEST} gives way to all others; to go down takes root."
        ui.ask(Prompt(f"renice {clean(who, 40)}", "nice", submit, hint=hint))

    def _set_nice(self, targets: list[Target], nice: int) -> None:
        app = self._app

        async def ask() -> None:
            refused = []
            for target in targets:
                try:
                    await app.past.ask(wire.Renice(target.pid, target.start_time, nice), wire.Ok)
                except ProtocolError as error:
                    refused.append((target, str(error)))
            self._told(f"nice {nice} set for", targets, refused)
            app.paint()

        if not app.readonly:
            app.run_worker(ask(), name="renice")


def _many(count: int) -> str:
    return f"{text.count(count).strip()} process{'es' if count != 1 else ''}"
