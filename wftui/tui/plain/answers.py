"""What a person may type, a line each, and what is said to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.errors import UsageError
from wftui.model import gpus as gpu_cells
from wftui.model import processes as cells
from wftui.tui.gpus import boxes, held_by
from wftui.tui.panels.sources import sorted_sources
from wftui.tui.plain import speech
from wftui.tui.plain.facts import facts, gpu_fact
from wftui.tui.plain.news import event_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from wftui.tui.gpus import Gpu
    from wftui.tui.plain.news import News
    from wftui.tui.state import State

WORDS: Final = {
    "all": "everything now; Enter alone does the same",
    "help": "these words",
    "cpu": "CPU",
    "memory": "memory",
    "disks": "disks and file systems",
    "network": "network",
    "gpu": "all GPUs one by one; gpu 0: more of one",
    "models": "all model servers one by one; models ollama: more of one",
    "ux": "programs that draw, how true the picture of energy is",
    "processes": "the 5 with the most CPU; processes 10: ten of them",
    "alerts": "what fires, the worst first; alerts 20: twenty of them",
    "events": "the last 5 events; events 10: ten of them",
    "sources": "which sources do not work, why, and what to do",
    "streams": "streams of tokens: their state, energy and rate",
    "every": "how often changes are told: every 10s",
    "quit": "the end, as Control D",
}
_SUBJECTS: Final = {"cpu": ("cpu",), "memory": ("memory",), "disks": ("disks", "fullest"), "network": ("network",)}
_FIRST: Final = 5
_MOST: Final = 50
SHORTEST_S: Final = 1
LONGEST_S: Final = 3600


class Quit(Exception):  # noqa: N818  no error: the person wants to leave
    """``quit`` was typed."""


def answer(typed: str, state: State, news: News) -> list[str]:
    """Lines to say.

    Raises:
        Quit: It was the word for that.
    """
    word, _, rest = typed.strip().lower().partition(" ")
    rest = rest.strip()
    known = [name for name in WORDS if name.startswith(word or "all")]
    if word in ("exit", "q"):
        raise Quit
    if not known:
        return [f"There is no word {speech.spoken(word, 40)}. Type help for the words."]
    name = known[0]
    if name == "quit":
        raise Quit
    if name == "all":
        return news.everything(state)
    if name == "help":
        return [f"{each}: {meaning}." for each, meaning in WORDS.items()]
    if name in _SUBJECTS:
        found = [fact.sentence for fact in facts(state, news.seconds) if fact.subject in _SUBJECTS[name]]
        return found or [f"Nothing is known of {name}."]
    if name == "gpu":
        return _gpu(state, rest, news.seconds)
    if name == "models":
        from wftui.tui.plain import serving  # here: many machines serve no models

        return serving.answer(state, rest)
    if name == "ux":
        from wftui.tui.plain import drawing  # here: most machines draw nothing

        return drawing.answer(state)
    if name == "streams":
        from wftui.tui.plain import streams  # here: on most machines nobody tells tokens

        return streams.answer(state)
    if name == "alerts":
        from wftui.tui.plain import alarms  # here: on a good day nobody asks

        return alarms.answer(state, _count(rest))
    if name == "every":
        return _every(rest, news)
    asked: dict[str, Callable[[State, int], list[str]]] = {
        "processes": _processes,
        "events": _events,
        "sources": _sources,
    }
    return asked[name](state, _count(rest))


def interval(typed: str) -> int:
    """Whole seconds of an interval.

    Raises:
        UsageError: It is none between a second and an hour.
    """
    from wftui.when import duration

    seconds = duration(typed) if not typed.isdigit() else float(typed)
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise UsageError(f"expected an interval from 1s to 1h, got {typed!r}")
    return round(seconds)


def _every(rest: str, news: News) -> list[str]:
    if rest:
        try:
            news.seconds = interval(rest)
        except UsageError as error:
            return [f"{speech.spoken(str(error))}."]
    return [f"Changes are told every {news.seconds} {'second' if news.seconds == 1 else 'seconds'}."]


def _gpu(state: State, rest: str, seconds: int) -> list[str]:
    found = boxes(state)
    if not found:
        source = next((item for item in state.sources if item.source == "gpu"), None)
        why = f": {speech.spoken(source.reason)}" if source is not None and source.reason else ""
        return [f"No GPU{why}."]
    if not rest:
        return [gpu_fact(state, gpu, seconds).sentence for gpu in found]
    gpu = next((gpu for gpu in found if rest in (gpu.label.lower(), gpu.uuid.lower())), None)
    if gpu is None:
        labels = speech.listed([speech.spoken(item.label, 40) for item in found], 20)
        return [f"There is no GPU {speech.spoken(rest, 40)}; there is {labels}."]
    return [gpu_fact(state, gpu, seconds).sentence, *_more(state, gpu)]


def _more(state: State, gpu: Gpu) -> list[str]:
    lines = [f"Model {speech.spoken(gpu.name)}, state {gpu.state}."]
    if gpu.reason:
        lines.append(f"Why: {speech.spoken(gpu.reason)}.")
    if gpu.fix:
        lines.append(f"What to do: {speech.spoken(gpu.fix)}.")
    if gpu.clock == gpu.clock:
        top = f" of {gpu.clock_limit / 1e6:.0f}" if gpu.clock_limit == gpu.clock_limit else ""
        lines.append(f"Clock {gpu.clock / 1e6:.0f}{top} megahertz.")
    if gpu.power_limit == gpu.power_limit:
        lines.append(f"Power limit {speech.watts(gpu.power_limit)}.")
    names = {row[cells.PID]: row[cells.NAME] for row in state.processes().values()}
    for row in held_by(state, gpu.uuid)[:_FIRST]:
        pid, memory = row[gpu_cells.P_PID], row[gpu_cells.P_MEMORY]
        name = speech.spoken(str(names.get(pid) or "a process"), 40)
        held = speech.size(float(memory)) if isinstance(memory, int | float) else "unknown memory"
        lines.append(f"{name}, process {pid}, holds {held}.")
    return lines


def _processes(state: State, count: int) -> list[str]:
    rows = state.processes().values()
    if not rows:
        return ["Nothing is known of processes yet."]

    def used(row: tuple[object, ...]) -> float:
        value = row[cells.CPU]
        return value if isinstance(value, float) and value == value else -1.0

    lines = []
    for row in sorted(rows, key=lambda row: (-used(row), row[cells.PID] or 0))[:count]:
        cpu, memory = row[cells.CPU], row[cells.MEMORY]
        share = speech.percent(cpu if isinstance(cpu, float) else None)
        held = speech.size(float(memory)) if isinstance(memory, int | float) else speech.UNKNOWN
        who = f"process {row[cells.PID]} of {speech.spoken(str(row[cells.USER] or 'unknown'), 32)}"
        name = speech.spoken(str(row[cells.NAME] or "unnamed"), 40)
        lines.append(f"{name}, {who}: CPU {share}, memory {held}.")
    return [*lines, f"{len(rows)} processes in all; 100 percent is one core."]


def _events(state: State, count: int) -> list[str]:
    found = list(state.events)[-count:]
    return [f"{event_words(state, event)}." for event in reversed(found)] or ["No events yet."]


def _sources(state: State, count: int) -> list[str]:
    wrong = [item for item in sorted_sources(state.sources) if item.state != "ok"]
    lines = [f"{len(state.sources) - len(wrong)} of {len(state.sources)} sources are ok."]
    for item in wrong[: 2 * count]:
        why = f": {speech.spoken(item.reason)}" if item.reason else ""
        fix = f". What to do: {speech.spoken(item.fix)}" if item.fix else ""
        lines.append(f"{speech.spoken(item.source, 40)} is {item.state}{why}{fix}.")
    return lines


def _count(rest: str) -> int:
    return max(1, min(_MOST, int(rest))) if rest.isascii() and rest.isdigit() else _FIRST
