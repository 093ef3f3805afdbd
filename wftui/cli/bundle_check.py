"""`wftop bundle check FILE`: whether a bundle is what it says, without opening it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from wftui.bundle.opened import Checked, check
from wftui.cli.passphrase import asked
from wftui.errors import BundleError, report
from wftui.units import NS_PER_S, quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST = 100
"""Lines of findings; more say no more."""


def main(argv: Sequence[str]) -> int:
    """Run the command; ``argv`` is what follows ``bundle check``.

    Returns:
        0: nothing is wrong. 8: something is; a line on stdout for each.

    Raises:
        BundleError: The file cannot be read, or not be decrypted (8).
    """
    arguments = _parser().parse_args(argv)
    path = Path(arguments.file)
    identities = [Path(name) for name in arguments.identity]
    if not path.exists():
        raise BundleError(f"{path}: no such file")
    passphrase = asked(path, identities)
    with tempfile.TemporaryDirectory(prefix="wftop-check-") as folder:
        found = check(path, Path(folder), identities=identities, passphrase=passphrase)
    if found.findings:
        for line in found.findings[:_MOST]:
            _print(f"{path}: {line}")
        if len(found.findings) > _MOST:
            _print(f"{path}: {len(found.findings) - _MOST} more")
        return BundleError.exit_code
    _print(_fine(path, found))
    return 0


def _parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="wftop bundle check",
        description="Verifies a bundle without opening it: its structure, the checksum and SHA-256 of each member,"
        " and that all of it can be read. One line for each thing that is wrong, and exit code 8.",
        allow_abbrev=False,
    )
    found.add_argument("file", metavar="FILE", help="a bundle: incident.wftop, or incident.wftop.age")
    found.add_argument(
        "--identity", metavar="FILE", action="append", default=[], help="age or SSH key of an encrypted bundle"
    )
    return found


def _fine(path: Path, found: Checked) -> str:
    about = found.manifest
    if about is None:  # there is a finding then
        return f"{path}: nothing is wrong"
    since, until = (
        datetime.fromtimestamp(time_ns // NS_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for time_ns in (about.since_ns, about.until_ns)
    )
    unpacked = sum(item.size for item in about.members)
    parts = [
        f"{since} to {until}",
        f"{about.ticks} ticks of {about.origin.host} ({about.origin.time_zone})",
        f"level {about.level}",
        f"by {about.program}",
        f"{quantity(found.size, 'By')}, {quantity(unpacked, 'By')} in {len(about.members) + 1} members",
    ]
    if about.alert:
        parts.append(f"made for the alert {about.alert}")
    return f"ok: {path}: {'; '.join(parts)}"


def _print(line: str) -> None:
    """A line of outside text, made safe."""
    sys.stdout.write(report(BundleError(line)).removeprefix("wftop: ") + "\n")
