"""``settings.toml``: what wftop itself remembers of a person's choices, beside the person's own config.toml.

It wins over config.toml, and loses against variables and flags. Changed by lines, so that comments stay; written
beside and renamed over.
"""

import fcntl
import os
from collections.abc import Callable, Mapping
from typing import Final

from wftui import config, paths, toml
from wftui.config import KEYS, Key, Value
from wftui.errors import ConfigError
from wftui.paths import Places

HEAD: Final = "# Written by wftop; it wins over config.toml. Delete a line to go back to that.\n"
SOURCES: Final = "sources.disabled"
GROUPS: Final = "store.groups_disabled"
GROUP_PREFIX: Final = "group:"


def key_of(name: str) -> tuple[str, str]:
    """The setting that lists a switched off source or ``group:<group>``, and the name in it."""
    if name.startswith(GROUP_PREFIX):
        return GROUPS, name.removeprefix(GROUP_PREFIX)
    return SOURCES, name


def switch(places: Places, name: str, *, on: bool) -> bool:
    """Remember that a source, or ``group:<group>``, is on or off; False: the files say so already.

    Raises:
        ConfigError: A file cannot be read, or this one not written.
    """
    key, item = key_of(name)

    def change(now: Mapping[str, Value]) -> dict[str, Value]:
        # What holds without variables and flags: those are for one run, not to be remembered.
        listed = config.load(places, environ={}).names(key)
        if (item in listed) is not on:
            return dict(now)
        return {**now, key: tuple(entry for entry in listed if entry != item) if on else (*listed, item)}

    return _rewrite(places, change)


def put(places: Places, changes: Mapping[str, Value | None]) -> bool:
    """Change settings; None takes one out. False: nothing was to change.

    Raises:
        ConfigError: The file cannot be read or written, or a key is unknown.
    """
    for name in changes:
        if name not in KEYS:
            raise ConfigError(f"{places.settings_file}: unknown key {name}")

    def change(now: Mapping[str, Value]) -> dict[str, Value]:
        found = {**now, **{name: value for name, value in changes.items() if value is not None}}
        return {name: value for name, value in found.items() if changes.get(name, value) is not None}

    return _rewrite(places, change)


def read(places: Places) -> dict[str, Value]:
    """What the file says; empty without one.

    Raises:
        ConfigError: It cannot be read, or is wrong; names file and line.
    """
    file = places.settings_file
    try:
        paths.check_unshared(file)
        raw = file.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    return {name: value for name, (value, _) in config.parse(raw, str(file)).items()}


def _rewrite(places: Places, change: Callable[[Mapping[str, Value]], dict[str, Value]]) -> bool:
    folder = places.config_dir
    if not folder.exists():
        paths.private_dir(folder)
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be opened: {error.strerror}") from error
    try:
        # Two that change different settings must not undo each other.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        before = read(places)
        after = change(before)
        if after == before:
            return False
        _write(places, _edited(places, before, after).encode())
        os.fsync(descriptor)
    except OSError as error:
        raise ConfigError(f"{places.settings_file}: cannot be written: {error.strerror}") from error
    finally:
        os.close(descriptor)
    return True


def _edited(places: Places, before: Mapping[str, Value], after: Mapping[str, Value]) -> str:
    """The file's text with what differs; the rest of it stays as it is, comments too."""
    try:
        source = places.settings_file.read_bytes().decode()  # read() has found that it is UTF-8
    except FileNotFoundError:
        source = HEAD
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            value = after.get(name)
            new = None if value is None else literal(value)
            source = toml.changed(source, name, new, str(places.settings_file))
    return source


def _write(places: Places, content: bytes) -> None:
    file = places.settings_file
    beside = file.with_name(f"{file.name}.tmp")
    beside.unlink(missing_ok=True)
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(beside, flags, 0o600), "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(file)


def as_text(value: Value) -> str:
    """A value as a person types it: what ``config.from_text`` takes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(value)
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def shown(key: Key, value: Value) -> str:
    """A value with its unit: bytes in the largest unit that they are a whole number of."""
    if key.kind == "size" and isinstance(value, int):
        for unit, scale in (("GiB", 2**30), ("GB", 10**9), ("MiB", 2**20), ("MB", 10**6), ("KiB", 2**10)):
            if value and value % scale == 0:
                return f"{value // scale} {unit}"
    return f"{as_text(value)} {key.unit}".rstrip()


def literal(value: Value) -> str:
    """A value as TOML on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + "".join(map(_escaped, value)) + '"'
    if isinstance(value, tuple):
        return "[" + ", ".join(map(literal, value)) + "]"
    return repr(value)


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    return char if char.isprintable() else f"\\U{ord(char):08x}"
