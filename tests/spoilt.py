"""Pushed lines that were sound: bytes changed, lost and put in, the same in each run."""

from __future__ import annotations

import random
from collections.abc import Iterator

PIECES = (
    b"NaN", b"-Infinity", b"1e308", b"1e400", b"-0", b"9" * 400, b"null", b"true", b'"\\ud800"', b"\xff\xfe",
    b"[" * 40, b"{" * 40, b'{"a":' * 64, b'"x":1,"x":2', b'""', b"[]", b"{}", b",", b":", b'"', b"\\", b"\x00",
    b"\x1b[2J", b'"model":"m"', b'"kind":"counter"', b'"unit":"s"', b"A" * 300,
)  # fmt: skip
SOUND = (
    b'{"source":"fuzz","samples":[{"name":"x","value":1.5,"unit":"s","kind":"gauge","labels":{"model":"m"}}]}',
    b'{"source":"t","samples":[{"name":"n","value":1,"kind":"counter"},{"name":"d","value":2,"kind":"distribution"}]}',
    b'{"source":"model:m","type":"performance","data":{"ttft_ms":12,"tps":3,"own":4},"tags":{"view":"v"}}',
    b'{"fields":{"tps":3,"energy":0.5},"kind":"model","ver":1}',
)


def spoilt(count: int, seed: int = 6) -> Iterator[bytes]:
    """Lines without their ends, none of them blank."""
    chance = random.Random(seed)  # noqa: S311  test data
    pick, below = chance.choice, chance.randrange
    for _ in range(count):
        said = bytearray(pick(SOUND))
        for _ in range(1 + below(3)):
            place = below(len(said) + 1)
            what = below(4)
            if what == 0:
                said[place:place] = pick(PIECES)
            elif what == 1:
                del said[place : place + below(12)]
            elif what == 2:
                said[place : place + below(8)] = pick(PIECES)
            elif place < len(said):
                said[place] = below(256)
        yield bytes(said).replace(b"\n", b" ").strip() or b"0"
