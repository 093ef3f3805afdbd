"""What a server of a bundle says of it: a recording that is over, not a recorder."""

import msgspec


class Recording(msgspec.Struct, frozen=True):
    """Part of the greeting of a replay."""

    file: str
    """Name of the bundle, without its folder."""
    host: str
    """The name made up for the machine."""
    time_zone: str
    """Of that machine: IANA name, or an offset like ``+02:00``; empty: not told."""
    level: str
    """``full``, ``anonymous`` or ``aggregate``."""
    first_s: int
    """UTC seconds of the first and the last tick."""
    last_s: int
    alert: str = ""
    """Rule that the bundle was made for; empty: none."""
    alert_ns: int | None = None
    """When that fired last; None: not in the recording."""
    program: str = ""
    """The wftop that wrote the bundle."""
    left_out: list[str] = []
    """What is missing and why, a sentence each."""
