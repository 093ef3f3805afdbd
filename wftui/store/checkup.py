"""A look at all that a journal holds, once after the start: damage that SQLite would notice later, or never.

30 MB (7,200 ticks of 400 series) take 0.1 s, 200 MB 0.3 s; commits wait meanwhile, ticks do not.
"""

import zlib
from typing import Final

import msgspec

from wftui import clock
from wftui.store.database import Database
from wftui.store.journal import Journal
from wftui.store.read import Reader

_BATCH: Final = 256
_BODIES: Final = "SELECT crc32, body FROM table_change WHERE tick BETWEEN ? AND ?"
_BURSTS: Final = 'SELECT crc32, time_ns, "values" FROM burst WHERE tick BETWEEN ? AND ?'


def look(journal: Journal, limit_s: float) -> str:
    """What is wrong with a journal; empty: nothing, or nothing that was found in time. The newest comes first.

    Raises:
        StoreError: It cannot be read.
    """
    end_ns = clock.perf_ns() + int(limit_s * 1e9)
    try:
        return journal.check(limit_s) or _checksums(journal.database(), end_ns)
    except (ValueError, TypeError, msgspec.MsgspecError) as error:
        return f"what it holds cannot be read: {error}"


def _checksums(database: Database, end_ns: int) -> str:
    reader = Reader(database)
    reader.check_columns()
    reader.tables()
    ((low, high),) = database.rows("SELECT coalesce(min(seq), 0), coalesce(max(seq), -1) FROM tick")
    others = 0
    while high >= low and not (reader.damaged or others) and clock.perf_ns() < end_ns:
        first = max(low, high - _BATCH + 1)
        for tick in reader.sequence(first, high):
            reader.damaged += len(tick.values) != 8 * reader.width(tick.layout)
        for crc, body in database.rows(_BODIES, (first, high)):
            others += not isinstance(body, bytes) or zlib.crc32(body) != crc
        for crc, *parts in database.rows(_BURSTS, (first, high)):
            others += not all(isinstance(part, bytes) for part in parts) or zlib.crc32(b"".join(parts)) != crc
        high = first - 1
    return f"checksums of {reader.damaged + others} entries do not fit" if reader.damaged or others else ""
