"""The process table: hostile names, vanishing processes, rows that are given again."""

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.kernel_files import PROC, WALL_S, at, parse_or_refuse, plant, values
from wftui.clock import SystemClock
from wftui.collectors.process import Processes
from wftui.collectors.process_files import (
    COMMAND_LIMIT,
    parse_command_line,
    parse_io,
    parse_process,
    short_cgroup,
)
from wftui.errors import SourceFormatError, SourceUnavailableError
from wftui.model import processes as cells
from wftui.model.table import Row

BOX = "4f1c0ffee" + "0" * 55
PAGE = os.sysconf("SC_PAGE_SIZE")


def stat(
    pid: int,
    name: bytes = b"ollama",
    state: str = "S",
    ticks: int = 0,
    start: int = 5000,
    flags: int = 0,
    pages: int = 7,
) -> bytes:
    """A line of /proc/PID/stat with half of the ticks in user and half in system time."""
    before = f" {state} 1 {pid} {pid} 0 -1 {flags} 0 0 0 0 {ticks - ticks // 2} {ticks // 2} 0 0 20 0 3 0 "
    return f"{pid} (".encode() + name + b")" + f"{before}{start} 9999 {pages} 18446744073709551615\n".encode()


def io(read: int, written: int) -> str:
    return f"rchar: 1\nwchar: 1\nread_bytes: {read}\nwrite_bytes: {written}\ncancelled_write_bytes: 0\n"


def put(root: Path, pid: int, line: bytes, **files: str | bytes) -> None:
    plant(root / str(pid), {"stat": line, **files})


def rows(source: Processes, seconds: float) -> dict[str, Row]:
    (table,) = source.collect(at(seconds)).tables
    return dict(table.rows)


@given(
    st.binary(max_size=64).filter(lambda name: b"\0" not in name),
    st.sampled_from("RSDZTtI"),
    st.lists(st.integers(0, 2**62), min_size=5, max_size=5),
)
def test_stat_round_trips_with_any_name(name: bytes, state: str, n: list[int]) -> None:
    found = parse_process(stat(n[0], name, state, n[1], n[2], n[3], n[4]))
    assert found == (name, state, 1, n[3], n[1], 3, n[2], n[4])


@pytest.mark.parametrize(
    "name", [b"a) R 1 (b", b")", b"((", b"x\ny", b"\xff\xfe", b"", b"\x1b]0;owned\x07", b"[red]"]
)
def test_hostile_names(tmp_path: Path, name: bytes) -> None:
    put(tmp_path, 7, stat(7, name), cmdline=name + b"\0")
    (row,) = rows(Processes(tmp_path), 0).values()
    for cell in (row[cells.NAME], row[cells.COMMAND]):
        assert isinstance(cell, str)
        assert cell.isprintable()
    assert row[cells.STATE] == "S"


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_raise_ours(data: bytes) -> None:
    parse_or_refuse((parse_process, parse_io, short_cgroup), data)
    assert parse_command_line(data).isprintable()


def test_real_files() -> None:
    folder = PROC / "900"
    found = parse_process((folder / "stat").read_bytes())
    assert (found.name, found.state, found.threads, found.pages) == (b"sleep", "S", 1, 404)
    assert parse_io((folder / "io").read_bytes()) == (45056, 0)
    assert parse_command_line((folder / "cmdline").read_bytes()) == "sleep 100"
    assert short_cgroup((folder / "cgroup").read_bytes()) == "3174de0d3e707d9e4c20aff371a6539e"
    (row,) = rows(Processes(PROC), 0).values()
    assert row[cells.PID] == 900


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("0::/", ""),
        ("0::/system.slice/ollama.service", "ollama.service"),
        ("0::/user.slice/user-1000.slice/session-3.scope", "session-3.scope"),
        (f"0::/system.slice/docker-{BOX}.scope", BOX[:12]),
        (f"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{BOX}.scope", BOX[:12]),
        (f"5:memory:/docker/{BOX}\n1:name=systemd:/docker/{BOX}", BOX[:12]),
        ("4:memory:/\n1:name=systemd:/user.slice/x.scope\n0::/", "x.scope"),
        ("0::/../../other.scope", "other.scope"),
    ],
)
def test_short_names_of_cgroups(path: str, name: str) -> None:
    assert short_cgroup(f"{path}\n".encode()) == name


def test_command_lines_are_redacted_and_clean() -> None:
    secret = "hf_" + "aB3dE5gH7jK9mN1pQ3sT5vX7zA9cE1gI3k"
    shown = parse_command_line(f"serve\0--api-key\0hunter2\0--token={secret}\0\x1b[2J\0".encode())
    assert "hunter2" not in shown
    assert secret not in shown
    assert "\\x1b[2J" in shown


def test_a_cut_command_line_loses_its_half_word() -> None:
    data = b"serve\0--x=" + b"word\0" * 900
    shown = parse_command_line(data[:COMMAND_LIMIT])
    assert len(data) > COMMAND_LIMIT
    assert set(shown.removeprefix("serve --x=").split()) == {"word"}


def test_a_row(tmp_path: Path) -> None:
    put(tmp_path, 42, stat(42, pages=3), cmdline="ollama\0serve\0", cgroup="0::/a.service\n", io=io(0, 0))
    source = Processes(tmp_path)
    (first,) = rows(source, 0).values()
    user = pwd.getpwuid(tmp_path.stat().st_uid).pw_name
    # Boot was 1,000 s before the first moment, the process began 50 s after boot.
    created = int((WALL_S - 1000 + 50) * 1e9)
    assert first == (
        42, 5000, 1, user, "ollama", "ollama serve", "S", None, 3 * PAGE, 3, None, None, created, "a.service",
    )  # fmt: skip
    put(tmp_path, 42, stat(42, ticks=150, pages=4), io=io(4096, 8192))
    found = rows(source, 2)
    assert set(found) == {"42:5000"}
    row = found["42:5000"]
    assert (row[cells.CPU], row[cells.MEMORY], row[cells.READ], row[cells.WRITE]) == (0.75, 4 * PAGE, 2048, 4096)
    source.close()


def test_a_wall_clock_step_does_not_move_the_creation_time(tmp_path: Path) -> None:
    put(tmp_path, 42, stat(42))
    source = Processes(tmp_path)
    (first,) = rows(source, 0).values()
    put(tmp_path, 42, stat(42, ticks=9))
    moment = at(2)
    (table,) = source.collect(moment._replace(time_ns=moment.time_ns - 3600 * 10**9)).tables
    assert table.rows["42:5000"][cells.CREATED] == first[cells.CREATED]


def test_an_unchanged_process_gives_the_same_object(tmp_path: Path) -> None:
    put(tmp_path, 42, stat(42), cmdline="x\0")
    source = Processes(tmp_path)
    rows(source, 0)
    second = rows(source, 2)["42:5000"]
    assert second[cells.CPU] == 0
    for call in range(2, 12):
        assert rows(source, 2 * call)["42:5000"] is second


def test_rates_fall_back_to_zero(tmp_path: Path) -> None:
    put(tmp_path, 42, stat(42), io=io(0, 0))
    source = Processes(tmp_path)
    rows(source, 0)
    put(tmp_path, 42, stat(42, ticks=100), io=io(1000, 0))
    busy = rows(source, 2)["42:5000"]
    assert (busy[cells.CPU], busy[cells.READ]) == (0.5, 500)
    idle = rows(source, 4)["42:5000"]
    assert (idle[cells.CPU], idle[cells.READ], idle[cells.WRITE]) == (0, 0, 0)


def test_quiet_io_is_found_within_five_scans(tmp_path: Path) -> None:
    put(tmp_path, 42, stat(42), io=io(0, 0))
    source = Processes(tmp_path)
    for call in range(3):
        rows(source, 2 * call)
    put(tmp_path, 42, stat(42), io=io(10_000, 0))
    seen = [rows(source, 6 + 2 * call)["42:5000"][cells.READ] for call in range(5)]
    assert any(seen)


def test_a_reused_pid_is_another_process(tmp_path: Path) -> None:
    put(tmp_path, 42, stat(42, ticks=900), cmdline="old\0")
    source = Processes(tmp_path)
    rows(source, 0)
    put(tmp_path, 42, stat(42, b"new", ticks=1, start=6000), cmdline="new\0")
    found = rows(source, 2)
    assert set(found) == {"42:6000"}
    assert (found["42:6000"][cells.COMMAND], found["42:6000"][cells.CPU]) == ("new", None)


def test_exec_reads_the_command_line_again(tmp_path: Path) -> None:
    put(tmp_path, 42, stat(42, b"sh"), cmdline="sh\0")
    source = Processes(tmp_path)
    for call in range(3):
        rows(source, 2 * call)
    put(tmp_path, 42, stat(42, b"python", ticks=1), cmdline="python\0-m\0vllm\0")
    row = rows(source, 6)["42:5000"]
    assert (row[cells.NAME], row[cells.COMMAND]) == ("python", "python -m vllm")


def test_kernel_threads_have_no_command(tmp_path: Path) -> None:
    put(tmp_path, 2, stat(2, b"kworker/0:1-events", "I", flags=0x00200040), cmdline="never read\0", io=io(5, 5))
    source = Processes(tmp_path)
    rows(source, 0)
    (row,) = rows(source, 2).values()
    assert (row[cells.NAME], row[cells.COMMAND], row[cells.READ]) == ("kworker/0:1-events", "", None)


def test_processes_that_end_between_list_and_read_are_skipped(tmp_path: Path) -> None:
    put(tmp_path, 42, stat(42))
    (tmp_path / "43").mkdir()  # listed, and its stat is gone
    plant(tmp_path, {"uptime": "1 1\n", "44": "a file"})
    (tmp_path / "44").unlink()
    assert set(rows(Processes(tmp_path), 0)) == {"42:5000"}


def test_states_are_counted(tmp_path: Path) -> None:
    for pid, state in enumerate("RRSIDZTtX", start=1):
        put(tmp_path, pid, stat(pid, state=state))
    found = values(Processes(tmp_path).collect(at(0)))
    counts = {"running": 2, "sleeping": 2, "blocked": 1, "zombie": 1, "stopped": 2}
    assert found == {f'system.process.count{{mode="{mode}"}}': count for mode, count in counts.items()}


def test_one_unreadable_stat_costs_one_row(tmp_path: Path) -> None:
    put(tmp_path, 42, stat(42))
    put(tmp_path, 43, b"43 (half")
    scrape = Processes(tmp_path).collect(at(0))
    assert set(scrape.tables[0].rows) == {"42:5000"}
    assert scrape.note is not None
    assert "43 (half" in scrape.note.reason


def test_nothing_readable_is_an_error(tmp_path: Path) -> None:
    put(tmp_path, 43, b"43 (half")
    with pytest.raises(SourceFormatError):
        Processes(tmp_path).collect(at(0))
    with pytest.raises(SourceUnavailableError):
        Processes("/nowhere").collect(at(0))


def test_hidepid_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, 42, stat(42))
    plant(tmp_path, {"self/mountinfo": "22 27 0:21 / /proc rw - proc proc rw,hidepid=invisible\n"})
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    source = Processes(tmp_path)
    for seconds in (0, 2):
        note = source.collect(at(seconds)).note
        assert note is not None
        assert (note.state, "hidepid=invisible" in note.reason) == ("denied", True)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert Processes(tmp_path).collect(at(0)).note is None


def test_a_real_process_that_works(tmp_path: Path) -> None:
    """CPU of a spinning child is about one core; its row names it, its user and its command line."""
    script = tmp_path / "spin.py"
    script.write_text("print(flush=True)\nwhile True: pass\n")
    clock = SystemClock()
    source = Processes()
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            child.stdout.readline()
            source.collect(clock.now())
            used = child_ticks(child.pid)
            while child_ticks(child.pid) < used + 30:  # until it has had 0.3 s
                os.sched_yield()
            (table,) = source.collect(clock.now()).tables
        finally:
            child.kill()
    (row,) = [row for row in table.rows.values() if row[cells.PID] == child.pid]
    assert row[cells.PARENT] == os.getpid()
    assert row[cells.USER] == pwd.getpwuid(os.getuid()).pw_name
    assert str(script) in str(row[cells.COMMAND])
    cpu = row[cells.CPU]
    assert isinstance(cpu, float)
    assert 0.1 < cpu <= 1.1


def child_ticks(pid: int) -> int:
    return parse_process(Path(f"/proc/{pid}/stat").read_bytes()).cpu_ticks


def kept() -> set[int]:
    """The processes whose ``stat`` we hold open."""
    found = set()
    for link in list(Path("/proc/self/fd").iterdir()):
        try:
            target = str(link.readlink())
        except OSError:  # the folder's own
            continue
        _, proc, pid, *rest = target.split("/") if target.count("/") == 3 else ("", "", "", "")
        if proc == "proc" and rest == ["stat"]:
            found.add(int(pid))
    return found


def test_files_of_processes_are_held_no_longer_than_those_live() -> None:
    clock = SystemClock()
    source = Processes()
    children = [subprocess.Popen(["sleep", "60"]) for _ in range(2)]
    try:
        first, second = (child.pid for child in children)
        for _ in range(3):
            source.collect(clock.now())
        assert {first, second} <= kept()
        children[0].kill()
        children[0].wait()
        (table,) = source.collect(clock.now()).tables
        pids = {row[cells.PID] for row in table.rows.values()}
        assert (first in pids, second in pids) == (False, True)
        assert (first in kept(), second in kept()) == (False, True)
        source.close()
        assert not kept()
        source.close()
    finally:
        for child in children:
            child.kill()
            child.wait()


def test_only_so_many_files_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", {"SC_OPEN_MAX": 4, "SC_PAGE_SIZE": 4096, "SC_CLK_TCK": 100}.__getitem__)
    clock = SystemClock()
    source = Processes()
    for _ in range(4):
        source.collect(clock.now())
    assert len(kept()) == 2
    source.close()
