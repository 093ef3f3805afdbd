"""Answers to questions about the past, in a thread of their own: a long one never delays a tick."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue

from wftui.errors import ProtocolError, StoreError
from wftui.recorder.keeper import Keeper
from wftui.store.read import Reader
from wftui.wire import messages as m

Ask = Callable[[Reader], m.Message | None]
"""None: this reader cannot tell."""


class Answers:
    """A thread with a reader of its own, opened on the first question.

    A journal in memory has one connection only: then the questions are jobs of the thread that owns it.
    """

    def __init__(self, open_reader: Callable[[], Reader], keeper: Keeper | None) -> None:
        """``keeper``: owner of a journal in memory; None: the journal is a file."""
        self._open_reader = open_reader
        self._keeper = keeper
        self._queue: SimpleQueue[tuple[Ask, Future[m.Message | None]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._stale = False

    def renew(self) -> None:
        """The journal was renamed aside: read the new one from the next question on."""
        self._stale = True

    def submit(self, ask: Ask) -> "Future[m.Message | None]":
        """Answer a question; the future carries the reply or the error."""
        future: Future[m.Message | None] = Future()
        if self._keeper is not None:
            self._keeper.put(lambda journal: _settle(future, ask, Reader(journal.reader())))
            return future
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="wftop-answers", daemon=True)
            self._thread.start()
        self._queue.put((ask, future))
        return future

    def stop(self) -> None:
        """End after the question under way; does not wait."""
        self._queue.put(None)

    def _run(self) -> None:
        reader: Reader | None = None
        while (item := self._queue.get()) is not None:
            ask, future = item
            if reader is not None and self._stale:
                reader.close()
                reader = None
            self._stale = False
            try:
                if reader is None:
                    reader = self._open_reader()
            except StoreError as error:
                if future.set_running_or_notify_cancel():
                    future.set_exception(error)
                continue
            if not _settle(future, ask, reader):
                # The file may have been renamed aside meanwhile: look again next time.
                reader.close()
                reader = None
        if reader is not None:
            reader.close()


def _settle(future: "Future[m.Message | None]", ask: Ask, reader: Reader) -> bool:
    """Answer into the future; False when the store failed."""
    if not future.set_running_or_notify_cancel():
        return True  # the asker has gone
    try:
        future.set_result(ask(reader))
    except OverflowError as error:
        future.set_exception(ProtocolError(f"the question holds a number out of range: {error}"))
    except Exception as error:  # noqa: BLE001  it belongs to the asker, who gets it through the future
        future.set_exception(error)
        return not isinstance(error, StoreError)
    return True
