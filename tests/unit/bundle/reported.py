"""A recording with hostile words wherever words can be, and what reads a report of it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import cast

from tests.recording import CPU, START_S, S
from tests.stored import recorded
from wftui.bundle.format import FORMAT, FULL, VERSION, Consent, Manifest, Origin, Redacted
from wftui.bundle.privacy import Redactor
from wftui.model import alerts, gpus, processes, servers
from wftui.model.event import Event, event
from wftui.model.sample import Column, column
from wftui.model.series import series
from wftui.model.table import Row, TableColumn, TableSchema, keyframe
from wftui.store.journal import StoredChange

HOSTILE = (
    "<script>alert(1)</script> \"' & </td></svg> @octocat #123 `x` |y| https://evil.example/ www.evil.example "
    "[a](javascript:b) **bold** \x1b[31mred \u202e <img src=x onerror=y>"
)
SECONDS = 300
GAP = (120, 150)
"""Ticks after which, and seconds of the recording until which, there is none."""
GPU = "GPU-0000d3a0-0de0-4a11-9c2e-00005b7a00e0"
BUSY = column("gpu", "hw.gpu.utilization", {"gpu": GPU}, call="nvml")
DISK = column("disks", "system.disk.io", {"device": "sda", "direction": "read"}, call="/proc/diskstats")
COVERAGE = column("self", "wftop.source.coverage", {"source": "cpu"}, call="own")
QUEUE = Column(
    series("inference.requests", {"server": "h:1", "model": HOSTILE[:60], "mode": "waiting"}),
    "{request}", "gauge", "models", "measured", "servers", "GET /metrics",
)  # fmt: skip
PUSHED = Column(
    series("custom.see_www.evil.example", {"source": "push"}),
    "<b>http://u", "gauge", "custom", "measured", "push", "push",
)  # fmt: skip
COLUMNS = (CPU, BUSY, DISK, COVERAGE, QUEUE, PUSHED)
VOID = frozenset({"meta", "br", "link", "img", "input", "hr"})


class Plain:
    """Stands in for a redactor that lets everything through: what is written has to cope with all of it."""

    level = FULL

    def column(self, item: Column) -> Column:
        return item

    def schema(self, item: TableSchema) -> TableSchema:
        return item

    def key(self, _: TableSchema, key: str) -> str:
        return key

    def row(self, _: TableSchema, row: Row) -> Row:
        return row

    def event(self, item: Event) -> Event:
        return item


def plain() -> Redactor:
    """As the reports take it."""
    return cast("Redactor", Plain())


def manifest(level: str = FULL, since_s: int = START_S, until_s: int = START_S + SECONDS) -> Manifest:
    """Of a bundle of the whole recording."""
    return Manifest(
        FORMAT, VERSION, "wftop 0.1.0", until_s * S, since_s * S, until_s * S, level,
        Origin("host-7f", "Europe/Berlin"), Consent("--yes", until_s * S, "plain"), SECONDS,
        [Redacted("user", "replaced", 3), Redacted("secret", "left out", 2)], [f"Nothing of {HOSTILE}."], [],
    )  # fmt: skip


def _row(schema: TableSchema, **cells: str | float) -> Row:
    names = [item.name.replace(".", "_") for item in schema.columns]
    return tuple(
        cells.get(name, HOSTILE if item.kind == "text" else None)
        for name, item in zip(names, schema.columns, strict=True)
    )


def _tables() -> list[tuple[TableSchema, dict[str, Row]]]:
    odd = TableSchema("odd", (TableColumn("x", "", "text"),))
    table = processes.PROCESSES
    return [
        (table, {"1:1": _row(table, process_cpu_utilization=13.84, process_memory_usage=1e9),
                 "2:1": _row(table, process_cpu_utilization=0.5, process_name="calm")}),
        (gpus.GPUS, {GPU: _row(gpus.GPUS, gpu_uuid=GPU, gpu_index=0)}),
        (gpus.GPU_PROCESSES, {"x": _row(gpus.GPU_PROCESSES, gpu_uuid=GPU, process_gpu_memory_usage=2e9)}),
        (servers.SERVERS, {"h:1": _row(servers.SERVERS)}),
        (servers.MODELS, {"h:1|m": _row(servers.MODELS, model_state="loaded")}),
        (odd, {"x": (HOSTILE,)}),
    ]  # fmt: skip


def _alert(at_s: int, kind: str, **more: object) -> Event:
    payload: dict[str, object] = {
        "rule": "rule.cpu", "name": HOSTILE, "severity": "error", "message": HOSTILE, "condition": HOSTILE,
        "value": 0.95, "threshold": 0.85, "unit": "1",
    }  # fmt: skip
    return event(at_s * S, kind, ("alert", f'rule.cpu{{x="{HOSTILE}"}}'), payload | more)


def record(folder: Path, *, alerted: bool = True) -> Path:
    """Write it; an alert fires at second 200 and is over at 260."""
    with recorded(folder) as found:
        rows = ((0.9 if 190 < n < 260 else 0.2, 0.5, n * 1e6, 0.9, 2.0, float(n)) for n in range(SECONDS))
        found.many(COLUMNS, rows, GAP[0])
        found.gap_s = GAP[1] - GAP[0]
        found.many(COLUMNS, rows, SECONDS - found.gap_s)
        changes = [
            StoredChange(seq, schema, keyframe(schema, (START_S + seq - 1) * S, cells))
            for seq in (1, GAP[0] + 1)
            for schema, cells in _tables()
        ]
        events = [
            event((START_S + 140) * S, "machine.down", ("recorder", "1"), {"why": HOSTILE}),
            event((START_S + 201) * S, "gpu.xid", ("gpu", GPU), {"words": HOSTILE}),
            event((START_S + 210) * S, "mark.set", ("mark", "1"), {"name": HOSTILE}),
            event((START_S + 5) * S, "source.state", ("source", HOSTILE), {"after": "failed", "reason": HOSTILE}),
        ]
        if alerted:
            events += [
                _alert(START_S + 200, "alert.fired"),
                _alert(START_S + 230, "alert.acknowledged", by=HOSTILE, note=HOSTILE),
                _alert(START_S + 260, "alert.resolved"),
            ]
            firing = _row(
                alerts.ALERTS, alert_rule="rule.cpu", alert_state=alerts.FIRING, alert_series=CPU.series.text,
                alert_worst_value=0.99, alert_severity="error",
            )  # fmt: skip
            key = f'rule.cpu{{x="{HOSTILE}"}}'
            over = SECONDS - found.gap_s
            changes.append(
                StoredChange(
                    over, alerts.ALERTS, keyframe(alerts.ALERTS, (START_S + SECONDS - 1) * S, {key: firing})
                )
            )
        numbered = [
            Event(number, *(getattr(item, name) for name in Event.__struct_fields__[1:]))
            for number, item in enumerate(sorted(events, key=lambda item: item.time_ns), 1)
        ]
        found.write(changes, numbered)
    return folder


class Page(HTMLParser):
    """What a browser would make of it; fails on what is not balanced."""

    def __init__(self, data: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.headings: list[str] = []
        self._open: list[str] = []
        self.feed(data.decode("utf-8"))
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice: {tag} {attrs}"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self._open and self._open[-1] in ("h1", "h2"):
            self.headings.append(re.sub(r"\d\d:\d\d:\d\d", "TIME", data))
