"""CPU: parsing, shares, unplugged cores, frequencies."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.kernel_files import PROC, at, parse_or_refuse, plant, values
from wftui.collectors.cpu import Cores, Cpu, busy_share, parse_first, parse_loadavg, parse_stat, parse_times
from wftui.collectors.frequency import Frequency, parse_cpuinfo
from wftui.errors import SourceError, SourceFormatError, SourceUnavailableError

TAIL = "intr 5 1 2 2\nctxt 7\nbtime 1790000000\nprocesses 11\nprocs_running 3\nprocs_blocked 1\nsoftirq 1 1\n"
times = st.lists(st.integers(0, 2**50), min_size=10, max_size=10)


def stat(total: str, **cores: str) -> str:
    lines = [f"cpu  {total}", *(f"{name} {line}" for name, line in cores.items())]
    return "\n".join(lines) + "\n" + TAIL


def test_real_stat() -> None:
    found = parse_stat((PROC / "stat").read_bytes())
    assert set(found.cores) == {0, 1}
    # The kernel sums and rounds the modes of the cores one by one: a tick a core may be lost.
    for place, total in enumerate(found.total):
        assert abs(total - sum(core[place] for core in found.cores.values())) <= 2
    assert found.context_switches > found.created > 0
    assert found.interrupts > 0
    assert found.running >= 1


@given(times, st.dictionaries(st.integers(0, 4096), times, max_size=8), st.integers(0, 2**60))
def test_stat_round_trips(total: list[int], cores: dict[int, list[int]], switches: int) -> None:
    lines = {f"cpu{number}": " ".join(map(str, core)) for number, core in cores.items()}
    text = stat(" ".join(map(str, total)), **lines).replace("ctxt 7", f"ctxt {switches}")
    found = parse_stat(text.encode())
    assert found.context_switches == switches
    assert (found.interrupts, found.created, found.running, found.blocked) == (5, 11, 3, 1)
    assert list(found.cores) == list(cores)
    assert found.total[2:8] == tuple(total[2:8])
    assert found.total[8] == total[8] + total[9]
    assert found.total[0] == max(0, total[0] - total[8])


def test_guest_time_is_not_counted_twice() -> None:
    found = parse_times(b"cpu  100 50 10 1000 5 1 2 3 40 20")
    assert found == (60, 30, 10, 1000, 5, 1, 2, 3, 60)
    assert sum(found) == 100 + 50 + 10 + 1000 + 5 + 1 + 2 + 3


@given(st.binary(max_size=400))
def test_any_bytes_parse_or_raise_ours(data: bytes) -> None:
    parse_or_refuse((parse_stat, parse_first, parse_times, parse_loadavg, parse_cpuinfo), data)


@given(st.integers(0, 200), st.binary(max_size=12))
def test_damaged_stat_parses_or_raises_ours(place: int, noise: bytes) -> None:
    data = stat("1 2 3 4 5 6 7 8 9 9", cpu0="1 2 3 4 5 6 7 8 9 9").encode()
    parse_or_refuse((parse_stat, parse_first), data[:place] + noise + data[place + len(noise) :])


def test_a_short_line_is_quoted() -> None:
    with pytest.raises(SourceFormatError, match=r"at least eight times.*got b'cpu  1 2 3'"):
        parse_first(b"cpu  1 2 3\nprocs_running 1\n")


@pytest.mark.parametrize(
    ("after", "share"),
    [
        ((150, 0, 50, 1000, 0, 0, 0, 0, 0), 1.0),
        ((100, 0, 0, 1300, 100, 0, 0, 0, 0), 0.0),
        ((150, 0, 0, 1050, 0, 0, 0, 0, 0), 0.5),
        ((100, 0, 0, 1000, 0, 0, 0, 0, 0), None),
        ((150, 0, 0, 990, 0, 0, 0, 0, 0), None),
    ],
)
def test_busy_share(after: tuple[int, ...], share: float | None) -> None:
    assert busy_share((100, 0, 0, 1000, 0, 0, 0, 0, 0), after) == share


@given(times, times)
def test_a_share_is_a_share_or_unknown(before: list[int], after: list[int]) -> None:
    share = busy_share(tuple(before), tuple(after))
    assert share is None or 0 <= share <= 1


def test_first_call_has_no_rate(tmp_path: Path) -> None:
    plant(tmp_path, {"stat": stat("100 0 0 900 0 0 0 0 0 0")})
    cpu = Cpu(tmp_path)
    assert values(cpu.collect(at(0))) == {"system.cpu.run_queue": 3}
    plant(tmp_path, {"stat": stat("125 0 0 975 0 0 0 0 0 0")})
    assert values(cpu.collect(at(0.1)))["system.cpu.utilization"] == 0.25
    plant(tmp_path, {"stat": stat("126 0 0 970 0 0 0 0 0 0")})  # idle went backwards
    assert "system.cpu.utilization" not in values(cpu.collect(at(0.2)))
    cpu.close()
    cpu.close()


def test_a_missing_file_is_said() -> None:
    with pytest.raises(SourceUnavailableError) as caught:
        Cpu("/nowhere").collect(at(0))
    assert caught.value.state == "absent"
    assert "/nowhere/stat" in caught.value.reason


def test_a_core_that_goes_and_comes_back_has_no_negative_share(tmp_path: Path) -> None:
    busy, idle = "50 0 0 50 0 0 0 0 0 0", "0 0 0 100 0 0 0 0 0 0"
    plant(tmp_path, {"stat": stat(busy, cpu0=busy, cpu1=busy), "loadavg": "0.5 0.25 0.125 1/2 3\n"})
    cores = Cores(tmp_path)
    first = values(cores.collect(at(0)))
    assert first["system.cpu.logical.count"] == 2
    assert first["system.cpu.load_average.15m"] == 0.125
    assert first["system.uptime"] == 1000
    assert not any(name.startswith("system.cpu.logical.utilization") for name in first)
    plant(tmp_path, {"stat": stat(busy, cpu0="60 0 0 140 0 0 0 0 0 0")})
    second = values(cores.collect(at(1)))
    assert second["system.cpu.logical.count"] == 1
    assert second['system.cpu.logical.utilization{cpu="0"}'] == 0.1
    assert cores.busy == {0}
    plant(tmp_path, {"stat": stat(busy, cpu0="60 0 0 240 0 0 0 0 0 0", cpu1=idle)})
    third = values(cores.collect(at(2)))
    assert third['system.cpu.logical.utilization{cpu="0"}'] == 0
    assert 'system.cpu.logical.utilization{cpu="1"}' not in third
    assert cores.busy == frozenset()


def test_guest_mode_shows_only_where_guests_ran(tmp_path: Path) -> None:
    plant(tmp_path, {"stat": stat("50 0 0 50 0 0 0 0 0 0"), "loadavg": "0 0 0 1/2 3\n"})
    cores = Cores(tmp_path)
    assert 'system.cpu.time{mode="guest"}' not in values(cores.collect(at(0)))
    plant(tmp_path, {"stat": stat("150 0 0 50 0 0 0 0 100 0")})
    found = values(cores.collect(at(1)))
    assert found['system.cpu.time{mode="guest"}'] == pytest.approx(found['system.cpu.time{mode="user"}'] * 2)


def test_256_cores(tmp_path: Path) -> None:
    line = "50 0 0 50 0 0 0 0 0 0"
    plant(tmp_path, {"stat": stat(line, **{f"cpu{n}": line for n in range(256)}), "loadavg": "1 2 3 1/2 3\n"})
    cores = Cores(tmp_path)
    cores.collect(at(0))
    line = "150 0 0 150 0 0 0 0 0 0"
    plant(tmp_path, {"stat": stat(line, **{f"cpu{n}": line for n in range(256)})})
    found = values(cores.collect(at(1)))
    assert [found[f'system.cpu.logical.utilization{{cpu="{n}"}}'] for n in range(256)] == [0.5] * 256


def busy_cores(tmp_path: Path) -> Cores:
    """Core 0 worked, core 1 idled."""
    idle = "0 0 0 100 0 0 0 0 0 0"
    plant(tmp_path, {"stat": stat(idle, cpu0=idle, cpu1=idle), "loadavg": "0 0 0 1/2 3\n"})
    cores = Cores(tmp_path)
    cores.collect(at(0))
    plant(tmp_path, {"stat": stat(idle, cpu0="90 0 0 110 0 0 0 0 0 0", cpu1="1 0 0 199 0 0 0 0 0 0")})
    cores.collect(at(1))
    return cores


def test_an_idle_core_is_not_asked_for_its_frequency(tmp_path: Path) -> None:
    folder = "sys/devices/system/cpu/cpu{}/cpufreq/scaling_cur_freq"
    plant(tmp_path, {folder.format(0): "3400000\n", folder.format(1): "800000\n"})
    frequency = Frequency(busy_cores(tmp_path), tmp_path, tmp_path / "sys")
    assert frequency.interval_s == 1.0
    assert values(frequency.collect(at(1))) == {'system.cpu.frequency{cpu="0"}': 3.4e9}


def test_cpuinfo_is_an_estimate_taken_seldom(tmp_path: Path) -> None:
    plant(tmp_path, {"cpuinfo": (PROC / "cpuinfo").read_bytes()})
    frequency = Frequency(busy_cores(tmp_path), tmp_path, tmp_path / "sys")
    assert frequency.interval_s == 10.0
    scrape = frequency.collect(at(1))
    assert values(scrape) == {'system.cpu.frequency{cpu="0"}': 2.6e9}
    assert scrape.samples[0].column.quality == "estimated"


def test_a_machine_without_frequencies_says_so(tmp_path: Path) -> None:
    plant(tmp_path, {"cpuinfo": "processor\t: 0\nBogoMIPS\t: 50.00\n"})
    with pytest.raises(SourceUnavailableError, match="no cpufreq driver") as caught:
        Frequency(busy_cores(tmp_path), tmp_path, tmp_path / "sys").collect(at(1))
    assert isinstance(caught.value, SourceError)
    assert caught.value.state == "absent"
