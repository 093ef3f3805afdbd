"""A bundle that a person asks for in the view: a child that shows what would be in it, or writes it.

``python -m wftui.bundle.asked``, an order as JSON on standard input, answers as JSON on standard output. The view
waits for it and stays as quick as ever; ended by SIGTERM it leaves nothing.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wftui import clock
from wftui.bundle import crypt
from wftui.bundle.crypt import Encryption
from wftui.bundle.format import Consent
from wftui.bundle.orders import Answer, Order, Previewed, Step, Written
from wftui.errors import UsageError, WftopError, report

if TYPE_CHECKING:
    from wftui.bundle.collect import Request


def main() -> int:
    """Carry out the order on standard input; the exit code."""
    # As an exception it lets the blocks around a half-written file end: nothing stays behind.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        answer = carry_out(msgspec.json.decode(sys.stdin.buffer.read(), type=Order))
    except WftopError as error:
        print(report(error), file=sys.stderr)  # noqa: T201  talk goes to stderr
        return error.exit_code
    except msgspec.MsgspecError as error:
        print(report(UsageError(f"expected an order as JSON: {error}")), file=sys.stderr)  # noqa: T201  as above
        return UsageError.exit_code
    _say(answer)
    return 0


def _say(answer: Answer) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    sys.stdout.buffer.flush()


def carry_out(order: Order) -> Previewed | Written:
    """Do it.

    Raises:
        WftopError: It cannot be done.
    """
    from wftui.bundle import collect  # here: it loads numpy, and a wrong order needs none

    encryption = _encryption(order)
    request = _request(order, encryption)
    if order.what == "preview":
        return Previewed(collect.preview(request).lines())
    made = collect.make(request, lambda what: _say(Step(what)))
    manifest = made.manifest
    return Written(
        str(made.path), made.bytes, made.took_s, manifest.redactions, manifest.left_out, made.passphrase
    )


def _encryption(order: Order) -> Encryption | None:
    if order.encryption == "passphrase":
        return Encryption(passphrase=crypt.generate_passphrase())
    return Encryption(order.recipients) if order.encryption == "recipients" else None


def _request(order: Order, encryption: Encryption | None) -> Request:
    from wftui.bundle import collect

    return collect.Request(
        data_dir=Path(order.data_dir),
        path=Path(order.path),
        since_s=order.since_s,
        until_s=order.until_s,
        level=order.level,
        consent=Consent("dialog", clock.SystemClock().now().time_ns, order.encryption),
        encryption=encryption,
        alert=order.alert,
        config=order.config or None,
    )


if __name__ == "__main__":
    sys.exit(main())
