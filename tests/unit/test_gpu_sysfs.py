"""GPUs of AMD and Intel from a folder that looks like sysfs: numbers, states, what is left alone, events."""

import itertools
import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.gpu_files import (
    AMD_BUS,
    ARC,
    ARC_BUS,
    INTEL_BUS,
    IRIS,
    NAVI,
    amd_client,
    gpu,
    navi,
    process,
    xe_client,
)
from tests.unit.kernel_files import at, plant
from wftui import names
from wftui.collectors.gpu_sysfs import SysfsGpus
from wftui.errors import SourceUnavailableError
from wftui.model import gpus
from wftui.model.sample import Scrape
from wftui.model.table import Row

NAVI_ID = "amd-8b4d6a2fd5c3e101"


def collector(root: Path, *, sees_all: bool = False, ids: tuple[str, ...] = ()) -> SysfsGpus:
    (root / "proc").mkdir(exist_ok=True)
    return SysfsGpus(root / "proc", root / "sys", sees_all=sees_all, ids=ids)


def numbers(scrape: Scrape, uuid: str) -> dict[str, float]:
    """Short name to value, of samples and readings; each is in the catalogue and labelled as it says."""
    found: dict[str, float] = {}
    for sample in [*scrape.samples, *(item for reading in scrape.readings for item in reading.samples)]:
        series = sample.column.series
        metric = names.METRICS[series.name]
        assert {key for key, _ in series.labels} <= set(metric.labels)
        assert sample.column.source == "gpu.sysfs"
        if series.label("gpu") != uuid:
            continue
        modes = [value for key, value in series.labels if key != "gpu"]
        key = ":".join([series.name.removeprefix("hw.gpu."), *modes])
        assert key not in found, key
        found[key] = sample.value
    return found


def rows(scrape: Scrape, name: str) -> dict[str, Row]:
    return {key: row for table in scrape.tables if table.schema.name == name for key, row in table.rows.items()}


def kinds(scrape: Scrape) -> list[str]:
    return [event.kind for event in scrape.events]


def test_an_amd_card(tmp_path: Path) -> None:
    navi(tmp_path)
    source = collector(tmp_path)
    scrape = source.collect(at(0))
    assert numbers(scrape, NAVI_ID) == {
        "up": 1, "utilization": 0.42, "memory.io.utilization": 0.07, "memory.usage:used": 6 << 30,
        "memory.limit": 24 << 30, "memory.utilization": 0.25, "temperature:gpu": 51, "temperature:hotspot": 63,
        "temperature:memory": 70, "temperature.limit:slowdown": 100, "temperature.limit:shutdown": 105,
        "temperature.limit:memory": 108, "power": 203, "power.average": 203, "power.limit:enforced": 303,
        "power.limit:default": 303, "power.limit:maximum": 348, "clock.frequency:graphics": 1203e6,
        "clock.frequency:memory": 96e6, "clock.limit:graphics": 2526e6, "clock.limit:memory": 1249e6,
        "fan.speed_ratio:fan0": 0.2, "pcie.replays": 3, "ecc.errors:uncorrected": 0, "ecc.errors:corrected": 12,
        "process.count": 0, "wftop.gpu.rejected": 0,
    }  # fmt: skip
    (row,) = rows(scrape, "gpus").values()
    assert len(row) == len(gpus.GPUS.columns)
    assert [row[place] for place in (gpus.UUID, gpus.INDEX, gpus.VENDOR, gpus.BUS, gpus.STATE)] == [
        NAVI_ID, 0, "amd", AMD_BUS, "ok",
    ]  # fmt: skip
    assert (row[gpus.NAME], row[gpus.DRIVER], row[gpus.CPUS], row[gpus.NUMA]) == (
        "AMD GPU 1002:744c", "amdgpu", "0-15", 0,
    )  # fmt: skip
    assert row[gpus.UNAVAILABLE] == ""
    assert kinds(scrape) == ["gpu.found"]
    assert kinds(source.collect(at(1))) == []


def test_average_power_is_integrated_and_says_so(tmp_path: Path) -> None:
    navi(tmp_path)
    source, scrape = collector(tmp_path), Scrape([])
    for second in range(11):
        scrape = source.collect(at(second))
    told = rows(source.collect(at(21.5)), "gpus")
    (energy,) = [item for item in scrape.samples if item.column.series.name == "hw.gpu.energy"]
    assert energy.value == pytest.approx(2030)
    assert energy.column.quality == "estimated"
    (row,) = told.values()
    assert row[gpus.ENERGY_SOURCE] == "average"
    assert numbers(scrape, NAVI_ID)["energy.coverage"] == pytest.approx(1, abs=0.01)


def test_a_counter_wins_and_a_chip_that_throttles_says_why(tmp_path: Path) -> None:
    def table(joules: float, reasons: int) -> dict[str, bytes]:
        data = bytearray(b"\xff" * 120)
        data[:4] = (120).to_bytes(2, "little") + bytes((1, 3))
        data[24:32] = int(joules * 65536).to_bytes(8, "little")
        data[112:120] = reasons.to_bytes(8, "little")
        return {"gpu_metrics": bytes(data)}

    source, scrape = collector(tmp_path), Scrape([])
    seen = []
    for second in range(12):
        navi(tmp_path, table(1000 + 250 * second, 1 if 2 <= second <= 6 else 0))
        scrape = source.collect(at(second))
        seen += [(second, event.kind, event.payload.get("for_s")) for event in scrape.events]
    (energy,) = [item for item in scrape.samples if item.column.series.name == "hw.gpu.energy"]
    assert (energy.value, energy.column.quality) == (250 * 11, "measured")
    assert seen == [(0, "gpu.found", None), (5, "gpu.throttled", None), (10, "gpu.unthrottled", 5.0)]
    assert numbers(scrape, NAVI_ID)["throttled:power_cap"] == 0


def test_an_apu_uses_the_systems_memory(tmp_path: Path) -> None:
    table = (128).to_bytes(2, "little") + bytes((2, 2)) + bytes(124)
    files: dict[str, str | bytes] = {
        "gpu_metrics": table,
        "unique_id": "0\n",
        "mem_info_vram_total": f"{1 << 29}\n",
    }
    navi(tmp_path, {**files, "mem_info_vram_used": f"{1 << 28}\n"})
    source = collector(tmp_path)
    source.collect(at(0))
    scrape = source.collect(at(1))
    found = numbers(scrape, f"pci-{AMD_BUS}")
    assert (found["memory.usage:used"], found["memory.limit"]) == ((1 << 28) + (1 << 30), (1 << 29) + (32 << 30))
    (row,) = rows(scrape, "gpus").values()
    assert row[gpus.MEMORY_KIND] == "unified"
    assert "system's" in str(row[gpus.REASON])


@pytest.mark.parametrize("missing", sorted(NAVI))
def test_a_file_less_costs_a_field_and_no_more(tmp_path: Path, missing: str) -> None:
    folder = navi(tmp_path)
    whole = collector(tmp_path).collect(at(0))
    (folder / missing).unlink()
    less = collector(tmp_path).collect(at(0))
    uuid = NAVI_ID if missing != "unique_id" else f"pci-{AMD_BUS}"
    before, after = numbers(whole, NAVI_ID), numbers(less, uuid)
    assert len(before) - 3 <= len(after) <= len(before)
    assert all(before[key] == value for key, value in after.items() if key != "fan.speed_ratio:fan0")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("gpu_busy_percent", "4294967295"), ("gpu_busy_percent", "-1"), ("mem_info_vram_used", f"{2**64 - 1}"),
        ("mem_info_vram_used", f"{25 << 30}"), ("hwmon/hwmon4/temp1_input", "511000"),
        ("hwmon/hwmon4/power1_average", "65535000000"), ("hwmon/hwmon4/freq1_input", f"{2**63}"),
        ("hwmon/hwmon4/pwm1", "999"),
    ],
)  # fmt: skip
def test_what_cannot_be_true_is_counted_and_left_out(tmp_path: Path, file: str, text: str) -> None:
    navi(tmp_path, {file: f"{text}\n"})
    found = numbers(collector(tmp_path).collect(at(0)), NAVI_ID)
    assert found["wftop.gpu.rejected"] >= 1
    for name, value in found.items():
        unit = names.METRICS[
            name if "." in name and name.startswith("wftop") else f"hw.gpu.{name.split(':')[0]}"
        ].unit
        assert 0 <= value <= {"1": 1 if not name.startswith("pcie") else 6, "By": 2**50}.get(unit, 1e11)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_text_in_any_file_is_no_garbage(data: st.DataObject) -> None:
    """Nothing is raised, no series leaves its bounds, every row has all cells, all text is clean."""
    junk = st.one_of(
        st.binary(max_size=40),
        st.sampled_from([b"", b"-1", b"18446744073709551615", b"4294967295", b"1e9", b"nan", b"9" * 60, b"0"]),
        st.integers(-(2**70), 2**70).map(lambda number: str(number).encode()),
    )
    more = (
        "gpu_metrics",
        "product_name",
        "power/autosuspend_delay_ms",
        "current_link_speed",
        "current_link_width",
    )
    with TemporaryDirectory() as folder:
        root = Path(folder)
        source = collector(root)
        for second in range(4):
            for bus, files, vendor, driver, card in (
                (AMD_BUS, NAVI, "0x1002", "amdgpu", 0), (INTEL_BUS, IRIS, "0x8086", "i915", 1),
                (ARC_BUS, ARC, "0x8086", "xe", 2),
            ):  # fmt: skip
                chosen = data.draw(st.sets(st.sampled_from([*files, *more]), max_size=8))
                changed: dict[str, str | bytes] = {**files}
                changed.update({name: data.draw(junk) for name in sorted(chosen)})
                gpu(root, bus, changed, vendor=vendor, driver=driver, card=card, control="auto")
            info = data.draw(st.one_of(junk, junk.map(lambda text: b"drm-client-id:\t1\ndrm-engine-gfx: " + text)))
            process(root, 50, {3: ("/dev/dri/renderD128", info.decode("latin-1"))})
            check(source.collect(at(5 * second)))


def check(scrape: Scrape) -> None:
    most = {"1": 16, "By": 2**50, "W": 20_000, "Cel": 200, "Hz": 2e10}
    for sample in [*scrape.samples, *(item for reading in scrape.readings for item in reading.samples)]:
        assert 0 <= sample.value <= most.get(sample.column.unit, 2.0**63), sample
    for table in scrape.tables:
        for row in table.rows.values():
            assert len(row) == len(table.schema.columns)
            assert all(cell.isprintable() for cell in row if isinstance(cell, str)), row


def test_processes_of_a_card(tmp_path: Path) -> None:
    navi(tmp_path)
    source, scrape = collector(tmp_path), Scrape([])
    for second in (0, 5, 10):
        text = amd_client(5, vram_kib=1 << 20, compute=second * 5 * 10**8)
        process(tmp_path, 4242, {3: ("/dev/dri/renderD128", text)}, name="train")
        scrape = source.collect(at(second))
    (row,) = rows(scrape, "gpu_processes").values()
    assert len(row) == len(gpus.GPU_PROCESSES.columns)
    told = [row[p] for p in (gpus.P_UUID, gpus.P_PID, gpus.P_START, gpus.P_NAME, gpus.P_TYPE, gpus.P_MEMORY)]
    assert told == [NAVI_ID, 4242, 4711, "train", "C", 1 << 30]
    assert row[gpus.P_UTILIZATION] == pytest.approx(0.5)
    assert row[gpus.P_TIME] == pytest.approx(2.5), "of the second interval: the first only says that it is there"
    assert rows(scrape, "gpu_processes").keys() == {gpus.process_key(NAVI_ID, 4242, 4711)}
    assert numbers(scrape, NAVI_ID)["process.count"] == 1


def test_energy_goes_to_the_process_that_computes(tmp_path: Path) -> None:
    navi(tmp_path)
    source, scrape = collector(tmp_path), Scrape([])
    for second in range(16):
        text = amd_client(5, vram_kib=1 << 20, compute=second * 5 * 10**8)
        process(tmp_path, 4242, {3: ("/dev/dri/renderD128", text)})
        scrape = source.collect(at(second))
    (row,) = rows(scrape, "gpu_processes").values()
    assert row[gpus.P_ENERGY] == pytest.approx(203 * 10), (
        "from the second list on: at the first nobody had counted"
    )


def test_a_sleeping_card_is_not_touched(tmp_path: Path) -> None:
    folder = navi(tmp_path, status="suspended", control="auto")
    process(tmp_path, 4242, {3: ("/dev/dri/renderD128", amd_client(5, gfx=1))})
    # FIFOs without a writer: whoever opens one of these hangs.
    for file in (*NAVI, "product_name", "gpu_metrics", "current_link_speed"):
        if file not in ("device", "numa_node", "local_cpulist"):
            (folder / file).unlink(missing_ok=True)
            os.mkfifo(folder / file)
    (tmp_path / "proc/4242/fdinfo/3").unlink()
    os.mkfifo(tmp_path / "proc/4242/fdinfo/3")
    source = collector(tmp_path)
    for second in (0, 6, 12):
        scrape = source.collect(at(second))
        uuid = f"pci-{AMD_BUS}"
        assert numbers(scrape, uuid) == {"wftop.gpu.rejected": 0}, "not even whether it is up"
        assert scrape.note is not None
        assert scrape.note.state == "asleep"
    assert [event.kind for event in collector(tmp_path).collect(at(0)).events] == ["gpu.found", "gpu.asleep"]
    for file in (*NAVI, "product_name", "gpu_metrics", "current_link_speed"):
        if (folder / file).is_fifo():
            (folder / file).unlink()
    (tmp_path / "proc/4242/fdinfo/3").unlink()
    navi(tmp_path, control="auto")
    scrape = source.collect(at(13))
    assert [(event.kind, event.payload.get("for_s")) for event in scrape.events] == [("gpu.awake", 13.0)]
    assert numbers(scrape, NAVI_ID)["utilization"] == 0.42
    assert rows(scrape, "gpus").keys() == {NAVI_ID}


def test_an_idle_card_gets_time_to_fall_asleep(tmp_path: Path) -> None:
    files = {"gpu_busy_percent": "0\n", "power/autosuspend_delay_ms": "5000\n"}
    folder = navi(tmp_path, files, control="auto")
    source = collector(tmp_path)
    asked = [second for second in range(500) if "utilization" in numbers(source.collect(at(second)), NAVI_ID)]
    pauses = [(a, b - a) for a, b in itertools.pairwise(asked) if b - a > 1]
    assert pauses == [(60, 8), (188, 8), (436, 8)], "less and less often, if something else keeps it awake"
    plant(folder, {"gpu_busy_percent": "30\n"})
    busy = [second for second in range(600, 800) if "utilization" in numbers(source.collect(at(second)), NAVI_ID)]
    assert busy == list(range(600, 800))


def test_a_card_with_a_screen_is_never_left_alone(tmp_path: Path) -> None:
    files = {"gpu_busy_percent": "0\n", "drm/card0/card0-DP-1/enabled": "enabled\n"}
    navi(tmp_path, files, control="auto")
    source = collector(tmp_path)
    assert all("utilization" in numbers(source.collect(at(second)), NAVI_ID) for second in range(130))


def test_unplugged_and_back(tmp_path: Path) -> None:
    folder = navi(tmp_path)
    gpu(tmp_path, ARC_BUS, ARC, vendor="0x8086", driver="xe", card=1)
    source = collector(tmp_path)
    source.collect(at(0))
    shutil.rmtree(folder)
    lost = source.collect(at(1))
    assert kinds(lost) == ["gpu.lost"]
    row = rows(lost, "gpus")[NAVI_ID]
    assert (row[gpus.STATE], row[gpus.INDEX]) == ("lost", None)
    assert numbers(lost, NAVI_ID)["up"] == 0
    assert numbers(lost, f"pci-{ARC_BUS}")["up"] == 1, "the other one goes on"
    assert lost.note is not None
    assert "not there any more" in lost.note.reason
    assert "gpu.lost" not in kinds(source.collect(at(6)))
    navi(tmp_path)
    back = [(event.kind, event.payload.get("for_s")) for event in source.collect(at(12)).events]
    assert back == [("gpu.returned", 11.0)]


def test_new_memory_errors_are_an_event(tmp_path: Path) -> None:
    navi(tmp_path)
    source = collector(tmp_path)
    source.collect(at(0))
    navi(tmp_path, {"ras/umc_err_count": "ue: 2\nce: 12\n"})
    assert kinds(source.collect(at(5))) == []
    (event,) = source.collect(at(10)).events
    assert (event.kind, event.payload["before"], event.payload["after"]) == ("gpu.ecc", 0, 2)


def test_the_graphics_of_a_processor(tmp_path: Path) -> None:
    folder = gpu(tmp_path, INTEL_BUS, IRIS, vendor="0x8086", driver="i915", card=1)
    plant(tmp_path / "proc", {"meminfo": "MemTotal: 16000000 kB\nMemFree: 1 kB\nMemAvailable: 12000000 kB\n"})
    source = collector(tmp_path)
    source.collect(at(0))
    plant(
        folder,
        {"drm/card1/gt/gt0/rc6_residency_ms": "100600\n", "drm/card1/gt/gt0/throttle_reason_thermal": "1\n"},
    )
    scrape = source.collect(at(1))
    found = numbers(scrape, f"pci-{INTEL_BUS}")
    assert found == {
        "up": 1, "utilization": pytest.approx(0.4), "clock.frequency:graphics": 450e6, "throttled:any": 1,
        "throttled:hw_thermal": 1, "memory.usage:used": 4000000 * 1024, "memory.limit": 16000000 * 1024,
        "memory.utilization": 0.25, "wftop.gpu.rejected": 0,
    }  # fmt: skip
    (use,) = [item.column for item in scrape.samples if item.column.series.name == "hw.gpu.utilization"]
    assert use.quality == "estimated"
    assert "RC6" in use.call
    row = rows(source.collect(at(12)), "gpus")[f"pci-{INTEL_BUS}"]
    assert (row[gpus.MEMORY_KIND], row[gpus.UNAVAILABLE]) == ("unified", "power,temp_gpu")


def test_a_card_of_intel(tmp_path: Path) -> None:
    folder = gpu(tmp_path, ARC_BUS, ARC, vendor="0x8086", driver="xe", card=0)
    source = collector(tmp_path)
    first = numbers(source.collect(at(0)), f"pci-{ARC_BUS}")
    assert first["power.limit:enforced"] == 190
    assert "power.limit:default" not in first, "0 is no limit"
    assert first["memory.limit"] == 12 << 30
    plant(folder, {"tile0/gt0/gtidle/idle_residency_ms": "5250\n", "tile0/gt1/gtidle/idle_residency_ms": "7000\n"})
    plant(folder, {"hwmon/hwmon2/energy1_input": "121000000\n"})
    scrape = source.collect(at(1))
    assert numbers(scrape, f"pci-{ARC_BUS}") == {
        "up": 1, "utilization": pytest.approx(0.75), "clock.frequency:graphics": 2850e6, "throttled:any": 1,
        "throttled:power_cap": 1, "temperature:gpu": 61, "temperature:memory": 58, "energy": 120, "power": 120,
        "wftop.gpu.rejected": 0,
    }  # fmt: skip


def test_engine_time_of_all_processes_is_truer_than_power_states(tmp_path: Path) -> None:
    gpu(tmp_path, ARC_BUS, ARC, vendor="0x8086", driver="xe", card=0)
    for sees_all, share in ((True, 0.3), (False, 1.0)):
        source, scrape = collector(tmp_path, sees_all=sees_all), Scrape([])
        for second in (0, 5, 6):
            text = xe_client(3, second * 300, 0, second * 1000, 1024)
            process(tmp_path, 4242, {3: ("/dev/dri/renderD128", text)})
            scrape = source.collect(at(second))
        assert numbers(scrape, f"pci-{ARC_BUS}")["utilization"] == pytest.approx(share)


def test_the_link_is_that_of_the_slot(tmp_path: Path) -> None:
    root = tmp_path / "sys/devices/pci0000:00"
    chain = root / "0000:00:01.1/0000:01:00.0/0000:02:00.0" / AMD_BUS
    for folder, vendor, kind, speed, width in (
        (root / "0000:00:01.1", "0x1022", "0x060400", "16.0 GT/s PCIe", "16"),
        (root / "0000:00:01.1/0000:01:00.0", "0x1002", "0x060400", "8.0 GT/s PCIe", "4"),
        (root / "0000:00:01.1/0000:01:00.0/0000:02:00.0", "0x1002", "0x060400", "16.0 GT/s PCIe", "16"),
        (chain, "0x1002", "0x030000", "16.0 GT/s PCIe", "16"),
    ):
        files = {"vendor": f"{vendor}\n", "class": f"{kind}\n"}
        files |= {"current_link_speed": f"{speed}\n", "current_link_width": f"{width}\n"}
        plant(folder, {**files, "max_link_speed": "16.0 GT/s PCIe\n", "max_link_width": "255\n"})
    place = tmp_path / f"sys/bus/pci/devices/{AMD_BUS}"
    place.parent.mkdir(parents=True)
    place.symlink_to(chain)
    navi(tmp_path)
    found = numbers(collector(tmp_path).collect(at(0)), NAVI_ID)
    assert {name: value for name, value in found.items() if name.startswith("pcie.")} == {
        "pcie.generation:current": 3, "pcie.generation:maximum": 4, "pcie.width:current": 4, "pcie.replays": 3,
    }  # fmt: skip


def test_names_come_from_the_list_of_numbers(tmp_path: Path) -> None:
    navi(tmp_path)
    ids = tmp_path / "pci.ids"
    ids.write_text(
        "# comment\n1001  Kolter\n\t744c  wrong\n1002  Advanced Micro Devices, Inc. [AMD/ATI]\n"
        "\t7448  other\n\t744c  Navi 31 [Radeon RX 7900 XT/7900 XTX]\n\t\t1002 0e3b  sub\n1003  ULSI\n"
    )
    (row,) = rows(collector(tmp_path, ids=(str(ids),)).collect(at(0)), "gpus").values()
    assert row[gpus.NAME] == "AMD Radeon RX 7900 XT/7900 XTX"
    navi(tmp_path, {"product_name": "AMD Instinct MI210\n"})
    (row,) = rows(collector(tmp_path, ids=(str(ids),)).collect(at(0)), "gpus").values()
    assert row[gpus.NAME] == "AMD Instinct MI210"


@pytest.mark.parametrize(
    ("driver", "reason", "fix"),
    [
        ("nouveau", "nouveau", "install NVIDIA's driver, then reboot"),
        ("", "no driver is bound", "modprobe nvidia"),
        ("vfio-pci", "virtual machine", ""), ("strange", "strange", ""),
    ],
)  # fmt: skip
def test_a_card_of_nvidia_without_its_driver(tmp_path: Path, driver: str, reason: str, fix: str) -> None:
    bus = "0000:01:00.0"
    gpu(
        tmp_path,
        bus,
        {"device": "0x2684\n"},
        vendor="0x10de",
        driver=driver,
        card=0 if driver == "nouveau" else -1,
    )
    scrape = collector(tmp_path).collect(at(0))
    (row,) = rows(scrape, "gpus").values()
    assert (row[gpus.VENDOR], row[gpus.STATE]) == ("nvidia", "unsupported")
    assert reason in str(row[gpus.REASON])
    assert fix in str(row[gpus.FIX])
    assert scrape.note is not None
    assert scrape.note.state == "unsupported"
    assert ("up" in numbers(scrape, f"pci-{bus}")) is (driver == "nouveau")


def test_nvidias_own_driver_is_left_to_nvml(tmp_path: Path) -> None:
    bus = "0000:01:00.0"
    folder = gpu(tmp_path, bus, {"device": "0x2684\n"}, vendor="0x10de", driver="")
    navi(tmp_path)
    source = collector(tmp_path)
    assert rows(source.collect(at(0)), "gpus").keys() == {NAVI_ID, f"pci-{bus}"}
    (folder / "driver").symlink_to("../../../bus/pci/drivers/nvidia")
    scrape = source.collect(at(5))
    assert rows(scrape, "gpus").keys() == {NAVI_ID}
    assert kinds(scrape) == []


def test_no_card_is_absent(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailableError, match="no GPU of AMD or Intel") as caught:
        collector(tmp_path).collect(at(0))
    assert caught.value.state == "absent"
