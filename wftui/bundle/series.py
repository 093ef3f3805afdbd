"""The numbers of a bundle: ticks and steps, in members of one layout each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
import numpy.typing as npt

from wftui.bundle import format as form
from wftui.bundle.format import Steps, Ticks
from wftui.bundle.packed import pack, whole
from wftui.errors import BundleError
from wftui.store import manifest, rollups
from wftui.store.cuts import Lead

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wftui.bundle.privacy import Redactor
    from wftui.model.sample import Column
    from wftui.store.archive import Archive

    Put = Callable[[str, bytes], None]
    Matrix = npt.NDArray[np.float64]

_CELLS: Final = 4_000_000
"""Values of a member at most: 64 MiB hold them, if each takes 16 characters."""
_EXACT: Final = 150
"""Members after which one layout's ticks go in with those of the next: a machine on which series come and go all
the time would fill a bundle with layouts."""
_STEPS: Final = {"10s": manifest.R10, "5m": manifest.R300}


class Numbers:
    """Writes ticks and steps, and knows afterwards which they were."""

    def __init__(self, archive: Archive, redactor: Redactor, put: Put) -> None:
        self._archive = archive
        self._redactor = redactor
        self._put = put
        self._layouts: dict[tuple[Column, ...], tuple[tuple[Column, ...], int]] = {}
        self._known: dict[int, tuple[tuple[Column, ...], npt.NDArray[np.intp]]] = {}
        self._waiting: list[tuple[tuple[Column, ...], Lead, Matrix]] = []
        self._members = 0
        self._cells = 0
        self.ticks = 0
        self.merged = False
        """Layouts were put together: where one lacked a series of the other there is no value."""
        self.boots: set[int] = set()
        """Numbers of the boots that ticks have."""
        self._seconds: list[npt.NDArray[np.int64]] = []
        """(2, ticks) each: seq and UTC second."""

    # ---- ticks

    def put_ticks(self, since_s: int, until_s: int) -> None:
        """Those of the seconds [since, until).

        Raises:
            BundleError: They are too many.
            StoreError: They cannot be read.
        """
        for cut in self._archive.cuts(lambda _: True, since_s, until_s):
            columns, places = self._kept(cut.layout.id, cut.layout.columns)
            if not columns:
                continue
            last = self._waiting[-1][0] if self._waiting else columns
            if last is not columns and self._members < _EXACT:
                self._flush()
            self._waiting.append((columns, cut.lead, cut.values.take(places, axis=1)))
            self._seconds.append(np.array([cut.lead.seq, cut.lead.time_s]))
            self.boots.update(np.unique(cut.lead.boot).tolist())
            while self._full():
                self._flush(only_full=True)
        self._flush()

    def _kept(self, number: int, columns: Sequence[Column]) -> tuple[tuple[Column, ...], npt.NDArray[np.intp]]:
        """What of a layout goes in, and where it stands; the same tuple for equal ones."""
        if number not in self._known:
            kept: dict[str, tuple[int, Column]] = {}
            for place, item in enumerate(columns):
                told = self._redactor.column(item)
                if told is not None:
                    kept.setdefault(told.series.text, (place, told))
            wanted = tuple(item for _, item in kept.values())
            places = np.array([place for place, _ in kept.values()], dtype=np.intp)
            self._known[number] = self._shared(wanted), places
        return self._known[number]

    def _full(self) -> bool:
        ticks = sum(len(lead.seq) for _, lead, _ in self._waiting)
        width = max((len(columns) for columns, *_ in self._waiting), default=1)
        return ticks >= min(form.TICKS, max(1, _CELLS // width))

    def _flush(self, *, only_full: bool = False) -> None:
        """Write what waits; ``only_full``: as many ticks as one member takes."""
        if not self._waiting:
            return
        columns, lead, values = self._joined()
        most = min(form.TICKS, max(1, _CELLS // len(columns)))
        done = 0
        while done < len(values) and not (only_full and len(values) - done < most):
            rows = slice(done, min(done + most, len(values)))
            self._write(columns, lead.part(rows), values[rows])
            done = rows.stop
        self._waiting = [(columns, lead.part(slice(done, None)), values[done:])] if done < len(values) else []

    def _joined(self) -> tuple[tuple[Column, ...], Lead, Matrix]:
        columns = self._waiting[0][0]
        lead = Lead(*(np.concatenate(item) for item in zip(*(lead for _, lead, _ in self._waiting), strict=True)))
        if all(item is columns for item, *_ in self._waiting):
            return columns, lead, np.concatenate([values for *_, values in self._waiting])
        self.merged = True
        # By text: the place of a series is that of its first column, its provenance the last one.
        union = {item.series.text: item for columns, *_ in self._waiting for item in columns}
        place = {name: at for at, name in enumerate(union)}
        matrix = np.full((len(lead.seq), len(union)), np.nan)
        row = 0
        for found, _, values in self._waiting:
            matrix[row : row + len(values), [place[item.series.text] for item in found]] = values
            row += len(values)
        return self._shared(tuple(union.values())), lead, matrix

    def _shared(self, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        """The same tuple for equal layouts, which get their number here."""
        found, _ = self._layouts.setdefault(columns, (columns, len(self._layouts) + 1))
        return found

    def _write(self, columns: tuple[Column, ...], lead: Lead, values: Matrix) -> None:
        self._count(values.size)
        ticks = Ticks(
            self._layouts[columns][1],
            list(columns),
            whole(lead.seq.tolist()),
            whole(lead.time_s.tolist()),
            whole(lead.boottime_ns.tolist()),
            whole(lead.boot.tolist()),
            [pack(column) for column in np.ascontiguousarray(values.T)],
        )
        self._put(f"ticks/{self._members:04d}.json", msgspec.json.encode(ticks))
        self._members += 1
        self.ticks += len(lead.seq)

    def _count(self, cells: int) -> None:
        self._cells += cells
        if self._cells > form.CELLS:
            raise BundleError(f"bundle: more than {form.CELLS} values; take a shorter range")

    def seq_of(self, time_s: int) -> int:
        """The last tick that was written up to a UTC second, or the first of all; 1: none was."""
        if not self._seconds:
            return 1
        seq, times = np.concatenate(self._seconds, axis=1)
        before = seq[times <= time_s]
        return int(before[-1] if len(before) else seq[0])

    # ---- steps

    def put_steps(self, since_s: int, until_s: int) -> list[str]:
        """Steps where single seconds are gone; returns ``10s`` and ``5m`` as far as there were any.

        Raises:
            BundleError: They are too many.
            StoreError: They cannot be read.
        """
        found = []
        for name, kind in _STEPS.items():
            number = 0
            for block in rollups.rollups(self._archive, kind, since_s, until_s):
                for start in range(0, len(block.seq), form.TICKS):
                    rows = slice(start, start + form.TICKS)
                    data = self._steps(block, rows)
                    if data:
                        self._put(f"rollups/{name}-{number:04d}.json", data)
                        number += 1
            found += [name] if number else []
        return found

    def _steps(self, block: rollups.Block, rows: slice) -> bytes:
        told = [self._redactor.column(item) for item in block.columns]
        places = {item.series.text: place for place, item in reversed(list(enumerate(told))) if item is not None}
        kept = sorted(places.values())
        if not kept:
            return b""
        self._count(len(block.seq[rows]) * len(kept) * len(block.statistics))
        return msgspec.json.encode(
            Steps(
                [item for place in kept if (item := told[place]) is not None],
                whole(block.seq[rows].tolist()),
                whole(block.time_s[rows].tolist()),
                whole(block.ticks[rows].tolist()),
                {
                    stat: [pack(np.ascontiguousarray(matrix[rows, place])) for place in kept]
                    for stat, matrix in block.statistics.items()
                },
            )
        )
