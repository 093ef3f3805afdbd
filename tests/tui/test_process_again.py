"""What is kept of one process table for the next never shows: each list is what it would be made from nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wftui.model import processes as cells
from wftui.model.processes import PROCESSES
from wftui.model.table import Cell, Row
from wftui.tui.process import filter as filters
from wftui.tui.process import order, sieve, tree
from wftui.tui.process.columns import SORTS
from wftui.tui.process.order import Line

PIDS = range(1, 9)
FILTERS = ("", "python", "cpu>10", "!idle mem>1k", "age<10m", "pid=3,5 | name~^o")
MINUTE_NS = 60 * 10**9
Change = tuple[int, int | None, float | None, float | None, str]
"""A pid with its parent, CPU, memory and name; a parent of None ends it."""
Scan = tuple[list[Change], str, bool, str, bool]
"""What changed, the order, whether it is reversed, the filter, whether branches are folded."""
Answer = tuple[list[tuple[str, Row]], list[Line], dict[str, str]]
CHANGES = st.tuples(
    st.sampled_from(PIDS),
    st.none() | st.integers(0, 9),
    st.none() | st.sampled_from([0.0, 0.0001, 0.5, 2.0]),
    st.none() | st.sampled_from([0.0, 4096.0, 1e9]),
    st.sampled_from(["python", "Idle", "ollama"]),
)
SCANS = st.tuples(
    st.lists(CHANGES, max_size=5), st.sampled_from(SORTS), st.booleans(), st.sampled_from(FILTERS), st.booleans()
)


def row(pid: int, parent: int | None, cpu: float | None, memory: float | None, name: str) -> Row:
    known: dict[int, Cell] = {
        cells.PID: pid, cells.PARENT: parent, cells.START: pid * 7 % 5, cells.NAME: name, cells.CPU: cpu,
        cells.MEMORY: memory, cells.COMMAND: f"/bin/{name}", cells.CREATED: pid * MINUTE_NS,
    }  # fmt: skip
    return tuple([known.get(place) for place in range(len(PROCESSES.columns))])


def pythons(pids: range) -> dict[str, Row]:
    return {f"{pid}": row(pid, 1, 0.5, 4096.0, "python") for pid in pids}


def forget() -> None:
    """As in a process that has seen no table yet."""
    order._Last.by = (-1, False)
    tree._Last.rows, tree._Last.above = {}, {}
    sieve._Last.wanted = ""


def answer(rows: dict[str, Row], scan: Scan, at_ns: int) -> Answer:
    _, sort, reverse, wanted, folded = scan
    folds = ("1", "3") if folded else ()
    return (
        order.ordered(rows, sort, reverse=reverse, wanted=wanted, at_ns=at_ns),
        tree.lines(rows, sort, reverse=reverse, wanted=wanted, folded=folds, at_ns=at_ns),
        tree.parents(rows),
    )


@settings(max_examples=200)
@given(st.lists(SCANS, max_size=8))
def test_lists_of_table_after_table(scans: list[Scan]) -> None:
    forget()
    rows: dict[str, Row] = {}
    found = []
    for number, scan in enumerate(scans):
        # A table is changed in place, and rows that stay are the same tuples.
        for change in scan[0]:
            if change[1] is None:
                rows.pop(f"{change[0]}", None)
            else:
                rows[f"{change[0]}"] = row(*change)
        at_ns = (8 + number) * MINUTE_NS
        found.append((rows.copy(), scan, at_ns, answer(rows, scan, at_ns)))
    for then, scan, at_ns, said in found:
        forget()
        assert said == answer(then, scan, at_ns)
        assert said[2] == tree.related(then)
        holds = filters.parse(scan[3])
        assert {key for key, _ in said[0]} == {key for key, each in then.items() if holds(each, at_ns)}


def test_only_rows_that_are_others_are_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    forget()
    asked: list[Row] = []

    def busy(each: Row, _: int) -> bool:
        asked.append(each)
        return True

    parsed = filters.parse("cpu>10")
    spied = parsed._replace(groups=(parsed.groups[0]._replace(tests=(busy,)),))
    monkeypatch.setattr(filters, "parse", lambda _: spied)
    rows = pythons(PIDS)
    first = sieve.matching(rows, "cpu>10", 0)
    assert asked == list(rows.values())
    rows["3"] = row(3, 1, 0.5, 1e9, "python")
    assert sieve.matching(rows, "cpu>10", 0) == first
    assert asked[len(rows) :] == [rows["3"]]


def test_answers_about_processes_that_ended_are_let_go() -> None:
    forget()
    for start in range(0, 2000, 200):
        assert len(sieve.matching(pythons(range(start, start + 200)), "python", 0)) == 200
        assert len(sieve._Last.said) <= 3 * 200 + 64
