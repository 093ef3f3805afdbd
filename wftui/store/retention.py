"""What goes when it is old, and what goes first when there is too much. All of it is ``unlink``.

Age is counted in recorded ticks, never by the wall clock: a clock that jumps to 2106 deletes nothing, and a
machine that was off for a month has lost nothing when it comes back.

Too old:   raw after ``raw_s``, tables and bursts after ``tables_s``, 10 s after ``fine_s``, 5 min and events after
           ``coarse_s``.
Too much:  tables and bursts beyond ``tables_share`` of the cap, the oldest first. Then, until all is a twentieth
           under the cap: files set aside, raw, 10 s, tables and bursts, 5 min and events, the oldest of each
           first. In a first round each level keeps ``FLOORS_S``, so that a year of 5 min does not push out the
           raw ticks of this morning; a second round spares only the newest hour, which never goes.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from wftui.store import manifest
from wftui.store.manifest import BURST, EVENT, FOLDER, R10, R300, RAW, TABLE, Manifest, Segment

HOUR_S: Final = 3600
DAY_S: Final = 24 * HOUR_S
FLOORS_S: Final = {RAW: DAY_S, R10: 3 * DAY_S, TABLE: DAY_S, BURST: DAY_S, R300: 30 * DAY_S, EVENT: 30 * DAY_S}
"""What a level keeps in the first round, in recorded seconds."""
HEADROOM: Final = 0.05
"""Share of the cap that a seal leaves free: journal and history.duckdb grow until the next one."""
ASIDE: Final = "*.damaged*"
DERIVED: Final = "history.duckdb"
_ORDER: Final = ((RAW,), (R10,), (TABLE, BURST), (R300, EVENT))


class Caps(msgspec.Struct, frozen=True):
    """How long and how much. Seconds are recorded ones, bytes those of files."""

    raw_s: int = 48 * HOUR_S
    tables_s: int = 14 * DAY_S
    """Of tables and bursts. Past the raw ticks they still tell which process it was."""
    fine_s: int = 14 * DAY_S
    """Of the 10 s level."""
    coarse_s: int = 400 * DAY_S
    """Of the 5 min level and of events."""
    tables_share: float = 0.3
    """Part of ``max_bytes`` that tables and bursts may take."""
    max_bytes: int = 1 << 30
    """Of everything: journal, segments, history.duckdb, files set aside."""
    min_free_bytes: int = 500_000_000
    """That stay free on the file system; below it nothing is sealed."""

    @property
    def usable(self) -> int:
        """Bytes that all may take when a seal is over."""
        return int(self.max_bytes * (1 - HEADROOM))

    def seconds(self, kind: str) -> int:
        """How long segments of a kind are kept."""
        return {RAW: self.raw_s, R10: self.fine_s, TABLE: self.tables_s, BURST: self.tables_s}.get(
            kind, self.coarse_s
        )


class Removed(NamedTuple):
    """What a run of ``apply`` took away."""

    segments: int = 0
    aside: int = 0
    """Files that had been set aside."""
    bytes: int = 0


def plan(found: Manifest, caps: Caps, newest_seq: int, other_bytes: int, passing_bytes: int = 0) -> list[Segment]:
    """What has to go, in the order in which it goes.

    Args:
        found: The segments.
        caps: How long and how much.
        newest_seq: Of the newest tick, sealed or not.
        other_bytes: Of everything that is not a segment but counts in the cap.
        passing_bytes: Of these, what is gone again soon: the WAL after a crash, a file that is being written. No
            5 min step below its floor goes for them: months would be lost for a minute.
    """
    last = _last_ticks(found.segments, newest_seq)
    gone: dict[str, Segment] = {}
    free = [item for item in found.segments if newest_seq - last[item.file] >= HOUR_S]
    free.sort(key=lambda item: (last[item.file], item.first_seq, item.file))

    for item in free:
        if newest_seq - last[item.file] >= caps.seconds(item.kind):
            gone[item.file] = item

    side = (TABLE, BURST)
    allowed = int(caps.max_bytes * caps.tables_share)
    over = sum(item.size for item in found.segments if item.kind in side and item.file not in gone) - allowed
    for item in free:
        if over > 0 and item.kind in side and item.file not in gone:
            gone[item.file] = item
            over -= item.size

    over = other_bytes - caps.usable + sum(item.size for item in found.segments if item.file not in gone)
    for floors in (FLOORS_S, {}):
        for kinds in _ORDER:
            spared = passing_bytes if not floors and R300 in kinds else 0
            for item in free:
                if over <= spared:
                    break
                age = newest_seq - last[item.file]
                if item.kind in kinds and item.file not in gone and age >= floors.get(item.kind, HOUR_S):
                    gone[item.file] = item
                    over -= item.size
    return list(gone.values())


def _last_ticks(segments: Sequence[Segment], newest_seq: int) -> dict[str, int]:
    """File to the last tick that belongs to it.

    Segments of events are numbered by events. Theirs is the last tick of the ticks' segments that cover the same
    time; what is older than all of these is older than the first of them by as much as the clocks say.
    """
    ticks = [item for item in segments if item.kind != EVENT]
    first = min(ticks, key=lambda item: item.first_seq, default=None)
    earliest_s = min((item.since_s for item in ticks), default=0)
    found = {item.file: item.last_seq for item in ticks}
    for item in segments:
        if item.kind != EVENT:
            continue
        same = [other.last_seq for other in ticks if other.since_s < item.until_s and item.since_s < other.until_s]
        if same:
            found[item.file] = max(same)
        elif first is not None and item.until_s <= earliest_s:
            found[item.file] = first.first_seq - (earliest_s - item.until_s) - 1
        else:
            found[item.file] = newest_seq  # in a gap, or nothing tells: it stays
    return found


def apply(data_dir: Path, caps: Caps, newest_seq: int) -> Removed:
    """Take away what ``plan`` says, and files set aside while all is over the cap; under the seal's lock.

    The manifest is saved without them first: a reader with an older one finds a file gone and lists again.

    Raises:
        StoreError: The manifest cannot be read.
        OSError: It cannot be written; nothing was removed then.
    """
    found = manifest.load(data_dir)
    others = other_files(data_dir)
    total = sum(others.values()) + sum(item.size for item in found.segments)
    aside_bytes, aside = _unlink_aside(data_dir, others, total - caps.usable)
    passing = sum(size for path, size in others.items() if path.name.endswith(("-wal", "-shm", ".tmp")))
    gone = plan(found, caps, newest_seq, sum(others.values()) - aside_bytes, passing)
    if gone:
        files = {item.file for item in gone}
        kept = tuple(item for item in found.segments if item.file not in files)
        manifest.save(data_dir, msgspec.structs.replace(found, segments=kept, columns=_needed(found, kept)))
    removed = 0
    for item in gone:
        try:
            (data_dir / FOLDER / item.file).unlink()
        except FileNotFoundError:
            continue
        except OSError:
            continue  # no longer named: the next seal removes it with other leftovers
        removed += item.size
    return Removed(len(gone), aside, removed + aside_bytes)


def _needed(found: Manifest, kept: Iterable[Segment]) -> tuple[manifest.StoredColumn, ...]:
    """Series that a segment still holds: interfaces and mounts that come once would stay for ever."""
    texts = {item.columns for item in kept}
    ids = {number for text in texts for number in manifest.numbers(text)}
    return tuple(item for item in found.columns if item.id in ids)


def _unlink_aside(data_dir: Path, others: dict[Path, int], over: int) -> tuple[int, int]:
    """Remove the oldest files that were set aside until ``over`` bytes are gone; bytes and number of them."""
    removed = count = 0
    for path in sorted(aside_files(data_dir), key=lambda path: (_mtime_ns(path), path.name)):
        if removed >= over:
            break
        try:
            path.unlink()
        except OSError:
            continue
        removed += others.get(path, 0)
        count += 1
    return removed, count


def aside_files(data_dir: Path) -> list[Path]:
    """Damaged journals, manifests and segments that were renamed aside."""
    return [*data_dir.glob(ASIDE), *(data_dir / FOLDER).rglob(ASIDE)]


def other_files(data_dir: Path) -> dict[Path, int]:
    """Files that count in the cap without being segments, and their bytes (By)."""
    files = [*data_dir.glob("journal.db*"), *data_dir.glob(f"{DERIVED}*"), *aside_files(data_dir)]
    files.append(data_dir / FOLDER / manifest.NAME)
    return {path: _size(path) for path in files}


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _mtime_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
