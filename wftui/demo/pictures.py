"""``wftop --demo --pictures FOLDER``: the README's pictures, the same each time they are made."""

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import Final, NamedTuple

from wftui.demo.cards import uuid
from wftui.demo.story import HOT, LEAKING
from wftui.errors import ConfigError

_ELSEWHERE: Final = re.compile(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", re.DOTALL)
"""Fonts of a server, and the address of the toolkit."""
_PAUSES: Final = 8
"""Turns of the loop after each key: its answer may ask the recording more than once."""


_FIRST_SERIES: Final = 12
"""On the timeline before anybody chose: CPU, memory, pressure, a disk, and the eight GPUs."""
_TYPED: Final = 48
"""Characters that are taken back before the next pattern is typed."""


class Shot(NamedTuple):
    """One picture."""

    name: str
    width: int
    height: int
    second: int
    """Of the incident: what the view takes for now."""
    keys: tuple[str, ...] = ()
    watched: int = 0
    """Seconds until then that somebody has looked at what the keys open."""


def _alone(*patterns: str) -> tuple[str, ...]:
    """Keys that leave nothing on the timeline but the series of these patterns."""
    keys = ["5", "z", "slash", *("enter", "down") * _FIRST_SERIES]
    for pattern in patterns:
        keys += [*("backspace",) * _TYPED, *pattern, "enter"]
    return (*keys, "escape")


def _of(metric: str, gpu: int, more: str = "") -> str:
    return f"hw.gpu.{metric}{{*{uuid(gpu)[8:12]}*{more}"


SHOTS: Final = (
    Shot("overview", 120, 40, 255),
    Shot("overview-wide", 160, 45, 255),
    Shot("processes", 120, 40, 540, ("2",)),
    Shot("gpu", 160, 45, 255, ("6",)),
    Shot("models", 160, 45, 327, ("7",)),
    Shot(
        "timeline",
        120,
        40,
        540,
        _alone(
            _of("temperature", HOT, '"gpu"*'),
            _of("temperature", 0, '"gpu"*'),
            _of("clock.frequency", HOT, "sm*"),
            _of("memory.utilization", LEAKING),
        ),
    ),
    Shot("alerts", 120, 40, 380, ("8", "down")),
    Shot("why", 120, 40, 380, ("8", "W")),
    Shot("health", 120, 40, 380, ("H",)),
    Shot("energy", 120, 40, 246, ("9",), 9),
    Shot("rewind", 120, 40, 540, ("@", *"15:09:07", "enter")),
)


def main(folder: str) -> int:
    """Write the pictures; returns the exit code.

    Raises:
        ConfigError: The folder cannot be written.
    """
    os.environ["TEXTUAL_ANIMATIONS"] = "none"
    os.environ["TEXTUAL_COLOR_SYSTEM"] = "truecolor"
    os.environ.pop("NO_COLOR", None)
    from wftui.demo.still import utc

    utc()
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name, picture in asyncio.run(pictures()):
            (target / f"{name}.svg").write_text(picture, encoding="utf-8")
            print(target / f"{name}.svg", file=sys.stdout)  # noqa: T201  the command's output
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written: {error.strerror or error}") from error
    return 0


async def pictures(shots: tuple[Shot, ...] = SHOTS) -> list[tuple[str, str]]:
    """Name and SVG of each; nothing in them refers to the network."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="wftop-demo-") as folder:
        moments = _moments(Path(folder), shots)
        return [(shot.name, await _picture(shot, moments[shot.second, shot.watched])) for shot in shots]


def _moments(folder: Path, shots: tuple[Shot, ...]) -> dict[tuple[int, int], object]:
    """By second and how long is watched: the view's time goes on by that."""
    from wftui.demo.still import Moment
    from wftui.demo.story import CYCLE_S, FIRST_S

    found: dict[tuple[int, int], object] = {}
    for second, watched in sorted({(shot.second, shot.watched) for shot in shots}):
        place = folder / f"{second}-{watched}"
        place.mkdir(mode=0o700)
        found[second, watched] = Moment(place, FIRST_S + CYCLE_S + second, watched)
    return found


async def _picture(shot: Shot, moment: object) -> str:
    from wftui import paths
    from wftui.demo.still import Moment
    from wftui.render import palette
    from wftui.tui.app import WftopApp

    assert isinstance(moment, Moment)  # noqa: S101  loaded late, so it has no name in the signature
    colors = palette.load(paths.resources("themes") / "default.toml", palette.TRUECOLOR)
    view = WftopApp(colors, link=moment.link, clock=moment, motion="reduced")  # type: ignore[arg-type]  # has what the view calls
    async with view.run_test(size=(shot.width, shot.height)) as pilot:
        await _rest(pilot.pause)
        for key in shot.keys:
            await pilot.press(key)
            await _rest(pilot.pause)
        moment.watch(shot.watched)
        view.paint()  # what was drawn last may have asked for more
        view.repaint()
        await _rest(pilot.pause)
        made = plain(view.export_screenshot(title="wftop --demo"))
        view.leave()
        return made


async def _rest(pause: "Pause") -> None:
    for _ in range(_PAUSES):
        await pause()


def plain(svg: str) -> str:
    """The picture without the fonts that it would fetch from elsewhere: a local monospaced one is as good."""
    return _ELSEWHERE.sub("", svg)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Pause = Callable[[], Awaitable[object]]
