"""What pushed names, units, kinds, labels and tags become."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pushed import START_S, Pushed
from wftui import names
from wftui.recorder.push.known import FIELDS


def test_every_known_field_is_a_metric_of_the_catalogue_in_its_unit() -> None:
    for name, known in FIELDS.items():
        pushed = Pushed()
        reply = pushed.say(source="model:m", data={name: 40})
        assert reply == {"accepted": 1, "rejected": []}, name
        metric = names.METRICS[known.metric]
        found = {column.series.text: column for column in _columns(pushed)}
        assert {column.series.name for column in found.values()} == {metric.name}
        for column in found.values():
            assert (column.unit, column.kind, column.group) == (metric.unit, metric.kind, metric.group)
            assert column.series.label("source") == "model:m"
            assert column.series.label("model") == "m"
            if not column.series.stat or column.series.stat in ("sum", "max"):
                assert pushed.tick()[column.series.text] == pytest.approx(40 * known.factor)
                break


def _columns(pushed: Pushed) -> list[Any]:
    pushed.accumulator.close(1, 0, 0, 1, so_far=True)
    columns = pushed.accumulator.layout.columns
    return [column for column in columns if not column.series.name.startswith("wftop.")]


def test_seconds_and_milliseconds_of_one_metric_are_one_series() -> None:
    pushed = Pushed()
    pushed.say(source="a", data={"ttft_ms": 250})
    pushed.native({"name": "gen_ai.client.operation.time_to_first_chunk", "value": 0.75}, source="a")
    found = pushed.tick()
    text = 'gen_ai.client.operation.time_to_first_chunk{source="a",stat="%s"}'
    assert found[text % "count"] == 2
    assert found[text % "sum"] == pytest.approx(1.0)


def test_a_programs_own_name_is_no_field_of_an_event() -> None:
    pushed = Pushed()
    for _ in range(2):
        assert pushed.native({"name": "energy", "value": 40, "unit": "J"})["accepted"] == 1
        assert pushed.say(source="t", data={"energy": 0.5})["accepted"] == 1
    assert pushed.tick() == {'custom.t.energy{source="t"}': 40.0, 'ux.energy.level{source="t"}': 0.5}


def test_other_names_are_the_pushers_own_with_a_unit_by_their_ending() -> None:
    pushed = Pushed()
    pushed.say(source="my app-1", data={"load_ms": 3, "disk_bytes": 4, "plain": 5})
    assert {(column.series.text, column.unit) for column in _columns(pushed)} == {
        ('custom.my_app_1.load_ms{source="my app-1"}', "ms"),
        ('custom.my_app_1.disk_bytes{source="my app-1"}', "By"),
        ('custom.my_app_1.plain{source="my app-1"}', "{value}"),
    }
    assert pushed.native({"name": "custom.my_app_1.plain", "value": 7}, source="custom:my app-1")["accepted"] == 1
    assert pushed.tick()['custom.my_app_1.plain{source="my app-1"}'] == 6.0


def test_what_wftop_measures_itself_is_not_taken_from_others() -> None:
    reply = Pushed().native({"name": "wftop.cpu.utilization", "value": 1}, {"name": "system.disk.io", "value": 1})
    assert reply["accepted"] == 0
    assert all("under a name of your own" in item["reason"] for item in reply["rejected"])


def test_what_a_core_tells_over_its_websocket_nobody_pushes_in_its_name() -> None:
    pushed = Pushed()
    told: dict[str, float] = {"ux.frame.duration": 0.5, "ux.input.latency": 0.5}
    for name, value in told.items():
        (refused,) = pushed.native({"name": name, "value": value}, source="core")["rejected"]
        assert refused["reason"].startswith(f"{name}: a core's own is heard over its WebSocket"), refused
    level = {"name": "ux.energy.level", "value": 0.5, "labels": {"model": "alpha"}}
    assert pushed.native(level, source="core")["accepted"] == 0
    # Its compact form says no model: that is no series of the WebSocket's.
    assert pushed.say(ts=START_S * 1000, kind="model", fields={"energy": 0.7, "tps": 41}, ver=1)["accepted"] == 2
    assert pushed.tick()['ux.energy.level{source="core"}'] == 0.7
    assert pushed.native(level, source="another")["accepted"] == 1


@pytest.mark.parametrize("labels", [{}, {"mode": "paint"}, {"mode": ""}])
def test_a_part_of_a_frame_is_one_of_those_that_have_a_share(labels: dict[str, str]) -> None:
    pushed = Pushed()
    sample = {"name": "ux.stage.duration", "value": 0.004, "labels": labels}
    (refused,) = pushed.native(sample)["rejected"]
    assert refused["reason"].startswith(
        "ux.stage.duration: label 'mode': expected token, energy, render, overhead"
    )
    assert pushed.native({**sample, "labels": {"mode": "render"}})["accepted"] == 1


def test_no_frame_takes_less_than_no_time() -> None:
    pushed = Pushed()
    assert pushed.native({"name": "ux.frame.duration", "value": 0.0})["accepted"] == 1
    (refused,) = pushed.native({"name": "ux.frame.duration", "value": -0.01})["rejected"]
    assert refused["reason"] == "value: expected 0 or more, got -0.01"
    (refused,) = pushed.say(source="t", data={"frame_time_ms": -12})["rejected"]
    assert refused["reason"] == "value: expected 0 or more, got -12"
    own = {"name": "drift", "value": -0.01, "kind": "distribution", "unit": "s"}
    assert pushed.native(own)["accepted"] == 1


def test_unit_and_kind_are_fixed_by_the_first_push_of_a_name() -> None:
    pushed = Pushed()
    first = {"name": "x", "value": 1, "unit": "By", "kind": "gauge"}
    assert pushed.native(first, {"name": "x", "value": 1}, {**first, "labels": {"model": "b"}})["accepted"] == 3
    reply = pushed.native(
        {**first, "unit": "s"},
        {**first, "kind": "counter"},
        {**first, "unit": "s", "labels": {"model": "c"}},
        {"name": "x", "value": 2, "labels": {"model": "d"}},
    )
    assert reply["accepted"] == 1
    assert [item["index"] for item in reply["rejected"]] == [0, 1, 2]
    assert "fixed the unit as 'By', not 's'" in reply["rejected"][0]["reason"]
    assert "fixed the kind as 'gauge', not 'counter'" in reply["rejected"][1]["reason"]
    assert pushed.native({**first, "unit": "s"}, source="other")["accepted"] == 1
    reply = pushed.native({"name": "ux.frame.duration", "value": 1, "unit": "ms"})
    assert "its unit is 's', not 'ms'" in reply["rejected"][0]["reason"]


def test_labels_of_samples_are_checked_and_tags_of_events_are_sorted_out() -> None:
    pushed = Pushed()
    reply = pushed.native(
        {"name": "x", "value": 1, "labels": {"session": "1"}},
        {"name": "x", "value": 1, "labels": {"source": "b"}},
        {"name": "x", "value": 1, "labels": {"model": ""}},
        {"name": "x", "value": 1, "labels": {"model": "a" * 257}},
        {"name": "x", "value": 1, "labels": {"model": 5}},
        {"name": "x", "value": 1, "labels": {f"k{n}": "v" for n in range(17)}},
        {"name": "x", "value": 1, "labels": {"model": "m", "view": "v"}},
        {"name": "x", "value": 3, "labels": {"view": "v", "model": "m"}},
        {"name": "x y", "value": 1},
        {"name": "x" * 65, "value": 1},
    )
    assert reply["accepted"] == 2
    assert [item["index"] for item in reply["rejected"]] == [0, 1, 2, 3, 4, 5, 8, 9]
    assert pushed.tick() == {'custom.t.x{model="m",source="t",view="v"}': 2.0}
    for _ in range(2):
        reply = pushed.say(
            source="t", data={"y": 1}, tags={"session": "s", "model": "m", "source": "evil", "view": ""}
        )
        assert reply == {"accepted": 1, "rejected": [], "ignored": ["tags.session", "tags.source", "tags.view"]}
    assert pushed.tick()['custom.t.y{model="m",source="t"}'] == 1.0


def test_text_from_outside_is_made_safe() -> None:
    pushed = Pushed()
    assert pushed.native({"name": "x", "value": 1, "labels": {"model": "\x1b[2J\u202e"}})["accepted"] == 1
    [column] = _columns(pushed)
    assert column.series.text.isprintable()
    reply = pushed.native({"name": "\x1b[2J", "value": 1})
    assert reply["rejected"][0]["name"].isprintable()
    assert pushed.say(source="\x1b]0;x", data={"x": 1})["accepted"] == 0
    assert pushed.line(b'{"source":"\\ud800","samples":[{"name":"x","value":1},{}]}')["accepted"] == 0
