"""What the process that reads a stranger's bundle may have, and how it gives up the rest.

Before it looks at the first byte it can no longer open anything: no file, no socket, no pipe (``RLIMIT_NOFILE`` 0
leaves what is open, and lets nothing new be), so that there is no network and nothing to write but the pipe it was
given. No right is needed for that, and nobody but root could undo it.
"""

import resource
import sys
from typing import Final

from wftui.bundle import format as form

MEMORY_BYTES: Final = 512 * 1024 * 1024
"""Address space; on macOS, which does not hold processes to that, data."""
CPU_S: Final = 30
BASE_S: Final = 3.0
"""Seconds of wall time for a small file …"""
PER_MIB_S: Final = 0.5
"""… and so much more for each MiB of a larger one: a bomb is small."""

FRAME_BYTES: Final = 64 * 1024 * 1024
"""Of what the child says at once."""
BLOCK_BYTES: Final = 4 * 1024 * 1024
"""Values of ticks in one frame."""

TEXT: Final = 4096
"""Characters of a text; a longer one is cut."""
NAME: Final = 256
"""The same of names: units, sources, keys."""
DEPTH: Final = 16
"""JSON values within one another."""
NODES: Final = 200_000
"""JSON values in one payload or member."""
FIELDS: Final = 64
"""Columns of a table."""
ROWS: Final = 30_000
"""Of one change of a table."""
BOOTS: Final = 1_000
LAYOUTS: Final = 10_000
SECOND: Final = 1 << 33
"""UTC; the year 2242: in ns it fits into 64 bits."""
ORDINAL: Final = 1 << 62
"""Numbers of ticks and events are below."""
TIME_NS: Final = SECOND * 1_000_000_000
INTEGER: Final = 1 << 63
"""Whole numbers are smaller than this, as stored ones have to be."""

OTHER_LINES: Final = form.LINES // 5
"""Of events, bursts and the log."""


def wall_s(size: int) -> float:
    """Seconds that reading a file of so many bytes may take."""
    return BASE_S + PER_MIB_S * size / (1024 * 1024)


def apply() -> None:
    """Give up what reading does not need. All modules are loaded by then: no file can be opened any more.

    Raises:
        OSError, ValueError: The system does not let us; then nothing is read.
    """
    memory = resource.RLIMIT_DATA if sys.platform == "darwin" else resource.RLIMIT_AS
    for what, value in (
        (memory, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (value, value))
