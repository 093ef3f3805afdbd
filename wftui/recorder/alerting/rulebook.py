"""Reads the rules, and reads them again when their files change. A file that is wrong leaves its rules alone."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from wftui import log
from wftui.alerts.rule import Rule
from wftui.alerts.store import Book, read
from wftui.paths import Places
from wftui.recorder.emitter import Emit

LOOK_S: Final = 5.0
"""Between two looks at the files, which takes 0.1 ms: an editor's user sees it at once enough."""


class Rulebook:
    """Looks in a thread: a home directory may lie on a server that does not answer."""

    def __init__(self, places: Places, use: Callable[[list[Rule], int], None], emit: Emit) -> None:
        """``use``: all rules, those that are off among them, and how many files are wrong."""
        self._places = places
        self._use = use
        self._emit = emit
        self._book: Book | None = None
        self._problems: frozenset[str] = frozenset()
        self._soon = asyncio.Event()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                book = await asyncio.to_thread(read, self._places, self._book)
            except Exception as error:  # noqa: BLE001  rules that cannot be read must not end the recorder
                log.error("rules", "reading the rules failed", exc=error)
            else:
                if book is not self._book:
                    self._take(book)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._soon.wait(), LOOK_S)
            self._soon.clear()

    def look(self) -> None:
        """Look now: a file was written by an order."""
        self._soon.set()

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Those that were read last, also those that are off; none before the first look."""
        return () if self._book is None else self._book.rules

    def _take(self, book: Book) -> None:
        first, self._book = self._book is None, book
        for problem in sorted(set(book.problems) - self._problems):
            self._emit("rules.broken", ("rules", problem.partition(":")[0]), {"problem": problem})
            log.warning("rules", problem)
        self._problems = frozenset(book.problems)
        self._use(list(book.rules), book.broken)
        if not first:
            self._emit("rules.changed", ("rules", ""), {"rules": len(book.rules), "problems": len(book.problems)})
