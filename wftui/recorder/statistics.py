"""Rolling statistics of the rings, when somebody asks."""

from wftui.model.series import matches
from wftui.model.tick import Layout
from wftui.store import answers
from wftui.windows import rolling
from wftui.windows.ring import Pool
from wftui.wire import messages as m


def over_windows(layout: Layout, pool: Pool, selectors: list[str], boottime_ns: int) -> m.WindowsReply:
    """The last 1 s, 10 s and 5 min of the named series.

    Raises:
        TooLargeError: Too many series.
    """
    found = []
    for column in layout.columns:
        text = column.series.text
        ring = pool.get(text)
        if ring is None or not any(matches(selector, column.series) for selector in selectors):
            continue
        for span_s in rolling.SPANS_S:
            stats = rolling.over(ring, boottime_ns, span_s)
            if stats is not None:
                found.append(m.WindowStats(text, span_s, *stats))
        if len(found) > answers.MAX_POINTS:
            raise answers.TooLargeError("windows: too many series; name fewer")
    return m.WindowsReply(found)
