"""From the model to the whole screen: rows of styled text, each exactly as wide as the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from wftui.model.servers import SERVERS
from wftui.text import clean
from wftui.tui import banner, dialogs, layout, lists, transport
from wftui.tui.alerts_screen import seen
from wftui.tui.drift import Drift, Line, edges
from wftui.tui.footer import footer
from wftui.tui.frame import Row, Segment, box, cells, fit_row, outside, plain, row_width
from wftui.tui.overview import overview
from wftui.tui.panels import alerts, cpu, disks, events, gpus, memory, network, parts, pressure, processes, sources
from wftui.tui.scene import Body, Scene, gap, keep
from wftui.tui.topline import top_line
from wftui.tui.ui import OVERVIEW, Ui

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType

    from wftui.tui.arrange.model import Arranger

    One = Callable[[Scene, int, int, int], Row]


def _models() -> ModuleType:
    # Seven milliseconds of a start, which a machine without model servers saves.
    from wftui.tui.panels import models

    return models


def _models_draw(scene: Scene, width: int, height: int) -> Body:
    return cast("Body", _models().draw(scene, width, height))


def _models_line(scene: Scene, width: int) -> Row:
    return cast("Row", _models().line(scene, width))


def _models_brief(scene: Scene) -> Row:
    return cast("Row", _models().brief(scene))


def _ux() -> ModuleType:
    # The same for who has nothing that draws or streams.
    from wftui.tui.panels import ux

    return ux


def _ux_draw(scene: Scene, width: int, height: int) -> Body:
    return cast("Body", _ux().draw(scene, width, height))


def _ux_line(scene: Scene, width: int) -> Row:
    return cast("Row", _ux().line(scene, width))


DRAW = {
    "cpu": cpu.draw,
    "memory": memory.draw,
    "disks": disks.draw,
    "network": network.draw,
    "pressure": pressure.draw,
    "processes": processes.draw,
    "gpus": gpus.draw,
    "models": _models_draw,
    "events": events.draw,
    "sources": sources.draw,
    "alerts": alerts.draw,
    "ux": _ux_draw,
}
BRIEF = {"models": _models_brief, "disks": disks.brief, "network": network.brief, "pressure": pressure.brief}
LINE = {
    "cpu": cpu.line,
    "memory": memory.line,
    "disks": disks.line,
    "network": network.line,
    "pressure": pressure.line,
    "gpus": gpus.line,
    "models": _models_line,
    "events": events.line,
    "sources": sources.line,
    "alerts": alerts.line,
    "ux": _ux_line,
}


_SHARES = {"cpu": "system.cpu.utilization", "memory": "system.memory.utilization"}
BARRED = 6
"""Lines of a screen from which on there is a transport bar."""


class Picture:
    """One frame. ``stale`` holds for every line, the places of which stay in ``live_lines`` without dimming."""

    __slots__ = ("_starts", "height", "live_lines", "rows", "stale", "width")

    def __init__(
        self, rows: Sequence[Line], width: int, height: int, *, stale: bool, live_lines: frozenset[int]
    ) -> None:
        self.rows = list(rows)
        self.width = width
        self.height = height
        self.stale = stale
        self.live_lines = live_lines
        self._starts: dict[int, tuple[Line, dict[int, Segment]]] = {}
        """Of lines as they were when that was asked: frames that follow each other share it."""

    def same_starts(self, before: Picture) -> None:
        """Take over what is known of the lines that are the same."""
        self._starts = before._starts

    def starts(self, y: int) -> dict[int, Segment]:
        """Segments of a line by the column where they begin."""
        row = self.rows[y]
        held = self._starts.get(y)
        if held is not None and held[0] is row:
            return held[1]
        found: dict[int, Segment] = {}
        self._starts[y] = row, found
        x = 0
        for segment in row:
            found[x] = segment
            words = segment[0]
            x += len(words) if words.isascii() else cells(words)
        return found


def picture(scene: Scene, ui: Ui, width: int, height: int) -> Picture:
    """The whole screen at this size, from 1 x 1 on."""
    if width <= 0 or height <= 0:
        return Picture([], max(0, width), max(0, height), stale=False, live_lines=frozenset())
    rows: list[Row] = [[(" " * width, "text")] for _ in range(height)]
    told = ui.banner.shown(scene.now.boottime_ns)
    rows[0] = banner.line(scene, told, width) if told else top_line(scene, width)
    bar = bar_lines(scene, height)
    if ui.arrange is not None:
        ui.arrange.size(width, height - bar)
    screen = (
        layout.whole(ui.shown, width, height - bar)
        if ui.shown
        else overview(scene.state, width, height - bar, scene.plan)
    )
    drifts: Mapping[int, Line] = {}
    if ui.shown:
        drifts = _whole(scene, ui, screen, rows)
    elif screen.framed:
        _framed(scene, ui, screen, rows)
    else:
        _lined(scene, screen, rows)
    live = {0}
    barred = scene.replay is not None and height >= BARRED
    if barred and scene.replay is not None:
        # Above the keys where those have a line; below that there is only the bar.
        place = height - 2 if bar and screen.footer else height - 1
        rows[place] = transport.bar(scene.replay, scene.glyphs, width)
        live.add(place)
    if (screen.footer and height > 2 and (bar or not barred)) or ((ui.notice or ui.filtering) and height > 1):
        rows[-1] = footer(scene, ui, width)
        live.add(height - 1)
    if ui.arrange is not None and not ui.shown:
        live.update(_arranging(scene, ui.arrange, width, height, rows))
    if ui.series is not None:
        from wftui.tui.arrange import series  # here: as in _arranging

        first, lines = series.draw(ui.series, scene.glyphs, width, height, rows)
        live.update(range(first, first + lines))
    if ui.overlay:
        first, lines = dialogs.paint(scene, ui, width, height, rows)
        live.update(range(first, first + lines))
    drawn: list[Line] = list(rows)
    if not ui.overlay and ui.series is None:
        _put(drawn, screen, drifts)
    return Picture(drawn, width, height, stale=scene.state.stale, live_lines=frozenset(live))


def undrawable(width: int, height: int, reason: str) -> Picture:
    """What is shown of a recording from elsewhere that holds something which cannot be drawn."""
    said = (
        " REPLAY  this recording holds something that cannot be drawn here:",
        f" {clean(reason, 200)}",
        " another screen (1 to 9) or another moment (@, left, right) may be whole; q quits",
    )
    rows = [fit_row([(line, "text" if at else "warn")], width) for at, line in enumerate(said)][:height]
    rows += [[(" " * width, "text")] for _ in range(height - len(rows))]
    return Picture(rows, width, height, stale=False, live_lines=frozenset())


def moved(before: Picture, screen: layout.Layout, changed: Mapping[int, Line]) -> Picture:
    """The frame after this one, in which only these lines of the panel that fills the screen are others; each is
    exactly as wide as the panel's inside."""
    rows = before.rows.copy()
    _put(rows, screen, changed)
    after = Picture(rows, before.width, before.height, stale=before.stale, live_lines=before.live_lines)
    after.same_starts(before)
    return after


def _put(rows: list[Line], screen: layout.Layout, lines: Mapping[int, Line]) -> None:
    """Other lines into the panel that fills the screen; each is exactly as wide as its inside."""
    for line, row in lines.items():
        place = screen.places[0]
        y = place.y + screen.framed + line
        if y >= min(len(rows), place.y + place.height - screen.framed):
            continue
        if screen.framed:
            first, last = edges(rows[y])
            rows[y] = row.framed(first, last) if isinstance(row, Drift) else [first, *row, last]
        else:
            rows[y] = row


def _arranging(scene: Scene, arranger: Arranger, width: int, height: int, rows: list[Row]) -> range:
    """The top line and the open menu; the lines of that."""
    from wftui.tui.arrange import draw  # here: loaded already by who arranges

    rows[0] = draw.top_line(arranger, scene.glyphs, width)
    first, lines = draw.menu(arranger, scene.glyphs, width, height, rows)
    return range(first, first + lines)


def bar_lines(scene: Scene, height: int) -> int:
    """Lines that the transport bar takes from the panels: none where those would lose their frames by it."""
    return int(scene.replay is not None and height >= BARRED and height != layout.MIN_HEIGHT)


def _framed(scene: Scene, ui: Ui, screen: layout.Layout, rows: list[Row]) -> None:
    lines: dict[int, Row] = {}
    for place in sorted(screen.places, key=lambda place: place.x):
        body = _body(scene, place.name, max(1, place.width - 4), max(0, place.height - 2))
        framed = _boxed(scene, place, body, focused=ui.focus == place.name)
        for y, row in enumerate(framed, place.y):
            if y < len(rows):
                lines.setdefault(y, []).extend(row)
    for y, row in lines.items():
        rows[y] = row
    if screen.folded and screen.height > 3:
        rows[screen.height - 2] = _folded(scene, screen.width, screen.folded)


def _body(scene: Scene, name: str, width: int, height: int) -> Body:
    """The inside of a panel of the overview."""
    missing = _missing(scene, name)
    return _drawn(scene, name, width, height) if missing is None else missing


def _drawn(scene: Scene, name: str, width: int, height: int) -> Body:
    """The inside of a panel, or of a graph of the layout."""
    if name in DRAW:
        return DRAW[name](scene, width, height)
    from wftui.tui.panels import graph  # here: most layouts have none

    return graph.draw(scene, scene.plan.graphs[name], width, height)


def _accent(scene: Scene, name: str) -> str:
    found = scene.plan.graphs.get(name)
    if found is None:
        return layout.ACCENTS.get(name, name)
    from wftui.tui.panels import graph  # here: as above

    return graph.accent(found)


def _missing(scene: Scene, name: str) -> Body | None:
    """What a panel says in the past when nothing is known of that moment; None: it draws itself."""
    if scene.replay is None:
        return None
    state = scene.state
    rows = {"processes": bool(state.processes()), "events": bool(state.events)}
    return transport.instead(scene.replay, name, known=rows.get(name, True))


def _boxed(scene: Scene, place: layout.Place, body: Body, *, focused: bool) -> list[Row]:
    """A panel in its frame; the same rows again while the panel handed out the same body."""
    name = place.name
    title = plain(layout.titles(scene.plan)[name], scene.glyphs)
    alarm = seen.panels(scene.state).get(name, "")
    framed, kept_body = keep(
        scene.state,
        f"{name} framed",
        (id(body), title, place.width, place.height, focused, scene.glyphs, scene.replay is not None, alarm),
        # The body is kept as well: as long as it lives, its id is nobody else's.
        lambda: (
            box(
                body.rows,
                place.width,
                place.height,
                glyphs=scene.glyphs,
                title=title,
                accent=_accent(scene, name),
                key=layout.SCREEN_KEYS.get(name, ""),
                right=body.right,
                focused=focused,
                past=scene.replay is not None,
                alarm=alarm,
            ),
            body,
        ),
    )
    assert kept_body is body  # noqa: S101  what the ids above promise
    return framed


def _folded(scene: Scene, width: int, names: Sequence[str]) -> Row:
    """What these panels would have said, in one line."""
    if scene.replay is not None and scene.replay.gap is not None:
        return fit_row([gap(1), ("nothing was recorded at this moment", "dim")], width)
    row: Row = [gap(1)]
    if "sources" in names:
        row += [*sources.counts(scene, width // 2), gap(3)]
    for name in ("cpu", "memory", "gpus", "models", "disks", "network", "pressure"):
        room = width - row_width(row)
        if name not in names or room <= 12:
            continue
        if name in _SHARES:
            row += [(f"{layout.SHORT[name]} ", "dim"), parts.percent(scene.state.value(_SHARES[name])), gap(3)]
        elif name == "gpus":
            said = "".join(piece for piece, _ in gpus.line(scene, 40)[1:]).strip()
            shown = outside(said.partition(":")[0], min(room, 26), scene.glyphs).rstrip()
            row += [(shown, "dim"), gap(3)] if shown else []
        elif name == "models" and not scene.state.tables.get(SERVERS.name):
            continue
        else:
            brief = BRIEF[name](scene)
            row += [*brief, gap(3)] if row_width(brief) + 3 <= room else []
    room = width - row_width(row)
    # Beside figures of disks and network a word cut short is one too many.
    if "events" in names and room > (10 if "gpus" in names else 20) and scene.state.events:
        row += events.line(scene, room)[1:]
    return fit_row(row, width)


def _lined(scene: Scene, screen: layout.Layout, rows: list[Row]) -> None:
    for place in screen.places:
        for offset in range(place.height):
            if place.y + offset >= len(rows):
                break
            if place.name == "processes":
                row = processes.line(scene, screen.width, offset)
            elif offset:
                one = cast("One", _models().one) if place.name == "models" else gpus.one
                row = one(scene, screen.width, offset - 1, place.height - 1)
            elif place.name in LINE:
                row = LINE[place.name](scene, screen.width)
            else:
                from wftui.tui.panels import graph  # here: most layouts have none

                row = graph.line(scene, scene.plan.graphs[place.name], screen.width)
            rows[place.y + offset] = fit_row(row, screen.width)


def _whole(scene: Scene, ui: Ui, screen: layout.Layout, rows: list[Row]) -> Mapping[int, Line]:
    """A panel that fills the screen; returns those of its lines of which a part travels."""
    place = screen.places[0]
    name = place.name
    body: Body
    width = max(1, place.width - 4) if screen.framed else place.width
    height = max(0, place.height - 2) if screen.framed else place.height
    # Settings are those of now, whatever moment is looked at.
    missing = _missing(scene, name) if name != "settings" else None
    if missing is not None:
        body = missing
    elif name in lists.SCREENS and (ui.screen != OVERVIEW or ui.expanded == name):
        body = lists.SCREENS[name](scene, ui, width, height)
    elif name == "timeline" and ui.timeline is not None:
        from wftui.tui.timeline.screen import draw  # here: most who look at the machine never open it

        body = draw(scene, ui.timeline, width, height)
    elif name == "gpu" and ui.gpu is not None:
        from wftui.tui.gpu_screen import screen as gpu_screen  # here: as above

        body = gpu_screen.draw(scene, ui.gpu, width, height)
    elif name == "model" and ui.models is not None:
        from wftui.tui.models_screen import screen as models_screen  # here: as above

        body = models_screen.draw(scene, ui.models, ui.wanted["model"], width, height)
    elif name == "alert" and ui.alerts is not None:
        from wftui.tui.alerts_screen import screen as alerts_screen  # here: as above

        body = alerts_screen.draw(scene, ui.alerts, ui.wanted["alert"], width, height)
    elif name == "settings" and ui.settings is not None:
        from wftui.tui.settings import screen as settings_screen  # here: as above

        body = settings_screen.draw(scene, ui.settings, width, height)
    elif name == "energy" and ui.energy is not None:
        body = ui.energy.draw(scene, width, height)
    else:
        body = _drawn(scene, name, width, height)
    if screen.framed:
        framed = _boxed(scene, place, body, focused=True)
    else:
        framed = [fit_row(row, width) for row in body.rows[:height]]
    for offset, row in enumerate(framed):
        if place.y + offset < len(rows):
            rows[place.y + offset] = row
    return body.drifts
