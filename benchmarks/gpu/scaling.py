"""`grid`: the compound coefficients on the baseline. `compare`: one dimension against three."""

from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction
from typing import get_args

from benchmarks.gpu.leg import Leg, TimeIsUpError
from benchmarks.gpu.search import found_baseline
from benchmarks.gpu.trainings import Crew, Training, capturing_pays, crew
from effsearch.gridsearch.candidates import find_candidates
from effsearch.gridsearch.choice import Choice, choose
from effsearch.gridsearch.grid import Grid
from effsearch.gridsearch.setup import proxy_pixels
from effsearch.results.statistics import compare
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.notation import format_architecture
from effsearch.search_spaces.scaling import Coefficients
from effsearch.search_spaces.scaling_search import Dimension, scale_to_cost

_TOLERANCE = Fraction(1, 5)  # of α·β²·γ² = 2, wide enough for the paper's answer on a coarse grid
_PAPER = Coefficients(1.2, 1.1, 1.15)


def run_grid(leg: Leg) -> None:
    """Every distinct network of the grid, seed by seed."""
    baseline = found_baseline(leg)
    candidates = find_candidates(
        baseline,
        Grid(step=leg.setting.grid_step),
        phi=1.0,
        tolerance=_TOLERANCE,
        constraint="nominal",
    )
    networks = {found.id: found.architecture for found in candidates}
    scores, whole = _trained(leg, baseline, networks, leg.setting.grid_seeds)
    if choice := choose(candidates, scores):
        _conclude_grid(leg, baseline, choice, len(networks))
    if not whole:
        raise TimeIsUpError


def _conclude_grid(leg: Leg, baseline: Architecture, choice: Choice, networks: int) -> None:
    expected = choice.expected[choice.winner.id]
    leg.conclude(
        baseline=format_architecture(baseline),
        networks=networks,
        coefficients=[hundredths / 100 for hundredths in choice.winner.triple],
        expected_accuracy=round(expected.mean, 5),
        cannot_be_told_from_the_best=len(choice.ties),
        measured_ratio=round(choice.winner.measured_ratio, 3),
    )


def run_compare(leg: Leg) -> None:
    """The baseline, and at each budget depth, width, resolution and all three."""
    baseline = found_baseline(leg)
    how = Leg("grid", leg.setting, leg.folder, 0.0).answer.get("coefficients")
    coefficients = Coefficients(*how) if how else _PAPER
    own = cost(baseline).macs
    networks = {"baseline": baseline}
    for budget in leg.setting.budgets:
        for dimension in get_args(Dimension):
            found = scale_to_cost(baseline, dimension, own * budget, coefficients=coefficients)
            networks[f"{dimension} ×{budget:g}"] = found.architecture
    scores, whole = _trained(leg, baseline, networks, leg.setting.compare_seeds)
    if seen := {name: values for name, values in scores.items() if values}:
        _conclude_comparison(leg, baseline, coefficients, networks, seen)
    if not whole:
        raise TimeIsUpError


def _conclude_comparison(
    leg: Leg,
    baseline: Architecture,
    coefficients: Coefficients,
    networks: Mapping[str, Architecture],
    seen: Mapping[str, list[float]],
) -> None:
    own = cost(baseline).macs
    _, estimates = compare(list(seen.values()))
    rows = [
        {
            "network": name,
            "macs_ratio": round(cost(networks[name]).macs / own, 3),
            "accuracies": seen[name],
            "mean": round(estimate.mean, 5),
            "low": estimate.low,
            "high": estimate.high,
        }
        for name, estimate in zip(seen, estimates, strict=True)
    ]
    leg.conclude(
        baseline=format_architecture(baseline),
        coefficients=[coefficients.alpha, coefficients.beta, coefficients.gamma],
        networks=rows,
    )


def _trained(
    leg: Leg, baseline: Architecture, networks: Mapping[str, Architecture], seeds: int
) -> tuple[dict[str, list[float]], bool]:
    """Accuracies by seed, of as many networks as the leg's time holds, and whether of all."""
    setting = leg.setting
    pixels = {
        name: proxy_pixels(network, baseline, setting.pixels) for name, network in networks.items()
    }
    # Networks that cost alike together, so that none is waited for.
    names = sorted(networks, key=lambda name: cost(networks[name]).macs)
    groups = [
        (seed, names[start : start + setting.at_once])
        for seed in range(seeds)
        for start in range(0, len(names), setting.at_once)
    ]
    missing = [group for group in groups if _key(*group, networks) not in leg.found]
    if missing:
        with crew(setting, setting.at_once, largest=max(pixels.values())) as team:
            _train_groups(leg, team, missing, networks, pixels)
    scores: dict[str, list[float]] = {name: [] for name in networks}
    for group in groups:
        for name, one in zip(group[1], leg.found.get(_key(*group, networks), []), strict=False):
            if "error" not in one:
                scores[name].append(one["accuracy"])
    return scores, all(_key(*group, networks) in leg.found for group in groups)


def _train_groups(
    leg: Leg,
    team: Crew,
    groups: list[tuple[int, list[str]]],
    networks: Mapping[str, Architecture],
    pixels: Mapping[str, int],
) -> None:
    longest, captured = 0.0, capturing_pays(leg)
    with suppress(TimeIsUpError):
        for seed, names in groups:
            trainings = [
                Training(networks[name], seed, leg.setting.epochs, pixels[name], captured)
                for name in names
            ]
            found = leg.once(
                _key(seed, names, networks),
                lambda trainings=trainings: team.train(trainings),
                seconds=1.5 * longest,
            )
            longest = max(one["seconds"] for one in found)


def _key(seed: int, names: list[str], networks: Mapping[str, Architecture]) -> str:
    """Of another baseline the networks of these names are others."""
    named = (name if name == networks[name].id else f"{name} {networks[name].id}" for name in names)
    return f"seed {seed}: {', '.join(named)}"
