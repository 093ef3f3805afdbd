"""Everything in a data dir, looked at byte by byte: for `wftop doctor --store`."""

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from wftui.errors import StoreError
from wftui.store import aside, database, derived, manifest, retention, segments
from wftui.store.database import Database, StoreDamagedError
from wftui.store.manifest import Manifest, Segment
from wftui.store.read import Reader
from wftui.store.seal import lock

_BATCH: Final = 256


class Damage(NamedTuple):
    """A segment that is not what was written."""

    segment: Segment
    what: str
    """What is wrong with it, with its path."""


class Journal(NamedTuple):
    """What the journal is like."""

    ticks: int
    """Sound ones."""
    damaged: int
    """Ticks, layouts, table changes and bursts whose checksum does not fit."""
    what: str
    """What SQLite finds wrong; empty: nothing."""
    first_s: int | None
    """UTC second of the oldest tick; None: there is none."""


class Level(NamedTuple):
    """Segments of one kind."""

    files: int
    size: int
    """Bytes (By)."""
    since_s: int
    """UTC second of the oldest row."""
    ticks: int
    """From the oldest row's tick to the newest tick: its age in recorded seconds."""


def damages(data_dir: Path, made: Manifest, only: Sequence[Segment] | None = None) -> list[Damage]:
    """Read every segment, compare its checksums; those that are missing are damaged, too."""
    found = []
    for item in made.segments if only is None else only:
        what = segments.verify(data_dir, item)
        if what:
            found.append(Damage(item, what))
    return found


def set_aside(data_dir: Path, bad: Sequence[Damage], now_ns: int) -> list[Path]:
    """Rename damaged segments aside and take them out of the manifest.

    Returns:
        Their new names; a file that was missing or merged meanwhile has none.

    Raises:
        StoreError: Another process writes the segments, or the manifest cannot be read.
        OSError: It cannot be written; nothing was renamed then.
    """
    with lock(data_dir):
        return set_aside_locked(data_dir, bad, now_ns)


def set_aside_locked(data_dir: Path, bad: Sequence[Damage], now_ns: int) -> list[Path]:
    """As ``set_aside``, by who holds the lock."""
    folder = data_dir / manifest.FOLDER
    made = manifest.load(data_dir)
    named = {item.file: item for item in made.segments}
    # Looked at again: a merge may have replaced a file since.
    gone = {
        item.segment.file
        for item in bad
        if named.get(item.segment.file) == item.segment and segments.verify(data_dir, item.segment)
    }
    if not gone:
        return []
    kept = tuple(item for item in made.segments if item.file not in gone)
    # First the manifest: a reader never finds a name without its file for longer than it takes to look again.
    manifest.save(data_dir, msgspec.structs.replace(made, segments=kept, damaged=made.damaged + len(gone)))
    moved = []
    for file in sorted(gone):
        path = folder / file
        target = _free(path, now_ns)
        try:
            path.rename(target)
        except FileNotFoundError:
            continue
        moved.append(target)
    return moved


def share(made: Manifest, turn: int, size: int) -> list[Segment]:
    """The segments whose turn it is: together at most ``size`` bytes, or one; all of them in so many turns."""
    turns: list[list[Segment]] = [[]]
    used = 0
    for item in made.segments:
        if used + item.size > size and turns[-1]:
            turns.append([])
            used = 0
        turns[-1].append(item)
        used += item.size
    return turns[turn % len(turns)]


def _free(path: Path, now_ns: int) -> Path:
    wanted = path.with_name(f"{path.name}{segments.ASIDE}-{now_ns // 1_000_000_000}")
    target, number = wanted, 0
    while target.exists():
        number += 1
        target = wanted.with_name(f"{wanted.name}-{number}")
    return target


def look_at_journal(data_dir: Path) -> Journal | None:
    """Check the journal's file and the checksum of everything in it; None: there is none.

    Raises:
        StoreError: It cannot be opened.
    """
    path = data_dir / aside.NAME
    if not path.exists():
        return None
    journal = database.open_reader(path)
    try:
        what = journal.check()
        reader = Reader(journal)
        ((first, last),) = journal.rows("SELECT coalesce(min(seq), 0), coalesce(max(seq), -1) FROM tick")
        ticks = 0
        first_s = None
        for tick in reader.sequence(first, last):
            reader.layout(tick.layout)
            if first_s is None:
                first_s = tick.time_s
            ticks += 1
        return Journal(ticks, reader.damaged + _damaged_rows(journal), what, first_s)
    except StoreDamagedError as error:
        return Journal(0, 0, str(error), None)
    finally:
        journal.close()


def _damaged_rows(journal: Database) -> int:
    bad: int = sum(zlib.crc32(body) != crc for crc, body in journal.rows("SELECT crc32, body FROM table_change"))
    if next(journal.rows("PRAGMA user_version"))[0] >= 2:
        bursts = journal.rows('SELECT crc32, time_ns, "values" FROM burst')
        bad += sum(zlib.crc32(values, zlib.crc32(times)) != crc for crc, times, values in bursts)
    return bad


def levels(made: Manifest) -> dict[str, Level]:
    """Kind to what there is of it, coarsest last."""
    newest = max((item.last_seq for item in made.segments if item.kind != manifest.EVENT), default=0)
    found = {}
    for kind in (manifest.RAW, manifest.R10, manifest.R300, manifest.TABLE, manifest.BURST, manifest.EVENT):
        items = made.of(kind)
        if items:
            # Events have numbers of their own.
            age = 0 if kind == manifest.EVENT else newest - min(item.first_seq for item in items) + 1
            found[kind] = Level(
                len(items), sum(item.size for item in items), min(item.since_s for item in items), age
            )
    return found


def leftovers(data_dir: Path, made: Manifest) -> list[Path]:
    """Files of a sealer that was killed; the next one removes them."""
    return segments.leftovers(data_dir, made)


def total_size(data_dir: Path, made: Manifest) -> int:
    """Bytes (By) that count in the cap."""
    return sum(retention.other_files(data_dir).values()) + sum(item.size for item in made.segments)


def reach(data_dir: Path) -> "derived.Reach | StoreError | None":
    """What history.duckdb says, why it cannot be read, or that there is none."""
    try:
        return derived.reach(data_dir)
    except StoreError as error:
        return error
