"""What `wftop proxy` says when it cannot do what it is told."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from tests.harness import ROOT, command, environment, recorder
from tests.proxied import Proxied
from wftui.proxy.listen import Place, place
from wftui.proxy.upstream import url


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--upstream", "ftp://a"], 2, "expected a URL like http://127.0.0.1:8080 or unix:/run/server.sock, got 'ftp://a'"),
        (["--upstream", "http://me:secret@a"], 2, "a URL may not carry a user or key"),
        (["--upstream", "http://127.0.0.1:1/v1"], 2, "paths pass unchanged"),
        (["--upstream", "http://127.0.0.1:99999"], 2, "Port out of range"),
        (["--upstream", "unix:"], 2, "expected a path"),
        (["--upstream", "http://no-such-host.invalid:1"], 4, "no-such-host.invalid: "),
        (["--upstream", "http://127.0.0.1:1", "--listen", "0.0.0.0:0"], 2, "add --expose if that is meant"),
        (["--upstream", "127.0.0.1:9999", "--listen", "127.0.0.1:9999"], 2, "this is the server's own address"),
        (["--upstream", "127.0.0.1:9999", "--listen", "0.0.0.0:9999", "--expose"], 2, "the server's own address"),
        (["--upstream", "unix:/tmp/../tmp/s", "--listen", "unix:/tmp/s"], 2, "the server's own address"),
        (["--upstream", "http://127.0.0.1:1", "--listen", "nowhere"], 2, "expected 127.0.0.1:PORT"),
        (["--upstream", "http://127.0.0.1:1", "--listen", "192.0.2.1:0", "--expose"], 4, "Cannot assign"),
        (["--upstream", "http://127.0.0.1:1", "--listen", "unix:/no/such/folder/x"], 4, "No such file"),
        (["--upstream", "http://127.0.0.1:1", "--ca", "x"], 2, "--ca goes with an https:// server"),
        (["--upstream", "https://127.0.0.1:1", "--ca", "/no/such/file"], 4, "--ca /no/such/file: No such file"),
        (["--upstream", "https://127.0.0.1:1", "--ca", __file__], 4, "no certificate in PEM form"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_line(words: list[str], code: int, message: str) -> None:
    done = subprocess.run(command("proxy", *words), env=environment(), cwd=ROOT, capture_output=True, text=True,
                          timeout=30, check=False)  # fmt: skip
    assert done.returncode == code, done.stderr
    assert done.stderr.count("\n") == 1
    assert message in done.stderr


def test_an_address_in_use_is_named_and_a_dead_socket_is_not_in_use(tmp_path: Path) -> None:
    path = tmp_path / "proxy.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    words = ["proxy", "--upstream", "http://127.0.0.1:1", "--listen", f"unix:{path}"]
    with Proxied("http://127.0.0.1:1", "--listen", f"unix:{path}") as proxy:
        done = subprocess.run(command(*words), env=environment(), cwd=ROOT, capture_output=True, text=True,
                              timeout=30, check=False)  # fmt: skip
        assert done.returncode == 4
        assert "Address already in use" in done.stderr
        proxy.stop()
    path.write_text("mine")
    done = subprocess.run(command(*words), env=environment(), cwd=ROOT, capture_output=True, text=True,
                          timeout=30, check=False)  # fmt: skip
    assert (done.returncode, path.read_text()) == (4, "mine")


def test_it_says_when_nobody_records() -> None:
    with Proxied("http://127.0.0.1:1") as proxy:
        assert proxy.stop().startswith("no recorder runs: nothing is kept until one does")
    with recorder() as running, Proxied("http://127.0.0.1:1") as proxy:
        assert proxy.stop().startswith("0 requests finished")
        assert running.stop() == 0


def test_an_address_for_others_is_allowed_when_it_is_meant() -> None:
    with Proxied("http://127.0.0.1:1", "--listen", "0.0.0.0:0", "--expose") as proxy:
        assert proxy.url.startswith("http://0.0.0.0:")
        assert proxy.stop().startswith("whoever reaches this address can use the server behind it, unencrypted\n")


def test_the_usual_port_is_the_servers_and_ten_thousand() -> None:
    assert place(None, url("http://127.0.0.1:11434")) == Place("127.0.0.1", 21434)
    assert place(None, url("http://[::1]:60000")) == Place("127.0.0.1", 0)
    assert place(None, url("unix:/run/x.sock")) == Place("127.0.0.1", 0)
    assert place("[::1]:5", url("127.0.0.1:1")).loopback
    assert not place("[::]:5", url("127.0.0.1:1")).loopback


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("http://localhost:8000", "127.0.0.1:8000"),
        ("127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://[::1]", "[::1]:80"),
        ("https://Example.org", "example.org:443"),
        ("unix:/run/llama.sock", "unix:/run/llama.sock"),
        ("unix:///run/llama.sock", "unix:/run/llama.sock"),
    ],
)
def test_a_server_is_named_as_the_recorder_names_it(text: str, endpoint: str) -> None:
    assert url(text).endpoint == endpoint
