"""Memory, paging and pressure; the limit of a cgroup as the total."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.kernel_files import PROC, at, parse_or_refuse, plant, values
from wftui.collectors.memory import Memory, Paging, meminfo_field, meminfo_value, parse_meminfo, parse_vmstat
from wftui.collectors.pressure import Pressure, parse_pressure
from wftui.errors import SourceFormatError, SourceUnavailableError

KIB = 1024
GIB = 1024**3
field_names = st.text("ABCDEFGHIJKLMNOPabcdefghijklmnop_()0123456789", min_size=1, max_size=20)


@given(st.dictionaries(field_names, st.integers(0, 2**48)))
def test_meminfo_round_trips(kib: dict[str, int]) -> None:
    data = "".join(f"{name}: {size:>12} kB\n" for name, size in kib.items()).encode()
    assert parse_meminfo(data) == {name: size * KIB for name, size in kib.items()}
    for name, size in kib.items():
        assert meminfo_value(data, name.encode()) == size * KIB


def test_both_readers_of_meminfo_agree() -> None:
    data = (PROC / "meminfo").read_bytes()
    found = parse_meminfo(data)
    assert found["HugePages_Total"] == 0
    for name, value in found.items():
        assert meminfo_field(data, name.encode()) == value
        if not name.startswith("HugePages_"):
            assert meminfo_value(data, name.encode()) == value
    assert meminfo_field(data, b"HugePages_") is None


@given(st.binary(max_size=300))
def test_any_bytes_parse_or_raise_ours(data: bytes) -> None:
    parse_or_refuse((parse_meminfo, parse_vmstat, parse_pressure, lambda d: meminfo_value(d, b"MemTotal")), data)
    parse_or_refuse((lambda d: meminfo_field(b"Hugepagesize:" + d, b"Hugepagesize"),), data)


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (2, 0, 4, 1, 3)])
def test_memory_is_found_in_any_order(tmp_path: Path, order: tuple[int, ...]) -> None:
    lines = MEMINFO.splitlines(keepends=True)
    plant(tmp_path, {"meminfo": "".join([*(lines[place] for place in order), *lines[5:]])})
    found = values(Memory(tmp_path, tmp_path).collect(at(0)))
    assert found["system.memory.limit"] == 64 * GIB
    assert found["system.memory.available"] == 40 * GIB
    assert found['system.memory.usage{mode="free"}'] == 10 * GIB
    assert found['system.memory.usage{mode="buffers"}'] == 1024 * KIB
    assert found['system.memory.usage{mode="cached"}'] == (4096 + 512 - 1024) * KIB


@pytest.mark.parametrize("value", ["-5", "x", "\u0663"])
def test_memory_that_is_no_number_is_refused(tmp_path: Path, value: str) -> None:
    plant(tmp_path, {"meminfo": MEMINFO.replace("1024 kB", f"{value} kB", 1)})
    with pytest.raises(SourceFormatError, match="Buffers"):
        Memory(tmp_path, tmp_path).collect(at(0))


def test_real_memory_adds_up(tmp_path: Path) -> None:
    found = values(Memory(PROC, tmp_path).collect(at(0)))
    total = found["system.memory.limit"]
    assert total == found["system.memory.physical"]
    assert found['system.memory.usage{mode="used"}'] + found["system.memory.available"] == total
    assert found["system.memory.utilization"] == found['system.memory.usage{mode="used"}'] / total
    assert 0 < found['system.memory.usage{mode="cached"}'] < total


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    plant(tmp_path, {"meminfo": "MemTotal: 100 kB\nMemFree: 50 kB\n"})
    with pytest.raises(SourceFormatError, match="MemAvailable"):
        Memory(tmp_path, tmp_path).collect(at(0))


MEMINFO = (
    f"MemTotal: {64 * GIB // KIB} kB\nMemFree: {10 * GIB // KIB} kB\nMemAvailable: {40 * GIB // KIB} kB\n"
    "Buffers: 1024 kB\nCached: 4096 kB\nSwapCached: 7 kB\nShmem: 1024 kB\nSReclaimable: 512 kB\n"
)
MOUNTS_V2 = "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n"
MOUNTS_V1 = "35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"


def v2(tmp_path: Path, limits: dict[str, str], current: str, stat: str) -> Memory:
    files: dict[str, str | bytes] = {
        "proc/meminfo": MEMINFO,
        "proc/self/cgroup": "0::/pod/box\n",
        "proc/self/mountinfo": MOUNTS_V2,
    }
    for folder, limit in limits.items():
        files[f"sys/fs/cgroup{folder}/memory.max"] = limit
        files[f"sys/fs/cgroup{folder}/memory.current"] = current
        files[f"sys/fs/cgroup{folder}/memory.stat"] = stat
    plant(tmp_path, files)
    return Memory(tmp_path / "proc", tmp_path / "sys")


def test_the_cgroup_limit_is_the_total(tmp_path: Path) -> None:
    stat = f"anon {2 * GIB}\nfile {3 * GIB}\nshmem {GIB}\ninactive_file {GIB}\n"
    memory = v2(tmp_path, {"/pod/box": f"{8 * GIB}\n"}, f"{6 * GIB}\n", stat)
    found = values(memory.collect(at(0)))
    assert found["system.memory.limit"] == 8 * GIB
    assert found["system.memory.physical"] == 64 * GIB
    assert found['system.memory.usage{mode="used"}'] == 5 * GIB
    assert found["system.memory.available"] == 3 * GIB
    assert found["system.memory.utilization"] == 5 / 8
    assert found['system.memory.usage{mode="cached"}'] == 2 * GIB
    assert 'system.memory.usage{mode="buffers"}' not in found  # unknown there, not 0
    memory.close()
    memory.close()


def test_use_below_the_inactive_cache_never_underflows(tmp_path: Path) -> None:
    memory = v2(
        tmp_path, {"/pod/box": f"{8 * GIB}"}, f"{GIB}", f"file {GIB}\nshmem {2 * GIB}\ninactive_file {3 * GIB}\n"
    )
    found = values(memory.collect(at(0)))
    assert found['system.memory.usage{mode="used"}'] == 0
    assert found['system.memory.usage{mode="cached"}'] == 0
    assert found["system.memory.available"] == 8 * GIB
    assert found["system.memory.utilization"] == 0


def test_a_model_that_is_mapped_into_memory_can_be_given_back(tmp_path: Path) -> None:
    """Its pages are read again and again, so they are active; they are files nevertheless."""
    stat = f"anon {GIB}\nfile {6 * GIB}\nshmem 0\ninactive_file {GIB}\nactive_file {5 * GIB}\n"
    found = values(v2(tmp_path, {"/pod/box": f"{8 * GIB}"}, f"{7 * GIB}", stat).collect(at(0)))
    assert found["system.memory.utilization"] == 1 / 8
    assert found["system.memory.available"] == 7 * GIB
    assert found['system.memory.usage{mode="cached"}'] == 6 * GIB


def test_a_tighter_parent_wins(tmp_path: Path) -> None:
    memory = v2(
        tmp_path,
        {"/pod/box": "max\n", "/pod": f"{4 * GIB}\n"},
        f"{6 * GIB}",
        f"file {GIB}\nshmem 0\ninactive_file {GIB}\n",
    )
    found = values(memory.collect(at(0)))
    assert found["system.memory.limit"] == 4 * GIB
    assert found["system.memory.utilization"] == 1.0
    assert found["system.memory.available"] == 0
    assert found['system.memory.usage{mode="free"}'] == 0


def test_what_others_took_is_not_available(tmp_path: Path) -> None:
    stat = "file 0\nshmem 0\ninactive_file 0\n"
    found = values(v2(tmp_path, {"/pod/box": f"{60 * GIB}"}, f"{GIB}", stat).collect(at(0)))
    assert found["system.memory.available"] == 40 * GIB


@pytest.mark.parametrize("limit", ["max", f"{100 * GIB}"])
def test_no_real_limit_means_the_machine(tmp_path: Path, limit: str) -> None:
    found = values(v2(tmp_path, {"/pod/box": limit}, f"{GIB}", "inactive_file 0\n").collect(at(0)))
    assert found["system.memory.limit"] == 64 * GIB
    assert found['system.memory.usage{mode="buffers"}'] == 1024 * KIB


def test_v1_in_a_container_without_namespace(tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            "proc/meminfo": MEMINFO,
            "proc/self/cgroup": "4:memory:/docker/abc\n0::/\n",
            "proc/self/mountinfo": MOUNTS_V1,
            "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{2 * GIB}\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{GIB}\n",
            "sys/fs/cgroup/memory/memory.stat": f"cache 5\ninactive_file 1\ntotal_cache {GIB // 2}\n"
            f"total_inactive_file {GIB // 8}\ntotal_active_file {GIB // 8}\ntotal_shmem 0\n",
        },
    )
    found = values(Memory(tmp_path / "proc", tmp_path / "sys").collect(at(0)))
    assert found["system.memory.limit"] == 2 * GIB
    assert found['system.memory.usage{mode="used"}'] == GIB - GIB // 4
    assert found['system.memory.usage{mode="cached"}'] == GIB // 2


def test_v1_no_limit_is_a_huge_number(tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            "proc/meminfo": MEMINFO,
            "proc/self/cgroup": "4:memory:/docker/abc\n",
            "proc/self/mountinfo": MOUNTS_V1,
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        },
    )
    assert values(Memory(tmp_path / "proc", tmp_path / "sys").collect(at(0)))["system.memory.limit"] == 64 * GIB


def test_a_limit_that_is_set_later_is_seen(tmp_path: Path) -> None:
    memory = v2(tmp_path, {"/pod/box": "max"}, f"{GIB}", "inactive_file 0\n")
    assert values(memory.collect(at(0)))["system.memory.limit"] == 64 * GIB
    plant(tmp_path, {"sys/fs/cgroup/pod/box/memory.max": f"{2 * GIB}\n"})
    assert values(memory.collect(at(4.9)))["system.memory.limit"] == 64 * GIB
    assert values(memory.collect(at(5.9)))["system.memory.limit"] == 2 * GIB
    plant(tmp_path, {"sys/fs/cgroup/pod/box/memory.current": f"{2 * GIB}\n"})
    assert values(memory.collect(at(6)))["system.memory.utilization"] == 1


def test_real_paging() -> None:
    found = values(Paging(PROC).collect(at(0)))
    assert found['system.paging.faults{mode="minor"}'] > found['system.paging.faults{mode="major"}'] > 0
    assert found['system.paging.usage{mode="used"}'] == 0
    assert found["system.memory.oom_kills"] == 0
    # That machine has no swap and no huge pages: no share of nothing.
    assert "system.paging.utilization" not in found
    assert not any(name.startswith("system.memory.huge_pages") for name in found)


def test_swap_and_huge_pages(tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            "meminfo": "SwapTotal: 1000 kB\nSwapFree: 750 kB\nHugePages_Total:       8\nHugePages_Free:        5\n"
            "HugePages_Rsvd:        2\nHugepagesize:       2048 kB\n",
            "vmstat": (PROC / "vmstat").read_bytes(),
        },
    )
    found = values(Paging(tmp_path).collect(at(0)))
    assert found["system.paging.utilization"] == 0.25
    assert found['system.memory.huge_pages.usage{mode="used"}'] == 3 * 2048 * KIB
    assert found['system.memory.huge_pages.usage{mode="reserved"}'] == 2 * 2048 * KIB


def test_a_kernel_that_counts_no_oom_kills(tmp_path: Path) -> None:
    vmstat = (PROC / "vmstat").read_bytes()
    without = b"".join(row for row in vmstat.splitlines(keepends=True) if not row.startswith(b"oom_kill "))
    plant(tmp_path, {"meminfo": (PROC / "meminfo").read_bytes(), "vmstat": without})
    assert "system.memory.oom_kills" not in values(Paging(tmp_path).collect(at(0)))
    with pytest.raises(SourceFormatError):
        parse_vmstat(vmstat.replace(b"oom_kill 0", b"oom_kill many"))


def line(mode: str, total: int) -> str:
    return f"{mode} avg10=0.00 avg60=0.00 avg300=0.00 total={total}\n"


@given(st.integers(0, 2**63), st.integers(0, 2**63))
def test_pressure_round_trips(some: int, full: int) -> None:
    assert parse_pressure((line("some", some) + line("full", full)).encode()) == {"some": some, "full": full}


def test_pressure_is_the_share_of_the_interval(tmp_path: Path) -> None:
    for name in ("cpu", "memory", "io"):
        plant(tmp_path, {f"pressure/{name}": line("some", 1_000_000) + line("full", 0)})
    pressure = Pressure(tmp_path)
    first = values(pressure.collect(at(0)))
    assert first['system.pressure.time{device="io",mode="some"}'] == 1.0
    assert not any(name.startswith("system.pressure.utilization") for name in first)
    # "full" of the CPU is undefined for a whole machine and always printed as 0.
    assert 'system.pressure.time{device="cpu",mode="full"}' not in first
    plant(tmp_path, {"pressure/io": line("some", 1_025_000) + line("full", 500_000)})
    second = values(pressure.collect(at(0.1)))
    assert second['system.pressure.utilization{device="io",mode="some"}'] == pytest.approx(0.25)
    assert second['system.pressure.utilization{device="io",mode="full"}'] == 1.0
    assert second['system.pressure.utilization{device="cpu",mode="some"}'] == 0


def test_a_file_that_stays_as_it_is_goes_on_counting(tmp_path: Path) -> None:
    for name in ("cpu", "memory", "io"):
        plant(tmp_path, {f"pressure/{name}": line("some", 1_000_000)})
    pressure = Pressure(tmp_path)
    pressure.collect(at(0))
    for second in (1, 2):
        found = values(pressure.collect(at(second)))
        assert found['system.pressure.time{device="io",mode="some"}'] == 1.0
        assert found['system.pressure.utilization{device="io",mode="some"}'] == 0
    plant(tmp_path, {"pressure/io": line("some", 1_500_000)})
    assert values(pressure.collect(at(3)))['system.pressure.utilization{device="io",mode="some"}'] == 0.5


def test_real_pressure() -> None:
    assert set(parse_pressure((PROC / "pressure" / "memory").read_bytes())) == {"some", "full"}
    assert len(Pressure(PROC).collect(at(0)).samples) == 5


def test_a_kernel_without_pressure_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailableError) as caught:
        Pressure(tmp_path).collect(at(0))
    assert caught.value.state == "unsupported"
    assert "psi=1" in caught.value.fix


def test_one_missing_resource_costs_only_itself(tmp_path: Path) -> None:
    plant(tmp_path, {"pressure/cpu": line("some", 5)})
    assert values(Pressure(tmp_path).collect(at(0))) == {'system.pressure.time{device="cpu",mode="some"}': 5e-6}
