"""What the keys of time do: leave live, step, go to a time, to an event, set a mark, export what is in view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.errors import ProtocolError, UsageError
from wftui.render import text
from wftui.tui.chronicle import placed
from wftui.tui.frame import plain
from wftui.tui.glyphs import UTF8
from wftui.tui.lists import found_events
from wftui.tui.panels.events import said
from wftui.tui.panels.sources import sorted_sources
from wftui.tui.ui import ASK, PROMPT, Choice, Prompt
from wftui.units import NS_PER_S
from wftui.wire import messages as wire

if TYPE_CHECKING:
    from wftui.model.event import Event
    from wftui.tui.app import WftopApp
    from wftui.tui.ui import Ui

_DOWN: Final = {"machine.down": "this machine went down at", "recorder.unclean": "the recorder was cut off at"}
_LAST_S: Final = 60


class Travel:
    """The part of ``Commands`` that is about time."""

    _app: WftopApp
    _ui: Ui

    def play(self, _: str) -> None:
        """Leave live, then play and pause."""
        self._app.past.pause()

    def step(self, count: str) -> None:
        """A sample on or back."""
        past = self._app.past
        if past.live and int(count) > 0:
            self._ui.say("this is now: the next sample comes by itself")
        past.player.play(on=False)
        past.step(int(count))

    def jump(self, seconds: str) -> None:
        """A minute on or back."""
        self._app.past.jump(int(seconds))

    def live(self, _: str) -> None:
        """Back to now; to the end of what has none."""
        self._app.past.to_live()

    def speed(self, step: str) -> None:
        """Faster or slower."""
        past = self._app.past
        if past.live:
            self._ui.say("speed belongs to the past: Space leaves live")
        else:
            past.player.faster(int(step))

    def event(self, direction: str) -> None:
        """To the next or previous event."""
        step = int(direction)

        async def seek() -> None:
            past, ui = self._app.past, self._ui
            try:
                found = await past.travel(step)
            except ProtocolError as error:
                ui.say(f"events: {error}", "bad")
            else:
                if found is None:
                    ui.say("no later event" if step > 0 else "no earlier event")
                else:
                    ui.say(_words(found), "mark")
            self._app.paint()

        self._app.past.player.play(on=False)
        self._app.run_worker(seek(), name="event", group="event", exclusive=True)

    def visit(self) -> None:
        """To the event under the cursor of the list, on the overview."""
        found = found_events(self._app.seen, self._ui.wanted["events"])
        if not found:
            return
        event = found[min(self._ui.places["events"], len(found) - 1)]
        self._app.past.visit(placed(event))
        self._ui.show("overview")
        self._ui.say(_words(event), "mark")

    def last_minute(self, _: str) -> None:
        """To the minute before the machine went down."""
        fell = last_words(self._app)
        if fell is None:
            where = "before this session" if self._app.past.recording is None else "in this recording"
            self._ui.say(f"no crash is known {where}")
            return
        self._app.past.go((fell[1] - _LAST_S) * NS_PER_S, 2)
        self._ui.say(f"the minute before {text.clock(fell[1])}: Space plays it", "warn")

    # ---- dialogs

    def time(self, _: str) -> None:
        """Ask for a time to go to."""

        def submit(typed: str) -> str:
            from wftui.when import moment  # here: its patterns cost the start a millisecond

            past, now_ns = self._app.past, self._app.clock.now().time_ns
            if not typed.strip():
                return "a time is missing"
            try:
                wanted = moment(typed, now_ns, now_ns if past.live else past.cursor_ns)
            except UsageError as error:
                return str(error)
            if wanted > now_ns:
                return f"{text.day(wanted / 1e9)} {text.clock(wanted / 1e9)} is still to come"
            if wanted < 0:
                return "that is before 1970"
            if (timeline := self._app.shown_timeline) is not None:
                timeline.go(wanted)
                return ""
            past.player.play(on=False)
            past.go(wanted)
            return ""

        day = text.day(self._app.past.cursor_ns / 1e9)
        hint = f"14:32 on {day}, 10m ago, yesterday 14:00, 2026-11-20T14:32:05Z, 1763733125"
        self._ui.ask(Prompt("go to time", "time", submit, hint=hint))

    def mark(self, _: str) -> None:
        """Ask for the name of a mark, and set it."""
        past = self._app.past
        if why := past.refusal():
            self._ui.say(why, "warn")
            return
        at_ns = self._app.clock.now().time_ns if past.live else past.cursor_ns
        if (timeline := self._app.shown_timeline) is not None:
            at_ns = timeline.cursor_ns
        stamp = text.clock(at_ns / 1e9)

        def submit(typed: str) -> str:
            async def send() -> None:
                try:
                    await past.ask(wire.Mark(at_ns, typed.strip()), wire.Ok)
                except ProtocolError as error:
                    self._ui.say(f"mark: {error}", "bad")
                else:
                    self._ui.say(f"mark set at {stamp}" + (f": {typed.strip()}" if typed.strip() else ""), "good")
                self._app.paint()

            self._app.run_worker(send(), name="mark")
            return ""

        self._ui.ask(Prompt(f"mark {stamp}", "name", submit, hint="empty: named after its time"))

    def in_view(self) -> tuple[int, int, list[str]]:
        """The seconds [begin, end) that are in view, and patterns of their series; none: all."""
        past = self._app.past
        newest = past.newest + 1
        if (timeline := self._app.shown_timeline) is not None:
            return timeline.view()
        begin, end = past.window() if not past.live else (newest - past.span, newest)
        if self._ui.shown == "model" and self._ui.models is not None:
            from wftui.tui.models_screen import lengths  # here: loaded already where it is shown

            return lengths.in_view(self._app, self._ui.models, begin, end)
        if self._ui.shown == "alert" and self._ui.alerts is not None:
            return begin, end, [*self._ui.alerts.shown] or ["wftop.alerts.*"]
        return begin, end, ["hw.gpu.*"] if self._ui.shown == "gpu" else []

    def export(self, _: str) -> None:
        """Ask for a file, and export what is in view into it."""
        from wftui.tui.export import command, refusal, run  # here: few views ever export

        begin, end, patterns = self.in_view()
        end = min(end, self._app.past.newest + 1)
        folder = self._app.seen.hello.data_dir if self._app.seen.hello else ""

        def submit(typed: str) -> str:
            wrong = refusal(typed)
            if wrong:
                return wrong

            async def work() -> None:
                self._ui.say(*await run(command(begin, end, typed.strip(), folder, patterns)))
                self._app.paint()

            self._ui.say(f"exporting to {typed.strip()}")
            self._app.run_worker(work(), name="export")
            return ""

        def shell(typed: str) -> str:
            return " ".join(["wftop", *command(begin, end, typed.strip() or "FILE", folder, patterns, said=True)])

        # What a recording was opened in is gone with the view: no shell finds it.
        over = self._app.past.recording is not None
        self._ui.ask(
            Prompt(
                f"export {text.clock(begin)} to {text.clock(end)}",
                "file",
                submit,
                value=f"wftop-{text.day(end).replace('-', '')}-{text.clock(end).replace(':', '')}.csv",
                hint=".csv .json .jsonl .parquet" + ("" if over else "; the same from a shell:"),
                note=None if over else shell,
            )
        )

    def switch(self, _: str) -> None:
        """Ask whether the selected source is to be switched off, or on again."""
        app, ui = self._app, self._ui
        found = sorted_sources(app.seen.sources)
        if app.readonly:
            ui.say("nothing is switched: the view is read-only (--readonly or view.readonly)", "warn")
        elif why := app.past.refusal("sources are switched now, not in the past: ` goes back to live"):
            ui.say(why)
        elif found:
            item = found[min(ui.places["sources"], len(found) - 1)]
            on = item.state == "off"

            async def send() -> None:
                try:
                    await app.past.ask(wire.SetSource(item.source, on), wire.Ok)
                except ProtocolError as error:
                    ui.say(f"{item.source}: {error}", "bad")
                else:
                    ui.say(
                        f"{item.source} is {'on' if on else 'off: it records nothing'}", "good" if on else "warn"
                    )
                app.paint()

            words = f"Switch {plain(item.source, UTF8)} {'on' if on else 'off'}?"
            more = "It collects again from now on." if on else "It records nothing until it is switched on again."
            ui.choice = Choice(
                "source", f"{words} {more}", "switch", lambda: app.run_worker(send(), name="switch")
            )
            ui.overlays.append(ASK)

    # ---- keys of a prompt

    def prompt_key(self, key: str, character: str | None) -> None:
        """A key while a line is typed."""
        ui = self._ui
        prompt = ui.prompt
        if prompt is None or ui.overlay != PROMPT:
            return
        if key in ("escape", "ctrl+c"):
            ui.back()
        elif key == "enter":
            prompt.error = prompt.submit(prompt.value)
            if not prompt.error:
                ui.overlays.remove(PROMPT)
        elif key == "backspace":
            prompt.value = prompt.value[:-1]
            prompt.error = ""
        elif key == "ctrl+u":
            prompt.value = prompt.error = ""
        elif character and character.isprintable():
            prompt.value = (prompt.value + character)[:200]
            prompt.error = ""


def last_words(app: WftopApp) -> tuple[str, int] | None:
    """How the time before this session ended and the last second recorded then; None: in order, or not known."""
    hello = app.state.hello
    for item in reversed(app.state.events):
        last = item.payload.get("last_second")
        if item.type in _DOWN and isinstance(last, int):
            ours = hello is None or item.time_ns >= hello.started_ns - 5 * NS_PER_S
            return (_DOWN[item.type], last) if ours else None
    return None


def _words(event: Event) -> str:
    """An event in one line."""
    words = plain(said(event), UTF8)
    return f"{text.clock(event.time_ns / 1e9)}  {event.type}" + (f"  {words}" if words else "")
