"""Power and energy, field values, events, NVLink and GPM of the stand-in for NVML."""

import time
from pathlib import Path

import pytest

from tests.nvml import box, samples
from tests.nvml.box import Scene
from tests.nvml.played import Played


@pytest.mark.parametrize("power", ["300000", "saw:100000:500000:0.3", "square:50000:700000:0.2:0.25"])
def test_energy_is_the_integral_of_power(nvml: Path, scene: Scene, power: str) -> None:
    scene.power(0, power).save()
    energy = "(time.clock_gettime(7), nvmlDeviceGetTotalEnergyConsumption(gpu(0)), time.clock_gettime(7))"
    with Played(nvml, scene) as played:
        early, first, early_end = played.ask(energy)
        time.sleep(0.5)
        late, last, late_end = played.ask(energy)
    # The reading lies between the two looks at the clock.
    least = box.integral(power, early_end - scene.start, late - scene.start)
    most = box.integral(power, early - scene.start, late_end - scene.start)
    assert least - 2 <= last - first <= most + 2


def test_energy_goes_on_where_power_changes(nvml: Path, scene: Scene) -> None:
    scene.power(0, 1_000_000).save()
    with Played(nvml, scene) as played:
        first = played.ask("nvmlDeviceGetTotalEnergyConsumption(gpu(0))")
        scene.power(0, 1).save()
        time.sleep(0.01)
        second = played.ask("nvmlDeviceGetTotalEnergyConsumption(gpu(0))")
        third = played.ask("nvmlDeviceGetTotalEnergyConsumption(gpu(0))")
        played.ask("pynvml.nvmlLib.stubEnergy.restype = c_double")
        assert first <= second <= third <= second + 10
        assert abs(played.ask("pynvml.nvmlLib.stubEnergy(0)") - third) < 10


def test_average_power_smooths_what_instant_power_shows(nvml: Path, scene: Scene) -> None:
    scene.power(0, "square:0:400000:1").save()
    read = "[v.value.uiVal for v in nvmlDeviceGetFieldValues(gpu(0), [185, 186])]"
    with Played(nvml, scene) as played:
        rows = [played.ask(f"time.sleep(0.05) or {read}") for _ in range(20)]
        assert all(abs(average - 200000) < 1000 for average, _ in rows)
        assert {instant for _, instant in rows} == {0, 400000}
        assert abs(played.ask("nvmlDeviceGetPowerUsage(gpu(0))") - 200000) < 1000


def test_field_values_have_types(nvml: Path, scene: Scene) -> None:
    scene.set(0, "nvmlDeviceGetFieldValues.197", 2**33 + 5, kind=1).set(
        0, "nvmlDeviceGetFieldValues.138.2", 9
    ).save()
    with Played(nvml, scene) as played:
        (rx,) = played.ask("[(v.valueType, v.value.ullVal) for v in nvmlDeviceGetFieldValues(gpu(0), [197])]")
        assert rx == [1, 5], "a counter that wraps"
        assert played.ask("nvmlDeviceGetFieldValues(gpu(0), [(138, 2)])[0].value.ullVal") == 9


def test_xids_come_once_and_only_after_registration(nvml: Path, scene: Scene) -> None:
    scene.xid(1, 13, after_s=-1.0).save()
    with Played(nvml, scene) as played:
        played.ask("s = nvmlEventSetCreate()")
        played.ask("[nvmlDeviceRegisterEvents(gpu(i), nvmlEventTypeXidCriticalError, s) for i in (0, 1)]")
        assert played.code("nvmlEventSetWait_v2(s, 50)") == 10
        scene.xid(1, 79).xid(2, 48).save()
        wait = "(lambda e: [nvmlDeviceGetUUID(e.device), e.eventType, e.eventData])(nvmlEventSetWait_v2(s, 2000))"
        assert played.ask(wait) == [box.uuid(1), 8, 79]
        assert played.code("nvmlEventSetWait_v2(s, 50)") == 10, "card 2 is not registered, and once is enough"
        played.ask("nvmlEventSetFree(s)")


def test_registration_of_events_may_fail(nvml: Path, scene: Scene) -> None:
    scene.set(0, "nvmlDeviceRegisterEvents", code=box.UNKNOWN).save()
    with Played(nvml, scene) as played:
        assert played.code("nvmlDeviceRegisterEvents(gpu(0), 8, nvmlEventSetCreate())") == box.UNKNOWN


def test_nvlink_and_topology(nvml: Path, tmp_path: Path) -> None:
    scene = samples.h100(tmp_path / "scene", 4).set(0, "nvmlDeviceGetNvLinkRemotePciInfo_v2.1", 3)
    scene.set(0, "nvmlDeviceGetNvLinkState.17", 0).set(0, "nvmlDeviceGetTopologyCommonAncestor.1", 20)
    scene.set(0, "nvmlDeviceGetNvLinkErrorCounter.2.0", 5).save()
    with Played(nvml, scene) as played:
        states = played.ask("[nvmlDeviceGetNvLinkState(gpu(0), link) for link in range(18)]")
        assert states == [1] * 17 + [0]
        assert played.code("nvmlDeviceGetNvLinkState(gpu(0), 18)") == 2
        assert played.ask("nvmlDeviceGetNvLinkRemoteDeviceType(gpu(0), 0)") == 2
        assert played.ask("nvmlDeviceGetNvLinkRemoteDeviceType(gpu(0), 1)") == 0
        assert played.ask("nvmlDeviceGetNvLinkRemotePciInfo(gpu(0), 1).busId") == "00000000:13:00.0"
        assert played.ask("[nvmlDeviceGetNvLinkErrorCounter(gpu(0), 2, kind) for kind in (0, 1)]") == [5, 0]
        ancestors = "[nvmlDeviceGetTopologyCommonAncestor(gpu(0), gpu(i)) for i in (1, 2)]"
        assert played.ask(ancestors) == [20, 50]
        one, every = played.ask(
            "[v.value.ullVal for v in nvmlDeviceGetFieldValues(gpu(0), [(138, 0), (138, 2**32 - 1)])]"
        )
        assert every >= one * 17


def test_gpm_needs_two_samples_apart(nvml: Path, tmp_path: Path) -> None:
    scene = samples.h100(tmp_path / "scene", 2).set(0, "nvmlGpmMetricsGet.5", 33.5)
    scene.set(0, "nvmlGpmMetricsGet.11", code=3).set(1, "nvmlGpmQueryDeviceSupport", 0).save()
    with Played(nvml, scene) as played:
        assert played.ask("[nvmlGpmQueryDeviceSupport(gpu(i)).isSupportedDevice for i in (0, 1)]") == [1, 0]
        played.ask("m, a, b = c_nvmlGpmMetricsGet_t(), nvmlGpmSampleAlloc(), nvmlGpmSampleAlloc()")
        for line in (
            "m.version, m.numMetrics, m.sample1, m.sample2 = 1, 3, a, b",
            "m.metrics[0].metricId, m.metrics[1].metricId, m.metrics[2].metricId = 2, 5, 11",
        ):
            played.ask(line)
        read = "[(x.nvmlReturn, x.value) for x in nvmlGpmMetricsGet(m).metrics[:3]]"
        for pause, codes in ((0.0, [21, 21, 21]), (0.12, [0, 0, 3])):
            played.ask("nvmlGpmSampleGet(gpu(0), a) and None")
            time.sleep(pause)
            played.ask("nvmlGpmSampleGet(gpu(0), b) and None")
            assert [row[0] for row in played.ask(read)] == codes
        assert [row[1] for row in played.ask(read)][:2] == [40, 33.5]


def test_hot_cases_of_the_integral() -> None:
    assert box.integral("saw:100:500:1", 0, 2.5) == pytest.approx(2 * 300 + 100 * 0.5 + 400 * 0.125)
    assert box.integral("square:0:100:2", 0.5, 3) == pytest.approx(50 + 100)
    assert box.integral(7, 1, 3) == 14
    with pytest.raises(ValueError, match="no integral"):
        box.integral("calls:1:2", 0, 1)
