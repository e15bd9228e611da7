"""Settings of a command: a YAML file, then flags over it, into one frozen dataclass."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Self, get_type_hints

from effsearch.results.config.option import Setting
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.text_file import parse_yaml, read_text_file

MACHINE = "Machine"
"""Group of the options on where and how fast things run."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Base of all configurations; a field is `name: Annotated[type, Option(...)] = default`.

    Groups that several commands share are bases of their configurations, so keys stay flat
    outside, and code that needs one group takes that group alone.

    Attributes:
        MAIN: the options that `--help` shows first, in their order.
    """

    MAIN: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name, setting in settings_of(type(self)).items():
            object.__setattr__(self, name, setting.read(getattr(self, name)))
        self.check()

    def check(self) -> None:
        """Raise an InputError where values do not go together."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `make` takes back."""
        return {name: _plain(getattr(self, name)) for name in settings_of(type(self))}

    @classmethod
    def make(cls, *sources: Mapping[str, Any]) -> Self:
        """Settings from mappings, later ones over earlier ones.

        Raises:
            InputError: an unknown key (the nearest known one is named) or a value out of range.
        """
        known = settings_of(cls)
        values: dict[str, Any] = {}
        for source in sources:
            for key, value in source.items():
                if key not in known:
                    raise unknown_name("config key", key, known)
                if known[key].option.merges:
                    value = values.get(key, {}) | known[key].read(value)
                values[key] = value
        return cls(**values)

    @classmethod
    def may_change(cls) -> frozenset[str]:
        """Keys that a resumed run may be given anew; all others decide what it finds."""
        return frozenset(
            name for name, setting in settings_of(cls).items() if setting.option.may_change
        )


def settings_of(config: type[Settings]) -> dict[str, Setting]:
    """The options of a configuration by name, in the order of `--help`."""
    made: dict[str, Setting] = _settings_of(config)  # type: ignore[arg-type]  # types are hashable
    return made


@cache
def _settings_of(config: Any) -> dict[str, Setting]:
    hints = get_type_hints(config, include_extras=True)
    made = {}
    for item in fields(config):
        default = None if item.default is MISSING else item.default
        made[item.name] = Setting.of(item.name, hints[item.name], default)
    return made


def changed_keys(
    before: Mapping[str, Any], now: Settings, also: frozenset[str] = frozenset()
) -> list[str]:
    """Keys in which a resumption differs from its run although it must not.

    Args:
        before: what the run was started with.
        also: keys that may change besides those whose options say so.
    """
    free = now.may_change() | also
    values = now.to_dict()
    # A run of an earlier version lacks the keys that are new: it had what is the default now.
    defaults = {name: _plain(one.default) for name, one in settings_of(type(now)).items()}
    then = defaults | dict(before)
    return [key for key in values if key not in free and then[key] != values[key]]


def machine_keys(config: type[Settings]) -> frozenset[str]:
    """Keys of the options on where and how fast things run."""
    return frozenset(n for n, one in settings_of(config).items() if one.option.group == MACHINE)


def read_config(path: Path) -> dict[str, Any]:
    """The values of a YAML file of a command's settings.

    Raises:
        InputError: no such file, not YAML, or no mapping.
    """
    document = parse_yaml(read_text_file(path, "config"), f"config '{path}'")
    if not isinstance(document, dict):
        raise InputError(f"config '{path}' must be a mapping of option names to values")
    return document


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return str(value)  # without the object that it may stand for
    return dict(value) if isinstance(value, dict) else value
