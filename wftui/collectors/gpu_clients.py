"""From clients of a GPU to its processes: shares of the time since the round before."""

from collections.abc import Mapping
from typing import Final

from wftui.clock import NS_PER_S, Instant
from wftui.collectors.gpu_fdinfo import Client, Engine, Found
from wftui.collectors.nvml.frames import Process

_ENCODERS: Final = frozenset({"enc", "enc_1"})
_DECODERS: Final = frozenset({"dec", "jpeg"})
"""Engines of AMD. Intel's ``video`` does both and does not say which: it counts like the others."""
_COMPUTE: Final = frozenset({"compute", "ccs"})
_GRAPHICS: Final = frozenset({"gfx", "render", "rcs"})
LONGEST_S: Final = 60.0
"""Between two rounds; a longer pause tells nothing of now."""

Key = tuple[str, int]


class Clients:
    """Engine time of each client as of the round before."""

    def __init__(self) -> None:
        self._before: dict[Key, dict[str, Engine]] = {}
        self._before_ns = 0

    def take(
        self, found: Found, kfd: Mapping[str, Mapping[int, int]], unified: frozenset[str], at: Instant
    ) -> tuple[dict[str, list[Process]], dict[str, float]]:
        """Take a round in.

        Args:
            found: The clients.
            kfd: PCI address to pid to bytes, of those that compute through ROCm.
            unified: PCI addresses of those that use the system's memory.
            at: When the round was.

        Returns:
            PCI address to its processes; and to the share of time of its busiest engine, of those that told.
        """
        elapsed_s = (at.boottime_ns - self._before_ns) / NS_PER_S if self._before else 0.0
        if not 0 < elapsed_s <= LONGEST_S:
            elapsed_s = 0.0
        uses: dict[tuple[str, int], list[tuple[Client, dict[str, float] | None]]] = {}
        sums: dict[str, dict[str, float]] = {}
        before, self._before = self._before, {}
        for key, (pid, client) in found.clients.items():
            shares = self._shares(before.get(key), client, elapsed_s)
            # A value lower than before is the driver catching up: the larger one stands until it is passed.
            self._before[key] = {
                name: _later(before.get(key, {}).get(name), e) for name, e in client.engines.items()
            }
            uses.setdefault((key[0], pid), []).append((client, shares))
            for name, share in (shares or {}).items():
                engines = sums.setdefault(key[0], {})
                engines[name] = engines.get(name, 0.0) + share
        self._before_ns = at.boottime_ns
        for bus, held in kfd.items():
            for pid in held:
                uses.setdefault((bus, pid), [])
        processes: dict[str, list[Process]] = {}
        for (bus, pid), told in uses.items():
            item = _process(pid, told, kfd.get(bus, {}).get(pid), bus in unified)
            processes.setdefault(bus, []).append(item)
        return processes, {bus: min(1.0, max(engines.values())) for bus, engines in sums.items() if engines}

    @staticmethod
    def _shares(before: dict[str, Engine] | None, client: Client, elapsed_s: float) -> dict[str, float] | None:
        """None: a client that was not there before, of whose time nothing is known yet."""
        if before is None or not elapsed_s:
            return None
        shares = {}
        for name, engine in client.engines.items():
            # amdgpu tells of an engine only once it was used.
            old = before.get(name, Engine(0, None, 1) if engine.total is None else engine)
            used = max(0, engine.busy - old.busy)
            if engine.total is None:
                share = used / NS_PER_S / elapsed_s / engine.capacity
            elif old.total is not None and engine.total > old.total:
                share = used / (engine.total - old.total) / engine.capacity
            else:
                continue
            shares[name] = min(1.0, share)
        return shares


def _later(old: Engine | None, new: Engine) -> Engine:
    return old if old is not None and new.busy < old.busy else new


def _process(
    pid: int, told: list[tuple[Client, dict[str, float] | None]], rocm: int | None, unified: bool
) -> Process:
    memories = [_memory(client, unified) for client, _ in told]
    sizes = [size for size in memories if size is not None]
    # Memory of ROCm is in the sum of its file, too, on kernels that count it there: the larger one is the truth.
    size = max((sum(sizes), rocm or 0)) if sizes or rocm is not None else None
    shares = [share for _, share in told if share is not None]
    engines: dict[str, float] = {}
    for share in shares:
        for name, value in share.items():
            engines[name] = min(1.0, engines.get(name, 0.0) + value)
    ours = [value for name, value in engines.items() if name not in _ENCODERS | _DECODERS]
    use = _percent(ours)
    if use is None and shares and not any(client.engines for client, _ in told):
        use = 0.0  # amdgpu lists an engine from its first use on
    if rocm is not None and not use:
        use = None  # queues of ROCm run past the driver: nobody counts their time
    kinds = {name for client, _ in told for name, engine in client.engines.items() if engine.busy}
    compute, graphics = rocm is not None or bool(kinds & _COMPUTE), bool(kinds & _GRAPHICS)
    return Process(
        pid,
        kind="C+G" if compute and graphics else "C" if compute else "G" if graphics else "",
        memory=size,
        sm=use,
        enc=_percent([value for name, value in engines.items() if name in _ENCODERS]),
        dec=_percent([value for name, value in engines.items() if name in _DECODERS]),
    )


def _memory(client: Client, unified: bool) -> int | None:
    if not unified:
        return client.own
    parts = [part for part in (client.own, client.system) if part is not None]
    return sum(parts) if parts else None


def _percent(shares: list[float]) -> float | None:
    return round(100 * max(shares), 3) if shares else None
