"""A discovered server that ended: for a while its row says so, and whether its clients saw it die."""

from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.clock import NS_PER_S, Instant
from wftui.model import health
from wftui.model import servers as cells
from wftui.model.table import Row

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from wftui.collectors.servers.watch import Watch

SHOWN_NS: Final = 300 * NS_PER_S
"""So long the row of a server that ended stays."""
FRESH_NS: Final = 60 * NS_PER_S
"""Requests that it had longer ago than that are no reason to call its end a fault."""
_REQUESTS: Final = "inference.requests"
_OPEN: Final = frozenset({"running", "waiting"})


class Ended(NamedTuple):
    """One that is not watched any more."""

    watch: "Watch"
    at: Instant
    row: Row | None
    """What is shown of it; None: nothing, it began anew or is a part of another."""

    def shown(self, now: Instant) -> Row | None:
        """Its row as long as it stays."""
        return self.row if now.boottime_ns - self.at.boottime_ns < SHOWN_NS else None


def requests(watch: "Watch", now: Instant) -> int:
    """Requests that it had open when it answered last; 0 also where it does not say, or did so too long ago."""
    if now.boottime_ns - watch.answered_ns > FRESH_NS:
        return 0
    by_model: dict[str, float] = {}
    for key, value in watch.look.gauges.items():
        if key.metric == _REQUESTS and key.mode in _OPEN:
            by_model[key.model] = by_model.get(key.model, 0.0) + value
    whole = by_model.pop("", 0.0)  # of all models, where the server says that, too
    return round(max(whole, sum(by_model.values())))


def row(watch: "Watch", others: "Iterable[Watch]", alive: "Collection[int]", now: Instant) -> Row | None:
    """What is shown of a server that ended.

    Args:
        watch: Its.
        others: Of servers that are there, or ended lately: runners have the requests of an Ollama.
        alive: Pids of processes that look like servers.
        now: When its end was seen.

    Returns:
        Its row: ``failed`` where requests were cut off, else ``absent``. None: it is a part of another server,
        which starts and ends such as it needs them.
    """
    found = watch.found
    if found is None or found.parent is not None or watch.look.part:
        return None
    below = [item for item in others if item.found is not None and item.found.parent == found.pid]
    cut = max(requests(watch, now), sum(requests(item, now) for item in below))
    cut_off = f" with {cut} {'request' if cut == 1 else 'requests'} running or waiting" if cut else ""
    last = list(watch.row(""))
    last[cells.STATE] = health.FAILED if cut else health.ABSENT
    what = "listens no more" if found.pid in alive else "ended"
    last[cells.REASON] = f"process {found.pid} {what}{cut_off}"
    last[cells.FIX] = "its log says why; start it again" if cut else ""
    last[cells.SINCE] = now.time_ns
    last[cells.PID] = last[cells.START] = None
    last[cells.READS] = last[cells.MISSING] = ""
    return tuple(last)
