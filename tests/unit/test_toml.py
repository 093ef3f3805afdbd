"""Settings changed by lines: what is not changed stays as a person wrote it, and what cannot be is refused."""

from __future__ import annotations

import pytest

from wftui import toml
from wftui.errors import ConfigError

WRITTEN = """\
# my machine
[view]   # how it looks
theme   = "night # sky"   # best at night
"refresh_s" = 2

# the store
[store]
raw_hours = 24
"""


@pytest.mark.parametrize(
    ("source", "name", "literal", "after"),
    [
        (WRITTEN, "view.theme", '"day"', WRITTEN.replace('= "night # sky"', '= "day"')),
        (WRITTEN, "view.refresh_s", "5.0", WRITTEN.replace("= 2\n", "= 5.0\n")),
        (WRITTEN, "view.ascii", "true", WRITTEN.replace("= 2\n", "= 2\nascii = true\n")),
        (WRITTEN, "log.files", "4", WRITTEN + "\n[log]\nfiles = 4\n"),
        (WRITTEN, "store.raw_hours", None, WRITTEN.replace("[store]\nraw_hours = 24\n", "")),
        (WRITTEN, "log.files", None, WRITTEN),
        ("", "view.theme", '"day"', '[view]\ntheme = "day"\n'),
        ("[view]\ntheme = 'a'", "view.ascii", "true", "[view]\ntheme = 'a'\nascii = true\n"),
        ("view.theme = 'a'\n", "view.theme", '"b"', 'view.theme = "b"\n'),
        ("view.theme = 'a'\n", "view.ascii", "true", "view.theme = 'a'\nview.ascii = true\n"),
        ("[sources]\r\ndisabled = [\r\n 'a',\r\n]\r\n", "sources.disabled", '["b"]',
         '[sources]\r\ndisabled = ["b"]\r\n'),
        ("[view]\ntheme = 'a'\n\n[store]\nraw_hours = 1\n", "view.theme", None, "[store]\nraw_hours = 1\n"),
        ("[view]\n# mine\ntheme = 'a'\n", "view.theme", None, "[view]\n# mine\n"),
    ],
)  # fmt: skip
def test_one_setting_changes_and_nothing_else(source: str, name: str, literal: str | None, after: str) -> None:
    found = toml.changed(source, name, literal, "f.toml")
    assert found.lstrip("\n") == after


@pytest.mark.parametrize(
    ("source", "name", "line"),
    [
        ("\nview = { theme = 'a' }\n", "view.theme", 2),
        ("view = { theme = 'a' }\n", "view.ascii", 1),
        ("[sources]\ndisabled = [\n 'a', # noisy\n]\n", "sources.disabled", 2),
        ("[x]\ny = '''\n[view]\ntheme = 'a'\n'''\n[view]\ntheme = 'b'\n", "view.theme", 3),
    ],
)
def test_what_cannot_be_changed_by_lines_is_refused(source: str, name: str, line: int) -> None:
    with pytest.raises(ConfigError, match=rf"^f\.toml:{line}: "):
        toml.changed(source, name, '["b"]', "f.toml")
