"""The tables of ``gpu_check.py``: every field of a GPU, and what the calls cost."""

from statistics import mean

from tests.benchmarks.gpu_listen import Listener
from wftui.collectors.nvml.fields import FIELDS, plausible
from wftui.collectors.nvml.frames import Gpu

NOT_SUPPORTED = 3


class Verdict:
    """Lines as they come, and whether one of them disagrees."""

    def __init__(self) -> None:
        self.wrong: list[str] = []

    def title(self, words: str) -> None:
        print(f"\n{words}\n{'-' * len(words)}", flush=True)

    def line(self, words: str, good: bool | None = None) -> None:
        """``good`` None: nothing to judge."""
        mark = {None: " ", True: "✓", False: "✗"}[good]
        print(f"{mark} {words}", flush=True)
        if good is False:
            self.wrong.append(words)


def label(gpu: Gpu) -> str:
    """What a table calls it."""
    return f"GPU {gpu.index if gpu.index is not None else gpu.bus_id}"


def all_fields(out: Verdict, listener: Listener, gpu: Gpu) -> None:
    """Every field: its last value in the catalogue's unit, ``n/a``, or the code."""
    out.title(f"{label(gpu)}: {gpu.name} {gpu.uuid}, every field")
    tally = {"value": 0, "n/a": 0, "error": 0, "no word": 0}
    for key, field in FIELDS.items():
        name = field.metric + "".join(f" {value}" for _, value in field.labels)
        readings = listener.values.get((gpu.uuid, key))
        code = listener.codes.get((gpu.uuid, key), 0)
        good: bool | None = None
        if readings:
            value = plausible(field, readings[-1].number)
            shown, kind = (f"{value:.6g}", "value") if value is not None else ("rejected", "error")
            shown += "" if value is not None else f" {readings[-1].number}"
            good = value is not None
        elif code == NOT_SUPPORTED:
            shown, kind = "n/a", "n/a"
        elif code:
            shown, kind = f"error {code}", "error"
        else:
            shown, kind = "-", "no word"
        tally[kind] += 1
        out.line(f"{name:<48} {shown:>16}  {field.call}", good)
    out.line(", ".join(f"{count} {kind}" for kind, count in tally.items()), good=tally["value"] > 0)


def costs(out: Verdict, listener: Listener) -> None:
    """What the calls cost, the dearest first, and the worker."""
    out.title("Calls")
    if not listener.calls:
        out.line("no figures: the worker tells them every 10 s")
    out.line(f"{'':<42} {'calls':>7} {'p50 µs':>9} {'p99 µs':>9} {'max µs':>9} {'failed':>7}")
    for name, (count, _, p50, p99, worst, failed) in sorted(listener.calls.items(), key=lambda item: -item[1][3]):
        out.line(f"{name:<42} {count:>7} {p50 * 1e6:>9.1f} {p99 * 1e6:>9.1f} {worst * 1e6:>9.1f} {failed:>7}")
    cpu = mean(listener.cpu[1:] or [0.0])  # the first second holds the start
    rate = listener.status.rate_hz if listener.status is not None else 0.0
    out.line(
        f"worker: CPU {cpu:.2%} of a core, {listener.memory / 2**20:.1f} MiB, {rate:g} fast readings a second"
    )
