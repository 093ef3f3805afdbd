"""What an event of a GPU says: in words, with the GPU named where there is no column for it."""

from __future__ import annotations

import pytest

from tests.tui.fake import NOW_S, scene
from tests.tui.fake_gpu_screen import told
from tests.tui.fake_gpus import box
from tests.tui.servers_seen import VLLM, serving
from wftui.model.event import Event
from wftui.tui.alerts_screen.details import event_line
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


@pytest.mark.parametrize(
    ("kind", "payload", "words", "glyph"),
    [
        ("server.state", {"before": "ok", "after": "failed", "reason": "nobody listens there"},
         "now failed: nobody listens there", "▲"),
        ("server.state", {"before": "failed", "after": "ok"}, "now ok", "•"),
        ("server.found", {"kind": "vllm", "version": "0.33.0"}, "vllm 0.33.0", "•"),
        ("server.restarted", {"version": "0.33.0"}, "0.33.0", "▲"),
        ("server.queueing", {"waiting": 17}, "waiting 17", "▲"),
        ("model.loaded", {"model": "qwen3:8b"}, "qwen3:8b", "•"),
        ("model.verdict", {"verdict": "in swap", "evidence": "2 of 9 GiB"}, "in swap: 2 of 9 GiB", "▲"),
    ],
)  # fmt: skip
def test_words_about_a_model_server(kind: str, payload: dict[str, object], words: str, glyph: str) -> None:
    state = serving(VLLM)
    told_of = Event(9, "e3", NOW_S * 10**9, kind, "server", VLLM, payload=payload)
    assert events.said(told_of) == words
    assert events.glyph(scene(state), told_of) == glyph
    assert events.summary(scene(state), told_of) == f"vllm:8000 {words}"
    gone = Event(10, "e4", NOW_S * 10**9, kind, "server", "127.0.0.1:9999", payload=payload)
    assert events.about(scene(state), gone) == "127.0.0.1:9999"


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"ready": True, "cpu": 0.12, "over_s": 300}, "a good time for one"),
        (
            {"ready": False, "why_not": ["CPU 55% over 5 min", "an alert fires"]},
            "not now: CPU 55% over 5 min, an alert fires",
        ),
        ({"ready": False}, "not now"),
    ],
)
def test_words_about_a_backup(payload: dict[str, object], words: str) -> None:
    told_of = Event(9, "e4", NOW_S * 10**9, "backup.ready", "backup", "ready", payload=payload)
    assert events.said(told_of) == words


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"action": "bundle", "done": True, "file": "bundles/a.wftop"}, "hot: bundle bundles/a.wftop"),
        (
            {"action": "bundle", "done": False, "reason": "at most one in 10 minutes"},
            "hot: bundle not done, at most one in 10 minutes",
        ),
        ({"action": "command", "done": True, "program": "/bin/told"}, "hot: command /bin/told"),
    ],
)
def test_an_action_of_an_alert_says_which_and_of_what(payload: dict[str, object], words: str) -> None:
    told_of = {"rule": "rule.hot", "name": "hot", **payload}
    item = Event(9, "e3", NOW_S * 10**9, "alert.action", "alert", "rule.hot", payload=told_of)
    assert events.said(item) == words
    line = "".join(text for text, _ in event_line(scene(told(box(1))), item, 80))
    assert words.removeprefix("hot: ") in line
