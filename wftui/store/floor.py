"""Where numbers go on when the manifest is damaged: the names of the segments tell what they have used."""

import re
from pathlib import Path
from typing import Final

from wftui.store.manifest import EVENT, FOLDER, RAW, TABLE, Floor

_NUMBERS: Final = re.compile(r"((?:-\d+)+)\.parquet$")


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
