"""Command-line options from the fields of a configuration."""

import inspect
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer

from effsearch.results.config import Setting, Settings, settings_of

FIRST = "Main options"
_METAVARS: dict[Any, str] = {int: "N", float: "X", str: "TEXT"}


def options_of(
    *configs: type[Settings], without: tuple[str, ...] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of configurations.

    The command takes what was given of them as its first parameter, a mapping; its other
    parameters are options of its own.

    Args:
        configs: the configurations.
        without: parameters of the command that are no options.
    """
    on_line = {
        name: _parameter(setting, FIRST if name in config.MAIN else setting.option.group)
        for config in configs
        for name, setting in _in_order(config)
    }

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        _, *own = inspect.signature(command).parameters.values()

        def run(**values: Any) -> None:
            given = {name: values.pop(name) for name in on_line}
            kept = {key: value for key, value in given.items() if value not in (None, [])}
            command(kept, **values)

        run.__doc__ = command.__doc__
        kept = [one.replace(kind=one.KEYWORD_ONLY) for one in own if one.name not in without]
        parameters = [*on_line.values(), *kept]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return run

    return decorate


def _in_order(config: type[Settings]) -> list[tuple[str, Setting]]:
    """The options on the command line, the main ones first."""
    known = settings_of(config)
    names = [*config.MAIN, *(name for name in known if name not in config.MAIN)]
    return [(name, known[name]) for name in names if known[name].option.on_line]


def _parameter(setting: Setting, group: str) -> inspect.Parameter:
    option = setting.option
    flags = option.flags or (f"--{setting.name.replace('_', '-')}",)
    info = typer.Option(
        *flags,
        help=help_of(setting),
        metavar=None if setting.kind is bool else _metavar(setting),
        rich_help_panel=group,
        autocompletion=_completion(setting),
    )
    return inspect.Parameter(
        setting.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[_type(setting), info],
    )


def _type(setting: Setting) -> Any:
    """What the command line reads; text is read further by the option's form."""
    form = setting.option.form
    if form is not None:
        return list[str] | None if form.repeats else str | None
    return str | None if setting.words else setting.kind | None


def _metavar(setting: Setting) -> str:
    option = setting.option
    if option.metavar or option.form:
        return option.metavar or option.form.metavar  # type: ignore[union-attr]
    if setting.words and setting.kind is None:
        return "|".join(setting.words)
    return "|".join((_METAVARS[setting.kind], *setting.words))


def help_of(setting: Setting) -> str:
    """The help line, with what holds where nothing is said in brackets."""
    default = setting.option.default or _shown(setting.default)
    text = setting.option.help.removesuffix(".")
    return f"{text} [{default}]." if default else f"{text}."


def _shown(default: Any) -> str:
    if isinstance(default, bool) or default in (None, ()):
        return ""
    if isinstance(default, tuple):
        return ",".join(map(_shown, default))
    return f"{default:g}" if isinstance(default, float) else str(default)


def _completion(setting: Setting) -> Callable[[str], list[str]] | None:
    names, words = setting.option.names, setting.words
    if names is None and not words:
        return None

    def complete(incomplete: str) -> list[str]:
        return starting(incomplete, (*words, *(names() if names else ())))

    return complete


def starting(incomplete: str, names: Iterable[str]) -> list[str]:
    """The names that go on from what was typed."""
    return [name for name in names if name.startswith(incomplete)]
