"""Sources and groups of metrics switched off and on, at once, by a person."""

from collections.abc import Iterable
from typing import Final

from wftui import names
from wftui.errors import ProtocolError, nearest
from wftui.model import health
from wftui.model.health import Health
from wftui.recorder.own import SOURCE
from wftui.recorder.push.forms import UnusableError
from wftui.recorder.push.known import PREFIX, pusher
from wftui.settings import GROUP_PREFIX

OURS: Final = frozenset({"wftop", "store", SOURCE})
"""What says how wftop itself is."""
_BY: Final = {"view": "in a view", "query": "by wftop sources"}


def check(name: str, sources: Iterable[str]) -> None:
    """Refuse what cannot be switched. Of programs that push any may be named: one that does not yet, too.

    Raises:
        ProtocolError: There is no such source or group, or it is wftop's own; names the nearest.
    """
    if is_pusher(name):
        _check_pusher(name)
        return
    if name in OURS:
        raise ProtocolError(f"{name} cannot be switched off: it says what wftop itself costs, drops and loses")
    known = [*sources, *(GROUP_PREFIX + group for group in names.GROUPS)]
    if name not in known:
        raise ProtocolError(f"there is no source {name[:80]!r}{nearest(name, known)}")


def is_pusher(name: str) -> bool:
    """Whether that is a program that pushes, by the form of its name."""
    return name.startswith(PREFIX)


def _check_pusher(name: str) -> None:
    try:
        known = pusher(name.removeprefix(PREFIX)).source
    except UnusableError as error:
        raise ProtocolError(f"there is no source {name[:80]!r}: {error}") from error
    if known != name:
        raise ProtocolError(f"there is no source {name[:80]!r}; did you mean {known}?")


def off(name: str, role: str, time_ns: int) -> Health:
    """What health says of something switched off; ``role`` of the client that asked."""
    return Health(name, health.OFF, f"switched off {_BY.get(role, 'by a client')}", fix(name), time_ns)


def off_by_setting(name: str, setting: str, time_ns: int = 0) -> Health:
    """What health says of something that was off from the start."""
    return Health(name, health.OFF, f"switched off by the setting {setting}", fix(name), time_ns)


def fix(name: str) -> str:
    """How to have it back."""
    if is_pusher(name):
        import shlex  # a program may call itself what a shell takes for something else

        name = shlex.quote(name)
    return f"wftop sources on {name}"
