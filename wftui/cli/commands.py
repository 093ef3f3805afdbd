"""The commands that Typer parses. `wftop record` and `wftop export` parse their own words, faster."""

from typing import Annotated

import typer

app = typer.Typer(
    name="wftop",
    help="Shows this machine live and records it. Without a command: the view.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
_WORDS = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command(context_settings=_WORDS, add_help_option=False)
def export(context: typer.Context) -> None:
    """Write what was recorded as CSV, JSON, JSON lines or Parquet."""
    from wftui.cli import export as command

    raise typer.Exit(command.main(context.args))


@app.command(context_settings=_WORDS, add_help_option=False)
def replay(context: typer.Context) -> None:
    """Open a bundle: the ordinary view, over what somebody else's wftop recorded."""
    from wftui.cli import replay as command

    raise typer.Exit(command.main(context.args))


@app.command(context_settings=_WORDS, add_help_option=False)
def bundle(context: typer.Context) -> None:
    """Write what was recorded as one file for somebody else, after asking; check one."""
    from wftui.cli import bundle as command

    raise typer.Exit(command.main(context.args))


@app.command(context_settings=_WORDS, add_help_option=False)
def compare(context: typer.Context) -> None:
    """Say what differs between two bundles, two ranges of the recording, or one of each."""
    from wftui.cli import compare as command

    raise typer.Exit(command.main(context.args))


@app.command(context_settings=_WORDS, add_help_option=False)
def sql(context: typer.Context) -> None:
    """Ask what was recorded, the live hour included, in SQL."""
    from wftui.cli import sql as command

    raise typer.Exit(command.main(context.args))


@app.command(context_settings=_WORDS, add_help_option=False)
def push(context: typer.Context) -> None:
    """Record one figure of a script."""
    from wftui.cli import push as command

    raise typer.Exit(command.main(context.args))


@app.command(context_settings=_WORDS, add_help_option=False)
def proxy(context: typer.Context) -> None:
    """Pass a model server's traffic through and measure it from the client's side."""
    from wftui.cli import proxy as command

    raise typer.Exit(command.main(context.args))


@app.command(context_settings=_WORDS, add_help_option=False)
def probe(context: typer.Context) -> None:
    """Send a model server one small request and show how long each step took."""
    from wftui.cli import probe as command

    raise typer.Exit(command.main(context.args))


@app.command(context_settings=_WORDS, add_help_option=False)
def alerts(context: typer.Context) -> None:
    """What fires and what fired; acknowledge, silence, resolve."""
    from wftui.cli import alerts as command

    raise typer.Exit(command.main(context.args))


@app.command(context_settings=_WORDS, add_help_option=False)
def config(context: typer.Context) -> None:
    """Show every setting and where it came from; get, set, unset, edit and check settings."""
    from wftui.cli import config as command

    raise typer.Exit(command.main(context.args))


@app.command()
def report(
    since: Annotated[str, typer.Option(metavar="TIME", help="begin of the range")] = "24h",
    until: Annotated[str, typer.Option(metavar="TIME", help="end of the range")] = "now",
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="text|markdown", help="default: by the file's ending, else text"),
    ] = None,
    session: Annotated[
        str | None,
        typer.Option(metavar="ID|last", help="of answers that followed each other, in the place of a range"),
    ] = None,
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="- is standard output")] = "-",
    force: Annotated[bool, typer.Option("--force", help="overwrite an existing file")] = False,
    config: Annotated[str | None, typer.Option(metavar="FILE", help="configuration file")] = None,
    data_dir: Annotated[str | None, typer.Option(metavar="DIR", help="where the recording lies")] = None,
) -> None:
    """A digest: what was busy, when, events, gaps, coverage, own cost. It names no person, host or command."""
    from wftui.cli import report as command

    raise typer.Exit(
        command.main(
            since=since,
            until=until,
            form=form,
            session=session,
            output=output,
            force=force,
            data_dir=data_dir,
            config=config,
        )
    )


@app.command()
def doctor(
    json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
    store: Annotated[bool, typer.Option("--store", help="check every byte of what was recorded")] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="make history.duckdb (and a lost manifest) anew, then check")
    ] = False,
    config: Annotated[str | None, typer.Option(metavar="FILE", help="configuration file")] = None,
    data_dir: Annotated[str | None, typer.Option(metavar="DIR", help="where the recording lies")] = None,
) -> None:
    """Say what works here, what does not, and the fix of each."""
    from wftui.cli import doctor as command

    raise typer.Exit(command.main(json=json, data_dir=data_dir, config=config, store=store, rebuild=rebuild))


_CONFIG = typer.Option(metavar="FILE", help="configuration file")
_DATA_DIR = typer.Option(metavar="DIR", help="where the recording lies")


@app.command()
def purge(
    before: Annotated[str | None, typer.Option(metavar="TIME", help="only what is older: 3d, 2026-11-20")] = None,
    match: Annotated[
        list[str] | None, typer.Option("-m", "--match", metavar="PATTERN", help="only series of this name")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    config: Annotated[str | None, _CONFIG] = None,
    data_dir: Annotated[str | None, _DATA_DIR] = None,
) -> None:
    """Delete recorded data for good, after asking; without options all of it. Logs and exported files stay."""
    from wftui.cli import purge as command

    raise typer.Exit(command.main(before, match or [], yes=yes, data_dir=data_dir, config=config))


@app.command()
def sources(
    action: Annotated[str, typer.Argument(metavar="[list|on|off]", help="what to do")] = "list",
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="source or group:GROUP")] = None,
    json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
    config: Annotated[str | None, _CONFIG] = None,
    data_dir: Annotated[str | None, _DATA_DIR] = None,
) -> None:
    """List the sources and groups of metrics, or switch one off or on: at once, and for good."""
    from wftui.cli import sources as command

    raise typer.Exit(command.main(action, names or [], json=json, data_dir=data_dir, config_file=config))


@app.command()
def rules(
    action: Annotated[
        str, typer.Argument(metavar="[list|check|test|new|edit|enable|disable]", help="what to do")
    ] = "list",
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[WORD]...", help="ids, patterns (list), files (check, test), a name (new)"),
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="with test: begin of the past, 24h")] = None,
    json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
    config: Annotated[str | None, _CONFIG] = None,
    data_dir: Annotated[str | None, _DATA_DIR] = None,
) -> None:
    """List the alert rules, check files of them, test them over the past, write one, switch one off or on."""
    from wftui.cli import rules as command

    raise typer.Exit(
        command.main(action, names or [], since=since, json=json, data_dir=data_dir, config_file=config)
    )


@app.command()
def quality(
    level: Annotated[str | None, typer.Argument(metavar="[auto|1..5]", help="5 is everything")] = None,
    length: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="how long the level holds: 1h; else until auto")
    ] = None,
    config: Annotated[str | None, _CONFIG] = None,
    data_dir: Annotated[str | None, _DATA_DIR] = None,
) -> None:
    """Say how much wftop itself gives now, hold a level of it, or leave it to the alerts again."""
    from wftui.cli import quality as command

    raise typer.Exit(command.main(level, length, data_dir=data_dir, config_file=config))


@app.command()
def energy(
    since: Annotated[str, typer.Option(metavar="TIME", help="begin of the range")] = "24h",
    until: Annotated[str, typer.Option(metavar="TIME", help="end of the range")] = "now",
    json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
    config: Annotated[str | None, _CONFIG] = None,
    data_dir: Annotated[str | None, _DATA_DIR] = None,
) -> None:
    """Watt-hours of every GPU and CPU package over a range, how they are known, and what they cost."""
    from wftui.cli import energy as command

    raise typer.Exit(command.main(since=since, until=until, json=json, data_dir=data_dir, config_file=config))


@app.command()
def why(
    at: Annotated[str, typer.Option(metavar="TIME", help="the moment")] = "now",
    window: Annotated[str, typer.Option(metavar="TIME", help="looked at around it")] = "60s",
    before: Annotated[str, typer.Option(metavar="TIME", help="compared with: so long before the window")] = "10m",
    json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
    config: Annotated[str | None, _CONFIG] = None,
    data_dir: Annotated[str | None, _DATA_DIR] = None,
) -> None:
    """What was different around a moment from before: series, processes, events, earlier times like it."""
    from wftui.cli import why as command

    raise typer.Exit(
        command.main(at=at, window=window, before=before, json=json, data_dir=data_dir, config_file=config)
    )


@app.command()
def gpus(
    who: Annotated[bool, typer.Option("--who", help="who used them over a range")] = False,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="begin of the range, with --who: 24h")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="end of the range, with --who: now")] = None,
    by: Annotated[str, typer.Option(metavar="user|job|container|process", help="with --who")] = "user",
    json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
    config: Annotated[str | None, _CONFIG] = None,
    data_dir: Annotated[str | None, _DATA_DIR] = None,
) -> None:
    """The GPUs now; with --who: memory, GPU-hours, energy and idle hours of users, jobs, containers, processes."""
    from wftui.cli import gpus as command

    raise typer.Exit(
        command.main(who=who, since=since, until=until, by=by, json=json, data_dir=data_dir, config_file=config)
    )


service_app = typer.Typer(help="The recorder as a systemd user unit.", no_args_is_help=True)
app.add_typer(service_app, name="service")


@service_app.command("install")
def service_install(
    show: Annotated[bool, typer.Option("--print", help="print the unit and change nothing")] = False,
    force: Annotated[bool, typer.Option("--force", help="replace a unit that is not ours")] = False,
    config: Annotated[str | None, _CONFIG] = None,
    data_dir: Annotated[str | None, _DATA_DIR] = None,
) -> None:
    """Write the unit, enable and start it."""
    from wftui.cli import service as command

    raise typer.Exit(command.main("install", data_dir=data_dir, config=config, force=force, show=show))


@service_app.command("status")
def service_status(
    config: Annotated[str | None, _CONFIG] = None, data_dir: Annotated[str | None, _DATA_DIR] = None
) -> None:
    """Say whether it is installed and runs, and whether it would outlive a logout."""
    from wftui.cli import service as command

    raise typer.Exit(command.main("status", data_dir=data_dir, config=config))


@service_app.command("remove")
def service_remove() -> None:
    """Stop and delete the unit; what was recorded stays."""
    from wftui.cli import service as command

    raise typer.Exit(command.main("remove", data_dir=None, config=None))


@app.command()
def backup(
    target: Annotated[str, typer.Argument(metavar="DIR", help="a new or empty folder")],
    check: Annotated[bool, typer.Option("--check", help="check the backup that lies there")] = False,
    config: Annotated[str | None, _CONFIG] = None,
    data_dir: Annotated[str | None, _DATA_DIR] = None,
) -> None:
    """Copy the recording, consistent while it is being written, and check the copy."""
    from wftui.cli import backup as command

    raise typer.Exit(command.backup(target, check=check, data_dir=data_dir, config=config))


@app.command()
def restore(
    source: Annotated[str, typer.Argument(metavar="DIR", help="a backup")],
    force: Annotated[bool, typer.Option("--force", help="move a recording that is there aside")] = False,
    config: Annotated[str | None, _CONFIG] = None,
    data_dir: Annotated[str | None, _DATA_DIR] = None,
) -> None:
    """Put a backup back, checked first; nothing that is there is overwritten."""
    from wftui.cli import backup as command

    raise typer.Exit(command.restore(source, force=force, data_dir=data_dir, config=config))
