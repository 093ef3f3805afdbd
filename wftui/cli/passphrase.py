"""The passphrase of an encrypted bundle, asked where there is somebody to ask."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from wftui.errors import BundleError

_ZIP = b"PK\x03\x04"
"""Begin of a bundle that is not encrypted."""


def asked(path: Path, identities: Sequence[Path]) -> str:
    """What opens a bundle, typed without an echo; empty: it needs none, or is for one of the keys.

    Raises:
        BundleError: It cannot be read, it is for a key and none was named, nothing was typed, or there is no
            terminal.
    """
    # A pipe without a writer would keep us for ever.
    if path.exists() and not path.is_file():
        raise BundleError(f"{path}: {'a folder' if path.is_dir() else 'no regular file'}, expected a bundle")
    # Most are not encrypted, and whoever opens one waits: what encrypts is left alone then.
    with suppress(OSError), path.open("rb") as file:
        if file.read(len(_ZIP)) == _ZIP:
            return ""
    from wftui.bundle import crypt

    if not crypt.is_encrypted(path):
        return ""
    if not crypt.needs_passphrase(path):
        if identities:
            return ""
        raise BundleError(f"{path}: encrypted for a key; name the file of yours: --identity FILE")
    import warnings
    from getpass import GetPassWarning, getpass

    try:
        with warnings.catch_warnings():
            # Without a terminal it would read, with an echo, what was meant for something else.
            warnings.simplefilter("error", GetPassWarning)
            typed = getpass(f"Passphrase of {path.name}: ")
    except GetPassWarning as error:
        raise BundleError(
            f"{path}: encrypted with a passphrase, and no terminal to type it; scripts use --identity FILE"
        ) from error
    except EOFError:
        typed = ""
    if not typed:
        raise BundleError(f"{path}: encrypted with a passphrase, and none was typed")
    return typed
