"""Memory of a server's processes: parsers, and a process that really maps a file."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.collectors.servers.memory import (
    Weights,
    parse_faults,
    parse_smaps,
    parse_status,
    use,
    weights,
    weights_in_maps,
)
from wftui.errors import SourceFormatError
from wftui.units import KIB

MIB = 1024 * KIB

SMAPS = b"""\
7f0000000000-7f0010000000 r--s 00000000 fe:01 77                         /models/llama 3.gguf
Size:             262144 kB
Rss:              131072 kB
Swap:                  0 kB
7f0010000000-7f0014000000 r--s 10000000 fe:01 77                         /models/llama 3.gguf (deleted)
Size:              65536 kB
Rss:               65536 kB
7f0020000000-7f0020001000 r-xp 00000000 fe:01 78                         /usr/lib/libc.so.6
Rss:                   4 kB
7f0030000000-7f0030001000 rw-p 00000000 00:00 0
Rss:                   4 kB
7f0040000000-7f0040001000 r--s 00000000 fe:01 79                         /models/small.bin
Rss:                   4 kB
"""


def test_weights_of_a_file_are_added_up() -> None:
    assert parse_smaps(SMAPS) == {b"/models/llama 3.gguf": Weights(320 * MIB, 192 * MIB)}
    assert weights_in_maps(SMAPS)
    assert not weights_in_maps(SMAPS[SMAPS.index(b"7f0020") :])


def test_status_and_stat() -> None:
    assert parse_status(b"Name:\tx\nVmRSS:\t    1234 kB\nVmSwap:\t     56 kB\n") == (1234 * KIB, 56 * KIB)
    assert parse_status(b"Name:\tkthreadd\nThreads:\t1\n") == (0, 0)
    assert parse_faults(b"7 (a) b) S 1 7 7 0 -1 4194304 100 0 42 0 1 2 3 4\n") == 42
    with pytest.raises(SourceFormatError, match="VmRSS: and a number of kB"):
        parse_status(b"Name:\tx\nVmRSS:\tmuch\n")


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for parse in (parse_status, parse_faults, parse_smaps, weights_in_maps):
        try:
            parse(data)
        except SourceFormatError:
            continue


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_a_process_that_maps_a_model(tmp_path: Path) -> None:
    model = tmp_path / "model.gguf"
    with model.open("wb") as file:
        file.truncate(96 * MIB)
    program = (
        "import mmap, sys\n"
        f"with open({str(model)!r}, 'rb') as f:\n"
        "    m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)\n"
        "    sum(m[at] for at in range(0, 24 * 1024 * 1024, 4096))\n"
        "    print(flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            found = weights("/proc", [process.pid, process.pid])
            assert found is not None
            assert found.size == 96 * MIB
            # The kernel maps some pages around each that is touched.
            assert 24 * MIB <= found.resident <= 60 * MIB
            held = use("/proc", [process.pid, 0])
            assert held is not None
            assert held.resident >= 24 * MIB
        finally:
            process.communicate("")
    assert use("/proc", [process.pid]) is None
    assert weights("/proc", [process.pid, os.getpid()]) is None
