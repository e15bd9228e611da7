"""The choice among measured candidates: how sure each mean is, which are ties, and who wins.

With two seeds or more the noise is the pooled deviation between seeds (`results.statistics`). With
one seed each it is taken from the scatter of all networks about a smooth surface, quadratic in the
logarithms of layers, channels and resolution as rounded: what no smooth effect of the three
explains. That holds the surface's own misfit too, so it is rather too wide than too narrow.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from effsearch.gridsearch.candidates import Candidate
from effsearch.results.statistics import CONFIDENCE, Estimate, Noise, compare, pooled_noise
from effsearch.search_spaces.architecture import Architecture

FEWEST_RESIDUALS = 5

Method = Literal["seeds", "surface", "none"]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The winner and what stands beside it.

    Attributes:
        winner: the cheapest, by measured MACs, of those that cannot be told from the best.
        best: the candidate of the highest mean.
        estimates: by id of the network.
        ties: ids of all that cannot be told from the best, the best included, cheapest first.
        method: where the noise comes from: `seeds`, `surface`, or `none` where it is unknown.
        noise: deviation of a single training, None where unknown.
        confidence: of the intervals.
    """

    winner: Candidate
    best: Candidate
    estimates: dict[str, Estimate]
    ties: tuple[str, ...]
    method: Method
    noise: float | None
    confidence: float


def choose(candidates: Sequence[Candidate], scores: Mapping[str, Sequence[float]]) -> Choice | None:
    """Choose among the candidates that have scores; None where none has.

    Args:
        candidates: distinct networks.
        scores: accuracies by seed, by id of the network.
    """
    measured = [found for found in candidates if scores.get(found.id)]
    if not measured:
        return None
    noise, method = _noise(measured, scores)
    best, estimates = compare([scores[found.id] for found in measured], noise=noise)
    tied = [
        found
        for found, estimate in zip(measured, estimates, strict=True)
        # Where the noise is unknown `compare` ties all, and the cheapest of all would win.
        if (estimate.tied if method != "none" else estimate.mean == estimates[best].mean)
    ]
    ordered = sorted(tied, key=lambda found: (found.cost.macs, found.id))
    return Choice(
        winner=ordered[0],
        best=measured[best],
        estimates={found.id: one for found, one in zip(measured, estimates, strict=True)},
        ties=tuple(found.id for found in ordered),
        method=method,
        noise=noise.deviation if noise else None,
        confidence=CONFIDENCE,
    )


def _noise(
    measured: Sequence[Candidate], scores: Mapping[str, Sequence[float]]
) -> tuple[Noise | None, Method]:
    """Of a single training, and where it comes from."""
    between_seeds = pooled_noise([scores[found.id] for found in measured])
    if between_seeds:
        return between_seeds, "seeds"
    scatter = _scatter(measured, np.array([scores[found.id][0] for found in measured]))
    return scatter, "surface" if scatter else "none"


def _scatter(
    measured: Sequence[Candidate], accuracies: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> Noise | None:
    """Deviation of single accuracies from the surface fitted to them by least squares."""
    sizes = np.array([_sizes(found.architecture) for found in measured], dtype=float)
    logs = np.log(sizes)
    logs -= logs.mean(axis=0)
    pairs = [logs[:, i] * logs[:, j] for i in range(3) for j in range(i, 3)]
    terms = np.stack([np.ones(len(measured)), *logs.T, *pairs], axis=1)
    surface, _, rank, _ = np.linalg.lstsq(terms, accuracies, rcond=None)
    freedom = len(measured) - int(rank)
    if freedom < FEWEST_RESIDUALS:
        return None
    residuals = accuracies - terms @ surface
    return Noise(math.sqrt(float((residuals**2).sum()) / freedom), freedom)


def _sizes(network: Architecture) -> tuple[int, float, int]:
    """Layers, mean channels of the stages, and resolution."""
    channels = [stage.channels for stage in network.stages]
    return len(network.blocks), sum(channels) / len(channels), network.resolution
