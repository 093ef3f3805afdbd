"""A purge while the recorder runs: the keeper deletes, and nothing that went comes back out of memory."""

import asyncio
from concurrent.futures import Future

from wftui.errors import StoreError
from wftui.model.series import matches
from wftui.recorder.accumulator import Accumulator
from wftui.recorder.keeper import Keeper
from wftui.store.journal import Journal
from wftui.store.purge import Purged, Wanted, purge_journal


async def purge(keeper: Keeper, accumulator: Accumulator, wanted: Wanted, session: int, now_s: int) -> Purged:
    """Delete from the journal; samples that are still in the rings go too.

    Raises:
        StoreError: Nothing was deleted.
    """
    patterns = wanted.patterns or ("*",)
    if wanted.before_s is None or wanted.before_s > now_s - accumulator.pool.span_s:
        accumulator.forget(lambda item: any(matches(pattern, item) for pattern in patterns))
    # What is written from here on has a layout of its own: those that there are get narrower.
    accumulator.renew()
    done: Future[Purged] = Future()

    def job(journal: Journal) -> None:
        if not done.set_running_or_notify_cancel():
            return  # nobody waits for it any more, so it must not happen behind anybody's back
        if keeper.pending:
            done.set_exception(StoreError("the journal cannot be written now, so nothing was deleted from it"))
            return
        try:
            done.set_result(purge_journal(journal, wanted, session))
        except BaseException as error:
            done.set_exception(error)
            raise

    keeper.put(job)
    return await asyncio.wrap_future(done)
