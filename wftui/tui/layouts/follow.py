"""The layout in use: its file is looked at again while the view runs, and another one can be chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.errors import ConfigError
from wftui.tui.layouts import files
from wftui.tui.layouts.default import DEFAULT, NAME
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wftui.tui.layouts.plan import Plan

EVERY_NS: Final = NS_PER_S
"""Between two looks at the file."""


class Layouts:
    """All that can be chosen, and the one that is. A broken file changes nothing: the last good layout stays."""

    def __init__(
        self, own: Path, built_in: Path, name: str = NAME, remember: Callable[[str], None] | None = None
    ) -> None:
        """``own``: a person's folder, which need not be there; ``remember``: keeps a name for the next start."""
        self.own = own
        self.remember = remember
        self._built_in = built_in
        self.plan: Plan = DEFAULT
        self.trouble = ""
        """What is wrong with the file that was to be read; empty: nothing."""
        self.wanted = name
        """The name that was asked for last, also when its file is wrong."""
        self._path: Path | None = None
        self._state = (0, 0)
        self._due_ns = 0
        self.choose(name)

    def names(self) -> list[str]:
        """All that can be chosen."""
        return files.names(self.own, self._built_in)

    def built_in(self, name: str) -> bool:
        """Whether a layout of this name ships with wftop."""
        return name == NAME or (self._built_in / f"{name}.toml").is_file()

    def choose(self, name: str) -> str:
        """Use another one; empty: done, else what is wrong with it."""
        self.trouble = ""
        self.wanted = name
        try:
            path = files.find(name, self.own, self._built_in)
            mine = path.parent == self.own
            if mine:
                # Followed also while it is broken: who mends it sees it.
                self._path, self._state = path, _stat(path)
            self.plan = DEFAULT if name == NAME and not mine else files.load(path)
        except ConfigError as error:
            self.trouble = self._said(error)
            return self.trouble
        if not mine:
            self._path = None
        return ""

    def _said(self, error: ConfigError) -> str:
        """Without the folder: what is wrong has to fit the bottom line."""
        return str(error).replace(f"{self.own}/", "")

    def following(self, step: int = 1) -> str:
        """The name after the one that was asked for last: one that is broken does not end the round."""
        known = self.names()
        place = known.index(self.wanted) if self.wanted in known else -1
        return known[(place + step) % len(known)]

    def look(self, boottime_ns: int) -> Plan | str | None:
        """The new layout when its file has changed, or what is wrong with it; None: nothing is new."""
        if self._path is None or boottime_ns < self._due_ns:
            return None
        self._due_ns = boottime_ns + EVERY_NS
        state = _stat(self._path)
        if state == self._state or not any(state):
            return None
        self._state = state
        try:
            self.plan = files.load(self._path)
        except ConfigError as error:
            self.trouble = self._said(error)
            return self.trouble
        self.trouble = ""
        return self.plan


def _stat(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:  # an editor is replacing it
        return 0, 0
    return found.st_mtime_ns, found.st_size
