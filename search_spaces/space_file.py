"""Spaces as YAML: a scalar is fixed, a list is a choice.

    name: small
    resolution: 32
    stem: {channels: [16, 24], stride: 1}
    stages:
      - block: [{op: mbconv, kernel: 3, expand: 3}, {op: mbconv, kernel: 5, expand: 6}]
        channels: 64
        layers: [1, 2, 3]
        stride: 2
    head: {channels: 1280}

The same document as a mapping of Python serves too, and `SearchSpace.to_dict` gives it.

Options that belong together stand as mappings under `block` and are one choice. What is left out
takes the defaults of `Architecture`, `Stem`, `Stage` and `Head`.
"""

import os
from collections.abc import Mapping
from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.parts import Head, Stage, Stem
from effsearch.search_spaces.space import Gene, SearchSpace
from effsearch.search_spaces.text_file import parse_yaml, read_text_file, refuse_endless

_OUTER = {item.name for item in fields(Architecture)} - {"stem", "stages", "head"}
_FIELDS: dict[str, set[str]] = {
    "network": _OUTER,
    "stem": {item.name for item in fields(Stem)},
    "stage": {item.name for item in fields(Stage)},
    "head": {item.name for item in fields(Head)},
}
_VARYING = {"resolution", "activation"}  # of the network; the others are the task's, not a choice


def shipped_spaces() -> list[str]:
    """Names of the spaces that come with the package."""
    folder = resources.files("effsearch.search_spaces") / "spaces"
    return sorted(Path(str(item)).stem for item in folder.iterdir() if item.name.endswith(".yaml"))


SpaceLike: TypeAlias = SearchSpace | str | os.PathLike[str] | Mapping[str, Any]
"""A space as people have it; see `load_space`."""


def load_space(space: SpaceLike) -> SearchSpace:
    """A shipped space by name, or a space from a YAML file, YAML text, a mapping, or itself.

    Raises:
        InputError: no such space or file, or what describes none; the place is named.

    Example:
        >>> small = load_space({"stages": [{"op": "mbconv", "channels": [16, 24], "stride": 2}]})
        >>> small.size
        2
    """
    if isinstance(space, SearchSpace):
        return space
    if isinstance(space, Mapping):
        return read_space(dict(space), "mine")
    if not isinstance(space, str | os.PathLike):
        raise InputError(
            f"a space is a shipped one's name, a YAML file, a mapping with 'stages' or a "
            f"SearchSpace, not {space!r}"
        )
    name_or_path = os.fspath(space)
    if "\n" in name_or_path:
        return parse_space(name_or_path, "mine")
    if name_or_path in shipped_spaces():
        text = (
            resources.files("effsearch.search_spaces") / "spaces" / f"{name_or_path}.yaml"
        ).read_text("utf-8")
        return parse_space(text, name_or_path)
    path = Path(name_or_path)
    refuse_endless(path, "space file")
    if not os.path.isfile(path):  # also where the text is no path at all
        if path.suffix in (".yaml", ".yml"):
            raise InputError(f"no space file '{name_or_path}': give a YAML file that exists")
        raise unknown_name("space", name_or_path, shipped_spaces())
    return parse_space(read_text_file(path, "space file"), path.stem)


def parse_space(text: str, name: str) -> SearchSpace:
    """Read a space from YAML text; `name` serves where the text gives none.

    Raises:
        InputError: not YAML, an unknown key, an empty or repeated choice, a value out of range.
    """
    return read_space(parse_yaml(text, f"space '{name}'"), name)


def read_space(document: Any, name: str) -> SearchSpace:
    """A space from its document, as YAML gives it; `name` serves where it gives none.

    Raises:
        InputError: an unknown key, an empty or repeated choice, a value out of range.
    """
    if not isinstance(document, dict):
        raise InputError(f"space '{name}' must be a mapping with 'stages'")
    stages = document.get("stages")
    if not isinstance(stages, list | tuple) or not stages:
        raise InputError(f"space '{name}' needs 'stages': a list of at least one stage")
    known = _OUTER | {"name", "stem", "stages", "head"}
    for key in document:
        if key not in known:
            raise unknown_name("key", key, known, where=f" in space '{name}'")
    name = str(document.get("name", name))
    sections: dict[str, Any] = {
        "network": {key: value for key, value in document.items() if key in _OUTER},
        "stem": document.get("stem") or {},
        **{f"stages.{index}": stage for index, stage in enumerate(stages)},
        "head": document.get("head") or {},
    }
    fixed: dict[str, dict[str, Any]] = {}
    genes: list[Gene] = []
    for section, values in sections.items():
        fixed[section], found = _read_section(name, section, values)
        genes.extend(found)
    return SearchSpace(name, fixed, tuple(genes), len(stages))


def _read_section(name: str, section: str, values: object) -> tuple[dict[str, Any], list[Gene]]:
    if not isinstance(values, Mapping):
        raise InputError(f"space '{name}', {section}: must be a mapping, not {values!r}")
    kind = "stage" if section.startswith("stages.") else section
    fixed: dict[str, Any] = {}
    genes: list[Gene] = []
    owner: dict[str, str] = {}
    for key, value in values.items():
        options = _options(name, section, kind, key, value)
        for field in {field for option in options for field in option}:
            if field in owner:
                raise InputError(
                    f"space '{name}', {section}: '{field}' is set by '{owner[field]}' and '{key}'"
                )
            owner[field] = key
        if len(options) == 1:
            fixed.update(options[0])
        else:
            if section == "network" and key not in _VARYING:
                raise InputError(f"space '{name}': '{key}' cannot vary within one search")
            genes.append(Gene(section, key, tuple(options)))
    return fixed, genes


def _options(name: str, section: str, kind: str, key: str, value: object) -> list[dict[str, Any]]:
    where = f"space '{name}', {section}"
    listed: list[Any] = list(value) if isinstance(value, list | tuple) else [value]
    if key == "block" and kind == "stage":
        for option in listed:
            if not isinstance(option, Mapping):
                raise InputError(f"{where}: each option of 'block' must be a mapping")
            for field, fixed in option.items():
                if field not in _FIELDS["stage"]:
                    raise unknown_name("key", field, _FIELDS["stage"], where=f" in {where}")
                if isinstance(fixed, list):
                    raise InputError(
                        f"{where}: an option of 'block' fixes all it names, and {field} is a "
                        f"list: list whole blocks, or move {field} out of 'block'"
                    )
        options = [dict(option) for option in listed]
    else:
        if key not in _FIELDS[kind]:
            extra = {"block"} if kind == "stage" else set()
            raise unknown_name("key", key, _FIELDS[kind] | extra, where=f" in {where}")
        options = [{key: item} for item in listed]
    if not options:
        raise InputError(f"{where}: '{key}' is an empty choice")
    for index, option in enumerate(options):
        if option in options[:index]:
            raise InputError(f"{where}: '{key}' lists {option} twice")
    return options
