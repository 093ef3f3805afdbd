"""What the keys of the process list do: order, tree, tags, following, and signals to one or several."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from wftui.errors import ProtocolError
from wftui.model import processes as cells
from wftui.render import text
from wftui.tui.process.trail import SPAN_NS, Trail
from wftui.tui.process.work import Follow, Target, target_of
from wftui.tui.ui import DETAILS, MENU, OUTCOME, SIGNALS
from wftui.wire import messages as wire

if TYPE_CHECKING:
    from wftui.tui.app import WftopApp
    from wftui.tui.ui import Ui


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

        if app.link is not None:
            app.run_worker(ask(), name="trail")

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
        if not app.past.live:
            ui.say("no signals in the past: ` goes back to live", "warn")
        elif app.readonly:
            ui.say("no signals: the view is read-only (--readonly or view.readonly)", "warn")
        elif about is not None:
            self._choose([about])
        elif ui.gpu is not None and ui.shown == "gpu":
            found = ui.gpu.aim(app.seen)
            if isinstance(found, str):
                ui.say(found, "warn")
            else:
                self._choose([found])
        elif ui.shown != "processes":
            ui.say("signals are sent from the process screen (2)")
        elif ui.work.tagged:
            there = [target for key, target in ui.work.tagged.items() if key in app.state.processes()]
            if there:
                self._choose(there)
            else:
                ui.say(f"all {len(ui.work.tagged)} tagged have ended: U untags them", "warn")
        elif ui.aim(app.state) and ui.target is not None:
            self._choose([ui.target])

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
            self._told(name, targets, [(target, why) for target, why in answers if why])
            app.paint()

        app.run_worker(ask(), name="signal")

    def _told(self, name: str, targets: list[Target], refused: list[tuple[Target, str]]) -> None:
        """Say what became of it; each that was refused by its reason."""
        ui = self._ui
        first = targets[0]
        sent = len(targets) - len(refused)
        if len(targets) == 1:
            if refused:
                ui.say(f"{name} to {first.pid} {first.name}: {refused[0][1]}", "bad")
            else:
                ui.say(f"{name} sent to {first.pid} {first.name}", "good")
        elif not refused:
            ui.say(f"{name} sent to {_many(sent)}", "good")
        else:
            ui.say(f"{name}: sent to {sent}, refused for {len(refused)}", "bad")
            ui.outcome = [(f"{name} sent to {_many(sent)}", "good" if sent else "dim")]
            ui.outcome += [(f"{target.pid} {target.name}: {why}", "bad") for target, why in refused]
            ui.places[OUTCOME] = 0
            ui.overlays = [OUTCOME]


def _many(count: int) -> str:
    return f"{text.count(count).strip()} process{'es' if count != 1 else ''}"
