"""How much of the past the lanes show, and what of it an export writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wftui.tui.timeline.figures import step_words
from wftui.tui.zoom import neighbour

if TYPE_CHECKING:
    from wftui.tui.app import WftopApp
    from wftui.tui.models_screen.model import ModelsScreen


def said(app: WftopApp, screen: ModelsScreen, step: int) -> str:
    """More (+1) or less (-1) of the past; what there is to say."""
    if not screen.span:
        return "there is no graph at this size"
    length = neighbour(screen.seconds, screen.span, step)
    if length is None:
        return f"no {'more' if step > 0 else 'less'} than {step_words(screen.seconds or screen.span)}"
    screen.seconds = length
    app.lengths_changed()
    return step_words(length) if length else "as much as there are columns for"


def in_view(app: WftopApp, screen: ModelsScreen, begin: int, end: int) -> tuple[int, int, list[str]]:
    """The seconds [begin, end) of the lanes, and patterns of the series of the selected server and its GPUs."""
    choice = screen.selected(screen.listed(app.seen, app.ui.wanted["model"]))
    if screen.span and app.past.live:
        begin = end - max(screen.seconds, screen.span)
    if choice is None:
        return begin, end, ["inference.*", "gen_ai.*"]
    names = [choice.server.endpoint, *(str(part[0]) for part in choice.server.parts)]
    patterns = [f'*{{*server="{_literal(name)}"*}}' for name in names]
    return begin, end, [*patterns, *(f'hw.gpu.*{{*gpu="{_literal(uuid)}"*}}' for uuid in choice.server.gpus)]


def _literal(name: str) -> str:
    """As a label has it, with nothing left that a pattern would read as anything else."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return escaped.replace("[", "[[]").replace("*", "[*]").replace("?", "[?]")
