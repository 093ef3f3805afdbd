"""Rollups from elsewhere put into a data dir that has none: what a bundle has of time whose seconds are gone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np

from wftui.model.sample import Column
from wftui.store import manifest
from wftui.store.manifest import LEVELS, MEAN, PART, StoredColumn
from wftui.store.rollup import statistics
from wftui.store.segments import Batch, Label, Matrix, Shelf, whole, wide

_LEAD: Final = ("seq", "time_s", "count")
_KINDS: Final = {step_s: kind for kind, step_s in LEVELS.items() if step_s > 1}


class Steps(NamedTuple):
    """Rows of one length, ascending."""

    step_s: int
    """10 or 300."""
    columns: Sequence[Column]
    seq: bytes
    """First tick of each; int64, as the next two."""
    time_s: bytes
    ticks: bytes
    """How many are in each."""
    statistics: Mapping[str, bytes]
    """One of ``manifest.STATISTICS`` to float64 of shape (columns, rows); NaN = no value."""


def put(data_dir: Path, boots: Mapping[str, int], given: Sequence[Steps]) -> None:
    """Write segments and the manifest that names them.

    Args:
        data_dir: Without segments.
        boots: Boot id to the number that ticks have.
        given: Of both lengths; their ticks come before all that the journal has.

    Raises:
        StoreError, OSError: It could not be done.
    """
    folder = data_dir / manifest.FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    made = manifest.Manifest(boots=dict(boots))
    shelf = Shelf(data_dir)
    try:
        for steps in given:
            made, stored = manifest.with_columns(made, steps.columns)
            last = _put(shelf, made, steps, stored)
            made = msgspec.structs.replace(made, sealed_seq=max(made.sealed_seq, last))
        shelf.commit(msgspec.structs.replace(made, segments=tuple(shelf.added)))
    finally:
        shelf.discard()


def _put(shelf: Shelf, made: manifest.Manifest, steps: Steps, stored: Sequence[StoredColumn]) -> int:
    """The files of some steps, and the last tick in them."""
    lead = [np.frombuffer(item, dtype=np.int64) for item in (steps.seq, steps.time_s, steps.ticks)]
    last = int(lead[0][-1] + lead[2][-1]) - 1
    since_s, until_s = int(lead[1].min()), int(lead[1].max()) + steps.step_s
    parts: dict[tuple[str, str, int], list[int]] = {}
    for place, item in enumerate(stored):
        for stat in statistics(item):
            if stat in steps.statistics:
                parts.setdefault((item.group, stat, item.id // PART), []).append(place)
    for (group, stat, part), places in sorted(parts.items()):
        values: Matrix = np.frombuffer(steps.statistics[stat]).reshape(len(stored), -1)[places]
        columns = [stored[place] for place in places]
        types = "f" * len(columns) if stat == MEAN else "".join("q" if item else "d" for item in whole(values))
        names = [*_LEAD, *(item.name for item in columns)]
        source = wide(names, len(_LEAD), types, [Batch(lead, values)].copy)
        label = Label(_KINDS[steps.step_s], group, stat, int(lead[0][0]), last, since_s, until_s, part, made.boots)
        shelf.put(label, "FROM source", source, columns)
    return last
