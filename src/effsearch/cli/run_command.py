"""A command that makes runs: its configuration, and what is the same for all of them."""

import sys
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from effsearch.cli.completion import complete_runs
from effsearch.cli.from_config import options_of
from effsearch.cli.options import (
    RUNS,
    ConfigFile,
    DryRun,
    Json,
    Name,
    Quiet,
    RunDir,
    print_document,
)
from effsearch.results.config import Settings, read_config
from effsearch.search_spaces.errors import InputError

Result = TypeVar("Result")


@dataclass(frozen=True)
class Asked:
    """What was asked of a command that makes runs.

    Attributes:
        sources: settings, those of `--config`, then those of the flags.
        resume: the run to go on with; None for a new one.
    """

    settings: type[Settings]
    kind: str
    sources: Sequence[Mapping[str, Any]]
    resume: str | None
    dry_run: bool
    name: str | None
    run_dir: Path
    as_json: bool
    quiet: bool

    def result(
        self,
        start: Callable[..., Result],
        resume: Callable[..., Result],
        forecast: Callable[[Any], None] | None = None,
    ) -> Result | None:
        """The result of a new run or of a resumed one.

        None where a dry run told its forecast, or where the run to go on with is done.
        """
        shared: dict[str, Any] = {"run_dir": self.run_dir, "quiet": self.quiet}
        if self.resume is not None:
            changes = dict(ChainMap(*map(dict, reversed(self.sources))))
            told = {"as_json": self.as_json, **shared}
            if told_done(self.resume, self.kind, self.settings, changes, **told):
                return None
            return resume(self.resume, changes, **shared)
        config = self.settings.make(*self.sources)
        if self.dry_run and forecast is not None:
            forecast(config)
            return None
        return start(config, name=self.name, command=["effsearch", *sys.argv[1:]], **shared)


def told_done(
    reference: str,
    kind: str,
    settings: type[Settings],
    changes: Mapping[str, Any],
    *,
    run_dir: Path,
    as_json: bool,
    quiet: bool,
) -> bool:
    """Say that nothing is left to do of a run, where that is so; nothing of it is touched.

    Raises:
        InputError: no such run, or a change that is none.
    """
    from effsearch.results.lifecycle import find_run, is_done, say
    from effsearch.results.store.directory import run_dir_option

    found = find_run(run_dir, reference, kind)
    if not is_done(found, settings, changes):
        return False
    show = f"effsearch results show {found.reference}{run_dir_option(found.path)}"
    say(f"run {found.reference} is finished: nothing is left to do. Look at it: {show}", quiet)
    if as_json:
        print_document(found.answer())
    return True


def run_command(
    settings: type[Settings], kind: str, *, forecasts: bool = True
) -> Callable[[Callable[[Asked], None]], Callable[..., None]]:
    """Make a command of a function of what was asked, with the options of a configuration.

    Args:
        settings: its configuration.
        kind: of its runs.
        forecasts: whether there is a `--dry-run`.
    """
    resumed = Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help=f"Run to resume: its path, or {kind}/001.",
            autocompletion=complete_runs(kind),
        ),
    ]

    def decorate(command: Callable[[Asked], None]) -> Callable[..., None]:
        def run(
            given: Mapping[str, Any],
            config: ConfigFile = None,
            resume: resumed = None,
            dry_run: DryRun = False,
            name: Name = None,
            run_dir: RunDir = RUNS,
            as_json: Json = False,
            quiet: Quiet = False,
        ) -> None:
            if resume is not None and (name is not None or dry_run):
                raise InputError("--resume cannot be combined with --dry-run or --name")
            sources = [read_config(config), given] if config else [given]
            command(Asked(settings, kind, sources, resume, dry_run, name, run_dir, as_json, quiet))

        run.__doc__ = command.__doc__
        return options_of(settings, without=() if forecasts else ("dry_run",))(run)

    return decorate
