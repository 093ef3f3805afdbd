"""Merges: few long files instead of many short ones, for rollups and events.

Rows of 10 s become one file per day when the day is over. Rows of 5 minutes, and events, are one file per day
that grows with each seal, and one per month when the month is over. A merge is committed like a seal; the files
that went into it are removed afterwards, and by the next seal if that was cut short.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Final

import msgspec

from wftui.errors import StoreError
from wftui.store import manifest, narrow, segments
from wftui.store.manifest import Manifest, Segment
from wftui.store.segments import Label, Shelf
from wftui.store.sql import text

DAY_S: Final = 86_400
_KINDS: Final = (manifest.R300, manifest.EVENT, manifest.R10)
_ROW_GROUP: Final = {manifest.R10: 2048, manifest.R300: 4096, manifest.EVENT: narrow.ROW_GROUP}
"""Rows. A day of 10 s has 8,640: with 4,096 its file is 4 % smaller, but a merge of 500 series takes 14 MB."""
_COMMIT: Final = 32 << 20
"""Bytes written before the old files are given up."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


Run = list[Segment]
"""Files that follow one another: same kind, group, statistic and part, ascending."""


def run(data_dir: Path) -> int:
    """Merge what can be merged; the caller holds ``seal.lock``. Return how many files were taken together.

    A file that is damaged is set aside, and the manifest counts it.

    Raises:
        StoreError: A merge could not be done (disk full); what was committed before stays, as do all files.
    """
    taken = 0
    try:
        made = manifest.load(data_dir)
        while found := _due(made):
            made, count = _merge(data_dir, made, found)
            taken += count
    except OSError as error:
        raise StoreError(f"{data_dir / manifest.FOLDER}: cannot merge: {error.strerror or error}") from error
    return taken


def _due(made: Manifest) -> list[Run]:
    """Runs that should be one file each; a file is in one of them at most. Months come after their days."""
    found: list[Run] = []
    for kind in _KINDS:
        items = made.of(kind)
        for line in _lines(items):
            days = list(_runs(line, _day))
            due = [item for item in days if len(item) > 1 and (kind != manifest.R10 or _over(items, item, _day))]
            if not due and kind != manifest.R10:
                due = [item for item in _runs(line, _month) if len(item) > 1 and _over(items, item, _month)]
            found += due
    return found


def _lines(items: Run) -> Iterator[Run]:
    """Apart what is never merged with one another, each in the order of ticks."""
    apart: dict[tuple[str, str, int], Run] = {}
    for item in items:
        apart.setdefault((item.group, item.stat, segments.part_of(item)), []).append(item)
    yield from apart.values()


def _runs(line: Run, bucket: Callable[[Segment], object]) -> Iterator[Run]:
    """Consecutive files of one day or month. A clock that went back makes another run of the same day."""
    for _, found in groupby(line, bucket):
        yield list(found)


def _day(item: Segment) -> object:
    return item.since_s // DAY_S


def _month(item: Segment) -> object:
    try:
        day = _EPOCH + timedelta(days=item.since_s // DAY_S)
    except OverflowError:  # a clock beyond the year 9999
        return item.since_s // DAY_S // 30
    return day.year, day.month


def _over(items: Run, run: Run, bucket: Callable[[Segment], object]) -> bool:
    """Whether recording has gone on into another day (month): no file of this run is to come."""
    return any(item.first_seq > run[-1].last_seq and bucket(item) != bucket(run[-1]) for item in items)


def _merge(data_dir: Path, made: Manifest, runs: list[Run]) -> tuple[Manifest, int]:
    """Merge runs until a commit is large enough; the new manifest, and how many files went into it."""
    for bad in (item for run in runs for item in run if segments.verify(data_dir, item)):
        # Its rows must not get into a file with a fitting checksum. The run is asked for anew without it.
        return _set_aside(data_dir, made, bad), 0
    shelf = Shelf(data_dir)
    gone: Run = []
    try:
        for run in runs:
            _put(data_dir, made, shelf, run)
            gone += run
            if sum(item.size for item in shelf.added) > _COMMIT:
                break
        names = {item.file for item in gone}
        kept = tuple(item for item in made.segments if item.file not in names)
        made = msgspec.structs.replace(made, segments=(*kept, *shelf.added))
        shelf.commit(made)
    finally:
        shelf.discard()
    for item in gone:
        (data_dir / manifest.FOLDER / item.file).unlink(missing_ok=True)
    return made, len(gone)


def _put(data_dir: Path, made: Manifest, shelf: Shelf, run: Run) -> None:
    first, last = run[0], run[-1]
    label = Label(
        first.kind,
        first.group,
        first.stat,
        first.first_seq,
        last.last_seq,
        min(item.since_s for item in run),
        max(item.until_s for item in run),
        segments.part_of(first),
        made.boots,
    )
    known = made.catalogue()
    ids = sorted({number for item in run for number in manifest.numbers(item.columns)})
    files = ", ".join(text(str(data_dir / manifest.FOLDER / item.file)) for item in run)
    made_of = sum(item.rows for item in run)
    done = shelf.put(
        label,
        f"FROM read_parquet([{files}], union_by_name = true)",
        columns=[known[number] for number in ids],
        row_group=_ROW_GROUP[first.kind],
    )
    if done.rows != made_of:
        raise StoreError(f"{data_dir / manifest.FOLDER / done.file}: {done.rows} rows of {made_of} were merged")


def _set_aside(data_dir: Path, made: Manifest, item: Segment) -> Manifest:
    path = data_dir / manifest.FOLDER / item.file
    if path.exists():
        segments.set_aside(path)
    kept = tuple(other for other in made.segments if other.file != item.file)
    made = msgspec.structs.replace(made, segments=kept, damaged=made.damaged + 1)
    manifest.save(data_dir, made)
    return made
