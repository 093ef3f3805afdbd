"""From the skeleton to the running view: settings, recorder, toolkit, in the order that shows data soonest."""

from __future__ import annotations

import gc
import os

TYPE_CHECKING = False  # typing is heavier than this module
if TYPE_CHECKING:
    import argparse

    from wftui.paths import Places
    from wftui.tui.recorded import Opening
    from wftui.tui.terminal import Terminal

_SYSTEMS = {"truecolor": "truecolor", "256": "256", "16": "standard", "mono": "standard"}
# Young collections were measured at 8 to 15 ms over the toolkit's objects: one every five seconds is enough.
_THRESHOLDS = (50_000, 20, 100)


def remember_layout(where: Places, name: str) -> None:
    """The layout that a person wrote is the one that the next view begins with.

    Raises:
        ConfigError: The settings cannot be written.
    """
    from wftui import settings  # here: few write one

    settings.put(where, {"view.layout": name})


def pointed(mode: str) -> bool:
    """Whether clicks and the wheel are asked for; a Linux console has no mouse to tell of."""
    return mode == "on" or (mode == "auto" and not os.environ.get("TERM", "").startswith(("linux", "vt1", "vt2")))


def run(
    flags: argparse.Namespace, terminal: Terminal, depth: str, *, ascii_only: bool, opening: Opening | None = None
) -> int:
    """Run the view on a terminal that already shows the skeleton; return the exit code.

    ``opening``: a recording that is over, instead of this machine's. The terminal is entered when it is open.

    Raises:
        WftopError: Settings, theme or folders cannot be used; the bundle is refused.
    """
    from wftui import config, paths
    from wftui.client.spawn import ensure_recorder

    where = watched = paths.places(flags.data_dir, flags.config)
    if flags.demo:
        from wftui.demo.folder import demo_places

        watched = demo_places()

    def recorder() -> object:
        return ensure_recorder(watched, demo=flags.demo)

    # Before the imports below, so that both start at the same time.
    if opening is None:
        recorder()
    given = {
        "view.readonly": flags.readonly,
        "view.ascii": flags.ascii,
        "view.colors": flags.colors,
        "view.refresh_s": flags.refresh,
    }
    settings = config.load(where, given)
    if settings.text("view.colors") != "auto":
        depth = settings.text("view.colors")
    if settings.text("view.ascii") != "auto":
        ascii_only = settings.text("view.ascii") == "true" or ascii_only
    # The toolkit reads these once, when it is imported. Colours are made by the palette.
    os.environ["TEXTUAL_DISABLE_KITTY_KEY"] = "1"
    os.environ["TEXTUAL_ANIMATIONS"] = "none"
    os.environ["TEXTUAL_COLOR_SYSTEM"] = _SYSTEMS[depth]
    os.environ.pop("NO_COLOR", None)
    from wftui import lean

    lean.leave_out(lean.SSL)
    import asyncio
    import selectors

    from wftui.render import preferred, themes
    from wftui.tui import app as application
    from wftui.tui import paint
    from wftui.tui.layouts.follow import Layouts
    from wftui.tui.link import Link
    from wftui.tui.theming import Configured, Theming, begin

    preferred.use(settings)
    own = where.config_dir / "themes"
    theme = begin(settings.text(themes.KEY), own, paths.resources("themes"), depth, settings.origin(themes.KEY))
    width, height = os.get_terminal_size(terminal.output)
    term = f"{width}x{height} {os.environ.get('TERM', '')}"
    view = application.WftopApp(
        theme.colors,
        link=lambda app: (
            Link(app, str(watched.socket), recorder, term)
            if opening is None
            else Link(app, opening.reader.socket, terminal=term)
        ),
        ascii_only=ascii_only,
        readonly=bool(settings["view.readonly"]),
        refresh_s=settings.number("view.refresh_s"),
        driver_class=paint.driver_for(terminal),
        motion=settings.text("view.motion"),
        graphs=settings.text("view.graphs"),
        remote=bool(os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY")),
        theming=Theming(theme.file, depth) if theme.file.parent == own else None,
        layouts=Layouts(
            where.config_dir / "layouts",
            paths.resources("layouts"),
            settings.text("view.layout"),
            lambda name: remember_layout(where, name),
        ),
    )
    view.configured = Configured(where, given, settings.text(themes.KEY), depth, own, paths.resources("themes"))
    if theme.trouble:
        view.ui.say(" / ".join(word for word in (theme.trouble, view.ui.notice) if word), "bad")
    view.notifies, view.titled = settings.text("view.notify"), bool(settings["view.title"])
    view.copies = bool(settings["view.clipboard"])
    if opening is not None:
        from wftui.tui import recorded  # here: few views are of a bundle

        # As late as possible: the bundle is opened meanwhile.
        view.clock, view.begin_ns, view.zone = recorded.begin(opening, settings)
        terminal.enter()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    gc.enable()
    # The default selector rounds its waits up to whole milliseconds, which a clock of 60 frames a second notices.
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(view.run_async(mouse=pointed(settings.text("view.mouse"))))
    terminal.restore()
    view.remember(where.state_dir)
    failure = paint.failure(view)
    if failure is not None:
        raise failure
    return view.return_code or 0
