"""Network interfaces: bytes, packets, errors and drops; loopback apart; speeds of links."""

import os
from pathlib import Path
from typing import Final, NamedTuple

from wftui.clock import Instant
from wftui.collectors.base import INLINE, THREAD
from wftui.collectors.files import ProcFile, label, malformed, read_number, unavailable
from wftui.model.sample import DERIVED, Column, Sample, Scrape, column
from wftui.units import NS_PER_S

CALL: Final = "/proc/net/dev"
_BITS_PER_BYTE: Final = 8
_INSIDE: Final = (
    b"veth", b"ifb", b"dummy", b"docker", b"br-", b"virbr", b"bond", b"team", b"tunl", b"sit", b"ip6", b"gre",
    b"erspan", b"tun", b"tap", b"wg", b"tailscale", b"cni", b"flannel", b"cali", b"cilium", b"vxlan", b"lxc",
)  # fmt: skip
_REFRESH_NS: Final = 60 * NS_PER_S


class Interface(NamedTuple):
    """One line of /proc/net/dev, counted since the interface came up."""

    bytes_in: int
    packets_in: int
    errors_in: int
    dropped_in: int
    bytes_out: int
    packets_out: int
    errors_out: int
    dropped_out: int


def parse_net_dev(data: bytes) -> dict[bytes, Interface]:
    """Parse the text of ``/proc/net/dev``, by interface.

    Raises:
        SourceFormatError: There are no two header lines, or a line is not a name and sixteen whole numbers.

    Source: proc_pid_net(5).
    """
    found: dict[bytes, Interface] = {}
    lines = data.split(b"\n")
    if len(lines) < 2 or b"|" not in lines[0] or b"|" not in lines[1]:
        raise malformed(CALL, "two header lines", data)
    for line in lines[2:]:
        if not line:
            continue
        name, _, rest = line.rpartition(b":")
        try:
            n = [int(field) for field in rest.split()]
        except ValueError as error:
            raise malformed(CALL, "whole numbers after the name", line) from error
        if not name or len(n) < 16 or min(n) < 0:
            raise malformed(CALL, "a name and sixteen numbers", line)
        found[name.strip()] = Interface(n[0], n[1], n[2], n[3], n[8], n[9], n[10], n[11])
    return found


def outward(names: list[bytes], net: str) -> set[bytes]:
    """The interfaces through which traffic enters or leaves, each byte once.

    Those with hardware behind them. Bridges, veth pairs, bonds, VLANs and tunnels carry traffic that a hardware
    interface counts again, so they would make every sum a lie. Where nothing has hardware (in a container) all
    but the ones that are virtual by name, since eth0 is a veth there.
    """
    real = {name for name in names if Path(net, os.fsdecode(name), "device").exists()}
    return real or {name for name in names if name != b"lo" and not name.startswith(_INSIDE)}


class Network:
    """Counters of the interfaces that lead outside, and of loopback under its own names. 1 Hz."""

    name = "network"
    interval_s = 1.0
    where = INLINE
    timeout_s = 1.0

    def __init__(self, proc: str | Path = "/proc", sys: str | Path = "/sys") -> None:
        self._file = ProcFile(f"{proc}/net/dev")
        self._net = f"{sys}/class/net"
        self._names: list[bytes] = []
        self._outward: set[bytes] = set()
        self._due_ns = 0
        self._known: dict[bytes, tuple[Column, ...]] = {}
        self._before: dict[bytes, Interface] = {}
        self._before_ns = 0
        self._loopback = (
            column(self.name, "system.network.loopback.io", call=CALL),
            column(self.name, "system.network.loopback.packets", call=CALL),
        )

    def collect(self, at: Instant) -> Scrape:
        """Read once; the first call has no throughput.

        Raises:
            SourceError: /proc/net/dev cannot be read or is not as documented.
        """
        now = parse_net_dev(self._file.read())
        names = list(now)
        if names != self._names or at.boottime_ns >= self._due_ns:
            self._names, self._outward = names, outward(names, self._net)
            self._due_ns = at.boottime_ns + _REFRESH_NS
            self._known = {name: columns for name, columns in self._known.items() if name in self._outward}
        elapsed_s = (at.boottime_ns - self._before_ns) / NS_PER_S
        samples: list[Sample] = []
        for name, counts in now.items():
            if name == b"lo":  # what it sends it receives: one direction says all
                samples += map(Sample, self._loopback, (counts.bytes_in, counts.packets_in))
            if name not in self._outward:
                continue
            columns = self._known.get(name) or self._columns(name)
            samples += map(Sample, columns, counts)
            before = self._before.get(name)
            if before is None or elapsed_s <= 0:
                continue
            received, sent = counts.bytes_in - before.bytes_in, counts.bytes_out - before.bytes_out
            if received >= 0 and sent >= 0:  # else it went away and came back: what was between is not known
                samples += map(Sample, columns[8:], (received / elapsed_s, sent / elapsed_s))
        self._before, self._before_ns = now, at.boottime_ns
        return Scrape(samples)

    def _columns(self, name: bytes) -> tuple[Column, ...]:
        """Eight counters in the order of ``Interface``, then throughput in and out."""
        interface = label(name)
        made = tuple(
            column(
                self.name,
                f"system.network.{metric}",
                {"interface": interface, "direction": direction},
                call=CALL,
                quality=DERIVED if metric == "throughput" else "measured",
            )
            for metrics in (("io", "packets", "errors", "dropped"), ("throughput",))
            for direction in ("receive", "transmit")
            for metric in metrics
        )
        self._known[name] = made
        return made

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Links:
    """Negotiated speeds. In a thread and once a minute: some drivers hold the lock of all interfaces for it."""

    name = "links"
    interval_s = 60.0
    where = THREAD
    timeout_s = 5.0

    def __init__(self, sys: str | Path = "/sys") -> None:
        self._net = f"{sys}/class/net"
        self._known: dict[str, Column] = {}

    def collect(self, at: Instant) -> Scrape:  # noqa: ARG002  nothing here is a rate
        """Speeds of the interfaces that are up and tell it; virtual ones seldom do.

        Raises:
            SourceUnavailableError: There is no /sys/class/net.
        """
        try:
            names = [os.fsencode(name) for name in sorted(os.listdir(self._net))]  # noqa: PTH208  names, no paths
        except OSError as error:
            raise unavailable(self._net, error) from error
        samples = []
        for raw in sorted(outward(names, self._net)):
            name = os.fsdecode(raw)
            megabits = read_number(f"{self._net}/{name}/speed")  # EINVAL or -1: down, or it has no speed
            if megabits is None or not 0 < megabits < 1 << 31:
                continue
            if name not in self._known:
                call = "/sys/class/net/*/speed"
                labels = {"interface": label(raw)}
                self._known[name] = column(self.name, "system.network.link.speed", labels, call=call)
            samples.append(Sample(self._known[name], megabits * 1e6 / _BITS_PER_BYTE))
        return Scrape(samples)

    def close(self) -> None:
        """Nothing is kept open."""
