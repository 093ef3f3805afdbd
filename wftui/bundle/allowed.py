"""What may be in a bundle: columns, labels, payloads, settings, fields of rules, each with its treatment.

What is not in here is left out. A new column, event type or setting therefore says nothing in bundles until
somebody has thought about what it may hold; a test names it.
"""

from collections.abc import Mapping
from typing import Final

NUMBER: Final = "number"
"""A number, true or false; never a text."""
WORD: Final = "word"
"""One of few words of wftop's own, or of a product's."""
PRODUCT: Final = "product"
"""Model of a GPU, version of a driver or a server, kind of quantization."""
FIGURES: Final = "figures"
"""Names of metrics with their bounds or new names, ``name=low:high`` or ``old=new``, with commas."""
TOLD: Final = "told"
"""A sentence of wftop's own; it may name what it is about."""
SAID: Final = "said"
"""A text that a person or another program wrote. ``anonymous``: left out."""
RULE_TEXT: Final = "text of a rule"
"""``anonymous``: only what ships with wftop."""
CALL: Final = "call"
"""File or call that a number comes from."""
USER: Final = "user"
BY: Final = "by"
"""A person, as ``name`` or ``name@host``."""
PATH: Final = "path"
MOUNT: Final = "mount"
URL: Final = "url"
GPU: Final = "gpu"
GPUS: Final = "gpus"
"""With commas."""
BUS: Final = "bus"
SERVER: Final = "server"
MODEL: Final = "model"
PROGRAM: Final = "program"
COMMAND: Final = "command line"
"""Of the person who writes the bundle; of others: left out. ``anonymous``: left out."""
UNIT: Final = "unit"
"""Container, unit or slice of a control group."""
CONTAINER: Final = "container"
JOB: Final = "job"
DEVICE: Final = "device"
INTERFACE: Final = "interface"
SENSOR: Final = "sensor"
SOURCE: Final = "source"
"""A collector, or a program that pushes."""
PLUGIN: Final = "plugin"
ID: Final = "id"
"""Made by a program, without meaning."""
EVENT: Final = "event"
"""``event_id``."""
BOOT: Final = "boot"
RULE: Final = "rule"
ALERT: Final = "alert"
"""A rule with labels in braces."""
SERIES: Final = "series"
"""One or several, with spaces."""
LABELS: Final = "labels"
"""``key="value",…``, or an object of them."""
SELECTOR: Final = "selector"
PART: Final = "part"
"""``gpu:GPU-…``, ``disk:/``."""
STREAM: Final = "stream"
"""``source|server|model``."""
FRAMES: Final = "frames"
"""``source:NAME``, ``view:N``."""
PROCESS: Final = "process"
"""``pid:start_time``."""
ENDPOINTS: Final = "endpoints"
"""Addresses with their options, a list."""
COUNTS: Final = "counts"
"""An object of words to numbers."""
OBJECT: Final = "object"
"""Of known fields (``FIELDS``), or a list of them."""
NOT: Final = "not"
"""Left out."""

Treatments = Mapping[str, str]


def _all(treatment: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), treatment)


LABEL_KEYS: Final[Treatments] = {
    "cpu": WORD,
    "mode": WORD,
    "direction": WORD,
    "view": WORD,
    "stat": WORD,
    "device": DEVICE,
    "interface": INTERFACE,
    "mount": MOUNT,
    "sensor": SENSOR,
    "gpu": GPU,
    "server": SERVER,
    "model": MODEL,
    "source": SOURCE,
    "plugin": PLUGIN,
}
"""Keys of labels."""

_PROCESS_NUMBERS: Final = _all(NUMBER, "process.pid process.start_time")

TABLES: Final[Mapping[str, Treatments]] = {
    "processes": {
        **_PROCESS_NUMBERS,
        "process.parent_pid": NUMBER,
        "process.user": USER,
        "process.name": PROGRAM,
        "process.command_line": COMMAND,
        "process.state": WORD,
        **_all(NUMBER, "process.cpu.utilization process.memory.usage process.threads process.disk.read"),
        **_all(NUMBER, "process.disk.write process.creation_time"),
        "process.cgroup": UNIT,
    },
    "gpus": {
        "gpu.uuid": GPU,
        "gpu.parent": GPU,
        "gpu.bus_id": BUS,
        **_all(NUMBER, "gpu.index gpu.since gpu.throttled_since gpu.numa gpu.last_xid gpu.last_xid_time"),
        **_all(
            PRODUCT, "gpu.name gpu.driver gpu.cuda gpu.mig gpu.cpus gpu.compute_mode gpu.virtualization gpu.ecc"
        ),
        **_all(WORD, "gpu.vendor gpu.state gpu.performance_state gpu.throttle gpu.energy_source gpu.memory.kind"),
        **_all(WORD, "gpu.persistence gpu.unavailable"),
        **_all(TOLD, "gpu.reason gpu.fix"),
    },
    "gpu_processes": {
        "gpu.uuid": GPU,
        **_PROCESS_NUMBERS,
        "process.user": USER,
        "process.name": PROGRAM,
        "process.cgroup": UNIT,
        "process.job": JOB,
        "process.gpu.type": WORD,
        "process.gpu.instance": GPU,
        "process.gpu.unseen": TOLD,
        **_all(NUMBER, "process.rank process.gpu.memory.usage process.gpu.utilization process.gpu.idle_since"),
        **_all(NUMBER, "process.gpu.memory.io.utilization process.gpu.encoder.utilization process.gpu.energy"),
        **_all(NUMBER, "process.gpu.decoder.utilization process.gpu.time"),
    },
    "gpu_links": {"gpu.uuid": GPU, "gpu.peer": GPU, "gpu.path": WORD, "gpu.links": NUMBER},
    "servers": {
        "server.endpoint": SERVER,
        "server.parent": SERVER,
        "server.kind": PRODUCT,
        "server.version": PRODUCT,
        "server.state": WORD,
        "server.origin": WORD,
        "server.since": NUMBER,
        **_PROCESS_NUMBERS,
        "server.container": CONTAINER,
        "server.gpus": GPUS,
        **_all(FIGURES, "server.renamed server.bounds"),
        **_all(TOLD, "server.reason server.fix server.reads server.missing"),
        **_all(TOLD, "server.verdict server.evidence"),
    },
    "models": {
        "server.endpoint": SERVER,
        "model.name": MODEL,
        "model.state": WORD,
        "model.quantization": PRODUCT,
        "model.detail": SAID,
        **_all(NUMBER, "model.size model.parameters model.context model.vram model.ram model.expires model.since"),
    },
    "inference_requests": {
        "server.endpoint": SERVER,
        "model.name": MODEL,
        "request.id": ID,
        "request.state": WORD,
        "request.detail": SAID,
        **_all(NUMBER, "request.slot request.prompt request.processed request.cached request.generated"),
        **_all(NUMBER, "request.context request.progress request.since"),
    },
    "streams": {
        "stream.source": SOURCE,
        "stream.server": SERVER,
        "stream.model": MODEL,
        "stream.disagrees_with": STREAM,
        "stream.instead_of": SERVER,
        **_all(WORD, "stream.state stream.told_by stream.weight stream.disagrees_by"),
        **_all(NUMBER, "stream.since stream.first_token stream.gap stream.longest_gap stream.answers"),
        "stream.disagreement": NUMBER,
    },
    "frames": {
        "frames.program": FRAMES,
        "frames.bottleneck": WORD,
        **_all(NUMBER, "frames.token frames.energy frames.render frames.overhead frames.input"),
    },
    "alerts": {
        "alert.rule": RULE,
        "alert.labels": LABELS,
        "alert.name": RULE_TEXT,
        "alert.message": RULE_TEXT,
        "alert.series": SERIES,
        "alert.event": EVENT,
        "alert.silence": EVENT,
        "alert.inhibited_by": ALERT,
        "alert.acknowledged_by": BY,
        "alert.note": SAID,
        "alert.reason": TOLD,
        **_all(WORD, "alert.severity alert.category alert.state alert.unit alert.panels"),
        **_all(NUMBER, "alert.since alert.value alert.threshold alert.fired_value alert.worst_value alert.fired"),
        **_all(NUMBER, "alert.acknowledged_at alert.ceased"),
    },
    "rules": {
        "rule.name": RULE_TEXT,
        "rule.reason": TOLD,
        "rule.condition": TOLD,
        "rule.file": PATH,
        **_all(WORD, "rule.severity rule.category rule.state"),
        **_all(NUMBER, "rule.enabled rule.alerts rule.instances rule.cost rule.builtin"),
    },
    "silences": {
        "silence.matchers": LABELS,
        "silence.reason": SAID,
        "silence.by": BY,
        **_all(NUMBER, "silence.created silence.until"),
    },
    "quality": {
        "quality.rule": ALERT,
        "quality.reason": TOLD,
        "quality.by": BY,
        **_all(NUMBER, "quality.level quality.wanted quality.since quality.chosen quality.until quality.changes"),
    },
    "health": {
        "health.part": WORD,
        "health.reason": TOLD,
        "health.points": NUMBER,
        "health.evidence": TOLD,
    },
}
"""Columns by table."""

KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "processes": (PROCESS,),
    "gpus": (GPU,),
    "gpu_processes": ("/", GPU, PROCESS),
    "gpu_links": ("|", GPU, GPU),
    "servers": (SERVER,),
    "models": ("|", SERVER, MODEL),
    "inference_requests": ("|", SERVER, ID),
    "streams": (STREAM,),
    "frames": (FRAMES,),
    "alerts": (ALERT,),
    "rules": (RULE,),
    "silences": (EVENT,),
    "quality": (WORD,),
    "health": (PART,),
}
"""Keys of rows: a treatment, or a sign and the treatments of the two sides of its first place."""

ABOUT: Final[Treatments] = {
    **_all(PROCESS, "process recorder view"),
    **_all(WORD, "store backup quality core stream_source"),
    "source": SOURCE,
    "series": SERIES,
    "mark": EVENT,
    "silence": EVENT,
    "alert": ALERT,
    "rule": RULE,
    "rules": PATH,
    "server": SERVER,
    "gpu": GPU,
    "machine": BOOT,
    "stream": STREAM,
}
"""What an event is about: ``aggregate_type`` to the treatment of ``aggregate_id``."""

MATCHERS: Final[Treatments] = {"alert": ALERT, "rule": RULE, "severity": WORD, "category": WORD}
"""What a silence may name beside labels."""

METADATA: Final[Treatments] = {"program": PRODUCT, "session": NUMBER}

_GPU_EVENT: Final[Treatments] = {
    "name": PRODUCT, "index": NUMBER, "reason": TOLD, "for_s": NUMBER, "left_out": NUMBER,
}  # fmt: skip
_STREAM_EVENT: Final[Treatments] = {
    "source": SOURCE, "server": SERVER, "model": MODEL, "told_by": WORD, "why": WORD, "ends": COUNTS,
    **_all(NUMBER, "answers tokens units since_s silent_s duration_s first_token_s rate stalls energy_mean"),
    **_all(NUMBER, "energy_peak last_token_s more"),
}  # fmt: skip
_ALERT_EVENT: Final[Treatments] = {
    "rule": RULE, "labels": LABELS, "name": RULE_TEXT, "message": RULE_TEXT, "condition": TOLD, "severity": WORD,
    "unit": WORD, "reason": TOLD, "told": NUMBER, "why_not": TOLD, "value": NUMBER, "threshold": NUMBER,
    "by": BY, "note": SAID, "show": OBJECT, "suggestions": OBJECT,
}  # fmt: skip
_COUNCIL_EVENT: Final[Treatments] = {
    "pattern": WORD, "kind": WORD, "models": MODEL,
    **_all(NUMBER, "intensity coherence frequency_hz amplitude more"),
}  # fmt: skip
_STORE_EVENT: Final[Treatments] = {"reason": TOLD, "lost": NUMBER, "file": PATH}
_SIGNAL_EVENT: Final[Treatments] = {"signal": NUMBER, "nice": NUMBER, "reason": TOLD}

EVENTS: Final[Mapping[str, Treatments]] = {
    "recorder.started": {"mode": WORD, "session": NUMBER},
    "recorder.stopped": {"how": WORD},
    "recorder.handover": {"to_pid": NUMBER},
    "recorder.unclean": {"last_second": NUMBER},
    "view.attached": {"terminal": WORD},
    "view.detached": {"dropped": NUMBER},
    "source.state": {"before": WORD, "after": WORD, "reason": TOLD, "left_out": NUMBER},
    "provenance.changed": {"before": WORD, "after": WORD, "call": CALL},
    "clock.stepped": {"by_s": NUMBER},
    "clock.suspended": {"for_s": NUMBER},
    **dict.fromkeys(
        ("store.damaged", "store.failed", "store.resumed", "store.seal_failed", "store.segment_damaged"),
        _STORE_EVENT,
    ),
    "store.purged": _all(NUMBER, "before_ns patterns ticks segments"),
    "store.restored": {"made_ns": NUMBER},
    "mark.set": {"name": SAID, "at_ns": NUMBER},
    "burst.stored": {"reason": TOLD, **_all(NUMBER, "series samples bytes since_ns until_ns")},
    "machine.down": {"boot_id": BOOT, **_all(NUMBER, "last_second down_s up_s")},
    "process.oom_killed": {
        "likely": PROGRAM, "quality": WORD, "why": TOLD, **_all(NUMBER, "count pid memory_bytes"),
    },
    "series.limited": {"rejected": NUMBER},
    **dict.fromkeys(
        ("gpu.found", "gpu.lost", "gpu.returned", "gpu.stuck", "gpu.answered", "gpu.asleep", "gpu.awake"),
        _GPU_EVENT,
    ),
    "gpu.throttled": {**_GPU_EVENT, "reasons": WORD},
    "gpu.unthrottled": {**_GPU_EVENT, "reasons": WORD},
    "gpu.xid": {**_GPU_EVENT, "xid": NUMBER, "origin": WORD, "words": TOLD},
    "gpu.ecc": {**_GPU_EVENT, "what": TOLD, "field": WORD, "before": NUMBER, "after": NUMBER},
    "gpu.driver": {"before": PRODUCT, "after": PRODUCT, "code": NUMBER},
    "gpu.worker_restarted": {"ended": TOLD},
    "server.found": {"kind": PRODUCT, "version": PRODUCT},
    "server.gone": {"kind": PRODUCT},
    "server.restarted": {"version": PRODUCT},
    "server.state": {"before": WORD, "after": WORD, "reason": TOLD, "fix": TOLD},
    "server.preempting": {"model": MODEL, **_all(NUMBER, "count kv_cache running waiting more")},
    "server.queueing": _all(NUMBER, "waiting running more"),
    "model.loaded": {"model": MODEL},
    "model.unloaded": {"model": MODEL},
    "model.verdict": {"verdict": TOLD, "evidence": TOLD},
    "stream.stalled": _STREAM_EVENT,
    "stream.ended": _STREAM_EVENT,
    "stream.abandoned": _STREAM_EVENT,
    "core.connected": {"url": URL, "version": PRODUCT, "model": MODEL, "tier": WORD},
    "core.lost": {"url": URL, "reason": TOLD, "lasted_s": NUMBER},
    "core.error": {"severity": WORD, "code": SAID, "component": SAID, "recoverable": NUMBER, "more": NUMBER},
    **dict.fromkeys(("core.interference", "core.resonance"), _COUNCIL_EVENT),
    "core.reward": {"kind": WORD, "title": SAID, **_all(NUMBER, "points level more")},
    **dict.fromkeys(
        ("alert.pending", "alert.fired", "alert.escalated", "alert.over", "alert.resolved", "alert.acknowledged"),
        _ALERT_EVENT,
    ),
    "alert.action": {
        "rule": RULE, "labels": LABELS, "event": EVENT, "action": WORD, "done": NUMBER, "target": URL,
        "program": PROGRAM, "reason": TOLD, "detail": SAID, **_all(NUMBER, "tries duration_s more"),
        "change": WORD, "message": RULE_TEXT, "severity": WORD,
        # Of a bundle that was made by itself.
        "file": PATH, "removed": PATH, "level": WORD, "encryption": WORD, **_all(NUMBER, "bytes range_s"),
    },
    "backup.ready": {
        "mount": MOUNT, "why_not": TOLD, "asked_by": ALERT,
        **_all(NUMBER, "ready cpu cpu_p95 disk_busy fullest alerts over_s"),
    },
    "quality.changed": {
        "before": NUMBER, "after": NUMBER, "rule": ALERT, "reason": TOLD, "by": BY, "until_ns": NUMBER,
    },
    "silence.set": {"matchers": LABELS, "until_ns": NUMBER, "by": BY, "reason": SAID},
    "silence.ended": {"matchers": LABELS, "by": BY},
    "rule.changed": {
        "rule": RULE, "name": RULE_TEXT, "before": TOLD, "after": TOLD, "changes": OBJECT, "file": PATH, "by": BY,
    },
    "rules.changed": {"rules": NUMBER, "problems": NUMBER},
    "rules.broken": {"problem": TOLD},
    **dict.fromkeys(
        ("signal.sent", "signal.refused", "process.reniced", "process.renice_refused"), _SIGNAL_EVENT
    ),
}  # fmt: skip
"""Payloads by type of event."""

RULE_FIELDS: Final[Treatments] = {
    "id": RULE,
    **_all(OBJECT, "condition query parts part actions escalations quiet origin rule"),
    **_all(SELECTOR, "selector per"),
    **_all(RULE_TEXT, "name description message details suggestions tags"),
    **_all(WORD, "type aggregation operator measure season side signal value severity category level privacy to"),
    **_all(WORD, "sound panel dialect"),
    **_all(NUMBER, "window_s clear often over_s for_s within_s score enabled keep_firing_s cooldown_s most"),
    **_all(NUMBER, "after_count after_s start end manual adaptation user_configurable builtin duration_s volume"),
    **_all(RULE, "inhibited_by"),
    "needs": SOURCE,
    "target": URL,
    "command": NOT,
    "file": PATH,
}
"""Fields of rules, of their conditions and actions."""

FIELDS: Final[Treatments] = {
    **RULE_FIELDS,
    # What events show and advise, and numbers of rules that a person changed.
    "actions": RULE_TEXT,
    **_all(WORD, "field before after unit"),
}
"""Fields of objects within payloads."""

LOG_FIELDS: Final[Treatments] = {
    **_all(NUMBER, "pid lived_s again_in_s cost_ms value threshold code signal"),
    **_all(TOLD, "reason why wanted refused how detail condition changes question output"),
    **_all(PATH, "file path"),
    "uid": USER,
    "event": EVENT,
    "severity": WORD,
    "kind": WORD,
    "unit": WORD,
    "setting": WORD,
    "server": SERVER,
    "rule": ALERT,
    "version": PRODUCT,
    "url": URL,
    "program": PROGRAM,
    "by": BY,
    "traceback": NOT,
}
"""Fields of lines of wftop's own log."""

HEALTH: Final[Treatments] = {
    "source": SOURCE,
    "state": WORD,
    "reason": TOLD,
    "fix": TOLD,
    **_all(
        NUMBER, "since_ns interval_s duration_s coverage last_ns late failures at_ns since_s until_s missing_s"
    ),
    "recorded_s": NUMBER,
    **_all(OBJECT, "sources gaps"),
}
"""Of ``health.json`` and ``gaps.json``."""

INVENTORY: Final[Treatments] = {
    **_all(PRODUCT, "program recorded_by python os kernel architecture cpu libraries"),
    **_all(NUMBER, "cpus memory"),
    **_all(OBJECT, "gpus server models"),
    "command_line": COMMAND,
}
"""Of ``inventory.json`` and ``servers.json``; cells of tables come by the names of their columns."""

JSON: Final[Treatments] = {
    **{key: treatment for table in TABLES.values() for key, treatment in table.items()},
    **LOG_FIELDS,
    **HEALTH,
    **INVENTORY,
    **RULE_FIELDS,
}
"""Objects whose place is not known: all of the above."""

SETTINGS: Final[Treatments] = {
    **_all(PATH, "tap.file"),
    **_all(SAID, "view.theme view.layout view.time_zone energy.currency energy.price_per_kwh"),
    "bundle.recipients": NOT,
    "bundle.on": RULE,
    "bundle.level": WORD,
    **_all(NUMBER, "bundle.keep bundle.max_bytes"),
    **_all(SOURCE, "sources.disabled"),
    **_all(RULE, "alerts.rules_disabled alerts.rules_enabled"),
    **_all(ENDPOINTS, "servers.endpoints"),
    **_all(URL, "core.url"),
    **_all(
        WORD, "log.level view.graphs view.motion view.mouse view.notify view.colors view.temperature view.bytes"
    ),
    **_all(WORD, "view.ascii store.groups_disabled"),
    **_all(NUMBER, "recorder.signals recorder.linger_s store.memory_only store.journal_hours store.raw_hours"),
    **_all(NUMBER, "store.fine_days store.coarse_days store.tables_share store.max_bytes store.min_free_bytes"),
    **_all(NUMBER, "history.idle_s gpu.read_ranks log.max_bytes log.files log.days tap.enabled tap.max_bytes"),
    **_all(NUMBER, "tap.files tap.days view.refresh_s view.clipboard view.title view.readonly alerts.adapt"),
    **_all(NUMBER, "alerts.commands alerts.desktop servers.discover streams.full_rate"),
    **_all(NUMBER, "colors.cpu_warn colors.cpu_critical colors.memory_warn colors.memory_critical"),
    **_all(NUMBER, "colors.disk_warn colors.disk_critical colors.gpu_warn colors.gpu_critical"),
    **_all(NUMBER, "colors.temperature_warn colors.temperature_critical colors.power_warn colors.power_critical"),
}
"""Settings by name."""
