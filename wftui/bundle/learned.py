"""Names that a recording and this machine are known to have, and texts that ship with wftop."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from wftui import paths
from wftui.alerts import store as rule_files
from wftui.errors import ConfigError
from wftui.model import alerts, gpus, processes, quality, servers
from wftui.model.table import Row
from wftui.store.archive import Archive
from wftui.units import NS_PER_S

_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_PEOPLE: Final = 1000
"""Numbers of users below belong to the system."""
_EVENTS: Final = 20_000


class Names(NamedTuple):
    """By class."""

    users: set[str]
    hosts: set[str]
    persons: set[str]
    """Words of full names."""
    gpus: list[str]
    """UUIDs, ascending by index."""
    models: set[str]
    sources: set[str]
    """Of programs that push."""
    programs: set[str]
    rules: set[str]
    paths: set[str]
    """Of mounts, where they hold blanks: in a text their end is not seen."""


def names(archive: Archive, since_s: int, until_s: int) -> Names:
    """What is known of the seconds [since, until) and of the machine that this runs on.

    Raises:
        StoreError: The recording cannot be read.
    """
    users, persons = accounts()
    found = Names(users, machine(), persons, [], set(), set(), set(), set(), set())
    _tables(archive, since_s, until_s, found)
    _labels(archive, since_s, until_s, found)
    recorded, _ = archive.events(since_ns=since_s * NS_PER_S, until_ns=until_s * NS_PER_S, limit=_EVENTS)
    for item in recorded:
        by = item.payload.get("by")
        if isinstance(by, str):
            _person(by, found)
    return found


def _tables(archive: Archive, since_s: int, until_s: int, found: Names) -> None:
    indexes: dict[str, float] = {}
    for name, key, row in _rows(archive, since_s, until_s):
        match name:
            case "processes":
                found.users.add(str(row[processes.USER]))
                found.programs.add(str(row[processes.NAME]))
            case "gpu_processes":
                found.users.add(str(row[gpus.P_USER]))
            case "gpus":
                index = row[gpus.INDEX]
                indexes[str(row[gpus.UUID])] = index if isinstance(index, int | float) else float("inf")
            case "models":
                found.models.add(str(row[servers.M_NAME]))
            case "rules":
                found.rules.add(key)
            case "alerts":
                _person(str(row[alerts.ACK_BY] or ""), found)
            case "silences":
                _person(str(row[2] or ""), found)
            case "quality":
                _person(str(row[quality.BY] or ""), found)
    found.gpus.extend(sorted(indexes, key=lambda uuid: (indexes[uuid], uuid)))
    for values in (found.users, found.programs, found.models):
        values -= {"", "None"}


def _rows(archive: Archive, since_s: int, until_s: int) -> Iterator[tuple[str, str, Row]]:
    known = {"processes", "gpu_processes", "gpus", "models", "rules", "alerts", "silences", "quality"}
    for schema in archive.tables():
        if schema.name not in known:
            continue
        for told, change in archive.changes(schema.name, since_s * NS_PER_S, until_s * NS_PER_S):
            width = len(told.columns)
            for key, row in change.rows.items():
                if len(row) == width:
                    yield schema.name, key, row


def _labels(archive: Archive, since_s: int, until_s: int, found: Names) -> None:
    span = archive.span(since_s, until_s)
    for number in span.layouts if span is not None else ():
        for column in archive.layout(number).columns:
            for key, value in column.series.labels:
                if key == "server":
                    _host(value.partition("/")[0].rpartition(":")[0].strip("[]"), found)
                elif key == "mount" and " " in value:
                    found.paths.add(value)
                elif key == "model":
                    found.models.add(value)
                elif key == "source" and column.source.startswith("push:"):
                    found.sources.add(value.removeprefix("model:"))


def _person(by: str, found: Names) -> None:
    user, _, host = by.partition("@")
    found.users.update({user} - {""})
    _host(host, found)


def _host(host: str, found: Names) -> None:
    if host and any(map(str.isalpha, host)) and ":" not in host:
        found.hosts.update({host, host.partition(".")[0]})


def me() -> str:
    """The user who runs this, as the process table calls users."""
    import pwd  # not on every platform

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def accounts() -> tuple[set[str], set[str]]:
    """Names of this machine's users, and the words of their full names."""
    import pwd  # as above

    users, persons = {me()}, set()
    for entry in pwd.getpwall():
        if _PEOPLE <= entry.pw_uid < 2**16 - 2:
            users.add(entry.pw_name)
            persons.update(_WORD.findall(entry.pw_gecos.partition(",")[0]))
    with suppress(OSError):
        users.update(item.name for item in Path("/home").iterdir() if item.name != "lost+found")
    return users, persons


def machine() -> set[str]:
    """Names of this machine, and those of others in its own list of hosts."""
    found = {socket.gethostname(), os.uname().nodename}
    with suppress(OSError):
        for line in Path("/etc/hosts").read_text(encoding="utf-8", errors="replace").splitlines():
            found.update(line.partition("#")[0].split()[1:])
    return {name for host in found for name in (host, host.partition(".")[0]) if len(name) > 1}


@cache
def shipped_rules() -> tuple[frozenset[str], frozenset[str]]:
    """Ids of the rules that ship with wftop, and all texts in them."""
    ids: set[str] = set()
    texts: set[str] = set()
    with suppress(ConfigError):
        for file in sorted(paths.resources("rules").glob("*.json")):
            for rule in rule_files.read_file(file, builtin=True).rules:
                ids.add(rule.id)
                texts.update(_texts(msgspec.to_builtins(rule)))
    return frozenset(ids), frozenset(texts)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
