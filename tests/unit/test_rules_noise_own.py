"""Built-in rules of wftop itself: quiet on small boards and starved machines, loud where the recording suffers."""

from __future__ import annotations

import pytest

from tests.unit.alerts.builtin import fired

MINUTE, HOUR = 60, 3600
COVERAGE = 'wftop.source.coverage{source="cpu"}'
BUSY = 'wftop.cpu.utilization{source="recorder"}'
LATE = "wftop.tick.lateness"
PENDING = "wftop.store.pending"
UNSEALED = "wftop.store.unsealed"
HELD = 'wftop.memory.usage{source="history"}'


@pytest.mark.parametrize(
    "series",
    [
        pytest.param({COVERAGE: "1x900 0.6x540 1x900"}, id="starved of CPU for nine minutes"),
        pytest.param({LATE: " ".join(["0.4x10 0.02x290"] * 12)}, id="late while an hour is sealed"),
        pytest.param({BUSY: " ".join(["0.9x20 0.08x280"] * 12)}, id="a board that seals for twenty seconds"),
        pytest.param({PENDING: "1x60 1+1x28 1x300"}, id="a card that takes nothing for half a minute"),
        pytest.param({UNSEALED: "0+1x9000"}, id="two hours not sealed: it was off when the hour ended"),
        pytest.param({HELD: " ".join(["1.7e8x60 3e7x240"] * 8)}, id="old questions are answered"),
        pytest.param({'wftop.push.rejected{source="app"}': "0x300 8x1200"}, id="a program tries its first push"),
    ],
)
def test_what_passes(series: dict[str, str]) -> None:
    names = "source-* store-* seal-* ticks-* push-* recorder-*"
    assert fired(names, series) == set()


@pytest.mark.parametrize(
    ("series", "rule"),
    [
        ({COVERAGE: "0.6x1200"}, 'source-gappy{source="cpu"}'),
        ({LATE: "0.4x1200"}, "ticks-late"),
        ({BUSY: "0.4x1800"}, 'recorder-busy{source="recorder"}'),
        ({PENDING: "1+1x120"}, "store-stopped"),
        ({UNSEALED: "14000+1x1800"}, "seal-behind"),
        ({HELD: "1.7e8x1800"}, 'recorder-memory{source="history"}'),
        ({"wftop.store.lost": "0x10 5x10"}, "store-lost"),
        ({"wftop.store.damaged": "0x10 1x10"}, "store-damaged"),
        ({'wftop.push.rejected{source="app"}': "0x300 0+1x600"}, 'push-rejected{source="app"}'),
    ],
)
def test_what_does_not(series: dict[str, str], rule: str) -> None:
    assert fired("source-* store-* seal-* ticks-* push-* recorder-*", series) == {rule}


@pytest.mark.parametrize("metric", ["system.memory.oom_kills", "container.memory.oom_kills"])
def test_a_process_that_was_killed_for_memory_is_told_once_it_happens(metric: str) -> None:
    """What was counted before the start is past."""
    assert fired("oom-kill", {metric: "41x600"}) == set()
    assert fired("oom-kill", {metric: "41x600 42x10"}) == {"oom-kill"}
