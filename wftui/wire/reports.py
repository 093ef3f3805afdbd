"""What a view says of itself: its cost, its frames, how true its picture of energy is."""

import msgspec

from wftui.wire.base import Message


class Picture(msgspec.Struct, frozen=True):
    """How true a view's picture of energy is, while it shows one (``wftui.energy.fidelity``)."""

    seen: float
    """EU since the view began, whose frame the terminal acknowledged."""
    missed: dict[str, float]
    """Cause to EU since the view began that was never drawn."""
    ratio: float | None = None
    """Of the last 60 s; None: there was no energy to show."""
    coherence: float | None = None
    lag_s: float | None = None
    """From a sample to the acknowledged frame that showed it: 95th percentile since the last report."""
    particles: int = 0
    """On the screen now."""
    tokens: float = 1.0
    """That a particle stands for."""
    lost: dict[str, float] = msgspec.field(default_factory=dict)
    """Cause to the share (0 to 1) of the energy of the last 60 s that was not seen for it."""


class Frames(msgspec.Struct, frozen=True):
    """The frames of a view while it moves fully; windows as ``wftui.windows.frames`` has them."""

    took_s: list[float]
    """Time of each frame since the last report, in their order."""
    ago_s: list[float]
    """How long before the report each was written."""
    stages_s: dict[str, float] = msgspec.field(default_factory=dict)
    """Part of a frame to the sum of its times."""


class Report(Message, frozen=True):
    """A view's own cost; the recorder keeps it as series with the label ``view``."""

    cpu_utilization: float
    memory_bytes: int
    output_bytes: int
    """Since the view began."""
    frames: int
    lag_s: float | None = None
    """Median time in which the terminal acknowledged a frame, since the last report; None: it did not."""
    frame_s: float | None = None
    """95th percentile of the time to make and write a frame, since the last report."""
    key_s: float | None = None
    """Longest time from a key's arrival to its frame, since the last report; None: no key."""
    interval_s: float | None = None
    """Longest interval between two frames of the clock, since the last report; None: nothing moved."""
    motion: str = "data"
    """State of the frame clock: ``data``, ``smooth`` or ``full``."""
    picture: Picture | None = None
    """None: no energy is on its screen."""
    frames_drawn: Frames | None = None
    """None: it does not move fully."""
