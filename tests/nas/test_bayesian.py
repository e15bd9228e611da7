"""The Bayesian strategy: what it models, that it stays honest, and odd spaces and results."""

import numpy as np
import pytest

from effsearch.nas.landscape import SyntheticLandscape
from effsearch.nas.objective import Objective, banded_target
from effsearch.nas.options import ObjectiveKind
from effsearch.nas.problem import Candidate, Problem, Result
from effsearch.nas.strategies.base import Strategy
from effsearch.nas.strategies.bayesian import Bayesian
from effsearch.search_spaces.space_file import load_space, parse_space

ONE_CHOICE = """
name: one-choice
resolution: 32
classes: 10
stages: [{op: mbconv, channels: 16, kernel: [3, 5]}]
"""


def result_of(problem: Problem, candidate: Candidate, accuracy: float | None) -> Result:
    if accuracy is None:
        return Result(candidate, None, None)
    return Result(candidate, accuracy, float(problem.objective.reward(accuracy, candidate.costs)))


def search(strategy: Strategy, landscape: SyntheticLandscape, samples: int) -> list[Result]:
    problem = strategy.problem
    while len(strategy.history) < samples:
        batch = strategy.ask(8)
        clean = landscape.accuracy(np.array([c.encoding for c in batch]))
        noisy = [a + landscape.noise_of(c.id) for a, c in zip(clean, batch, strict=True)]
        strategy.tell([result_of(problem, c, a) for c, a in zip(batch, noisy, strict=True)])
    return strategy.history


def mnasnet(kind: ObjectiveKind = "hard", more: tuple[str, float] | None = None) -> Problem:
    targets = [banded_target("macs", 4e8, kind, floor=None if kind == "soft" else 0.1)]
    if more is not None:
        targets.append(banded_target(*more, kind))
    return Problem.of(load_space("mnasnet"), Objective(tuple(targets)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "more"),
    [("hard", None), ("soft", None), ("absolute", None), ("hard", ("params", 4.5e6))],
    ids=["hard", "soft", "absolute", "two-targets"],
)
def test_it_is_far_ahead_of_its_opening_draws_after_64_networks(
    kind: ObjectiveKind, more: tuple[str, float] | None
) -> None:
    problem = mnasnet(kind, more)
    landscape = SyntheticLandscape(problem.space, seed=5)
    history = search(Bayesian(problem), landscape, 64)
    drawn = [result.reward or 0.0 for result in history[:16]]
    late = [result.reward or 0.0 for result in history[-16:]]
    assert np.mean(late) > np.mean(drawn) + 1.5 * np.std(drawn)


def test_a_space_of_one_choice_of_two_is_walked_to_its_end() -> None:
    problem = Problem.of(parse_space(ONE_CHOICE, "one-choice"), Objective())
    strategy = Bayesian(problem, start=2)
    for expected in (1, 1, 0, 0):
        batch = strategy.ask(1)
        assert len(batch) == expected
        strategy.tell([result_of(problem, candidate, 0.5) for candidate in batch])


@pytest.mark.slow
def test_collapsed_trainings_do_not_hide_what_tells_the_good_ones_apart() -> None:
    problem = mnasnet()
    landscape = SyntheticLandscape(problem.space, seed=5)
    strategy = Bayesian(problem)
    while len(strategy.history) < 96:
        batch = strategy.ask(8)
        clean = landscape.accuracy(np.array([c.encoding for c in batch]))
        strategy.tell(
            [
                result_of(problem, c, 0.1 if int(c.id, 16) % 8 == 0 else float(a))
                for c, a in zip(batch, clean, strict=True)
            ]
        )
    good = [r.accuracy for r in strategy.history if r.accuracy and r.accuracy > 0.2]
    assert np.mean(good[-24:]) > np.mean(good[:12]) + 1.5 * np.std(good[:12])


@pytest.mark.slow
def test_all_measured_networks_are_ranked() -> None:
    problem = mnasnet()
    strategy = Bayesian(problem)
    batch = strategy.ask(16)
    strategy.tell([result_of(problem, c, None if i % 4 else 0.5) for i, c in enumerate(batch)])
    assert len(strategy.ranked()) == 4
    assert strategy.ranked() == strategy.ranked()


def test_long_histories_are_thinned_and_keep_their_best(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from effsearch.nas.strategies import bayesian

    monkeypatch.setattr(bayesian, "_MODELLED", 20)
    problem = mnasnet()
    drawn = problem.draw(np.random.default_rng(0), 60, set())
    results = [result_of(problem, c, int(c.id, 16) % 997 / 997) for c in drawn]
    kept = [results[place] for place in bayesian._modelled(results)]
    best = sorted(results, key=lambda result: -(result.reward or 0.0))[:10]
    assert len(kept) == 20
    assert {r.candidate.id for r in best} <= {r.candidate.id for r in kept}
    assert kept == [result for result in results if result in kept]


@pytest.mark.slow
def test_it_asks_the_same_whatever_the_number_of_threads() -> None:
    from threadpoolctl import threadpool_limits

    problem = mnasnet()
    landscape = SyntheticLandscape(problem.space)
    with threadpool_limits(limits=1):
        first = search(Bayesian(problem), landscape, 32)
    with threadpool_limits(limits=2):
        second = search(Bayesian(problem), landscape, 32)
    assert [r.candidate.encoding for r in first] == [r.candidate.encoding for r in second]


def test_the_opening_is_spread_farther_than_draws_from_the_band() -> None:
    problem = mnasnet()
    strategy = Bayesian(problem, 0)

    def nearest(candidates: list[Candidate]) -> int:
        rows = np.array([candidate.encoding for candidate in candidates])
        away = (rows[:, None] != rows[None]).sum(axis=2)
        return int(away[~np.eye(len(rows), dtype=bool)].min())

    opening = strategy.ask(8)
    strategy.tell([result_of(problem, candidate, None) for candidate in opening])
    opening += strategy.ask(8)  # nothing is measured yet, so it goes on opening
    drawn = problem.draw(np.random.default_rng(0), 16, set())
    assert len({candidate.id for candidate in opening}) == 16
    assert not problem.violation(np.array([c.encoding for c in opening])).any()
    assert nearest(opening) > nearest(drawn)
