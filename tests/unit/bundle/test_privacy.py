"""Names are made up for one bundle: the same all over it, of a readable form, and of no use outside."""

# ruff: noqa: E501  what goes in and what comes out are read best on one line
from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.bundle.format import ANONYMOUS, FULL, LEVELS
from wftui.bundle.privacy import Redactor
from wftui.model import alerts, gpus, processes, servers
from wftui.model.event import event
from wftui.model.sample import column
from wftui.model.series import parse, series
from wftui.model.table import Row

GPU = "GPU-9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"
OTHER = "GPU-1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"


@pytest.fixture
def full() -> Redactor:
    made = Redactor(FULL, b"seed" * 8, me="claire")
    made.know("user", ["claire"])
    made.know("host", ["gpu-box-7"])
    return made


def process(user: str, name: str, command: str, cgroup: str = "") -> Row:
    return (1, 2, 3, user, name, command, "S", 0.5, 1, 1, None, None, 5, cgroup)


# ---- the same all over, and unlike elsewhere


def test_one_value_has_one_name_wherever_it_stands(full: Redactor) -> None:
    user = str(full.row(processes.PROCESSES, process("claire", "x", ""))[processes.USER])
    assert user.startswith("user-")
    mount = full.column(column("m", "system.filesystem.limit", {"mount": "/home/claire"}, call="statvfs"))
    assert mount is not None
    assert mount.series.label("mount") == f"/home/{user}"
    assert full.text("disk of claire is full") == f"disk of {user} is full"
    assert full.name("user", "claire") == user


def test_a_server_is_one_in_labels_keys_rows_and_events(full: Redactor) -> None:
    endpoint, model = "10.1.2.3:8000/llm", "llama3:8b"
    row = full.row(servers.MODELS, (endpoint, model, *[None] * 10))
    assert full.key(servers.MODELS, f"{endpoint}|{model}") == f"{row[0]}|{row[1]}"
    item = full.series(series("inference.requests", {"server": endpoint, "model": model}))
    assert item is not None
    assert (item.label("server"), item.label("model")) == (row[0], row[1])
    told = full.event(event(1, "model.loaded", ("server", endpoint), {"model": model}))
    assert told is not None
    assert (told.aggregate_id, told.payload["model"]) == (row[0], row[1])
    key = full.key(alerts.ALERTS, f'rule.cpu-pressure{{server="{endpoint}"}}')
    assert key == f'rule.cpu-pressure{{server="{row[0]}"}}'


def test_gpus_keep_their_order_and_pairs_their_key(full: Redactor) -> None:
    assert [full.key(gpus.GPUS, uuid) for uuid in (GPU, OTHER, GPU)] == ["gpu-0", "gpu-1", "gpu-0"]
    for one, other in ((GPU, OTHER), (OTHER, GPU)):
        shown = full.key(gpus.GPU_LINKS, gpus.link_key(one, other))
        assert shown == gpus.link_key(*full.row(gpus.GPU_LINKS, (one, other, "nvlink", 4))[:2])  # type: ignore[arg-type]
    assert full.text(f"{OTHER} is hot") == "gpu-1 is hot"
    assert full.key(gpus.GPU_PROCESSES, f"{OTHER}/4:5") == "gpu-1/4:5"


@pytest.mark.parametrize("level", LEVELS)
def test_two_bundles_of_the_same_share_no_made_up_name(level: str) -> None:
    def made() -> set[str]:
        redactor = Redactor(level, me="claire")
        redactor.know("user", ["claire"])
        values = [
            *(redactor.name(what, "x") for what in ("host", "user", "path", "container", "boot")),
            redactor.text(
                "claire at 10.1.2.3, 00:11:22:33:44:55, 6f1c2d3e-4a5b-4c6d-8e7f-9a0b1c2d3e4f, S5GXNX0T123456Z"
            ),
            str(redactor.series(parse('system.filesystem.limit{mount="/srv/secret/x"}'))),
            str(redactor.row(processes.PROCESSES, process("bob", "x", "", "a1b2c3d4e5f6"))[3:]),
        ]
        told = redactor.event(event(1, "mark.set", ("mark", ""), {}))
        assert told is not None
        return {
            word for value in (*values, told.event_id) for word in value.replace("/", " ").split() if "-" in word
        }

    one, other = made(), made()
    assert one
    assert not {
        word for word in one & other if word.startswith(("user", "host", "path", "ip", "mac", "id", "serial"))
    }
    assert Redactor(level).name("host", "x") != Redactor(level).name("host", "x")


def test_event_ids_keep_form_and_moment(full: Redactor) -> None:
    made = event(1_790_000_000 * 10**9, "mark.set", ("mark", ""), {})
    told = full.event(made)
    assert told is not None
    assert told.event_id != made.event_id
    assert told.event_id[:15] == made.event_id[:15]
    assert len(told.event_id) == 36
    noted = full.row(alerts.ALERTS, tuple(made.event_id if at == alerts.EVENT else None for at in range(24)))
    assert noted[alerts.EVENT] == told.event_id


@given(st.lists(st.text(min_size=1, max_size=20), unique=True, max_size=30))
def test_different_values_stay_different(values: list[str]) -> None:
    redactor = Redactor(FULL, me="claire")
    for key in ("model", "device", "interface", "mount", "sensor", "plugin", "mode"):
        items = []
        for value in values:
            try:
                items.append(series("custom.x.y", {key: value}))
            except ValueError:
                continue  # no label
        told = [redactor.series(item) for item in items]
        assert len({item.text for item in told if item is not None}) == len(items)
        for item in told:
            assert item is not None
            assert parse(item.text) == item
    keys = [redactor.key(servers.SERVERS, value) for value in values]
    assert len(set(keys)) == len(values)


# ---- forms


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/", r"/"),
        ("/usr/bin/python3.11", r"/usr/bin/python3\.11"),
        ("/proc/stat", r"/proc/stat"),
        ("/home/claire/models/my-llama.gguf", r"/home/user-\w{4}/models/path-\w{4}\.gguf"),
        ("/run/user/1000/x.sock", r"/run/user/user-\w{4}/path-\w{4}\.sock"),
        ("/media/claire/STICK", r"/media/user-\w{4}/path-\w{4}"),
        ("/dev/nvme0n1p2", r"/dev/nvme0n1p2"),
        ("/dev/disk/by-id/nvme-S5GX", r"/dev/disk/by-id/path-\w{4}"),
        ("/sys/class/net/veth12/x", r"/sys/class/net/path-\w{4}/path-\w{4}"),
    ],
)
def test_paths_keep_depth_public_folders_and_endings(full: Redactor, path: str, shown: str) -> None:
    item = full.series(series("system.filesystem.limit", {"mount": path}))
    assert item is not None
    assert re.fullmatch(shown, item.label("mount")), item.label("mount")


def test_a_path_of_any_length_is_a_label(full: Redactor) -> None:
    for path in ("/a" * 127, "/" + "ü" * 120, "/x/" * 80):
        item = full.series(series("system.filesystem.limit", {"mount": path}))
        assert item is not None
        assert len(item.label("mount").encode()) <= 256


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("127.0.0.1:8000", r"127\.0\.0\.1:8000"),
        ("[::1]:8000", r"\[::1\]:8000"),
        ("10.1.2.3:8000", r"ip-private-\w{4}:8000"),
        ("8.8.8.8:443", r"ip-public-\w{4}:443"),
        ("[fe80::1]:80", r"\[ip-link-local-\w{4}\]:80"),
        ("gpu-box-7:8000/v1", r"host-\w{4}:8000/v1"),
        ("gpu-box-7:8000/secret", r"host-\w{4}:8000/part-\w{4}"),
        ("unix:/run/claire.sock", r"unix:/run/path-\w{4}\.sock"),
        ("pid:4711", "pid:4711"),
    ],
)
def test_addresses_keep_their_kind_and_port(full: Redactor, value: str, shown: str) -> None:
    assert re.fullmatch(shown, full.key(servers.SERVERS, value)), full.key(servers.SERVERS, value)


@pytest.mark.parametrize(
    "text",
    [
        "CPU 93% over 5 min", "the token was refused", "at 14:03:20 it was 2.5 GiB of 8 GiB", "/ is 97% full",
        "system.disk.io of sda is above 5 MB/s", "driver 570.86.15, CUDA 12.8", "GET /metrics: HTTP 503",
        "NVIDIA H100 80GB HBM3 at 0000:03:00.0", "queue of 17 requests, and/or preempted", "llama3:8b was unloaded",
        "meta-llama/Llama-3.1-8B-Instruct", "read /proc/stat", "set rule.gpu-hot to 85", "10:00 to 11:00",
        "first token 0.35 s after the prompt", "the first token was 3.5 s late", "one token 12 ms after the other",

        'min(a.b{mode="busy"}) < 55 frame/s and max(c.d{mode="idle"} over 5m) > 0 or e.f{gpu="*"} > 3 x and g.h{mode="y"} > 1',
    ],
)  # fmt: skip
def test_what_names_nobody_stays(full: Redactor, text: str) -> None:
    assert full.text(text) == text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("gen_ai.server.time_to_first_token=0.01:80.0", None),
        ("gen_ai.server.time_to_first_token=0.001:2560,inference.queue.duration=1e-3:10", None),
        ("vllm:time_per_output_token_seconds=vllm:inter_token_latency_seconds", None),
        ("api_token=hunter2hunter2", "api_token=***"),
    ],
)
def test_bounds_and_new_names_of_metrics_are_no_secrets(full: Redactor, value: str, shown: str | None) -> None:
    for column_name in ("server.bounds", "server.renamed"):
        row = tuple(value if item.name == column_name else None for item in servers.SERVERS.columns)
        told = full.row(servers.SERVERS, row)
        schema = full.schema(servers.SERVERS)
        assert schema is not None
        assert told[schema.index(column_name)] == (shown or value)


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("ollama serve", "ollama serve"),
        ("ollama run llama3:8b why is the sky blue", "ollama run llama3:8b …"),
        (
            "python3 -m vllm.entrypoints.openai.api_server --model org/Name-7B --port 8000 --api-key abc --dtype bfloat16",
            "python3 -m vllm.entrypoints.openai.api_server --model org/Name-7B --port 8000 --api-key *** --dtype bfloat16",
        ),
        ("llama-cli -c 4096 -ngl 99 -p tell me --all about it", "llama-cli -c 4096 -ngl 99 -p …"),
        ("bash -c 'do something'", "bash -c …"),
        ("git commit -m secretmerger", "git … -m …"),
        ("llama-server -m Qwen3-8B.gguf", "llama-server -m Qwen3-8B.gguf"),
        ("curl --data=secret http://localhost/x", "curl --data …"),
        ("train --name my project --lr 0.01", "train --name … --lr 0.01"),
    ],
)
def test_command_lines_keep_flags_and_harmless_values(full: Redactor, command: str, shown: str) -> None:
    assert full.row(processes.PROCESSES, process("claire", "x", command))[processes.COMMAND] == shown


def test_command_lines_of_others_and_of_anonymous_bundles_are_left_out(full: Redactor) -> None:
    assert full.row(processes.PROCESSES, process("bob", "x", "x --port 1"))[processes.COMMAND] == ""
    told = Redactor(ANONYMOUS, me="claire").row(processes.PROCESSES, process("claire", "x", "x --port 1"))
    assert told[processes.COMMAND] == ""


@pytest.mark.parametrize(
    ("make", "stays"),
    [
        (lambda it: it.row(processes.PROCESSES, process("root", "ollama", ""))[3:5], ("root", "ollama")),
        (lambda it: it.row(processes.PROCESSES, process("", "kworker/3:1-events", ""))[4], "kworker"),
        (lambda it: it.row(servers.SERVERS, ("127.0.0.1:8000", "vllm", "0.9.1", *[None] * 16))[1:3], ("vllm", "0.9.1")),
        (lambda it: it.setting("view.time_zone", "Europe/Berlin"), None),
        (lambda it: it.setting("store.fine_days", 3), 3),
        (lambda it: it.zone("Europe/Berlin"), "UTC"),
    ],
    ids=["account and program", "kernel", "server", "zone", "number", "zone of the manifest"],
)  # fmt: skip
def test_anonymous_keeps_what_many_machines_have(make: Callable[[Redactor], object], stays: object) -> None:
    assert make(Redactor(ANONYMOUS, me="claire")) == stays


def test_anonymous_names_no_model_program_pusher_or_custom_metric() -> None:
    redactor = Redactor(ANONYMOUS, me="claire")
    item = redactor.series(series("custom.thing.speed", {"source": "thing", "model": "org/secret"}))
    assert item is not None
    assert parse(item.text) == item
    assert "thing" not in item.text
    assert "secret" not in item.text
    assert "speed" not in item.text
    assert str(redactor.row(processes.PROCESSES, process("x", "mytool", ""))[4]).startswith("program-")


def test_the_report_counts_values_and_places(full: Redactor) -> None:
    full.text("10.1.2.3 and 10.1.2.4, again 10.1.2.3; token=abcdef0123")
    full.row(processes.PROCESSES, process("bob", "x", "secret"))
    found = {(item.what, item.how): item.count for item in full.report()}
    assert found["ip", "replaced"] == 2
    assert found["secret", "left out"] == 1
    assert found["command line", "left out"] == 1
    assert found["user", "replaced"] == 1


def test_there_is_no_other_level() -> None:
    with pytest.raises(ValueError, match="full, anonymous, aggregate"):
        Redactor("some")


SHAPES = (
    "10.77.31.9", "fe80::7a2b:3cff:fe4d:5e6f", "2001:db8:77::9a", "7a:2b:3c:4d:5e:6f", "claire.dupont@falcon.example",
    "6f1c2d3e-4a5b-4c6d-8e7f-9a0b1c2d3e4f", "S5GXNX0T123456Z", "1320220077341", "falcon.corp.example.com", "claire",
    "ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8", "4d5e6f7a8b9c", "gpu-box-7", "/home/claire/thesis",
)  # fmt: skip


@given(st.text(max_size=40), st.sampled_from(SHAPES), st.text(max_size=40))
def test_whatever_stands_around_it_it_is_found(before: str, shape: str, behind: str) -> None:
    redactor = Redactor(FULL, me="claire")
    redactor.know("user", ["claire"])
    redactor.know("host", ["gpu-box-7"])
    assert shape not in redactor.text(f"{before} {shape} {behind}")
