"""What is in view as a file: the command that a person would type, run in a child."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from wftui import paths
from wftui.errors import WftopError
from wftui.render import text


def command(
    begin: int, end: int, file: str, data_dir: str, patterns: Sequence[str] = (), *, said: bool = False
) -> list[str]:
    """Arguments of wftop for the seconds [begin, end); ``said``: as a person would type them."""
    from shlex import quote

    where = ["--data-dir", data_dir] if data_dir and not (said and data_dir == _usual()) else []
    named = [word for pattern in patterns for word in ("-m", pattern)]
    words = ["export", "--since", _iso(begin), "--until", _iso(end), *named, *where, "-o", file]
    return [quote(word) for word in words] if said else words


def opening(file: str, second: int) -> list[str]:
    """Words of wftop, as a person would type them, that open a bundle at a second."""
    from shlex import quote

    return ["replay", quote(file), "--at", _iso(second)]


def refusal(file: str) -> str:
    """Why this file cannot be written; empty: nothing is known against it."""
    name = file.strip()
    if not name:
        return "a file name is missing"
    path = Path(name)
    if path.exists():
        return f"{name} exists: nothing is overwritten"
    if not path.parent.is_dir():
        return f"{path.parent} is no folder"
    return ""


async def run(arguments: list[str]) -> tuple[str, str]:
    """Run wftop with these arguments; its last word and the role to say it in."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "wftui",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await child.communicate()
    lines = told.decode("utf-8", "replace").strip().splitlines()
    if child.returncode == 0:
        return next((line for line in lines if " rows of " in line), "exported"), "good"
    return lines[-1] if lines else f"export ended with code {child.returncode}", "bad"


def _iso(second: int) -> str:
    return f"{text.day(second)}T{text.clock(second)}{text.offset(second)}"


def _usual() -> str:
    try:
        return str(paths.places(None, None).data_dir)
    except WftopError:
        return ""
