"""Tokens that a server tells in blocks: all of them find room, as one of N, however seldom it is read."""

from __future__ import annotations

import pytest

from wftui.energy.stream import Stream
from wftui.model.streams import COUNTERS
from wftui.tui.energy.field import Field
from wftui.tui.energy.flows import Flow
from wftui.tui.energy.intake import Intake

NAN = float("nan")
FRAME_S = 1 / 60
UNKNOWN = Flow(*(NAN for _ in Flow._fields))  # type: ignore[arg-type]  # texts and places are replaced below


def watched(rates: list[int], every_s: float, rows: int, width: int) -> Field:
    """A stream with so many tokens in each second, read so often, drawn 60 times a second by a fast terminal."""
    field, stream, made = Field(), Stream(), 0
    field.fit("|s|m", width, rows, tuple(range(rows)))
    intake = Intake(field)
    intake._ticks = 10  # the stream is one that begins while somebody looks
    before_s, due_s = 0.0, every_s
    for frame in range(1, len(rates) * 60):
        now_s = frame * FRAME_S
        if now_s >= due_s:
            whole = sum(rates[: int(now_s)]) + int(rates[int(now_s)] * (now_s % 1))
            stream.counted(before_s, now_s, whole - made)
            look = stream.look(now_s)
            told = UNKNOWN._replace(
                key="|s|m", told_by=COUNTERS, state=look.state, rate=look.rate, energy=look.energy,
                tokens=float(stream.tokens), units=stream.units, counted=0,
            )  # fmt: skip
            intake._one(told, now_s)
            before_s, due_s, made = now_s, due_s + every_s, whole
        field.advance(now_s, FRAME_S)
        field.sent(frame)
        field.acknowledged(frame, now_s + 0.01)
    return field


@pytest.mark.parametrize("every_s", [0.1, 1.0, 2.0, 5.0, 10.0])
@pytest.mark.parametrize(("rows", "width"), [(1, 46), (3, 82), (5, 130)])
@pytest.mark.parametrize(
    "rates", [[30] * 40, [2000] * 40, [20] * 13 + [2000] * 13 + [20] * 13, ([300] * 6 + [0] * 8) * 3]
)
def test_no_token_is_without_room(rates: list[int], rows: int, width: int, every_s: float) -> None:
    field = watched(rates, every_s, rows, width)
    assert field.computed > 100
    assert field.missed.get("room", 0.0) == 0.0
    assert field.fidelity.seen == pytest.approx(field.computed - field.waiting, rel=1e-6)
