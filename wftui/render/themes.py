"""Which themes there are: a person's own in the configuration folder, and those that ship with wftop."""

import re
import tomllib
from pathlib import Path
from typing import Final

from wftui.errors import ConfigError

KEY: Final = "view.theme"
DARK: Final = "dark"
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def names(own: Path, built_in: Path) -> list[str]:
    """All that can be chosen, sorted."""
    return sorted({path.stem for folder in (built_in, own) for path in folder.glob("*.toml")})


def find(name: str, own: Path, built_in: Path) -> Path:
    """The file of a theme; one's own comes before the one of that name that ships with wftop.

    Raises:
        ConfigError: There is none; it says which is near, or which there are.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{KEY}: a theme is named by letters, digits, - and _, got {name[:64]!r}")
    for folder in (own, built_in):
        path = folder / f"{name}.toml"
        if path.is_file():
            return path
    import difflib  # only a mistake needs it

    known = names(own, built_in)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "known are " + ", ".join(known)
    raise ConfigError(f"{KEY}: there is no theme {name!r}; {hint}")


def background(path: Path) -> str:
    """What a theme is to be read on: ``dark`` or ``light``."""
    with path.open("rb") as file:
        return str(tomllib.load(file).get("background", DARK))
