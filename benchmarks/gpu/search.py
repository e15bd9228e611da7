"""`search`: a baseline for a budget, its finalists beside published networks."""

from typing import Any

from benchmarks.gpu.leg import Leg
from benchmarks.gpu.trainings import Crew, Training, capturing_pays, crew
from effsearch.nas.objective import Objective, banded_target
from effsearch.nas.problem import Candidate, Problem, Result
from effsearch.nas.strategies.registry import make_strategy
from effsearch.results.statistics import compare
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.notation import format_architecture, parse_architecture
from effsearch.search_spaces.space_file import load_space
from effsearch.search_spaces.units import parse_count
from effsearch.search_spaces.zoo import load_zoo


def run(leg: Leg) -> None:
    """Batches of the Bayesian strategy, each trained at once; then every seed of the finalists."""
    setting = leg.setting
    target = banded_target("macs", parse_count(setting.target), floor=0.1)
    problem = Problem.of(load_space("mnasnet"), Objective((target,)))
    strategy = make_strategy("bayesian", problem, 0)
    with crew(setting, setting.at_once) as team:
        longest = 0.0
        while len(strategy.history) < setting.networks:
            batch = strategy.ask(min(setting.at_once, setting.networks - len(strategy.history)))
            key = f"networks from {len(strategy.history)}"
            found = leg.once(key, lambda batch=batch: _trained(leg, team, batch), seconds=longest)
            longest = max(longest, *(one["seconds"] for one in found))
            strategy.tell([_result(problem, *pair) for pair in zip(batch, found, strict=True)])
        best = [result.candidate.architecture for result in strategy.ranked()[: setting.finalists]]
        finalists = {f"finalist {place}": network for place, network in enumerate(best, 1)}
        finalists |= {name: load_zoo(name) for name in setting.published}
        _compare(leg, team, finalists, longest * setting.final_epochs / setting.epochs)


def _trained(leg: Leg, team: Crew, batch: list[Candidate]) -> list[dict[str, Any]]:
    epochs, captured = leg.setting.epochs, capturing_pays(leg)
    return team.train(
        [
            Training(one.architecture, one_seed, epochs, captured=captured)
            for one_seed, one in _numbered(batch)
        ]
    )


def _numbered(batch: list[Candidate]) -> list[tuple[int, Candidate]]:
    return [(int(one.id[:6], 16), one) for one in batch]


def _result(problem: Problem, candidate: Candidate, found: dict[str, Any]) -> Result:
    assert found["id"] == candidate.id, "the search went another way: start it afresh"
    accuracy = found["accuracy"]
    reward = float(problem.objective.reward(accuracy, candidate.costs))
    return Result(candidate, accuracy, reward, tuple(found["curve"]))


def _compare(leg: Leg, team: Crew, networks: dict[str, Architecture], longest: float) -> None:
    """Every network and seed.

    Args:
        longest: seconds that the trainings of one seed are expected to take.
    """
    setting = leg.setting
    scores: dict[str, list[float]] = {name: [] for name in networks}
    try:
        for seed in range(setting.seeds):
            trainings = [
                Training(network, seed, setting.final_epochs, captured=capturing_pays(leg))
                for network in networks.values()
            ]
            found = leg.once(
                f"finalists, seed {seed}",
                lambda trainings=trainings: team.train(trainings),
                seconds=longest,
            )
            longest = max(one["seconds"] for one in found)
            for name, one in zip(networks, found, strict=True):
                if "error" not in one:
                    scores[name].append(one["accuracy"])
    finally:
        if all(scores.values()):
            leg.conclude(**_answer(networks, scores))


def _answer(networks: dict[str, Architecture], scores: dict[str, list[float]]) -> dict[str, Any]:
    _, estimates = compare(list(scores.values()))
    rows = [
        {
            "name": name,
            "macs": cost(network).macs,
            "accuracies": scores[name],
            "mean": round(estimate.mean, 5),
            "low": estimate.low,
            "high": estimate.high,
            "cannot_be_told_from_the_best": estimate.tied,
        }
        for (name, network), estimate in zip(networks.items(), estimates, strict=True)
    ]
    ours = [row for row in rows if row["name"].startswith("finalist")]
    winner = max(ours, key=lambda row: row["mean"])["name"]
    return {"winner": winner, "notation": format_architecture(networks[winner]), "networks": rows}


def found_baseline(leg: Leg) -> Architecture:
    """The winner of `search` beside this leg's file, else EfficientNet-B0."""
    searched = Leg("search", leg.setting, leg.folder, 0.0)
    notation = searched.answer.get("notation")
    return parse_architecture(notation) if notation else load_zoo("efficientnet-b0")
