"""Rows of an export where the single ticks are gone: what the rollups keep, then the ticks themselves."""

from array import array
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from wftui import names
from wftui.model.sample import Column
from wftui.store import manifest
from wftui.store.archive import Archive
from wftui.store.manifest import Segment, StoredColumn
from wftui.store.rows import RATE, Batch, Field, Rows
from wftui.store.sealed import SegmentGoneError
from wftui.store.sql import name as quoted
from wftui.store.sql import text

_DIGITS: Final = 5
"""Significant digits of a mean: rollups keep it to 1.2e-4."""

Numbers = npt.NDArray[np.float64]


class Steps:
    """Rollup rows of a range that are older than every tick that is left, oldest first."""

    def __init__(
        self, archive: Archive, segments: Sequence[Segment], limit: int, since_s: int, until_s: int, step_s: int
    ) -> None:
        """Nothing is read yet.

        Args:
            archive: Where they are.
            segments: Of one level.
            limit: Number of the first tick that is still there; rows before it are wanted.
            since_s: UTC second.
            until_s: UTC second after the last one.
            step_s: Of that level.
        """
        self._archive = archive
        self.segments = list(segments)
        self._limit = limit
        self._since_s, self._until_s = since_s - step_s + 1, until_s

    def columns(self) -> list[Column]:
        """Series that they hold."""
        known = self._archive.sealed.manifest.catalogue()
        ids = {number for item in self.segments for number in manifest.numbers(item.columns)}
        return [known[number].column() for number in sorted(ids) if number in known]

    def batches(self, rows: Rows, size: int) -> Iterator[Batch]:
        """Rows of the fields of ``rows``, at most ``size`` at once; of counters there are only rates."""
        for segments in _spans(self.segments):
            try:
                yield from self._batches(rows.fields, segments, size)
            except SegmentGoneError as error:  # merged or removed meanwhile
                self._archive.sealed.forget(error.segment)

    def _batches(self, fields: Sequence[Field], segments: list[Segment], size: int) -> Iterator[Batch]:
        sealed = self._archive.sealed
        known = {(item.series, item.unit, item.kind): item for item in sealed.manifest.columns}
        found: dict[tuple[int, str], tuple[npt.NDArray[np.int64], Numbers]] = {}
        times: dict[int, int] = {}
        stored = [known.get((item.column.series.text, item.column.unit, item.column.kind)) for item in fields]
        wanted = [_statistics(item) for item in fields]
        for segment in sealed.whole(segments):
            ids = set(manifest.numbers(segment.columns))
            columns = [
                item
                for item, stats in zip(stored, wanted, strict=True)
                if item is not None and item.id in ids and segment.stat in stats
            ]
            if columns:
                seq, values = self._read(segment, columns, times)
                for item in columns:
                    found[item.id, segment.stat] = seq, values[item.id]
        order = np.array(sorted(times), dtype=np.int64)
        table = np.full((len(fields), len(order)), np.nan)
        for place, (column, stats) in enumerate(zip(stored, wanted, strict=True)):
            if column is None:
                continue
            rows = [_spread(order, found.get((column.id, stat))) for stat in stats]
            if len(rows) == len(_BAND):  # a mean is cut short when stored, its bounds are exact
                table[place] = np.fmin(np.fmax(_rounded(rows[1]), rows[0]), rows[2])
            elif rows:
                table[place] = rows[0]
        for start in range(0, len(order), size):
            part = order[start : start + size].tolist()
            cells = [array("d", row[start : start + size].tobytes()) for row in table]
            yield Batch(part, [times[seq] for seq in part], cells)

    def _read(
        self, segment: Segment, columns: Sequence[StoredColumn], times: dict[int, int]
    ) -> tuple[npt.NDArray[np.int64], dict[int, Numbers]]:
        sealed = self._archive.sealed
        cells = ", ".join(f"{quoted(item.name)}::DOUBLE AS c{item.id}" for item in columns)
        sql = (
            f"SELECT seq, time_s, {cells} FROM read_parquet({text(str(sealed.path(segment)))})"  # noqa: S608  quoted
            f" WHERE seq < {self._limit} AND time_s >= {self._since_s} AND time_s < {self._until_s} ORDER BY seq"
        )
        connection = sealed.connection()
        with sealed.translated([segment]):
            rows = connection.execute(sql).fetchnumpy()
        seq = np.asarray(rows["seq"], dtype=np.int64)
        times.update(zip(seq.tolist(), np.asarray(rows["time_s"]).tolist(), strict=True))
        return seq, {
            item.id: np.ma.filled(rows[f"c{item.id}"].astype(np.float64), np.nan)
            if isinstance(rows[f"c{item.id}"], np.ma.MaskedArray)
            else np.asarray(rows[f"c{item.id}"], dtype=np.float64)
            for item in columns
        }


_BAND: Final = (manifest.MIN, manifest.MEAN, manifest.MAX)


def _statistics(field: Field) -> tuple[str, ...]:
    """Which files of a level a field is made from; for a mean its bounds too."""
    stat = field.column.series.stat
    if field.kind == names.COUNTER:
        return ()  # cumulative readings are not rolled up
    if field.kind == RATE or not stat:
        return _BAND
    if field.kind == names.DISTRIBUTION and stat in ("count", "sum"):
        return (manifest.SUM,)
    return (manifest.MIN,) if stat == manifest.MIN else (manifest.MAX,)


def _spread(order: npt.NDArray[np.int64], found: tuple[npt.NDArray[np.int64], Numbers] | None) -> Numbers:
    """Values at their rows; NaN where a file has none."""
    row = np.full(len(order), np.nan)
    if found is not None:
        row[np.searchsorted(order, found[0])] = found[1]
    return row


def _rounded(values: Numbers) -> Numbers:
    """To significant digits: those behind would be the float32's, not the measurement's."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        exponent = np.floor(np.log10(np.abs(values)))
        scale = np.power(10.0, _DIGITS - 1 - exponent)
        rounded = np.round(values * scale) / scale
    return np.where(np.isfinite(rounded), rounded, values)


def _spans(segments: Sequence[Segment]) -> list[list[Segment]]:
    """Segments of the same steps together, in order."""
    found: list[list[Segment]] = []
    last = -1
    for item in sorted(segments, key=lambda item: (item.first_seq, item.file)):
        if found and item.first_seq <= last:
            found[-1].append(item)
            last = max(last, item.last_seq)
        else:
            found.append([item])
            last = item.last_seq
    return found
