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


@app.command()
def doctor(
    json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
    config: Annotated[str | None, typer.Option(metavar="FILE", help="configuration file")] = None,
    data_dir: Annotated[str | None, typer.Option(metavar="DIR", help="where the recording lies")] = None,
) -> None:
    """Say what works here, what does not, and the fix of each."""
    from wftui.cli import doctor as command

    raise typer.Exit(command.main(json=json, data_dir=data_dir, config=config))
