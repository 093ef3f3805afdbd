"""Passphrases of two bundles, asked one after the other, each with the name of its file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.pty.terminal import Terminal
from wftui.bundle import crypt

pytestmark = pytest.mark.pty


def sealed(folder: Path, name: str, passphrase: str) -> Path:
    """Encrypted; what is in it is no bundle, and that is seen only when it was opened."""
    plain, found = folder / f"{name}.plain", folder / f"{name}.wftop.age"
    plain.write_bytes(b"no zip")
    crypt.encrypt_file(plain, found, crypt.Encryption(passphrase=passphrase))
    return found


def test_each_passphrase_is_asked_for_by_the_name_of_its_file(tmp_path: Path) -> None:
    paths = [str(sealed(tmp_path, name, f"{name}-passphrase")) for name in ("one", "two")]
    with Terminal([sys.executable, "-m", "wftui", "compare", *paths], size=(120, 24)) as terminal:
        terminal.until_shows("Passphrase of one.wftop.age:")
        terminal.send("one-passphrase\n")
        terminal.until_shows("Passphrase of two.wftop.age:")
        terminal.send("two-passphrase\n")
        assert terminal.until_gone() == 8
        said = "\n".join(terminal.screen())
    assert "one.wftop.age: " in said
    assert "not for this" not in said, "it was opened"
    assert "one-passphrase" not in said
