"""What a seal takes from the journal at once: the ticks of one hour, in order, as matrices.

A piece is a run of consecutive ticks within one UTC hour; both passes of an hour that the clock lived through
twice are pieces of their own. Only of a clock that flips all the time a piece holds several hours. It is read in
batches of at most 5 minutes, so that a piece of any width passes through little memory.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from wftui.model.sample import Column
from wftui.model.tick import Tick
from wftui.store.journal import Database
from wftui.store.manifest import StoredColumn
from wftui.store.read import Reader
from wftui.store.rollup import COARSE_S, Ticks

HOUR_S: Final = 3600
CUTS: Final = 8
"""Pieces that begin within 3,600 ticks at most: a clock that flips each second must not leave a file for each."""
_READ: Final = 300
"""Ticks fetched at once: no snapshot stays open that would hold the journal's WAL."""
_BATCH: Final = 1024
"""Ticks in one batch at most, also when the clock stands still."""
_KEPT: Final = 2_000_000
"""Values that are kept between two passes (16 MB); a wider piece is read twice."""


class Piece(NamedTuple):
    """Where a piece lies."""

    after_seq: int
    """The tick before it; what belongs to lost ticks in between belongs to this piece."""
    first_seq: int
    last_seq: int
    ticks: int


def pieces(database: Database, sealed_seq: int, everything: bool, begun: Iterable[int] = ()) -> list[Piece]:
    """What is not sealed yet, in order; without the hour that is not over, unless ``everything``.

    ``begun``: the first ticks of the pieces that are sealed. After ``CUTS`` of them within an hour's ticks a piece
    goes on through changes of the hour.
    """
    found: list[Piece] = []
    starts = deque(sorted(begun), CUTS)
    current: int | None = None
    before = sealed_seq
    for seq, time_s in database.rows("SELECT seq, time_s FROM tick WHERE seq > ? ORDER BY seq", (sealed_seq,)):
        hour = time_s // HOUR_S
        flips = len(starts) == CUTS and seq - starts[0] < HOUR_S
        if found and (hour == current or flips):
            found[-1] = found[-1]._replace(last_seq=seq, ticks=found[-1].ticks + 1)
        else:
            found.append(Piece(before, seq, seq, 1))
            starts.append(seq)
        current = hour
        before = seq
    return found if everything else found[:-1]


class Hour:
    """The ticks of a piece, as often as they are asked for; the first pass finds out what is in them."""

    def __init__(self, database: Database, reader: Reader, piece: Piece) -> None:
        self._database, self._reader, self.piece = database, reader, piece
        self.columns: list[StoredColumn] = []
        """The rows of the matrices, set by ``number``."""
        self.damaged: set[int] = set()
        """Ticks left out because their checksum or their width does not fit."""
        self.begin: dict[int, StoredColumn] = {}
        """Series by number as they first came in a tick."""
        self.end: dict[int, StoredColumn] = {}
        """The same with the provenance at the piece's end."""
        self.changes: list[tuple[int, int, str, str, str]] = []
        """seq, id, quality, source and call of what is known in another way from that tick on."""
        self._layout = 0
        self._slots: dict[int, npt.NDArray[np.intp]] = {}
        self._kept: list[Ticks] | None = None
        self._passed = False

    def wanted(self) -> list[Column]:
        """Every series with its meaning that a layout of the piece has."""
        rows = self._database.rows(
            "SELECT layout, min(seq) FROM tick WHERE seq BETWEEN ? AND ? GROUP BY layout ORDER BY 2",
            (self.piece.first_seq, self.piece.last_seq),
        )
        found: dict[tuple[str, str, str], Column] = {}
        for number, _ in list(rows):
            for item in self._reader.layout(number).columns:
                found[item.series.text, item.unit, item.kind] = item
        return list(found.values())

    def number(self, stored: Sequence[StoredColumn]) -> None:
        """Say which stored columns the series of ``wanted`` are."""
        self.columns = list(stored)
        self._places = {(item.series, item.unit, item.kind): place for place, item in enumerate(stored)}

    def before(self, count: int) -> Ticks | None:
        """The ticks right before the piece, as far as the journal still has them."""
        first = self.piece.first_seq
        ticks = [tick for tick in self._good(first - count - 1, first - 1) if tick is not None]
        return self._matrix(ticks) if ticks else None

    def batches(self, limit: int = _BATCH) -> Iterator[Ticks]:
        """The ticks in order; a batch lies within one step of 5 minutes, and the clock never goes back in it.

        ``limit``: ticks in one at most; for a pass that does not mind where they end.
        """
        if self._kept is not None:
            yield from self._kept
            return
        keep = self.piece.ticks * len(self.columns) <= _KEPT
        kept: list[Ticks] = []
        for group in self._groups(limit):
            batch = self._matrix(group)
            if keep:
                kept.append(batch)
            yield batch
        self._passed = True
        if keep:
            self._kept = kept

    def _groups(self, limit: int) -> Iterator[list[Tick]]:
        group: list[Tick] = []
        for tick in self._good(self.piece.first_seq - 1, self.piece.last_seq, limit):
            if tick is None:
                continue
            if not self._passed and tick.layout != self._layout:
                self._note(tick)
            if group and (
                tick.time_s // COARSE_S != group[-1].time_s // COARSE_S
                or tick.time_s < group[-1].time_s
                or len(group) == limit
            ):
                yield group
                group = []
            group.append(tick)
        if group:
            yield group

    def _good(self, after_seq: int, last_seq: int, limit: int = _READ) -> Iterator[Tick | None]:
        """Ticks after one up to another, None for a damaged one."""
        while after_seq < last_seq:
            rows = list(
                self._database.rows(
                    'SELECT seq, time_s, boottime_ns, boot, layout, "values", crc32 FROM tick'
                    " WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
                    (after_seq, last_seq, min(limit, _READ)),
                )
            )
            if not rows:
                return
            after_seq = rows[-1][0]
            for *fields, crc in rows:
                tick = Tick(*fields)
                fits = tick.crc32() == crc and len(tick.values) == 8 * len(
                    self._reader.layout(tick.layout).columns
                )
                if not fits and tick.seq >= self.piece.first_seq:
                    self.damaged.add(tick.seq)
                yield tick if fits else None

    def _note(self, tick: Tick) -> None:
        """Follow the provenance into a tick of another layout."""
        self._layout = tick.layout
        for item in self._reader.layout(tick.layout).columns:
            place = self._places.get((item.series.text, item.unit, item.kind))
            if place is None:
                continue  # only when the journal changed under us
            stored = self.columns[place]
            known = {"group": item.group, "quality": item.quality, "source": item.source, "call": item.call}
            old = self.end.get(stored.id)
            if old is None:
                self.begin[stored.id] = self.end[stored.id] = msgspec.structs.replace(stored, **known)
            elif (old.quality, old.source, old.call) != (item.quality, item.source, item.call):
                self.changes.append((tick.seq, stored.id, item.quality, item.source, item.call))
                self.end[stored.id] = msgspec.structs.replace(old, **known)

    def _matrix(self, ticks: Sequence[Tick]) -> Ticks:
        values = np.full((len(self.columns), len(ticks)), np.nan)
        start = 0
        for number, group in groupby(ticks, key=lambda tick: tick.layout):
            blobs = [tick.values for tick in group]
            slots, places = self._slots_of(number)
            block = np.frombuffer(b"".join(blobs), dtype="<f8").reshape(len(blobs), -1)
            values[slots, start : start + len(blobs)] = block.T if places is None else block.T[places]
            start += len(blobs)
        names = ("seq", "time_s", "boottime_ns", "boot")
        lead = [np.array([getattr(tick, name) for tick in ticks], dtype=np.int64) for name in names]
        return Ticks.of(lead, values)

    def _slots_of(self, number: int) -> "tuple[npt.NDArray[np.intp], npt.NDArray[np.intp] | None]":
        """Rows of the matrix for a layout's values; and which of the values, None: all.

        A layout before the piece may have series that the piece does not.
        """
        found = self._slots.get(number)
        if found is None:
            keys = [(item.series.text, item.unit, item.kind) for item in self._reader.layout(number).columns]
            found = self._slots[number] = np.array([self._places.get(key, -1) for key in keys], dtype=np.intp)
        if (found >= 0).all():
            return found, None
        places = np.flatnonzero(found >= 0)
        return found[places], places
