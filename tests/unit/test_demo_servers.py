"""The model servers of the demo: as the real source tells of them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest

from wftui import names
from wftui.clock import Instant
from wftui.collectors.servers import llamacpp, llamacpp_instance, ollama
from wftui.demo import people, serving, story
from wftui.demo import servers as demo
from wftui.demo.collectors import collectors
from wftui.demo.script import Script
from wftui.demo.telling import BOUNDS
from wftui.model import gpus, health, processes
from wftui.model import servers as cells
from wftui.model.series import series
from wftui.model.table import Row
from wftui.windows.serving import SPLIT

EPOCH_S = 1_790_000_000
START = story.FIRST_S
MOMENTS = {
    "before": START - 10,
    "leaking": START + 280,
    "dead": START + story.FAULT_S + 1,
    "gone": START + story.GONE_S + 11,
    "back": START + story.LOADED_S + 5,
    "unloaded": START + story.UNLOADED[0] + 5,
}


def seconds(*wanted: int) -> dict[int, dict[str, float]]:
    """Series to value of these seconds, asked as a recording does: each second once."""
    script = Script(EPOCH_S)
    texts = [item.series.text for item in script.columns()]
    told = ((second, script.second(second)) for second in range(max(wanted) + 1))
    return {second: dict(zip(texts, found, strict=True)) for second, found in told if second in wanted}


def tables(second: int) -> Mapping[str, Mapping[str, Row]]:
    """Every table as it is told in a second."""
    told = Script(EPOCH_S).tables(second, everything=True)
    return {item.table.schema.name: item.table.rows for item in told}


def of(name: str, endpoint: str, model: str = "", **labels: str) -> str:
    """Text of a server's series."""
    stat = labels.pop("stat", "")
    both = {"server": endpoint, **({"model": model} if model else {}), **labels}
    return series(name, both, stat).text


@pytest.mark.parametrize("second", MOMENTS.values(), ids=MOMENTS.keys())
def test_tables_are_whole_and_agree_with_each_other(second: int) -> None:
    told = tables(second)
    for schema in (cells.SERVERS, cells.MODELS, cells.REQUESTS):
        assert all(len(row) == len(schema.columns) for row in told[schema.name].values())
    found = told["servers"]
    assert all(key == row[cells.ENDPOINT] and row[cells.STATE] in health.STATES for key, row in found.items())
    assert all(row[cells.PARENT] in {"", *found} for row in found.values())
    for key, row in told["models"].items():
        assert key == f"{row[cells.M_SERVER]}|{row[cells.M_NAME]}"
        assert row[cells.M_SERVER] in found
        assert row[cells.M_STATE] in cells.MODEL_STATES
    assert all(row[cells.R_SERVER] in found for row in told["inference_requests"].values())
    alive = {(row[processes.PID], row[processes.START]) for row in told["processes"].values()}
    assert all(
        (row[cells.PID], row[cells.START]) in alive for row in found.values() if row[cells.STATE] != health.FAILED
    )


def test_a_server_holds_the_gpus_that_its_row_names() -> None:
    told = tables(MOMENTS["before"])
    parents = {row[processes.PID]: row[processes.PARENT] for row in told["processes"].values()}
    for row in told["servers"].values():
        if row[cells.PARENT]:
            continue
        holding = {
            held[gpus.P_UUID]
            for held in told["gpu_processes"].values()
            if row[cells.PID] in (held[gpus.P_PID], parents[held[gpus.P_PID]])
        }
        assert set(str(row[cells.GPUS]).split(",")) - {""} == holding


def test_what_holds_a_gpu_adds_up_to_what_the_gpu_says() -> None:
    second = MOMENTS["before"] // 5 * 5
    told = tables(second)
    (values,) = seconds(second).values()
    for uuid in told["gpus"]:
        held = [row for row in told["gpu_processes"].values() if row[gpus.P_UUID] == uuid]
        used = values[series("hw.gpu.memory.usage", {"gpu": uuid, "mode": "used"}).text]
        assert sum(float(row[gpus.P_MEMORY] or 0) for row in held) == pytest.approx(used, rel=0.01)


def test_a_key_is_wanted_a_flag_is_missing_a_model_is_split() -> None:
    found = tables(MOMENTS["before"])["servers"]
    locked = found[serving.LOCKED]
    assert locked[cells.STATE] == health.DENIED
    assert "key_env" in str(locked[cells.FIX])
    assert "LLAMA_ARG_ENDPOINT_METRICS=1" in str(found[serving.RUNNER][cells.MISSING])
    assert found[serving.OLLAMA][cells.VERDICT] == SPLIT
    assert "gen_ai.server.time_to_first_token=0.001:2560" in str(found[serving.VLLM][cells.BOUNDS])


def test_what_is_missing_is_said_in_the_words_of_the_adapters() -> None:
    told = (ollama.LATENCIES, llamacpp.LATENCIES, llamacpp_instance.RUNNER_METRICS_OFF)
    said = [f"{item.figure}: {item.fix}" for item in told]
    assert said == [demo.NO_ENDS, demo.NO_TIMES, demo.NO_TOTALS]


def test_a_server_dies_and_its_clients_queue_up_at_the_other() -> None:
    told = seconds(*MOMENTS.values())
    calm, gone, back = (told[MOMENTS[name]] for name in ("before", "gone", "back"))
    running = of("inference.requests", serving.LEAKY, serving.QWEN, mode="running")
    up = of("inference.server.up", serving.LEAKY)
    assert told[MOMENTS["dead"]][up] == 0
    assert math.isnan(gone[up])
    assert math.isnan(gone[running])
    assert back[up] == 1
    tokens = of("inference.tokens", serving.LEAKY, serving.QWEN, mode="generation")
    assert back[tokens] < told[MOMENTS["leaking"]][tokens]
    assert back[of("inference.server.restarts", serving.LEAKY)] == 1
    waiting = of("inference.requests", serving.VLLM, serving.SCOUT, mode="waiting")
    first = of("gen_ai.server.time_to_first_token", serving.VLLM, serving.SCOUT, stat="p95")
    preempted = of("inference.preemptions", serving.VLLM, serving.SCOUT)
    assert gone[waiting] > calm[waiting] + 10
    assert gone[first] > 4 * calm[first]
    assert back[preempted] > calm[preempted]


def test_rows_come_and_go_with_what_happens() -> None:
    assert serving.LEAKY in tables(MOMENTS["dead"])["servers"]
    assert tables(MOMENTS["dead"])["servers"][serving.LEAKY][cells.STATE] == health.FAILED
    assert serving.LEAKY not in tables(MOMENTS["gone"])["servers"]
    key = f"{serving.OLLAMA}|{serving.LARGE}"
    assert key in tables(MOMENTS["back"])["models"]
    assert key not in tables(MOMENTS["unloaded"])["models"]
    assert serving.SPLIT_RUNNER not in tables(MOMENTS["unloaded"])["servers"]


def test_quantiles_are_ordered_and_stay_within_the_buckets() -> None:
    told = seconds(*MOMENTS.values())
    seen = set()
    for values in told.values():
        for name, (low, high) in BOUNDS.items():
            modes = ("queue", "prefill", "decode") if name.startswith("inference.phase") else ("",)
            for mode in modes:
                labels = {"mode": mode} if mode else {}
                found = [values[of(name, serving.VLLM, serving.SCOUT, stat=stat, **labels)]
                         for stat in ("p50", "p95", "p99")]  # fmt: skip
                assert low <= found[0] <= found[1] <= found[2] <= high
                seen.add(found[0] == low)
    assert seen == {True, False}


def test_only_what_the_catalogue_has_for_servers_is_told() -> None:
    for item in Script(EPOCH_S).columns():
        if item.source == cells.SOURCE:
            metric = names.METRICS[item.series.name]
            assert metric.group == "models"
            assert {key for key, _ in item.series.labels} <= {*metric.labels, "stat"}
            assert item.series.stat in {"", *metric.statistics}


def test_what_the_recorder_makes_by_itself_is_told_in_the_past_only() -> None:
    script = Script(EPOCH_S)
    live = {item.series.name for parts in script.sources().values() for part in parts for item in part.columns}
    past = {item.series.name for item in script.columns()}
    assert past - live == {"inference.energy", "inference.energy.per_token", "inference.server.memory"}
    (source,) = [item for item in collectors(script) if item.name == cells.SOURCE]
    second = START + story.FAULT_S
    source.collect(Instant((EPOCH_S + second) * 10**9, 10**9))
    told = source.collect(Instant((EPOCH_S + second + 9) * 10**9, 10 * 10**9)).events
    assert {item.kind for item in told} == {"server.state", "server.gone"}
    source.close()
    source.collect(Instant((EPOCH_S + START + story.QUEUED_S - 1) * 10**9, 10**9))
    assert source.collect(Instant((EPOCH_S + START + story.QUEUED_S + 6) * 10**9, 8 * 10**9)).events == ()


def test_a_runner_lives_as_long_as_its_model() -> None:
    loaded = START + story.UNLOADED[1]
    assert people.split_born(loaded) == loaded
    assert people.split_born(loaded + 400) == loaded
    assert people.splitting(loaded).key != people.splitting(loaded - 500).key
