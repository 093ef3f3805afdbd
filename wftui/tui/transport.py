"""The transport bar of the past: where the cursor is on a bar of time, with events, marks and gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.render import text
from wftui.tui.blocks import UNKNOWN
from wftui.tui.chronicle import MARK
from wftui.tui.frame import Row, Segment, fit_row, join, plain, row_width
from wftui.tui.panels import events as words
from wftui.tui.scene import Body, empty, gap
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.model.event import Event
    from wftui.tui.glyphs import Glyphs
    from wftui.wire.recording import Recording

CELL_S: Final = 5
"""Seconds of one cell of the time bar."""
_REASONS: Final = (
    ("machine.down", "the machine went down"),
    ("recorder.unclean", "the recorder ended without a word"),
    ("clock.suspended", "the machine slept or was starved"),
    ("store.failed", "the journal could not be written"),
    ("clock.stepped", "the clock was set"),
    ("recorder.handover", "a handover"),
    ("recorder.stopped", "the recorder was stopped"),
    ("recorder.started", "no recorder ran"),
)
"""Why there is a gap, worst first."""


class Replay(NamedTuple):
    """What there is to say about the place in time."""

    second: int
    """Under the cursor, UTC."""
    newest: int
    playing: bool
    speed: float
    begin: int
    """The time bar's seconds [begin, end)."""
    end: int
    counts: Sequence[int]
    """Ticks in each of them."""
    first: int | None
    """Where the recording begins; None: not known."""
    events: Sequence[Event]
    """Of the time bar, in order of time."""
    gap: tuple[int | None, int | None] | None = None
    """Nothing was recorded at the cursor: the last second before and the first one after that have a tick."""
    reason: str = ""
    trouble: str = ""
    """Why nothing more can be told; empty: it can."""
    recording: Recording | None = None
    """What is replayed, when that is a recording that is over; None: what this machine's recorder keeps."""
    zone: str = ""
    """Whose time is shown, in words; empty: this machine's."""


def reason(around: Sequence[Event]) -> str:
    """What the events at a gap say about it; empty: nothing."""
    there = {item.type for item in around}
    return next((said for kind, said in _REASONS if kind in there), "")


def bar_cells(width: int) -> int:
    """Cells of the time bar on a screen of this width; the figures beside it take the rest."""
    return max(8, width - 20 - _figures_width(width))


def _figures_width(width: int) -> int:
    return 0 if width < 60 else 24 if width < 110 else 44 if width < 160 else 58


def bar_moment(replay: Replay, width: int, x: int) -> int | None:
    """The second that a column of the bar's line stands for; None: it is beside the time bar."""
    cell = x - 2 - len(text.clock(replay.begin))
    return replay.begin + cell * CELL_S if 0 <= cell < bar_cells(width) else None


def headline(replay: Replay, glyphs: Glyphs, width: int) -> Row:
    """The right end of the top line, instead of the clock and LIVE."""
    if replay.recording is not None:
        return _recorded(replay, replay.recording, glyphs, width)
    moment = replay.second
    age = text.duration(max(0, replay.newest - moment))
    dot = f" {glyphs.separator} "
    full: Row = [
        ("REPLAY ", "past"),
        (f"{text.day(moment)} ", "text"),
        (text.clock(moment), "strong"),
        (text.offset(moment), "dim"),
    ]
    long: Row = [*full, (dot, "faint"), (f"{age} ago", "text"), (dot, "faint"), *_speed(replay, glyphs), gap(1)]
    short: Row = [("REPLAY ", "past"), (text.clock(moment), "strong"), (f" {age} ago", "text"), gap(1)]
    tiny: Row = [("PAST ", "past"), (text.clock(moment), "strong"), gap(1)]
    return next((row for row in (long, short) if row_width(row) <= width * 3 // 4), tiny)


def _recorded(replay: Replay, recording: Recording, glyphs: Glyphs, width: int) -> Row:
    """The same for a recording that is over: when in it, in whose time, and from when to when it goes."""
    moment = replay.second
    dot: Segment = (f" {glyphs.separator} ", "faint")
    day: Segment = (f"{text.day(moment)} ", "text")
    time: Row = [(text.clock(moment), "strong"), (text.offset(moment), "dim")]
    zone: Row = [(f" {plain(replay.zone, glyphs, 40)}", "text")] if replay.zone else []
    whole = between(recording.first_s, recording.last_s + 1)
    span: Row = [dot, ("of ", "dim"), (whole, "text")]
    # The minutes tell enough where there is little room.
    begin, end = recording.first_s, recording.last_s + 1
    apart = text.day(begin) != text.day(end)
    brief = "-".join(f"{text.day(each)[5:]} " * apart + text.clock(each)[:5] for each in (begin, end))
    rows: list[Row] = [
        [day, *time, *zone, *span, dot, *_speed(replay, glyphs), gap(1)],
        [*time, *zone, *span, gap(1)],
        [*time, *zone, dot, (brief, "text"), gap(1)],
        [*time, *span, gap(1)],
        [*time, dot, (brief, "text"), gap(1)],
        [*time, gap(1)],
    ]
    return next((row for row in rows if row_width(row) <= width * 9 // 20), [time[0], gap(1)])


def _speed(replay: Replay, glyphs: Glyphs) -> Row:
    shown = f"{replay.speed:g}x" if replay.speed >= 1 else ("1/2x" if glyphs.ascii_only else "½x")
    state = glyphs.play if replay.playing else glyphs.pause
    return [(f"{shown} ", "text"), (state, "good" if replay.playing else "past")]


def bar(replay: Replay, glyphs: Glyphs, width: int) -> Row:
    """The whole line: begin, time bar with its cursor, end, and what is in view."""
    cells = bar_cells(width)
    row: Row = [gap(1), (text.clock(replay.begin), "dim"), gap(1), *_cells(replay, glyphs, cells), gap(1)]
    row.append((text.clock(min(replay.end, replay.newest + 1)), "dim"))
    room = width - row_width(row) - 3
    figures = _figures(replay, glyphs, room)
    return join(row, [*figures, gap(1)], width) if figures else fit_row(row, width)


def _cells(replay: Replay, glyphs: Glyphs, cells: int) -> Row:
    """One character for ``CELL_S`` seconds: cursor before mark before event before gap before time."""
    done, rest, hatch, blank = glyphs.bar
    cursor = (replay.second - replay.begin) // CELL_S
    signs: dict[int, tuple[str, str]] = {}
    for item in replay.events:
        place = (item.time_ns // NS_PER_S - replay.begin) // CELL_S
        rank = signs.get(place, ("", ""))[1]
        if item.type == MARK:
            signs[place] = ("m", "mark")
        elif rank != "mark" and (words.role(item) != "text" or not rank):
            bad = words.role(item) != "text"
            signs[place] = (glyphs.alert if bad else glyphs.bullet, words.role(item) if bad else "text")
    row: Row = []
    begins = replay.first if replay.first is not None else 0
    for place in range(cells):
        counts = replay.counts[place * CELL_S : (place + 1) * CELL_S]
        early = replay.begin + (place + 1) * CELL_S <= begins
        if place == cursor:
            segment = (glyphs.cursor, "past")
        elif place in signs:
            segment = signs[place]
        elif 0 in counts and not early:
            segment = (hatch, "faint")
        elif early or all(count == UNKNOWN for count in counts):
            segment = (blank, "faint")
        else:
            segment = (done, "past_frame") if place < cursor else (rest, "faint")
        if row and row[-1][1] == segment[1]:
            row[-1] = (row[-1][0] + segment[0], segment[1])
        else:
            row.append(segment)
    return row


def _figures(replay: Replay, glyphs: Glyphs, room: int) -> Row:
    """As much as fits of: trouble or the gap under the cursor, else speed, events in view, the nearest gap."""
    if replay.trouble:
        brief = "no recorder" if replay.recording is None else "its reader ended"
        return _fitting([[(plain(replay.trouble, glyphs), "bad")], [(brief, "bad")]], room)
    if replay.gap is not None:
        said = gap_words(replay)
        brief = said.partition(",")[0]
        why: Row = [(f" ({replay.reason})", "dim")] if replay.reason else []
        return _fitting([[(said, "warn"), *why], [(said, "warn")], [(brief, "warn")], [("gap", "warn")]], room)
    slower = "faint" if replay.speed <= 0.5 else "key"
    faster = "faint" if replay.speed >= 16 else "key"
    shown = "½x" if replay.speed < 1 and not glyphs.ascii_only else f"{replay.speed:g}x"
    speed: Row = [("<", slower), (f"{shown:^4}", "strong"), (">", faster)]
    found = sum(item.type != MARK for item in replay.events)
    marks = len(replay.events) - found
    told: Row = [gap(2), (f"{found}", "text"), (" event" + "s" * (found != 1), "dim")]
    if marks:
        told += [gap(2), (f"{marks}", "text"), (" mark" + "s" * (marks != 1), "dim")]
    holes = gaps(replay)
    nearest = min(holes, key=lambda hole: abs(hole[0] - replay.second), default=None)
    hole: Row = []
    if nearest is not None:
        hole = [gap(2), ("gap ", "dim"), (between(*nearest), "text")]
        if len(holes) > 1:
            hole.append((f" +{len(holes) - 1}", "dim"))
    return _fitting([[*speed, *told, *hole], [*speed, *told], speed], room)


def _fitting(rows: Sequence[Row], room: int) -> Row:
    return next((row for row in rows if row_width(row) <= room), [])


def gaps(replay: Replay) -> list[tuple[int, int]]:
    """Seconds [since, until) of the time bar in which nothing was recorded, though the recording had begun."""
    found: list[tuple[int, int]] = []
    begin: int | None = None
    for place, count in enumerate([*replay.counts, UNKNOWN]):
        if count == 0 and begin is None:
            begin = replay.begin + place
        elif count != 0 and begin is not None:
            if replay.first is None or begin > replay.first:
                found.append((begin, replay.begin + place))
            begin = None
    return found


def between(since: int, until: int) -> str:
    """``14:20:03-14:22:10``; with the day where it is another one."""
    first, last = text.clock(since), text.clock(until)
    if text.day(since) != text.day(until):
        first, last = f"{text.day(since)} {first}", f"{text.day(until)} {last}"
    return f"{first}-{last}"


def instead(replay: Replay, name: str, *, known: bool) -> Body | None:
    """The inside of a panel that has nothing to say about the moment; None: it has. ``known``: it has rows."""
    if name == "events" and not known:
        return empty("no events before this moment", "n goes to the next one")
    if replay.gap is not None and name in (
        "processes",
        "gpus",
        "gpu",
        "models",
        "model",
        "alert",
        "alerts",
        "ux",
        "sources",
    ):
        return empty("nothing was recorded at this moment", _beside(replay.gap, replay.second))
    if name == "processes" and not known:
        return empty("no process table was recorded at this moment", "a step on may reach one")
    return None


def _beside(gap: tuple[int | None, int | None], second: int) -> str:
    """The nearest seconds that were recorded."""
    there = [
        (text.clock(each) if text.day(each) == text.day(second) else f"{text.day(each)} {text.clock(each)}") + word
        for each, word in zip(gap, (" before", " after"), strict=True)
        if each is not None
    ]
    return f"recorded: {', '.join(there)}" if there else "nothing is recorded"


def gap_words(replay: Replay) -> str:
    """What is under the cursor, when that is nothing."""
    if replay.gap is None:
        return ""
    before, after = replay.gap
    if before is None and after is None:
        return "nothing was recorded"
    if before is None and after is not None:
        return f"before the recording, which begins {text.day(after)} {text.clock(after)}"
    if after is None and before is not None:
        return f"after the recording, which ends {text.day(before)} {text.clock(before)}"
    assert before is not None  # noqa: S101  the cases above
    assert after is not None  # noqa: S101  the cases above
    return f"gap {between(before + 1, after)}"
