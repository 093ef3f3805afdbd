"""`wftop alerts`: what fires, what fired, and a person's word on it. argparse: Typer would cost it 50 ms."""

import argparse
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from wftui import clock
from wftui.alerts.rule import SEVERITIES
from wftui.alerts.silences import matchers
from wftui.cli import alerts_told as told
from wftui.cli.alerts_state import Known, asked, known
from wftui.cli.output import say
from wftui.client.queries import Connection
from wftui.clock import NS_PER_S
from wftui.errors import ConfigError, UsageError
from wftui.model.alerts import SILENCES
from wftui.paths import Places, places
from wftui.text import clean
from wftui.when import duration, moment
from wftui.wire import messages as m

FIRES: Final = 1
"""Exit code of ``list --quiet`` when something fires."""
_EPILOG: Final = (
    "Alerts, rules and silences may be shortened as long as they are unique, without 'rule.' too: "
    "wftop alerts ack cpu. Exit codes: 0 done, 1 list --quiet and something fires, 2 typed wrongly, "
    "6 no recorder runs, 7 nothing was recorded yet."
)


def main(argv: Sequence[str]) -> int:
    """Run the command; ``argv`` is what follows ``alerts``. Returns the exit code.

    Raises:
        UsageError: An option cannot be understood, or no alert has that name (2).
        ProtocolError: No recorder runs where one is needed, or it refused (6).
        StoreError: The recording cannot be read (5).
        NoDataError: No recorder runs, and nothing was recorded yet (7).
    """
    arguments = _parser().parse_args(argv)
    where = places(getattr(arguments, "data_dir", None), getattr(arguments, "config", None))
    match arguments.action:
        case "ack":
            return _each(where, arguments, lambda key, by: m.Acknowledge(key, by, arguments.note), "acknowledged")
        case "resolve":
            return _each(where, arguments, lambda key, by: m.ResolveAlert(key, by, arguments.note), "resolved")
        case "silence":
            return _silence(where, arguments)
        case "unsilence":
            return _unsilence(where, arguments)
        case "history":
            return _history(where, arguments)
    return _list(where, arguments)


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--config", metavar="FILE", help="configuration file")
    common.add_argument("--data-dir", metavar="DIR", help="where the recording lies")
    parser = argparse.ArgumentParser(
        prog="wftop alerts",
        description="What fires and what fired; acknowledge, silence, resolve. Without a word: list.",
        epilog=_EPILOG,
        allow_abbrev=False,
        parents=[common],
    )
    parser.set_defaults(action="list", severity="info", quiet=False, json=False)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")

    def action(name: str, words: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=words, description=words, parents=[common], allow_abbrev=False)

    one = action("list", "what is pending, fires, or waits for a person, and what is silenced")
    one.add_argument("--severity", choices=SEVERITIES, default="info", help="this bad or worse")
    one.add_argument("--quiet", action="store_true", help="print nothing; exit code 1 when something fires")
    one.add_argument("--json", action="store_true", help="as JSON")
    for name, words in (
        ("ack", "say that you look after alerts that fire"),
        ("resolve", "say that alerts are over; while the condition holds they fire again"),
    ):
        one = action(name, words)
        one.add_argument("alerts", nargs="+", metavar="ALERT", help="as list names it")
        one.add_argument("--note", default="", metavar="TEXT", help="told beside it")
    one = action("silence", "tell nobody of some alerts for a while; they fire and are recorded nevertheless")
    one.add_argument(
        "matchers",
        nargs="+",
        metavar="MATCHER",
        help="alert, rule, severity=…, category=…, LABEL=…: all must fit",
    )
    one.add_argument("--for", dest="span", default="1h", metavar="TIME", help="how long (default: 1h)")
    one.add_argument("--reason", default="", metavar="TEXT", help="why")
    one = action("unsilence", "end silences")
    one.add_argument("silences", nargs="+", metavar="ID", help="as list names it; its end is enough")
    one = action("history", "what fired, was acknowledged, silenced and resolved, oldest first")
    one.add_argument("--since", default="24h", metavar="TIME", help="begin (default: 24h)")
    one.add_argument("--rule", metavar="ID", help="of this rule only")
    one.add_argument("--json", action="store_true", help="as JSON")
    return parser


def _list(where: Places, arguments: argparse.Namespace) -> int:
    if arguments.quiet:
        with Connection(str(where.socket)) as connection:  # a script must not take the past for the present
            state = asked(connection)
        return FIRES if told.firing(state, arguments.severity) else 0
    state = known(where)
    now_ns = clock.SystemClock().now().time_ns
    if arguments.json:
        return told.put_json(told.as_json(state, arguments.severity, now_ns))
    for line in told.lines(state, arguments.severity, now_ns):
        say(line)
    return 0


def _each(where: Places, arguments: argparse.Namespace, order: Callable[[str, str], m.Message], done: str) -> int:
    with Connection(str(where.socket)) as connection:
        state = asked(connection)
        by = who()
        for key in [completed(item, state.firing, "alert that fires") for item in arguments.alerts]:
            connection.ask(order(key, by), m.Ok)
            say(f"{done} {clean(key)}")
    return 0


def _silence(where: Places, arguments: argparse.Namespace) -> int:
    span_s = duration(arguments.span)
    with Connection(str(where.socket)) as connection:
        state = asked(connection)
        wanted = [_matcher(item, state) for item in arguments.matchers]
        try:
            found = matchers(wanted)
        except ConfigError as error:
            raise UsageError(str(error)) from error
        span_ns = round(span_s * NS_PER_S)
        reply = connection.ask(m.SetSilence(wanted, span_ns, who(), arguments.reason), m.SilenceReply)
    until_ns = clock.SystemClock().now().time_ns + span_ns
    words = ",".join(f"{key}={clean(value)}" for key, value in found)
    say(f"silenced until {told.when(until_ns)}: {words}  ({reply.id})")
    return 0


def _matcher(text: str, state: Known) -> str:
    """What was typed, an alert or a rule spelt out. A rule that fires for one thing only is the rule still."""
    if "=" in text and "{" not in text:
        return text
    for name in (text, f"rule.{text}"):
        if name in state.rule_ids or name in state.firing:
            return name
    try:
        return completed(text, state.firing, "alert that fires")
    except UsageError:
        return completed(text, state.rule_ids, "rule")


def _unsilence(where: Places, arguments: argparse.Namespace) -> int:
    with Connection(str(where.socket)) as connection:
        there = asked(connection).rows(SILENCES)
        for item in arguments.silences:
            fitting = [key for key in there if key == item or key.endswith(item)]
            found = fitting[0] if len(fitting) == 1 else completed(item, there, "silence")
            connection.ask(m.EndSilence(found, who()), m.Ok)
            say(f"ended {found}: {clean(str(there[found][0]))}")
    return 0


def _history(where: Places, arguments: argparse.Namespace) -> int:
    since_ns = moment(arguments.since, clock.SystemClock().now().time_ns)
    rule = arguments.rule
    if rule is not None and not rule.startswith("rule."):
        rule = f"rule.{rule}"
    found = told.history(where, since_ns, rule or "")
    if arguments.json:
        return told.put_json({"schema_version": 1, "events": [told.event_json(item) for item in found]})
    fired: dict[str, int] = {}
    count = 0
    for count, item in enumerate(found, 1):  # noqa: B007  the number of them is asked below
        say(told.event_line(item, fired))
    if not count:
        say(f"nothing since {told.when(since_ns)}")
    return 0


def completed(typed: str, names: Iterable[str], what: str) -> str:
    """The one name that begins with what was typed, with or without ``rule.`` before it.

    Raises:
        UsageError: None does, or several do; names them.
    """
    there = sorted(names)
    for start in (typed, f"rule.{typed}"):
        if start in there:
            return start
        fitting = [name for name in there if name.startswith(start)]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise UsageError(f"{clean(typed, 80)} may be {_some(fitting)}: type more of it")
    raise UsageError(f"there is no {what} called {clean(typed, 80)}; there {_are(there)}")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(clean(name, 120) for name in names[:5]) + more


def _are(names: Sequence[str]) -> str:
    return f"are {_some(names)}" if names else "is none"


def who() -> str:
    """Who types, as others see it: the user's name and the terminal."""
    import pwd

    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user without a name
        name = str(os.getuid())
    try:
        return f"{name} ({os.ttyname(0).removeprefix('/dev/')})"
    except OSError:
        return name
