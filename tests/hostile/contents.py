"""Bundles whose zip is right, and what is in it is not: name to (bytes, what is said of it)."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np

from tests.hostile.archives import ESCAPES, OPENS, Case
from tests.hostile.bundles import (
    TICKS,
    Part,
    Zip,
    bundle,
    edited,
    happened,
    manifest,
    part,
    parts,
    replaced,
    sound,
    ticks,
)
from tests.recording import CPU, START_S
from wftui.bundle import format as form
from wftui.bundle.format import Steps
from wftui.bundle.packed import pack, whole

_json = msgspec.json.encode


def _manifest(**fields: Any) -> bytes:
    return edited(form.MANIFEST, lambda found: {**found, **fields})


def _member(number: int, **fields: Any) -> bytes:
    def edit(found: Any) -> Any:
        found["members"][number] |= fields
        return found

    return edited(form.MANIFEST, edit)


def _origin(**fields: Any) -> bytes:
    return edited(form.MANIFEST, lambda found: {**found, "origin": found["origin"] | fields})


def _tick(**fields: Any) -> bytes:
    return edited("ticks/0000.json", lambda found: {**found, **fields})


def _numbers(value: Any) -> bytes:
    """One column's numbers."""

    def edit(found: Any) -> Any:
        found["values"][0] = value
        return found

    return edited("ticks/0000.json", edit)


def _line(name: str, number: int, edit: Callable[[Any], Any]) -> bytes:
    """One line of a member of lines."""
    found = [msgspec.json.decode(item) for item in sound()[name].splitlines()]
    found[number] = edit(found[number])
    return replaced(name, b"".join(_json(item) + b"\n" for item in found))


def _row(value: Any, place: int = 4) -> bytes:
    """One cell of the table of processes; 4: the name."""

    def edit(found: Any) -> Any:
        found["change"]["rows"]["7:5"][place] = value
        return found

    return _line("tables/processes-0000.jsonl", 1, edit)


def _event(**fields: Any) -> bytes:
    return _line(form.EVENTS, 0, lambda found: {**found, **fields})


def _nested(depth: int) -> Any:
    found: Any = 1
    for _ in range(depth):
        found = [found]
    return found


def _wide(columns: int, count: int) -> bytes:
    """A member of ticks that takes little room and opens to much."""
    item = msgspec.to_builtins(ticks(count, 111))
    column = item["columns"][0]
    item["columns"] = [
        {**column, "series": {"name": f"custom.s.f{number}", "labels": [], "text": ""}}
        for number in range(columns)
    ]
    item["values"] = [{"count": count, "same": 1}] * columns
    item["layout"] = 2
    return replaced("ticks/0001.json", _json(item))


def _cells() -> bytes:
    """Eight of them, each within its own bounds."""
    members = {name: data for name, data in sound().items() if not name.startswith("ticks/")}
    for number in range(8):
        item = msgspec.to_builtins(ticks(form.TICKS, 101 + form.TICKS * number))
        column = item["columns"][0]
        item["columns"] = [
            {**column, "series": {"name": f"custom.s.f{at}", "labels": [], "text": ""}} for at in range(9_000)
        ]
        item["values"] = [{"count": form.TICKS, "same": 1}] * 9_000
        members[f"ticks/{number:04d}.json"] = _json(item)
    said = msgspec.structs.replace(manifest(members), ticks=8 * form.TICKS)
    return bundle(members, said)


def _of_one(name: str, data: bytes) -> Callable[[], bytes]:
    return lambda: replaced(name, data)


def _steps(**fields: Any) -> bytes:
    return edited("rollups/10s-0000.json", lambda found: {**found, **fields})


CONTENT: dict[str, Case] = {
    "no JSON": (lambda: Zip([part(form.MANIFEST, b"hello")]).made(), "manifest.json: "),
    "an empty manifest": (lambda: Zip([part(form.MANIFEST, b"")]).made(), "manifest.json: "),
    "a manifest that is a list": (lambda: bundle(said=[]), "manifest.json: "),
    "another format": (lambda: _manifest(format="other"), "of format 'other'"),
    "a newer version": (lambda: _manifest(version=2, program="wftop 9"), r"newer wftop \(wftop 9; format 2"),
    "a newer version of another shape": (
        lambda: bundle(said={"format": form.FORMAT, "version": 7}),
        r"newer wftop \(unknown; format 7",
    ),
    "version 0": (lambda: _manifest(version=0), "version 0"),
    "version -1": (lambda: _manifest(version=-1), "version -1"),
    "version text": (lambda: _manifest(version="1"), "manifest.json: "),
    "no members": (lambda: _manifest(members=[]), "the manifest does not name it"),
    "a wrong hash": (lambda: _member(5, sha256="0" * 64), "altered, its SHA-256"),
    "a hash that is none": (lambda: _member(5, sha256="../../x"), "64 hex digits"),
    "a short hash": (lambda: _member(5, sha256="abc"), "64 hex digits"),
    "a wrong size": (lambda: _member(5, size=3), "and the manifest says 3"),
    "a negative size": (lambda: _member(5, size=-3), "-3 bytes, expected 0 to"),
    "a member that is not there": (lambda: _member(5, name="ticks/0777.json"), "is not there|not name it"),
    "a member named out of the folder": (lambda: _member(5, name="../x"), "names a member"),
    "the manifest as a member of itself": (lambda: _member(5, name=form.MANIFEST), "names a member"),
    "a member named twice": (lambda: _member(5, name="ticks/0000.json"), "twice"),
    "a member that the manifest does not name": (
        lambda: Zip([*parts(sound()), part("screens/gpu.svg", b"<svg/>")]).made(),
        "the manifest does not name it",
    ),
    "level unknown": (lambda: _manifest(level="everything"), "of level"),
    "ends before it begins": (lambda: _manifest(until_ns=5), "ends before"),
    "made before time": (lambda: _manifest(made_ns=-5), "a time of"),
    "made at the end of time": (lambda: _manifest(made_ns=2**63), "a time of|manifest.json"),
    "more ticks than there are": (lambda: _manifest(ticks=TICKS + 1), "the manifest says 21"),
    "fewer ticks than there are": (lambda: _manifest(ticks=0), "the manifest says 0"),
    "2**62 ticks": (lambda: _manifest(ticks=2**62), "ticks, expected"),
    "a zone out of the folder": (lambda: _origin(time_zone="../../etc/passwd"), "time zone"),
    "an absolute zone": (lambda: _origin(time_zone="/etc/passwd"), "time zone"),
    "a zone with a NUL": (lambda: _origin(time_zone="UTC\0"), "time zone"),
    "an offset as zone": (lambda: _origin(time_zone="+02:00"), OPENS),
    "boots that are none": (lambda: _origin(boots={"x": "y"}), "its boots"),
    "a boot 0": (lambda: _origin(boots={"0": "y"}), "its boots"),
    "two boots of one name": (lambda: _origin(boots={"1": "y", "2": "y"}), "its boots"),
    "no boots": (lambda: _origin(boots={}), "boot 1: the manifest does not name it"),
    "2,000 boots": (lambda: _origin(boots={str(n): f"b{n}" for n in range(1, 2000)}), "its boots"),
    "100,000 redactions": (
        lambda: _manifest(redactions=[{"what": "user", "how": "replaced", "count": 1}] * 100_000),
        "too long",
    ),
    "a manifest of 20 MB": (
        lambda: _manifest(left_out=["x" * 1000] * 20_000),
        "expected at most 8388608|too long",
    ),
    "escapes in the manifest": (
        lambda: edited(
            form.MANIFEST,
            lambda found: {
                **found,
                "program": ESCAPES,
                "left_out": [ESCAPES],
                "origin": found["origin"] | {"host": ESCAPES},
            },
        ),
        OPENS,
    ),
    "escapes where a word belongs": (lambda: _manifest(level=ESCAPES), "of level"),
    "escapes as format": (lambda: _manifest(format=ESCAPES), "of format"),
    "a megabyte as level": (lambda: _manifest(level="x" * 1_000_000), "of level"),
    # ---- ticks
    "ticks that are a list": (_of_one("ticks/0001.json", b"[]"), "ticks/0001.json: "),
    "ticks of nothing": (_of_one("ticks/0001.json", b"{}"), "ticks/0001.json: "),
    "ticks cut off": (_of_one("ticks/0001.json", _json(ticks(10, 111))[:-20]), "ticks/0001.json: "),
    "the token NaN": (
        lambda: replaced("ticks/0000.json", _json(ticks(10)).replace(b"null", b"NaN")),
        "ticks/0000.json: ",
    ),
    "the token Infinity": (
        lambda: replaced("ticks/0000.json", _json(ticks(10)).replace(b"null", b"Infinity")),
        "ticks/0000.json: ",
    ),
    "the number 1e999": (
        lambda: replaced("ticks/0000.json", _json(ticks(10)).replace(b"4096", b"1e999")),
        "ticks/0000",
    ),
    "a number of 4,000 digits": (
        lambda: replaced("ticks/0000.json", _json(ticks(10)).replace(b"4096", b"9" * 4000)),
        "ticks/0000.json: ",
    ),
    "a number of 400 digits": (
        lambda: _numbers({"count": 10, "start": 10**400, "by": [1] * 9}),
        "ticks/0000.json: ",
    ),
    "a number of 1 MB": (
        lambda: replaced("ticks/0000.json", _json(ticks(10)).replace(b"4096", b"9" * 1_000_000)),
        "ticks/0000.json: ",
    ),
    "numbers packed in two ways": (lambda: _numbers({"count": 10, "same": 1, "all": [1] * 10}), "exactly one"),
    "numbers packed in no way": (lambda: _numbers({"count": 10}), "exactly one"),
    "fewer numbers than ticks": (lambda: _numbers({"count": 3, "same": 1}), "3 values, expected 10"),
    "more numbers than ticks": (lambda: _numbers({"count": 2**40, "same": 1}), "values, expected 10"),
    "numbers that lie about their count": (lambda: _numbers({"count": 10, "all": [1, 2]}), "2 of them"),
    "a place that is not there": (lambda: _numbers({"count": 10, "of": [1], "at": [5] * 10}), "numbers"),
    "a place below 0": (lambda: _numbers({"count": 10, "of": [1], "at": [-1] * 10}), "below 0"),
    "a place of 2**70": (lambda: _numbers({"count": 10, "of": [1], "at": [2**70] * 10}), "numbers"),
    "digits of 400": (lambda: _numbers({"count": 10, "start": 1, "by": [1] * 9, "digits": 400}), "digits"),
    "digits below 0": (lambda: _numbers({"count": 10, "start": 1, "by": [1] * 9, "digits": -4}), "digits"),
    "no values": (lambda: _tick(values=[]), "values of 0 columns"),
    "no columns": (lambda: _tick(columns=[]), "of 0 columns"),
    "values of text": (lambda: _tick(values=["x"] * 4), "ticks/0000.json: "),
    "values of null": (lambda: _tick(values=[None] * 4), "ticks/0000.json: "),
    "layout 0": (lambda: _tick(layout=0), "layout 0"),
    "layout 2**40": (lambda: _tick(layout=2**40), "layout 1099511627776"),
    "layout -1": (lambda: _tick(layout=-1), "layout -1"),
    "a layout with other columns": (
        lambda: edited("ticks/0001.json", lambda found: {**found, "columns": found["columns"][::-1]}),
        "other columns than before",
    ),
    "a series twice": (
        lambda: edited("ticks/0000.json", lambda found: {**found, "columns": [found["columns"][0]] * 4}),
        "there twice",
    ),
    "seq that goes back": (
        lambda: edited("ticks/0001.json", lambda f: {**f, "seq": _p(range(101, 111))}),
        "ascending",
    ),
    "seq that stands still": (lambda: _tick(seq=_p([101] * 10)), "ascending"),
    "seq below 0": (lambda: _tick(seq=_p(range(-5, 5))), "seq"),
    "seq of 2**62": (lambda: _tick(seq=_p(range(2**62 - 3, 2**62 + 7))), "seq"),
    "seq of 2**64": (lambda: _tick(seq=_p(range(2**64, 2**64 + 10))), "seq"),
    "seq of fractions": (lambda: _tick(seq={"count": 10, "all": [1.5] * 10}), "seq"),
    "seq unknown": (lambda: _tick(seq={"count": 10, "same": None}), "seq"),
    "seconds below 0": (lambda: _tick(time_s=_p([-5] * 10)), "time_s"),
    "seconds beyond all calendars": (lambda: _tick(time_s=_p([2**40] * 10)), "time_s"),
    "another number of seconds": (lambda: _tick(time_s=_p([5] * 9)), "time_s"),
    "boot time below 0": (lambda: _tick(boottime_ns=_p([-5] * 10)), "boottime_ns"),
    "a boot that nobody knows": (lambda: _tick(boot=_p([7] * 10)), "boot 7"),
    "more ticks than a member has": (lambda: replaced("ticks/0001.json", _json(ticks(1201, 111))), "1201 rows"),
    "10,001 columns": (lambda: _wide(10_001, 10), "10001 columns"),
    "9,000 columns": (lambda: _wide(9_000, 10), OPENS),
    "86 million values in 2 MB": (_cells, "values altogether|takes more than"),
    "a series without a name": (lambda: _column({"name": "", "labels": [], "text": ""}), "a series is none"),
    "a series of escapes": (lambda: _column({"name": ESCAPES, "labels": [], "text": ESCAPES}), "a series is none"),
    "a label of escapes": (
        lambda: _column({"name": CPU.series.name, "labels": [["device", ESCAPES]], "text": ESCAPES}),
        OPENS,
    ),
    "a label that is none": (
        lambda: _column({"name": CPU.series.name, "labels": [["host", "x"]], "text": ""}),
        "unknown label key",
    ),
    "a label of 10 kB": (
        lambda: _column({"name": CPU.series.name, "labels": [["device", "x" * 10_000]], "text": ""}),
        "256 bytes",
    ),
    "a kind that is none": (lambda: _about(kind="gauge\x1b"), "of kind"),
    "a quality that is none": (lambda: _about(quality="sure"), "known as"),
    "a group of a path": (lambda: _about(group="../../x"), "of group"),
    "a unit of escapes": (lambda: _about(unit=ESCAPES, call=ESCAPES, source=ESCAPES), OPENS),
    # ---- steps
    "steps behind one another": (lambda: _steps(seq=_p([21, 11, 1])), "ascending"),
    "steps that reach into the next": (lambda: _steps(ticks=_p([10, 15, 10])), "reaches into"),
    "steps that reach into the ticks": (lambda: _steps(ticks=_p([10, 10, 500])), "ascending, or not behind 520"),
    "steps of 2**62 ticks": (lambda: _steps(ticks=_p([10, 10, 2**62 - 1])), "reaches into|expected"),
    "steps off their grid": (lambda: _steps(time_s=_p([5, 15, 25])), "multiple of 10"),
    "a statistic that is none": (lambda: _steps(statistics={"median": []}), "statistics among"),
    "a statistic of a path": (lambda: _steps(statistics={"../../x": []}), "statistics among"),
    "no statistic": (lambda: _steps(statistics={}), "statistics among"),
    "steps of 5 min that fit": (lambda: replaced("rollups/5m-0000.json", _json(_coarse())), OPENS),
    # ---- tables
    "a table of another name": (
        lambda: replaced("tables/gpus-0000.jsonl", sound()["tables/processes-0000.jsonl"]),
        "the table 'processes'",
    ),
    "a table without a schema": (_of_one("tables/things-0000.jsonl", b""), "empty"),
    "a change before the whole table": (
        lambda: _line(
            "tables/processes-0000.jsonl", 1, lambda f: {**f, "change": f["change"] | {"keyframe": False}}
        ),
        "before the whole table",
    ),
    "a change of another table": (
        lambda: _line("tables/processes-0000.jsonl", 1, lambda f: {**f, "change": f["change"] | {"name": "gpus"}}),
        "a change of the table 'gpus'",
    ),
    "a change of tick 2**63": (
        lambda: _line("tables/processes-0000.jsonl", 1, lambda f: {**f, "tick": 2**63}),
        "out of range|jsonl: ",
    ),
    "changes behind one another": (
        lambda: _line("tables/processes-0000.jsonl", 2, lambda f: {**f, "tick": 5}),
        "tick 5 behind tick 101",
    ),
    "a row that is too short": (
        lambda: _line(
            "tables/processes-0000.jsonl", 1, lambda f: {**f, "change": f["change"] | {"rows": {"7:5": [1]}}}
        ),
        "a row of 1 cells",
    ),
    "a row of a map": (lambda: _row({"a": 1}), "line 2"),
    "a row of a list": (lambda: _row([1]), "line 2"),
    "a cell that is true": (lambda: _row(True), "line 2"),
    "a number where text belongs": (lambda: _row(5), "process.name: 5, expected text"),
    "text where a number belongs": (lambda: _row("much", 7), "expected a number"),
    "a number of 70 bits": (lambda: _row(2**70, 8), "a number of 71 bits"),
    "escapes in a name": (lambda: _row(ESCAPES), OPENS),
    "a name of 1 MB": (lambda: _row("x" * 1_000_000), OPENS),
    "a name of lone surrogates": (
        lambda: replaced(
            "tables/things-0000.jsonl",
            sound()["tables/things-0000.jsonl"].replace(b'"one"', b'"\\ud800\\udfff\\udc00x"'),
        ),
        "jsonl: ",
    ),
    "a name that is not UTF-8": (
        lambda: replaced(
            "tables/things-0000.jsonl", sound()["tables/things-0000.jsonl"].replace(b'"one"', b'"\xff\xfe"')
        ),
        "jsonl: ",
    ),
    "a key of escapes": (
        lambda: _line(
            "tables/things-0000.jsonl",
            1,
            lambda f: {**f, "change": f["change"] | {"rows": {ESCAPES: ["a", 1]}, "gone": [ESCAPES]}},
        ),
        OPENS,
    ),
    "a column twice": (lambda: _schema(lambda f: [*f, f[0]], "things"), "there twice"),
    "a column of escapes": (lambda: _schema(lambda f: [{**f[0], "name": ESCAPES}, f[1]], "things"), "is none"),
    "a column of another kind": (lambda: _schema(lambda f: [{**f[0], "kind": "blob"}, f[1]], "things"), "is none"),
    "no columns of a table": (lambda: _schema(lambda _: [], "things"), "0 columns"),
    "200 columns of a table": (
        lambda: _schema(lambda f: [{**f[0], "name": f"thing.n{n}"} for n in range(200)], "things"),
        "200 columns",
    ),
    "a known table with its columns turned": (lambda: _turned(), OPENS),
    "500,001 changes": (lambda: _changes(form.LINES + 1), "changes of tables|takes more than"),
    "a row of 40,000 keys": (
        lambda: _line(
            "tables/things-0000.jsonl",
            1,
            lambda f: {**f, "change": f["change"] | {"rows": {str(n): ["a", 1] for n in range(40_000)}}},
        ),
        "more than 30000 rows",
    ),
    # ---- events and the rest
    "events of a list": (_of_one(form.EVENTS, b"[]\n"), "events.jsonl: line 1"),
    "events of empty lines": (_of_one(form.EVENTS, b"\n\n\n"), "events.jsonl: line 1"),
    "a line of 9 MB": (_of_one(form.EVENTS, b'"' + bytes(range(35, 91)) * 160_000 + b'"\n'), "a line of"),
    "60,000 empty lines": (_of_one(form.EVENTS, b"\n" * 60_000), "events.jsonl: line 1"),
    "an event twice": (
        lambda: replaced(form.EVENTS, sound()[form.EVENTS].splitlines(keepends=True)[0] * 2),
        "is there already",
    ),
    "events of one id": (
        lambda: _line(
            form.EVENTS,
            1,
            lambda f: {**f, "event_id": msgspec.json.decode(sound()[form.EVENTS].splitlines()[0])["event_id"]},
        ),
        "is there already",
    ),
    "event 0": (lambda: _event(seq=0), "out of range"),
    "event 2**64": (lambda: _event(seq=2**64), "out of range"),
    "an event at the end of time": (lambda: _event(time_ns=2**63 - 1), "out of range"),
    "an event of no type": (lambda: _event(type="rm -rf"), "an id and a type"),
    "an event of escapes": (lambda: _event(type=ESCAPES), "an id and a type"),
    "an event with an id of escapes": (lambda: _event(event_id=ESCAPES), "an id and a type"),
    "an event about escapes": (
        lambda: _event(aggregate_type=ESCAPES, aggregate_id=ESCAPES, trace_id=ESCAPES),
        OPENS,
    ),
    "a payload of escapes": (lambda: _event(payload={ESCAPES: [ESCAPES, {"a": ESCAPES}]}), OPENS),
    "a payload 17 deep": (lambda: _event(payload={"a": _nested(17)}), "nested more than 16"),
    "a payload 900 deep": (lambda: _event(payload={"a": _nested(900)}), "nested"),
    "a payload 100,000 deep": (
        lambda: replaced(form.EVENTS, sound()[form.EVENTS].replace(b"1.5", b"[" * 100_000 + b"]" * 100_000)),
        "nested",
    ),
    "a payload open 1,000,000 deep": (
        lambda: replaced(form.EVENTS, sound()[form.EVENTS].replace(b"1.5", b"[" * 1_000_000)),
        "nested|line 1",
    ),
    "a payload of 300,000 values": (lambda: _event(payload={"a": [0] * 300_000}), "more than 200000 values"),
    "a payload with a number of 70 bits": (lambda: _event(payload={"a": 2**70}), "71 bits"),
    "a payload that is a list": (lambda: _event(payload=[1]), "line 1"),
    "100,001 events": (lambda: replaced(form.EVENTS, _events(100_001)), "more than 100000 lines|takes more than"),
    "a burst without times": (
        lambda: _line(form.BURSTS, 0, lambda f: {**f, "time_ns": {"count": 0, "by": []}}),
        "bursts.jsonl: ",
    ),
    "a burst of more values than times": (
        lambda: _line(form.BURSTS, 0, lambda f: {**f, "values": {"count": 31, "same": 1}}),
        "31 values at 30 times",
    ),
    "a burst of 2**40 values": (
        lambda: _line(
            form.BURSTS,
            0,
            lambda f: {**f, "time_ns": {"count": 2**40, "same": 1}, "values": {"count": 2**40, "same": 1}},
        ),
        "altogether|expected 0 to",
    ),
    "a burst that goes back": (
        lambda: _line(form.BURSTS, 0, lambda f: {**f, "time_ns": _p(range(30, 0, -1))}),
        "not in order",
    ),
    "health of text": (_of_one(form.HEALTH, b'"ok"'), "health.json: "),
    "health of escapes": (
        lambda: edited(form.HEALTH, lambda f: {**f, "sources": [{**f["sources"][0], "reason": ESCAPES}]}),
        OPENS,
    ),
    "gaps of text": (lambda: edited(form.GAPS, lambda f: {**f, "gaps": [{"since_s": "x"}]}), "gaps.json: "),
    "rules 40 deep": (lambda: edited(form.RULES, lambda f: [{**f[0], "rule": {"a": _nested(40)}}]), "nested"),
    "rules of 9 MB": (
        lambda: edited(form.RULES, lambda f: [{**f[0], "rule": {str(n): "x" * 90 for n in range(99_000)}}]),
        "rules.json: ",
    ),
    "settings of escapes": (lambda: edited(form.SETTINGS, lambda f: {ESCAPES: f["view.theme"]}), OPENS),
    "an inventory of nothing": (_of_one(form.INVENTORY, b"{}"), "inventory.json: "),
    "memory of 2**80": (lambda: edited(form.INVENTORY, lambda f: {**f, "memory": 2**80}), "81 bits"),
    "servers of a map": (_of_one(form.SERVERS, b"{}"), "servers.json: "),
    "a log of escapes": (lambda: _line(form.LOG, 0, lambda f: {**f, "message": ESCAPES, "level": ESCAPES}), OPENS),
    "a log before time": (lambda: _line(form.LOG, 0, lambda f: {**f, "time_ns": -1}), "a time of"),
    "a script in the report": (_of_one(form.REPORT_HTML, b"<script>alert(1)</script>"), OPENS),
    "a picture that is a program": (_of_one("screens/overview.svg", b"\x7fELF" + bytes(100)), OPENS),
    "64 MiB of spaces": (lambda: _blank(form.HEALTH), "health.json: "),
    "64 MiB of brackets": (lambda: _flat(b"[]," * 20_000_000), "ticks/0001.json: |to read"),
    "60 MB of small numbers": (lambda: _flat(b"1," * 30_000_000), "ticks/0001.json: |to read"),
}


def _p(values: Any) -> Any:
    return msgspec.to_builtins(whole(list(values)))


def _column(series: Any) -> bytes:
    return _about(series=series)


def _about(**fields: Any) -> bytes:
    """The first column of both members of ticks."""
    members = sound()
    for name in ("ticks/0000.json", "ticks/0001.json"):
        found = msgspec.json.decode(members[name])
        found["columns"][0] |= fields
        members[name] = _json(found)
    return bundle(members)


def _coarse() -> Steps:
    second = (START_S - 100_000) // 300 * 300
    values = {name: [pack(np.array([1.0]))] for name in ("min", "mean", "max")}
    return Steps([CPU], whole([1]), whole([second]), whole([30]), values)


def _schema(edit: Callable[[Any], Any], table: str) -> bytes:
    def change(found: Any) -> Any:
        return {"schema": found["schema"] | {"columns": edit(found["schema"]["columns"])}}

    return _line(f"tables/{table}-0000.jsonl", 0, change)


def _turned() -> bytes:
    """Columns and cells of the table of processes the other way round, and one less."""
    found = [msgspec.json.decode(item) for item in sound()["tables/processes-0000.jsonl"].splitlines()]
    found[0]["schema"]["columns"] = found[0]["schema"]["columns"][:0:-1]
    for line in found[1:]:
        line["change"]["rows"] = {key: cells[:0:-1] for key, cells in line["change"]["rows"].items()}
    return replaced("tables/processes-0000.jsonl", b"".join(_json(item) + b"\n" for item in found))


def _changes(count: int) -> bytes:
    head, first = sound()["tables/things-0000.jsonl"].splitlines()
    change = b'{"tick":101,"change":{"name":"things","time_ns":1,"keyframe":true,"rows":{}}}'
    return replaced("tables/things-0000.jsonl", b"\n".join([head, first, *([change] * (count - 1))]))


def _events(count: int) -> bytes:
    item = msgspec.to_builtins(happened(1))
    return b"".join(
        _json({**item, "seq": number, "event_id": f"e{number}", "payload": {}}) + b"\n"
        for number in range(1, count + 1)
    )


def _blank(name: str) -> bytes:
    return Zip([_stored(item) for item in _blank_parts(name)]).made()


def _blank_parts(name: str) -> Iterator[tuple[str, bytes]]:
    members = {**sound(), name: sound()[name] + b" " * (form.MEMBER_BYTES - len(sound()[name]))}
    yield from members.items()
    yield form.MANIFEST, _json(manifest(members))


def _stored(item: tuple[str, bytes]) -> Part:
    """As it is: what shrinks too well is taken for a bomb before it is looked at."""
    name, data = item
    return Part(name.encode(), data, len(data), zlib.crc32(data), method=0)


def _flat(body: bytes) -> bytes:
    start, end = _json(ticks(10, 111)).split(b'"values":')[0], b"]}"
    members = {**sound(), "ticks/0001.json": start + b'"values":[' + body[:-1] + end}
    return Zip([_stored(item) for item in [*members.items(), (form.MANIFEST, _json(manifest(members)))]]).made()
