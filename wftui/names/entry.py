"""What an entry of the catalogue says."""

from typing import Final, NamedTuple

GAUGE: Final = "gauge"
COUNTER: Final = "counter"
DISTRIBUTION: Final = "distribution"

GROUPS: Final = ("system", "gpu", "models", "ux", "custom")
"""Of metrics: each is stored in segments of its own, and can be switched off."""

LABEL_KEYS: Final = frozenset(
    {
        "cpu",
        "mode",
        "device",
        "direction",
        "interface",
        "mount",
        "sensor",
        "gpu",
        "server",
        "model",
        "source",
        "view",
    }
    | {"plugin"}
)
"""The only label keys a series may carry, beside the reserved ``stat``. No ``host``: the data dir is the host."""

STAT: Final = "stat"
"""The reserved label that names a statistic; none means mean (gauge) or last (counter)."""


class Metric(NamedTuple):
    """One catalogue entry."""

    name: str
    unit: str
    kind: str
    """``gauge``, ``counter`` (cumulative, raw) or ``distribution``."""
    help: str
    labels: tuple[str, ...] = ()
    """Label keys that a series of this metric may carry, each optional."""
    group: str = "system"
    """``system``, ``gpu``, ``models``, ``ux`` or ``custom``: the segment file it is stored in."""
    statistics: tuple[str, ...] = ()
    """Statistics kept in a tick beside the plain series: ``max`` where a peak inside a second matters."""


class EventType(NamedTuple):
    """One kind of event; each has a counter series ``wftop.event.<type>``."""

    name: str
    help: str

    @property
    def counter(self) -> str:
        """Name of the counter metric of this type."""
        return f"wftop.event.{self.name}"
