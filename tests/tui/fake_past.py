"""A recorder that remembers: the fake machine's ticks, answered as history answers."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Iterable

from tests.tui.fake import NAN, NOW_S, Fed, events, machine, process_rows
from wftui.errors import ProtocolError
from wftui.model.event import Event
from wftui.model.processes import PROCESSES
from wftui.model.series import matches
from wftui.model.table import keyframe
from wftui.model.tick import pack, unpack
from wftui.tui.state import State
from wftui.wire import messages as wire

NS = 1_000_000_000
FIRST_S = NOW_S - 1 - 600
"""The UTC second of the machine's second 0."""
GAP = range(540, 552)
"""Seconds of the machine that nobody recorded."""


class Memory:
    """The link of a view: answers from ticks in the order of their numbers, and writes down what it was asked."""

    def __init__(self, fed: Fed, ticks: Iterable[wire.TickArrived], told: list[Event]) -> None:
        self.fed = fed
        self.ticks = {tick.seq: tick for tick in ticks}
        self.told = told
        self.asked: list[wire.Message] = []
        self.gone = ""
        """Why nobody answers; empty: answers come."""
        self.gate = asyncio.Event()
        """Answers wait for it."""
        self.gate.set()

    async def follow(self) -> None:
        return

    def report_soon(self) -> None:
        """Nobody reads reports."""

    def by_clock(self, *, wanted: bool) -> None:
        """Nothing comes, however it is read."""

    def read(self) -> None:
        """As above."""

    def rate_changed(self) -> None:
        return

    def graphs_changed(self) -> None:
        return

    async def ask(self, message: wire.Message, timeout_s: float) -> wire.Message:  # noqa: ARG002  as the link has it
        self.asked.append(message)
        await self.gate.wait()
        if self.gone:
            raise ProtocolError(self.gone)
        if isinstance(message, wire.At):
            return self._at(message)
        if isinstance(message, wire.Range):
            return self._range(message)
        if isinstance(message, wire.Events):
            return self._events(message)
        return wire.Ok()

    def of(self, kind: type[wire.Message]) -> list[wire.Message]:
        """Questions of one kind."""
        return [message for message in self.asked if isinstance(message, kind)]

    def _at(self, question: wire.At) -> wire.AtReply:
        second = question.time_ns // NS
        seconds = [tick.time_s for tick in self.ticks.values()]
        if question.seq is not None:
            tick = self.ticks.get(question.seq)
        else:
            tick = next(
                (item for _, item in sorted(self.ticks.items(), reverse=True) if item.time_s == second), None
            )
        if tick is None:
            before = max((one for one in seconds if one < second), default=None)
            after = min((one for one in seconds if one > second), default=None)
            return wire.AtReply(None, None, [], before, after)
        rows = dict(list(process_rows().items())[: 3 + tick.seq % 5])
        table = wire.TableArrived(keyframe(PROCESSES, tick.time_s * NS, rows), PROCESSES)
        return wire.AtReply(tick, self.fed.layout, [table], before=self.ticks.get(tick.seq - 1))

    def _range(self, question: wire.Range) -> wire.RangeReply:
        since, until = question.since_ns // NS, question.until_ns // NS
        places = [
            n
            for n, item in enumerate(self.fed.layout.columns)
            if any(matches(one, item.series) for one in question.selectors)
        ]
        counts = [0] * (until - since)
        values = {place: array("d", [NAN]) * (until - since) for place in places}
        for tick in self.ticks.values():
            if since <= tick.time_s < until:
                counts[tick.time_s - since] += 1
                numbers = unpack(tick.values)
                for place in places:
                    values[place][tick.time_s - since] = numbers[place]
        found = [
            wire.RangeSeries(self.fed.layout.columns[place], b"", pack(column), b"")
            for place, column in values.items()
        ]
        return wire.RangeReply(question.since_ns, NS, until - since, counts, found)

    def _events(self, question: wire.Events) -> wire.EventsReply:
        found = [
            item
            for item in self.told
            if (question.since_ns is None or item.time_ns >= question.since_ns)
            and (question.until_ns is None or item.time_ns < question.until_ns)
            and (not question.types or item.type in question.types)
        ]
        more = len(found) > question.limit
        return wire.EventsReply(found[-question.limit :] if question.newest else found[: question.limit], more)


def remembered(*, repeated: bool = False) -> tuple[State, Memory]:
    """Ten minutes with a gap, live at their end; ``repeated``: at second 400 the clock stepped back by 100 s."""
    fed = Fed()
    seconds = [second for second in range(1, 601) if second not in GAP]
    ticks = [fed.tick(second, seq=place) for place, second in enumerate(seconds, 1)]
    if repeated:
        ticks = [
            wire.TickArrived(tick.seq, tick.time_s - (100 if tick.boottime_ns >= 400 * NS else 0), *_rest(tick))
            for tick in ticks
        ]
    for tick in ticks:
        fed.state.on(tick)
    fed.furnish()
    return fed.state, Memory(fed, ticks, events())


def _rest(tick: wire.TickArrived) -> tuple[int, int, int, bytes]:
    return tick.boottime_ns, tick.boot, tick.layout, tick.values


def busy(second: int) -> float:
    """CPU utilisation of the machine in one of its seconds."""
    return next(value for item, value in machine(second) if item.series.text == "system.cpu.utilization")
