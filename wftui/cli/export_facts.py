"""`wftop export --table NAME` and `--events`: what came and went, and what happened."""

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

from wftui.errors import NoDataError, UsageError
from wftui.model.event import Event
from wftui.model.table import Row, TableSchema
from wftui.render import defuse, records
from wftui.render.files import rfc3339
from wftui.render.records import Heading, Record
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from wftui.store.archive import Archive

FORMATS: Final = ("csv", "json", "jsonl")
_BATCH: Final = 256
_PAGE: Final = 5_000
EVENT_COLUMNS: Final = (
    Heading("seq", "", "gauge"),
    Heading("time_ns", "", "time"),
    Heading("time"),
    Heading("event_id"),
    Heading("type"),
    Heading("aggregate_type"),
    Heading("aggregate_id"),
    Heading("payload", "", "object"),
)
_PLAIN: Final = frozenset({"mode", "how", "before", "after", "state", "level"})
"""Texts of payloads that are words of ours; others may quote a path, a process or a person."""
_NUMBERED: Final = frozenset(
    {"recorder", "view", "source", "store", "process", "mark", "burst", "boot", "machine"}
)
"""Kinds of aggregates whose ids name nobody."""


def table_columns(schema: TableSchema, *, identity: bool) -> tuple[list[Heading], list[int]]:
    """Headings, and the places of the cells behind ``time_ns``, ``time``, ``key`` and ``gone``."""
    places = [place for place, item in enumerate(schema.columns) if identity or not item.identity]
    cells = [Heading(item.name, item.unit, item.kind) for item in (schema.columns[place] for place in places)]
    lead = [Heading("time_ns", "", "time"), Heading("time"), Heading("key"), Heading("gone", "", "flag")]
    return lead + cells, places


def table_records(
    archive: "Archive", name: str, since_ns: int, until_ns: int, places: Sequence[int]
) -> Iterator[Record]:
    """Rows of a table: all of them where the range begins (and at each keyframe), then those that changed."""
    for schema, change in archive.changes(name, since_ns, until_ns):
        lead = (change.time_ns, rfc3339(change.time_ns // NS_PER_S))
        for key, row in change.rows.items():
            yield (*lead, key, False, *_cells(schema, row, places))
        for key in change.gone:
            yield (*lead, key, True, *[None] * len(places))


def _cells(schema: TableSchema, row: Row, places: Sequence[int]) -> list[str | int | float | None]:
    # A table that has other columns since then: what it does not know is unknown.
    return [row[place] if place < len(schema.columns) else None for place in places]


def event_records(archive: "Archive", since_ns: int, until_ns: int, *, identity: bool) -> Iterator[Record]:
    """Events in order."""
    after, more = 0, True
    while more:
        found, more = archive.events(after, since_ns, until_ns, None, _PAGE)
        for item in found:
            about = item.aggregate_id if identity or item.aggregate_type in _NUMBERED else _about(item)
            payload = item.payload if identity else plain(item.payload)
            yield (
                item.seq, item.time_ns, rfc3339(item.time_ns // NS_PER_S), item.event_id, item.type,
                item.aggregate_type, about, payload,
            )  # fmt: skip
        if found:
            after = found[-1].seq


def _about(item: Event) -> str:
    """A series may carry the name of a mount."""
    private = item.aggregate_type != "series" or defuse.private_mounts([item.aggregate_id.partition('mount="')[2]])
    return "" if private else item.aggregate_id


def plain(payload: Mapping[str, object]) -> dict[str, object]:
    """What of a payload cannot name a person, host, command or container."""
    return {
        key: value
        for key, value in payload.items()
        if key in _PLAIN or value is None or isinstance(value, bool | int | float)
    }


def export(arguments: Namespace, archive: "Archive", form: str, since_s: int, until_s: int) -> list[str]:
    """Write them; returns lines for stderr.

    Raises:
        UsageError: The format cannot hold them.
        NoDataError: There is no such table, or nothing in the range.
    """
    if form not in FORMATS:
        raise UsageError(f"--format {form}: tables and events are written as {', '.join(FORMATS)}, or as duckdb")
    since_ns, until_ns = since_s * NS_PER_S, until_s * NS_PER_S
    identity = arguments.include_identity
    said = []
    if arguments.events:
        name, columns = "events", list(EVENT_COLUMNS)
        rows = event_records(archive, since_ns, until_ns, identity=identity)
        hidden = "texts of events that may name people, processes or paths"
    else:
        name = arguments.table
        schema = next((item for item in archive.tables() if item.name == name), None)
        if schema is None:
            known = ", ".join(sorted(item.name for item in archive.tables())) or "none"
            raise NoDataError(f"no table {name!r} was recorded; there is: {known}")
        columns, places = table_columns(schema, identity=identity)
        rows = table_records(archive, name, since_ns, until_ns, places)
        hidden = ", ".join(item.name for item in schema.columns if item.identity)
    first = list(islice(rows, _BATCH))
    if not first:
        raise NoDataError(f"no {name} from {rfc3339(since_s)} to {rfc3339(until_s)}")
    writers: dict[str, records.Writer] = {
        "csv": records.Csv(), "json": records.Json(name), "jsonl": records.JsonLines()
    }  # fmt: skip
    count = _write(arguments, writers[form], columns, first, rows)
    if arguments.output != "-":
        what = "events" if arguments.events else f"rows of {name}"
        said.append(f"{count} {what} in {arguments.output}")
    if hidden and not identity:
        said.append(f"left out: {hidden}; --include-identity keeps them")
    return said


def _write(
    arguments: Namespace,
    writer: records.Writer,
    columns: list[Heading],
    first: list[Record],
    rows: Iterator[Record],
) -> int:
    from wftui.cli.output import OutputFile, standard_output

    count = 0

    def parts() -> Iterator[bytes]:
        nonlocal count
        yield writer.head(columns)
        batch = first
        while batch:
            count += len(batch)
            yield writer.records(batch)
            batch = list(islice(rows, _BATCH))
        yield writer.tail()

    if arguments.output == "-":
        out = standard_output()
        for part in parts():
            out.write(part)
        out.flush()
    else:
        with OutputFile(arguments.output, force=arguments.force) as file, file.path.open("wb") as target:
            target.writelines(parts())
    return count
