"""A bundle of ten minutes of the machine that the view's tests show, and who reads it, as a running process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np

from tests.tui.fake import NOW_S, machine, process_rows, sources
from wftui.bundle import format as form
from wftui.bundle.format import Consent, Manifest, Origin, SourcesHealth, TableHead, TableLine, Ticks
from wftui.bundle.packed import pack, whole
from wftui.bundle.writer import BundleWriter
from wftui.client.bundled import Bundled
from wftui.client.queries import Connection
from wftui.model.event import Event, event
from wftui.model.health import Health
from wftui.model.processes import PROCESSES
from wftui.model.sample import Column
from wftui.model.table import keyframe

S = 1_000_000_000
SECONDS = 600
FIRST_S = NOW_S - SECONDS
LAST_S = NOW_S - 1
GAP = range(300, 320)
"""Seconds of it that were not recorded."""
ALERT = "gpu-hot"
ALERT_S = NOW_S - 120
HOST = "host-3f"
ZONE = "Asia/Tokyo"
_json = msgspec.json.encode


def happened() -> list[Event]:
    """What happened, and when."""
    told: list[tuple[int, str, tuple[str, str], dict[str, object]]] = [
        (NOW_S - 550, "mark.set", ("mark", ""), {"name": "load begins", "at_ns": (NOW_S - 550) * S}),
        (ALERT_S, "alert.fired", ("alert", f"rule.{ALERT}"), {"rule": ALERT, "severity": "critical"}),
        (NOW_S - 30, "source.state", ("source", "sensors"), {"before": "ok", "after": "late", "reason": "6.1 s"}),
    ]
    made = [event(second * S, kind, about, payload) for second, kind, about, payload in told]
    return [msgspec.structs.replace(item, seq=number) for number, item in enumerate(made, 1)]


def write(
    path: Path,
    columns: Sequence[Column],
    rows: Sequence[Sequence[float]],
    first_s: int,
    *,
    without: range = range(0),
    zone: str = ZONE,
    alert: str = ALERT,
    level: str = form.FULL,
) -> Path:
    """A bundle with a row of values for each second from ``first_s``, the machine's processes and its events."""
    places = [place for place in range(len(rows)) if place not in without]
    with BundleWriter(path) as writer:
        for number, begin in enumerate(range(0, len(places), form.TICKS)):
            held = places[begin : begin + form.TICKS]
            values = np.array([rows[place] for place in held], dtype=np.float64)
            part = Ticks(
                1,
                list(columns),
                whole([place + 1 for place in held]),
                whole([first_s + place for place in held]),
                whole([(1000 + place) * S for place in held]),
                whole([1] * len(held)),
                [pack(values[:, column].copy()) for column in range(len(columns))],
            )
            writer.add(f"ticks/{number:04}.json", _json(part))
        if places:
            told = TableLine(places[0] + 1, keyframe(PROCESSES, first_s * S, process_rows()))
            head = TableHead(PROCESSES)
            writer.add("tables/processes-0000.jsonl", _json(head) + b"\n" + _json(told) + b"\n")
        writer.add(form.EVENTS, b"".join(_json(item) + b"\n" for item in happened()))
        until_ns = (first_s + max(1, len(rows))) * S
        health = [*sources(), Health("store", "ok", since_ns=first_s * S)]
        writer.add(form.HEALTH, _json(SourcesHealth(until_ns, health)))
        writer.finish(
            Manifest(
                form.FORMAT, form.VERSION, "wftop 0.9.0", until_ns, first_s * S, until_ns, level,
                Origin(HOST, zone, "Debian", "6.1", {"1": "boot-a"}), Consent("--yes", until_ns, "plain"),
                len(places), [], [], [], alert,
            )
        )  # fmt: skip
    return path


def incident(path: Path, *, zone: str = ZONE, alert: str = ALERT) -> Path:
    """A bundle of the machine of the view's tests, with a gap and an alert."""
    seconds = [machine(second) for second in range(SECONDS)]
    columns = [column for column, _ in seconds[0]]
    rows = [[value for _, value in second] for second in seconds]
    return write(path, columns, rows, FIRST_S, without=GAP, zone=zone, alert=alert)


@contextmanager
def reading(path: Path, passphrase: str = "") -> Iterator[tuple[Bundled, Connection]]:
    """The process that reads a bundle, and a connection to it; all of it gone at the end."""
    reader = Bundled(path, passphrase=passphrase)
    try:
        reader.greeting()
        with Connection(reader.socket) as connection:
            yield reader, connection
    finally:
        reader.close()
