"""The promises every strategy keeps, and that those which learn do learn."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from effsearch.nas.landscape import SyntheticLandscape
from effsearch.nas.objective import Objective, banded_target
from effsearch.nas.problem import Candidate, Problem, Result
from effsearch.nas.strategies.base import Strategy
from effsearch.nas.strategies.evolution import RegularizedEvolution
from effsearch.nas.strategies.local_search import LocalSearch
from effsearch.nas.strategies.registry import STRATEGIES, make_strategy, strategy_options
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.space import SearchSpace
from effsearch.search_spaces.space_file import load_space, parse_space

Evaluate = Callable[[Candidate], float | None]

# 72 encodings; the second stage may be an identity, and se of an identity changes nothing, so
# several encodings spell one network.
TINY = """
name: tiny
resolution: 32
classes: 10
stem: {channels: 16, stride: 1}
stages:
  - {op: mbconv, channels: 16, expand: [1, 3, 6], kernel: [3, 5], layers: [1, 2]}
  - block: [{op: identity}, {op: mbconv, kernel: 3, expand: 3}, {op: mbconv, kernel: 5, expand: 3}]
    se: [0, 0.25]
    channels: 16
head: {channels: 64}
"""


def tiny_space() -> SearchSpace:
    return parse_space(TINY, "tiny")


def tiny_problem() -> Problem:
    """A handful of networks: those of the tiny space in the upper part of its costs."""
    space = tiny_space()
    high = Problem.of(space, Objective()).costs(np.array(list(space.enumerate())))["macs"].max()
    return Problem.of(space, Objective((banded_target("macs", float(high), floor=0.5),)))


def mnasnet_problem(floor: float = 0.1) -> Problem:
    target = banded_target("macs", 4e8, floor=floor)
    return Problem.of(load_space("mnasnet"), Objective((target,)))


def result_of(problem: Problem, candidate: Candidate, accuracy: float | None) -> Result:
    if accuracy is None:
        return Result(candidate, None, None)
    return Result(candidate, accuracy, float(problem.objective.reward(accuracy, candidate.costs)))


def on_landscape(landscape: SyntheticLandscape, seed: int = 0) -> Evaluate:
    def evaluate(candidate: Candidate) -> float:
        clean = landscape.accuracy(np.array([candidate.encoding], dtype=np.int64))[0]
        return float(clean) + landscape.noise_of(candidate.id, seed)

    return evaluate


def search(
    strategy: Strategy, evaluate: Evaluate, batches: int, size: int = 8
) -> list[list[Result]]:
    """Ask and tell in turn; the told batches, empty ones left out."""
    told = []
    for _ in range(batches):
        batch = strategy.ask(size)
        results = [result_of(strategy.problem, c, evaluate(c)) for c in batch]
        strategy.tell(results)
        if results:
            told.append(results)
    return told


EVERY = pytest.mark.parametrize("name", sorted(STRATEGIES))
LEARNING = pytest.mark.parametrize("name", sorted(set(STRATEGIES) - {"random"}))
# Small enough that each strategy is past its opening draws within a few batches.
QUICK: dict[str, dict[str, int]] = {
    "evolution": {"population": 16, "sample": 5},
    "tpe": {"start": 8},
    "nsga2": {"population": 8},
}


def quick(name: str, problem: Problem, seed: int = 0) -> Strategy:
    return make_strategy(name, problem, seed, **QUICK.get(name, {}))


@pytest.fixture(scope="module")
def problem() -> Problem:
    return mnasnet_problem()


@pytest.fixture(scope="module")
def landscape(problem: Problem) -> SyntheticLandscape:
    return SyntheticLandscape(problem.space)


def spoiled(evaluate: Evaluate) -> Evaluate:
    """The same with every fourth network failing, by its id."""
    return lambda c: None if int(c.id, 16) % 4 == 0 else evaluate(c)


def encodings(batch: list[Candidate]) -> list[tuple[int, ...]]:
    return [candidate.encoding for candidate in batch]


@EVERY
def test_every_candidate_is_new_and_lies_in_the_band(
    name: str, problem: Problem, landscape: SyntheticLandscape
) -> None:
    told = search(quick(name, problem), spoiled(on_landscape(landscape)), batches=8)
    candidates = [result.candidate for batch in told for result in batch]
    assert len(candidates) == 64
    assert len({candidate.id for candidate in candidates}) == 64
    for candidate in candidates:
        assert 3.6e8 <= candidate.costs["macs"] <= 4e8
        assert candidate == problem.candidate(candidate.encoding)


@EVERY
def test_a_replayed_search_asks_what_the_live_one_asks(
    name: str, problem: Problem, landscape: SyntheticLandscape
) -> None:
    live = quick(name, problem, seed=3)
    evaluate = spoiled(on_landscape(landscape))
    told = []
    for size in (8, 8, 3, 8, 8, 1, 8, 8):
        resumed = quick(name, problem, seed=3)
        for batch in told:
            resumed.replay(batch)
        asked = live.ask(size)
        assert encodings(resumed.ask(size)) == encodings(asked)
        told.append([result_of(problem, c, evaluate(c)) for c in asked])
        live.tell(told[-1])


@EVERY
@settings(max_examples=6, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    sizes=st.lists(st.integers(1, 9), min_size=2, max_size=7),
    outcome=st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1, max_size=7),
)
def test_replay_is_live_whatever_is_measured(
    name: str, seed: int, sizes: list[int], outcome: list[float | None]
) -> None:
    problem = tiny_problem()
    live, resumed = quick(name, problem, seed), quick(name, problem, seed)
    for size in sizes:
        asked = live.ask(size)
        results = [result_of(problem, c, outcome[int(c.id, 16) % len(outcome)]) for c in asked]
        live.tell(results)
        resumed.replay(results)
    assert encodings(resumed.ask(5)) == encodings(live.ask(5))
    assert len(live.seen) == len({c.id for c in live.problem.draw(rng(), 10**6, set())} & live.seen)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@EVERY
def test_the_same_seed_is_the_same_search_and_another_is_not(
    name: str, problem: Problem, landscape: SyntheticLandscape
) -> None:
    evaluate = on_landscape(landscape)
    first = search(quick(name, problem, seed=1), evaluate, batches=4)
    again = search(quick(name, problem, seed=1), evaluate, batches=4)
    other = search(quick(name, problem, seed=2), evaluate, batches=4)
    assert first == again
    assert first != other


@EVERY
def test_a_space_that_runs_out_gives_each_network_once_and_then_nothing(name: str) -> None:
    problem = tiny_problem()
    every = {candidate.id for candidate in problem.draw(rng(), 10**6, set())}
    strategy = quick(name, problem)
    told = search(strategy, lambda c: int(c.id, 16) % 97 / 97, batches=len(every) // 8 + 2)
    assert {result.candidate.id for batch in told for result in batch} == every
    assert sum(len(batch) for batch in told) == len(every)
    assert strategy.ask(8) == []


@EVERY
@pytest.mark.parametrize("accuracy", [None, 0.0, 0.5], ids=["all-fail", "all-zero", "all-equal"])
def test_a_search_without_signal_goes_on(
    name: str, accuracy: float | None, problem: Problem
) -> None:
    told = search(quick(name, problem), lambda _: accuracy, batches=6)
    assert [len(batch) for batch in told] == [8] * 6


@EVERY
def test_a_space_of_one_network_is_searched(name: str) -> None:
    text = "{name: one, resolution: 32, stages: [{op: mbconv, channels: 16}]}"
    problem = Problem.of(parse_space(text, "one"), Objective())
    told = search(quick(name, problem), lambda _: 0.5, batches=2)
    assert [len(batch) for batch in told] == [1]


@LEARNING
@pytest.mark.slow
def test_learning_beats_drawing(name: str, problem: Problem, landscape: SyntheticLandscape) -> None:
    batches = 12 if name in ("bayesian", "tpe") else 25  # models: sooner, and slower

    def found(strategy: str, seed: int) -> float:
        told = search(make_strategy(strategy, problem, seed), on_landscape(landscape), batches)
        best = max((r for batch in told for r in batch), key=lambda r: r.reward or 0.0)
        clean = landscape.accuracy(np.array([best.candidate.encoding]))[0]
        return float(problem.objective.reward(clean, best.candidate.costs))

    seeds = range(3)
    drawn = np.median([found("random", seed) for seed in seeds])
    assert np.median([found(name, seed) for seed in seeds]) > drawn + 0.002


def test_evolution_breeds_from_the_youngest_measured_networks_only(problem: Problem) -> None:
    strategy = RegularizedEvolution(problem, population=10, sample=50)
    # The very best comes first, and is too old once ten younger ones are measured.
    search(strategy, lambda _: 0.9, batches=1, size=1)
    search(strategy, lambda c: 0.5 + int(c.id, 16) % 97 / 1000, batches=3, size=10)
    strategy.tell([result_of(problem, c, None) for c in strategy.ask(10)])
    living = [r.candidate.encoding for r in strategy.measured[-10:]]
    for child in strategy.ask(10):
        nearest = min(sum(a != b for a, b in zip(child.encoding, p, strict=True)) for p in living)
        assert nearest == 1


def test_local_search_walks_by_single_genes_to_better_networks(problem: Problem) -> None:
    strategy = LocalSearch(problem)
    told = search(strategy, lambda c: 1 - abs(c.costs["params"] - 5e6) / 5e6, batches=12)
    incumbent = max(told[0], key=lambda r: r.reward or 0.0)
    for batch in told[1:]:
        for result in batch:
            pairs = zip(incumbent.candidate.encoding, result.candidate.encoding, strict=True)
            assert sum(a != b for a, b in pairs) == 1
        incumbent = max([incumbent, *batch], key=lambda r: r.reward or 0.0)
    assert incumbent.reward > max(r.reward for r in told[0])  # type: ignore[operator,type-var]


def test_local_search_starts_anew_where_no_neighbour_is_better() -> None:
    problem = tiny_problem()
    strategy = LocalSearch(problem)
    told = search(strategy, lambda _: 0.5, batches=10, size=4)
    start = told[0][0].candidate.encoding
    distances = {
        sum(a != b for a, b in zip(start, r.candidate.encoding, strict=True))
        for batch in told[1:]
        for r in batch
    }
    assert max(distances) > 1


def test_a_batch_of_one_and_of_many_are_both_filled(problem: Problem) -> None:
    strategy = RegularizedEvolution(problem)
    search(strategy, lambda c: int(c.id, 16) % 97 / 97, batches=1, size=60)
    assert len(strategy.ask(1)) == 1
    strategy.tell([])
    assert len(strategy.ask(300)) == 300


def test_an_unknown_strategy_is_named_with_the_nearest_known_one(problem: Problem) -> None:
    with pytest.raises(InputError, match="did you mean 'evolution'"):
        make_strategy("evolutoin", problem)


def test_an_unknown_option_is_named_with_the_nearest_known_one(problem: Problem) -> None:
    with pytest.raises(InputError, match="did you mean 'population'"):
        make_strategy("evolution", problem, populaton=3)


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("evolution", "population", 1),
        ("evolution", "sample", 0),
        ("evolution", "start", 51),
        ("ppo", "learning_rate", float("nan")),
        ("ppo", "clip", 0),
        ("tpe", "start", "many"),
        ("nsga2", "population", 1),
    ],
)
def test_an_option_out_of_range_is_refused(
    name: str, option: str, value: object, problem: Problem
) -> None:
    with pytest.raises(InputError, match=f"strategy '{name}': {option} must be"):
        make_strategy(name, problem, 0, **{option: value})


def test_options_are_listed_with_their_defaults() -> None:
    assert strategy_options("evolution") == {"population": 50, "sample": 15, "start": None}
    assert strategy_options("random") == {}


def test_the_registry_imports_neither_torch_nor_optuna() -> None:
    code = (
        "import sys, effsearch.nas.strategies.registry as r; r.make_strategy;"
        "print(sorted({'torch', 'optuna'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_ppo_learns_to_choose_what_is_rewarded(problem: Problem) -> None:
    # SiLU is worth a point and nothing else is worth anything.
    gene = [gene.path for gene in problem.space.genes].index("activation")
    strategy = make_strategy("ppo", problem, learning_rate=0.02)
    told = search(strategy, lambda c: 0.5 + 0.1 * c.encoding[gene], batches=20)
    last = [r.candidate.encoding[gene] for batch in told[-3:] for r in batch]
    assert np.mean(last) > 0.8


def test_ppo_leaves_torch_s_own_randomness_and_threads_alone(problem: Problem) -> None:
    import torch

    state, threads = torch.get_rng_state(), torch.get_num_threads()
    search(make_strategy("ppo", problem), lambda _: 0.5, batches=1)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_nsga2_notes_generations_as_optuna_would(problem: Problem) -> None:
    from effsearch.nas.strategies.nsga2 import NSGA2

    strategy = NSGA2(problem, population=8)
    search(strategy, lambda c: int(c.id, 16) % 97 / 97, batches=3)
    trial, _ = strategy._suggest(strategy.sampler(0))
    noted = trial.study.get_trials(deepcopy=False)[-1].system_attrs
    assert list(noted.items()) == list(strategy.attributes(24).items())
