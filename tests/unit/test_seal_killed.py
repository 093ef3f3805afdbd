"""A sealer that dies or meets a failing disk: no gap, no duplicate, nothing left over."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.recording import START_S, S
from tests.sealing import Given, Journaled, joined, made, rows, sealed
from wftui.errors import StoreError
from wftui.model.event import Event, event
from wftui.model.processes import PROCESSES
from wftui.model.table import TableChange
from wftui.store import manifest, merge, seal, segments
from wftui.store.journal import StoredChange
from wftui.store.read import open_reader

FIRST = START_S - START_S % 3600 + 3590
COLUMNS = (made("a", stat="max"),)
"""One statistic: fewer files, fewer calls to try."""
CALLS = ("fsync", "replace", "unlink")
POINTS = 60
"""More calls than a seal and its merges make; the last ones must find nothing to fail."""
STEPS = [5, pytest.param(1, marks=pytest.mark.slow)]
"""Each of so many calls is tried."""


def _given(seq: int) -> Given:
    return Given(seq, FIRST + seq, seq * S, 1, COLUMNS, (float(seq),))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One hour sealed, two more to seal: a table, an event and a day file that grows with them."""
    folder = tmp_path_factory.mktemp("template") / "d"
    with Journaled(folder) as journaled:
        journaled.write([_given(seq) for seq in range(1, 15)])
        sealed(folder)
        journaled.write([_given(seq) for seq in range(15, 20)])
        later = [_given(seq)._replace(time_s=FIRST + 3600 + seq) for seq in range(20, 30)]
        journaled.write([*later, _given(30)._replace(time_s=FIRST + 3 * 3600)])
        row = (1, 10, 0, "u", "n", "c", "S", 0.5, 1.0, 1, None, None, S, "")
        change = TableChange("processes", FIRST * S, True, {"1:10": row})
        fact = event(FIRST * S, "recorder.started", ("recorder", "1"))
        fields = [getattr(fact, name) for name in Event.__struct_fields__[1:]]
        journaled.journal.write((), [StoredChange(16, PROCESSES, change)], [Event(1, *fields)])
    return folder


def _work(folder: Path) -> None:
    with seal.lock(folder):
        seal.run(folder, 1)
        merge.run(folder)


def _told(folder: Path) -> str | None:
    """What a failure says; None: there was none."""
    try:
        _work(folder)
    except StoreError as error:
        return str(error)
    return None


def _check(folder: Path) -> None:
    """Every tick is in a segment or in the journal behind them, once; and all files are whole."""
    seen = manifest.load(folder)
    for item in seen.segments:
        assert segments.verify(folder, item) == ""
    with open_reader(folder) as reader:
        young = [tick.seq for tick in reader.sequence(seen.sealed_seq + 1, 100)]
    assert sorted(joined(folder, manifest.RAW)) + young == list(range(1, 31))
    counted = [row["count"] for item in seen.of(manifest.R10, stat="max") for row in rows(folder, item)]
    assert sum(counted) == seen.sealed_seq
    counted = [row["count"] for item in seen.of(manifest.R300, stat="max") for row in rows(folder, item)]
    assert sum(counted) == seen.sealed_seq


def _finished(folder: Path) -> None:
    """After one more seal all is as if nothing had happened."""
    _work(folder)
    _check(folder)
    seen = manifest.load(folder)
    assert seen.sealed_seq == 29
    assert seen.sealed_event_seq == 1
    assert len(seen.of(manifest.EVENT)) == 1
    assert [item.first_seq for item in seen.of(manifest.TABLE)] == [16, 20]
    assert len(seen.of(manifest.R300, stat="max")) == 1
    assert segments.leftovers(folder, seen) == []


Call = Callable[..., Any]  # Any: as the call of os


def _at(number: int, call: str, then: Callable[[], object], *, after: bool) -> Call:
    """The call, with something done at its n-th time."""
    real = getattr(os, call)
    left = [number]

    def counted(*arguments: Any, **options: Any) -> Any:  # Any: as the call
        left[0] -= 1
        if left[0] == 0 and not after:
            then()
        result = real(*arguments, **options)
        if left[0] == 0 and after:
            then()
        return result

    return counted


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.timeout(300)
def test_killed_at_any_call(template: Path, tmp_path: Path, call: str, after: bool, step: int) -> None:
    for number in range(1, POINTS, step):
        folder = tmp_path / str(number)
        shutil.copytree(template, folder)
        child = os.fork()
        if child == 0:
            try:
                setattr(os, call, _at(number, call, lambda: os._exit(9), after=after))
                _work(folder)
                os._exit(0)
            finally:
                os._exit(1)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in (0, 9)
        _check(folder)
        _finished(folder)
        shutil.rmtree(folder)
        if code == 0:
            assert number > 2
            return
    pytest.fail("it never came to its end")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.timeout(300)
def test_a_disk_that_fails_at_any_call(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, after: bool, step: int
) -> None:
    def fail() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for number in range(1, POINTS, step):
        folder = tmp_path / str(number)
        shutil.copytree(template, folder)
        with monkeypatch.context() as patch:
            patch.setattr(os, call, _at(number, call, fail, after=after))
            told = _told(folder)
        assert told is None or ("No space left on device" in told and "\n" not in told)
        _check(folder)
        if told is not None and "cannot seal" in told and call != "unlink":
            assert segments.leftovers(folder, manifest.load(folder)) == []
        _finished(folder)
        shutil.rmtree(folder)
        if told is None:
            assert number > 2
            return
    pytest.fail("it never came to its end")


@pytest.mark.parametrize("limit", [1, 500, 2_000])
def test_a_file_that_does_not_fit(template: Path, tmp_path: Path, limit: int) -> None:
    folder = tmp_path / "d"
    shutil.copytree(template, folder)
    before = (folder / manifest.FOLDER / manifest.NAME).read_bytes()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            _work(folder)
            code = 0
        except StoreError as error:
            code = 7 if "\n" not in str(error) else 8
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert (folder / manifest.FOLDER / manifest.NAME).read_bytes() == before
    assert segments.leftovers(folder, manifest.load(folder)) == []
    _finished(folder)


def test_what_is_nobodys_goes_and_what_was_set_aside_stays(template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "d"
    shutil.copytree(template, folder)
    raw = folder / manifest.FOLDER / manifest.RAW
    names = ("system-90-99.parquet", "system-90-99.parquet.tmp", "system-80-89.parquet.damaged", "x.damaged.tmp")
    for name in names:
        (raw / name).write_bytes(b"x")
    with seal.lock(folder):
        assert seal.run(folder, 1).removed == 2
    assert sorted(path.name for path in raw.iterdir() if "damaged" in path.name or "9" in path.name[:9]) == [
        "system-80-89.parquet.damaged", "x.damaged.tmp"
    ]  # fmt: skip


def test_without_a_manifest_nothing_is_removed(template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "d"
    shutil.copytree(template, folder)
    (folder / manifest.FOLDER / manifest.NAME).unlink()
    files = sorted((folder / manifest.FOLDER).rglob("*.parquet"))
    assert files
    with seal.lock(folder), pytest.raises(manifest.SegmentsDamagedError, match="rebuild"):
        seal.run(folder, 1)
    assert sorted((folder / manifest.FOLDER).rglob("*.parquet")) == files


def test_one_sealer_at_a_time(tmp_path: Path) -> None:
    with seal.lock(tmp_path), pytest.raises(seal.SealRunningError), seal.lock(tmp_path):
        pass
    with seal.lock(tmp_path):
        pass
