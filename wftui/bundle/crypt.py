"""Bundles encrypted for people: age (age-encryption.org/v1), opened by the standard age tool too.

pyrage does the cryptography and is loaded only here; it is an optional part of the installation. Nothing that was
decrypted gets its name before the whole file has proven to be what was written: age authenticates each 64 KiB, so
what is written meanwhile is the begin of it at most, and goes when the rest is not right.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wftui import text
from wftui.bundle.format import FILE_BYTES
from wftui.errors import BundleError, ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import ModuleType
    from typing import BinaryIO

_INTRO: Final = b"age-encryption.org/v1\n"
_ARMOR: Final = b"-----BEGIN AGE ENCRYPTED FILE-----"
_SCRYPT: Final = b"-> scrypt "
_HEAD: Final = 4096
_OVERHEAD: Final = 1 << 20
"""By: more than age adds to the largest bundle (header, 16 bytes for each 64 KiB); armored files are a third
larger than that and are taken up to it."""
_IDENTITY_BYTES: Final = 1 << 16
_CONSONANTS: Final = "bdfghjklmnprstvz"
_VOWELS: Final = "aiou"
_WORDS: Final = 5

INSTALL: Final = "pip install 'wftop[crypto]' (or pipx inject wftop pyrage) adds it"


class Encryption(msgspec.Struct, frozen=True):
    """For whom a bundle is encrypted: recipients, or who knows the passphrase; never both."""

    recipients: tuple[str, ...] = ()
    """``age1…``, ``ssh-ed25519 …`` or ``ssh-rsa …``, as in a line of a public key file."""
    passphrase: str = ""

    @property
    def how(self) -> str:
        """``recipients`` or ``passphrase``, as a manifest says it."""
        return "recipients" if self.recipients else "passphrase"


def available() -> bool:
    """Whether this installation can encrypt."""
    from importlib.util import find_spec

    return find_spec("pyrage") is not None


def generate_passphrase() -> str:
    """A passphrase of five words that can be said aloud: 80 bits.

    The words are ours: consonant, vowel, consonant, vowel, consonant, of 16 consonants and 4 vowels that are not
    mistaken for each other; 65,536 words, 16 bits each.
    """
    pattern = (_CONSONANTS, _VOWELS, _CONSONANTS, _VOWELS, _CONSONANTS)
    return "-".join("".join(secrets.choice(letters) for letters in pattern) for _ in range(_WORDS))


def is_encrypted(path: Path) -> bool:
    """Whether a file says that it is an age file.

    Raises:
        BundleError: It cannot be read.
    """
    head = _head(path)
    return head.startswith((_INTRO, _ARMOR))


def needs_passphrase(path: Path) -> bool:
    """Whether an age file is for a passphrase and not for keys.

    Raises:
        BundleError: It cannot be read.
    """
    head = _head(path)
    if head.startswith(_ARMOR):
        lines = head.splitlines()[1:4]
        try:
            head = base64.b64decode(b"".join(lines), validate=True)
        except binascii.Error:
            return False
    return head.startswith(_INTRO + _SCRYPT)


def check_recipients(recipients: Iterable[str]) -> None:
    """Say early what nobody can be.

    Raises:
        UsageError: One is no recipient; names it and what was expected.
        ConfigError: pyrage is missing.
    """
    _recipients(_pyrage(), recipients)


def encrypt_file(source: Path, target: Path, encryption: Encryption, *, consume: bool = False) -> None:
    """Write ``target`` (0600), the encrypted ``source``, whole or not at all; what stood there is replaced.

    Recipients are streamed; for a passphrase the file is held in memory twice.

    Args:
        source: What is to be encrypted.
        target: The encrypted file.
        encryption: For whom.
        consume: Take the name of ``source`` away as soon as it is open: it goes with this process, however that
            ends. A passphrase takes seconds in which no signal is heeded.

    Raises:
        UsageError: A recipient is none.
        ConfigError: pyrage is missing.
        BundleError: A file cannot be read or written.
    """
    pyrage = _pyrage()
    recipients = _recipients(pyrage, encryption.recipients)
    if bool(recipients) is bool(encryption.passphrase):
        raise UsageError("encryption: expected recipients or a passphrase, one of them")
    with _opened(source) as plain, _written(target) as out:
        if consume:
            source.unlink()
        failures = pyrage.EncryptError
        try:
            if recipients:
                pyrage.encrypt_io(plain, out, recipients)
            else:
                out.write(pyrage.passphrase.encrypt(plain.read(), encryption.passphrase))
            out.check()
        except failures as error:
            out.check()
            raise BundleError(f"{target}: cannot be encrypted: {_said(error)}") from error


def decrypt_file(path: Path, identities: Sequence[Path], passphrase: str, target: Path) -> None:
    """Write ``target`` (0600), what the age file ``path`` holds, after all of it has proven unaltered.

    Args:
        path: The encrypted bundle.
        identities: Files with ``AGE-SECRET-KEY-1…`` lines, or private SSH keys without a passphrase.
        passphrase: Of one that was encrypted with a passphrase.
        target: Is replaced; nothing is left there or beside it when it fails.

    Raises:
        BundleError: Not for this key or passphrase, cut, altered, too large, or a file cannot be read or written.
        ConfigError: pyrage is missing, or an identity cannot be used.
    """
    shown = text.clean(str(path), 200)
    by_passphrase = needs_passphrase(path)
    if by_passphrase and not passphrase:
        raise BundleError(f"{shown}: it is encrypted with a passphrase, and none was given")
    if not by_passphrase and not identities:
        raise BundleError(f"{shown}: it is encrypted for a key; --identity FILE names the file of yours")
    pyrage = _pyrage()
    keys = [] if by_passphrase else [key for item in identities for key in _identities(pyrage, item)]
    altered = f"{shown}: damaged: it was cut or altered after it was encrypted"
    with _opened(path) as sealed, _written(target) as out:
        if os.fstat(sealed.fileno()).st_size > FILE_BYTES + _OVERHEAD:
            raise BundleError(f"{shown}: larger than a bundle may be ({FILE_BYTES >> 20} MiB)")
        try:
            if by_passphrase:
                out.write(pyrage.passphrase.decrypt(sealed.read(), passphrase))
            else:
                pyrage.decrypt_io(sealed, out, keys)
            out.check()
        except pyrage.DecryptError as error:
            out.check()
            raise BundleError(_refusal(shown, str(error), altered, by_passphrase=by_passphrase)) from error
        except OSError as error:
            # pyrage's own have no number: a piece that is not what was encrypted.
            out.check()
            if error.errno is not None:
                raise
            raise BundleError(altered) from error


def _refusal(shown: str, said: str, altered: str, *, by_passphrase: bool) -> str:
    """One line for what pyrage says."""
    if "No matching keys" in said:
        if by_passphrase:
            return altered
        return f"{shown}: not for this key: it was encrypted for another one, or its head was altered"
    if "Excessive work" in said:
        return f"{shown}: refused: it wants far more work for its passphrase than age files do"
    if by_passphrase and "Decryption failed" in said:
        return f"{shown}: this is not its passphrase, or the file was altered"
    return altered


# Any: pyrage ships no types.
def _recipients(pyrage: Any, recipients: Iterable[str]) -> list[Any]:
    found = []
    for item in recipients:
        words = item.strip()
        kind = pyrage.ssh if words.startswith("ssh-") else pyrage.x25519
        try:
            found.append(kind.Recipient.from_str(words))
        except pyrage.RecipientError as error:
            shown = text.clean(words, 60)
            if words.startswith("AGE-SECRET-KEY"):
                shown = "a secret key, which nobody else may have"
            raise UsageError(
                f"recipient {shown}: expected a public key: age1…, ssh-ed25519 AAAA… or ssh-rsa AAAA…"
            ) from error
    return found


def _identities(pyrage: Any, path: Path) -> list[Any]:  # Any: as above
    shown = text.clean(str(path), 200)
    try:
        with path.open("rb") as file:
            content = file.read(_IDENTITY_BYTES)
    except OSError as error:
        raise ConfigError(f"{shown}: cannot be read: {error.strerror or error}") from error
    try:
        if b"-----BEGIN" in content:
            return [pyrage.ssh.Identity.from_buffer(content)]
        lines = (line.strip() for line in content.decode("ascii", "replace").splitlines())
        found = [pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except pyrage.IdentityError as error:
        raise ConfigError(
            f"{shown}: no identity: expected AGE-SECRET-KEY-1… or a private SSH key that has no passphrase"
        ) from error
    if not found:
        raise ConfigError(f"{shown}: no identity in it: expected a line AGE-SECRET-KEY-1…")
    return found


def _pyrage() -> ModuleType:
    try:
        import pyrage
        import pyrage.passphrase
        import pyrage.ssh
        import pyrage.x25519
    except ImportError as error:
        raise ConfigError(f"encryption needs pyrage, which is not installed: {INSTALL}") from error
    module: ModuleType = pyrage
    return module


def _head(path: Path) -> bytes:
    with _opened(path) as file:
        return file.read(_HEAD)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        # A FIFO would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:  # noqa: PTH123  a descriptor has no path
            yield file
    except OSError as error:
        raise BundleError(f"{text.clean(str(path), 200)}: cannot be read: {error.strerror or error}") from error


class _Out:
    """What pyrage writes into: remembers why the disk refused, which pyrage says of no last piece."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._error: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self._error = error
            raise

    def flush(self) -> None:
        self._file.flush()

    def check(self) -> None:
        """Raise what the disk said."""
        if self._error is not None:
            raise self._error


@contextmanager
def _written(target: Path) -> Iterator[_Out]:
    """A file beside the target that gets its name when the block ends in order, and goes when it does not."""
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    shown = text.clean(str(target), 200)
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(beside, flags, 0o600)
    except OSError as error:
        raise BundleError(f"{shown}: cannot be written: {error.strerror or error}") from error
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123  a descriptor has no path
            yield _Out(file)
            file.flush()
            os.fsync(descriptor)
        beside.replace(target)
    except OSError as error:
        raise BundleError(f"{shown}: cannot be written: {error.strerror or error}") from error
    finally:
        beside.unlink(missing_ok=True)


def _said(error: Exception) -> str:
    return text.clean(str(error).splitlines()[0] if str(error) else type(error).__name__, 200)
