"""Rows of any cells as text: an aligned table, CSV, JSON. Outside text is made safe."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from wftui.render import defuse
from wftui.text import clean, fit, width

WIDEST: Final = 60
"""Columns of the terminal that a cell takes at most."""
LOOKED_AT: Final = 1000
"""Rows that decide how wide a table's columns are."""
UNKNOWN: Final = "-"
Rows = Iterable[Sequence[Any]]  # Any: cells as a database gives them


def shown(value: Any) -> str:  # Any: as above
    """One cell of a table."""
    if value is None:
        return UNKNOWN
    if isinstance(value, float):
        return UNKNOWN if value != value else f"{value:.10g}"
    return clean(value if isinstance(value, bytes) else str(value), 4 * WIDEST)


def table(names: Sequence[str], rows: Rows) -> Iterator[str]:
    """Lines of an aligned table, numbers to the right."""
    source = iter(rows)
    head = [row for row, _ in zip(source, range(LOOKED_AT), strict=False)]
    titles = [clean(name) for name in names]
    numbers = [
        all(
            row[place] is None or (isinstance(row[place], (int, float)) and not isinstance(row[place], bool))
            for row in head
        )
        for place in range(len(names))
    ]
    cells = [[shown(value) for value in row] for row in head]
    wide = [
        min(WIDEST, max([width(title), *(width(row[place]) for row in cells)]))
        for place, title in enumerate(titles)
    ]
    yield _line(titles, wide, numbers)
    yield "  ".join("-" * columns for columns in wide)
    for row in cells:
        yield _line(row, wide, numbers)
    for more in source:
        yield _line([shown(value) for value in more], wide, numbers)


def _line(cells: Sequence[str], wide: Sequence[int], numbers: Sequence[bool]) -> str:
    parts = [
        fit(cell, columns, "right" if number else "left")
        for cell, columns, number in zip(cells, wide, numbers, strict=True)
    ]
    return "  ".join(parts).rstrip()


def separated(names: Sequence[str], rows: Rows) -> Iterator[str]:
    """CSV (RFC 4180) with a heading; unknown is empty, text that a spreadsheet would run is defused."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([defuse.cell(name) for name in names])
    for row in rows:
        writer.writerow([_plain(value) for value in row])
        if out.tell() > 1 << 16:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def _plain(value: Any) -> Any:  # Any: as above
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, (bool, int, float)):
        return str(value).lower() if isinstance(value, bool) else value
    return defuse.cell(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))


def objects(names: Sequence[str], rows: Rows) -> Iterator[str]:
    """JSON: a list of objects, one a line."""
    encoder = msgspec.json.Encoder(enc_hook=str)
    yield "["
    first = True
    for row in rows:
        item = encoder.encode({name: _jsonable(value) for name, value in zip(names, row, strict=True)}).decode()
        yield f"{'' if first else ','}\n{item}"
        first = False
    yield "\n]\n"


def _jsonable(value: Any) -> Any:  # Any: as above
    if isinstance(value, dict):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and not -(1 << 63) <= value < 1 << 64:
        return float(value)
    return value
