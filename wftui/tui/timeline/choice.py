"""Which series a first look shows, and how chosen ones are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from wftui.model.sample import Column

_FIRST: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    ("system.cpu.utilization", {}),
    ("system.memory.utilization", {}),
    ("system.pressure.utilization", {"device": "io", "mode": "some"}),
    ("hw.gpu.utilization", {}),
)
_BUSIEST: Final = (("system.disk.io", "device"), ("system.network.io", "interface"))


def first_choice(columns: Iterable[Column], totals: Callable[[str], float]) -> list[str]:
    """Series for a first look: use of the machine, waiting, GPUs, and the busiest disk and interface.

    ``totals``: a counter's reading now by series text; NaN when unknown.
    """
    plain = [column for column in columns if not column.series.stat]
    chosen = [
        column.series.text
        for name, labels in _FIRST
        for column in plain
        if column.series.name == name and all(column.series.label(key) == value for key, value in labels.items())
    ]
    for name, key in _BUSIEST:
        series = [column.series for column in plain if column.series.name == name]
        sums: dict[str, float] = {}
        for item in series:
            total = totals(item.text)
            sums[item.label(key)] = sums.get(item.label(key), 0.0) + (total if total == total else 0.0)
        busiest = max(sums, key=lambda value: sums[value], default="")
        chosen += [item.text for item in series if item.label(key) == busiest]
    return chosen[:12]


def selectors(texts: Sequence[str]) -> list[str]:
    """Patterns that name exactly these series (and, without labels, their statistics)."""
    return [text.replace("[", "[[]").replace("*", "[*]").replace("?", "[?]") for text in texts]
