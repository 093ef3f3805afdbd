"""Programs that make frames, views that tell how true they are, and a core, as a recorder tells of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Final

from tests.tui.fake import HOSTILE, NAN, NOW_S, Fed, column_of, wave
from wftui.model.event import Event
from wftui.model.health import Health
from wftui.model.sample import Column
from wftui.model.streams import FRAMES
from wftui.model.table import Row, TableChange
from wftui.tui.state import State
from wftui.wire import messages as wire

GOOD, SLOW, PAUSED, CORE = "orrery", "canvas", "editor", "core"
NS: Final = 10**9
FIELDS: Final = ("rate", "p50", "p95", "p99", "longest", "jitter", "low", "jank", "stability")


def frames(label: tuple[str, str], mode: str, values: tuple[float, ...]) -> Iterator[tuple[Column, float]]:
    """A window of a program: ``values`` as ``FIELDS``."""
    for field, value in zip(FIELDS, values, strict=True):
        yield column_of("energy", f"ux.frame.{field}", {label[0]: label[1], "mode": mode}), value


def window(fps: float, frame: float, jitter: float, peak: float = 1.0) -> tuple[float, ...]:
    """Of a program whose frames take about so long, s."""
    longest = max(frame * 1.5, frame * 1.6 * peak)
    low = min(fps, 1 / longest)
    stability = 100 * min(1, fps / 60) * (1 - min(1, jitter * 60))
    return fps, frame, frame * 1.25, frame * 1.5, longest, jitter, low, 0.2 if fps > 59 else 1.7, stability


NOTHING: Final = (0.0, *[NAN] * 8)


class UxFed(Fed):
    """Three programs, a core, a view in full motion and one over a slow link."""

    def __init__(self, *, hostile: bool = False, without: frozenset[str] = frozenset()) -> None:
        """``without``: ``frames``, ``fidelity``, ``core``."""
        self.without = without
        self.slow = HOSTILE[:40] if hostile else SLOW
        super().__init__(cores=2, hostile=hostile)

    @property
    def made_of(self) -> tuple[Hashable, ...]:
        return *super().made_of, self.without

    def series(self, second: int) -> list[tuple[Column, float]]:
        found = super().series(second)
        if "frames" not in self.without:
            found += self._frames(second)
        if "fidelity" not in self.without:
            found += self._fidelity(second)
        if "core" not in self.without:
            found += self._core(second)
        return found

    def _frames(self, second: int) -> Iterator[tuple[Column, float]]:
        peak = 3.2 if second % 47 < 2 else 0.7 + 0.5 * wave(second, 9)
        for mode in ("1s", "10s", "5m"):
            yield from frames(("source", GOOD), mode, window(60.0, 0.0082, 0.0011, 0.7 + 0.4 * wave(second, 13)))
            yield from frames(("source", self.slow), mode, window(47.4, 0.0192, 0.0063, peak))
            yield from frames(("source", PAUSED), mode, NOTHING if mode != "5m" else window(8.1, 0.0031, 0.0004))
            yield from frames(("source", CORE), mode, window(59.9, 0.0112, 0.0016))
            yield from frames(("view", "1"), mode, window(61.8, 0.0021, 0.0005))
        for label, over, lost in (
            (("source", GOOD), 12, 0), (("source", self.slow), 3.4 * second, 0), (("source", PAUSED), 0, 0),
            (("source", CORE), 41, 3), (("view", "1"), 0, 0),
        ):  # fmt: skip
            yield column_of("energy", "ux.frames.over", dict([label])), float(over)
            yield column_of("energy", "ux.frames.lost", dict([label])), float(lost)

    def _fidelity(self, second: int) -> Iterator[tuple[Column, float]]:
        told: tuple[tuple[str, str, dict[str, str], float, float], ...] = (
            ("ratio", "wftop.fidelity", {}, 0.984, 0.62),
            ("lag", "wftop.fidelity", {}, 0.021 + 0.012 * wave(second, 7), 0.14 + 0.05 * wave(second, 5)),
            ("coherence", "wftop.fidelity", {}, 96.0, 71.0),
            ("seen", "wftop.fidelity", {}, 24.1 * second, 9.2 * second),
            ("particles", "wftop.fidelity", {}, 412.0, 96.0),
            ("tokens", "wftop.fidelity", {}, 1.0, 4.0),
            ("motion", "wftop.view", {}, 2.0, 1.0),
            ("missed", "wftop.fidelity", {"mode": "room"}, 0.3 * second, 0.1 * second),
            ("missed", "wftop.fidelity", {"mode": "link"}, 0.0, 5.4 * second),
            ("missed", "wftop.fidelity", {"mode": "cpu"}, 0.0, 0.0),
            ("missed", "wftop.fidelity", {"mode": "adaptation"}, 0.0, 0.0),
        )
        for name, prefix, labels, first, second_one in told:
            yield column_of("views", f"{prefix}.{name}", {**labels, "view": "1"}), first
            yield column_of("views", f"{prefix}.{name}", {**labels, "view": "2"}), second_one

    def _core(self, second: int) -> Iterator[tuple[Column, float]]:
        for name, value in (
            ("core.up", 1.0), ("core.heartbeat.age", 0.4), ("progression.level", 3.0),
            ("progression.points", 640.0 + second), ("progression.rate", 1.24), ("progression.session", 4800.0),
        ):  # fmt: skip
            yield column_of("core", f"ux.{name}", {"source": CORE}), value

    def furnish(self) -> UxFed:
        super().furnish()
        if "frames" not in self.without:
            self.state.on(
                wire.TableArrived(TableChange(FRAMES.name, NOW_S * NS, keyframe=True, rows=self.rows()), FRAMES)
            )
        health = Health("core", "ok", interval_s=1.0, coverage=1.0)
        if "core" in self.without:
            health = Health(
                "core", "absent", "no core listens", "wftop config set core.url ws://127.0.0.1:PORT/ws"
            )
        self.state.sources = [*self.state.sources, health]
        for age, before, after, reason in (
            (1500, 5, 3, "rule.recorder-busy"),
            (1380, 3, 5, "nobody asks for less"),
        ):
            payload = {"before": before, "after": after, "rule": "", "reason": reason}
            at = (NOW_S - age) * NS
            self.state.add_events(
                [Event(9000 - age, f"q{age}", at, "quality.changed", "quality", "wftop", payload=dict(payload))]
            )
        return self

    def rows(self) -> dict[str, Row]:
        """The table of frames."""
        known: Mapping[str, tuple[str, tuple[float | None, ...]]] = {
            f"source:{GOOD}": ("", (0.0031, 0.0012, 0.0029, 0.0008, 0.018)),
            f"source:{self.slow}": ("render", (0.0051, 0.0021, 0.0102, 0.0014, 0.041)),
            f"source:{PAUSED}": ("", (None,) * 5),
            f"source:{CORE}": ("", (0.0061, 0.0019, 0.0024, 0.0007, None)),
            "view:1": ("", (None, 0.0004, 0.0014, 0.0002, None)),
        }
        return {key: (key, bottleneck, *cells) for key, (bottleneck, cells) in known.items()}


def drawing(*without: str, hostile: bool = False) -> State:
    """Five minutes of it, with a gap of 12 s."""
    return (
        UxFed(hostile=hostile, without=frozenset(without)).run(301, 600, without=range(540, 552)).furnish().state
    )
