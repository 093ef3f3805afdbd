"""The checks of a GPU's health, over a table of faults; fields, topology and Xids."""

from __future__ import annotations

import pytest

from tests.tui import fake_gpus as boxes
from tests.tui.fake import NOW_S, scene
from tests.tui.fake_gpu_screen import ScreenFed, links, told
from tests.tui.fake_gpus import NS, Card
from wftui.collectors.nvml.fields import FIELDS
from wftui.model import gpus as cells
from wftui.model.event import Event
from wftui.model.table import Cell, Row
from wftui.names import METRICS
from wftui.tui import gpus
from wftui.tui.gpu_screen import fields, health, holders, lens, topology
from wftui.tui.gpu_screen.field_list import GROUPS
from wftui.tui.gpu_screen.health import BAD, GOOD, NONE, WARN, Check
from wftui.tui.gpu_screen.model import GpuScreen
from wftui.tui.gpu_screen.shown import Shown
from wftui.tui.gpu_screen.xids import XIDS, meaning
from wftui.tui.state import State, text_of

CARD = Card(0)
NAMES = [name for _, specs in GROUPS for spec in specs for name in spec.names]
NOW_NS = NOW_S * NS


def checks(
    values: dict[str, float] | None = None, card: Card = CARD, row: dict[int, Cell] | None = None
) -> dict[str, Check]:
    """What is said of one card with these numbers and cells."""
    state = told([card], {card.uuid: values or {}})
    told_row = list(state.tables["gpus"][card.uuid])
    for place, value in (row or {}).items():
        told_row[place] = value
    return {check.name: check for check in health.checks(state, card.uuid, tuple(told_row), NOW_NS)}


def test_a_well_card_has_nothing_to_do() -> None:
    found = checks()
    assert {check.level for check in found.values()} == {GOOD}
    assert not any(check.step for check in found.values())
    assert health.worst(list(found.values())) == GOOD


def test_nothing_known_is_no_good_sign() -> None:
    found = health.checks(State(), "GPU-x", None, NOW_NS)
    assert {check.level for check in found if check.name != "clocks"} == {NONE}
    assert health.worst(found) == NONE


@pytest.mark.parametrize(
    ("name", "values", "level", "words"),
    [
        ("ECC", {"ecc.errors:uncorrected": 2.0}, BAD, "2 uncorrected"),
        ("ECC", {"ecc.errors:corrected": 7.0}, GOOD, "7 corrected"),
        ("ECC", {"ecc.lifetime.errors:uncorrected": 3.0}, GOOD, "3 uncorrected in its life"),
        ("bad memory", {"memory.remapped_rows:pending": 1.0}, WARN, "waits for a reset"),
        ("bad memory", {"memory.remapped_rows:failure": 1.0}, BAD, "could not be replaced"),
        ("bad memory", {"memory.remapped_rows:corrected": 4.0}, GOOD, "4 rows replaced"),
        ("PCIe", {"pcie.width:current": 8.0}, WARN, "Gen 5 x8 under load, it can Gen 5 x16"),
        ("PCIe", {"pcie.generation:current": 3.0}, WARN, "Gen 3 x16 under load"),
        ("NVLink", {"nvlink.errors:recovery": 2.0}, WARN, "2 links had to recover"),
        ("NVLink", {"nvlink.links:inactive": 6.0}, GOOD, "18 up, 6 down"),
        ("heat", {"temperature:memory": 96.0}, WARN, "memory 96 °C of 100 °C"),
        ("heat", {"temperature:memory": 101.0}, BAD, "memory 101 °C of 100 °C"),
    ],
)
def test_faults_are_found(name: str, values: dict[str, float], level: str, words: str) -> None:
    check = checks(values)[name]
    assert (check.level, words in check.words) == (level, True), check
    assert bool(check.step) == (level in (WARN, BAD))


def test_a_slow_link_at_rest_is_no_fault() -> None:
    check = checks(card=boxes.idle(0))["PCIe"]
    assert check.level == GOOD
    assert check.words == "Gen 1 x16 while idle, it can Gen 5 x16"


def test_replayed_packets_are_a_fault_only_while_they_grow() -> None:
    fed = ScreenFed([CARD], {CARD.uuid: {"pcie.replays": 500.0}}).run(560, 600).furnish()
    row = fed.state.tables["gpus"][CARD.uuid]
    assert {check.name: check for check in health.checks(fed.state, CARD.uuid, row, NOW_NS)}["PCIe"].level == GOOD


@pytest.mark.parametrize(
    ("reasons", "level", "words"),
    [
        ("idle", GOOD, "nothing runs"),
        ("", GOOD, "free"),
        ("power_cap", WARN, "power limit"),
        ("power_cap,sw_thermal", WARN, "driver lowers clocks"),
        ("hw_thermal", BAD, "hardware lowers clocks"),
        ("hw_power_brake,idle", BAD, "power brake"),
    ],
)
def test_what_holds_the_clocks_back(reasons: str, level: str, words: str) -> None:
    check = checks(row={cells.THROTTLED: reasons, cells.THROTTLED_SINCE: NOW_NS - 75 * NS})["clocks"]
    assert (check.level, words in check.words) == (level, True), check
    assert (check.since_ns == NOW_NS - 75 * NS) == (level != GOOD)


def test_a_programs_xid_passes_and_a_cards_stays() -> None:
    def said(number: int, age_s: int) -> Check:
        return checks(row={cells.LAST_XID: number, cells.LAST_XID_TIME: NOW_NS - age_s * NS})["Xid"]

    assert (said(31, 60).level, said(31, 3600).level) == (WARN, GOOD)
    assert (said(79, 60).level, said(79, 3600).level) == (BAD, BAD)
    assert "bus" in said(79, 60).words
    assert health.since_words(said(79, 60), NOW_NS).startswith("since ")
    assert "0000" in said(48, 60).step  # the card is named in the command
    assert said(9999, 60).level == BAD
    assert meaning(9999).words


def test_every_xid_has_a_step() -> None:
    assert all(xid.words and xid.step for xid in XIDS.values())


def test_heat_says_since_when() -> None:
    hot = Card(0, heat=91.0)
    check = checks({"temperature:memory": 50.0}, hot)["heat"]
    assert check.level == WARN
    # Known without a hole since the gap of twelve seconds, 49 s before now.
    assert check.since_ns == NOW_NS - 49 * NS


def test_ecc_is_dated_by_its_event() -> None:
    state = told([CARD], {CARD.uuid: {"ecc.errors:uncorrected": 1.0}})
    state.add_events([Event(5000, "e", NOW_NS - 300 * NS, "gpu.ecc", "gpu", CARD.uuid, payload={})])
    row = state.tables["gpus"][CARD.uuid]
    found = {check.name: check for check in health.checks(state, CARD.uuid, row, NOW_NS)}
    assert found["ECC"].since_ns == NOW_NS - 300 * NS


@pytest.mark.parametrize("word", ["stuck", "lost", "failed"])
def test_a_card_that_does_not_answer_is_in_trouble(word: str) -> None:
    check = checks(row={cells.STATE: word, cells.REASON: "why", cells.FIX: "how", cells.SINCE: NOW_NS})["answers"]
    assert (check.level, check.words, check.step) == (BAD, "why", "how")


def test_what_was_well_is_not_known_to_be_so_any_more() -> None:
    found = checks({"ecc.errors:uncorrected": 1.0}, row={cells.STATE: "stuck", cells.REASON: "why"})
    others = ("answers", "Xid", "ECC")
    assert {name: check.level for name, check in found.items() if name not in others} == dict.fromkeys(
        ("bad memory", "clocks", "heat", "PCIe", "NVLink"), NONE
    )
    assert found["ECC"].level == BAD


def test_an_instance_sends_to_its_card() -> None:
    card, instance = boxes.partitioned()[:2]
    state = told([card, instance])
    row = state.tables["gpus"][instance.uuid]
    said = {check.name: check.words for check in health.checks(state, instance.uuid, row, NOW_NS)}
    assert said["ECC"] == said["PCIe"] == "told of the whole card"


def test_sleep_is_no_trouble() -> None:
    check = checks(row={cells.STATE: "asleep", cells.REASON: "", cells.FIX: ""})["answers"]
    assert check.level == NONE
    assert "left alone" in check.words


# ---- fields


def test_every_metric_of_a_gpu_has_its_field() -> None:
    """Nothing that is recorded of a GPU is missing on its screen."""
    shown = {name.lstrip("^").partition(":")[0] for _, specs in GROUPS for spec in specs for name in spec.names}
    there = {name.removeprefix("hw.gpu.") for name in METRICS if name.startswith("hw.gpu.")}
    elsewhere = {"count", "up", "performance_state", "throttled"}
    assert there - shown == elsewhere


def test_every_number_of_the_worker_has_its_field() -> None:
    texts = {fields.series_of(name, "U") for name in NAMES}
    for field in FIELDS.values():
        if field.metric not in ("hw.gpu.performance_state",):
            series = text_of(field.metric, ("gpu", "U"), *field.labels)
            assert series in texts, series


def test_what_a_card_does_not_have_is_not_a_dash() -> None:
    state = told([CARD])
    row = state.tables["gpus"][CARD.uuid]
    found = {group.title: group.lines for group in fields.groups(state, CARD.uuid, row)}
    assert [line.value for line in found["heat"] if line.label == "n/a"] == ["fan 0"]
    assert not any(line.label == "jpeg" for line in found["work"])
    assert next(line for line in found["clocks"] if line.label == "video").value == "-"
    assert next(line for line in found["memory"] if line.label == "used of all").value == "131 / 140 GiB"


@pytest.mark.parametrize(
    ("joules", "words"), [(12.0, "12 J"), (3600.0, "1.00 Wh"), (4.1e7, "11.4 kWh"), (9e9, "2.50 MWh")]
)
def test_energy_as_people_pay_for_it(joules: float, words: str) -> None:
    assert fields.energy(joules) == words
    assert fields.energy(float("nan")) == "-"


# ---- topology


def drawn(rows: dict[str, Row], cards: list[Card], width: int) -> list[str]:
    state = told(cards)
    state.tables["gpu_links"] = rows
    state.version += 1
    found = gpus.boxes(state)
    return ["".join(text for text, _ in row) for row in topology.draw(scene(state), found, found[0].uuid, width)]


def test_the_matrix_is_symmetric_and_says_its_words() -> None:
    cards = boxes.box(8)
    shown = drawn(links(cards, nvlink=False), cards, 120)
    matrix = [line.split()[1:9] for line in shown[1:9]]
    assert all(matrix[a][b] == matrix[b][a] for a in range(8) for b in range(8) if a != b)
    assert matrix[0][1:6] == ["PIX", "NODE", "NODE", "SYS", "SYS"]
    legend = "\n".join(shown[9:])
    assert all(word in legend for word in ("one PCIe switch", "between NUMA nodes"))
    assert "0-47,96-143  node 0" in shown[1]


def test_sixteen_fit_into_little_room() -> None:
    cards = boxes.box(16)
    shown = drawn(links(cards), cards, 54)
    assert len([line for line in shown if line.count("18") >= 15]) == 16
    assert all(len(line) <= 54 for line in shown)


def test_a_pair_that_nobody_told_of_is_unknown() -> None:
    cards = boxes.box(3)
    rows = links(cards)
    rows.pop(cells.link_key(cards[0].uuid, cards[1].uuid))
    assert drawn(rows, cards, 80)[1].split()[1:4] == ["·", "-", "NV18"]
    assert "no word yet" in drawn({}, cards, 80)[0]


# ---- holders and siblings


def pane(cards: list[Card], name: str, width: int = 100, **chosen: str) -> str:
    """All lines of a pane."""
    state = told(cards)
    screen = GpuScreen()
    for key, value in chosen.items():
        setattr(screen, key, value)
    found = screen.listed(state)
    gpu = screen.selected(state)
    assert gpu is not None
    shown = Shown(scene(state), screen, found, gpu, state.tables["gpus"][gpu.uuid], [])
    draw = holders.draw if name == "holders" else lens.draw
    return "\n".join("".join(text for text, _ in row).rstrip() for row in draw(shown, width))


def test_holders_by_user_job_and_container() -> None:
    cards = boxes.box(8)
    by_user = pane(cards, "holders")
    line = next(line for line in by_user.splitlines() if line.startswith("ana"))
    assert line.split()[1:4] == ["0-1,3-7", "823G", "665"]
    assert "GPU 2: 71.0 GiB held by uid 1004, idle since 01:30" in by_user
    assert "slurm:4711" in pane(cards, "holders", whose="job")
    assert "3f2a9c11d0e4" in pane(cards, "holders", whose="container")


def test_memory_that_is_in_use_is_not_called_idle() -> None:
    assert "idle since" not in pane([Card(0), Card(1)], "holders")


def test_the_straggler_is_named_with_its_evidence() -> None:
    cards = [Card(n, heat=70.0) for n in range(8)]
    cards[5] = Card(5, heat=86.0, load=0.6, clock=1.2e9, throttle="sw_thermal", throttled_s=300, power=430.0)
    said = pane(cards, "siblings")
    first = said.splitlines()[0]
    assert first.startswith("▲ GPU 5, rank 5: hot: driver lowers clocks")
    assert "clock 39 % lower (1200 MHz, the others 1980 MHz)" in " ".join(said.split())
    assert "8 GPUs at job slurm:4711" in said


def test_equal_siblings_are_at_peace() -> None:
    said = pane([Card(n, heat=70.0) for n in range(4)], "siblings")
    assert "none is behind the others" in said
    assert "▲" not in said


def test_one_card_has_no_siblings() -> None:
    assert "has no siblings" in pane([Card(0)], "siblings")
