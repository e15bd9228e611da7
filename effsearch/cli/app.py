"""The front door: collects the commands, and turns expected errors into one line and a code."""

import sys
from typing import Annotated

import click
import typer

from effsearch.cli import baseline, doctor, profile, results, spaces
from search_spaces.errors import EffsearchError

app = typer.Typer(
    name="effsearch",
    help=(
        "Find an efficient ConvNet for a budget and grow it into a family.\n\n"
        "FLOPs are multiply-adds of convolutions and linear layers at batch 1.\n\n"
        "Exit codes: 0 done, 1 failed, 2 bad usage or input, 3 nothing feasible, 4 a resource "
        "is missing, 130 interrupted."
    ),
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("baseline")(baseline.baseline)
app.command("profile")(profile.profile)
app.command("doctor")(doctor.doctor)
app.add_typer(spaces.app, name="spaces")
app.add_typer(results.app, name="results")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"effsearch {version('effsearch')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print and exit."),
    ] = False,
) -> None:
    """Options before any command."""


def main() -> None:
    """Run a command and exit with its code."""
    try:
        code = app(standalone_mode=False)
    except EffsearchError as error:
        print(f"effsearch: {' '.join(str(error).split())}", file=sys.stderr)
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        print("effsearch: stopped", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        code = 1  # the reader of a pipe went away
        sys.stderr.close()
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
