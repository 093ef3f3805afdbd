"""`wftop purge`: recorded data deleted for good, from the journal and all that was made of it; asks first."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Final

from wftui import clock
from wftui.client.queries import Connection
from wftui.errors import NoDataError, ProtocolError, StoreError, UsageError
from wftui.model import health
from wftui.paths import Places, places
from wftui.text import clean
from wftui.when import moment
from wftui.wire import messages as m

if TYPE_CHECKING:
    from wftui.store.purge import Wanted
    from wftui.store.purge_segments import Plan

_WAIT_S: Final = 120.0
"""For a sealer that is at work, and for the recorder."""
_NAMED: Final = 8


def main(
    before: str | None, patterns: list[str], *, yes: bool, data_dir: str | None = None, config: str | None = None
) -> int:
    """Run the command; 0 when it is done or a person said no.

    Raises:
        UsageError: A time or pattern that is none, or nobody to ask.
        ConfigError: The configuration cannot be read.
        NoDataError: There is nothing to delete.
        StoreError: It was not deleted, or only in part.
    """
    from wftui.config import load
    from wftui.render import preferred
    from wftui.store.purge import Wanted, before_second

    where = places(data_dir, config)
    preferred.use(load(where))
    now_ns = clock.SystemClock().now().time_ns
    before_ns = None if before is None else moment(before, now_ns)
    if not all(patterns):
        raise UsageError("expected a pattern like 'hw.*' or 'system.disk.io{*}', got an empty one")
    wanted = Wanted(before_second(before_ns), tuple(patterns))
    _show(where, wanted)
    if not yes and not _agreed():
        _say("nothing was deleted")
        return 0
    with _sealer_waits(where):
        from wftui.store.purge_segments import left_aside, purge_segments

        done = purge_segments(where.data_dir, wanted, now_ns)
        files = len(done.gone) + len(done.rewritten)
        reply = _journal(where, wanted, m.Purge(before_ns, patterns, files), now_ns)
    _say(
        f"deleted: {reply.ticks} ticks, {reply.events} events, {reply.bursts} bursts and {reply.changes} changes"
        f" of tables in the journal, {len(done.gone)} segments; {len(done.rewritten)} segments looked through"
    )
    if not reply.wiped:
        _say("somebody reads the journal: the bytes go when that ends, or with the next purge")
    kept = [] if wanted.everything else left_aside(where.data_dir)
    for path in kept:
        _say(f"kept: {path}, which was set aside and cannot be looked into; remove it by hand if it must go")
    _bundles(where, wanted)
    return 0


def _bundles(where: Places, wanted: "Wanted") -> None:
    """Those that the recorder made of incidents hold copies: they go with everything, else it is said."""
    from wftui.bundle.unasked import FOLDER, kept

    for path in kept(where.data_dir / FOLDER):
        if wanted.everything:
            path.unlink(missing_ok=True)
            _say(f"deleted: {path}, a bundle of an incident")
        else:
            _say(f"kept: {path}, a bundle that may hold some of it; remove it by hand if it must go")


def _say(text: str) -> None:
    print(text)  # noqa: T201  the command's output


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise UsageError("purge deletes for good and has nobody to ask; --yes says that it may")
    try:
        return input("Delete this for good? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _show(where: Places, wanted: "Wanted") -> None:
    """Say what would go."""
    from wftui.store import manifest
    from wftui.store.purge_segments import plan

    made = manifest.load(where.data_dir)
    todo = plan(made, wanted)
    ticks, series = _in_journal(where, wanted)
    names = sorted(series | {item.series for item in todo.series}) if wanted.patterns else []
    if wanted.patterns and not names:
        raise NoDataError(f"no series is named by {', '.join(wanted.patterns)}")
    if not ticks and not todo.gone and not todo.rewritten and not names:
        raise NoDataError(f"{where.data_dir}: there is nothing to delete")
    what = "everything" if not wanted.patterns else f"{len(names)} series"
    when = "" if wanted.before_s is None else f" before {_time(wanted.before_s)}"
    _say(f"{what}{when} that was recorded in {where.data_dir}:")
    for name in names[:_NAMED]:
        _say(f"  {clean(name)}")
    if len(names) > _NAMED:
        _say(f"  and {len(names) - _NAMED} more")
    _say(f"  {ticks} ticks of the journal ({ticks / 3600:.1f} h)")
    _say(f"  {_segments(todo)}")


def _segments(todo: "Plan") -> str:
    from wftui.render import text

    if not todo.gone and not todo.rewritten:
        return "no segments"
    times = [item.since_s for item in (*todo.gone, *todo.rewritten)]
    return (
        f"{len(todo.gone)} segments ({text.size(todo.size).strip()}) since {_time(min(times))} as a whole,"
        f" {len(todo.rewritten)} in part"
    )


def _time(time_s: int) -> str:
    from datetime import UTC, datetime

    try:
        return datetime.fromtimestamp(time_s, UTC).astimezone().isoformat(" ", "seconds")
    except (OverflowError, ValueError, OSError):
        return f"{time_s} s since 1970"


def _in_journal(where: Places, wanted: "Wanted") -> tuple[int, set[str]]:
    """Ticks that lie in the range, and the series that patterns name."""
    from wftui.store import journal

    if not (where.data_dir / journal.NAME).exists():
        return 0, set()
    limit = sys.maxsize if wanted.before_s is None else wanted.before_s
    with closing(journal.open_reader(where.data_dir / journal.NAME)) as database:
        (ticks,) = next(database.rows("SELECT count(*) FROM tick WHERE time_s < ?", (limit,)))
        texts = {text for (text,) in database.rows("SELECT series FROM series_column")}
    return ticks, {text for text in texts if not wanted.patterns or wanted.names(text)}


@contextmanager
def _sealer_waits(where: Places) -> Iterator[None]:
    """No hour may be sealed meanwhile: what is deleted would come back."""
    from wftui.store import seal

    with ExitStack() as held:
        for _ in range(int(_WAIT_S * 10)):
            try:
                held.enter_context(seal.lock(where.data_dir))
            except seal.SealRunningError:
                clock.sleep(0.1)
            else:
                break
        else:
            raise StoreError(f"{where.data_dir}: its segments are being written for {_WAIT_S:g} s; try later")
        yield


def _journal(where: Places, wanted: "Wanted", order: m.Purge, now_ns: int) -> m.PurgeReply:
    """Through the recorder that writes it, or by ourselves."""
    try:
        connection = Connection(str(where.socket), timeout_s=_WAIT_S)
    except ProtocolError:
        return _own(where, wanted, order, now_ns)
    with connection:
        reply = connection.ask(order, m.PurgeReply)
        in_memory = connection.ask(m.Status(), m.StatusReply).store.state == health.DENIED
    return _own(where, wanted, order, now_ns) if in_memory else reply


def _own(where: Places, wanted: "Wanted", order: m.Purge, now_ns: int) -> m.PurgeReply:
    from wftui.model.event import Event, event
    from wftui.store import manifest
    from wftui.store.journal import NAME, Journal
    from wftui.store.purge import purge_journal

    if not (where.data_dir / NAME).exists():
        return m.PurgeReply(0, 0, 0, 0, 0, wiped=True)
    journal = Journal(where.data_dir / NAME)
    try:
        with closing(journal.reader()) as reader:
            (last,) = next(reader.rows("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event'"))
        done = purge_journal(journal, wanted)
        payload = {"before_ns": order.before_ns, "patterns": len(order.patterns), "ticks": done.ticks}
        made = event(now_ns, "store.purged", ("store", "journal"), {**payload, "segments": order.segments})
        seq = max(last, manifest.floor(where.data_dir).event_seq) + 1
        journal.write(events=[Event(seq, *(getattr(made, name) for name in Event.__struct_fields__[1:]))])
    finally:
        journal.close()
    return m.PurgeReply(*done)
