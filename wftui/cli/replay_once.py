"""`wftop replay FILE --once [--json]`: one moment of a bundle as text or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wftui.cli import once, state
from wftui.client.queries import Connection
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from wftui.client.bundled import Bundled


def main(reader: Bundled, at: str, *, json: bool, config: str | None = None) -> int:
    """Print it; the exit code.

    Raises:
        BundleError: The bundle is refused.
        NoDataError: Nothing was recorded at that moment.
        UsageError: There is no such moment in it.
    """
    from wftui.config import load
    from wftui.paths import places
    from wftui.tui import recorded

    begun = recorded.begin(recorded.Opening(reader, at), load(places(None, config)))
    with Connection(reader.socket) as connection:
        about = connection.recorder.recording
        assert about is not None  # noqa: S101  else it would have been refused
        moment_ns = begun.at_ns if begun.at_ns is not None else about.alert_ns
        second = about.last_s if moment_ns is None else min(moment_ns // NS_PER_S, about.last_s)
        found = state.at(connection, second)
    return once.told(found, json=json)
