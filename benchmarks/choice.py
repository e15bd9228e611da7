"""How good the choice of coefficients is, on simulated surfaces over the real candidates.

    python -m benchmarks.choice                     all cells, 150 repetitions
    python -m benchmarks.choice --repetitions 20    a quick look
    python -m benchmarks.choice --only smooth,2,1,normal,1

The candidates are the 65 distinct networks of the default grid on EfficientNet-B0. Their true
accuracies are invented: 80% at best, and below it a concave quadratic with its summit at a random
candidate (`smooth`), the same with an offset of each network's own (`rough`), or with a step across
one dimension (`jump`), stretched to the spread. Trainings add noise: normal, heteroscedastic (four
times larger at one end of the grid than at the other) or skewed (a few trainings come out far too
low). `noise` is its standard deviation, in points, as spreads and regrets are.

Regret is the best true accuracy less the chosen one's; of efficiency, the same of accuracy ·
MACs^-0.07 relative to the cheapest. With one seed `new` trains five networks once more, as the
program does; `unrepeated` does not. `old` is the rule before: the cheapest of those that a t test
with Bonferroni's correction cannot tell from the highest mean, the noise with one seed being the
scatter about a quadratic surface. Coverage is that of the interval stated for what `new` and
`accuracy` choose. Writes `results/choice.json`.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from benchmarks.machine import write_result
from effsearch.gridsearch.candidates import Candidate, find_candidates
from effsearch.gridsearch.choice import DEVIATIONS, WEIGHT, preferred, sizes_of
from effsearch.gridsearch.grid import exact_tolerance, make_grid
from effsearch.gridsearch.repeats import pick
from effsearch.gridsearch.surface import Floats, Posterior, SurfaceModel
from effsearch.search_spaces.zoo import load_zoo

BEST = 0.8  # the accuracy of the best network
REPEATS = 5
REPETITIONS = 150
SURFACES = ("smooth", "rough", "jump")
SPREADS = (2.0, 10.0)
NOISES = (0.2, 1.0, 2.0)
SHAPES = ("normal", "heteroscedastic", "skewed")
SEEDS = (1, 2, 3)
RULES = ("new", "unrepeated", "accuracy", "efficiency", "old", "highest mean", "random")
CONFIDENCE = 0.9
FREEDOM = 55  # 65 networks less the ten terms of a quadratic surface
_Rng = np.random.Generator


class Cell(NamedTuple):
    """One setting of the simulation; spread and noise in points."""

    surface: str
    spread: float
    noise: float
    shape: str
    seeds: int


class Ground(NamedTuple):
    """What all cells share: the candidates, cheapest first, and the model of them."""

    candidates: list[Candidate]
    macs: Floats
    places: Floats
    model: SurfaceModel


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the cells; print a line each; write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--workers", type=int, default=1, help="cells at a time")
    parser.add_argument("--only", help="one cell: surface,spread,noise,shape,seeds")
    given = parser.parse_args(arguments)
    cells = [Cell(*values) for values in product(SURFACES, SPREADS, NOISES, SHAPES, SEEDS)]
    if given.only:
        cells = [cell for cell in cells if ",".join(f"{v:g}" if isinstance(v, float) else str(v)
                 for v in cell) == given.only]  # fmt: skip
    print("regret in accuracy (in efficiency), points; the most frequent choice; coverage")
    print(f"{'':36}" + "".join(f"{name:>14}" for name in RULES) + "   choice  truth   new  acc.")
    rows = []
    for row in _run(cells, given.repetitions, given.workers):
        rows.append(row)
        print(_line(row), flush=True)
    summary = _summary(rows)
    for name, value in summary.items():
        print(f"{name}: {value}")
    if not given.only:
        document = {
            "repetitions": given.repetitions,
            "networks": len(_ground().candidates),
            "repeats_with_one_seed": REPEATS,
            "interval_deviations": DEVIATIONS,
            "summary": summary,
            "cells": rows,
        }
        print(f"written: {write_result('choice', document, ('numpy', 'scipy')).name}")


def _run(cells: Sequence[Cell], repetitions: int, workers: int) -> Iterator[dict[str, Any]]:
    work: Callable[[Cell], dict[str, Any]] = partial(run_cell, repetitions=repetitions)
    if workers == 1:
        yield from map(work, cells)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(work, cells)


@cache
def _ground() -> Ground:
    candidates = find_candidates(
        load_zoo("efficientnet-b0"),
        make_grid(0.05),
        phi=1,
        tolerance=exact_tolerance(0.1),
        constraint="nominal",
    )
    model = SurfaceModel(sizes_of(candidates))
    macs = np.array([found.cost.macs for found in candidates], dtype=np.float64)
    return Ground(candidates, macs, model.places, model)


def run_cell(cell: Cell, repetitions: int) -> dict[str, Any]:
    """Regrets, choices and coverage over the repetitions; the same luck in every cell."""
    ground = _ground()
    gain = (ground.macs / ground.macs[0]) ** WEIGHT
    regrets: dict[str, list[tuple[float, float]]] = {name: [] for name in RULES}
    chosen: list[int] = []
    best: list[int] = []
    off: list[tuple[float, float]] = []
    for repetition in range(repetitions):
        rng = np.random.default_rng([repetition, 12])
        truth = true_accuracies(cell, ground.places, rng)
        trainings = truth[:, None] + noise(cell, ground.places, rng)
        picks, posterior = _picks(cell, ground, trainings, rng)
        efficiency = truth * gain
        for name, place in picks.items():
            regrets[name].append(
                (100 * (truth.max() - truth[place]),
                 100 * (efficiency.max() - efficiency[place]))
            )  # fmt: skip
        chosen.append(picks["new"])
        best.append(int(truth.argmax()))
        deviations = np.abs(posterior.mean - truth) / posterior.deviation
        off.append((deviations[picks["new"]], deviations[picks["accuracy"]]))
    coverage = np.mean(np.array(off) <= DEVIATIONS, axis=0)
    needed = np.quantile(off, CONFIDENCE, axis=0)
    count = len(ground.macs)
    return {
        **cell._asdict(),
        "regret": {name: _rounded(np.mean(values, axis=0)) for name, values in regrets.items()},
        "most_frequent_choice": float(np.bincount(chosen, minlength=count).max() / repetitions),
        "most_frequent_truth": float(np.bincount(best, minlength=count).max() / repetitions),
        "coverage": {"new": float(coverage[0]), "accuracy": float(coverage[1])},
        "deviations_that_cover_0.9": _rounded(needed),
    }


def _picks(
    cell: Cell, ground: Ground, trainings: Floats, rng: _Rng
) -> tuple[dict[str, int], Posterior]:
    """What each rule takes, and what the new one believes."""
    scores = [list(values[: cell.seeds]) for values in trainings]
    means = trainings[:, : cell.seeds].mean(axis=1)
    picks = {
        "old": old_rule(ground.places, trainings[:, : cell.seeds]),
        "highest mean": int(means.argmax()),
        "random": int(rng.integers(len(means))),
    }
    posterior = ground.model.posterior(scores)
    picks["unrepeated"] = _new(ground, posterior)
    if cell.seeds == 1:
        for place in pick(posterior.mean, ground.places, REPEATS):
            scores[place] = list(trainings[place, :2])
        posterior = ground.model.posterior(scores)
    picks["new"] = _new(ground, posterior)
    apart = np.zeros(len(means))
    picks["accuracy"] = preferred(posterior.mean, apart, ground.macs, "accuracy")
    picks["efficiency"] = preferred(posterior.mean, apart, ground.macs, "efficiency")
    return {name: picks[name] for name in RULES}, posterior


def _new(ground: Ground, posterior: Posterior) -> int:
    apart = posterior.deviation_of_difference(int(posterior.mean.argmax()))
    return preferred(posterior.mean, apart, ground.macs, "default")


def old_rule(places: Floats, trainings: Floats) -> int:
    """The cheapest of the Bonferroni ties; networks are sorted by cost."""
    from scipy.stats import t

    networks, seeds = trainings.shape
    means = trainings.mean(axis=1)
    if seeds > 1:
        freedom = networks * (seeds - 1)
        squares = float(((trainings - means[:, None]) ** 2).sum())
    else:
        centred = places - places.mean(axis=0)
        pairs = [centred[:, i] * centred[:, j] for i in range(3) for j in range(i, 3)]
        terms = np.stack([np.ones(networks), *centred.T, *pairs], axis=1)
        surface, _, rank, _ = np.linalg.lstsq(terms, means, rcond=None)
        freedom = networks - int(rank)
        squares = float(((means - terms @ surface) ** 2).sum())
    strict = float(t.ppf(1 - (1 - CONFIDENCE) / 2 / (networks - 1), freedom))
    margin = strict * np.sqrt(squares / freedom * 2 / seeds)
    return int(np.flatnonzero(means.max() - means <= margin)[0])


def true_accuracies(cell: Cell, places: Floats, rng: _Rng) -> Floats:
    """Of each network, the best at `BEST` and the worst the spread below it, (n,)."""
    summit = places[rng.integers(len(places))]
    bends = rng.normal(size=(3, 3))
    bends = bends @ bends.T / 3 + 0.3 * np.eye(3)
    away = places - summit
    surface = _to_unit(-np.einsum("ni,ij,nj->n", away, bends, away))
    own = rng.normal(size=len(places))
    dimension, upwards = int(rng.integers(3)), rng.choice([-1.0, 1.0])
    values = np.unique(places[:, dimension])
    edge = values[rng.integers(1, len(values))]
    if cell.surface == "rough":
        surface = surface + 0.25 * own
    if cell.surface == "jump":
        surface = surface + 0.7 * upwards * (places[:, dimension] >= edge)
    return BEST + cell.spread / 100 * _to_unit(surface)


def noise(cell: Cell, places: Floats, rng: _Rng) -> Floats:
    """Of each network's trainings, one more than there are seeds, (n, seeds + 1)."""
    shape = len(places), max(SEEDS) + 1
    drawn = 1 - rng.exponential(size=shape) if cell.shape == "skewed" else rng.normal(size=shape)
    if cell.shape == "heteroscedastic":
        along = places[:, 1] + places[:, 2]
        scale = 4 ** ((along - along.min()) / np.ptp(along))
        drawn = drawn * (scale / np.sqrt((scale**2).mean()))[:, None]
    return np.asarray(cell.noise / 100 * drawn[:, : cell.seeds + 1])


def _to_unit(values: Floats) -> Floats:
    """From -1 to 0."""
    return np.asarray((values - values.max()) / np.ptp(values))


def _rounded(pair: Floats) -> list[float]:
    return [round(float(value), 4) for value in pair]


def _line(row: dict[str, Any]) -> str:
    name = (
        f"{row['surface']:7}{row['spread']:>3g} points, noise {row['noise']:<4g}"
        f"{row['shape'][:6]:7}{row['seeds']:>2}"
    )
    cells = "".join(f"{f'{a:.2f} ({e:.2f})':>14}" for a, e in row["regret"].values())
    shares = f"{row['most_frequent_choice']:>9.2f}{row['most_frequent_truth']:>7.2f}"
    return f"{name:36}{cells}{shares}" + "".join(f"{c:>6.2f}" for c in row["coverage"].values())


def _summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The worst of the coverage and of the most frequent choice, and means over all cells."""

    def name(row: dict[str, Any]) -> str:
        return " ".join(str(row[key]) for key in Cell._fields)

    least = min(rows, key=lambda row: min(row["coverage"].values()))
    most = max(rows, key=lambda row: row["most_frequent_choice"])
    often = [row for row in rows if row["most_frequent_choice"] > 0.4]
    mean = {
        rule: _rounded(np.mean([row["regret"][rule] for row in rows], axis=0)) for rule in RULES
    }
    return {
        "mean_regret": mean,
        "least_coverage": [min(least["coverage"].values()), name(least)],
        "most_frequent_choice": [most["most_frequent_choice"], name(most)],
        "cells_with_a_choice_above_0.4": [name(row) for row in often],
    }


if __name__ == "__main__":
    main()
