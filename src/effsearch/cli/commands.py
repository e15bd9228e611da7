"""All commands, and what becomes of their errors: one line and an exit code."""

import os
import sys
from typing import Annotated, Any, NoReturn

import typer

from effsearch.cli import (
    baseline,
    bench,
    coefficients,
    compare_scaling,
    doctor,
    evaluate,
    export,
    gradcam,
    lut,
    profile,
    report,
    results,
    scale,
    spaces,
    supernet,
    train,
)
from effsearch.cli.grouped_help import Commands
from effsearch.results.store.secrets import hide_secrets
from effsearch.search_spaces.errors import ClusterLostError, EffsearchError, Interrupted

app = Commands(
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
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command("baseline")(baseline.baseline)
app.command("bench")(bench.bench)
app.command("coefficients")(coefficients.coefficients)
app.command("compare-scaling")(compare_scaling.compare_scaling)
app.command("scale")(scale.scale)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("export")(export.export)
app.command("gradcam")(gradcam.gradcam)
app.command("profile")(profile.profile)
app.command("report")(report.report)
app.command("doctor")(doctor.doctor)
app.add_typer(spaces.app, name="spaces")
app.add_typer(lut.app, name="lut")
app.add_typer(supernet.app, name="supernet")
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


# Newer versions of Typer carry a Click of their own; this is the ancestor of all its errors.
_CLICK_ERROR: type[Exception] = typer.BadParameter.__mro__[2]


_LONGEST_WORD = 1000  # longer than the longest path that anybody has


def _usage(error: Any) -> str:
    """What was wrong with the command line, on one line that says where the help is."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return str(error.format_message())  # the help itself
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "effsearch"
    return f"{_said(_complaint(error))} (see `{command} --help`)"


def _said(message: str) -> str:
    """A message as it is printed: one line, no secrets, and endless words cut in their middle."""
    words = (
        word if len(word) <= _LONGEST_WORD else f"{word[:100]}…{word[-100:]}"
        for word in hide_secrets(message).split()
    )
    return f"effsearch: {' '.join(words)}"


def _complaint(error: Any) -> str:
    """Typer's message, with the value where it has Pydantic's, which leaves that out."""
    message = str(error.format_message())
    causes = getattr(error.__cause__, "errors", None)
    if causes is None:
        return message
    cause, value = causes()[0], f"'{causes()[0]['input']}'"
    wanted = {"int_parsing": "a whole number", "float_parsing": "a number"}.get(cause["type"])
    said = cause["msg"].removeprefix("Value error, ").replace("Input", value, 1)
    return message.replace(cause["msg"], f"{value} is not {wanted}" if wanted else said)


def _leave_at_once(code: int) -> NoReturn:
    """End the process without what is done at its end: Ray's part of that crashes without Ray."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def run() -> int:
    """Run the command that `sys.argv` names; its exit code.

    Raises:
        KeyboardInterrupt: Ctrl-C where no command makes something of it.
    """
    try:
        code = app(standalone_mode=False)
    except EffsearchError as error:
        print(_said(str(error)), file=sys.stderr)
        if isinstance(error, ClusterLostError):
            _leave_at_once(error.exit_code)
        return error.exit_code
    except _CLICK_ERROR as error:
        print(_usage(error), file=sys.stderr)
        return 2
    except typer.Abort:
        raise KeyboardInterrupt from None
    if code == Interrupted.exit_code:  # that is how Typer tells of a Ctrl-C
        raise KeyboardInterrupt
    return code if isinstance(code, int) else 0
