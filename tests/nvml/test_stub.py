"""Each fault that the stand-in for NVML can play, seen through the real binding in a process of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.nvml import box, samples
from tests.nvml.box import ALL, Scene
from tests.nvml.played import Played

V2 = "version=nvmlMemory_v2"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "scene", 4).save()


def test_a_plain_box_answers_every_call_that_the_fields_name(nvml: Path, scene: Scene) -> None:
    calls = (
        "UtilizationRates MemoryInfo BAR1MemoryInfo PowerUsage TotalEnergyConsumption EnforcedPowerLimit "
        "PowerManagementDefaultLimit PowerManagementLimitConstraints PerformanceState "
        "CurrentClocksEventReasons EncoderUtilization DecoderUtilization JpgUtilization OfaUtilization NumFans "
        "PcieReplayCounter CurrPcieLinkGeneration MaxPcieLinkGeneration CurrPcieLinkWidth MaxPcieLinkWidth "
        "RemappedRows Name UUID Serial PersistenceMode ComputeMode VirtualizationMode EccMode MinorNumber "
        "PciInfo_v3 ComputeRunningProcesses GraphicsRunningProcesses MPSComputeRunningProcesses"
    )
    more = (
        *(f"nvmlDeviceGetTemperatureThreshold(gpu(0), {which})" for which in range(4)),
        *(f"nvmlDeviceGet{limit}ClockInfo(gpu(0), {which})" for which in range(4) for limit in ("", "Max")),
        *(f"nvmlDeviceGetTotalEccErrors(gpu(0), {kind}, {count})" for kind in (0, 1) for count in (0, 1)),
        *(f"nvmlDeviceGetNvLinkErrorCounter(gpu(0), 3, {which})" for which in range(4)),
        *(f"nvmlDeviceGetRetiredPages(gpu(0), {cause})" for cause in (0, 1)),
        *(f"nvmlDeviceGetPcieThroughput(gpu(0), {which})" for which in (0, 1)),
        *("nvmlDeviceGetTemperatureV(gpu(0), 0)", "nvmlDeviceGetFanSpeed_v2(gpu(0), 1)"),
        *("nvmlDeviceGetNvLinkState(gpu(0), 0)", f"nvmlDeviceGetMemoryInfo(gpu(0), {V2})"),
        *("nvmlDeviceGetTopologyCommonAncestor(gpu(0), gpu(1))", "nvmlDeviceGetCpuAffinity(gpu(0), 1)[0]"),
    )
    fields = (185, 186, 83, 191, 82, 74, 75, 76, 269, 270, 271, 197, 198, 138, 139, 91, 142, 145)
    with Played(nvml, scene) as played:
        for call in calls.split():
            played.ask(f"nvmlDeviceGet{call}(gpu(0))")
        for expression in more:
            played.ask(expression)
        answers = played.ask(f"[(v.fieldId, v.nvmlReturn) for v in nvmlDeviceGetFieldValues(gpu(0), {fields})]")
        assert answers == [[field, 0] for field in fields]


def test_handles_are_had_by_index_uuid_and_bus_id(nvml: Path, scene: Scene) -> None:
    with Played(nvml, scene) as played:
        assert played.ask("nvmlDeviceGetCount()") == 4
        for how in (
            "nvmlDeviceGetHandleByIndex(2)",
            f"nvmlDeviceGetHandleByUUID({box.uuid(2)!r})",
            f"nvmlDeviceGetHandleByPciBusId({box.bus_id(2)!r})",
            "nvmlDeviceGetHandleByPciBusId('00000000:12:00.0')",
        ):
            assert played.ask(f"nvmlDeviceGetUUID({how})") == box.uuid(2)
        assert played.code("nvmlDeviceGetHandleByIndex(4)") == 2


def test_the_most_exact_rule_answers(nvml: Path, scene: Scene) -> None:
    call = "nvmlDeviceGetPowerUsage"
    scene.set(ALL, call, 1).set(1, ALL, 2).set(1, call, 3).set(2, ALL, 2).save()
    with Played(nvml, scene) as played:
        assert [played.ask(f"{call}(gpu({card}))") for card in range(4)] == [1, 3, 2, 1]
        scene.clear(1, call).clear(ALL, call).save()
        time.sleep(0.01)
        assert [played.ask(f"{call}(gpu({card}))") for card in range(4)] == [300000, 2, 2, 300000]


def test_a_lost_card_is_lost_for_its_handle_too(nvml: Path, scene: Scene) -> None:
    with Played(nvml, scene) as played:
        played.ask("kept = gpu(1)")
        scene.lose(1).save()
        time.sleep(0.01)
        assert played.code("gpu(1)") == played.code("nvmlDeviceGetPowerUsage(kept)") == box.LOST
        assert played.code(f"nvmlDeviceGetHandleByUUID({box.uuid(1)!r})") == box.LOST
        assert played.ask("nvmlDeviceGetPowerUsage(gpu(0))") == 300000
        scene.clear(1, ALL).save()
        time.sleep(0.01)
        assert played.ask("nvmlDeviceGetPowerUsage(kept)") == 300000


@pytest.mark.parametrize("code", [box.MISMATCH, box.NOT_LOADED, box.UNKNOWN])
def test_init_may_fail_and_come_back(nvml: Path, scene: Scene, code: int) -> None:
    scene.set(ALL, "nvmlInit_v2", code=code, times=2).save()
    with Played(nvml, scene, init=False) as played:
        assert played.code("nvmlInit()") == played.code("nvmlInit()") == code
        assert played.code("nvmlDeviceGetCount()") == 1
        played.ask("nvmlInit()")
        assert played.ask("nvmlDeviceGetCount()") == 4


def test_without_the_library_the_binding_says_so(tmp_path: Path, scene: Scene) -> None:
    with Played(tmp_path, scene, init=False) as played:
        assert played.code("nvmlInit()") == 12


def test_a_driver_loaded_anew_needs_a_new_init(nvml: Path, scene: Scene) -> None:
    scene.set(ALL, "nvmlSystemGetDriverVersion", text="580.65.06").save()
    with Played(nvml, scene) as played:
        played.ask("kept = gpu(0)")
        scene.reload().set(ALL, "nvmlSystemGetDriverVersion", text="590.1").save()
        scene.set(ALL, "nvmlSystemGetCudaDriverVersion_v2", 13010).save()
        time.sleep(0.01)
        assert played.code("nvmlDeviceGetPowerUsage(kept)") == box.UNKNOWN
        played.ask("nvmlShutdown()")
        played.ask("nvmlInit()")
        assert played.ask("nvmlSystemGetDriverVersion()") == "590.1"
        assert played.ask("nvmlSystemGetCudaDriverVersion_v2()") == 13010
        assert played.code("nvmlDeviceGetPowerUsage(kept)") == 2, "a handle of the time before"
        assert 0 <= played.ask("nvmlDeviceGetTotalEnergyConsumption(gpu(0))") < 60 * 300000


def test_not_supported_on_a_laptop(nvml: Path, tmp_path: Path) -> None:
    with Played(nvml, samples.laptop(tmp_path / "scene").save()) as played:
        for call in (
            "NumFans(gpu(0))",
            "EnforcedPowerLimit(gpu(0))",
            "EccMode(gpu(0))",
            "TotalEnergyConsumption(gpu(0))",
            "MigMode(gpu(0))",
            "NvLinkState(gpu(0), 0)",
            "TotalEccErrors(gpu(0), 0, 0)",
        ):
            assert played.code(f"nvmlDeviceGet{call}") == box.NOT_SUPPORTED, call
        assert played.ask("nvmlDeviceGetUtilizationRates(gpu(0))") == {"gpu": 50, "memory": 25}
        codes = "[v.nvmlReturn for v in nvmlDeviceGetFieldValues(gpu(0), [186, 83, 197, 74])]"
        assert played.ask(codes) == [3, 3, 3, 0], "each field has its own code"


def test_unified_memory_has_no_memory_information(nvml: Path, tmp_path: Path) -> None:
    with Played(nvml, samples.gb10(tmp_path / "scene").save()) as played:
        assert played.code("nvmlDeviceGetMemoryInfo(gpu(0))") == box.NOT_SUPPORTED
        assert played.code(f"nvmlDeviceGetMemoryInfo(gpu(0), {V2})") == box.NOT_SUPPORTED


def test_mig_hides_what_belongs_to_instances(nvml: Path, tmp_path: Path) -> None:
    scene = samples.mig(tmp_path / "scene").set("0/1", "memory.used", 123).save()
    memory = f"nvmlDeviceGetMemoryInfo(nvmlDeviceGetMigDeviceHandleByIndex(gpu(0), {{}}), {V2}).{{}}"
    with Played(nvml, scene) as played:
        assert played.ask("nvmlDeviceGetMigMode(gpu(0))") == [1, 1]
        assert played.ask("nvmlDeviceGetMigMode(gpu(1))") == [0, 0]
        for call in ("UtilizationRates(gpu(0))", "EncoderUtilization(gpu(0))", "ProcessUtilization(gpu(0), 0)"):
            assert played.code(f"nvmlDeviceGet{call}") == box.NOT_SUPPORTED
        assert played.code("nvmlDeviceGetComputeRunningProcesses(gpu(0))") == box.NO_PERMISSION
        played.ask("one = nvmlDeviceGetMigDeviceHandleByIndex(gpu(0), 1)")
        assert played.ask("nvmlDeviceGetUUID(one)") == box.uuid("0/1")
        assert played.ask(f"nvmlDeviceGetUUID(nvmlDeviceGetHandleByUUID({box.uuid('0/1')!r}))") == box.uuid("0/1")
        assert played.ask("nvmlDeviceIsMigDeviceHandle(one).value") == 1
        assert played.ask("nvmlDeviceGetUUID(nvmlDeviceGetDeviceHandleFromMigDeviceHandle(one))") == box.uuid(0)
        assert played.ask("nvmlDeviceGetGpuInstanceId(one)") == 2
        assert played.ask(memory.format(1, "used")) == 123
        assert played.ask(memory.format(0, "total")) == (80 << 30) // 3
        assert [p["pid"] for p in played.ask("nvmlDeviceGetComputeRunningProcesses(one)")] == [1_000_002]
        assert played.code("nvmlDeviceGetPowerUsage(one)") == box.NOT_SUPPORTED
        assert played.code("nvmlDeviceGetMigDeviceHandleByIndex(gpu(0), 3)") == 6


def test_one_of_two_cards_is_forbidden(nvml: Path, scene: Scene) -> None:
    scene.set(1, ALL, code=box.NO_PERMISSION).set(2, ALL, code=17).save()
    with Played(nvml, scene) as played:
        assert [played.code("gpu(1)"), played.code("gpu(2)")] == [4, 17]
        assert played.ask("nvmlDeviceGetPowerUsage(gpu(0))") == 300000


def test_count_and_order_change(nvml: Path, tmp_path: Path) -> None:
    scene = Scene(tmp_path / "scene", 8).save()
    uuids = "[nvmlDeviceGetUUID(gpu(i)) for i in range(nvmlDeviceGetCount())]"
    with Played(nvml, scene) as played:
        played.ask("kept = gpu(7)")
        for order in ([0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0, 6, 7]):
            scene.cards = order
            scene.save()
            time.sleep(0.01)
            assert played.ask(uuids) == [box.uuid(card) for card in order]
            if 7 not in order:
                assert played.code("nvmlDeviceGetPowerUsage(kept)") == box.LOST
        assert played.ask("nvmlDeviceGetIndex(kept)") == 7


@pytest.mark.parametrize("where", ["call", "init", "handle", "wait"])
def test_a_call_hangs_until_the_scene_lets_it_go(nvml: Path, scene: Scene, tmp_path: Path, where: str) -> None:
    hanging: dict[str, tuple[int | str, str, str]] = {
        "call": (2, "nvmlDeviceGetUtilizationRates", "nvmlDeviceGetUtilizationRates(gpu(2))"),
        "init": (ALL, "nvmlInit_v2", "nvmlInit()"),
        "handle": (2, "nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetUUID(gpu(2))"),
        "wait": (ALL, "nvmlEventSetWait_v2", "time.sleep(0) or nvmlEventSetWait_v2(nvmlEventSetCreate(), 0)"),
    }
    card, function, ask = hanging[where]
    scene.set(card, function, hang=30).save()
    log = tmp_path / "log"
    with Played(nvml, scene, log, init=where != "init") as played:
        played.send(ask)
        assert not played.ready(0.3)
        assert [called.code for called in box.calls(log) if called.function == function] == ["hangs"]
        scene.set(card, function, hang=0).save()
        assert played.answer(2.0).get("code") == (10 if where == "wait" else None)


def test_a_hanging_card_does_not_hold_the_others(nvml: Path, scene: Scene) -> None:
    scene.set(2, "nvmlDeviceGetPowerUsage", hang=30).save()
    with Played(nvml, scene) as played:
        played.ask("threading.Thread(target=nvmlDeviceGetPowerUsage, args=(gpu(2),), daemon=True).start()")
        began = time.monotonic()
        assert [played.ask(f"nvmlDeviceGetPowerUsage(gpu({card}))") for card in (0, 1, 3)] == [300000] * 3
        assert time.monotonic() - began < 5.0


GARBAGE = {
    "4294967295": 2**32 - 1,
    "18446744073709551615": 2**64 - 1,
    "-1": 2**64 - 1,
    "101": 101,
    "0": 0,
}


@pytest.mark.parametrize("value", GARBAGE)
def test_numbers_that_cannot_be_true(nvml: Path, scene: Scene, value: str) -> None:
    scene.set(0, ALL, value).save()
    whole = GARBAGE[value]
    with Played(nvml, scene) as played:
        assert played.ask("nvmlDeviceGetUtilizationRates(gpu(0)).gpu") == whole % 2**32
        assert played.ask("nvmlDeviceGetTotalEnergyConsumption(gpu(0))") == whole
        assert played.ask("nvmlDeviceGetMemoryInfo(gpu(0)).total") == whole
        assert played.ask("nvmlDeviceGetFieldValues(gpu(0), [197])[0].value.ullVal") == whole


def test_counters_that_go_backwards_and_values_that_change_with_each_call(nvml: Path, scene: Scene) -> None:
    energy = "nvmlDeviceGetTotalEnergyConsumption"
    scene.set(0, energy, "grow:1000000:-1000").set(1, energy, "cycle:5:4294967295:-1").set(2, energy, "calls:7:3")
    scene.save()
    with Played(nvml, scene) as played:
        first = played.ask(f"{energy}(gpu(0))")
        time.sleep(0.01)
        assert played.ask(f"{energy}(gpu(0))") < first
        assert [played.ask(f"{energy}(gpu(1))") for _ in range(4)] == [5, 2**32 - 1, 2**64 - 1, 5]
        assert [played.ask(f"{energy}(gpu(2))") for _ in range(3)] == [7, 10, 13]


def test_texts_that_are_none(nvml: Path, scene: Scene) -> None:
    name = "nvmlDeviceGetName"
    scene.set(0, name, text=b"bad \xff\xfe").set(1, name, text="\x1b]0;owned\x07").set(2, name, text="").save()
    with Played(nvml, scene) as played:
        played.send("nvmlDeviceGetName(gpu(0))")
        assert played.answer() == {"code": "unicode"}, "the binding itself gives up"
        assert played.ask("nvmlDeviceGetName(gpu(1))") == "\x1b]0;owned\x07"
        assert played.ask("nvmlDeviceGetName(gpu(2))") == ""


def test_processes_of_a_card(nvml: Path, scene: Scene) -> None:
    scene.process(0, 41, 5 << 30, sm=60, mem=20).process(0, 42, None, "G").process(0, 2**32 - 1, 1, "M").save()
    with Played(nvml, scene) as played:
        rows = played.ask("nvmlDeviceGetComputeRunningProcesses(gpu(0))")
        assert [(row["pid"], row["usedGpuMemory"]) for row in rows] == [(41, 5 << 30)]
        assert played.ask("nvmlDeviceGetGraphicsRunningProcesses(gpu(0))[0].usedGpuMemory") is None
        assert played.ask("nvmlDeviceGetMPSComputeRunningProcesses(gpu(0))[0].pid") == 2**32 - 1
        used = played.ask("nvmlDeviceGetProcessUtilization(gpu(0), 0)")
        assert [(row["pid"], row["smUtil"], row["memUtil"]) for row in used] == [(41, 60, 20)]
        assert abs(used[0]["timeStamp"] / 1e6 - time.time()) < 5.0
        assert played.code(f"nvmlDeviceGetProcessUtilization(gpu(0), {10**18})") == 6, "none newer: idle"
        assert played.ask("nvmlDeviceGetProcessesUtilizationInfo(gpu(0), 0)[0].smUtil") == 60
        assert played.code("nvmlDeviceGetProcessUtilization(gpu(1), 0)") == 6
        scene.exit(41).save()
        time.sleep(0.01)
        assert played.ask("nvmlDeviceGetComputeRunningProcesses(gpu(0))") == []


def test_a_list_that_grows_between_the_two_calls(nvml: Path, scene: Scene) -> None:
    scene.process(0, 41, sm=1).process(1, 42)
    for call in ("nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetProcessUtilization"):
        scene.set(0, call, code=7).set(1, call, code=7, times=2)
    scene.save()
    with Played(nvml, scene) as played:
        for _ in range(4):
            assert played.code("nvmlDeviceGetComputeRunningProcesses(gpu(0))") == 7
        assert played.code("nvmlDeviceGetProcessUtilization(gpu(0), 0)") == 7
        for _ in range(2):
            assert played.code("nvmlDeviceGetComputeRunningProcesses(gpu(1))") == 7
        assert played.ask("nvmlDeviceGetComputeRunningProcesses(gpu(1))[0].pid") == 42


def test_success_with_nothing_is_an_error_of_code_0_in_the_binding(nvml: Path, scene: Scene) -> None:
    scene.process(0, 41, sm=1).set(0, "nvmlDeviceGetProcessUtilization", 0).save()
    with Played(nvml, scene) as played:
        assert played.code("nvmlDeviceGetProcessUtilization(gpu(0), 0)") == 0


@pytest.mark.usefixtures("nvml")  # skips without a compiler
def test_an_old_driver_lacks_symbols(scene: Scene, tmp_path: Path) -> None:
    gone = ("nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetFieldValues")
    old = box.build(tmp_path / "old", gone)
    with Played(old, scene) as played:
        assert played.code("nvmlDeviceGetComputeRunningProcesses_v3(gpu(0))") == 13
        assert played.code(f"nvmlDeviceGetMemoryInfo(gpu(0), {V2})") == 13
        assert played.code("nvmlDeviceGetFieldValues(gpu(0), [186])") == 13
        assert played.ask("nvmlDeviceGetComputeRunningProcesses_v2(gpu(0))") == []
        assert played.ask("nvmlDeviceGetMemoryInfo(gpu(0)).total") == 80 << 30


def test_a_wrong_struct_version_is_refused(nvml: Path, scene: Scene) -> None:
    with Played(nvml, scene) as played:
        assert played.code("nvmlDeviceGetMemoryInfo(gpu(0), version=1)") == 25


def test_a_child_of_fork_gets_nothing(nvml: Path, scene: Scene) -> None:
    code = """
import os
from pynvml import *
nvmlInit()
handle = nvmlDeviceGetHandleByIndex(0)
if os.fork():
    os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
try:
    nvmlDeviceGetPowerUsage(handle)
except NVMLError as error:
    os._exit(77 if error.value == 999 else 1)
os._exit(0)
"""
    env = {**os.environ, **box.environment(nvml, scene.path)}
    assert subprocess.run([sys.executable, "-c", code], env=env, check=False).returncode == 77


def test_a_handle_that_was_never_had_kills_as_in_the_real_library(nvml: Path, scene: Scene) -> None:
    with Played(nvml, scene) as played:
        played.send("nvmlDeviceGetPowerUsage(c_nvmlDevice_t())")
        assert played.process.wait(10) == -signal.SIGSEGV


def test_the_log_tells_which_card_was_touched_and_the_touch_wakes_it(
    nvml: Path, scene: Scene, tmp_path: Path
) -> None:
    status = tmp_path / "runtime_status"
    status.write_text("suspended\n")
    scene.set(1, ALL, wake=status).save()
    log = tmp_path / "log"
    with Played(nvml, scene, log) as played:
        played.ask("nvmlDeviceGetPowerUsage(gpu(0))")
        assert status.read_text() == "suspended\n"
        assert not [called for called in box.calls(log) if called.gpu == "1"]
        played.ask("gpu(1)")
        assert status.read_text() == "active\n"
    last = box.calls(log)[-1]
    assert (last.function, last.gpu, last.code) == ("nvmlDeviceGetHandleByIndex_v2", "1", "0")
    assert abs(last.boottime_s - box.boottime()) < 30.0


def test_shutting_down_under_a_call_is_noted(nvml: Path, scene: Scene, tmp_path: Path) -> None:
    scene.set(0, "nvmlDeviceGetPowerUsage", hang=30).save()
    log = tmp_path / "log"
    with Played(nvml, scene, log) as played:
        played.ask("threading.Thread(target=nvmlDeviceGetPowerUsage, args=(gpu(0),), daemon=True).start()")
        played.ask("time.sleep(0.05) or nvmlShutdown()")
    assert [called.code for called in box.calls(log) if called.function == "nvmlShutdown"] == ["busy", "0"]


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


def test_a_big_box_is_cheap_to_ask(nvml: Path, tmp_path: Path) -> None:
    scene = samples.box(tmp_path / "scene", 16, processes=64).save()
    cost = """
def ask():
    handles = [gpu(i) for i in range(16)]
    began = time.process_time()
    for _ in range(20):
        for handle in handles:
            nvmlDeviceGetUtilizationRates(handle)
            nvmlDeviceGetMemoryInfo(handle)
            nvmlDeviceGetFieldValues(handle, [83, 185, 186])
    return (time.process_time() - began) / (20 * 16 * 3)
"""
    with Played(nvml, scene) as played:
        played.ask(f"exec({cost!r}, globals())")
        assert played.ask("ask()") < 200e-6, "the stand-in must not be what is measured"
        assert len(played.ask("nvmlDeviceGetComputeRunningProcesses(gpu(15))")) == 64


def test_threads_see_one_scene_or_the_next_never_a_mixture(nvml: Path, scene: Scene) -> None:
    read = "nvmlDeviceGetFieldValues.197", "nvmlDeviceGetFieldValues.198"
    ask = """
def follow(seen, card):
    while not stop:
        a, b = nvmlDeviceGetFieldValues(gpu(card), [197, 198])
        seen.add((a.value.ullVal, b.value.ullVal))
"""
    with Played(nvml, scene.set(ALL, read[0], 0).set(ALL, read[1], 0).save()) as played:
        played.ask(f"stop, seen = False, set(); exec({ask!r}, globals())")
        played.ask("threads = [threading.Thread(target=follow, args=(seen, i % 4)) for i in range(8)]")
        played.ask("[thread.start() for thread in threads]")
        for number in range(1, 60):
            scene.set(ALL, read[0], number).set(ALL, read[1], number).save()
            time.sleep(0.006)
        seen = played.ask("globals().update(stop=True) or [t.join() for t in threads] and sorted(seen)")
    assert len(seen) > 5
    assert all(one == other for one, other in seen)


def test_a_box_of_garbage_answers_everything_somehow(nvml: Path, tmp_path: Path) -> None:
    scene = samples.garbage(tmp_path / "scene", 0)
    with Played(nvml, scene.save()) as played:
        for seed in range(20):
            # The same file, so that the process that plays it goes from box to box.
            new = samples.garbage(tmp_path / "scene", seed)
            new.boot, new.start = scene.boot, scene.start
            new.save()
            time.sleep(0.01)
            assert played.ask("nvmlDeviceGetUtilizationRates(gpu(0)).gpu") == 50
            for card in range(1, 4):
                for call in samples.READINGS:
                    name = call.partition(".")[0]
                    if name.startswith("nvmlDeviceGet") and call == name:
                        played.send(f"pynvml.{name.removesuffix('_v2')}(gpu({card}))")
                        played.answer()
    assert (
        samples.garbage(tmp_path / "x", 3).text().split("\n", 1)[1]
        == (samples.garbage(tmp_path / "y", 3).text().split("\n", 1)[1])
    )


def test_hot_cases_of_the_integral() -> None:
    assert box.integral("saw:100:500:1", 0, 2.5) == pytest.approx(2 * 300 + 100 * 0.5 + 400 * 0.125)
    assert box.integral("square:0:100:2", 0.5, 3) == pytest.approx(50 + 100)
    assert box.integral(7, 1, 3) == 14
    with pytest.raises(ValueError, match="no integral"):
        box.integral("calls:1:2", 0, 1)
