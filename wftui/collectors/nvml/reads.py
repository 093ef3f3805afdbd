"""What is read of a GPU, and how often: each reading stands alone, so that one bad field costs one field."""

from typing import Final

import pynvml

from wftui import clock
from wftui.collectors.nvml import binding as b
from wftui.collectors.nvml.binding import Binding
from wftui.collectors.nvml.fields import FAST, HOUR_S, SECOND, THROTTLE
from wftui.collectors.nvml.questions import Questions, Reading
from wftui.collectors.nvml.slow_reads import CLOCKS, SlowReads
from wftui.collectors.nvml.target import Numbers, Target

_NS: Final = 1_000_000_000
_MEMORY_V2: Final = getattr(pynvml, "nvmlMemory_v2", 0x02000028)


class Reader(Questions):
    """Reads targets. One target is read by one lane at a time."""

    def __init__(self, binding: Binding) -> None:
        super().__init__(binding)
        self._plan: dict[str, list[Reading]] = {
            **SlowReads(binding).plan,
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

    def _clocks(self, target: Target) -> Numbers | int:
        return self._several(target, "nvmlDeviceGetClockInfo", CLOCKS)

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
