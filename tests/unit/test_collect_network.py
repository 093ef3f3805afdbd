"""Network interfaces and links."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.kernel_files import PROC, at, parse_or_refuse, plant, values
from wftui.collectors.network import Links, Network, parse_net_dev
from wftui.errors import SourceUnavailableError
from wftui.model.sample import Scrape

HEAD = (
    "Inter-|   Receive                            |  Transmit\n"
    " face |bytes    packets errs drop fifo frame |bytes    packets errs\n"
)
counts = st.lists(st.integers(0, 2**64), min_size=16, max_size=16)


def dev(**interfaces: tuple[int, int]) -> str:
    return HEAD + "".join(
        f"{name:>6}: {received} 10 1 2 0 0 0 0 {sent} 20 3 4 0 0 0 0\n"
        for name, (received, sent) in interfaces.items()
    )


@given(st.dictionaries(st.from_regex(r"[a-zA-Z0-9@.:-]{1,15}", fullmatch=True), counts, max_size=6), st.booleans())
def test_net_dev_round_trips(interfaces: dict[str, list[int]], tight: bool) -> None:
    blank = "" if tight else " "  # old kernels print no blank after the colon
    lines = [f"{name}:{blank}{' '.join(map(str, n))}\n" for name, n in interfaces.items()]
    found = parse_net_dev((HEAD + "".join(lines)).encode())
    assert found == {name.encode(): (*n[:4], *n[8:12]) for name, n in interfaces.items()}


@given(st.binary(max_size=300))
def test_any_bytes_parse_or_raise_ours(data: bytes) -> None:
    parse_or_refuse((parse_net_dev,), data)
    parse_or_refuse((parse_net_dev,), HEAD.encode() + data)


def interfaces(scrape: Scrape) -> set[str]:
    return {sample.column.series.label("interface") for sample in scrape.samples} - {""}


def test_real_machine(tmp_path: Path) -> None:
    plant(tmp_path, {"class/net/eth0/device/vendor": ""})
    scrape = Network(PROC, tmp_path).collect(at(0))
    assert interfaces(scrape) == {"eth0"}  # not ifb0, ifb1: they carry what eth0 counted
    found = values(scrape)
    assert found["system.network.loopback.io"] > 0
    assert found['system.network.io{direction="receive",interface="eth0"}'] > 0
    assert not any("throughput" in name for name in found)


def test_bytes_are_counted_once(tmp_path: Path) -> None:
    names = ("lo", "eth0", "wlan0", "docker0", "veth12", "wg0", "bond0")
    plant(tmp_path, {"net/dev": dev(**dict.fromkeys(names, (1, 1)))})
    plant(tmp_path, {"sys/class/net/eth0/device/x": "", "sys/class/net/wlan0/device/x": ""})
    assert interfaces(Network(tmp_path, tmp_path / "sys").collect(at(0))) == {"eth0", "wlan0"}


def test_in_a_container_eth0_has_no_hardware(tmp_path: Path) -> None:
    plant(tmp_path, {"net/dev": dev(lo=(1, 1), eth0=(1, 1), docker0=(1, 1), tunl0=(1, 1))})
    assert interfaces(Network(tmp_path, tmp_path / "sys").collect(at(0))) == {"eth0"}


def test_every_counter_has_its_name(tmp_path: Path) -> None:
    plant(tmp_path, {"net/dev": dev(eth0=(100, 200))})
    found = values(Network(tmp_path, tmp_path).collect(at(0)))
    expected = {
        ("io", "receive"): 100, ("packets", "receive"): 10,
        ("errors", "receive"): 1, ("dropped", "receive"): 2,
        ("io", "transmit"): 200, ("packets", "transmit"): 20,
        ("errors", "transmit"): 3, ("dropped", "transmit"): 4,
    }  # fmt: skip
    assert found == {
        f'system.network.{metric}{{direction="{direction}",interface="eth0"}}': value
        for (metric, direction), value in expected.items()
    }


def test_throughput_and_an_interface_that_came_back(tmp_path: Path) -> None:
    name = 'system.network.throughput{{direction="{}",interface="eth0"}}'
    plant(tmp_path, {"net/dev": dev(eth0=(1000, 5000))})
    network = Network(tmp_path, tmp_path)
    network.collect(at(0))
    plant(tmp_path, {"net/dev": dev(eth0=(3000, 5000))})
    found = values(network.collect(at(2)))
    assert found[name.format("receive")] == pytest.approx(1000)
    assert found[name.format("transmit")] == 0
    plant(tmp_path, {"net/dev": dev(eth0=(10, 6000))})
    assert name.format("transmit") not in values(network.collect(at(3)))
    plant(tmp_path, {"net/dev": dev()})
    assert values(network.collect(at(4))) == {}
    plant(tmp_path, {"net/dev": dev(eth0=(5000, 9000))})
    assert name.format("receive") not in values(network.collect(at(5)))
    network.close()


def test_speeds_of_links_that_are_up(tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            f"class/net/{name}/speed": text
            for name, text in {"eth0": "10000\n", "eth1": "-1\n", "veth1": "10000\n"}.items()
        },
    )
    plant(tmp_path, {"class/net/wlan0/device/x": "", "class/net/eth0/device/x": "", "class/net/eth1/device/x": ""})
    assert values(Links(tmp_path).collect(at(0))) == {'system.network.link.speed{interface="eth0"}': 1.25e9}


def test_no_network_folder_is_said() -> None:
    with pytest.raises(SourceUnavailableError, match="/nowhere/class/net"):
        Links("/nowhere").collect(at(0))
