"""Leave out of a long-lived process what it never uses."""

import sys

SSL = "ssl"
"""4.5 MB of RSS and 9 ms of start, which asyncio does without when all sockets are local. Not for a process that
talks TLS."""
TYPING_EXTENSIONS = "typing_extensions"
"""0.4 MB, which msgspec does without. Not for a process that draws: the toolkit needs it."""


def leave_out(*modules: str) -> None:
    """Let libraries that can do without these take them for not installed.

    Called by the program's entries only, before anything is imported that would import them.
    """
    for name in modules:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None is how Python marks "not to be had"
