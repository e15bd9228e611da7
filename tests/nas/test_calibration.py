"""Soft objectives: where their optimum lies, and the weight that puts it at the target."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.nas_bench_macro import JSON_FILE, SPACE
from effsearch.nas.auto_weight import with_learned_weight
from effsearch.nas.calibration import Calibration, calibrate, frontier, optimum, weight_for
from effsearch.nas.config import BaselineConfig, make_config
from effsearch.nas.landscape import SyntheticLandscape
from effsearch.nas.objective import Floats, make_objective
from effsearch.nas.problem import Candidate, Problem, Result
from effsearch.nas.strategies.bayesian import Bayesian
from effsearch.nas.trial_records import trial_seed
from effsearch.results.store.files import write_json
from effsearch.results.store.run import Run
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.space_file import load_space
from effsearch.training.recipes.recipe import proxy_recipe

COSTS = np.geomspace(5e7, 2e9, 400)


def soft(space: str, target: float, weight: float | None = None) -> Problem:
    config = BaselineConfig(target_flops=target, objective="soft", weight=weight)
    return Problem.of(load_space(space), make_objective(config))


def test_the_optimum_lies_where_the_weight_is_the_slope_of_the_frontier() -> None:
    # d log ACC / d log c = 0.1 − 0.04·log(c / 1e8), which is 0.07 at 1e8·e^0.75.
    logs = np.log(COSTS / 1e8)
    accuracies = 0.5 * np.exp(0.1 * logs - 0.02 * logs**2)
    assert optimum(COSTS, accuracies, -0.07) == pytest.approx(1e8 * np.exp(0.75), rel=0.02)
    for target in (1e8, 2e8, 6e8):
        weight = weight_for(COSTS, accuracies, target)
        assert weight == pytest.approx(0.04 * np.log(target / 1e8) - 0.1, abs=1e-4)
        assert optimum(COSTS, accuracies, weight or 0.0) == pytest.approx(target, rel=0.02)


def test_networks_below_the_frontier_do_not_count() -> None:
    logs = np.log(COSTS / 1e8)
    best = 0.5 * np.exp(0.1 * logs - 0.02 * logs**2)
    worse = best * np.random.default_rng(0).uniform(0.7, 0.99, len(best))
    both = weight_for(np.tile(COSTS, 2), np.concatenate([worse, best]), 3e8)
    assert both == weight_for(COSTS, best, 3e8)


@pytest.mark.parametrize("target", [4e7, 2e9, 3e9])
def test_there_is_no_weight_for_a_target_beyond_the_networks(target: float) -> None:
    assert weight_for(COSTS, np.log(COSTS) / 30, target) is None


def test_there_is_no_weight_where_accuracy_falls_with_cost() -> None:
    logs = np.log(COSTS / 1e8)
    assert weight_for(COSTS, 0.5 - 0.01 * logs**2, 1e9) is None


@pytest.fixture(scope="module")
def macro() -> dict[str, float]:
    """Mean accuracy of every network of NAS-Bench-Macro, by id."""
    if not JSON_FILE.exists():
        pytest.skip("NAS-Bench-Macro is not in ../shared/data")
    space = load_space(str(SPACE))
    return {
        space.decode(np.array([int(c) for c in key])).id: float(np.mean(entry["test_acc"])) / 100
        for key, entry in json.loads(JSON_FILE.read_text()).items()
    }


def every(problem: Problem, accuracy: dict[str, float]) -> tuple[Floats, Floats]:
    """Costs and accuracies of all networks of a space that a table holds in whole."""
    rows = np.array(list(problem.space.enumerate()))
    accuracies = np.array([accuracy[problem.space.decode(row).id] for row in rows])
    return problem.costs(rows)["macs"].astype(np.float64), accuracies


@pytest.mark.slow
def test_on_nas_bench_macro_the_weight_puts_the_optimum_at_the_target(
    macro: dict[str, float],
) -> None:
    problem = soft(str(SPACE), 70e6)
    costs, accuracies = every(problem, macro)
    # Only corners of the frontier's hull can be an optimum, and at 50M there is none near.
    for target, near in ((50e6, 0.2), (65e6, 0.1), (70e6, 0.1)):
        weight = weight_for(costs, accuracies, target)
        assert weight is not None
        assert optimum(costs, accuracies, weight) == pytest.approx(target, rel=near)

    def measure(candidate: Candidate) -> float:
        noise = np.random.default_rng(trial_seed(0, candidate.id)).normal(0, 0.001)
        return macro[candidate.id] + float(noise)

    # Each search looks around the optimum of its own weight, so a second and a third one, with
    # the weight that the last one worked out, know the frontier at the target better.
    weight, landed = -0.07, []
    for _ in range(3):
        problem = soft(str(SPACE), 70e6, weight)
        found = calibrate(problem, search(problem, measure, 104), 0)
        assert found is not None
        assert found.weight_at_target is not None
        assert found.weight_interval is not None
        assert found.weight_interval[0] < found.weight_at_target < found.weight_interval[1]
        weight = found.weight_at_target
        landed.append(optimum(costs, accuracies, weight))
    assert landed[-1] == pytest.approx(70e6, rel=0.1)


@pytest.mark.slow
def test_on_a_synthetic_landscape_the_weight_puts_the_optimum_near_the_target() -> None:
    problem = soft("mnasnet", 4e8, -0.12)
    landscape = SyntheticLandscape(problem.space, seed=1)
    rng = np.random.default_rng(0)
    best = frontier(problem, landscape.accuracy, problem.space.sample(rng, 100), rng)
    costs, accuracies = problem.costs(best)["macs"].astype(np.float64), landscape.accuracy(best)
    assert optimum(costs, accuracies, -0.12) < 3e8

    def measure(candidate: Candidate) -> float:
        clean = landscape.accuracy(np.array([candidate.encoding]))[0]
        return float(clean) + landscape.noise_of(candidate.id)

    results = search(problem, measure, 120)
    found = calibrate(problem, results, 0)
    assert found is not None
    assert found.weight_at_target is not None
    assert optimum(costs, accuracies, found.weight_at_target) == pytest.approx(4e8, rel=0.25)
    assert found == calibrate(problem, results, 0)


def search(problem: Problem, measure: Any, samples: int) -> list[Result]:
    strategy = Bayesian(problem)
    while len(strategy.history) < samples:
        results = []
        for candidate in strategy.ask(8):
            accuracy = measure(candidate)
            reward = float(problem.objective.reward(accuracy, candidate.costs))
            results.append(Result(candidate, accuracy, reward))
        strategy.tell(results)
    return strategy.history


def test_other_objectives_and_few_measurements_are_left_alone() -> None:
    problem = soft("mnasnet", 4e8)
    drawn = problem.draw(np.random.default_rng(0), 19, set())
    assert calibrate(problem, [Result(c, 0.5, 0.5) for c in drawn], 0) is None
    hard = Problem.of(problem.space, make_objective(BaselineConfig(target_flops=4e8)))
    assert calibrate(hard, [Result(c, 0.5, 0.5) for c in drawn * 2], 0) is None


def test_nothing_is_said_of_a_target_far_from_every_network() -> None:
    problem = soft("mnasnet", 1e6)
    drawn = problem.draw(np.random.default_rng(0), 20, set())
    assert calibrate(problem, [Result(c, 0.5, 0.5) for c in drawn], 0) is None


# --weight auto


CONFIG = make_config({"target_flops": "400M", "objective": "soft", "weight": "auto"})


def finished(folder: Path, weight: float | None, **options: Any) -> None:
    """A finished search that worked this weight out."""
    config = make_config(CONFIG.to_dict() | {"weight": -0.07}, options)
    found = Calibration(
        metric="macs",
        target=4e8,
        weight=-0.07,
        optimum=300_000_000,
        optimum_interval=(200_000_000, 400_000_000),
        weight_at_target=weight,
        weight_interval=None,
    )
    recipe = {"recipe": asdict(proxy_recipe(config.data, config.recipe_options()))}
    settings = config.to_dict()
    with Run.create(folder, "baseline", None, command=["x"], config=settings, extra=recipe) as run:
        write_json(run.paths.answer, {"calibration": asdict(found)})
        run.finish("finished")


def test_auto_takes_the_weight_of_the_newest_search_that_fits(tmp_path: Path) -> None:
    finished(tmp_path, -0.05)
    finished(tmp_path, -0.04)
    finished(tmp_path, None)
    finished(tmp_path, -0.03, target_flops="300M")
    finished(tmp_path, -0.02, epochs=9)
    config, note = with_learned_weight(CONFIG, tmp_path)
    assert config.weight == -0.04
    assert "baseline/002" in note


def test_auto_without_a_search_to_learn_from_is_refused(tmp_path: Path) -> None:
    finished(tmp_path, -0.05, space="efficientnetv2")
    with pytest.raises(InputError, match="search once without it"):
        with_learned_weight(CONFIG, tmp_path)


@pytest.mark.parametrize(
    "options",
    [
        {"target_flops": "400M"},
        {"objective": "soft"},
        {"objective": "soft", "target_flops": "400M", "target_params": "5M"},
    ],
)
def test_auto_belongs_to_a_soft_objective_with_one_target(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="belongs to a soft objective with one target"):
        make_config(options, {"weight": "auto"})
