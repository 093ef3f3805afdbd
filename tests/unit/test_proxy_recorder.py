"""What is measured on its way to the recorder: gathered, sent, answered, lost; and never waited for."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from wftui import clock
from wftui.paths import Places, places
from wftui.proxy import recorder
from wftui.proxy.recorder import ROOM, RecorderSink

LABELS = (("model", 'a "model"'), ("server", "s:1"))
Answer = Callable[[dict[str, Any]], bytes | None]


def counted(line: dict[str, Any]) -> bytes:
    return b'{"accepted":%d,"rejected":[]}\n' % len(line["samples"])


class Recorder:
    """Something on ``push.sock`` that keeps the lines it gets."""

    def __init__(self, where: Places) -> None:
        self.lines: list[dict[str, Any]] = []
        self.answer: Answer = counted
        self.came = asyncio.Event()
        self.server: asyncio.Server | None = None
        self._where = where
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> None:
        self.server = await asyncio.start_unix_server(self._one, self._where.push_socket, limit=1 << 20)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        while text := await reader.readline():
            assert len(text) <= 1 << 20
            line = json.loads(text)
            self.lines.append(line)
            self.came.set()
            answer = self.answer(line)
            if answer is None:
                break
            writer.write(answer)
        writer.close()

    async def next(self) -> list[dict[str, Any]]:
        """The samples of the next line."""
        await asyncio.wait_for(self.came.wait(), 10)
        self.came.clear()
        found: list[dict[str, Any]] = self.lines[-1]["samples"]
        return found

    async def stop(self) -> None:
        if self.server is not None:
            self.server.close()
            for writer in self._writers:
                writer.close()
            self._where.push_socket.unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "EVERY_S", 0.01)
    monkeypatch.setattr(recorder, "AWAY_S", 0.05)


@pytest_asyncio.fixture
async def there() -> AsyncIterator[Recorder]:
    where = places()
    where.runtime_dir.mkdir(mode=0o700, parents=True)
    found = Recorder(where)
    await found.start()
    yield found
    await found.stop()


def sink() -> RecorderSink:
    return RecorderSink(asyncio.get_running_loop(), places())


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not what():  # noqa: ASYNC110  the sink tells nobody
            await asyncio.sleep(0.005)


async def test_samples_go_as_the_recorder_takes_them(there: Recorder) -> None:
    one = sink()
    one.timing("gen_ai.client.operation.duration", 0.0123456789, LABELS)
    one.counter("gen_ai.client.requests", 3, (("mode", "finished"), *LABELS))
    assert await there.next() == [
        {"name": "gen_ai.client.operation.duration", "kind": "distribution", "labels": dict(LABELS), "unit": "s",
         "value": 0.0123456789},
        {"name": "gen_ai.client.requests", "kind": "counter", "labels": {"mode": "finished", **dict(LABELS)},
         "value": 3},
    ]  # fmt: skip
    assert there.lines[0]["source"] == "proxy"
    await asyncio.to_thread(one.close)
    assert (one.dropped, one.rejected, one.trouble) == (0, 0, "")


async def test_what_is_refused_is_counted_with_its_reason(there: Recorder) -> None:
    there.answer = lambda _: b'{"accepted":1,"rejected":[{"index":0,"name":"x","reason":"too many series"}]}\n'
    one = sink()
    one.timing("x", 1.0, LABELS)
    one.timing("y", 1.0, LABELS)
    await there.next()
    await until(lambda: bool(one.trouble))
    assert (one.dropped, one.rejected, one.trouble) == (0, 1, "too many series")
    one.close()


@pytest.mark.parametrize("answer", [None, b"[]\n", b"{}\n", b'{"accepted":"x","rejected":[]}\n', b"x" * 100_000])
async def test_a_line_without_a_good_answer_is_lost_and_the_next_is_not(
    there: Recorder, answer: bytes | None
) -> None:
    there.answer = lambda _: answer
    one = sink()
    one.timing("x", 1.0, LABELS)
    await there.next()
    await until(lambda: one.dropped == 1)
    one.timing("x", 1.0, LABELS)
    assert one.dropped == 2, "nobody is looked for at once"
    there.answer = counted
    await until(lambda: not one._away)
    one.timing("x", 2.0, LABELS)
    assert [sample["value"] for sample in await there.next()] == [2]
    await asyncio.to_thread(one.close)
    assert one.dropped == 2


async def test_a_recorder_that_comes_later_is_found() -> None:
    one = sink()
    one.timing("x", 1.0, LABELS)
    await until(lambda: one.dropped == 1)
    assert "No such file" in one.trouble
    where = places()
    where.runtime_dir.mkdir(mode=0o700, parents=True)
    late = Recorder(where)
    await late.start()
    await until(lambda: not one._away)
    one.timing("x", 2.0, LABELS)
    assert [sample["value"] for sample in await late.next()] == [2]
    await asyncio.to_thread(one.close)
    await late.stop()


async def test_one_that_says_nothing_is_left_and_what_waits_is_bounded(
    there: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "ANSWER_S", 0.1)
    there.answer = lambda _: b""
    one = sink()
    one.timing("x", 1.0, LABELS)
    await there.next()
    for _ in range(ROOM + 7):
        one.timing("x", 1.0, LABELS)
    assert (one.dropped, one.trouble) == (7, "more was measured than could be sent")
    await until(lambda: one.dropped == ROOM + 8)
    assert one.trouble == "the recorder did not answer within 0.1 s"
    one.close()


async def test_much_goes_in_lines_that_the_recorder_takes(there: Recorder) -> None:
    one = sink()
    for number in range(ROOM):
        one.timing("gen_ai.client.operation.time_per_output_chunk", number, (("model", "m" * 128), *LABELS[1:]))
    await until(lambda: sum(len(line["samples"]) for line in there.lines) == ROOM)
    values = [sample["value"] for line in there.lines for sample in line["samples"]]
    assert values == list(range(ROOM))
    await asyncio.to_thread(one.close)
    assert one.dropped == 0


async def test_the_end_hands_over_what_waits_and_does_not_wait_for_ever(
    there: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = sink()
    one.timing("x", 5.0, LABELS)
    await asyncio.to_thread(one.close)
    assert [sample["value"] for sample in await there.next()] == [5]
    assert one.dropped == 0
    monkeypatch.setattr(recorder, "CLOSE_S", 0.1)
    there.answer = lambda _: b""
    two = sink()
    two.timing("x", 6.0, LABELS)
    await asyncio.to_thread(two.close)
    assert (two.dropped, two.trouble) == (1, "timed out")


async def test_a_full_socket_holds_up_nobody() -> None:
    where = places()
    where.runtime_dir.mkdir(mode=0o700, parents=True)
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(where.push_socket))
        deaf.listen(1)
        one = sink()
        for _ in range(ROOM):
            one.timing("gen_ai.client.operation.time_per_output_chunk", 0.1, LABELS)
        await until(lambda: one._sent > 0)
        assert len(one._line), "it does not fit"
        taken, _ = deaf.accept()
        with taken:
            taken.settimeout(10)
            got = b""
            while b"\n" not in got:
                got += await asyncio.to_thread(taken.recv, 1 << 20)
            assert len(json.loads(got)["samples"]) == recorder.LINE
    one.close()


def understood(line: dict[str, Any]) -> bytes:
    found = {"accepted": len(line["samples"]) + len(line.get("tokens", ())), "rejected": [], "within": 0.2}
    return json.dumps(found).encode() + b"\n"


async def test_tokens_go_with_the_samples_and_say_how_long_ago_they_came(there: Recorder) -> None:
    there.answer = understood
    one = sink()
    one.happened("prompt", clock.perf_ns() - 50_000_000, LABELS)
    one.happened("token", clock.perf_ns(), LABELS)
    one.timing("gen_ai.client.operation.duration", 1.0, LABELS)
    assert len(await there.next()) == 1
    prompt, token = there.lines[-1]["tokens"]
    assert (prompt["do"], prompt["model"], prompt["server"]) == ("prompt", 'a "model"', "s:1")
    assert 0.05 <= prompt["ago"] < 5
    assert 0 <= token["ago"] < prompt["ago"]
    await asyncio.to_thread(one.close)
    assert (one.dropped, one.rejected) == (0, 0)


async def test_a_recorder_that_knows_no_tokens_is_told_none(there: Recorder) -> None:
    one = sink()
    one.happened("prompt", clock.perf_ns(), LABELS)
    await there.next()
    await until(lambda: one._deaf)
    one.happened("token", clock.perf_ns(), LABELS)
    one.counter("gen_ai.client.requests", 1, LABELS)
    assert len(await there.next()) == 1
    assert "tokens" not in there.lines[-1]
    assert (one.dropped, one.rejected) == (0, 0)
    await asyncio.to_thread(one.close)
