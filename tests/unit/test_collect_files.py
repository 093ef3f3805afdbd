"""Files that are kept open, and what an errno means for a source."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.kernel_files import at, plant
from wftui.collectors.cpu import Cpu
from wftui.collectors.files import ProcFile, label, read_number, unavailable
from wftui.collectors.pressure import Pressure
from wftui.errors import SourceUnavailableError


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (errno.ENOENT, "absent"),
        (errno.EACCES, "denied"),
        (errno.EPERM, "denied"),
        (errno.EOPNOTSUPP, "unsupported"),
        (errno.EIO, "failed"),
    ],
)
def test_errno_to_state(number: int, state: str) -> None:
    error = unavailable("/proc/\x1b[2J", OSError(number, os.strerror(number)), "do this")
    assert (error.state, error.fix) == (state, "do this")
    assert error.reason == f"/proc/\\x1b[2J: {os.strerror(number)}"


def test_a_file_is_opened_once_and_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    real = os.open

    def count(path: str, flags: int) -> int:
        opened.append(path)
        return real(path, flags)

    monkeypatch.setattr(os, "open", count)
    plant(tmp_path, {"f": b"x" * 100_000})
    file = ProcFile(tmp_path / "f")
    assert len(file.read()) == 100_000
    plant(tmp_path, {"f": b"short"})
    assert file.read() == b"short"
    assert opened == [str(tmp_path / "f")]
    file.close()
    file.close()
    assert file.read() == b"short"  # a later read opens it again
    file.close()


def test_what_went_away_and_came_back_is_opened_afresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, {"f": b"one"})
    file = ProcFile(tmp_path / "f")
    file.read()
    real = os.pread
    gone = [file._fd]

    def fail_once(fd: int, size: int, offset: int) -> bytes:
        if gone and fd == gone[0]:
            gone.clear()
            raise OSError(errno.ENODEV, "No such device")
        return real(fd, size, offset)

    monkeypatch.setattr(os, "pread", fail_once)
    plant(tmp_path, {"f": b"two"})
    assert file.read() == b"two"
    assert not gone
    file.close()


def test_a_read_that_keeps_failing_leaves_no_descriptor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_fd: int, _size: int, _offset: int) -> bytes:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    plant(tmp_path, {f"pressure/{name}": "" for name in ("cpu", "memory", "io")})
    plant(tmp_path, {"stat": ""})
    monkeypatch.setattr(os, "pread", fail)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for source in (Cpu(tmp_path), Pressure(tmp_path)):
        for seconds in range(3):
            with pytest.raises(SourceUnavailableError) as caught:
                source.collect(at(seconds))
            assert caught.value.state == "unsupported"
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize(
    ("text", "number"), [("5\n", 5), (" -7 \n", -7), ("max\n", None), ("", None), ("1 2", None)]
)
def test_read_number(tmp_path: Path, text: str, number: int | None) -> None:
    assert read_number(plant(tmp_path, {"f": text}) / "f") == number
    assert read_number(tmp_path / "missing") is None


@given(st.one_of(st.text(max_size=400), st.binary(max_size=400)))
def test_a_label_is_clean_and_never_empty_or_long(value: str | bytes) -> None:
    shown = label(value)
    assert 1 <= len(shown.encode()) <= 256
    assert shown.isprintable()
