"""`--help` in titled groups, in the same words for every command."""

import re
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand

from effsearch.results.config import Option

_COLUMN = 32  # characters for flags
_SHARED = {
    "run_dir",
    "name",
    "resume",
    "config",
    "dry_run",
    "seed",
    "output",
    "as_json",
    "as_csv",
    "quiet",
    "help",
}
"""Options of commands without a configuration that go last."""
_TYPES = {
    "str": "TEXT",
    "list[str]": "TEXT",
    "int": "N",
    "int range": "N",
    "float": "X",
    "float range": "X",
    "path": "PATH",
    "list[Path]": "PATH",
}


class GroupedCommand(TyperCommand):
    """A command whose `--help` shows its options in titled groups, plainly."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The words of the usage line: `[OPTIONS] RUN`, `[RUN]` where it may be left out."""
        words = [self.options_metavar or ""]
        for parameter in self.get_params(ctx):
            if parameter.param_type_name == "argument":
                word = _word(parameter)
                words.append(word if parameter.required else f"[{word}]")
        return words

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options, a section a group, in the order they come."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                groups.setdefault(_title(parameter), []).append(_plain(parameter, record))
        groups |= {Option.group: groups.pop(Option.group, [])}  # what all commands have is last
        widest = max((len(flag) for records in groups.values() for flag, _ in records), default=0)
        for title, records in groups.items():
            with formatter.section(title):  # one column of help for all groups
                flags = [(flag.ljust(min(widest, _COLUMN)), text) for flag, text in records]
                formatter.write_dl(flags, col_max=_COLUMN)


class Commands(typer.Typer):
    """A group of commands that all show their help so."""

    def command(self, *args: Any, **settings: Any) -> Callable[[Any], Any]:
        """As Typer's, with `GroupedCommand` unless another class is named."""
        return super().command(*args, **{"cls": GroupedCommand} | settings)


def _title(parameter: Any) -> str:
    if title := getattr(parameter, "rich_help_panel", None):
        return str(title)
    if parameter.param_type_name == "argument":
        return "Arguments"
    return Option.group if parameter.name in _SHARED else "Options"


def _word(argument: Any) -> str:
    word = (argument.metavar or argument.name).upper()
    return f"{word}..." if argument.nargs == -1 else word


def _plain(parameter: Any, record: tuple[str, str]) -> tuple[str, str]:
    """With what is awaited as a configuration's options have it, and the default in brackets."""
    flag, text = record
    flag = re.sub(r" <([^>]+)>", lambda found: f" {_TYPES.get(found[1], found[1])}", flag)
    if parameter.param_type_name == "argument":
        flag = _word(parameter)
    text = re.sub(r"(; | \[)[^\];]*x[<>]=?[^\]]*\]$", lambda found: "]" * (found[1] == "; "), text)
    text = re.sub(r"\.\s+\[(?:default: )?(.+)\]$", r" [\1].", text)
    return flag, text
