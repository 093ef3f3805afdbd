"""The top line: host, verdict, what the recorder and this view cost, clock, link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.render import text
from wftui.tui import transport
from wftui.tui.alerts_screen import seen
from wftui.tui.frame import Row, join, outside, plain, row_width
from wftui.tui.quality import headline
from wftui.tui.scene import gap, keep
from wftui.tui.state import CONNECTING, LIVE
from wftui.tui.verdict import Verdict, verdict

if TYPE_CHECKING:
    from wftui.tui.scene import Scene
    from wftui.tui.state import State

_NAMED: Final = 50
"""Columns from which on the severity of alerts is a whole word."""
_WORDED: Final = 72
"""Columns from which on it says what is given up."""
_SCORED: Final = 96
"""From here on the health score stands there always."""
_WELL: Final = 90
_ILL: Final = 70
"""Health scores from which on a machine is well, and is not ill."""


def top_line(scene: Scene, width: int) -> Row:
    """Host, verdict, recorder and own cost, clock, link."""
    if scene.replay is not None:
        return _past_line(scene, scene.replay, width)
    state = scene.state
    now_s = scene.now.time_ns / 1e9
    away = max(0.0, (scene.now.boottime_ns - state.link_since_ns) / 1e9)
    glyphs = scene.glyphs
    if state.hello is not None and state.hello.recording is not None:
        link: Row = [("OPENING", "warn")]
    elif state.link == LIVE:
        link = [(f"{glyphs.live} ", "good"), ("LIVE", "strong")]
    elif state.link == CONNECTING:
        link = [("CONNECTING", "warn")]
    else:
        link = [(f"{glyphs.lost} ", "bad"), (f"DISCONNECTED {text.duration(away)}", "bad")]
    found = _worst(state)
    known = state.tick is not None
    glyph = glyphs.ok if found.level == "good" else glyphs.alert
    said = plain(found.sentence, glyphs)
    level = found.level
    if not known:
        why = f": {plain(state.link_reason, glyphs, 120)}" if state.link_reason else ""
        glyph, said, level = glyphs.none, f"no data yet{why}", "dim"
    elif state.link != LIVE and state.tick is not None:
        # What was well then says nothing about now.
        glyph, said, level = glyphs.lost, f"no data since {text.clock(state.tick.time_s + 1)}", "bad"
    clock = text.clock(now_s)
    right: Row = [(clock, "strong"), gap(2), *link, gap(1)] if width >= 60 else [(clock, "strong"), gap(1)]
    if width >= 60:
        zone = (text.offset(now_s), "dim")
        right = [(clock, "strong"), zone, gap(2), *link, gap(1)] if width >= 72 else right
    elif state.link != LIVE and width >= 24:
        right = [*link, gap(1)]
    own = own_cost(scene)
    memory_piece = ("", "")
    if width >= 84 and state.link == LIVE:
        cost = text.percent(own).strip()
        recorder: Row = [("own ", "dim"), (f"{cost:>5}", "text"), gap(3)]
        if width >= 112:
            memory = state.value("wftop.memory.usage") + scene.own_memory
            memory_piece = (f" {text.size(memory).strip():>8}", "dim")
            mode = state.hello.mode if state.hello else ""
            stored = "" if state.hello is None or state.hello.session else " memory only"
            recorder = [
                ("rec ", "dim"),
                (glyphs.live if state.link == LIVE else glyphs.lost, "good" if state.link == LIVE else "bad"),
                (f"{stored} {scene.refresh_s:g} s   " if mode else "   ", "dim"),
                ("own ", "dim"),
                (f"{cost:>5}", "text"),
                memory_piece,
                gap(3),
            ]
        if width >= 112 and scene.lag_s == scene.lag_s:
            lag = text.milliseconds(scene.lag_s).strip()
            recorder += [("lag ", "dim"), (f"{lag:>6}", "warn" if scene.lag_s > 0.5 else "text"), gap(3)]
        right = [*recorder, *right]
    right = [*_given_up(scene, width), *headline(scene, width), *_health(state, width), *right]
    left = _whose(scene, width, 60) + _alarms(scene, width)
    if memory_piece in right and row_width(left) + len(said) + row_width(right) + 4 > width:
        right.remove(memory_piece)  # what is wrong says more than what it costs to know it
    if row_width(right) >= width - 4:
        right = []
    left.append((f"{glyph} ", level))
    room = max(0, width - row_width(left) - row_width(right) - ((2 if width >= 60 else 1) if right else 0))
    left.append((outside(said, room, glyphs).rstrip(), level if level != "good" else "text"))
    return join(left, [gap(1), *right] if right else [], width)


def _whose(scene: Scene, width: int, least: int) -> Row:
    """The host, from ``least`` columns on; the demo and a recording say at any width that it is not this one."""
    state = scene.state
    if state.hello is not None and state.hello.recording is not None:
        name = outside(state.hostname, 24, scene.glyphs).rstrip() if width >= _NAMED else ""
        return [gap(1), (" REPLAY ", "cursor"), gap(1), (name, "strong"), gap(2 if name else 0)]
    if state.hello is not None and state.hello.demo:
        return [gap(1), (" DEMO ", "cursor"), gap(2)]
    host = outside(state.hostname or "wftop", 24, scene.glyphs).rstrip() if width >= least else ""
    return [gap(1), (host, "strong"), gap(3)] if host else ([gap(1)] if width >= 8 else [])


def _alarms(scene: Scene, width: int) -> Row:
    """How many alerts wait for somebody, and how bad the worst is."""
    words, role = seen.loud(scene.state, 8 if width >= _NAMED else 4)
    if not words or width < 24:
        return []
    return [(f"{scene.glyphs.alert} {words}", role), gap(3 if width >= _NAMED else 1)]


def _worst(state: State) -> Verdict:
    """The verdict of this second: it took a third of a frame, of which there are ten a second on some screens."""
    made_of = (state.second, state.table_version, id(state.sources))
    return keep(state, "verdict", made_of, lambda: verdict(state))


def _past_line(scene: Scene, replay: transport.Replay, width: int) -> Row:
    """Host, the verdict of then, and when that was."""
    glyphs = scene.glyphs
    right = [*_given_up(scene, width), *headline(scene, width), *transport.headline(replay, glyphs, width)]
    found = _worst(scene.state)
    glyph, said, level = glyphs.ok if found.level == "good" else glyphs.alert, found.sentence, found.level
    left = _whose(scene, width, 100) + _alarms(scene, width)
    if replay.gap is not None:
        room = width - row_width(right) - row_width(left) - 4
        said = transport.gap_words(replay)
        glyph, level = glyphs.none, "warn"
        said = said if len(said) <= room else said.partition(",")[0]
    left += [(f"{glyph} ", level), (plain(said, glyphs), "text" if level == "good" else level)]
    return join(left, [gap(2), *right], width)


def _given_up(scene: Scene, width: int) -> Row:
    """What the terminal gets less of while it does not keep up, where there is room for the word."""
    return [(scene.given_up, "warn"), gap(3 if width >= 84 else 2)] if scene.given_up and width >= _WORDED else []


def _health(state: State, width: int) -> Row:
    """The health score; with little room only one that says something."""
    score = state.value("wftop.health.score")
    if score != score or state.link != LIVE or width < _WORDED or (width < _SCORED and score >= _WELL):
        return []
    role = "good" if score >= _WELL else "warn" if score >= _ILL else "bad"
    return [("health ", "dim"), (f"{score:.0f}", role), gap(3 if width >= 84 else 2)]


def own_cost(scene: Scene) -> float:
    """CPU of the recorder and of this view; 1 = one core."""
    return scene.state.value("wftop.cpu.utilization") + scene.own_cpu
