"""ComfyUI's history and messages: what is counted, and that nothing in them does harm."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.fake import sample
from tests.servers.fakes.comfyui import MESSAGES
from wftui.collectors.servers.comfyui_jobs import Jobs, Now
from wftui.errors import SourceFormatError

HISTORY = sample("comfyui_history.json")


def heard(*messages: str) -> Now:
    """What is known after messages."""
    now = Now()
    for message in messages:
        now.hear(message)
    return now


def test_messages_of_the_samples() -> None:
    assert heard(*MESSAGES[:4]).node == "3"
    assert heard(*MESSAGES[:4]).progress is None
    assert heard(*MESSAGES[:6]).progress == 1
    after = heard(*MESSAGES)
    assert (after.prompt, after.node, after.take_ended(), after.take_ended()) == ("", "", True, False)


def test_newer_progress() -> None:
    state = {
        "type": "progress_state",
        "data": {
            "prompt_id": "p",
            "nodes": {
                "1": {"value": 1, "max": 1, "state": "finished"},
                "3": {"value": 5, "max": 20, "state": "running", "node_id": "3"},
            },
        },
    }
    now = heard(msgspec.json.encode(state).decode())
    assert (now.prompt, now.node, now.progress) == ("p", "3", 0.25)


@pytest.mark.parametrize(
    "message",
    ["", "{}", "[]", '{"type": 5}', '{"type": "progress", "data": []}',
     '{"type": "an.extension", "data": {"cpu": 5}}',
     '{"type": "progress", "data": {"value": 1, "max": 0}}', "[" * 5000, "\ud800"],
)  # fmt: skip
def test_messages_that_say_nothing(message: str) -> None:
    now = heard(message)
    assert (now.prompt, now.progress, now.take_ended()) == ("", None, False)


@given(st.text(max_size=200), st.sampled_from(MESSAGES), st.integers(0, 200))
def test_any_message_is_harmless(message: str, known: str, at: int) -> None:
    heard(message, known[:at], known[:at] + message, *MESSAGES)


@given(st.binary(max_size=50), st.integers(0, len(HISTORY)), st.integers(0, 30))
def test_any_history_is_read_or_refused(more: bytes, at: int, cut: int) -> None:
    body = HISTORY[:at] + more + HISTORY[at + cut :]
    jobs = Jobs()
    jobs.take(b"{}")
    try:
        jobs.take(body)
    except SourceFormatError:
        return
    assert sum(jobs.counts.values()) <= 1


def test_the_history_of_the_samples() -> None:
    jobs = Jobs()
    jobs.take(b"{}")
    jobs.take(sample("comfyui_history.json"))
    assert jobs.counts == {"finished": 1, "failed": 0, "aborted": 0}
    assert jobs.durations().count == 1
    assert jobs.durations().total == pytest.approx(6.42)
