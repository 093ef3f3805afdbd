"""The passphrase of an encrypted bundle, asked where there is somebody to ask."""

from collections.abc import Sequence
from pathlib import Path

from wftui.errors import BundleError


def asked(path: Path, identities: Sequence[Path]) -> str:
    """What opens a bundle, typed without an echo; empty: it needs none, or is for one of the keys.

    Raises:
        BundleError: It cannot be read, it is for a key and none was named, or nothing was typed.
    """
    from wftui.bundle import crypt

    if not crypt.is_encrypted(path):
        return ""
    if not crypt.needs_passphrase(path):
        if identities:
            return ""
        raise BundleError(f"{path}: encrypted for a key; name the file of yours: --identity FILE")
    from getpass import getpass

    try:
        typed = getpass(f"Passphrase of {path.name}: ")
    except EOFError:
        typed = ""
    if not typed:
        raise BundleError(f"{path}: encrypted with a passphrase, and none was typed")
    return typed
