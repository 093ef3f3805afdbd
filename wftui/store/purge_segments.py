"""Deleting for good out of the segments: whole files, or files written anew without what is to go.

As any change of segments: new files first, then one manifest that names them, then the old files go. A purge that
is killed has deleted what it said so far, and nothing else is lost; the next one goes on.
"""

import shutil
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb
import msgspec

from wftui.errors import StoreError
from wftui.store import derived, manifest, narrow, retention, segments
from wftui.store.duck import connect
from wftui.store.manifest import Manifest, Segment, StoredColumn
from wftui.store.purge import Wanted
from wftui.store.segments import Label, Shelf
from wftui.store.sql import name, text
from wftui.units import NS_PER_S

_COMMIT: Final = 32 << 20
"""Bytes written before the old files are given up."""
_MEMORY_MB: Final = 128
_labels: Final = msgspec.json.Decoder(Label)
_changes: Final = msgspec.json.Decoder(list[tuple[int, int, str, str, str]])


class Plan(NamedTuple):
    """What a purge does to the segments."""

    gone: list[Segment]
    rewritten: list[Segment]
    series: list[StoredColumn]
    """Those that patterns name."""

    @property
    def size(self) -> int:
        """Bytes (By) of what goes whole."""
        return sum(item.size for item in self.gone)


class Rewritten(Label, frozen=True):
    """A file that replaces one of the same ticks: it needs a name of its own until that one is gone."""

    number: int = 1

    def file(self) -> str:
        """Path under the folder of segments."""
        folder, _, file = super().file().rpartition("/")
        group, _, rest = file.partition("-")
        return f"{folder}/{group}~{self.number}-{rest}"


def plan(made: Manifest, wanted: Wanted) -> Plan:
    """Look at a manifest only; of events those are in ``rewritten`` that may have to be."""
    series = [item for item in made.columns if wanted.patterns and wanted.names(item.series)]
    if wanted.everything:
        return Plan(list(made.segments), [], [])
    ids = {item.id for item in series}
    found = Plan([], [], series)
    for item in made.segments:
        old = item.until_s if wanted.before_s is None else min(item.until_s, wanted.before_s)
        whole = old >= item.until_s
        if old <= item.since_s:
            continue
        if wanted.patterns:
            if item.kind == manifest.EVENT:
                found.rewritten.append(item)
                continue
            held = set(manifest.numbers(item.columns))
            if ids.isdisjoint(held):
                continue
            whole = whole and held <= ids
        (found.gone if whole else found.rewritten).append(item)
    return found


def purge_segments(data_dir: Path, wanted: Wanted, now_ns: int) -> Plan:
    """Delete; the caller holds ``seal.lock``. Return what was done.

    Raises:
        StoreError: It was not done, or only in part: segments are whole files, so ask again.
    """
    try:
        made = manifest.load(data_dir)
        todo = plan(made, wanted)
        rewritten: list[Segment] = []
        starts = _starts(data_dir, made, wanted, todo.rewritten)
        made = _without(data_dir, made, todo.gone, ())
        while len(rewritten) < len(todo.rewritten):
            made, done = _rewrite(data_dir, made, wanted, todo, starts, todo.rewritten[len(rewritten) :])
            rewritten += done
        kept = {number for item in made.segments for number in manifest.numbers(item.columns)}
        columns = tuple(item for item in made.columns if item.id in kept)
        if columns != made.columns:
            manifest.save(data_dir, msgspec.structs.replace(made, columns=columns))
        _others(data_dir, wanted)
        if (data_dir / retention.DERIVED).exists():
            for path in data_dir.glob(f"{retention.DERIVED}*"):
                path.unlink(missing_ok=True)
            derived.refresh(data_dir, now_ns)
    except OSError as error:
        raise StoreError(f"{data_dir / manifest.FOLDER}: cannot purge: {error.strerror or error}") from error
    return todo


def _starts(data_dir: Path, made: Manifest, wanted: Wanted, items: list[Segment]) -> dict[str, int]:
    """By file of a table: the first tick that stays. It tells what changed, not when ticks were."""
    found: dict[str, int] = {}
    tables = [item for item in items if item.kind == manifest.TABLE and not wanted.patterns]
    if not tables:
        return found
    with closing(connect([data_dir / manifest.FOLDER], memory_mb=_MEMORY_MB)) as connection:
        for item in tables:
            for other in (other for kind in manifest.LEVELS for other in made.of(kind)):
                overlaps = other.first_seq <= item.last_seq and item.first_seq <= other.last_seq
                if not overlaps or other.until_s <= (wanted.before_s or 0) or segments.verify(data_dir, other):
                    continue
                file = text(str(data_dir / manifest.FOLDER / other.file))
                sql = f"FROM read_parquet({file}) SELECT min(seq) WHERE time_s >= ? AND seq BETWEEN ? AND ?"
                limits = (wanted.before_s, item.first_seq, item.last_seq)
                (seq,) = connection.execute(sql, limits).fetchone() or (None,)
                if seq is not None:
                    found[item.file] = seq
                    break
    return found


def _without(data_dir: Path, made: Manifest, gone: Iterable[Segment], added: Iterable[Segment]) -> Manifest:
    """Commit that some segments are gone, others there; then remove the files."""
    names = {item.file for item in gone}
    added = list(added)
    if not names and not added:
        return made
    kept = tuple(item for item in made.segments if item.file not in names)
    made = msgspec.structs.replace(made, segments=(*kept, *added))
    manifest.save(data_dir, made)
    for file in names:
        (data_dir / manifest.FOLDER / file).unlink(missing_ok=True)
    return made


def _others(data_dir: Path, wanted: Wanted) -> None:
    """Leftovers of a killed sealer, and what was set aside: nobody can search it, so age decides."""
    for path in segments.leftovers(data_dir, manifest.load(data_dir)):
        path.unlink(missing_ok=True)
    aside = [*retention.aside_files(data_dir), *data_dir.glob("replaced-*")]
    for path in aside:
        old = wanted.before_s is not None and path.stat().st_mtime < wanted.before_s
        if wanted.everything or (old and not wanted.patterns):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def left_aside(data_dir: Path) -> list[Path]:
    """What a purge by series cannot look into, and may hold them still."""
    return sorted([*retention.aside_files(data_dir), *data_dir.glob("replaced-*")])


def _rewrite(
    data_dir: Path, made: Manifest, wanted: Wanted, todo: Plan, starts: dict[str, int], items: list[Segment]
) -> tuple[Manifest, list[Segment]]:
    """Write segments anew until a commit is large enough; the manifest then, and which ones."""
    # DuckDB gives memory back to nobody: a database for each commit.
    connection = connect([data_dir / manifest.FOLDER], memory_mb=_MEMORY_MB, ordered=True)
    shelf = Shelf(data_dir)
    done: list[Segment] = []
    gone: list[Segment] = []
    try:
        for item in items:
            done.append(item)
            # A damaged file is shown to nobody, but may hold what is to go.
            anew = _Anew(data_dir, connection, item, wanted, todo.series, starts.get(item.file))
            if segments.verify(data_dir, item) or anew.put(shelf):
                gone.append(item)
            if sum(part.size for part in shelf.added) > _COMMIT:
                break
        for folder in {(data_dir / manifest.FOLDER / item.file).parent for item in shelf.added}:
            manifest.sync_folder(folder)
        made = _without(data_dir, made, gone, shelf.added)
        shelf.added.clear()
    finally:
        shelf.discard()
        connection.close()
    return made, done


class _Anew:
    """One segment to be written anew."""

    def __init__(
        self,
        data_dir: Path,
        connection: duckdb.DuckDBPyConnection,
        item: Segment,
        wanted: Wanted,
        series: list[StoredColumn],
        start: int | None,
    ) -> None:
        """``start``: number of the first tick that stays, where it is known."""
        self._path = data_dir / manifest.FOLDER / item.file
        self._folder = data_dir / manifest.FOLDER
        self._connection = connection
        self._item = item
        self._wanted = wanted
        self._ids = {column.id for column in series}
        self._series = series
        self._start = start
        self._from = f"read_parquet({text(str(self._path))})"

    def put(self, shelf: Shelf) -> bool:
        """Write it; False: nothing of it was to go."""
        item, wanted = self._item, self._wanted
        known = segments.metadata(self._connection, self._path)
        columns = manifest.unpacked(known["wftop.columns"]) if "wftop.columns" in known else []
        sql = self._wide(columns) if item.kind in manifest.LEVELS else self._narrow()
        if sql is None:
            return False
        if wanted.patterns and wanted.before_s is None:
            columns = [column for column in columns if column.id not in self._ids]
        time, step = ("time_s", manifest.LEVELS[item.kind]) if item.kind in manifest.LEVELS else (
            f"time_ns // {NS_PER_S}", 1,
        )  # fmt: skip
        seq = "seq" if item.kind != manifest.BURST else str(item.first_seq)
        low, since, until, rows = self._one(
            f"FROM ({sql}) SELECT min({seq}), min({time}), max({time}) + {step}, count(*)"
        )
        if not rows:
            return True
        label = _labels.decode(known["wftop.segment"])
        first = max(item.first_seq, low)
        extra = {key: known[key] for key in ("wftop.schema",) if key in known}
        if "wftop.provenance" in known:
            columns, extra["wftop.provenance"] = self._provenance(columns, known["wftop.provenance"], first)
        fields = {field: getattr(label, field) for field in Label.__struct_fields__}
        fields |= {"first_seq": first, "since_s": int(since), "until_s": int(until)}
        number = 1
        while (self._folder / (named := Rewritten(**fields, number=number)).file()).exists():
            number += 1
        wide = item.kind in manifest.LEVELS
        shelf.put(
            named,
            sql,
            columns=columns,
            extra=extra,
            row_group=segments.ROW_GROUP if wide else narrow.ROW_GROUP,
            dictionary=max(32, int(rows * segments.DICTIONARY)) if item.kind == manifest.RAW else None,
        )
        return True

    def _one(self, sql: str) -> tuple[Any, ...]:  # Any: SQL's cells
        return self._connection.execute(sql).fetchone() or ()

    def _wide(self, columns: list[StoredColumn]) -> str:
        before_s = self._wanted.before_s
        if not self._wanted.patterns:
            return f"FROM {self._from} WHERE time_s >= {before_s}"
        going = [name(column.name) for column in columns if column.id in self._ids]
        if before_s is None:
            return f"FROM {self._from} SELECT * EXCLUDE ({', '.join(going)})"
        unknown = [f"CASE WHEN time_s >= {before_s} THEN {column} END AS {column}" for column in going]
        return f"FROM {self._from} SELECT * REPLACE ({', '.join(unknown)})"

    def _narrow(self) -> str | None:
        item, wanted = self._item, self._wanted
        before_ns = None if wanted.before_s is None else wanted.before_s * NS_PER_S
        young = f"time_ns >= {before_ns}"
        if not wanted.patterns:
            return self._table(young) if item.kind == manifest.TABLE else f"FROM {self._from} WHERE {young}"
        if item.kind == manifest.BURST:
            going, column = {other.series for other in self._series}, "series"
        else:
            column = "aggregate_id"
            about = self._connection.execute(
                f"FROM {self._from} SELECT DISTINCT aggregate_id WHERE aggregate_type = 'series'"
            ).fetchall()
            going = {series for (series,) in about if wanted.names(series)}
        if not going:
            return None
        stays = f"{column} NOT IN ({', '.join(map(text, sorted(going)))})"
        if item.kind == manifest.EVENT:
            stays = f"(aggregate_type <> 'series' OR {stays})"
        if before_ns is not None:
            stays = f"({stays} OR {young})"
        return f"FROM {self._from} WHERE {stays}"

    def _table(self, young: str) -> str:
        """Rows since then; what was there before and still is then begins with the first of them."""
        first, time_ns = self._one(f"FROM {self._from} SELECT min(seq), min(time_ns) WHERE {young}")
        known = [seq for seq in (first, self._start) if seq is not None]
        if first is None or self._start is not None:
            first, time_ns = min(known, default=self._item.last_seq), (self._wanted.before_s or 0) * NS_PER_S
        last = "row_number() OVER (PARTITION BY key ORDER BY seq DESC) = 1"
        state = f"FROM {self._from} WHERE NOT ({young}) QUALIFY {last}"
        begun = f"FROM {self._from} SELECT key WHERE ({young}) AND seq = {first}"
        return (
            f"FROM (FROM ({state}) SELECT * REPLACE ({first}::BIGINT AS seq, {time_ns}::BIGINT AS time_ns)"  # noqa: S608  numbers, and a file of ours
            f" WHERE NOT gone AND key NOT IN ({begun})"
            f" UNION ALL FROM {self._from} WHERE {young}) ORDER BY key, seq"
        )

    def _provenance(
        self, columns: list[StoredColumn], known: str, first_seq: int
    ) -> tuple[list[StoredColumn], str]:
        """How each series was known at the new beginning, and the changes after it."""
        at = {column.id: column for column in columns}
        later = []
        for change in _changes.decode(known):
            seq, number, quality, source, call = change
            if number not in at:
                continue
            if seq <= first_seq:
                at[number] = msgspec.structs.replace(at[number], quality=quality, source=source, call=call)
            else:
                later.append(change)
        return list(at.values()), msgspec.json.encode(later).decode()
