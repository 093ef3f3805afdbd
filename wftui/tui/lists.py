"""Screens 2 to 4: the whole process table, all events, all sources."""

from __future__ import annotations

from wftui.model.event import Event
from wftui.render import text
from wftui.tui.frame import Row, cells, fit_row, outside, plain
from wftui.tui.panels import events, sources
from wftui.tui.panels.pressure import wrap
from wftui.tui.process import screen as process_screen
from wftui.tui.scene import Body, Scene, gap
from wftui.tui.state import State
from wftui.tui.ui import Ui


def found_events(state: State, wanted: str) -> list[Event]:
    """Events that hold a text (any case, in type, subject or payload), newest first."""
    needle = wanted.lower()
    return [
        item
        for item in reversed(state.events)
        if not needle or needle in f"{item.type} {item.aggregate_id} {events.words(item.payload)}".lower()
    ]


def draw_events(scene: Scene, ui: Ui, width: int, height: int) -> Body:
    """Newest first: time, type, what it is about, what it says."""
    wanted = ui.wanted["events"]
    known = scene.state.events
    if not known:
        return events.draw(scene, width, height)
    found = found_events(scene.state, wanted)
    room = max(0, height - 1)
    top, cursor = ui.window("events", len(found), room)
    dated = width >= 70
    stamp = 19 if dated else 8
    kind = 20 if width >= 60 else 14
    about = 18 if width >= 80 else 0
    head: Row = [(f"{'time':<{stamp}}   {'type':<{kind}} ", "dim")]
    if about:
        head.append((f"{'about':<{about}} ", "dim"))
    head.append(("what", "dim"))
    body: list[Row] = [fit_row(head, width)]
    for place in range(top, min(len(found), top + room)):
        item = found[place]
        moment = item.time_ns / 1e9
        shown = f"{text.day(moment)} {text.clock(moment)}" if dated else text.clock(moment)
        role = events.role(item)
        row: Row = [(shown, "dim"), gap(1), (events.glyph(scene, item), role), gap(1)]
        row += [(outside(item.type, kind, scene.glyphs), role), gap(1)]
        if about:
            row += [(outside(events.about(scene, item), about, scene.glyphs, middle=True), "text"), gap(1)]
        left = width - stamp - 3 - kind - 1 - (about + 1 if about else 0)
        said = plain(events.said(item), scene.glyphs) if about else events.summary(scene, item)
        row.append((outside(said, max(0, left), scene.glyphs), "text"))
        row = fit_row(row, width)
        body.append([("".join(piece for piece, _ in row), "select")] if place == cursor else row)
    if not found:
        body += [[("no event matches the filter", "dim")], [("Esc clears it", "dim")]]
    right: Row = [(f"{len(found)} of {len(known)}" if wanted else f"{len(known)}", "text")]
    if wanted:
        right = [("/", "mark"), (outside(wanted, 20, scene.glyphs).rstrip() + " ", "strong"), *right]
    return Body(body, right)


def _left_out(scene: Scene, width: int) -> list[Row]:
    """What a bundle does not hold, and why."""
    recording = scene.replay.recording if scene.replay is not None else None
    rows: list[Row] = []
    for sentence in recording.left_out if recording is not None else ():
        said = f"not in this bundle: {plain(sentence, scene.glyphs)}"
        rows += [fit_row([gap(2), *more], width) for more in wrap(scene, said, width - 2, "dim", 3)]
    return rows


def draw_sources(scene: Scene, ui: Ui, width: int, height: int) -> Body:
    """A line a source; below those that are not well, why and what to do."""
    found = sources.sorted_sources(scene.state.sources)
    if not found:
        return sources.untold(scene)
    wide = width >= 92
    head = f"  {'source':<14}{'state':<13}"
    head += f"{'every':>7} {'per call':>8} {'coverage':>9} {'last':>8} {'late':>6} {'failed':>7} " if wide else ""
    rows: list[Row] = [fit_row([(head + "why and what to do", "dim")], width)]
    lines: list[Row] = []
    starts: list[int] = []
    about: list[int] = []
    places = {item.source: place for place, item in enumerate(found)}
    chosen = places.get(ui.source, min(ui.places["sources"], len(found) - 1))
    ui.source = found[chosen].source
    for item in found:
        starts.append(len(lines))
        role = sources.ROLES.get(item.state, "dim")
        row: Row = [(scene.glyphs.health.get(item.state, "?") + " ", role)]
        row += [(outside(item.source, 13, scene.glyphs), "text"), gap(1), (f"{item.state:<13}", role)]
        if wide:
            every = f"{item.interval_s:g} s" if item.interval_s else "-"
            age = None if item.last_ns is None else max(0.0, (scene.now.time_ns - item.last_ns) / 1e9)
            row.append((f"{every:>7} {text.milliseconds(item.duration_s):>8} ", "text"))
            row.append((f"{text.percent(item.coverage):>9} {text.duration(age):>8} ", "text"))
            for count, columns, after in ((item.late, 6, " "), (item.failures, 7, " ")):
                shown = f"{count}" if count >= 0 else text.UNKNOWN
                row.append((f"{shown:>{columns}}{after}", "warn" if count > 0 else "faint"))
        indent = sum(len(piece) for piece, _ in row)
        said = plain(item.reason, scene.glyphs)
        if cells(said) <= width - indent:
            lines.append(fit_row([*row, (said, "dim")], width))
        else:
            lines.append(fit_row(row, width))
            lines += [fit_row([gap(16), *more], width) for more in wrap(scene, said, width - 16, "dim", 3)]
        if item.fix:
            step = f"{scene.glyphs.right} {plain(item.fix, scene.glyphs)}"
            lines += [fit_row([gap(16), *more], width) for more in wrap(scene, step, width - 16, "text", 3)]
        about += [len(starts) - 1] * (len(lines) - len(about))
    lines += _left_out(scene, width)
    about += [len(starts) - 1] * (len(lines) - len(about))
    room = max(0, height - 1)
    ui.places["sources"] = chosen
    ui.page = max(1, room // 2)
    begin, end = starts[chosen], (*starts[1:], len(lines))[chosen]
    lines[begin] = [("".join(piece for piece, _ in lines[begin]), "select")]
    # All that is said about the selected one stays in view.
    first = min(max(ui.tops["sources"], end - room), begin, max(0, len(lines) - room))
    ui.tops["sources"] = first
    ui.source_lines = about[first : first + room]
    rows += lines[first : first + room]
    return Body(rows, sources.counts(scene))


SCREENS = {"processes": process_screen.draw, "events": draw_events, "sources": draw_sources}
