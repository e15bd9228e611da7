"""References of a grid: one dimension alone, scaled to the cost of the network that was chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from effsearch.gridsearch.candidates import Candidate
from effsearch.gridsearch.setup import GridPlan, proxy_pixels
from effsearch.results.references import Reference, compare_with_references
from effsearch.results.store.ledger import Ledger
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.notation import format_architecture
from effsearch.search_spaces.scaling_search import Dimension, scale_to_cost
from effsearch.training.trials.jobs import Job, Measured
from effsearch.training.trials.trainings import Trainings, counted_costs, trainings_of

_FARTHEST = 0.1
"""Relative distance from the winner's cost from which on a dimension is not comparable."""


@dataclass(frozen=True, kw_only=True)
class Alone:
    """The baseline scaled in one dimension, at about the winner's cost.

    Attributes:
        name: such as `depth alone`.
        pixels: it is trained at.
    """

    name: str
    architecture: Architecture
    pixels: int


def scaled_alone(plan: GridPlan, winner: Candidate) -> list[Alone]:
    """Depth, width and resolution alone, as far as they come near the winner's cost.

    None that is the winner itself: where only one dimension grows it is its own reference.
    """
    found = []
    for dimension in get_args(Dimension):
        if dimension == "compound":
            continue
        reached = scale_to_cost(
            plan.baseline,
            dimension,
            winner.cost.macs,
            rounding=plan.config.resolution_rounding,
        )
        network = reached.architecture
        if abs(reached.error) <= _FARTHEST and network.id != winner.id:
            pixels = proxy_pixels(network, plan.baseline, plan.base_pixels)
            found.append(Alone(name=f"{dimension} alone", architecture=network, pixels=pixels))
    return found


def reference_queue(
    plan: GridPlan, networks: Sequence[Alone], *, longer: bool, ledger: Ledger
) -> Trainings:
    """Trainings of the references, with the seeds of the network that they stand beside.

    Args:
        longer: the winner was decided by the longer trainings of the top networks.
        ledger: open for appending, of the references alone.
    """
    config = plan.config
    return trainings_of(
        [Job(architecture=one.architecture, resolution=one.pixels) for one in networks],
        ledger,
        seeds=config.top_seeds if longer else config.seeds,
        seed=config.seed + 1_000_000 if longer else config.seed,
        budget=plan.budget,
    )


def judge_references(
    networks: Sequence[Alone],
    measured: Mapping[str, Measured],
    winner: Candidate,
    scores: Mapping[str, Sequence[float]],
) -> list[Reference]:
    """The winner beside each reference of which a training succeeded.

    Args:
        measured: of the references, by id.
        scores: accuracy by seed of all networks that the winner was chosen among, by id.
    """
    return compare_with_references(
        scores[winner.id],
        list(scores.values()),
        winner.cost.macs,
        [
            (
                one.name,
                one.architecture.id,
                format_architecture(one.architecture),
                counted_costs(one.architecture),
                measured[one.architecture.id].scores,
            )
            for one in networks
            if one.architecture.id in measured and measured[one.architecture.id].scores
        ],
    )
