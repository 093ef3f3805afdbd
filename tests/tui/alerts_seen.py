"""The fake machine with rules: what fires, what somebody looks after, what is silenced, and why nothing fires."""

from __future__ import annotations

from tests.tui.fake import HOSTILE, NOW_S
from tests.tui.fake_gpu_screen import told
from tests.tui.fake_gpus import NS, trouble
from wftui.model.alerts import ALERTS, RULES, SILENCES
from wftui.model.event import Event
from wftui.model.sample import JsonValue
from wftui.model.table import Cell, Row, TableSchema, keyframe
from wftui.tui.gpus import boxes
from wftui.tui.state import State
from wftui.wire import messages as wire

HOT, PRESSURE, FULL, WAITING, LATE = (
    f"rule.{name}" for name in ("gpu-hot", "io-pressure", "disk-fills", "kv-full", "source-late")
)
DISK = f'{FULL}{{mount="/srv/models"}}'
SILENCE = "01J-SILENCE"
SHOWN: dict[str, JsonValue] = {
    "show": [{"type": "notify.toast"}],
    "suggestions": [
        {"type": "suggest.mitigation", "actions": ["see that its fans turn", "lower its power limit"]}
    ],
}
_RULES: dict[str, tuple[Cell, ...]] = {
    HOT: ("A GPU is hot", "critical", "system", 1, "firing", "", 1, 8, 31e-6,
          'hw.gpu.temperature{gpu="*"} > 85 °C for 10s', "rules/gpu.json", 1),
    PRESSURE: ("Programs wait for disks", "warning", "system", 1, "firing", "", 1, 1, 12e-6,
               'avg(system.pressure.utilization{device="io",mode="some"} over 1m) > 20 % for 30s',
               "rules/system.json", 1),
    FULL: ("A file system is nearly full", "error", "system", 1, "firing", "", 2, 3, 9e-6,
           'system.filesystem.utilization > 85 % for 1m', "rules/system.json", 1),
    WAITING: ("The KV cache fills", "warning", "model", 1, "waiting", "no series that it looks at is there", 0, 0,
              4e-6, "inference.kv_cache.utilization > 95 % for 30s", "rules/models.json", 1),
    "rule.tokens-slow": ("Tokens come slower than usual", "info", "performance", 1, "warming",
                         "warming up, 812 of 3600", 0, 2, 44e-6,
                         "avg(inference.tokens.rate over 5m) < -30 % off its mean of 1h", "~/rules/mine.json", 0),
    LATE: ("A source is late", "info", "health", 1, "pending", "", 1, 11, 7e-6,
           'source.state == "late" for 1m', "rules/own.json", 1),
    "rule.memory-low": ("Memory is nearly used up", "critical", "system", 1, "inactive", "", 0, 1, 6e-6,
                        "system.memory.utilization > 95 % for 10s", "rules/system.json", 1),
    "rule.swap": ("Much is swapped", "info", "system", 0, "off", "", 0, 0, None,
                  "system.paging.usage{mode=\"used\"} > 8 GiB", "rules/system.json", 1),
}  # fmt: skip


def _row(schema: TableSchema, known: dict[str, Cell]) -> Row:
    return tuple(known.get(item.name, "" if item.kind == "text" else None) for item in schema.columns)


def alert(rule: str, labels: str, since_s: float, **more: Cell) -> tuple[str, Row]:
    """A row of ``alerts`` under its key."""
    name, severity, category = _RULES[rule][:3]
    known: dict[str, Cell] = {
        "alert.rule": rule, "alert.labels": labels, "alert.name": name, "alert.severity": severity,
        "alert.category": category, "alert.state": "firing", "alert.since": int((NOW_S - since_s) * NS),
        "alert.message": str(name), "alert.fired": 1,
    }  # fmt: skip
    known |= {f"alert.{key}": value for key, value in more.items()}
    return f"{rule}{{{labels}}}" if labels else rule, _row(ALERTS, known)


def rows(uuid: str, *, hostile: bool = False) -> dict[str, Row]:
    """The table ``alerts``; ``uuid``: of the hot GPU."""
    gpu = f'gpu="{uuid}",sensor="gpu"'
    found = dict([
        alert(HOT, gpu, 95, value=88.0, threshold=85.0, unit="Cel", series=f"hw.gpu.temperature{{{gpu}}}",
              fired_value=86.0, worst_value=88.0, fired=3, event="fired-hot",
              message=f"GPU {uuid} has been at 88 °C for a minute"),
        alert(PRESSURE, "", 260, value=0.31, threshold=0.2, unit="1", fired_value=0.22, worst_value=0.44,
              series='system.pressure.utilization{device="io",mode="some"}', event="fired-io",
              acknowledged_by="ana", acknowledged_at=int((NOW_S - 200) * NS), note="the backup runs until noon",
              message="programs waited for disks 31 % of the last minute"),
        alert(FULL, 'mount="/srv/models"', 4000, value=0.87, threshold=0.85, unit="1", fired_value=0.851,
              worst_value=0.87, series='system.filesystem.utilization{mount="/srv/models"}', silence=SILENCE,
              message="/srv/models is 87 % full"),
        alert(FULL, 'mount="/"', 30, state="over", value=0.63, threshold=0.85, unit="1", fired_value=0.86,
              worst_value=0.88, series='system.filesystem.utilization{mount="/"}', message="/ was 88 % full"),
        alert(LATE, 'source="sensors"', 12, state="pending", message="sensors is late"),
    ])  # fmt: skip
    if not hostile:
        return found
    width = len(ALERTS.columns)
    texts = [place for place in range(width) if ALERTS.columns[place].kind == "text"]
    keep = [0, 1, 3, 5, 10]
    return {
        key: tuple(HOSTILE if place in texts and place not in keep else cell for place, cell in enumerate(row))
        for key, row in found.items()
    }


def happened(uuid: str, other: str) -> list[Event]:
    """What befell them; ``other``: UUID of a GPU that was hot before."""

    def at(age_s: float, kind: str, rule: str, labels: dict[str, str], **payload: Cell) -> Event:
        seq = 2000 - int(age_s)
        inner = ",".join(f'{key}="{value}"' for key, value in labels.items())
        key = f"{rule}{{{inner}}}" if inner else rule
        name, severity, _ = _RULES[rule][:3]
        told = {
            "rule": rule,
            "labels": labels,
            "name": name,
            "severity": severity,
            "told": True,
            **SHOWN,
            **payload,
        }
        event_id = f"fired-{'hot' if rule == HOT else 'io'}" if payload.pop("now", 0) else f"a{seq}"
        told.pop("now", None)
        return Event(seq, event_id, int((NOW_S - age_s) * NS), f"alert.{kind}", "alert", key, payload=told)

    gpu = {"gpu": uuid, "sensor": "gpu"}
    return [
        at(3100, "fired", HOT, {"gpu": other, "sensor": "gpu"}, value=88.0, unit="Cel"),
        at(2900, "resolved", HOT, {"gpu": other, "sensor": "gpu"}, value=79.0, unit="Cel"),
        at(900, "fired", HOT, gpu, value=87.0, unit="Cel"),
        at(700, "resolved", HOT, gpu, value=80.0, unit="Cel"),
        at(270, "pending", PRESSURE, {}, value=0.21, unit="1"),
        at(260, "fired", PRESSURE, {}, value=0.22, unit="1", now=1),
        at(200, "acknowledged", PRESSURE, {}, by="ana", note="the backup runs until noon"),
        at(105, "pending", HOT, gpu, value=85.4, unit="Cel"),
        at(95, "fired", HOT, gpu, value=86.0, unit="Cel", now=1),
    ]


def alarmed(*, hostile: bool = False, quiet: bool = False) -> State:
    """Eight GPUs with trouble, and rules that look at them; ``quiet``: none of them fires."""
    state = told(trouble())
    uuid = hottest(state)
    if not quiet:
        put(state, ALERTS, rows(uuid, hostile=hostile))
        matchers = 'alert="' + DISK.replace('"', '\\"') + '"'
        began, until = int((NOW_S - 1800) * NS), int((NOW_S + 5400) * NS)
        put(state, SILENCES, {SILENCE: (matchers, "new disks come on Monday", "bo", began, until)})
        state.add_events(happened(uuid, boxes(state)[1].uuid))
    loud = {key: row for key, row in _RULES.items() if row[4] in ("firing", "pending")}
    calm: dict[str, Row] = {key: (*row[:4], "inactive", "", 0, *row[7:]) for key, row in loud.items()}
    put(state, RULES, {**_RULES, **calm} if quiet else _RULES)
    return state


def hottest(state: State) -> str:
    """UUID of the GPU that the alert is about."""
    return max(boxes(state), key=lambda gpu: gpu.temperature if gpu.temperature == gpu.temperature else 0.0).uuid


def put(state: State, schema: TableSchema, known: dict[str, Row]) -> None:
    """The table as it is from now on."""
    state.on(wire.TableArrived(keyframe(schema, NOW_S * NS, known), schema))
