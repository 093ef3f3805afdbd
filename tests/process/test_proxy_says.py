"""What the proxy tells whoever started it: when the server goes and comes, and how a stop ends what runs."""

from __future__ import annotations

import signal
import socket
import threading
from pathlib import Path

import pytest

from tests.harness import until
from tests.proxied import MB, WAIT_S, Proxied, always, answer, asked, heard, request, serving, stream, take
from wftui import clock
from wftui.paths import places
from wftui.proxy import reach
from wftui.proxy.reach import Reach

ASKS = request({"model": "m"})
SAYS = answer(b"{}")


def line(proxy: Proxied) -> str:
    """The next that it says."""
    assert proxy.process.stdout is not None
    return proxy.process.stdout.readline().strip()


def test_a_server_that_goes_and_comes_is_one_line_each(tmp_path: Path) -> None:
    path = tmp_path / "server.sock"
    with Proxied(f"unix:{path}") as proxy:
        assert line(proxy).startswith("no recorder runs")
        for _ in range(3):
            assert asked(proxy, ASKS, MB).startswith(b"HTTP/1.1 502 ")
        with serving(always(SAYS), path=path):
            for _ in range(2):
                assert asked(proxy, ASKS, len(SAYS)) == SAYS
        assert line(proxy) == (
            f"unix:{path} does not answer: No such file or directory; clients are told so with status 502"
        )
        assert line(proxy) == f"unix:{path} answers again; refused meanwhile: 3"
        assert proxy.stop().startswith("2 requests finished, 0 aborted, 3 failed (502: 3)")
    logged = (places().state_dir / "wftop.log").read_text()
    assert logged.count("does not answer") == 1
    assert logged.count("answers again") == 1


def test_a_server_that_comes_and_goes_all_the_time_is_told_of_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0
    monkeypatch.setattr(clock, "perf_ns", lambda: now)
    told: list[str] = []
    one = Reach("s:1", told.append)
    for _ in range(100):
        now += 10**8
        one.failed("refused")
        one.made()
    assert (
        told
        == [
            "s:1 does not answer: refused; clients are told so with status 502",
            "s:1 answers again; refused meanwhile: 1",
        ]
        * 2
    )
    one.failed("refused")
    one.failed("no route")
    one.made()
    assert len(told) == 4, "still too early for another"
    now += reach.QUIET_NS
    one.failed("refused")
    one.failed("no route")
    one.made()
    assert [words.split(";")[0] for words in told[4:]] == [
        "s:1 does not answer: refused",
        "s:1 does not answer: no route",
        "s:1 answers again",
    ]
    assert told[-1].endswith("refused meanwhile: 2")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_says_what_it_waits_for_and_what_it_ends(number: signal.Signals) -> None:
    began, go_on = threading.Event(), threading.Event()
    said = stream("a", "b")

    def slow(one: socket.socket) -> None:
        heard(one)
        one.sendall(said[:-10])
        began.set()
        go_on.wait(WAIT_S)

    with serving(slow) as url, Proxied(url) as proxy, proxy.connect() as client, proxy.connect():
        line(proxy)
        client.sendall(ASKS)
        assert began.wait(WAIT_S)
        proxy.process.send_signal(number)
        assert line(proxy) == (
            "stopping: 1 connection with a request that runs, for 5 s at most; once more (^C) ends that now"
        )
        proxy.process.send_signal(number)
        assert line(proxy) == "ended 1 connection with a request that runs"
        assert proxy.rest().startswith("0 requests finished, 0 aborted, 1 failed")
        go_on.set()


@pytest.mark.parametrize("signals", [1, 2])
def test_a_stop_lets_what_runs_end_and_a_second_one_does_not(signals: int) -> None:
    began, go_on = threading.Event(), threading.Event()
    said = stream("a", "b")

    def slow(one: socket.socket) -> None:
        heard(one)
        one.sendall(said[:-10])
        began.set()
        go_on.wait(WAIT_S)
        one.sendall(said[-10:])

    with serving(slow) as url, Proxied(url) as proxy, proxy.connect() as client, proxy.connect():
        client.sendall(request({"model": "m"}))
        assert began.wait(WAIT_S)
        proxy.process.send_signal(signal.SIGTERM)
        until(lambda: _refused(proxy), WAIT_S, "that nobody is taken any more")
        if signals == 2:
            proxy.process.send_signal(signal.SIGINT)
            out = proxy.rest()
            go_on.set()
            with pytest.raises(ConnectionResetError):
                take(client, MB)
            assert "0 requests finished, 0 aborted, 1 failed" in out
        else:
            go_on.set()
            assert take(client, len(said)) == said
            out = proxy.rest()
            assert "1 requests finished, 0 aborted, 0 failed" in out


def _refused(proxy: Proxied) -> bool:
    try:
        proxy.connect().close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_stop_with_nothing_to_wait_for_says_nothing_of_it() -> None:
    with serving(always(SAYS)) as url, Proxied(url) as proxy, proxy.connect() as client:
        line(proxy)
        client.sendall(ASKS)
        assert take(client, len(SAYS)) == SAYS
        assert proxy.stop(signal.SIGINT).startswith("1 requests finished")


def test_traffic_goes_on_when_nobody_reads_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "server.sock"
    with Proxied(f"unix:{path}") as proxy:
        assert proxy.process.stdout is not None
        proxy.process.stdout.close()
        assert asked(proxy, ASKS, MB).startswith(b"HTTP/1.1 502 ")
        with serving(always(SAYS), path=path):
            assert asked(proxy, ASKS, len(SAYS)) == SAYS
        proxy.process.terminate()
        assert proxy.process.wait(WAIT_S) == 0
        assert proxy.process.stderr is not None
        assert proxy.process.stderr.read() == ""
        proxy.process.stdout = None
