"""A few series over a long time: their columns alone, as matrices, of sealed and of held ticks."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from wftui.model.sample import Column
from wftui.model.tick import Layout, Tick
from wftui.store.blocks import Blocks
from wftui.store.sealed import Run

Matrix = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
Fits = Callable[[Column], bool]
"""Whether a series is wanted; provenance must not matter to it."""
_HELD: Final = 512
"""Ticks of the journal in one cut: their whole values are kept as long as it is filled."""
_CELLS: Final = 360_000
"""Values of a cut of a segment: 3 MB, as ``Blocks`` has them; an hour of 100 series at once."""


class Lead(NamedTuple):
    """What ticks are beside their values: int64 of shape (ticks,) each."""

    seq: Numbers
    time_s: Numbers
    boottime_ns: Numbers
    boot: Numbers

    def part(self, places: slice) -> "Lead":
        """Some of them."""
        return Lead(*(item[places] for item in self))


class Cut(NamedTuple):
    """Ticks in their order, of one layout."""

    layout: Layout
    """With the id that it has as a whole, and the wanted columns alone, in their order."""
    lead: Lead
    values: Matrix
    """(ticks, columns), NaN = no value."""


def held(ticks: Iterable[Tick], layout: Callable[[int], Layout], fits: Fits) -> Iterator[Cut]:
    """Of ticks of the journal; one that is not as wide as its layout is left out."""
    batch: list[Tick] = []
    known: dict[int, tuple[Layout, int, npt.NDArray[np.intp]]] = {}

    def cut() -> Cut:
        narrow, width, places = known[batch[0].layout]
        flat = np.frombuffer(b"".join([item.values for item in batch]), dtype="<f8").reshape(-1, width)
        rows = [(item.seq, item.time_s, item.boottime_ns, item.boot) for item in batch]
        lead = np.array(rows, dtype=np.int64).reshape(-1, 4).T
        return Cut(narrow, Lead(*np.ascontiguousarray(lead)), flat.take(places, axis=1))

    for tick in ticks:
        if batch and (tick.layout != batch[0].layout or len(batch) == _HELD):
            yield cut()
            batch = []
        if tick.layout not in known:
            columns = layout(tick.layout).columns
            places = [place for place, item in enumerate(columns) if fits(item)]
            narrow = Layout(tick.layout, tuple(columns[place] for place in places))
            known[tick.layout] = narrow, len(columns), np.array(places, dtype=np.intp)
        if len(tick.values) == 8 * known[tick.layout][1] > 0:
            batch.append(tick)
    if batch:
        yield cut()


def sealed(
    blocks: Blocks, run: Run, span: tuple[int, int], since_s: int, until_s: int, fits: Fits
) -> Iterator[Cut]:
    """Of a run's ticks from one number to another, those of the seconds [since, until).

    Raises:
        SegmentGoneError: A file is not there any more.
    """
    info = blocks.info(run)
    if info is None:
        return
    whole = Lead(*(np.frombuffer(item, dtype=np.int64) for item in info[1:5]))
    low, high = np.searchsorted(whole.seq, (span[0], span[1] + 1)).tolist()
    places = [place for place, item in enumerate(info.layouts[0].columns) if fits(item)]
    narrow: dict[int, Layout] = {}
    step = max(1, _CELLS // max(1, len(places)))
    # A cut ends where the provenance of any series changes: ticks have another layout from there on.
    breaks = np.searchsorted(whole.seq, np.array(info.starts, dtype=np.int64)).tolist()
    starts = sorted({low, *(item for item in breaks if low < item < high)})
    for start, end in zip(starts, [*starts[1:], high], strict=True):
        layout = info.layout(info.seq[start])
        if layout.id not in narrow:
            narrow[layout.id] = Layout(layout.id, tuple(layout.columns[place] for place in places))
        for first in range(start, end, step):
            rows = slice(first, min(first + step, end))
            values = blocks.decoded(info, rows, places)
            lead = whole.part(rows)
            inside = (lead.time_s >= since_s) & (lead.time_s < until_s)
            if not inside.all():
                lead, values = Lead(*(item[inside] for item in lead)), values[inside]
            if len(values):
                yield Cut(narrow[layout.id], lead, values)
