"""What an export of series is made from: single ticks where they are left, rollups where they are gone."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Final

from wftui.store import manifest
from wftui.store.archive import Archive
from wftui.store.manifest import Segment
from wftui.store.read import Span
from wftui.store.rows import Batch, Rows

if TYPE_CHECKING:
    from wftui.store.steps import Steps

KINDS: Final = {10: manifest.R10, 300: manifest.R300}


class Levels:
    """The rows of a range; as ``Rows`` has them."""

    def __init__(
        self, archive: Archive, since_s: int, until_s: int, patterns: Sequence[str], *, step_s: int, raw: bool
    ) -> None:
        """Fix the columns.

        Args:
            archive: Where they come from.
            since_s: UTC second.
            until_s: UTC second after the last one.
            patterns: As ``Rows`` takes them.
            step_s: Seconds of one row; 1 = a row per tick.
            raw: Counters as they are, cumulative; rollups do not have them.
        """
        span = archive.span(since_s, until_s)
        limit = archive.boundary()
        limit = min([limit, *(run.first_seq for run in archive.sealed.runs()[:1])])
        older = {
            size: [
                item
                for item in archive.sealed.manifest.of(kind)
                if item.first_seq < limit and item.since_s < until_s and item.until_s > since_s
            ]
            for size, kind in KINDS.items()
        }
        segments = older.get(step_s, [])
        self.coarser = [size for size, found in older.items() if found and size > step_s]
        """Steps in which there is more of this range."""
        self._steps: Steps | None = None
        if segments:
            from wftui.store import steps  # with numpy and DuckDB

            self._steps = steps.Steps(archive, segments, limit, since_s, until_s, step_s)
        columns = self._steps.columns() if self._steps is not None else []
        self.span = _joined(span, segments)
        """None: there is nothing."""
        inside = span or Span(0, -1, 0, ())
        self._rows = Rows(archive, inside, since_s, until_s, patterns, step_s=step_s, raw=raw, more=columns)
        self.fields = self._rows.fields
        self.level_s = step_s if segments else 1
        """Seconds of the coarsest data behind the rows."""

    def unmatched(self) -> list[str]:
        """Patterns that name no series of the range."""
        return self._rows.unmatched()

    def batches(self, size: int) -> Iterator[Batch]:
        """The rows in order, at most ``size`` at once; each call is a new pass."""
        ticks = self._rows.batches(size)
        return ticks if self._steps is None else chain(self._steps.batches(self._rows, size), ticks)


def _joined(span: Span | None, segments: Sequence[Segment]) -> Span | None:
    if not segments:
        return span
    first, last = min(item.first_seq for item in segments), max(item.last_seq for item in segments)
    return (
        Span(min(first, span.first_seq), max(last, span.last_seq), span.ticks, span.layouts)
        if span
        else Span(first, last, 0, ())
    )
