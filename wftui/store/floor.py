"""Where numbers go on when the manifest is damaged: the names of the segments tell what they have used."""

import re
from pathlib import Path
from typing import Final, NamedTuple

from wftui.store import manifest
from wftui.store.manifest import EVENT, FOLDER, RAW, TABLE, Floor

_NUMBERS: Final = re.compile(r"((?:-\d+)+)\.parquet$")


class Used(NamedTuple):
    """What a recorder has to know of the segments."""

    floor: Floor
    sealed_seq: int
    """0: nothing is sealed, or nobody knows."""
    bytes: int | None
    """Of all segments; None: nobody knows."""


def used(data_dir: Path) -> Used:
    """What segments have used, from the manifest; without one, from their names.

    Raises:
        SegmentsDamagedError, SegmentsNewerError, StoreError: As ``manifest.load``.
    """
    found = manifest.load(data_dir)
    if not found.sealed_seq:
        return unknown(data_dir)  # nothing was sealed yet, or the manifest is gone
    floor = Floor(found.sealed_seq, found.sealed_event_seq, found.boots)
    return Used(floor, found.sealed_seq, sum(item.size for item in found.segments))


def unknown(data_dir: Path) -> Used:
    """As ``used`` when there is no manifest that can be read: the sealer makes it anew."""
    return Used(named_floor(data_dir), 0, None)


def named_floor(data_dir: Path) -> Floor:
    """The numbers that segments have used, as far as their names tell; zeros when there are none.

    Boots stand in no name: as there is at least a tick to each, no boot's number is above the last tick's.
    """
    folder = data_dir / FOLDER
    seq = max(_highest(folder / RAW), _highest(folder / TABLE))
    return Floor(seq, _highest(folder / EVENT), {"": seq} if seq else {})


def _highest(folder: Path) -> int:
    found = 0
    for path in folder.glob("*.parquet"):
        match = _NUMBERS.search(path.name)
        if match:
            found = max(found, *map(int, match[1].split("-")[1:]))
    return found
