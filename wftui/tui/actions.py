"""Every action of the view, once: keys, help and footer come from this table, so they cannot disagree.

Ids are stable: people bind keys to them.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Action(NamedTuple):
    """Something a key does."""

    id: str
    title: str
    keys: tuple[str, ...]
    """As the toolkit names them."""
    run: str
    """Method of ``Commands`` that carries it out."""
    section: str
    argument: str = ""
    short: str = ""
    """The title where there is little room; empty: the title itself, small."""
    screen: str = ""
    """The only screen where its keys are valid, there before those of all screens; empty: everywhere."""


def _timeline(name: str, title: str, keys: tuple[str, ...], argument: str, short: str = "") -> Action:
    return Action(f"timeline.{name}", title, keys, "timeline", "Timeline", argument, short, "timeline")


def _process(name: str, title: str, keys: tuple[str, ...], argument: str, short: str = "") -> Action:
    return Action(f"process.{name}", title, keys, "process", "Process list", argument, short, "processes")


def _gpu(name: str, title: str, keys: tuple[str, ...], argument: str, short: str = "") -> Action:
    return Action(f"gpu.{name}", title, keys, "gpu", "GPUs", argument, short, "gpu")


def _model(name: str, title: str, keys: tuple[str, ...], argument: str, short: str = "") -> Action:
    return Action(f"model.{name}", title, keys, "model", "Models", argument, short, "model")


def _alert(name: str, title: str, keys: tuple[str, ...], argument: str, short: str = "") -> Action:
    return Action(f"alert.{name}", title, keys, "alert", "Alerts", argument, short, "alert")


def _rule(name: str, title: str, keys: tuple[str, ...], short: str = "") -> Action:
    return Action(f"rule.{name}", title, keys, "rule", "Rule", name, short, "rule")


def _energy(name: str, title: str, keys: tuple[str, ...], short: str = "") -> Action:
    return Action(f"energy.{name}", title, keys, "energy", "Energy", name, short, "energy")


def _arrange(name: str, title: str, keys: tuple[str, ...], argument: str, short: str = "") -> Action:
    return Action(f"arrange.{name}", title, keys, "arrange", "Arrange", argument, short, "arrange")


def _setting(name: str, title: str, keys: tuple[str, ...], short: str = "") -> Action:
    return Action(f"settings.{name}", title, keys, "setting", "Settings", name, short, "settings")


ACTIONS: Final = (
    Action("screen.overview", "Overview", ("1",), "show", "Screens", "overview"),
    Action("screen.processes", "Processes", ("2",), "show", "Screens", "processes"),
    Action("screen.events", "Events", ("3",), "show", "Screens", "events"),
    Action("screen.sources", "Sources", ("4",), "show", "Screens", "sources"),
    Action("screen.timeline", "Timeline", ("5",), "show", "Screens", "timeline"),
    Action("screen.gpus", "GPUs", ("6",), "show", "Screens", "gpu"),
    Action("screen.models", "Models", ("7",), "show", "Screens", "model"),
    Action("screen.alerts", "Alerts", ("8", "A"), "show", "Screens", "alert"),
    Action("screen.energy", "Energy & UX", ("9",), "show", "Screens", "energy"),
    Action("panel.next", "Next panel", ("tab",), "focus", "Panels", "1", "panel"),
    Action("panel.previous", "Previous panel", ("shift+tab",), "focus", "Panels", "-1"),
    Action("panel.expand", "Expand the panel, and back", ("e",), "expand", "Panels", short="expand"),
    Action("panel.zoom_in", "Less of the past", ("z",), "zoom", "Panels", "-1", "zoom"),
    Action("panel.zoom_out", "More of the past", ("Z",), "zoom", "Panels", "1", "zoom"),
    Action("panel.series", "Choose the series of a graph", ("p",), "series", "Panels", "", "series"),
    Action("open", "Open what is selected", ("enter",), "open", "Panels", short="open"),
    Action("back", "Back: closes one thing", ("escape",), "back", "Panels", short="back"),
    Action("list.up", "Up", ("up", "k"), "move", "Lists", "-1"),
    Action("list.down", "Down", ("down", "j"), "move", "Lists", "1"),
    Action("list.page_up", "Page up", ("pageup",), "page", "Lists", "-1"),
    Action("list.page_down", "Page down", ("pagedown",), "page", "Lists", "1"),
    Action("list.top", "First", ("g", "home"), "edge", "Lists", "-1"),
    Action("list.bottom", "Last", ("G", "end"), "edge", "Lists", "1"),
    Action("list.filter", "Filter", ("slash",), "filter", "Lists"),
    Action("process.sort", "Next sort column", ("s",), "sort", "Processes", "1", "sort"),
    Action("process.sort_back", "Previous sort column", ("S",), "sort", "Processes", "-1", "sort"),
    _process("tree", "Tree, and back to the list", ("t",), "tree", "tree"),
    _process("fold", "Fold a branch into its sums", ("left_square_bracket",), "fold", "fold"),
    _process("unfold", "Unfold it", ("right_square_bracket",), "unfold", "fold"),
    _process("fold_all", "Fold all branches", ("left_curly_bracket",), "fold_all"),
    _process("unfold_all", "Unfold all", ("right_curly_bracket",), "unfold_all"),
    _process("tag", "Tag or untag", ("c",), "tag", "tag"),
    _process("tag_below", "Tag with all below it", ("C",), "tag_below"),
    _process("untag", "Untag all", ("U",), "untag_all", "untag"),
    Action("process.signal", "Send a signal", ("f9", "K"), "signal", "Processes", short="signal"),
    _process("nice", "Change its priority (nice)", ("f8",), "nice"),
    _process("follow", "Follow: the cursor stays on it", ("F",), "follow", "follow"),
    Action("process.reverse", "Reverse the order", ("r",), "reverse", "Processes", short="reverse"),
    Action("source.switch", "Switch the source off or on", ("o",), "switch", "Sources", "", "off/on", "sources"),
    Action("time.play", "Leave live; play and pause", ("space",), "play", "Time", short="play"),
    Action("time.live", "Back to live", ("grave_accent",), "live", "Time", short="live"),
    Action("time.back", "One sample back", ("left",), "step", "Time", "-1", short="step"),
    Action("time.forward", "One sample on", ("right",), "step", "Time", "1", short="step"),
    Action("time.minute_back", "One minute back", ("shift+left",), "jump", "Time", "-60"),
    Action("time.minute_forward", "One minute on", ("shift+right",), "jump", "Time", "60"),
    Action("time.go", "Go to a time", ("at",), "time", "Time", short="go to"),
    Action("time.next_event", "Next event", ("n",), "event", "Time", "1", short="event"),
    Action("time.previous_event", "Previous event", ("N",), "event", "Time", "-1", short="event"),
    Action("time.slower", "Play slower", ("less_than_sign",), "speed", "Time", "-1"),
    Action("time.faster", "Play faster", ("greater_than_sign",), "speed", "Time", "1"),
    Action("time.mark", "Set a mark", ("m",), "mark", "Time", short="mark"),
    Action("time.bundle", "Make an incident bundle", ("x",), "bundle", "Time", short="bundle"),
    Action("time.export", "Export what is in view", ("X",), "export", "Time", short="export"),
    Action("time.last_minute", "The minute before the crash", ("b",), "last_minute", "Time"),
    _timeline("pick", "Choose series", ("slash",), "pick", "series"),
    _timeline("in", "Zoom in around the cursor", ("z",), "zoom_in", "zoom"),
    _timeline("out", "Zoom out", ("Z",), "zoom_out", "zoom"),
    _timeline("left", "Cursor to the left", ("left",), "left"),
    _timeline("right", "Cursor to the right", ("right",), "right"),
    _timeline("far_left", "Left by ten columns", ("shift+left",), "far_left"),
    _timeline("far_right", "Right by ten columns", ("shift+right",), "far_right"),
    _timeline("begin", "Where the recording begins", ("home", "g"), "begin"),
    _timeline("now", "Now", ("end", "G"), "now", "now"),
    _timeline("up", "Lanes up, lines up in a table", ("up", "k"), "up"),
    _timeline("down", "Lanes down, lines down", ("down", "j"), "down"),
    _timeline("page_up", "Page up", ("pageup",), "page_up"),
    _timeline("page_down", "Page down", ("pagedown",), "page_down"),
    _timeline("next", "Next event", ("n",), "next_event", "event"),
    _timeline("previous", "Previous event", ("N",), "previous_event", "event"),
    _timeline("open", "Look at that moment", ("enter",), "open", "look"),
    _timeline("a", "Range A: begin, then end", ("a",), "range_a", "range"),
    _timeline("b", "Range B: begin, then end", ("b",), "range_b", "range"),
    _timeline("compare", "Compare A and B", ("d",), "compare", "compare"),
    _timeline("compare_all", "Compare A and B in all series", ("D",), "compare_all", "all"),
    _gpu("up", "GPU above; up in a pane", ("up", "k"), "up"),
    _gpu("down", "GPU below; down in a pane", ("down", "j"), "down"),
    _gpu("previous", "GPU above, from a pane too", ("left_square_bracket",), "previous", "gpu"),
    _gpu("following", "GPU below, from a pane too", ("right_square_bracket",), "next", "gpu"),
    _gpu("first", "First", ("home",), "first"),
    _gpu("last", "Last", ("end", "G"), "last"),
    _gpu("page_up", "Page up in the pane", ("pageup",), "page_up"),
    _gpu("page_down", "Page down in the pane", ("pagedown",), "page_down"),
    _gpu("pane", "Next pane", ("tab",), "pane", "pane"),
    _gpu("pane_back", "Previous pane", ("shift+tab",), "pane_back"),
    _gpu("processes", "Processes of this GPU", ("p",), "processes", "processes"),
    _gpu("graphs", "Other graphs: memory, heat", ("g",), "graphs", "graphs"),
    _gpu("by", "Holders by user or job", ("w",), "by", "who"),
    _gpu("mine", "This shell's GPUs only, or all", ("v",), "mine", "mine"),
    _model("up", "Server or model above", ("up", "k"), "up"),
    _model("down", "Server or model below", ("down", "j"), "down"),
    _model("previous", "Server above, from details too", ("left_square_bracket",), "previous", "server"),
    _model("following", "Server below, from details too", ("right_square_bracket",), "next", "server"),
    _model("first", "First", ("home", "g"), "first"),
    _model("last", "Last", ("end", "G"), "last"),
    _model("page_up", "Page up", ("pageup",), "page_up"),
    _model("page_down", "Page down", ("pagedown",), "page_down"),
    _model("sort", "Next order of the servers", ("s",), "sort", "sort"),
    _model("reverse", "The other way round", ("r",), "reverse"),
    _model("zoom_in", "Less of the past", ("z",), "zoom_in", "zoom"),
    _model("zoom_out", "More of the past", ("Z",), "zoom_out", "zoom"),
    _alert("acknowledge", "Acknowledge, with a note", ("a",), "acknowledge", "acknowledge"),
    _alert("silence", "Silence the alert or rule", ("S",), "silence", "silence"),
    _alert("resolve", "Resolve it", ("R",), "resolve", "resolve"),
    _alert("unsilence", "End the silence", ("U",), "unsilence"),
    _alert("edit", "Change its numbers", ("E",), "edit", "edit"),
    _alert("rewind", "Go to when it fired", ("enter",), "rewind", "rewind"),
    _alert("tab", "Alerts, rules, silences", ("tab",), "tab", "lists"),
    _alert("tab_back", "The list before", ("shift+tab",), "tab_back"),
    _alert("expand", "Its details, and back", ("e",), "expand", "details"),
    _alert("sort", "Next order of the list", ("s",), "sort", "sort"),
    _alert("reverse", "The other way round", ("r",), "reverse"),
    _alert("group", "Other groups", ("w",), "group", "group"),
    _alert("zoom_in", "Less of the past", ("z",), "zoom_in", "zoom"),
    _alert("zoom_out", "More of the past", ("Z",), "zoom_out", "zoom"),
    _alert("up", "Up", ("up", "k"), "up"),
    _alert("down", "Down", ("down", "j"), "down"),
    _alert("page_up", "Page up", ("pageup",), "page_up"),
    _alert("page_down", "Page down", ("pagedown",), "page_down"),
    _alert("first", "First", ("home", "g"), "first"),
    _alert("last", "Last", ("end", "G"), "last"),
    _rule("up", "Number above", ("up",), "number"),
    _rule("down", "Number below", ("down",), "number"),
    _rule("less", "A little less", ("minus", "left"), "step"),
    _rule("more", "A little more", ("plus", "right"), "step"),
    _rule("ship", "Back to what ships with wftop", ("u",), "as it ships"),
    _rule("write", "Write it into a file of yours", ("enter",), "write"),
    _energy("next", "Streams, power, UX & fidelity", ("tab",), "page"),
    _energy("previous", "The page before", ("shift+tab",)),
    _energy("full", "Full motion for a minute", ("f", "enter"), "motion"),
    _energy("evidence", "What stands for which number", ("v",), "evidence"),
    _energy("up", "Lines above", ("up", "k"), "lines"),
    _energy("down", "Lines below", ("down", "j"), "lines"),
    _setting("up", "Up", ("up", "k")),
    _setting("down", "Down", ("down", "j")),
    _setting("page_up", "Page up", ("pageup",)),
    _setting("page_down", "Page down", ("pagedown",)),
    _setting("first", "First", ("home", "g")),
    _setting("last", "Last", ("end", "G")),
    _setting("change", "Next choice, or type a value", ("enter",), "change"),
    _setting("unset", "Take it out of settings.toml", ("u",), "unset"),
    Action("view.origin", "Where these numbers come from", ("i",), "origin", "View", "", "origin"),
    Action("view.why", "Why: what changed now or then", ("W",), "why", "View", "why", "why"),
    Action("view.health", "What the health score lacks", ("H",), "why", "View", "health", "health"),
    Action("view.copy", "Copy the row or value", ("y",), "copy", "View", "row", "copy"),
    Action("view.copy_command", "Copy the export command", ("Y",), "copy", "View", "command", "copy"),
    Action("view.settings", "Settings", ("f2",), "settings", "View"),
    Action("view.theme", "Next theme", ("T",), "theme", "View", "", "theme"),
    Action("view.quality", "Full quality for an hour", ("Q",), "quality", "View", "", "quality"),
    Action("view.slower", "Refresh less often", ("minus",), "refresh", "View", "1"),
    Action("view.faster", "Refresh more often", ("plus",), "refresh", "View", "-1"),
    _arrange("grab", "Take it: arrows move it", ("m",), "grab", "move"),
    _arrange("left", "Panel on the left", ("left",), "go left"),
    _arrange("right", "Panel on the right", ("right",), "go right"),
    _arrange("up", "Panel above", ("up", "k"), "go up"),
    _arrange("down", "Panel below", ("down", "j"), "go down"),
    _arrange("narrower", "Narrower", ("shift+left",), "resize left", "size"),
    _arrange("wider", "Wider", ("shift+right",), "resize right", "size"),
    _arrange("lower", "Lower", ("shift+up",), "resize up"),
    _arrange("higher", "Higher", ("shift+down",), "resize down"),
    _arrange("stack", "Below the panel on its left", ("s",), "stack", "stack"),
    _arrange("hide", "Hide the panel", ("space",), "hide", "hide"),
    _arrange("add", "Add a panel or a graph", ("a",), "add", "add"),
    _arrange("options", "Options of the panel", ("o",), "options", "options"),
    _arrange("write", "Write the layout", ("w",), "write", "write"),
    _arrange("enter", "Choose in a menu, let go", ("enter",), "enter", "choose"),
    Action("view.arrange", "Arrange the panels", ("L",), "arrange", "View", "begin", "arrange"),
    Action("view.layout", "Next layout", ("l",), "layout", "View", "1", "layout"),
    Action("view.palette", "Find an action by its name", ("colon", "ctrl+p"), "palette", "View", "", "find"),
    Action("view.help", "Help", ("question_mark", "h", "f1"), "help", "View"),
    Action("view.redraw", "Draw everything anew", ("ctrl+l",), "redraw", "View"),
    Action("view.suspend", "Back to the shell; fg returns", ("ctrl+z",), "suspend", "View"),
    Action("view.quit", "Quit", ("q", "ctrl+c"), "quit", "View"),
)
BY_KEY: Final = {key: action for action in ACTIONS if not action.screen for key in action.keys}
"""Actions that are valid everywhere."""
ON_SCREEN: Final = {
    screen: {key: action for action in ACTIONS if action.screen == screen for key in action.keys}
    for screen in sorted({action.screen for action in ACTIONS if action.screen})
}
"""Screen to its own actions by key: they come before ``BY_KEY``."""
WHILE_ARRANGING: Final = frozenset({"arrange", "back", "help", "palette", "quit", "suspend", "redraw", "refresh"})
"""Methods of the actions that do not take the overview away from who arranges it."""
WHILE_EDITING: Final = frozenset({"rule", "back", "help", "palette", "suspend", "redraw", "quit"})
"""The same while a rule is edited."""
SECTIONS: Final = (
    "Screens",
    "Panels",
    "Lists",
    "Processes",
    "Process list",
    "Sources",
    "Time",
    "Timeline",
    "GPUs",
    "Models",
    "Alerts",
    "Rule",
    "Settings",
    "Energy",
    "Arrange",
    "View",
)

_NAMES: Final = {
    "question_mark": "?", "slash": "/", "escape": "Esc", "enter": "Enter", "tab": "Tab", "shift+tab": "S-Tab",
    "up": "↑", "down": "↓", "pageup": "PgUp", "pagedown": "PgDn", "home": "Home", "end": "End", "minus": "-",
    "plus": "+", "ctrl+c": "^C", "ctrl+z": "^Z", "ctrl+l": "^L", "f9": "F9", "f1": "F1", "left": "←", "right": "→",
    "shift+left": "S-←", "shift+right": "S-→", "f2": "F2", "space": "Space", "at": "@", "less_than_sign": "<",
    "greater_than_sign": ">",
    "grave_accent": "`", "left_square_bracket": "[", "right_square_bracket": "]",
    "left_curly_bracket": "{", "right_curly_bracket": "}", "f8": "F8",
    "colon": ":", "ctrl+p": "^P", "shift+up": "S-↑", "shift+down": "S-↓",
}  # fmt: skip
_PLAIN: Final = {"↑": "Up", "↓": "Down", "←": "Left", "→": "Right"}


def find(key: str, screen: str) -> Action | None:
    """What a key does on a screen: the screen's own actions first."""
    return ON_SCREEN.get(screen, {}).get(key) or BY_KEY.get(key)


def key_name(key: str, *, ascii_only: bool = False) -> str:
    """How a key is written for a person."""
    name = _NAMES.get(key, key)
    if ascii_only and not name.isascii():
        return name[:-1] + _PLAIN[name[-1]]
    return name


def keys_of(action: Action, *, ascii_only: bool = False) -> str:
    """All keys of an action."""
    return " ".join(key_name(key, ascii_only=ascii_only) for key in action.keys)
