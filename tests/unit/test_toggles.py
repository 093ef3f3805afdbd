"""Sources and groups off and on: at once, visibly, and without a number that was not measured."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import pytest

from tests.fakeclock import START_NS, FakeClock
from tests.records import GAUGE, Counting
from wftui import config
from wftui.cli import sources as command
from wftui.cli.state import gather
from wftui.client import lock
from wftui.clock import NS_PER_S, Instant
from wftui.collectors.base import Collector
from wftui.errors import ConfigError, ProtocolError, UsageError
from wftui.model.event import Event
from wftui.model.health import Health
from wftui.model.sample import Sample, Scrape, column
from wftui.model.streams import STREAMS
from wftui.model.tick import unpack
from wftui.paths import places
from wftui.recorder import toggles
from wftui.recorder.accumulator import Accumulator
from wftui.recorder.keeper import Caps
from wftui.recorder.options import Options
from wftui.recorder.service import Recorder
from wftui.store import read
from wftui.wire import messages as m

S = NS_PER_S
START_S = START_NS // S
CAPS = Caps(48 * 3600, 1 << 30, 0, 0.0)
GPU = column("gpus", "hw.gpu.count", {"device": "nvidia"}, call="/sys")
SLOW = column("slow", "system.filesystem.limit", {"mount": "/"}, call="statvfs")


class Elapsed(Counting):
    """Measures what collectors measure that difference two calls: the time since the call before."""

    def __init__(self) -> None:
        super().__init__("elapsed", 1.0)
        self.before_ns = 0

    def collect(self, at: Instant) -> Scrape:
        self.calls += 1
        elapsed, self.before_ns = at.boottime_ns - self.before_ns, at.boottime_ns
        return Scrape([Sample(GAUGE, elapsed / S)])


class One(Counting):
    """One sample of one column."""

    def __init__(self, item: object, interval_s: float = 1.0) -> None:
        assert isinstance(item, type(GAUGE))
        super().__init__(item.source, interval_s)
        self.item = item

    def collect(self, at: Instant) -> Scrape:
        assert at.time_ns
        self.calls += 1
        return Scrape([Sample(self.item, 7.0)])


def run(
    collectors: list[Collector],
    plans: list[tuple[float, Callable[[Recorder], None]]],
    seconds: float,
    **more: object,
) -> Recorder:
    """A whole recorder on the fake clock; ``plans`` are carried out at their seconds."""
    clock = FakeClock()
    options = Options("record", places(), caps=CAPS, **more)  # type: ignore[arg-type]  # disabled, groups_disabled
    recorder = Recorder(options, clock, collectors)

    async def main() -> None:
        for after_s, action in plans:
            clock.plan(after_s, lambda action=action: action(recorder))  # type: ignore[misc]  # bound by its default
        clock.plan(seconds, lambda: recorder.end("stopped"))
        held = lock.take(places(), lock.RECORD)
        try:
            await recorder.run()
        finally:
            held.release()

    asyncio.run(main())
    return recorder


def off(name: str) -> Callable[[Recorder], None]:
    return lambda recorder: recorder._switches.switch(name, on=False, role="query")


def on(name: str) -> Callable[[Recorder], None]:
    return lambda recorder: recorder._switches.switch(name, on=True, role="view")


def values(series: str) -> dict[int, float]:
    """Second since the start to the value of one series; seconds whose layout lacks it are left out."""
    found = {}
    with read.open_reader(places().data_dir) as reader:
        for tick in reader.ticks(START_S, START_S + 1000):
            place = reader.layout(tick.layout).places().get(series)
            if place is not None:
                found[tick.time_s - START_S] = unpack(tick.values)[place]
    return found


def events() -> list[Event]:
    with read.open_reader(places().data_dir) as reader:
        # Nobody tells of tokens here, and that source says so.
        return [item for item in reader.events(types=["source.state"])[0] if item.aggregate_id != STREAMS.source]


def test_a_source_that_is_switched_off_is_unknown_at_once() -> None:
    slow = One(SLOW, 5.0)
    recorder = run([slow, Counting("good")], [(20.4, off("slow")), (40.4, on("slow"))], 70.05)
    found = values(SLOW.series.text)
    assert found[19] == 7.0
    assert all(math.isnan(found[second]) for second in range(20, 40)), "not even held for its 1.5 intervals"
    assert found[60] == 7.0
    assert [(item.payload["before"], item.payload["after"]) for item in events()] == [("ok", "off"), ("off", "ok")]
    assert events()[0].payload["reason"] == "switched off by wftop sources"
    assert recorder.health()[0].state == "ok"
    good = values("system.network.io" + GAUGE.series.text[len(GAUGE.series.name) :])
    assert not any(math.isnan(value) for value in list(good.values())[2:])


def test_health_says_who_and_how_to_undo() -> None:
    recorder = run([Counting("disks")], [(5.4, off("disks")), (5.5, off("disks"))], 9.05)
    item = recorder.health()[0]
    assert (item.state, item.reason) == ("off", "switched off by wftop sources")
    assert item.fix == "wftop sources on disks"
    assert len(events()) == 1, "twice is harmless"


def test_the_time_that_it_was_off_is_no_reading() -> None:
    run([Elapsed()], [(10.4, off("elapsed")), (40.4, on("elapsed"))], 50.05)
    found = [value for value in list(values(GAUGE.series.text).values())[2:] if value == value]
    assert max(found) < 1.5
    assert len(found) > 12


def test_off_from_the_start() -> None:
    recorder = run(
        [Counting("disks"), One(GPU)], [(5.4, on("disks"))], 9.05, disabled=frozenset({"disks", "gpus"})
    )
    assert [item.state for item in recorder.health()[:2]] == ["ok", "off"]
    assert recorder.health()[1].fix == "wftop sources on gpus"
    assert values(GAUGE.series.text)[8] == 5.0


def test_a_group_that_is_switched_off_leaves_the_layout() -> None:
    recorder = run([One(GPU), Counting("good")], [(10.4, off("group:gpu")), (20.4, on("group:gpu"))], 30.05)
    found = values(GPU.series.text)
    assert set(range(1, 10)) <= set(found)
    assert not set(range(10, 20)) & set(found)
    assert found[25] == 7.0
    assert [item.aggregate_id for item in events()] == ["group:gpu"] * 2
    assert all(item.source != "group:gpu" for item in recorder.health())
    recorder = run([One(GPU)], [], 5.05, groups_disabled=frozenset({"gpu", "no such group"}))
    shown = {item.source: item for item in recorder.health()}
    assert shown["group:gpu"].state == "off"
    assert "store.groups_disabled" in shown["group:gpu"].reason
    assert shown["group:gpu"].fix == "wftop sources on group:gpu"
    assert "group:no such group" not in shown


def test_wftops_own_series_stay_when_their_group_goes() -> None:
    run([Counting("good")], [(5.4, off("group:system"))], 15.05)
    assert values("wftop.tick.series")[12] > 0
    assert 12 not in values(GAUGE.series.text)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("store", "cannot be switched off"),
        ("wftop", "cannot be switched off"),
        ("recorder", "cannot be switched off"),
        ("disk", "did you mean disks?"),
        ("group:gpus", "did you mean group:gpu?"),
        ("zzzzzz", "known are disks, group:system"),
    ],
)
def test_what_cannot_be_switched(name: str, said: str) -> None:
    with pytest.raises(ProtocolError, match=r"^[^\n]*" + said.replace("?", r"\?")):
        toggles.check(name, ["disks"])


def test_a_muted_group_is_not_counted_as_refused() -> None:
    accumulator = Accumulator()
    at = Instant(START_NS, 0)
    accumulator.add([Sample(GPU, 1.0), Sample(GAUGE, 1.0)], at, 1.0)
    accumulator.mute({"gpu"})
    accumulator.add([Sample(GPU, 1.0)], at, 1.0)
    accumulator.close(1, 0, 0, 1)
    assert [item.series.text for item in accumulator.layout.columns] == [GAUGE.series.text]
    assert accumulator.rejected == {}
    assert accumulator.pool.get(GPU.series.text) is None


async def test_the_order_is_remembered() -> None:
    recorder = Recorder(
        Options("record", places(), caps=CAPS, memory_only="test"), FakeClock(), [Counting("disks")]
    )
    recorder.options.places.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    recorder._storage.open("record")
    await recorder.orders.carry_out(m.SetSource("disks", on=False), "view")
    await recorder.orders.carry_out(m.SetSource("group:ux", on=False), "view")
    with pytest.raises(ProtocolError, match="did you mean"):
        await recorder.orders.carry_out(m.SetSource("disk", on=False), "view")
    loaded = config.load(places())
    assert loaded.names("sources.disabled") == ("disks",)
    assert loaded.names("store.groups_disabled") == ("ux",)
    assert recorder.health()[0].reason == "switched off in a view"
    recorder._keeper._journal.close()  # type: ignore[union-attr]  # opened above


def test_the_command_without_a_recorder(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command.main("off", ["sensors", "group:gpu"]) == 0
    out = capsys.readouterr().out
    assert "sensors" in out
    assert "wftop sources on sensors" in out
    assert config.load(places()).names("sources.disabled") == ("sensors",)
    assert command.main("list", []) == 0
    assert "group:gpu      off" in capsys.readouterr().out
    assert command.main("on", ["sensors"]) == 0
    assert config.load(places()).names("sources.disabled") == ()
    monkeypatch.setenv("WFTOP_SOURCES_DISABLED", "cpu")
    assert command.main("on", ["cpu"], json=True) == 0
    said = capsys.readouterr()
    assert '"schema_version": 1' in said.out
    assert "WFTOP_SOURCES_DISABLED says otherwise" in said.err
    with pytest.raises(ConfigError, match="did you mean sensors"):
        command.main("off", ["sensor"])
    with pytest.raises(UsageError, match="expects a name"):
        command.main("off", [])
    with pytest.raises(UsageError, match="takes no names"):
        command.main("list", ["cpu"])
    with pytest.raises(UsageError, match="expected list"):
        command.main("kill", ["cpu"])


def test_a_line_of_the_list() -> None:
    assert command._line(Health("cpu", "ok", interval_s=0.1)) == "cpu            ok           every 0.1 s"
    assert command._line(Health("x", "off", "a\x1b", "do")) == "x              off          a\\x1b -> do"


def test_a_state_without_a_recorder_leaves_such_groups_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WFTOP_STORE_GROUPS_DISABLED", "system")
    state = gather(places())
    assert not any(item.group == "system" for item, _ in state.values.values())
    monkeypatch.setenv("WFTOP_STORE_GROUPS_DISABLED", "gpu")
    assert "system.cpu.utilization" in gather(places()).values
