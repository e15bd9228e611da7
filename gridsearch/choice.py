"""The choice among measured candidates: what accuracy to expect of each, and which one to take.

Where enough networks are measured, a model of the accuracy surface (`surface`) says what to expect
of each and how sure that is; the few of a longer look are judged by their own means. What is
chosen follows from that and from what is preferred:

- `default`: the cheapest whose expected accuracy lies within one posterior standard deviation of
  the difference from the best expected one. Of the difference, not of each: neighbours are known
  to be alike however little is known of either.
- `accuracy`: the best expected accuracy.
- `efficiency`: the best of expected accuracy · MACs^-0.07, MnasNet's reward (arXiv 1807.11626).

Ties, networks that a t test with Bonferroni's correction cannot tell from the highest mean, are
kept as information. They decide nothing: with one seed nearly all networks tie, and the cheapest
of all would win whatever was measured. `python -m benchmarks.choice` compares the rules.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from effsearch.gridsearch.candidates import Candidate
from effsearch.gridsearch.options import Prefer
from effsearch.gridsearch.sensitivity import Sensitivity, lines, sensitivities
from effsearch.gridsearch.surface import Floats, Posterior, SurfaceModel
from effsearch.results.statistics import CONFIDENCE, Estimate, Noise, compare, pooled_noise

FEWEST_FOR_A_SURFACE = 8
WEIGHT = -0.07  # the power of MACs in MnasNet's reward
DEVIATIONS = 2.6
"""Half an interval of the modelled accuracy, in posterior deviations.

Were the model right, 1.65 would do for 90%. It never is: surfaces jump, noise is not equal
everywhere, and what is chosen was picked. This many cover 92% to 100% on the simulated surfaces of
`benchmarks/choice.py`: rather too wide than too narrow.
"""

Method = Literal["seeds", "surface", "none"]


@dataclass(frozen=True)
class Expected:
    """What is believed of a network's true accuracy, a fraction.

    Attributes:
        mean: expected accuracy.
        deviation: posterior standard deviation; None where the noise is unknown.
        low, high: interval; None where it is not known.
    """

    mean: float
    deviation: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The winner and what stands beside it.

    Attributes:
        winner: by what was preferred.
        best: the candidate of the highest mean.
        expected: by id of the network; of all candidates where there is a surface, else of the
            measured ones.
        estimates: means of the measured ones with their t intervals, by id of the network.
        ties: ids of all that a t test cannot tell from the best, the best included, cheapest first.
        method: where the noise comes from: `seeds`; `surface`, where no network was trained twice
            and what no smooth surface explains is an upper bound of it; `none`, unknown.
        noise: deviation of a single training, None where unknown.
        confidence: of the intervals.
        surface: the model, of all candidates in their order; None where too few were measured.
        sensitivities: how far the surface moves along layers, channels and resolution.
    """

    winner: Candidate
    best: Candidate
    expected: dict[str, Expected]
    estimates: dict[str, Estimate]
    ties: tuple[str, ...]
    method: Method
    noise: float | None
    confidence: float
    surface: Posterior | None = None
    sensitivities: tuple[Sensitivity, ...] = ()


def choose(
    candidates: Sequence[Candidate],
    scores: Mapping[str, Sequence[float]],
    prefer: Prefer = "default",
) -> Choice | None:
    """Choose among the candidates that have scores; None where none has.

    Args:
        candidates: distinct networks.
        scores: accuracies by seed, by id of the network.
        prefer: what the choice goes by.
    """
    measured = [place for place, found in enumerate(candidates) if scores.get(found.id)]
    if not measured:
        return None
    along = lines(sizes_of(candidates))
    surface = _surface(candidates, scores, along) if _are_enough(measured) else None
    values = [scores[candidates[place].id] for place in measured]
    noise, method = _noise(values, surface)
    best, estimates = compare(values, noise=noise)
    if method == "surface":  # an upper bound does for ties, and for no interval
        estimates = [Estimate(one.mean, None, None, one.tied) for one in estimates]
    tied = [
        candidates[place]
        for place, estimate in zip(measured, estimates, strict=True)
        # Where the noise is unknown `compare` ties all.
        if (estimate.tied if method != "none" else estimate.mean == estimates[best].mean)
    ]
    if surface:
        means, apart = surface.mean[measured], surface.deviation_of_difference
        top = measured[int(means.argmax())]
        won = preferred(means, apart(top)[measured], _macs(candidates)[measured], prefer)
        expected = _modelled(candidates, surface, method == "seeds")
    else:
        won = _few_preferred(values, estimates, noise, _macs(candidates)[measured], prefer)
        expected = {
            candidates[place].id: _by_itself(estimate, noise, len(scores[candidates[place].id]))
            for place, estimate in zip(measured, estimates, strict=True)
        }
    return Choice(
        winner=candidates[measured[won]],
        best=candidates[measured[best]],
        expected=expected,
        estimates={candidates[p].id: one for p, one in zip(measured, estimates, strict=True)},
        ties=tuple(
            found.id for found in sorted(tied, key=lambda found: (found.cost.macs, found.id))
        ),
        method=method,
        noise=noise.deviation if noise else None,
        confidence=CONFIDENCE,
        surface=surface,
        sensitivities=tuple(sensitivities(surface, along, len(candidates))) if surface else (),
    )


def preferred(expected: Floats, apart: Floats, macs: Floats, prefer: Prefer) -> int:
    """The place of the network to take.

    Args:
        expected: accuracy of each, (n,).
        apart: posterior deviation of the difference of each to the best expected one, (n,).
        macs: of each, (n,).
        prefer: what the choice goes by.
    """
    best = int(np.lexsort((macs, -expected))[0])
    if prefer == "accuracy":
        return best
    if prefer == "efficiency":
        return int(np.argmax(expected * (macs / macs[best]) ** WEIGHT))
    near = expected[best] - expected <= apart
    near[best] = True
    return int(np.argmin(np.where(near, macs, np.inf)))


def sizes_of(candidates: Sequence[Candidate]) -> Floats:
    """Layers, mean channels of the stages, and resolution, (n, 3)."""
    sizes = []
    for found in candidates:
        channels = [stage.channels for stage in found.architecture.stages]
        mean = sum(channels) / len(channels)
        sizes.append((len(found.architecture.blocks), mean, found.architecture.resolution))
    return np.array(sizes, dtype=np.float64)


def _are_enough(measured: Sequence[int]) -> bool:
    return len(measured) >= FEWEST_FOR_A_SURFACE


def _surface(
    candidates: Sequence[Candidate], scores: Mapping[str, Sequence[float]], along: Floats
) -> Posterior:
    """Of the candidates, and behind them the networks along each dimension."""
    model = SurfaceModel(np.vstack([sizes_of(candidates), along]), extent=len(candidates))
    return model.posterior([scores.get(found.id, ()) for found in candidates] + [()] * len(along))


def _macs(candidates: Sequence[Candidate]) -> Floats:
    return np.array([found.cost.macs for found in candidates], dtype=np.float64)


def _noise(
    scores: Sequence[Sequence[float]], surface: Posterior | None
) -> tuple[Noise | None, Method]:
    """Of a single training, and where it comes from."""
    between_seeds = pooled_noise(scores)
    if between_seeds:
        return between_seeds, "seeds"
    if surface:
        return Noise(math.hypot(surface.noise, surface.own), len(scores) - 1), "surface"
    return None, "none"


def _modelled(
    candidates: Sequence[Candidate], surface: Posterior, is_measured: bool
) -> dict[str, Expected]:
    """Without a network trained twice there is no interval: misfit and noise look alike."""
    expected = {}
    for place, found in enumerate(candidates):
        mean, deviation = float(surface.mean[place]), float(surface.deviation[place])
        margin = DEVIATIONS * deviation
        low, high = (mean - margin, mean + margin) if is_measured else (None, None)
        expected[found.id] = Expected(mean, deviation, low, high)
    return expected


def _few_preferred(
    scores: Sequence[Sequence[float]],
    estimates: Sequence[Estimate],
    noise: Noise | None,
    macs: Floats,
    prefer: Prefer,
) -> int:
    """As `preferred`, of networks too few for a surface: each is judged by its own trainings."""
    means = np.array([estimate.mean for estimate in estimates])
    counts = np.array([len(values) for values in scores])
    shares = 1 / counts + 1 / counts[int(np.lexsort((macs, -means))[0])]
    apart = np.sqrt(shares) * (noise.deviation if noise else 0.0)
    return preferred(means, apart, macs, prefer)


def _by_itself(estimate: Estimate, noise: Noise | None, trainings: int) -> Expected:
    deviation = noise.deviation / math.sqrt(trainings) if noise else None
    return Expected(estimate.mean, deviation, estimate.low, estimate.high)
