"""A range of every series second by second, out of the archive: what is compared and searched."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from wftui import clock, names
from wftui.model.sample import Column
from wftui.model.series import matches
from wftui.store.answers import TooLargeError
from wftui.store.archive import Archive
from wftui.store.cuts import Lead
from wftui.store.rollup import Ticks, follows, rates

_RAW_CELLS: Final = 4_000_000
"""Values of a range that are read second by second: 32 MB."""

Matrix = npt.NDArray[np.float64]
"""float64 of shape (times, series), NaN = no value."""
Part = tuple[Matrix, Matrix, Matrix]
"""Values, and what is least and greatest in the time of each."""


class Seconds:
    """A range second by second."""

    level_s = 1

    def __init__(self, columns: list[Column], lead: Lead, blocks: list[Matrix], since_s: int) -> None:
        self.columns, self._lead, self._blocks = columns, lead, blocks
        self._inside = lead.time_s >= since_s
        self.times = lead.time_s[self._inside]
        """UTC second of each value."""

    def part(self, places: slice) -> Part:
        """Values of some of the series, three times: a second is its own extreme."""
        columns = self.columns[places]
        values = np.full((len(self._inside), len(columns)), math.nan)
        at = 0
        for block in self._blocks:  # the later ones may have more series
            some = block[:, places]
            values[at : at + len(some), : some.shape[1]] = some
            at += len(some)
        kinds = np.array([item.kind == names.COUNTER for item in columns], dtype=np.bool_)
        if kinds.any():
            counters = np.ascontiguousarray(values[:, kinds].T)
            ticks = Ticks(*self._lead, counters)
            values[:, kinds] = rates(counters, follows(ticks)).T
        values = values[self._inside]
        return values, values, values


def seconds(
    archive: Archive, selectors: list[str], since_s: int, until_s: int, deadline_ns: int
) -> Seconds | None:
    """Of [since_s, until_s); None: there are none, or too many values.

    Raises:
        TooLargeError: The deadline passed.
        StoreError: The store cannot be read.
    """
    columns: dict[str, Column] = {}
    slots: dict[int, list[int]] = {}
    known: dict[str, bool] = {}
    leads: list[Lead] = []
    blocks: list[Matrix] = []

    def fits(column: Column) -> bool:
        text = column.series.text
        if text not in known:
            known[text] = any(matches(selector, column.series) for selector in selectors)
        return known[text]

    for cut in archive.cuts(fits, since_s - 1, until_s):
        if clock.perf_ns() > deadline_ns:
            raise TooLargeError("not done within its deadline; ask for less time or fewer series")
        if cut.layout.id not in slots:
            slots[cut.layout.id] = _slots(cut.layout.columns, columns)
            if len(columns) * (until_s - since_s) > _RAW_CELLS:
                return None
        block = np.full((len(cut.values), len(columns)), math.nan)
        block[:, slots[cut.layout.id]] = cut.values
        blocks.append(block)
        leads.append(cut.lead)
    if not leads:
        return None
    header = Lead(*(np.concatenate(items) for items in zip(*leads, strict=True)))
    found = Seconds(list(columns.values()), header, blocks, since_s)
    return found if (header.time_s >= since_s).any() else None


def _slots(layout: Sequence[Column], columns: dict[str, Column]) -> list[int]:
    """Which columns of the matrix the series of a layout are; new ones come behind the others."""
    for item in layout:
        columns[item.series.text] = item
    places = {text: place for place, text in enumerate(columns)}
    return [places[item.series.text] for item in layout]
