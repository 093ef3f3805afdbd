"""The shell around the code: the wheel, the licence, the pages that are generated."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

import wftui
from wftui import errors, names, paths

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def project() -> Any:  # Any: the tables of pyproject.toml
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as hatchling builds it, without an environment of its own: no network."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
        timeout=30,
    )
    (built,) = folder.glob("*.whl")
    return built


def packed(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_wheel_ships_the_package_and_its_resources(wheel: Path) -> None:
    files = packed(wheel)
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "wftui").rglob("*.py")}
    assert sources <= files
    assert {f"wftui/{path.relative_to(ROOT / 'wftui')}" for path in (ROOT / "wftui").rglob("*.tcss")} <= files
    assert "wftui/_resources/themes/default.toml" in files
    assert "wftui/_resources/rules/system.json" in files
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in files)


def test_wheel_ships_nothing_else(wheel: Path) -> None:
    assert {name.partition("/")[0] for name in packed(wheel)} == {
        "wftui",
        f"wftop-{wftui.__version__}.dist-info",
    }


def test_resources_are_found_in_a_wheel(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)  # ours, built a second ago
    code = "import sys; sys.path.insert(0, sys.argv[1]); from wftui import paths; print(paths.resources('themes'))"
    # -P and another working folder: the source tree must not be what is found.
    found = subprocess.run(
        [sys.executable, "-P", "-c", code, str(installed)],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=30,
    )
    folder = Path(found.stdout.strip())
    assert folder.is_relative_to(installed)
    assert (folder / "default.toml").read_bytes() == (ROOT / "themes" / "default.toml").read_bytes()


def test_resources_are_found_in_an_editable_install() -> None:
    assert Path(wftui.__file__).parent == ROOT / "wftui"
    assert (Path(str(paths.resources("themes"))) / "default.toml").samefile(ROOT / "themes" / "default.toml")


def test_metric_catalogue_is_up_to_date() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "generate_metrics.py"))["catalogue"]()
    assert (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8") == page, "stale: run `make docs`"
    assert all(f"| `{name}` |" in page for name in (*names.METRICS, *names.EVENT_TYPES))


def test_licence_is_the_one_that_is_declared(project: Any) -> None:
    assert project["project"]["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License\n")


def test_every_dependency_has_a_bound_and_a_reason(project: Any) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    pins = runpy.run_path(str(ROOT / ".ci" / "lowest.py"))["pins"](project["project"]["dependencies"])
    for pin in pins:
        name = re.match(r"[\w-]+", pin)
        assert name is not None
        assert re.search(rf"^\| \[?{name[0]}\b", readme, re.MULTILINE), f"the README does not say why {name[0]}"


def test_readme_explains_every_exit_code() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    classes = [errors.WftopError]
    for kind in classes:
        classes += kind.__subclasses__()
        assert f"\n| {kind.exit_code} | " in readme, f"the README does not explain exit code {kind.exit_code}"


def test_lower_bound_is_needed() -> None:
    pins = runpy.run_path(str(ROOT / ".ci" / "lowest.py"))["pins"]
    assert pins(["a>=1.2", "b>=3; python_version<'4'"]) == ["a==1.2", "b==3"]
    with pytest.raises(ValueError, match="lower bound"):
        pins(["a"])


def test_makefile_names_what_the_readme_promises() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    promised = set(re.findall(r"(?:`|\$ )make ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert {"run", "test", "lint"} <= promised <= targets


def test_every_module_that_a_page_names_is_there() -> None:
    files = {
        path.relative_to(ROOT).as_posix()
        for folder in ("wftui", "tests", "docs")
        for path in (ROOT / folder).rglob("*.py")
    }
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for named in re.findall(r"`([\w/]+\.py)`", page.read_text(encoding="utf-8")):
            assert any(file == named or file.endswith(f"/{named}") for file in files), f"{page.name}: {named}"


def test_every_picture_and_page_that_a_page_shows_is_there() -> None:
    shown = set()
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
            shown.add((page.parent / target).resolve())
    pictures = {path.resolve() for path in (ROOT / "docs").rglob("*.svg")}
    assert pictures
    assert pictures <= shown, "a picture that nobody looks at"
