"""`wftop probe`: one small request to a model server, with the time of every step. Runs only when told to."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wftui.errors import UsageError
from wftui.when import duration

if TYPE_CHECKING:
    from wftui.proxy.exchange import Server
    from wftui.proxy.probe import Result

_MOST: Final = 1_000_000
_PATHS: Final = re.compile(r"/(?:v1(?:/models|(?:/chat)?/completions)?|api(?:/(?:chat|generate|tags|ps))?)\Z")


def main(argv: Sequence[str]) -> int:
    """Run the command; ``argv`` is what follows ``probe``. Returns the exit code.

    Raises:
        UsageError: An option cannot be understood (2).
        ConfigError: A name is unknown, a certificate unreadable (4).
        SourceError: Nobody answers, or the request is refused; says what to do (1).
    """
    arguments = _parser().parse_args(argv)
    for name in ("prompt_tokens", "max_tokens"):
        value = getattr(arguments, name)
        if value is not None and not 1 <= value <= _MOST:
            raise UsageError(f"--{name.replace('_', '-')}: expected 1 to {_MOST}, got {value}")
    timeout_s = duration(arguments.timeout)
    server = _server(arguments)
    from wftui.proxy import probe

    try:
        choice = probe.choose(server, arguments.model, timeout_s)
        result = probe.request(
            server,
            choice,
            prompt_tokens=arguments.prompt_tokens,
            max_tokens=arguments.max_tokens,
            timeout_s=timeout_s,
        )
    except KeyboardInterrupt:
        return 130
    sys.stdout.write(_json(result) if arguments.json else _table(result))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wftop probe",
        description="Send one small streaming request to a model server and show how long each step took.",
        epilog="It makes the server work, and --model may make it load a model. wftop never does this by itself.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("url", metavar="URL", help="http://127.0.0.1:8080, https://… or unix:PATH; a path before /v1 is kept")
    add("--model", metavar="NAME", help="default: the only one that is loaded")
    add("--key-env", metavar="NAME", help="environment variable that holds the server's key")
    add("--prompt-tokens", type=int, metavar="N", help="length of the prompt, about (default: a short question)")
    add("--max-tokens", type=int, default=64, metavar="N", help="length of the answer at most (default: 64)")
    add("--timeout", default="2m", metavar="TIME", help="for the whole request (default: 2m)")
    add("--ca", metavar="FILE", help="certificate authority of an https:// server, instead of the system's")
    add("--json", action="store_true", help="as JSON, in seconds")
    return parser


def _server(arguments: argparse.Namespace) -> "Server":
    from wftui.proxy import upstream
    from wftui.proxy.exchange import Server

    where = upstream.url(arguments.url)
    # What clients are given often ends so; the paths bring their own.
    where = where._replace(prefix=_PATHS.sub("", where.prefix))
    context = None
    if where.secure:
        from wftui.proxy import secure

        context = secure.context(Path(arguments.ca) if arguments.ca else None)
    elif arguments.ca:
        raise UsageError("--ca goes with an https:// server")
    return Server(where, upstream.addresses(where), context, _key(arguments.key_env))


def _key(name: str | None) -> dict[str, str]:
    if name is None:
        return {}
    key = os.environ.get(name, "").strip()
    if not key:
        raise UsageError(f"--key-env: the environment variable {name!r} is not set")
    if not key.isascii() or not key.isprintable():
        raise UsageError(f"--key-env: what {name!r} holds cannot be a key: not all of it is printable ASCII")
    return {"Authorization": f"Bearer {key}"}


def _json(result: "Result") -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(result), indent=2).decode() + "\n"


def _table(result: "Result") -> str:
    tokens = ["unknown" if count is None else str(count) for count in (result.input_tokens, result.output_tokens)]
    rate = result.output_tokens_per_s
    known = result.input_tokens is not None or result.output_tokens is not None
    rows = [
        ("server", f"{result.server}, asked in {result.style}'s way"),
        ("model", result.model),
        ("connect", _time(result.connect_s)),
        ("TLS", "none" if result.tls_s is None else _time(result.tls_s)),
        ("first byte", _time(result.first_byte_s)),
        ("first text", "unknown: no text came" if result.first_text_s is None else _time(result.first_text_s)),
        ("total", _time(result.total_s)),
        ("tokens", f"{tokens[0]} in, {tokens[1]} out" if known else "unknown: the server does not count them"),
        ("speed", f"unknown: {result.why_no_rate}" if rate is None else f"{rate:.1f} tokens/s after the first"),
    ]
    return "".join(f"{name:<12}{value}\n" for name, value in rows)


def _time(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.1f} ms" if seconds >= 0.01 else f"{seconds * 1000:.2f} ms"
