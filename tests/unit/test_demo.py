"""The script of the demo: the same machine each time, in the past as live, and its incident."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

import pytest

from tests.tui.fake import Fed, scene
from wftui import names
from wftui.clock import Instant, SystemClock
from wftui.collectors.base import STREAM
from wftui.demo import cards, council, people, session, story
from wftui.demo.collectors import Bringer, collectors
from wftui.demo.past import Past
from wftui.demo.script import PEOPLE_S, TABLED, Script
from wftui.demo.streamed import Streamed
from wftui.energy.sink import Key, Nowhere
from wftui.energy.stream import Stream
from wftui.model import gpus as cells
from wftui.model import processes as proc
from wftui.model import servers
from wftui.model.series import series
from wftui.model.tick import unpack
from wftui.recorder.sealed import answer
from wftui.store.journal import NAME, open_reader
from wftui.store.read import Reader
from wftui.tui import compose
from wftui.tui.ui import Ui
from wftui.windows.stragglers import members, stragglers
from wftui.wire import messages as wire

EPOCH_S = 1_790_000_000
SERVERS_BEFALLEN = [
    "server.state", "server.gone", "server.queueing", "server.preempting", "server.restarted", "model.unloaded",
    "model.loaded", "model.verdict",
]  # fmt: skip
S = 1_000_000_000


def values(script: Script, second: int) -> dict[str, float]:
    """Series to value in a second."""
    return dict(zip([item.series.text for item in script.columns()], script.second(second), strict=True))


def of(name: str, gpu: int, found: dict[str, float], **labels: str) -> float:
    return found[series(f"hw.gpu.{name}", {"gpu": cards.uuid(gpu), **labels}).text]


def test_two_scripts_tell_the_same() -> None:
    one, other = Script(EPOCH_S), Script(EPOCH_S)
    for second in range(20):
        # Byte for byte: what is not told is NaN, which equals nothing.
        assert one.second(second).tobytes() == other.second(second).tobytes()
        assert one.tables(second) == other.tables(second)
    assert one.columns() == other.columns()


def test_every_second_of_a_cycle_is_plausible() -> None:
    script = Script(EPOCH_S)
    columns = script.columns()
    assert len({item.series.text for item in columns}) == len(columns)
    before = script.second(0)
    for second in range(1, story.FIRST_S + story.CYCLE_S, 7):
        now = script.second(second)
        for item, was, value in zip(columns, before, now, strict=True):
            if item.source in (servers.SOURCE, council.CORE) and math.isnan(value):
                continue  # a server that is away, an interval without requests, a core that is to come
            assert math.isfinite(value), item.series.text
            assert value >= 0, (item.series.text, value)
            if item.unit == "1" and "pcie" not in item.series.name:
                assert value <= 1, (item.series.text, value)
            if item.kind == names.COUNTER and not math.isnan(was):
                assert value >= was, item.series.text
        before = now


def test_the_live_part_tells_what_the_past_told() -> None:
    past, live = Script(EPOCH_S), Script(EPOCH_S)
    for second in range(3):
        past.second(second)
        for part in live.parts:
            if part.interval_s >= 1.0:
                part.values(second)
    told = values(past, 3)
    at = Instant((EPOCH_S + 3) * S + S // 2, 77 * S)
    found: dict[str, float] = {}
    for source in collectors(live):
        assert source.where == STREAM
        for reading in source.collect(at).readings:
            assert 0 <= at.boottime_ns - reading.at.boottime_ns <= S
            for sample in reading.samples:
                if reading.interval_s == 1.0:
                    found[sample.column.series.text] = sample.value
    assert len(found) > 200
    assert found == {text: told[text] for text in found}


def test_a_collector_tells_ten_readings_a_second_and_each_second_once() -> None:
    (source,) = [item for item in collectors(Script(EPOCH_S)) if item.name == "gpu"]
    source.collect(Instant(EPOCH_S * S + 50_000_000, S))
    later = source.collect(Instant((EPOCH_S + 2) * S + 10_000_000, 3 * S))
    assert sum(reading.interval_s == 0.1 for reading in later.readings) == 20
    assert sum(reading.interval_s == 1.0 for reading in later.readings) == 2
    assert source.collect(Instant((EPOCH_S + 2) * S + 11_000_000, 3 * S)).readings == ()


def test_the_council_is_the_same_however_it_is_asked_for() -> None:
    whole = list(council.Council().steps(0, 110))
    bits = council.Council()
    assert whole == [step for tenth in range(1100) for step in bits.steps(tenth / 10, (tenth + 1) / 10)]
    assert [step.at for step in whole] == sorted(step.at for step in whole)
    for model in council.MODELS:
        kinds = [step.what for step in whole if step.model == model and step.what != "token"]
        assert kinds == ["prompt", "end"] * 2 + ["prompt"]
    drawn = [item for tenth in range(900) for item in council.frames(tenth / 10, (tenth + 1) / 10)]
    assert drawn == list(council.frames(0, 90))


def test_of_the_council_one_is_sure_one_bursts_and_one_stalls() -> None:
    streams = {model: Stream() for model in council.MODELS}
    for step in council.Council().steps(0, council.FIRST_S + 2 * council.TURN_S):
        stream = streams[step.model]
        if step.what == "token":
            stream.token(step.at, certainty=step.certainty)
            assert step.top is not None
            assert sum(step.top.values()) == pytest.approx(1.0)
        else:
            (stream.prompt if step.what == "prompt" else stream.end)(step.at)
    states = {model: [state for _, state in stream.turns()] for model, stream in streams.items()}
    assert states[council.SURE] == ["charging", "flowing", "saturated", "drained"] * 2
    assert states[council.DOUBTFUL].count("stalling") == 4
    assert states[council.BURSTY].count("saturated") > 4
    assert all(kinds[0] == "charging" and kinds[-1] == "drained" for kinds in states.values())


def test_the_core_of_the_demo_brings_each_token_once() -> None:
    class Sink(Nowhere):
        def __init__(self) -> None:
            self.told: list[tuple[str, float]] = []
            self.frames = 0

        def tokens(self, key: Key, at_s: float, count: int, **_: object) -> None:
            assert count == 1
            self.told.append((key.model, at_s))

        def frame(self, program: str, at_s: float, took_s: float, stages: object = None) -> None:
            del at_s, took_s, stages
            self.frames += program == council.STUDIO

    async def listen(sink: Sink) -> None:
        clock = SystemClock()
        script = Script(clock.now().time_ns // S - session.BEGAN_S - 100)
        (core,) = [item for item in collectors(script) if isinstance(item, Bringer)]
        core.bring_to(sink, lambda *_: None)
        core.collect(clock.now())
        core.look_closely(60.0)
        async with asyncio.timeout(20):
            while sink.frames < 40:  # noqa: ASYNC110  the sink is no part of the loop
                await asyncio.sleep(0.01)
        core.close()
        core.close()

    sink = Sink()
    asyncio.run(listen(sink))
    assert len(sink.told) == len(set(sink.told))
    assert sink.told == sorted(sink.told, key=lambda item: item[1])


def test_the_past_has_what_the_desk_makes_of_the_council() -> None:
    streamed = Streamed(EPOCH_S, -EPOCH_S * S)
    plain = Stream()
    span = range(session.BEGAN_S - 1, session.BEGAN_S + 2 * council.TURN_S)
    found = [streamed.second(second) for second in span]
    assert not found[0].values
    for step in council.Council().steps(session.BEGAN_S, session.BEGAN_S + 2 * council.TURN_S):
        if step.model == council.SURE and step.what == "token":
            plain.token(step.at, certainty=step.certainty)
    units = {item.series.text: value for item, value in found[-1].values.items()}
    assert units[f'ux.stream.units{{model="{council.SURE}",source="core"}}'] == pytest.approx(
        plain.units, rel=0.05
    )
    names_told = {item.series.name for second in found for item in second.values}
    assert {
        "ux.stream.energy",
        "ux.stream.certainty",
        "ux.ensemble.energy",
        "ux.ensemble.disagreement",
    } <= names_told
    assert all(name in names.METRICS for name in names_told)
    kinds = {event.kind for second in found for event in second.events}
    assert kinds == {"stream.stalled", "stream.ended"}
    stalls = [event.payload for second in found for event in second.events if event.kind == "stream.stalled"]
    assert all(isinstance(stall["last_token_s"], float) and stall["last_token_s"] >= 0.4 for stall in stalls)
    rows = [row for second in found for table in second.tables for row in table.rows]
    assert set(rows) == {f"core||{model}" for model in council.MODELS}


def test_a_gpu_s_joules_are_counted_once_however_many_sources_have_tables() -> None:
    script = Script(EPOCH_S)
    sources = [item for item in collectors(script) if item.name in TABLED]
    assert len(sources) == 3

    told: list[float] = []
    for second in range(21):
        at = Instant((EPOCH_S + second) * S, (second + 1) * S)
        tables = [table for source in sources for table in source.collect(at).tables]
        for rows in [table.rows.values() for table in tables if table.schema is cells.GPU_PROCESSES]:
            own = [row for row in rows if row[cells.P_UUID] == cards.uuid(4)]
            told.append(sum(float(row[cells.P_ENERGY] or 0) for row in own))
    watts = sum(cards.power(4, second) for second in (5, 10, 15, 20)) / 4
    assert len(told) == 5
    assert told[-1] - told[0] == pytest.approx(20 * watts, rel=0.05)


def test_after_a_suspend_it_goes_on_without_telling_all_of_it() -> None:
    (source,) = [item for item in collectors(Script(EPOCH_S)) if item.name == "cpu"]
    source.collect(Instant(EPOCH_S * S, S))
    assert len(source.collect(Instant((EPOCH_S + 9_000) * S, 9_001 * S)).readings) < 20


def test_the_incident_unfolds_and_comes_again() -> None:
    start = story.FIRST_S
    script = Script(EPOCH_S)
    calm, hot = values(script, start - 10), values(script, start + 130)
    assert of("clock.frequency", story.HOT, hot, mode="sm") < 0.7 * of("clock.frequency", 0, hot, mode="sm")
    assert of("temperature", story.HOT, hot, sensor="gpu") > of("temperature", story.HOT, calm, sensor="gpu") + 15
    assert of("throttled", story.HOT, hot, mode="hw_thermal") == 1
    script.second(start + story.FAULT_S - 3)
    leaked = values(script, start + story.FAULT_S - 2)
    assert of("memory.utilization", story.LEAKING, leaked) > 0.98
    script.second(start + story.BACK_S - 3)
    assert of("memory.utilization", story.LEAKING, values(script, start + story.BACK_S - 2)) < 0.01

    kinds = [item.kind for item in script.events(0.5, start + story.CYCLE_S) if item.about[0] == "gpu"]
    once = ["gpu.throttled", "gpu.unthrottled", "gpu.xid", "gpu.throttled", "gpu.unthrottled"]
    assert kinds == once
    later = script.events(start + story.CYCLE_S, start + 2 * story.CYCLE_S)
    assert [item.kind for item in later if item.about[0] == "gpu"] == once
    assert [item.kind for item in later if item.about[0] == "server"] == SERVERS_BEFALLEN
    times = [item.at.time_ns for item in later if item.at]
    assert times == sorted(times)
    assert {item.kind for item in script.events(0, 1)} == {"gpu.found", "server.found"}
    assert all(item.kind in names.EVENT_TYPES for item in script.events(0, 3_000))


def test_at_the_start_an_incident_lies_a_few_minutes_back_and_the_next_is_to_come() -> None:
    assert story.PAST_S >= 1_800
    assert 240 <= story.phase(story.PAST_S) - story.FAULT_S + 60 <= 600
    assert story.CYCLE_S - story.phase(story.PAST_S) < 900


@pytest.mark.parametrize(("offset", "behind"), [(-60, set()), (130, {story.HOT}), (300, {story.LAMED})])
def test_who_is_behind_is_found_by_the_product_itself(offset: int, behind: set[int]) -> None:
    script = Script(EPOCH_S)
    second = (story.FIRST_S + offset) // 5 * 5
    found = values(script, second)
    tables = {item.table.schema.name: item.table.rows for item in script.tables(second)}
    those = stragglers(members(tables["gpus"], tables["gpu_processes"], found.get))
    assert {item.uuid for item in those if item.job} == {cards.uuid(gpu) for gpu in behind}


def test_who_holds_a_gpu_is_in_the_table_of_processes() -> None:
    script = Script(EPOCH_S)
    for second in range(0, story.FIRST_S + story.CYCLE_S, 10 * PEOPLE_S * 5):
        tables = {item.table.schema.name: item.table.rows for item in script.tables(second)}
        rows = tables["processes"]
        assert 95 <= len(rows) <= 150
        assert len({row[proc.PID] for row in rows.values()}) == len(rows)
        for row in tables["gpu_processes"].values():
            one = rows[proc.row_key(int(row[cells.P_PID] or 0), int(row[cells.P_START] or 0))]
            assert (one[proc.USER], one[proc.NAME]) == (row[cells.P_USER], row[cells.P_NAME])


def test_the_leaking_server_comes_back_as_another_process() -> None:
    start = story.FIRST_S + story.BACK_S
    assert people.leaky(start - 30).key != people.leaky(start).key == people.leaky(start + 600).key


@pytest.mark.parametrize("width", [20, 40, 80, 120, 200])
def test_the_top_line_says_demo_at_any_width(width: int) -> None:
    fed = Fed().run(1, 5)
    fed.state.attached(wire.Hello(wire.VERSION, "recorder", hostname="demo", session=1, demo=True))
    shown = compose.picture(scene(fed.state), Ui(), width, 24)
    assert "DEMO" in "".join(text for text, _ in shown.rows[0])


def test_the_past_may_be_older_than_the_machine_s_uptime(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir(mode=0o700)
    past = Past(folder, Script(EPOCH_S), Instant((EPOCH_S + 60) * S, 5 * S))
    past.write(60)
    past.close()
    question = wire.Range(["hw.gpu.energy"], EPOCH_S * S, (EPOCH_S + 60) * S, 60)
    reply = answer(Reader(open_reader(folder / NAME)), None, question)
    assert isinstance(reply, wire.RangeReply)
    assert reply.counts == [1] * 60
    watts = unpack(reply.series[0].mean)
    assert all(100 < value < 800 for value in watts[1:])
