"""Drawing and varying networks inside the cost band."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from effsearch.nas.cost_model import KnownCosts
from effsearch.nas.objective import Objective, banded_target
from effsearch.nas.problem import ENUMERABLE, Candidate, Problem
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.errors import InfeasibleError
from effsearch.search_spaces.space_file import load_space, parse_space

# An identity of unchanged shape vanishes, so its squeeze-excite spells one network twice.
ALIASED = """
resolution: 32
classes: 10
stem: {channels: 16, stride: 1}
stages:
  - {op: mbconv, channels: 16, expand: [1, 3, 6], layers: [1, 2]}
  - {block: [{op: identity}, {op: mbconv, kernel: 5, expand: 3}], se: [0, 0.25], channels: 16}
head: {channels: 64}
"""


@pytest.fixture(scope="module")
def problem() -> Problem:
    target = banded_target("macs", 4e8, floor=0.1)
    return Problem.of(load_space("mnasnet"), Objective((target,)))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_candidate_carries_the_costs_of_its_network(problem: Problem) -> None:
    candidate = problem.draw(rng(), 1, set())[0]
    counted = cost(candidate.architecture)
    assert candidate.costs["macs"] == counted.macs
    assert candidate.costs["params"] == counted.params
    assert candidate.costs["memory_bytes"] == counted.memory_bytes
    assert candidate == problem.candidate(candidate.encoding)


def test_a_recorded_candidate_makes_its_network_where_it_is_asked_for(problem: Problem) -> None:
    made = problem.draw(rng(), 1, set())[0]
    recorded = Candidate.recorded(made.encoding, problem.space, made.costs, made.id)
    assert recorded.id == made.id
    assert "architecture" not in vars(recorded)
    assert recorded.architecture == made.architecture
    assert recorded == made
    with pytest.raises(AttributeError, match="'nothing'"):
        _ = recorded.nothing


@pytest.mark.parametrize("change", [lambda e: e[:-1], lambda e: (*e, 0), lambda e: (-1, *e[1:])])
def test_what_is_no_encoding_of_a_space_is_told(
    problem: Problem, change: Callable[[tuple[int, ...]], tuple[int, ...]]
) -> None:
    encoding = problem.draw(rng(), 1, set())[0].encoding
    assert problem.space.holds(encoding)
    assert not problem.space.holds(change(encoding))


def test_draws_lie_in_the_band_and_differ(problem: Problem) -> None:
    drawn = problem.draw(rng(), 200, set())
    assert len({candidate.id for candidate in drawn}) == 200
    assert all(3.6e8 <= candidate.costs["macs"] <= 4e8 for candidate in drawn)


def test_no_draws_are_none(problem: Problem) -> None:
    assert problem.draw(rng(), 0, set()) == []


def test_what_was_seen_is_not_drawn(problem: Problem) -> None:
    first = problem.draw(rng(), 50, set())
    again = problem.draw(rng(), 50, {candidate.id for candidate in first})
    assert not {c.id for c in first} & {c.id for c in again}


def test_a_small_space_is_drawn_to_its_end_one_spelling_a_network() -> None:
    space = parse_space(ALIASED, "aliased")
    problem = Problem.of(space, Objective())
    assert space.size == 24
    networks = {space.decode(row).id for row in space.enumerate()}
    drawn = problem.draw(rng(), 1000, set())
    assert len(networks) == 18
    assert {candidate.id for candidate in drawn} == networks
    assert len(drawn) == 18
    assert problem.draw(rng(1), 5, networks) == []


def test_a_rare_band_is_reached_by_walking() -> None:
    space = load_space("mnasnet")
    rare = banded_target("macs", 50e6)  # the space begins at 45.4M
    rows = space.sample(rng(), 100_000)
    problem = Problem.of(space, Objective((rare,)))
    assert not len(problem.in_band(rows))
    drawn = problem.draw(rng(), 8, set())
    assert len(drawn) == 8
    assert all(candidate.costs["macs"] <= rare.high for candidate in drawn)


def test_targets_that_exclude_each_other_are_infeasible() -> None:
    space = load_space("mnasnet")
    many = banded_target("macs", 1.6e9, floor=0.01)
    few = banded_target("params", 1.7e6)
    problem = Problem.of(space, Objective((many, few)))
    with pytest.raises(InfeasibleError, match="all targets together"):
        problem.draw(rng(), 1, set())


def test_targets_that_exclude_each_other_are_infeasible_in_a_small_space() -> None:
    space = parse_space(ALIASED, "aliased")
    costs = Problem.of(space, Objective()).costs(np.array(list(space.enumerate())))
    problem = Problem.of(
        space,
        Objective(
            (
                banded_target("macs", float(costs["macs"].max()), floor=0.01),
                banded_target("params", float(costs["params"].min())),
            )
        ),
    )
    with pytest.raises(InfeasibleError, match="all targets together"):
        problem.draw(rng(), 1, set())


def test_a_space_beyond_enumeration_that_is_all_seen_gives_no_draw() -> None:
    # 2^17 encodings of one network: an identity whose kernel and ratio say nothing.
    stage = "{op: identity, channels: 16, kernel: [3, 5], se: [0, 0.25], expand: [1, 2]}"
    text = f"""
stem: {{channels: 16, stride: 1}}
resolution: 8
stages: [{{op: conv, channels: 16}}, {", ".join([stage] * 6)}]
"""
    problem = Problem.of(parse_space(text, "same"), Objective())
    assert problem.space.size > ENUMERABLE
    only = problem.draw(rng(), 5, set())
    assert len(only) == 1
    assert problem.draw(rng(1), 5, {only[0].id}) == []


def test_a_variation_differs_in_one_gene_where_that_is_enough(problem: Problem) -> None:
    parents = problem.draw(rng(), 20, set())
    encodings = np.array([parent.encoding for parent in parents])
    seen = {parent.id for parent in parents}
    children = problem.vary_many(rng(1), encodings, seen)
    assert len(children) == len({child.id for child in children} - seen) == 20
    for parent, child in zip(parents, children, strict=True):
        assert sum(a != b for a, b in zip(parent.encoding, child.encoding, strict=True)) == 1
        assert 3.6e8 <= child.costs["macs"] <= 4e8


def test_where_all_neighbours_are_seen_a_variation_goes_farther(problem: Problem) -> None:
    parent = problem.draw(rng(), 1, set())[0]
    around = problem.space.neighbours(np.array(parent.encoding))
    seen = {parent.id} | {problem.space.decode(row).id for row in around}
    (child,) = problem.vary_many(rng(), np.array([parent.encoding]), seen)
    assert child.id not in seen


def test_the_only_network_has_no_variation() -> None:
    text = "{resolution: 32, stages: [{op: mbconv, channels: [16, 24]}]}"
    problem = Problem.of(parse_space(text, "two"), Objective())
    both = problem.draw(rng(), 2, set())
    parents, seen = np.array([both[0].encoding]), {candidate.id for candidate in both}
    assert problem.vary_many(rng(), parents, seen) == []


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 20))
def test_draws_and_variations_follow_from_the_seed(seed: int, count: int) -> None:
    space = parse_space(ALIASED, "aliased")
    one, other = (Problem.of(space, Objective()) for _ in range(2))
    drawn = one.draw(rng(seed), count, set())
    assert drawn == other.draw(rng(seed), count, set())
    parents = np.array([candidate.encoding for candidate in drawn])
    seen = {candidate.id for candidate in drawn}
    assert one.vary_many(rng(seed), parents, seen) == other.vary_many(rng(seed), parents, seen)


def test_an_architecture_of_the_space_is_what_is_evaluated(problem: Problem) -> None:
    candidate = problem.draw(rng(), 1, set())[0]
    assert isinstance(candidate.architecture, Architecture)
    assert problem.space.decode(np.array(candidate.encoding)) == candidate.architecture


def test_the_memory_of_a_batch_is_that_of_weights_and_activations() -> None:
    space = parse_space(ALIASED, "aliased")
    known = KnownCosts(space, memory_batch=8)
    costs = known(space.sample(np.random.default_rng(0), 50))
    expected = 4 * costs["params"] + 8 * costs["memory_bytes"]
    assert (costs["total_memory_bytes"] == expected).all()
    low, high = known.ranges["total_memory_bytes"]
    assert low <= expected.min() <= expected.max() <= high
    target = banded_target("total_memory_bytes", float(np.median(expected)), floor=0.5)
    problem = Problem.of(space, Objective((target,)), known)
    drawn = problem.draw(np.random.default_rng(0), 5, set())
    assert all(problem.objective.targets[0].low <= one.costs["total_memory_bytes"] for one in drawn)
