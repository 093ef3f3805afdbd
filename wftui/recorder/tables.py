"""The tables as they are now, and what of each scan is worth telling and storing."""

from collections.abc import Mapping

from wftui.model.table import KEYFRAME_NS, Row, TableChange, TableSnapshot, apply, difference, keyframe


class Tables:
    """Each table as its readers hold it. No second copy: what a scan brings and nobody is told goes at once."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[TableSnapshot, dict[str, Row]]] = {}
        """Table to its newest snapshot and that snapshot's rows, which each scan changes in place."""
        self._keyframe_ns: dict[str, int] = {}
        self._parts: dict[str, dict[str, Mapping[str, Row]]] = {}
        """Table to part to rows, of tables that several sources fill."""
        self._filled: dict[str, dict[str, TableSnapshot]] = {}
        """Source to table to what it would be without rows."""

    def snapshots(self) -> list[TableSnapshot]:
        """All tables, now: rows are those that everybody was told, cells within ``CHANGE`` of the newest scan."""
        return [snapshot for snapshot, _ in self._told.values()]

    def rows(self, name: str) -> Mapping[str, Row]:
        """A table's rows now, not to be changed; none where there is no such table."""
        return self._told[name][1] if name in self._told else {}

    def renew(self) -> None:
        """The next scan of each is stored whole: what changes refer to is gone."""
        self._keyframe_ns.clear()

    def left(self, source: str, time_ns: int) -> list[TableSnapshot]:
        """What a source that tells nothing any more filled, now empty: its rows would pass for the present."""
        empty = self._filled.pop(source, {}).values()
        return [TableSnapshot(item.schema, time_ns, {}, item.part) for item in empty]

    def scanned(self, snapshot: TableSnapshot, boottime_ns: int, source: str) -> tuple[TableChange, TableChange]:
        """Take a scan in: (the change for those who follow, the change to store: a keyframe once a minute)."""
        schema, time_ns = snapshot.schema, snapshot.time_ns
        filled = self._filled.setdefault(source, {})
        if schema.name not in filled:
            filled[schema.name] = TableSnapshot(schema, 0, {}, snapshot.part)
        parts = self._parts.setdefault(schema.name, {}) if snapshot.part else {}
        if snapshot.part:
            parts[snapshot.part] = snapshot.rows
            rows = {key: row for part in parts.values() for key, row in part.items()}
            snapshot = TableSnapshot(schema, time_ns, rows)
        told = self._told[schema.name][1] if schema.name in self._told else {}
        change = difference(told, snapshot)
        apply(told, change)
        for name, part in parts.items():
            parts[name] = {key: told[key] for key in part}
        self._told[schema.name] = TableSnapshot(schema, time_ns, told), told
        due = self._keyframe_ns.get(schema.name)
        if due is None or boottime_ns >= due:
            self._keyframe_ns[schema.name] = boottime_ns + KEYFRAME_NS
            return change, keyframe(schema, time_ns, told)
        return change, change
