"""`wftop bundle check`: a line for each thing that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile import bundles
from tests.hostile.archives import ESCAPES
from wftui.bundle import format as form
from wftui.cli.bundle_check import main
from wftui.errors import BundleError


def test_a_sound_one_is_described(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    path = bundles.put(folder, bundles.bundle())
    assert main([str(path)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"ok: {path}: 2026-09-21T14:13:20Z to 2026-09-21T14:13:40Z; ")
    for part in ("20 ticks of host-3f (Europe/Berlin)", "level full", "by wftop 0.9.0", "alert cpu-hot"):
        assert part in line
    assert list(folder.iterdir()) == [path]


def test_each_altered_member_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    members = bundles.sound()
    said = bundles.manifest(members)
    members[form.EVENTS] = members[form.EVENTS].replace(b"a mark", b"A MARK")
    members[form.REPORT_MD] = b"# Report\n"
    members["screens/gpu.svg"] = b"<svg/>"
    path = bundles.put(tmp_path, bundles.bundle(members, said))
    assert main([str(path)]) == 8
    assert capsys.readouterr().out.splitlines() == [
        f"{path}: screens/gpu.svg: the manifest does not name it",
        f"{path}: events.jsonl: altered, its SHA-256 is not that of the manifest",
        f"{path}: report.md: altered, its SHA-256 is not that of the manifest",
    ]


def test_a_zip_that_is_none_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = bundles.put(tmp_path, bundles.bundle()[:-5])
    assert main([str(path)]) == 8
    assert capsys.readouterr().out == f"{path}: cut off, or there is more behind its end\n"


def test_outside_text_is_shown_and_not_obeyed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = bundles.edited(form.MANIFEST, lambda found: {**found, "program": ESCAPES, "alert": ESCAPES})
    assert main([str(bundles.put(tmp_path, said))]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.isprintable()
    assert "\\x1b]52" in line


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no such file"):
        main([str(tmp_path / "nothing.wftop")])
