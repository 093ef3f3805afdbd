"""Exported series as CSV, JSON and JSON lines: bytes, the same in every locale.

Rows are encoded by msgspec, a batch at once, and turned into the format's lines by replacing separators: 30 ns a
value, where repr() and a join take 200.
"""

import time
from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec

from wftui.model.series import series
from wftui.render import defuse
from wftui.store.rows import Batch, Field
from wftui.text import clean
from wftui.units import NS_PER_S

SCHEMA_VERSION: Final = 1

_json: Final = msgspec.json.Encoder()
_SHOWN: Final = 60  # characters of an escaped label value: at most 243 bytes, so it stays one


class Heading(msgspec.Struct, frozen=True):
    """What a column of an export holds."""

    id: str
    """Canonical text."""
    name: str
    labels: dict[str, str]
    """Without ``stat``."""
    unit: str
    kind: str
    """``gauge``, ``counter`` (cumulative), ``rate`` (a counter per second) or ``distribution``."""
    stat: str
    """Empty: mean (gauge) or last (counter)."""


def headings(fields: Sequence[Field], *, identity: bool) -> tuple[list[Heading], dict[str, str]]:
    """Headings of the columns, in order, and which mount paths were replaced.

    Args:
        fields: The columns.
        identity: Keep paths that name a person or a container.
    """
    mounts = [field.column.series.label("mount") for field in fields]
    replaced = {} if identity else defuse.private_mounts(mounts)
    found = []
    for field in fields:
        item = field.column.series
        labels = {key: value if clean(value) == value else clean(value, _SHOWN) for key, value in item.labels}
        if item.label("mount") in replaced:
            labels["mount"] = replaced[item.label("mount")]
        text = item.text if labels == dict(item.labels) else series(item.name, labels).text
        stat = labels.pop("stat", "")
        found.append(Heading(text, item.name, labels, field.unit, field.kind, stat))
    return found, replaced


class Writer(Protocol):
    """One text format."""

    def head(self, columns: Sequence[Heading], level_s: int = 1) -> bytes:
        """What stands before the rows; ``level_s``: seconds of the coarsest data behind them."""
        ...

    def rows(self, batch: Batch) -> bytes:
        """Some rows."""
        ...

    def tail(self) -> bytes:
        """What stands after the rows."""
        ...


class Csv:
    """``time_ns,time``, then a column per series headed by its canonical text and ``[unit]``; gaps are empty."""

    def head(self, columns: Sequence[Heading], level_s: int = 1) -> bytes:
        """The line of headings; it has no room for more."""
        del level_s
        cells = ["time_ns", "time", *unique([defuse.cell(f"{item.id} [{item.unit}]") for item in columns])]
        return (",".join(map(defuse.quoted, cells)) + "\n").encode()

    def rows(self, batch: Batch) -> bytes:
        """Lines of numbers; the time is RFC 3339 UTC."""
        text = _encode(batch, [rfc3339(time_s) for time_s in batch.time_s])
        # Only numbers, null and the time stand in a row, so no replacement can touch a text.
        return text[2:-2].replace(b"null", b"").replace(b"],[", b"\n").replace(b'"', b"") + b"\n"

    def tail(self) -> bytes:
        """Nothing."""
        return b""


class JsonLines:
    """A line ``{schema_version, level_s, series}``, then a line ``[time_ns, value, …]`` per row; a gap is null."""

    def head(self, columns: Sequence[Heading], level_s: int = 1) -> bytes:
        """The header line."""
        return _json.encode({"schema_version": SCHEMA_VERSION, "level_s": level_s, "series": columns}) + b"\n"

    def rows(self, batch: Batch) -> bytes:
        """One array per line."""
        return _encode(batch)[1:-1].replace(b"],[", b"]\n[") + b"\n"

    def tail(self) -> bytes:
        """Nothing."""
        return b""


class Json:
    """One object ``{schema_version, level_s, series, rows: [[time_ns, value, …]]}``; a gap is null."""

    def __init__(self) -> None:
        self._any = False

    def head(self, columns: Sequence[Heading], level_s: int = 1) -> bytes:
        """The object up to its rows."""
        return JsonLines().head(columns, level_s)[:-2] + b',"rows":[\n'

    def rows(self, batch: Batch) -> bytes:
        """Rows, a line each."""
        text = _encode(batch)[1:-1].replace(b"],[", b"],\n[")
        before = b",\n" if self._any else b""
        self._any = True
        return before + text

    def tail(self) -> bytes:
        """The end of the object."""
        return b"\n]}\n"


def rfc3339(time_s: int) -> str:
    """``2026-11-20T14:32:05Z``."""
    at = time.gmtime(time_s)
    return f"{at[0]:04d}-{at[1]:02d}-{at[2]:02d}T{at[3]:02d}:{at[4]:02d}:{at[5]:02d}Z"


def unique(texts: Sequence[str], *, fold: bool = False) -> list[str]:
    """The texts, with ``#2`` behind one that would repeat another; ``fold``: case makes no difference."""
    seen: set[str] = set()
    found = []
    for text in texts:
        name, number = text, 1
        while (name.casefold() if fold else name) in seen:
            number += 1
            name = f"{text}#{number}"
        seen.add(name.casefold() if fold else name)
        found.append(name)
    return found


def _encode(batch: Batch, *texts: list[str]) -> bytes:
    """``[[time_ns, …], …]``, whole numbers without ``.0``, NaN as null."""
    times_ns = [time_s * NS_PER_S for time_s in batch.time_s]
    rows: Any = list(zip(times_ns, *texts, *batch.columns, strict=True))  # Any: rows of int, str and float
    return _json.encode(rows).replace(b".0,", b",").replace(b".0]", b"]")
