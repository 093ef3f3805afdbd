"""A view of a recording that is over: its clock stands at its end, its times are those of its origin."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from wftui.clock import Instant, SystemClock
from wftui.errors import UsageError
from wftui.render import preferred
from wftui.tui.transport import between
from wftui.units import NS_PER_S
from wftui.when import is_zone, moment, use_zone

if TYPE_CHECKING:
    from wftui.client.bundled import Bundled
    from wftui.config import Config
    from wftui.wire.recording import Recording

_ZONE = "view.time_zone"


class Opening(NamedTuple):
    """What a replay was asked for."""

    reader: Bundled
    """It opens the bundle meanwhile."""
    at: str = ""
    """Where to begin, as a person typed it; empty: at the alert, or the end."""


class Begun(NamedTuple):
    """What a view of a recording begins with."""

    clock: Ended
    at_ns: int | None
    """Moment (UTC) to begin at; None: at the alert, or the end."""
    zone: str
    """Whose time is shown, in words."""


class Ended:
    """A clock that stands still at the end of a recording, while durations go on."""

    def __init__(self, recording: Recording) -> None:
        self._end_ns = (recording.last_s + 1) * NS_PER_S
        self._clock = SystemClock()

    def now(self) -> Instant:
        """Both clocks."""
        return Instant(self._end_ns, self._clock.now().boottime_ns)


def prefer(settings: Config, recording: Recording | None) -> str:
    """Show numbers and times as the settings say; times of a recording as on the machine where it was made, unless
    a person chose a zone. Whose time that is, in words; empty: nothing is to be said."""
    preferred.use(settings)
    if recording is None:
        return ""
    if settings.origin(_ZONE) != "default":
        chosen = settings.text(_ZONE)
        return "your time" if chosen == "local" else chosen.replace("utc", "UTC")
    origin = recording.time_zone
    if is_zone(origin) and origin != "local":
        use_zone(origin)
        return f"origin {origin}"
    use_zone("utc")
    return f"UTC ({origin} is not known here)" if origin else "UTC (its zone was not told)"


def begin(opening: Opening, settings: Config) -> Begun:
    """Wait until the bundle is open, and follow its time zone.

    Raises:
        BundleError: It is refused.
        UsageError: There is no such moment in it.
    """
    recording = opening.reader.greeting().recording
    assert recording is not None  # noqa: S101  else it would have been refused
    zone = prefer(settings, recording)
    return Begun(Ended(recording), begin_ns(opening.at, recording) if opening.at else None, zone)


def begin_ns(typed: str, recording: Recording) -> int:
    """The moment (ns, UTC) that a person typed; durations are before the recording's end.

    Raises:
        UsageError: It is no time, or none of the recording.
    """
    end_ns = (recording.last_s + 1) * NS_PER_S
    found = moment(typed, end_ns, end_ns)
    if not recording.first_s <= found // NS_PER_S <= recording.last_s + 1:
        span = between(recording.first_s, recording.last_s + 1)
        raise UsageError(f"--at {typed}: not in this recording, which is of {span}")
    return found
