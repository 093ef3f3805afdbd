"""Temperatures, fans, batteries, and which graphics processors there are."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.kernel_files import at, plant, values
from wftui.collectors.gpu_presence import GpuPresence
from wftui.collectors.sensors import Sensors, chip_names
from wftui.errors import SourceUnavailableError


def chip(root: Path, number: int, name: str, device: str, files: dict[str, str]) -> None:
    """A hwmon chip with a link to its device, as sysfs has it."""
    folder = root / f"class/hwmon/hwmon{number}"
    plant(folder, {"name": name + "\n", **files})
    target = root / "devices" / device
    target.mkdir(parents=True, exist_ok=True)
    (folder / "device").symlink_to(target)


def server(root: Path) -> None:
    """Two sockets, two NVMe drives, a fan controller."""
    for socket in (0, 1):
        files = {"temp1_label": f"Package id {socket}\n", "temp1_input": "45000\n", "temp1_crit": "100000\n"}
        files |= {"temp2_label": "Core 0\n", "temp2_input": f"4{socket}500\n"}
        chip(root, socket, "coretemp", f"platform/coretemp.{socket}", files)
    for drive in (0, 1):
        files = {"temp1_label": "Composite\n", "temp1_input": "38850\n", "temp1_crit": "0\n"}
        chip(root, 2 + drive, "nvme", f"pci/nvme/nvme{drive}", files)
    files = {"fan1_input": "1200\n", "fan2_input": "0\n", "fan2_label": "PUMP\n", "temp3_input": "-128000\n"}
    chip(root, 10, "nct6798", "platform/nct6798.656", files)


def test_names_are_unique_and_do_not_hang_on_the_order_of_modules(tmp_path: Path) -> None:
    server(tmp_path)
    root = f"{tmp_path}/class/hwmon"
    assert chip_names(root) == {
        f"{root}/hwmon0": "coretemp.0",
        f"{root}/hwmon1": "coretemp.1",
        f"{root}/hwmon2": "nvme0",
        f"{root}/hwmon3": "nvme1",
        f"{root}/hwmon10": "nct6798",
    }


def test_sensors_of_a_server(tmp_path: Path) -> None:
    server(tmp_path)
    found = values(Sensors(tmp_path).collect(at(0)))
    assert found == {
        'hw.temperature{sensor="coretemp.0 Package id 0"}': 45,
        'hw.temperature.limit{sensor="coretemp.0 Package id 0"}': 100,
        'hw.temperature{sensor="coretemp.0 Core 0"}': 40.5,
        'hw.temperature{sensor="coretemp.1 Package id 1"}': 45,
        'hw.temperature.limit{sensor="coretemp.1 Package id 1"}': 100,
        'hw.temperature{sensor="coretemp.1 Core 0"}': 41.5,
        'hw.temperature{sensor="nvme0 Composite"}': 38.85,
        'hw.temperature{sensor="nvme1 Composite"}': 38.85,
        'hw.fan.speed{sensor="nct6798 fan1"}': 1200,
        'hw.fan.speed{sensor="nct6798 PUMP"}': 0,
    }


def test_one_socket_has_a_short_name(tmp_path: Path) -> None:
    files = {"temp1_label": "Package id 0\n", "temp1_input": "45000\n"}
    chip(tmp_path, 4, "coretemp", "platform/coretemp.0", files)
    assert values(Sensors(tmp_path).collect(at(0))) == {'hw.temperature{sensor="coretemp Package id 0"}': 45}


def test_equal_labels_on_one_chip(tmp_path: Path) -> None:
    files = {f"temp{n}_label": "Tctl\n" for n in (1, 2)} | {f"temp{n}_input": f"{n}0000\n" for n in (1, 2)}
    chip(tmp_path, 0, "k10temp", "pci/0000:00:18.3", files)
    assert values(Sensors(tmp_path).collect(at(0))) == {
        'hw.temperature{sensor="k10temp Tctl"}': 10,
        'hw.temperature{sensor="k10temp Tctl #2"}': 20,
    }


def test_a_sensor_that_fails_costs_only_itself(tmp_path: Path) -> None:
    server(tmp_path)
    sensors = Sensors(tmp_path)
    count = len(sensors.collect(at(0)).samples)
    plant(tmp_path, {"class/hwmon/hwmon2/temp1_input": "garbage\n"})
    assert len(sensors.collect(at(5)).samples) == count - 1


def test_a_sleeping_device_is_not_asked(tmp_path: Path) -> None:
    chip(tmp_path, 0, "amdgpu", "pci/0000:03:00.0", {"temp1_input": "30000\n"})
    chip(tmp_path, 1, "acpitz", "virtual/acpi", {"temp1_input": "40000\n"})
    plant(tmp_path, {"devices/pci/0000:03:00.0/power/runtime_status": "suspended\n"})
    sensors = Sensors(tmp_path)
    assert values(sensors.collect(at(0))) == {'hw.temperature{sensor="acpitz temp1"}': 40}
    plant(tmp_path, {"devices/pci/0000:03:00.0/power/runtime_status": "active\n"})
    assert len(sensors.collect(at(5)).samples) == 2


def test_a_device_that_falls_asleep_is_left_alone_at_once(tmp_path: Path) -> None:
    chip(tmp_path, 0, "amdgpu", "pci/0000:03:00.0", {"temp1_input": "30000\n"})
    sensors = Sensors(tmp_path)
    assert len(sensors.collect(at(0)).samples) == 1
    plant(tmp_path, {"devices/pci/0000:03:00.0/power/runtime_status": "suspended\n"})
    assert sensors.collect(at(5)).samples == []


def test_a_gpu_that_may_fall_asleep_is_left_to_its_own_source(tmp_path: Path) -> None:
    chip(tmp_path, 0, "amdgpu", "pci/0000:03:00.0", {"temp1_input": "30000\n"})
    chip(tmp_path, 1, "nvme", "pci/0000:04:00.0", {"temp1_input": "40000\n"})
    for device in ("0000:03:00.0", "0000:04:00.0"):
        plant(tmp_path, {f"devices/pci/{device}/power/control": "auto\n"})
    plant(tmp_path, {"devices/pci/0000:03:00.0/drm/card0/dev": "226:0\n"})
    sensors = Sensors(tmp_path)
    assert list(values(sensors.collect(at(0))).values()) == [40]
    plant(tmp_path, {"devices/pci/0000:03:00.0/power/control": "on\n"})
    assert list(values(sensors.collect(at(5))).values()) == [30, 40]


def test_thermal_zones_stand_in(tmp_path: Path) -> None:
    zone = "class/thermal/thermal_zone{}/{}"
    plant(
        tmp_path,
        {
            zone.format(0, "type"): "cpu-thermal\n",
            zone.format(0, "temp"): "51000\n",
            zone.format(0, "trip_point_0_type"): "passive\n",
            zone.format(0, "trip_point_0_temp"): "80000\n",
            zone.format(0, "trip_point_1_type"): "critical\n",
            zone.format(0, "trip_point_1_temp"): "110000\n",
            zone.format(1, "type"): "acpitz\n",
            zone.format(1, "temp"): "20000\n",
            zone.format(2, "type"): "acpitz\n",
            zone.format(2, "temp"): "21000\n",
        },
    )
    assert values(Sensors(tmp_path).collect(at(0))) == {
        'hw.temperature{sensor="cpu-thermal"}': 51,
        'hw.temperature.limit{sensor="cpu-thermal"}': 110,
        'hw.temperature{sensor="acpitz zone1"}': 20,
        'hw.temperature{sensor="acpitz zone2"}': 21,
    }


@pytest.mark.parametrize(
    ("status", "files", "power"),
    [
        ("Discharging", {"power_now": "12500000"}, 12.5),
        ("Charging", {"power_now": "12500000"}, -12.5),
        ("Charging", {"voltage_now": "12000000", "current_now": "-2000000"}, -24.0),
        ("Full", {"power_now": "0"}, 0.0),
        ("Unknown", {"power_now": "5"}, None),
        ("Discharging", {}, None),
    ],
)
def test_battery(tmp_path: Path, status: str, files: dict[str, str], power: float | None) -> None:
    folder = "class/power_supply/BAT0/"
    plant(tmp_path, {f"{folder}{name}": text + "\n" for name, text in files.items()})
    plant(tmp_path, {f"{folder}type": "Battery\n", f"{folder}status": f"{status}\n", f"{folder}capacity": "83\n"})
    plant(tmp_path, {"class/power_supply/AC/type": "Mains\n"})
    mouse = "class/power_supply/hidpp_battery_0/"
    plant(tmp_path, {f"{mouse}type": "Battery\n", f"{mouse}scope": "Device\n", f"{mouse}capacity": "5\n"})
    found = values(Sensors(tmp_path).collect(at(0)))
    assert found.pop('hw.battery.charge{sensor="BAT0"}') == 0.83
    assert found == ({} if power is None else {'hw.battery.power{sensor="BAT0"}': power})


def test_no_sensor_at_all_says_why(tmp_path: Path) -> None:
    sensors = Sensors(tmp_path)
    for seconds in (0, 5):
        with pytest.raises(SourceUnavailableError, match="usual in a virtual machine") as caught:
            sensors.collect(at(seconds))
        assert caught.value.state == "absent"
    chip(tmp_path, 0, "coretemp", "platform/coretemp.0", {"temp1_input": "45000\n"})
    assert len(sensors.collect(at(10)).samples) == 1


@given(name=st.binary(max_size=300), shown=st.binary(max_size=300), value=st.binary(max_size=40))
def test_hostile_sensors(
    tmp_path_factory: pytest.TempPathFactory, name: bytes, shown: bytes, value: bytes
) -> None:
    root = tmp_path_factory.mktemp("sys")
    folder = "class/hwmon/hwmon0/"
    plant(root, {f"{folder}name": name, f"{folder}temp1_label": shown, f"{folder}temp1_input": value})
    plant(root, {f"{folder}fan1_input": "5\n"})
    for text in values(Sensors(root).collect(at(0))):
        assert text.isprintable()


def pci(root: Path, *devices: tuple[str, str]) -> GpuPresence:
    for number, (kind, vendor) in enumerate(devices):
        folder = f"sys/bus/pci/devices/0000:0{number}:00.0/"
        plant(root, {f"{folder}class": f"{kind}\n", f"{folder}vendor": f"{vendor}\n"})
    (root / "sys/bus/pci/devices").mkdir(parents=True, exist_ok=True)
    return GpuPresence(root / "proc", root / "sys")


def test_gpus_are_counted_by_vendor(tmp_path: Path) -> None:
    source = pci(
        tmp_path, ("0x030000", "0x8086"), ("0x030200", "0x10de"), ("0x030200", "0x10de"), ("0x020000", "0x8086")
    )
    scrape = source.collect(at(0))
    assert values(scrape) == {'hw.gpu.count{device="intel"}': 1, 'hw.gpu.count{device="nvidia"}': 2}
    assert scrape.note is not None
    assert scrape.note.state == "unsupported", "no driver is bound to them"


def test_a_gpu_that_fell_off_the_bus_is_a_zero(tmp_path: Path) -> None:
    source = pci(tmp_path, ("0x030200", "0x10de"))
    source.collect(at(0))
    plant(tmp_path, {"sys/bus/pci/devices/0000:00:00.0/class": "0xffff00\n"})
    assert values(source.collect(at(60))) == {'hw.gpu.count{device="nvidia"}': 0}


def test_no_gpu_says_why(tmp_path: Path) -> None:
    for source, reason in (
        (pci(tmp_path / "a", ("0x020000", "0x8086")), "no display controller of NVIDIA, AMD or Intel"),
        (pci(tmp_path / "b", ("0x030000", "0x1a03")), "other vendors on the PCI bus (0x1a03)"),
        (GpuPresence(tmp_path, tmp_path), "shows no PCI bus"),
    ):
        scrape = source.collect(at(0))
        assert scrape.samples == []
        assert scrape.note is not None
        assert scrape.note.state == "absent"
        assert reason in scrape.note.reason


def test_the_driver_knows_what_the_bus_hides(tmp_path: Path) -> None:
    for number in (1, 2):
        plant(tmp_path, {f"proc/driver/nvidia/gpus/0000:0{number}:00.0/information": "Model: x\n"})
    source = GpuPresence(tmp_path / "proc", tmp_path / "sys")
    assert values(source.collect(at(0))) == {'hw.gpu.count{device="nvidia"}': 2}
