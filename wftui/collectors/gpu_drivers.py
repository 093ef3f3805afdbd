"""Which of the kernel's drivers can be read, and what stands in the way with the others."""

from typing import Final

from wftui import text
from wftui.collectors.gpu_pci import Device
from wftui.collectors.nvml.states import OK, State
from wftui.model import health

SOURCE: Final = "gpu.sysfs"
TELLING: Final = frozenset({"amdgpu", "radeon", "i915", "xe", "nouveau"})
AMD: Final = frozenset({"amdgpu", "radeon"})
INTEL: Final = frozenset({"i915", "xe"})
_WITHOUT: Final = {
    "nvidia": "install NVIDIA's driver, or load it: modprobe nvidia",
    "amd": "modprobe amdgpu; dmesg | grep -i amdgpu",
    "intel": "modprobe xe, or i915 for older ones; dmesg | grep -iE 'xe|i915'",
}


def judge(device: Device) -> State:
    """How a device is by its driver alone."""
    if device.driver == "nouveau":
        return State(
            health.UNSUPPORTED,
            "driven by nouveau, which tells no utilisation and no memory",
            "install NVIDIA's driver, then reboot",
        )
    if device.driver == "vfio-pci":
        return State(health.UNSUPPORTED, "given to a virtual machine (vfio-pci)")
    if not device.driver:
        return State(health.UNSUPPORTED, "no driver is bound to it", _WITHOUT[device.vendor])
    if device.driver not in TELLING:
        return State(health.UNSUPPORTED, f"its driver {text.clean(device.driver, 32)} is none that we can read")
    return OK
