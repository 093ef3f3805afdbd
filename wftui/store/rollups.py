"""Steps of 10 s and 5 min as they are kept, where nothing finer is: each statistic of each series."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from wftui.model.sample import Column
from wftui.store import manifest
from wftui.store.archive import Archive
from wftui.store.manifest import Segment, StoredColumn
from wftui.store.sealed import SegmentGoneError
from wftui.store.sql import name as quoted
from wftui.store.sql import text

Whole = npt.NDArray[np.int64]


class Block(NamedTuple):
    """Successive steps of the same series."""

    columns: list[Column]
    seq: Whole
    """(steps,), the first tick of each, ascending."""
    time_s: Whole
    """(steps,), UTC second at which it begins."""
    ticks: Whole
    """(steps,), seconds recorded in it."""
    statistics: dict[str, npt.NDArray[np.float64]]
    """Of ``manifest.STATISTICS`` to (steps, columns), NaN: none. Of counters those of their rate per second."""


def rollups(archive: Archive, kind: str, since_s: int, until_s: int) -> Iterator[Block]:
    """The steps of one level that begin in [since, until) and of which nothing finer is kept, oldest first.

    Args:
        archive: Where they are.
        kind: ``manifest.R10`` or ``manifest.R300``.
        since_s: UTC second.
        until_s: UTC second after the last one.
    """
    limit = archive.boundary()
    made = archive.sealed.manifest
    finer = [level for level, step_s in manifest.LEVELS.items() if step_s < manifest.LEVELS[kind]]
    limit = min([limit, *(item.first_seq for level in finer for item in made.of(level))])
    segments = [
        item
        for item in made.of(kind)
        if item.first_seq < limit and item.since_s < until_s and item.until_s > since_s
    ]
    where = f"seq < {limit:d} AND time_s >= {since_s:d} AND time_s < {until_s:d}"
    for files in _together(segments):
        try:
            block = _block(archive, files, where)
        except SegmentGoneError as error:  # merged or removed meanwhile
            archive.gone(error)
            continue
        if block is not None:
            yield block


def _block(archive: Archive, segments: Sequence[Segment], where: str) -> Block | None:
    known = archive.sealed.manifest.catalogue()
    parts: list[tuple[Segment, list[StoredColumn], Whole, npt.NDArray[np.float64]]] = []
    lead: dict[int, tuple[int, int]] = {}
    for segment in archive.sealed.whole(list(segments)):
        columns = [known[number] for number in manifest.numbers(segment.columns) if number in known]
        cells = "".join(f", {quoted(item.name)}::DOUBLE AS c{item.id}" for item in columns)
        connection = archive.sealed.connection()
        with archive.sealed.translated([segment]):
            rows = connection.execute(
                f"SELECT seq, time_s, count{cells} FROM read_parquet({text(str(archive.sealed.path(segment)))})"  # noqa: S608  quoted
                f" WHERE {where} ORDER BY seq"
            ).fetchnumpy()
        seq = np.asarray(rows["seq"], dtype=np.int64)
        cells_of = [np.ma.filled(rows[f"c{item.id}"].astype(np.float64), np.nan) for item in columns]
        matrix = np.array(cells_of, dtype=np.float64).reshape(len(columns), len(seq)).T
        parts.append((segment, columns, seq, matrix))
        told = zip(np.asarray(rows["time_s"]).tolist(), np.asarray(rows["count"]).tolist(), strict=True)
        lead.update(zip(seq.tolist(), told, strict=True))
    if not lead:
        return None
    order = sorted(lead)
    ids = sorted({item.id for _, columns, *_ in parts for item in columns})
    place = {number: at for at, number in enumerate(ids)}
    statistics: dict[str, npt.NDArray[np.float64]] = {}
    whole = np.array(order, dtype=np.int64)
    for segment, columns, seq, values in parts:
        whole_of = statistics.setdefault(segment.stat, np.full((len(order), len(ids)), np.nan))
        at = np.searchsorted(whole, seq)
        for number, item in enumerate(columns):
            whole_of[at, place[item.id]] = values[:, number]
    times = np.array([lead[seq] for seq in order], dtype=np.int64)
    return Block([known[number].column() for number in ids], whole, times[:, 0], times[:, 1], statistics)


def _together(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    """Files of the same steps, in order."""
    found: list[Segment] = []
    last = -1
    for item in sorted(segments, key=lambda item: (item.first_seq, item.file)):
        if found and item.first_seq > last:
            yield found
            found = []
        found.append(item)
        last = max(last, item.last_seq)
    if found:
        yield found
