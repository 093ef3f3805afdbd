"""What is measured reaches the recorder; what was read reaches nobody."""

from __future__ import annotations

import socket
import sys
from contextlib import suppress
from pathlib import Path

from tests.harness import recorder, until
from tests.proxied import CHAT, MB, WAIT_S, Proxied, always, asked, request, reset, serving, stream, take
from wftui.errors import StoreError
from wftui.model.tick import unpack
from wftui.paths import places
from wftui.store import read

LABELS = 'server="test",source="proxy"'
CANARIES = (
    b"canary-prompt-3141592653",
    b"canary-reply-2718281828",
    b"canary-field-1618033988",
    b"canary-key-1414213562",
)
KEYED = b"POST %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nCookie: %s\r\nContent-Length: 0\r\n\r\n" % (
    CHAT.encode(), CANARIES[3], CANARIES[3],
)  # fmt: skip
BROKEN = (
    sys.executable,
    "-c",
    "import sys; from wftui.proxy import backlog\n"
    "def put(self, reader, data, now_ns): raise RuntimeError(data.decode())\n"
    "backlog.Backlog.put = put\nfrom wftui.__main__ import main; sys.exit(main())",
)
"""``wftop`` with a bug whose words quote what passes."""


def files(*folders: Path) -> list[Path]:
    return [file for folder in folders for file in folder.rglob("*") if file.is_file()]


def recorded(data_dir: Path) -> dict[str, float]:
    """Series to the last value in the journal."""
    found: dict[str, float] = {}
    with suppress(StoreError), read.open_reader(data_dir) as reader:
        for tick in reader.ticks(0, 2**40):
            columns = reader.layout(tick.layout).columns
            for column, value in zip(columns, unpack(tick.values), strict=True):
                if value == value:
                    found[column.series.text] = value
    return found


def talkative(proxy: Proxied) -> None:
    """Requests full of text that must stay where it is: well made, torn, refused, without end."""
    prompt, reply, field = (canary.decode() for canary in CANARIES[:3])
    said = stream(reply, reply, reply)
    asked_for = {"messages": [{"role": "user", "content": prompt}], "model": "qwen3:8b", field: {field: prompt}}
    for _ in range(3):
        assert asked(proxy, request(asked_for), len(said)) == said
    assert asked(proxy, request(asked_for, f"/v1/{field}{CHAT}?{field}={field}"), len(said)) == said
    with proxy.connect() as client:
        client.sendall(b"POST " + CANARIES[0] + b"\r\n" + CANARIES[0] * 10_000 + b"\r\n\r\n")
    with proxy.connect() as client:
        client.sendall(request({"model": [prompt], "stream": prompt})[:-9])
        reset(client)
    assert asked(proxy, KEYED, len(said)) == said


def holds_none(*texts: bytes) -> None:
    """What is written somewhere holds nothing of what passed."""
    for text in texts:
        for canary in CANARIES:
            assert canary not in text, text[:2000]


def test_figures_reach_the_recorder_and_no_text_does() -> None:
    said = stream(CANARIES[1].decode(), *["more"] * 2)
    sent = request({"messages": CANARIES[0].decode(), "model": "qwen3:8b"})
    series = f'gen_ai.client.tokens{{mode="input",model="qwen3:8b",{LABELS}}}'
    with recorder() as running, serving(always(said)) as url, Proxied(url, "--server", "test") as proxy:
        where = running.where
        for _ in range(4):
            assert asked(proxy, sent, len(said)) == said
        until(lambda: recorded(where.data_dir).get(series) == 44.0, 30, "the tokens")
        told = proxy.stop()
        assert running.stop() == 0
    found = recorded(where.data_dir)
    assert found[f'gen_ai.client.tokens{{mode="output",model="qwen3:8b",{LABELS}}}'] == 28.0
    assert found[f'gen_ai.client.requests{{mode="finished",model="qwen3:8b",{LABELS}}}'] == 4.0
    for name in ("operation.duration", "operation.time_to_first_chunk", "operation.time_per_output_chunk"):
        text = f'gen_ai.client.{name}{{model="qwen3:8b",server="test",source="proxy",stat="p99"}}'
        assert 0 <= found[text] < 10
    assert found['gen_ai.client.operation.duration{model="qwen3:8b",server="test",source="proxy",stat="p99"}'] > 0
    assert "4 requests finished, 0 aborted, 0 failed; 44 input tokens, 28 output tokens" in told
    kept = [(str(file), file.read_bytes()) for file in files(where.data_dir, where.state_dir, where.runtime_dir)]
    assert any(b"qwen3:8b" in text for _, text in kept), "what is looked through does hold what was measured"
    holds_none(told.encode(), *(content for _, content in kept))


def test_what_is_pushed_and_logged_holds_no_text() -> None:
    where = places()
    where.runtime_dir.mkdir(mode=0o700, parents=True)
    pushed = bytearray()

    def listen(one: socket.socket) -> None:
        while data := one.recv(MB):
            pushed.extend(data)
            if data.endswith(b"\n"):
                one.sendall(b'{"accepted":0,"rejected":[]}\n')

    said = stream(CANARIES[1].decode(), CANARIES[1].decode(), CANARIES[1].decode())
    with serving(listen, path=where.push_socket), serving(always(said)) as url, Proxied(url) as proxy:
        talkative(proxy)
        until(lambda: pushed.count(b"gen_ai.client.requests") >= 2, WAIT_S, "what is pushed")
        told = proxy.stop()
    assert b"qwen3:8b" in pushed
    assert "5 requests finished" in told
    assert "1 connections not read" in told
    holds_none(
        bytes(pushed), told.encode(), proxy.told.encode(), *(f.read_bytes() for f in files(where.state_dir))
    )


def test_a_server_that_is_away_or_wrong_brings_no_text_out(tmp_path: Path) -> None:
    """Refusals, certificates that are refused, answers that are none: each has words, and none of them quotes."""
    where = places()
    path = tmp_path / "server.sock"
    garbage = b"HTTP/1.1 abc\r\n" + CANARIES[1] + b"\r\n\r\n"
    with Proxied(f"unix:{path}") as proxy:
        for sent in (KEYED, request({"model": "m", "messages": CANARIES[0].decode()}), CANARIES[0] + b"\r\n\r\n"):
            with proxy.connect() as client:
                client.sendall(sent)
                said = take(client, MB)
            assert said.startswith(b"HTTP/1.1 502 ")
            holds_none(said)
        with serving(always(garbage), path=path):
            assert asked(proxy, KEYED, len(garbage)) == garbage
        told = proxy.stop()
    assert "answers again; refused meanwhile: 3" in told
    kept = [file.read_bytes() for file in files(where.state_dir)]
    assert any(b"does not answer" in text for text in kept)
    holds_none(told.encode(), *kept)


def test_a_bug_is_logged_without_what_it_quotes() -> None:
    where = places()
    said = stream(CANARIES[1].decode())
    with serving(always(said)) as url, Proxied(url, program=BROKEN) as proxy:
        for _ in range(2):
            with proxy.connect() as client, suppress(ConnectionError):
                client.sendall(KEYED)
                take(client, MB)
        told = proxy.stop()
    kept = [file.read_bytes() for file in files(where.state_dir)]
    assert any(b'"kind":"RuntimeError"' in text for text in kept), kept
    holds_none(told.encode(), *kept)
