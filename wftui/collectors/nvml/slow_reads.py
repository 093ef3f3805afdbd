"""What of a GPU changes seldom: limits, fans, links, and the health of its memory."""

import ctypes
from typing import Final

from wftui.collectors.nvml import binding as b
from wftui.collectors.nvml.binding import Binding
from wftui.collectors.nvml.fields import HOURLY, SECOND, SLOW
from wftui.collectors.nvml.questions import Questions, Reading
from wftui.collectors.nvml.target import Numbers, Target

_LINKS: Final = 18
_ALL_LINKS: Final = 0xFFFFFFFF
CLOCKS: Final = {"clock_graphics": 0, "clock_sm": 1, "clock_memory": 2, "clock_video": 3}
"""Field key to the library's kind of clock."""


class SlowReads(Questions):
    """Readings of the cadences ``SLOW`` and ``HOURLY``."""

    def __init__(self, binding: Binding) -> None:
        super().__init__(binding)
        self.plan: dict[str, list[Reading]] = {
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

    def _temperature_limits(self, target: Target) -> Numbers | int:
        wanted = {
            "temp_limit_shutdown": 0,
            "temp_limit_slowdown": 1,
            "temp_limit_memory": 2,
            "temp_limit_maximum": 3,
        }
        return self._several(target, "nvmlDeviceGetTemperatureThreshold", wanted)

    def _clock_limits(self, target: Target) -> Numbers | int:
        wanted = {key.replace("clock", "clock_limit"): kind for key, kind in CLOCKS.items()}
        return self._several(target, "nvmlDeviceGetMaxClockInfo", wanted)
