"""Networks and spaces that are given as objects, as a configuration keeps them: plain data."""

import os
from typing import Any

from effsearch.results.config.objects import Objects
from effsearch.search_spaces.errors import InputError


def network_text(name: str, value: Any) -> str:
    """A network as the command line takes it: a run by its path, all others by their notation.

    Raises:
        InputError: the object has no network.
    """
    from effsearch.results.store.run import Run
    from effsearch.search_spaces.notation import format_architecture
    from effsearch.search_spaces.zoo import as_architecture

    if isinstance(value, str | os.PathLike):
        return str(os.fspath(value))
    if isinstance(value, Run):
        return str(value.path)
    try:
        return format_architecture(as_architecture(value))
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def network_texts(name: str, value: Any) -> tuple[str, ...]:
    """Several networks, or one, as the command line takes them."""
    given = value if isinstance(value, list | tuple) else [value]
    return tuple(dict.fromkeys(network_text(name, one) for one in given))


def space_document(name: str, value: Any) -> str | dict[str, Any]:
    """A space as a configuration keeps it: a path as text, all others as the YAML's document.

    Raises:
        InputError: it is no space.
    """
    from effsearch.search_spaces.space_file import load_space  # imports numpy

    if isinstance(value, os.PathLike):
        return str(os.fspath(value))
    return load_space(value).to_dict()


def run_texts(name: str, value: Any) -> tuple[str, ...]:
    """Runs and files, or one, as the command line takes them.

    Raises:
        InputError: an object that is neither.
    """
    given = value if isinstance(value, list | tuple) else [value]
    paths: list[Any] = [getattr(one, "path", one) for one in given]
    for one in paths:
        if not isinstance(one, str | os.PathLike):
            raise InputError(f"{name} must be a run, an answer or a CSV file, not {one!r}")
    return tuple(dict.fromkeys(str(os.fspath(one)) for one in paths))


NETWORK = Objects(network_text, "NetworkLike")
NETWORKS = Objects(network_texts, "NetworkLike | Sequence[NetworkLike]")
REFERENCES = Objects(
    lambda name, value: ", ".join(network_texts(name, value)), "NetworkLike | Sequence[NetworkLike]"
)
SPACE = Objects(space_document, "SearchSpace | Mapping[str, Any]")
RUNS = Objects(run_texts, "Path | HoldsArchitecture | Sequence[str | Path | HoldsArchitecture]")
