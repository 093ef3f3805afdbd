"""The process that reads a stranger's bundle: the file is its standard input, frames its standard output.

Started by ``opened``, which does not believe it either.
"""

import os
import sys

from wftui.bundle import frames, limits, parse
from wftui.errors import BundleError
from wftui.text import clean


def main(every: bool) -> int:
    """Read what standard input is; the exit code is 0 when all was told, also that it is refused.

    Args:
        every: Tell all that is wrong, not only the first.
    """
    out = sys.stdout.buffer
    try:
        limits.apply()
        for frame in parse.read(0, os.fstat(0).st_size, every=every):
            out.write(frames.encode(frame))
        out.flush()
    except BrokenPipeError:
        return 1
    except BundleError as error:
        return _refuse(str(error))
    except MemoryError:
        return _refuse(f"takes more than {limits.MEMORY_BYTES >> 20} MiB to read")
    except OSError as error:
        return _refuse(f"cannot be read: {error.strerror or error}")
    except Exception as error:  # noqa: BLE001  whatever a stranger's file leads to is one line
        return _refuse(f"cannot be read: {type(error).__name__}: {error}")
    return 0


def _refuse(reason: str) -> int:
    sys.stdout.buffer.write(frames.encode(frames.Wrong(clean(reason, 1000))))
    sys.stdout.buffer.flush()
    return 0
