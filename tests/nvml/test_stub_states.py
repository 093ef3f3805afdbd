"""Cards and drivers that hang, fall off, are forbidden, come and go in the stand-in for NVML."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.nvml import box
from tests.nvml.box import ALL, Scene
from tests.nvml.played import Played

V2 = "version=nvmlMemory_v2"


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
