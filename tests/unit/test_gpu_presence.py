"""How many GPUs there are, and why one of them tells nothing."""

from pathlib import Path

import pytest

from tests.unit.gpu_files import gpu
from tests.unit.kernel_files import at, plant, values
from wftui.collectors.gpu_presence import GpuPresence
from wftui.collectors.nvml.library import NAME

VENDORS = {"nvidia": "0x10de", "amd": "0x1002", "intel": "0x8086", "matrox": "0x102b"}


def presence(root: Path, *cards: tuple[str, str], library: bool = True, kind: str = "0x030000") -> GpuPresence:
    """Cards as (vendor, driver)."""
    for number, (vendor, driver) in enumerate(cards):
        gpu(root, f"0000:0{number}:00.0", {}, vendor=VENDORS[vendor], driver=driver, kind=kind)
    if library:
        plant(root, {f"usr/lib64/{NAME}": ""})
    return GpuPresence(root / "proc", root / "sys", environ={}, root=str(root))


def test_cards_that_can_be_read_need_no_word(tmp_path: Path) -> None:
    source = presence(tmp_path, ("nvidia", "nvidia"), ("nvidia", "nvidia"), ("amd", "amdgpu"), ("intel", "xe"))
    scrape = source.collect(at(0))
    assert values(scrape) == {
        'hw.gpu.count{device="nvidia"}': 2, 'hw.gpu.count{device="amd"}': 1, 'hw.gpu.count{device="intel"}': 1,
    }  # fmt: skip
    assert scrape.note is None


@pytest.mark.parametrize(
    ("cards", "library", "state", "reason", "fix"),
    [
        ([("nvidia", "nouveau")], True, "unsupported", "NVIDIA: driven by nouveau", "install NVIDIA's driver"),
        ([("amd", "")] * 2, True, "unsupported", "AMD: no driver is bound to it (2 cards)", "modprobe amdgpu"),
        ([("nvidia", "nvidia")], False, "absent", "NVML cannot be loaded", NAME),
        ([("amd", "amdgpu"), ("nvidia", "vfio-pci")], True, "unsupported", "virtual machine", ""),
    ],
)
def test_cards_that_cannot_say_why(
    tmp_path: Path, cards: list[tuple[str, str]], library: bool, state: str, reason: str, fix: str
) -> None:
    note = presence(tmp_path, *cards, library=library).collect(at(0)).note
    assert note is not None
    assert note.state == state
    assert reason in note.reason
    assert fix in note.fix


def test_a_library_that_is_missing_in_a_container(tmp_path: Path) -> None:
    plant(tmp_path, {"proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: x\n", ".dockerenv": ""})
    scrape = presence(tmp_path, library=False).collect(at(0))
    assert values(scrape) == {'hw.gpu.count{device="nvidia"}': 1}
    assert scrape.note is not None
    assert "--gpus all" in scrape.note.fix


def test_accelerators_of_amd_count(tmp_path: Path) -> None:
    source = presence(tmp_path, ("amd", "amdgpu"), ("intel", ""), kind="0x120000")
    assert values(source.collect(at(0))) == {'hw.gpu.count{device="amd"}': 1}


def test_other_vendors_are_named(tmp_path: Path) -> None:
    note = presence(tmp_path, ("matrox", "mgag200")).collect(at(0)).note
    assert note is not None
    assert (note.state, note.reason.endswith("(0x102b)")) == ("absent", True)
