"""Two sides laid side by side: which series differ, which things are the same, what is said of it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.recording import START_S, S
from tests.stored import change, events, recorded
from wftui.bundle import compare_md, sides
from wftui.bundle.compare import Comparison, compare
from wftui.bundle.format import (
    AGGREGATE,
    ANONYMOUS,
    FORMAT,
    FULL,
    VERSION,
    Consent,
    Facts,
    Inventory,
    Manifest,
    Origin,
    RuleInForce,
    ServerFact,
    SettingInForce,
)
from wftui.bundle.privacy import Redactor
from wftui.bundle.sides import Side
from wftui.history.sides import Asked, side
from wftui.model.gpus import GPUS
from wftui.model.sample import Column, column
from wftui.model.servers import SERVERS
from wftui.model.table import Row, TableChange
from wftui.store.archive import open_archive
from wftui.store.journal import StoredChange
from wftui.windows.noise import student

Values = npt.NDArray[np.float64]
CPU = column("cpu", "system.cpu.utilization", call="x")
USED = column("memory", "system.memory.usage", {"mode": "used"}, call="x")
TTFT = column("servers", "gen_ai.server.time_to_first_token", {"server": "127.0.0.1:8000"}, call="x", stat="p95")
READ = column("disks", "system.disk.io", {"device": "sda", "direction": "read"}, call="x")
N = 600


def cores(count: int) -> list[Column]:
    return [column("cpu", "system.cpu.logical.utilization", {"cpu": str(n)}, call="x") for n in range(count)]


def power(uuid: str) -> Column:
    return column("gpu", "hw.gpu.power", {"gpu": uuid}, call="x")


def mounted(path: str, metric: str = "system.filesystem.utilization") -> Column:
    return column("mounts", metric, {"mount": path}, call="x")


def manifest(level: str = FULL, ticks: int = N) -> Manifest:
    return Manifest(
        FORMAT, VERSION, "wftop 0.9", START_S * S, START_S * S, (START_S + N) * S, level,
        Origin("host-7f3a", "Europe/Berlin"), Consent("--yes", START_S * S, "plain"), ticks, [], [], [],
    )  # fmt: skip


@dataclass
class Recorded:
    """What a side is made of."""

    columns: Sequence[Column]
    values: Values
    changes: list[StoredChange] = field(default_factory=list)
    fired: int = 0
    facts: Facts = field(default_factory=Facts)
    made: Manifest | None = field(default_factory=lambda: manifest())
    """None: of the own recording."""
    selectors: list[str] = field(default_factory=list)


def told(folder: Path, what: Recorded, recording: str, name: str = "x") -> Side:
    with recorded(folder) as made:
        made.many(what.columns, iter(what.values.tolist()), len(what.values))
        made.write(what.changes, events(what.fired, START_S * S, "alert.fired"))
    with open_archive(folder) as archive:
        asked = Asked(name, START_S, START_S + len(what.values), what.selectors)
        return side(archive, asked, recording, what.facts, what.made, 10.0)


def compared(tmp_path: Path, a: Recorded, b: Recorded, recordings: tuple[str, str] = ("1", "2")) -> Comparison:
    return compare(
        told(tmp_path / "a", a, recordings[0], "a.wftop"), told(tmp_path / "b", b, recordings[1], "b.wftop")
    )


def noise(level: float, spread: float, count: int = N, seed: int = 3) -> Values:
    return np.random.default_rng(seed).normal(level, spread, count)


def gpu_rows(**indexes: int) -> list[StoredChange]:
    names = [item.name for item in GPUS.columns]
    rows: dict[str, Row] = {}
    for uuid, index in indexes.items():
        cells: dict[str, str | int] = {"gpu.uuid": uuid, "gpu.index": index}
        rows[uuid] = tuple(cells.get(name) for name in names)
    return [StoredChange(1, GPUS, TableChange(GPUS.name, START_S * S, True, rows))]


# ---- numbers


def test_statistics_change_and_noise_against_numpy(tmp_path: Path) -> None:
    before = np.column_stack([noise(8e9, 5e7, seed=1), noise(0.2, 0.01, seed=2), np.arange(N) * 4e6])
    after = np.column_stack([noise(13e9, 5e7, seed=4), noise(0.2, 0.01, seed=5), np.arange(N) * 90e6])
    after[100:130, 0] = math.nan
    found = compared(tmp_path, Recorded([USED, CPU, READ], before), Recorded([USED, CPU, READ], after))
    assert (found.judged, found.same, found.little, found.unsure) == (3, 1, 0, 0)
    moved = {item.column: item for item in found.moved}
    assert moved.keys() == {USED, READ}, "the CPU is the same but for noise"
    memory = moved[USED]
    known = after[:, 0][~np.isnan(after[:, 0])]
    assert memory.b.count == len(known)
    assert memory.change == pytest.approx(known.mean() - before[:, 0].mean())
    assert (memory.b.p50, memory.b.p95) == pytest.approx(tuple(np.percentile(known, [50, 95])))
    means = [values.reshape(20, -1).mean(axis=1) for values in (before[:, 0], known[: len(known) // 20 * 20])]
    variances = [one.var(ddof=1) / 20 for one in means]
    freedom = sum(variances) ** 2 / sum(one**2 / 19 for one in variances)
    assert memory.noise == pytest.approx(student(freedom, 3) * math.sqrt(sum(variances)), rel=0.05)
    read = moved[READ]
    assert (read.a.mean, read.b.mean, read.unit) == (4e6, 90e6, "By/s"), "counters as rates"


def test_of_many_series_of_noise_none_is_told(tmp_path: Path) -> None:
    """300 series that resemble themselves for seconds: 15 would lie outside of bands of one series each."""
    chance = np.random.default_rng(8)
    values = np.zeros((2 * N, 300))
    state = np.zeros(300)
    for row, step in enumerate(chance.normal(0.0, 0.05, values.shape)):
        values[row] = state = 0.6 * state + step
    columns = [column("disks", "system.disk.utilization", {"device": f"d{n}"}, call="x") for n in range(300)]
    found = compared(tmp_path, Recorded(columns, values[:N] + 0.5), Recorded(columns, values[N:] + 0.5))
    assert found.judged == 300
    assert len(found.moved) + found.little <= 2
    assert "Nothing differs by more than noise that matters" in compare_md.verdict(found)


def test_the_same_range_does_not_differ(tmp_path: Path) -> None:
    values = np.column_stack([noise(0.4, 0.2), np.arange(N) * 3.0])
    one = told(tmp_path / "a", Recorded([CPU, READ], values), "1")
    found = compare(one, one)
    assert not found.moved
    assert found.same == 2
    assert any("10 min in common" in line for line in found.warnings)


def test_what_matters_most_comes_first_and_a_total_speaks_for_its_parts(tmp_path: Path) -> None:
    columns = [CPU, *cores(8), USED]
    before = np.column_stack([noise(0.1, 0.01), *[noise(0.1, 0.02, seed=n) for n in range(8)], noise(8e9, 1e6)])
    after = before.copy()
    after[:, :9] += 0.5
    after[:, 9] += 1e8
    found = compared(tmp_path, Recorded(columns, before), Recorded(columns, after))
    cpu, *others = found.moved
    assert (cpu.column, len(cpu.members)) == (CPU, 8)
    assert not others
    assert found.little == 1, "100 MB of 8 GB is beyond noise, and hardly matters"
    assert "CPU 9" in compare_md.verdict(found) or "CPU 1" in compare_md.verdict(found)


def test_unknown_is_not_compared(tmp_path: Path) -> None:
    few = np.full(N, math.nan)
    few[:10] = 5.0
    columns = [CPU, USED, READ]
    a = Recorded(columns, np.column_stack([few, np.full(N, math.nan), np.arange(N) * 1.0]))
    b = Recorded(columns, np.column_stack([noise(0.5, 0.1), noise(1e9, 1.0), np.arange(N) * 1.0]))
    found = compared(tmp_path, a, b)
    assert found.unsure == 1, "ten values are no four batches"
    assert found.only_b == [("system.memory.usage", 1)]
    assert found.judged == 1


def test_own_series_are_compared_only_when_named(tmp_path: Path) -> None:
    own = column("recorder", "wftop.memory.usage", {"source": "recorder"}, call="x")
    values = [np.column_stack([noise(level, 1e5), noise(0.1, 0.01)]) for level in (3e7, 9e9)]
    for selectors, expected in ([], []), (["wftop.*"], [own]):
        folder = tmp_path / str(len(selectors))
        folder.mkdir()
        a, b = (Recorded([own, CPU], item, selectors=selectors) for item in values)
        assert [item.column for item in compared(folder, a, b).moved] == expected


# ---- which thing is which


def test_gpus_are_joined_by_their_number(tmp_path: Path) -> None:
    """Each bundle counts its GPUs in the order in which they came: gpu-0 of one is gpu-1 of the other."""
    a = Recorded([power("gpu-0"), power("gpu-1")], np.column_stack([noise(100, 2), noise(300, 2)]),
                 gpu_rows(**{"gpu-0": 0, "gpu-1": 1}))  # fmt: skip
    b = Recorded([power("gpu-1"), power("gpu-0")], np.column_stack([noise(100, 2, seed=9), noise(120, 2)]),
                 gpu_rows(**{"gpu-1": 0, "gpu-0": 1}))  # fmt: skip
    (item,) = compared(tmp_path, a, b).moved
    assert item.series.text == 'hw.gpu.power{gpu="1"}'
    assert (round(item.a.mean), round(item.b.mean)) == (300, 120)


def test_file_systems_are_joined_by_their_size_and_what_cannot_be_is_said(tmp_path: Path) -> None:
    def half(paths: Sequence[str], busy: float) -> Recorded:
        columns = [
            mounted(path, metric)
            for path in paths
            for metric in ("system.filesystem.limit", "system.filesystem.utilization")
        ]
        sizes = [np.full(N, 1e12), noise(busy, 0.001), *[np.full(N, 2e9), noise(0.1, 0.001)] * 2]
        return Recorded(columns, np.column_stack(sizes), made=manifest())

    found = compared(
        tmp_path,
        half(["/path-1a2b", "/path-3c4d", "/path-5e6f"], 0.2),
        half(["/path-9999", "/path-3c4d", "/path-7777"], 0.9),
    )
    (item,) = found.moved
    assert item.series.name == "system.filesystem.utilization"
    assert (round(item.a.mean, 1), round(item.b.mean, 1)) == (0.2, 0.9)
    assert any(line.startswith("2 mounts of A and 2 of B cannot be told") for line in found.warnings)
    assert found.only_a == [("system.filesystem.limit", 2), ("system.filesystem.utilization", 2)]


def served(model: str, endpoint: str = "127.0.0.1:8000") -> Recorded:
    """A vLLM with one model, and requests that wait."""
    waiting = column(
        "servers", "inference.requests", {"server": endpoint, "model": model, "mode": "waiting"}, call="x"
    )
    names = [item.name for item in SERVERS.columns]
    cells: dict[str, str] = {"server.endpoint": endpoint, "server.kind": "vllm"}
    rows: dict[str, Row] = {endpoint: tuple(cells.get(name) for name in names)}
    keyframe = TableChange(SERVERS.name, START_S * S, True, rows)
    level = 1.0 if endpoint.endswith("8000") else 9.0
    return Recorded([waiting], np.column_stack([noise(level, 0.1)]), [StoredChange(1, SERVERS, keyframe)])


@pytest.mark.parametrize(
    ("a", "b", "joined"),
    [("model-1a2b", "model-3c4d", True), ("llama", "llama", True), ("llama", "qwen", False)],
    ids=["made up", "the same", "another"],
)
def test_a_server_on_another_port_is_the_same_and_its_only_model_unless_it_is_another(
    tmp_path: Path, a: str, b: str, joined: bool
) -> None:
    found = compared(tmp_path, served(a), served(b, "127.0.0.1:9000"))
    assert [round(item.change) for item in found.moved] == ([8] if joined else [])
    assert bool(found.only_a) is not joined


def test_names_of_one_recording_mean_the_same(tmp_path: Path) -> None:
    values = np.column_stack([noise(0.2, 0.001)])
    found = compared(
        tmp_path, Recorded([mounted("/path-1a2b")], values), Recorded([mounted("/path-1a2b")], values), ("1", "1")
    )
    assert found.judged == 1
    assert not found.only_a


# ---- programs, alerts, what else is said


def test_programs_by_name_over_the_time_they_ran(tmp_path: Path) -> None:
    values = np.column_stack([noise(0.2, 0.01)])
    calm = [change(1, {"1:1": ("init", 0.0), "2:2": ("worker", 0.5)}, keyframe=True)]
    calm += [change(n, {"2:2": ("worker", 0.5)}, keyframe=False) for n in range(60, N, 60)]
    busy = [change(1, {"1:1": ("init", 0.0), "2:2": ("worker", 0.5)}, keyframe=True)]
    busy += [change(n, {"1:1": ("init", 0.0), "2:2": ("worker", 0.5), "9:9": ("burner", 2.0)}, keyframe=True)
             for n in range(301, N, 60)]  # fmt: skip
    found = compared(tmp_path, Recorded([CPU], values, calm), Recorded([CPU], values, busy))
    first = found.programs[0]
    assert (first.name, first.what, first.a) == ("burner", "CPU", 0.0)
    assert first.b > 0.9, "two cores for half of the time, as far as it is known"
    assert "Of the programs burner changed most: CPU 0 → " in compare_md.verdict(found)


def test_programs_with_made_up_names_are_one(tmp_path: Path) -> None:
    values = np.column_stack([noise(0.2, 0.01)])
    a = [change(n, {"1:1": ("program-1a2b", 0.2), "2:2": ("python", 0.1)}, keyframe=True) for n in range(1, N, 60)]
    more = {"1:1": ("program-9f9f", 0.2), "3:3": ("program-7e7e", 1.7), "2:2": ("python", 0.1)}
    b = [change(n, more, keyframe=True) for n in range(1, N, 60)]
    (item,) = compared(tmp_path, Recorded([CPU], values, a), Recorded([CPU], values, b)).programs
    assert (item.name, item.what) == ("programs not well known", "CPU")
    assert item.a == pytest.approx(0.2)
    assert item.b == pytest.approx(1.9)


def test_alerts_and_events_are_counted(tmp_path: Path) -> None:
    values = np.column_stack([noise(0.2, 0.01)])
    found = compared(tmp_path, Recorded([CPU], values), Recorded([CPU], values, fired=3))
    assert [(item.what, item.a, item.b) for item in found.events] == [("alert.fired", 0, 3)]
    assert [(item.a, item.b) for item in found.alerts] == [(0, 3)]


def inventory(**other: object) -> Inventory:
    known: dict[str, object] = {
        "program": "wftop 0.9", "recorded_by": ["0.9"], "python": "3.11.7", "os": "Debian 12",
        "kernel": "Linux 6.1", "architecture": "x86_64", "cpu": "EPYC", "cpus": 64, "memory": 512 * 1024**3,
        "libraries": {"duckdb": "1.0"},
        "gpus": [{"gpu.index": 0, "gpu.name": "H200", "gpu.driver": "560.1"}],
    }  # fmt: skip
    return Inventory(**(known | other))  # type: ignore[arg-type]  # what a test says


def rule(name: str, **other: object) -> RuleInForce:
    return RuleInForce(name, "warning", "memory", True, True, {"for": "30s", **other})


def server(line: str, model: str = "llama-3-8b", version: str = "0.6.1") -> ServerFact:
    return ServerFact(
        {"server.endpoint": "127.0.0.1:8000", "server.kind": "vllm", "server.version": version},
        [{"model.name": model, "model.context": 8192}],
        line,
    )


def facet(found: Comparison, title: str) -> Mapping[str, tuple[str, str]]:
    (item,) = [one for one in found.facets if one.title == title]
    return {one.what: (one.a, one.b) for one in item.found}


def test_versions_settings_rules_and_flags_that_differ(tmp_path: Path) -> None:
    values = np.column_stack([noise(0.2, 0.01)])
    a = Facts(
        rules=[rule("oom"), rule("swap"), rule("hot"), rule("rule.rule-1a2b")],
        settings={
            "view.theme": SettingInForce("dark", "default"),
            "host.name": SettingInForce("host-7f3a", "config"),
        },
        inventory=inventory(),
        servers=[server("vllm serve m --max-model-len 8192 --enable-prefix-caching")],
    )
    gpus = [{"gpu.index": 0, "gpu.name": "H200", "gpu.driver": "570.0"}]
    b = Facts(
        rules=[rule("oom", value=0.9), rule("swap"), rule("rule.rule-9f9f"), rule("rule.rule-8e8e")],
        settings={
            "view.theme": SettingInForce("light", "config"),
            "host.name": SettingInForce("host-9d01", "config"),
        },
        inventory=inventory(kernel="Linux 6.8", gpus=gpus, libraries={"duckdb": "1.1"}, memory=256 * 1024**3),
        servers=[server("vllm serve m --max-model-len=32768", version="0.7.0")],
    )
    found = compared(tmp_path, Recorded([CPU], values, facts=a), Recorded([CPU], values, facts=b))
    assert facet(found, "Versions and hardware") == {
        "kernel": ("Linux 6.1", "Linux 6.8"),
        "memory": ("512 GiB", "256 GiB"),
        "library duckdb": ("1.0", "1.1"),
        "GPU 0 driver": ("560.1", "570.0"),
    }
    assert facet(found, "Settings") == {"view.theme": ("dark", "light")}, "made-up names tell no difference"
    assert facet(found, "Rules") == {
        "hot": ("there", "not there"),
        "oom: value": ("not there", "0.9"),
        "rules of one's own": ("1", "2"),
    }
    assert facet(found, "Model servers") == {
        "vllm version": ("0.6.1", "0.7.0"),
        "vllm --max-model-len": ("8192", "32768"),
        "vllm --enable-prefix-caching": ("set", "not there"),
    }


def test_what_a_side_does_not_tell_is_said(tmp_path: Path) -> None:
    values = np.column_stack([noise(0.2, 0.01)])
    a, b = Recorded([CPU], values, facts=Facts(rules=[])), Recorded([CPU], values)
    found = compared(tmp_path, a, b)
    assert [item.why.partition(": ")[2] for item in found.facets] == [
        "neither side tells of that time",
        "neither side tells of that time",
        "B does not tell of that time",
        "neither side tells of that time",
    ]


def test_of_the_own_past_no_settings_are_known(tmp_path: Path) -> None:
    values = np.column_stack([noise(0.2, 0.01)])
    known = Facts(rules=[rule("oom")], settings={}, inventory=inventory(), servers=[])
    one = Recorded([CPU], values, facts=known, made=None)
    found = compared(tmp_path, one, one, ("1", "1"))
    assert [item.why.partition(",")[0] for item in found.facets] == [
        "",
        "not compared: of the own recording those of now are known",
        "not compared: of the own recording those of now are known",
        "",
    ]
    assert any("its own names" in line for line in found.warnings)


def test_warnings_of_what_is_not_comparable(tmp_path: Path) -> None:
    long, short = np.column_stack([noise(0.2, 0.01)]), np.column_stack([noise(0.2, 0.01, 200)])
    a = Recorded([CPU], long, made=manifest(ANONYMOUS))
    b = Recorded([CPU], short, made=manifest(AGGREGATE, 0))
    said = compared(tmp_path, a, b).warnings
    assert any("A is 10 min, B is 3 min 20 s" in line for line in said)
    assert any("other levels: A anonymous, B aggregate" in line for line in said)
    assert any("statistics only" in line for line in said)


# ---- as it is told


@pytest.fixture
def hostile(tmp_path: Path) -> Comparison:
    a = Recorded([CPU, mounted("/|`[a](b)\x1b[m")],
                 np.column_stack([np.tile([0.1, 0.2], N // 2), np.tile([0.2, 0.2], N // 2)]),
                 facts=Facts(settings={"a|b": SettingInForce("<script> http://x", "config")}))  # fmt: skip
    b = Recorded(a.columns, np.column_stack([np.tile([0.6, 0.7], N // 2), np.tile([0.8, 0.8], N // 2)]),
                 facts=Facts(settings={"a|b": SettingInForce("\x1b]0;x\x07_y_", "config")}))  # fmt: skip
    return compared(tmp_path, a, b, ("1", "1"))


GOLDEN = r"""# wftop compare: a.wftop (A) and b.wftop (B)

**From A to B: filesystem utilization /\|\`\[a\](b)\\x1b\[m 20 → 80 % (± 0 points); CPU 15 → 65 % (± 0 points).**

Beyond noise: 2 of 2 series that both sides have.
"""


def test_markdown_is_as_expected_and_outside_text_is_no_markup(hostile: Comparison) -> None:
    said = compare_md.markdown(hostile)
    assert said.startswith(GOLDEN)
    assert "\x1b" not in said
    assert "<script>" not in said
    assert "| a\\|b | \\<script\\> http\\://x |" in said
    table = [line for line in said.splitlines() if line.startswith("| filesystem")]
    assert table[0].replace("\\|", "").count("|") == 8, "no cell ends early"


def test_long_tables_are_cut_unless_all_is_asked_for(tmp_path: Path) -> None:
    columns = [column("disks", "system.disk.utilization", {"device": f"d{n}"}, call="x") for n in range(40)]
    values = [np.column_stack([noise(level, 0.01, seed=n) for n in range(40)]) for level in (0.1, 0.8)]
    found = compared(tmp_path, Recorded(columns, values[0]), Recorded(columns, values[1]))
    assert "And 15 more; --all lists them." in compare_md.markdown(found)
    whole = compare_md.markdown(found, everything=True)
    assert all(f"disk busy d{n} " in whole for n in range(40))


def test_as_a_document(hostile: Comparison) -> None:
    told_ = json.loads(compare_md.document(hostile))
    assert told_["schema_version"] == 1
    assert [item["series"] for item in told_["differ"]][1] == "system.cpu.utilization"
    assert told_["differ"][1]["a"]["mean"] == pytest.approx(0.15)
    assert told_["facts"]["Rules"] == {
        "differ": [],
        "not_compared": "not compared: neither side tells of that time",
    }
    assert told_["a"]["bundle"]["host"] == "host-7f3a"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("/home/user-7f3a/x", True), ("ip-private-3f9a:8000", True), ("path-12ab.gguf", True), ("gpu-1", False),
        ("/data", False), ("model-8b", False), ("host-box", False), ("Qwen3-30B-A3B-Instruct-2507", False),
        ("custom.series_1a2b.series_3c4d", True), ("rule.gpu-hot", False), ("eth0", False),
    ],
)  # fmt: skip
def test_names_that_stand_for_others(name: str, expected: bool) -> None:
    assert sides.made_up(name) is expected


@pytest.mark.parametrize(
    ("metric", "label", "value"),
    [
        ("system.filesystem.usage", "mount", "/srv/acme"), ("system.disk.io", "device", "acme-disk"),
        ("system.network.io", "interface", "acme0"), ("system.network.io", "interface", "vethacme12"),
        ("inference.requests", "server", "10.1.2.3:8000"), ("inference.requests", "server", "acme.example.com:80"),
        ("inference.requests", "model", "acme-secret-model"), ("ux.frame.rate", "source", "acme-app"),
    ],
)  # fmt: skip
def test_every_made_up_label_is_known_as_one(metric: str, label: str, value: str) -> None:
    told_ = Redactor(ANONYMOUS).column(column("x", metric, {label: value}, call="x"))
    assert told_ is not None
    assert told_.series.label(label) != value
    assert sides.made_up(told_.series.label(label)), told_.series.label(label)
