"""Backups: a consistent copy of a data dir, made while a recorder writes, checked when made and before put back.

A backup is itself a data dir: every command that reads takes it by ``--data-dir``. ``history.duckdb`` is not in
it, it is made from the rest.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from wftui.errors import ConfigError, NoDataError, StoreError
from wftui.model.event import Event, event
from wftui.store import aside, manifest
from wftui.store.database import Database, open_reader
from wftui.store.journal import Journal

NAME: Final = "backup.json"
VERSION: Final = 1
_TRIES: Final = 5
_PART: Final = 1 << 20
# No folder up, no absolute path, nothing hidden: what a backup names is written below the data dir.
_PLAIN: Final = r"[A-Za-z0-9_-][A-Za-z0-9._~-]*"
_SAFE: Final = re.compile(rf"journal\.db|segments(?:/{_PLAIN})+")


class Kept(msgspec.Struct, frozen=True):
    """One file of a backup."""

    file: str
    """Relative to the backup."""
    size: int
    """Bytes (By)."""
    sha256: str


class Contents(msgspec.Struct, frozen=True):
    """What a backup says of itself."""

    version: int
    program: str
    made_ns: int
    """UTC."""
    files: tuple[Kept, ...]


class Done(NamedTuple):
    """What was copied."""

    files: int
    size: int
    """Bytes (By)."""


def backup(data_dir: Path, target: Path, now_ns: int, program: str) -> Done:
    """Copy a data dir to a new folder, whether it is being written or not.

    Args:
        data_dir: What to copy.
        target: The new folder; an empty one is taken too.
        now_ns: UTC.
        program: wftop's version.

    Raises:
        NoDataError: Nothing was recorded there.
        ConfigError: The target is in use or cannot be made.
        StoreError: The data cannot be read, or the copy is not what was written.
    """
    if not (data_dir / aside.NAME).exists() and not manifest.load(data_dir).segments:
        raise NoDataError(f"{data_dir}: nothing was recorded there")
    with _beside(target) as folder:
        kept = []
        # As every reader does: the journal first, then the manifest. What was sealed in between is in both.
        if (data_dir / aside.NAME).exists():
            with _reading(data_dir / aside.NAME) as database:
                database.copy_to(folder / aside.NAME)
            kept.append(_kept(folder, aside.NAME))
        kept += _copy_segments(data_dir, folder)
        contents = Contents(VERSION, program, now_ns, tuple(kept))
        manifest.replace_file(folder / NAME, msgspec.json.format(msgspec.json.encode(contents), indent=1))
        verify(folder)
        for place in sorted({(folder / item.file).parent for item in kept} | {folder}):
            manifest.sync_folder(place)
    return Done(len(kept), sum(item.size for item in kept))


def _copy_segments(data_dir: Path, folder: Path) -> list[Kept]:
    """Copy what a manifest names; when a merge or retention took a file away meanwhile, begin with the new one."""
    for _ in range(_TRIES):
        found = manifest.load(data_dir)
        if not found.segments and not found.sealed_seq:
            return []
        kept = []
        try:
            for item in found.segments:
                kept.append(_copy(data_dir, folder, f"{manifest.FOLDER}/{item.file}"))
                if kept[-1].sha256 != item.sha256:
                    raise StoreError(f"{data_dir / manifest.FOLDER / item.file}: damaged; wftop doctor --store")
        except FileNotFoundError:
            continue
        for path in (folder / manifest.FOLDER).rglob("*"):
            if path.is_file() and path.relative_to(folder).as_posix() not in {item.file for item in kept}:
                path.unlink()  # of a try before
        (folder / manifest.FOLDER).mkdir(mode=0o700, exist_ok=True)
        manifest.save(folder, found)
        return [*kept, _kept(folder, f"{manifest.FOLDER}/{manifest.NAME}")]
    raise StoreError(f"{data_dir}: its segments change faster than they can be copied; try again")


def verify(folder: Path) -> Contents:
    """Check every file of a backup against its checksum, and the journal by SQLite's own check.

    Raises:
        StoreError: It is no backup, of a newer version, or damaged; names the first file that is wrong.
    """
    contents = _contents(folder)
    for item in contents.files:
        path = folder / item.file
        try:
            size, digest = path.stat().st_size, _sha256(path)
        except OSError as error:
            raise StoreError(f"{path}: cannot be read: {error.strerror or error}") from error
        if (size, digest) != (item.size, item.sha256):
            raise StoreError(f"{path}: damaged: {size} bytes, checksum {digest[:12]}…, not what was backed up")
    if any(item.file == aside.NAME for item in contents.files):
        with _reading(folder / aside.NAME) as database:
            wrong = database.check()
        if wrong:
            raise StoreError(f"{folder / aside.NAME}: damaged: {wrong}")
    manifest.load(folder)
    return contents


def restore(source: Path, data_dir: Path, now_ns: int, *, force: bool = False) -> Path | None:
    """Put a backup back, checked first.

    Args:
        source: The backup.
        data_dir: Where to; made when it is not there.
        now_ns: UTC.
        force: A recording there is moved aside; without it, it is an error.

    Returns:
        Folder that holds what was there before; None: nothing was.

    Raises:
        StoreError: The backup is damaged or newer, or a recorder writes that data dir.
        ConfigError: There is a recording already, or the folder cannot be written.
    """
    contents = verify(source)
    if source.resolve() == data_dir.resolve():
        raise ConfigError(f"{source}: is the data dir itself")
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = aside.lock(data_dir / aside.NAME)
    part = data_dir / f".restore-{os.getpid()}"
    try:
        there = [path for path in _recording(data_dir) if path.exists()]
        if there and not force:
            raise ConfigError(f"{data_dir}: holds a recording; --force moves it aside and keeps it")
        part.mkdir(mode=0o700)
        for item in contents.files:
            _copy(source, part, item.file)
        old = _move_aside(data_dir, there, now_ns) if there else None
        if (part / manifest.FOLDER).exists():
            (part / manifest.FOLDER).rename(data_dir / manifest.FOLDER)
        if (part / aside.NAME).exists():
            (part / aside.NAME).rename(data_dir / aside.NAME)
        manifest.sync_folder(data_dir)
    except OSError as error:
        raise ConfigError(f"{data_dir}: cannot be restored: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        os.close(lock)
    _tell(data_dir, contents, now_ns)
    return old


def _recording(data_dir: Path) -> list[Path]:
    journal = data_dir / aside.NAME
    sides = [journal.with_name(journal.name + suffix) for suffix in ("-wal", "-shm")]
    return [journal, *sides, data_dir / manifest.FOLDER, data_dir / "history.duckdb"]


def _move_aside(data_dir: Path, there: list[Path], now_ns: int) -> Path:
    old = data_dir / f"replaced-{now_ns // 10**9}"
    old.mkdir(mode=0o700)
    for path in there:
        path.rename(old / path.name)
    return old


def _tell(data_dir: Path, contents: Contents, now_ns: int) -> None:
    """Put the event into the restored journal: whoever looks at the history must see that it was put back."""
    journal = Journal(data_dir / aside.NAME)
    try:
        with _reading(data_dir / aside.NAME) as database:
            (last,) = next(database.rows("SELECT coalesce(max(seq), 0) FROM event"))
        seq = max(last, manifest.floor(data_dir).event_seq) + 1
        # Not where from: that path names a person's folders.
        made = event(now_ns, "store.restored", ("store", "journal"), {"made_ns": contents.made_ns})
        journal.write(events=[Event(seq, *(getattr(made, name) for name in Event.__struct_fields__[1:]))])
    finally:
        journal.close()


def _contents(folder: Path) -> Contents:
    path = folder / NAME
    try:
        raw = path.read_bytes()
        contents = msgspec.json.decode(raw, type=Contents)
    except FileNotFoundError as error:
        raise StoreError(f"{folder}: is no backup of wftop ({NAME} is missing)") from error
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror or error}") from error
    except msgspec.MsgspecError as error:
        raise StoreError(f"{path}: damaged: {error}") from error
    if contents.version > VERSION:
        raise StoreError(f"{path}: made by a newer wftop (version {contents.version}, this one knows {VERSION})")
    for item in contents.files:
        if not _SAFE.fullmatch(item.file):
            raise StoreError(f"{path}: names {item.file[:80]!r}, which is no file of a data dir")
        if (folder / item.file).is_symlink():
            raise StoreError(f"{folder / item.file}: is a link, so it is not believed")
    return contents


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A folder that gets the target's name when the block ends well, and vanishes otherwise."""
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise ConfigError(f"{target}: is in use; a backup goes to a new or empty folder")
    part = target.with_name(f"{target.name}.part-{os.getpid()}")
    try:
        part.mkdir(mode=0o700)
    except OSError as error:
        raise ConfigError(f"{target}: cannot be made: {error.strerror or error}") from error
    try:
        yield part
        with suppress(FileNotFoundError):
            target.rmdir()  # empty, as seen above; rename(2) would take it too, but not everywhere
        part.rename(target)
    except OSError as error:
        raise ConfigError(f"{target}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextmanager
def _reading(path: Path) -> Iterator[Database]:
    database = open_reader(path)
    try:
        yield database
    finally:
        database.close()


def _copy(source: Path, folder: Path, file: str) -> Kept:
    """Copy a file, 0600, made to last; its checksum is of what was read."""
    digest = hashlib.sha256()
    target = folder / file
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    size = 0
    descriptor = os.open(target, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as out, (source / file).open("rb") as content:
        while part := content.read(_PART):
            digest.update(part)
            out.write(part)
            size += len(part)
        out.flush()
        os.fsync(out.fileno())
    return Kept(file, size, digest.hexdigest())


def _kept(folder: Path, file: str) -> Kept:
    path = folder / file
    path.chmod(0o600)
    return Kept(file, path.stat().st_size, _sha256(path))


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
