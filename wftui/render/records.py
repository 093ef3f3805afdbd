"""Exported tables and events as CSV, JSON and JSON lines: a record per line, texts and numbers mixed."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec

from wftui.render import defuse
from wftui.render.files import SCHEMA_VERSION
from wftui.text import clean

Cell = str | int | float | bool | None | Mapping[str, object]
"""A mapping is an event's payload."""
Record = Sequence[Cell]

_json: Final = msgspec.json.Encoder()


class Heading(msgspec.Struct, frozen=True):
    """One column."""

    name: str
    unit: str = ""
    kind: str = "text"
    """``text``, ``gauge``, ``counter``, ``time`` (ns, UTC), ``flag`` or ``object``."""


class Writer(Protocol):
    """One format."""

    def head(self, columns: Sequence[Heading]) -> bytes:
        """What stands before the records."""
        ...

    def records(self, records: Sequence[Record]) -> bytes:
        """Some records."""
        ...

    def tail(self) -> bytes:
        """What stands after them."""
        ...


class Csv:
    """Headings as ``name [unit]``; unknown is empty; no text can be taken for a formula."""

    def head(self, columns: Sequence[Heading]) -> bytes:
        """The line of headings."""
        names = [f"{item.name} [{item.unit}]" if item.unit else item.name for item in columns]
        return (",".join(map(defuse.quoted, names)) + "\n").encode()

    def records(self, records: Sequence[Record]) -> bytes:
        """A line each."""
        return "".join([",".join(map(_text, record)) + "\n" for record in records]).encode()

    def tail(self) -> bytes:
        """Nothing."""
        return b""


class JsonLines:
    """An object per line, its keys are the columns' names; unknown is null."""

    def head(self, columns: Sequence[Heading]) -> bytes:
        """Nothing: each line says it all."""
        self._names = [item.name for item in columns]
        return b""

    def records(self, records: Sequence[Record]) -> bytes:
        """A line each."""
        return b"".join(
            [_json.encode(dict(zip(self._names, map(_safe, record), strict=True))) + b"\n" for record in records]
        )

    def tail(self) -> bytes:
        """Nothing."""
        return b""


class Json:
    """One object ``{schema_version, name, columns, rows: [[cell, …]]}``."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._any = False

    def head(self, columns: Sequence[Heading]) -> bytes:
        """Everything up to the rows."""
        about = {"schema_version": SCHEMA_VERSION, "name": self._name, "columns": list(columns)}
        return _json.encode(about)[:-1] + b',"rows":['

    def records(self, records: Sequence[Record]) -> bytes:
        """Arrays on lines of their own."""
        lines = b",\n".join([_json.encode(list(map(_safe, record))) for record in records])
        lead = b",\n" if self._any else b"\n"
        self._any = self._any or bool(records)
        return lead + lines if records else b""

    def tail(self) -> bytes:
        """The end."""
        return b"]}\n"


def _text(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case str():
            return defuse.quoted(defuse.cell(cell))
        case float() | int():
            return "" if cell != cell else repr(cell).removesuffix(".0")
        case _:
            return defuse.quoted(defuse.cell(_json.encode(cell).decode()))


def _safe(cell: Cell) -> Cell:
    if isinstance(cell, str):
        return clean(cell)
    return None if isinstance(cell, float) and cell != cell else cell
