"""The sealer: ``python -m wftui.store.sealer DATA_DIR`` seals what is due, removes what is old, and ends.

A process of its own, as niced as can be: it needs DuckDB, numpy and 100 MB for a second, the recorder never does.
Killed at any moment it leaves what was committed, and files that the next one removes.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from wftui.clock import SystemClock, cpu_ns, perf_ns
from wftui.errors import StoreError, UsageError, WftopError, report
from wftui.store import manifest, retention, room
from wftui.store.aside import set_aside
from wftui.store.manifest import FOLDER, NAME, SegmentsDamagedError
from wftui.store.outcome import Report
from wftui.store.retention import Caps

VERIFIED: Final = 64 << 20
"""Bytes (By) of segments whose checksums are looked at each time: 0.1 s. A full gigabyte takes 16 hours."""
_TURN_NS: Final = 3_600_000_000_000


class Sealing:
    """One run. ``outcome`` says how far it came, also when it failed."""

    def __init__(self, data_dir: Path, caps: Caps) -> None:
        self._data_dir = data_dir
        self._caps = caps
        self._errors: list[str] = []
        self._bad: list[str] = []
        self._removed = self._written = self._damaged = self._aside = 0

    def run(self, now_ns: int, *, everything: bool = False) -> None:
        """Seal, merge, remove, derive.

        Args:
            now_ns: UTC, noted in the manifest.
            everything: Also the hour that is not over.

        Raises:
            SealRunningError: Another process does; it does what is to be done.
            StoreError: The ticks could not be sealed; they stay in the journal.
        """
        from wftui.store import derived, seal

        with seal.lock(self._data_dir):
            with suppress(OSError):
                derived.tidy(self._data_dir)  # else segments would have to go for it
            self._mend(now_ns)
            self._verify(now_ns)
            # First: a full disk gets room.
            self._retain()
            room.check(self._data_dir, self._caps.min_free_bytes)
            done = seal.run(self._data_dir, now_ns, everything=everything)
            self._written, self._damaged = done.size, done.damaged
            self._merge()
            self._retain()
            self._derive(now_ns)
            if self.outcome().total_bytes > self._caps.max_bytes:
                # history.duckdb grew by more than was left for it; it names files that go now.
                self._retain()
                self._derive(now_ns)

    def _mend(self, now_ns: int) -> None:
        """Make a manifest anew that is damaged, or missing beside segments."""
        path = self._data_dir / FOLDER / NAME
        try:
            manifest.load(self._data_dir)
            if path.exists() or next(path.parent.rglob("*.parquet"), None) is None:
                return
            self._errors.append(f"{path}: missing; made anew from the segments")
        except SegmentsDamagedError as error:
            self._aside += 1
            self._errors.append(f"{error}; renamed to {set_aside(path, now_ns).name}, made anew from the segments")
        from wftui.store.rebuild import manifest_from_segments

        manifest_from_segments(self._data_dir)

    def _verify(self, now_ns: int) -> None:
        """Look at a part of the segments, another one each hour, and set those aside that are damaged."""
        from wftui.store import verify

        try:
            made = manifest.load(self._data_dir)
            bad = verify.damages(self._data_dir, made, verify.share(made, now_ns // _TURN_NS, VERIFIED))
            if bad:
                verify.set_aside_locked(self._data_dir, bad, now_ns)
        except OSError as error:
            self._errors.append(f"segments cannot be looked at: {error.strerror or error}")
            return
        self._bad += [item.segment.file for item in bad]
        self._errors += [item.what for item in bad]

    def _retain(self) -> None:
        try:
            removed = retention.apply(self._data_dir, self._caps, newest_seq(self._data_dir))
        except OSError as error:
            self._errors.append(f"retention: {error.strerror or error}")
        else:
            self._removed += removed.segments + removed.aside

    def _merge(self) -> None:
        from wftui.store import merge

        try:
            merge.run(self._data_dir)
        except (StoreError, OSError) as error:
            self._errors.append(f"merge: {error}")

    def _derive(self, now_ns: int) -> None:
        from wftui.store import derived

        try:
            derived.refresh(self._data_dir, now_ns)
        except (StoreError, OSError) as error:
            self._errors.append(f"{retention.DERIVED}: {error}")

    def outcome(self) -> Report:
        """What there is now, and what it took; costs are for the caller to add."""
        try:
            found = manifest.load(self._data_dir)
        except StoreError:
            found = manifest.Manifest()
        size = sum(item.size for item in found.segments)
        others = retention.other_files(self._data_dir)
        derived = sum(bytes_ for path, bytes_ in others.items() if path.name.startswith(retention.DERIVED))
        return Report(
            sealed_seq=found.sealed_seq,
            sealed_event_seq=found.sealed_event_seq,
            segments=len(found.segments),
            written_bytes=self._written,
            removed=self._removed,
            damaged=self._damaged,
            aside=self._aside,
            segments_aside=tuple(self._bad),
            segments_bytes=size + derived,
            total_bytes=size + sum(others.values()),
            errors=tuple(self._errors),
        )


def newest_seq(data_dir: Path) -> int:
    """Number of the newest tick, in the journal or sealed.

    Raises:
        StoreError: The manifest cannot be read.
    """
    from wftui.store import journal

    sealed = manifest.load(data_dir).sealed_seq
    try:
        database = journal.open_reader(data_dir / journal.NAME)
        try:
            (seq,) = next(database.rows("SELECT coalesce(max(seq), 0) FROM tick"))
        finally:
            database.close()
    except StoreError:
        return sealed  # the seal that follows says what is wrong with the journal
    return max(sealed, int(seq))


def main(argv: Sequence[str]) -> int:
    """Run once; ``argv`` is the command line without the program. One JSON line on stdout; the exit code."""
    started = perf_ns()
    try:
        data_dir, caps, everything = _arguments(argv)
        _yield_to_others()
        from wftui.store.seal import SealRunningError

        work = Sealing(data_dir, caps)
        try:
            work.run(SystemClock().now().time_ns, everything=everything)
        except SealRunningError:
            _say(Report(busy=True))
            return 0
        except BaseException:
            _say(work.outcome(), started)
            raise
        _say(work.outcome(), started)
    except WftopError as error:
        print(report(error), file=sys.stderr)  # noqa: T201  the one line of an error
        return error.exit_code
    return 0


def _arguments(argv: Sequence[str]) -> tuple[Path, Caps, bool]:
    words = [word for word in argv if not word.startswith("--")]
    flags = dict(word.partition("=")[::2] for word in argv if word.startswith("--"))
    if len(words) != 1 or set(flags) - {"--all", "--caps"}:
        raise UsageError("expected DATA_DIR [--all] [--caps=JSON]")
    try:
        caps = msgspec.json.decode(flags["--caps"], type=Caps) if "--caps" in flags else Caps()
    except msgspec.MsgspecError as error:
        raise UsageError(f"--caps: {error}") from error
    return Path(words[0]).absolute(), caps, "--all" in flags


def _yield_to_others() -> None:
    """The last in every queue: its own time does not matter. A nice of 19 is the lowest I/O priority, too."""
    os.nice(19)
    if hasattr(os, "SCHED_BATCH"):
        with suppress(OSError):  # a container may forbid it
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _say(outcome: Report, started_ns: int = 0) -> None:
    if started_ns:
        outcome = msgspec.structs.replace(
            outcome,
            cpu_s=cpu_ns() / 1e9,
            wall_s=(perf_ns() - started_ns) / 1e9,
            peak_rss_bytes=_peak_bytes(),
        )
    print(msgspec.json.encode(outcome).decode(), flush=True)  # noqa: T201  the answer


def _peak_bytes() -> int:
    """Most memory (By) of this process. Linux's ``ru_maxrss`` goes on counting from whoever started it."""
    with suppress(OSError, ValueError):
        _, found, rest = Path("/proc/self/status").read_text().partition("VmHWM:")
        if found:
            return int(rest.split()[0]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
