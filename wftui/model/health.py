"""Health of sources: what works, what does not, why, and the exact fix."""

from typing import Final

import msgspec

OK: Final = "ok"
LATE: Final = "late"
STUCK: Final = "stuck"
FAILED: Final = "failed"
DENIED: Final = "denied"
UNSUPPORTED: Final = "unsupported"
ABSENT: Final = "absent"
ASLEEP: Final = "asleep"
OFF: Final = "off"
STATES: Final = (OK, LATE, STUCK, FAILED, DENIED, UNSUPPORTED, ABSENT, ASLEEP, OFF)
GLYPHS: Final = {
    OK: "●", LATE: "◐", STUCK: "✕", FAILED: "✕", DENIED: "◌", UNSUPPORTED: "◌", ABSENT: "◌", ASLEEP: "☾", OFF: "◌",
}  # fmt: skip
TROUBLE: Final = frozenset({LATE, STUCK, FAILED})
"""States that are worth a person's attention; the others only explain an absence."""


class Health(msgspec.Struct, frozen=True, gc=False):
    """One source, now."""

    source: str
    state: str
    reason: str = ""
    """Why it is not ok; empty when it is."""
    fix: str = ""
    """The exact step that mends it; empty when there is none."""
    since_ns: int = 0
    """When it came into this state (UTC)."""
    interval_s: float = 0.0
    duration_s: float | None = None
    """Wall time of the last collection; None: not collected yet."""
    coverage: float | None = None
    """Share of the expected collections of the last 5 minutes that came; None: too early to tell."""
    last_ns: int | None = None
    """When it was last collected (UTC); None: never."""
    late: int = 0
    """Collections skipped since the start because their time had passed."""
    failures: int = 0
