"""Files of rules that are a person's own: a built-in rule as one of them, and writing that cannot tear."""

import os
from pathlib import Path

import msgspec

from wftui import paths
from wftui.alerts import store
from wftui.alerts.rule import Rule
from wftui.errors import ConfigError
from wftui.paths import Places


def folder(where: Places) -> Path:
    """The person's folder, made when it is not there.

    Raises:
        ConfigError: It cannot be made, or others can write it.
    """
    found = store.own_folder(where)
    if not found.parent.exists():
        paths.private_dir(found.parent)
    return paths.private_dir(found)


def file_of(where: Places, name: str) -> Path:
    """Where the copy of a built-in rule of that id lies."""
    return store.own_folder(where) / f"{name.removeprefix('rule.')}.json"


def alone(rule: Rule) -> bytes:
    """A rule of a pack as a file of its own.

    Raises:
        ConfigError: The pack cannot be read.
    """
    document = msgspec.json.decode(content(Path(rule.origin.file)))
    found = next(item for item in document if item["id"] == rule.id)
    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"


def content(file: Path) -> bytes:
    """What a file holds.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error


def create(path: Path, data: bytes) -> None:
    """Write a file that is not there yet.

    Raises:
        ConfigError: It is, or it cannot be written.
    """
    try:
        _write(path, data)
    except FileExistsError as error:
        raise ConfigError(f"{path}: exists") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error


def replace(path: Path, data: bytes) -> None:
    """Put a file in the place of another, whole or not at all; a hidden one beside it is no rule file.

    Raises:
        ConfigError: A link stands there, or it cannot be written.
    """
    if path.is_symlink():
        raise ConfigError(f"{path}: is a link, so it is not replaced; open its target yourself")
    beside = path.with_name(f".{path.name}.tmp")
    try:
        beside.unlink(missing_ok=True)
        _write(beside, data)
        beside.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error


def remove(path: Path) -> None:
    """Take a file away.

    Raises:
        ConfigError: It cannot be.
    """
    try:
        path.unlink()
        _sync(path.parent)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be removed: {error.strerror}") from error


def _write(path: Path, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(paths.open_private(path, flags), "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
