"""Values of any unit as text of a fixed width, the tops of axes, and short names of series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.names import COUNTER, STAT
from wftui.render.text import byte_scale, degree_letter, degrees, round_up, round_up_bytes, significant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wftui.model.sample import Column
    from wftui.model.series import Series

NAMELESS: Final[Mapping[str, str]] = {}
WIDTH: Final = 11
"""Cells of a figure: a sign and four places, a blank, five for the unit."""
BRIEF: Final = 8
"""Cells of a figure where there is little room."""
_LARGE: Final = ("", "k", "M", "G", "T", "P")
_SMALL: Final = ("", "m", "u", "n")
_CUT: Final = ("system.", "hw.", "container.")
_WORDS: Final = {"1": "%", "rpm": "rpm"}
_FULL_FROM: Final = 0.25
"""A share above this is shown on an axis to 100 %: smaller ones would be flat there."""


def unit_of(column: Column) -> str:
    """The unit of what is shown: counters come as rates."""
    if column.kind == COUNTER and not column.unit.endswith("/s"):
        return f"{column.unit}/s"
    return column.unit


def _split(value: float, unit: str) -> tuple[str, str]:
    """Four places and the unit as said to a person."""
    base, slash, per = unit.partition("/")
    if unit == "1":
        value *= 100
        return (f"{value:4.0f}" if value == 0 else significant(value)), "%"
    if base == "By":
        place = 0
        scale, names = byte_scale()
        while abs(value) >= 999.5 and place < len(names) - 1:
            value /= scale
            place += 1
        return (f"{value:4.0f}" if place == 0 else significant(value)), names[place] + slash + per
    if base.startswith("{"):
        base = ""
    name = _word(base)
    place = 0
    prefix = ""
    if base == "Cel":
        value = degrees(value)
        return f"{value:4.1f}" if abs(value) < 99.95 else f"{value:4.0f}", name
    while abs(value) >= 999.5 and place < len(_LARGE) - 1:
        value /= 1000
        place += 1
    prefix = _LARGE[place]
    if base == "s" and not slash:
        if place:
            value, prefix = value * 1000**place, ""
            return (f"{value / 60:4.0f}", "min") if value < 60_000 else (f"{value / 86_400:4.0f}", "d")
        while value and abs(value) < 0.9995 and place < len(_SMALL) - 1:
            value *= 1000
            place += 1
        prefix = _SMALL[place]
    shown = (
        f"{value:4.0f}" if value == 0 or (not prefix and not slash and value == int(value)) else significant(value)
    )
    return shown, f"{prefix}{name}{slash}{per}"


def _word(base: str) -> str:
    return f"°{degree_letter()}" if base == "Cel" else _WORDS.get(base, base)


def figure(value: float, unit: str, *, ascii_only: bool = False) -> str:
    """A value in ``WIDTH`` cells, numbers right and units left on a common edge; unknown is ``-``."""
    if value != value:
        return f"{'-':>5}{' ' * (WIDTH - 5)}"
    digits, name = _split(value, unit)
    if ascii_only and not name.isascii():
        name = name.replace("°", "")
    return f"{digits:>5} {name:<{WIDTH - 6}}"[:WIDTH]


def brief(value: float, unit: str, *, ascii_only: bool = False) -> str:
    """A value in ``BRIEF`` cells for narrow places: ``44.2M/s``, ``82.9 %``, ``1.98 GHz``."""
    if value != value:
        return f"{'-':>4}{' ' * (BRIEF - 4)}"
    digits, name = _split(value, unit)
    name = name.replace("iB", "").replace("°", "" if ascii_only else "°")
    shown = f"{digits:>4} {name}"
    if len(shown) > BRIEF or name.endswith("/s"):
        shown = f"{digits:>4}{name}"
    return f"{shown:<{BRIEF}}"[:BRIEF]


def label(value: float, unit: str, *, ascii_only: bool = False) -> str:
    """A round value on an axis, as short as it goes: ``100 %``, ``2 MiB/s``."""
    digits, name = _split(value, unit)
    digits = digits.strip()
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    if ascii_only and not name.isascii():
        name = name.replace("°", "")
    return f"{digits} {name}".rstrip()


def unit_words(unit: str, *, ascii_only: bool = False) -> str:
    """A unit as a person says it: ``%``, ``°C``, ``B/s``, ``threads``."""
    base, slash, per = unit.partition("/")
    said = "B" if base == "By" else f"{base[1:-1]}s" if base.startswith("{") else _word(base)
    said = said + slash + per
    return said.replace("°", "") if ascii_only else said


def axis_top(highest: float, unit: str) -> float:
    """The top of an axis for values up to ``highest``: round, and the same for many values."""
    if unit == "1":
        return 1.0 if _FULL_FROM < highest <= 1.0 else round_up(max(highest, 0.01))
    if unit.partition("/")[0] == "By":
        return round_up_bytes(max(highest, 1024.0))
    if unit == "Cel":
        return 100.0 if highest <= 100.0 else round_up(highest)
    # The smallest floats have no round number above them.
    return round_up(max(highest, 1e-12)) if highest > 0 else 1.0


def short_name(item: Series, names: Mapping[str, str] = NAMELESS) -> str:
    """A series as a person says it: ``disk.io nvme0n1 read``; what has the unit % needs no ``.utilization``.

    ``names``: what is said instead of a label's value, as ``gpu 3`` for a UUID.
    """
    name = item.name.removesuffix(".utilization")
    for prefix in _CUT:
        name = name.removeprefix(prefix)
    # ``gpu.temperature 3``: what the name says already is not said again.
    said = [label.removeprefix("gpu ") if name.startswith("gpu") else label for label in _labels(item, names)]
    return " ".join([name, *said, *([item.stat] if item.stat else [])])


def _labels(item: Series, names: Mapping[str, str]) -> list[str]:
    """Which thing first, then which side of it: ``enp5s0 receive``."""
    return [
        names.get(value, value)
        for key, value in sorted(item.labels, key=lambda pair: (pair[0] in ("direction", "mode"), pair[0]))
        if key != STAT
    ]


def label_name(item: Series, names: Mapping[str, str] = NAMELESS) -> str:
    """What tells a series from its neighbours, for narrow places: ``nvme0n1 read``; or the end of its name."""
    if values := _labels(item, names):
        return " ".join(values)
    return " ".join([item.name.removesuffix(".utilization").rpartition(".")[2], item.stat]).strip()


def step_words(seconds: float) -> str:
    """A length of time between two points: ``13 s``, ``5 min``, ``2.5 h``."""
    if seconds < 180:
        return f"{seconds:g} s"
    return f"{seconds / 60:.3g} min" if seconds < 10_800 else f"{seconds / 3600:.3g} h"
