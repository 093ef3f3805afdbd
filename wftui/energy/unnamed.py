"""What is left of a token's or a session's name: a digest that only this process can make, and nobody can undo."""

from __future__ import annotations

import os
from typing import Final

try:
    from _blake2 import blake2b  # hashlib loads libcrypto: 3 MB of RSS
except ImportError:
    from hashlib import blake2b

_KEY: Final = os.urandom(32)


def unnamed(name: bytes | memoryview) -> bytes:
    """Eight bytes, the same for the same name as long as the process lives."""
    return blake2b(name, digest_size=8, key=_KEY).digest()
