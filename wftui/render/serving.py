"""Model servers of one moment as lines of a calm text report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wftui.model import health
from wftui.model import servers as cells
from wftui.render import model_words as words
from wftui.render import text
from wftui.render.model_figures import Index
from wftui.render.models import servers
from wftui.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wftui.model.sample import Column
    from wftui.model.table import Row, TableSchema
    from wftui.render.model_cards import Server

NAN = float("nan")


class _Numbers:
    """Of one moment: nothing is known of the seconds before it."""

    def __init__(self, values: Mapping[str, tuple[Column, float]], rates: Mapping[str, float]) -> None:
        self._values = values
        self._rates = rates

    def value(self, series: str) -> float:
        found = self._values.get(series)
        return NAN if found is None else found[1]

    def rate(self, series: str) -> float:
        return self._rates.get(series, NAN)

    def mean(self, series: str) -> float:  # noqa: ARG002  as the protocol has it
        return NAN


def found(
    tables: Mapping[str, tuple[TableSchema, Mapping[str, Row]]],
    values: Mapping[str, tuple[Column, float]],
    rates: Mapping[str, float],
) -> tuple[Server, ...]:
    """The servers of a moment; arguments as in ``report.State``."""
    names = (cells.SERVERS.name, cells.MODELS.name, cells.REQUESTS.name)
    rows = {name: tables[name][1] for name in names if name in tables}
    return servers(rows, Index(column.series for column, _ in values.values()), _Numbers(values, rates))


def lines(told: tuple[Server, ...]) -> list[str]:
    """A line each with what it does, and below it what is wrong with what mends it."""
    out = []
    for server in told:
        name = f"{clean(server.kind) or 'server'} {clean(server.endpoint)}"
        loaded = ", ".join(clean(model.name) for model in server.loaded)
        if server.state != health.OK:
            fix = f"; fix: {clean(server.fix)}" if server.fix else ""
            out.append(f"{name} {clean(server.state)}: {clean(server.reason)}{fix}")
            continue
        said = [part for part in (loaded, *_figures(server)) if part]
        out.append(f"{name}: {', '.join(said) or 'no model loaded'}")
        if server.verdict:
            evidence = f": {clean(server.evidence)}" if server.evidence else ""
            out.append(f"  {clean(server.verdict)}{evidence}")
    return out


def _figures(server: Server) -> list[str]:
    of = server.figures
    said = [
        (of.generation, f"{words.speed(of.generation).strip()} tok/s"),
        (of.prompt, f"prompt {words.speed(of.prompt).strip()} tok/s"),
        (of.running, f"{words.whole(of.running)} running"),
        (of.waiting, f"{words.whole(of.waiting)} waiting"),
        (of.ttft.p95, f"TTFT p95 {words.took(of.ttft.p95, of.ttft.bounds).strip()}"),
        (of.kv, f"KV cache {text.percent(of.kv).strip()}"),
        (of.per_token, f"{words.watt_hours(of.per_1000_wh)} per 1,000 tokens"),
    ]
    return [shown for value, shown in said if value == value]
