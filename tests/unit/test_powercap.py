"""Energy of the CPU from powercap: counters, their wraps and resets, who may read them."""

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.kernel_files import at, plant, values
from wftui.clock import Instant
from wftui.collectors.files import read_once
from wftui.collectors.powercap import Counter, Powercap, Zone, find_zones, opening
from wftui.errors import SourceUnavailableError
from wftui.model.sample import Scrape

RANGE = 262143328850


def zone(root: Path, folder: str, name: str, microjoules: int, most: int = RANGE) -> None:
    files = {"name": f"{name}\n", "energy_uj": f"{microjoules}\n", "max_energy_range_uj": f"{most}\n"}
    plant(root / "class/powercap" / folder, files)


def laptop(root: Path, package: int = 5_000_000) -> None:
    """One package with its parts, the whole machine, and the same package once more by another way."""
    (root / "class/powercap/intel-rapl").mkdir(parents=True, exist_ok=True)
    zone(root, "intel-rapl:0", "package-0", package)
    zone(root, "intel-rapl:0:0", "core", 2_000_000)
    zone(root, "intel-rapl:0:1", "uncore", 1_000_000)
    zone(root, "intel-rapl:0:2", "dram", 500_000)
    zone(root, "intel-rapl:1", "psys", 9_000_000)
    zone(root, "intel-rapl-mmio:0", "package-0", package)


def power(scrape: Scrape, device: str = "package-0") -> float | None:
    return values(scrape).get(f'hw.power{{device="{device}"}}')


def energy(scrape: Scrape, device: str = "package-0") -> float | None:
    return values(scrape).get(f'hw.energy{{device="{device}"}}')


def test_a_package_and_its_parts(tmp_path: Path) -> None:
    laptop(tmp_path)
    source = Powercap(tmp_path)
    assert values(source.collect(at(0))) == {
        'hw.energy{device="package-0"}': 5,
        'hw.energy{device="core-0"}': 2,
        'hw.energy{device="uncore-0"}': 1,
        'hw.energy{device="dram-0"}': 0.5,
        'hw.energy{device="psys"}': 9,
    }
    laptop(tmp_path, 5_000_000 + 84_000_000)
    scrape = source.collect(at(2))
    assert (energy(scrape), power(scrape), power(scrape, "dram-0")) == (89, 42, 0)
    qualities = {item.column.series.name: item.column.quality for item in scrape.samples}
    assert qualities == {"hw.energy": "measured", "hw.power": "derived"}


def test_a_counter_that_comes_round_goes_on(tmp_path: Path) -> None:
    source, scrape = Powercap(tmp_path), Scrape([])
    for second, raw in enumerate((RANGE - 30_000_000, 20_000_000, 70_000_000)):
        zone(tmp_path, "intel-rapl:0", "package-0", raw)
        scrape = source.collect(at(second))
    assert energy(scrape) == pytest.approx((RANGE + 70_000_000) / 1e6)
    assert power(scrape) == pytest.approx(50)


@pytest.mark.parametrize("most", [RANGE, 0])
def test_a_counter_that_began_anew_is_a_reset(tmp_path: Path, most: int) -> None:
    source = Powercap(tmp_path)
    seen = []
    for second, raw in ((0, 90_000_000_000), (1, 90_050_000_000), (2, 40_000_000), (3, 90_000_000)):
        zone(tmp_path, "intel-rapl:0", "package-0", raw, most)
        scrape = source.collect(at(second))
        seen.append((energy(scrape), power(scrape)))
    assert seen == [(90_000, None), (90_050, 50), (40, None), (90, 50)], "it falls: no reader bridges that"


def test_dies_of_one_package_are_the_package(tmp_path: Path) -> None:
    source, scrape = Powercap(tmp_path), Scrape([])
    for second, extra in ((0, 0), (1, 30_000_000)):
        zone(tmp_path, "intel-rapl:0", "package-0-die-0", 1_000_000 + extra)
        zone(tmp_path, "intel-rapl:0:0", "dram", 100_000)
        zone(tmp_path, "intel-rapl:1", "package-0-die-1", 2_000_000 + extra)
        zone(tmp_path, "intel-rapl:1:0", "dram", 100_000)
        scrape = source.collect(at(second))
    assert (energy(scrape), power(scrape)) == (63, 60)
    assert energy(scrape, "dram-0") == pytest.approx(0.2)
    (tmp_path / "class/powercap/intel-rapl:1/energy_uj").unlink()
    scrape = source.collect(at(2))
    assert energy(scrape) is None, "one die is not the package"
    assert scrape.note is not None
    assert scrape.note.state == "failed"


def test_two_packages(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    zone(tmp_path, "intel-rapl:1", "package-1", 2_000_000)
    zone(tmp_path, "intel-rapl:1:0", "dram", 3_000_000)
    assert {item.device for item in find_zones(str(tmp_path))} == {"package-0", "package-1", "dram-1"}


def test_amd_of_kernels_without_powercap(tmp_path: Path) -> None:
    folder = tmp_path / "class/hwmon/hwmon3"
    files = {"name": "amd_energy\n", "energy1_label": "Ecore000\n", "energy1_input": "1\n"}
    plant(folder, {**files, "energy65_label": "Esocket0\n", "energy65_input": "7000000\n"})
    assert values(Powercap(tmp_path).collect(at(0))) == {'hw.energy{device="package-0"}': 7}


def test_closed_counters_say_why_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    laptop(tmp_path)

    def refuse(path: str | Path, limit: int = 4096) -> bytes:
        if str(path).endswith("energy_uj"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return read_once(path, limit)

    monkeypatch.setattr("wftui.collectors.powercap.read_once", refuse)
    with pytest.raises(SourceUnavailableError, match="CVE-2020-8694") as caught:
        Powercap(tmp_path).collect(at(0))
    assert caught.value.state == "denied"
    assert "sudo chgrp" in caught.value.fix
    assert "chmod o+r" not in caught.value.fix, "the hole that was closed stays closed for everybody else"


def test_the_rule_for_good() -> None:
    fix = opening("power")
    assert 'SUBSYSTEM=="powercap", ACTION=="add", RUN+="/bin/chgrp power /sys%p/energy_uj"' in fix
    assert fix.count("\n") == 0


def test_none_is_absent(tmp_path: Path) -> None:
    (tmp_path / "class/powercap").mkdir(parents=True)
    with pytest.raises(SourceUnavailableError, match="virtual machines") as caught:
        Powercap(tmp_path).collect(at(0))
    assert caught.value.state == "absent"


def test_counters_that_come_later_are_found(tmp_path: Path) -> None:
    source = Powercap(tmp_path)
    with pytest.raises(SourceUnavailableError):
        source.collect(at(0))
    laptop(tmp_path)
    assert energy(source.collect(at(1))) == 5
    zone(tmp_path, "intel-rapl:2", "package-1", 3_000_000)
    assert energy(source.collect(at(30)), "package-1") is None
    laptop(tmp_path, 105_000_000)
    scrape = source.collect(at(62))
    assert (energy(scrape, "package-1"), energy(scrape)) == (3, 105), "and those that were known go on"


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 400)), min_size=2, max_size=30), st.integers(0, RANGE))
def test_what_flowed_is_what_was_counted(steps: list[tuple[int, int]], first: int) -> None:
    """Random loads across wraps: the counter grows by the truth."""
    most = 2_500_000_000  # comes round every few steps
    counter = Counter(Zone("", "package-0", most, ""))
    raw, second, truth = first % most, 0, 0.0
    counter.take(raw, Instant(0, 0))
    begin = counter.joules
    for seconds, watts in steps:
        second += seconds
        truth += seconds * watts
        raw = (raw + seconds * watts * 1_000_000) % most
        counter.take(raw, Instant(0, second * 10**9))
        assert not counter.anew
    assert begin is not None
    assert counter.joules is not None
    assert counter.joules - begin == pytest.approx(truth)
