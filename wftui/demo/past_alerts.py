"""Alerts of the demo's past: the recorder's own alerting, with the rules that ship, second by second.

Nothing is told of an alert but what the rules find in the script; only what people did about some is part of it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from wftui import paths
from wftui.alerts.rule import Rule
from wftui.alerts.states import key_of
from wftui.alerts.store import FOLDER, read_file
from wftui.clock import NS_PER_S, Instant
from wftui.demo import cards, story
from wftui.demo.people import ANA, BEN
from wftui.demo.script import Script
from wftui.demo.serving import SCOUT, VLLM
from wftui.model.alerts import RULES
from wftui.model.health import OK
from wftui.model.sample import Column
from wftui.model.streams import STREAMS
from wftui.model.table import Row, TableSnapshot
from wftui.model.tick import Layout, Tick
from wftui.recorder.alerting.actions import Actions
from wftui.recorder.alerting.alerting import Alerting
from wftui.recorder.alerting.quality import Quality
from wftui.recorder.emitter import Emitter
from wftui.wire import messages as m

_OWN_COST: Final = "wftop.alerts.evaluation.duration"
"""What a second of rules took is not known of a past that nobody recorded."""
_COST: Final = RULES.index("rule.cost")
_GPU: Final = "gpu"


class Deed(NamedTuple):
    """What somebody did about an alert that fired."""

    second: int
    """Of the script."""
    by: str
    rule: str
    labels: tuple[tuple[str, str], ...]
    note: str
    silence_s: int = 0
    """0: acknowledged."""

    @property
    def alert(self) -> str:
        """Its name."""
        return key_of(self.rule, self.labels)


_SECOND_S: Final = story.FIRST_S + story.CYCLE_S
DEEDS: Final = (
    Deed(story.FIRST_S + 390, BEN, "rule.gpu-xid", ((_GPU, cards.uuid(story.LEAKING)),),
         "the known leak: the fix comes with the next release"),
    Deed(_SECOND_S + 350, BEN, "rule.preemptions", (("model", SCOUT), ("server", VLLM)),
         "both models on one server: known", 3600),
    Deed(_SECOND_S + 372, ANA, "rule.gpu-throttled-hot", ((_GPU, cards.uuid(story.HOT)),),
         "a fan is ordered"),
)  # fmt: skip
"""In the order of the seconds."""


class _Well(NamedTuple):
    """A source without trouble."""

    state: str
    interval_s: float


class PastAlerts:
    """Looks at each second once it is written; what it tells belongs to the next, as in a recorder."""

    def __init__(
        self,
        script: Script,
        clock: object,
        emit: Emitter,
        table: Callable[[str], Mapping[str, Row]],
        publish: Callable[[TableSnapshot, Instant, str], None],
    ) -> None:
        """
        Args:
            script: Whose sources are well.
            clock: Of the past; asked for ``now`` only.
            emit: Makes events.
            table: Rows of a table now.
            publish: Stores a table.
        """
        self._publish = publish
        self._sources = {
            name: _Well(OK, min(part.interval_s for part in parts)) for name, parts in script.sources().items()
        }
        self._sources[STREAMS.source] = _Well(OK, 1.0)
        self.told: dict[Column, float] = {}
        """Of itself, of the second before."""
        self._alerting = Alerting(
            clock,  # type: ignore[arg-type]  # has what it asks for
            emit,
            table,
            self._tell,
            lambda *_: None,
            Actions(clock, emit, demo=True),  # type: ignore[arg-type]  # likewise
            Quality(emit, self._tell, lambda _: None, adapt=False),
        )
        self._alerting.use(shipped(), 0)

    def second(self, tick: Tick, layout: Layout, second: int, at: Instant) -> None:
        """Look at a second that is complete; ``second``: of the script."""
        for deed in DEEDS:
            if deed.second == second:
                self._done(deed)
        told = self._alerting.second(tick, layout, self._sources, at)
        self.told = {item.column: item.value for item in told if item.column.series.name != _OWN_COST}

    def _done(self, deed: Deed) -> None:
        if deed.silence_s:
            order = m.SetSilence([deed.alert], deed.silence_s * NS_PER_S, deed.by, deed.note)
            self._alerting.silence(order)
        else:
            self._alerting.acknowledge(m.Acknowledge(deed.alert, deed.by, deed.note))

    def _tell(self, snapshot: TableSnapshot, at: Instant, source: str) -> None:
        if snapshot.schema.name == RULES.name:
            rows = {key: (*row[:_COST], None, *row[_COST + 1 :]) for key, row in snapshot.rows.items()}
            snapshot = TableSnapshot(RULES, snapshot.time_ns, rows)
        self._publish(snapshot, at, source)


def shipped() -> Iterable[Rule]:
    """The rules that ship with wftop, also those that are off."""
    folder = paths.resources(FOLDER)
    return [rule for path in sorted(folder.iterdir()) for rule in read_file(path, builtin=True).rules]
