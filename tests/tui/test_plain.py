"""The line mode: what is told, when it is news, and what is answered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.fake import HOSTILE, NAN, NOW_S, Fed, full
from tests.tui.fake_gpus import GpuFed, asleep, box, idle, lost
from tests.tui.fake_streams import KEYS, Streaming, row, streaming
from tests.tui.servers_seen import LOCKED, VLLM, serving
from tests.tui.ux_seen import drawing
from wftui.errors import UsageError
from wftui.model.event import Event
from wftui.model.streams import STREAMS
from wftui.model.table import TableChange
from wftui.tui.plain import speech
from wftui.tui.plain.answers import WORDS, Quit, answer, interval
from wftui.tui.plain.facts import Fact, facts, numbered
from wftui.tui.plain.news import MOST, News
from wftui.tui.state import State
from wftui.wire import messages as wire

CPU = "system.cpu.utilization"
MEMORY = "system.memory.utilization"
QUIET = {CPU: 0.1, MEMORY: 0.5, "system.disk.io": 0.0, "system.disk.utilization": 0.1}


def fed() -> Fed:
    """A machine that was quiet for ten seconds."""
    machine = Fed()
    for second in range(1, 11):
        machine.state.on(machine.tick(second, QUIET))
    return machine


def said(state: State, subject: str) -> Fact:
    return next(fact for fact in facts(state, 5) if fact.subject == subject)


# ---- sentences


def test_a_sentence_for_each_subject() -> None:
    state = full()
    lines = News(5).everything(state)
    assert lines[0] == "Host gpu-box-3 is well."
    assert [line.split(" ")[0] for line in lines[1:]] == ["CPU", "Memory", "Disks", "Fullest", "Network", "8"]
    assert "Fullest file system /srv/models, 87 percent full, of 3.64 TiB." in lines
    assert lines[-1] == "8 sources ok, in trouble: sensors late."


def test_unknown_is_said_and_never_zero() -> None:
    machine = fed()
    for second in range(11, 21):
        machine.state.on(machine.tick(second, {**QUIET, CPU: NAN, MEMORY: NAN, "system.disk.io": NAN}))
    assert said(machine.state, "cpu").head == "CPU use unknown"
    assert said(machine.state, "memory").head == "Memory use unknown"
    assert said(machine.state, "disks").head == "Disks read unknown, write unknown"


def test_an_empty_state_has_something_to_say() -> None:
    assert News(5).everything(State())[1] == "CPU use unknown."


@pytest.mark.parametrize("hostile", [HOSTILE, "\x1b[31m", "\x07\r\n\x9b2J"])
def test_nothing_from_outside_controls_the_terminal(hostile: str) -> None:
    state = full(hostile=True)
    state.hostname = hostile
    state.add_events([Event(5000, "h", NOW_S * 10**9, "gpu.xid", "gpu", hostile, payload={"why": hostile})])
    news = News(5)
    lines = news.everything(state)
    for word in WORDS:
        if word != "quit":
            lines += answer(word, state, news)
    lines += answer(hostile.replace("\n", " "), state, news) + answer(f"gpu {hostile}", state, news)
    assert all(line.isprintable() for line in lines)


@given(st.text(max_size=60))
def test_spoken_text_is_one_printable_line(text: str) -> None:
    assert speech.spoken(text).isprintable()


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ("memory 93 %", "memory 93 percent"),
        ("k10temp 91 °C", "k10temp 91 degrees Celsius"),
        ("slowed for 2h 03m", "slowed for 2 hours 3 minutes"),
        ("4 min ago, 12 s", "4 minutes ago, 12 seconds"),
        ("≈ 3 → 4", "about  3 to 4"),
    ],
)
def test_signs_are_said_as_words(written: str, heard: str) -> None:
    assert speech.spoken(written) == heard


def test_ranges_and_lists() -> None:
    assert speech.span([0.95, 0.981, NAN], "percent", 100) == "95 to 98 percent"
    assert speech.span([0.5], "percent", 100) == "50 percent"
    assert speech.span([NAN], "percent") == "percent unknown"
    assert speech.listed(["a"]) == "a"
    assert speech.listed(list("abc")) == "a, b and c"
    assert speech.listed(list("abcdef"), 2) == "a, b and 4 more"
    assert numbered(list("0123")) == "0 to 3"
    assert numbered(list("035")) == "0, 3 and 5"


# ---- what is news


def test_nothing_is_said_while_nothing_changes_much() -> None:
    machine = fed()
    news = News(5)
    news.everything(machine.state)
    for second in range(11, 31):
        machine.state.on(machine.tick(second, {**QUIET, CPU: 0.1 + 0.1 * (second % 2), MEMORY: 0.53}))
    assert news.since(machine.state) == []


def test_a_change_is_said_with_what_it_was_and_then_no_more() -> None:
    machine = fed()
    news = News(5)
    news.everything(machine.state)
    for second in range(11, 17):
        machine.state.on(machine.tick(second, {**QUIET, CPU: 0.7}))
    assert news.since(machine.state) == ["CPU 70 percent busy, up from 10 percent, load 3.42 on 8 cores."]
    assert news.since(machine.state) == []
    for second in range(17, 23):
        machine.state.on(machine.tick(second, QUIET))
    assert news.since(machine.state) == ["CPU 10 percent busy, down from 70 percent, load 3.42 on 8 cores."]


def test_a_slow_drift_is_told_too() -> None:
    machine = fed()
    news = News(5)
    news.everything(machine.state)
    told = []
    for second in range(11, 111):
        machine.state.on(machine.tick(second, {**QUIET, MEMORY: 0.5 + (second - 10) * 0.001}))
        told += [line for line in news.since(machine.state) if line.startswith("Memory")]
    assert len(told) in (1, 2)
    assert "up from 50 percent" in told[0]


def test_trouble_is_told_once_and_its_end_too() -> None:
    machine = fed()
    news = News(5)
    news.everything(machine.state)
    for second in range(11, 20):
        machine.state.on(machine.tick(second, {**QUIET, MEMORY: 0.93 + 0.002 * (second % 3)}))
    first = news.since(machine.state)
    assert first[0].startswith("Host gpu-box-3, warning: memory 93 percent")
    machine.state.on(machine.tick(20, {**QUIET, MEMORY: 0.95}))
    assert news.since(machine.state) == []
    for second in range(21, 27):
        machine.state.on(machine.tick(second, QUIET))
    assert news.since(machine.state)[0] == "Host gpu-box-3 is well."


def test_unknown_and_known_again_are_news() -> None:
    machine = fed()
    news = News(5)
    news.everything(machine.state)
    for second in range(11, 17):
        machine.state.on(machine.tick(second, {**QUIET, CPU: NAN}))
    assert news.since(machine.state) == []  # one reading that did not come is not worth a word
    assert news.since(machine.state) == ["CPU use unknown, load 3.42 on 8 cores."]
    assert news.since(machine.state) == []
    for second in range(17, 23):
        machine.state.on(machine.tick(second, QUIET))
    assert news.since(machine.state) == ["CPU 10 percent busy, load 3.42 on 8 cores."]


def test_events_that_matter_are_told_once_those_that_do_not_never() -> None:
    machine = fed()
    news = News(5)
    news.everything(machine.state)
    at = NOW_S * 10**9

    def happened(seq: int, kind: str) -> Event:
        return Event(seq, f"e{seq}", at, kind, "process", "812", payload={"name": "python3"})

    machine.state.add_events([happened(2000, "view.attached"), happened(2001, "process.oom_killed")])
    lines = news.since(machine.state)
    assert len(lines) == 1
    assert lines[0].endswith("process oom killed, 812: name python3.")
    assert news.since(machine.state) == []
    machine.state.add_events([happened(seq, "process.oom_killed") for seq in range(2002, 2012)])
    lines = news.since(machine.state)
    assert len(lines) == 2
    assert lines[-1].endswith("; 8 more, events tells them.")


def test_never_more_than_a_handful_of_lines_and_nothing_is_lost() -> None:
    machine = GpuFed(box(8)).run().furnish()
    news = News(5)
    told = news.since(machine.state)
    assert len(told) <= MOST
    rest = news.since(machine.state)
    assert len(rest) <= MOST
    assert not set(told) & set(rest)
    assert news.since(machine.state) == []
    assert sum("GPUs 0 to 7" in line for line in told + rest) == 1


def test_gpus_one_by_one_or_together() -> None:
    few = News(5).everything(GpuFed([idle(0), asleep(1), lost(2)]).run().furnish().state)
    assert any(line.startswith("GPU 0, ") and "percent busy" in line for line in few)
    assert any("asleep" in line for line in few)
    assert any("lost" in line for line in few)
    many = News(5).everything(GpuFed(box(16)).run().furnish().state)
    assert sum(line.startswith("GPU") for line in many) == 1


def test_a_gpu_that_went_is_told() -> None:
    state = GpuFed(box(2)).run().furnish().state
    news = News(5)
    news.everything(state)
    gone = list(state.tables["gpus"])[1]
    del state.tables["gpus"][gone]
    state.table_version += 1
    assert "GPU 1 is gone." in news.since(state)


# ---- what is answered


def test_every_word_and_its_begins_are_answered() -> None:
    state, news = GpuFed(box(2)).run().furnish().state, News(5)
    for word in WORDS:
        if word != "quit":
            assert answer(word, state, news)
    assert answer("", state, news) == answer("ALL ", state, news) == answer("al", state, news)
    assert len(answer("help", state, news)) == len(WORDS)
    assert answer("zebra", state, news) == ["There is no word zebra. Type help for the words."]
    for word in ("quit", "q", "exit", "qui"):
        with pytest.raises(Quit):
            answer(word, state, news)


def test_processes_by_their_cpu() -> None:
    state, news = full(), News(5)
    lines = answer("processes 3", state, news)
    assert lines[0] == "python3, process 812 of ana: CPU 231 percent, memory 9.10 GiB."
    assert len(lines) == 4
    assert lines[-1] == "40 processes in all; 100 percent is one core."
    assert len(answer("processes 0", state, news)) == 2
    assert len(answer("processes ٣", state, news)) == 6
    assert answer("processes", State(), news) == ["Nothing is known of processes yet."]


def test_one_gpu_in_detail_and_one_that_is_not_there() -> None:
    state, news = GpuFed(box(2)).run().furnish().state, News(5)
    lines = answer("gpu 1", state, news)
    assert lines[0].startswith("GPU 1, ")
    assert any(line.startswith("Model NVIDIA") for line in lines)
    assert answer("gpu 7", state, news) == ["There is no GPU 7; there is 0 and 1."]
    assert answer("gpu", full(), news)[0].startswith("No GPU: no GPU found")


def test_events_newest_first() -> None:
    lines = answer("events 2", full(), News(5))
    assert len(lines) == 2
    assert "signal sent, process 1394: signal SIGTERM, name rsync." in lines[0]
    assert answer("events", State(), News(5)) == ["No events yet."]


def test_the_interval_is_changed_by_word() -> None:
    news = News(5)
    assert answer("every 10s", State(), news) == ["Changes are told every 10 seconds."]
    assert news.seconds == 10
    assert "expected" in answer("every blue", State(), news)[0]
    assert answer("every 1", State(), news) == ["Changes are told every 1 second."]


@pytest.mark.parametrize(("typed", "seconds"), [("1s", 1), ("5", 5), ("2m", 120), ("1h", 3600)])
def test_intervals(typed: str, seconds: int) -> None:
    assert interval(typed) == seconds


@pytest.mark.parametrize("typed", ["0s", "0.2s", "2h", "x", "", "-5s"])
def test_no_intervals(typed: str) -> None:
    with pytest.raises(UsageError):
        interval(typed)


# ---- model servers


def test_few_servers_are_told_one_by_one_and_many_together() -> None:
    lines = News(5).everything(serving(VLLM, LOCKED))
    assert any(
        line.startswith(f"vllm at {VLLM} with Llama-4-Scout, makes 2346 tokens per second") for line in lines
    )
    assert f"lmstudio at {LOCKED}, denied: 401: it wants a key." in lines
    many = News(5).everything(serving())
    assert sum("127.0.0.1" in line for line in many) == 1
    assert any(line.startswith("7 model servers, 5 of them ok, together ") for line in many)


def test_one_server_with_all_its_figures_and_what_it_lacks() -> None:
    state, news = serving(), News(5)
    said = "\n".join(answer("models ollama", state, news))
    assert "38 percent of 20.6 GiB is in RAM" in said
    assert "what would bring it: wftop proxy" in said
    said = "\n".join(answer("models 8000", state, news))
    assert "in queue p50 at most 300 ms p95 " in said
    assert "≤" not in said
    assert "Which one is meant by vllm" in answer("models vllm", state, news)[0]
    assert answer("models", full(), news) == ["No model server."]


def test_programs_views_and_the_core_are_told() -> None:
    lines = News(5).everything(drawing())
    slow = "Program canvas draws 47.4 frames a second, 95 of 100 within 24.0 milliseconds, "
    assert slow + "render is furthest over its share." in lines
    assert "Program editor does not draw." in lines
    assert any(line.startswith("View 2 of wftop shows 62 percent of the energy computed, ") for line in lines)
    assert any(
        line.endswith("most of the rest lost because the terminal did not answer in time.") for line in lines
    )
    assert "Core at level 3.00, 1.24 levels an hour." in lines
    assert answer("ux", drawing(), News(5))[0].startswith("Program canvas")
    assert answer("ux", full(), News(5))[0].startswith("No program tells its frames")


# ---- streams of tokens


def test_streams_are_told_with_their_state_energy_and_rate() -> None:
    lines = News(5).everything(streaming())
    assert (
        "Stream llama3:8b of app flows, energy 0.91, 24.0 tokens a second, 93 percent sure, "
        "13104 energy units so far." in lines
    )
    assert any(
        line.startswith(
            "Stream gemma3:27b of ollama:11434 flows at full energy, energy 0.77, 40.0 tokens a second"
        )
        and line.endswith("estimated by the counters of its server.")
        for line in lines
    )
    told = answer("streams", streaming(), News(5))
    assert told[-1] == (
        "3 streams of tokens, 3 with an answer under way, energy of these 0.70, "
        "two disagree by 0.62 by what they say."
    )
    assert answer("streams", full(), News(5))[0].startswith("No stream of tokens is known")


def test_a_stall_of_a_stream_is_news_and_its_other_changes_are_not() -> None:
    machine = Streaming()
    machine.run().furnish()
    machine.table()
    news = News(5)
    news.everything(machine.state)

    def becomes(state: str) -> list[str]:
        rows = {KEYS[number]: row(number, STATE=state if number == 0 else "idle") for number in range(3)}
        change = TableChange(STREAMS.name, NOW_S * 10**9, keyframe=True, rows=rows)
        machine.state.on(wire.TableArrived(change, STREAMS))
        return [line for line in news.since(machine.state) if line.startswith("Stream llama3")]

    assert becomes("saturated") == becomes("drained") == becomes("flowing") == []
    assert becomes("stalling")[0].startswith("Stream llama3:8b of app stalls, energy ")
    assert becomes("flowing")[0].startswith("Stream llama3:8b of app flows, energy ")
