"""What of a recording a bundle tells, value by value: by ``allowed``, with names made up for this bundle alone."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any, Final, NamedTuple

import msgspec

from wftui import config
from wftui.bundle import allowed, learned
from wftui.bundle.allowed import Treatments
from wftui.bundle.cells import Cells
from wftui.bundle.command_lines import CommandLines
from wftui.bundle.format import Redacted
from wftui.bundle.freetext import CUT
from wftui.model.event import Event
from wftui.model.gpus import link_key
from wftui.model.health import Health
from wftui.model.sample import Column
from wftui.model.table import Cell, Row, TableSchema
from wftui.names import METRICS
from wftui.store.archive import Archive

_DEPTH: Final = 12
"""Of objects within objects."""
_Json = Any
"""A JSON value."""
LEFT_OUT: Final[_Json] = object()
"""What ``_value`` gives for what is not told."""


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


class Redactor(Cells):
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
        super().__init__(level, seed)
        self._me = learned.me() if me is None else me
        self._commands = CommandLines(self._places, self._text)
        self._columns: dict[Column, Column | None] = {}
        self._plans: dict[TableSchema, _Plan | None] = {}
        self._last: tuple[TableSchema, _Plan | None] | None = None
        """The plan asked for last: to look a schema up costs more than to make a row of it."""
        self._keys: dict[tuple[str, str], str] = {}
        self._counted: set[int] = set()
        """Numbers of events."""
        self._general: Counter[str] = Counter()

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
