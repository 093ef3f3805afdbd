"""What waits to be pushed: samples as a program said them, and as the recorder takes them."""

import math
import threading
from queue import Empty, SimpleQueue
from typing import Any, Final

ROOM: Final = 10_000
"""Samples that wait to be sent at most."""

Item = tuple[str, float, str, str, dict[str, str] | None, float]
"""Name, value, unit, kind, labels, when (CLOCK_MONOTONIC)."""
Queue = SimpleQueue[Item | threading.Event]
"""Samples, and events of those who wait for what they said to be sent."""


def gather(queue: Queue, first: Item | threading.Event) -> tuple[list[Item], list[threading.Event]]:
    """What waits now, ``first`` and what comes after it: samples, and those who wait for their being sent."""
    batch: list[Item] = []
    waiting: list[threading.Event] = []
    item = first
    while True:
        if isinstance(item, threading.Event):
            waiting.append(item)
        else:
            batch.append(item)
        if len(batch) >= ROOM:
            return batch, waiting
        try:
            item = queue.get_nowait()
        except Empty:
            return batch, waiting


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
