"""No picture outlives its test: where several workers share the tests, the plugin cannot find that out."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "__snapshots__"


def test_every_picture_has_a_test(pictured: dict[str, set[str]], request: pytest.FixtureRequest) -> None:
    if any("::" in argument for argument in request.config.args):
        pytest.skip("only some tests of a file were asked for")
    for folder in FOLDER.iterdir():
        assert (FOLDER.parent / f"{folder.name}.py").exists()
        if folder.name in pictured:
            assert {path.stem for path in folder.iterdir()} == pictured[folder.name]
