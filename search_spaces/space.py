"""SearchSpace: what may vary, as a vector of choices.

An architecture of the space is an integer vector with one entry a gene; entry g picks one of gene
g's options. Everything a strategy does to many candidates at once works on a matrix of them,
shape (candidates, genes).
"""

import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from effsearch.search_spaces.activations import Activation
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.block import Block
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.parts import Head, Stage, Stem
from effsearch.search_spaces.stage_blocks import stage_blocks

Encodings = NDArray[np.int64]
"""Integer matrix (candidates, genes), or one row of it (genes,)."""


_NETWORK_DEFAULTS: dict[str, Any] = {
    item.name: item.default for item in fields(Architecture) if item.default is not MISSING
}


@dataclass(frozen=True)
class Gene:
    """One choice: options that set one field, or several that belong together.

    Attributes:
        section: `network`, `stem`, `stages.0` …, or `head`.
        name: the field it sets; `block` where an option sets several.
        options: at least two; each maps fields of the section to values.
    """

    section: str
    name: str
    options: tuple[Mapping[str, Any], ...]

    @property
    def path(self) -> str:
        """Such as `stages.2.kernel`, `stem.channels` or `resolution`."""
        return self.name if self.section == "network" else f"{self.section}.{self.name}"

    def label(self, option: int) -> str:
        """An option for reading: `5`, or `mbconv kernel=3 expand=6`."""
        values = self.options[option]
        if len(values) == 1:
            return str(next(iter(values.values())))
        return " ".join(str(v) if k == "op" else f"{k}={v}" for k, v in values.items())


class SearchSpace:
    """A set of architectures of equally many stages.

    Args:
        name: for people and files.
        fixed: for each section the fields that do not vary.
        genes: in the order of the sections: network, stem, stages, head.
        stages: how many stages.

    Raises:
        InputError: a value that no architecture can have; the message names the choice.

    Example:
        >>> import effsearch, numpy
        >>> space = effsearch.load_space("mnasnet")
        >>> rows = space.sample(numpy.random.default_rng(0), 2)
        >>> rows.shape == (2, len(space))
        True
        >>> network = space.decode(rows[0])
        >>> space.decode(space.encode(network)) == network
        True
    """

    def __init__(
        self,
        name: str,
        fixed: Mapping[str, Mapping[str, Any]],
        genes: tuple[Gene, ...],
        stages: int,
    ) -> None:
        self.name = name
        self.genes = genes
        self.stages = stages
        self._fixed = fixed
        self.sections = ("network", "stem", *(f"stages.{i}" for i in range(stages)), "head")
        self._columns = {
            section: [i for i, gene in enumerate(genes) if gene.section == section]
            for section in self.sections
        }
        self.options: Encodings = np.array([len(gene.options) for gene in genes], dtype=np.int64)
        self._check_every_option()

    def __len__(self) -> int:
        """Number of genes. For the number of architectures see `size`."""
        return len(self.genes)

    @property
    def size(self) -> int:
        """How many encodings there are. Different ones may spell one network."""
        return math.prod(len(gene.options) for gene in self.genes)

    def describe(self) -> dict[str, Any]:
        """What is fixed and what varies, as JSON-ready data."""
        return {
            "name": self.name,
            "size": self.size,
            "stages": self.stages,
            "fixed": {section: dict(values) for section, values in self._fixed.items()},
            "genes": [
                {"path": gene.path, "options": [dict(option) for option in gene.options]}
                for gene in self.genes
            ],
        }

    def to_dict(self) -> dict[str, Any]:
        """The document that a YAML file of this space holds; `load_space` takes it back."""
        document: dict[str, Any] = {"name": self.name}
        for section in self.sections:
            values = {key: _plain(value) for key, value in self._fixed[section].items()}
            for column in self._columns[section]:
                gene = self.genes[column]
                values[gene.name] = [
                    _plain(option[gene.name] if gene.name in option else dict(option))
                    for option in gene.options
                ]
            if section == "network":
                document |= values
            elif section.startswith("stages."):
                document.setdefault("stages", []).append(values)
            else:
                document[section] = values
        return document

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that change with anything the space fixes or varies."""
        text = json.dumps(self.describe(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    # One architecture at a time

    def holds(self, encoding: Sequence[int]) -> bool:
        """Whether whole numbers are an encoding of this space."""
        return len(encoding) == len(self.genes) and all(
            0 <= option < len(gene.options)
            for option, gene in zip(encoding, self.genes, strict=True)
        )

    def decode(self, encoding: NDArray[np.int64]) -> Architecture:
        """The architecture of one encoding (genes,)."""
        stem, *stages, head = (
            self._part(section, [encoding[column] for column in self._columns[section]])
            for section in self.sections[1:]
        )
        network = [encoding[column] for column in self._columns["network"]]
        return Architecture(
            stem=stem, stages=tuple(stages), head=head, **self._fields("network", network)
        )

    def encode(self, architecture: Architecture) -> NDArray[np.int64]:
        """The encoding of an architecture, however it is spelled.

        Where several encodings spell it, the first in counting order of each stage is taken.

        Raises:
            InputError: the space does not hold it; the message names the part that does not fit.
        """
        network = {name: getattr(architecture, name) for name in _NETWORK_DEFAULTS}
        encoding = np.zeros(len(self.genes), dtype=np.int64)
        outer: tuple[tuple[str, object, object], ...] = (
            ("network", network, None),
            ("stem", architecture.stem, Stem),
            ("head", architecture.head, Head),
        )
        for section, wanted, make in outer:
            local = self._match(section, wanted, make)
            encoding[self._columns[section]] = local
        stages = self._match_stages(architecture, 0, 0, architecture.stem.channels)
        if stages is None:
            raise InputError(f"space '{self.name}' does not hold this network: its stages differ")
        for index, local in enumerate(stages):
            encoding[self._columns[f"stages.{index}"]] = local
        return encoding

    def neighbours(self, encoding: NDArray[np.int64]) -> Encodings:
        """All encodings that differ in one gene, shape (Σ(options − 1), genes)."""
        rows = []
        for column, count in enumerate(self.options):
            for option in range(count):
                if option != encoding[column]:
                    row = encoding.copy()
                    row[column] = option
                    rows.append(row)
        return np.array(rows, dtype=np.int64).reshape(len(rows), len(self.genes))

    # Many at a time

    def sample(self, rng: np.random.Generator, count: int) -> Encodings:
        """Uniform over encodings, shape (count, genes)."""
        return rng.integers(0, self.options, size=(count, len(self.genes)), dtype=np.int64)

    def mutate(self, rng: np.random.Generator, encodings: Encodings, changes: int = 1) -> Encodings:
        """A changed copy: in each row `changes` different genes take another of their options."""
        mutated = encodings.copy()
        changes = min(changes, len(self.genes))
        if not changes:
            return mutated
        order = rng.random(mutated.shape).argsort(axis=1)[:, :changes]
        rows = np.arange(len(mutated))[:, None]
        counts = self.options[order]
        # A shift of 1 … options − 1 lands on every other option equally often.
        shifts = 1 + (rng.random(order.shape) * (counts - 1)).astype(np.int64)
        mutated[rows, order] = (mutated[rows, order] + shifts) % counts
        return mutated

    def enumerate(self) -> Iterator[NDArray[np.int64]]:
        """Every encoding, in counting order. For small spaces."""
        for combination in itertools.product(*(range(count) for count in self.options)):
            yield np.array(combination, dtype=np.int64)

    # One section at a time: what the cost tables are made from

    def local_options(self, section: str) -> list[dict[str, Any]]:
        """Every combination of a section's genes as its fields, in counting order."""
        return [self._fields(section, local) for local in self._combinations(section)]

    def local_index(self, section: str, encodings: Encodings) -> NDArray[np.int64]:
        """For each row of (candidates, genes) its place in `local_options`, (candidates,)."""
        index = np.zeros(len(encodings), dtype=np.int64)
        for column in self._columns[section]:
            index = index * self.options[column] + encodings[:, column]
        return index

    def _combinations(self, section: str) -> Iterator[tuple[int, ...]]:
        counts = [range(int(self.options[column])) for column in self._columns[section]]
        return itertools.product(*counts)

    def _fields(self, section: str, local: Sequence[int]) -> dict[str, Any]:
        values = dict(self._fixed[section])
        for column, option in zip(self._columns[section], local, strict=True):
            values.update(self.genes[column].options[option])
        return values

    @cached_property
    def _parts(self) -> dict[tuple[str, int], Any]:
        return {}

    def _part(self, section: str, local: Sequence[np.int64]) -> Any:
        """The stem, stage or head that the section's genes describe; one object for all who ask."""
        index = 0
        for column, option in zip(self._columns[section], local, strict=True):
            index = index * int(self.options[column]) + int(option)
        key = (section, index)
        if key not in self._parts:
            make = {"stem": Stem, "head": Head}.get(section, Stage)
            self._parts[key] = make(**self._fields(section, [int(option) for option in local]))
        return self._parts[key]

    @cached_property
    def _stage_tables(
        self,
    ) -> dict[tuple[int, int, Activation], dict[tuple[Block, ...], tuple[Any, ...]]]:
        return {}

    def _stage_table(
        self, stage: int, in_channels: int, activation: Activation
    ) -> dict[tuple[Block, ...], tuple[tuple[int, ...], int]]:
        """From a stage's blocks, in a network with an activation, to its genes and its output
        channels."""
        key = (stage, in_channels, activation)
        if key not in self._stage_tables:
            table: dict[tuple[Block, ...], tuple[tuple[int, ...], int]] = {}
            for local in self._combinations(f"stages.{stage}"):
                spelled = Stage(**self._fields(f"stages.{stage}", local))
                if spelled.activation == activation:
                    spelled = replace(spelled, activation=None)
                table.setdefault(stage_blocks(spelled, in_channels), (local, spelled.channels))
            self._stage_tables[key] = table
        return self._stage_tables[key]

    def _match_stages(
        self, architecture: Architecture, stage: int, start: int, channels: int
    ) -> list[tuple[int, ...]] | None:
        """Genes of `stage` and all behind it that spell the blocks from `start`; None if none."""
        blocks = architecture.blocks
        if stage == self.stages:
            return [] if start == len(blocks) else None
        table = self._stage_table(stage, channels, architecture.activation)
        for length in sorted({len(spelled) for spelled in table}):
            found = table.get(blocks[start : start + length])
            if found is None:
                continue
            rest = self._match_stages(architecture, stage + 1, start + length, found[1])
            if rest is not None:
                return [found[0], *rest]
        return None

    def _match(self, section: str, wanted: object, make: Any) -> tuple[int, ...]:
        for local in self._combinations(section):
            values = self._fields(section, local)
            if make is None:
                fits = {**_NETWORK_DEFAULTS, **values} == wanted
            else:
                fits = make(**values) == wanted
            if fits:
                return local
        raise InputError(f"space '{self.name}' does not hold this network: its {section} differs")

    def _check_every_option(self) -> None:
        """Build each option once, so that a bad value is found at load and not mid-search."""
        first = np.zeros(len(self.genes), dtype=np.int64)
        self._check(first, "the first options")
        for column, gene in enumerate(self.genes):
            for option in range(1, len(gene.options)):
                encoding = first.copy()
                encoding[column] = option
                self._check(encoding, f"{gene.path}={gene.label(option)}")

    def _check(self, encoding: NDArray[np.int64], what: str) -> None:
        try:
            self.decode(encoding)
        except InputError as error:
            raise InputError(f"space '{self.name}', {what}: {error}") from None
        except TypeError as error:  # a field without default that no key of the section sets
            missing = str(error).rpartition(": ")[2]
            raise InputError(f"space '{self.name}', {what}: a stage lacks {missing}") from None


def _plain(value: Any) -> Any:
    """A value of an option as YAML can hold it."""
    return value.item() if isinstance(value, np.generic) else value
