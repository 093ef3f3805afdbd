"""Print the lower bound of every dependency in pyproject.toml as a pin, for `pip --constraint`."""

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
BOUND = re.compile(r"(?P<name>[A-Za-z0-9._-]+)\s*>=\s*(?P<version>[0-9.]+)")


def pins(requirements: list[str]) -> list[str]:
    """Turn ``name>=version[; marker]`` into ``name==version``.

    The marker goes: a package for other systems is pinned here too, where only the tests use it.

    Raises:
        ValueError: A requirement without a lower bound, which nothing could prove.
    """
    found = []
    for requirement in requirements:
        match = BOUND.match(requirement)
        if match is None:
            raise ValueError(f"{requirement!r}: expected a lower bound like 'name>=1.2'")
        found.append(f"{match['name']}=={match['version']}")
    return found


def main() -> None:
    """Read pyproject.toml and print the pins."""
    with PROJECT.open("rb") as file:
        project = tomllib.load(file)["project"]
    optional = [item for extra in project["optional-dependencies"].values() for item in extra]
    print("\n".join(pins([*project["dependencies"], *optional])))


if __name__ == "__main__":
    main()
