"""The command line of `wftop record`: the quick reading says what argparse says, or leaves it to argparse."""

import pytest

from wftui.cli import record


@pytest.mark.parametrize(
    "line",
    [
        "",
        "--json",
        "--for 90s --json",
        "--for=10m --data-dir /tmp/x --config=/tmp/c.toml",
        "--for-view --data-dir /d",
        "--status --json",
        "--stop --data-dir=",
        "--config= --for 1h --for 2h",
    ],
)
def test_a_plain_line_means_what_argparse_says(line: str) -> None:
    plain = record._plain(line.split())
    assert plain is not None
    assert vars(plain) == vars(record._parser().parse_args(line.split()))


@pytest.mark.parametrize(
    "line",
    ["-h", "--help", "--for", "--data-dir --json", "--fo 10m", "--json=1", "now", "--", "--for -3"],
)
def test_everything_else_is_for_argparse(line: str) -> None:
    assert record._plain(line.split()) is None
