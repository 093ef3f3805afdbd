"""Who holds the GPUs, and what is held while idle."""

import pytest

from wftui.model import gpus as cells
from wftui.model.table import Cell, Row
from wftui.windows.holders import CONTAINER, JOB, USER, holders, idle

GIB = 2**30
T0 = 1_790_000_000_123_456_789


def row(uuid: str, pid: int, user: str = "alice", **changes: Cell) -> Row:
    made: list[Cell] = [None] * len(cells.GPU_PROCESSES.columns)
    made[cells.P_UUID], made[cells.P_PID], made[cells.P_START], made[cells.P_USER] = uuid, pid, pid * 10, user
    for name, value in changes.items():
        made[getattr(cells, f"P_{name.upper()}")] = value
    return tuple(made)


ROWS = [
    row("A", 1, memory=4 * GIB, utilization=0.5, job="torchrun:9", rank=0),
    row("B", 1, memory=4 * GIB, utilization=0.25),
    row("B", 2, memory=None, utilization=None, job="torchrun:9", rank=1),
    row("C", 3, "1004", memory=71 * GIB, utilization=0.0, idle_since=T0, cgroup="4f1c0ffee123"),
    row("D", 4, "", memory=None),
]


def test_by_user_the_most_memory_first() -> None:
    other, alice, hidden = holders(ROWS)
    assert (other.who, other.gpus, other.memory, other.idle_memory) == ("uid 1004", ("C",), 71 * GIB, 71 * GIB)
    assert (alice.who, alice.gpus, alice.processes, alice.memory) == ("alice", ("A", "B"), 2, 8 * GIB)
    assert (alice.unknown, alice.utilization, alice.ranks, alice.idle_memory) == (1, 0.75, 2, 0)
    assert (hidden.who, hidden.memory, hidden.utilization) == ("not ours to see", None, None)


def test_by_job_and_container() -> None:
    assert [(item.who, item.processes) for item in holders(ROWS, JOB)] == [("no job", 3), ("torchrun:9", 2)]
    assert [item.who for item in holders(ROWS, CONTAINER)] == ["4f1c0ffee123", "no container"]
    with pytest.raises(KeyError):
        holders(ROWS, "planet")


def test_idle_is_who_works_with_none_of_his_processes_there() -> None:
    (found,) = idle(ROWS)
    assert (found.uuid, found.who, found.memory, found.since_ns, found.pids) == (
        "C",
        "uid 1004",
        71 * GIB,
        T0,
        (3,),
    )
    both = [row("A", 1, memory=GIB, idle_since=T0), row("A", 2, memory=GIB, idle_since=T0 + 1)]
    assert [(item.memory, item.since_ns) for item in idle(both)] == [(2 * GIB, T0 + 1)]
    assert idle([*both, row("A", 3, memory=GIB)]) == []  # busy, or no word of it
    assert len(idle([*both, row("A", 3, "bob", memory=GIB)])) == 1
    assert idle([row("A", 1, idle_since=T0)]) == []  # holds nothing that is known
    assert idle(both, least=3 * GIB) == []


def test_nothing() -> None:
    assert holders([], USER) == []
    assert idle([]) == []
