"""Who looks on: a number for each view, and what it says of itself."""

from collections.abc import Callable, Iterable, Iterator

from wftui.model.sample import Sample
from wftui.recorder.connection import Connection
from wftui.recorder.emitter import Emit
from wftui.recorder.gauges import Gauges
from wftui.wire import messages as m


class Views:
    """Of one recorder; clients that are no views are none of its business."""

    def __init__(self, emit: Emit, gauges: Gauges, reported: Callable[[str, m.Report], None]) -> None:
        """``reported`` is told each report, with the view's label."""
        self._emit = emit
        self._gauges = gauges
        self._reported = reported
        self._labels: dict[Connection, str] = {}
        self._reports: dict[Connection, m.Report] = {}

    def attached(self, connection: Connection) -> None:
        """A client greeted."""
        if connection.is_view:
            taken = set(self._labels.values())
            # Small numbers used again: a label per pid would grow the catalogue of series for ever.
            number = next(n for n in range(1, len(taken) + 2) if str(n) not in taken)
            connection.label = self._labels[connection] = str(number)
            self._emit("view.attached", ("view", connection.label), {"terminal": connection.hello.terminal})

    def detached(self, connection: Connection) -> None:
        """A client went away."""
        self._reports.pop(connection, None)
        if self._labels.pop(connection, None) is not None:
            self._emit("view.detached", ("view", connection.label), {"dropped": connection.dropped})

    def report(self, connection: Connection, report: m.Report) -> None:
        """A view says what it costs."""
        if connection.is_view:
            self._reports[connection] = report
            self._reported(connection.label, report)

    def second(self, connections: Iterable[Connection]) -> Iterator[Sample]:
        """The series of those that are attached."""
        for view in connections:
            yield from self._gauges.view(view.label, self._reports.get(view), view.dropped)
