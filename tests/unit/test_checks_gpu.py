"""The area ``gpu`` of `wftop doctor`: each state with its fix, and what the calls cost."""

import pytest

from tests.unit.test_once import known, state
from wftui.cli import checks_gpu
from wftui.cli.checks import BAD, OK, WARN, Check
from wftui.model import gpus as cells
from wftui.model.health import Health
from wftui.model.sample import Column, column
from wftui.model.table import Cell, Row

T0 = 1_790_000_000 * 10**9


def row(uuid: str, index: int | None, **changes: Cell) -> Row:
    made: list[Cell] = [None] * len(cells.GPUS.columns)
    fair: dict[str, Cell] = {
        "UUID": uuid, "INDEX": index, "VENDOR": "nvidia", "NAME": "NVIDIA H200", "BUS": "0000:3b:00.0",
        "STATE": "ok", "ENERGY_SOURCE": "counter", "DRIVER": "580.65.06", "CUDA": "13.0",
    }  # fmt: skip
    for name, value in {**fair, **changes}.items():
        made[getattr(cells, name)] = value
    return tuple(made)


def looked(
    *rows: Row, health: tuple[Health, ...] = (), values: tuple[tuple[Column, float], ...] = ()
) -> list[Check]:
    tables = {"gpus": (cells.GPUS, {str(item[cells.UUID]): item for item in rows})} if rows else {}
    return checks_gpu.gpu(state(time_ns=T0, tables=tables, health=list(health), values=known(*values)))


def series(name: str, stat: str = "", **labels: str) -> Column:
    return column("gpu", name, labels, call="test", stat=stat)


def test_a_box_without_gpus_says_why_and_no_more() -> None:
    (only,) = looked(health=(Health("cpu", "ok"), Health("gpu", "absent", "no NVIDIA GPU")))
    assert (only.area, only.name, only.state, only.text) == ("gpu", "NVIDIA", OK, "absent: no NVIDIA GPU")
    assert looked() == []


def test_a_card_that_nothing_reads_is_a_warning() -> None:
    health = (Health("gpu", "absent", "the NVIDIA driver is not loaded", "modprobe nvidia"),)
    count = "hw.gpu.count"
    (only,) = looked(health=health, values=((series(count, device="nvidia"), 2.0),))
    assert (only.state, only.fix) == (WARN, "modprobe nvidia")
    for values in (((series(count, device="nvidia"), 0.0),), ((series(count, device="amd"), 1.0),)):
        assert looked(health=health, values=values)[0].state == OK


def test_a_mismatch_is_bad_and_has_its_fix() -> None:
    health = Health("gpu", "failed", "driver updated, library not: reboot", "sudo reboot")
    (only,) = looked(health=(health,))
    assert (only.state, only.fix) == (BAD, "sudo reboot")


def test_the_library_with_its_driver() -> None:
    first, card = looked(row("GPU-1", 0), health=(Health("gpu", "ok"),))
    assert first.text == "ok; driver 580.65.06, CUDA 13.0"
    assert (card.name, card.state) == ("GPU 0", OK)
    assert card.text == "NVIDIA H200 ok, energy measured, ±5 %"


@pytest.mark.parametrize(
    ("now", "verdict"),
    [("ok", OK), ("asleep", OK), ("stuck", BAD), ("lost", BAD), ("failed", BAD), ("denied", WARN),
     ("unsupported", WARN), ("of a later version", WARN)],
)  # fmt: skip
def test_each_state_of_a_gpu(now: str, verdict: str) -> None:
    (card,) = looked(row("GPU-1", 3, STATE=now, REASON="why", FIX="do this", SINCE=T0 - 12 * 10**9))
    assert (card.name, card.state, card.fix) == ("GPU 3", verdict, "do this")
    assert card.text.startswith(f"NVIDIA H200 {now}: why")
    assert ("since 12 s" in card.text) is (now != "ok")


def test_what_holds_it_back_and_what_it_lacks() -> None:
    (card,) = looked(
        row(
            "GPU-1", 0, THROTTLED="idle,sw_thermal,power_cap", ENERGY_SOURCE="average", UNAVAILABLE="fan_fan0,ecc",
            MEMORY_KIND="unified", LAST_XID=79, LAST_XID_TIME=T0 - 7200 * 10**9,
        )
    )  # fmt: skip
    assert card.state == WARN
    assert "held back: hot: driver lowers clocks, power limit reached" in card.text
    assert "energy estimated from average power" in card.text
    assert "Xid 79 2h 00m ago" in card.text
    assert "uses the system's memory" in card.text
    assert "not offered: fan_fan0, ecc" in card.text


def test_harmless_reasons_and_an_old_xid_are_no_warning() -> None:
    (card,) = looked(
        row("GPU-1", 0, THROTTLED="idle,app_clocks", LAST_XID=13, LAST_XID_TIME=T0 - 3 * 86_400 * 10**9)
    )
    assert card.state == OK
    assert "held back" not in card.text


def test_no_energy_reading_is_said() -> None:
    (card,) = looked(row("GPU-1", 0, ENERGY_SOURCE=""))
    assert "no energy reading" in card.text


def test_they_come_in_the_order_of_their_numbers_a_lost_one_last() -> None:
    found = looked(
        row("GPU-c", None, STATE="lost"), row("GPU-b", 10), row("GPU-a", 2), row("MIG-a", 2, PARENT="GPU-a")
    )
    assert [item.name for item in found] == ["GPU 2", "MIG of GPU 2", "GPU 10", "GPU at 0000:3b:00.0"]


def test_broken_memory() -> None:
    rows = "hw.gpu.memory.remapped_rows"
    pending = (series(rows, gpu="GPU-1", mode="pending"), 1.0), (series(rows, gpu="GPU-1", mode="failure"), 0.0)
    _, memory = looked(row("GPU-1", 0), values=pending)
    assert (memory.state, memory.fix) == (
        WARN,
        "sudo nvidia-smi --gpu-reset -i 0000:3b:00.0, when nothing uses it",
    )
    _, memory = looked(row("GPU-1", 0), values=((series(rows, gpu="GPU-1", mode="failure"), 1.0),))
    assert memory.state == BAD
    assert len(looked(row("GPU-1", 0), values=((series(rows, gpu="GPU-1", mode="failure"), 0.0),))) == 1


def test_the_worker_and_its_slowest_calls() -> None:
    calls = "wftop.gpu.call.duration"
    slow = [
        ("nvmlDeviceGetA", 2e-6, 4e-6),
        ("nvmlDeviceGetB", 1e-3, 5e-3),
        ("nvmlC", 1e-6, 1e-6),
        ("nvmlD", 3e-6, 9e-6),
    ]
    values = [
        (series("wftop.cpu.utilization", source="gpu.worker"), 0.004),
        (series("wftop.memory.usage", source="gpu.worker"), 16 * 2.0**20),
        *((series(calls, "p50", source=name), p50) for name, p50, _ in slow),
        *((series(calls, "p99", source=name), p99) for name, _, p99 in slow),
    ]
    _, worker, spent = looked(health=(Health("gpu", "ok", interval_s=0.1),), values=tuple(values))
    assert worker.state == OK
    assert "16.0 MiB" in worker.text
    assert "reads 10 times a second" in worker.text
    assert spent.text.startswith("4 kinds, the slowest by p50 / p99: nvmlDeviceGetB ")
    assert "nvmlC" not in spent.text
    over, *_ = looked(values=((series("wftop.memory.usage", source="gpu.worker"), 30 * 2.0**20),))
    assert over.state == WARN


def test_cpu_energy_that_is_closed() -> None:
    health = Health("energy", "denied", "/sys/class/powercap: Permission denied", "sudo chmod o+r …")
    (only,) = looked(health=(health,))
    assert (only.name, only.state, only.fix) == ("CPU energy", WARN, "sudo chmod o+r …")
