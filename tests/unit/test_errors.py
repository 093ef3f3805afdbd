"""The error tree: codes, what each carries, and the one line on stderr."""

import inspect
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui import errors

CLASSES = [
    member for _, member in inspect.getmembers(errors, inspect.isclass) if issubclass(member, errors.WftopError)
]


@pytest.mark.parametrize("member", CLASSES, ids=lambda member: member.__name__)
def test_every_error_has_a_documented_code_and_a_docstring(member: type[errors.WftopError]) -> None:
    assert member.__doc__
    assert re.search(rf"^\| {member.exit_code} \|", errors.__doc__ or "", re.MULTILINE)


def test_codes_that_scripts_rely_on() -> None:
    codes = {member.__name__: member.exit_code for member in CLASSES}
    assert codes == {
        "WftopError": 1,
        "SourceError": 1,
        "SourceUnavailableError": 1,
        "SourceFormatError": 1,
        "RuleError": 1,
        "UsageError": 2,
        "AlreadyRunningError": 3,
        "ConfigError": 4,
        "StoreError": 5,
        "ProtocolError": 6,
        "NoDataError": 7,
        "BundleError": 8,
    }


def test_a_source_error_carries_reason_state_and_fix() -> None:
    error = errors.SourceUnavailableError("no permission", state="denied", fix="sudo usermod -aG video me")
    assert (str(error), error.reason, error.state) == ("no permission", "no permission", "denied")
    assert error.fix == "sudo usermod -aG video me"
    assert errors.SourceUnavailableError("gone").state == "absent"
    assert errors.SourceFormatError("odd").state == "failed"
    assert errors.SourceUnavailableError.state == "absent"  # an instance's state stays its own


def test_already_running_carries_the_pid() -> None:
    assert errors.AlreadyRunningError("recorder runs", pid=17).pid == 17
    assert errors.AlreadyRunningError("recorder runs").pid is None


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("plain", "wftop: plain"),
        ("", "wftop: ConfigError"),
        ("two\nlines\x1b]0;x\x07", "wftop: two\\x0alines\\x1b]0;x\\x07"),
        ("bidi \u202e", "wftop: bidi \\u202e"),
        ("tag \U000e0041", "wftop: tag \\U000e0041"),
        ("lone \udcff", "wftop: lone \\udcff"),
        ("größe 42 GiB", "wftop: größe 42 GiB"),
    ],
)
def test_report(message: str, line: str) -> None:
    assert errors.report(errors.ConfigError(message)) == line


@given(st.text(st.characters()))
def test_report_is_one_printable_line(message: str) -> None:
    line = errors.report(errors.WftopError(message))
    assert line.isprintable()
    assert line.encode("utf-8")


def test_report_is_bounded() -> None:
    assert len(errors.report(errors.WftopError("x" * 10_000))) < 2_100
