"""Which GPUs there are, and what they are: by PCI address where the kernel lists them, else by index.

A GPU that the kernel has suspended is not touched: asking it anything would wake it.
"""

import os
from collections.abc import Iterator
from typing import Any, Final

from wftui.collectors.nvml import binding as b
from wftui.collectors.nvml.binding import Binding, text
from wftui.collectors.nvml.target import Target
from wftui.collectors.nvml.xids import bus_name

Item = int | str
"""What a handle is asked for by: an index, or a PCI address."""
TOPOLOGY: Final = "topology"
"""An item of its own: pairs of GPUs, asked for when these have changed."""
COUNT: Final = "count"
"""An item of its own: how many there are, where only the library can tell."""
_COMPUTE: Final = {0: "default", 1: "exclusive thread", 2: "prohibited", 3: "exclusive process"}
_VIRTUAL: Final = {0: "none", 1: "passthrough", 2: "vgpu", 3: "host vgpu", 4: "host vsga"}
_PATHS: Final = {0: "internal", 10: "single", 20: "multiple", 30: "hostbridge", 40: "node", 50: "system"}
"""Source: nvml.h, nvmlComputeMode_t, nvmlGpuVirtualizationMode_t, nvmlGpuTopologyLevel_t."""
_AMPERE: Final = 7
_MOST_INSTANCES: Final = 16
_MOST_GPUS: Final = 64


class Pci:
    """The kernel's list of NVIDIA display devices."""

    def __init__(self, sys: str) -> None:
        self._folder = f"{sys}/bus/pci/devices"

    def list(self) -> list[str]:
        """PCI addresses; empty where the kernel shows none (containers, WSL, tests)."""
        try:
            names = sorted(os.listdir(self._folder))  # noqa: PTH208  names, no paths
        except OSError:
            return []
        return [
            name
            for name in names
            if self.word(name, "vendor") == "0x10de" and self.word(name, "class").startswith("0x03")
        ]

    def word(self, bus_id: str, name: str) -> str:
        """The text of a file of the device, from the kernel's memory; empty when there is none."""
        try:
            with open(f"{self._folder}/{bus_id}/{name}", "rb") as file:  # noqa: PTH123  each second
                return file.read(128).decode("ascii", "replace").strip()
        except OSError:
            return ""

    def suspended(self, bus_id: str) -> bool:
        """Whether it sleeps."""
        return self.word(bus_id, "power/runtime_status") == "suspended"

    def may_sleep(self, bus_id: str) -> bool:
        """Whether the kernel would suspend it when nobody uses it."""
        return self.word(bus_id, "power/control") == "auto"


class Found:
    """One GPU as enumerated."""

    def __init__(self, uuid: str) -> None:
        self.uuid = uuid
        self.facts: dict[str, object] = {"uuid": uuid}
        """As ``frames.Gpu``, without what is as by default."""
        self.target: Target | None = None
        """None: asleep, or its handle could not be had."""
        self.instances: list[Found] = []
        self.numbers: dict[int, str] = {}
        """GPU instance id to UUID of the MIG instance."""


class Box:
    """Enumerates. ``identify`` runs in a lane, the rest in the main thread."""

    def __init__(self, binding: Binding, pci: Pci) -> None:
        self._binding = binding
        self.pci = pci
        self.found: dict[Item, Found] = {}
        """Of the last round; a hanging look-up leaves the one before."""
        self.failed: dict[Item, int] = {}
        """Item to the code with which its handle was refused."""
        self.refused = 0
        """Code of the question how many there are."""
        self.counted: int | None = None
        """The answer; None: not asked, or not answered yet."""
        self.targets: dict[str, Target] = {}
        self.links: list[tuple[str, str, str, int | None]] = []
        self.linked: tuple[str, ...] = ()
        """UUIDs that ``links`` is about."""
        self._names: dict[Item, Found] = {}

    def items(self) -> list[Item] | None:
        """What to look at now; sleeping ones are seen to here; None: only the library can tell (``COUNT``)."""
        listed = self.pci.list()
        if not listed:
            return None
        awake: list[Item] = []
        for bus_id in listed:
            if self.pci.suspended(bus_id):
                self.found[bus_id] = self._asleep(bus_id)
                self.failed.pop(bus_id, None)
            else:
                awake.append(bus_id)
        return awake

    def _asleep(self, bus_id: str) -> Found:
        before = self.found.get(bus_id) or self._names.get(bus_id)
        found = Found(before.uuid if before is not None else f"pci-{bus_id}")
        if before is not None:
            found.facts = {key: value for key, value in before.facts.items() if key not in ("index", "code")}
        found.facts |= {"bus_id": bus_id, "asleep": True}
        return found

    def forget(self) -> None:
        """The library was given up: handles mean nothing any more."""
        self._names |= self.found
        self.found, self.failed, self.targets, self.linked = {}, {}, {}, ()
        self.refused = 0

    def failing(self) -> dict[str, int]:
        """GPUs of which all calls of the last reading failed, with the code."""
        return {uuid: target.failing for uuid, target in list(self.targets.items()) if target.failing}

    def gone(self, items: list[Item]) -> None:
        """Let go of what is not listed any more."""
        for item in [
            item for item in self.found if item not in items and not self.found[item].facts.get("asleep")
        ]:
            self._names[item] = self.found.pop(item)
        for item in [item for item in self.failed if item not in items]:
            del self.failed[item]

    def identify(self, item: Item) -> None:
        """Look one up: its handle, and what it is."""
        if item == TOPOLOGY:
            self._topology()
            return
        if item == COUNT:
            self._count()
            return
        if isinstance(item, int):
            code, handle = self._binding.ask("nvmlDeviceGetHandleByIndex", item)
        else:
            code, handle = self._binding.ask("nvmlDeviceGetHandleByPciBusId", item.encode())
        uuid = ""
        if not code:
            code, said = self._binding.ask("nvmlDeviceGetUUID", handle)
            uuid = text(said)
        if code or not uuid:
            self.failed[item] = code or b.GARBAGE
            if item in self.found:
                self._names[item] = self.found.pop(item)
            return
        self.failed.pop(item, None)
        self.found[item] = self._look(uuid, handle, item)

    def _count(self) -> None:
        code, count = self._binding.ask("nvmlDeviceGetCount")
        self.refused = code
        self.counted = min(int(count), _MOST_GPUS) if not code and isinstance(count, int) else 0

    def _look(self, uuid: str, handle: Any, item: Item) -> Found:  # Any: the binding's handle
        found = Found(uuid)
        found.target = self._target(uuid, handle)
        facts = found.facts
        for key, value in self._facts(handle, found.target, item):
            if value is not None and value is not False and value != "":
                facts[key] = value
        if facts.get("mig") == "enabled":
            self._instances(found, handle)
        return found

    def _target(self, uuid: str, handle: Any, *, instance: bool = False) -> Target:  # Any: as above
        target = self.targets.get(uuid)
        if target is None:
            return Target(uuid, handle, instance=instance)
        target.handle = handle
        return target

    def _facts(self, handle: Any, target: Target, item: Item) -> Iterator[tuple[str, object]]:  # Any: as above
        ask = self._binding.ask
        code, name = ask("nvmlDeviceGetName", handle)
        yield "name", "" if code else text(name)
        code, index = ask("nvmlDeviceGetIndex", handle)
        yield "index", int(index) if not code else item if isinstance(item, int) else None
        code, info = ask("nvmlDeviceGetPciInfo_v3", handle)
        yield "bus_id", item if isinstance(item, str) else "" if code else bus_name(text(info.busId))
        code, minor = ask("nvmlDeviceGetMinorNumber", handle)
        yield "minor", None if code else int(minor)
        code, mode = ask("nvmlDeviceGetMigMode", handle)
        if not code:
            now, pending = ("enabled" if value == 1 else "disabled" for value in mode[:2])
            yield "mig", now if now == pending else f"{now}, {pending} after a reset"
        code, mode = ask("nvmlDeviceGetComputeMode", handle)
        yield "compute_mode", "" if code else _COMPUTE.get(mode, "")
        code, mode = ask("nvmlDeviceGetPersistenceMode", handle)
        yield "persistence", "" if code else "on" if mode == 1 else "off"
        code, mode = ask("nvmlDeviceGetVirtualizationMode", handle)
        yield "virtualization", "" if code else _VIRTUAL.get(mode, "")
        code, mode = ask("nvmlDeviceGetEccMode", handle)
        yield "ecc", "" if code else "on" if mode[0] == 1 else "off"
        code, words = ask("nvmlDeviceGetCpuAffinity", handle, 16)
        yield "cpus", "" if code else cpu_list(list(words))
        code, node = ask("nvmlDeviceGetNumaNodeId", handle)
        yield "numa", None if code else int(node)
        instant, energy = self._binding.fields(handle, b.Wanted(186, 83))
        code, architecture = ask("nvmlDeviceGetArchitecture", handle)
        yield "instant", instant.value is not None or (not code and self._instant(handle, architecture))
        yield "counter", energy.value is not None or not ask("nvmlDeviceGetTotalEnergyConsumption", handle).code
        code, _ = ask("nvmlDeviceGetMemoryInfo", handle)
        yield "unified", code == b.NOT_SUPPORTED and not target.instance

    def _instant(self, handle: Any, architecture: int) -> bool:  # Any: as above
        """Whether nvmlDeviceGetPowerUsage tells the moment: up to Turing, and GA100 (its description)."""
        if architecture < _AMPERE:
            return True
        name = text(self._binding.ask("nvmlDeviceGetName", handle).value)
        return architecture == _AMPERE and any(chip in name for chip in ("A100", "A800", "A30 ", "PG506"))

    def _instances(self, found: Found, handle: Any) -> None:  # Any: as above
        ask = self._binding.ask
        code, count = ask("nvmlDeviceGetMaxMigDeviceCount", handle)
        if code:
            return
        for place in range(min(int(count), _MOST_INSTANCES)):
            code, instance = ask("nvmlDeviceGetMigDeviceHandleByIndex", handle, place)
            if code:
                continue
            code, said = ask("nvmlDeviceGetUUID", instance)
            uuid = text(said)
            if code or not uuid:
                continue
            one = Found(uuid)
            one.target = self._target(uuid, instance, instance=True)
            code, name = ask("nvmlDeviceGetName", instance)
            one.facts |= {"parent": found.uuid, "name": "" if code else text(name)}
            code, number = ask("nvmlDeviceGetGpuInstanceId", instance)
            if not code:
                found.numbers[int(number)] = uuid
            found.instances.append(one)

    def _topology(self) -> None:
        whole = [one for one in self.found.values() if one.target is not None]
        names = tuple(sorted(one.uuid for one in whole))
        by_bus = {str(one.facts.get("bus_id", "")): one.uuid for one in whole}
        joined: dict[tuple[str, str], int] = {}
        switched: set[str] = set()
        for one in whole:
            assert one.target is not None  # noqa: S101  filtered above
            for link in range(18):
                code, active = self._binding.ask("nvmlDeviceGetNvLinkState", one.target.handle, link)
                if code:
                    break
                if active != 1:
                    continue
                code, info = self._binding.ask("nvmlDeviceGetNvLinkRemotePciInfo", one.target.handle, link)
                peer = "" if code else by_bus.get(bus_name(text(info.busId)), "")
                if peer:
                    pair = (min(one.uuid, peer), max(one.uuid, peer))
                    joined[pair] = joined.get(pair, 0) + 1
                else:
                    switched.add(one.uuid)
        links: list[tuple[str, str, str, int | None]] = []
        for place, one in enumerate(whole):
            for other in whole[place + 1 :]:
                pair = (min(one.uuid, other.uuid), max(one.uuid, other.uuid))
                assert one.target is not None and other.target is not None  # noqa: S101, PT018  filtered above
                if pair in joined:
                    links.append((*pair, "nvlink", joined[pair] // 2 or 1))  # each end names it
                    continue
                if {one.uuid, other.uuid} <= switched:
                    links.append((*pair, "nvswitch", None))
                    continue
                code, level = self._binding.ask(
                    "nvmlDeviceGetTopologyCommonAncestor", one.target.handle, other.target.handle
                )
                if not code and level in _PATHS:
                    links.append((*pair, _PATHS[level], None))
        self.links, self.linked = links, names

    def settle(self) -> None:
        """Take over what a round found: one target for each UUID."""
        self.targets = {
            one.uuid: one.target
            for found in self.found.values()
            for one in (found, *found.instances)
            if one.target is not None
        }

    def described(self) -> list[dict[str, object]]:
        """All GPUs as ``frames.Gpu``, MIG instances behind their card."""
        rows: list[dict[str, object]] = []
        for found in self.found.values():
            rows.append(found.facts)
            rows += [one.facts for one in found.instances]
        there = {row["uuid"] for row in rows}
        for item, code in self.failed.items():
            # Known from before: the code says what became of it.
            if (lost := self._names.get(item)) is not None and lost.uuid not in there:
                facts = {key: value for key, value in lost.facts.items() if key != "index"}
                rows.append({**facts, "code": code})
            elif lost is None and code != b.NOT_FOUND:
                # Never seen in a better state: where it is will have to do for who it is.
                name = f"pci-{item}" if isinstance(item, str) else f"index-{item}"
                rows.append({"uuid": name, "bus_id": item if isinstance(item, str) else "", "code": code})
        return rows


def cpu_list(words: list[int]) -> str:
    """``0-31,64-95`` of a CPU mask in 64-bit words."""
    cpus = [64 * place + bit for place, word in enumerate(words) for bit in range(64) if int(word) >> bit & 1]
    ranges: list[list[int]] = []
    for cpu in cpus:
        if ranges and ranges[-1][1] == cpu - 1:
            ranges[-1][1] = cpu
        else:
            ranges.append([cpu, cpu])
    return ",".join(f"{low}-{high}" if high > low else f"{low}" for low, high in ranges)
