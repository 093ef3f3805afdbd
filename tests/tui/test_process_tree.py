"""The tree: every process once, below its parent; sums of what is folded; filters and hostile tables."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.tui.fake import NOW_S
from tests.tui.fake_tree import key, rows
from wftui.model import processes as cells
from wftui.model.table import Row
from wftui.tui.process import tree
from wftui.tui.process.order import Line

ROWS = rows()


def pids(lines: list[Line]) -> list[int]:
    return [int(str(line.row[cells.PID])) for line in lines]


def test_children_stand_below_their_parent_in_the_lists_order() -> None:
    lines = tree.lines(ROWS, "cpu")
    assert len(lines) == len(ROWS)
    order = pids(lines)
    assert order[:4] == [1, 3001, 3040, 612]
    at = order.index(1835)
    assert order[at : at + 4] == [1835, 1901, 1902, 1950]
    assert [line.branch for line in lines[at : at + 4]] == ["| L", "|  +", "|  +", "|  L"]
    reverse = pids(tree.lines(ROWS, "cpu", reverse=True))
    at = reverse.index(1835)
    assert reverse[at : at + 4] == [1835, 1950, 1902, 1901]
    by_pid = pids(tree.lines(ROWS, "pid"))
    assert by_pid[:4] == [1, 612, 1810, 1835]


def test_orphans_and_kernel_threads_have_roots_of_their_own() -> None:
    roots = [line for line in tree.lines(ROWS, "pid") if not line.branch]
    assert pids(roots) == [1, 2, 4242]


def test_a_folded_branch_is_one_line_of_sums() -> None:
    lines = tree.lines(ROWS, "cpu", folded={key(1835), key(743)})
    line = next(line for line in lines if line.key == key(1835))
    family = [ROWS[key(pid)] for pid in (1835, 1901, 1902, 1950)]
    assert line.inside == 3
    assert not {1901, 1902, 1950} & set(pids(lines))
    for place in (cells.CPU, cells.MEMORY, cells.THREADS, cells.READ):
        assert line.row[place] == sum(float(str(row[place])) for row in family)
    for place in (cells.PID, cells.USER, cells.COMMAND, cells.STATE, cells.CREATED):
        assert line.row[place] == family[0][place]
    assert next(line for line in lines if line.key == key(743)).inside == 0, "nothing is below it"


def test_sums_leave_out_what_is_unknown_and_stay_unknown_when_all_is() -> None:
    line = next(line for line in tree.lines(ROWS, "cpu", folded={key(911)}) if line.key == key(911))
    assert ROWS[key(911)][cells.READ] is None
    assert line.row[cells.READ] == 4.1e6
    line = next(line for line in tree.lines(ROWS, "cpu", folded={key(733)}) if line.key == key(733))
    assert line.row[cells.READ] is None


def test_sums_reach_the_cells_of_gpus() -> None:
    held = ROWS | {key(1901): (*ROWS[key(1901)], 0.5, 70e9), key(1902): (*ROWS[key(1902)], 0.25, 60e9)}
    line = next(line for line in tree.lines(held, "gpu%", folded={key(1835)}) if line.key == key(1835))
    assert line.row[-2:] == (0.75, 130e9)


def test_siblings_are_ordered_by_the_sums_that_they_show() -> None:
    open_ = pids([line for line in tree.lines(ROWS, "cpu") if len(line.branch) == 1 and line.branch in "+L"])
    folded = {key(pid) for pid in (612, 733, 911, 3001)}
    lines = tree.lines(ROWS, "cpu", folded=folded)
    shut = pids([line for line in lines if len(line.branch) == 1 and int(str(line.row[cells.PID])) > 100])
    assert open_[0] == 3001
    assert shut == [612, 911, 733, 3001]


def test_a_fold_inside_a_fold_is_hidden_with_it() -> None:
    lines = tree.lines(ROWS, "pid", folded={key(612), key(1835)})
    assert key(1835) not in {line.key for line in lines}
    assert next(line for line in lines if line.key == key(612)).inside == 5


def test_a_filter_keeps_what_is_above_a_match_and_opens_folds() -> None:
    lines = tree.lines(ROWS, "cpu", wanted="pytest", folded={key(911)})
    assert pids(lines) == [1, 911, 2210, 2214, 2300, 2310, 2377, 2390]
    assert [line.context for line in lines] == [True] * 7 + [False]


def test_a_number_that_was_given_again_is_not_the_parent() -> None:
    late = list(ROWS[key(612)])
    late[cells.START] = 10**9
    table = {other: row for other, row in ROWS.items() if other != key(612)} | {"612:late": tuple(late)}
    assert key(1810) not in tree.parents(table)


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 3)), max_size=30), st.data())
def test_no_table_loses_a_process_or_goes_round_in_circles(
    found: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    table: dict[str, Row] = {}
    for pid, parent, start in found:
        table[f"{pid}:{start}"] = (
            pid, start, parent, "u", "n", "", "S", 0.1, 1.0, 1, None, None, NOW_S * 10**9, "",
        )  # fmt: skip
    lines = tree.lines(table, "cpu")
    assert sorted(line.key for line in lines) == sorted(table)
    folded = data.draw(st.sets(st.sampled_from(sorted(table)))) if table else set()
    lines = tree.lines(table, "cpu", folded=folded)
    assert sum(1 + line.inside for line in lines) == len(table)


def test_a_chain_as_deep_as_the_table_is_drawn() -> None:
    template = next(iter(ROWS.values()))
    table = {f"{pid}:{pid}": (pid, pid, pid - 1, *template[3:]) for pid in range(1, 3001)}
    assert len(tree.lines(table, "pid")) == 3000
    assert len(tree.lines(table, "pid", folded={"1:1"})) == 1
