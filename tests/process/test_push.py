"""push.sock of a real recorder: what was acknowledged is stored, and nobody stands in another's way."""

from __future__ import annotations

import json
import os
import socket
import stat
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

from tests.harness import Running, events, recorder, until
from tests.spoilt import spoilt
from wftui.model.tick import unpack
from wftui.paths import Places, places, private_dir
from wftui.recorder.push.connection import WAITING
from wftui.recorder.push.door import MAX_CONNECTIONS
from wftui.recorder.push.forms import MAX_LINE
from wftui.store import read


class Program:
    """One connection."""

    def __init__(self, timeout_s: float = 30.0) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout_s)
        try:
            self.socket.connect(str(places().push_socket))
        except OSError:
            self.socket.close()
            raise
        self._answers = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._answers.close()
        self.socket.close()

    def send(self, line: bytes) -> None:
        self.socket.sendall(line)

    def reply(self) -> dict[str, Any]:
        answer = self._answers.readline()
        assert answer, "the recorder closed"
        found: dict[str, Any] = json.loads(answer)
        return found

    def gone(self) -> bool:
        return not self._answers.readline()

    def native(self, *samples: dict[str, Any], source: str = "t") -> dict[str, Any]:
        self.send(line(*samples, source=source))
        return self.reply()


def line(*samples: dict[str, Any], source: str = "t") -> bytes:
    return json.dumps({"source": source, "samples": samples}).encode() + b"\n"


def done(by: float = 1.0) -> dict[str, Any]:
    return {"name": "done", "value": by, "kind": "counter"}


def told(where: Places) -> list[dict[str, float]]:
    """Of each stored tick what is known in it, by series."""
    with read.open_reader(where.data_dir) as reader:
        return [
            {
                column.series.text: value
                for column, value in zip(reader.layout(tick.layout).columns, unpack(tick.values), strict=True)
                if value == value
            }
            for tick in reader.ticks(0, 2**40)
        ]


def fork() -> int:
    """os.fork, which warns from Python 3.12 on where there are threads: the child here has no use for them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


DONE = 'custom.t.done{source="t"}'


def test_what_was_acknowledged_is_stored_by_a_clean_stop() -> None:
    with recorder() as running, Program() as program:
        acknowledged = 0.0
        for by in (1, 2.5, 4):
            assert program.native(done(by), {"name": "wait", "value": by, "kind": "distribution"})["accepted"] == 2
            acknowledged += by
        assert running.stop() == 0
        ticks = told(running.where)
        assert ticks[-1][DONE] == acknowledged
        assert sum(tick.get('custom.t.wait{source="t",stat="count"}', 0) for tick in ticks) == 3
        assert not running.where.push_socket.exists()


def test_the_socket_is_ours_alone_and_the_sources_name_who_pushes() -> None:
    with recorder() as running, Program() as program:
        assert stat.S_IMODE(running.where.push_socket.stat().st_mode) == 0o600
        program.native(done(), source="model:llama")
        found = {item.source: item for item in running.status().sources}
        assert found["push"].state == "ok"
        assert found["push:model:llama"].state == "ok"


def test_a_source_over_its_limit_is_one_event_and_a_counted_series() -> None:
    with recorder() as running, Program() as program:
        for start in range(0, 4000, 500):
            labels = [{"model": f"m{n}"} for n in range(start, start + 500)]
            program.native(*({"name": "x", "value": 1, "labels": item} for item in labels), source="flood")
        program.native(done())
        running.ticks(running.status().ticks + 3)
        assert program.native(done(), done())["accepted"] == 2
        states = {item.source: item for item in running.status().sources}
        assert states["push:flood"].state == "denied"
        assert states["push:t"].state == "ok"
        assert running.stop() == 0
        # Told at the end of the second in which it began: a slow machine is still pushing then.
        (told_once,) = events(running.where, "series.limited")
        assert 0 < int(str(told_once["rejected"])) <= 2000
        last = told(running.where)[-1]
        assert last['wftop.series.rejected{source="push:flood"}'] == 2000
        assert last['wftop.push.rejected{source="push:flood"}'] == 2000
        assert last[DONE] == 3


def test_two_hundred_slow_connections_do_not_stop_the_next() -> None:
    with recorder(), ExitStack() as stack:
        slow = [stack.enter_context(Program()) for _ in range(200)]
        for number, program in enumerate(slow):
            program.send(line(done())[: 5 + number % 20])
        with Program() as quick:
            assert quick.native(done())["accepted"] == 1
        for number, program in enumerate(slow):
            program.send(line(done())[5 + number % 20 :])
        assert [program.reply()["accepted"] for program in slow] == [1] * 200


def test_of_too_many_connections_the_one_that_was_silent_longest_gives_way() -> None:
    with recorder(), ExitStack() as stack:
        programs = [stack.enter_context(Program()) for _ in range(MAX_CONNECTIONS)]
        assert programs[0].native(done())["accepted"] == 1  # the second is the quietest now
        more = stack.enter_context(Program())
        assert more.native(done())["accepted"] == 1
        assert "silent longest" in programs[1].reply()["rejected"][0]["reason"]
        assert programs[1].gone()
        assert programs[0].native(done())["accepted"] == 1


def _say_without_end(program: Program) -> None:
    for _ in range(100):
        program.send(b" " * 65_536)


def test_a_line_that_is_too_long_is_refused_and_closed() -> None:
    with recorder():
        with Program() as program, pytest.raises((BrokenPipeError, ConnectionResetError)):
            _say_without_end(program)
        with Program() as program:
            program.send(b"{" + b" " * (MAX_LINE // 2) + b"\n" + line(done()))
            assert program.reply()["accepted"] == 0
            assert program.reply()["accepted"] == 1


def test_each_spoilt_line_has_one_answer_and_is_no_error_of_the_recorder() -> None:
    with recorder() as running:
        with Program() as program:
            for seed in range(10):
                lines = list(spoilt(500, seed))
                program.send(b"\n".join(lines) + b"\n")
                for _ in lines:
                    assert program.reply().keys() >= {"accepted", "rejected"}
            assert program.native(done())["accepted"] == 1
        assert running.stop() == 0
        assert "Error" not in running.errors()


def test_a_last_line_needs_no_end_and_is_answered_after_the_sender_closed() -> None:
    with recorder(), Program() as program:
        program.send(line(done()) + b"\n\r\n" + line(done(), done()).rstrip())
        program.socket.shutdown(socket.SHUT_WR)
        assert [program.reply()["accepted"] for _ in range(2)] == [1, 2]
        assert program.gone()


def test_who_does_not_read_its_answers_is_not_read_from_and_costs_others_nothing() -> None:
    with recorder() as running, Program() as mute, Program() as other:
        before = running.status().memory_bytes
        mute.socket.setblocking(False)
        bad = b"[]\n" * 20_000  # an answer is thirty times longer than its line
        sent, deadline = 0, time.monotonic() + 20
        stalled = 0
        while stalled < 20 and time.monotonic() < deadline:
            try:
                sent += mute.socket.send(bad[sent % 3 :])  # on from where the last one ended: whole lines
                stalled = 0
            except BlockingIOError:
                stalled += 1
                time.sleep(0.01)
        assert stalled == 20, "the recorder reads without end from who does not read"
        assert sent < 40 * WAITING
        assert other.native(done())["accepted"] == 1
        after = running.ticks(running.status().ticks + 2).memory_bytes
        assert before is not None
        assert after is not None
        assert after - before < 16 << 20
        # It reads again, and goes on.
        mute.socket.settimeout(30)
        whole = sent // 3
        for _ in range(whole):
            mute.reply()


@contextmanager
def flood(count: int) -> Iterator[list[int]]:
    """Programs that push without a pause; the list holds what each was acknowledged."""
    ends = threading.Event()
    acknowledged = [0] * count

    def run(number: int) -> None:
        with Program() as program:
            samples = [{"name": f"n{n}", "value": 1, "kind": "counter"} for n in range(200)]
            said = line(*samples, source=f"flood{number}")
            while not ends.is_set():
                for _ in range(20):
                    program.send(said)
                for _ in range(20):
                    acknowledged[number] += program.reply()["accepted"]

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield acknowledged
    finally:
        ends.set()
        for thread in threads:
            thread.join()


@pytest.mark.alone
def test_a_flood_keeps_no_tick_from_closing_and_nothing_acknowledged_is_lost() -> None:
    with recorder() as running:
        started = running.ticks(3).ticks
        waited = 0.0
        with flood(3) as acknowledged:
            ends = time.monotonic() + 4
            while time.monotonic() < ends:
                asked = time.monotonic()
                running.status()
                waited = max(waited, time.monotonic() - asked)
            assert running.status().ticks - started >= 3
        assert waited < 1.0
        assert running.stop() == 0
        ticks = told(running.where)
        stored = [sum(_of(ticks[-1], f"custom.flood{number}.").values()) for number in range(3)]
        assert stored == acknowledged
        assert sum(acknowledged) > 10_000
        assert max(tick.get("wftop.tick.lateness", 0.0) for tick in ticks) < 0.5


def _of(tick: dict[str, float], prefix: str) -> dict[str, float]:
    return {text: value for text, value in tick.items() if text.startswith(prefix)}


def test_what_lies_at_the_sockets_place_is_named_and_the_rest_is_recorded() -> None:
    where = places()
    private_dir(where.runtime_dir, exact=True)
    where.push_socket.mkdir()
    with Running() as running:
        running.ready()
        until(lambda: _push_state(running) == "failed", what="the failed state")
        running.ticks(2)
        assert running.stop() == 0


def _push_state(running: Running) -> str:
    [found] = [item for item in running.status().sources if item.source == "push"]
    return found.state


def test_switched_off_it_refuses_and_takes_nothing() -> None:
    from wftui.wire import messages as m

    with recorder() as running, Program() as program:
        assert program.native(done())["accepted"] == 1
        with running.ask() as connection:
            connection.ask(m.SetSource("push", False), m.Ok)
        assert "switched off" in program.native(done())["rejected"][0]["reason"]
        with running.ask() as connection:
            connection.ask(m.SetSource("push", True), m.Ok)
        assert program.native(done())["accepted"] == 1


def test_another_users_program_is_sent_away() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    with recorder() as running:
        where = str(running.where.push_socket)
        # Let the stranger reach the socket at all: folders of this test only.
        top = Path(tempfile.gettempdir())
        for folder in running.where.push_socket.parents:
            if top in folder.parents:
                folder.chmod(0o755)
        running.where.push_socket.chmod(0o666)
        child = fork()
        if child == 0:
            code = 1
            try:
                os.setuid(65_534)
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                    connection.settimeout(10)
                    connection.connect(where)
                    try:
                        connection.sendall(line(done()))
                        code = 0 if connection.recv(100) == b"" else 2
                    except (BrokenPipeError, ConnectionResetError):
                        code = 0
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        with Program() as program:
            assert program.native(done())["accepted"] == 1
