"""What keys do on the settings screen, and how the running view takes a changed setting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wftui import settings
from wftui.config import Value
from wftui.errors import ConfigError
from wftui.render import palette, themes
from wftui.tui import recorded
from wftui.tui.settings.model import SettingsScreen
from wftui.tui.theming import Configured, Theming, without_folder
from wftui.tui.ui import Prompt

if TYPE_CHECKING:
    from wftui.tui.app import WftopApp


def show(app: WftopApp) -> None:
    """Open the screen, or say why it cannot be."""
    if app.configured is None:
        app.ui.say("there are no settings here", "warn")
        return
    try:
        if app.ui.settings is None:
            app.ui.settings = SettingsScreen(app.configured)
        else:
            app.ui.settings.read()
    except ConfigError as error:
        app.ui.say(str(error), "bad")
        return
    app.ui.show("settings")


def act(app: WftopApp, screen: SettingsScreen, what: str) -> None:
    """An action of the screen."""
    if what not in ("change", "unset"):
        screen.move(what)
        return
    if app.readonly:
        app.ui.say("nothing is changed: the view is read-only (--readonly or view.readonly)", "warn")
        return
    if what == "unset":
        _put(app, screen, None)
        return
    value = screen.following()
    if value is not None:
        _put(app, screen, value)
        return

    def submit(words: str) -> str:
        try:
            typed = screen.typed(words)
        except ConfigError as error:
            return str(error).removeprefix("settings: ")
        _put(app, screen, typed)
        return ""

    key = screen.key
    value = screen.loaded[key.name]
    now = settings.shown(key, value) if key.kind == "size" else settings.as_text(value)
    app.ui.ask(Prompt(f"set {key.name}", key.name, submit, value=now, hint=f"expected: {key.expected}"))


def _put(app: WftopApp, screen: SettingsScreen, value: Value | None) -> None:
    layout = app.layouts if screen.key.name == "view.layout" else None
    if layout is not None and isinstance(value, str) and (trouble := layout.choose(value)):
        app.ui.say(trouble, "bad")
        return
    try:
        said = screen.put(value)
        apply(app, screen)
    except ConfigError as error:
        app.ui.say(str(error), "bad")
    else:
        app.ui.say(said, "warn" if "wins" in said else "good")


def apply(app: WftopApp, screen: SettingsScreen) -> None:
    """Take what the running view can take of the setting under the cursor.

    Raises:
        ConfigError: The theme or the layout is wrong.
    """
    name, loaded = screen.key.name, screen.loaded
    if name == themes.KEY:
        wear(app, screen.configured, loaded.text(name))
    elif name == "view.refresh_s":
        app.refresh_s = loaded.number(name)
        if app.link is not None:
            app.link.rate_changed()
    elif name == "view.layout" and app.layouts is not None:
        if trouble := app.layouts.choose(loaded.text(name)):
            raise ConfigError(trouble)
        app.arranged(app.layouts.plan)
    elif name == "view.motion":
        app.motion.mode = loaded.text(name)
    elif name == "view.graphs":
        app.graphs = loaded.text(name)
    elif name == "view.clipboard":
        app.copies = loaded.flag(name)
    elif name == "view.notify":
        app.notifies = loaded.text(name)
    elif name == "view.title":
        app.titled = loaded.flag(name)
        if not app.titled and app.notices is not None:
            app.notices.name("")
    elif name == "view.readonly":
        app.readonly = loaded.flag(name)
    elif name in ("view.temperature", "view.bytes", "view.time_zone") or name.startswith("colors."):
        app.zone = recorded.prefer(loaded, app.past.recording)
        redrawn(app)


def redrawn(app: WftopApp) -> None:
    """Forget what was drawn: panels and rows keep it while their numbers are the same."""
    for state in (app.state, app.seen):
        state.kept.clear()
        state.drawn.clear()


def wear(app: WftopApp, configured: Configured, name: str) -> None:
    """Show a theme from now on.

    Raises:
        ConfigError: There is none of that name, or it is wrong.
    """
    path = themes.find(name, configured.own_themes, configured.themes)
    colors = palette.load(path, configured.depth)
    app.wear(colors)
    app.theming = Theming(path, configured.depth) if path.parent == configured.own_themes else None
    app.worn = name


def next_theme(app: WftopApp) -> None:
    """The theme after the one that is shown; nothing is written."""
    configured = app.configured
    if configured is None:
        app.ui.say("there is only this theme here", "warn")
        return
    names = themes.names(configured.own_themes, configured.themes)
    now = app.worn or configured.theme
    name = names[(names.index(now) + 1) % len(names)] if now in names else names[0]
    try:
        wear(app, configured, name)
    except ConfigError as error:
        app.worn = name  # the next key goes on behind it
        app.ui.say(without_folder(error, configured.own_themes), "bad")
    else:
        app.ui.say(f"theme {name}; F2 or `wftop config set view.theme {name}` keeps it")
