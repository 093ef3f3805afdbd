"""What a sealer's process says at its end; light, because the recorder reads it."""

import msgspec


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """One JSON line on stdout."""

    busy: bool = False
    """Another process holds the segments; nothing was done."""
    sealed_seq: int = 0
    """The last tick that is in segments now."""
    sealed_event_seq: int = 0
    segments: int = 0
    """How many there are now."""
    written_bytes: int = 0
    """By this seal, without what merges wrote."""
    removed: int = 0
    """Segments and files set aside that retention took away."""
    damaged: int = 0
    """Ticks, table changes and bursts left out because their checksum did not fit."""
    aside: int = 0
    """Damaged manifests that were renamed aside; ``errors`` begins with the reason."""
    segments_aside: tuple[str, ...] = ()
    """Damaged segments that were set aside, or were missing."""
    segments_bytes: int = 0
    """Of all segments and history.duckdb."""
    total_bytes: int = 0
    """Of all that counts in the cap: the journal and files set aside with it."""
    cpu_s: float = 0.0
    peak_rss_bytes: int = 0
    wall_s: float = 0.0
    errors: tuple[str, ...] = ()
    """What went wrong besides; the seal itself stands."""
