"""What a person before the screen sees of a box with GPUs: a real recorder, its feed, the pictures, the doctor."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.harness import Running, View, command, environment, until
from tests.nvml import box
from tests.nvml.box import Scene, uuid
from wftui.clock import SystemClock
from wftui.model import gpus as cells
from wftui.model.health import Health
from wftui.tui.compose import picture
from wftui.tui.glyphs import Glyphs
from wftui.tui.gpu_screen.model import HEALTH, GpuScreen
from wftui.tui.scene import Scene as Moment
from wftui.tui.state import LIVE, State
from wftui.tui.ui import Ui
from wftui.wire import messages as m

_OTHER_SYS = """
import sys
from wftui.collectors import registry
registry.host_collectors.__defaults__ = ("/proc", sys.argv.pop(1))
from wftui.__main__ import main
sys.exit(main())
"""
"""A program whose first argument is the folder that stands for /sys."""


class Seen:
    """What a person before the screen sees."""

    def __init__(self, running: Running, env: dict[str, str]) -> None:
        self.state = State()
        self.running = running
        self._env = env
        self._view = View(running.where)
        self.state.attached(self._view.connection.recorder)
        self.state.now_linked(LIVE, 0)

    def close(self) -> None:
        self._view.connection.close()

    def until(self, holds: Callable[[], object], what: str, messages: int = 4000) -> None:
        """Read the feed until it holds."""
        for _ in range(messages):
            if holds():
                return
            message = self._view.next()
            assert message is not None, "the recorder went away"
            self.state.on(message)
            if isinstance(message, m.TickArrived) and message.seq > 90:
                break
        raise AssertionError(f"{what}: {[(row[cells.STATE], row[cells.REASON]) for row in self.rows.values()]}")

    def tick(self) -> None:
        """Read the feed until the next second is there."""
        before = self.state.tick
        self.until(lambda: self.state.tick is not None and self.state.tick is not before, "a tick")

    @property
    def rows(self) -> dict[str, tuple[object, ...]]:
        return self.state.tables.get("gpus", {})  # type: ignore[return-value]  # cells are objects

    def source(self) -> Health:
        return self.state.source("gpu") or Health("gpu", "")

    def card(self, card: int, place: int) -> object:
        row = self.rows.get(uuid(card))
        return None if row is None else row[place]

    def value(self, name: str, card: int, *labels: tuple[str, str]) -> float:
        return self.state.value(name, ("gpu", uuid(card)), *labels)

    def screen(self, ui: Ui | None = None) -> str:
        moment = Moment(self.state, SystemClock().now(), Glyphs(ascii_only=False))
        shown = picture(moment, ui or Ui(), 120, 40)
        return "\n".join("".join(text for text, _ in row) for row in shown.rows)

    def gpu_screen(self, card: int, pane: str = HEALTH) -> str:
        """Screen 6 with a GPU selected."""
        ui = Ui()
        ui.screen, ui.gpu = "gpu", GpuScreen()
        ui.gpu.uuid, ui.gpu.pane = uuid(card), pane
        return self.screen(ui)

    def doctor_says(self, **words: str) -> dict[str, dict[str, str]]:
        """The doctor's checks, once those of these names (``GPU_0``) have these words."""
        wanted = {name.replace("_", " "): text for name, text in words.items()}

        def said() -> dict[str, dict[str, str]] | None:
            report = self.doctor()
            return (
                report
                if all(text in report.get(name, {}).get("text", "") for name, text in wanted.items())
                else None
            )

        return until(said, 30, f"the doctor's word {wanted}")

    def doctor(self) -> dict[str, dict[str, str]]:
        done = subprocess.run(
            command("doctor", "--json"), env=environment(self._env), capture_output=True, text=True, check=False
        )
        return {item["name"]: item for item in json.loads(done.stdout)["checks"]}


@contextmanager
def seen(library: Path, scene: Scene, log: Path | None = None, sys_root: Path | None = None) -> Iterator[Seen]:
    """A recorder on the box of a scene; ``sys_root`` stands for /sys."""
    scene.save()
    env = box.environment(library, scene.path, log)
    program = () if sys_root is None else (sys.executable, "-c", _OTHER_SYS, str(sys_root))
    with Running(env=env, program=program) as running:
        found = Seen(running.ready(), env)
        try:
            yield found
        finally:
            found.close()
            assert running.stop() == 0
