"""Pressure stall information: how long work waited for CPU, memory or I/O."""

from pathlib import Path
from typing import Final

from wftui.clock import Instant
from wftui.collectors.base import INLINE
from wftui.collectors.files import ProcFile, malformed
from wftui.errors import SourceUnavailableError
from wftui.model.health import DENIED
from wftui.model.sample import DERIVED, Column, Sample, Scrape, column

# "full" of cpu is undefined for the machine as a whole and printed as 0: it is left out.
# Source: Documentation/accounting/psi.rst.
_LINES: Final = (
    ("cpu", "some"),
    ("memory", "some"),
    ("memory", "full"),
    ("io", "some"),
    ("io", "full"),
)
_MODES: Final = {b"some": "some", b"full": "full"}
_FIX: Final = "boot with psi=1 on the kernel command line (needs Linux 4.20 with CONFIG_PSI)"


def parse_pressure(data: bytes) -> dict[str, int]:
    """Parse a file of ``/proc/pressure``.

    Returns:
        ``some`` and ``full`` to the total stall time in µs since boot.

    Raises:
        SourceFormatError: A line is not ``some|full avg10=… avg60=… avg300=… total=N``.

    Source: Documentation/accounting/psi.rst.
    """
    found: dict[str, int] = {}
    for line in data.splitlines():
        words, equals, total = line.rpartition(b" total=")
        mode = _MODES.get(words.partition(b" ")[0])
        if mode is None or not equals or not total.isdigit():
            raise malformed("/proc/pressure", "'some|full … total=N'", line)
        found[mode] = int(total)
    if "some" not in found:
        raise malformed("/proc/pressure", "a line 'some …'", data)
    return found


class Pressure:
    """Stall time of cpu, memory and io, and its share of the time since the call before. 10 Hz.

    ``total`` is brought up to date by each read, so shares of 100 ms are true; the averages of the kernel move
    only every 2 s.
    """

    name = "pressure"
    interval_s = 0.1
    where = INLINE
    timeout_s = 1.0

    def __init__(self, proc: str | Path = "/proc") -> None:
        self._files = {device: ProcFile(f"{proc}/pressure/{device}", single=True) for device, _ in _LINES}
        self._columns: dict[str, dict[str, tuple[Column, Column]]] = {device: {} for device in self._files}
        for device, mode in _LINES:
            labels, call = {"device": device, "mode": mode}, f"/proc/pressure/{device}"
            self._columns[device][mode] = (
                column(self.name, "system.pressure.time", labels, call=call),
                column(self.name, "system.pressure.utilization", labels, call=call, quality=DERIVED),
            )
        self._parsed: dict[str, tuple[bytes, dict[str, int]]] = {}
        """Device to its file at the call before, and what that said."""
        self._before_ns = 0

    def files(self) -> tuple[ProcFile, ...]:
        """What ``collect`` reads."""
        return tuple(self._files.values())

    def collect(self, at: Instant) -> Scrape:
        """Read what there is; the first call has no shares.

        Raises:
            SourceUnavailableError: No file can be read: a kernel without PSI, or with it switched off.
            SourceFormatError: A file is not as documented.
        """
        found: dict[str, tuple[bytes, dict[str, int]]] = {}
        refusal: SourceUnavailableError | None = None
        for device, file in self._files.items():
            try:
                data = file.read()
            except SourceUnavailableError as error:
                refusal = error
                continue
            before = self._parsed.get(device)
            # Where nothing waits the file stays as it is for seconds.
            found[device] = before if before is not None and before[0] == data else (data, parse_pressure(data))
        if not found and refusal is not None:
            if refusal.state == DENIED:
                raise refusal
            raise SourceUnavailableError(
                f"this kernel has no pressure stall information ({refusal.reason})",
                state="unsupported",
                fix=_FIX,
            ) from refusal
        samples = []
        elapsed_us = (at.boottime_ns - self._before_ns) / 1000
        for device, (_, totals) in found.items():
            earlier = self._parsed[device][1] if device in self._parsed else {}
            for mode, (time, share) in self._columns[device].items():
                now = totals.get(mode)
                if now is None:
                    continue
                samples.append(Sample(time, now / 1e6))
                last = earlier.get(mode)
                if last is not None and elapsed_us > 0 and now >= last:
                    samples.append(Sample(share, min(1.0, (now - last) / elapsed_us)))
        self._parsed, self._before_ns = found, at.boottime_ns
        return Scrape(samples)

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()
