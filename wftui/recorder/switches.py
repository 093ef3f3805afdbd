"""Sources and groups of metrics are switched while the recorder runs; what they had told goes."""

from collections.abc import Callable

from wftui import log, names
from wftui.clock import Clock, Instant
from wftui.errors import ProtocolError
from wftui.model import health
from wftui.model.health import Health
from wftui.recorder import toggles, turns
from wftui.recorder.accumulator import Accumulator
from wftui.recorder.emitter import Emit
from wftui.recorder.push.intake import Intake
from wftui.recorder.scheduler import Scheduler
from wftui.recorder.source import Source
from wftui.settings import GROUP_PREFIX, SOURCES


class Switches:
    """Of one recorder. A source that is off says so itself; of groups it is known here."""

    def __init__(
        self,
        scheduler: Scheduler,
        pushes: Intake,
        accumulator: Callable[[], Accumulator],
        clock: Clock,
        emit: Emit,
        emptied: Callable[[str, Instant], None],
        changed: Callable[[], None],
    ) -> None:
        """``emptied`` is told a source whose tables are to go, ``changed`` that a group is in another state."""
        self.groups: dict[str, Health] = {}
        """Groups that are switched off."""
        self._scheduler = scheduler
        self._pushes = pushes
        self._accumulator = accumulator
        self._clock = clock
        self._emit = emit
        self._emptied = emptied
        self._changed = changed

    def switch(self, name: str, *, on: bool, role: str) -> None:
        """Switch a source or a group, for a client of that role.

        Raises:
            ProtocolError: There is no such source or group, or it is wftop's own.
        """
        sources = {source.name: source for source in self._scheduler.sources}
        toggles.check(name, sources)
        now = self._clock.now()
        off = None if on else toggles.off(name, role, now.time_ns)
        if toggles.is_pusher(name):
            self._switch_pusher(name, off)
        elif name in sources:
            self._switch_source(sources[name], off, now)
        else:
            self._switch_group(name.removeprefix(GROUP_PREFIX), off)

    def _switch_source(self, source: Source, off: Health | None, now: Instant) -> None:
        self._scheduler.switch(source, off)
        if source.name == self._pushes.name:
            for pushed in self._pushes.switch(on=off is None):
                self._accumulator().silence(pushed)
        if off is not None:
            self._accumulator().silence(source.name)
            self._emptied(source.name, now)

    def _switch_group(self, group: str, off: Health | None) -> None:
        if (off is None) is (group not in self.groups):
            return
        if off is None:
            del self.groups[group]
        else:
            self.groups[group] = off
        self._accumulator().mute(self.groups)
        self._pushes.muted(group)
        self._tell(GROUP_PREFIX + group, off)

    def _switch_pusher(self, name: str, off: Health | None) -> None:
        if self._pushes.switch_one(name, off):
            self._accumulator().silence(name)
            self._tell(name, off)

    def _tell(self, name: str, off: Health | None) -> None:
        before, after = (health.OFF, health.OK) if off is None else (health.OK, health.OFF)
        payload = {"before": before, "after": after, "reason": "" if off is None else off.reason}
        self._emit(turns.KIND, ("source", name), payload)
        self._changed()

    def begin(self, groups: frozenset[str], sources: frozenset[str]) -> None:
        """Groups, and of the sources the programs that push, that the settings switch off."""
        since_ns = self._clock.now().time_ns
        for name in sorted(filter(toggles.is_pusher, sources)):
            try:
                toggles.check(name, ())
                self._pushes.switch_one(name, toggles.off_by_setting(name, SOURCES, since_ns))
            except ProtocolError as error:
                log.warning("push", "stays on", setting=SOURCES, reason=str(error))
        for group in sorted(groups & set(names.GROUPS)):
            off = toggles.off_by_setting(GROUP_PREFIX + group, "store.groups_disabled", since_ns)
            self.groups[group] = off
