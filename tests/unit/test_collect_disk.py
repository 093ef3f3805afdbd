"""Disks and mounts."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.kernel_files import PROC, at, parse_or_refuse, plant, values
from wftui.collectors.disk import Disks, parse_diskstats
from wftui.collectors.mountinfo import parse_mountinfo
from wftui.collectors.mounts import Mounts, is_remote, worth_showing
from wftui.model.sample import Scrape

counts = st.lists(st.integers(0, 2**64), min_size=17, max_size=17)


def line(name: str, *fields: int) -> str:
    return f" 254       0 {name} {' '.join(map(str, fields))}\n"


def disk(name: str, reads: int = 1, busy_ms: int = 0, weighted_ms: int = 0) -> str:
    return line(name, reads, 0, 8, 1, reads, 0, 16, 1, 0, busy_ms, weighted_ms)


@given(st.dictionaries(st.from_regex(r"[a-z0-9!/.-]{1,12}", fullmatch=True), counts, max_size=6))
def test_diskstats_round_trip(disks: dict[str, list[int]]) -> None:
    found = parse_diskstats("".join(line(name, *fields) for name, fields in disks.items()).encode())
    assert found == {name.encode(): (f[0], f[2], f[4], f[6], f[9], f[10]) for name, f in disks.items()}


@given(st.binary(max_size=300))
def test_any_bytes_parse_or_raise_ours(data: bytes) -> None:
    parse_or_refuse((parse_diskstats, parse_mountinfo), data)


def devices(scrape: Scrape) -> set[str]:
    return {sample.column.series.label("device") for sample in scrape.samples}


def test_real_machine_has_one_disk(tmp_path: Path) -> None:
    plant(tmp_path, {"block/vda/device/vendor": "", "block/zram0/size": "0", "block/loop0/size": "0"})
    disks = Disks(PROC, tmp_path)
    scrape = disks.collect(at(0))
    assert devices(scrape) == {"vda"}
    found = values(scrape)
    assert found['system.disk.io{device="vda",direction="read"}'] % 512 == 0
    assert found['system.disk.io_time{device="vda"}'] > 0
    assert not any("utilization" in name or "queue" in name for name in found)


def test_whole_devices_only(tmp_path: Path) -> None:
    names = ("sda", "sda1", "nvme0n1", "nvme0n1p2", "dm-0", "md127", "nbd0", "sr0", "ram0", "cciss/c0d0")
    folders = {"sda": "device", "nvme0n1": "device", "dm-0": "dm", "md127": "md", "cciss!c0d0": "device"}
    plant(tmp_path, {"diskstats": "".join(disk(name, reads=0 if name == "nbd0" else 1) for name in names)})
    plant(tmp_path, {f"sys/block/{name}/{entry}/x": "" for name, entry in folders.items()})
    plant(tmp_path, {"sys/block/nbd0/size": "0", "sys/block/sr0/device/x": ""})
    disks = Disks(tmp_path, tmp_path / "sys")
    assert devices(disks.collect(at(0))) == {"sda", "nvme0n1", "dm-0", "md127", "cciss/c0d0"}
    # An unused network block device becomes one with its first read.
    plant(tmp_path, {"diskstats": disk("nbd0", reads=2)})
    assert devices(disks.collect(at(1))) == {"nbd0"}


def test_partitions_are_told_by_name_where_sysfs_is_hidden(tmp_path: Path) -> None:
    names = ("sda", "sda1", "nvme0n1", "nvme0n1p2", "mmcblk0", "mmcblk0p1", "vdb12", "dm-3", "loop7")
    plant(tmp_path, {"diskstats": "".join(map(disk, names))})
    assert devices(Disks(tmp_path, "/nowhere").collect(at(0))) == {"sda", "nvme0n1", "mmcblk0", "dm-3"}


def test_busy_share_and_queue(tmp_path: Path) -> None:
    plant(tmp_path, {"sys/block/vda/device/x": "", "diskstats": disk("vda", 10, 1000, 5000)})
    disks = Disks(tmp_path, tmp_path / "sys")
    disks.collect(at(0))
    plant(tmp_path, {"diskstats": disk("vda", 20, 1250, 8000)})
    found = values(disks.collect(at(1)))
    assert found['system.disk.utilization{device="vda"}'] == pytest.approx(0.25)
    assert found['system.disk.queue{device="vda"}'] == pytest.approx(3)
    plant(tmp_path, {"diskstats": disk("vda", 30, 9000, 9000)})  # the kernel's tick may overshoot
    assert values(disks.collect(at(2)))['system.disk.utilization{device="vda"}'] == 1.0
    plant(tmp_path, {"diskstats": disk("vda", 31, 5, 9001)})  # 32 bits of milliseconds are full
    wrapped = values(disks.collect(at(3)))
    assert 'system.disk.utilization{device="vda"}' not in wrapped
    assert wrapped['system.disk.queue{device="vda"}'] == pytest.approx(0.001)
    plant(tmp_path, {"diskstats": disk("vda", 1, 6, 9002)})  # plugged in again
    again = values(disks.collect(at(4)))
    assert not any("utilization" in name or "queue" in name for name in again)
    disks.close()


class Space(NamedTuple):
    """A file system's answer."""

    f_frsize: int = 4096
    f_blocks: int = 1000
    f_bfree: int = 500
    f_bavail: int = 300
    f_files: int = 200
    f_ffree: int = 50
    f_flag: int = 0


MOUNTINFO = r"""22 1 0:21 / /proc rw shared:1 - proc proc rw
23 1 0:22 / /run rw - tmpfs tmpfs rw
27 1 254:0 / / rw - ext4 /dev/vda rw
28 27 254:0 /var/lib/docker /var/lib/docker rw - ext4 /dev/vda rw
29 27 0:40 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw,lowerdir=/a
30 27 7:1 / /snap/core/1 ro - squashfs /dev/loop1 ro
31 27 0:41 / /mnt/nas\040one rw - nfs4 nas:/export rw,vers=4.2
32 27 0:42 / /mnt/far rw - fuse.sshfs me@far:/ rw
33 27 8:1 / /data rw master:3 - xfs /dev/sda1 rw
34 27 0:43 / /data rw - btrfs /dev/sdb rw
35 27 0:44 / /tank rw - zfs tank rw
"""


def mounts(tmp_path: Path, ask: Callable[[bytes], Space], text: str = MOUNTINFO) -> Mounts:
    plant(tmp_path, {"self/mountinfo": text})
    return Mounts(tmp_path, ask, patience_s=0.05)


def shown(scrape: Scrape) -> set[str]:
    return {sample.column.series.label("mount") for sample in scrape.samples}


def test_real_file_systems_once_each() -> None:
    points = {mount.point: mount for mount in worth_showing(parse_mountinfo(MOUNTINFO.encode()))}
    assert set(points) == {b"/", b"/data", b"/mnt/far", b"/mnt/nas one", b"/tank"}
    assert points[b"/data"].kind == b"btrfs"  # mounted over the xfs
    assert {point for point, mount in points.items() if is_remote(mount)} == {b"/mnt/far", b"/mnt/nas one"}


def test_in_a_container_the_root_is_an_overlay() -> None:
    text = (
        b"1 0 0:50 / / rw - overlay overlay rw\n"
        b"2 1 254:1 /h /etc/hosts rw - ext4 /dev/vda1 rw\n"
        b"3 1 254:1 /m /models rw - ext4 /dev/vda1 rw\n"
    )
    assert [mount.point for mount in worth_showing(parse_mountinfo(text))] == [b"/", b"/models"]


def test_space(tmp_path: Path) -> None:
    scrape = mounts(tmp_path, lambda _point: Space()).collect(at(0))
    assert scrape.note is None
    assert shown(scrape) == {"/", "/data", "/mnt/far", "/mnt/nas one", "/tank"}
    found = values(scrape)
    assert found['system.filesystem.usage{mode="used",mount="/"}'] == 500 * 4096
    assert found['system.filesystem.usage{mode="free",mount="/"}'] == 300 * 4096
    assert found['system.filesystem.usage{mode="reserved",mount="/"}'] == 200 * 4096
    assert found['system.filesystem.utilization{mount="/"}'] == 500 / 800  # as df has it
    assert found['system.filesystem.inodes.utilization{mount="/"}'] == 0.75


def test_no_inodes_is_unknown_and_no_size_is_no_row(tmp_path: Path) -> None:
    answers = {b"/": Space(f_files=0, f_ffree=0), b"/data": Space(0, 0, 0, 0)}
    found = values(mounts(tmp_path, lambda point: answers.get(point, Space())).collect(at(0)))
    assert 'system.filesystem.inodes.utilization{mount="/"}' not in found
    assert not any("/data" in name for name in found)


def test_an_image_is_full_as_it_was_made_and_no_row(tmp_path: Path) -> None:
    """The root of an image-based system, an AppImage; not a disk that is full, nor one that is read-only."""
    text = (
        "1 0 0:50 / / ro - overlay composefs ro\n"
        "2 1 0:51 / /tmp/.mount_LM-Stu ro - fuse.LM-Studio.AppImage LM-Studio.AppImage ro\n"
        "3 1 8:1 / /full rw - xfs /dev/sda1 rw\n"
        "4 1 8:2 / /kept ro - ext4 /dev/sda2 ro\n"
    )
    image = Space(f_bfree=0, f_bavail=0, f_ffree=0, f_flag=os.ST_RDONLY)
    answers = {b"/full": Space(f_bfree=0, f_bavail=0), b"/kept": Space(f_flag=os.ST_RDONLY)}
    found = values(mounts(tmp_path, lambda point: answers.get(point, image), text).collect(at(0)))
    full = {name: value for name, value in found.items() if name.startswith("system.filesystem.utilization")}
    assert full == {
        'system.filesystem.utilization{mount="/full"}': 1.0,
        'system.filesystem.utilization{mount="/kept"}': 500 / 800,
    }


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Opens at the end of the test, so that no thread stays behind."""
    event = threading.Event()
    yield event
    event.set()


def test_a_dead_mount_costs_only_its_own_row(tmp_path: Path, gate: threading.Event) -> None:
    asked: list[bytes] = []

    def ask(point: bytes) -> Space:
        asked.append(point)
        if point == b"/mnt/nas one":
            gate.wait(20)
        return Space()

    source = mounts(tmp_path, ask)
    first = source.collect(at(0))
    rest = {"/", "/data", "/mnt/far", "/tank"}
    assert shown(first) == rest
    assert first.note is not None
    assert (first.note.state, "/mnt/nas one" in first.note.reason) == ("late", True)
    for call in (1, 2, 3):
        scrape = source.collect(at(10 * call))
        assert shown(scrape) == rest
        assert scrape.note is not None
        assert scrape.note.state == "stuck"
        assert f"/mnt/nas one (nfs4 nas:/export) for {10 * call} s" in scrape.note.reason
        assert "umount -l /mnt/nas one" in scrape.note.fix
    assert asked.count(b"/mnt/nas one") == 1  # no second thread while the first one hangs
    stuck = [thread for thread in threading.enumerate() if thread.name == "statvfs"]
    assert len(stuck) == 1
    assert stuck[0].daemon
    gate.set()
    stuck[0].join(5)
    healed = source.collect(at(50))
    assert healed.note is None
    assert "/mnt/nas one" in shown(healed)


def test_a_refusal_costs_only_its_own_row(tmp_path: Path) -> None:
    def ask(point: bytes) -> Space:
        if point in (b"/data", b"/mnt/far"):
            raise PermissionError
        return Space()

    scrape = mounts(tmp_path, ask).collect(at(0))
    assert shown(scrape) == {"/", "/mnt/nas one", "/tank"}
    assert scrape.note is None


def test_real_root() -> None:
    found = values(Mounts().collect(at(0)))
    real = os.statvfs("/")
    assert found['system.filesystem.limit{mount="/"}'] == real.f_blocks * real.f_frsize


def test_hostile_paths_become_clean_labels(tmp_path: Path) -> None:
    text = "27 1 254:0 / / rw - ext4 /dev/vda rw\n28 27 8:1 / /mnt/\\033]0;x\\007\\012y rw - ext4 /dev/sdb rw\n"
    long = "29 27 8:2 / /mnt/" + "ä" * 300 + " rw - ext4 /dev/sdc rw\n"
    names = shown(mounts(tmp_path, lambda _point: Space(), text + long).collect(at(0)))
    assert all(name.isprintable() and len(name.encode()) <= 256 for name in names)
    assert "/mnt/\\x1b]0;x\\x07\\x0ay" in names
