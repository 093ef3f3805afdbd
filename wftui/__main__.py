"""The script's entry: it decides what to run before anything heavy is imported.

``wftop record …`` takes its lock first, bare ``wftop`` paints its skeleton first; both load the rest afterwards.
"""

from __future__ import annotations

import os
import sys

from wftui.errors import WftopError, report

TYPE_CHECKING = False  # typing is heavier than this module
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

COMMANDS = (
    "record, replay, bundle, compare, export, sql, report, energy, gpus, doctor, sources, config, purge, service, "
    "backup, restore, push, proxy, probe, rules, alerts, why, quality"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run wftop; return the exit code. Errors raised on purpose become one line on stderr."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _run(arguments)
    except WftopError as error:
        print(report(error), file=sys.stderr)  # noqa: T201  the one stderr line of an error
        return error.exit_code
    except BrokenPipeError:
        # Whoever read our output has enough. Python would complain again when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0


def _run(arguments: list[str]) -> int:
    if "--demo" in arguments:
        words = [word for word in arguments if word != "--demo"]
        if words and not words[0].startswith("-"):
            from wftui.demo import command

            arguments = command.redirected(words)
    if arguments[:1] == ["record"]:
        from wftui.cli import record

        return record.main(arguments[1:])
    if arguments[:1] == ["export"]:
        # Typer would cost it 50 ms, a tenth of what an hour of 400 series may take.
        from wftui.cli import export

        return export.main(arguments[1:])
    if arguments[:1] == ["compare"]:
        from wftui.cli import compare

        return compare.main(arguments[1:])
    if arguments[:1] == ["sql"]:
        from wftui.cli import sql

        return sql.main(arguments[1:])
    if arguments[:1] == ["proxy"]:
        from wftui.cli import proxy

        return proxy.main(arguments[1:])
    if arguments[:1] == ["probe"]:
        from wftui.cli import probe

        return probe.main(arguments[1:])
    if arguments[:1] == ["push"]:
        from wftui.cli import push

        return push.main(arguments[1:])
    if arguments[:1] == ["alerts"]:
        from wftui.cli import alerts

        return alerts.main(arguments[1:])
    if arguments[:1] == ["config"]:
        from wftui.cli import config

        return config.main(arguments[1:])
    if arguments[:1] == ["bundle"]:
        from wftui.cli import bundle

        return bundle.main(arguments[1:])
    if arguments[:1] == ["replay"]:
        from wftui.cli import replay

        return replay.main(arguments[1:])
    if arguments and not arguments[0].startswith("-"):
        from wftui.cli.commands import app

        app(args=arguments, prog_name="wftop", standalone_mode=True)
        return 0
    flags = _flags(arguments)
    if flags.reset_terminal:
        from wftui.tui import terminal

        terminal.reset()
        return 0
    return _view(flags)


def _flags(arguments: list[str]) -> argparse.Namespace:
    if not arguments:
        # The usual start: argparse would cost the first frame 7 ms.
        from types import SimpleNamespace

        return SimpleNamespace(  # type: ignore[return-value]  # the same attributes as the parser's answer
            once=False, json=False, readonly=None, ascii=None, colors=None, refresh=None, config=None,
            data_dir=None, reset_terminal=False, demo=False, pictures=None, plain=False, every=None,
        )  # fmt: skip
    import argparse

    from wftui import __version__
    from wftui.tui.terminal import COLORS

    parser = argparse.ArgumentParser(
        prog="wftop",
        description="Shows this machine live and records it. Without a command: the view.",
        epilog=f"commands: {COMMANDS}; each has --help",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--once", action="store_true", help="print one state as text and exit")
    add("--json", action="store_true", help="with --once: as JSON")
    add("--plain", action="store_true", help="tell what changes in sentences, for screen readers and pipes")
    add("--every", metavar="TIME", help="with --plain: how often, 1s to 1h (5s)")
    add("--readonly", action="store_true", default=None, help="refuse everything that changes something")
    add("--ascii", action="store_true", default=None, help="draw with ASCII only")
    add("--colors", choices=COLORS, help="colours of the terminal")
    add("--refresh", type=float, metavar="SECONDS", help="seconds between two frames of data")
    add("--config", metavar="FILE", help="configuration file")
    add("--data-dir", metavar="FOLDER", help="where the recording is")
    add("--demo", action="store_true", help="show a scripted machine with eight GPUs and an incident instead")
    add("--pictures", metavar="FOLDER", help="with --demo: write pictures of it as SVG and exit")
    add("--reset-terminal", action="store_true", help="take back every terminal mode, after a lost connection")
    add("--version", action="version", version=f"wftop {__version__}")
    flags = parser.parse_args(arguments)
    if flags.json and not flags.once:
        parser.error("--json goes with --once")
    if flags.every and not flags.plain:
        parser.error("--every goes with --plain")
    if flags.plain and flags.once:
        parser.error("--plain goes on and on, --once ends: choose one")
    if flags.pictures and not flags.demo:
        parser.error("--pictures goes with --demo")
    if flags.demo and flags.data_dir:
        parser.error("--demo has a folder of its own: leave --data-dir out")
    return flags


def _view(flags: argparse.Namespace) -> int:
    from wftui.tui import terminal

    if flags.pictures:
        from wftui.demo import pictures

        return pictures.main(flags.pictures)
    if flags.plain:
        from wftui.tui.plain import run

        return run.main(flags)
    why = terminal.unfit()
    if flags.once or why:
        from wftui.cli import once

        if flags.demo:
            from wftui.demo import command

            where = command.ready()
            flags.data_dir, flags.config = str(where.data_dir), str(where.config_file)
        return once.main(json=flags.json, data_dir=flags.data_dir, config=flags.config)
    # The skeleton goes first, so it knows flags and environment only; the configuration may change it later.
    screen = terminal.Terminal()
    depth = flags.colors if flags.colors not in (None, "auto") else terminal.colors()
    plain = bool(flags.ascii) or terminal.ascii_only()
    from wftui.tui import skeleton

    screen.enter()
    try:
        width, height = terminal.size()
        skeleton.show(screen.output, width, height, ascii_only=plain, color=depth != "mono")
        import gc

        # Collections while a thousand modules load find nothing to free.
        gc.disable()
        from wftui.tui import start

        return start.run(flags, screen, depth, ascii_only=plain)
    finally:
        screen.restore()


if __name__ == "__main__":
    sys.exit(main())
