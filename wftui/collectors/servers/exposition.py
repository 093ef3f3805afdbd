"""The Prometheus text format (0.0.4 and OpenMetrics 1.0): parsed once, read by a plan after that.

A page of a model server has 300 to 3,000 lines of which we want some dozens, at the same places each second. The
first look parses all of it (about 2.5 ms for the 400 lines of a vLLM); a plan remembers the lines that are wanted
and what stands before their values, and reads only these (0.1 ms) until a page looks otherwise.
"""

import re
import sys
from collections.abc import Container, Iterator
from typing import Final, NamedTuple

from wftui.errors import SourceFormatError
from wftui.model.series import MAX_VALUE

_QUOTED: Final = 80

# Possessive throughout: a hostile page must not make the search for a match quadratic.
_LABEL: Final = re.compile(rb'\s*+([a-zA-Z_][a-zA-Z0-9_]*+)\s*+=\s*+"((?:[^"\\\n]|\\.)*+)"\s*+,?')
_SAMPLE: Final = re.compile(
    rb'([a-zA-Z_:][a-zA-Z0-9_:]*+)[ \t]*+'
    rb'(?:\{((?:\s*+[a-zA-Z_][a-zA-Z0-9_]*+\s*+=\s*+"(?:[^"\\\n]|\\.)*+"\s*+,?)*+)\s*+\})?[ \t]*+'
    rb'([^\s#]++)(?:[ \t]++-?[0-9.eE+]++)?[ \t]*+(?:#.*)?$'
)  # fmt: skip
_TYPE: Final = re.compile(rb"#[ \t]++TYPE[ \t]++([a-zA-Z_:][a-zA-Z0-9_:]*+)[ \t]++([a-z]++)[ \t]*+$")
_ESCAPES: Final = {b"\\\\": b"\\", b'\\"': b'"', b"\\n": b"\n"}
_ESCAPE: Final = re.compile(rb'\\[\\"n]')


class Sample(NamedTuple):
    """One line with a value."""

    line: int
    """Its place on the page, from 0."""
    name: str
    labels: dict[str, str]
    value: float
    start: int
    """Where in the line the value begins."""


def number(text: bytes) -> float:
    """A value of the format. Raises: ValueError: It is none."""
    if b"_" in text:  # Python would take 1_000 for a number
        raise ValueError(text)
    return float(text)


def parse(page: bytes, call: str, first: int = 0, *, wanted: Container[str] | None = None) -> Iterator[Sample]:
    """All samples of a page, in order; comments, types and help are passed over.

    Args:
        page: The whole body.
        call: Where it came from, for the error.
        first: Place of its first line, when it is a part of a page.
        wanted: Names of samples whose labels are read, those of others are left out; None: of all.

    Raises:
        SourceFormatError: A line is none of the format; it names the line.

    Source: https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4).
    """
    for place, line in enumerate(page.split(b"\n"), first):
        if not line or line.startswith(b"#") or line.isspace():
            continue
        found = _SAMPLE.match(line.rstrip(b"\r"))
        if found is None:
            raise _malformed(call, place, line)
        try:
            value = number(found[3])
        except ValueError as error:
            raise _malformed(call, place, line) from error
        name = sys.intern(found[1].decode())  # servers of one kind have the same
        labels = _labels(found[2]) if wanted is None or name in wanted else {}
        yield Sample(place, name, labels, value, found.start(3))


def types(page: bytes) -> dict[str, str]:
    """Family name to what its ``# TYPE`` line says: counter, gauge, histogram, summary, untyped, …"""
    found: dict[str, str] = {}
    for line in page.split(b"\n"):
        if line.startswith(b"# TYPE") and (match := _TYPE.match(line.rstrip(b"\r"))):
            found[match[1].decode()] = match[2].decode()
    return found


def _labels(block: bytes | None) -> dict[str, str]:
    if not block:
        return {}
    found = {}
    for match in _LABEL.finditer(block):
        raw = match[2]
        if b"\\" in raw:
            raw = _ESCAPE.sub(lambda escape: _ESCAPES[escape[0]], raw)
        found[match[1].decode()] = raw.decode("utf-8", "replace")[: 4 * MAX_VALUE]
    return found


def _malformed(call: str, place: int, line: bytes) -> SourceFormatError:
    return SourceFormatError(f"{call} line {place + 1}: expected 'name{{labels}} value', got {line[:_QUOTED]!r}")
