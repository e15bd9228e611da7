"""What a model is told of collapsed trainings."""

import numpy as np
import pytest

from effsearch.nas.objective import Objective, ObjectiveKind, banded_target
from effsearch.nas.problem import Candidate, Result
from effsearch.nas.surrogate.lift import lifted
from effsearch.search_spaces.space_file import load_space

NETWORK = load_space("mnasnet").decode(np.zeros(len(load_space("mnasnet")), dtype=np.int64))
# Twenty ordinary networks of 200M to 580M MACs: rewards of .62 to .668 under `soft` at 400M.
ORDINARY = [(0.60 + 0.0035 * place, 2e8 + 2e7 * place) for place in range(20)]


def results(objective: Objective, measured: list[tuple[float, float]]) -> list[Result]:
    return [
        Result(
            Candidate((0,), NETWORK, {"macs": macs}),
            accuracy,
            float(objective.reward(accuracy, {"macs": macs})),
        )
        for accuracy, macs in measured
    ]


def aim(kind: ObjectiveKind) -> Objective:
    return Objective((banded_target("macs", 4e8, kind),))


def test_a_bad_tiny_network_is_not_lifted_above_the_lowest_reward() -> None:
    # FACTS §8: 52M MACs, accuracy .411, reward .411·(52/400)^−.07 = .474. Taken for an accuracy
    # of .584 its reward would be .674, above the best measured.
    objective = aim("soft")
    found = results(objective, [*ORDINARY, (0.411, 52e6)])
    values, _ = lifted(found, objective)
    rewards = objective.reward(
        values, {"macs": np.array([r.candidate.costs["macs"] for r in found])}
    )
    assert found[-1].reward == pytest.approx(0.474, abs=0.001)
    assert rewards[-1] < 0.62
    assert rewards[-1] < rewards[:-1].min()
    assert values[-1] < 0.54
    assert values[:-1].tolist() == [accuracy for accuracy, _ in ORDINARY]


def test_a_network_that_is_bad_for_its_cost_alone_is_left_as_it_is() -> None:
    objective = aim("hard")
    found = results(objective, [*ORDINARY[:11], (0.70, 4e9)])  # ten times over: a reward of .07
    values, doubts = lifted(found, objective)
    assert values[-1] == 0.70
    assert not doubts.any()


def test_what_is_bad_is_told_by_the_first_networks_not_by_those_a_search_comes_to() -> None:
    objective = Objective()
    crowd = [(0.70 + 0.0001 * place, 4e8) for place in range(100)]
    values, _ = lifted(results(objective, [*ORDINARY, *crowd]), objective)
    assert values[:20].tolist() == [accuracy for accuracy, _ in ORDINARY]


def test_a_collapsed_training_is_in_doubt_as_far_as_half_its_way_to_the_median() -> None:
    # Median .63325, best tenth .65985: the lowest that is told apart is .52685.
    objective = Objective()
    values, doubts = lifted(results(objective, [*ORDINARY, (0.1, 4e8), (0.52, 4e8)]), objective)
    assert values[-2:] == pytest.approx([0.52685, 0.52685])
    assert doubts[-2:] == pytest.approx([0.0532, 0.00685])
    assert not doubts[:-2].any()
