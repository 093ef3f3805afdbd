"""One state of a machine for a command: from the recorder that runs, else from two readings of our own; or of a
moment of a bundle."""

import os
from collections.abc import Iterable

from wftui import __version__, clock, config
from wftui.client.queries import Connection
from wftui.clock import NS_PER_S
from wftui.errors import NoDataError, ProtocolError
from wftui.model.sample import Column
from wftui.model.tick import unpack
from wftui.paths import Places
from wftui.render import text
from wftui.render.report import State, rates
from wftui.store.read import GAP_NS
from wftui.wire import messages as m

_EVENTS = 10
_FRESH_S = 5
"""A tick older than this is no state of now."""
_TRIES = 6
_PAUSE_S = 0.5


def gather(places: Places) -> State:
    """Everything known now.

    Raises:
        ConfigError: The configuration cannot be read; only asked for when no recorder answers.
    """
    try:
        with Connection(str(places.socket)) as connection:
            state = _from_recorder(connection)
    except ProtocolError:  # nobody there, or of another version: our own readings are as true
        state = None
    return state or _own(places)


def at(connection: Connection, second: int) -> State:
    """One second (UTC) of a bundle, by who reads it.

    Raises:
        NoDataError: There is no tick; the message names its neighbours.
        ProtocolError: No good answer.
    """
    reply = connection.ask(m.At(second * NS_PER_S), m.AtReply)
    state = _told(connection, reply, (second + 1) * NS_PER_S)
    if state is None:
        beside = [reply.previous_s, reply.next_s]
        near = " and ".join(f"{text.day(each)} {text.clock(each)}" for each in beside if each is not None)
        raise NoDataError(
            f"nothing was recorded at {text.day(second)} {text.clock(second)}; the nearest is {near or 'nowhere'}"
        )
    return state


def _from_recorder(connection: Connection) -> State | None:
    """None: it has no fresh tick, not even after a while."""
    reply = _newest(connection)
    return _told(connection, reply, None) if reply is not None else None


def _told(connection: Connection, reply: m.AtReply, until_ns: int | None) -> State | None:
    """What somebody told of a moment; None: there is no tick. ``until_ns``: of the events; None: the newest."""
    if reply.tick is None or reply.layout is None:
        return None
    tick = reply.tick
    values = _known(reply.layout.columns, tick.values)
    grown: dict[str, float] = {}
    before = connection.ask(m.At((tick.time_s - 1) * NS_PER_S), m.AtReply)
    if before.tick is not None and before.layout is not None:
        elapsed_ns = tick.boottime_ns - before.tick.boottime_ns
        if before.tick.seq + 1 == tick.seq and before.tick.boot == tick.boot and 0 < elapsed_ns <= GAP_NS:
            old = _known(before.layout.columns, before.tick.values)
            grown = rates(old, values.values(), elapsed_ns / NS_PER_S)
    status = connection.ask(m.Status(), m.StatusReply)
    recording = connection.recorder.recording
    health = status.sources
    if recording is not None and tick.time_s != recording.last_s:
        # Told of the recording's end: at this moment it was so for who has been so since before it.
        health = [item for item in health if 0 < item.since_ns <= tick.time_s * NS_PER_S]
    events = connection.ask(m.Events(until_ns=until_ns, limit=_EVENTS, newest=True), m.EventsReply)
    return State(
        time_ns=tick.time_s * NS_PER_S,
        host=connection.recorder.hostname or os.uname().nodename,
        program=__version__,
        recorder=status if recording is None else None,
        values=values,
        rates=grown,
        tables={item.schema.name: (item.schema, item.change.rows) for item in reply.tables if item.schema},
        health=health,
        events=events.events,
        recording=recording,
    )


def _newest(connection: Connection) -> m.AtReply | None:
    """The newest closed tick; a recorder that just began has none for a second or two."""
    for attempt in range(_TRIES):
        now_s = clock.SystemClock().now().time_ns // NS_PER_S
        reply = connection.ask(m.At(now_s * NS_PER_S), m.AtReply)
        if reply.tick is None and reply.previous_s is not None and now_s - reply.previous_s <= _FRESH_S:
            reply = connection.ask(m.At(reply.previous_s * NS_PER_S), m.AtReply)
        if reply.tick is not None:
            return reply
        if attempt + 1 < _TRIES:
            clock.sleep(_PAUSE_S)
    return None


def _own(places: Places) -> State:
    from wftui.collectors.registry import host_collectors
    from wftui.recorder.brief import sample_twice

    settings = config.load(places)
    disabled, groups = settings.names("sources.disabled"), settings.names("store.groups_disabled")
    there = host_collectors(
        read_ranks=settings.flag("gpu.read_ranks"),
        servers=settings.names("servers.endpoints"),
        discover=settings.flag("servers.discover"),
        core=settings.text("core.url"),
    )
    wanted = [item for item in there if item.name not in disabled]
    brief = sample_twice(wanted, clock.SystemClock())
    known = _known(brief.layout.columns, brief.second.values)
    values = {text: item for text, item in known.items() if item[0].group not in groups}
    elapsed_s = (brief.second.boottime_ns - brief.first.boottime_ns) / NS_PER_S
    return State(
        time_ns=max((item.time_ns for item in brief.tables), default=brief.second.time_s * NS_PER_S),
        host=os.uname().nodename,
        program=__version__,
        recorder=None,
        values=values,
        rates=rates(_known(brief.first_layout.columns, brief.first.values), values.values(), elapsed_s),
        tables={item.schema.name: (item.schema, item.rows) for item in brief.tables},
        health=list(brief.health),
        events=[],
    )


def _known(columns: Iterable[Column], values: bytes) -> dict[str, tuple[Column, float]]:
    pairs = zip(columns, unpack(values), strict=True)
    return {column.series.text: (column, value) for column, value in pairs if value == value}
