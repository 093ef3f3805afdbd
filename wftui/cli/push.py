"""`wftop push NAME VALUE [label=value…]`: one figure of a shell script. argparse: Typer would cost it 50 ms."""

import argparse
import json
import socket
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from wftui.errors import ProtocolError, UsageError, WftopError
from wftui.paths import Places, places

KINDS: Final = ("gauge", "counter", "distribution")
TIMEOUT_S: Final = 5.0


def main(argv: Sequence[str]) -> int:
    """Run the command; ``argv`` is what follows ``push``. Returns the exit code.

    Raises:
        UsageError: It was typed wrongly (2).
        WftopError: The recorder refused it (1).
        ConfigError: The recorder's folder cannot be named (4).
        ProtocolError: No recorder answers (6).
    """
    arguments = _parser().parse_intermixed_args([_positional(word) for word in argv])
    if arguments.name is None:
        raise UsageError("expected a name and a value: wftop push NAME VALUE; wftop push --help says more")
    where = places(arguments.data_dir, arguments.config)
    lines = _stdin() if arguments.name == "-" else [_line(arguments)]
    if arguments.name == "-" and (arguments.value is not None or arguments.labels):
        raise UsageError("push -: the lines come from standard input; leave value and labels out")
    _push(where, lines)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wftop push",
        description="Record one figure; the recorder that runs takes it into its open second.",
        epilog="Example: wftop push queue_length 12 --source backup mount=/srv. "
        "What is pushed becomes custom.SOURCE.NAME, or a metric of the catalogue (docs/push.md).",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "name",
        nargs="?",
        metavar="NAME",
        help="of the figure; - sends lines of JSON from standard input as they are",
    )
    add("value", nargs="?", metavar="VALUE", help="a number")
    add("labels", nargs="*", metavar="label=value", help="cpu, device, direction, model, mount, view, …")
    add("--source", default="shell", metavar="NAME", help="who pushes (default: shell)")
    add("--unit", default="", metavar="UNIT", help="s, By, W, {request}, …; fixed by the first push of a name")
    add("--kind", default="", choices=KINDS, help="default: as the first push of the name said, else gauge")
    add("--config", metavar="FILE", help="configuration file")
    add("--data-dir", metavar="DIR", help="where the recording lies")
    return parser


def _positional(word: str) -> str:
    """A number below 0 is a value, not an option; argparse knows that of ``-5`` only, not of ``-5e3``."""
    if word.startswith("-"):
        try:
            float(word)
        except ValueError:
            return word
        return f" {word}"
    return word


def _line(arguments: argparse.Namespace) -> bytes:
    if arguments.value is None:
        raise UsageError(f"expected a value: wftop push {arguments.name} VALUE")
    try:
        value = float(arguments.value)
    except ValueError:
        raise UsageError(f"expected a number, got {arguments.value.strip()!r}") from None
    labels = {}
    for word in arguments.labels:
        key, equals, text = word.partition("=")
        if not equals or not key or not text:
            raise UsageError(f"expected label=value, got {word!r}")
        if key in labels:
            raise UsageError(f"label {key!r} comes twice")
        labels[key] = text
    more = {"unit": arguments.unit, "kind": arguments.kind, "labels": labels}
    sample = {"name": arguments.name, "value": value, **{field: said for field, said in more.items() if said}}
    return json.dumps({"source": arguments.source, "samples": [sample]}).encode() + b"\n"


def _stdin() -> Iterator[bytes]:
    for line in sys.stdin.buffer:
        if not line.isspace():
            yield line if line.endswith(b"\n") else line + b"\n"


def _push(where: Places, lines: Iterable[bytes]) -> None:
    refused: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(TIMEOUT_S)
        try:
            connection.connect(str(where.push_socket))
            with connection.makefile("rb") as answers:
                for line in lines:
                    connection.sendall(line)
                    refused += _refused(answers.readline())
        except TimeoutError as error:
            raise ProtocolError(f"the recorder did not answer within {TIMEOUT_S:g} s") from error
        except OSError as error:
            fix = "start one: wftop record"
            raise ProtocolError(
                f"no recorder answers at {where.push_socket} ({error.strerror or error}); {fix}"
            ) from error
    if refused:
        more = f" ({len(refused) - 1} more were refused)" if len(refused) > 1 else ""
        raise WftopError(f"not recorded: {refused[0]}{more}")


def _refused(answer: bytes) -> list[str]:
    """Why samples of a line were refused."""
    if not answer:
        raise ProtocolError("the recorder went away before it answered")
    try:
        reply = json.loads(answer)
        return [str(item["reason"]) for item in reply["rejected"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ProtocolError("the recorder answered something that is no reply") from error
