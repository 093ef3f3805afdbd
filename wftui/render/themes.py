"""Which themes there are: a person's own in the configuration folder, and those that ship with wftop."""

import re
import tomllib
from pathlib import Path
from typing import Final

from wftui.errors import ConfigError, nearest

KEY: Final = "view.theme"
DARK: Final = "dark"
FOR_DARK: Final = "default"
FOR_LIGHT: Final = "day"
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def names(own: Path, built_in: Path) -> list[str]:
    """All that can be chosen, sorted."""
    return sorted({path.stem for folder in (built_in, own) for path in folder.glob("*.toml")})


def good(name: str) -> bool:
    """Whether this can be a theme's name."""
    return _NAME.fullmatch(name) is not None


def find(name: str, own: Path, built_in: Path) -> Path:
    """The file of a theme; one's own comes before the one of that name that ships with wftop.

    Raises:
        ConfigError: There is none; it says which is near, or which there are.
    """
    if not good(name):
        raise ConfigError(f"{KEY}: a theme is named by letters, digits, - and _, got {name[:64]!r}")
    for folder in (own, built_in):
        path = folder / f"{name}.toml"
        if path.is_file():
            return path
    raise ConfigError(f"{KEY}: there is no theme {name!r}{nearest(name, names(own, built_in))}")


def instead_of(name: str, own: Path, built_in: Path) -> Path:
    """What ships with wftop in place of a theme that cannot be used: of its name, or for its ground at least."""
    if not good(name):
        return built_in / f"{FOR_DARK}.toml"
    path = built_in / f"{name}.toml"
    if path.is_file():
        return path
    try:
        source = (own / f"{name}.toml").read_text(errors="replace")
    except OSError:
        source = ""
    light = re.search(r"""^\s*background\s*=\s*["']light["']""", source, re.MULTILINE)
    return built_in / f"{FOR_LIGHT if light else FOR_DARK}.toml"


def background(path: Path) -> str:
    """What a theme is to be read on: ``dark`` or ``light``."""
    with path.open("rb") as file:
        return str(tomllib.load(file).get("background", DARK))
