"""The kernel's tables of listening sockets, from text and from this machine."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.collectors.servers.sockets import (
    Listener,
    children,
    listeners,
    namespace,
    parse_tcp,
    parse_unix,
    sockets_of,
)
from wftui.errors import SourceFormatError

HEAD = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def line(address: str, state: str = "0A", uid: int = 1000, inode: int = 7) -> bytes:
    zeros = "0" * (len(address) - 5)
    return (
        f"   0: {address} {zeros}:0000 {state} 00000000:00000000 00:00000000 00000000 {uid:5} 0 {inode} 1 0 100\n"
    ).encode()


@pytest.mark.parametrize(
    ("address", "host", "reached", "port", "local"),
    [
        ("0100007F:1F90", "127.0.0.1", "127.0.0.1", 8080, True),
        ("00000000:2CAA", "0.0.0.0", "127.0.0.1", 11434, True),  # noqa: S104  read, not bound
        ("0501A8C0:1F40", "192.168.1.5", "192.168.1.5", 8000, False),
        ("00000000000000000000000000000000:0050", "::", "::1", 80, True),
        ("00000000000000000000000001000000:1F90", "::1", "::1", 8080, True),
        ("0000000000000000FFFF00000100007F:1F90", "127.0.0.1", "127.0.0.1", 8080, True),
        ("B80D0120000000000000000001000000:01BB", "2001:db8::1", "2001:db8::1", 443, False),
    ],
)
@pytest.mark.skipif(sys.byteorder != "little", reason="the samples are of a little-endian machine")
def test_an_address(address: str, host: str, reached: str, port: int, local: bool) -> None:
    (found,) = parse_tcp(HEAD + line(address), "tcp")
    assert (found.host, found.reached, found.port, found.local) == (host, reached, port, local)
    assert (found.uid, found.inode) == (1000, 7)


def test_connections_end_the_list() -> None:
    page = HEAD + line("0100007F:1F90", inode=1) + line("0100007F:1F90", "01", inode=2)
    assert [item.inode for item in parse_tcp(page, "tcp")] == [1]


def test_unix_sockets_that_listen_and_have_a_path() -> None:
    page = (
        b"Num       RefCount Protocol Flags    Type St Inode Path\n"
        b"0000000000000000: 00000002 00000000 00010000 0001 01 10 /run/llama.sock\n"
        b"0000000000000000: 00000002 00000000 00010000 0001 01 11 @abstract\n"
        b"0000000000000000: 00000003 00000000 00000000 0001 03 12 /run/connected.sock\n"
        b"0000000000000000: 00000002 00000000 00010000 0001 01 13\n"
        b"0000000000000000: 00000002 00000000 00010000 0001 01 14 /run/with blank.sock\n"
    )
    assert parse_unix(page) == [
        Listener(10, "", 0, "/run/llama.sock", None),
        Listener(14, "", 0, "/run/with blank.sock", None),
    ]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for parse in (lambda data: parse_tcp(data, "tcp"), parse_unix):
        try:
            parse(b"head\n" + data)
        except SourceFormatError:
            continue


def test_a_line_that_is_cut_is_named() -> None:
    with pytest.raises(SourceFormatError, match="tcp6: expected 'sl local_address"):
        parse_tcp(HEAD + b"   0: 0100007F:1F90 00000000:0000 0A 0:0\n", "tcp6")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_our_own_sockets(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    with socket.socket() as plain, socket.socket(socket.AF_UNIX) as unix, socket.socket() as silent:
        plain.bind(("127.0.0.1", 0))
        plain.listen()
        silent.bind(("127.0.0.1", 0))
        unix.bind(str(path))
        unix.listen()
        ours = sockets_of("/proc", os.getpid())
        assert ours is not None
        found = {inode: item for inode, item in listeners("/proc/net").items() if inode in ours}
        ports = {item.port for item in found.values() if not item.path}
        assert plain.getsockname()[1] in ports
        assert silent.getsockname()[1] not in ports
        assert str(path) in {item.path for item in found.values()}
        # A connection must not hide listeners that stand after it.
        with socket.create_connection(plain.getsockname()):
            assert plain.getsockname()[1] in {item.port for item in listeners("/proc/net").values()}


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_children_and_namespace() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        try:
            if Path(f"/proc/self/task/{os.getpid()}/children").exists():
                assert child.pid in children("/proc", os.getpid())
            assert namespace("/proc", child.pid) == namespace("/proc", "self") != ""
        finally:
            child.communicate(b"\n")
    assert children("/proc", child.pid) == []
    assert sockets_of("/proc", child.pid) == set()
    assert namespace("/proc", child.pid) == ""
