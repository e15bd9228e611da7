"""The answer of a baseline search: the winner, how sure it is, and what it was measured with."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from effsearch.nas.calibration import Calibration
from effsearch.nas.fidelities_worth import judge_fidelities
from effsearch.nas.finalists import Verdict
from effsearch.nas.latency_check import LatencyCheck
from effsearch.nas.setup import SearchPlan
from effsearch.nas.strategies.registry import wants_front
from effsearch.results.conditions import Conditions
from effsearch.results.kinds.baseline import BaselineAnswer
from effsearch.results.pareto import cheapest_first
from effsearch.results.references import Reference
from effsearch.results.store.run import Run
from effsearch.results.store.trials import Trial
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.errors import EffsearchError
from effsearch.search_spaces.notation import parse_stored


@dataclass(frozen=True, kw_only=True)
class BaselineResult:
    """What a baseline search found.

    Attributes:
        run: name such as `baseline/001`.
        path: the run directory.
        architecture: the winner.
        accuracy: a fraction; of the finalists' longer trainings where there were any, else as
            measured in the search.
        interval: of the accuracy; None without finalists over several seeds.
        reward: of the winner in the search.
        ranked: the trials that succeeded, best first as the strategy ranks them.
        macs, params, memory_bytes: the winner's costs.
        latency_ms: the winner's latency as measured; None where none was wanted.
        trials: all trials, in ask order.
        answer: the content of `baseline.json`.

    Example:
        >>> import effsearch
        >>> result = effsearch.search_baseline(target_flops="400M", samples=48, finalists=3)
        >>> result.macs == effsearch.cost(result.architecture).macs
        True
    """

    run: str
    path: Path
    architecture: Architecture
    accuracy: float
    interval: tuple[float, float] | None
    reward: float
    macs: int
    params: int
    memory_bytes: int
    latency_ms: float | None
    trials: list[Trial]
    ranked: list[Trial]
    answer: dict[str, Any]

    def _repr_html_(self) -> str:
        """In a notebook: how good the winner is, and the winner."""
        from effsearch.search_spaces.html import html_table
        from effsearch.search_spaces.units import format_count

        interval = "" if self.interval is None else "{:.4f} to {:.4f}".format(*self.interval)
        conditions = (self.answer.get("conditions") or {}).get("sentence", "")
        rows = [
            ("accuracy", f"{self.accuracy:.4f} {conditions}".strip()),
            ("interval", interval or "one training: none"),
            ("multiply-adds", format_count(self.macs)),
            ("parameters", format_count(self.params)),
            ("networks evaluated", len(self.trials)),
            ("folder", self.path),
        ]
        table = html_table(rows, caption=f"run {self.run}")
        return table + self.architecture._repr_html_()


def make_answer(
    run: Run,
    plan: SearchPlan,
    trials: Sequence[Trial],
    ranked: Sequence[Trial],
    verdict: Verdict | None,
    references: Sequence[Reference],
    calibration: Calibration | None,
    latency: LatencyCheck | None,
    estimates: Mapping[str, Any] | None = None,
    trainings_left: int = 0,
) -> BaselineResult:
    """The first of the ranked trials, or the one that finalists' trainings or a meter chose.

    Args:
        run, plan: of the search.
        trials: all of them.
        ranked: those that finished, at least one, best first.
        verdict: of the finalists; None without any.
        references: published networks that were trained as the finalists were.
        calibration: what is known of a soft objective; None with any other.
        latency: what measuring the winner showed; None where no latency was wanted.
        estimates: what an evaluator that trains nothing was worth; None with any other.
        trainings_left: of finalists and references, for which the budget left no time.
    """
    failed = [trial for trial in trials if trial.state == "failed"]
    shorter = [trial for trial in trials if trial.state == "done" and trial.epochs is not None]
    winner = verdict.winner if verdict else ranked[0]
    chosen_by = "finalists" if verdict else plan.strategy.ranked_by
    if latency and latency.winner.trial is not winner:
        winner, chosen_by = latency.winner.trial, "measured latency"
    architecture = parse_stored(winner.architecture)
    counted = cost(architecture)
    accuracy = verdict.accuracy if verdict else winner.accuracy
    interval = None
    if verdict and verdict.low is not None and verdict.high is not None:
        interval = (verdict.low, verdict.high)
    conditions = _conditions(plan, verdict, architecture)
    answer = BaselineAnswer(
        kind=run.kind,
        run=run.reference,
        id=winner.arch_id,
        notation=winner.architecture,
        **asdict(counted),
        latency_ms=latency.winner.measured_ms if latency else None,
        latency=latency.to_dict() if latency else None,
        accuracy=accuracy,
        accuracy_interval=interval,
        search_accuracy=winner.accuracy,
        reward=winner.reward,
        trial=winner.number,
        chosen_by=chosen_by,
        finalists=verdict.to_dict() if verdict else None,
        references=[reference.to_dict() for reference in references] or None,
        conditions=conditions.to_dict() if conditions else None,
        front=_front(ranked, verdict, plan.config.front_cost)
        if wants_front(plan.config.strategy)
        else None,
        targets=plan.config.targets,
        objective=plan.record["objective"],
        calibration=asdict(calibration) if calibration else None,
        space=plan.space.name,
        strategy=plan.config.strategy,
        pruning=_pruned(trials, plan) if plan.pruning else None,
        fidelities=judge_fidelities(plan.fidelities, plan.strategy, trials)
        if plan.fidelities
        else None,
        estimates=dict(estimates) if estimates else None,
        evaluator=plan.config.evaluator,
        data=plan.record.get("data"),
        samples=len(ranked) + len(failed) + len(shorter),
        failed=len(failed),
        trainings_left=trainings_left or None,
        seed=plan.config.seed,
        flops_convention=run.record["flops_convention"],
        versions=run.record["versions"],
        architecture=architecture.to_dict(),
        costs=winner.costs,
    )
    return BaselineResult(
        run=run.reference,
        path=run.path,
        architecture=architecture,
        accuracy=float(accuracy or 0.0),
        interval=interval,
        reward=float(winner.reward or 0.0),
        **asdict(counted),
        latency_ms=latency.winner.measured_ms if latency else None,
        trials=list(trials),
        ranked=list(ranked),
        answer=answer.to_dict(),
    )


def _conditions(
    plan: SearchPlan, verdict: Verdict | None, winner: Architecture
) -> Conditions | None:
    """Of the winner's accuracy: of the finalists' trainings where it is of those."""
    if verdict is None:
        # An estimate is no accuracy, and has none of its conditions.
        own = plan.trainer is plan.evaluator
        return Conditions.of(plan.record, network=winner) if own else None
    return Conditions.of(
        plan.record,
        network=winner,
        epochs=plan.finalist_recipe.epochs if plan.finalist_recipe else None,
        seeds=next(
            len(row["seeds"]) for row in verdict.rows if row["id"] == verdict.winner.arch_id
        ),
    )


def _pruned(trials: Sequence[Trial], plan: SearchPlan) -> dict[str, Any]:
    """What successive halving gave up and saved; failed trainings are not counted."""
    curves = [
        curve for trial in trials if isinstance(curve := trial.measurements.get("curve"), list)
    ]
    return {
        "kind": plan.config.pruning,
        "given_up": sum(trial.partial for trial in trials),
        "epochs_trained": sum(len(curve) for curve in curves),
        "epochs_in_full": len(curves) * plan.record["recipe"]["epochs"],
    }


def check_some(trials: Sequence[Trial], ranked: Sequence[Trial]) -> None:
    """Refuse a search in which nothing succeeded.

    Raises:
        EffsearchError: the first failure is named.
    """
    if ranked:
        return
    failed = [trial for trial in trials if trial.state == "failed"]
    if not failed:
        raise EffsearchError("no evaluation ended within the time budget: continue with --resume")
    raise EffsearchError(
        f"none of {len(failed)} evaluations succeeded; the first: {failed[0].error}"
    )


def _front(ranked: Sequence[Trial], verdict: Verdict | None, metric: str) -> list[dict[str, Any]]:
    """The networks that none beats in both accuracy and cost, cheapest first.

    By the finalists' trainings where there were any, as a search's front is its luckiest networks.
    """
    fresh = {row["id"]: row for row in verdict.rows} if verdict else {}
    trials = [trial for trial in ranked if not verdict or trial.arch_id in fresh]
    accuracies = [
        fresh.get(trial.arch_id, {"accuracy": trial.accuracy})["accuracy"] for trial in trials
    ]
    rows = []
    for place in cheapest_first(accuracies, [trial.costs[metric] for trial in trials]):
        trial = trials[place]
        row = {
            "id": trial.arch_id,
            "trial": trial.number,
            "accuracy": accuracies[place],
            "macs": trial.costs["macs"],
            metric: trial.costs[metric],
            "notation": trial.architecture,
        }
        if verdict:
            row |= {name: fresh[trial.arch_id][name] for name in ("low", "high", "search_accuracy")}
        rows.append(row)
    return rows
