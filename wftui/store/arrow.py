"""Columns handed to DuckDB without a copy: the Arrow C stream interface, by ctypes alone.

pyarrow costs 158 ms to import and numpy 129 ms, as much as writing an hour of 400 series; an appender needs
0.5 us a value. Here DuckDB reads our arrays where they lie, and pulls one batch after the other.

Source: Arrow columnar format, "The Arrow C data interface" and "The Arrow C stream interface" (ABI stable);
"The Arrow PyCapsule interface" for ``__arrow_c_stream__``.
"""

import ctypes
import errno
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, Final, NamedTuple, TypeAlias


class Buffers(NamedTuple):
    """A column by the addresses of its buffers, as the columnar format orders them."""

    length: int
    nulls: int
    """How many cells are NULL."""
    addresses: tuple[int, ...]
    """Validity bitmap (0: no NULL), then the values; texts: int32 offsets, then the bytes."""


class Kept(NamedTuple):
    """Columns by address, and whatever owns the memory."""

    columns: Sequence[Buffers]
    owner: object


Columns: TypeAlias = "Sequence[array[float] | array[int]] | Kept"
"""Columns of one length: array('d') or array('q'), or any by address."""

_FORMATS: Final = {"d": b"g", "q": b"l", "f": b"f", "u": b"u", "b": b"b"}
_NULLABLE: Final = 2


class _Schema(ctypes.Structure):
    """``struct ArrowSchema``."""


class _Array(ctypes.Structure):
    """``struct ArrowArray``."""


class _Stream(ctypes.Structure):
    """``struct ArrowArrayStream``."""


_SchemaP = ctypes.POINTER(_Schema)
_ArrayP = ctypes.POINTER(_Array)
_StreamP = ctypes.POINTER(_Stream)
_ReleaseSchema = ctypes.CFUNCTYPE(None, _SchemaP)
_ReleaseArray = ctypes.CFUNCTYPE(None, _ArrayP)
_ReleaseStream = ctypes.CFUNCTYPE(None, _StreamP)
_GetSchema = ctypes.CFUNCTYPE(ctypes.c_int, _StreamP, _SchemaP)
_GetNext = ctypes.CFUNCTYPE(ctypes.c_int, _StreamP, _ArrayP)
_GetError = ctypes.CFUNCTYPE(ctypes.c_void_p, _StreamP)

_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_char_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(_SchemaP)),
    ("dictionary", _SchemaP),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]
_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(_ArrayP)),
    ("dictionary", _ArrayP),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]
_Stream._fields_ = [
    ("get_schema", _GetSchema),
    ("get_next", _GetNext),
    ("get_last_error", _GetError),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]


def _released(item: Any) -> None:  # Any: a ctypes pointer to any of the three structures
    # The interface's mark of a released structure; the memory is Python's and kept by the Source.
    item.contents.release = None


_numbers: Final = count(1)
_held: Final[dict[int, object]] = {}
"""Number of a batch to all of its memory, until DuckDB releases it: with several threads that is not in the order
in which it asked, so no count of batches is safe."""


def _batch_released(item: Any) -> None:  # Any: as above
    # The structure may have been moved; its private data came along.
    _held.pop(item.contents.private_data, None)
    item.contents.release = None


_release_batch: Final = _ReleaseArray(_batch_released)
_release_schema: Final = _ReleaseSchema(_released)
_release_array: Final = _ReleaseArray(_released)
_release_stream: Final = _ReleaseStream(_released)


def _address(function: Any) -> int:  # Any: a CFUNCTYPE instance
    return ctypes.cast(function, ctypes.c_void_p).value or 0


_new_capsule: Final = ctypes.pythonapi.PyCapsule_New
_new_capsule.restype = ctypes.py_object
_new_capsule.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)


class Source:
    """Batches of columns that DuckDB can scan. It must live until the scan is over, and is scanned once.

    DuckDB opens a stream more than once to look at the schema; each stream begins at the first batch.
    """

    def __init__(self, names: Sequence[str], types: str, batches: Callable[[], Iterator[Columns]]) -> None:
        """Describe the columns.

        Args:
            names: One per column.
            types: One letter per column: ``d`` float64, ``q`` int64, ``f`` float32, ``u`` UTF-8 text, ``b`` bool.
            batches: Begins a pass over the batches.
        """
        self._names = [name.encode() for name in names]
        self._formats = [_FORMATS[letter] for letter in types]
        self._batches = batches
        self._kept: list[object] = []
        self.error: BaseException | None = None
        """What a batch raised; DuckDB only knows that the stream failed."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """A PyCapsule named ``arrow_array_stream``."""
        del requested_schema  # a hint that a producer may leave unread
        passes: list[Iterator[Columns]] = []

        def get_schema(_: Any, out: Any) -> int:  # Any: ctypes pointers
            self._describe(out.contents)
            return 0

        def get_next(_: Any, out: Any) -> int:  # Any: ctypes pointers
            try:
                if not passes:
                    passes.append(self._batches())
                batch = next(passes[0], None)
            except BaseException as error:  # noqa: BLE001  C cannot unwind Python: raised again after the scan
                self.error = error
                return errno.EIO
            out.contents.release = None
            if batch is not None:
                _fill(out.contents, batch)
            return 0

        stream = _Stream(
            get_schema=_GetSchema(get_schema),
            get_next=_GetNext(get_next),
            get_last_error=_GetError(lambda _: None),
            release=_address(_release_stream),
        )
        self._kept.append(stream)
        return _new_capsule(ctypes.addressof(stream), b"arrow_array_stream", None)

    def close(self) -> None:
        """Give the batches' memory back, once nothing scans any more: the streams' callbacks hold one another."""
        self._kept.clear()

    def _describe(self, out: Any) -> None:  # Any: _Schema, whose fields mypy does not know
        width = len(self._names)
        children = (_Schema * width)()
        pointers = (_SchemaP * width)()
        for place, (name, form) in enumerate(zip(self._names, self._formats, strict=True)):
            child: Any = children[place]  # Any: as above
            child.name, child.format, child.flags = name, form, _NULLABLE
            child.release = _RELEASE_SCHEMA
            pointers[place] = ctypes.pointer(child)
        out.format, out.name, out.metadata, out.flags = b"+s", b"", None, 0
        out.n_children, out.children, out.dictionary = width, pointers, None
        out.release = _address(_release_schema)
        self._kept.append((children, pointers))


_RELEASE_SCHEMA: Final = _address(_release_schema)
_RELEASE_ARRAY: Final = _address(_release_array)
_RELEASE_BATCH: Final = _address(_release_batch)


def _fill(out: Any, batch: Columns) -> None:  # Any: _Array, whose fields mypy does not know
    """Point ``out`` at the columns, and hold what must stay alive until it is released."""
    if isinstance(batch, Kept):
        columns = batch.columns
    else:
        columns = [Buffers(len(column), 0, (0, column.buffer_info()[0])) for column in batch]
    width = len(columns)
    children = (_Array * width)()
    pointers = (_ArrayP * width)()
    buffers = ((ctypes.c_void_p * 3) * width)()
    for place, (length, nulls, addresses) in enumerate(columns):
        child: Any = children[place]  # Any: as above
        held = buffers[place]
        for number, address in enumerate(addresses):
            held[number] = address
        child.length, child.null_count, child.n_buffers, child.buffers = length, nulls, len(addresses), held
        child.release = _RELEASE_ARRAY
        pointers[place] = ctypes.pointer(child)
    top = (ctypes.c_void_p * 1)(None)
    out.length, out.null_count, out.offset = columns[0].length, 0, 0
    out.n_buffers, out.buffers = 1, top
    out.n_children, out.children, out.dictionary = width, pointers, None
    out.private_data = number = next(_numbers)
    out.release = _RELEASE_BATCH
    _held[number] = batch, children, pointers, buffers, top
