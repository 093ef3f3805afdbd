"""Numbers to text of a fixed width, so that nothing on a screen jumps.

Unknown (None or NaN) is always ``-``, never 0. Values come in base units (By, s, Hz, ratio 0..1).
"""

from __future__ import annotations

import time

UNKNOWN = "-"
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_DECIMAL = ("", "k", "M", "G", "T", "P")
_SHORT = ("B", "K", "M", "G", "T", "P", "E")
_OF_1000 = ("B", "kB", "MB", "GB", "TB", "PB", "EB")


class _Preferred:
    """What a person wants to read numbers in; of this process."""

    base = 1024.0
    sizes = _BINARY
    fahrenheit = False


def prefer(*, fahrenheit: bool = False, decimal_bytes: bool = False) -> None:
    """Show temperatures and bytes so from now on, in everything that this module makes."""
    _Preferred.fahrenheit = fahrenheit
    _Preferred.base, _Preferred.sizes = (1000.0, _OF_1000) if decimal_bytes else (1024.0, _BINARY)


def degrees(value: float) -> float:
    """A temperature (Cel) in the degrees that are shown."""
    return value * 1.8 + 32 if _Preferred.fahrenheit else value


def degree_letter() -> str:
    """``C`` or ``F``."""
    return "F" if _Preferred.fahrenheit else "C"


def byte_scale() -> tuple[float, tuple[str, ...]]:
    """What one unit of bytes is of the one before, and their names from ``B`` on."""
    return _Preferred.base, _Preferred.sizes


def unknown(value: float | None) -> bool:
    """Whether there is no number: None or NaN."""
    return value is None or value != value


def significant(value: float) -> str:
    """At most four characters: ``9.87``, ``98.7``, `` 987`` (right-aligned)."""
    size = abs(value)
    if size < 9.995:
        return f"{value:.2f}"
    if size < 99.95:
        return f"{value:.1f}"
    return f"{value:4.0f}"


def percent(ratio: float | None) -> str:
    """A ratio as percent in 5 cells: ``0.4 %``, `` 41 %``, ``100 %``; more than 999 % needs more."""
    if ratio is None or ratio != ratio:
        return "  -  "
    value = ratio * 100
    if 0 < abs(value) < 9.95:
        return f"{value:.1f} %"
    return f"{value:3.0f} %"


def _scaled(value: float, base: float, units: tuple[str, ...]) -> tuple[float, str]:
    last = len(units) - 1
    place = 0
    # 999.5 would be shown with five characters.
    while abs(value) >= 999.5 and place < last:
        value /= base
        place += 1
    return value, units[place]


def size(value: float | None) -> str:
    """Bytes in 8 cells: ``9.87 GiB``, `` 512 B  ``."""
    if value is None or value != value:
        return "   -    "
    number, unit = _scaled(value, _Preferred.base, _Preferred.sizes)
    digits = f"{number:4.0f}" if unit == "B" else significant(number)
    return f"{digits:>4} {unit:<3}"


def rate(value: float | None) -> str:
    """Bytes per second in 10 cells: ``9.87 MiB/s``."""
    if value is None or value != value:
        return "   -      "
    number, unit = _scaled(value, _Preferred.base, _Preferred.sizes)
    digits = f"{number:4.0f}" if unit == "B" else significant(number)
    return f"{digits:>4} {unit + '/s':<5}"


def short(value: float | None) -> str:
    """Bytes in 5 cells: ``9.87G``, `` 512B``."""
    if value is None or value != value:
        return "    -"
    number, unit = _scaled(value, _Preferred.base, _SHORT)
    digits = f"{number:.0f}" if unit == "B" else significant(number)
    return f"{digits:>4}{unit}"


def tiny(value: float | None) -> str:
    """Bytes in 4 cells: ``1.4M``, `` 87M``, ``  0B``."""
    if value is None or value != value:
        return "   -"
    number, unit = _scaled(value, _Preferred.base, _SHORT)
    digits = f"{number:.1f}" if unit != "B" and abs(number) < 9.95 else f"{number:.0f}"
    return f"{digits:>3}{unit}"


def count(value: float | None) -> str:
    """A count in 5 cells: `` 1.23k``, ``   42``."""
    if value is None or value != value:
        return "    -"
    number, unit = _scaled(value, 1000.0, _DECIMAL)
    if not unit:
        return f"{number:5.0f}"
    return f"{significant(number):>4}{unit}"


def decimal(value: float | None) -> str:
    """A plain number in 5 cells with two decimals while it fits: `` 0.42``, ``27.40``, ``312.1``."""
    if value is None or value != value:
        return "    -"
    if abs(value) < 99.995:
        return f"{value:5.2f}"
    return f"{value:5.1f}" if abs(value) < 999.95 else f"{value:5.0f}"


def frequency(value: float | None) -> str:
    """Hertz in 8 cells: ``3.10 GHz``."""
    if value is None or value != value:
        return "   -    "
    number, unit = _scaled(value, 1000.0, ("Hz ", "kHz", "MHz", "GHz"))
    return f"{significant(number):>4} {unit}"


def celsius(value: float | None) -> str:
    """A temperature (Cel) in 6 cells: `` 71 °C``, or ``160 °F``; who has no ``°`` replaces it."""
    if value is None or value != value:
        return "   -  "
    return f"{degrees(value):3.0f} °{degree_letter()}"


def watts(value: float | None) -> str:
    """Watts in 6 cells: `` 698 W``, ``16.0kW``."""
    if value is None or value != value:
        return "   -  "
    return f"{value:4.0f} W" if value < 9999.5 else f"{significant(value / 1000)}kW"


def share(part: float | None, whole: float | None) -> str:
    """Bytes of bytes in 13 cells, in the unit of the whole: ``131.2/140 GiB``, `` 7.9/24.0 GiB``."""
    if whole is None or not whole > 0:
        return f"{size(part).strip():>13}"
    number, unit = _scaled(whole, _Preferred.base, _Preferred.sizes)
    digits = f"{number:.0f}" if number >= 99.95 else f"{number:.1f}"
    used = UNKNOWN if part is None or part != part else f"{part * number / whole:.1f}"
    return f"{used + '/' + digits:>9} {unit:<3}"


def duration(seconds: float | None) -> str:
    """A length of time in at most 7 cells: ``12 s``, ``5 min``, ``2h 03m``, ``3d 04h``, ``812 d``."""
    if seconds is None or seconds != seconds:
        return UNKNOWN
    whole = int(seconds)
    if whole < 0:
        return f"-{duration(-seconds)}"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    if whole < 100 * 86400:
        return f"{whole // 86400}d {whole % 86400 // 3600:02d}h"
    return f"{whole // 86400} d"


def milliseconds(seconds: float | None) -> str:
    """A short time as milliseconds in 8 cells: ``0.42 ms``, `` 312 ms``."""
    if seconds is None or seconds != seconds:
        return "   -   "
    return f"{significant(seconds * 1000):>4} ms"


def _local(time_s: float) -> time.struct_time | None:
    """Local time; None for what is no time of any calendar (a recording from elsewhere may hold such a number)."""
    try:
        return time.localtime(time_s)
    except (OverflowError, ValueError, OSError):
        return None


def clock(time_s: float) -> str:
    """Local time of day: ``14:32:05``."""
    moment = _local(time_s)
    return f"{moment.tm_hour:02d}:{moment.tm_min:02d}:{moment.tm_sec:02d}" if moment else "--:--:--"


def day(time_s: float) -> str:
    """Local date: ``2026-11-21``."""
    moment = _local(time_s)
    return f"{moment.tm_year:04d}-{moment.tm_mon:02d}-{moment.tm_mday:02d}" if moment else "----------"


def offset(time_s: float) -> str:
    """Offset of the local time from UTC: ``+09:00``."""
    moment = _local(time_s)
    east = moment.tm_gmtoff if moment else 0
    sign = "-" if east < 0 else "+"
    minutes = abs(east) // 60
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"


def round_up(value: float) -> float:
    """The next of 1, 2 and 5 with any number of zeros: the top of an axis that stays where it is."""
    if not value > 0:
        return 1.0
    power = 1.0
    while power * 10 <= value:
        power *= 10
    while power > value:
        power /= 10
    for factor in (1.0, 2.0, 5.0):
        if value <= factor * power:
            return factor * power
    return 10 * power


def round_up_bytes(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50, 100, 200, 500 in the unit that ``size`` would use."""
    unit = 1.0
    while value >= 999.5 * unit:
        unit *= _Preferred.base
    rounded = round_up(value / unit)
    # 1000 MiB would be shown as 0.98 GiB.
    return (rounded if rounded <= 500 else _Preferred.base) * unit
