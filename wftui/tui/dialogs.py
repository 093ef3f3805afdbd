"""Help, process details, the signal menu and its confirmation, drawn over the screen."""

from __future__ import annotations

from wftui.tui.actions import ACTIONS, SECTIONS, keys_of
from wftui.tui.frame import Row, box, crop, fit_row, outside, plain
from wftui.tui.panels.pressure import wrap
from wftui.tui.process import details
from wftui.tui.process import filter as filters
from wftui.tui.scene import Scene, gap
from wftui.tui.ui import ASK, CONFIRM, DETAILS, HELP, MENU, OUTCOME, PROMPT, SCROLLED, SIGNALS, Choice, Prompt, Ui

_MEANING = {
    "SIGTERM": "ask to end", "SIGINT": "as ^C", "SIGHUP": "hang up, or read settings again",
    "SIGKILL": "end at once, nothing is saved", "SIGSTOP": "halt", "SIGCONT": "go on",
    "SIGUSR1": "its own meaning", "SIGUSR2": "its own meaning", "SIGQUIT": "end with a core file",
}  # fmt: skip

_NAMED = 10
"""Processes that a confirmation names."""


def paint(scene: Scene, ui: Ui, width: int, height: int, rows: list[Row]) -> tuple[int, int]:
    """Put the topmost dialog over ``rows``; return its first line and its number of lines."""
    title, body, wanted = _content(scene, ui, width)
    frame_width = min(width, wanted + 4)
    frame_height = min(height, len(body) + 2)
    if frame_width < 8 or frame_height < 3:
        return 0, 0
    room = frame_height - 2
    name = ui.overlay
    right: Row = []
    if name in SCROLLED:
        first = min(ui.places[name], max(0, len(body) - room))
        ui.places[name] = first
        ui.page = room
        if len(body) > room:
            right = [(f"{first + 1}-{first + room} of {len(body)}", "dim")]
        body = body[first : first + room]
    inner = frame_width - 4
    framed = box(
        [fit_row(row, inner) for row in body],
        frame_width,
        frame_height,
        glyphs=scene.glyphs,
        title=title,
        accent="processes" if name != HELP else "sources",
        right=right,
        focused=True,
        past=scene.replay is not None,
    )
    x = (width - frame_width) // 2
    y = (height - frame_height) // 2
    for offset, row in enumerate(framed):
        under = rows[y + offset]
        rows[y + offset] = [*crop(under, 0, x), *row, *crop(under, x + frame_width, width)]
    return y, frame_height


def _content(scene: Scene, ui: Ui, width: int) -> tuple[str, list[Row], int]:
    if ui.overlay == DETAILS:
        return details.content(scene, ui, width)
    if ui.overlay == MENU:
        return _menu(scene, ui)
    if ui.overlay == CONFIRM:
        return _confirm(scene, ui)
    if ui.overlay == OUTCOME:
        return _outcome(scene, ui, width)
    if ui.overlay == PROMPT and ui.prompt is not None:
        return _prompt(scene, ui.prompt, width)
    if ui.overlay == ASK and ui.choice is not None:
        return _choice(scene, ui.choice)
    return _help(scene, ui.keyed, width)


def _help(scene: Scene, shown: str, width: int) -> tuple[str, list[Row], int]:
    """Made from the action table, what belongs to this screen alone first; two columns where they fit."""
    ascii_only = scene.glyphs.ascii_only
    blocks: list[list[Row]] = []
    own = {action.section for action in ACTIONS if action.screen and action.screen == shown}
    elsewhere = {action.section for action in ACTIONS if action.screen} - own
    for section in sorted(SECTIONS, key=lambda name: name not in own):
        if section in elsewhere:
            continue  # told on its own screen
        block: list[Row] = [[(section, "sources.title")]]
        for action in ACTIONS:
            if action.section == section:
                keys = keys_of(action, ascii_only=ascii_only)
                block.append(fit_row([(f"{keys:>10}", "key"), gap(2), (action.title, "text")], 42))
        blocks.append(block)
    if shown == "processes":
        blocks.insert(1, _grammar())
    glyphs = scene.glyphs.health
    legend: list[Row] = [[("Signs", "sources.title")]]
    for state, meaning in (
        ("ok", "ok"),
        ("late", "late"),
        ("stuck", "failed or stuck"),
        ("absent", "absent, denied or off"),
        ("asleep", "asleep"),
    ):
        legend.append([(f"{glyphs[state]:>10}", "key"), gap(2), (meaning, "text")])
    legend.append([(f"{scene.glyphs.alert:>10}", "key"), gap(2), ("something needs attention", "text")])
    legend.append([(f"{'%' if ascii_only else '▒':>10}", "key"), gap(2), ("a gap: nothing was recorded", "text")])
    legend.append([(f"{'-':>10}", "key"), gap(2), ("unknown, which is never 0", "text")])
    if shown == "processes":
        legend.append(
            [
                (f"{scene.glyphs.folded + scene.glyphs.sum:>9}4", "key"),
                gap(2),
                ("4 in one line, with sums", "text"),
            ]
        )
        legend.append([(f"{scene.glyphs.tag:>10}", "key"), gap(2), ("tagged", "text")])
    blocks.append(legend)
    if width >= 96:
        # Whole blocks in order, the left column as long as the right one or a little longer.
        left: list[Row] = []
        while 2 * len(left) < sum(len(block) + 1 for block in [left, *blocks]):
            left += [*blocks.pop(0), [gap(1)]]
        right = [row for block in blocks for row in [*block, [gap(1)]]][:-1]
        left.pop()
        rows = []
        for place in range(max(len(left), len(right))):
            a = left[place] if place < len(left) else []
            b = right[place] if place < len(right) else []
            rows.append([*fit_row(a, 43), *fit_row(b, 43)])
        return "help", rows, 86
    rows = []
    for block in blocks:
        rows += [*block, [gap(1)]]
    return "help", rows[:-1], 42


def _grammar() -> list[Row]:
    """What a filter of the process list may say."""
    block: list[Row] = [[("Filter", "sources.title")]]
    for form, meaning in filters.GRAMMAR:
        block.append(fit_row([(f"{form:>16}", "key"), gap(2), (meaning, "text")], 42))
    return block


def _menu(scene: Scene, ui: Ui) -> tuple[str, list[Row], int]:
    rows: list[Row] = []
    for place, (name, number) in enumerate(SIGNALS):
        words = f" {number:>2}  {name:<8}  {_MEANING[name]}"
        rows.append([(f"{words:<48}", "select" if place == ui.menu else "text")])
    rows.append([gap(48)])
    rows.append([(" Enter", "key"), (" choose   ", "dim"), ("Esc", "key"), (" back", "dim")])
    return f"signal to {_who(scene, ui)}", rows, 48


def _outcome(scene: Scene, ui: Ui, width: int) -> tuple[str, list[Row], int]:
    """What became of a signal to several."""
    inner = max(8, min(76, width - 8))
    rows = [line for said, role in ui.outcome for line in wrap(scene, plain(said, scene.glyphs), inner, role, 3)]
    return "signal", [*rows, [gap(inner)], [("Esc", "key"), (" back", "dim")]], inner


def _confirm(scene: Scene, ui: Ui) -> tuple[str, list[Row], int]:
    name, number = SIGNALS[ui.menu]
    who = _who(scene, ui)
    rows: list[Row] = wrap(scene, f"Send {name} ({number}) to {who}?", 48, "strong", 2)
    if len(ui.targets) > 1:
        rows.append([gap(48)])
        rows += [
            fit_row([(f"{target.pid:>9}", "mark"), gap(2), (outside(target.name, 36, scene.glyphs), "text")], 48)
            for target in ui.targets[:_NAMED]
        ]
        if len(ui.targets) > _NAMED:
            rows.append([(f"{'and':>9}  {len(ui.targets) - _NAMED} more", "dim")])
    rows += [[gap(48)], [("y", "key"), (" send   ", "dim"), ("n Esc", "key"), (" back", "dim")]]
    return "confirm", rows, 48


def _choice(scene: Scene, choice: Choice) -> tuple[str, list[Row], int]:
    rows: list[Row] = wrap(scene, choice.words, 48, "strong", 4)
    rows += [[gap(48)], [("y", "key"), (f" {choice.yes}   ", "dim"), ("n Esc", "key"), (" back", "dim")]]
    return choice.title, rows, 48


def _prompt(scene: Scene, prompt: Prompt, width: int) -> tuple[str, list[Row], int]:
    """A line to type into, what is wrong with it, and what it means."""
    inner = max(8, min(72, width - 8))
    glyphs = scene.glyphs
    label = f"{prompt.label}  "
    room = inner - len(label) - 1
    # The end of a long line is where one types.
    typed = plain(prompt.value, glyphs)[-room:]
    rows: list[Row] = [[(label, "dim"), (typed, "strong"), (" ", "cursor")], [gap(inner)]]
    if prompt.error:
        rows += wrap(scene, plain(prompt.error, glyphs), inner, "bad", 3)
    else:
        rows += wrap(scene, prompt.hint, inner, "dim", 2)
    if prompt.note is not None:
        rows += wrap(scene, plain(prompt.note(prompt.value), glyphs), inner, "text", 4)
    rows += [
        [gap(inner)],
        [("Enter", "key"), (f" {prompt.title.split(' ')[0]}   ", "dim"), ("Esc", "key"), (" back", "dim")],
    ]
    return prompt.title, rows, inner


def _who(scene: Scene, ui: Ui) -> str:
    if len(ui.targets) > 1:
        return f"{len(ui.targets)} tagged processes"
    if ui.target is None:
        return "-"
    return f"{ui.target.pid} {outside(ui.target.name, 24, scene.glyphs).rstrip()}"
