"""What is usual is asked for after a start without a service of its own where the journal knows it all."""

from __future__ import annotations

import sys

import pytest

from tests.alerted import Pusher, alone, rule, rule_row, write
from tests.harness import Running, until
from tests.process.test_history_relay import services
from wftui.recorder.alerting.backfill import BEGIN_S

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc")


@pytest.mark.timeout(120)
def test_a_machine_without_sealed_hours_starts_no_history_service() -> None:
    alone()
    own = rule()
    own["conditions"]["when_all"][0] |= {"baseline": "1d_avg", "threshold_type": "percentage_change", "value": 50}
    write(own)
    seen: set[int] = set()
    with Pusher() as pusher, Running() as running:
        pusher.level = 10.0
        running.ready()

        def later() -> bool:
            seen.update(services(running.pid))
            return running.status().ticks >= BEGIN_S + 6

        until(later, 60)
        told = str(rule_row(running.where, "level")[5])
        # A step of five minutes may end meanwhile.
        assert told.startswith(("warming up, 0 of", "warming up, 1 of")), "it was looked at"
        assert running.stop() == 0
    assert not seen
