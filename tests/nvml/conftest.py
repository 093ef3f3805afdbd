"""A plain box for the tests of this folder."""

from pathlib import Path

import pytest

from tests.nvml.box import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Four cards that can all, saved."""
    return Scene(tmp_path / "scene", 4).save()
