"""The theme's file, looked at again while the view runs: who edits a theme sees it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.errors import ConfigError
from wftui.render import palette, themes
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wftui.paths import Places
    from wftui.render.palette import Palette

EVERY_NS: Final = NS_PER_S
"""Between two looks at the file."""


class Configured(NamedTuple):
    """Where this view has its settings and themes from."""

    where: Places
    flags: Mapping[str, object]
    """Dotted name to what the command line said; None: nothing."""
    theme: str
    """The theme at the start."""
    depth: str
    own_themes: Path
    themes: Path
    """Those that ship with wftop."""


class Begin(NamedTuple):
    """The colours of the first frame."""

    colors: Palette
    file: Path
    """The theme that was asked for, also when it is broken; where there is none of that name, the one shown."""
    trouble: str
    """Why it is another theme than the one asked for; empty: it is that one."""


def begin(name: str, own: Path, built_in: Path, depth: str, origin: str = "") -> Begin:
    """The theme that was asked for; where it is wrong the one of that name or ground that ships with wftop.

    ``origin``: where the name was set, for a name that there is no theme of.

    Raises:
        ConfigError: Not even that one can be read.
    """
    try:
        path = themes.find(name, own, built_in)
    except ConfigError as error:
        trouble = f"{origin}: {error}" if origin else str(error)
    else:
        try:
            return Begin(palette.load(path, depth), path, "")
        except ConfigError as error:
            trouble = without_folder(error, own)
    instead = themes.instead_of(name, own, built_in)
    colors = palette.load(instead, depth)
    # Followed also while it is broken: who mends it sees it.
    broken = own / f"{name}.toml"
    followed = broken if themes.good(name) and broken.is_file() else instead
    return Begin(colors, followed, f"{trouble}; this is {instead.stem}")


def without_folder(error: ConfigError, own: Path) -> str:
    """Without the folder: what is wrong has to fit the bottom line."""
    return str(error).replace(f"{own}/", "")


class Theming:
    """One theme's file. A broken one changes nothing: the last good colours stay."""

    def __init__(self, path: Path, depth: str) -> None:
        self._path = path
        self._depth = depth
        self._state = self._stat()
        self._due_ns = 0

    def _stat(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError:  # an editor is replacing it
            return 0, 0
        return found.st_mtime_ns, found.st_size

    def look(self, boottime_ns: int) -> Palette | str | None:
        """The new colours when the file has changed, or what is wrong with it; None: nothing is new."""
        if boottime_ns < self._due_ns:
            return None
        self._due_ns = boottime_ns + EVERY_NS
        state = self._stat()
        if state == self._state or not any(state):
            return None
        self._state = state
        try:
            return palette.load(self._path, self._depth)
        except ConfigError as error:
            return without_folder(error, self._path.parent)
