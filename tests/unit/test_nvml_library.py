"""Whether there is an NVML to ask, from what lies on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from wftui.collectors.nvml import library
from wftui.collectors.nvml.states import in_container


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
