"""Who holds the GPUs: rows of ``gpu_processes`` by user, job or container, and memory held while idle; pure."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from wftui.model import gpus as cells
from wftui.model.table import Row

USER: Final = "user"
JOB: Final = "job"
CONTAINER: Final = "container"
BY: Final = (USER, JOB, CONTAINER)
_PLACES: Final = {USER: cells.P_USER, JOB: cells.P_JOB, CONTAINER: cells.P_CGROUP}
_NOBODY: Final = {USER: "not ours to see", JOB: "no job", CONTAINER: "no container"}


class Holding(NamedTuple):
    """What one user, job or container has of the GPUs."""

    who: str
    gpus: tuple[str, ...]
    """UUIDs, sorted."""
    processes: int
    memory: float | None
    """By, of those whose memory is known; None: of none."""
    unknown: int
    """Processes whose memory the driver does not tell: ``memory`` is at least what it says."""
    utilization: float | None
    """Sum over the GPUs, 1 = one whole GPU; None: of no process known."""
    ranks: int
    idle_memory: float
    """By, part of ``memory``: of GPUs on which none of its processes computes."""


class Idle(NamedTuple):
    """Memory of one GPU that somebody holds and does not use."""

    uuid: str
    who: str
    memory: float
    """By."""
    since_ns: int
    """When the last of its processes there stopped working, as far as it was seen (UTC)."""
    pids: tuple[int, ...]


def holders(rows: Iterable[Row], by: str = USER) -> list[Holding]:
    """Each that holds something, the most memory first.

    Raises:
        KeyError: ``by`` is none of ``BY``.
    """
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(called(row, by), []).append(row)
    found = []
    for who, held in groups.items():
        memory = _numbers(held, cells.P_MEMORY)
        shares = _numbers(held, cells.P_UTILIZATION)
        found.append(
            Holding(
                who,
                tuple(sorted({str(row[cells.P_UUID]) for row in held})),
                len({(row[cells.P_PID], row[cells.P_START]) for row in held}),
                sum(memory) if memory else None,
                len(held) - len(memory),
                sum(shares) if shares else None,
                len({row[cells.P_RANK] for row in held} - {None}),
                sum(item.memory for item in idle(held, by)),
            )
        )
    return sorted(found, key=lambda item: (-(item.memory or 0.0), -len(item.gpus), item.who))


def idle(rows: Iterable[Row], by: str = USER, least: float = 1.0) -> list[Idle]:
    """Memory of at least ``least`` bytes that is held while idle, the most first.

    Somebody is idle on a GPU when each of the processes there was seen idle and works no more; one of which the
    driver tells nothing may be working.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((str(row[cells.P_UUID]), called(row, by)), []).append(row)
    found = []
    for (uuid, who), held in groups.items():
        since = _numbers(held, cells.P_IDLE_SINCE)
        memory = sum(_numbers(held, cells.P_MEMORY))
        if len(since) == len(held) and memory >= least:
            pids = sorted(int(pid) for pid in _numbers(held, cells.P_PID))
            found.append(Idle(uuid, who, memory, int(max(since)), tuple(pids)))
    return sorted(found, key=lambda item: (-item.memory, item.uuid, item.who))


def called(row: Row, by: str) -> str:
    """What the user, job or container of a row is called. Raises: KeyError."""
    name = str(row[_PLACES[by]] or "")
    if by == USER and name.isdigit():
        return f"uid {name}"
    return name or _NOBODY[by]


def _numbers(rows: Iterable[Row], place: int) -> list[float | int]:
    """The known ones; times keep their nanoseconds."""
    column = (row[place] for row in rows)
    return [cell for cell in column if isinstance(cell, int | float) and cell == cell]
