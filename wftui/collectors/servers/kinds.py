"""The kinds of servers, loaded when one of them is looked for: a machine without any pays for none."""

from importlib import import_module
from typing import Final, cast

from wftui.collectors.servers.adapter import Kind

_PACKAGE: Final = __name__.rpartition(".")[0]


def load(name: str) -> Kind:
    """The kind of that module (``signs.PRETENDERS_FIRST``)."""
    return cast("Kind", import_module(f"{_PACKAGE}.{name}"))
