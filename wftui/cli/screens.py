"""``python -m wftui.cli.screens``: draws the screens of a recording that is over, for a bundle.

A ``bundle.screens.Task`` on standard input, ``Pictures`` on standard output. The view is the ordinary one, over
the ordinary answers of a replay; only its frames become SVG.
"""

import asyncio
import contextlib
import gc
import os
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from wftui import log, paths
from wftui.bundle.screens import Pictures, Task
from wftui.model.why import Answer
from wftui.render import drawn, palette
from wftui.when import is_zone, use_zone
from wftui.wire import messages as m

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wftui.history.bundled import Replay
    from wftui.tui.app import WftopApp

_SIZE: Final = (160, 45)
_SCREENS: Final = {
    "overview": ("1", "", ""),
    "processes": ("2", "processes", ""),
    "events": ("3", "events", ""),
    "sources": ("4", "sources", ""),
    "timeline": ("5", "timeline", ""),
    "gpu": ("6", "gpu", ""),
    "models": ("7", "model", ""),
    "alerts": ("8", "alert", ""),
    "energy": ("9", "energy", ""),
    "health": ("1H", "", "why"),
    "why": ("1W", "", "why"),
}
"""Name to keys, and which screen and dialog the view then shows."""
_NEEDS: Final = {
    "gpu": ("gpus",),
    "models": ("servers",),
    "energy": ("streams", "frames", "servers", "gpus"),
}
"""Screens that have nothing to show unless one of these tables has a row."""
_FRAMES: Final = 400
"""After which a screen is taken as it is."""
_FRAME_S: Final = 0.01


def main() -> int:
    """Run; the exit code."""
    gc.disable()  # it lives for a second: collections would cost a tenth of that
    task = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Task)
    os.environ["TEXTUAL_ANIMATIONS"] = "none"
    os.environ["TEXTUAL_COLOR_SYSTEM"] = "truecolor"
    zone = task.recording.time_zone
    use_zone(zone if zone != "local" and is_zone(zone) else "utc")
    from wftui.history.bundled import Replay

    replay = Replay(Path(task.data_dir), task.recording)
    try:
        answer = _different(replay, task.recording.alert_ns)
        screens = asyncio.run(_drawn(replay, task))
    finally:
        replay.close()
    sys.stdout.buffer.write(msgspec.msgpack.encode(Pictures(screens, answer)))
    return 0


def _different(replay: "Replay", at_ns: int | None) -> Answer | None:
    if at_ns is None:
        return None
    replies = replay.answer(m.Why(at_ns))
    if isinstance(replies[0], m.WhyReply):
        return replies[0].answer
    log.warning("bundle", "what was different cannot be told", reply=type(replies[0]).__name__)
    return None


async def _drawn(replay: "Replay", task: Task) -> dict[str, bytes]:
    from wftui.history import bundled, frames
    from wftui.tui.app import WftopApp
    from wftui.tui.link import Link
    from wftui.tui.recorded import Ended

    class Asking(Link):
        """Knows how many questions are under way."""

        under_way = 0

        async def ask(self, message: m.Message, timeout_s: float) -> m.Message:
            self.under_way += 1
            try:
                return await super().ask(message, timeout_s)
            finally:
                self.under_way -= 1

    links: list[Asking] = []

    def link(app: WftopApp) -> Asking:
        links.append(Asking(app, ours))
        return links[0]

    ours, theirs = socket.socketpair()
    descriptor = theirs.fileno()

    def serve() -> None:
        with contextlib.suppress(frames.GoneError):  # all is drawn
            bundled.serve(replay, frames.Input(descriptor), descriptor)

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    colors = palette.load(paths.resources("themes") / "default.toml", palette.TRUECOLOR)
    view = WftopApp(colors, link=link, clock=Ended(task.recording), motion="reduced", readonly=True)
    found: dict[str, bytes] = {}
    async with view.run_test(size=_SIZE) as pilot:
        while not view.past.ready:
            await pilot.pause(_FRAME_S)
        tables = view.seen.tables
        for name in task.names:
            if name in _NEEDS and not any(tables.get(needed) for needed in _NEEDS[name]):
                continue
            keys, *shown = _SCREENS[name]
            for key in keys:
                view.commands.key(key, key)
            rows = await _still(view, pilot.pause, lambda: links[0].under_way > 0)
            if [view.ui.shown, view.ui.overlay] == shown:
                found[name] = drawn.svg(rows, _SIZE[0], colors, f"wftop, {name}")
            if view.ui.overlay:
                view.ui.back()
        view.leave()
    theirs.shutdown(socket.SHUT_RDWR)
    server.join(timeout=1)
    theirs.close()
    return found


async def _still(view: "WftopApp", pause: "Pause", asking: "Callable[[], bool]") -> list[list[drawn.Segment]]:
    """The frame once nothing moves in it any more, and nothing is asked for it."""
    before: list[list[drawn.Segment]] = []
    for _ in range(_FRAMES):
        await pause(_FRAME_S)
        if asking():
            continue
        view.paint()
        assert view.picture is not None  # noqa: S101  it was just painted
        rows = [list(row) for row in view.picture.rows]
        if rows == before:
            break
        before = rows
    return before


if TYPE_CHECKING:
    Pause = Callable[[float], Awaitable[object]]


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # DuckDB's binding would print what it believes to be leaks of its own
