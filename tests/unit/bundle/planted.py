"""A recording, settings, rules and a log that are full of what a bundle must not tell."""

# ruff: noqa: E501  a text that must not be found is read best on one line
from __future__ import annotations

from array import array
from pathlib import Path
from typing import Final

import msgspec

from tests.recording import START_S, S
from wftui.model import alerts, gpus, processes, quality, servers
from wftui.model.event import event
from wftui.model.sample import Column, column
from wftui.model.series import series
from wftui.model.streams import FRAMES, STREAMS
from wftui.model.table import Cell, Row, TableSchema, keyframe
from wftui.model.tick import Layout, Tick, pack
from wftui.store.journal import NAME, Burst, Journal, StoredChange

ME: Final = "clairedupont"
HOST: Final = "aurora-gpu-box"
TICKS: Final = 30

USERS: Final = (ME, "bobmeier", "yukitanaka")
PERSONS: Final = ("Dupont", "Claire")
HOSTS: Final = (HOST, "falcon.corp.example.com", "vaultnode.lan", "node17.hpc.internal", "ip-10-77-31-44")
TOKENS: Final = (
    "sk-proj-Ab3dEf6hIj9kLm2nOp5qRs8tUv1w",
    "hf_QwErTyUiOpAsDfGhJkLzXcVb",
    "ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "xoxb-123456789012-abcdefGHIJKL",
    "glpat-Zx9Yw8Vu7Ts6Rq5Po4Nm",
    "T0KENINPATHaB3dE6fG9hJ2kL5",
)
PASSWORDS: Final = ("hunter2Falcon", "Tr0ub4dor&3", "s3cr3tBasic", "correcthorsebattery", "pa55-in-note")
PROMPTS: Final = (
    "whydoesmykneehurt", "draftmyresignation", "summarisethelawsuit", "chocolatecakerecipe", "answerisfortytwo",
    "confidentialmerger",
)  # fmt: skip
ADDRESSES: Final = (
    "10.77.31.9", "192.168.77.13", "203.0.113.77", "2001:db8:77::9a", "fe80::7a2b:3cff:fe4d:5e6f", "172.19.77.5",
)  # fmt: skip
MACS: Final = ("7a:2b:3c:4d:5e:6f", "00-1B-63-84-45-E6", "7a2b3c4d5e6f")
EMAILS: Final = ("claire.dupont@falcon.example", "ops+alerts@vault.example.org")
UUIDS: Final = (
    "6f1c2d3e-4a5b-4c6d-8e7f-9a0b1c2d3e4f", "GPU-9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d",
    "MIG-1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed", "c56a4180-65aa-42ec-a945-5fd21dec0538",
)  # fmt: skip
BOOT: Final = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
SERIALS: Final = ("S5GXNX0T123456Z", "1320220077341", "PHLJ1234001Y2P0A")
CONTAINERS: Final = (
    "4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e", "a1b2c3d4e5f6", "falcon-db-1",
    "pod8e7f6a5b_4c3d_2e1f", "falcon-train-0",
)  # fmt: skip
PATHS: Final = (
    "falcon-vault", "USB-FALCON", "thesis-drafts", "falcon_key.pem", "merger-plans", "FALCON_KEY_ENV", "holiday photos",
)  # fmt: skip
INTERFACES: Final = ("veth7f3a9c1", "falconvpn0")
OTHERS: Final = ("slurm:4717711", "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kud86zt", "+49 151 23456789")
"""A job, a key, a telephone."""

ALWAYS: Final = (
    *USERS, *PERSONS, *HOSTS, *TOKENS, *PASSWORDS, *PROMPTS, *ADDRESSES, *MACS, *EMAILS, *UUIDS, BOOT, *SERIALS,
    *CONTAINERS, *PATHS, *INTERFACES, *OTHERS,
)  # fmt: skip
"""In no bundle."""
NAMED: Final = (
    "falconcorp/secret-13b", "falconizer", "falcon_tps", "falconpusher", "falconplugin", "falcon-theme",
    "Falcon rule name", "look at the falcon", "rule.falcon-hot", "falcon-mark", "Europe/Reykjavik",
)  # fmt: skip
"""Names of programs, models and what persons wrote: in bundles of the level ``full`` alone."""

_GPU, _MIG = UUIDS[1], UUIDS[2]
_SERVER = f"{ADDRESSES[0]}:8000/{PATHS[4]}"
_MODEL = NAMED[0]
_ALERT = f'{NAMED[8]}{{gpu="{_GPU}",server="{_SERVER}"}}'


def columns() -> list[Column]:
    """Series whose labels tell too much."""
    pushed = [
        Column(series("custom.falconpusher.falcon_tps", {"source": NAMED[3], "model": _MODEL}), "1", "gauge", "custom",
               "measured", f"push:{NAMED[3]}", "push.sock"),
        Column(series(f"custom.x.{ME}_{'latency'}", {"source": f"x-{USERS[1]}", "plugin": NAMED[4]}), "1", "gauge",
               "custom", "measured", f"push:x-{USERS[1]}", "push.sock"),
        Column(series("ux.interaction.score", {"source": TOKENS[1], "mode": USERS[2]}), "{score}", "gauge", "ux",
               "measured", f"push:{TOKENS[1]}", "push.sock"),
        Column(series("inference.tokens.rate", {"source": EMAILS[0], "server": HOSTS[1] + ":9000", "model": _MODEL}),
               "{token}/s", "gauge", "models", "measured", "push:x", f"http://{ADDRESSES[1]}:9100/{PATHS[4]}"),
    ]  # fmt: skip
    return [
        column("cpu", "system.cpu.utilization", call="/proc/stat"),
        *(
            column("mounts", "system.filesystem.limit", {"mount": mount}, call="statvfs")
            for mount in (
                "/", f"/mnt/{PATHS[0]}", f"/media/{ME}/{PATHS[1]}", f"/home/{USERS[1]}/{PATHS[6]}",
                f"/var/lib/docker/overlay2/{CONTAINERS[0]}/merged",
            )
        ),
        *(
            column("network", "system.network.io", {"interface": name, "direction": "receive"}, call="/proc/net/dev")
            for name in (*INTERFACES, f"enx{MACS[2]}", "eth0")
        ),
        column("disks", "system.disk.io", {"device": f"nvme-{SERIALS[0]}", "direction": "read"}, call="/proc/diskstats"),
        column("sensors", "hw.temperature", {"sensor": f"drivetemp {SERIALS[2]}"}, call="hwmon"),
        column("gpu", "hw.gpu.utilization", {"gpu": _GPU}, call="NVML"),
        column("gpu", "hw.gpu.utilization", {"gpu": _MIG}, call="NVML"),
        column("servers", "inference.requests", {"server": _SERVER, "model": _MODEL, "mode": "running"}, call="/metrics"),
        *pushed,
    ]  # fmt: skip


def _row(schema: TableSchema, cells: dict[str, Cell]) -> Row:
    unknown = cells.keys() - {item.name for item in schema.columns}
    assert not unknown, unknown
    return tuple(cells.get(item.name, "" if item.kind == "text" else None) for item in schema.columns)


def _process(pid: int, user: str, name: str, command: str, cgroup: str) -> tuple[str, Row]:
    row = (pid, pid * 10, 1, user, name, command, "S", 0.5, 1 << 30, 4, None, None, START_S * S, cgroup)
    return f"{pid}:{pid * 10}", row


COMMANDS: Final = (
    f"/home/{ME}/{PATHS[2]}/.venv/bin/python3 -m vllm.entrypoints.openai.api_server --model {_MODEL} --api-key"
    f" {TOKENS[0]} --host {ADDRESSES[1]} --port 8000",
    f"env HF_TOKEN={TOKENS[1]} GITHUB_TOKEN={TOKENS[2]} AWS_ACCESS_KEY_ID={TOKENS[3]} falconizer --password {PASSWORDS[0]}",
    f"llama-cli -m /home/{ME}/{PATHS[4]}/model.gguf -p please tell me {PROMPTS[0]} in detail --temp 0.7",
    f'curl -H Authorization: Bearer {TOKENS[4]} http://{ME}:{PASSWORDS[2]}@{HOSTS[1]}/v1 -d {{"prompt": "{PROMPTS[1]}"}}',
    f"ollama run llama3:8b {PROMPTS[2]}",
    f"mysql -u {USERS[1]} -p{PASSWORDS[1]} -h {HOSTS[2]}",
    f"ssh {USERS[2]}@{HOSTS[3]} -i /home/{ME}/.ssh/{PATHS[3]}",
    f"python3 train.py --to {EMAILS[0]} --run-id {UUIDS[0]} --node {HOSTS[4]} --name {CONTAINERS[2]} --peer [{ADDRESSES[3]}]:29500",
    f"docker run --name {CONTAINERS[2]} --mac-address {MACS[0]} -e SLACK={TOKENS[5]} -e PASS={PASSWORDS[3]} image",
)


def changes() -> list[StoredChange]:
    """Rows of every table."""
    rows = dict(
        _process(100 + number, ME, NAMED[1] if number == 1 else "python3", command, "user@1045.service")
        for number, command in enumerate(COMMANDS)
    )
    rows |= dict([
        _process(200, USERS[1], "bash", f"bash -c {PATHS[4]} {PROMPTS[3]}", CONTAINERS[1]),
        _process(201, USERS[2], f"{USERS[2]}-agent", f"agent --token {TOKENS[6]}", f"kubepods-burstable-{CONTAINERS[3]}.slice"),
        _process(202, ME, "worker", "worker", f"docker-{CONTAINERS[0]}.scope"),
        _process(203, ME, "worker", "worker", CONTAINERS[4]),
    ])  # fmt: skip
    tables: list[tuple[TableSchema, dict[str, Row]]] = [
        (processes.PROCESSES, rows),
        (gpus.GPUS, {
            uuid: _row(gpus.GPUS, {
                "gpu.uuid": uuid, "gpu.index": index, "gpu.vendor": "nvidia", "gpu.name": "NVIDIA H100 80GB HBM3",
                "gpu.bus_id": "00000000:03:00.0", "gpu.state": "failed", "gpu.parent": parent,
                "gpu.reason": f"GPU {_GPU} (serial {SERIALS[1]}) fell off the bus of {HOST}",
                "gpu.fix": f"ask {EMAILS[1]} or {OTHERS[2]}", "gpu.driver": "570.86.15", "gpu.cuda": "12.8",
            }) for index, (uuid, parent) in enumerate(((_GPU, ""), (_MIG, _GPU)))
        }),
        (gpus.GPU_PROCESSES, {
            f"{_GPU}/100:1000": _row(gpus.GPU_PROCESSES, {
                "gpu.uuid": _GPU, "process.pid": 100, "process.start_time": 1000, "process.user": ME,
                "process.name": NAMED[1], "process.cgroup": CONTAINERS[1], "process.job": OTHERS[0],
                "process.gpu.instance": _MIG, "process.gpu.unseen": f"it runs in {CONTAINERS[2]} of {USERS[1]}",
            })
        }),
        (gpus.GPU_LINKS, {
            f"{_GPU}|{_MIG}": _row(gpus.GPU_LINKS, {"gpu.uuid": _GPU, "gpu.peer": _MIG, "gpu.path": "nvlink"})
        }),
        (servers.SERVERS, {
            _SERVER: _row(servers.SERVERS, {
                "server.endpoint": _SERVER, "server.kind": "vllm", "server.version": "0.9.1", "server.state": "failed",
                "server.reason": f'HTTP 400 from {ADDRESSES[0]}: {{"messages": [{{"content": "{PROMPTS[3]}"}}]}}',
                "server.fix": f"read {PATHS[3]}: chmod +r /home/{ME}/{PATHS[3]}", "process.pid": 100,
                "process.start_time": 1000, "server.container": CONTAINERS[2], "server.gpus": f"{_GPU},{_MIG}",
                "server.evidence": f"it says 'the answer of life {PROMPTS[4]} indeed' to {ME}",
            }),
            f"unix:/run/user/1045/{PATHS[4]}.sock": _row(servers.SERVERS, {
                "server.endpoint": f"unix:/run/user/1045/{PATHS[4]}.sock", "server.kind": "llama.cpp",
            }),
        }),
        (servers.MODELS, {
            f"{_SERVER}|{_MODEL}": _row(servers.MODELS, {
                "server.endpoint": _SERVER, "model.name": _MODEL, "model.state": "loaded",
                "model.detail": f'template "{PROMPTS[5]} and some more words", adapter /home/{ME}/{PATHS[2]}/a.safetensors',
            }),
            f"{_SERVER}|/home/{ME}/{PATHS[4]}/x.gguf": _row(servers.MODELS, {
                "server.endpoint": _SERVER, "model.name": f"/home/{ME}/{PATHS[4]}/x.gguf",
            }),
        }),
        (servers.REQUESTS, {
            f"{_SERVER}|{UUIDS[3]}": _row(servers.REQUESTS, {
                "server.endpoint": _SERVER, "model.name": _MODEL, "request.id": UUIDS[3], "request.state": "running",
                "request.detail": f"prompt: {PROMPTS[5]}",
            })
        }),
        (STREAMS, {
            f"{NAMED[3]}|{_SERVER}|{_MODEL}": _row(STREAMS, {
                "stream.source": NAMED[3], "stream.server": _SERVER, "stream.model": _MODEL, "stream.state": "open",
                "stream.disagrees_with": f"x|{HOSTS[2]}:9000|{_MODEL}", "stream.instead_of": f"{HOSTS[1]}:9000",
            })
        }),
        (FRAMES, {f"source:{USERS[1]}-app": _row(FRAMES, {"frames.program": f"source:{USERS[1]}-app"})}),
        (alerts.ALERTS, {
            _ALERT: _row(alerts.ALERTS, {
                "alert.rule": NAMED[8], "alert.labels": _ALERT.removeprefix(NAMED[8]).strip("{}"),
                "alert.name": NAMED[6], "alert.severity": "critical", "alert.state": "firing",
                "alert.series": f'hw.gpu.utilization{{gpu="{_GPU}"}}', "alert.event": UUIDS[0],
                "alert.acknowledged_by": f"{ME}@{HOST}", "alert.silence": UUIDS[3],
                "alert.note": f"{NAMED[7]}; password is {PASSWORDS[4]}; call {OTHERS[2]} or {USERS[1]}, {ADDRESSES[2]}",
                "alert.inhibited_by": _ALERT, "alert.message": f"{NAMED[6]} on {HOST} at {ADDRESSES[5]}",
                "alert.since": START_S * S,
            })
        }),
        (alerts.RULES, {
            NAMED[8]: _row(alerts.RULES, {
                "rule.name": NAMED[6], "rule.state": "firing", "rule.file": f"/home/{ME}/.config/wftop/rules/{PATHS[4]}.json",
                "rule.condition": f'inference.requests{{server="{_SERVER}"}} > 3', "rule.enabled": 1, "rule.builtin": 0,
            })
        }),
        (alerts.SILENCES, {
            UUIDS[3]: _row(alerts.SILENCES, {
                "silence.matchers": f'server="{_SERVER}"', "silence.by": f"{USERS[2]}@{HOSTS[2]}",
                "silence.reason": f"{NAMED[7]} with {PERSONS[1]} {PERSONS[0]}, ask {EMAILS[0]}, token {TOKENS[2]}",
            })
        }),
        (quality.QUALITY, {
            quality.KEY: _row(quality.QUALITY, {
                "quality.level": 3, "quality.rule": _ALERT, "quality.reason": f"chosen by {ME}", "quality.by": ME,
            })
        }),
    ]  # fmt: skip
    return [StoredChange(1, schema, keyframe(schema, START_S * S + S // 2, found)) for schema, found in tables]


def events() -> list[tuple[str, tuple[str, str], dict[str, object]]]:
    """Of every kind that persons, servers and programs put words into."""
    alert = {
        "rule": NAMED[8],
        "labels": {"gpu": _GPU, "server": _SERVER},
        "name": NAMED[6],
        "severity": "critical",
    }
    return [
        ("mark.set", ("mark", UUIDS[0]), {"name": f"{NAMED[9]} {ME} {PERSONS[0]} {EMAILS[1]}", "at_ns": START_S * S}),
        ("mark.set", ("mark", ""), {"name": f"key {TOKENS[3]} of {MACS[1]}", "prompt": PROMPTS[0], "at_ns": 1}),
        ("alert.fired", ("alert", _ALERT), {
            **alert, "message": f"{NAMED[6]}: {HOST} [{ADDRESSES[4]}]:80", "condition": f"on /mnt/{PATHS[0]}", "value": 3.0,
            "show": [{"type": "notify.toast", "message": f"{NAMED[7]} {ME}", "secret": TOKENS[6]}],
            "suggestions": [{"message": NAMED[7], "details": f"ssh {USERS[1]}@{HOSTS[3]}", "actions": [f"ask {PERSONS[1]}"]}],
        }),
        ("alert.acknowledged", ("alert", _ALERT), {**alert, "by": f"{ME}@{HOST}", "note": f"{NAMED[7]} password: {PASSWORDS[4]}, passphrase {PASSWORDS[0]}"}),
        ("alert.action", ("alert", _ALERT), {
            **alert, "event": UUIDS[0], "action": "webhook.local", "done": False, "target": f"{HOSTS[2]}:8443",
            "reason": f"https://{HOSTS[1]}/hooks/{TOKENS[7]} refused {ADDRESSES[2]}", "detail": f"answer: {PROMPTS[4]}",
        }),
        ("silence.set", ("silence", UUIDS[3]), {"matchers": {"server": _SERVER}, "by": USERS[2], "reason": f"{OTHERS[2]} {SERIALS[1]}"}),
        ("server.state", ("server", _SERVER), {
            "before": "ok", "after": "failed", "fix": "", "request": {"messages": [{"content": PROMPTS[1]}]},
            "reason": f'400: {{"prompt": "{PROMPTS[2]}"}}',
        }),
        ("model.loaded", ("server", _SERVER), {"model": _MODEL, "answer": PROMPTS[4]}),
        ("model.verdict", ("server", _SERVER), {"verdict": "split", "evidence": f"/home/{ME}/{PATHS[2]} on {_GPU}"}),
        ("stream.ended", ("stream", f"{NAMED[3]}|{_SERVER}|{_MODEL}"), {"source": NAMED[3], "model": _MODEL, "text": PROMPTS[3]}),
        ("core.connected", ("core", "core"), {"url": f"ws://{ADDRESSES[1]}:9145/ws?token={TOKENS[7]}", "model": _MODEL}),
        ("core.error", ("core", "core"), {"severity": "error", "code": f"E-{USERS[1]}", "component": f"/srv/{PATHS[4]}"}),
        ("core.reward", ("core", "core"), {"kind": "milestone", "title": f"{NAMED[9]} for {PERSONS[1]}", "points": 1.0}),
        ("machine.down", ("machine", BOOT), {"boot_id": BOOT, "last_second": START_S}),
        ("process.oom_killed", ("process", "201:2010"), {"likely": f"{USERS[2]}-agent", "why": f"of {USERS[2]}", "count": 1}),
        ("gpu.xid", ("gpu", _GPU), {"name": "NVIDIA H100", "xid": 79, "words": f"serial {SERIALS[1]}", "reason": _GPU}),
        ("rules.broken", ("rules", f"/home/{ME}/{PATHS[4]}.json"), {"problem": f"/home/{ME}/{PATHS[4]}.json: rule {NAMED[8]}"}),
        ("rule.changed", ("rule", NAMED[8]), {"rule": NAMED[8], "name": NAMED[6], "file": f"/home/{ME}/{PATHS[4]}.json", "by": ME,
                                              "changes": [{"field": "value", "before": "1", "after": "2", "unit": "%"}]}),
        ("store.damaged", ("store", "journal"), {"reason": f"/home/{ME}/.local/share/wftop/{PATHS[4]}: broken"}),
        ("source.state", ("source", f"push:{NAMED[3]}"), {"before": "ok", "after": "late", "reason": f"{USERS[1]} is gone"}),
        ("provenance.changed", ("series", f'system.filesystem.limit{{mount="/mnt/{PATHS[0]}"}}'), {"before": "measured", "call": f"/mnt/{PATHS[0]}"}),
        ("backup.ready", ("backup", "ready"), {"ready": False, "mount": f"/mnt/{PATHS[0]}", "why_not": [f"/mnt/{PATHS[0]} is 97% full"], "asked_by": _ALERT}),
        ("quality.changed", ("quality", "wftop"), {"before": 5, "after": 3, "rule": _ALERT, "reason": f"by {ME}", "by": f"{ME}@{HOST}"}),
        ("signal.refused", ("process", "200:2000"), {"signal": 9, "reason": f"it is {USERS[1]}'s"}),
        ("thing.unknown", ("person", ME), {"name": PERSONS[0]}),
    ]  # fmt: skip


def record(folder: Path) -> None:
    """The recording: ``TICKS`` seconds from ``START_S``."""
    folder.mkdir(mode=0o700, parents=True)
    journal = Journal(folder / NAME)
    try:
        boot = journal.begin(BOOT, "test", "record", 1, START_S * S, 0).boot
        layout = Layout(1, tuple(columns()))
        ticks = [
            (
                Tick(seq, START_S + seq - 1, (100 + seq) * S, boot, 1, pack(array("d", [seq / 7.0] * len(layout.columns)))),
                layout,
            )
            for seq in range(1, TICKS + 1)
        ]  # fmt: skip
        found = []
        for number, (kind, about, payload) in enumerate(events()):
            item = event(
                START_S * S + (number + 1) * S // 2, kind, about, payload, {"program": "0.9.0", "host": HOST}
            )
            item = msgspec.structs.replace(item, seq=number + 1, trace_id="4bf92f3577b34da6a3ce929d0e0e4736")
            found.append(item)
        marked = found[0].event_id
        burst = Burst(10, marked, layout.columns[-1], array("q", [START_S * S + 5 * S]), array("d", [1.5]))
        journal.write(ticks, changes(), found, [burst])
    finally:
        journal.close()


def configure(config: Path, state: Path) -> None:
    """Settings, a rule of a person's own, wftop's own log."""
    (config / "rules").mkdir(mode=0o700, parents=True)
    config.chmod(0o700)
    (config / "config.toml").write_text(
        f'[view]\ntheme = "{NAMED[5]}"\ntime_zone = "Atlantic/Reykjavik"\n'
        f'[tap]\nfile = "/home/{ME}/{PATHS[4]}/tap.jsonl"\n'
        f'[servers]\nendpoints = ["http://{HOSTS[1]}:9000/{PATHS[4]} key_env={PATHS[5]}",'
        f' "unix:/run/user/1045/{PATHS[4]}.sock"]\n'
        f'[core]\nurl = "ws://{ADDRESSES[1]}:9145/ws"\n[sources]\ndisabled = ["push:{NAMED[3]}"]\n'
        f'[alerts]\nrules_disabled = ["{NAMED[8]}"]\n[bundle]\nrecipients = ["{OTHERS[1]}"]\n'
    )
    rule = {
        "id": NAMED[8],
        "name": NAMED[6],
        "description": f"{NAMED[7]}, says {PERSONS[1]} {PERSONS[0]}",
        "severity": "critical",
        "category": "system",
        "conditions": {"when_any": [{"metric": "system.cpu.utilization", "operator": ">", "value": 0.9}]},
        "for": "10s",
        "message": f"{NAMED[7]} {EMAILS[0]}",
        "actions": [{"type": "webhook.local", "target": f"http://127.0.0.1:8099/hooks/{TOKENS[7]}"}],
    }
    (config / "rules" / "own.json").write_bytes(msgspec.json.encode([rule]))
    state.mkdir(mode=0o700, parents=True)
    lines: list[dict[str, object]] = [
        {"message": f"cannot read /home/{ME}/{PATHS[3]}", "reason": f"of {HOST}", "url": f"http://{HOSTS[2]}:1/x", "pid": 7},
        {"message": f"asked {ADDRESSES[2]} ({MACS[0]}) for {EMAILS[1]}", "prompt": PROMPTS[0], "by": f"{ME}@{HOST}"},
        {"message": f'bad body {{"prompt": "{PROMPTS[5]}"}}', "traceback": [f"File /home/{ME}/x.py", PASSWORDS[3]]},
        {"message": f"alert.fired {_ALERT}: {NAMED[6]}", "area": "alert", "rule": _ALERT, "event": UUIDS[0]},
        {"message": f"token={TOKENS[0]} user {USERS[1]} serial {SERIALS[0]}", "server": _SERVER, "uid": "1045771"},
    ]  # fmt: skip
    stamp = "2026-09-21T14:13:25.000Z"
    written = [{"time": stamp, "level": "warning", "area": "servers", **line} for line in lines]
    (state / "wftop.log").write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in written))
