"""What one counter gained for each of another: of ratios that a server only tells since its start."""

from collections import deque

from wftui.collectors.servers.derive import WINDOW_NS


class Gains:
    """Remembers two counters over the last ten seconds."""

    def __init__(self) -> None:
        self._kept: deque[tuple[int, float, float]] = deque()

    def ratio(self, at_ns: int, above: float, below: float) -> float | None:
        """What ``above`` gained, divided by what ``below`` gained.

        Args:
            at_ns: When they were read; CLOCK_BOOTTIME.
            above: A counter as it is now.
            below: Another one, from the same answer.

        Returns:
            None: nothing was gained within ten seconds, or one of them started again.
        """
        kept = self._kept
        if kept and (above < kept[-1][1] or below < kept[-1][2]):
            kept.clear()
        kept.append((at_ns, above, below))
        while len(kept) > 2 and kept[1][0] <= at_ns - WINDOW_NS:
            kept.popleft()
        gained = below - kept[0][2]
        return (above - kept[0][1]) / gained if gained > 0 else None
