"""One call of NVML, guarded: what it answered, how long it took, and never an exception.

Everything goes through NVIDIA's own binding, which knows the structs and their versions. It is imported here and
nowhere else, and only in the worker.
"""

import ctypes
import sys
import threading
import types
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from wftui import clock

# The binding imports a function that finds libraries, and on Linux never calls it. The module that has it brings
# subprocess, tempfile and shutil, 2.1 MB of the worker.
if "ctypes.util" not in sys.modules:
    sys.modules["ctypes.util"] = types.ModuleType("ctypes.util")
    sys.modules["ctypes.util"].find_library = lambda _: None  # type: ignore[attr-defined]  # made by hand
    import pynvml

    del sys.modules["ctypes.util"]
else:
    import pynvml

OK: Final = 0
UNINITIALIZED: Final = 1
INVALID_ARGUMENT: Final = 2
NOT_SUPPORTED: Final = 3
NO_PERMISSION: Final = 4
NOT_FOUND: Final = 6
INSUFFICIENT_SIZE: Final = 7
DRIVER_NOT_LOADED: Final = 9
LIBRARY_NOT_FOUND: Final = 12
NO_FUNCTION: Final = 13
LOST: Final = 15
RESET_REQUIRED: Final = 16
SYSTEM: Final = 17
MISMATCH: Final = 18
UNKNOWN: Final = 999
"""Source: nvml.h, nvmlReturn_t."""
NO_LIBRARY: Final = -1
GARBAGE: Final = -2
"""The binding could not make sense of an answer (text that is no UTF-8)."""
NEVER: Final = frozenset({INVALID_ARGUMENT, NOT_SUPPORTED, NO_FUNCTION})
"""Codes of what this card or driver does not offer: asked again in an hour."""
GONE: Final = frozenset({LOST, RESET_REQUIRED})
DRIVERLESS: Final = frozenset({UNINITIALIZED, DRIVER_NOT_LOADED, MISMATCH, UNKNOWN})
"""Codes that, when all calls give them, mean that the library has lost its driver."""

_NO_TYPE: Final = 255
"""No nvmlValueType_t: of a value that was not written."""
_STEPS: Final = 8 * 30
"""Classes of durations: eight to a factor of two, from 0.5 µs to nine minutes."""


class Answer(NamedTuple):
    """Of one call."""

    code: int
    value: Any  # Any: what the binding returns for this call


class Field(NamedTuple):
    """One of several values of one call, with a code of its own."""

    code: int
    value: int | float | None


class Wanted:
    """Several field values of one GPU, and the room for the answers.

    Kept between calls: making it costs ten times what a call costs. One thread at a time uses it.
    """

    __slots__ = ("_blank", "room")

    def __init__(self, *ids: int | tuple[int, int]) -> None:
        """``ids``: a field, or (field, scope)."""
        self.room = (pynvml.c_nvmlFieldValue_t * len(ids))()
        for item, wanted in zip(self.room, ids, strict=True):
            item.fieldId, item.scopeId = wanted if isinstance(wanted, tuple) else (wanted, 0)
            item.nvmlReturn, item.valueType = NOT_SUPPORTED, _NO_TYPE
        self._blank = bytes(self.room)

    def clear(self) -> None:
        """Forget the answers: what a driver does not write is no answer, and not that of the call before."""
        ctypes.memmove(self.room, self._blank, len(self._blank))


class _Cost:
    """Durations of one kind of call since they were last asked for."""

    __slots__ = ("classes", "count", "failed", "longest_ns", "total_ns")

    def __init__(self) -> None:
        self.classes = [0] * _STEPS
        self.count = self.failed = self.total_ns = self.longest_ns = 0

    def add(self, took_ns: int, failed: bool) -> None:
        self.count += 1
        self.total_ns += took_ns
        self.failed += failed
        self.longest_ns = max(self.longest_ns, took_ns)
        self.classes[_class_of(took_ns)] += 1

    def quantile(self, share: float) -> float:
        """Seconds below which this share of the calls stayed, to 9 %."""
        wanted = share * self.count
        for place, count in enumerate(self.classes):
            wanted -= count
            if wanted <= 0:
                return min(500.0 * 2 ** ((place + 1) / 8), float(self.longest_ns)) / 1e9
        return self.longest_ns / 1e9


def _class_of(took_ns: int) -> int:
    # The highest bit and the three below it: eight classes to a factor of two, without a logarithm.
    units = took_ns // 500
    if units <= 1:
        return 0
    bits = units.bit_length()
    below = (units << 3 >> (bits - 1)) & 7
    return min(_STEPS - 1, (bits - 1) * 8 + below)


class Binding:
    """The library, and what its calls cost. Any thread may call; each call is written down as under way."""

    def __init__(self) -> None:
        self.under_way = threading.local()
        self._costs: dict[str, _Cost] = {}

    def ask(self, name: str, *arguments: object) -> Answer:
        """Call ``name`` of the binding."""
        function = getattr(pynvml, name, None)
        return Answer(NO_FUNCTION, None) if function is None else self._timed(name, function, arguments)

    def _timed(self, name: str, function: Callable[..., Any], arguments: tuple[object, ...]) -> Answer:
        track = getattr(self.under_way, "track", None)
        started = clock.perf_ns()
        if track is not None:
            track.call = (name, started)
        code, value = OK, None
        try:
            value = function(*arguments)
        except pynvml.NVMLError as error:
            # The binding raises with code 0 where a list is empty.
            code = int(error.value)
        except Exception:  # noqa: BLE001  whatever a library's answer does to the binding costs this answer only
            code = GARBAGE
        if track is not None:
            track.call = None
        took = clock.perf_ns() - started
        cost = self._costs.get(name)
        if cost is None:
            cost = self._costs[name] = _Cost()
        cost.add(took, code not in (OK, *NEVER, NOT_FOUND))
        return Answer(code, value)

    def fields(self, handle: object, wanted: Wanted) -> list[Field]:
        """Several values of one call (``nvmlDeviceGetFieldValues``); each has its own code."""
        room = wanted.room
        wanted.clear()
        code = self.raw("nvmlDeviceGetFieldValues", handle, len(room), room)
        if code:
            return [Field(code, None)] * len(room)
        found = []
        for item in room:
            code = item.nvmlReturn
            found.append(Field(code, None if code else number(item.valueType, item.value)))
        return found

    def raw(self, name: str, *arguments: object) -> int:
        """Call a function of the library itself: for lists, whose size the binding believes whatever it is.

        Returns:
            The code.
        """

        def call() -> None:
            code = pynvml._nvmlGetFunctionPointer(name)(*arguments)
            if code:
                raise pynvml.NVMLError(code)

        return self._timed(name, call, ()).code

    def costs(self) -> dict[str, tuple[int, float, float, float, float, int]]:
        """Name to (count, sum, p50, p99, max in seconds, failed) of the calls since the last question."""
        before, self._costs = self._costs, {}
        return {
            name: (
                cost.count,
                cost.total_ns / 1e9,
                cost.quantile(0.5),
                cost.quantile(0.99),
                cost.longest_ns / 1e9,
                cost.failed,
            )
            for name, cost in before.items()
            if cost.count
        }

    def begin(self) -> Answer:
        """Initialise; the words of a loader that finds no library are in ``value``."""
        code, _ = self.ask("nvmlInitWithFlags", 0)
        if code in (LIBRARY_NOT_FOUND, NO_FUNCTION):
            return Answer(NO_LIBRARY, "libnvidia-ml.so.1 cannot be loaded" if code == LIBRARY_NOT_FOUND else "")
        return Answer(code, None)

    def words(self, code: int) -> str:
        """What the library says about a code."""
        said = self.ask("nvmlErrorString", code).value
        return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said or "")

    def end(self) -> Answer:
        """Shut down once."""
        return self.ask("nvmlShutdown")


def number(kind: int, value: object) -> int | float | None:
    """The number in a value union. Source: nvml.h, nvmlValueType_t (double, uint, ulong, …, ushort)."""
    names = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")
    if not 0 <= kind < len(names):
        return None
    found = getattr(value, names[kind], None)
    return found if isinstance(found, int | float) else None


def text(value: object) -> str:
    """A text of the library; the older binding returns bytes."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value[:256] if isinstance(value, str) else ""
