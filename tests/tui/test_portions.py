"""Questions about more series than one answer holds."""

from __future__ import annotations

import asyncio
from array import array
from typing import TypeVar

import pytest

from wftui.errors import ProtocolError
from wftui.model.sample import Column, column
from wftui.model.series import select
from wftui.model.tick import pack
from wftui.store.answers import MAX_CELLS
from wftui.tui import portions as asking
from wftui.tui.around import Around
from wftui.tui.blocks import SECONDS
from wftui.tui.portions import portions
from wftui.wire import messages as wire

FEW, MANY = "inference.requests", "inference.tokens.rate"
_M = TypeVar("_M", bound=wire.Message)


def columns(few: int, many: int) -> list[Column]:
    return [
        column("test", name, {"server": f"[::1]:{port}*?"}, call="test")
        for name, count in ((FEW, few), (MANY, many))
        for port in range(count)
    ]


def test_what_fits_is_asked_at_once() -> None:
    assert asking.CELLS < MAX_CELLS
    assert portions([FEW, MANY], columns(3, 5), 640) == [[FEW, MANY]]
    assert portions([FEW, MANY], [], 640) == [[FEW, MANY]], "what nobody knows of may be there all the same"


@pytest.mark.parametrize(("few", "many"), [(3, 900), (61, 2), (62, 63), (0, 62), (700, 700), (30, 33)])
def test_each_portion_fits_and_together_they_name_everything_once(few: int, many: int) -> None:
    there = [item.series for item in columns(few, many)]
    found = [select(some, there) for some in portions([FEW, MANY], columns(few, many), 640)]
    assert all(len(those) * 640 <= asking.CELLS for those in found)
    assert sorted(item.text for those in found for item in those) == sorted(item.text for item in there)


def test_patterns_count_what_they_match() -> None:
    patterns = ['inference.*{*server="[[]::1]:1*"*}', "inference.req*"]
    assert len(portions(patterns, columns(60, 60), 640)) == 2
    assert len(portions(patterns, columns(60, 60), 64)) == 1


def test_a_block_of_the_past_is_put_together_from_its_portions() -> None:
    known = columns(600, 600)
    asked: list[int] = []

    class Recorder:
        async def __call__(self, message: wire.Message, expected: type[_M]) -> _M:
            assert isinstance(message, wire.Range)
            wanted = [item for item in known if select(message.selectors, [item.series])]
            asked.append(len(wanted))
            if len(wanted) * message.points > MAX_CELLS:
                raise ProtocolError("too large")
            values = pack(array("d", [1.0]) * SECONDS)
            reply = wire.RangeReply(
                message.since_ns,
                1_000_000_000,
                SECONDS,
                [1] * SECONDS,
                [wire.RangeSeries(item, values, values, values) for item in wanted],
            )
            assert isinstance(reply, expected)
            return reply

    around = Around(Recorder(), [FEW, MANY], lambda: known)
    end = 7_000_000 * SECONDS + SECONDS
    job = around.missing(end - 1, (end - SECONDS, end), end, 10)
    assert job is not None
    asyncio.run(job)
    assert sum(asked) == 1200
    assert max(asked) * SECONDS <= asking.CELLS
    for item in (known[0], known[-1]):
        assert around.blocks.values(item.series.text, end - 1, 5) == [1.0] * 5
