"""Which tests run beside which: what measures time is not disturbed, and nobody waits for ever."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.turns import Kind, Turns, in_order

KINDS: tuple[Kind, ...] = ("any", "quiet", "alone")
WAITS_S = 0.1


class Member:
    """A worker's test, in a thread: locks of files that are opened apart exclude each other there, too."""

    def __init__(self, folder: Path, kind: Kind) -> None:
        self.kind = kind
        self.inside, self._leave = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, args=(Turns(folder),), daemon=True)
        self._thread.start()

    def _run(self, turns: Turns) -> None:
        with turns.taken(self.kind):
            self.inside.set()
            self._leave.wait(30)

    def end(self) -> None:
        self._leave.set()
        self._thread.join(30)
        assert not self._thread.is_alive()


@contextmanager
def member(folder: Path, kind: Kind) -> Iterator[Member]:
    """One that is let out at the end, whether it was inside or not."""
    made = Member(folder, kind)
    try:
        yield made
    finally:
        made.end()


@pytest.mark.parametrize("second", KINDS)
@pytest.mark.parametrize("first", KINDS)
def test_who_runs_beside_whom(tmp_path: Path, first: Kind, second: Kind) -> None:
    together = first == second != "alone"
    one, other = Member(tmp_path, first), None
    try:
        assert one.inside.wait(10)
        other = Member(tmp_path, second)
        assert other.inside.wait(10 if together else WAITS_S) is together
    finally:
        one.end()
        if other is not None:
            assert other.inside.wait(10), "its turn came"
            other.end()


def test_quiet_ones_go_before_any_that_wait(tmp_path: Path) -> None:
    first = Member(tmp_path, "quiet")
    assert first.inside.wait(10)
    with member(tmp_path, "any") as waiting:
        assert not waiting.inside.wait(WAITS_S)
        with member(tmp_path, "quiet") as late:
            assert late.inside.wait(10), "it does not queue behind the one that waits"
            first.end()
            assert not waiting.inside.wait(WAITS_S)
        assert waiting.inside.wait(10)


def test_nobody_passes_one_that_waits_to_be_alone(tmp_path: Path) -> None:
    first = Member(tmp_path, "any")
    assert first.inside.wait(10)
    with member(tmp_path, "alone") as alone:
        assert not alone.inside.wait(WAITS_S)
        with member(tmp_path, "any") as late:
            assert not late.inside.wait(WAITS_S)
            first.end()
            assert alone.inside.wait(10)
            assert not late.inside.wait(WAITS_S)
            alone.end()
            assert late.inside.wait(10)


def many(kind: Kind, count: int) -> list[Kind]:
    return [kind] * count


@given(st.lists(st.sampled_from(KINDS)), st.integers(1, 5))
def test_every_test_is_handed_out_once(kinds: list[Kind], workers: int) -> None:
    found = in_order(kinds, workers)
    assert Counter(found) == Counter(range(len(kinds)))
    places = [place for place in found if kinds[place] == "any"]
    assert places == sorted(places), "these keep their order"


@given(st.integers(1, 4), st.integers(0, 9), st.integers(0, 9), st.integers(40, 90))
def test_each_row_begins_with_its_share(workers: int, quiet: int, alone: int, rest: int) -> None:
    kinds = many("any", rest) + many("alone", alone) + many("quiet", quiet)
    handed = [kinds[place] for place in in_order(kinds, workers)]
    begin = 0
    for worker in range(workers):
        length = (len(handed) - begin) // (workers - worker)
        row, begin = handed[begin : begin + length], begin + length
        share = len(range(worker, quiet, workers))
        others = alone if worker == 0 else 0
        assert row == many("quiet", share) + many("alone", others) + many("any", length - share - others)
