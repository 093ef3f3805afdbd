"""Open files on a GPU: what they say, whose they are, how much of the time they used."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gpu_files import AMD_BUS, ARC_BUS, amd_client, process, xe_client
from tests.unit.kernel_files import at, parse_or_refuse
from wftui.collectors.gpu_clients import Clients
from wftui.collectors.gpu_fdinfo import Client, Engine, Found, Scanner, parse_fdinfo
from wftui.collectors.gpu_kfd import Kfd
from wftui.collectors.gpu_metrics_table import Metrics, parse_metrics
from wftui.collectors.nvml.frames import Process
from wftui.errors import SourceFormatError

I915 = b"""pos:\t0
flags:\t0100002
drm-driver: i915
drm-pdev:\t0000:00:02.0
drm-client-id:\t7
drm-engine-render:\t9288864723 ns
drm-engine-copy:\t2035071108 ns
drm-engine-video:\t0 ns
drm-engine-capacity-video:\t2
drm-total-system0:\t232411136
drm-resident-system0:\t119 MiB
drm-resident-stolen-system0:\t1048576
"""


def found(clients: dict[tuple[str, int], tuple[int, Client]]) -> Found:
    return Found(clients, 0, whole=True)


def client(number: int, bus: str = AMD_BUS, **engines: int) -> Client:
    parsed = parse_fdinfo(amd_client(number, bus, vram_kib=1024, **engines).encode())
    assert parsed is not None
    return parsed


def test_text_of_three_drivers() -> None:
    assert parse_fdinfo(I915) == Client(
        "0000:00:02.0",
        7,
        {"render": Engine(9288864723, None, 1), "copy": Engine(2035071108, None, 1), "video": Engine(0, None, 2)},
        None,
        (119 << 20) + 1048576,
    )
    assert parse_fdinfo(amd_client(9, vram_kib=2048, gtt_kib=4, gfx=5).encode()) == Client(
        AMD_BUS, 9, {"gfx": Engine(5, None, 1)}, 2 << 20, 4096
    )
    assert parse_fdinfo(xe_client(3, 10, 40, 1000, 512).encode()) == Client(
        ARC_BUS, 3, {"rcs": Engine(10, 1000, 1), "ccs": Engine(40, 1000, 4)}, 512 << 10, 0
    )


def test_a_file_that_is_none_of_a_gpu() -> None:
    assert parse_fdinfo(b"pos:\t0\nflags:\t02\n") is None
    assert parse_fdinfo(b"drm-driver:\tnvidia-drm\n") is None


@pytest.mark.parametrize(
    "line", ["drm-engine-gfx:\t-5 ns", "drm-memory-vram:\t5 KB", f"drm-engine-gfx:\t{2**64} ns"]
)
def test_numbers_that_are_none(line: str) -> None:
    with pytest.raises(SourceFormatError, match="fdinfo"):
        parse_fdinfo(f"drm-client-id:\t1\n{line}\n".encode())


@given(st.binary())
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    parse_or_refuse((parse_fdinfo, lambda text: parse_fdinfo(b"drm-client-id:\t1\n" + text), parse_metrics), data)


@given(
    st.integers(0, 2**40),
    st.dictionaries(st.sampled_from(["gfx", "compute", "enc_1", "dec"]), st.integers(0, 2**62)),
    st.integers(0, 2**40),
)
def test_what_amdgpu_prints_comes_back(number: int, engines: dict[str, int], kib: int) -> None:
    text = amd_client(number, vram_kib=kib) + "".join(
        f"drm-engine-{name}:\t{ns} ns\n" for name, ns in engines.items()
    )
    parsed = parse_fdinfo(text.encode())
    assert parsed is not None
    assert (parsed.number, parsed.own) == (number, kib * 1024)
    assert {name: engine.busy for name, engine in parsed.engines.items()} == engines


def test_shares_of_the_time_between_two_rounds() -> None:
    clients = Clients()
    key = (AMD_BUS, 1)
    first, busy = clients.take(found({key: (50, client(1, gfx=10**9))}), {}, frozenset(), at(0))
    assert first == {AMD_BUS: [Process(50, kind="G", memory=1 << 20)]}, "of its time nothing is known yet"
    assert busy == {}
    now = client(1, gfx=2 * 10**9, enc=2 * 10**8, compute=5 * 10**8)
    second, busy = clients.take(found({key: (50, now)}), {}, frozenset(), at(4))
    assert second == {AMD_BUS: [Process(50, kind="C+G", memory=1 << 20, sm=25.0, enc=5.0)]}
    assert busy == {AMD_BUS: 0.25}


def test_a_lower_value_is_the_driver_catching_up() -> None:
    clients = Clients()
    key = (AMD_BUS, 1)
    shares = []
    for second, ns in enumerate((0, 10**9, 9 * 10**8, 15 * 10**8)):
        processes, _ = clients.take(found({key: (50, client(1, gfx=ns))}), {}, frozenset(), at(second))
        shares.append(processes[AMD_BUS][0].sm)
    assert shares == [None, 100.0, 0.0, 50.0]


def test_cycles_of_several_engines_of_a_kind() -> None:
    clients = Clients()

    def take(rcs: int, ccs: int, total: int, second: int) -> tuple[dict[str, list[Process]], dict[str, float]]:
        parsed = parse_fdinfo(xe_client(3, rcs, ccs, total).encode())
        assert parsed is not None
        return clients.take(found({(ARC_BUS, 3): (50, parsed)}), {}, frozenset(), at(second))

    take(0, 0, 1000, 0)
    processes, busy = take(100, 2000, 2000, 5)
    assert processes[ARC_BUS][0].sm == 50.0, "two of four compute engines"
    assert busy == {ARC_BUS: 0.5}
    assert take(100, 2000, 2000, 10)[0][ARC_BUS][0].sm is None, (
        "no cycle passed: powered down, or a frozen counter"
    )


def test_processes_of_rocm_tell_memory_but_no_time() -> None:
    clients = Clients()
    key = (AMD_BUS, 1)
    rocm = {AMD_BUS: {50: 8 << 30, 60: 1 << 30}}
    clients.take(found({key: (50, client(1))}), rocm, frozenset(), at(0))
    processes, _ = clients.take(found({key: (50, client(1))}), rocm, frozenset(), at(5))
    assert processes[AMD_BUS] == [Process(50, kind="C", memory=8 << 30), Process(60, kind="C", memory=1 << 30)]


def test_unified_memory_counts_the_systems() -> None:
    parsed = parse_fdinfo(I915)
    assert parsed is not None
    for unified, size in ((frozenset({"0000:00:02.0"}), parsed.system), (frozenset[str](), None)):
        processes, _ = Clients().take(found({("0000:00:02.0", 7): (50, parsed)}), {}, unified, at(0))
        assert processes["0000:00:02.0"][0].memory == size


def test_files_that_are_shared_count_once(tmp_path: Path) -> None:
    text = amd_client(5, gfx=1)
    process(tmp_path, 100, {3: ("/dev/dri/renderD128", text), 4: ("/dev/dri/card0", text), 5: ("/dev/null", "")})
    process(tmp_path, 200, {7: ("/dev/dri/renderD128", text)}, name="child")
    process(tmp_path, 300, {3: ("/dev/dri/renderD129", amd_client(6, ARC_BUS))})
    process(tmp_path, 400, {3: ("/dev/dri/renderD128", "drm-client-id:\tx\n")})
    scanner = Scanner(str(tmp_path / "proc"))
    for _ in range(2):
        seen = scanner.scan({"card0", "renderD128"}, {AMD_BUS})
        assert {key: pid for key, (pid, _) in seen.clients.items()} == {(AMD_BUS, 5): 100}
        assert seen.whole


def test_files_of_a_card_that_may_not_be_asked_stay_closed(tmp_path: Path) -> None:
    process(tmp_path, 100, {3: ("/dev/dri/renderD128", amd_client(5))})
    info = tmp_path / "proc/100/fdinfo/3"
    info.unlink()
    info.mkdir()  # reading it would be an error, which is the same as no client
    assert Scanner(str(tmp_path / "proc")).scan(set(), set()).clients == {}


def test_a_round_out_of_time_goes_on_where_it_ended(tmp_path: Path) -> None:
    for pid in range(100, 110):
        process(tmp_path, pid, {3: ("/dev/dri/renderD128", amd_client(pid))} if pid in (103, 108) else {})
    clock = [0]

    def tick() -> int:
        clock[0] += 1_000_000
        return clock[0]

    scanner = Scanner(str(tmp_path / "proc"), budget_s=0.0035, now_ns=tick)
    rounds = []
    for _ in range(5):
        seen = scanner.scan({"renderD128"}, {AMD_BUS})
        rounds.append(sorted(pid for pid, _ in seen.clients.values()))
    assert rounds[0] == []
    assert rounds[-1] == [103, 108], "a holder that was found once is asked in every round"


def test_memory_of_rocm_by_card(tmp_path: Path) -> None:
    root = tmp_path / "class/kfd/kfd"
    files = {
        "topology/nodes/0/gpu_id": "0\n",
        "topology/nodes/0/properties": "cpu_cores_count 16\nlocation_id 0\n",
        "topology/nodes/1/gpu_id": "51234\n",
        "topology/nodes/1/properties": "simd_count 192\nlocation_id 768\ndomain 0\n",
        "topology/nodes/2/gpu_id": "1\n",
        "topology/nodes/2/properties": "simd_count 192\n",
        "proc/4242/vram_51234": f"{3 << 30}\n",
        "proc/4242/pasid": "32770\n",
        "proc/77/vram_51234": "no number\n",
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    kfd = Kfd(str(tmp_path))
    nodes = kfd.nodes()
    assert nodes == {"51234": AMD_BUS}
    assert kfd.memory(nodes) == {AMD_BUS: {4242: 3 << 30}}
    assert Kfd(str(tmp_path / "none")).memory(Kfd(str(tmp_path / "none")).nodes()) == {}


def test_the_binary_table() -> None:
    dgpu = bytearray(b"\xff" * 120)
    dgpu[:4] = (120).to_bytes(2, "little") + bytes((1, 3))
    told = parse_metrics(bytes(dgpu))
    assert told == (False, None, None), "all ones: the chip tells nothing"
    dgpu[24:32] = (65536 * 5000).to_bytes(8, "little")
    dgpu[112:120] = (1 << 0 | 1 << 36).to_bytes(8, "little")
    assert parse_metrics(bytes(dgpu)) == Metrics(False, 5000.0, frozenset({"power_cap", "sw_thermal"}))
    apu = (128).to_bytes(2, "little") + bytes((2, 2)) + bytes(116) + (1 << 47).to_bytes(8, "little")
    assert parse_metrics(apu) == Metrics(True, None, frozenset({"hw_thermal"}))
    assert parse_metrics(apu[:50]) is None
    assert parse_metrics(bytes((4, 0, 9, 0))) is None
