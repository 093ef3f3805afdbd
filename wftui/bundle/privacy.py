"""What of a recording a bundle tells, value by value: by ``allowed``, with names made up for this bundle alone."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from operator import itemgetter
from typing import Any, Final, NamedTuple

import msgspec

from wftui import config
from wftui.bundle import allowed, learned, public
from wftui.bundle.allowed import Treatments
from wftui.bundle.command_lines import CommandLines
from wftui.bundle.format import FULL, LEVELS, Redacted
from wftui.bundle.freetext import CUT, FreeText
from wftui.bundle.names import Places, Pseudonyms
from wftui.model.event import Event
from wftui.model.gpus import link_key
from wftui.model.health import Health
from wftui.model.sample import Column
from wftui.model.series import MAX_NAME, MAX_VALUE, Series, escape, pairs, parse
from wftui.model.table import Cell, Row, TableSchema
from wftui.names import METRICS, STAT
from wftui.store.archive import Archive

_UUID7: Final = re.compile(r"([0-9a-f]{8}-[0-9a-f]{4})-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
_HEX: Final = re.compile(r"[0-9a-f]{12,64}\Z")
_VERSION: Final = re.compile(r"v?\d+(?:\.\d+){0,4}(?:[-+.~]\w{0,16}){0,4}\Z")
_FIGURES: Final = re.compile(
    r"(?:[a-z]+(?:[_.:]+[a-z]+)+=(?:[0-9][0-9.e+-]{0,24}:[0-9][0-9.e+-]{0,24}|[a-z]+(?:[_.:]+[a-z]+)+)(?:,|\Z))+"
)
_SERIES: Final = re.compile(r"[a-zA-Z_][\w.]*(?:\{(?:[^\"{}]|\"(?:[^\"\\]|\\.)*\")*\})?")
_SUFFIX: Final = re.compile(r"\.(?:service|scope|slice|socket|mount)\Z")
_PERSON_UNIT: Final = re.compile(r"(user[-@])(\d+)(\.\w+)\Z")
_SEVERITY: Final = re.compile(r"severity\s*[=<>!]+\s*\w{1,10}\Z")
"""In place of a rule, where several are meant."""
_JOB_UNIT: Final = re.compile(r"job_(\d{1,10})\Z")
"""Of SLURM."""
_TURN: Final = re.compile(r"(?:job|slot|task)[ -]?\d{1,6}\Z")
"""Ids that are counted from the start of a server."""
_SHORT: Final = 6
"""Digits of a number that names nothing."""
_DEPTH: Final = 12
"""Of objects within objects."""
_APART: Final = frozenset({
    allowed.MODEL, allowed.DEVICE, allowed.INTERFACE, allowed.SENSOR, allowed.SOURCE, allowed.PLUGIN,
    allowed.MOUNT, allowed.SERVER, allowed.WORD, allowed.RULE,
})  # fmt: skip
"""Two values of these must not become one: they tell series, rows and rules apart."""
_PARTS: Final = {
    "disk": allowed.MOUNT, "alert": allowed.ALERT, "gpu": allowed.GPU, "sources": allowed.SOURCE,
    "servers": allowed.SERVER,
}  # fmt: skip
_Json = Any
"""A JSON value."""
LEFT_OUT: Final[_Json] = object()
"""What ``value`` gives for what is not told."""


class _Plan(NamedTuple):
    """How the rows of a schema are treated."""

    texts: tuple[tuple[int, str], ...]
    """Place and treatment of each cell that may be a text."""
    pick: Callable[[Row], Any]  # Any: a cell where there is one, else a tuple of them
    numbers: tuple[int, ...]
    user: int | None
    done: dict[Any, tuple[Cell, ...]]
    keep: tuple[int, ...] | None
    """Places of the columns that are told; None: all."""


class Redactor:
    """One bundle's. It remembers what it made of each value, so that the same is the same all over."""

    def __init__(self, level: str, seed: bytes | None = None, *, me: str | None = None) -> None:
        """
        Args:
            level: One of ``LEVELS``.
            seed: Of the made-up names, for tests alone; None: random, and gone with this object.
            me: User whose command lines may be told; None: whoever runs this.

        Raises:
            ValueError: There is no such level.
        """
        if level not in LEVELS:
            raise ValueError(f"level: expected one of {', '.join(LEVELS)}, got {level!r}")
        self.level = level
        self._full = level == FULL
        self._me = learned.me() if me is None else me
        self._names = Pseudonyms(seed)
        self._text = FreeText(self._names)
        self._places = self._text.places = Places(self._names, self._text, full=self._full)
        self._commands = CommandLines(self._places, self._text)
        self._shipped_rules, self._shipped_texts = learned.shipped_rules()
        self._columns: dict[Column, Column | None] = {}
        self._plans: dict[TableSchema, _Plan | None] = {}
        self._last: tuple[TableSchema, _Plan | None] | None = None
        """The plan asked for last: to look a schema up costs more than to make a row of it."""
        self._keys: dict[tuple[str, str], str] = {}
        self._cells: dict[tuple[str, str], str] = {}
        self._owners: dict[tuple[str, str], str] = {}
        self._gone: Counter[str] = Counter()
        """Places where something was left out, by what."""
        self._counted: set[int] = set()
        """Numbers of events."""
        self._general: Counter[str] = Counter()
        self._by: Final[Mapping[str, Callable[[str], str]]] = {
            allowed.WORD: self._text,
            allowed.TOLD: self._text,
            allowed.FIGURES: self._figures,
            allowed.CALL: self._text,
            allowed.SELECTOR: self._text,
            allowed.SENSOR: self._text,
            allowed.BUS: self._text,
            allowed.PRODUCT: self._product,
            allowed.SAID: self._said,
            allowed.RULE_TEXT: self._rule_text,
            allowed.USER: self._places.user,
            allowed.BY: self._person,
            allowed.PATH: self._places.path,
            allowed.MOUNT: self._places.path,
            allowed.URL: self._url,
            allowed.GPU: self._gpu,
            allowed.GPUS: lambda value: ",".join(map(self._gpu, value.split(","))),
            allowed.SERVER: self._places.endpoint,
            allowed.MODEL: self._model,
            allowed.PROGRAM: self._program,
            allowed.UNIT: self._unit,
            allowed.CONTAINER: self._container,
            allowed.JOB: self._job,
            allowed.DEVICE: self._device,
            allowed.INTERFACE: self._interface,
            allowed.SOURCE: self._source,
            allowed.PLUGIN: self._plugin,
            allowed.ID: self._id,
            allowed.EVENT: self._event_id,
            allowed.BOOT: partial(self.name, "boot"),
            allowed.RULE: self._rule,
            allowed.ALERT: self._alert,
            allowed.SERIES: self._series_texts,
            allowed.LABELS: self._labels,
            allowed.PART: self._part,
            allowed.STREAM: self._stream,
            allowed.FRAMES: self._frames,
            allowed.PROCESS: self._process,
            allowed.ENDPOINTS: self._endpoint_line,
        }

    # ---- what it is to know beforehand

    def learn(self, archive: Archive, since_s: int, until_s: int) -> None:
        """Users, hosts and GPUs of the seconds [since, until) and of this machine, before the first text.

        Raises:
            StoreError: The recording cannot be read.
        """
        found = learned.names(archive, since_s, until_s)
        self.know("user", found.users)
        self.know("host", found.hosts)
        self.know("person", found.persons)
        self.know("path", found.paths)
        for uuid in found.gpus:
            self._gpu(uuid)
        if not self._full:
            self.know("model", found.models)
            self.know("rule", found.rules - self._shipped_rules)
            self.know("source", found.sources)
            self.know("program", (name for name in found.programs if self._places.program(name) != name))

    def know(self, what: str, words: Iterable[str]) -> None:
        """Names of a class that are to be found inside texts, too: ``know("user", ["claire"])``."""
        self._text.know(what, words)

    # ---- what it makes of things

    def column(self, column: Column) -> Column | None:
        """A series and what is known about it; None: it is of no metric that is known."""
        if column not in self._columns:
            self._columns[column] = self._column(column)
        return self._columns[column]

    def schema(self, schema: TableSchema) -> TableSchema | None:
        """A table's columns, those left out that are not known; None: the table is not."""
        plan = self._plan(schema)
        if plan is None:
            return None
        if plan.keep is None:
            return schema
        return msgspec.structs.replace(schema, columns=tuple(schema.columns[place] for place in plan.keep))

    def key(self, schema: TableSchema, key: str) -> str:
        """The key of a row; ``schema`` as it was recorded."""
        place = schema.name, key
        made = self._keys.get(place)
        if made is None:
            made = self._keys[place] = self._apart(f"key of {schema.name}", key, self._row_key(schema.name, key))
        return made

    def row(self, schema: TableSchema, row: Row) -> Row:
        """The cells of a row, in the order of ``schema(schema)``; ``schema`` as it was recorded."""
        plan = self._plan(schema)
        if plan is None or len(row) != len(schema.columns):
            return ()
        shown: list[Cell] = list(row)
        if plan.texts:
            cells = plan.pick(row)
            made = plan.done.get(cells)
            if made is None:
                made = plan.done[cells] = self._made(plan, row)
            for (place, _), cell in zip(plan.texts, made, strict=True):
                shown[place] = cell
        for place in plan.numbers:
            if isinstance(shown[place], str):
                shown[place] = None
        return tuple(shown) if plan.keep is None else tuple(shown[place] for place in plan.keep)

    def event(self, event: Event) -> Event | None:
        """What happened, to whom, and what is known of it; None: events of that type are not known."""
        if event.seq in self._counted:
            # Asked for a second time, by a report: what is left out of it is counted already.
            gone = self._gone.copy()
            told = self._event(event)
            self._gone = gone
            return told
        if event.seq:
            self._counted.add(event.seq)
        return self._event(event)

    def _event(self, event: Event) -> Event | None:
        fields = allowed.EVENTS.get(event.type)
        if fields is None:
            self._gone["event of an unknown type"] += 1
            return None
        about = allowed.ABOUT.get(event.aggregate_type, allowed.ID)
        return Event(
            event.seq,
            self._event_id(event.event_id),
            event.time_ns,
            event.type,
            event.aggregate_type if event.aggregate_type in allowed.ABOUT else "",
            self._cell(about, event.aggregate_id),
            event.trace_id and self._names.digits("trace", event.trace_id)[:32],
            event.span_id and self._names.digits("span", event.span_id)[:16],
            self._object(fields, event.payload, 0),
            self._object(allowed.METADATA, event.metadata, 0),
        )

    def text(self, value: str) -> str:
        """A text without what names a person, a machine or a place, and without secrets."""
        return self._text(value)

    def json(self, value: _Json) -> _Json:
        """A JSON value; of objects the fields that are known by name. Command lines are not: ``command_line``."""
        if isinstance(value, str):
            return self._text(value)
        found = self._value(allowed.OBJECT, value, allowed.JSON, 0)
        return None if found is LEFT_OUT else found

    def log_fields(self, fields: Mapping[str, _Json]) -> dict[str, _Json]:
        """What a line of wftop's own log says beside its message."""
        return self._object(allowed.LOG_FIELDS, fields, 0)

    def setting(self, key: str, value: _Json) -> _Json | None:
        """A setting's value; None: it is not told."""
        treatment = allowed.SETTINGS.get(key)
        if treatment is None:
            self._gone["unknown setting"] += 1
            return None
        listed = tuple(value) if isinstance(value, list) else value
        if listed == config.KEYS[key].default:
            return value
        if treatment == allowed.SAID and not self._full:
            self._gone["setting"] += 1
            return None
        found = self._value(treatment, value, {}, 0)
        return None if found is LEFT_OUT else found

    def health(self, health: Health) -> Health:
        """What a source says of itself."""
        source, state = self._cell(allowed.SOURCE, health.source), self._text(health.state)
        reason, fix = self._text(health.reason), self._text(health.fix)
        return msgspec.structs.replace(health, source=source, state=state, reason=reason, fix=fix)

    def command_line(self, user: str, value: str) -> str:
        """The program, its flags and harmless values; empty: another user's, or names are not told at all."""
        if not value:
            return ""
        if not self._full or user != self._me:
            self._gone["command line"] += 1
            return ""
        return self._commands(value)

    def rule(self, value: str) -> str:
        """The id of a rule; those that ship with wftop stay."""
        return self._cell(allowed.RULE, value)

    def zone(self, value: str) -> str:
        """A time zone; it says where on earth, so it is told at ``full`` alone."""
        return value if self._full else "UTC"

    def log_message(self, area: str, value: str) -> str:
        """A line of wftop's own log; texts of a person's own rules are in those about alerts."""
        if self._full or area not in ("alert", "audit", "core"):
            return self._text(value)
        self._gone["text of a rule"] += 1
        return CUT

    def count(self, what: str, how: str, number: int) -> None:
        """Tell in ``report`` of something that whoever writes the bundle left out or generalised itself."""
        (self._gone if how == "left out" else self._general)[what] += number

    def name(self, what: str, value: str) -> str:
        """The name made up for a value of a class: ``name("host", "gpu-box-7")`` is ``host-3f0a``."""
        if not value:
            return value
        return self._places.host(value) if what == "host" else self._names.name(what, value)

    def report(self) -> list[Redacted]:
        """What was replaced and left out, by class, ascending."""
        replaced: Counter[str] = Counter()
        for what, count in self._names.counts.items():
            replaced["ip" if what.startswith("ip ") else what] += count
        found = [Redacted(what, "replaced", count) for what, count in replaced.items()]
        gone = self._gone + Counter(
            {"word of a command line": self._commands.left_out, "quoted text": self._text.stretches}
        )
        found += [Redacted(what, "left out", count) for what, count in gone.items() if count]
        found += [Redacted(what, "generalised", count) for what, count in self._general.items() if count]
        if self._text.secrets:
            found.append(Redacted("secret", "left out", self._text.secrets))
        return sorted(found, key=lambda item: (item.what, item.how))

    # ---- series

    def _column(self, column: Column) -> Column | None:
        item = self.series(column.series)
        if item is None:
            self._gone["series of an unknown metric"] += 1
            return None
        own = column.series.name in METRICS
        return Column(
            item,
            column.unit if own else self._unit_of(column.unit),
            self._text(column.kind),
            self._text(column.group),
            self._text(column.quality),
            self._cell(allowed.SOURCE, column.source),
            self._text(column.call),
        )

    def _unit_of(self, unit: str) -> str:
        known = unit in {metric.unit for metric in METRICS.values()}
        return unit if known else self._text(unit) if self._full else "{value}"

    def series(self, item: Series) -> Series | None:
        """A series; None: its metric is not known."""
        name = item.name if item.name in METRICS else self._custom(item.name)
        if not name:
            return None
        labels: list[tuple[str, str]] = []
        for key, value in item.labels:
            treatment = allowed.LABEL_KEYS.get(key)
            if treatment is not None:
                labels.append((key, value if key == STAT else self._label(treatment, value)))
            else:
                self._gone["unknown label"] += 1
        if not labels:
            return Series(name, (), name)
        inner = ",".join(f'{key}="{escape(value)}"' for key, value in labels)
        return Series(name, tuple(labels), f"{name}{{{inner}}}")

    def _label(self, treatment: str, value: str) -> str:
        shown = self._cell(treatment, value)
        return shown if 0 < len(shown.encode(errors="replace")) <= MAX_VALUE else self._names.name("label", value)

    def _custom(self, name: str) -> str:
        """``custom.SOURCE.FIELD``, as a program called it; empty: no such name."""
        parts = name.split(".")
        if parts[0] != "custom" or len(parts) < 2:
            return ""
        if self._full:
            shown = re.sub(r"[^\w.]", "_", self._text(name), flags=re.ASCII)
        else:
            shown = ".".join(["custom", *(self._names.name("series", part, "_") for part in parts[1:3])])
            shown += "." + self._names.name("series", name, "_") if len(parts) > 3 else ""
        if len(shown) > MAX_NAME:
            shown = "custom." + self._names.name("series", name, "_")
        return self._apart("custom", name, shown, "_")

    def _series_texts(self, value: str) -> str:
        return _SERIES.sub(lambda match: self._series_text(match[0]), value)

    def _series_text(self, value: str) -> str:
        try:
            found = self.series(parse(value))
        except ValueError:
            return self._text(value)
        return found.text if found is not None else self._text(value)

    def _labels(self, value: str) -> str:
        found = pairs(value)
        if not found:
            return self._text(value)
        shown = self._label_values(found)
        return ",".join(f'{key}="{escape(item)}"' for key, item in sorted(shown.items()))

    def _label_values(self, values: Mapping[str, _Json]) -> dict[str, str]:
        shown = {}
        for key, value in values.items():
            treatment = allowed.LABEL_KEYS.get(key)
            if treatment is not None and isinstance(value, str):
                shown[key] = value if key == STAT else self._label(treatment, value)
            elif key in allowed.MATCHERS and isinstance(value, str):
                shown[key] = self._cell(allowed.MATCHERS[key], value)
            else:
                self._gone["unknown label"] += 1
        return shown

    # ---- rows

    def _plan(self, schema: TableSchema) -> _Plan | None:
        if self._last is not None and self._last[0] is schema:
            return self._last[1]
        if schema not in self._plans:
            self._plans[schema] = self._planned(schema)
        self._last = schema, self._plans[schema]
        return self._last[1]

    def _planned(self, schema: TableSchema) -> _Plan | None:
        known = allowed.TABLES.get(schema.name)
        if known is None:
            self._gone["unknown table"] += 1
            return None
        told = [known.get(item.name, allowed.NOT) for item in schema.columns]
        self._gone["unknown column"] += told.count(allowed.NOT)
        numbers = tuple(place for place, item in enumerate(told) if item == allowed.NUMBER)
        texts = tuple(
            (place, item) for place, item in enumerate(told) if item not in (allowed.NUMBER, allowed.NOT)
        )
        keep = tuple(place for place, item in enumerate(told) if item != allowed.NOT)
        user = next((place for place, item in texts if item == allowed.USER), None)
        pick = itemgetter(*(place for place, _ in texts)) if texts else len
        return _Plan(texts, pick, numbers, user, {}, None if len(keep) == len(told) else keep)

    def _made(self, plan: _Plan, row: Row) -> tuple[Cell, ...]:
        shown: list[Cell] = []
        for place, treatment in plan.texts:
            cell = row[place]
            if not isinstance(cell, str):
                shown.append(cell)
            elif treatment == allowed.COMMAND:
                user = row[plan.user] if plan.user is not None else ""
                shown.append(self.command_line(str(user), cell))
            else:
                shown.append(self._cell(treatment, cell))
        return tuple(shown)

    def _row_key(self, table: str, key: str) -> str:
        how = allowed.KEYS.get(table)
        if how is None:
            return self._names.name("row", key)
        if len(how) == 1:
            return self._cell(how[0], key)
        sign, left, right = how
        head, found, tail = key.partition(sign)
        if not found:
            return self._cell(left, key)
        one, other = self._cell(left, head), self._cell(right, tail)
        return link_key(one, other) if left == right else one + sign + other

    # ---- values

    def _cell(self, treatment: str, value: str) -> str:
        place = treatment, value
        made = self._cells.get(place)
        if made is None:
            made = self._by[treatment](value) if value else value
            if treatment in _APART:
                made = self._apart(treatment, value, made)
            self._cells[place] = made
        return made

    def _apart(self, scope: str, value: str, shown: str, joint: str = "-") -> str:
        """Something else where another value has become the same."""
        made = shown
        length = 4
        while self._owners.setdefault((scope, made), value) != value:
            made = shown + joint + self._names.digits(scope, value)[:length]
            length += 1
        return made

    def _object(self, fields: Treatments, value: Mapping[str, _Json], depth: int) -> dict[str, _Json]:
        shown: dict[str, _Json] = {}
        for key, item in value.items():
            treatment = fields.get(key, allowed.NOT)
            found = self._value(treatment, item, allowed.FIELDS if fields is not allowed.JSON else fields, depth)
            if found is LEFT_OUT:
                self._gone["field"] += item not in ((), [], {}, "")
            else:
                shown[key] = found
        return shown

    def _value(self, treatment: str, value: _Json, fields: Treatments, depth: int) -> _Json:
        if treatment in (allowed.NOT, allowed.COMMAND) or depth > _DEPTH:
            return LEFT_OUT
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, list | tuple):
            found = [self._value(treatment, item, fields, depth + 1) for item in value]
            return [item for item in found if item is not LEFT_OUT]
        if isinstance(value, dict):
            match treatment:
                case allowed.OBJECT:
                    return self._object(fields, value, depth + 1)
                case allowed.LABELS:
                    return self._label_values(value)
                case allowed.PRODUCT | allowed.COUNTS:
                    return {
                        self._text(str(key)): self._value(allowed.WORD, item, {}, depth + 1)
                        for key, item in value.items()
                    }
            return LEFT_OUT
        if not isinstance(value, str) or treatment in (allowed.NUMBER, allowed.OBJECT, allowed.COUNTS):
            return LEFT_OUT
        return self._cell(treatment, value)

    # ---- treatments of one text

    def _product(self, value: str) -> str:
        return self._text.words(value) if _VERSION.match(value) else self._text(value)

    def _figures(self, value: str) -> str:
        # In a sentence, ``…first_token=0.01:80`` would be a secret.
        return value if _FIGURES.fullmatch(value) else self._text(value)

    def _said(self, value: str) -> str:
        if self._full:
            return self._text(value)
        self._gone["text that somebody wrote"] += 1
        return ""

    def _rule_text(self, value: str) -> str:
        if value in self._shipped_texts:
            return value
        if self._full:
            return self._text(value)
        self._gone["text of a rule"] += 1
        return ""

    def _person(self, value: str) -> str:
        user, sign, host = value.partition("@")
        return self._places.user(user) + (f"@{self._places.host(host)}" if sign else "")

    def _url(self, value: str) -> str:
        if value in ("auto", "off", "desktop"):
            return value
        return self._places.url(value) if "://" in value else self._places.endpoint(value)

    def _gpu(self, value: str) -> str:
        if value in ("", "unknown"):
            return value
        return self._names.ordinal("mig" if value.startswith("MIG-") else "gpu", value)

    def _model(self, value: str) -> str:
        if not self._full:
            return self._names.name("model", value)
        return self._places.path(value) if value.startswith(("/", "~")) else self._text(value)

    def _program(self, value: str) -> str:
        if self._full and "/" in value and value.startswith("/"):
            return self._places.path(value)
        return self._places.program(value)

    def _unit(self, value: str) -> str:
        if public.UNITS.fullmatch(value):
            return value
        if _HEX.match(value):
            return self._container(value)
        if person := _PERSON_UNIT.match(value):
            return ("" if person[1] == "user-" else person[1]) + self._places.user(person[2]) + person[3]
        if job := _JOB_UNIT.match(value):
            return self._names.name("job", f"slurm:{job[1]}")
        suffix = _SUFFIX.search(value)
        ending = suffix[0] if suffix else ""
        stem = value.removesuffix(ending)
        if ending and stem in public.PROGRAMS:
            return value
        if self._full and ending in (".service", ".socket") and not any(map(str.isdigit, value)):
            return self._text(value)
        return self._names.name("unit" if ending else "container", value) + ending

    def _container(self, value: str) -> str:
        return self._names.name("container", value[:12] if _HEX.match(value) else value)

    def _job(self, value: str) -> str:
        kind, _, number = value.partition(":")
        if kind in ("slurm", "") or not number.isdecimal():
            return f"{kind if kind == 'slurm' else 'job'}:{self._names.name('job', value)}"
        return f"{self._text(kind)}:{number}"

    def _device(self, value: str) -> str:
        return value if public.DEVICES.fullmatch(value) else self._names.name("device", value)

    def _interface(self, value: str) -> str:
        if public.INTERFACES.fullmatch(value):
            return value
        kind = next((kind for kind in public.INTERFACE_KINDS if value.startswith(kind)), "interface")
        return f"{kind.rstrip('-')}-{self._names.name('interface', value).removeprefix('interface-')}"

    def _source(self, value: str) -> str:
        if value in public.SOURCES:
            return value
        for prefix in ("push:", "model:", "custom:"):
            if value.startswith(prefix):
                rest = value.removeprefix(prefix)
                return prefix + self._cell(allowed.MODEL if prefix == "model:" else allowed.SOURCE, rest)
        return self._text(value) if self._full else self._names.name("source", value)

    def _plugin(self, value: str) -> str:
        return self._text(value) if self._full else self._names.name("plugin", value)

    def _id(self, value: str) -> str:
        counted = (value.isdecimal() and len(value) <= _SHORT) or _TURN.match(value)
        return value if counted else self._names.name("id", value)

    def _event_id(self, value: str) -> str:
        """Of the same form and the same moment."""
        time = _UUID7.match(value)
        if time is None:
            return self._names.name("event", value) if value else value
        digits = self._names.digits("event", value)
        return f"{time[1]}-7{digits[:3]}-8{digits[3:6]}-{digits[6:18]}"

    def _rule(self, value: str) -> str:
        if value in self._shipped_rules or _SEVERITY.match(value):
            return value
        return self._text(value) if self._full else f"rule.{self._names.name('rule', value)}"

    def _alert(self, value: str) -> str:
        rule, brace, rest = value.partition("{")
        shown = self._cell(allowed.RULE, rule)
        return f"{shown}{{{self._labels(rest.removesuffix('}'))}}}" if brace else shown

    def _part(self, value: str) -> str:
        part, colon, rest = value.partition(":")
        return self._text(part) + (colon and colon + self._cell(_PARTS.get(part, allowed.WORD), rest))

    def _stream(self, value: str) -> str:
        source, *rest = value.split("|", 2)
        shown = [self._cell(allowed.SOURCE, source)]
        shown += [self._cell(how, item) for how, item in zip((allowed.SERVER, allowed.MODEL), rest, strict=False)]
        return "|".join(shown)

    def _frames(self, value: str) -> str:
        kind, colon, rest = value.partition(":")
        if kind == "view" and self._is_number(rest):
            return value
        if kind != "source":
            return self._cell(allowed.SOURCE, value)
        return kind + colon + self._cell(allowed.SOURCE, rest)

    def _process(self, value: str) -> str:
        one, _, other = value.partition(":")
        return value if self._is_number(one) and (not other or self._is_number(other)) else self._text(value)

    def _is_number(self, value: str) -> bool:
        return value.isdecimal() and value.isascii()

    def _endpoint_line(self, value: str) -> str:
        """``http://HOST:PORT key_env=NAME``: the address, and which options there are."""
        address, *options = value.split()
        shown = [self._url(address)]
        for option in options:
            key, _, given = option.partition("=")
            shown.append(f"{self._text(key)}={self._text(given) if key in ('kind', 'verify', 'metrics') else CUT}")
        return " ".join(shown)
