"""The tables of a bundle's report: who used most, what the machine is made of, how its sources were."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.bundle.format import Facts, Manifest
from wftui.bundle.report_charts import Numbers
from wftui.bundle.report_words import Said, said
from wftui.model import gpus, processes, servers
from wftui.model import health as states
from wftui.model.health import Health
from wftui.model.table import Cell, TableSchema
from wftui.render import text
from wftui.store.archive import Archive
from wftui.units import quantity

if TYPE_CHECKING:
    from wftui.bundle.privacy import Redactor

_TOP: Final = 8
"""Processes of a table."""


class Table(NamedTuple):
    """A table of a report: cells are ready words."""

    title: str
    heads: tuple[str, ...]
    rows: list[tuple[str, ...]]
    note: str = ""
    """Below it; alone, why there are no rows."""
    numeric: tuple[int, ...] = ()
    """Places of the columns that hold numbers."""


class Tables:
    """Rows of tables at a moment, redacted, by column name."""

    def __init__(self, archive: Archive, redactor: "Redactor") -> None:
        self._archive, self._redactor = archive, redactor
        self._schemas = {item.name: item for item in archive.tables()}

    def at(self, name: str, time_ns: int) -> list[dict[str, Cell]]:
        """Empty: there was no such table then, or it is not to be told."""
        found = self._archive.table_at(name, time_ns)
        if found is None:
            return []
        told: TableSchema | None = self._redactor.schema(found.schema)
        if told is None:
            return []
        kept = [item.name for item in told.columns]
        return [dict(zip(kept, self._redactor.row(found.schema, row), strict=True)) for row in found.rows.values()]


def number(row: Mapping[str, Cell], name: str) -> float | None:
    value = row.get(name)
    return float(value) if isinstance(value, int | float) and value == value else None


def _shown(row: Mapping[str, Cell], name: str, unit: str) -> str:
    value = number(row, name)
    return text.UNKNOWN if value is None else quantity(value, unit)


def _percent(row: Mapping[str, Cell], name: str) -> str:
    """Of cores: may be more than a thousand."""
    return text.percent(number(row, name)).strip()


def _text(row: Mapping[str, Cell], name: str) -> Said:
    value = row.get(name)
    return said(text.UNKNOWN if value in (None, "") else f"{value:g}" if isinstance(value, float) else str(value))


def busy(tables: Tables, at_ns: int, numbered: Mapping[str, str]) -> list[Table]:
    """Who used most at the moment."""
    rows = tables.at(processes.PROCESSES.name, at_ns)
    found = []
    heads = ("process", "pid", "user", "CPU", "memory", "read", "written")
    for title, by in (("CPU", "process.cpu.utilization"), ("memory", "process.memory.usage")):
        first = sorted(rows, key=lambda row: -(number(row, by) or 0.0))[:_TOP]
        cells: list[tuple[str, ...]] = [
            (
                _text(row, "process.name"), _text(row, "process.pid"), _text(row, "process.user"),
                _percent(row, "process.cpu.utilization"), _shown(row, "process.memory.usage", "By"),
                _shown(row, "process.disk.read", "By/s"), _shown(row, "process.disk.write", "By/s"),
            )
            for row in first
            if number(row, by)
        ]  # fmt: skip
        none = "" if cells else "No process is known at this moment."
        found.append(Table(f"Most {title}", heads, cells, none, (1, 3, 4, 5, 6)))
    on_gpus = [row for row in tables.at(gpus.GPU_PROCESSES.name, at_ns) if number(row, "process.gpu.memory.usage")]
    on_gpus.sort(key=lambda row: -(number(row, "process.gpu.memory.usage") or 0.0))
    if on_gpus:
        used: list[tuple[str, ...]] = [
            (
                said(f"GPU {numbered.get(str(row.get('gpu.uuid')), row.get('gpu.uuid'))}"),
                _text(row, "process.name"), _text(row, "process.pid"), _text(row, "process.user"),
                _percent(row, "process.gpu.utilization"), _shown(row, "process.gpu.memory.usage", "By"),
            )
            for row in on_gpus[:_TOP]
        ]  # fmt: skip
        found.append(
            Table("Most GPU memory", ("GPU", "process", "pid", "user", "busy", "memory"), used, "", (2, 4, 5))
        )
    return found


def sources(facts: Facts, found: Numbers, events: Mapping[str, tuple[str, str]]) -> Table:
    heads = ("source", "state", "coverage", "worst", "why", "how to mend it")
    told: dict[str, Health] = {} if facts.health is None else {item.source: item for item in facts.health.sources}
    rows: list[tuple[str, ...]] = []
    for name in sorted({*told, *found.coverage, *events}):
        health = told.get(name)
        state, reason = (health.state, health.reason) if health else events.get(name, ("", ""))
        mean, worst = found.coverage.get(name, (None, None))
        rows.append(
            (
                said(name), state if state in states.STATES else text.UNKNOWN,
                text.UNKNOWN if mean is None else quantity(mean, "1"),
                text.UNKNOWN if worst is None else quantity(worst, "1"),
                said(reason), said(health.fix if health else ""),
            )
        )  # fmt: skip
    return Table("Sources", heads, rows, "" if rows else "Nothing is known of the sources in this range.", (2, 3))


def inventory(
    manifest: Manifest,
    facts: Facts,
    tables: Tables,
    at_ns: int,
    found: Numbers,
    numbered: Mapping[str, str],
) -> list[Table]:
    origin, known = manifest.origin, facts.inventory
    rows: list[tuple[str, str]] = [("machine", said(origin.host))]
    rows += [("operating system", said(origin.os))] if origin.os else []
    rows += [("kernel", said(origin.kernel))] if origin.kernel else []
    if known is not None:
        rows += [("processor", said(f"{known.cpu} ({known.architecture})".strip()))] if known.cpu else []
    rows += found.sizes
    rows.append(("wftop", said(manifest.program)))
    if known is not None and known.libraries:
        rows.append(
            ("libraries", said(", ".join(f"{name} {version}" for name, version in known.libraries.items())))
        )
    made: list[tuple[str, ...]] = list(rows)
    return [
        Table("The machine", ("what", "which"), made),
        *_cards(tables, at_ns, numbered),
        *_served(tables, at_ns),
    ]


def _cards(tables: Tables, at_ns: int, numbered: Mapping[str, str]) -> list[Table]:
    cards = tables.at(gpus.GPUS.name, at_ns)
    rows: list[tuple[str, ...]] = [
        (
            said(numbered.get(str(row.get("gpu.uuid")), str(row.get("gpu.uuid")))), _text(row, "gpu.name"),
            _text(row, "gpu.state"), _text(row, "gpu.driver"), _text(row, "gpu.cuda"), _text(row, "gpu.throttle"),
        )
        for row in cards
    ]  # fmt: skip
    return [Table("GPUs", ("GPU", "model", "state", "driver", "CUDA", "held back by"), rows)] if rows else []


def _served(tables: Tables, at_ns: int) -> list[Table]:
    loaded: dict[str, list[str]] = {}
    for row in tables.at(servers.MODELS.name, at_ns):
        if row.get("model.state") == servers.LOADED:
            loaded.setdefault(str(row.get("server.endpoint")), []).append(str(row.get("model.name")))
    rows: list[tuple[str, ...]] = [
        (
            _text(row, "server.endpoint"), _text(row, "server.kind"), _text(row, "server.version"),
            _text(row, "server.state"), said(", ".join(loaded.get(str(row.get("server.endpoint")), []))),
            _text(row, "server.verdict"),
        )
        for row in tables.at(servers.SERVERS.name, at_ns)
    ]  # fmt: skip
    heads = ("server", "kind", "version", "state", "models loaded", "claim and reality")
    return [Table("Model servers", heads, rows)] if rows else []
