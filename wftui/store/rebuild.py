"""A lost or damaged manifest made anew from the segments' own metadata."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import duckdb
import msgspec

from wftui import __version__
from wftui.errors import StoreError
from wftui.store import manifest, segments
from wftui.store.duck import connect
from wftui.store.manifest import Manifest, Segment, SegmentsNewerError, StoredColumn
from wftui.store.segments import Label
from wftui.store.sql import name as quoted
from wftui.store.sql import text

_COLUMNS: Final = 100
"""Looked at in one question."""
_label: Final = msgspec.json.Decoder(Label)


def manifest_from_segments(data_dir: Path) -> Manifest:
    """Read every segment's metadata and write the manifest that they add up to. The caller holds ``seal.lock``.

    Files that cannot be read are renamed aside and counted. Of two files with the same rows (a merge that was cut
    short) the longer one stays, the other is a leftover. What a killed sealer left of an hour counts as far as its
    raw file, which is written last, is there; the journal still has those ticks, and readers take them from there.

    Raises:
        SegmentsNewerError: A newer wftop wrote one of them: nothing is touched.
        StoreError: The folder cannot be read or written.
    """
    folder = data_dir / manifest.FOLDER
    try:
        files = sorted(path for path in folder.rglob(f"*{segments.SUFFIX}") if segments.ASIDE not in path.name)
        found, columns, damaged = _read(folder, files)
        made = _assemble(found, columns, damaged)
        folder.mkdir(mode=0o700, exist_ok=True)
        manifest.save(data_dir, made)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be rebuilt: {error.strerror or error}") from error
    return made


Found = tuple[Segment, Label]


def _read(folder: Path, files: Iterable[Path]) -> tuple[list[Found], list[tuple[int, StoredColumn]], int]:
    """Segments, their series with the last tick of the file that says so, and how many files were set aside."""
    found: list[Found] = []
    columns: list[tuple[int, StoredColumn]] = []
    bad: list[Path] = []
    connection = connect([folder])
    try:
        for path in files:
            try:
                pairs = segments.metadata(connection, path)
                _expect_known(path, int(pairs["wftop.schema_version"]))
                label = _label.decode(pairs["wftop.segment"])
                held = manifest.unpacked(pairs["wftop.columns"]) if "wftop.columns" in pairs else []
                rows = _count(connection, path)
            except SegmentsNewerError:
                raise
            except (StoreError, KeyError, ValueError, msgspec.MsgspecError):
                bad.append(path)
                continue
            columns += [(label.last_seq, item) for item in held]
            found.append((label.segment(str(path.relative_to(folder)), rows, segments.checks(path), held), label))
    finally:
        connection.close()
    for path in bad:
        segments.set_aside(path)
    return found, columns, len(bad)


def _expect_known(path: Path, version: int) -> None:
    if version > manifest.VERSION:
        raise SegmentsNewerError(
            f"{path}: written by a newer wftop (schema {version}, this one knows {manifest.VERSION});"
            " left untouched"
        )


def _count(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Rows of a file, all pages of it decoded: what does not decode is not believed."""
    source = f"read_parquet({text(str(path))})"
    rows = 0
    try:
        names = [row[0] for row in connection.execute(f"DESCRIBE FROM {source}").fetchall()]
        for start in range(0, len(names), _COLUMNS):
            picked = ", ".join(f"max({quoted(name)})" for name in names[start : start + _COLUMNS])
            ((rows, *_),) = connection.execute(f"SELECT count(*), {picked} FROM {source}").fetchall()  # noqa: S608  quoted
        return int(rows)
    except duckdb.Error as error:
        raise StoreError(f"{path}: {str(error).splitlines()[0]}") from error


def _assemble(found: list[Found], columns: list[tuple[int, StoredColumn]], damaged: int) -> Manifest:
    raw = [item.last_seq for item, _ in found if item.kind in manifest.LEVELS]
    complete = [item.last_seq for item, _ in found if item.kind == manifest.RAW]
    # Raw files go after 48 hours; without any, the coarser levels say how far the journal was sealed.
    sealed_seq = max(complete or raw, default=0)
    newest: dict[int, StoredColumn] = {}
    for _, item in sorted(columns, key=lambda pair: pair[0]):
        newest[item.id] = item
    kept = [pair for pair in _distinct(found) if pair[0].kind == manifest.EVENT or pair[0].last_seq <= sealed_seq]
    boots: dict[str, int] = {}
    for _, label in sorted(found, key=lambda pair: pair[0].last_seq):
        boots |= label.boots
    return Manifest(
        program=__version__,
        sealed_seq=sealed_seq,
        sealed_event_seq=max((item.last_seq for item, _ in kept if item.kind == manifest.EVENT), default=0),
        next_id=max(newest, default=-1) + 1,
        boots=boots,
        columns=tuple(newest[number] for number in sorted(newest)),
        segments=tuple(item for item, _ in kept),
        damaged=damaged,
    )


def _distinct(found: list[Found]) -> list[Found]:
    """Without files whose ticks another one has, too."""
    kept: list[Found] = []
    ends: dict[tuple[str, str, str, int], int] = {}
    for item, label in sorted(found, key=lambda pair: (pair[0].first_seq, -pair[0].last_seq, pair[0].file)):
        line = item.kind, item.group, item.stat, label.part
        if item.first_seq > ends.get(line, -1):
            ends[line] = item.last_seq
            kept.append((item, label))
    return kept
