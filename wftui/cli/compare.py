"""`wftop compare A.wftop B.wftop`: what differs between two bundles, two ranges of the recording, one of each."""

from __future__ import annotations

import argparse
import hashlib
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from wftui import clock
from wftui.errors import ConfigError, NoDataError, UsageError
from wftui.paths import places
from wftui.units import NS_PER_S
from wftui.when import is_zone, moment, use_zone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.bundle.compare import Comparison
    from wftui.bundle.format import Facts, Manifest
    from wftui.bundle.sides import Side
    from wftui.config import Config
    from wftui.history.sides import Asked
    from wftui.paths import Places
    from wftui.store.archive import Archive

_DEADLINE_S: Final = 30.0
_OWN: Final = "own recording"
_ZONE: Final = "view.time_zone"
_SIDES: Final = ("A", "B")


class _Wanted(NamedTuple):
    """One side as it was typed."""

    letter: str
    path: Path | None
    """None: the own recording."""
    range: str
    """Empty: all of the bundle."""
    passphrase: str


def main(argv: Sequence[str]) -> int:
    """Run the command; ``argv`` is what follows ``compare``. Returns the exit code.

    Raises:
        UsageError: A time or option was typed wrongly (2).
        ConfigError: The file exists, or cannot be written (4).
        StoreError: The recording cannot be read (5).
        NoDataError: A range holds nothing (7).
        BundleError: A bundle is refused (8).
    """
    arguments = _parser().parse_args(argv)
    wanted = _wanted(arguments)
    # As an exception it lets the folders of opened bundles go.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        found = _compare(arguments, wanted)
    except KeyboardInterrupt:
        return 130
    _write(arguments, found)
    return 0


def _parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="wftop compare",
        description="What differs between two bundles, a bundle and the own recording, or two ranges of that:"
        " series beyond their noise, programs, alerts, versions, settings, rules, model servers. Markdown.",
        epilog="A range is TIME..TIME, or a TIME: from then on. Times as everywhere: 1h (that long ago), 14:32,"
        " 'yesterday 14:00', 2026-11-20T14:32:05Z; in a bundle, counted from its end.",
        allow_abbrev=False,
    )
    add = found.add_argument
    add("files", nargs="*", metavar="FILE", help="a bundle, A first; a side without one is the own recording")
    add("--a", metavar="RANGE", default="", help="range of A: 10:00..11:00")
    add("--b", metavar="RANGE", default="", help="range of B")
    add("-m", "--match", action="append", default=[], metavar="PATTERN",
        help="only series of this name (wildcards; with { the whole series text); may be repeated")  # fmt: skip
    add("--all", action="store_true", help="cut no table short")
    add("--json", action="store_true", help="as JSON, with all of it")
    add("-o", "--output", default="-", metavar="FILE", help="file, - is standard output (default)")
    add("--force", action="store_true", help="overwrite an existing file")
    add("--identity", action="append", default=[], metavar="FILE", help="age or SSH key of an encrypted bundle")
    add("--config", metavar="FILE", help="configuration file")
    add("--data-dir", metavar="DIR", help="where the own recording lies")
    return found


def _wanted(arguments: argparse.Namespace) -> list[_Wanted]:
    """Both sides; passphrases are asked before anything takes time.

    Raises:
        UsageError: It is not said what the sides are.
    """
    from wftui.cli.passphrase import asked

    files = [Path(name) for name in arguments.files]
    if len(files) > len(_SIDES):
        raise UsageError(f"expected at most two bundles, got {len(files)}")
    ranges = (arguments.a, arguments.b)
    known: dict[Path, str] = {}
    found = []
    for place, letter in enumerate(_SIDES):
        path = files[place] if place < len(files) else None
        if path is None and not ranges[place]:
            raise UsageError(
                f"it is not said what {letter} is: a bundle, or a range of the own recording by"
                f" --{letter.lower()} 10:00..11:00"
            )
        if path is not None and path not in known:
            known[path] = asked(path, [Path(name) for name in arguments.identity])
        found.append(_Wanted(letter, path, ranges[place], known[path] if path is not None else ""))
    return found


def _compare(arguments: argparse.Namespace, wanted: Sequence[_Wanted]) -> Comparison:
    from wftui import config
    from wftui.bundle.compare import compare
    from wftui.render import preferred

    where = places(arguments.data_dir, arguments.config)
    settings = config.load(where)
    preferred.use(settings)
    with ExitStack() as stack:
        # One after the other: of an hour of 400 series each holds 12 MB.
        a, b = (_side(arguments, item, where, settings, stack, alone=_alone(wanted)) for item in wanted)
    zones = {"" if side.manifest is None else side.manifest.origin.time_zone for side in (a, b)}
    _follow(settings, a.manifest if len(zones) == 1 else None)
    for letter, side in zip(_SIDES, (a, b), strict=True):
        if not side.recorded_s:
            raise NoDataError(f"{letter} ({side.name}) holds no data{_why(side)}")
    return compare(a, b)


def _alone(wanted: Sequence[_Wanted]) -> bool:
    """Whether both are of the own recording."""
    return all(item.path is None for item in wanted)


def _follow(settings: Config, made: Manifest | None) -> None:
    """Times of the machine where they were recorded, as in replay, unless a person chose a zone."""
    if made is None or settings.origin(_ZONE) != "default":
        use_zone(settings.text(_ZONE))
        return
    origin = made.origin.time_zone
    use_zone(origin if is_zone(origin) and origin != "local" else "utc")


def _why(side: Side) -> str:
    if side.manifest is not None and side.manifest.ticks == 0:
        return f": it was written at level {side.manifest.level}; full and anonymous hold seconds to compare"
    from wftui.render.digest import moment as shown

    return f" from {shown(side.since_s)} to {shown(side.until_s)}"


def _side(
    arguments: argparse.Namespace,
    item: _Wanted,
    where: Places,
    settings: Config,
    stack: ExitStack,
    *,
    alone: bool,
) -> Side:
    from wftui.history import sides
    from wftui.store.archive import open_archive

    now_ns = clock.SystemClock().now().time_ns
    if item.path is None:
        _follow(settings, None)
        with open_archive(where.data_dir) as archive:
            asked = _asked(arguments, item, f"{_OWN}, {item.range}", now_ns, None)
            facts = _own_facts(archive, where, asked, alone=alone)
            return sides.side(archive, asked, _OWN, facts, None, _DEADLINE_S)
    import msgspec

    from wftui.bundle import opened

    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wftop-compare-")))  # 0700
    keys = [Path(name) for name in arguments.identity]
    bundle = opened.open_bundle(item.path, folder, identities=keys, passphrase=item.passphrase)
    manifest = bundle.manifest
    _follow(settings, manifest)
    span = manifest.since_ns, manifest.until_ns
    name = item.path.name + (f", {item.range}" if item.range else "")
    asked = _asked(arguments, item, name, manifest.until_ns, span)
    recording = hashlib.sha256(msgspec.json.encode(manifest)).hexdigest()
    with open_archive(bundle.data_dir) as archive:
        return sides.side(archive, asked, recording, bundle.facts, manifest, _DEADLINE_S)


def _asked(
    arguments: argparse.Namespace, item: _Wanted, name: str, now_ns: int, span: tuple[int, int] | None
) -> Asked:
    """Which seconds of a side.

    Args:
        arguments: For the series.
        item: The side.
        name: What it is called.
        now_ns: What its times are counted from.
        span: Of a bundle: all of it, UTC.

    Raises:
        UsageError: The range is none, or lies outside of the bundle.
    """
    from wftui.history.sides import Asked

    since_ns, until_ns = span or (0, now_ns)
    if item.range:
        first, _, last = item.range.partition("..")
        option = f"--{item.letter.lower()} {item.range!r}"
        try:
            since_ns = moment(first, now_ns)
            until_ns = moment(last, now_ns) if last else now_ns
        except UsageError as error:
            raise UsageError(f"{option}: {error}") from error
        if since_ns >= until_ns:
            raise UsageError(f"{option}: its begin is not before its end")
        if span is not None and (until_ns <= span[0] or since_ns >= span[1]):
            from wftui.render.digest import moment as shown

            begin, end = (shown(edge // NS_PER_S) for edge in span)
            raise UsageError(f"{option}: outside of the bundle, which is of {begin} to {end}")
    return Asked(name, since_ns // NS_PER_S, -(-until_ns // NS_PER_S), arguments.match)


def _own_facts(archive: Archive, where: Places, asked: Asked, *, alone: bool) -> Facts:
    """What a bundle of that time would say of this machine; ``alone``: without what is only known of now."""
    from wftui.bundle import inforce, inventory
    from wftui.bundle.format import FULL, Facts
    from wftui.bundle.privacy import Redactor
    from wftui.model import gpus, processes, servers

    redactor = Redactor(FULL)
    redactor.learn(archive, asked.since_s, asked.until_s)
    before, _ = archive.neighbours(asked.until_s)
    last = {}
    for name in (gpus.GPUS.name, servers.SERVERS.name, servers.MODELS.name, processes.PROCESSES.name):
        at = None if before is None else archive.table_at(name, before * NS_PER_S)
        if at is not None:
            last[name] = at.schema, at.rows
    return Facts(
        inventory=inventory.inventory(archive, redactor, last, asked.until_s * NS_PER_S),
        servers=inventory.model_servers(redactor, last),
        rules=None if alone else inforce.rules(where, redactor),
        settings=None if alone else inforce.settings(where, redactor),
    )


def _write(arguments: argparse.Namespace, found: Comparison) -> None:
    from wftui.bundle import compare_md
    from wftui.cli.once import put
    from wftui.cli.output import OutputFile

    made = (
        compare_md.document(found)
        if arguments.json
        else compare_md.markdown(found, everything=arguments.all).encode()
    )
    if arguments.output == "-":
        put(made)
        return
    try:
        with OutputFile(arguments.output, force=arguments.force) as file:
            file.path.write_bytes(made)
    except OSError as error:
        raise ConfigError(f"{arguments.output}: cannot be written: {error.strerror or error}") from error
