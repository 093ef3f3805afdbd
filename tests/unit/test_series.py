"""Canonical series text: escaping, order, limits, selectors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui import names
from wftui.errors import SourceFormatError
from wftui.model.sample import column
from wftui.model.series import MAX_LABELS, matches, parse, select, series

KEYS = sorted(names.LABEL_KEYS)
NAMES = st.from_regex(r"[a-z_][a-z0-9_.]{0,63}", fullmatch=True)
VALUES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=64).filter(
    lambda text: len(text.encode()) <= 256
)
LABELS = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=MAX_LABELS - 1)


@given(NAMES, LABELS, st.sampled_from(["", "max", "p95"]))
def test_text_round_trips(name: str, labels: dict[str, str], stat: str) -> None:
    made = series(name, labels, stat)
    again = parse(made.text)
    assert again == made
    assert again.labels == made.labels
    assert dict(again.labels) == (labels | {"stat": stat} if stat else labels)
    assert again.stat == stat
    assert "\n" not in made.text


@given(NAMES, LABELS)
def test_keys_are_sorted_and_order_of_input_does_not_matter(name: str, labels: dict[str, str]) -> None:
    made = series(name, labels)
    assert [key for key, _ in made.labels] == sorted(labels)
    assert series(name, dict(reversed(labels.items()))).text == made.text
    if not labels:
        assert made.text == name


@given(st.text(max_size=80))
def test_any_text_parses_or_is_refused(text: str) -> None:
    try:
        made = parse(text)
    except ValueError:
        return
    assert parse(made.text) == made


@given(LABELS.filter(bool), st.integers(0, 400), st.characters(codec="utf-8"))
def test_broken_text_never_becomes_another_series(labels: dict[str, str], place: int, letter: str) -> None:
    """One character replaced: either refused, or what it says when written again."""
    text = series("m", labels).text
    place %= len(text)
    try:
        made = parse(text[:place] + letter + text[place + 1 :])
    except ValueError:
        return
    assert made.text == series(made.name, dict(made.labels)).text


def test_escapes_are_prometheus_ones() -> None:
    assert series("m", {"mount": 'a"b\\c\nd'}).text == 'm{mount="a\\"b\\\\c\\nd"}'


@pytest.mark.parametrize(
    "text",
    ["", "m{}", "m{", 'm{cpu="0"', 'm{cpu="0",}', 'm{cpu=0}', 'm{cpu="0"}x', 'm{cpu="0",cpu="1"}', 'm{cpu=""}',
     'm{host="a"}', '1m', 'm{cpu="a\\x"}', 'm{cpu="a\nb"}', "m m", 'm{,cpu="0"}'],
)  # fmt: skip
def test_bad_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the messages differ, that it is refused counts
        parse(text)


def test_limits() -> None:
    with pytest.raises(ValueError, match="64"):
        series("m" * 65)
    with pytest.raises(ValueError, match="256"):
        series("m", {"mount": "ä" * 129})
    assert series("m", {"mount": "ä" * 128})
    with pytest.raises(ValueError, match="surrogates"):
        series("m", {"mount": "a\udcff"})
    with pytest.raises(SourceFormatError):
        column("test", "no.such.metric", call="test")
    with pytest.raises(SourceFormatError):
        column("test", "system.cpu.utilization", {"cpu": "\ud800"}, call="test")


def test_a_pattern_without_a_brace_matches_the_name_only() -> None:
    item = series("system.cpu.utilization", {"cpu": "0"})
    assert matches("system.cpu.*", item)
    assert matches("*", item)
    assert matches('system.cpu.*{cpu="0"}', item)
    assert not matches('system.cpu.*{cpu="1"}', item)
    assert not matches("system.cpu", item)
    others = [series("a"), series("b"), series("c")]
    assert select(["c", "a"], others) == [others[0], others[2]]
