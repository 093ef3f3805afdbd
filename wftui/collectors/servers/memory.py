"""Memory of a server's processes, and how much of its mapped weights is really there."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from wftui.collectors.files import malformed, read_once
from wftui.errors import SourceFormatError
from wftui.units import KIB

_WEIGHTS: Final = re.compile(rb"\.(?:gguf|ggml|safetensors|bin|pt|pth)\Z|/blobs/sha256-[0-9a-f]+\Z")
_LARGE: Final = 64 * 1024 * 1024
"""A smaller mapping is no model's weights: to look at all pages of a process takes a millisecond and more."""
_HEADER: Final = re.compile(rb"([0-9a-f]+)-([0-9a-f]+) [-rwxsp]{4} [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ \d+ *(/.*)?\Z")
_DELETED: Final = b" (deleted)"


class Use(NamedTuple):
    """What some processes have in memory, together."""

    resident: int
    """Bytes; pages that they share count for each of them."""
    swapped: int
    """Bytes."""
    faults: int
    """Pages read from disk since they started."""


class Weights(NamedTuple):
    """Mapped files of weights, each counted once."""

    size: int
    """Bytes mapped."""
    resident: int
    """Bytes of them in memory: the rest is read from disk when it is needed."""


def parse_status(data: bytes) -> tuple[int, int]:
    """Bytes resident and in swap, from ``/proc/PID/status``; zeros for a process without memory of its own.

    Raises:
        SourceFormatError: A line holds no whole number of kB.

    Source: proc_pid_status(5).
    """
    found = []
    for name in (b"\nVmRSS:", b"\nVmSwap:"):
        start = data.find(name)
        line = data[start + len(name) : data.find(b"\n", start + 1)].split() if start >= 0 else [b"0"]
        if not line or not line[0].isdigit():
            raise malformed("/proc/PID/status", f"{name.strip().decode()} and a number of kB", data[start:])
        found.append(int(line[0]) * KIB)
    return found[0], found[1]


def parse_faults(data: bytes) -> int:
    """Major faults of a process, from ``/proc/PID/stat``.

    Raises:
        SourceFormatError: It is not as documented.

    Source: proc_pid_stat(5), field 12.
    """
    fields = data[data.rfind(b")") + 2 :].split(b" ", 10)
    if len(fields) < 11 or not fields[9].isdigit():
        raise malformed("/proc/PID/stat", "'pid (name) state …' with 24 fields", data)
    return int(fields[9])


def weights_in_maps(data: bytes) -> bool:
    """Whether ``/proc/PID/maps`` shows a large mapped file of weights."""
    return any(size >= _LARGE for _, size in _mapped(data.split(b"\n")))


def parse_smaps(data: bytes) -> dict[bytes, Weights]:
    """Mapped files of weights, from ``/proc/PID/smaps``: path to what is mapped and resident.

    Source: proc_pid_smaps(5).
    """
    found: dict[bytes, Weights] = {}
    path: bytes | None = None
    for line in data.split(b"\n"):
        header = _HEADER.match(line)
        if header is not None:
            path = _path(header[3])
            if path is not None:
                before = found.get(path, Weights(0, 0))
                size = int(header[2], 16) - int(header[1], 16)
                found[path] = before._replace(size=before.size + size)
        elif path is not None and line.startswith(b"Rss:"):
            words = line.split()
            if len(words) > 1 and words[1].isdigit():
                before = found[path]
                found[path] = before._replace(resident=before.resident + int(words[1]) * KIB)
    return {path: item for path, item in found.items() if item.size >= _LARGE}


def _path(path: bytes | None) -> bytes | None:
    name = (path or b"").removesuffix(_DELETED)
    return name if _WEIGHTS.search(name) else None


def _mapped(lines: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    for line in lines:
        header = _HEADER.match(line)
        if header is not None and (path := _path(header[3])) is not None:
            yield path, int(header[2], 16) - int(header[1], 16)


def use(proc: str | Path, pids: Iterable[int]) -> Use | None:
    """What these processes have in memory; those that ended or are not ours to see are left out.

    Returns:
        None: nothing is known of any of them.
    """
    resident = swapped = faults = 0
    seen = False
    for pid in pids:
        try:
            rss, swap = parse_status(read_once(f"{proc}/{pid}/status"))
            faults += parse_faults(read_once(f"{proc}/{pid}/stat"))
        except (OSError, SourceFormatError):
            continue
        seen = True
        resident += rss
        swapped += swap
    return Use(resident, swapped, faults) if seen else None


def weights(proc: str | Path, pids: Iterable[int]) -> Weights | None:
    """The mapped weights of these processes; None: none are mapped, or that is not ours to see."""
    found: dict[bytes, Weights] = {}
    for pid in pids:
        try:
            if not weights_in_maps(Path(proc, str(pid), "maps").read_bytes()):
                continue
            mapped = parse_smaps(Path(proc, str(pid), "smaps").read_bytes())
        except OSError:
            continue
        for path, item in mapped.items():
            # Workers map the same file: its pages are there once.
            before = found.get(path, Weights(0, 0))
            found[path] = Weights(max(before.size, item.size), max(before.resident, item.resident))
    if not found:
        return None
    return Weights(sum(item.size for item in found.values()), sum(item.resident for item in found.values()))
