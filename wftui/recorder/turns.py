"""The health of the sources as events: what flaps is told once a minute."""

from collections.abc import Iterable
from typing import Final

from wftui.model import health
from wftui.recorder.emitter import Emit
from wftui.recorder.source import Source
from wftui.windows.flaps import Flaps

KIND: Final = "source.state"


class Turns:
    """Of all sources. Health itself is told at once, whatever flaps: this is about what is written down."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._flaps: dict[str, Flaps] = {}
        self._untold: set[str] = set()

    def changed(self, source: Source, before: str, boottime_ns: int) -> None:
        """A source came from one state into another."""
        flaps = self._flaps.get(source.name)
        if flaps is None or health.OFF in (before, source.state):
            # What a person does is told each time.
            flaps = self._flaps[source.name] = Flaps(before)
        self._tell(source, flaps, boottime_ns)

    def second_ended(self, sources: Iterable[Source], boottime_ns: int) -> None:
        """Tell the states that were left out and have lasted."""
        if self._untold:
            for source in sources:
                if source.name in self._untold:
                    self._tell(source, self._flaps[source.name], boottime_ns)

    def _tell(self, source: Source, flaps: Flaps, boottime_ns: int) -> None:
        before, after = flaps.told, source.state
        left_out = flaps.turn(after, boottime_ns)
        self._untold.discard(source.name)
        if left_out is not None:
            payload = {"before": before, "after": after, "reason": source.reason}
            self._emit(KIND, ("source", source.name), payload | ({"left_out": left_out} if left_out else {}))
        elif after != before:
            self._untold.add(source.name)
