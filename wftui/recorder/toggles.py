"""Sources and groups of metrics switched off and on, at once, by a person."""

from collections.abc import Iterable
from typing import Final

from wftui import names
from wftui.errors import ProtocolError
from wftui.model import health
from wftui.model.health import Health
from wftui.recorder.own import SOURCE
from wftui.settings import GROUP_PREFIX

OURS: Final = frozenset({"wftop", "store", SOURCE})
"""What says how wftop itself is."""
_BY: Final = {"view": "in a view", "query": "by wftop sources"}


def check(name: str, sources: Iterable[str]) -> None:
    """Refuse what cannot be switched.

    Raises:
        ProtocolError: There is no such source or group, or it is wftop's own; names the nearest.
    """
    if name in OURS:
        raise ProtocolError(f"{name} cannot be switched off: it says what wftop itself costs, drops and loses")
    known = [*sources, *(GROUP_PREFIX + group for group in names.GROUPS)]
    if name in known:
        return
    import difflib  # only a mistake needs it

    near = difflib.get_close_matches(name[:80], known, n=1)
    hint = f"; did you mean {near[0]}?" if near else "; known are " + ", ".join(known)
    raise ProtocolError(f"there is no source {name[:80]!r}{hint}")


def off(name: str, role: str, time_ns: int) -> Health:
    """What health says of something switched off; ``role`` of the client that asked."""
    return Health(name, health.OFF, f"switched off {_BY.get(role, 'by a client')}", fix(name), time_ns)


def off_by_setting(name: str, setting: str, time_ns: int = 0) -> Health:
    """What health says of something that was off from the start."""
    return Health(name, health.OFF, f"switched off by the setting {setting}", fix(name), time_ns)


def fix(name: str) -> str:
    """How to have it back."""
    return f"wftop sources on {name}"
