"""What the stand-in for NVML answers, right and wrong, through the real binding in a process of its own."""

import time
from pathlib import Path

import pytest

from tests.nvml import box, samples
from tests.nvml.box import ALL, Scene
from tests.nvml.played import Played

V2 = "version=nvmlMemory_v2"


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
