"""What a machine is made of, for a bundle: system, libraries, GPUs, model servers and the flags they run with."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from wftui import __version__
from wftui.bundle.format import Inventory, ServerFact
from wftui.errors import StoreError
from wftui.model import gpus, processes, servers
from wftui.store import aftermath

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wftui.bundle.privacy import Redactor
    from wftui.model.table import Cell, Row, TableSchema
    from wftui.store.archive import Archive

    Last = Mapping[str, tuple[TableSchema, dict[str, Row]]]
    """Table to its schema and its rows at the end of the range."""

_LIBRARIES: Final = ("duckdb", "msgspec", "numpy", "nvidia-ml-py", "psutil", "pyrage", "textual")


def inventory(archive: Archive, redactor: Redactor, last: Last, until_ns: int) -> Inventory:
    """Of this machine, and of the recorders that were there before the end of the range.

    Nothing is measured for it: what hardware there is was recorded, the rest is in files that are read anyway.
    """
    try:
        programs = [item.program for item in aftermath.sessions(archive) if item.started_ns < until_ns]
    except StoreError:
        programs = []
    system = os.uname()
    found = Inventory(
        program=f"wftop {__version__}",
        recorded_by=list(dict.fromkeys(f"wftop {item}" for item in programs)),
        python=platform.python_version(),
        os=redactor.text(_release()),
        # Who builds a kernel may put a name behind its version.
        kernel=redactor.text(f"{system.sysname} {system.release}"),
        architecture=system.machine,
        cpu=_first_line(Path("/proc/cpuinfo"), "model name"),
        cpus=os.cpu_count(),
        memory=_memory(),
        libraries=_libraries(),
        gpus=[],
    )
    told = msgspec.convert(redactor.json(msgspec.to_builtins(found)), Inventory)
    return msgspec.structs.replace(told, gpus=[cells for _, cells in _rows(redactor, last, gpus.GPUS.name)])


def model_servers(redactor: Redactor, last: Last) -> list[ServerFact]:
    """Each server with its models and the command line that started it."""
    models = _rows(redactor, last, servers.MODELS.name)
    lines = _command_lines(redactor, last)
    found = []
    for row, cells in _rows(redactor, last, servers.SERVERS.name):
        own = [told for model, told in models if model[servers.M_SERVER] == row[servers.ENDPOINT]]
        key = f"{_whole(row[servers.PID])}:{_whole(row[servers.START])}"
        found.append(ServerFact(cells, own, lines.get(key, "")))
    return found


def _rows(redactor: Redactor, last: Last, name: str) -> list[tuple[Row, dict[str, Cell]]]:
    """Rows as recorded, and their cells by the names of columns as they may be told."""
    if name not in last:
        return []
    schema, rows = last[name]
    told = redactor.schema(schema)
    if told is None:
        return []
    names = [item.name for item in told.columns]
    return [(row, dict(zip(names, redactor.row(schema, row), strict=False))) for row in rows.values()]


def _command_lines(redactor: Redactor, last: Last) -> dict[str, str]:
    """Of processes, by key."""
    if processes.PROCESSES.name not in last:
        return {}
    schema, rows = last[processes.PROCESSES.name]
    wanted = {
        f"{_whole(row[servers.PID])}:{_whole(row[servers.START])}"
        for row in last.get(servers.SERVERS.name, (None, {}))[1].values()
    }
    told = redactor.schema(schema)
    place = next(
        (at for at, item in enumerate(told.columns if told else ()) if item.name == "process.command_line"), None
    )
    if place is None:
        return {}
    return {key: str(redactor.row(schema, rows[key])[place] or "") for key in wanted if key in rows}


def _whole(cell: Cell) -> int:
    return int(cell) if isinstance(cell, int | float) else 0


def _release() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return platform.platform(terse=True) if os.uname().sysname == "Darwin" else ""


def _first_line(path: Path, name: str) -> str:
    """Behind the colon of the first line of that name; empty: there is none."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                key, sign, value = line.partition(":")
                if sign and key.strip() == name:
                    return value.strip()
    except OSError:
        pass
    return ""


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return None


def _libraries() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    libc, version = platform.libc_ver()
    if libc:
        found[libc] = version
    return found
