"""Options of commands, each said once: command line, YAML, Python keywords and checks follow."""

from effsearch.results.config.form import (
    BYTES,
    COUNT,
    LIST,
    MILLISECONDS,
    NAMES,
    NUMBERS,
    PAIR,
    SECONDS,
    Form,
)
from effsearch.results.config.objects import Given, Objects, given_object, name_of
from effsearch.results.config.option import Option, Setting
from effsearch.results.config.settings import (
    MACHINE,
    Settings,
    changed_keys,
    machine_keys,
    read_config,
    settings_of,
)
from effsearch.results.config.values import check_text

__all__ = [
    "BYTES",
    "COUNT",
    "LIST",
    "MACHINE",
    "MILLISECONDS",
    "NAMES",
    "NUMBERS",
    "PAIR",
    "SECONDS",
    "Form",
    "Given",
    "Objects",
    "Option",
    "Setting",
    "Settings",
    "changed_keys",
    "check_text",
    "given_object",
    "machine_keys",
    "name_of",
    "read_config",
    "settings_of",
]
