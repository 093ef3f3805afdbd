"""Series of pages that are no model server's: ``custom.<source>.<name>``, as those of pushes."""

import re
from collections.abc import Mapping
from typing import Final

from wftui.endpoint import Endpoint
from wftui.errors import SourceFormatError
from wftui.model.sample import Column
from wftui.model.series import MAX_NAME, series
from wftui.model.servers import SOURCE

CUSTOM: Final = "custom."
_OTHER: Final = re.compile(r"[^a-zA-Z0-9_]+")
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_LONGEST: Final = 24
_UNITS: Final = {
    "seconds": "s", "bytes": "By", "joules": "J", "watts": "W", "celsius": "Cel", "hertz": "Hz", "volts": "V",
    "amperes": "A", "meters": "m", "grams": "g", "ratio": "1", "percent": "%",
}  # fmt: skip
"""Last word of a name by the customs of Prometheus → unit."""
_COUNT: Final = "{value}"


def source_of(endpoint: Endpoint) -> str:
    """What a page's series are called after: its ``source=``, else its port here, its address elsewhere."""
    if endpoint.pick.source:
        return endpoint.pick.source
    if endpoint.host in _LOOPBACK:
        return f"port_{endpoint.port}"
    made = _OTHER.sub("_", endpoint.path.rpartition("/")[2] or f"{endpoint.host}_{endpoint.port}")
    return made.strip("_").lower()[:_LONGEST] or "page"


def metric(source: str, name: str) -> str | None:
    """A name on a page as that of a series; None: it is longer than a name may be."""
    made = f"{CUSTOM}{source}.{_OTHER.sub('_', name)}"
    return made if len(made) <= MAX_NAME else None


def unit(name: str) -> str:
    """What a name says of its unit; ``{value}`` when it does not."""
    return _UNITS.get(name.removesuffix("_total").rpartition("_")[2], _COUNT)


def custom(name: str, labels: Mapping[str, str], kind: str, *, call: str, quality: str, stat: str = "") -> Column:
    """The column of such a series.

    Raises:
        SourceFormatError: A name or a label breaks the rules of ``series``.
    """
    try:
        item = series(name, labels, stat)
    except ValueError as error:
        raise SourceFormatError(str(error)) from error
    return Column(item, unit(name), kind, "custom", quality, SOURCE, call)
