"""How alike two networks are: parts of a kernel, each about 1 on its diagonal over the data.

The weights of the parts are learned; each part is one guess at what accuracy is made of.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from nas.surrogate.features import Features, Floats, Whole

_REACH = 0.25  # of the genes: so many differences take likeness down to 1/e
_TINY = 1e-9

PARTS = ("numbers", "blocks", "pairs", "genes", "gene pairs", "likeness")
"""What the parts are made of: linear in the numbers, in the blocks of each kind and in their
pairs; main effects of the genes, products of two of them, and exponential in Hamming distance."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What is taken off one kind of features, and what its products are divided by."""

    centre: Floats
    spread: Floats  # of each column; 1 where columns share one unit
    norm: float

    @classmethod
    def of(cls, values: Floats, spread: Floats) -> Self:
        centre = values.mean(axis=0)
        norm = float((((values - centre) / spread) ** 2).sum(axis=1).mean())
        return cls(centre=centre, spread=spread, norm=norm if norm > _TINY else 1.0)

    def apply(self, values: Floats) -> Floats:
        """Such that the product of two rows is their part of the kernel."""
        return np.asarray((values - self.centre) / (self.spread * np.sqrt(self.norm)))


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """The parts, scaled by the networks that were measured.

    Attributes:
        options: of each gene, (genes,).
        numbers: scale of the features of this name; so are `blocks` and `pairs`.
    """

    options: Whole
    numbers: Scale
    blocks: Scale
    pairs: Scale

    @classmethod
    def of(cls, measured: Features, options: Whole) -> Self:
        """A kernel scaled by what was measured; `options` as in `SearchSpace.options`."""
        spread = measured.numbers.std(axis=0)
        return cls(
            options=options,
            numbers=Scale.of(measured.numbers, np.where(spread > _TINY, spread, 1.0)),
            blocks=Scale.of(measured.blocks, np.ones(measured.blocks.shape[1])),
            pairs=Scale.of(measured.pairs, np.ones(measured.pairs.shape[1])),
        )

    def parts(self, a: Features, b: Features) -> Iterator[Floats]:
        """Each of `PARTS` between n and m networks, (n, m)."""
        for name in ("numbers", "blocks", "pairs"):
            scale: Scale = getattr(self, name)
            yield scale.apply(getattr(a, name)) @ scale.apply(getattr(b, name)).T
        yield from self._gene_parts(a.genes, b.genes)

    def diagonal(self, a: Features) -> Iterator[Floats]:
        """The diagonal of each of `PARTS`, (n,)."""
        for name in ("numbers", "blocks", "pairs"):
            scale: Scale = getattr(self, name)
            yield (scale.apply(getattr(a, name)) ** 2).sum(axis=1)
        for value in (1.0, float(len(self.options) > 1), 1.0):
            yield np.full(len(a), value)

    def _gene_parts(self, a: Whole, b: Whole) -> Iterator[Floats]:
        # A gene of k options contributes 1 where two networks agree in it and −1/(k − 1) where
        # they do not, so that its effect sums to zero over its options.
        count = len(self.options)
        miss = -1.0 / (self.options - 1)
        left, right = _one_hot(a, self.options), _one_hot(b, self.options)
        main = _matched(left, right, self.options, 1.0 - miss) + miss.sum()
        squares = _matched(left, right, self.options, 1.0 - miss**2) + (miss**2).sum()
        yield main / max(1, count)
        yield (main**2 - squares) / max(1, count * (count - 1))
        yield np.exp((left @ right.T - count) / max(1.0, count * _REACH))


def _matched(left: Floats, right: Floats, options: Whole, worth: Floats) -> Floats:
    """Sum over the genes two networks agree in of what each is worth, (n, m)."""
    return np.asarray((left * np.repeat(worth, options)) @ right.T)


def _one_hot(genes: Whole, options: Whole) -> Floats:
    first = np.cumsum(options) - options
    hot = np.zeros((len(genes), int(options.sum())))
    hot[np.arange(len(genes))[:, None], genes + first] = 1.0
    return hot
