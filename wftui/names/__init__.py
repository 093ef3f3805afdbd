"""The catalogue: every metric, event type and table that wftop knows, declared once.

Names follow OpenTelemetry where it has one, ours start with ``wftop.``. Units are UCUM as OpenTelemetry
writes them (``1`` ratio, ``By``, ``s``, ``Hz``, ``Cel``, ``W``, ``J``, ``{thing}`` for counts).
``docs/metrics.md`` is generated from this package; a test fails on an emitted series that is not here.
"""

from typing import Final

from wftui.names.entry import (
    COUNTER,
    DISTRIBUTION,
    GAUGE,
    GROUPS,
    LABEL_KEYS,
    STAT,
    EventType,
    Metric,
)
from wftui.names.events import EVENT_TYPES
from wftui.names.gpus import GPUS
from wftui.names.host import HOST
from wftui.names.inference import CLIENTS, SERVERS
from wftui.names.own import OWN
from wftui.names.streams import CORE, FIDELITY, FRAMES, STREAMS
from wftui.names.ux import PUSHES, UX

__all__ = [
    "COUNTER",
    "DISTRIBUTION",
    "EVENT_TYPES",
    "GAUGE",
    "GROUPS",
    "LABEL_KEYS",
    "METRICS",
    "STAT",
    "EventType",
    "Metric",
    "group_of",
]

METRICS: Final[dict[str, Metric]] = {
    m.name: m
    for m in (
        *HOST,
        *GPUS,
        *SERVERS,
        *CLIENTS,
        *UX,
        *STREAMS,
        *FRAMES,
        *CORE,
        *FIDELITY,
        *OWN,
        *PUSHES,
        *(Metric(e.counter, "{event}", COUNTER, f"Events: {e.help}") for e in EVENT_TYPES.values()),
    )
}
"""Metric name to its entry."""


def group_of(name: str) -> str:
    """Group that a metric's series are stored in; ``custom.`` names are not in the catalogue."""
    metric = METRICS.get(name)
    return metric.group if metric else "custom"
