"""The health score of a real recorder: a series, a table, and an alert that takes its points off both."""

from __future__ import annotations

from tests.alerted import KEY, alone, fired, rule, write
from tests.harness import View, recorder, until
from wftui.alerts.health import ALERT_POINTS, ATTENDED
from wftui.client.queries import Connection
from wftui.model.score import POINTS, SCORE
from wftui.model.tick import unpack
from wftui.paths import Places
from wftui.wire import messages as m

ALERT = f"alert:{KEY}"


def points(where: Places) -> dict[str, float]:
    """Key of a row to the points that it takes off; unknown is none."""
    with Connection(str(where.socket)) as connection:
        _, rows = connection.tables([SCORE.name])[SCORE.name]
    return {key: float(row[POINTS] or 0.0) for key, row in rows.items()}


def score(where: Places) -> float:
    """The newest that was recorded."""
    with Connection(str(where.socket)) as connection:
        newest = connection.ask(m.Catalogue(), m.CatalogueReply).last_ns or 0
        reply = connection.ask(m.Range(["wftop.health.score"], newest - 5 * 10**9, newest, 5), m.RangeReply)
    (series,) = reply.series
    return [value for value in unpack(series.mean) if value == value][-1]


def test_an_alert_takes_its_points_off_and_half_once_somebody_looks_after_it() -> None:
    alone()
    write(rule())
    with recorder() as running, View(running.where) as view:
        running.ticks(3)
        calm = points(running.where)
        assert ALERT not in calm
        with fired(view) as (pusher, _):
            until(lambda: ALERT in points(running.where), 10, "its row")
            assert points(running.where)[ALERT] == ALERT_POINTS["warning"]
            running.ticks(2)
            until(lambda: score(running.where) <= 100 - ALERT_POINTS["warning"], 10, "the series")
            with Connection(str(running.where.socket)) as connection:
                connection.ask(m.Acknowledge(KEY, "ann", ""), m.Ok)
            half = ALERT_POINTS["warning"] * ATTENDED
            until(lambda: points(running.where)[ALERT] == half, 10, "half of its points")
            pusher.level = 0.0
            until(lambda: ALERT not in points(running.where), 20, "that it is over")
        assert running.stop() == 0
        assert running.errors() == ""
