"""What is read of a GPU, and how often: each reading stands alone, so that one bad field costs one field."""

import ctypes
from collections.abc import Callable
from typing import Any, Final

import pynvml

from wftui import clock
from wftui.collectors.nvml import binding as b
from wftui.collectors.nvml.binding import Binding
from wftui.collectors.nvml.fields import FAST, HOUR_S, HOURLY, SECOND, SLOW, THROTTLE

Numbers = dict[str, int | float]
_NS: Final = 1_000_000_000
_MEMORY_V2: Final = getattr(pynvml, "nvmlMemory_v2", 0x02000028)
_LINKS: Final = 18
_ALL_LINKS: Final = 0xFFFFFFFF


class Target:
    """One GPU (or MIG instance) that has a handle, and what was found out about it."""

    def __init__(self, uuid: str, handle: object, *, instance: bool = False) -> None:
        self.uuid = uuid
        self.handle = handle
        self.instance = instance
        """A MIG instance: most readings are not offered."""
        self.blocked: dict[str, int] = {}
        """Reading to ``clock.perf_ns`` (ns) until which it is not asked again."""
        self.codes: dict[str, int] = {}
        """Field key to the code of its last answer, where that is not 0."""
        self.told: dict[str, int] = {}
        """What the recorder knows of ``codes``."""
        self.failing = 0
        """Code that all calls of the last round gave; 0: some answered."""
        self.asked: set[str] = set()
        """Cadences of which it was read once."""
        self.memory_v1 = False
        self.links: list[int] | None = None
        """NVLinks that exist; None: not looked yet."""
        self.samples: list[Any] = []  # Any: the binding's GPM samples
        self.sampled = False
        self.metrics: Any = None  # Any: the binding's request for GPM metrics
        self.rooms: dict[tuple[int | tuple[int, int], ...], b.Wanted] = {}
        """Field values asked for together, to the room for their answers."""
        self.busy = True
        """Something ran on it in the last reading, or a process holds it; so until it is known."""
        self.held = True
        """A process is listed on it."""
        self.values: dict[str, Numbers] = {}
        """Cadence to what was read last and not sent yet."""


class Reader:
    """Reads targets. One target is read by one lane at a time."""

    def __init__(self, binding: Binding) -> None:
        self._binding = binding
        self._plan: dict[str, list[tuple[str, tuple[str, ...], Callable[[Target], Numbers | int]]]] = {
            FAST: [
                ("utilization", ("util", "mem_io"), self._utilization),
                ("memory", ("mem_used", "mem_reserved", "mem_free", "mem_total"), self._memory),
                ("power", ("power", "power_average", "energy"), self._power),
            ],
            SECOND: [
                ("temperature", ("temp_gpu",), self._temperature),
                ("values", ("temp_memory", "pcie_receive", "pcie_transmit"), self._field_values),
                ("clocks", ("clock_graphics", "clock_sm", "clock_memory", "clock_video"), self._clocks),
                ("state", ("pstate",), self._state),
                ("reasons", (THROTTLE,), self._reasons),
                ("engines", ("engine_encoder", "engine_decoder", "engine_jpeg", "engine_ofa"), self._engines),
                ("gpm", ("gpm_sm",), self._gpm),
            ],
            SLOW: [
                ("power limits", ("power_limit_enforced", "power_limit_default"), self._power_limits),
                ("bar1", ("bar1_used", "bar1_total"), self._bar1),
                ("fans", ("fan_fan0",), self._fans),
                ("link", ("pcie_generation_current", "pcie_width_current"), self._link),
                ("replays", ("pcie_replays",), self._replays),
                ("ecc", ("ecc_corrected", "ecc_uncorrected"), self._ecc),
                ("rows", ("rows_pending",), self._rows),
                ("pages", ("pages_pending",), self._pages),
                ("nvlink", ("nvlink_links_active",), self._nvlink),
                ("throughput", ("pcie_rate_receive", "pcie_rate_transmit"), self._throughput),
            ],
            HOURLY: [
                ("temperature limits", ("temp_limit_slowdown",), self._temperature_limits),
                ("clock limits", ("clock_limit_sm",), self._clock_limits),
            ],
        }

    def read(self, target: Target, cadence: str) -> None:
        """All readings of a cadence; what came lies in ``target.values``."""
        now = clock.perf_ns()
        found: Numbers = {}
        asked = failed = code = 0
        for name, keys, read in self._plan[cadence]:
            until = target.blocked.get(name)
            if until is not None:
                if now < until:
                    continue
                del target.blocked[name]
            answer = read(target)
            asked += 1
            if isinstance(answer, int):
                failed += 1
                code = answer
                if answer in b.NEVER:
                    target.blocked[name] = now + int(HOUR_S * _NS)
                for key in keys:
                    target.codes[key] = answer
                if answer in b.GONE:
                    target.failing = answer
                    return  # nothing else is asked of a GPU that is not there
            else:
                # NaN and infinity are no numbers, and no JSON.
                answer = {key: value for key, value in answer.items() if value - value == 0}
                found.update(answer)
                for key in keys:
                    if key in answer:
                        target.codes.pop(key, None)
                    elif answer:
                        target.codes.setdefault(key, b.NOT_SUPPORTED)
        if asked and cadence == FAST:
            target.failing = code if failed == asked and code not in b.NEVER else 0
            target.busy = target.held or bool(found.get("util", 1))
        target.values[cadence] = found
        target.asked.add(cadence)

    def _fields(self, target: Target, *ids: int | tuple[int, int]) -> list[b.Field]:
        wanted = target.rooms.get(ids)
        if wanted is None:
            wanted = target.rooms[ids] = b.Wanted(*ids)
        return self._binding.fields(target.handle, wanted)

    def _ask(self, name: str, *arguments: object) -> b.Answer:
        return self._binding.ask(name, *arguments)

    # ---- fast

    def _utilization(self, target: Target) -> Numbers | int:
        code, found = self._ask("nvmlDeviceGetUtilizationRates", target.handle)
        return code if code else {"util": found.gpu, "mem_io": found.memory}

    def _memory(self, target: Target) -> Numbers | int:
        if not target.memory_v1:
            code, found = self._ask("nvmlDeviceGetMemoryInfo", target.handle, _MEMORY_V2)
            if not code:
                return {
                    "mem_total": found.total,
                    "mem_reserved": found.reserved,
                    "mem_free": found.free,
                    "mem_used": found.used,
                }
            if code != b.NO_FUNCTION and code != b.INVALID_ARGUMENT:
                return code
            target.memory_v1 = True
        code, found = self._ask("nvmlDeviceGetMemoryInfo", target.handle)
        # The first version counts what is reserved as used; there is nothing better to say.
        return code if code else {"mem_total": found.total, "mem_free": found.free, "mem_used": found.used}

    def _power(self, target: Target) -> Numbers | int:
        if target.blocked.get("power fields", 0) > clock.perf_ns():
            instant = average = energy = b.Field(b.NOT_SUPPORTED, None)
        else:
            instant, average, energy = self._fields(target, 186, 185, 83)
            if instant.code in b.GONE:
                return instant.code
            if instant.code in b.NEVER and average.code in b.NEVER and energy.code in b.NEVER:
                target.blocked["power fields"] = clock.perf_ns() + int(HOUR_S * _NS)
        found: Numbers = {}
        code = instant.code
        if instant.value is not None:
            found["power"] = instant.value
        if average.value is not None:
            found["power_average"] = average.value
        if "power" not in found:
            code, usage = self._ask("nvmlDeviceGetPowerUsage", target.handle)
            if not code:
                found["power"] = usage
        if energy.value is not None:
            found["energy"] = energy.value
        elif target.blocked.get("energy", 0) <= clock.perf_ns():
            answer = self._ask("nvmlDeviceGetTotalEnergyConsumption", target.handle)
            if not answer.code:
                found["energy"] = answer.value
            elif answer.code in b.NEVER:
                target.blocked["energy"] = clock.perf_ns() + int(HOUR_S * _NS)
        return found or code or b.NOT_SUPPORTED

    # ---- each second

    def _temperature(self, target: Target) -> Numbers | int:
        code, found = b.Answer(b.NO_FUNCTION, None)
        if "temperature v" not in target.blocked:
            code, found = self._ask("nvmlDeviceGetTemperatureV", target.handle, 0)
            if code in (b.NO_FUNCTION, b.INVALID_ARGUMENT):
                target.blocked["temperature v"] = 1 << 62
        if code in (b.NO_FUNCTION, b.INVALID_ARGUMENT):
            code, found = self._ask("nvmlDeviceGetTemperature", target.handle, 0)
        return code if code else {"temp_gpu": found}

    _SECOND_FIELDS: Final = {
        "temp_memory": 82,
        "pcie_transmit": 197,
        "pcie_receive": 198,
        "throttle_ns_power_cap": 74,
        "throttle_ns_sync_boost": 76,
        "throttle_ns_sw_thermal": 269,
        "throttle_ns_hw_thermal": 270,
        "throttle_ns_hw_power_brake": 271,
    }

    def _field_values(self, target: Target) -> Numbers | int:
        wanted = [key for key in self._SECOND_FIELDS if f"field {key}" not in target.blocked]
        if not wanted:
            return b.NOT_SUPPORTED
        answers = self._fields(target, *(self._SECOND_FIELDS[key] for key in wanted))
        found: Numbers = {}
        for key, answer in zip(wanted, answers, strict=True):
            if answer.value is not None:
                found[key] = answer.value
            elif answer.code in b.NEVER:
                target.blocked[f"field {key}"] = 1 << 62  # taken out once an hour with all the others
        return found or answers[0].code or b.NOT_SUPPORTED

    def _several(self, target: Target, name: str, wanted: dict[str, int]) -> Numbers | int:
        """One call for each of several kinds; kinds that are not supported are left out for an hour."""
        found: Numbers = {}
        code = b.NOT_SUPPORTED
        for key, kind in wanted.items():
            if f"field {key}" in target.blocked:
                continue
            answer = self._ask(name, target.handle, kind)
            if not answer.code:
                found[key] = answer.value
                continue
            code = answer.code
            if code in b.GONE:
                return code
            if code in b.NEVER:
                target.blocked[f"field {key}"] = 1 << 62
        return found or code

    _CLOCKS: Final = {"clock_graphics": 0, "clock_sm": 1, "clock_memory": 2, "clock_video": 3}

    def _clocks(self, target: Target) -> Numbers | int:
        return self._several(target, "nvmlDeviceGetClockInfo", self._CLOCKS)

    def _state(self, target: Target) -> Numbers | int:
        code, found = self._ask("nvmlDeviceGetPerformanceState", target.handle)
        return code if code else {"pstate": found}

    def _reasons(self, target: Target) -> Numbers | int:
        code, found = b.Answer(b.NO_FUNCTION, None)
        if "event reasons" not in target.blocked:
            code, found = self._ask("nvmlDeviceGetCurrentClocksEventReasons", target.handle)
        if code == b.NO_FUNCTION:
            target.blocked["event reasons"] = 1 << 62
            code, found = self._ask("nvmlDeviceGetCurrentClocksThrottleReasons", target.handle)
        return code if code else {THROTTLE: found}

    def _engines(self, target: Target) -> Numbers | int:
        found: Numbers = {}
        code = b.NOT_SUPPORTED
        for key, name in (
            ("engine_encoder", "nvmlDeviceGetEncoderUtilization"),
            ("engine_decoder", "nvmlDeviceGetDecoderUtilization"),
            ("engine_jpeg", "nvmlDeviceGetJpgUtilization"),
            ("engine_ofa", "nvmlDeviceGetOfaUtilization"),
        ):
            if f"field {key}" in target.blocked:
                continue
            answer = self._ask(name, target.handle)
            if answer.code:
                code = answer.code
                if code in b.GONE:
                    return code
                if code in b.NEVER:
                    target.blocked[f"field {key}"] = 1 << 62
            else:
                found[key] = answer.value[0]
        return found or code

    _GPM: Final = {
        1: "gpm_graphics", 2: "gpm_sm", 3: "gpm_sm_occupancy", 4: "gpm_integer", 5: "gpm_tensor",
        6: "gpm_dfma_tensor", 7: "gpm_hmma_tensor", 9: "gpm_imma_tensor", 10: "gpm_dram", 11: "gpm_fp64",
        12: "gpm_fp32", 13: "gpm_fp16",
    }  # fmt: skip

    def _gpm(self, target: Target) -> Numbers | int:
        """Two samples a second apart: the one before, and one now."""
        if not target.samples:
            support = self._ask("nvmlGpmQueryDeviceSupport", target.handle)
            if support.code or not getattr(support.value, "isSupportedDevice", 0):
                return support.code or b.NOT_SUPPORTED
            pair = [self._ask("nvmlGpmSampleAlloc") for _ in range(2)]
            if pair[0].code or pair[1].code:
                return pair[0].code or pair[1].code
            target.samples = [item.value for item in pair]
        before, now = target.samples
        code, _ = self._ask("nvmlGpmSampleGet", target.handle, now)
        if code:
            return code
        target.samples = [now, before]
        if not target.sampled:
            target.sampled = True
            return {}
        request = target.metrics
        if request is None:
            request = target.metrics = pynvml.c_nvmlGpmMetricsGet_t()
            request.version = pynvml.NVML_GPM_METRICS_GET_VERSION
            request.numMetrics = len(self._GPM)
            for place, kind in enumerate(self._GPM):
                request.metrics[place].metricId = kind
        request.sample1, request.sample2 = before, now
        for place in range(len(self._GPM)):
            request.metrics[place].nvmlReturn = b.NOT_SUPPORTED  # what is not written is not that of before
        code, _ = self._ask("nvmlGpmMetricsGet", request)
        if code:
            return code
        return {
            key: request.metrics[place].value
            for place, key in enumerate(self._GPM.values())
            if not request.metrics[place].nvmlReturn
        }

    # ---- slow

    def _power_limits(self, target: Target) -> Numbers | int:
        found: Numbers = {}
        code = b.NOT_SUPPORTED
        for key, name in (
            ("power_limit_enforced", "nvmlDeviceGetEnforcedPowerLimit"),
            ("power_limit_default", "nvmlDeviceGetPowerManagementDefaultLimit"),
        ):
            answer = self._ask(name, target.handle)
            if answer.code:
                code = answer.code
            else:
                found[key] = answer.value
        limits = self._ask("nvmlDeviceGetPowerManagementLimitConstraints", target.handle)
        if not limits.code:
            found["power_limit_minimum"], found["power_limit_maximum"] = limits.value
        return found or code

    def _bar1(self, target: Target) -> Numbers | int:
        code, found = self._ask("nvmlDeviceGetBAR1MemoryInfo", target.handle)
        return code if code else {"bar1_used": found.bar1Used, "bar1_total": found.bar1Total}

    def _fans(self, target: Target) -> Numbers | int:
        code, count = self._ask("nvmlDeviceGetNumFans", target.handle)
        if code or not count:
            return code or b.NOT_SUPPORTED
        found: Numbers = {}
        for fan in range(min(count, 6)):
            answer = self._ask("nvmlDeviceGetFanSpeed_v2", target.handle, fan)
            if answer.code:
                code = answer.code
            else:
                found[f"fan_fan{fan}"] = answer.value
        return found or code

    def _link(self, target: Target) -> Numbers | int:
        found: Numbers = {}
        code = b.NOT_SUPPORTED
        for key, name in (
            ("pcie_generation_current", "nvmlDeviceGetCurrPcieLinkGeneration"),
            ("pcie_width_current", "nvmlDeviceGetCurrPcieLinkWidth"),
            ("pcie_generation_maximum", "nvmlDeviceGetMaxPcieLinkGeneration"),
            ("pcie_width_maximum", "nvmlDeviceGetMaxPcieLinkWidth"),
        ):
            answer = self._ask(name, target.handle)
            if answer.code:
                code = answer.code
            else:
                found[key] = answer.value
        return found or code

    def _replays(self, target: Target) -> Numbers | int:
        code, found = self._ask("nvmlDeviceGetPcieReplayCounter", target.handle)
        return code if code else {"pcie_replays": found}

    def _ecc(self, target: Target) -> Numbers | int:
        found: Numbers = {}
        code = b.NOT_SUPPORTED
        for key, kind, counter in (
            ("ecc_corrected", 0, 0),
            ("ecc_uncorrected", 1, 0),
            ("ecc_lifetime_corrected", 0, 1),
            ("ecc_lifetime_uncorrected", 1, 1),
        ):
            answer = self._ask("nvmlDeviceGetTotalEccErrors", target.handle, kind, counter)
            if answer.code:
                code = answer.code
                if code in b.NEVER:
                    return code
            else:
                found[key] = answer.value
        return found or code

    def _rows(self, target: Target) -> Numbers | int:
        code, found = self._ask("nvmlDeviceGetRemappedRows", target.handle)
        if code:
            return code
        corrected, uncorrected, pending, failure = found[:4]
        return {
            "rows_corrected": corrected,
            "rows_uncorrected": uncorrected,
            "rows_pending": int(bool(pending)),
            "rows_failure": int(bool(failure)),
        }

    def _pages(self, target: Target) -> Numbers | int:
        found: Numbers = {}
        for key, cause in (("pages_single_bit", 0), ("pages_double_bit", 1)):
            count = ctypes.c_uint(0)
            # Only their number is wanted: the question for the size answers it.
            code = self._binding.raw("nvmlDeviceGetRetiredPages", target.handle, cause, ctypes.byref(count), None)
            if code not in (b.OK, b.INSUFFICIENT_SIZE):
                return code
            found[key] = count.value
        pending = self._ask("nvmlDeviceGetRetiredPagesPendingStatus", target.handle)
        if not pending.code:
            found["pages_pending"] = pending.value
        return found

    def _nvlink(self, target: Target) -> Numbers | int:
        if target.links is None:
            links = []
            for link in range(_LINKS):
                answer = self._ask("nvmlDeviceGetNvLinkState", target.handle, link)
                if answer.code in b.GONE:
                    return answer.code
                if answer.code:
                    break
                links.append(link)
            target.links = links
        if not target.links:
            return b.NOT_SUPPORTED
        active = 0
        kinds = {"nvlink_errors_replay": 0, "nvlink_errors_recovery": 1, "nvlink_errors_crc": 2}
        found: Numbers = {}
        for link in target.links:
            answer = self._ask("nvmlDeviceGetNvLinkState", target.handle, link)
            active += not answer.code and answer.value == 1
            for key, kind in kinds.items():
                errors_of = self._ask("nvmlDeviceGetNvLinkErrorCounter", target.handle, link, kind)
                if not errors_of.code:
                    found[key] = found.get(key, 0) + errors_of.value
        found["nvlink_links_active"] = active
        found["nvlink_links_inactive"] = len(target.links) - active
        sent, received = self._fields(target, (138, _ALL_LINKS), (139, _ALL_LINKS))
        if sent.value is None:
            parts = self._fields(target, *((138, link) for link in target.links))
            other = self._fields(target, *((139, link) for link in target.links))
            if all(part.value is not None for part in parts + other):
                found["nvlink_transmit"] = sum(part.value or 0 for part in parts)
                found["nvlink_receive"] = sum(part.value or 0 for part in other)
        elif received.value is not None:
            found["nvlink_transmit"], found["nvlink_receive"] = sent.value, received.value
        return found

    def _throughput(self, target: Target) -> Numbers | int:
        """20 ms inside each call: only where the driver does not count bytes."""
        if "pcie_receive" not in target.codes:
            return b.NOT_SUPPORTED if SECOND in target.asked else {}  # not known yet
        found: Numbers = {}
        for key, counter in (("pcie_rate_transmit", 0), ("pcie_rate_receive", 1)):
            answer = self._ask("nvmlDeviceGetPcieThroughput", target.handle, counter)
            if answer.code:
                return answer.code
            found[key] = answer.value
        return found

    # ---- hourly

    def _temperature_limits(self, target: Target) -> Numbers | int:
        wanted = {
            "temp_limit_shutdown": 0,
            "temp_limit_slowdown": 1,
            "temp_limit_memory": 2,
            "temp_limit_maximum": 3,
        }
        return self._several(target, "nvmlDeviceGetTemperatureThreshold", wanted)

    def _clock_limits(self, target: Target) -> Numbers | int:
        wanted = {key.replace("clock", "clock_limit"): kind for key, kind in self._CLOCKS.items()}
        return self._several(target, "nvmlDeviceGetMaxClockInfo", wanted)


def forgive(target: Target) -> None:
    """Ask again for everything that was given up."""
    target.blocked.clear()
    target.links = None
