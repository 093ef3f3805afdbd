"""Sealing: complete hours of the journal become segments.

Each hour is one commit: its files are written beside, and one new manifest makes all of them visible. A sealer
that is killed leaves files that no manifest names; the next one removes them and seals the same ticks again.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np

from wftui import __version__
from wftui.errors import StoreError
from wftui.store import journal, manifest, narrow, rollup, segments
from wftui.store.journal import Database
from wftui.store.manifest import Manifest, SegmentsDamagedError
from wftui.store.pieces import Hour, Piece, pieces
from wftui.store.read import Reader
from wftui.store.rollup import Level, Places, Ticks
from wftui.store.segments import Batch, Flags, Label, Shelf, whole, wide

LOCK: Final = "seal.lock"
_CELLS: Final = 200_000
"""Values in a batch on its way into a raw file: 1.6 MB, of which there are six copies for a moment."""
_LEAD: Final = ("seq", "time_s", "boottime_ns", "boot")
_KINDS: Final = {rollup.COARSE_S: manifest.R300, rollup.FINE_S: manifest.R10}
Parts = dict[tuple[str, int], Places]
"""Group and part to the rows of the matrices that are in one wide file."""
_STEP_LEAD: Final = ("seq", "time_s", "count")


class SealRunningError(StoreError):
    """Another process seals, merges or removes segments now; it does what is to be done."""


class Outcome(NamedTuple):
    """What a seal did."""

    pieces: int
    """Hours, or parts of one between two steps of the clock."""
    ticks: int
    files: int
    size: int
    """Bytes (By) of them."""
    damaged: int
    """Ticks, table changes and bursts left out because their checksum did not fit."""
    sealed_seq: int
    removed: int
    """Files that a killed sealer had left."""


@contextmanager
def lock(data_dir: Path) -> Iterator[None]:
    """Hold the segments for writing.

    Raises:
        SealRunningError: Somebody else does.
        StoreError: The folder cannot be used.
    """
    folder = data_dir / manifest.FOLDER
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(folder / LOCK, flags, 0o600)
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror or error}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise SealRunningError(f"{folder}: another process writes the segments") from error
            raise StoreError(f"{folder}: cannot lock: {error.strerror}") from error
        yield
    finally:
        os.close(descriptor)


def run(data_dir: Path, now_ns: int, *, everything: bool = False) -> Outcome:
    """Seal all complete hours in the journal. The caller holds ``lock``.

    Args:
        data_dir: Holds the journal.
        now_ns: UTC, noted in the manifest.
        everything: The hour that is not over, too.

    Raises:
        StoreError: It could not be done (disk full, journal or manifest damaged); what was committed before
            stays, the rest is sealed next time.
    """
    try:
        made, removed = _begin(data_dir)
        database = journal.open_reader(data_dir / journal.NAME)
        try:
            return _seal(data_dir, database, made, now_ns, everything)._replace(removed=removed)
        finally:
            database.close()
    except OSError as error:
        raise StoreError(f"{data_dir / manifest.FOLDER}: cannot seal: {error.strerror or error}") from error


def _begin(data_dir: Path) -> tuple[Manifest, int]:
    """The manifest, and how many leftovers were removed.

    Before the first file there is a manifest, so that its absence beside files means that it was lost: then no
    file is anybody's leftover.
    """
    folder = data_dir / manifest.FOLDER
    made = manifest.load(data_dir)
    if not (folder / manifest.NAME).exists():
        if any(path.suffix == segments.SUFFIX for path in segments.leftovers(data_dir, made)):
            raise SegmentsDamagedError(
                f"{folder / manifest.NAME}: missing beside segments; wftop doctor --rebuild makes it anew"
            )
        folder.mkdir(mode=0o700, exist_ok=True)
        manifest.save(data_dir, made)
    left = segments.leftovers(data_dir, made)
    for path in left:
        path.unlink(missing_ok=True)
    return made, len(left)


def _seal(data_dir: Path, database: Database, made: Manifest, now_ns: int, everything: bool) -> Outcome:
    reader = Reader(database)
    begun = {item.first_seq for item in made.segments if item.kind == manifest.RAW}
    found = pieces(database, made.sealed_seq, everything, begun)
    outcome = Outcome(0, 0, 0, 0, 0, made.sealed_seq, 0)
    for place, piece in enumerate(found):
        shelf = Shelf(data_dir)
        try:
            made, damaged = _seal_piece(database, reader, shelf, made, piece)
            if place == len(found) - 1:
                made = narrow.events(database, shelf, made)
            added = tuple(shelf.added)
            made = msgspec.structs.replace(
                made, program=__version__, sealed_ns=now_ns, segments=(*made.segments, *added)
            )
            shelf.commit(made)
        finally:
            shelf.discard()
        outcome = Outcome(
            outcome.pieces + 1,
            outcome.ticks + piece.ticks - damaged[0],
            outcome.files + len(added),
            outcome.size + sum(item.size for item in added),
            outcome.damaged + sum(damaged),
            piece.last_seq,
            0,
        )
    return outcome


def _seal_piece(
    database: Database, reader: Reader, shelf: Shelf, made: Manifest, piece: Piece
) -> tuple[Manifest, tuple[int, int]]:
    """Write the files of one piece; the manifest with all but them, and how many ticks and others are damaged."""
    boots = dict(database.rows("SELECT boot_id, id FROM boot"))
    made = msgspec.structs.replace(made, sealed_seq=piece.last_seq, boots=made.boots | boots)
    hour = Hour(database, reader, piece)
    made, stored = manifest.with_columns(made, hour.wanted())
    hour.number(stored)
    rolled = _Rolled(hour)
    if not rolled.ticks:
        return made, (len(hour.damaged), 0)
    columns = tuple(hour.end.get(item.id, item) for item in made.columns)
    made = msgspec.structs.replace(made, columns=columns)
    label = Label("", "", "", piece.first_seq, piece.last_seq, rolled.since_s, rolled.until_s, 0, made.boots)
    # Raw files last: where they are, everything is.
    others = narrow.tables(database, shelf, label, piece.after_seq)
    made, more = narrow.bursts(database, shelf, label, piece.after_seq, made)
    parts = _parts(hour)
    for level in rolled.levels:
        _put_level(hour, shelf, label, level, parts)
    rolled.levels.clear()
    for (group, part), places in parts.items():
        raw = msgspec.structs.replace(label, kind=manifest.RAW, group=group, part=part)
        _put_raw(hour, shelf, raw, places, rolled.whole)
    return made, (len(hour.damaged), others + more)


def _put_level(hour: Hour, shelf: Shelf, label: Label, level: Level, parts: Parts) -> None:
    lead = level.lead()
    since_s, until_s = int(lead[1].min()), int(lead[1].max()) + level.step_s
    kind = _KINDS[level.step_s]
    for (group, part), wanted in parts.items():
        for stat, places, values in level.take(wanted):
            columns = [hour.begin[hour.columns[place].id] for place in places]
            names = [*_STEP_LEAD, *(item.name for item in columns)]
            types = "f" * len(columns) if stat == manifest.MEAN else _letters(whole(values))
            source = wide(names, len(_STEP_LEAD), types, [Batch(lead, values)].copy)
            named = Label(kind, group, stat, label.first_seq, label.last_seq, since_s, until_s, part, label.boots)
            shelf.put(named, "FROM source", source, columns)


def _parts(hour: Hour) -> Parts:
    """Group and part to places in the matrix, for a file each; series that no good tick has are left out."""
    found: dict[tuple[str, int], list[int]] = {}
    for place, item in enumerate(hour.columns):
        known = hour.end.get(item.id)
        if known is not None:
            found.setdefault((known.group, item.id // manifest.PART), []).append(place)
    return {key: np.array(places, dtype=np.intp) for key, places in sorted(found.items())}


class _Rolled:
    """The first pass over a piece: rollups, and which series are whole numbers."""

    def __init__(self, hour: Hour) -> None:
        self.ticks = 0
        self.since_s = self.until_s = 0
        self.whole: Flags = np.ones(len(hour.columns), dtype=np.bool_)
        self.levels = [Level(step_s, hour.columns) for step_s in _KINDS]
        coarse, fine = self.levels
        counters = np.flatnonzero([item.kind == "counter" for item in hour.columns])
        before = hour.before(2)
        for batch in hour.batches():
            low, high = int(batch.time_s.min()), int(batch.time_s.max()) + 1
            self.since_s = min(self.since_s, low) if self.ticks else low
            self.until_s = max(self.until_s, high) if self.ticks else high
            self.ticks += len(batch.seq)
            self.whole &= whole(batch.values)
            readings = batch.values
            if len(counters):
                readings = readings.copy()
                joined = _with(before, batch, counters)
                readings[counters] = rollup.rates(joined.values, rollup.follows(joined))[:, -len(batch.seq) :]
                before = joined.tail(2)
            steps = rollup.fine(batch, readings)
            fine.add(steps)
            coarse.add(rollup.coarse(steps))


def _with(before: Ticks | None, batch: Ticks, counters: Places) -> Ticks:
    """A batch's counters behind those of the ticks before it."""
    own = batch._replace(values=batch.values[counters])
    if before is None:
        return own
    if len(before.values) != len(counters):
        before = before._replace(values=before.values[counters])
    lead = [np.concatenate(pair) for pair in zip(before.lead(), own.lead(), strict=True)]
    return Ticks.of(lead, np.concatenate((before.values, own.values), axis=1))


def _letters(is_whole: Flags) -> str:
    return "".join("q" if item else "d" for item in is_whole.tolist())


def _put_raw(hour: Hour, shelf: Shelf, label: Label, places: Places, is_whole: Flags) -> None:
    columns = [hour.begin[hour.columns[place].id] for place in places]
    types = _letters(is_whole[places])
    every = len(places) == len(hour.columns)
    limit = max(32, _CELLS // len(hour.columns))

    def batches() -> Iterator[Batch]:
        for ticks in hour.batches(limit):
            yield Batch(ticks.lead(), ticks.values if every else ticks.values[places])

    ids = {item.id for item in columns}
    changes = [change for change in hour.changes if change[1] in ids]
    extra = {"wftop.provenance": msgspec.json.encode(changes).decode()}
    names = [*_LEAD, *(item.name for item in columns)]
    source = wide(names, len(_LEAD), types, batches)
    shelf.put(
        label,
        "FROM source",
        source,
        columns,
        extra,
        dictionary=max(32, int(hour.piece.ticks * segments.DICTIONARY)),
    )
