"""The errors that wftop raises on purpose, and the exit code of each.

The CLI turns a `WftopError` into one line on stderr (`report`) and its `exit_code`; anything else is a
bug and keeps its traceback.

| code | meaning |
| --- | --- |
| 0 | done |
| 1 | failure that has no code of its own (`WftopError`, `SourceError`, `RuleError`) |
| 2 | wrong usage (`UsageError`; argparse and Typer use the same number) |
| 3 | another recorder already runs (`AlreadyRunningError`) |
| 4 | configuration, files or folders as they are cannot be used (`ConfigError`) |
| 5 | the store cannot be read or written (`StoreError`) |
| 6 | no recorder answers, or it speaks another version (`ProtocolError`) |
| 7 | the range asked for holds no data (`NoDataError`) |
| 8 | a bundle is refused: damaged, altered, hostile, or not for this key (`BundleError`) |
| 128 + n | ended by signal n (130 ^C, 143 SIGTERM, 129 SIGHUP) |
"""

from __future__ import annotations

# Not `typing.TYPE_CHECKING`: importing typing costs more than this whole module, and a recorder that finds
# another one running should be gone after importing little more than this.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final, Literal, TypeAlias

    HealthState: TypeAlias = Literal[
        "ok", "late", "stuck", "failed", "denied", "unsupported", "absent", "asleep", "off"
    ]

# A line longer than this comes from outside text inside the message; the start says enough.
_REPORT_LIMIT: Final = 2_000


class WftopError(Exception):
    """Base of all errors raised on purpose; the CLI recovers, by one stderr line and `exit_code`."""

    exit_code: int = 1


class UsageError(WftopError):
    """A command was typed wrongly; the person recovers by typing it again."""

    exit_code = 2


class AlreadyRunningError(WftopError):
    """Another recorder holds the lock of this data folder; the CLI recovers by naming its pid.

    `pid` is the holder's process id, or None when it could not be read.
    """

    exit_code = 3

    def __init__(self, message: str, pid: int | None = None) -> None:
        super().__init__(message)
        self.pid = pid


class ConfigError(WftopError):
    """A setting, file or folder cannot be used as it is.

    The person recovers by the fix in the message; the recorder, for a data folder, by running memory-only.
    """

    exit_code = 4


class SourceError(WftopError):
    """A source gave no usable answer; the collector loop recovers: a gap, a health state, a later retry.

    `reason` is what happened, `state` the health state it leads to, `fix` the exact step that mends it (""
    when there is none).
    """

    state: HealthState = "failed"

    def __init__(self, reason: str, *, state: HealthState | None = None, fix: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix
        if state is not None:
            self.state = state


class SourceUnavailableError(SourceError):
    """The source is not there, asleep or closed to us; the collector loop recovers by asking again later."""

    state: HealthState = "absent"


class SourceFormatError(SourceError):
    """The source answered something that its documentation does not allow; the collector loop marks a gap."""


class StoreError(WftopError):
    """The journal or a segment cannot be read or written; the recorder recovers: memory-only or afresh."""

    exit_code = 5


class BundleError(WftopError):
    """A bundle is not what it should be; nothing of it was used. The person recovers by getting it again."""

    exit_code = 8


class ProtocolError(WftopError):
    """The other end of a socket is gone or speaks another version; a view recovers by reconnecting."""

    exit_code = 6


class RuleError(WftopError):
    """An alert rule cannot be used; the rule loader recovers by leaving that rule out and saying so."""


class NoDataError(WftopError):
    """The question was sound and the answer is empty; the CLI recovers by saying which range was empty."""

    exit_code = 7


def nearest(given: str, known: Iterable[str]) -> str:
    """The known name that was probably meant, or all of them, for the end of a message."""
    import difflib  # only a mistake needs it

    names = list(known)
    near = difflib.get_close_matches(given[:200], names, n=1)
    return f"; did you mean {near[0]}?" if near else "; known are " + ", ".join(names)


def report(error: WftopError) -> str:
    """Give the one stderr line for `error`, without a newline: ``wftop: <message>``.

    Control, format and line-breaking characters and lone surrogates become visible escapes, so a hostile name
    in a message can neither break the line nor reach the terminal.
    """
    message = str(error) or type(error).__name__
    if len(message) > _REPORT_LIMIT:
        message = message[:_REPORT_LIMIT] + "…"
    if message.isprintable():
        return f"wftop: {message}"
    # `text.clean` is not used: this module imports nothing, because the recorder's first import is this one.
    return "wftop: " + "".join(c if c.isprintable() else _escape(ord(c)) for c in message)


def _escape(code: int) -> str:
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
