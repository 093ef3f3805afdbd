"""The tables as they are now, and what of each scan is worth telling and storing."""

from collections.abc import Mapping

from wftui.model.table import KEYFRAME_NS, Row, TableChange, TableSnapshot, apply, difference, keyframe


class Tables:
    """Newest snapshot of each table, and the rows that its readers hold."""

    def __init__(self) -> None:
        self._newest: dict[str, TableSnapshot] = {}
        self._told: dict[str, dict[str, Row]] = {}
        self._keyframe_ns: dict[str, int] = {}
        self._parts: dict[str, dict[str, Mapping[str, Row]]] = {}
        """Table to part to rows, of tables that several sources fill."""

    def snapshots(self) -> list[TableSnapshot]:
        """All tables, now."""
        return list(self._newest.values())

    def renew(self) -> None:
        """The next scan of each is stored whole: what changes refer to is gone."""
        self._keyframe_ns.clear()

    def scanned(self, snapshot: TableSnapshot, boottime_ns: int) -> tuple[TableChange, TableChange]:
        """Take a scan in: (the change for those who follow, the change to store: a keyframe once a minute)."""
        name = snapshot.schema.name
        if snapshot.part:
            parts = self._parts.setdefault(name, {})
            parts[snapshot.part] = snapshot.rows
            rows = {key: row for part in parts.values() for key, row in part.items()}
            snapshot = TableSnapshot(snapshot.schema, snapshot.time_ns, rows)
        told = self._told.setdefault(name, {})
        change = difference(told, snapshot)
        apply(told, change)
        self._newest[name] = snapshot
        due = self._keyframe_ns.get(name)
        if due is None or boottime_ns >= due:
            self._keyframe_ns[name] = boottime_ns + KEYFRAME_NS
            return change, keyframe(snapshot.schema, snapshot.time_ns, told)
        return change, change
