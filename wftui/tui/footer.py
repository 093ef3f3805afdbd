"""The line of keys: those of this screen, and of the past while that is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wftui.tui.actions import ACTIONS, keys_of
from wftui.tui.alerts_screen import seen
from wftui.tui.frame import Row, fit_row, join, outside, plain, row_width
from wftui.tui.process import filter as filters
from wftui.tui.scene import Scene, gap
from wftui.tui.ui import Ui

if TYPE_CHECKING:
    from wftui.tui.alerts_screen.model import AlertsScreen

_ROOMY = 100
"""Columns from which on the process list has room for the keys that everybody guesses."""
_WIDE = 130
"""The same for the overview."""
_OF_NOW = frozenset({"time.bundle", "time.live", "time.mark"})
"""Actions that a recording which is over has no use for."""


def footer(scene: Scene, ui: Ui, width: int) -> Row:
    """The filter while it is typed, a word to the person, or the keys of this screen."""
    glyphs = scene.glyphs
    if ui.filtering:
        typed = outside(ui.wanted[ui.filter_name], max(1, min(60, width - 34)), glyphs).rstrip()
        hint: Row = [("Enter", "key"), (" keep  ", "dim"), ("Esc", "key"), (" clear ", "dim")]
        line: Row = [(" / ", "mark"), (typed, "strong"), (" ", "cursor")]
        if ui.filter_name == "processes" and (wrong := filters.parse(ui.wanted["processes"]).wrong):
            # The first one: whoever types mends it before going on.
            said = plain(f"{wrong[0].piece}: {wrong[0].why}", glyphs, 200)
            line += [gap(1), (f"{glyphs.alert} {said}", "warn")]
            return fit_row(line, width)
        return join(line, hint if width >= 60 else [], width)
    if ui.shown == "timeline" and ui.timeline is not None and ui.timeline.picker is not None:
        from wftui.tui.timeline import picker  # here: it is loaded already, and by nobody else

        return fit_row(picker.footer(), width)
    if ui.notice:
        return fit_row([gap(1), (plain(ui.notice, glyphs), ui.notice_role)], width)
    past = scene.replay is not None
    wanted = frozenset(_wanted(scene, ui, width))
    shown: list[tuple[str, str]] = []
    waits = ("", "")
    over = scene.replay is not None and scene.replay.recording is not None
    for action in ACTIONS:
        if over and action.id in _OF_NOW:
            continue
        if action.id in wanted:
            key = keys_of(action, ascii_only=glyphs.ascii_only).split(" ")[0]
            title = action.short or action.title.lower()
            if action.id == "time.play" and not past:
                title = "rewind"
            # Two ways of one thing stand together: ``n N event``.
            if shown and shown[-1][1] == title:
                key = f"{shown.pop()[0]} {key}"
            shown.append((key, title))
            if action.id == "screen.alerts" and seen.loud(scene.state)[0]:
                waits = shown[-1]
    spaces = 3
    while True:
        row: Row = [gap(1)]
        for key, title in shown:
            row += [(key, "key"), (f" {title}{' ' * spaces}", "dim")]
        # Help and quit stay longest: they lead to all the others; while something waits for somebody, alerts too.
        kept = 2 + (waits in shown)
        if row_width(row) - spaces <= width or len(shown) <= kept:
            return fit_row(row, width)
        if spaces > 2:
            spaces -= 1
        else:
            shown.pop(-4 if shown[-3] == waits else -3)


def _wanted(scene: Scene, ui: Ui, width: int) -> list[str]:
    """Ids of the actions whose keys are shown on this screen."""
    screens = ("processes", "events", "sources", "timeline", "gpus", "models", "alerts", "energy")
    wanted = [f"screen.{name}" for name in screens]
    past = scene.replay is not None
    if ui.arrange is not None:
        if ui.arrange.menu is not None:
            return ["arrange.enter", "back"]
        own = [action.id for action in ACTIONS if action.screen == "arrange" and action.short]
        return [*own[:-1], "back", "view.help"]
    if ui.shown == "processes":
        wanted = ["list.filter", "process.sort", "process.sort_back", "process.reverse", "process.tree"]
        wanted += ["process.fold", "process.unfold"] if ui.work.tree else []
        wanted += ["process.tag", *(["process.untag"] if ui.work.tagged else []), "process.follow"]
        wanted += ["open", "process.signal", "back"]
        if width < _ROOMY:
            guessed = ("back", "process.reverse", "open" if ui.work.tree else "")
            wanted = [name for name in wanted if name not in guessed]
        if scene.readonly or past:
            wanted.remove("process.signal")
    elif ui.shown == "events":
        wanted = ["list.filter", "open", "back"]
    elif ui.shown == "sources" and not past:
        wanted = ["source.switch", "back"]
    elif ui.shown == "timeline" and ui.timeline is not None:
        wanted = ui.timeline.keys()
    elif ui.shown == "energy":
        wanted = ["energy.next", "energy.full", "energy.evidence", "back"]
        wanted += ["energy.up", "energy.down"] if width >= _ROOMY else []
    elif ui.shown == "gpu":
        wanted = ["gpu.pane", "gpu.graphs", "gpu.previous", "gpu.following", "gpu.mine", "open", "back"]
        if ui.gpu is not None and ui.gpu.inside and not (scene.readonly or past):
            wanted.append("process.signal")
    elif ui.shown == "model":
        wanted = ["list.filter", "model.sort", "model.zoom_in", "model.zoom_out", "open", "back"]
        if ui.models is not None and ui.models.inside:
            wanted = ["model.previous", "model.following", "back"]
    elif ui.editing:
        return ["rule.up", "rule.down", "rule.less", "rule.more", "rule.ship", "rule.write", "back", "view.help"]
    elif ui.shown == "alert" and ui.alerts is not None:
        wanted = _alerts(ui.alerts, looks=scene.readonly or past)
        wanted += ["back"] if width >= _ROOMY else []
    elif ui.shown == "settings":
        wanted = ["settings.change", "settings.unset", "view.theme", "view.arrange", "back"]
    elif scene.plan.lengthy(ui.expanded):
        series = ["panel.series"] if ui.expanded in scene.plan.graphs else []
        wanted = ["panel.zoom_in", "panel.zoom_out", *series, "back"]
    elif ui.shown:
        wanted = ["back"]
    elif scene.plan.lengthy(ui.focus) and not past:
        last = "panel.series" if ui.focus in scene.plan.graphs else "open"
        wanted = ["panel.next", "panel.expand", "panel.zoom_in", "panel.zoom_out", last, "back"]
    elif ui.focus and not past:
        wanted = ["panel.next", "panel.expand", "open", "back"]
    elif past:
        wanted = [action.id for action in ACTIONS if action.section == "Time" and action.short]
    else:
        # To leave live is what nobody guesses; Tab is.
        wanted += ["panel.next", "time.play"] if width >= _WIDE else ["time.play"]
    if past and ui.shown and ui.shown != "timeline":
        wanted += ["time.play", "time.live", "time.back", "time.forward"]
    if ui.shown != "settings":
        wanted += ["view.origin", *(["view.copy_command"] if scene.copies else [])]
    return [*wanted, *(["view.copy"] if scene.copies else []), "view.help", "view.quit"]


def _alerts(screen: AlertsScreen, *, looks: bool) -> list[str]:
    """``looks``: nothing can be done, only looked at."""
    orders = {
        "alerts": ["acknowledge", "silence", "resolve", "edit"],
        "rules": ["silence", "edit"],
        "silences": ["unsilence"],
    }
    wanted = [*([] if looks else orders[screen.tab]), "tab", "expand"]
    wanted += ["rewind"] if screen.tab == "alerts" else []
    wanted += [] if screen.inside else ["sort", *(["group"] if screen.tab == "alerts" else [])]
    more = ["time.bundle"] if screen.tab == "alerts" else []
    return [f"alert.{name}" for name in wanted] + more + ([] if screen.inside else ["list.filter"])
