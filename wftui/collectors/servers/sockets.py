"""Who listens: the kernel's tables of TCP and unix sockets, and the descriptors of a process."""

import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from wftui.collectors.files import malformed, read_once

_LISTEN: Final = b"0A"
"""Source: include/net/tcp_states.h, TCP_LISTEN."""
_ACCEPTS: Final = 1 << 16
"""Source: include/linux/net.h, __SO_ACCEPTCON."""
_MOST_FILES: Final = 4096
"""Descriptors looked at of one process: a listener is opened early and has a low number."""
_MAPPED: Final = bytes(10) + b"\xff\xff"
"""What stands before an IPv4 address inside an IPv6 one."""
_WORDS: Final = (0, 4, 8, 12)


class Listener(NamedTuple):
    """A listening socket."""

    inode: int
    host: str
    """As bound, without brackets; empty for a unix socket."""
    port: int
    path: str
    """Of a unix socket; empty for TCP."""
    uid: int | None
    """Who opened it; None: not told."""

    @property
    def reached(self) -> str:
        """The address over which it is asked: what is bound to all addresses is asked over loopback."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104  compared, not bound

    @property
    def local(self) -> bool:
        """Whether it is reached over loopback or a path, never over a network."""
        return bool(self.path) or self.reached == "::1" or self.reached.startswith("127.")


def parse_tcp(data: bytes, call: str) -> list[Listener]:
    """The listening sockets of ``/proc/net/tcp`` or ``tcp6``. The kernel puts them before all others.

    Raises:
        SourceFormatError: A line is not as documented.

    Source: proc_net_tcp(5); addresses are 32-bit words in the machine's byte order.
    """
    found = []
    for line in data.split(b"\n")[1:]:
        words = line.split()
        if not words:
            continue
        try:
            if words[3] != _LISTEN:
                break
            address, port = words[1].split(b":")
            found.append(Listener(int(words[9]), _host(address), int(port, 16), "", int(words[7])))
        except (ValueError, IndexError) as error:
            raise malformed(call, "'sl local_address rem_address st … uid timeout inode'", line) from error
    return found


def _host(address: bytes) -> str:
    raw = bytes.fromhex(address.decode())
    words = b"".join(raw[at : at + 4][::-1] if sys.byteorder == "little" else raw[at : at + 4] for at in _WORDS)
    if len(raw) == 4:
        return socket.inet_ntop(socket.AF_INET, words)
    if len(raw) != 16:
        raise ValueError(address)
    if words.startswith(_MAPPED):
        return socket.inet_ntop(socket.AF_INET, words[12:])
    return socket.inet_ntop(socket.AF_INET6, words)


def parse_unix(data: bytes) -> list[Listener]:
    """The listening sockets of ``/proc/net/unix`` that have a path; abstract ones have none.

    Raises:
        SourceFormatError: A line is not as documented.

    Source: proc_net_unix(5).
    """
    found = []
    for line in data.split(b"\n")[1:]:
        words = line.split(None, 7)
        if len(words) < 8 or not words[7].startswith(b"/"):
            continue
        try:
            if int(words[3], 16) & _ACCEPTS:
                found.append(Listener(int(words[6]), "", 0, os.fsdecode(words[7]), None))
        except ValueError as error:
            raise malformed("/proc/net/unix", "'Num RefCount Protocol Flags Type St Inode Path'", line) from error
    return found


def listeners(net: str | Path) -> dict[int, Listener]:
    """All listening sockets of a network namespace, by inode.

    Args:
        net: ``/proc/net``, or ``/proc/PID/net`` of a process in another namespace.

    Raises:
        SourceFormatError: A table is not as documented.
    """
    found: list[Listener] = []
    for name in ("tcp", "tcp6"):
        try:
            found += parse_tcp(_listening(f"{net}/{name}"), f"{net}/{name}")
        except OSError:
            continue  # no IPv6, or a namespace that is not ours to see
    with suppress(OSError):
        found += parse_unix(Path(net, "unix").read_bytes())
    return {item.inode: item for item in found}


def _listening(path: str) -> bytes:
    """The start of a table, up to the first page that holds a connection: there may be thousands after it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = b""
        while piece := os.read(descriptor, 1 << 16):
            data += piece
            last = data.rstrip(b"\n").rpartition(b"\n")[2].split(None, 4)
            if len(last) > 3 and last[3] not in (_LISTEN, b"st"):
                break
        # The last line may be cut.
        return data[: data.rfind(b"\n") + 1]
    finally:
        os.close(descriptor)


def sockets_of(proc: str | Path, pid: int) -> set[int] | None:
    """Inodes of the sockets that a process has open; None when that is not ours to see."""
    folder = f"{proc}/{pid}/fd"
    found = set()
    try:
        names = os.listdir(folder)  # noqa: PTH208  names only, of every suspect every few seconds
    except PermissionError:
        return None
    except OSError:
        return set()
    for name in names[:_MOST_FILES]:
        try:
            target = os.readlink(f"{folder}/{name}")  # noqa: PTH115  as above
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(int(target[8:-1]))
    return found


def namespace(proc: str | Path, pid: int | str) -> str:
    """The network namespace of a process; empty when that is not ours to see."""
    try:
        return os.readlink(f"{proc}/{pid}/ns/net")  # noqa: PTH115  as above
    except OSError:
        return ""


def children(proc: str | Path, pid: int) -> list[int]:
    """Children of all threads of a process; none where the kernel keeps no such list."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"{proc}/{pid}/task"):  # noqa: PTH208  as above
            found += map(int, read_once(f"{proc}/{pid}/task/{thread}/children", 1 << 16).split())
    except (OSError, ValueError):
        pass
    return found
