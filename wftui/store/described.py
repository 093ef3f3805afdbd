"""What the tables of history.duckdb and `wftop sql` mean; ``docs/history.md`` says the same (tested)."""

from typing import Final, NamedTuple


class Described(NamedTuple):
    """One table, view or macro."""

    about: str
    columns: dict[str, tuple[str, str]]
    """Name to type and meaning."""


_ROW = {
    "time": ("TIMESTAMP", "UTC second that the sample covers, its begin"),
    "seq": ("BIGINT", "number of the tick: the order, also where the clock stepped back"),
    "series": ("VARCHAR", "`column_name` of the table series: the canonical text"),
    "value": ("DOUBLE", "base unit; counters are cumulative; no row = no value"),
}
_PROCESS = {
    "time": ("TIMESTAMP", "UTC"),
    "seq": ("BIGINT", "tick in which it came"),
    "key": ("VARCHAR", "`pid:start`, so that a reused pid is another key"),
    "gone": ("BOOLEAN", "the process has ended"),
    "pid": ("DOUBLE", "process id"),
    "start_time": ("DOUBLE", "clock ticks after boot"),
    "parent_pid": ("DOUBLE", ""),
    "user": ("VARCHAR", "name of its user"),
    "name": ("VARCHAR", ""),
    "command_line": ("VARCHAR", "redacted; empty for kernel threads"),
    "state": ("VARCHAR", "letter of /proc/PID/stat"),
    "cpu_utilization": ("DOUBLE", "1 = one core"),
    "memory_usage": ("DOUBLE", "By, resident"),
    "threads": ("DOUBLE", ""),
    "disk_read": ("DOUBLE", "By/s; NULL where not ours to read"),
    "disk_write": ("DOUBLE", "By/s"),
    "creation_time": ("DOUBLE", "ns since 1970, UTC"),
    "cgroup": ("VARCHAR", "short name: container, unit or slice"),
}

_CHANGED = {
    "time": ("TIMESTAMP", "UTC"),
    "seq": ("BIGINT", "tick in which it came"),
    "key": ("VARCHAR", "which row it is"),
    "gone": ("BOOLEAN", "it has ended"),
}
_SERVER = _CHANGED | {
    "server_endpoint": ("VARCHAR", "`127.0.0.1:8000`, the label `server` of its series"),
    "server_kind": ("VARCHAR", "`vllm`, `llama.cpp`, …"),
    "server_version": ("VARCHAR", ""),
    "server_state": ("VARCHAR", "ok, late, stuck, failed, denied, asleep, …"),
    "server_reason": ("VARCHAR", "why it is not ok"),
    "server_fix": ("VARCHAR", "what would mend it"),
    "server_since": ("DOUBLE", "ns since 1970, UTC: begin of that state"),
    "pid": ("DOUBLE", "process id"),
    "start_time": ("DOUBLE", "clock ticks after boot"),
    "server_container": ("VARCHAR", ""),
    "server_origin": ("VARCHAR", "process or configured"),
    "server_reads": ("VARCHAR", "paths that are asked, with commas between"),
    "server_missing": ("VARCHAR", "a line a figure: `what: how to have it`"),
    "server_renamed": ("VARCHAR", "`old=new` of metrics that are read under an older name"),
    "server_bounds": ("VARCHAR", "`metric=lowest:highest` bucket of its histograms"),
    "server_gpus": ("VARCHAR", "UUIDs, with commas between"),
    "server_parent": ("VARCHAR", "endpoint of the server that it is a part of"),
    "server_verdict": ("VARCHAR", "where claim and reality differ"),
    "server_evidence": ("VARCHAR", "by how much"),
}
_MODEL = _CHANGED | {
    "server_endpoint": ("VARCHAR", ""),
    "model_name": ("VARCHAR", ""),
    "model_state": ("VARCHAR", "loaded, loading, sleeping, unloaded, failed"),
    "model_size": ("DOUBLE", "By, of the weights"),
    "model_parameters": ("DOUBLE", ""),
    "model_quantization": ("VARCHAR", ""),
    "model_context": ("DOUBLE", "tokens that a request may hold"),
    "model_vram": ("DOUBLE", "By, as the server says"),
    "model_ram": ("DOUBLE", "By, as the server says"),
    "model_expires": ("DOUBLE", "ns since 1970, UTC: when it is unloaded; -1: it is kept"),
    "model_since": ("DOUBLE", "ns since 1970, UTC: begin of its state"),
    "model_detail": ("VARCHAR", ""),
}
_REQUEST = _CHANGED | {
    "server_endpoint": ("VARCHAR", ""),
    "model_name": ("VARCHAR", ""),
    "request_slot": ("DOUBLE", ""),
    "request_id": ("VARCHAR", "as the server numbers them"),
    "request_state": ("VARCHAR", "waiting, prefill, generating, …"),
    "request_prompt": ("DOUBLE", "tokens"),
    "request_processed": ("DOUBLE", "tokens of the prompt that were read"),
    "request_cached": ("DOUBLE", "tokens of the prompt that need not be read"),
    "request_generated": ("DOUBLE", "tokens"),
    "request_context": ("DOUBLE", "tokens that it may hold"),
    "request_progress": ("DOUBLE", "0 to 1"),
    "request_since": ("DOUBLE", "ns since 1970, UTC"),
    "request_detail": ("VARCHAR", ""),
}

TABLES: Final = {
    "series": Described(
        "Every series that has data.",
        {
            "id": ("INTEGER", "its number, never another series'"),
            "series": ("VARCHAR", 'canonical text: `name{key="value"}`'),
            "column_name": ("VARCHAR", "the same, `~2` behind it where two differ by case or unit only"),
            "name": ("VARCHAR", "metric, as in docs/metrics.md"),
            "labels": ("MAP(VARCHAR, VARCHAR)", "`labels['device']`; `stat` names a statistic"),
            "unit": ("VARCHAR", "UCUM: `By`, `s`, `1` (a ratio)"),
            "kind": ("VARCHAR", "gauge, counter or distribution"),
            "group_name": ("VARCHAR", "system, gpu, models, ux or custom"),
            "quality": ("VARCHAR", "measured, derived, estimated, …"),
            "source": ("VARCHAR", "collector"),
            "call": ("VARCHAR", "where the number comes from"),
            "first_time": ("TIMESTAMP", "UTC; NULL: not sealed yet"),
            "last_time": ("TIMESTAMP", "UTC; NULL: not sealed yet"),
        },
    ),
    "metrics_timeseries": Described(
        "Every sample of the last 48 hours (history.duckdb: 48 h of 400 series, 10 h of 2,000);"
        " all columns are read.",
        _ROW,
    ),
    "samples(pattern)": Described(
        "The same of the series that a pattern names (`system.disk.*`, or a whole series), 5 to 40 times as fast.",
        _ROW,
    ),
    "metrics_snapshots": Described(
        "The last sample of each series.",
        {
            "series": ("VARCHAR", "canonical text"),
            "time": _ROW["time"],
            "seq": _ROW["seq"],
            "value": _ROW["value"],
            "unit": ("VARCHAR", "UCUM"),
            "kind": ("VARCHAR", "gauge, counter or distribution"),
            "series_id": ("INTEGER", "id of the table series"),
        },
    ),
    "metrics_5m": Described(
        "Five minutes a row, of the last 30 recorded days (at most 5 million rows); sealed hours only.",
        {
            "time": ("TIMESTAMP", "UTC, begin of the step"),
            "seq": ("BIGINT", "first tick in the step"),
            "series_id": ("INTEGER", "id of the table series"),
            "min": ("DOUBLE", "of the samples; of a counter: of its rate per second"),
            "mean": ("FLOAT", "the same, to 4 digits"),
            "max": ("DOUBLE", "the same"),
            "sum": ("DOUBLE", "only of a distribution's count and sum"),
            "count": ("INTEGER", "ticks in the step; 300 when none is missing"),
        },
    ),
    "processes": Described("A row whenever a process changed by 1 % or more, began or ended.", _PROCESS),
    "processes_at(moment)": Described(
        "The processes at a moment (TIMESTAMP, UTC).", {k: v for k, v in _PROCESS.items() if k != "gone"}
    ),
    "servers": Described(
        "A row whenever something about a model server changed; `servers_at(moment)` is what held then.", _SERVER
    ),
    "models": Described(
        "The same of the models of servers (those in memory and those installed); `models_at(moment)`.", _MODEL
    ),
    "inference_requests": Described(
        "The same of requests under way, of servers that tell them; `inference_requests_at(moment)`.", _REQUEST
    ),
    "events": Described(
        "What happened.",
        {
            "seq": ("BIGINT", "the order of events"),
            "event_id": ("VARCHAR", "UUID version 7"),
            "time": ("TIMESTAMP", "UTC"),
            "type": ("VARCHAR", "as in docs/metrics.md"),
            "aggregate_type": ("VARCHAR", "what it is about: recorder, source, process, …"),
            "aggregate_id": ("VARCHAR", "which one"),
            "trace_id": ("VARCHAR", "W3C"),
            "span_id": ("VARCHAR", "W3C"),
            "payload": ("JSON", "`payload->>'reason'`"),
            "metadata": ("JSON", "about the record itself"),
        },
    ),
    "alert_history": Described(
        "Events of alerts, `alert.*`.",
        {
            "seq": ("BIGINT", "of the event"),
            "event_id": ("VARCHAR", "of the event"),
            "time": ("TIMESTAMP", "UTC"),
            "alert": ("VARCHAR", "which alert"),
            "state": ("VARCHAR", "what it became"),
            "payload": ("JSON", ""),
        },
    ),
    "sessions": Described(
        "Runs of the recorder.",
        {
            "id": ("INTEGER", ""),
            "boot": ("INTEGER", "number of the boot"),
            "boot_id": ("VARCHAR", "the kernel's"),
            "program": ("VARCHAR", "wftop's version"),
            "mode": ("VARCHAR", "record, or view (started by one)"),
            "pid": ("INTEGER", ""),
            "started": ("TIMESTAMP", "UTC"),
            "ended": ("TIMESTAMP", "UTC; NULL: runs, or ended without a word"),
            "how": ("VARCHAR", "stopped, handover, idle, time or failed"),
        },
    ),
    "meta": Described(
        "What this is made from; one row.",
        {
            "schema_version": ("INTEGER", "of these tables"),
            "wftop_version": ("VARCHAR", ""),
            "duckdb_version": ("VARCHAR", "that made it"),
            "made_at": ("TIMESTAMP", "UTC"),
            "sealed_until": ("TIMESTAMP", "UTC, behind the last sealed second"),
            "sealed_seq": ("BIGINT", "last sealed tick"),
            "sealed_event_seq": ("BIGINT", "last sealed event"),
            "files": ("BIGINT", "changes whenever segments come or go"),
        },
    ),
}
"""In the order in which they are told."""


def text() -> str:
    """All of it, for a terminal."""
    lines = []
    for name, item in TABLES.items():
        lines += [name, f"    {item.about}"]
        wide = max(len(column) for column in item.columns)
        lines += [
            f"    {column:{wide}}  {kind:11} {about}".rstrip() for column, (kind, about) in item.columns.items()
        ]
        lines.append("")
    return "\n".join(lines)


def markdown() -> str:
    """All of it, as in the documentation."""
    lines = []
    for name, item in TABLES.items():
        lines += [f"### `{name}`", "", item.about, "", "| column | type | |", "| --- | --- | --- |"]
        lines += [f"| `{column}` | {kind} | {about} |" for column, (kind, about) in item.columns.items()]
        lines.append("")
    return "\n".join(lines)
