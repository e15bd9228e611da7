"""The zoo: published networks by name, as data in `zoo.yaml`.

Also the one place that turns what a user has of a network (a name of the zoo, a file, a line of
notation, a document, an object that holds one) into an architecture.
"""

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, wraps
from importlib import resources
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar

import yaml

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.linear_widths import regnet_stages
from effsearch.search_spaces.notation import parse_architecture
from effsearch.search_spaces.parts import Head, Stem
from effsearch.search_spaces.rule import ruled_families
from effsearch.search_spaces.scaling import scale
from effsearch.search_spaces.text_file import refuse_endless


@dataclass(frozen=True, kw_only=True)
class ZooEntry:
    """A published network and what its paper says of it.

    Attributes:
        name: such as `efficientnet-b0`.
        architecture: the network at its published resolution.
        depth: multiplier of the layers of the network it was scaled from; 1 where it was not.
        width: multiplier of the channels, likewise.
        dropout: in front of the classifier, where it is known.
        top1: published ImageNet accuracy in percent, where it is known.
        paper_macs: what the paper calls FLOPs, as rounded there; `cost` counts them exactly.
        timm, torchvision: what they call it, where they have it.
        source: where `top1` and `paper_macs` stand.
    """

    name: str
    architecture: Architecture
    depth: float = 1.0
    width: float = 1.0
    dropout: float | None = None
    top1: float | None = None
    paper_macs: int | None = None
    timm: str | None = None
    torchvision: str | None = None
    source: str

    @property
    def resolution(self) -> int:
        """Published resolution in pixels."""
        return self.architecture.resolution


def zoo_names() -> list[str]:
    """Names of all networks of the zoo.

    Example:
        >>> import effsearch
        >>> effsearch.zoo_names()[:2]
        ['efficientnet-b0', 'efficientnet-b1']
    """
    return list(_entries())


def zoo_name(text: str) -> str | None:
    """The network of the zoo that a name means, spelled as papers, timm or torchvision spell it.

    `EfficientNet-B0`, `efficientnet_b0` and `resnet50` are understood. None for any other text; a
    file of that name goes before a spelling, not before the name itself.

    Example:
        >>> zoo_name("MobileNet_V2"), zoo_name("resnet-5")
        ('mobilenet-v2', None)
    """
    if text in _entries():
        return text
    letters = _letters(text)
    found = next(
        (
            name
            for name, entry in _entries().items()
            if letters in map(_letters, filter(None, (name, entry.timm, entry.torchvision)))
        ),
        None,
    )
    return None if found is None or os.path.exists(text) else found


def _letters(text: str) -> str:
    """A name without case and separators, in which spellings differ."""
    return re.sub(r"[-_ .]", "", text).casefold()


def zoo_entry(name: str) -> ZooEntry:
    """A network of the zoo with what its paper says.

    Raises:
        InputError: no such network; the message names the nearest.
    """
    entries = _entries()
    known = zoo_name(name)
    if known is None:
        raise unknown_name("network", name, entries)
    return entries[known]


def load_zoo(name: str) -> Architecture:
    """The architecture of a network of the zoo.

    Raises:
        InputError: no such network; the message names the nearest.

    Example:
        >>> import effsearch
        >>> effsearch.load_zoo("resnet50").resolution
        224
    """
    return zoo_entry(name).architecture


def published_family() -> tuple[ZooEntry, ...]:
    """EfficientNet-B0 to B7 as published: depth, width and resolution rounded by hand.

    Not what α^φ, β^φ and γ^φ give: for that see `effsearch.search_spaces.scaling.compound`.
    """
    return tuple(zoo_entry(f"efficientnet-b{member}") for member in range(8))


class HoldsArchitecture(Protocol):
    """What has a network: an answer, a run, a member of a family, a torch network."""

    @property
    def architecture(self) -> Architecture:
        """The network."""


NetworkLike: TypeAlias = (
    Architecture | HoldsArchitecture | str | os.PathLike[str] | Mapping[str, Any]
)
"""A network as people have it; see `as_architecture`."""


def as_architecture(network: NetworkLike) -> Architecture:
    """The architecture of a network, in whatever way one has it.

    Args:
        network: an architecture; an object that has one (an answer, a run, a torch network of
            ours); a document of one, such as the content of `baseline.json`; or text and paths as
            `resolve_architecture` takes them.

    Raises:
        InputError: it is none of these, or holds no architecture.

    Example:
        >>> as_architecture("EfficientNet_B0") == as_architecture(load_zoo("efficientnet-b0"))
        True
    """
    if isinstance(network, Architecture):
        return network
    if isinstance(network, str | os.PathLike):
        return resolve_architecture(os.fspath(network))
    if isinstance(network, Mapping):
        return _read_document(dict(network), "this network")
    held = getattr(network, "architecture", None)
    if isinstance(held, Architecture):
        return held
    raise InputError(
        f"a network is a name of the zoo, a file, notation, a run, an answer or an Architecture, "
        f"not {_shown(network)}"
    )


P = ParamSpec("P")
R = TypeVar("R")


def of_any_network(
    function: Callable[Concatenate[Architecture, P], R],
) -> Callable[Concatenate[NetworkLike, P], R]:
    """A function of an architecture that takes a network in any way one has it."""

    @wraps(function)
    def called(architecture: NetworkLike, /, *args: P.args, **options: P.kwargs) -> R:
        return function(as_architecture(architecture), *args, **options)

    return called


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else type(value).__name__


def resolve_architecture(text: str) -> Architecture:
    """The network a user means: a name of the zoo, a JSON file, a run, or a line of notation.

    `tf_` before a name of the zoo is timm's: the same network, padded as TensorFlow pads.

    The file holds an architecture, or has one under `architecture` as a run's `baseline.json`; its
    content serves as well as its name.

    Raises:
        InputError: none of these, a file that cannot be read or holds no architecture.
    """
    text = text.strip()
    if known := zoo_name(text):
        return load_zoo(known)
    if text[:3] in ("tf_", "tf-") and (known := zoo_name(text[3:])):
        return replace(load_zoo(known), padding="same")
    if not text:  # as a path it would be the current directory
        raise unknown_name("network", text, _entries())
    if text.startswith("{"):
        return _parse_document(text, "this network")
    path = _answer_of_run(text) or Path(text)
    # A line of notation can be longer than a file name may be: os.path says no, Path raises.
    if path.suffix == ".json" or ("_" not in text and "/" in text) or os.path.exists(path):
        return _read_file(path)
    if "_" in text:
        return parse_architecture(text)
    raise unknown_name("network", text, _entries())


def _read_file(path: Path) -> Architecture:
    refuse_endless(path, "architecture")
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"no file '{path}': give a JSON file of an architecture, a name of the zoo "
            f"({', '.join(_entries())}) or a line of notation"
        ) from None
    except OSError as error:
        raise InputError(f"'{path}' cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise InputError(f"'{path}' is not a JSON document of an architecture") from None
    return _parse_document(text, f"'{path}'")


def _parse_document(text: str, where: str) -> Architecture:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{where} is not valid JSON, line {error.lineno}: {error.msg}") from None
    except RecursionError:
        raise InputError(f"{where} is nested too deeply") from None
    except ValueError:  # such as a whole number of over 4,300 digits
        raise InputError(f"{where} is not a JSON document of an architecture") from None
    return _read_document(document, where)


def _read_document(document: Any, where: str) -> Architecture:
    if isinstance(document, dict) and "architecture" in document:
        document = document["architecture"]
    try:
        if isinstance(document, Architecture):
            return document
        if isinstance(document, str):
            return parse_architecture(document)
        return Architecture.from_dict(document)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _answer_of_run(text: str) -> Path | None:
    """The file that holds the network of a run, named by its folder or as `baseline/001`."""
    for folder in (Path(text), Path("runs") / text):
        for name in ("baseline.json", "run.json"):
            if os.path.isfile(folder / name):
                return folder / name
    return None


@lru_cache(maxsize=1)
def _entries() -> dict[str, ZooEntry]:
    text = (resources.files("effsearch.search_spaces") / "zoo.yaml").read_text("utf-8")
    document = yaml.safe_load(text)
    entries: dict[str, ZooEntry] = {}
    for name, values in document.items():
        entries[name] = _entry(name, dict(values), entries)
    return entries


def _entry(name: str, values: dict[str, Any], before: dict[str, ZooEntry]) -> ZooEntry:
    """Read one entry; `before` holds the network it may be scaled from."""
    if "network" in values:
        return ZooEntry(name=name, architecture=parse_architecture(values.pop("network")), **values)
    if "linear" in values:
        regnet = Architecture(
            stem=Stem(channels=32),
            stages=regnet_stages(**values.pop("linear")),
            head=Head(channels=0),
            activation="relu",
            norm_eps=1e-5,
        )
        return ZooEntry(name=name, architecture=regnet, **values)
    scaled = values.pop("scaled")
    return ZooEntry(
        name=name,
        architecture=scale(
            before[scaled["of"]].architecture,
            depth=scaled["depth"],
            width=scaled["width"],
            resolution=scaled["resolution"],
            rule=ruled_families()[scaled.get("by", "efficientnet")].rule,
        ),
        depth=scaled["depth"],
        width=scaled["width"],
        **values,
    )
