"""Leave out of a long-lived process what it never uses."""

import sys


def without_ssl() -> None:
    """Let asyncio start without ``ssl``: 4.5 MB of RSS and 9 ms, for sockets that are all local.

    asyncio takes a missing ``ssl`` as a Python built without it. Called by the program's entry only, before
    asyncio is imported; a process that talks TLS must not call it.
    """
    sys.modules.setdefault("ssl", None)  # type: ignore[arg-type]  # None is how Python marks "not to be had"
