"""After a crash: what the end of the session before says about this machine."""

from typing import Any

from wftui.clock import NS_PER_S, Instant
from wftui.store.entries import Opening


def went_down(
    opening: Opening, now: Instant, boot_id: str
) -> tuple[tuple[str, str], dict[str, Any]] | None:  # Any: JSON values of an event's payload
    """What the event says that this machine went down while it was recorded: (about, payload).

    None: it did not. A session that was closed before the boot changed ended in order, and one that broke off
    within this boot is the recorder's own crash.
    """
    if not (opening.unclean and opening.rebooted) or opening.last_time_s is None:
        return None
    down_s = now.time_ns // NS_PER_S - opening.last_time_s - 1
    payload = {
        "last_second": opening.last_time_s,
        # By the wall clock, which a machine without a battery for it may have set back.
        "down_s": down_s if down_s >= 0 else None,
        "up_s": now.boottime_ns // NS_PER_S,
        "boot_id": boot_id,
    }
    return ("machine", boot_id), payload
