"""Whether there is an NVML to ask, from what lies on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from wftui.collectors.nvml import library, states
from wftui.collectors.nvml.states import in_container
from wftui.model import health


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x7fELF")
    return path


def test_nothing_there(tmp_path: Path) -> None:
    assert not library.present({}, str(tmp_path))
    assert not library.present({"LD_LIBRARY_PATH": f":{tmp_path}/none::"}, str(tmp_path))


@pytest.mark.parametrize("folder", library.FOLDERS)
def test_each_usual_folder(tmp_path: Path, folder: str) -> None:
    put(tmp_path / folder.lstrip("/") / library.NAME)
    assert library.present({}, str(tmp_path))


def test_the_loaders_own_path(tmp_path: Path) -> None:
    put(tmp_path / "mine" / library.NAME)
    assert library.present({"LD_LIBRARY_PATH": f"/none:{tmp_path}/mine"}, str(tmp_path / "root"))


def test_the_loaders_cache(tmp_path: Path) -> None:
    cache = put(tmp_path / "etc/ld.so.cache")
    cache.write_bytes(b"glibc-ld.so.cache1.1\0libc.so.6\0/odd/libc.so.6\0")
    assert not library.present({}, str(tmp_path))
    cache.write_bytes(b"glibc-ld.so.cache1.1\0libnvidia-ml.so.1\0/odd/libnvidia-ml.so.1\0")
    assert library.present({}, str(tmp_path))


def test_a_link_into_nothing_is_no_library(tmp_path: Path) -> None:
    folder = tmp_path / "usr/lib64"
    folder.mkdir(parents=True)
    (folder / library.NAME).symlink_to("libnvidia-ml.so.535.1")
    assert not library.present({}, str(tmp_path)), "a driver that was removed leaves its link behind"


@pytest.mark.parametrize("sign", [".dockerenv", "run/.containerenv"])
def test_signs_of_a_container(tmp_path: Path, sign: str) -> None:
    root = f"{tmp_path}/"
    assert not in_container(root)
    put(tmp_path / sign)
    assert in_container(root)


def device(root: Path, name: str, vendor: str, kind: str = "0x030200", driver: str = "") -> None:
    folder = root / "bus/pci/devices" / name
    folder.mkdir(parents=True)
    (folder / "vendor").write_text(vendor + "\n")
    (folder / "class").write_text(kind + "\n")
    if driver:
        (folder / "driver").symlink_to(f"../../../../bus/pci/drivers/{driver}")


def test_a_machine_without_a_card_is_not_told_to_install_its_driver(tmp_path: Path) -> None:
    assert library.drivers(str(tmp_path / "none")) == []
    device(tmp_path, "0000:00:02.0", "0x8086")
    device(tmp_path, "0000:01:00.1", "0x10de", "0x040300")
    assert library.drivers(str(tmp_path)) == [], "neither another vendor's nor the sound of a card"
    found = states.missing(library.drivers(str(tmp_path)))
    assert found.state == health.ABSENT
    assert not found.fix


@pytest.mark.parametrize(
    ("driver", "state", "says", "mends"),
    [
        ("", health.ABSENT, "cannot be loaded", "install NVIDIA's driver"),
        ("nvidia", health.ABSENT, "cannot be loaded", "install NVIDIA's driver"),
        ("nouveau", health.UNSUPPORTED, "nouveau", "install NVIDIA's driver"),
        ("vfio-pci", health.UNSUPPORTED, "virtual machines", "inside"),
    ],
)
def test_a_card_without_a_library(tmp_path: Path, driver: str, state: str, says: str, mends: str) -> None:
    device(tmp_path, "0000:01:00.0", "0x10de", driver=driver)
    assert library.drivers(str(tmp_path)) == [driver]
    found = states.missing([driver])
    assert found.state == state
    assert says in found.reason
    assert mends in found.fix
