"""What changed around a moment, in plain words with the evidence: the same for the command and the view."""

from collections.abc import Iterable
from typing import Final

from wftui.model.event import Event
from wftui.model.series import Series, parse
from wftui.model.why import APPEARED, ENDED, FELL, STARTED, VANISHED, Answer, Moved, Process
from wftui.render import text
from wftui.text import clean
from wftui.units import NS_PER_S, quantity

Sections = list[tuple[str, list[str]]]

_TOLD: Final = 8
_CHAIN: Final = 3
"""Steps of the first sentence."""
_SHORT: Final = {
    "system.cpu.utilization": "CPU", "system.cpu.logical.utilization": "CPU core", "system.cpu.time": "CPU time",
    "system.cpu.run_queue": "threads that want to run", "system.memory.available": "available memory",
    "system.memory.usage": "memory", "system.memory.utilization": "memory used",
    "system.pressure.utilization": "pressure", "system.pressure.time": "stalled by pressure",
    "system.disk.io": "disk", "system.disk.utilization": "disk busy", "system.disk.io_time": "disk busy",
    "system.network.io": "network", "system.network.throughput": "network",
    "hw.gpu.utilization": "busy", "hw.gpu.memory.usage": "memory", "hw.gpu.memory.utilization": "memory used",
    "hw.power": "power", "hw.gpu.power": "power", "hw.energy": "power", "hw.temperature": "temperature",
    "hw.gpu.temperature": "temperature", "hw.gpu.energy": "power", "inference.requests": "requests",
    "gen_ai.server.time_to_first_token": "TTFT", "gen_ai.server.time_per_output_token": "time per token",
    "gen_ai.server.request.duration": "request duration", "inference.kv_cache.utilization": "KV cache",
    "inference.tokens": "tokens",
}  # fmt: skip
"""Metric to words."""
_UNITS: Final = {"J/s": "W", "s/s": "1"}
_PLAIN: Final = frozenset({"1", "s/s", "Cel", "{score}"})
"""Units of which it says nothing how many times as much it is."""
_SALIENT: Final = {
    "gpu.xid": "{about} Xid {xid}", "gpu.lost": "{about} lost", "gpu.stuck": "{about} stuck",
    "process.oom_killed": "a process killed for lack of memory", "server.gone": "server {about} gone",
    "server.restarted": "server {about} restarted", "model.loaded": "model {model} loaded",
    "model.unloaded": "model {model} unloaded", "recorder.unclean": "the recording broke off",
    "clock.suspended": "the machine slept", "mark.set": "mark {name}",
}  # fmt: skip
"""Events that belong to the story, and their words."""
_LEAD_S: Final = 60


def named(item: Series, gpus: dict[str, str]) -> str:
    """A series in words: ``GPU 0 power``, ``TTFT p95, vllm``; what has no word of its own keeps its name."""
    labels = dict(item.labels)
    gpu, stat = labels.pop("gpu", ""), labels.pop("stat", "")
    words = _SHORT.get(item.name)
    if words is None:
        words = item.name.removeprefix("system.").removeprefix("hw.gpu.").removeprefix("inference.")
        words = words.replace(".", " ").replace("_", " ")
    if gpu:
        words = f"{gpu_named(gpu, gpus)} {words}"
    if item.name == "system.cpu.logical.utilization" and "cpu" in labels:
        words = f"{words} {labels.pop('cpu')}"
    if stat:
        words += f" {stat}"
    rest = " ".join(clean(value, 60) for value in labels.values())
    return f"{words} {rest}" if rest else words


def gpu_named(uuid: str, gpus: dict[str, str]) -> str:
    """``GPU 0``; without a number the begin of its UUID."""
    return f"GPU {gpus.get(uuid) or clean(uuid, 12)}"


def amount(value: float, unit: str) -> str:
    """A number with its unit."""
    return quantity(float(f"{value:.3g}"), _UNITS.get(unit, unit))


def step(before: float, after: float, unit: str) -> str:
    """``120 → 340 W (x2.8)``: the unit once where it is the same, how many times where that says something."""
    one, other = amount(before, unit), amount(after, unit)
    first, _, its = one.partition(" ")
    _, _, same = other.partition(" ")
    said = f"{first} → {other}" if its == same else f"{one} → {other}"
    if before > 0 and after > 0 and unit not in _PLAIN:
        times = after / before
        if 1.3 <= times < 1000:
            said += f" (x{times:.0f})" if times >= 10 else f" (x{times:.2g})"
        elif times < 0.8:
            said += f" (-{(1 - times) * 100:.0f} %)"
    return said


def moved(item: Moved, gpus: dict[str, str]) -> str:
    """A series and what it did: ``GPU 0 power 120 → 340 W (x2.8)``."""
    name = named(item.column.series, gpus)
    if item.kind == APPEARED:
        return f"{name} appeared, {amount(item.after, item.unit)}"
    if item.kind == VANISHED:
        return f"{name} vanished, {amount(item.before, item.unit)} before"
    return f"{name} {step(item.before, item.after, item.unit)}"


def headline(answer: Answer) -> str:
    """The first findings as one sentence, causes before effects."""
    if not answer.moved:
        return _nothing(answer)
    # What belongs to one story began within minutes, and tells about as much as the first.
    first = [item for item in answer.moved[:_CHAIN] if item.score >= answer.moved[0].score / 6]
    first.sort(key=lambda item: item.began_s)
    steps = [(item.began_s, moved(item, answer.gpus)) for item in first]
    steps += _salient(answer, first[0].began_s - _LEAD_S, first[-1].began_s + _LEAD_S)
    steps.sort(key=lambda item: item[0])
    sentence, last = "", None
    for at_s, said in steps:
        if at_s == last:
            sentence += f", with it {said}"
        else:
            sentence += f"{'; then ' if sentence else ''}{said} at {text.clock(at_s)}"
        last = at_s
    return f"{sentence[0].upper()}{sentence[1:]}."


def _salient(answer: Answer, since_s: int, until_s: int) -> list[tuple[int, str]]:
    """Events that say what happened, each type once: (UTC second, words)."""
    found: dict[str, tuple[int, str]] = {}
    for item in answer.events:
        at_s = item.time_ns // NS_PER_S
        if item.type not in _SALIENT or item.type in found or not since_s <= at_s <= until_s:
            continue
        about = gpu_named(item.aggregate_id, answer.gpus) if item.aggregate_type == "gpu" else item.aggregate_id
        said = {key: clean(str(item.payload.get(key, "")), 60) for key in ("xid", "model", "name")}
        words = _SALIENT[item.type].format(about=clean(about, 60), **said)
        found[item.type] = at_s, " ".join(words.split())
    return sorted(found.values())[:_CHAIN]


def _nothing(answer: Answer) -> str:
    if not answer.window_known_s:
        return "Nothing was recorded then."
    if not answer.judged:
        return f"Too little was recorded before it to tell: {answer.before_known_s} s."
    return f"Nothing stands out: none of {answer.judged} series went far from the {_before(answer)} before."


def _before(answer: Answer) -> str:
    return text.duration(answer.from_s - answer.since_s).strip()


def sections(answer: Answer) -> Sections:
    """Titles and lines, none of them empty."""
    title = (
        f"Around {text.day(answer.at_s)} {text.clock(answer.at_s)} "
        f"({text.clock(answer.from_s)} to {text.clock(answer.until_s)}), against the {_before(answer)} before"
    )
    found: Sections = [(title, [headline(answer), *_gaps(answer)])]
    if answer.moved:
        lines = [line for item in answer.moved[:_TOLD] for line in _moved_lines(item, answer)]
        more = len(answer.moved) - _TOLD
        found.append(("What moved", lines + ([f"and {more} that tell less"] if more > 0 else [])))
    if answer.processes:
        found.append(("Processes", [_process(item, answer) for item in answer.processes]))
    if answer.events:
        found.append(
            (
                "Events",
                [f"{text.clock(item.time_ns / 1e9)}  {happened(item, answer.gpus)}" for item in answer.events],
            )
        )
    before = list(_earlier(answer))
    if before:
        found.append(("Before", before))
    return found


def _gaps(answer: Answer) -> Iterable[str]:
    window, before = answer.until_s - answer.from_s, answer.from_s - answer.since_s
    if answer.moved and answer.window_known_s < window * 0.9:
        yield f"Only {answer.window_known_s} of the {window} s were recorded."
    if answer.moved and answer.before_known_s < before * 0.5:
        yield f"Of the time before only {answer.before_known_s} of {before} s were recorded."


def _moved_lines(item: Moved, answer: Answer) -> Iterable[str]:
    yield f"{text.clock(item.began_s)}  {moved(item, answer.gpus)}{_for(item)}"
    notes = []
    if item.kind not in (APPEARED, VANISHED):
        times = "30 or more" if item.deviation >= 30 else f"{item.deviation:.0f}"
        notes.append(f"{times} times the usual spread")
    if item.members:
        names = [named(parse(member), answer.gpus) for member in item.members]
        shown = ", ".join(names[:3])
        notes.append(f"with it {shown}" + (f" and {len(names) - 3} more" if len(names) > 3 else ""))
    if item.repeats:
        notes.append(f"{_times(item.repeats)} in the {_before(answer)} before")
    if item.usual_days:
        notes.append(f"at this time also on {item.usual_days} of {item.days} earlier days")
    if notes:
        yield f"          {'; '.join(notes)}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _for(item: Moved) -> str:
    if item.ended_s is None or item.kind in (APPEARED, VANISHED):
        return ""
    return f", for {text.duration(max(1, item.ended_s - item.began_s)).strip()}"


def _process(item: Process, answer: Answer) -> str:
    who = f"{clean(item.name, 40) or '-'} ({item.pid})"
    where = f" on {gpu_named(item.gpu, answer.gpus)}" if item.gpu else ""
    at = text.clock(item.at_s)
    if item.kind == STARTED:
        return f"{at}  {who} started: {item.what} {amount(item.after, item.unit)}{where}"
    if item.kind == ENDED:
        return f"{at}  {who} ended: {item.what} {amount(item.before, item.unit)} before{where}"
    return f"{at}  {who} {item.what} {step(item.before, item.after, item.unit)}{where}"


def happened(item: Event, gpus: dict[str, str]) -> str:
    """An event in words."""
    payload = item.payload
    kind = item.type.replace(".", " ").replace("_", " ")
    if item.aggregate_type == "alert":
        said = clean(str(payload.get("message") or payload.get("name") or item.aggregate_id), 120)
        return f"{kind}: {said}"
    about = gpu_named(item.aggregate_id, gpus) if item.aggregate_type == "gpu" else clean(item.aggregate_id, 60)
    if item.aggregate_type in ("recorder", ""):
        about = ""
    told = ", ".join(
        f"{key} {_cell(value)}"
        for key, value in payload.items()
        if isinstance(value, str | int | float) and value != ""
    )
    return f"{kind}{f' {about}' if about else ''}{f': {clean(told, 120)}' if told else ''}"


def _cell(value: str | float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _earlier(answer: Answer) -> Iterable[str]:
    past = answer.past
    if past is None:
        return
    for rule, times, last_s in past.alerts:
        if times:
            yield f"{rule} fired {_times(times)} before, last on {text.day(last_s)} {text.clock(last_s)}"
        else:
            yield f"{rule} never fired before"
    name = named(parse(past.series), answer.gpus)
    since = f"since {text.day(past.since_s)} {text.clock(past.since_s)}"
    if past.share >= 1 / 3:
        yield f"{name} was as far for {past.share:.0%} of the time {since}: it often is"
    elif past.episodes:
        total = len(past.episodes) + past.more
        yield f"the like {_times(total)} {since}:"
        unit = next((item.unit for item in answer.moved if item.column.series.text == past.series), "")
        extreme = (
            "lowest"
            if any(item.kind == FELL and item.column.series.text == past.series for item in answer.moved)
            else "peak"
        )
        for item in past.episodes:
            lasted = text.duration(item.until_s - item.since_s).strip()
            peak = amount(item.peak, unit)
            yield f"  {text.day(item.since_s)} {text.clock(item.since_s)}, {lasted}: {name} {extreme} {peak}"
    else:
        yield f"the like never {since}"
