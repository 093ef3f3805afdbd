"""Free space on the disk, and how much of it is left to others."""

import os
from pathlib import Path
from typing import Final

from wftui.errors import StoreError

MIN_FREE_SHARE: Final = 0.02
"""Of the file system, besides the bytes that the settings name: the larger counts."""


class NoRoomError(StoreError):
    """Free space is under the floor: what writes waits until somebody makes room."""


def check(folder: Path, min_free_bytes: int, min_free_share: float = MIN_FREE_SHARE) -> None:
    """Do nothing while the file system has the free space that is left to others.

    Raises:
        NoRoomError: It has less; says how much there is and how much there shall be.
        StoreError: The folder is not there.
    """
    try:
        status = os.statvfs(folder)
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror or error}") from error
    free = status.f_bavail * status.f_frsize
    floor = max(min_free_bytes, int(status.f_blocks * status.f_frsize * min_free_share))
    if free < floor:
        raise NoRoomError(
            f"{folder}: free space ({free / 1e6:.0f} MB) is under the floor of {floor / 1e6:.0f} MB"
            " that wftop leaves to others"
        )
