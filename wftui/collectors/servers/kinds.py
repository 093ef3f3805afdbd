"""The kinds of servers, loaded when one of them is looked for: a machine without any pays for none."""

from importlib import import_module
from typing import Final, cast

from wftui.collectors.servers.adapter import Kind
from wftui.collectors.servers.signs import PRETENDERS_FIRST
from wftui.endpoint import PAGE
from wftui.errors import ConfigError

_PACKAGE: Final = __name__.rpartition(".")[0]


def load(name: str) -> Kind:
    """The kind of that module (``signs.PRETENDERS_FIRST``)."""
    return cast("Kind", import_module(f"{_PACKAGE}.{name}"))


def modules(kind: str) -> tuple[str, ...]:
    """The modules to try for a server that a person named.

    Args:
        kind: As in the setting (``kind=llama.cpp``); empty: all of them, pretenders first.

    Raises:
        ConfigError: There is no such kind.
    """
    if not kind:
        return PRETENDERS_FIRST
    name = kind.lower().replace(".", "").replace("-", "_")
    if name not in (*PRETENDERS_FIRST, PAGE):
        raise ConfigError(f"kind={kind}: expected one of {', '.join((*PRETENDERS_FIRST, PAGE))}")
    return (name,)
