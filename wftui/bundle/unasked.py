"""A bundle that the recorder has made of an incident: a child that writes it, keeps few of them, and ends.

``python -m wftui.bundle.unasked '{"data_dir": …}'``. It stays in the data folder, which is its owner's alone, so
it is plain unless ``bundle.recipients`` names for whom it is encrypted. Nothing is sent anywhere.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from time import gmtime, strftime
from typing import TYPE_CHECKING, Final

import msgspec

from wftui import clock, config
from wftui.bundle.crypt import Encryption
from wftui.bundle.format import ENCRYPTED, SUFFIX, Consent
from wftui.errors import UsageError, WftopError, report
from wftui.paths import places, private_dir

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER: Final = "bundles"
"""Within the data folder."""
_NICEST: Final = 19


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the recorder says; all else is in the settings."""

    data_dir: str
    config: str
    """The configuration file; empty: the usual one."""
    since_s: int
    """UTC: [since, until)."""
    until_s: int
    rule: str
    at_s: int
    """UTC: when its alert fired. A bundle of the same moment is written over."""


class Written(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the recorder is told: the payload of its event."""

    file: str
    """Within the data folder."""
    bytes: int
    level: str
    encryption: str
    """``recipients`` or ``plain``."""
    range_s: int
    removed: list[str] = []
    """Older ones that had to go."""


def main(argv: Sequence[str]) -> int:
    """Write one; the exit code."""
    # The disk's priority follows: the kernel gives who is as nice as this the last place there, too.
    os.nice(_NICEST)
    # As an exception it lets the blocks around a half-written file end: nothing stays behind.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        order = msgspec.json.decode(argv[0], type=Order)
        written = write(order)
    except WftopError as error:
        print(report(error), file=sys.stderr)  # noqa: T201  talk goes to stderr
        return error.exit_code
    except (IndexError, msgspec.MsgspecError) as error:
        print(report(UsageError(f"expected an order as JSON: {error}")), file=sys.stderr)  # noqa: T201  as above
        return UsageError.exit_code
    print(msgspec.json.encode(written).decode())  # noqa: T201  data
    return 0


def write(order: Order) -> Written:
    """Write it and make room.

    Raises:
        WftopError: It cannot be.
    """
    from wftui.bundle import collect  # here: it loads numpy

    where = places(order.data_dir, order.config or None)
    settings = config.load(where)
    recipients, level = settings.names("bundle.recipients"), settings.text("bundle.level")
    folder = private_dir(where.data_dir / FOLDER)
    encryption = Encryption(recipients) if recipients else None
    how = encryption.how if encryption is not None else "plain"
    name = f"wftop-{strftime('%Y%m%d-%H%M%S', gmtime(order.at_s))}{SUFFIX}{ENCRYPTED if recipients else ''}"
    consent = Consent(f"rule {order.rule}", clock.SystemClock().now().time_ns, how)
    request = collect.Request(
        data_dir=where.data_dir,
        path=folder / name,
        since_s=order.since_s,
        until_s=order.until_s,
        level=level,
        consent=consent,
        encryption=encryption,
        alert=order.rule,
        replace=True,  # the earlier one of the same incident, once this one is whole
        config=order.config or None,
    )
    made = collect.make(request)
    removed = make_room(folder, settings.whole("bundle.keep"), settings.whole("bundle.max_bytes"))
    span_s = order.until_s - order.since_s
    return Written(f"{FOLDER}/{name}", made.bytes, level, how, span_s, removed)


def kept(folder: Path) -> list[Path]:
    """The bundles in there, oldest first, as their names sort; none without the folder."""
    if not folder.is_dir():
        return []
    return sorted(item for item in folder.iterdir() if item.name.endswith((SUFFIX, SUFFIX + ENCRYPTED)))


def make_room(folder: Path, most: int, most_bytes: int) -> list[str]:
    """Remove the oldest until no more than so many, of so many bytes, are there; the newest stays.

    What a child that was killed has left is removed too. Returns the names of bundles that went.
    """
    for left in folder.glob(".wftop-*"):
        left.unlink(missing_ok=True)
    sizes = {}
    for item in kept(folder):
        with suppress(FileNotFoundError):
            sizes[item] = item.stat().st_size
    removed = []
    for item in list(sizes)[:-1]:
        if len(sizes) <= most and sum(sizes.values()) <= most_bytes:
            break
        item.unlink(missing_ok=True)
        removed.append(item.name)
        del sizes[item]
    return removed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
