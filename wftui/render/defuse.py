"""Outside text made safe for files: no formulas in spreadsheets, no names of people in exports."""

from collections.abc import Iterable
from typing import Final

from wftui.text import clean

_FORMULA: Final = frozenset("=+-@\t\r\n")
_PRIVATE: Final = (
    "/home/",
    "/Users/",
    "/media/",
    "/run/media/",
    "/run/user/",
    "/var/lib/containers/",
    "/var/lib/docker/",
    "/var/lib/kubelet/",
)
"""Below these a path holds the name or number of a person or of a container."""


def cell(text: str) -> str:
    """Text of a CSV cell: printable, and a leading ``'`` before what a spreadsheet would run as a formula.

    Source: OWASP, "CSV Injection": cells that begin with = + - @, tab or carriage return.
    """
    shown = clean(text)
    return f"'{shown}" if text[:1] in _FORMULA else shown


def quoted(text: str) -> str:
    """A CSV cell as RFC 4180 writes it, quoted where it has to be."""
    if any(letter in text for letter in ',"\n\r'):
        return '"' + text.replace('"', '""') + '"'
    return text


def private_mounts(mounts: Iterable[str]) -> dict[str, str]:
    """For each mount path that names a person or a container, what to show instead.

    ``/home/*``, a second one ``/home/*#2``, so that two mounts never become one series.
    """
    shown: dict[str, str] = {}
    counts: dict[str, int] = {}
    for mount in sorted(set(mounts)):
        prefix = next((item for item in _PRIVATE if mount.startswith(item)), None)
        if prefix is not None:
            counts[prefix] = counts.get(prefix, 0) + 1
            number = counts[prefix]
            shown[mount] = f"{prefix}*" if number == 1 else f"{prefix}*#{number}"
    return shown
