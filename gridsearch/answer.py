"""The answer of a grid search: `coefficients.json`, and `trials.csv` with one row a triple.

Columns of `trials.csv`: `alpha`, `beta`, `gamma`; `product` α·β²·γ²; `network` (id; triples with
the same one share its training), `resolution` in pixels and `proxy_resolution` it was trained at;
`macs` (multiply-adds of convolutions and linear layers at `resolution`, batch 1), `params`,
`memory_bytes`; `measured_ratio` of the MACs to the baseline's; `state` (`done`, `stopped`,
`failed`, `waiting`); `accuracy` (mean over the seeds, a fraction) with `low` and `high`, `seeds`
and `accuracies`; the same of the longer training of the top networks under `top_…`; `tied` with
the best, `chosen`; `error`; of the grid's trainings what the model of the surface says: `expected`
accuracy, its posterior `expected_deviation`, and the interval from `expected_low` to
`expected_high`, empty where no network was trained twice. `trainings.csv` has one row a training.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from effsearch.gridsearch.candidates import Candidate
from effsearch.gridsearch.choice import DEVIATIONS, Choice, Expected, choose, sizes_of
from effsearch.gridsearch.grid import Triple
from effsearch.gridsearch.references import judge_references, scaled_alone
from effsearch.gridsearch.sensitivity import DIMENSIONS
from effsearch.gridsearch.setup import GridPlan
from effsearch.results.conditions import Conditions
from effsearch.results.kinds.grid_answer import CoefficientsAnswer
from effsearch.results.statistics import Estimate
from effsearch.results.store.run import Run
from effsearch.search_spaces.errors import EffsearchError
from effsearch.search_spaces.scaling import Coefficients
from effsearch.training.trials.jobs import Measured

METHODS = {
    "seeds": "t intervals from the noise between seeds, pooled over all networks; of the best, "
    "corrected for having been picked",
    "surface": "not known: no network was trained twice, so that noise and what the modelled "
    "surface misses look alike (--repeats 5 trains a few again)",
    "none": "not known: one seed each and too few networks to tell the noise",
}
MODELLED = (
    "of the true accuracy, from a Gaussian process over log layers, log channels and log "
    f"resolution; {DEVIATIONS:g} posterior deviations to each side"
)


@dataclass(frozen=True, kw_only=True)
class CoefficientsResult:
    """What a grid search found.

    Attributes:
        run: name such as `coefficients/001`.
        path: the run directory.
        coefficients: the chosen α, β, γ.
        accuracy: mean over the seeds, a fraction.
        interval: of the true accuracy; None where it is not known.
        triples: rows of `trials.csv`.
        answer: the content of `coefficients.json`.

    Example:
        >>> import effsearch
        >>> result = effsearch.search_coefficients(phi=1, baseline="efficientnet-b0")
        >>> effsearch.scale_family("efficientnet-b0", result.coefficients, [1]).members[0].phi
        1.0
    """

    run: str
    path: Path
    coefficients: Coefficients
    accuracy: float
    interval: tuple[float, float] | None
    triples: list[dict[str, Any]]
    answer: dict[str, Any]


@dataclass(frozen=True)
class Decision:
    """The network that is chosen, and whether the longer trainings decided."""

    winner: Candidate
    by_top: bool


def decision(
    plan: GridPlan, grid: Mapping[str, Measured], top: Mapping[str, Measured]
) -> Decision | None:
    """Which network is chosen; None where no training succeeded."""
    first, choice = _choices(plan, grid, top)
    if choice is None:
        return None
    return Decision(choice.winner, choice.winner.id in top and choice is not first)


def make_answer(
    run: Run,
    plan: GridPlan,
    grid: Mapping[str, Measured],
    top: Mapping[str, Measured],
    references: Mapping[str, Measured],
    trainings_left: int = 0,
) -> CoefficientsResult:
    """Choose, and say how sure that is.

    Args:
        grid: what was measured of each network, by id.
        top: what the longer trainings of the best came to; empty where there were none.
        references: what the trainings of one dimension alone came to; empty where there were none.
        trainings_left: for which a time budget left no time.

    Raises:
        EffsearchError: no training succeeded; the first failure is named.
    """
    first, choice = _choices(plan, grid, top)
    if choice is None or first is None:
        errors = [error for measured in grid.values() for error in measured.errors]
        cause = f"; the first: {errors[0]}" if errors else ""
        raise EffsearchError(f"none of {len(grid)} networks could be trained{cause}")
    winner = choice.winner
    estimate = choice.estimates[winner.id]
    coefficients = winner.triple.coefficients
    decided_by = top if winner.id in top and choice is not first else grid
    alone = judge_references(
        scaled_alone(plan, winner) if references else [], references, winner, scores_of(decided_by)
    )
    conditions = Conditions.of(
        plan.record,
        epochs=plan.longer.recipe.epochs if decided_by is top else None,
        seeds=len(decided_by[winner.id].rewards),
        network=winner.architecture,
        resolution=plan.resolutions[winner.id],
    )
    expected = choice.expected[winner.id]
    low, high = _bounds(expected)
    interval = None if low is None or high is None else [low, high]
    config = plan.config
    answer = CoefficientsAnswer(
        kind=run.kind,
        run=run.reference,
        alpha=coefficients.alpha,
        beta=coefficients.beta,
        gamma=coefficients.gamma,
        phi=config.phi,
        product=float(winner.triple.product),
        measured_ratio=winner.measured_ratio,
        accuracy=estimate.mean,
        accuracy_interval=interval,
        confidence=choice.confidence,
        interval_method=MODELLED if choice.surface and interval else METHODS[choice.method],
        expected=expected.mean,
        expected_deviation=expected.deviation,
        prefer=config.prefer,
        noise=choice.noise,
        seeds=len(decided_by[winner.id].rewards),
        decided_by="top" if decided_by is top else "grid",
        references=[reference.to_dict() for reference in alone] or None,
        conditions=conditions.to_dict() if conditions else None,
        best=_describe(choice.best, choice),
        ties=[_describe(_by_id(plan, id), choice) for id in choice.ties],
        network={
            "id": winner.id,
            **asdict(winner.cost),
            "resolution": winner.architecture.resolution,
            "same_network": [_numbers(triple) for triple in winner.triples],
        },
        grid={
            "step": config.step,
            "tolerance": config.tolerance,
            "constraint": config.constraint,
            "alpha_bounds": list(config.alpha_bounds),
            "beta_bounds": list(config.beta_bounds),
            "gamma_bounds": list(config.gamma_bounds),
            "resolution_rounding": config.resolution_rounding,
            "triples": plan.triples,
            "networks": len(plan.candidates),
            "failed": sum(bool(measured.errors) for measured in grid.values()),
            "stopped": sum(bool(measured.stopped) for measured in grid.values()),
        },
        depends_on=[asdict(one) for one in first.sensitivities],
        surface=_describe_surface(plan, first),
        seeds_each=config.seeds,
        repeats=sum(len(found.rewards) > config.seeds for found in grid.values()),
        pruning=config.pruning,
        top=len(top),
        trainings_left=trainings_left or None,
        seed=config.seed,
        # As it was given: a run that goes on knows it by its notation alone.
        baseline=run.record.get("baseline", plan.record["baseline"]),
        data=plan.record["data"],
        recipe=plan.record["recipe"],
        flops_convention=run.record["flops_convention"],
        versions=run.record["versions"],
    )
    return CoefficientsResult(
        run=run.reference,
        path=run.path,
        coefficients=coefficients,
        accuracy=estimate.mean,
        interval=None if interval is None else (interval[0], interval[1]),
        triples=triple_rows(plan, grid, top),
        answer=answer.to_dict(),
    )


def _choices(
    plan: GridPlan, grid: Mapping[str, Measured], top: Mapping[str, Measured]
) -> tuple[Choice | None, Choice | None]:
    """By the grid alone, and the one that counts: by the longer trainings where there are any."""
    first = choose(plan.candidates, scores_of(grid), plan.config.prefer)
    return first, choose(plan.candidates, scores_of(top), plan.config.prefer) or first


def _describe_surface(plan: GridPlan, choice: Choice) -> dict[str, Any] | None:
    """The model of the grid's accuracies at every network; None where there is none."""
    surface = choice.surface
    if surface is None:
        return None
    return {
        "noise": surface.noise,
        "own": surface.own,
        "lengths": dict(zip(DIMENSIONS, surface.lengths.tolist(), strict=True)),
        "points": [
            {
                "network": found.id,
                **dict(zip(DIMENSIONS, sizes, strict=True)),
                "macs": found.cost.macs,
                **_expected(choice.expected.get(found.id)),
            }
            for found, sizes in zip(
                plan.candidates, sizes_of(plan.candidates).tolist(), strict=True
            )
        ],
    }


def scores_of(measured: Mapping[str, Measured]) -> dict[str, list[float]]:
    """Accuracies by seed of the networks whose trainings all went to their ends."""
    return {id: found.scores for id, found in measured.items() if found.mean is not None}


def triple_rows(
    plan: GridPlan, grid: Mapping[str, Measured], top: Mapping[str, Measured]
) -> list[dict[str, Any]]:
    """One row a feasible triple, in grid order; triples of one network share what it measured."""
    first, choice = _choices(plan, grid, top)
    rows = [
        _row(plan, candidate, triple, grid, top, first, choice)
        for candidate in plan.candidates
        for triple in candidate.triples
    ]
    return sorted(rows, key=lambda row: (row["alpha"], row["beta"], row["gamma"]))


def _row(
    plan: GridPlan,
    candidate: Candidate,
    triple: Triple,
    grid: Mapping[str, Measured],
    top: Mapping[str, Measured],
    first: Choice | None,
    choice: Choice | None,
) -> dict[str, Any]:
    measured, longer = grid.get(candidate.id, Measured()), top.get(candidate.id, Measured())
    chosen = choice is not None and triple == choice.winner.triple
    return {
        **_numbers(triple),
        "product": float(triple.product),
        "network": candidate.id,
        "resolution": candidate.architecture.resolution,
        "proxy_resolution": plan.resolutions[candidate.id],
        **asdict(candidate.cost),
        "measured_ratio": round(candidate.measured_ratio, 6),
        "state": _state(measured),
        **_measured("", candidate, measured, first),
        **_measured("top_", candidate, longer, choice if longer.rewards else None),
        "tied": choice is not None and candidate.id in choice.ties,
        "chosen": chosen,
        "error": " ".join(measured.errors[0].split()) if measured.errors else "",
        **_expected(first.expected.get(candidate.id) if first else None),
    }


def _measured(
    prefix: str, candidate: Candidate, measured: Measured, choice: Choice | None
) -> dict[str, Any]:
    low, high = _bounds(choice.estimates.get(candidate.id) if choice else None)
    return {
        f"{prefix}accuracy": measured.mean,
        f"{prefix}low": low,
        f"{prefix}high": high,
        f"{prefix}seeds": len(measured.rewards),
        f"{prefix}accuracies": " ".join(f"{score:.6g}" for score in measured.scores),
    }


def _expected(expected: Expected | None) -> dict[str, float | None]:
    low, high = _bounds(expected)
    return {
        "expected": expected.mean if expected else None,
        "expected_deviation": expected.deviation if expected else None,
        "expected_low": low,
        "expected_high": high,
    }


def _state(measured: Measured) -> str:
    if measured.errors:
        return "failed"
    if measured.stopped:
        return "stopped"
    return "done" if measured.rewards else "waiting"


def _describe(candidate: Candidate, choice: Choice) -> dict[str, Any]:
    estimate = choice.estimates[candidate.id]
    low, high = _bounds(estimate)
    return {
        **_numbers(candidate.triple),
        "network": candidate.id,
        "macs": candidate.cost.macs,
        "measured_ratio": candidate.measured_ratio,
        "accuracy": estimate.mean,
        "low": low,
        "high": high,
    }


def _bounds(estimate: Estimate | Expected | None) -> tuple[float | None, float | None]:
    """The interval of an accuracy, which lies between 0 and 1 whatever the noise."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return None, None
    return max(0.0, estimate.low), min(1.0, estimate.high)


def _numbers(triple: Triple) -> dict[str, float]:
    return {name: value / 100 for name, value in triple._asdict().items()}


def _by_id(plan: GridPlan, id: str) -> Candidate:
    return next(candidate for candidate in plan.candidates if candidate.id == id)
