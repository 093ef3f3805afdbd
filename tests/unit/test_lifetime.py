"""When a recorder ends by itself."""

from __future__ import annotations

import pytest

from wftui.clock import NS_PER_S, Instant
from wftui.paths import places
from wftui.recorder.lifetime import Lifetime
from wftui.recorder.options import Options


def ended(options: Options, views: list[int]) -> tuple[int, str] | None:
    """The second in which it ends, and why, with so many views each second; None: it goes on."""
    lifetime = Lifetime(options, Instant(0, 7 * NS_PER_S))
    for second, count in enumerate(views, 1):
        if how := lifetime.over(Instant(0, (7 + second) * NS_PER_S), count):
            return second, how
    return None


@pytest.mark.parametrize(
    ("mode", "views", "end"),
    [
        ("view", [0] * 9, (4, "idle")),  # nobody ever came
        ("view", [1, 1, 0, 0, 0, 0, 0, 0], (7, "idle")),
        ("view", [0, 0, 0, 1, 0, 0, 0, 0, 1], None),  # each time somebody came back
        ("record", [0] * 99, None),
    ],
)
def test_a_views_recorder_outlives_its_last_view_by_a_while(
    mode: str, views: list[int], end: tuple[int, str] | None
) -> None:
    assert ended(Options(mode, places(), linger_s=3), views) == end


@pytest.mark.parametrize("mode", ["view", "record"])
def test_a_time_that_was_given_is_kept(mode: str) -> None:
    assert ended(Options(mode, places(), for_s=2.5), [1] * 9) == (3, "time")
