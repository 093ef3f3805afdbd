"""Dialogs drawn over the screen: process details, the signal menu and its confirmation, prompts, outcomes."""

from __future__ import annotations

from typing import Final

from wftui.tui.frame import Row, box, cells, crop, fit_row, outside, plain
from wftui.tui.panels.pressure import wrap
from wftui.tui.process import details
from wftui.tui.scene import Scene, gap
from wftui.tui.ui import (
    ASK,
    BUNDLE,
    CONFIRM,
    CONTENTS,
    DETAILS,
    HELP,
    MENU,
    ORIGINS,
    OUTCOME,
    PALETTE,
    PROMPT,
    SCROLLED,
    SIGNALS,
    WHY,
    Choice,
    Frame,
    Prompt,
    Ui,
)

_MEANING = {
    "SIGTERM": "ask to end", "SIGINT": "as ^C", "SIGHUP": "hang up, or read settings again",
    "SIGKILL": "end at once, nothing is saved", "SIGSTOP": "halt", "SIGCONT": "go on",
    "SIGUSR1": "its own meaning", "SIGUSR2": "its own meaning", "SIGQUIT": "end with a core file",
}  # fmt: skip

_ROOM: Final = 10
"""Lines of the screen from which on the top line stays above a dialog."""
_ROOMY: Final = 16
"""From here on the keys stay below it, too."""
_STRIP: Final = 4
"""Columns beside a dialog that say nothing any more."""
_SLIVER: Final = 2
"""The same in lines, where the sides say nothing either."""
_CORNERS: Final = 6
"""Cells of the upper border that are not title."""
_NAMED = 10
"""Processes that a confirmation names."""


def paint(scene: Scene, ui: Ui, width: int, height: int, rows: list[Row]) -> tuple[int, int]:
    """Put the topmost dialog over ``rows``; return its first line and its number of lines."""
    # The state of the machine, the clock and the keys stay in view where there is room for it.
    above, below = (1, 1) if height >= _ROOMY else (1, 0) if height >= _ROOM else (0, 0)
    inside = height - above - below
    title, body, wanted, right = _content(scene, ui, width, inside)
    frame_width = min(width, wanted + 4)
    frame_height = min(inside, len(body) + 2)
    if frame_width < 8 or frame_height < 3:
        ui.dialog = Frame()
        return 0, 0
    room = frame_height - 2
    name = ui.overlay
    if name in SCROLLED:
        first = min(ui.places[name], max(0, len(body) - room))
        ui.places[name] = first
        ui.page = room
        if len(body) > room:
            right = [*right, *([gap(3)] if right else []), (f"{first + 1}-{first + room} of {len(body)}", "dim")]
        body = body[first : first + room]
    inner = frame_width - 4
    if cells(title) > frame_width - _CORNERS:
        title = outside(title, max(1, frame_width - _CORNERS), scene.glyphs).rstrip()
    framed = box(
        [fit_row(row, inner) for row in body],
        frame_width,
        frame_height,
        glyphs=scene.glyphs,
        title=title,
        accent="sources" if name in (HELP, ORIGINS, PALETTE) else "processes",
        right=right,
        focused=True,
        past=scene.replay is not None,
    )
    x = (width - frame_width) // 2
    y = above + (inside - frame_height) // 2
    ui.dialog = Frame(x, y, frame_width, frame_height)
    # Words that were cut do not touch the frame; a strip too narrow to say anything is blank.
    end = x + frame_width
    left = x - 1 if x > _STRIP else 0
    right_from = end + 1 if width - end > _STRIP else width
    if not left and right_from == width and inside - frame_height <= _SLIVER:
        for place in range(above, height - below):
            rows[place] = [gap(width)]
    for offset, row in enumerate(framed):
        under = rows[y + offset]
        rows[y + offset] = [
            *crop(under, 0, left),
            *([gap(x - left)] if x > left else []),
            *row,
            *([gap(right_from - end)] if right_from > end else []),
            *crop(under, right_from, width),
        ]
    return y, frame_height


def _content(scene: Scene, ui: Ui, width: int, height: int) -> tuple[str, list[Row], int, Row]:
    """Title, inside, how wide it wants to be, what stands at the right of the upper border."""
    if ui.overlay == PALETTE and ui.palette is not None:
        from wftui.tui.search import draw  # here: few open it

        return "actions", *draw.content(scene, ui, ui.palette, width, height)
    if ui.overlay == ORIGINS and ui.origins is not None:
        from wftui.tui.provenance.draw import content  # here: as above

        title = plain(f"{ui.origins.subject.title}: where the numbers come from", scene.glyphs, 60)
        return title, *content(scene, ui.origins, width, height)
    if ui.overlay == HELP:
        from wftui.tui import help as helping  # here: it is seldom open

        return "help", *helping.content(scene, ui, width, height)
    if ui.overlay == WHY and ui.findings is not None:
        from wftui.tui.why import draw as why  # here: as above

        return ui.findings.title, *why.content(scene, ui.findings, width), []
    if ui.overlay in (BUNDLE, CONTENTS) and ui.bundling is not None:
        from wftui.tui.bundling import draw as bundling  # here: as above

        if ui.overlay == CONTENTS and ui.contents is not None:
            return "what would be in it", *bundling.preview(scene, ui.contents, width), []
        return bundling.title(ui.bundling), *bundling.content(scene, ui.bundling, width, height)
    return *_small(scene, ui, width), []


def _small(scene: Scene, ui: Ui, width: int) -> tuple[str, list[Row], int]:
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
    return "", [], 0


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
