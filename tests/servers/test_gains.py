"""A ratio over ten seconds out of two counters."""

from __future__ import annotations

from wftui.clock import NS_PER_S
from wftui.collectors.servers.gains import Gains


def test_only_what_was_gained_within_ten_seconds_counts() -> None:
    gains = Gains()
    assert gains.ratio(0, 900, 1000) is None
    assert gains.ratio(1 * NS_PER_S, 900, 1010) == 0
    assert gains.ratio(2 * NS_PER_S, 930, 1060) == 0.5
    assert gains.ratio(11 * NS_PER_S, 930, 1060) == 30 / 50
    assert gains.ratio(12 * NS_PER_S, 930, 1060) is None, "nothing was gained: no ratio, and not the old one"


def test_a_new_start_begins_again() -> None:
    gains = Gains()
    gains.ratio(0, 900, 1000)
    assert gains.ratio(1 * NS_PER_S, 1, 4) is None
    assert gains.ratio(2 * NS_PER_S, 2, 6) == 0.5
