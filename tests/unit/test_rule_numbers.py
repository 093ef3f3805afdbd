"""Numbers of rule files: found in every dialect, exchanged in place, and nothing else is touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.alerts import edit, splice, store
from wftui.alerts.rule import Rule, Threshold, leaves
from wftui.errors import ConfigError
from wftui.paths import Places, places
from wftui.wire.rules import NewNumber

OWN = """\
[
  {
    "_why": "after the fan broke",   "id": "rule.hot",
    "conditions": { "when_all": [
      { "metric": "hw.gpu.temperature{sensor=\\"gpu\\"}", "operator": ">",
        "value": 85, "unit": "°C", "clear": 80.0 },
      { "when_any": [ { "metric": "gpu_util", "operator": ">=", "value": 5e1, "window": "1m" } ] }
    ] },
    "name": "value \\"value\\": 85"
  },
  { "id": "rule.other", "conditions": { "when_any": [ { "metric": "hw.gpu.power", "absent_for": "2m" } ] },
    "for": 30 }
]
"""
COMPACT = (
    '{"id": "rule.busy", "when_any": [{"metric": "system.cpu_percent", "op": ">", "value": 90}], "then": [],\n'
    ' "for": "1m"}\n'
)
YAML = """\
# ours
system_throughput:
  cpu_usage_warning:          # percent
    threshold: 85   # was 80
    operator: greater_than
    duration_seconds: 60
    severity: warning
    message: "CPU at {value}"
  memory_usage_warning: &shared
    threshold: 80
    operator: greater_than
other:
  memory_usage_critical:
    <<: *shared
    severity: critical
"""
VALUE = ("conditions", "when_all", 0, "value")


@pytest.fixture
def where() -> Places:
    found = places()
    store.own_folder(found).mkdir(mode=0o700, parents=True)
    return found


def put(where: Places, name: str, text: str) -> Path:
    path = store.own_folder(where) / name
    path.write_text(text)
    path.chmod(0o600)
    return path


def rule(where: Places, name: str) -> Rule:
    return next(item for item in store.read(where).rules if item.id == f"rule.{name}")


def told(where: Places, name: str) -> list[tuple[str, str, str]]:
    return [(item.field, item.text, item.unit) for item in edit.known(where, rule(where, name))[0]]


def change(where: Places, name: str, *wanted: tuple[tuple[str | int, ...], str]) -> edit.Edited:
    done = edit.edited(where, rule(where, name), [NewNumber(path, text) for path, text in wanted])
    edit.write(where, done)
    return done


def test_numbers_stand_in_the_units_of_their_file(where: Places) -> None:
    put(where, "own.json", OWN)
    put(where, "compact.json", COMPACT)
    put(where, "old.yaml", YAML)
    assert told(where, "hot") == [
        ("value", "85", "°C"), ("clear", "80", "°C"), ("value", "50", "%"), ("for", "", ""),
    ]  # fmt: skip
    assert told(where, "other") == [("absent_for", "2m", ""), ("for", "30s", "")]
    assert told(where, "busy") == [("value", "90", "%"), ("for", "1m", "")]
    assert told(where, "cpu_usage_warning") == [("value", "85", ""), ("for", "60s", "")]
    for name, series, factor in (("hot", "hw.gpu.temperature", 1), ("busy", "system.cpu.utilization", 0.01)):
        [first, *_], _ = edit.known(where, rule(where, name))
        assert first.selector.partition("{")[0] == series
        assert first.factor == factor
    [first, *_], _ = edit.known(where, rule(where, "cpu_usage_warning"))
    assert (first.selector, round(first.factor, 12)) == ("system.cpu.utilization", 0.01)


def test_all_built_in_rules_can_be_read_and_changed(where: Places) -> None:
    """Every number of every pack: half as much again is that number in the rule, or one clear line."""
    count = 0
    for item in store.read(where).rules:
        found, replaces = edit.known(where, item)
        assert not replaces
        assert all(number.shipped == number.text for number in found)
        for number in found:
            if number.field != "value":
                continue
            text = f"{float(number.text) * 1.5 + 1:.12g}"
            try:
                done = edit.edited(where, item, [NewNumber(number.path, text)])
            except ConfigError as error:
                assert "expected" in str(error), (item.id, text)  # noqa: PT017  most are right: both are looked at
                continue
            count += 1
            assert [(one.before, one.after) for one in done.changes] == [(number.text, text)]
            assert done.after != done.before
            assert done.after.name == item.name
            assert done.created
    assert count > 50


def test_a_change_touches_nothing_else(where: Places) -> None:
    path = put(where, "own.json", OWN)
    done = change(where, "hot", (VALUE, "90.5"), (("conditions", "when_all", 1, "when_any", 0, "value"), "60"))
    assert path.read_text() == OWN.replace('"value": 85,', '"value": 90.5,').replace("5e1", "60")
    assert [(item.field, item.before, item.after) for item in done.changes] == [
        (splice.words(VALUE), "85", "90.5"),
        ("conditions.when_all[1].when_any[0].value", "50", "60"),
    ]
    assert not done.created
    assert not done.removed
    assert path.stat().st_mode & 0o777 == 0o600
    assert [item.name for item in path.parent.iterdir()] == ["own.json"], "nothing is left beside it"
    first = leaves(rule(where, "hot").condition)[0]
    assert isinstance(first, Threshold)
    assert (first.value, first.clear) == (90.5, 80)


def test_a_duration_that_is_not_there_is_put_in(where: Places) -> None:
    path = put(where, "own.json", OWN)
    change(where, "hot", (("for",), "90s"))
    begin = '"_why": "after the fan broke",'
    assert path.read_text() == OWN.replace(begin, f'{begin}\n    "for": "90s",')
    assert rule(where, "hot").for_s == 90
    change(where, "other", (("for",), "45"))
    assert rule(where, "other").for_s == 45
    assert json.loads(path.read_text())[1]["for"] == 45


def test_yaml_keeps_its_comments_and_shared_values_are_refused(where: Places) -> None:
    path = put(where, "old.yaml", YAML)
    change(where, "cpu_usage_warning", (("threshold",), "90"), (("duration_seconds",), "2m"))
    assert path.read_text() == YAML.replace("threshold: 85", "threshold: 90").replace(": 60", ": 120")
    assert rule(where, "cpu_usage_warning").for_s == 120
    for name in ("memory_usage_warning", "memory_usage_critical"):
        with pytest.raises(ConfigError, match="threshold is shared with other places"):
            change(where, name, (("threshold",), "70"))


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        (VALUE, "hot", "value: expected a number, got 'hot'"),
        (VALUE, "", "value: expected a number, got ''"),
        (VALUE, "nan", "value: expected a number"),
        (VALUE, "1e999", "value: expected a number"),
        (VALUE, "1_000", "value: expected a number"),
        (VALUE, "79", "clear: expected at most the value: it holds until then, got 80"),
        (("for",), "soon", "for: expected a duration like 90s or 5m, got 'soon'"),
        (("for",), "3d", "for: expected a duration like '90s' or '5m', 0 s to 86400 s"),
        (("name",), "5", "name is no number of it"),
    ],
)
def test_a_mistake_is_one_clear_line_and_nothing_is_lost(where: Places, path: Any, text: str, words: str) -> None:
    file = put(where, "own.json", OWN)
    with pytest.raises(ConfigError) as caught:
        change(where, "hot", (path, text))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert file.read_text() == OWN


def test_a_file_that_is_wrong_or_a_link_is_left_alone(where: Places, tmp_path: Path) -> None:
    file = put(where, "own.json", OWN)
    hot = rule(where, "hot")
    file.write_text(OWN.replace('"rule.other"', '"other"'))
    with pytest.raises(ConfigError, match=r"mend this first: .*own\.json: rule other: field id"):
        edit.known(where, hot)
    target = tmp_path / "elsewhere.json"
    target.write_text(OWN)
    target.chmod(0o600)
    file.unlink()
    file.symlink_to(target)
    with pytest.raises(ConfigError, match="is a link"):
        change(where, "hot", (VALUE, "90"))
    assert target.read_text() == OWN


def test_a_copy_of_a_built_in_rule_goes_when_it_says_what_ships(where: Places) -> None:
    file = store.own_folder(where) / "memory-low.json"
    done = change(where, "memory-low", (VALUE, "97"))
    assert (done.file, done.created) == (file, True)
    assert rule(where, "memory-low").origin.file == str(file)
    found, replaces = edit.known(where, rule(where, "memory-low"))
    assert replaces
    assert (found[0].text, found[0].shipped) == ("97", "95")
    assert change(where, "memory-low", (VALUE, "95")).removed
    assert not file.exists()
    change(where, "memory-low", (VALUE, "97"))
    file.write_text(file.read_text().replace('"version"', '"_mine": "keep this", "version"'))
    assert not change(where, "memory-low", (VALUE, "95")).removed, "it holds a word of the person's"
    put(where, "disk-full.json", COMPACT)
    with pytest.raises(ConfigError, match=r"disk-full\.json: is there and holds no rule\.disk-full"):
        change(where, "disk-full", (VALUE, "99"))


keys = st.sampled_from(["a", "value", 'q"', "é\\", ""])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


def _places(document: Any, path: splice.Path = ()) -> list[splice.Path]:
    items = document.items() if isinstance(document, dict) else enumerate(document)
    found = []
    for step, inner in items:
        found.append((*path, step))
        if isinstance(inner, dict | list):
            found += _places(inner, (*path, step))
    return found


@given(st.data(), st.dictionaries(keys, values, min_size=1, max_size=4), st.sampled_from([None, 1, "\t"]))
def test_any_value_of_any_json_is_exchanged_alone(data: st.DataObject, document: Any, indent: Any) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    path = data.draw(st.sampled_from(_places(document)))
    found = json.loads(splice.exchanged(text, "x.json", path, "12345.5"))
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = 12345.5
    assert found == document
