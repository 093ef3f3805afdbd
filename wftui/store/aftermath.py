"""What an archive keeps that no screen asks for by itself: full-rate bursts, sessions and boots."""

import zlib
from array import array
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from wftui.clock import NS_PER_S
from wftui.errors import StoreError
from wftui.model.sample import Column
from wftui.model.series import parse
from wftui.store import little, manifest
from wftui.store.archive import Archive
from wftui.store.entries import Burst
from wftui.store.sql import text


class Session(NamedTuple):
    """One recorder's."""

    program: str
    """Version of its wftop."""
    boot: int
    boot_id: str
    started_ns: int
    ended_ns: int | None
    """None: it runs, or ended without a word."""


def sessions(archive: Archive) -> list[Session]:
    """All that the journal knows, in order; none without a journal.

    Raises:
        StoreError: It cannot be read.
    """
    if archive.journal is None:
        return []
    rows = archive.journal.database.rows(
        "SELECT s.program, s.boot, b.boot_id, s.started_ns, s.ended_ns"
        " FROM session s JOIN boot b ON b.id = s.boot ORDER BY s.id"
    )
    return [Session(*row) for row in rows]


def boots(archive: Archive) -> dict[int, str]:
    """Number of a boot to its id, as far as journal and segments know."""
    found = {number: boot_id for boot_id, number in archive.sealed.manifest.boots.items()}
    if archive.journal is not None:
        found |= dict(archive.journal.database.rows("SELECT id, boot_id FROM boot"))
    return found


def bursts(archive: Archive, since_ns: int, until_ns: int) -> Iterator[Burst]:
    """Bursts that begin in [since, until), those of the journal last; damaged ones are left out and counted.

    Of sealed ones the tick is not known any more: it is 0.

    Raises:
        StoreError: Segments or journal cannot be read.
    """
    limit = archive.boundary()
    files = [
        item
        for item in archive.sealed.manifest.of(manifest.BURST)
        if item.first_seq < limit and item.since_s * NS_PER_S < until_ns and item.until_s * NS_PER_S > since_ns
    ]
    known = {item.series: item.column() for item in archive.sealed.manifest.columns} if files else {}
    for item in files:
        yield from archive.again(lambda item=item: _sealed(archive, item, known, since_ns, until_ns))  # type: ignore[misc]  # mypy does not type a lambda's default
    if archive.journal is None:
        return
    for tick, event, number, times, values, crc in archive.journal.database.rows(
        'SELECT tick, event, series_column, time_ns, "values", crc32 FROM burst WHERE tick >= ? ORDER BY id',
        (limit,),
    ):
        column = archive.journal.column(number)
        if column is None or zlib.crc32(values, zlib.crc32(times)) != crc or len(times) != len(values):
            archive.journal.damaged += 1
            continue
        burst = Burst(tick, event, column, little.unpack("q", times), little.unpack("d", values))
        if burst.time_ns and since_ns <= burst.time_ns[0] < until_ns:
            yield burst


def _sealed(
    archive: Archive, segment: manifest.Segment, known: dict[str, Column], since_ns: int, until_ns: int
) -> list[Burst]:
    if not archive.sealed.whole([segment]):
        return []
    rows = archive.sealed.rows(
        f"SELECT event, series, time_ns, value FROM read_parquet({text(str(archive.sealed.path(segment)))})"  # noqa: S608  quoted
        " ORDER BY event, series, time_ns",
        [segment],
    )
    found = []
    for (event, series), group in groupby(rows, key=lambda row: (row[0], row[1])):
        samples = list(group)
        times = array("q", [row[2] for row in samples])
        values = array("d", [float("nan") if row[3] is None else row[3] for row in samples])
        column = known.get(series)
        if column is None:
            raise StoreError(f"{segment.file}: a burst of {parse(series).name}, which no manifest knows")
        if since_ns <= times[0] < until_ns:
            found.append(Burst(0, event, column, times, values))
    return found
