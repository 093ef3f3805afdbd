"""The recorder as a `sink.Sink`: what is measured is pushed to it like the figures of any program."""

import sys
from collections.abc import Mapping
from typing import Final

from wftui import log
from wftui.client.push import Pusher
from wftui.paths import Places

SOURCE: Final = "proxy"
"""Label ``source`` of all series."""
_SWITCH_S: Final = 0.0005


class RecorderSink:
    """Pushes; while nobody records, what is measured is dropped and counted."""

    def __init__(self, home: Places) -> None:
        self._pusher = Pusher(SOURCE, socket_path=str(home.push_socket))
        # The pusher's thread makes JSON while the loop wants to pass bytes on: by default it may keep the
        # interpreter for 5 ms.
        sys.setswitchinterval(_SWITCH_S)

    def counter(self, name: str, by: float, labels: Mapping[str, str]) -> None:
        """See `sink.Sink`."""
        self._pusher.counter(name, by, labels)

    def timing(self, name: str, seconds: float, labels: Mapping[str, str]) -> None:
        """See `sink.Sink`."""
        self._pusher.timing(name, seconds, labels)

    def close(self) -> None:
        """Hand over what is left, within a second."""
        self._pusher.close(1.0)
        if self._pusher.trouble:
            log.info(
                "proxy",
                "not everything was recorded",
                dropped=self._pusher.dropped,
                rejected=self._pusher.rejected,
                reason=self._pusher.trouble,
            )
