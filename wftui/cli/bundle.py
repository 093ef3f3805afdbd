"""`wftop bundle`: what was recorded over a range of time as one file for somebody else, after asking."""

from __future__ import annotations

import argparse
import gc
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from wftui import clock
from wftui.bundle.format import ENCRYPTED, LEVELS, SUFFIX, Consent
from wftui.errors import BundleError, NoDataError, UsageError, report
from wftui.paths import places
from wftui.units import NS_PER_S, quantity
from wftui.when import use_zone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wftui.bundle.collect import Made, Request, Tell
    from wftui.bundle.crypt import Encryption

CHECK: Final = "check"
_PLAIN: Final = "plain"
_HOW: Final = "--encrypt-to KEY, --passphrase or --plain"


def main(argv: Sequence[str]) -> int:
    """Run the command; ``argv`` is what follows ``bundle``. Returns the exit code.

    Raises:
        UsageError: An option was typed wrongly, or a script does not say what a person would be asked (2).
        ConfigError: Encryption is not installed (4).
        StoreError: The recording cannot be read (5).
        NoDataError: The range holds nothing (7).
        BundleError: It would be more than a bundle may hold, or cannot be written (8).
    """
    if argv[:1] == [CHECK]:
        from wftui.cli import bundle_check

        return bundle_check.main(argv[1:])
    arguments = _parser().parse_args(argv)
    # Millions of numbers and no cycles: looking for some costs a fifth.
    gc.disable()
    # As an exception it lets the blocks around a half-written file end: nothing stays behind.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        return _bundle(arguments)
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="wftop bundle",
        description="Write what was recorded as one file that `wftop replay` opens on any machine, without names"
        " of people, machines, paths and addresses. It asks first, and sends nothing anywhere."
        " `wftop bundle check FILE` verifies one.",
        epilog="Times: 10m, 3d2h (that long ago), 14:32, 'yesterday 14:00', 2026-11-20T14:32:05Z, seconds since"
        f" 1970. A script says --yes and how it is encrypted: {_HOW}.",
        allow_abbrev=False,
    )
    add = found.add_argument
    add("--since", default="1h", metavar="TIME", help="begin of the range (default: 1h)")
    add("--until", default="now", metavar="TIME", help="end of the range (default: now)")
    add("-o", "--output", metavar="FILE", help=f"file or folder (default: wftop-DATE-TIME{SUFFIX} here)")
    add(
        "--level", choices=LEVELS,
        help="full keeps names of programs and models; anonymous only those of products; aggregate is statistics"
        " (default: the setting bundle.level)",
    )  # fmt: skip
    how = found.add_mutually_exclusive_group()
    how.add_argument(
        "--encrypt-to",
        action="append",
        metavar="KEY",
        help="age1… or a line of an SSH public key; repeatable",
    )
    how.add_argument("--passphrase", action="store_true", help="encrypt with a passphrase that is made up")
    how.add_argument("--plain", action="store_true", help="do not encrypt")
    add("--yes", action="store_true", help="do not ask: you know what goes in")
    add("--preview", action="store_true", help="show what would go in, and write nothing")
    add("--no-screens", action="store_true", help="without pictures of the screens")
    add("--alert", default="", metavar="RULE", help="the rule it is made for: where it opens")
    add("--force", action="store_true", help="overwrite an existing file")
    add("--json", action="store_true", help="say what was written as JSON")
    add("--config", metavar="FILE", help="configuration file")
    add("--data-dir", metavar="DIR", help="where the recording lies")
    return found


def _bundle(arguments: argparse.Namespace) -> int:
    from wftui.bundle import collect
    from wftui.cli.export import memory_only, span
    from wftui.config import load

    now_ns = clock.SystemClock().now().time_ns
    where = places(arguments.data_dir, arguments.config)
    settings = load(where)
    use_zone(settings.text("view.time_zone"))
    since_s, until_s = span(arguments.since, arguments.until, now_ns)
    asks = not arguments.yes and not arguments.preview
    if asks and not _terminal():
        raise UsageError("nobody is there to ask whether it may be written: --yes says so, --preview shows it")
    if arguments.yes and not (arguments.encrypt_to or arguments.passphrase or arguments.plain):
        raise UsageError(f"--yes: say how it is encrypted, too: {_HOW}")
    encryption = None if arguments.preview else _encryption(arguments, settings.names("bundle.recipients"))
    how = _PLAIN if encryption is None else encryption.how
    request = collect.Request(
        data_dir=where.data_dir,
        path=_path(arguments.output, now_ns, encrypted=encryption is not None),
        since_s=since_s,
        until_s=until_s,
        level=arguments.level or settings.text("bundle.level"),
        consent=Consent("--yes" if arguments.yes else "typed", now_ns, how),
        encryption=encryption,
        alert=arguments.alert,
        screens=not arguments.no_screens,
        replace=arguments.force,
        config=arguments.config,
    )
    try:
        if arguments.preview or asks:
            _preview(request, sys.stdout if arguments.preview else sys.stderr)
        if arguments.preview:
            return 0
        if asks and not _agreed(request):
            print("wftop: nothing was written", file=sys.stderr)  # noqa: T201  talk
            return 1
        with _progress() as tell:
            made = collect.make(request, tell)
    except NoDataError as error:
        raise NoDataError(f"{error}{memory_only(where)}") from error
    _tell(made, as_json=arguments.json)
    return 0


def _terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _encryption(arguments: argparse.Namespace, known: tuple[str, ...]) -> Encryption | None:
    """What was said; who says nothing gets the keys of the settings, else a passphrase.

    Raises:
        UsageError: A recipient is none.
        ConfigError: Encryption is not installed.
    """
    if arguments.plain:
        return None
    from wftui.bundle import crypt

    if recipients := tuple(arguments.encrypt_to or (() if arguments.passphrase else known)):
        crypt.check_recipients(recipients)
        return crypt.Encryption(recipients)
    crypt.check_recipients(())  # whether it is installed at all
    return crypt.Encryption(passphrase=crypt.generate_passphrase())


def _path(output: str | None, now_ns: int, *, encrypted: bool) -> Path:
    # No name of the machine in it.
    name = time.strftime("wftop-%Y%m%d-%H%M%S", time.localtime(now_ns // NS_PER_S)) + SUFFIX
    name += ENCRYPTED if encrypted else ""
    if output is None:
        return Path(name)
    if output == "-":
        raise UsageError("a bundle needs a name: -o FILE")
    path = Path(output)
    if not path.name or path.is_dir():
        path /= name
    if not path.parent.is_dir():
        raise BundleError(f"{path}: there is no folder {path.parent}")
    return path


def _preview(request: Request, out: TextIO) -> None:
    from wftui.bundle import collect

    with _progress() as tell:
        found = collect.preview(request, tell)
    out.writelines(f"{line}\n" for line in found.lines())
    out.flush()


def _agreed(request: Request) -> bool:
    how = {
        "recipients": "encrypted for the keys named",
        "passphrase": "encrypted with a passphrase that is shown once when it is written",
        _PLAIN: "NOT encrypted: whoever has the file can read it",
    }[request.consent.encryption]
    print(f"\n{request.path}\n{how}", file=sys.stderr)  # noqa: T201  talk
    print("write it? [y/N] ", end="", file=sys.stderr, flush=True)  # noqa: T201  talk
    return sys.stdin.readline().strip().lower() in ("y", "yes")


@contextmanager
def _progress() -> Iterator[Tell | None]:
    """Where somebody looks, a line on stderr that says what is being done; it is gone in the end."""
    if not sys.stderr.isatty():
        yield None
        return

    def tell(what: str) -> None:
        sys.stderr.write(f"\r\x1b[Kwftop: {what} …")
        sys.stderr.flush()

    try:
        yield tell
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def _tell(made: Made, *, as_json: bool) -> None:
    """One line for a person, and the passphrase; the path alone, or all as JSON, for a script."""
    found = made.manifest
    if as_json:
        import msgspec

        told = {
            "path": str(made.path),
            "bytes": made.bytes,
            "took_s": round(made.took_s, 3),
            "since_ns": found.since_ns,
            "until_ns": found.until_ns,
            "ticks": found.ticks,
            "redactions": msgspec.to_builtins(found.redactions),
            "left_out": found.left_out,
            "passphrase": made.passphrase,
        }
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
        return
    from wftui.bundle.preview import counted

    since, until = (
        time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(item // NS_PER_S))
        for item in (found.since_ns, found.until_ns)
    )
    said = f"{made.path}: {quantity(made.bytes, 'By')}, {since} to {until}, {found.ticks:,} seconds"
    for how in ("replaced", "generalised", "left out"):
        if words := counted(found.redactions, how):
            said += f"; {how}: {words}"
    _say(f"{said}; open it: wftop replay {made.path}")
    for line in found.left_out:
        _say(f"left out: {line}")
    if made.passphrase:
        _say(f"passphrase, kept nowhere else: {made.passphrase}")
    if not sys.stdout.isatty():
        sys.stdout.write(f"{made.path}\n")


def _say(text: str) -> None:
    print(report(BundleError(text)), file=sys.stderr)  # noqa: T201  talk goes to stderr
