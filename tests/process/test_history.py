"""The history service as a process: frames in, frames out; what it survives and when it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.records import LAYOUT, SCHEMA, fact, rows, tick
from wftui.clock import NS_PER_S
from wftui.model.table import keyframe
from wftui.store import journal, seal
from wftui.store.journal import Journal, StoredChange
from wftui.wire import codec
from wftui.wire import messages as m

HOUR = 1_700_002_800
COUNT = 400


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Half of it sealed, all of that trimmed but a minute."""
    made = Journal(tmp_path / journal.NAME)
    made.begin("boot", "0.1", "record", 1, 5, 6)
    first = HOUR - 200
    made.write(
        [(tick(n, first + n - 1, (float(n), n * 3.0)), LAYOUT) for n in range(1, COUNT + 1)],
        [
            StoredChange(n, SCHEMA, keyframe(SCHEMA, (first + n - 1) * NS_PER_S, rows(1, n)))
            for n in range(1, COUNT + 1, 60)
        ],
        [fact(n, (first + n) * NS_PER_S) for n in range(1, 21)],
    )
    with seal.lock(tmp_path):
        seal.run(tmp_path, 9)
    made.trim(260, 1 << 40, keep_events=5)
    made.close()
    return tmp_path


class Service:
    """One process."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "wftui.history", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.input: IO[bytes] = self.process.stdin
        self.output: IO[bytes] = self.process.stdout
        self.requests = 0

    def read(self) -> tuple[m.Message, int]:
        header = self.output.read(codec.HEADER)
        return codec.decode(self.output.read(codec.frame_length(header)))

    def send(self, data: bytes) -> None:
        self.input.write(data)
        self.input.flush()

    def ask(self, question: m.Message) -> m.Message:
        self.requests += 1
        self.send(codec.encode(question, self.requests))
        reply, request = self.read()
        assert request == self.requests
        return reply


@pytest.fixture
def service(folder: Path) -> Iterator[Service]:
    started = Service(str(folder))
    try:
        hello, request = started.read()
        assert isinstance(hello, m.Hello)
        assert (hello.version, request) == (m.VERSION, 0)
        yield started
    finally:
        started.process.kill()
        started.process.wait()
        started.input.close()
        started.output.close()


def test_every_question_is_answered_and_nothing_is_written(folder: Path, service: Service) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}
    found = service.ask(m.Range(["*"], (HOUR - 200) * NS_PER_S, (HOUR + 200) * NS_PER_S, 40))
    assert isinstance(found, m.RangeReply)
    assert (found.counts, len(found.series)) == ([10] * 40, 2)
    moment = service.ask(m.At((HOUR - 150) * NS_PER_S))
    assert isinstance(moment, m.AtReply)
    assert moment.tick is not None
    assert moment.before is not None
    assert (moment.tick.seq, moment.before.seq) == (51, 50)
    assert moment.tables[0].change.rows == rows(1, 1)
    gap = service.ask(m.At((HOUR - 500) * NS_PER_S))
    assert isinstance(gap, m.AtReply)
    assert (gap.tick, gap.next_s) == (None, HOUR - 200)
    events = service.ask(m.Events())
    assert isinstance(events, m.EventsReply)
    assert [item.seq for item in events.events] == list(range(1, 21))
    tables = service.ask(m.Tables("things", (HOUR - 200) * NS_PER_S, (HOUR + 200) * NS_PER_S))
    assert isinstance(tables, m.TablesReply)
    assert len(tables.changes) >= 7
    catalogue = service.ask(m.Catalogue())
    assert isinstance(catalogue, m.CatalogueReply)
    assert (len(catalogue.columns), catalogue.tables) == (2, [SCHEMA])
    assert catalogue.first_ns is not None
    assert catalogue.first_ns <= (HOUR - 200) * NS_PER_S
    times = [(HOUR + second) * NS_PER_S for second in (-150, -50, 50, 150)]
    compared = service.ask(m.Compare(["*"], *times))
    assert isinstance(compared, m.CompareReply)
    assert [item.a.count if item.a else 0 for item in compared.series] == [100, 100]
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}


def test_what_is_wrong_is_an_error_and_not_the_end(service: Service) -> None:
    for question, code in (
        (m.Range(["*"], 9, 5, 10), "bad-request"),
        (m.Range(["*"], 0, HOUR * NS_PER_S, 1 << 40), "bad-request"),
        (m.Status(), "bad-request"),
        (m.At(1 << 62, seq=1 << 63), "bad-request"),
    ):
        reply = service.ask(question)
        assert isinstance(reply, m.Error), question
        assert reply.code == code
    service.send(b"\0\0\0\4junk")
    reply, _ = service.read()
    assert isinstance(reply, m.Error)
    assert isinstance(service.ask(m.Catalogue()), m.CatalogueReply)


def test_it_ends_with_its_input_by_sigterm_and_when_nobody_asks(folder: Path, service: Service) -> None:
    service.input.close()
    assert service.process.wait(10) == 0
    for arguments, how in (((str(folder),), signal.SIGTERM), ((str(folder), "0.1"), None)):
        other = Service(*arguments)
        other.read()
        if how is not None:
            other.process.send_signal(how)
        assert other.process.wait(10) == (-how if how else 0)
        other.input.close()
        other.output.close()


def test_another_version_is_refused(service: Service) -> None:
    service.send(codec.encode(m.Hello((99, 0), "recorder")))
    assert service.process.wait(10) == 6


def test_it_loads_no_toolkit(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from wftui.history.service import Service\n"
        "from wftui.wire.messages import Range, RangeReply\n"
        f"s = Service(Path({str(folder)!r})); s.warm()\n"
        f"r = s.answer(Range(['*'], {(HOUR - 200) * NS_PER_S}, {HOUR * NS_PER_S}, 40))\n"
        "assert isinstance(r, RangeReply), r\n"
        "banned = {'textual', 'rich', 'typer', 'numpy', 'psutil', 'asyncio', 'wftui.recorder'}\n"
        "assert not banned & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
