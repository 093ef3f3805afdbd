"""`wftop replay FILE`: the ordinary view over a bundle, on any machine."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from wftui.errors import BundleError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.client.bundled import Bundled


def main(arguments: Sequence[str]) -> int:
    """Run; the exit code.

    Raises:
        BundleError: The bundle is refused.
        UsageError: Something else is wrong with what was typed, or this is no terminal.
    """
    flags = _flags(arguments)
    path = Path(flags.file)
    if not path.exists():
        raise BundleError(f"{path}: no such file")
    from wftui.tui import terminal

    if not flags.once and (why := terminal.unfit()):
        raise UsageError(f"{why}, so there is no view of {path}; --once prints one moment of it")
    from wftui.cli.passphrase import asked
    from wftui.client.bundled import Bundled

    identities = [Path(name) for name in flags.identity]
    try:
        reader = Bundled(path, identities, asked(path, identities))
        try:
            if flags.once:
                from wftui.cli import replay_once

                return replay_once.main(reader, flags.at, json=flags.json, config=flags.config)
            return _view(flags, reader)
        finally:
            reader.close()
    except KeyboardInterrupt:
        return 130


def _flags(arguments: Sequence[str]) -> argparse.Namespace:
    from wftui.tui.terminal import COLORS

    parser = argparse.ArgumentParser(
        prog="wftop replay",
        description="Opens a bundle that `wftop bundle` made: the same screens, on any machine. Nothing of this "
        "machine is shown or recorded, nothing is kept.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("file", metavar="FILE", help="a bundle: incident.wftop, or incident.wftop.age")
    add("--at", metavar="TIME", default="", help="begin there: 14:32, or 5m before its end (default: its alert)")
    add("--identity", metavar="FILE", action="append", default=[], help="age or SSH key of an encrypted bundle")
    add("--once", action="store_true", help="print one moment as text and exit")
    add("--json", action="store_true", help="with --once: as JSON")
    add("--ascii", action="store_true", default=None, help="draw with ASCII only")
    add("--colors", choices=COLORS, help="colours of the terminal")
    add("--config", metavar="FILE", help="configuration file")
    flags = parser.parse_args(arguments)
    if flags.json and not flags.once:
        parser.error("--json goes with --once")
    for name in ("readonly", "refresh", "data_dir"):
        setattr(flags, name, None)
    flags.demo = False
    return flags


def _view(flags: argparse.Namespace, reader: Bundled) -> int:
    import gc

    # Collections while a thousand modules load find nothing to free.
    gc.disable()
    from wftui.tui import start, terminal
    from wftui.tui.recorded import Opening

    screen = terminal.Terminal()
    depth = flags.colors if flags.colors not in (None, "auto") else terminal.colors()
    plain = bool(flags.ascii) or terminal.ascii_only()
    try:
        return start.run(flags, screen, depth, ascii_only=plain, opening=Opening(reader, flags.at))
    finally:
        screen.restore()
