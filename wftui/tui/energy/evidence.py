"""Evidence: for each stream, every thing that is drawn, the metric it comes from, and that metric's value now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.energy.fidelity import LATEST_S
from wftui.energy.stream import BURST_RATE
from wftui.tui.energy import intake
from wftui.tui.energy.belt import SHARP
from wftui.tui.frame import Row, fit_row, outside
from wftui.tui.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.tui.energy.field import Field
    from wftui.tui.energy.flows import Flow

_DRAWN: Final = 22
_VALUE: Final = 24


def rows(scene: Scene, found: Sequence[Flow], field: Field, width: int, *, moving: bool) -> list[Row]:
    """All lines; ``moving``: readings come as they are made, else once a second."""
    out: list[Row] = [
        [(f"{'drawn':<{_DRAWN}}{'value':<{_VALUE}}", "faint"), ("from", "faint")],
    ]
    for flow in found:
        out.append([(outside(flow.name, min(width, 40), scene.glyphs, middle=True).rstrip(), "strong"),
                    (f"  {flow.source}" if flow.source else "", "dim"),
                    (f"  {flow.server}" if flow.server else "", "dim"),
                    (f"  told by {flow.told_by}" if flow.told_by else "", "dim")])  # fmt: skip
        out += [_line(scene, drawn, value, source) for drawn, value, source in _of(flow, field)]
    every = "as they are made" if moving else "once a second, spread over it"
    out.append([("all", "strong"), (f"  readings come {every}", "dim")])
    state = scene.state
    out += [
        _line(scene, "ensemble E", _value(state.value("ux.ensemble.energy"), "", 2), "ux.ensemble.energy"),
        _line(
            scene, "apart, top k", _value(state.value("ux.ensemble.disagreement", ("mode", "top_k")), "", 2),
            "ux.ensemble.disagreement{mode=top_k}",
        ),
        _line(
            scene, "apart, timing", _value(state.value("ux.ensemble.disagreement", ("mode", "timing")), "", 2),
            "ux.ensemble.disagreement{mode=timing}, estimated",
        ),
        _line(scene, "seen", _value(field.fidelity.seen, "EU"), "frames that the terminal acknowledged"),
        *(
            _line(scene, f"missed: {cause}", _value(units, "EU"), f"never drawn, or not within {LATEST_S:g} s")
            for cause, units in sorted(field.missed.items())
        ),
        _line(scene, "waiting", _value(field.waiting, "EU"), "neither yet"),
    ]  # fmt: skip
    return [fit_row(row, width) for row in out]


def _of(flow: Flow, field: Field) -> list[tuple[str, str, str]]:
    own = "mean of its last 5 min" if flow.own else "rate_max of the profile"
    per = field.per(flow.key)
    wait_s = flow.first_token_s
    return [
        ("ribbon's width", _value(flow.share, "x baseline", 2), f"ux.stream.rate / {flow.baseline:.4g}, {own}"),
        ("speed", _value(intake.speed(flow), "cells/s", 1), f"ux.stream.rate {_value(flow.rate, 'tok/s', 1)}"),
        ("brightness", _value(flow.energy, "E", 2), "ux.stream.energy"),
        ("particle", f"{per} token{'s' if per > 1 else ''}", f"ux.stream.tokens {flow.tokens:,.0f}"),
        ("its energy", _value(flow.units, "EU in all", 1), "ux.stream.units"),
        ("sharp or hollow", _value(flow.certainty, "sure", 2), f"ux.stream.certainty, sharp from {SHARP:g} on"),
        ("dots around it", _value(1.0 - flow.certainty, "of max entropy", 2), "1 - ux.stream.certainty"),
        ("bolt", _value(wait_s, "s", 2) + (f" = {intake.bolt(wait_s)} wide" if wait_s == wait_s else ""),
         "stream.first_token of table streams"),
        ("stall", _value(flow.friction, "friction", 2), f"ux.stream.friction < 1, or state {flow.state or '-'}"),
        ("burst", _value(flow.rate, "tok/s", 1), f"ux.stream.rate > {BURST_RATE:g}"),
        ("waves between lanes", _value(flow.apart, (flow.apart_by or "apart").replace("_", " "), 2),
         "stream.disagreement of table streams"),
    ]  # fmt: skip


def _line(scene: Scene, drawn: str, value: str, source: str) -> Row:
    arrow = scene.glyphs.right
    return [(f"  {drawn:<{_DRAWN - 2}.{_DRAWN - 3}}", "dim"), (f"{value:<{_VALUE}.{_VALUE - 1}}", "text"),
            (f"{arrow} {source}", "dim")]  # fmt: skip


def _value(value: float, unit: str, places: int = 1) -> str:
    return f"{value:.{places}f} {unit}".rstrip() if value == value else "-"
