"""What a search saves that may train networks for fewer epochs too, and what that may cost it.

    python -m benchmarks.fidelities
    python -m benchmarks.fidelities --correlations 0.95 0 --seeds 3 --minutes 8
    python -m benchmarks.fidelities --whole 16          # a short one at an eighth of the price

On synthetic landscapes in the band just under 400M multiply-adds. A short training sees a landscape
whose correlation with the true one is given exactly over the networks of the band: the true one,
and another that is made independent of it. It is of 2 epochs and costs a quarter of a whole
training of 8; of 16, an eighth. For each seed a
search of 100 whole trainings, and one that may ask for both and costs as much. Judged by the
noise-free reward of the network that the search would answer with, which was always trained whole.

Printed: when, for good, the second is where the first ends, as a share of what the first costs;
and with no correlation, when it is where the first was at nine tenths. Every search that has
ended is kept in `results/fidelities.jsonl` and not repeated; `results/fidelities.json` sums up,
for each price.
"""

import argparse
import json
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import write_result
from effsearch.nas.bench.benchmark import Synthetic
from effsearch.nas.fidelities import Fidelities
from effsearch.nas.landscape import SyntheticLandscape
from effsearch.nas.objective import Objective, banded_target
from effsearch.nas.problem import Candidate, Problem, Result
from effsearch.nas.strategies.bayesian import Bayesian
from effsearch.nas.surrogate.features import Floats
from effsearch.nas.surrogate.fidelities import FidelityProcess
from effsearch.search_spaces.space import Encodings
from effsearch.search_spaces.space_file import load_space

WHOLE = 100
"""What a search costs, in whole trainings."""
SHORT, EPOCHS = 2, 8
TARGET = 400e6
SEEDS = 8
MARKS = (12, 25, 50, 75, WHOLE)
CORRELATIONS = (0.95, 0.9, 0.0)
_TENTHS = WHOLE * 9 // 10 - 1
KEPT = Path(__file__).parent / "results" / "fidelities.jsonl"


class Short:
    """What trainings of fewer epochs see: offset, smaller spread, and the given correlation.

    Args:
        yardstick: of whole trainings.
        correlation: over the networks of the band.
    """

    def __init__(self, yardstick: Synthetic, correlation: float) -> None:
        self._yardstick, self._correlation = yardstick, correlation
        own = yardstick.landscape
        self._other = SyntheticLandscape(own.space, own.seed + 1000, own.noise)
        rows = np.array([one.encoding for one in self._drawn], dtype=np.int64)
        here, there = own.accuracy(rows), self._other.accuracy(rows)
        self._mean, self._spread = float(here.mean()), float(here.std())
        self._there = (float(there.mean()), float(there.std()))
        there = (there - self._there[0]) / self._there[1]
        here = (here - self._mean) / self._spread
        self._shared = float(here @ there) / len(rows)
        self._rest = float((there - self._shared * here).std())

    @cached_property
    def _drawn(self) -> list[Candidate]:
        return self._yardstick.problem.draw(np.random.default_rng(0), 2000, set())

    def accuracy(self, rows: Encodings) -> Floats:
        """Noise-free accuracies of short trainings, (n,)."""
        here = (self._yardstick.landscape.accuracy(rows) - self._mean) / self._spread
        there = (self._other.accuracy(rows) - self._there[0]) / self._there[1]
        rest = (there - self._shared * here) / self._rest
        alike = self._correlation
        return self._mean - 0.2 + 0.7 * self._spread * (alike * here + (1 - alike**2) ** 0.5 * rest)

    def measure(self, candidate: Candidate, seed: int) -> float:
        """One noisy measurement."""
        found = float(self.accuracy(np.array([candidate.encoding]))[0])
        return found + self._other.noise_of(candidate.id, seed)


def search(
    yardstick: Synthetic, short: Short | None, seed: int, whole: float, fidelities: Fidelities
) -> dict[str, Any]:
    """One search; its answers' noise-free rewards by what had been spent, in whole trainings."""
    strategy = Bayesian(yardstick.problem, seed)
    strategy.fidelities = fidelities if short else None
    spent, curve, cheap = 0.0, [], 0
    begun = time.perf_counter()
    while spent < whole:
        results = []
        for candidate in strategy.ask(strategy.default_batch):
            price = fidelities.price(candidate.epochs)
            if candidate.epochs is None:
                accuracy = yardstick.measure(candidate, seed)
            else:
                assert short is not None
                accuracy = short.measure(candidate, seed)
                cheap += 1
            spent += price
            reward = yardstick.reward(candidate, accuracy)
            results.append(
                Result(candidate, accuracy, reward, partial=candidate.epochs is not None)
            )
        strategy.tell(results)
        answer = strategy.ranked()[0].candidate
        curve.append((spent, yardstick.reward(answer, yardstick.accuracy(answer))))
    model = strategy._model
    learned = float(model.correlations[1]) if isinstance(model, FidelityProcess) else None
    return {
        "curve": [(round(at, 2), round(reward, 6)) for at, reward in curve],
        "short_trainings": cheap,
        "learned_correlation": learned,
        "seconds": round(time.perf_counter() - begun, 1),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is missing, print a table, write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--correlations", type=float, nargs="+", default=CORRELATIONS)
    parser.add_argument("--whole", type=int, default=EPOCHS, help="epochs of a whole training")
    parser.add_argument("--minutes", type=float, default=1e9, help="no search is begun after them")
    given = parser.parse_args(arguments)
    until = time.monotonic() + 60 * given.minutes
    kept = [json.loads(line) for line in KEPT.read_text().splitlines()] if KEPT.exists() else []
    fidelities = Fidelities(cheaper=(SHORT,), whole=given.whole)
    for seed in range(given.seeds):
        for correlation in (None, *given.correlations):
            # A search of whole trainings alone is the same at every price.
            price = fidelities.price(SHORT) if correlation is not None else None
            known = [(one["correlation"], one["seed"], one["price"]) for one in kept]
            if (correlation, seed, price) in known or time.monotonic() > until:
                continue
            yardstick = _yardstick(seed)
            short = None if correlation is None else Short(yardstick, correlation)
            found = search(yardstick, short, seed, WHOLE, fidelities)
            kept.append({"correlation": correlation, "seed": seed, "price": price, **found})
            with KEPT.open("a") as file:
                file.write(json.dumps(kept[-1]) + "\n")
    result = _summary(kept)
    print(json.dumps(result, indent=2))
    print(f"written: {write_result('fidelities', result).name}")


def _summary(kept: Sequence[Any]) -> dict[str, Any]:
    """Means over the seeds that all cases have, at every whole training's price."""
    cases = sorted(
        {(one["price"], one["correlation"]) for one in kept if one["price"]}, reverse=True
    )
    seeds = set.intersection(
        *({one["seed"] for one in _of(kept, *case)} for case in ((None, None), *cases))
    )
    kept = [one for one in kept if one["seed"] in seeds]
    marks = np.arange(1, WHOLE + 1)
    single = np.mean([_at(one["curve"], marks) for one in _of(kept, None, None)], axis=0)
    rows = []
    for price, correlation in cases:
        mine = _of(kept, price, correlation)
        curve = np.mean([_at(one["curve"], marks) for one in mine], axis=0)
        rows.append(
            {
                "price_of_a_short_one": price,
                "correlation": correlation,
                "rewards": {str(mark): _shown(curve[mark - 1]) for mark in MARKS},
                "reaches_the_end_of_single_at": _for_good(curve, float(single[-1])),
                "reaches_single_at_nine_tenths_at": _for_good(curve, float(single[_TENTHS])),
                "short_trainings": float(np.mean([one["short_trainings"] for one in mine])),
                "learned_correlation": _shown(
                    np.mean([one["learned_correlation"] for one in mine])
                ),
            }
        )
    return {
        "whole_trainings": WHOLE,
        "seeds": len(seeds),
        "single": {str(mark): _shown(single[mark - 1]) for mark in MARKS},
        "cases": rows,
    }


def _of(kept: Sequence[Any], price: float | None, correlation: float | None) -> list[Any]:
    return [one for one in kept if (one["price"], one["correlation"]) == (price, correlation)]


def _at(curve: Sequence[Sequence[float]], marks: NDArray[np.int64]) -> Floats:
    """The reward of the answer once so much was spent; that of the first one before any."""
    spent = np.array([at for at, _ in curve])
    places = np.searchsorted(spent, marks + 1e-9, side="right") - 1
    return np.array([curve[max(0, place)][1] for place in places])


def _for_good(curve: Floats, wanted: float) -> int | None:
    """What was spent when the curve came to where it stays above; None for never."""
    below = np.flatnonzero(curve < wanted)
    at = 1 if not len(below) else int(below[-1]) + 2
    return at if at <= WHOLE else None


def _shown(value: Any) -> float:
    return round(float(value), 4)


def _yardstick(seed: int) -> Synthetic:
    """A landscape of its own for each seed."""
    space = load_space("mnasnet")
    objective = Objective((banded_target("macs", TARGET, floor=0.1),))
    return Synthetic(Problem.of(space, objective), SyntheticLandscape(space, seed))


if __name__ == "__main__":
    main()
