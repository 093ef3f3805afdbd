"""The filter language: what each form wants, what is wrong in it, and that no number matches the unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.fake import NOW_S
from tests.tui.fake_tree import rows
from wftui.model import processes as cells
from wftui.tui.process import filter as filters
from wftui.tui.process.filter import own_user, parse

ROWS = rows()
NOW_NS = NOW_S * 10**9


def found(text: str) -> set[int]:
    """Pids that a filter leaves."""
    holds = parse(text)
    assert holds.wrong == ()
    return {int(str(row[cells.PID])) for row in ROWS.values() if holds(row, NOW_NS)}


ALL = found("")


@pytest.mark.parametrize(
    ("text", "pids"),
    [
        ("ollama", {3001, 3040}),
        ("OLLAMA qwen3", {3040}),
        ("ollama serve", {3001}),
        ("  tmux   work ", {2300}),
        ('"ollama serve"', {3001}),
        ('"serve ollama"', set()),
        ('"ollama serve', {3001}),
        ("rsync | tmux", {2402, 2300}),
        ("rsync|tmux", {2402, 2300}),
        ("user=postgres !walwriter cpu<0.1", {741, 743}),
        ("user=POSTGRES cpu>1", {742}),
        ("user=postgres,nobody threads=4", {743}),
        ("state=D", {2402}),
        ("s=d", {2402}),
        ("state=R cpu>=97", {1901, 1902}),
        ("cpu=97", {1902}),
        ("cpu!=97 state=R", {1901, 2390, 2391}),
        ("cpu>=97%", {1901, 1902}),
        ("mem>5g", {1835, 3040}),
        ("mem>=5gib mem<6GB", {3040}),
        ("mem<1 | pid=1", {1, 2, 17, 44}),
        ("pid=1", {1}),
        ("pid=1,911", {1, 911}),
        ("parent=733", {741, 742, 743}),
        ("ppid=733 pid!=742", {741, 743}),
        ("name=post*", {733, 741, 742, 743}),
        ("name=bash", {2214, 2310}),
        ("name~^VLLM::Worker_TP[01]$", {1901, 1902}),
        ("name!~PYTHON mem>4g", {1901, 3040}),
        ('name~"rsync|make"', {2402, 2377}),
        ("cmd~--port\\s+4", {3040}),
        ("cgroup=3f2a*", {1835, 1901, 1902, 1950}),
        ("container~^3f2a9 !state=R", {1835, 1950}),
        ("read>1m", {2402}),
        ("write>1m/s", {2402}),
        ("age<2h", {4242}),
        ("age>1d user=root", {1, 2, 17, 44}),
        ("!user=root !user=ana", {733, 741, 742, 743}),
        ('!"-bash" name=bash', set()),
        ("--model", {1835, 3040}),
        ('"-id"', {1810}),
        ('!"!nothing"', ALL),
        ("user=root state=I | state=D", {44, 2402}),
        ("| rsync |", {2402}),
    ],
)
def test_what_is_wanted_is_left(text: str, pids: set[int]) -> None:
    assert found(text) == pids


def test_unknown_is_never_more_nor_less_than_anything() -> None:
    unknown = {int(str(row[cells.PID])) for row in ROWS.values() if row[cells.READ] is None}
    assert unknown
    assert not found("read<1g") & unknown
    assert not found("read>=0") & unknown
    assert not found("read!=1") & unknown
    assert found("!read>=0") == unknown
    assert found("gpu<100") == set()


def test_a_process_that_holds_a_gpu_is_found_by_it() -> None:
    row = next(iter(ROWS.values()))
    for text, held, wanted in (
        ("gpu>0", (0.4, 2**30), True),
        ("gpu>40", (0.4, 2**30), False),
        ("vram>=1g", (None, 2**30), True),
        ("gpu>0", (None, 2**30), False),
    ):
        assert parse(text)((*row, *held), NOW_NS) is wanted, text


def test_me_is_who_looks() -> None:
    row = list(next(iter(ROWS.values())))
    row[cells.USER] = own_user()
    assert parse("user=me")(tuple(row), NOW_NS)
    row[cells.USER] = own_user() + "x"
    assert not parse("user=me")(tuple(row), NOW_NS)


@pytest.mark.parametrize(
    ("text", "piece", "why"),
    [
        ("rsync cpu>", "cpu>", "a value is missing"),
        ("rsync cpu>x", "cpu>x", "expected a percent like 10, got 'x'"),
        ("rsync mem>1q", "mem>1q", "expected a size like 512m or 1g, got '1q'"),
        ("rsync pid=1.5", "pid=1.5", "expected a whole number, got '1.5'"),
        ("rsync age>soon", "age>soon", "expected a length of time like 90s or 2h"),
        ("rsync usr=me", "usr=me", "no column 'usr'"),
        ("rsync user>me", "user>me", "user is a text"),
        ("rsync user=,", "user=,", "a value is missing"),
        ("rsync cpu>1,2", "cpu>1,2", "> takes one value"),
        ("rsync name~[", "name~[", "no regular expression"),
        ("rsync !", "!", "a word is missing"),
        ('rsync ""', "", "a word is missing"),
        ("rsync | cpu>x", "cpu>x", "expected a percent"),
        ("rsync !cpu>x", "!cpu>x", "expected a percent"),
    ],
)
def test_a_wrong_piece_is_named_and_the_rest_filters(text: str, piece: str, why: str) -> None:
    holds = parse(text)
    assert [wrong.piece for wrong in holds.wrong] == [piece]
    assert why in holds.wrong[0].why
    left = [row for row in ROWS.values() if holds(row, NOW_NS)]
    assert [row[cells.PID] for row in left] == [2402]


def test_only_wrong_pieces_leave_everything() -> None:
    holds = parse("cpu>x | name~[")
    assert len(holds.wrong) == 2
    assert all(holds(row, NOW_NS) for row in ROWS.values())


@given(st.text(alphabet='abcuserpim=<>~!|",.*[]()\\ 019gk-', max_size=40))
def test_no_text_raises(text: str) -> None:
    holds = parse(text)
    for row in ROWS.values():
        assert holds(row, NOW_NS) in (True, False)


def test_a_text_is_parsed_once() -> None:
    parse.cache_clear()
    for _ in range(5):
        parse("user=ana cpu>10 python")
    assert parse.cache_info().misses == 1


def test_every_column_of_the_language_has_an_example_that_is_right() -> None:
    values = {
        filters.TEXT: "=a", filters.PERCENT: ">10", filters.SIZE: ">1g", filters.NUMBER: "=1", filters.AGE: "<1h",
    }  # fmt: skip
    for name, (_, kind) in filters.KEYS.items():
        assert parse(name + values[kind]).wrong == (), name
    for form, _ in filters.GRAMMAR:
        assert parse(form).wrong == (), form
