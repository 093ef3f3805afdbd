"""What the streams page says is on the terminal, frame by frame, for whoever wants to hold it against the cells.

With ``WFTOP_CLAIMS=FILE`` in the environment each frame that is given to the terminal while the page is shown adds
a line of JSON: its number, the particles with the cell and character of each, the cells of each ribbon, the EU.
Lines and columns are those of the terminal, from 0.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.tui.energy import weave
from wftui.tui.energy.belt import PARTICLES

if TYPE_CHECKING:
    from wftui.tui.energy.belt import Belt
    from wftui.tui.energy.field import Field

VARIABLE: Final = "WFTOP_CLAIMS"


class Shown(NamedTuple):
    """A lane on the screen; line and column of its flow's upper left cell."""

    key: str
    line: int
    column: int
    belt: Belt
    share: float
    """Of the height that the ribbon takes; NaN: not known."""


class Claims:
    """A file of them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def asked(cls) -> Claims | None:
        """What the environment asks for; None: nothing."""
        path = os.environ.get(VARIABLE, "")
        return cls(Path(path)) if path else None

    def write(
        self, frame: int, at_s: float, field: Field, first: int, lanes: list[Shown], *, ascii_only: bool
    ) -> None:
        """A frame was given to the terminal; ``first``: particles that no frame before it has shown."""
        signs = weave.PLAIN_SIGNS if ascii_only else weave.SIGNS
        claimed = {
            "frame": frame,
            "at_s": round(at_s, 6),
            "particles": sum(len(lane.belt.particles) for lane in lanes),
            "first": first,
            "computed": field.computed,
            "seen": field.fidelity.seen,
            "missed": field.missed,
            "waiting": field.waiting,
            "lanes": [
                {
                    "key": lane.key,
                    "line": lane.line,
                    "column": lane.column,
                    "width": lane.belt.width,
                    "height": lane.belt.height,
                    "ribbon": weave.ribboned(lane.belt, lane.share, ascii_only=ascii_only),
                    "particles": [
                        [lane.line + row, lane.column + x, signs[kind]]
                        for row in range(lane.belt.height)
                        for x, kind in lane.belt.cells(row)
                        if kind in PARTICLES
                    ],
                }
                for lane in lanes
            ],
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(claimed, ensure_ascii=False) + "\n")
