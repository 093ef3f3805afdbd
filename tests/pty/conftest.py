"""What every test on a real terminal leaves behind: nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.pty.terminal import WFTOP


@pytest.fixture(autouse=True)
def stop_recorder(isolated: None) -> Iterator[None]:  # noqa: ARG001  the folders have to outlive the recorder
    """End the recorder that a view started."""
    yield
    subprocess.run([*WFTOP, "record", "--stop"], capture_output=True, check=False, timeout=20)
