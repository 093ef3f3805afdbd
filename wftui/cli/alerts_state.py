"""What fires, for commands: from the recorder that runs, else as the store knows it last."""

from typing import Final, NamedTuple

from wftui.client.queries import Connection
from wftui.clock import NS_PER_S
from wftui.errors import NoDataError, ProtocolError
from wftui.model.alerts import ALERTS, FIRING, OVER, RULE, RULES, SILENCES, STATE
from wftui.model.table import Row, TableSchema
from wftui.paths import Places

SCHEMAS: Final = (ALERTS, SILENCES, RULES)
Tables = dict[str, tuple[TableSchema, dict[str, Row]]]


class Known(NamedTuple):
    """The tables about alerts at a moment."""

    as_of_ns: int | None
    """UTC, as the store knows them; None: now, from a recorder."""
    tables: Tables

    def rows(self, schema: TableSchema) -> dict[str, Row]:
        """Of one table, its cells in the order that this version knows; none where there is no such table."""
        found = self.tables.get(schema.name)
        if found is None:
            return {}
        stored, rows = found
        if stored.columns == schema.columns:
            return rows
        # Written by another version: cells are found by their names, what it did not know is unknown.
        places = {item.name: place for place, item in enumerate(stored.columns)}
        order = [places.get(item.name) for item in schema.columns]
        return {key: tuple(None if at is None else row[at] for at in order) for key, row in rows.items()}

    @property
    def firing(self) -> list[str]:
        """Keys of the alerts that fire, or are over and wait for a person."""
        return [key for key, row in self.rows(ALERTS).items() if row[STATE] in (FIRING, OVER)]

    @property
    def rule_ids(self) -> list[str]:
        """Of all rules that are known, those of alerts that fire among them."""
        fired = (str(row[RULE]) for row in self.rows(ALERTS).values())
        return sorted({*self.rows(RULES), *fired})


def known(where: Places) -> Known:
    """What fires now, or did when a recorder ran last.

    Raises:
        NoDataError: No recorder runs, and nothing was recorded yet.
        StoreError: What was recorded cannot be read.
    """
    try:
        connection = Connection(str(where.socket))
    except ProtocolError:
        return stored(where)
    with connection:
        return asked(connection)


def asked(connection: Connection) -> Known:
    """From a recorder.

    Raises:
        ProtocolError: It does not answer.
    """
    return Known(None, connection.tables([item.name for item in SCHEMAS]))


def stored(where: Places) -> Known:
    """From the store.

    Raises:
        NoDataError: Nothing was recorded yet.
        StoreError: It cannot be read.
    """
    from wftui.store.archive import open_archive  # here: with a recorder nobody reads files

    with open_archive(where.data_dir) as archive:
        bounds = archive.bounds()
        tick = archive.at(bounds[1]) if bounds is not None else None
        if tick is None:
            raise NoDataError(f"{where.data_dir}: nothing was recorded there yet; wftop record records")
        # What came after the last tick was told at its end.
        found = {item.name: archive.table_of(item.name, tick.seq + 1) for item in SCHEMAS}
    rows: Tables = {name: (item.schema, item.rows) for name, item in found.items() if item is not None}
    return Known((tick.time_s + 1) * NS_PER_S, rows)
