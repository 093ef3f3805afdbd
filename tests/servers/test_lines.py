"""The wanted lines of a page: found again wherever the numbers around them push them, or not at all."""

from __future__ import annotations

import pytest

from wftui.collectors.servers.exposition import parse
from wftui.collectors.servers.lines import Lines

PAGE = (
    '# HELP a_total words\n# TYPE a_total counter\na_total{{m="{m}",e="0"}} {n}\na_total{{m="{m}",e="1"}} {n}\n'
    "other {n}\nother_created {n}\n\nb {n}\n"
    '# TYPE c histogram\nc_bucket{{le="1"}} {n}{end}\nc_bucket{{le="+Inf"}} {n}{end}\nc_count {n}\nc_sum {n}'
)
WANTED = frozenset({"a_total", "b", "c_bucket", "c_sum"})


def page(number: object, model: str = "x", end: str = "") -> bytes:
    """A page on which each number is this one."""
    return PAGE.format(n=number, m=model, end=end).encode()


def lines(text: bytes) -> Lines:
    """What is wanted of it."""
    starts = {item.line: item.start for item in parse(text, "/metrics") if item.name in WANTED}
    return Lines(text, text.split(b"\n"), starts)


@pytest.mark.parametrize("model", ["x", "two words", "}"])
@pytest.mark.parametrize("end", ["", " 1700000000000", ' # {id="a"} 0.5'])
@pytest.mark.parametrize("last", [b"", b"\n", b"\nrest 1\n", b"\n# EOF\n", b"\n\nrest 1\n"])
def test_numbers_may_grow_and_shrink(model: str, end: str, last: bytes) -> None:
    """Also by more than a run is looked for nearby."""
    found = lines(page(1, model, end) + last)
    assert found.useful
    for number in (2, 10**300, 3, 0.1 + 0.2, 10**80, 7, 7):
        assert list(found.values(page(number, model, end) + last) or ()) == [float(number)] * 6
    same = page(5, model, end) + last
    assert found.values(same) is found.values(bytes(same))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'a_total{m="x",e="1"} 1\n', b'a_total{m="x",e="1"} 1\na_total{m="x",e="2"} 1\n'),
        (b"# HELP a_total words\n", b'# HELP a_total words\na_total{m="y",e="0"} 1\n'),
        (b'e="0"', b'e="2"'),
        (b'm="x"', b'm="y"'),
        (b"\nb 1\n", b"\nb2 1\n"),
        (b"\nb 1\n", b"\n"),
        (b'c_bucket{le="1"} 1\n', b""),
        (b'c_bucket{le="1"} 1', b'c_bucket{le="1"}'),
        (b'c_bucket{le="1"} 1', b'c_bucket{le="1"} 1_0'),
        (b'c_bucket{le="1"} 1', b'c_bucket{le="1"} x'),
        (b"c_sum 1", b"c_sum 1\nc_sum 2"),
    ],
)
def test_another_page_is_none_of_its_own(old: bytes, new: bytes) -> None:
    found = lines(page(1))
    assert old in page(1)
    assert found.values(page(1).replace(old, new)) is None
    assert list(found.values(page(2)) or ()) == [2] * 6


def test_a_page_that_repeats_itself_is_of_no_use_or_read_rightly() -> None:
    twice = page(1) + b"\n" + page(1) + b"\n"
    found = lines(twice)
    assert not found.useful or list(found.values(twice) or ()) == [1] * 12
