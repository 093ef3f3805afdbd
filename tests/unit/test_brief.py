"""Two readings without a recorder wait for what gathers on its own, not for what said why it brings nothing."""

import pytest

from tests.records import Counting
from wftui.clock import Instant, SystemClock
from wftui.collectors.base import STREAM
from wftui.errors import SourceUnavailableError
from wftui.model import health
from wftui.model.gpus import GPUS
from wftui.model.sample import Reading, Scrape
from wftui.model.table import Row, TableSnapshot
from wftui.recorder.brief import sample_twice


class Streaming(Counting):
    """Its first readings come with the third question, and a part of a table with them."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.where = STREAM

    def collect(self, at: Instant) -> Scrape:
        scrape = super().collect(at)
        if self.calls < 3:
            return Scrape([])
        row: Row = (self.name, *[None] * (len(GPUS.columns) - 1))
        table = TableSnapshot(GPUS, at.time_ns, {self.name: row}, self.name)
        return Scrape([], (table,), readings=(Reading(at, 10.0, scrape.samples),))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wftui.recorder.brief.AGAIN_S", 0.01)
    monkeypatch.setattr("wftui.recorder.brief._STREAM_S", 0.01)


def test_they_are_waited_for() -> None:
    one, other, plain = Streaming("one"), Streaming("other"), Counting("plain")
    found = sample_twice([one, other, plain], SystemClock(), 0.01)
    assert (one.calls, other.calls, plain.calls) == (4, 4, 2)
    (table,) = found.tables
    assert set(table.rows) == {"one", "other"}, "each brings a part"
    assert {item.series.name for item in found.layout.columns} == {"system.memory.usage", "system.network.io"}


def test_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wftui.recorder.brief.FIRST_S", 0.05)
    monkeypatch.setattr(Streaming, "collect", lambda _self, _at: Scrape([]))
    assert sample_twice([Streaming("mute")], SystemClock(), 0.01).health[0].state == health.OK


def test_one_without_a_library_is_not_waited_for() -> None:
    absent = Streaming("absent")
    absent.error = SourceUnavailableError("no library", state="absent")
    sample_twice([absent], SystemClock(), 0.01)
    assert absent.calls == 2
