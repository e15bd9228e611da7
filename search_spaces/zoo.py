"""The zoo: published networks by name, as data in `zoo.yaml`.

Also the one place that turns what a user types for a network (a name of the zoo, a file, a line of
notation) into an architecture.
"""

import json
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.notation import parse_architecture
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
    """Names of all networks of the zoo."""
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
    found = next((name for name in _entries() if _letters(name) == letters), None)
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
    """
    return zoo_entry(name).architecture


def published_family() -> tuple[ZooEntry, ...]:
    """EfficientNet-B0 to B7 as published: depth, width and resolution rounded by hand.

    Not what α^φ, β^φ and γ^φ give: for that see `effsearch.search_spaces.scaling.compound`.
    """
    return tuple(zoo_entry(f"efficientnet-b{member}") for member in range(8))


def resolve_architecture(text: str) -> Architecture:
    """The network a user means: a name of the zoo, a JSON file, or a line of notation.

    The file holds an architecture, or has one under `architecture` as a run's `baseline.json`.

    Raises:
        InputError: none of the three, a file that cannot be read or holds no architecture.
    """
    text = text.strip()
    if known := zoo_name(text):
        return load_zoo(known)
    if not text:  # as a path it would be the current directory
        raise unknown_name("network", text, _entries())
    path = Path(text)
    # A line of notation can be longer than a file name may be: os.path says no, Path raises.
    if path.suffix == ".json" or ("_" not in text and "/" in text) or os.path.exists(path):
        return _read_file(path)
    if "_" in text:
        return parse_architecture(text)
    raise unknown_name("network", text, _entries())


def _read_file(path: Path) -> Architecture:
    refuse_endless(path, "architecture")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"no file '{path}': give a JSON file of an architecture, a name of the zoo "
            f"({', '.join(_entries())}) or a line of notation"
        ) from None
    except OSError as error:
        raise InputError(f"'{path}' cannot be read: {error.strerror or error}") from None
    except json.JSONDecodeError as error:
        raise InputError(f"'{path}' is not valid JSON, line {error.lineno}: {error.msg}") from None
    except (ValueError, RecursionError):
        raise InputError(f"'{path}' is not a JSON document of an architecture") from None
    if isinstance(document, dict) and "architecture" in document:
        document = document["architecture"]
    try:
        if isinstance(document, str):
            return parse_architecture(document)
        return Architecture.from_dict(document)
    except InputError as error:
        raise InputError(f"'{path}': {error}") from None


@lru_cache(maxsize=1)
def _entries() -> dict[str, ZooEntry]:
    document = yaml.safe_load((resources.files("effsearch.search_spaces") / "zoo.yaml").read_text())
    entries: dict[str, ZooEntry] = {}
    for name, values in document.items():
        entries[name] = _entry(name, dict(values), entries)
    return entries


def _entry(name: str, values: dict[str, Any], before: dict[str, ZooEntry]) -> ZooEntry:
    """Read one entry; `before` holds the network it may be scaled from."""
    if "network" in values:
        return ZooEntry(name=name, architecture=parse_architecture(values.pop("network")), **values)
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
