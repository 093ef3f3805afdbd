"""Answers about everything that was recorded: one question at a time, each under its deadline.

The folder is an argument: over the files of a bundle the same service is replay.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from wftui import log
from wftui.clock import NS_PER_S
from wftui.errors import ProtocolError, WftopError
from wftui.store import answers, query
from wftui.store.answers import TooLargeError
from wftui.store.archive import Archive
from wftui.store.sealed import NoRoomError
from wftui.wire import messages as m

if TYPE_CHECKING:
    from wftui.history.preview import Preview

DEADLINE_S: Final = 5.0
MEMORY_MB: Final = (28, 96)
"""For DuckDB's buffers: what all questions to 400 series need (64 would be filled, and held, for no better time);
then what a single one may take, after which all of it is given back."""


class Service:
    """Questions to one folder; never writes."""

    def __init__(self, data_dir: Path, deadline_s: float = DEADLINE_S) -> None:
        """Nothing is opened yet.

        Args:
            data_dir: Holds a journal, segments, or both.
            deadline_s: Of one question.
        """
        self._data_dir = data_dir
        self._archive = Archive(data_dir, MEMORY_MB[0])
        self._deadline_s = deadline_s
        self._preview: Preview | None = None

    def warm(self) -> None:
        """Load what the first question will need, while that is still on its way."""
        try:
            self._archive.refresh()
            if self._archive.sealed.manifest.segments:
                self._archive.sealed.connection()
                from wftui.store import sums  # noqa: F401  for its import
        except WftopError as error:
            log.info("history", "nothing to read yet", reason=str(error))

    def answer(self, question: m.Message) -> m.Message:
        """The reply, or an ``Error``: a bug in one answer is not the end of the others."""
        try:
            try:
                self._archive.refresh()
                return self._answer(question)
            except NoRoomError:
                return self._answer_in(MEMORY_MB[1], question)
        except TooLargeError as error:
            return m.Error("too-large", str(error))
        except ProtocolError as error:
            return m.Error("bad-request", str(error))
        except OverflowError as error:
            return m.Error("bad-request", f"the question holds a number out of range: {error}")
        except WftopError as error:
            return m.Error("refused", str(error))
        except Exception as error:  # noqa: BLE001  the asker gets it, the log its traceback
            log.error("history", "a question failed", exc=error, question=type(question).__name__)
            return m.Error("internal", f"history: {type(error).__name__}: {error}")
        finally:
            if "wftui.store.duck" in sys.modules:
                from wftui.store.duck import give_back

                give_back()

    def _answer_in(self, memory_mb: int, question: m.Message) -> m.Message:
        """An answer that needs more room than usual."""
        self._archive.close()
        try:
            with Archive(self._data_dir, memory_mb) as self._archive:
                self._archive.refresh()
                return self._answer(question)
        finally:
            self._archive = Archive(self._data_dir, MEMORY_MB[0])

    def _answer(self, question: m.Message) -> m.Message:
        archive = self._archive
        if isinstance(question, m.Range):
            return query.range_(archive, question, self._deadline_s)
        with archive.sealed.deadline(self._deadline_s):
            match question:
                case m.At():
                    return answers.answer_at(archive, question)
                case m.Events():
                    return answers.answer_events(archive, question)
                case m.Tables():
                    return answers.answer_tables(archive, question)
                case m.Catalogue():
                    return _catalogue(archive)
        if isinstance(question, m.Compare):
            from wftui.history.compare import compare  # with numpy

            return compare(archive, question, self._deadline_s)
        if isinstance(question, m.Why):
            from wftui.history.why import why  # as above

            return m.WhyReply(why(archive, question, self._deadline_s))
        if isinstance(question, m.ReplayRules):
            if self._preview is None:
                from wftui.history.preview import Preview  # as above

                self._preview = Preview()
            return self._preview.answer(archive, question)
        return m.Error("bad-request", f"{m.TAGS[type(question)]} is no question to the history service")

    def close(self) -> None:
        """Close the files."""
        self._archive.close()


def _catalogue(archive: Archive) -> m.CatalogueReply:
    reply = answers.answer_catalogue(archive)
    extent = archive.extent()
    if extent is None:
        return reply
    return msgspec.structs.replace(reply, first_ns=extent[0] * NS_PER_S, last_ns=(extent[1] + 1) * NS_PER_S)
