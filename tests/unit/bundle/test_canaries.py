"""What is planted all over a recording, its settings, rules and log appears in no member of a bundle."""

from __future__ import annotations

import base64
import html
import zipfile
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest

from tests.recording import START_S
from tests.unit.bundle import planted
from wftui.bundle import collect, learned
from wftui.bundle.format import AGGREGATE, ANONYMOUS, FULL, LEVELS, Consent, RuleInForce

CONSENT = Consent("--yes", 1, "plain")


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One of each level."""
    root = tmp_path_factory.mktemp("planted")
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_CONFIG_HOME", str(root / "config"))
    patch.setenv("XDG_STATE_HOME", str(root / "state"))
    patch.setattr(learned, "me", lambda: planted.ME)
    patch.setattr(learned, "accounts", lambda: ({planted.ME}, set(planted.PERSONS)))
    patch.setattr(learned, "machine", lambda: {planted.HOST})
    try:
        planted.record(root / "data")
        planted.configure(root / "config" / "wftop", root / "state" / "wftop")
        found = {}
        for level in LEVELS:
            found[level] = root / f"{level}.wftop"
            since_s, until_s = START_S, START_S + planted.TICKS
            # Pictures are drawn from a copy that has passed the redactor: once is enough.
            request = collect.Request(
                root / "data", found[level], since_s, until_s, level, CONSENT, screens=level == FULL
            )
            collect.make(request)
        return found
    finally:
        patch.undo()


def members(path: Path) -> dict[str, bytes]:
    """Everything, in small letters; and the file itself."""
    with zipfile.ZipFile(path) as opened:
        found = {name: opened.read(name).lower() for name in opened.namelist()}
    return {**found, "the file": path.read_bytes().lower()}


def forms(canary: str) -> set[bytes]:
    """The ways in which a text may stand in a member; in small letters."""
    found = {canary, quote(canary, safe=""), html.escape(canary), canary.replace(" ", "&#160;")}
    raw = canary.encode()
    found.add(raw.hex())
    for shift in range(3):
        # Whatever stands before and behind it: the letters in between are the same.
        coded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        found.add(coded[(0, 2, 3)[shift] : -1 if (len(raw) + shift) % 3 else None])
        found.add(base64.urlsafe_b64encode(raw).decode().rstrip("="))
    return {item.lower().encode() for item in found if len(item) > 4}


def seen(path: Path, canaries: tuple[str, ...]) -> list[str]:
    """Those that are in it, and where."""
    there = members(path)
    return [
        f"{canary!r} in {name}"
        for canary in canaries
        for name, data in there.items()
        if any(form in data for form in forms(canary))
    ]


def test_there_are_sixty() -> None:
    assert len(set(planted.ALWAYS)) >= 60


@pytest.mark.parametrize("level", LEVELS)
def test_none_is_in_a_bundle(bundles: dict[str, Path], level: str) -> None:
    assert not seen(bundles[level], planted.ALWAYS)


@pytest.mark.parametrize("level", [ANONYMOUS, AGGREGATE])
def test_names_of_programs_and_models_are_in_full_ones_alone(bundles: dict[str, Path], level: str) -> None:
    assert not seen(bundles[level], planted.NAMED)


def test_what_helps_to_find_a_cause_stays(bundles: dict[str, Path]) -> None:
    there = b"".join(members(bundles[FULL]).values())
    for word in (
        *planted.NAMED[:2],
        "nvidia h100 80gb hbm3",
        "570.86.15",
        "--port 8000",
        "llama3:8b",
        "/home/user-",
    ):
        assert word.lower().encode() in there, word


def test_the_canaries_are_found_where_nothing_is_redacted(tmp_path: Path) -> None:
    """That none is seen must not come of looking wrongly: in the journal itself all of a recording are."""
    planted.record(tmp_path / "recorded")
    raw = b"".join(item.read_bytes() for item in (tmp_path / "recorded").iterdir() if item.is_file()).lower()
    absent = {canary for canary in planted.ALWAYS if not any(form in raw for form in forms(canary))}
    # Those stand in settings and in the log.
    assert absent <= {planted.PATHS[5], planted.OTHERS[1]}


def test_the_rule_and_the_log_of_the_person_are_in_it(bundles: dict[str, Path]) -> None:
    """Else nothing of them would have been looked for."""
    for level in (FULL, ANONYMOUS):
        with zipfile.ZipFile(bundles[level]) as opened:
            rules = msgspec.json.decode(opened.read("rules.json"), type=list[RuleInForce])
            assert sum(not rule.builtin for rule in rules) == 1
            assert len(opened.read("log.jsonl").splitlines()) == 5
