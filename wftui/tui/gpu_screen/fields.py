"""All fields of one GPU in groups, each with its unit: what is known, unknown, and not offered by the card."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.collectors.nvml.fields import FIELDS
from wftui.model import gpus as cells
from wftui.model.sample import APPORTIONED, ESTIMATED
from wftui.render import text
from wftui.tui.frame import Row, fit_row, outside
from wftui.tui.frame import cells as columns_of
from wftui.tui.gpu_screen.field_list import GROUPS, IDENTITY, Spec
from wftui.tui.gpu_screen.words import own
from wftui.tui.scene import gap
from wftui.tui.state import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wftui.model.table import Row as Cells
    from wftui.tui.glyphs import Glyphs
    from wftui.tui.scene import Scene
    from wftui.tui.state import State

NAN: Final = float("nan")
COLUMN: Final = 38
"""Cells of a column of fields, with the gap behind it."""
_NOT_OFFERED: Final = "n/a"


class Line(NamedTuple):
    """One field."""

    label: str
    value: str
    role: str = "text"


class Group(NamedTuple):
    """Fields about one thing."""

    title: str
    lines: list[Line]


_KEY: Final = {"temperature": "sensor", "fan.speed_ratio": "sensor", "io": "direction", "nvlink.io": "direction",
               "io.throughput": "direction"}  # fmt: skip


@lru_cache(maxsize=1024)
def series_of(name: str, uuid: str) -> str:
    """Canonical text of ``hw.gpu.NAME{gpu="UUID"}``; ``NAME:word`` sets the metric's other label."""
    metric, _, word = name.lstrip("^").partition(":")
    labels = [("gpu", uuid)]
    if word:
        labels.append((_KEY.get(metric, "mode"), word))
    return text_of(f"hw.gpu.{metric}", *labels)


@lru_cache(maxsize=64)
def _unavailable(keys: str, uuid: str) -> frozenset[str]:
    """Series that the card does not have, from the keys of its row."""
    found = set()
    for key in keys.split(","):
        field = FIELDS.get(key.strip())
        if field is not None:
            found.add(text_of(field.metric, ("gpu", uuid), *field.labels))
    return frozenset(found)


def energy(joules: float) -> str:
    """Joules as people pay for them: ``812 J``, ``12.4 Wh``, ``3.21 kWh``."""
    if joules != joules:
        return text.UNKNOWN
    hours = joules / 3600
    for unit, factor in (("MWh", 1e6), ("kWh", 1e3), ("Wh", 1.0)):
        if hours >= factor:
            return f"{text.significant(hours / factor).strip()} {unit}"
    return f"{joules:.0f} J"


def watts(value: float) -> str:
    """``698 W``, ``71.3 W``."""
    if value != value:
        return text.UNKNOWN
    return f"{value:.0f} W" if value >= 99.95 else f"{value:.1f} W"


def figure(value: float, unit: str) -> str:
    """A number in its unit, of its own length; ``-`` when unknown."""
    if value != value:
        return text.UNKNOWN
    made: dict[str, Callable[[float], str]] = {
        "1": text.percent, "By": text.size, "By/s": text.rate, "W": watts, "J": energy,
        "Cel": lambda v: text.celsius(v).strip(), "Hz": lambda v: f"{v / 1e6:.0f} MHz", "n": lambda v: f"{v:.0f}",
        "?": lambda v: "yes" if v else "no", "s": lambda v: f"{v:.1f} s" if v < 60 else text.duration(v),
    }  # fmt: skip
    return made[unit](value).strip()


def groups(state: State, uuid: str, row: Cells | None) -> list[Group]:
    """Everything about one GPU, groups and lines in a fixed order.

    A field that the card does not have stands with the others of its group in a last line; one that may come and
    is not known now is ``-``.
    """
    keys = str(row[cells.UNAVAILABLE] or "") if row is not None else ""
    missing = _unavailable(keys, uuid)
    nvidia = row is None or row[cells.VENDOR] in ("nvidia", None)
    found = [_identity(row)] if row is not None else []
    for title, specs in GROUPS:
        lines: list[Line] = []
        lacking: list[str] = []
        for spec in specs:
            texts = [series_of(name, uuid) for name in spec.names]
            if texts[0] in missing:
                lacking.append(spec.label)
            elif texts[0] in state.places or (nvidia and "fan" not in spec.label):
                lines.append(_line(state, spec, texts))
        if lacking:
            lines.append(Line(_NOT_OFFERED, ", ".join(lacking), "faint"))
        if lines:
            found.append(Group(title, lines))
    return found


def _identity(row: Cells) -> Group:
    lines = []
    for label, place in IDENTITY:
        value = row[place] if place < len(row) else None
        if value is not None and value != "":
            lines.append(Line(label, f"{value:.0f}" if isinstance(value, float) else str(value)))
    return Group("card", lines)


def _line(state: State, spec: Spec, texts: Sequence[str]) -> Line:
    values = [
        state.newest(series, counter=name.startswith("^")) for name, series in zip(spec.names, texts, strict=True)
    ]
    shown = [figure(value, spec.unit) for value in values]
    place = state.places.get(texts[0])
    if place is not None and state.columns[place].quality in (ESTIMATED, APPORTIONED) and values[0] == values[0]:
        shown[0] = f"≈ {shown[0]}"
    known = values[0] == values[0]
    if len(values) == 2:
        if values[1] != values[1]:
            return Line(spec.label, shown[0], "text" if known else "dim")
        # One unit for both where it is the same.
        unit = shown[1].rpartition(" ")[2]
        first = shown[0].removesuffix(f" {unit}") if unit and not unit.isdigit() else shown[0]
        return Line(spec.label, f"{first} / {shown[1]}", "text" if known else "dim")
    return Line(spec.label, shown[0], "text" if known else "dim")


def draw(scene: Scene, found: Sequence[Group], width: int) -> list[Row]:
    """The groups in as many columns as fit, whole groups, about equally long. Any number of lines."""
    count = max(1, (width + 2) // COLUMN)
    each = (width - 2 * (count - 1)) // count
    blocks = [_block(group, each, scene.glyphs) for group in found]
    total = sum(len(block) + 1 for block in blocks)
    stacks: list[list[Row]] = [[]]
    used = 0
    for block in blocks:
        # A block goes where its middle lies.
        if len(stacks) < count and stacks[-1] and used + len(block) / 2 > total * len(stacks) / count:
            stacks.append([])
        stacks[-1] += [*block, []]
        used += len(block) + 1
    rows: list[Row] = []
    for place in range(max((len(stack) for stack in stacks), default=0)):
        row: Row = []
        for number, stack in enumerate(stacks):
            row += [*([gap(2)] if number else []), *fit_row(stack[place] if place < len(stack) else [], each)]
        rows.append(fit_row(row, width))
    while rows and not "".join(words for words, _ in rows[-1]).strip():
        rows.pop()
    return rows


def _block(group: Group, width: int, glyphs: Glyphs) -> list[Row]:
    rows: list[Row] = [[(group.title, "gpus.title")]]
    for line in group.lines:
        value = own(line.value, glyphs)
        room = width - columns_of(line.label) - 1
        if line.label == _NOT_OFFERED:
            rows += _folded(value, width)
            continue
        if columns_of(value) > room:
            value = outside(value, max(1, room), glyphs, middle=True)
        rows.append([(line.label, "dim"), gap(max(1, width - columns_of(line.label) - columns_of(value))),
                     (value, line.role)])  # fmt: skip
    return rows


def _folded(words: str, width: int) -> list[Row]:
    """What a card does not have, over as many lines as it takes."""
    rows: list[Row] = []
    line = _NOT_OFFERED
    for word in words.split(", "):
        if len(line) + len(word) + 2 > width:
            rows.append([(line + ",", "faint")])
            line = " " * (len(_NOT_OFFERED)) + " " + word
        else:
            line += (" " if line == _NOT_OFFERED else ", ") + word
    return [*rows, [(line, "faint")]]
