"""Encryption of bundles: whole or not at all, one line for each refusal, the standard age tool reads it."""

from __future__ import annotations

import builtins
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pyrage
import pytest

from wftui.bundle import crypt
from wftui.bundle.crypt import Encryption
from wftui.errors import BundleError, ConfigError, UsageError

AGE = shutil.which("age")
needs_age = pytest.mark.skipif(AGE is None, reason="the age tool is not installed (Debian: apt-get install age)")
WORDS = "some words"
PLAIN = b"PK\x03\x04 what a bundle holds " * 40


class Keys:
    """A pair of ours, as files."""

    def __init__(self, folder: Path, name: str) -> None:
        identity = pyrage.x25519.Identity.generate()
        self.recipient = str(identity.to_public())
        self.file = folder / f"{name}.key"
        self.file.write_text(f"# created by a test\n{identity}\n")


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path, "ours")


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    path = tmp_path / "a.wftop"
    path.write_bytes(PLAIN)
    return path


def listed(folder: Path) -> set[str]:
    return {item.name for item in folder.iterdir()}


def refused(path: Path, target: Path, identities: tuple[Path, ...] = (), passphrase: str = "") -> str:
    """What is said, after nothing was left behind."""
    before = listed(target.parent)
    with pytest.raises((BundleError, ConfigError)) as caught:
        crypt.decrypt_file(path, identities, passphrase, target)
    assert listed(target.parent) == before
    said = str(caught.value)
    assert "\n" not in said
    assert said.isprintable()
    return said


def ssh_pair(folder: Path, kind: str) -> tuple[str, Path]:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    file = folder / f"id_{kind}"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "me@there", "-f", file], check=True)
    return file.with_suffix(".pub").read_text().strip(), file


def test_for_a_key_and_back(tmp_path: Path, plain: Path, keys: Keys) -> None:
    sealed, back = tmp_path / "a.wftop.age", tmp_path / "back"
    crypt.encrypt_file(plain, sealed, Encryption((keys.recipient,)))
    assert not crypt.is_encrypted(plain)
    assert crypt.is_encrypted(sealed)
    assert not crypt.needs_passphrase(sealed)
    assert PLAIN[:20] not in sealed.read_bytes()
    crypt.decrypt_file(sealed, (keys.file,), "", back)
    assert back.read_bytes() == PLAIN
    assert {stat.S_IMODE(item.stat().st_mode) for item in (sealed, back)} == {0o600}


def test_for_several_each_of_whom_can_read_it(tmp_path: Path, plain: Path, keys: Keys) -> None:
    other, sealed = Keys(tmp_path, "theirs"), tmp_path / "sealed"
    crypt.encrypt_file(plain, sealed, Encryption((keys.recipient, other.recipient)))
    for file in (keys.file, other.file):
        crypt.decrypt_file(sealed, (file,), "", tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == PLAIN


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_for_an_ssh_key(tmp_path: Path, plain: Path, kind: str) -> None:
    recipient, file = ssh_pair(tmp_path, kind)
    crypt.encrypt_file(plain, tmp_path / "sealed", Encryption((recipient,)))
    crypt.decrypt_file(tmp_path / "sealed", (file,), "", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == PLAIN


def test_with_a_passphrase(tmp_path: Path, plain: Path, keys: Keys) -> None:
    words = crypt.generate_passphrase()
    sealed, back = tmp_path / "sealed", tmp_path / "back"
    crypt.encrypt_file(plain, sealed, Encryption(passphrase=words))
    assert crypt.needs_passphrase(sealed)
    crypt.decrypt_file(sealed, (), words, back)
    assert back.read_bytes() == PLAIN
    back.unlink()
    assert refused(sealed, back, passphrase=WORDS) == (
        f"{sealed}: this is not its passphrase, or the file was altered"
    )
    assert (
        refused(sealed, back, (keys.file,)) == f"{sealed}: it is encrypted with a passphrase, and none was given"
    )


def test_passphrases_are_five_words_of_eighty_bits() -> None:
    found = {crypt.generate_passphrase() for _ in range(200)}
    assert len(found) == 200
    assert all(
        re.fullmatch(r"(?:[bdfghjklmnprstvz][aiou]){2}[bdfghjklmnprstvz](?:-[a-z]{5}){4}", item) for item in found
    )
    letters = {item[place] for item in found for place in (0, 2, 4)}
    assert letters == set("bdfghjklmnprstvz")
    assert (16**3 * 4**2) ** 5 == 2**80


def test_the_wrong_key_and_none(tmp_path: Path, plain: Path, keys: Keys) -> None:
    sealed = tmp_path / "sealed"
    crypt.encrypt_file(plain, sealed, Encryption((keys.recipient,)))
    other = Keys(tmp_path, "theirs")
    assert "not for this key" in refused(sealed, tmp_path / "back", (other.file,))
    assert "--identity FILE" in refused(sealed, tmp_path / "back")


@pytest.mark.parametrize("how", ["key", "passphrase"])
def test_cut_anywhere(tmp_path: Path, plain: Path, keys: Keys, how: str) -> None:
    sealed, cut, back = tmp_path / "sealed", tmp_path / "cut", tmp_path / "back"
    cut.touch()
    encryption = Encryption((keys.recipient,)) if how == "key" else Encryption(passphrase=WORDS)
    crypt.encrypt_file(plain, sealed, encryption)
    whole = sealed.read_bytes()
    # A passphrase is worth a second of work each time that the head is whole.
    places = range(0, len(whole), max(1, len(whole) // 100)) if how == "key" else (30, 60, len(whole) - 1)
    for place in places:
        cut.write_bytes(whole[:place])
        said = refused(cut, back, (keys.file,), WORDS)
        assert said.startswith(f"{cut}: ")


def test_every_byte_counts(tmp_path: Path, keys: Keys) -> None:
    """A file of which each byte was another one is refused, whatever the byte is for."""
    plain, sealed, spoilt, back = (tmp_path / name for name in ("plain", "sealed", "spoilt", "back"))
    plain.write_bytes(os.urandom(800))
    spoilt.touch()
    crypt.encrypt_file(plain, sealed, Encryption((keys.recipient,)))
    whole = sealed.read_bytes()
    assert len(whole) >= 1000
    for place in range(len(whole)):
        spoilt.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        refused(spoilt, back, (keys.file,))


def test_a_late_byte_of_a_large_one_leaves_nothing(tmp_path: Path, keys: Keys) -> None:
    """What came before it was right, and was written beside: it has to go."""
    plain, sealed, back = tmp_path / "plain", tmp_path / "sealed", tmp_path / "back"
    plain.write_bytes(os.urandom(400_000))
    crypt.encrypt_file(plain, sealed, Encryption((keys.recipient,)))
    whole = bytearray(sealed.read_bytes())
    whole[-20] ^= 1
    sealed.write_bytes(whole)
    assert refused(sealed, back, (keys.file,)) == (
        f"{sealed}: damaged: it was cut or altered after it was encrypted"
    )


def test_a_passphrase_that_would_cost_minutes_is_refused(tmp_path: Path, plain: Path) -> None:
    sealed = tmp_path / "sealed"
    crypt.encrypt_file(plain, sealed, Encryption(passphrase=WORDS))
    head, rest = sealed.read_bytes().split(b"\n", 2)[1:]
    sealed.write_bytes(b"age-encryption.org/v1\n" + head.rpartition(b" ")[0] + b" 30\n" + rest)
    assert "far more work" in refused(sealed, tmp_path / "back", passphrase=WORDS)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("age1nobody", "recipient age1nobody: expected a public key"),
        ("ssh-ed25519 AAAA", "recipient ssh-ed25519 AAAA: expected"),
        ("", "recipient : expected"),
        ("AGE-SECRET-KEY-1QQQQ", "a secret key, which nobody else may have"),
        ("me\x1b[31m", "recipient me"),
    ],
)
def test_who_is_no_recipient(given: str, shown: str) -> None:
    with pytest.raises(UsageError) as caught:
        crypt.check_recipients([given])
    assert shown in str(caught.value)
    assert "SECRET-KEY-1Q" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_an_identity_that_is_none(tmp_path: Path, plain: Path, keys: Keys) -> None:
    sealed, wrong = tmp_path / "sealed", tmp_path / "wrong.key"
    crypt.encrypt_file(plain, sealed, Encryption((keys.recipient,)))
    for content in (b"", b"# only this\n", b"what?\n", b"\xff\x00", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAA\n"):
        wrong.write_bytes(content)
        assert refused(sealed, tmp_path / "back", (wrong,)).startswith(f"{wrong}: no identity")
    assert "cannot be read" in refused(sealed, tmp_path / "back", (tmp_path / "none",))


def test_a_folder_and_a_fifo_are_no_bundles(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert not crypt.is_encrypted(tmp_path / "pipe")
    with pytest.raises(BundleError, match="cannot be read"):
        crypt.is_encrypted(tmp_path)


@pytest.mark.parametrize("size", [10, 300_000])
def test_a_full_disk_is_said_and_leaves_nothing(
    tmp_path: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Also when only the last piece does not fit, which pyrage itself passes over in silence."""
    plain, sealed, other = tmp_path / "plain", tmp_path / "sealed", tmp_path / "other"
    plain.write_bytes(os.urandom(size))
    crypt.encrypt_file(plain, sealed, Encryption((keys.recipient,)))
    before = listed(tmp_path)
    made = crypt._Out.__init__
    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr(crypt._Out, "__init__", lambda self, _: made(self, full))
        for encryption in (Encryption((keys.recipient,)), Encryption(passphrase=WORDS)):
            with pytest.raises(BundleError, match=r"other: cannot be written: No space left on device"):
                crypt.encrypt_file(plain, other, encryption)
        with pytest.raises(BundleError, match=r"other: cannot be written: No space left on device"):
            crypt.decrypt_file(sealed, (keys.file,), "", other)
    assert listed(tmp_path) == before


@pytest.mark.parametrize("how", ["recipients", "passphrase"])
def test_what_is_consumed_has_no_name_while_it_is_encrypted(
    tmp_path: Path, plain: Path, keys: Keys, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is killed meanwhile leaves nothing that can be read."""
    there: list[bool] = []
    write = crypt._Out.write

    def seen(self: Any, data: bytes) -> int:  # Any: a private class
        there.append(plain.exists())
        return write(self, data)

    monkeypatch.setattr(crypt._Out, "write", seen)
    encryption = Encryption((keys.recipient,)) if how == "recipients" else Encryption(passphrase=WORDS)
    crypt.encrypt_file(plain, tmp_path / "sealed", encryption, consume=True)
    assert there
    assert not any(there)
    crypt.decrypt_file(tmp_path / "sealed", (keys.file,), WORDS, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == PLAIN


def test_without_pyrage_it_is_said_what_to_install(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def none(name: str, *rest: Any, **more: Any) -> Any:  # Any: as of __import__
        if name.partition(".")[0] == "pyrage":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", none)
    with pytest.raises(ConfigError, match=r"^encryption needs pyrage, .*pip install 'wftop\[crypto\]'"):
        crypt.encrypt_file(plain, tmp_path / "sealed", Encryption(passphrase=WORDS))


# ---- the standard tool


@needs_age
def test_the_age_tool_opens_ours(tmp_path: Path, plain: Path, keys: Keys) -> None:
    recipient, file = ssh_pair(tmp_path, "ed25519")
    sealed = tmp_path / "sealed"
    crypt.encrypt_file(plain, sealed, Encryption((keys.recipient, recipient)))
    for identity in (keys.file, file):
        done = subprocess.run(["age", "--decrypt", "-i", identity, sealed], capture_output=True, check=True)
        assert done.stdout == PLAIN


@needs_age
@pytest.mark.parametrize("armor", [(), ("--armor",)])
def test_we_open_what_the_age_tool_made(tmp_path: Path, plain: Path, keys: Keys, armor: tuple[str, ...]) -> None:
    sealed = tmp_path / "sealed"
    subprocess.run(["age", *armor, "-r", keys.recipient, "-o", sealed, plain], check=True)
    assert crypt.is_encrypted(sealed)
    assert not crypt.needs_passphrase(sealed)
    crypt.decrypt_file(sealed, (keys.file,), "", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == PLAIN


@needs_age
def test_the_age_tool_opens_one_with_a_passphrase(tmp_path: Path, plain: Path) -> None:
    """It asks on the terminal: a PTY answers."""
    import pty

    words, sealed, back = crypt.generate_passphrase(), tmp_path / "sealed", tmp_path / "back"
    crypt.encrypt_file(plain, sealed, Encryption(passphrase=words))
    pid, master = pty.fork()
    if not pid:
        os.execvp("age", ["age", "--decrypt", "-o", str(back), str(sealed)])  # noqa: S606
    said = b""
    try:
        while b"assphrase" not in said:
            said += os.read(master, 1024)
        os.write(master, words.encode() + b"\n")
        _, status = os.waitpid(pid, 0)
    finally:
        os.close(master)
    assert os.waitstatus_to_exitcode(status) == 0
    assert back.read_bytes() == PLAIN
