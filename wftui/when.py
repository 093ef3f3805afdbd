"""The one time grammar: durations (``1h30m``) and moments (``yesterday 14:00``, ISO 8601, epoch).

Every option, dialog and setting that takes a time takes this. Nothing here reads a clock: now is passed in.
"""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING, Final

from wftui.errors import UsageError
from wftui.units import NS_PER_S

# datetime is imported inside functions: `wftop record --for` needs `duration` alone.
if TYPE_CHECKING:
    from datetime import tzinfo

_SECONDS: Final = {"w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|[wdhms])\s*", re.ASCII)
_LONGEST_S: Final = 3_155_760_000.0  # 100 years: more is a slip of the finger, and near where dates overflow

_TIME: Final = r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?"
_CLOCK: Final = re.compile(rf"(?:(yesterday|today)[ T]?\s*)?{_TIME}", re.ASCII | re.IGNORECASE)
_ISO: Final = re.compile(
    rf"([0-9]{{4}})-([0-9]{{2}})-([0-9]{{2}})(?:[T ]{_TIME}\s?(Z|[+-][0-9]{{2}}(?::?[0-9]{{2}})?)?)?",
    re.ASCII | re.IGNORECASE,
)
_EPOCH: Final = re.compile(r"@?([0-9]{9,19})(?:\.([0-9]{1,9}))?", re.ASCII)

_DURATIONS: Final = "'90s', '10m', '1h30m' or '3d2h'"
_MOMENTS: Final = "'10m' (that long ago), '14:32', 'yesterday 14:00', '2026-11-20T14:32:05Z' or seconds since 1970"


_FOLDERS: Final = ("/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo")
"""Where zones lie. Source: zoneinfo.TZPATH; that module is not needed to find a file."""
_ZONE: Final = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,2}", re.ASCII)
_OFFSET: Final = re.compile(r"([+-])([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_original: list[str | None] = []
"""The TZ of our environment as it was, once it was changed."""


def is_zone(name: str) -> bool:
    """Whether ``use_zone`` takes a name: ``local``, ``utc``, ``+02:00`` or a zone that this machine knows."""
    return name in ("local", "utc") or _tz(name) is not None


def use_zone(name: str) -> None:
    """Make local time that of a zone, in this process and what it starts from now on.

    By TZ, so that everything that asks the C library for local time follows at once.
    """
    if name == "local" and not _original:
        return
    if not _original:
        _original.append(os.environ.get("TZ"))
    zone = _original[0] if name == "local" else "UTC" if name == "utc" else _tz(name)
    if zone is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = zone
    time.tzset()


def _tz(name: str) -> str | None:
    """What TZ has to be for a zone; None: no such zone here."""
    if (offset := _OFFSET.fullmatch(name)) is not None:
        # POSIX counts west of Greenwich, and wants a name of its own.
        west = "-" if offset[1] == "+" else "+"
        return f"<{name.replace(':', '')}>{west}{offset[2]}:{offset[3]}"
    if not _ZONE.fullmatch(name):
        return None
    for folder in _FOLDERS:
        try:
            with open(f"{folder}/{name}", "rb") as file:  # noqa: PTH123  pathlib would be imported for this alone
                if file.read(4) == b"TZif":
                    return f":{folder}/{name}"
        except OSError:
            continue
    return None


def duration(text: str) -> float:
    """Seconds of a duration: numbers with ``w d h m s ms``, largest unit first, each at most once.

    Raises:
        UsageError: The text is no duration, or longer than 100 years; the message quotes it.
    """
    seconds = _duration(text.strip().lower())
    if seconds is None:
        raise UsageError(f"expected a duration like {_DURATIONS}, got {text!r}")
    return seconds


def _duration(text: str) -> float | None:
    total = 0.0
    position = 0
    smallest = float("inf")
    while position < len(text):
        part = _PART.match(text, position)
        if part is None or _SECONDS[part[2]] >= smallest:
            return None
        smallest = _SECONDS[part[2]]
        total += float(part[1]) * smallest
        position = part.end()
    return total if position and total <= _LONGEST_S else None


def moment(text: str, now_ns: int, day_ns: int | None = None, tz: tzinfo | None = None) -> int:
    """The moment (ns, UTC) that a person typed.

    ``now``; a duration, with or without ``ago``, is that long before now; ``14:32`` and ``14:32:05.5`` are on
    the day in view; ``today`` and ``yesterday`` (of now) begin at midnight or take a clock time after them;
    ISO 8601 dates and times, local without an offset; a number of 9 digits or more since 1970, in s below
    1e11, ms below 1e14, us below 1e17, else ns (a leading ``@`` is allowed). A local time that a clock change
    repeats means its first pass, one that it skips is moved on by the change; an offset names either pass.

    Args:
        text: What was typed.
        now_ns: Now (UTC).
        day_ns: Any moment of the day in view; None is today.
        tz: The local time zone; None is the machine's.

    Raises:
        UsageError: The text is no moment; the message quotes it and shows examples.
    """
    typed = text.strip()
    try:
        found = _moment(typed, now_ns, now_ns if day_ns is None else day_ns, tz)
    except (ValueError, OverflowError, OSError) as error:  # 25:00, 30 February, year 0, beyond the C library
        raise UsageError(f"no such time as {text!r} ({error}); a time is {_MOMENTS}") from error
    if found is None:
        raise UsageError(f"expected a time like {_MOMENTS}, got {text!r}")
    return found


def _moment(typed: str, now_ns: int, day_ns: int, tz: tzinfo | None) -> int | None:
    word = typed.lower()
    if word == "now":
        return now_ns
    ago = _duration(word.removesuffix("ago").rstrip())
    if ago is not None:
        return now_ns - round(ago * NS_PER_S)
    if word in ("today", "yesterday"):
        return _on_day(now_ns, word, ("0", "0", None, None), tz)
    clock = _CLOCK.fullmatch(typed)
    if clock is not None:
        day = clock[1].lower() if clock[1] else ""
        return _on_day(now_ns if day else day_ns, day, clock.groups()[1:], tz)
    iso = _ISO.fullmatch(typed)
    if iso is not None:
        zone = _zone(iso[8]) if iso[8] else tz
        time = iso.groups()[3:7] if iso[4] else ("0", "0", None, None)
        return _local((int(iso[1]), int(iso[2]), int(iso[3])), time, zone)
    epoch = _EPOCH.fullmatch(typed)
    return _epoch(epoch[1], epoch[2] or "") if epoch is not None else None


def _on_day(day_ns: int, word: str, time: tuple[str | None, ...], tz: tzinfo | None) -> int:
    from datetime import datetime, timedelta

    day = datetime.fromtimestamp(day_ns // NS_PER_S, tz).date()
    if word == "yesterday":
        day -= timedelta(days=1)
    return _local((day.year, day.month, day.day), time, tz)


def _local(day: tuple[int, int, int], time: tuple[str | None, ...], tz: tzinfo | None) -> int:
    from datetime import UTC, datetime

    hour, minute, second, fraction = time
    at = datetime(*day, int(hour or 0), int(minute or 0), int(second or 0), tzinfo=tz)
    since = at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * NS_PER_S + int((fraction or "").ljust(9, "0"))


def _zone(text: str) -> tzinfo:
    from datetime import UTC, timedelta, timezone

    if text in "Zz":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    if int(digits[2:]) > 59:
        raise ValueError(f"no such offset as {text}")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


def _epoch(whole: str, fraction: str) -> int:
    number = int(whole)
    per_unit = 1
    for limit, factor in ((10**11, NS_PER_S), (10**14, 1_000_000), (10**17, 1_000)):
        if number < limit:
            per_unit = factor
            break
    return number * per_unit + int(fraction.ljust(9, "0")) * per_unit // NS_PER_S
