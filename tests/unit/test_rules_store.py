"""The rules in force: a person's folder over what ships, read again when something changes."""

import json
import os
from pathlib import Path

import pytest

from wftui import paths, settings
from wftui.alerts import store
from wftui.alerts.rule import Threshold
from wftui.paths import Places, places


def rule(name: str, value: float = 0.5, **more: object) -> dict[str, object]:
    leaf = {"metric": "system.cpu.utilization", "operator": ">", "value": value}
    return {"id": f"rule.{name}", "conditions": {"when_all": [leaf]}, **more}


def put(path: Path, document: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    path.chmod(0o600)
    return path


@pytest.fixture
def where(tmp_path: Path) -> Places:
    config = tmp_path / "own" / "config.toml"
    put(config, "")
    put(tmp_path / "shipped" / "pack.json", [rule("a"), rule("b", enabled=False), rule("c")])
    return places(str(tmp_path / "data"), str(config))


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    return tmp_path / "shipped"


def own(where: Places, name: str = "mine.json") -> Path:
    return store.own_folder(where) / name


def values(book: store.Book) -> dict[str, float]:
    return {item.id: item.condition.value for item in book.rules if isinstance(item.condition, Threshold)}


def test_a_persons_rule_replaces_the_built_in_one(where: Places, shipped: Path) -> None:
    put(own(where), [rule("a", 0.7), rule("d", 0.8)])
    book = store.read(where, built_in=shipped)
    assert values(book) == {"rule.a": 0.7, "rule.b": 0.5, "rule.c": 0.5, "rule.d": 0.8}
    assert {item.id: item.origin.builtin for item in book.rules}["rule.a"] is False
    assert (book.problems, book.broken) == ((), 0)


def test_without_a_folder_there_are_those_that_ship(where: Places, shipped: Path) -> None:
    assert list(values(store.read(where, built_in=shipped))) == ["rule.a", "rule.b", "rule.c"]


def test_nothing_is_read_again_while_nothing_changes(where: Places, shipped: Path) -> None:
    path = put(own(where), rule("a", 0.7))
    book = store.read(where, built_in=shipped)
    assert store.read(where, book, shipped) is book
    put(path, rule("a", 0.75))
    after = store.read(where, book, shipped)
    assert after is not book
    assert values(after)["rule.a"] == 0.75


def test_a_broken_file_keeps_its_last_good_rules(where: Places, shipped: Path) -> None:
    path = put(own(where), rule("a", 0.7))
    good = store.read(where, built_in=shipped)
    put(path, '{"id": "rule.a", ')
    broken = store.read(where, good, shipped)
    assert values(broken)["rule.a"] == 0.7
    assert broken.broken == 1
    assert broken.problems == (f"{path}: line 1, column 18: not JSON: Input data was truncated",)
    assert store.read(where, broken, shipped) is broken
    put(path, rule("a", 0.9))
    mended = store.read(where, broken, shipped)
    assert (values(mended)["rule.a"], mended.broken) == (0.9, 0)
    path.unlink()
    assert values(store.read(where, mended, shipped))["rule.a"] == 0.5


def test_rules_that_are_right_load_beside_one_that_is_not(where: Places, shipped: Path) -> None:
    put(own(where), [rule("d"), rule("e", severity="loud")])
    book = store.read(where, built_in=shipped)
    assert "rule.d" in values(book)
    assert "rule.e" not in values(book)
    assert book.broken == 1


def test_of_two_files_with_one_id_the_first_wins_and_it_is_said(where: Places, shipped: Path) -> None:
    first = put(own(where, "1.json"), rule("d", 0.1))
    put(own(where, "2.json"), rule("d", 0.2))
    book = store.read(where, built_in=shipped)
    assert values(book)["rule.d"] == 0.1
    assert len(book.problems) == 1
    assert str(first) in book.problems[0]


def test_settings_switch_rules_and_are_followed(where: Places, shipped: Path) -> None:
    before = store.read(where, built_in=shipped)
    assert [item.id for item in before.rules if item.enabled] == ["rule.a", "rule.c"]
    settings.put(where, {store.DISABLED: ("rule.a",), store.ENABLED: ("rule.b",)})
    after = store.read(where, before, shipped)
    assert [item.id for item in after.rules if item.enabled] == ["rule.b", "rule.c"]


def test_settings_that_cannot_be_read_switch_nothing_and_are_told(where: Places, shipped: Path) -> None:
    put(where.config_file, "alerts = 3\n")
    book = store.read(where, built_in=shipped)
    assert [item.id for item in book.rules if item.enabled] == ["rule.a", "rule.c"]
    assert "config.toml" in book.problems[0]


def test_what_others_can_write_is_not_read(where: Places, shipped: Path) -> None:
    path = put(own(where), rule("a", 0.7))
    path.chmod(0o666)
    book = store.read(where, built_in=shipped)
    assert values(book)["rule.a"] == 0.5
    assert "chmod" in book.problems[0]
    path.chmod(0o600)
    path.parent.chmod(0o777)
    shared = store.read(where, built_in=shipped)
    assert values(shared)["rule.a"] == 0.5
    assert shared.broken == 1


def test_other_files_are_none(where: Places, shipped: Path) -> None:
    put(own(where, "README.md"), "x")
    put(own(where, ".mine.edit.json"), "x")
    put(own(where, "t.yml"), "g: {cpu_usage_warning: {threshold: 85, operator: greater_than}}")
    book = store.read(where, built_in=shipped)
    assert book.problems == ()
    assert values(book)["rule.cpu_usage_warning"] == 0.85


def test_a_file_that_cannot_be_read_is_a_mistake(where: Places, shipped: Path) -> None:
    own(where).parent.mkdir(mode=0o700)
    own(where).mkdir()
    book = store.read(where, built_in=shipped)
    assert book.problems == (f"{own(where)}: cannot be read: Is a directory",)


def test_there_are_500_rules_at_most(where: Places, shipped: Path) -> None:
    put(own(where), [rule(f"n{n}") for n in range(499)])
    book = store.read(where, built_in=shipped)
    assert len(book.rules) == 500
    assert "at most 500 rules in all, got 502" in book.problems[0]


def test_the_built_in_rules_are_found_and_right(where: Places) -> None:
    book = store.read(where)
    assert len(book.rules) > 60
    assert book.problems == ()
    assert all(Path(item.origin.file).parent == paths.resources("rules") for item in book.rules)


def test_a_look_at_unchanged_files_opens_none(
    where: Places, shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = store.read(where, built_in=shipped)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file was opened")

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(Path, "open", refuse)
    assert store.read(where, book, shipped) is book
