"""Tables that are sound by their form and senseless by their numbers are drawn all the same, on every screen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile import bundles
from tests.recording import START_S, S
from tests.tui.fake import scene
from wftui.bundle import opened
from wftui.bundle.cleaned import KNOWN
from wftui.bundle.format import TableHead, TableLine
from wftui.history.service import Service
from wftui.model.table import Cell, TableChange, TableColumn
from wftui.tui import compose
from wftui.tui.alerts_screen.model import AlertsScreen
from wftui.tui.energy.screen import EnergyScreen
from wftui.tui.frame import row_width
from wftui.tui.gpu_screen.model import GpuScreen
from wftui.tui.models_screen.model import ModelsScreen
from wftui.tui.state import State
from wftui.tui.ui import Ui
from wftui.wire import messages as m

LAST = bundles.TICKS - 1
NUMBERS: dict[str, float | None] = {"unknown": None, "zero": 0, "huge": 1e308, "below zero": -1e18, "tiny": 5e-324}
WORDS: dict[str, str | None] = {"unknown": None, "zero": "", "huge": "w" * 200}


def filled(what: str) -> dict[str, bytes]:
    """A sound bundle, but for every cell of every table."""

    def cell(column: TableColumn) -> Cell:
        return WORDS.get(what, "x") if column.kind == "text" else NUMBERS[what]

    members = {name: data for name, data in bundles.sound().items() if not name.startswith("tables/")}
    for name, schema in KNOWN.items():
        rows = {f"k{number}": tuple(map(cell, schema.columns)) for number in range(3)}
        told = [
            TableLine(101 + number, TableChange(name, (START_S + number) * S, True, rows))
            for number in range(bundles.TICKS)
        ]
        members[f"tables/{name}-0000.jsonl"] = bundles.lines([TableHead(schema), *told])
    return members


def shown(screen: str) -> Ui:
    ui = Ui()
    ui.gpu, ui.models, ui.alerts, ui.energy = GpuScreen(), ModelsScreen(), AlertsScreen(), EnergyScreen()
    if screen:
        ui.show(screen)
    return ui


@pytest.mark.parametrize("what", NUMBERS)
def test_every_screen_draws_what_no_recorder_would_write(what: str, tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    found = opened.open_bundle(bundles.put(tmp_path, bundles.bundle(filled(what))), folder)
    service = Service(found.data_dir)
    reply = service.answer(m.At((START_S + LAST) * S))
    service.close()
    assert isinstance(reply, m.AtReply)
    assert reply.layout is not None
    assert reply.tick is not None
    state = State()
    for message in (reply.layout, reply.tick, *reply.tables):
        state.on(message)
    assert all(state.tables[name] for name in KNOWN)
    for screen in ("", "processes", "events", "sources", "gpu", "model", "alert", "energy"):
        for size in ((40, 12), (80, 24), (160, 45)):
            picture = compose.picture(scene(state), shown(screen), *size)
            assert {row_width(row) for row in picture.rows} == {size[0]}, (screen, size)
