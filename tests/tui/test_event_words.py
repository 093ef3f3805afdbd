"""What an event of a GPU says: in words, with the GPU named where there is no column for it."""

from __future__ import annotations

import pytest

from tests.tui.fake import NOW_S, scene
from tests.tui.fake_gpu_screen import told
from tests.tui.fake_gpus import box
from wftui.model.event import Event
from wftui.tui.compose import picture
from wftui.tui.panels import events
from wftui.tui.ui import Ui


def event(kind: str, payload: dict[str, object], uuid: str = "") -> Event:
    about = {"name": "NVIDIA H200", "index": 3, **payload}
    return Event(
        seq=7, event_id="e1", time_ns=NOW_S * 10**9, type=kind, aggregate_type="gpu", aggregate_id=uuid,
        payload=about,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "payload", "words"),
    [
        ("gpu.xid", {"xid": 79}, "Xid 79: it has fallen off the bus"),
        ("gpu.unthrottled", {"for_s": 187}, "clocks are free again, after 3 min"),
        ("gpu.throttled", {"reasons": ["sw_thermal"]}, "hot: driver lowers clocks"),
        ("gpu.found", {}, "NVIDIA H200"),
        ("gpu.lost", {"reason": "off the bus"}, "reason off the bus"),
    ],
)
def test_words(kind: str, payload: dict[str, object], words: str) -> None:
    assert events.said(event(kind, payload)) == words


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"last_second": NOW_S - 300, "down_s": 240, "up_s": 31}, "2025-11-21 13:47:05, down for 4 min"),
        ({"last_second": NOW_S - 300, "down_s": None}, "2025-11-21 13:47:05"),
    ],
)
def test_a_recording_that_broke_off_says_when(payload: dict[str, object], words: str) -> None:
    assert events.said(event("machine.down", payload)) == f"recorded until {words}"


def test_a_mark_is_not_named_by_a_random_number() -> None:
    mark = Event(8, "e2", NOW_S * 10**9, "mark.set", "mark", "01997f4e1b486e1950", payload={"name": "spike"})
    assert events.about(scene(told(box(1))), mark) == "mark"


@pytest.mark.parametrize("width", [80, 120])
def test_the_list_names_the_gpu_at_any_width(width: int) -> None:
    cards = box(8)
    state = told(cards)
    state.events.clear()
    state.add_events([event("gpu.xid", {"xid": 31}, cards[3].uuid)])
    ui = Ui()
    ui.show("events")
    rows = ["".join(text for text, _ in row) for row in picture(scene(state), ui, width, 24).rows]
    assert any("GPU 3" in row and "Xid 31" in row for row in rows)
