"""`wftop proxy`: pass a model server's traffic through and measure it from the client's side.

argparse: the process lives for weeks, and Typer with what it brings would be a third of it.
"""

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wftui.errors import UsageError
from wftui.paths import Places, places

if TYPE_CHECKING:
    import ssl

    from wftui.proxy.listen import Listener
    from wftui.proxy.upstream import Address, Url


def main(argv: Sequence[str]) -> int:
    """Run the command until a signal; ``argv`` is what follows ``proxy``. Returns the exit code.

    Raises:
        UsageError: An option cannot be understood, or listens beyond this machine without ``--expose`` (2).
        ConfigError: The address is in use, a name unknown, a certificate unreadable (4).
    """
    arguments = _parser().parse_args(argv)
    secure = arguments.upstream.startswith("https:")
    if not secure:
        from wftui import lean

        lean.leave_out(lean.SSL)
    from wftui.proxy import listen, upstream

    where = upstream.url(arguments.upstream)
    if where.prefix:
        raise UsageError(f"--upstream: paths pass unchanged, so give {where.prefix!r} to the client instead")
    if arguments.ca and not where.secure:
        raise UsageError("--ca goes with an https:// server")
    place = listen.place(arguments.listen, where)
    if not place.loopback and not arguments.expose:
        raise UsageError(
            f"--listen {place.host}: whoever reaches this address could use the server behind it, unencrypted and"
            " with no check by wftop; add --expose if that is meant"
        )
    context = None
    if where.secure:
        from wftui.proxy import secure as tls

        context = tls.context(Path(arguments.ca) if arguments.ca else None)
    found = upstream.addresses(where)
    if listen.meets(place, found):
        raise UsageError("--listen: this is the server's own address; give the proxy another one")
    return _serve(arguments, where, found, context, listen.Listener(place), exposed=not place.loopback)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wftop proxy",
        description="Pass the traffic of a model server through, byte for byte, and measure it: time to first"
        " text, gaps, tokens, errors, by model. No text is kept or written anywhere.",
        epilog="Example: wftop proxy --upstream http://127.0.0.1:11434; then let clients use what it prints.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--upstream", required=True, metavar="URL", help="the server: http://…, https://… or unix:PATH")
    add("--listen", metavar="ADDRESS", help="127.0.0.1:PORT, [::1]:PORT or unix:PATH (the server's port + 10000)")
    add("--server", metavar="NAME", help="label of the series (default: the server's address)")
    add("--ca", metavar="FILE", help="certificate authority of an https:// server, instead of the system's")
    add("--expose", action="store_true", help="allow an address that other machines can reach")
    add("--config", metavar="FILE", help="configuration file")
    add("--data-dir", metavar="DIR", help="whose recorder is told")
    return parser


def _serve(
    arguments: argparse.Namespace,
    where: "Url",
    found: "list[Address]",
    context: "ssl.SSLContext | None",
    listener: "Listener",
    *,
    exposed: bool,
) -> int:
    from wftui import log, text

    home = places(arguments.data_dir, arguments.config)
    notes = log.open_log(home.state_dir / "wftop.log")
    name = text.clean(arguments.server or where.endpoint, 128)
    try:
        _say(_run(listener, where, found, context, name, home, exposed=exposed))
    finally:
        listener.close()
        notes.close()
    return 0


def _run(
    listener: "Listener",
    where: "Url",
    found: "list[Address]",
    context: "ssl.SSLContext | None",
    name: str,
    home: Places,
    *,
    exposed: bool,
) -> str:
    """Serve until a signal; what passed, in a line."""
    import asyncio

    from wftui.proxy.meter import Meter
    from wftui.proxy.recorder import RecorderSink
    from wftui.proxy.service import Proxy

    recorded = home.push_socket.exists()

    async def serve() -> str:
        sink = RecorderSink(asyncio.get_running_loop(), home)
        meter = Meter(sink, name)
        proxy = Proxy(listener, where, found, meter, context, _say)
        proxy.on_signals()
        _say(f"listening on {listener.url}, passing on to {'https://' if where.secure else ''}{where.endpoint}")
        if exposed:
            _say("whoever reaches this address can use the server behind it, unencrypted")
        if not recorded:
            _say("no recorder runs: nothing is kept until one does (wftop, or wftop record)")
        # What is here stays: collections need not look at it again and again.
        gc.collect()
        gc.freeze()
        try:
            await proxy.run()
        finally:
            sink.close()
        return meter.summary()

    return asyncio.run(serve())


def _say(line: str) -> None:
    try:
        print(line, flush=True)  # noqa: T201  what the command tells
    except OSError:
        # Whoever read it has gone; the traffic goes on.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
