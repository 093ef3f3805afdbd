"""The settings screen's own state: what the settings are and which one is under the cursor. No toolkit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui import config, settings
from wftui.config import KEYS, Key, Value
from wftui.render import themes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.config import Config
    from wftui.tui.theming import Configured

_FIRST: Final = ("view", "colors")
"""Sections that are about this screen; the others follow in the order of the table."""
AT_ONCE: Final = frozenset(
    (
        "view.theme",
        "view.layout",
        "view.refresh_s",
        "view.temperature",
        "view.bytes",
        "view.time_zone",
        "view.readonly",
        "view.motion",
        "view.graphs",
        "view.clipboard",
        "view.notify",
        "view.title",
    )
)


def ordered() -> list[Key]:
    """All settings, section by section."""
    sections: dict[str, list[Key]] = {name: [] for name in _FIRST}
    for key in KEYS.values():
        sections.setdefault(key.name.partition(".")[0], []).append(key)
    return [key for found in sections.values() for key in found]


def holds(name: str) -> str:
    """When a changed setting holds."""
    if name in AT_ONCE or name.startswith("colors."):
        return "at once"
    scope = KEYS[name].scope
    return "at once" if scope == "command" else f"from the next start of the {scope}"


class SettingsScreen:
    """What is shown: all settings, and where the cursor is."""

    def __init__(self, configured: Configured) -> None:
        """Read the settings.

        Raises:
            ConfigError: A file is wrong.
        """
        self.configured = configured
        self.keys = ordered()
        self.place = 0
        self.top = 0
        self.page = 10
        """Lines of the list, as last drawn."""
        self.about: list[int] = []
        """For each of these lines: which setting it is about; -1: none."""
        self.loaded: Config = config.load(configured.where, configured.flags)

    @property
    def key(self) -> Key:
        """The setting under the cursor."""
        return self.keys[self.place]

    def read(self) -> None:
        """Read the settings again.

        Raises:
            ConfigError: A file is wrong; what is shown stays.
        """
        self.loaded = config.load(self.configured.where, self.configured.flags)

    def move(self, what: str) -> None:
        """Move the cursor."""
        step = {"up": -1, "down": 1, "page_up": 1 - self.page, "page_down": self.page - 1}
        last = len(self.keys) - 1
        if what in ("first", "last"):
            self.place = 0 if what == "first" else last
        else:
            self.place = min(last, max(0, self.place + step[what]))

    def choices(self) -> Sequence[Value]:
        """What Enter goes through; empty: the value is typed."""
        key = self.key
        if key.kind == "bool":
            return (True, False)
        if key.kind == "bool or auto":
            return ("auto", True, False)
        if key.name == themes.KEY:
            return themes.names(self.configured.own_themes, self.configured.themes)
        return key.choices

    def following(self) -> Value | None:
        """The next choice; None: the value is typed."""
        choices = self.choices()
        if not choices:
            return None
        now = self.loaded[self.key.name]
        return choices[(choices.index(now) + 1) % len(choices)] if now in choices else choices[0]

    def put(self, value: Value | None) -> str:
        """Write a value of the setting under the cursor, or take it out; what to say about it.

        Raises:
            ConfigError: The value or a file is wrong, or it cannot be written.
        """
        name = self.key.name
        if name == themes.KEY and isinstance(value, str):
            themes.find(value, self.configured.own_themes, self.configured.themes)
        changed = settings.put(self.configured.where, {name: value})
        self.read()
        origin = self.loaded.origin(name)
        shown = f"{name} = {settings.as_text(self.loaded[name])}"
        if value is None:
            if not changed:
                return f"{name} is not set by you here: {origin}"
            return f"{shown} ({origin}), {holds(name)}"
        if not origin.startswith(self.configured.where.settings_file.name):
            return f"written, but {origin} says otherwise and wins"
        return f"{shown}, {holds(name)}"

    def typed(self, words: str) -> Value:
        """A value that was typed.

        Raises:
            ConfigError: It is no value of this setting.
        """
        return config.from_text(self.key, words, "settings")
