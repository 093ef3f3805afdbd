"""The whole of screen 7: the servers, the selected one's lanes on one time axis, its requests, or all about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.model.health import ABSENT
from wftui.model.servers import SOURCE
from wftui.render.model_figures import QUANTILES
from wftui.tui.frame import Row, fit_row, join, row_width
from wftui.tui.gpu_screen import fields
from wftui.tui.gpu_screen.words import folded, own
from wftui.tui.models_screen import axis, cards, details, heading, lately, listing, requests, table, told
from wftui.tui.models_screen.model import Drawn
from wftui.tui.models_screen.seen import servers
from wftui.tui.scene import Body, Scene, gap, keep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.tui.models_screen.model import Choice, ModelsScreen

_SMALL: Final = (60, 15)
"""Below this width or height there is no list beside what is selected."""
_SIDE: Final = 100
"""From this width on the list stands at the left, as cards."""
_HOW: Final = (
    "",
    "Servers are found by their processes as soon as they listen: vLLM, llama.cpp, Ollama, SGLang, TGI, ComfyUI "
    "and others. Nothing has to be set up, no port is guessed, and no model is loaded or woken by it.",
    "",
    "One that runs elsewhere or wants a key is named in the configuration:",
    ">[servers]",
    '>endpoints = ["http://127.0.0.1:8000"]',
    "",
    "llama-server tells more with --metrics, SGLang with --enable-metrics.",
    "wftop --demo shows this screen with servers.",
)
"""How to be seen; what begins with ``>`` is to be typed."""
_TALLEST: Final = 30
"""Lines of the lanes: more make them no clearer."""


def draw(scene: Scene, screen: ModelsScreen, wanted: str, width: int, height: int) -> Body:
    """The inside of the screen; ``wanted``: the filter."""
    found = screen.listed(scene.state, wanted)
    choice = screen.selected(found)
    screen.drawn = Drawn()
    if choice is None:
        return _nothing(scene, wanted, width)
    shown = sum(item.model is None for item in found)
    right = heading.right(scene, shown, wanted, width)
    if screen.inside:
        head = [heading.head(scene, choice, width), *heading.notes(scene, choice, width, 2, brief=True), []]
        return Body([*head, *details.draw(scene, screen, choice, width, max(1, height - len(head)))], right)
    if width < _SMALL[0] or height < _SMALL[1]:
        return Body(_small(scene, screen, found, choice, width, height), right)
    if width < _SIDE:
        return Body(_stacked(scene, screen, found, choice, width, height), right)
    side = 62 if width >= 170 else 50 if width >= 150 else 36
    main = _main(scene, screen, choice, width - side - 3, height)
    # Whatever comes between two seconds, the servers are the same: so is most of the screen.
    of = servers(scene.state), screen.key, screen.sort, screen.reverse, wanted, scene.glyphs
    listed = list(
        keep(
            scene.state,
            "model cards",
            (*of, side, height),
            lambda: cards.cards(scene, screen, found, side, height),
        )
    )
    screen.drawn = Drawn(side, tuple(place for _, place in listed))
    listed += [(row, -1) for row in lately.draw(scene, choice, side, height - len(listed))]
    rule = (f" {scene.glyphs.vertical} ", "faint")
    blank: Row = [gap(side)]
    rows: list[Row] = []
    for place in range(height):
        left = listed[place][0] if place < len(listed) else blank
        rows.append([*left, rule, *(main[place] if place < len(main) else [])])
    return Body(rows, right)


def _nothing(scene: Scene, wanted: str, width: int) -> Body:
    """Why there is none, and how to be seen."""
    if wanted and servers(scene.state):
        return Body([[("no server matches the filter", "dim")], [("Esc clears it", "dim")]])
    if scene.replay is not None:
        return Body([[("no model server was known at this moment", "dim")]])
    source = scene.state.source(SOURCE)
    reason = source.reason if source is not None and source.reason else "no model server is known yet"
    rows = folded(reason, width, scene.glyphs, "text", 2)
    if source is not None and source.fix and source.state != ABSENT:
        rows += folded(f"{scene.glyphs.right} {source.fix}", width, scene.glyphs, "text", 2)
    for words in _HOW:
        typed = words.startswith(">")
        rows += [[("    " + words[1:], "text")]] if typed else folded(words, width, scene.glyphs, "dim", 4)
    return Body(rows)


def _stacked(
    scene: Scene, screen: ModelsScreen, found: Sequence[Choice], choice: Choice, width: int, height: int
) -> list[Row]:
    """The list as a table above what is selected."""
    lines = max(3, height // 3)
    listed = table.table(scene, screen, found, width, lines)
    screen.drawn = Drawn(width, tuple(place for _, place in listed))
    rows: list[Row] = [row for row, _ in listed]
    rule = ("-" if scene.glyphs.ascii_only else "─") * width
    rows.append([(rule, "faint")])
    return rows + _main(scene, screen, choice, width, height - len(rows))


def _main(scene: Scene, screen: ModelsScreen, choice: Choice, width: int, height: int) -> list[Row]:
    """All about the selected one."""
    rows = [heading.head(scene, choice, width)]
    rows += heading.notes(scene, choice, width, 1 if height < 17 else 2 if height < 30 else 4)
    roomy = height >= 22
    if roomy:
        rows.append([])
    asked = requests.of(choice)
    left = height - len(rows)
    asking = min(len(asked) + 1, max(3, left // 4)) if asked and left >= 10 else 0
    lanes = axis.draw(scene, screen, choice, width, min(_TALLEST, left - asking - (asking > 0 and roomy)))
    rows += lanes
    if not lanes and left >= 2:
        rows += [[("no figure of its work is told now", "dim")]]
    if asking:
        rows += [[]] if roomy else []
        rows += requests.draw(scene, asked, width, asking)
    room = height - len(rows) - 1
    if room >= 4:
        of = servers(scene.state), choice.key, width, room, scene.glyphs
        rows += [[], *keep(scene.state, "model figures", of, lambda: _also(scene, choice, width, room))]
    return rows[:height]


def _also(scene: Scene, choice: Choice, width: int, room: int) -> list[Row]:
    """The figures that have no lane, as many whole groups as fit."""
    groups = _durations(scene, choice)
    for part in told.parts(choice):
        lines = [
            fields.Line(line.label, listing.own_bound(line.value, scene.glyphs), "text" if line.known else "faint")
            for line in part.lines
            if not line.laned
        ]
        if lines:
            groups.append(fields.Group(part.title, lines))
    rows: list[Row] = []
    while groups and len(rows := fields.draw(scene, groups, width)) > room:
        groups.pop()
        rows = []
    return [[(words, "models.title" if role == "gpus.title" else role) for words, role in row] for row in rows]


def _durations(scene: Scene, choice: Choice) -> list[fields.Group]:
    """Those that have no lane, each in a line."""
    found = [item for item in told.durations(choice) if not item.laned]
    heads = "".join(f"{stat + '   ':>8}" for stat in QUANTILES)
    lines = [
        fields.Line(item.label, listing.own_bound("".join(item.quantiles), scene.glyphs), "text") for item in found
    ]
    return [fields.Group("time", [fields.Line("", heads, "faint"), *lines])] if lines else []


def _small(
    scene: Scene, screen: ModelsScreen, found: Sequence[Choice], choice: Choice, width: int, height: int
) -> list[Row]:
    """One at a time: which one of how many, what is wrong, its lanes."""
    at = next(place for place, item in enumerate(found) if item.key == choice.key)
    right: Row = [(f" {at + 1}/{len(found)}", "dim")] if len(found) > 1 else []
    rows = [join(heading.head(scene, choice, width - row_width(right)), right, width)]
    server = choice.server
    if server.trouble and height >= 3:
        said = f"{server.state}: {server.reason}" if server.reason else server.verdict or server.trouble
        rows.append(fit_row([(own(said, scene.glyphs), server.level)], width))
    lanes = axis.draw(scene, screen, choice, width, height - len(rows))
    if not lanes and server.fix and height > len(rows):
        lanes = folded(f"{scene.glyphs.right} {server.fix}", width, scene.glyphs, "text", 3)
    rows += lanes
    return [fit_row(row, width) for row in rows[:height]]
