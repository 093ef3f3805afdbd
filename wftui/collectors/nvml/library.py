"""Whether there is an NVML to ask, without loading it: a worker that finds none would cost 15 MB for nothing."""

import os
from collections.abc import Mapping
from typing import Final

from wftui.collectors.files import read_once

NAME: Final = "libnvidia-ml.so.1"
FOLDERS: Final = (
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/lib64",
    "/usr/lib/wsl/lib",
    "/run/opengl-driver/lib",
    "/usr/local/nvidia/lib64",
    "/usr/lib64-nvidia",
)
"""Where distributions, WSL, NixOS, Kubernetes' device plugin and Colab put it."""
CACHE: Final = "/etc/ld.so.cache"
_MOST: Final = 8 << 20


def present(environ: Mapping[str, str], root: str = "") -> bool:
    """Whether the loader would find the library: in LD_LIBRARY_PATH, its cache, or a usual folder.

    Args:
        environ: The environment that the worker will have.
        root: Before all absolute paths, for tests.
    """
    given = [folder for folder in environ.get("LD_LIBRARY_PATH", "").split(":") if folder]
    folders = given + [root + folder for folder in FOLDERS]
    if any(os.path.exists(f"{folder}/{NAME}") for folder in folders):  # noqa: PTH110  a look each minute, no paths
        return True
    try:
        with open(root + CACHE, "rb") as file:  # noqa: PTH123  as above
            return NAME.encode() in file.read(_MOST)
    except OSError:
        return False


def drivers(sys: str = "/sys") -> list[str]:
    """The name of the kernel's driver of each NVIDIA display device on the PCI bus; empty: none is bound.

    Answered from the kernel's memory: a card that sleeps is not woken.
    """
    folder = f"{sys}/bus/pci/devices"
    found = []
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208  names, no paths
    except OSError:
        return []
    for name in names:
        try:
            vendor = read_once(f"{folder}/{name}/vendor", 64)
            kind = read_once(f"{folder}/{name}/class", 64)
        except OSError:
            continue
        if vendor.strip() == b"0x10de" and kind.startswith(b"0x03"):
            try:
                found.append(os.path.basename(os.readlink(f"{folder}/{name}/driver")))  # noqa: PTH115, PTH119  as above
            except OSError:
                found.append("")
    return found
