"""What a recorder finds in a data dir before it writes there."""

from typing import Any

from wftui.store.database import Database
from wftui.store.entries import Opening
from wftui.store.manifest import Floor


def foresee(database: Database | None, boot_id: str, boot: int = 0, floor: Floor | None = None) -> Opening:
    """What ``Journal.begin`` will give, without writing: a disk that is full can still be read.

    Args:
        database: The journal; None: there is none yet.
        boot_id: Of the kernel.
        boot: The number that this boot already has; 0: none yet.
        floor: Numbers that segments have used.

    Raises:
        StoreError: It cannot be read.
    """

    def first(sql: str, *parameters: str | int) -> tuple[Any, ...] | None:  # Any: SQLite's cells
        return None if database is None else next(database.rows(sql, parameters), None)

    floor = floor or Floor(0, 0, {})
    known = first("SELECT id FROM boot WHERE boot_id = ?", boot_id)
    (highest,) = first("SELECT coalesce(max(id), 0) FROM boot") or (0,)
    number = boot or floor.boots.get(boot_id) or max(highest, 0, *floor.boots.values()) + 1
    before = first("SELECT ended_ns, boot, id FROM session ORDER BY id DESC LIMIT 1")
    last = first("SELECT seq, time_s FROM tick ORDER BY seq DESC LIMIT 1")
    event = first("SELECT seq FROM sqlite_sequence WHERE name = 'event'")
    (layout,) = first("SELECT coalesce(max(id), 0) FROM layout") or (0,)
    boot = known[0] if known else number
    return Opening(
        session=before[2] + 1 if before else 1,
        boot=boot,
        last_seq=max(last[0] if last else 0, floor.seq),
        last_event_seq=max(event[0] if event else 0, floor.event_seq),
        last_layout=layout,
        unclean=before is not None and before[0] is None,
        rebooted=before is not None and before[1] != boot,
        last_time_s=last[1] if last else None,
    )
