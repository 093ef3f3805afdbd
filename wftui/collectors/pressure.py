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
        mode = {b"some ": "some", b"full ": "full"}.get(line[:5])
        place = line.rfind(b" total=")
        if mode is None or place < 0 or not line[place + 7 :].isdigit():
            raise malformed("/proc/pressure", "'some|full … total=N'", line)
        found[mode] = int(line[place + 7 :])
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
        self._columns: dict[tuple[str, str], tuple[Column, Column]] = {}
        for device, mode in _LINES:
            labels, call = {"device": device, "mode": mode}, f"/proc/pressure/{device}"
            self._columns[device, mode] = (
                column(self.name, "system.pressure.time", labels, call=call),
                column(self.name, "system.pressure.utilization", labels, call=call, quality=DERIVED),
            )
        self._before: dict[tuple[str, str], int] = {}
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
        totals: dict[tuple[str, str], int] = {}
        refusal: SourceUnavailableError | None = None
        for device, file in self._files.items():
            try:
                found = parse_pressure(file.read())
            except SourceUnavailableError as error:
                refusal = error
                continue
            for mode, total in found.items():
                totals[device, mode] = total
        if not totals and refusal is not None:
            if refusal.state == DENIED:
                raise refusal
            raise SourceUnavailableError(
                f"this kernel has no pressure stall information ({refusal.reason})",
                state="unsupported",
                fix=_FIX,
            ) from refusal
        samples = []
        elapsed_us = (at.boottime_ns - self._before_ns) / 1000
        for key, (time, share) in self._columns.items():
            now = totals.get(key)
            if now is None:
                continue
            samples.append(Sample(time, now / 1e6))
            before = self._before.get(key)
            if before is not None and elapsed_us > 0 and now >= before:
                samples.append(Sample(share, min(1.0, (now - before) / elapsed_us)))
        self._before, self._before_ns = totals, at.boottime_ns
        return Scrape(samples)

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()
