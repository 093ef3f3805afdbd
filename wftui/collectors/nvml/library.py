"""Whether there is an NVML to ask, without loading it: a worker that finds none would cost 15 MB for nothing."""

import os
from collections.abc import Mapping
from typing import Final

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
