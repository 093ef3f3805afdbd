"""Our own cgroup: v1, v2, hybrid, with and without a namespace."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.kernel_files import PROC, at, parse_or_refuse, plant, values
from wftui.collectors.cgroup import Cgroup, cpu_limit, locate, memory_limit, parse_cgroup, parse_flat
from wftui.errors import SourceUnavailableError

V2 = "30 23 0:26 {root} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n"
V1 = (
    "32 31 0:29 {root} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 {root} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
)


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_raise_ours(data: bytes) -> None:
    parse_or_refuse((parse_cgroup, lambda d: parse_flat(d, "cpu.stat")), data)


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,20}", fullmatch=True), st.integers(0, 2**64)))
def test_flat_files_round_trip(stat: dict[str, int]) -> None:
    assert parse_flat("".join(f"{k} {v}\n" for k, v in stat.items()).encode(), "cpu.stat") == stat


def test_real_hybrid_machine(tmp_path: Path) -> None:
    found = locate(PROC, tmp_path)
    folder = f"{tmp_path}/fs/cgroup/memory"
    assert found["memory"] == (
        1,
        (f"{folder}/job/3174de0d3e707d9e4c20aff371a6539e", f"{folder}/job", folder),
        True,
    )
    assert found["cpu"] == (1, (f"{tmp_path}/fs/cgroup/cpu",), False)


def test_v2_limits_throttling_and_kills(tmp_path: Path) -> None:
    box = "sys/fs/cgroup/pod/box/"
    plant(
        tmp_path,
        {
            "proc/self/cgroup": "0::/pod/box\n",
            "proc/self/mountinfo": V2.format(root="/"),
            "sys/fs/cgroup/pod/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/pod/cpu.stat": "usage_usec 9000000\nnr_throttled 7\nthrottled_usec 2500000\n",
            "sys/fs/cgroup/pod/memory.max": "max\n",
            f"{box}cpu.max": "400000 100000\n",
            f"{box}cpu.stat": "usage_usec 1\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n",
            f"{box}memory.max": "1073741824\n",
            f"{box}memory.current": "536870912\n",
            f"{box}memory.events": "low 0\nhigh 0\nmax 3\noom 2\noom_kill 2\n",
        },
    )
    source = Cgroup(tmp_path / "proc", tmp_path / "sys")
    assert values(source.collect(at(0))) == {
        "container.cpu.limit": 1.5,  # the pod's: tighter than the box's own
        "container.cpu.time": 9.0,
        "container.cpu.throttled.periods": 7,
        "container.cpu.throttled.time": 2.5,
        "container.memory.usage": 2**29,
        "container.memory.limit": 2**30,
        "container.memory.oom_kills": 2,
    }
    source.close()


def test_v1_limits_throttling_and_kills(tmp_path: Path) -> None:
    cpu, memory = "sys/fs/cgroup/cpu,cpuacct/", "sys/fs/cgroup/memory/"
    plant(
        tmp_path,
        {
            "proc/self/cgroup": "4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n0::/docker/abc\n",
            "proc/self/mountinfo": V1.format(root="/docker/abc"),
            f"{cpu}cpu.cfs_quota_us": "50000\n",
            f"{cpu}cpu.cfs_period_us": "100000\n",
            f"{cpu}cpu.stat": "nr_periods 50\nnr_throttled 7\nthrottled_time 2500000000\n",
            f"{cpu}cpuacct.usage": "9000000000\n",
            f"{memory}memory.limit_in_bytes": "1073741824\n",
            f"{memory}memory.usage_in_bytes": "536870912\n",
            f"{memory}memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n",
        },
    )
    assert values(Cgroup(tmp_path / "proc", tmp_path / "sys").collect(at(0))) == {
        "container.cpu.limit": 0.5,
        "container.cpu.time": 9.0,
        "container.cpu.throttled.periods": 7,
        "container.cpu.throttled.time": 2.5,
        "container.memory.usage": 2**29,
        "container.memory.limit": 2**30,
        "container.memory.oom_kills": 4,
    }


@pytest.mark.parametrize("quota", ["max 100000\n", "\n", "x y\n", "0 0\n"])
def test_no_cpu_limit(tmp_path: Path, quota: str) -> None:
    files = {"proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": V2.format(root="/")}
    plant(tmp_path, {**files, "sys/fs/cgroup/a/cpu.max": quota})
    assert cpu_limit(locate(tmp_path / "proc", tmp_path / "sys")["cpu"]) is None


def test_v1_no_cpu_limit_is_minus_one(tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            "proc/self/cgroup": "2:cpu,cpuacct:/a\n",
            "proc/self/mountinfo": V1.format(root="/"),
            "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "100000\n",
        },
    )
    assert cpu_limit(locate(tmp_path / "proc", tmp_path / "sys")["cpu"]) is None


def test_a_path_outside_our_namespace_means_the_mount(tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            "proc/self/cgroup": "0::/../../elsewhere\n",
            "proc/self/mountinfo": V2.format(root="/"),
            "sys/fs/cgroup/memory.max": "4096\n",
        },
    )
    limit = memory_limit(locate(tmp_path / "proc", tmp_path / "sys")["memory"])
    assert limit == (2, f"{tmp_path}/sys/fs/cgroup", 4096)


def test_the_root_of_the_machine_is_no_container(tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            "proc/self/cgroup": "0::/\n",
            "proc/self/mountinfo": V2.format(root="/"),
            "sys/fs/cgroup/cpu.stat": "usage_usec 5\nuser_usec 3\nsystem_usec 2\n",
        },
    )
    with pytest.raises(SourceUnavailableError, match="not inside a cgroup") as caught:
        Cgroup(tmp_path / "proc", tmp_path / "sys").collect(at(0))
    assert caught.value.state == "absent"


def test_no_cgroups_at_all() -> None:
    assert locate("/nowhere", "/nowhere") == {}
    with pytest.raises(SourceUnavailableError):
        Cgroup("/nowhere", "/nowhere").collect(at(0))


def test_limits_that_change_are_seen_within_five_seconds(tmp_path: Path) -> None:
    box = "sys/fs/cgroup/box/"
    plant(
        tmp_path,
        {
            "proc/self/cgroup": "0::/box\n",
            "proc/self/mountinfo": V2.format(root="/"),
            f"{box}cpu.max": "max 100000\n",
            f"{box}memory.max": "max\n",
            f"{box}memory.current": "100\n",
        },
    )
    source = Cgroup(tmp_path / "proc", tmp_path / "sys")
    assert values(source.collect(at(0))) == {"container.memory.usage": 100}
    plant(tmp_path, {f"{box}cpu.max": "50000 100000\n", f"{box}memory.max": "4096\n", f"{box}memory.current": "7"})
    assert values(source.collect(at(1))) == {"container.memory.usage": 7}
    assert values(source.collect(at(5))) == {
        "container.memory.usage": 7,
        "container.memory.limit": 4096,
        "container.cpu.limit": 0.5,
    }
