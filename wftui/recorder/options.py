"""How one recorder runs."""

from pathlib import Path

import msgspec

from wftui.energy.stream import USUAL
from wftui.paths import Places
from wftui.recorder import history
from wftui.recorder.keeper import Caps
from wftui.store import retention


class Options(msgspec.Struct, frozen=True):
    """What a recorder is told before it starts."""

    mode: str
    """``record``, or ``view``: started by a view, ends ``linger_s`` after the last one."""
    places: Places
    linger_s: float = 30.0
    for_s: float | None = None
    """End after this many seconds; None: run until told."""
    memory_only: str = ""
    """Reason why nothing is written; empty: the journal is written."""
    caps: Caps = Caps(48 * 3600, 1 << 30, 500_000_000)
    keep: retention.Caps = retention.Caps()
    """What of the segments is kept."""
    signals: bool = True
    read_ranks: bool = True
    """Of our own GPU processes, from their environments."""
    servers: tuple[str, ...] = ()
    """Lines of the setting ``servers.endpoints``."""
    discover: bool = True
    """Look for model servers among the processes."""
    core: str = "auto"
    """The setting ``core.url``."""
    full_rate: float = USUAL.rate_max
    """{token}/s at which the velocity of a stream is 1."""
    disabled: frozenset[str] = frozenset()
    groups_disabled: frozenset[str] = frozenset()
    tap: tuple[Path, int, int, float] | None = None
    """Arguments of a ``tap.Tap``; None: there is none."""
    alert_commands: bool = False
    """Whether rules may run commands."""
    alert_desktop: bool = False
    """Whether alerts are shown on the desktop."""
    alert_adapt: bool = True
    """Whether alerts may lower wftop's own quality."""
    bundle_on: tuple[str, ...] = ()
    """Rules and severities of which a bundle is written: lines of the setting ``bundle.on``."""
    demo: bool = False
    """What is recorded is a script: no process in it is one of this machine."""
    history_idle_s: float = history.IDLE_S
    """After the last question about older times the service that answers them is sent away."""
