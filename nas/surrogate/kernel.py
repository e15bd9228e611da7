"""How alike two networks are: parts of a kernel, each about 1 on its diagonal over the data.

The weights of the parts are learned; each part is one guess at what accuracy is made of. The
logarithm of the parameter count is among the linear numbers: of the proxies that cost nothing it
ranks networks of equal MACs best, and as a feature with a learned slope the data overrule it. SNIP,
SynFlow and their like rank no better, cost a pass through every candidate, and are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from effsearch.nas.surrogate.features import Features, Floats, Whole

_REACH = 0.25  # of the genes: so many differences take likeness down to 1/e
_TINY = 1e-9


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

    Linear in the numbers and in the blocks of each kind; the square of the first, which holds all
    products of two numbers, since accuracy is concave in log MACs and log parameters; main effects
    of the genes; exponential in the Hamming distance, which holds interactions of every order.
    Products of two genes, or of
    blocks that follow each other, were measured besides and paid nowhere (benchmarks/results/
    search_quality_pairs.json).

    Attributes:
        names: of the parts.
        local: those of them that tell networks apart one by one.
        options: of each gene, (genes,).
        numbers, blocks: scales of the features of these names.
        squared: what squares of the numbers' part are divided by.
    """

    names: ClassVar[tuple[str, ...]] = ("numbers", "squares", "blocks", "genes", "likeness")
    local: ClassVar[tuple[str, ...]] = ("genes", "likeness")

    options: Whole
    numbers: Scale
    blocks: Scale
    squared: float

    @classmethod
    def of(cls, measured: Features, options: Whole) -> Self:
        """A kernel scaled by what was measured; `options` as in `SearchSpace.options`."""
        spread = measured.numbers.std(axis=0)
        numbers = Scale.of(measured.numbers, np.where(spread > _TINY, spread, 1.0))
        fourth = float(((numbers.apply(measured.numbers) ** 2).sum(axis=1) ** 2).mean())
        return cls(
            options=options,
            numbers=numbers,
            blocks=Scale.of(measured.blocks, np.ones(measured.blocks.shape[1])),
            squared=fourth if fourth > _TINY else 1.0,
        )

    def parts(self, a: Features, b: Features) -> Iterator[Floats]:
        """Each of `names` between n and m networks, (n, m)."""
        linear = self.numbers.apply(a.numbers) @ self.numbers.apply(b.numbers).T
        yield linear
        yield linear**2 / self.squared
        yield self.blocks.apply(a.blocks) @ self.blocks.apply(b.blocks).T
        # A gene of k options contributes 1 where two networks agree in it and −1/(k − 1) where
        # they do not, so that its effect sums to zero over its options.
        count = max(1, len(self.options))
        miss = -1.0 / (self.options - 1)
        left, right = one_hot(a.genes, self.options), one_hot(b.genes, self.options)
        agreed = (left * np.repeat(1.0 - miss, self.options)) @ right.T
        yield (agreed + miss.sum()) / count
        yield np.exp((left @ right.T - len(self.options)) / max(1.0, count * _REACH))

    def diagonal(self, a: Features) -> Iterator[Floats]:
        """The diagonal of each of `names`, (n,)."""
        linear = (self.numbers.apply(a.numbers) ** 2).sum(axis=1)
        yield linear
        yield linear**2 / self.squared
        yield (self.blocks.apply(a.blocks) ** 2).sum(axis=1)
        yield np.ones(len(a))
        yield np.ones(len(a))


def one_hot(genes: Whole, options: Whole) -> Floats:
    """Genes (n, genes) as one column an option, (n, sum of the options)."""
    first = np.cumsum(options) - options
    hot = np.zeros((len(genes), int(options.sum())))
    hot[np.arange(len(genes))[:, None], genes + first] = 1.0
    return hot
