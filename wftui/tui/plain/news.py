"""What is news: compared with what was told last, not with the last second, so that a slow drift is told too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.render import stream_words, text
from wftui.tui.gpus import boxes, cards
from wftui.tui.panels import events
from wftui.tui.plain import speech
from wftui.tui.plain.facts import Fact, facts, gpus_together

if TYPE_CHECKING:
    from wftui.model.event import Event
    from wftui.tui.state import State

MOST: Final = 5
"""Lines of a report that nobody asked for."""
_EVENTS: Final = 2
_GPUS: Final = 2
"""Up to so many GPUs are told one by one."""


class News:
    """Remembers what was told."""

    def __init__(self, seconds: int) -> None:
        """``seconds``: what shares and rates are means over."""
        self.seconds = seconds
        self._told: dict[str, Fact] = {}
        self._last_event = -1
        self._missing: frozenset[str] = frozenset()
        """Subjects of which a number was known when they were told and was not at the last look."""

    def everything(self, state: State) -> list[str]:
        """A line for every subject; all of it counts as told from now on."""
        found = facts(state, self.seconds)
        self._told = {fact.subject: fact for fact in found}
        self._seen(state)
        gpus = [fact for fact in found if _is_gpu(fact)]
        serving = [fact for fact in found if _is_server(fact)]
        lines = [fact.sentence for fact in found if not _is_gpu(fact) and not _is_server(fact)]
        place = len(lines) - any(fact.subject == "sources" for fact in found)
        if len(serving) > MOST:
            from wftui.tui.models_screen.seen import servers  # here: many machines serve no models
            from wftui.tui.plain.serving import together

            lines.insert(place, together(servers(state)))
        else:
            lines[place:place] = [fact.sentence for fact in serving]
        if len(gpus) > MOST:
            # One by one they would be a lecture; `gpu` tells each.
            lines.insert(place, gpus_together(state, cards(boxes(state)), self.seconds))
        else:
            lines[place:place] = [fact.sentence for fact in gpus]
        return lines

    def since(self, state: State) -> list[str]:
        """What changed noticeably since it was told last, at most ``MOST`` lines; the rest comes next time."""
        found = facts(state, self.seconds)
        fresh = [fact for fact in found if self._noticeable(fact)]
        self._missing = frozenset(fact.subject for fact in found if self._misses(fact))
        gone = self._gone(state)
        lines = [*gone, *self._events(state)]
        gpus = [fact for fact in fresh if _is_gpu(fact)]
        if len(gpus) > _GPUS:
            fresh = [fact for fact in fresh if not _is_gpu(fact)]
        tell = fresh[: MOST - len(lines)]
        lines += [self._changed(fact) for fact in tell]
        self._told |= {fact.subject: fact for fact in tell}
        if len(gpus) > _GPUS and len(lines) < MOST:
            those = {fact.subject for fact in gpus}
            changed = [gpu for gpu in cards(boxes(state)) if f"gpu {gpu.uuid}" in those]
            lines.append(gpus_together(state, changed, self.seconds))
            self._told |= {fact.subject: fact for fact in gpus}
        return lines

    def _noticeable(self, fact: Fact) -> bool:
        told = self._told.get(fact.subject)
        if told is None or told.words != fact.words or len(told.numbers) != len(fact.numbers):
            return True
        for (now, step), (then, _) in zip(fact.numbers, told.numbers, strict=True):
            if now == now and not abs(now - then) < step:  # also when it was unknown before
                return True
        # One reading that did not come is not worth a word.
        return self._misses(fact) and fact.subject in self._missing

    def _misses(self, fact: Fact) -> bool:
        told = self._told.get(fact.subject)
        if told is None:
            return False
        return any(
            now != now and then == then for (now, _), (then, _) in zip(fact.numbers, told.numbers, strict=False)
        )

    def _changed(self, fact: Fact) -> str:
        told = self._told.get(fact.subject)
        if told is None or not fact.figure or told.figure == fact.figure or told.lead != told.lead:
            return fact.sentence
        way = "up" if fact.lead > told.lead else "down"
        if fact.lead != fact.lead:
            return fact.sentence
        rest = f", {fact.rest}" if fact.rest else ""
        return f"{fact.head}, {way} from {told.figure}{rest}."

    def _gone(self, state: State) -> list[str]:
        """GPUs that were told of and are not there any more."""
        if not state.tables.get("gpus"):
            return []
        there = {f"gpu {gpu.uuid}" for gpu in boxes(state)}
        gone = [self._told.pop(name) for name in list(self._told) if name.startswith("gpu ") and name not in there]
        lines = [f"{fact.head.partition(',')[0]} is gone." for fact in gone]
        return lines[:2]

    def _events(self, state: State) -> list[str]:
        fresh = [
            event
            for event in state.events
            if event.seq > self._last_event and events.role(event) in ("bad", "warn")
        ]
        self._seen(state)
        lines = [f"Event: {event_words(state, event)}." for event in fresh[-_EVENTS:]]
        more = len(fresh) - len(lines)
        if more > 0:
            lines[-1] = f"{lines[-1][:-1]}; {more} more, events tells them."
        return lines

    def _seen(self, state: State) -> None:
        self._last_event = max((event.seq for event in state.events), default=self._last_event)


def event_words(state: State, event: Event) -> str:
    """An event in words, with its time."""
    if event.type == "alert.fired" and event.payload.get("rule"):
        from wftui.tui.plain import alarms  # here: on a good day nothing fires

        return f"{text.clock(event.time_ns / 1e9)} {alarms.told(state, event)}"
    kind = event.type.replace(".", " ").replace("_", " ")
    about = event.aggregate_id
    if event.aggregate_type == "gpu":
        labels = {gpu.uuid: gpu.label for gpu in boxes(state)}
        about = f"GPU {labels.get(about, about)}"
    elif event.aggregate_type == stream_words.STREAM:
        about = stream_words.named(event.payload)
    elif about and not kind.startswith(event.aggregate_type):
        about = f"{event.aggregate_type} {about}"
    said = events.said(event)
    words = f"{kind}{', ' if about else ''}{about}{': ' if said else ''}{said}"
    return f"{text.clock(event.time_ns / 1e9)} {speech.spoken(words)}"


def _is_server(fact: Fact) -> bool:
    return fact.subject.startswith("server ")


def _is_gpu(fact: Fact) -> bool:
    return fact.subject.startswith("gpu ")
