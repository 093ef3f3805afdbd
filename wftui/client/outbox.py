"""What waits to be pushed: samples as a program said them, and as the recorder takes them."""

import math
import threading
from queue import Empty, SimpleQueue
from typing import Any, Final, NamedTuple

ROOM: Final = 10_000
"""Samples that wait to be sent at most."""

Item = tuple[str, float, str, str, dict[str, str] | None, float]
"""Name, value, unit, kind, labels, when (CLOCK_MONOTONIC)."""


class Told(NamedTuple):
    """Something that happened in a stream of tokens."""

    fields: dict[str, Any]  # Any: JSON, made of what a program says
    at_s: float
    """CLOCK_MONOTONIC."""


Queue = SimpleQueue[Item | Told | threading.Event]
"""Samples, what happened in streams of tokens, and events of those who wait for what they said to be sent."""


def gather(
    queue: Queue, first: Item | Told | threading.Event
) -> tuple[list[Item], list[Told], list[threading.Event]]:
    """What waits now, ``first`` and what comes after it; last those who wait for their being sent."""
    batch: list[Item] = []
    told: list[Told] = []
    waiting: list[threading.Event] = []
    item = first
    while True:
        if isinstance(item, threading.Event):
            waiting.append(item)
        elif isinstance(item, Told):
            told.append(item)
        else:
            batch.append(item)
        if len(batch) + len(told) >= ROOM:
            return batch, told, waiting
        try:
            item = queue.get_nowait()
        except Empty:
            return batch, told, waiting


def sample(item: Item, now_s: float) -> dict[str, Any] | None:  # Any: JSON
    """As the recorder takes it, when it is sent at that time; None: its value is no finite number."""
    name, value, unit, kind, labels, taken_s = item
    try:
        number = float(value)  # also the numbers of numpy, decimals, fractions
        if not math.isfinite(number):
            return None
        found: dict[str, Any] = {"name": str(name), "value": number, "kind": kind}  # Any: as above
        if now_s > taken_s:
            found["ago"] = round(now_s - taken_s, 4)
        if unit:
            found["unit"] = str(unit)
        if labels:
            found["labels"] = {str(key): str(text) for key, text in labels.items()}
    except Exception:  # noqa: BLE001  whatever an object does when it is asked, the others are sent
        return None
    return found


def happened(item: Told, now_s: float) -> dict[str, Any] | None:  # Any: JSON
    """As the recorder takes it, when it is sent at that time; None: it cannot be said."""
    found: dict[str, Any] = {}  # Any: as above
    try:
        for name, value in item.fields.items():
            if name == "top":
                found[name] = {str(token): _finite(share) for token, share in dict(value).items()}
            elif name in ("count", "of"):
                found[name] = int(value)
            else:
                found[name] = str(value) if name in ("do", "model", "server", "how") else _finite(value)
        if now_s > item.at_s:
            found["ago"] = round(now_s - item.at_s, 4)
    except Exception:  # noqa: BLE001  as above
        return None
    return found


def _finite(value: Any) -> float:  # Any: whatever a program takes for a number
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("no finite number")
    return number
