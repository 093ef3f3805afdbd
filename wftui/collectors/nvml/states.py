"""What a code of NVML means for a person: the state, the reason, and the exact step that mends it."""

import os
from collections.abc import Collection
from typing import Final, NamedTuple

from wftui.collectors.nvml.frames import NO_LIBRARY
from wftui.model import health
from wftui.model.gpus import LOST


class State(NamedTuple):
    """Of the library, or of one GPU."""

    state: str
    reason: str
    fix: str = ""


_DRIVER: Final = "nvidia-smi on the host shows whether the driver works; load it with: modprobe nvidia"
_CONTAINER: Final = (
    "restart the container; to keep it from happening again set the nvidia-container-toolkit to CDI, or cgroupfs "
    "as Docker's cgroup driver"
)
_REBOOT: Final = "reboot, or stop what uses the GPUs and run: rmmod nvidia_uvm nvidia_drm nvidia_modeset nvidia"


def library(code: int, words: str = "", *, container: bool = False, known: bool = False) -> State:
    """The state of the whole source, from the code of initialising (or of every call).

    Args:
        code: ``nvmlReturn_t``, or ``NO_LIBRARY``.
        words: What the library or the loader said, cleaned.
        container: We run in a container.
        known: There were GPUs before.
    """
    said = f" ({words})" if words else ""
    match code:
        case 0:
            return State(health.OK, "")
        case c if c == NO_LIBRARY or c == 12:
            fix = (
                "start the container with --gpus all (and NVIDIA_DRIVER_CAPABILITIES=utility)"
                if container
                else "install NVIDIA's driver with its library libnvidia-ml.so.1"
            )
            return State(health.ABSENT, f"NVIDIA's library NVML cannot be loaded{said}", fix)
        case 9:
            gone = "the NVIDIA driver was unloaded" if known else "the NVIDIA driver is not loaded"
            return State(health.ABSENT, gone, _DRIVER)
        case 18:
            return State(
                health.FAILED,
                "the NVIDIA driver was updated: its library and the loaded kernel module differ",
                _REBOOT,
            )
        case 4 | 17:
            return State(
                health.DENIED,
                "no permission to open the NVIDIA devices",
                "ls -l /dev/nvidia*: join the group that owns them, or give the container the devices",
            )
        case 15:
            return State(health.FAILED, "NVML says that a GPU is lost: it fell off the bus", "reboot the machine")
        case 999:
            if container:
                return State(
                    health.FAILED,
                    "the container has lost the GPUs (Unknown Error): a daemon reload on the host does that",
                    _CONTAINER,
                )
            return State(health.FAILED, "NVML answers Unknown Error", f"dmesg | grep -i nvrm; {_DRIVER}")
        case _:
            return State(health.FAILED, f"NVML cannot be initialised: code {code}{said}", _DRIVER)


def missing(drivers: Collection[str], *, container: bool = False) -> State:
    """The state of the whole source where there is no library.

    Args:
        drivers: What drives each NVIDIA card on the PCI bus, empty words for nothing; none: there is no card.
        container: We run in a container.
    """
    if not drivers:
        return State(health.ABSENT, "no NVIDIA GPU on the PCI bus")
    if all(driver == "vfio-pci" for driver in drivers):
        return State(
            health.UNSUPPORTED, "its GPUs are given to virtual machines (vfio-pci)", "run wftop inside the machine"
        )
    found = library(NO_LIBRARY, container=container)
    if "nouveau" in drivers:
        return State(health.UNSUPPORTED, "the driver nouveau has no NVML: it tells no utilisation", found.fix)
    return found


def gpu(code: int, xid: int | None = None, *, container: bool = False) -> State:
    """The state of one GPU whose calls fail with this code, or that is not listed any more (code 0)."""
    after = f" after Xid {xid}" if xid is not None else ""
    match code:
        case 0 | 6:
            return State(
                LOST,
                f"not there any more{after}: unplugged, taken from the container, or off the bus",
                "dmesg | grep -i xid; nvidia-smi -L shows what the driver still has",
            )
        case 15:
            return State(LOST, f"it fell off the bus{after}", "save what you can, then power-cycle the machine")
        case 16:
            return State(
                health.FAILED, f"needs a reset{after}", "stop its processes, then: nvidia-smi --gpu-reset"
            )
        case 4 | 17:
            return State(
                health.DENIED,
                "no permission for this GPU",
                "its /dev/nvidia file belongs to somebody else: ask for access, or start the container with it",
            )
        case 3:
            return State(health.UNSUPPORTED, "the driver tells nothing about this GPU", "update the NVIDIA driver")
        case 999:
            fix = _CONTAINER if container else "dmesg | grep -i nvrm"
            return State(health.FAILED, f"NVML answers Unknown Error{after}", fix)
        case _:
            return State(health.FAILED, f"its calls fail with code {code}{after}", "dmesg | grep -i nvrm")


def stuck(call: str, seconds: float) -> State:
    """A call that has not come back."""
    return State(
        health.STUCK,
        f"no answer for {seconds:.0f} s (in {call})",
        "it goes on by itself when the driver answers; if it does not, dmesg | grep -i nvrm",
    )


def deaf(call: str, seconds: float, *, wholly: bool) -> State:
    """The wait for errors of the driver does not come back, and nothing else is the matter.

    ``wholly``: the kernel's log does not tell them either.
    """
    state = stuck(call, seconds)
    if wholly:
        fix = "it goes on by itself when the driver answers; until then: dmesg | grep -i xid"
        return state._replace(reason=f"errors of the driver (Xid) are not heard: {state.reason}", fix=fix)
    return state._replace(reason=f"errors of the driver (Xid) come from the kernel's log only: {state.reason}")


ASLEEP: Final = State(health.ASLEEP, "suspended by the kernel; it is not woken to be measured")
MIG: Final = "MIG: per-GPU utilisation is not offered by NVML; memory is told per instance"
UNIFIED: Final = "unified memory: it uses the system's"
PARTIAL: Final = "its list of processes grows while it is read: some may be missing"
OK: Final = State(health.OK, "")


def in_container(root: str = "/") -> bool:
    """Whether we run in a container, by the files that Docker, Podman and systemd leave in one."""
    signs = (".dockerenv", "run/.containerenv", "run/systemd/container")
    return any(os.path.exists(root + sign) for sign in signs)  # noqa: PTH110  asked once, no paths needed
