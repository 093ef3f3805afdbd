"""Programs that make frames and the fidelity of views, at one moment, as lines of a calm text report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wftui.model.streams import FRAMES
from wftui.render import text
from wftui.text import clean, fit

if TYPE_CHECKING:
    from wftui.render.report import State


def lines(state: State) -> list[str]:
    """A line a program over its last ten seconds, a line a view; empty: nobody draws."""
    _, rows = state.tables.get(FRAMES.name, (FRAMES, {}))
    found = []
    for kind in ("source", "view"):
        for name in state.labels("ux.frame.rate", kind):
            labels = {kind: name, "mode": "10s"}
            fps = state.value("ux.frame.rate", **labels)
            shown = fit(clean(name if kind == "source" else f"wftop, view {name}"), 12)
            if fps == 0:
                found.append(f"{shown} does not draw")
                continue
            times = ", ".join(
                f"{words} {_milliseconds(state.value(f'ux.frame.{field}', **labels))}"
                for field, words in (("p95", "p95"), ("jitter", "jitter"))
            )
            row = rows.get(f"{kind}:{name}")
            slow = f", slow part: {clean(str(row[1]))}" if row is not None and len(row) > 1 and row[1] else ""
            found.append(f"{shown} {_number(fps)} frames/s, {times}{slow}")
    for name in state.labels("wftop.fidelity.ratio", "view"):
        ratio = state.value("wftop.fidelity.ratio", view=name)
        if ratio is not None:
            lag = _milliseconds(state.value("wftop.fidelity.lag", view=name))
            found.append(
                f"{fit(f'view {clean(name)}', 12)} {text.percent(ratio).strip()} of the energy seen, lag {lag}"
            )
    return found


def _number(value: float | None) -> str:
    return text.UNKNOWN if value is None else f"{value:.1f}"


def _milliseconds(seconds: float | None) -> str:
    return text.UNKNOWN if seconds is None else text.milliseconds(seconds).strip()
