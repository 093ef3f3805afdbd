"""Built-in rules of the machine: quiet on machines that are well and odd, loud where the same thing is a fault."""

from __future__ import annotations

import pytest

from tests.unit.alerts.builtin import GB, GIB, Watched, fired

MINUTE, HOUR = 60, 3600
SOME = 'system.pressure.utilization{device="cpu",mode="some"}'
MEMORY_FULL = 'system.pressure.utilization{device="memory",mode="full"}'
MEMORY_SOME = 'system.pressure.utilization{device="memory",mode="some"}'
IO = 'system.pressure.utilization{device="io",mode="full"}'
CPU = "system.cpu.utilization"
QUEUE = "system.cpu.run_queue"
CORES = "system.cpu.logical.count"
USED = "system.memory.utilization"
LEFT = "system.memory.available"
SWAP = "system.paging.utilization"
BLOCKED = "system.processes.blocked"


def mount(point: str) -> tuple[str, str]:
    """Series of a file system: its share in use, its free bytes."""
    return (
        f'system.filesystem.utilization{{mount="{point}"}}',
        f'system.filesystem.usage{{mode="free",mount="{point}"}}',
    )


# ---- CPU


def test_all_cores_at_work_for_hours_are_no_fault() -> None:
    """A machine that trains: 95 % of its cores, loaders that wait for them now and then."""
    series = {CPU: f"0.95x{HOUR}", SOME: f"0.6x{HOUR}", QUEUE: f"200x{HOUR}", CORES: f"192x{HOUR}"}
    assert fired("cpu-*", series) == set()


def test_a_container_that_its_quota_holds_back_is_no_lack_of_cores() -> None:
    """Its tasks wait for the next period, which PSI counts, while the other cores of the host are free."""
    assert fired("cpu-*", {CPU: f"0.04x{HOUR}", SOME: f"0.97x{HOUR}"}) == set()


def test_a_container_with_two_cores_sees_the_queue_of_its_host() -> None:
    assert fired("cpu-*", {CPU: f"0.3x{HOUR}", QUEUE: f"60x{HOUR}", CORES: f"2x{HOUR}"}) == set()


def test_work_that_waits_for_cores_is_told() -> None:
    assert fired("cpu-*", {CPU: f"0.99x{HOUR}", SOME: f"0.97x{HOUR}"}) == {"cpu-pressure"}
    queue = {CPU: f"0.99x{HOUR}", QUEUE: f"40x{HOUR}", CORES: f"4x{HOUR}"}
    assert fired("cpu-*", queue) == {"cpu-queue"}, "without PSI"
    assert fired("cpu-*", {**queue, SOME: f"0.97x{HOUR}"}) == {"cpu-pressure"}, "once, not twice"


# ---- memory


@pytest.mark.parametrize(
    ("share", "left"),
    [
        pytest.param(0.96, 40 * GIB, id="a terabyte, 40 GiB left"),
        pytest.param(0.985, 15 * GIB, id="a terabyte, 15 GiB left and no swap"),
        pytest.param(0.93, 0.07 * GIB, id="a board with 1 GiB that is well used"),
    ],
)
def test_memory_that_is_well_used(share: float, left: float) -> None:
    series = {USED: f"{share}x{HOUR}", LEFT: f"{left}x{HOUR}", MEMORY_FULL: f"0x{HOUR}", MEMORY_SOME: f"0x{HOUR}"}
    found = fired("memory-* swap-*", series)
    assert found == ({"memory-low"} if left == 15 * GIB else set()), "never that it is used up"


@pytest.mark.parametrize("total", [1 * GIB, 16 * GIB, 64 * GIB, 1024 * GIB])
def test_memory_that_is_used_up(total: float) -> None:
    left = min(0.012 * total, 2 * GIB)
    share = 1 - left / total
    assert fired("memory-*", {USED: f"{share}x{HOUR}", LEFT: f"{left}x{HOUR}"}) == {
        "memory-low",
        "memory-exhausted",
    }


def test_swap_that_is_full_and_not_missed() -> None:
    """Also compressed swap in memory, which boards have instead of a disk's."""
    series = {SWAP: f"0.95x{HOUR}", MEMORY_SOME: f"0.02x{HOUR}", MEMORY_FULL: f"0x{HOUR}"}
    assert fired("swap-* memory-*", series) == set()


def test_thrashing_is_told_with_swap_and_without() -> None:
    assert fired("swap-* memory-*", {SWAP: f"0.9x{HOUR}", MEMORY_SOME: f"0.3x{HOUR}"}) == {"swap-thrashing"}
    assert fired("swap-* memory-*", {MEMORY_FULL: f"0.3x{HOUR}"}) == {"memory-pressure"}


# ---- disks


def test_a_backup_that_runs_alone_all_night_is_no_slow_disk() -> None:
    """It is all that runs, so that whenever it waits, everything does."""
    assert fired("io-*", {IO: f"0.8x{2 * HOUR}", BLOCKED: f"1.2x{2 * HOUR}"}) == set()


def test_a_disk_that_many_wait_for_is_told() -> None:
    assert fired("io-*", {IO: f"0.8x{HOUR}", BLOCKED: f"7x{HOUR}"}) == {"io-pressure"}


@pytest.mark.parametrize(
    ("share", "free"),
    [
        pytest.param(0.95, 1000 * GB, id="an archive of 20 TB"),
        pytest.param(0.985, 300 * GB, id="an archive of 20 TB, fuller"),
        pytest.param(0.88, 0.06 * GB, id="/boot with three kernels"),
    ],
)
def test_disks_that_are_well_used(share: float, free: float) -> None:
    used, left = mount("/x")
    assert fired("disk-*", {used: f"{share}x{HOUR}", left: f"{free}x{HOUR}"}) == set()


@pytest.mark.parametrize(
    ("share", "free", "told"),
    [
        pytest.param(0.94, 60 * GB, {"disk-nearly-full"}, id="1 TB"),
        pytest.param(0.994, 120 * GB, {"disk-nearly-full"}, id="20 TB"),
        pytest.param(0.99, 0.005 * GB, {"disk-nearly-full", "disk-full"}, id="/boot"),
        pytest.param(0.9995, 10 * GB, {"disk-nearly-full", "disk-full"}, id="20 TB, full"),
    ],
)
def test_disks_that_are_full(share: float, free: float, told: set[str]) -> None:
    used, left = mount("/x")
    found = fired("disk-*", {used: f"{share}x{HOUR}", left: f"{free}x{HOUR}"})
    assert found == {f'{name}{{mount="/x"}}' for name in told}


def filling(*parts: tuple[float, float, int]) -> dict[str, list[float | None]]:
    """A disk of 1 TB, from one share to the next within so many seconds each; asked every ten seconds."""
    shares: list[float | None] = []
    for begin, end, seconds in parts:
        shares += [begin + (end - begin) * (second // 10 * 10) / seconds for second in range(seconds)]
    used, left = mount("/x")
    return {used: shares, left: [(1 - share) * 1000 * GB for share in shares if share is not None]}


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([(0.60, 0.60, 3 * HOUR), (0.60, 0.82, 20), (0.82, 0.82, 4 * HOUR)], id="kernels into /boot"),
        pytest.param([(0.60, 0.60, 3 * HOUR), (0.60, 0.85, 1800), (0.85, 0.85, 4 * HOUR)], id="a download"),
        pytest.param([(0.89, 0.89, 3 * HOUR), (0.89, 0.40, 300), (0.40, 0.40, HOUR)], id="cleaned up"),
        pytest.param([(0.70, 0.80, 3600)] * 6, id="logs that are rotated"),
    ],
)
def test_what_came_to_its_end_fills_no_disk(parts: list[tuple[float, float, int]]) -> None:
    assert fired("disk-*", filling(*parts)) == set()


def test_a_disk_that_goes_on_filling_is_told() -> None:
    assert fired("disk-filling", filling((0.55, 0.91, 6 * HOUR))) == {'disk-filling{mount="/x"}'}


# ---- network


def counted(seconds: int, packets: float, dropped: float, errors: float = 0) -> dict[str, str]:
    labels = '{direction="receive",interface="eth0"}'
    figures = {"packets": packets, "dropped": dropped, "errors": errors}
    return {f"system.network.{name}{labels}": f"0+{rate}x{seconds}" for name, rate in figures.items()}


def test_packets_that_nobody_wants_are_no_lack_of_buffers() -> None:
    """A host at rest in a network with other protocols: every third packet is none of its own."""
    assert fired("network-*", counted(HOUR, packets=15, dropped=5)) == set()


def test_an_interface_that_loses_packets_is_told() -> None:
    labels = '{direction="receive",interface="eth0"}'
    assert fired("network-*", counted(HOUR, packets=40_000, dropped=2_000)) == {f"network-drops{labels}"}
    assert fired("network-*", counted(HOUR, packets=1_000, dropped=0, errors=5)) == {f"network-errors{labels}"}


# ---- sensors


def heat(value: float, limit: float) -> dict[str, str]:
    sensor = '{sensor="cpu"}'
    return {f"hw.temperature{sensor}": f"{value}x900", f"hw.temperature.limit{sensor}": f"{limit}x900"}


@pytest.mark.parametrize(
    ("value", "limit"),
    [
        pytest.param(92, 100, id="a laptop that compiles"),
        pytest.param(85, 110, id="a board that holds itself at 85"),
        pytest.param(127, 100, id="a pin without a sensor"),
    ],
)
def test_heat_that_is_none(value: float, limit: float) -> None:
    assert fired("temperature-*", heat(value, limit)) == set()


@pytest.mark.parametrize(("value", "limit"), [(99, 100), (70, 60)])
def test_heat(value: float, limit: float) -> None:
    assert fired("temperature-*", heat(value, limit)) == {'temperature-near-limit{sensor="cpu"}'}


def battery(charge: float, power: float) -> dict[str, str]:
    return {
        'hw.battery.charge{sensor="BAT0"}': f"{charge}x300",
        'hw.battery.power{sensor="BAT0"}': f"{power}x300",
    }


def test_a_battery() -> None:
    assert fired("battery-*", battery(0.06, -30)) == set(), "it is charged"
    assert fired("battery-*", battery(0.06, 0)) == set(), "on a cable that does not charge it"
    assert fired("battery-*", battery(0.60, 12)) == set(), "half full, in use"
    assert fired("battery-*", battery(0.06, 12)) == {'battery-low{sensor="BAT0"}'}


# ---- clocks


@pytest.mark.parametrize("asleep_s", [5, 90, 8 * HOUR, 14 * 24 * HOUR])
def test_a_laptop_that_is_suspended_again_and_again(asleep_s: int) -> None:
    """Half full, a bit busy, counters that go on by what happened at its end; nothing of it is a fault."""
    used, left = mount("/home")
    labels = '{direction="receive",interface="wlan0"}'
    series = {
        CPU: 0.2, SOME: 0.2, QUEUE: 3, CORES: 8, USED: 0.7, LEFT: 4 * GIB, SWAP: 0.6, MEMORY_SOME: 0.0,
        MEMORY_FULL: 0.0, IO: 0.05, BLOCKED: 0.5, used: 0.8, left: 100 * GB, "wftop.tick.lateness": 0.005,
        "wftop.store.unsealed": 3000.0, "wftop.store.pending": 1.0, 'wftop.source.coverage{source="cpu"}': 1.0,
        'hw.battery.charge{sensor="BAT0"}': 0.4, 'hw.battery.power{sensor="BAT0"}': 9.0,
    }  # fmt: skip
    counters = {f"system.network.{name}{labels}": 0.0 for name in ("packets", "dropped", "errors")}
    counters |= {"system.memory.oom_kills": 0.0, "wftop.store.lost": 0.0}
    machine = Watched("*", [*series, *counters])
    for turn in range(4):
        for second in range(15 * MINUTE):
            woken = turn > 0 and second < 3
            counters[f"system.network.packets{labels}"] += 50
            counters[f"system.network.dropped{labels}"] += 400 if woken else 0
            # The first seconds after it was woken: everything at once, and late.
            busy = {CPU: 1.0, SOME: 1.0, IO: 0.9, "wftop.tick.lateness": 0.8} if woken else {}
            machine.step({**series, **busy, **counters})
        machine.sleep(asleep_s)
    assert machine.fired == set()


@pytest.mark.parametrize("step_s", [-HOUR, -2, 2, HOUR, 400 * 24 * HOUR])
def test_a_clock_that_is_set(step_s: int) -> None:
    used, left = mount("/home")
    series = {CPU: 0.5, SOME: 0.5, USED: 0.8, LEFT: 8 * GIB, used: 0.85, left: 100 * GB}
    machine = Watched("*", series)
    for _ in range(3):
        for _ in range(10 * MINUTE):
            machine.step(series)
        machine.jump(step_s)
    assert machine.fired == set()
    for _ in range(20 * MINUTE):
        machine.step({**series, used: 0.97, left: 20 * GB})
    assert machine.fired == {'disk-nearly-full{mount="/home"}'}
