"""Whatever the catalogue, the tables, settings and rules have is in the list of what a bundle may tell, or not."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from pathlib import Path

import msgspec
import pytest

import wftui
import wftui.model
from wftui import config, names
from wftui.alerts import rule
from wftui.bundle import allowed, unasked
from wftui.bundle.format import LEVELS, Inventory
from wftui.bundle.privacy import Redactor
from wftui.model.event import event
from wftui.model.health import Health
from wftui.model.processes import PROCESSES
from wftui.model.table import TableColumn, TableSchema

ADD = "say in wftui/bundle/allowed.py what a bundle may tell of it"


def schemas() -> list[TableSchema]:
    """Of every module of the model."""
    found: dict[str, TableSchema] = {}
    for info in pkgutil.iter_modules(wftui.model.__path__):
        module = importlib.import_module(f"wftui.model.{info.name}")
        found |= {item.name: item for item in vars(module).values() if isinstance(item, TableSchema)}
    return list(found.values())


def test_there_are_tables() -> None:
    assert len(schemas()) >= 14


@pytest.mark.parametrize("schema", schemas(), ids=lambda schema: schema.name)
def test_every_column_of_every_table(schema: TableSchema) -> None:
    known = allowed.TABLES.get(schema.name, {})
    assert {item.name for item in schema.columns} == set(known), ADD
    assert schema.name in allowed.KEYS, ADD
    for item in schema.columns:
        if item.kind != "text":
            assert known[item.name] == allowed.NUMBER, item.name
        if item.identity:
            assert known[item.name] not in (allowed.WORD, allowed.PRODUCT, allowed.TOLD), item.name


def test_no_table_is_known_that_there_is_not() -> None:
    assert set(allowed.TABLES) == {schema.name for schema in schemas()}


def test_every_label_key() -> None:
    assert set(allowed.LABEL_KEYS) == names.LABEL_KEYS | {names.STAT}, ADD


def test_every_type_of_event() -> None:
    assert set(allowed.EVENTS) == set(names.EVENT_TYPES), ADD


def test_every_setting() -> None:
    assert set(allowed.SETTINGS) == set(config.KEYS), ADD


def test_every_field_of_rules_conditions_and_actions() -> None:
    structs = [item for item in vars(rule).values() if isinstance(item, type) and issubclass(item, msgspec.Struct)]
    fields = {field.encode_name for item in structs for field in msgspec.structs.fields(item)}
    assert len(structs) > 10
    assert fields <= set(allowed.RULE_FIELDS), (ADD, fields - set(allowed.RULE_FIELDS))


@pytest.mark.parametrize(
    ("struct", "treatments"),
    [(Health, allowed.HEALTH), (Inventory, allowed.INVENTORY)],
    ids=["health", "inventory"],
)
def test_every_field_of_other_members(struct: type[msgspec.Struct], treatments: allowed.Treatments) -> None:
    assert {field.encode_name for field in msgspec.structs.fields(struct)} <= set(treatments), ADD


def test_what_is_said_of_a_bundle_that_was_made_by_itself() -> None:
    said = {field.encode_name for field in msgspec.structs.fields(unasked.Written)}
    assert said <= set(allowed.EVENTS["alert.action"]), ADD


def test_every_treatment_is_one() -> None:
    tables: list[allowed.Treatments] = [
        *allowed.TABLES.values(), *allowed.EVENTS.values(), allowed.LABEL_KEYS, allowed.ABOUT, allowed.METADATA,
        allowed.RULE_FIELDS, allowed.FIELDS, allowed.LOG_FIELDS, allowed.HEALTH, allowed.INVENTORY,
        allowed.SETTINGS,
    ]  # fmt: skip
    used = {treatment for table in tables for treatment in table.values()}
    apart = {allowed.NUMBER, allowed.COMMAND, allowed.OBJECT, allowed.COUNTS, allowed.NOT}
    for level in LEVELS:
        assert used - apart == used & set(Redactor(level, me="me")._by), level


@pytest.mark.parametrize("level", LEVELS)
def test_what_is_not_in_the_list_is_left_out(level: str) -> None:
    redactor = Redactor(level, me="me")
    assert redactor.schema(msgspec.structs.replace(PROCESSES, name="diaries")) is None
    more = msgspec.structs.replace(
        PROCESSES, columns=(*PROCESSES.columns, TableColumn("process.diary", "", "text"))
    )
    told = redactor.schema(more)
    assert told is not None
    assert [item.name for item in told.columns] == [item.name for item in PROCESSES.columns]
    row = redactor.row(more, (*[None] * len(PROCESSES.columns), "dear diary"))
    assert row == (None,) * len(PROCESSES.columns)
    assert redactor.event(event(1, "diary.written", ("person", "me"), {"text": "dear diary"})) is None
    made = redactor.event(event(1, "clock.stepped", ("recorder", "1"), {"by_s": 1.0, "diary": "dear diary"}))
    assert made is not None
    assert made.payload == {"by_s": 1.0}
    assert redactor.setting("view.diary", "dear diary") is None
    assert redactor.json({"diary": "dear diary", "reason": "late"}) == {"reason": "late"}
    numbers = redactor.row(PROCESSES, ("dear diary", *[None] * (len(PROCESSES.columns) - 1)))
    assert numbers[0] is None, "a text where a number belongs"
    assert {item.what for item in redactor.report()} >= {"unknown table", "unknown column", "field"}


def emitted() -> set[tuple[str, str]]:
    """(type of event, key of its payload), as far as the source says both: calls with a type and a dictionary."""
    found: set[tuple[str, str]] = set()
    for path in sorted(Path(wftui.__file__).parent.rglob("*.py")):
        if path.parts[-2] not in ("demo", "bundle", "names"):
            for scope in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
                    found |= _emitted(scope)
    return found


def _emitted(scope: ast.AST) -> set[tuple[str, str]]:
    named: dict[str, list[ast.Dict]] = {}
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and isinstance(node.value, ast.Dict):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    named.setdefault(target.id, []).append(node.value)
    found: set[tuple[str, str]] = set()
    for call in ast.walk(scope):
        if not isinstance(call, ast.Call) or not call.args or not isinstance(call.args[0], ast.Constant):
            continue
        kind = call.args[0].value
        if kind not in names.EVENT_TYPES:
            continue
        found |= {(kind, item.arg) for item in call.keywords if item.arg}
        for argument in call.args[1:]:
            told = named.get(argument.id, []) if isinstance(argument, ast.Name) else [argument]
            for item in told:
                keys = item.keys if isinstance(item, ast.Dict) else []
                found |= {
                    (kind, key.value)
                    for key in keys
                    if isinstance(key, ast.Constant) and isinstance(key.value, str)
                }
    return found


def test_every_key_of_a_payload_that_the_source_names() -> None:
    found = emitted()
    assert len(found) > 50
    assert not {(kind, key) for kind, key in found if key not in allowed.EVENTS[kind]}, ADD
