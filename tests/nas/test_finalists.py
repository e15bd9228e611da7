"""Finalists are measured afresh, survive a stop, and are judged by their fresh scores alone."""

from dataclasses import replace
from pathlib import Path

import pytest
from searches import write_evaluator, write_space

from effsearch.nas.baseline import search_baseline
from effsearch.nas.config import BaselineConfig
from effsearch.nas.finalists import choose_finalists, finalist_queue, judge
from effsearch.nas.objective import Objective, Target
from effsearch.results.store.ledger import Ledger
from effsearch.results.store.trials import Trial
from effsearch.search_spaces.notation import parse_architecture
from effsearch.training.trials.outcome import Outcome
from effsearch.training.trials.trainings import Trainings

NOTATION = "res32 act_relu stem_k3_s1_c8 ir_r1_k3_s1_e3_c{}"


def finalist(number: int, accuracy: float, macs: int = 100) -> Trial:
    return Trial(
        number=number,
        batch=0,
        seed=1,
        arch_id=f"network{number}",
        architecture=NOTATION.format(8 + 8 * number),
        encoding=(number,),
        costs={"macs": macs},
        state="done",
        asked_at=0.0,
        measurements={"accuracy": accuracy},
        reward=accuracy,
    )


def queue(path: Path, finalists: list[Trial], seeds: int = 2) -> Trainings:
    config = BaselineConfig(finalist_seeds=seeds)
    return finalist_queue(finalists, config, Objective(), Ledger.open(path))


def scores(trials: Trainings, found: Trial) -> list[float]:
    return trials.measured[parse_architecture(found.architecture).id].scores


def told(trial: int, accuracy: float) -> Outcome:
    return Outcome(trial, {"accuracy": accuracy}, None, "", 1.0, "host:1")


def test_every_finalist_is_trained_with_every_seed_once(tmp_path: Path) -> None:
    trials = queue(tmp_path / "f.jsonl", [finalist(0, 0.9), finalist(1, 0.8)], seeds=3)
    requests = trials.take(10)
    assert len({(r.architecture.id, r.seed) for r in requests}) == 6
    assert trials.take(1) == []


def test_a_stopped_comparison_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    path, finalists = tmp_path / "f.jsonl", [finalist(0, 0.9), finalist(1, 0.8)]
    first = queue(path, finalists)
    requests = first.take(4)
    first.record([told(requests[0].trial, 0.7), told(requests[2].trial, 0.6)])

    again = queue(path, finalists)
    missing = again.take(10)
    assert {(r.trial, r.seed) for r in missing} == {(r.trial, r.seed) for r in requests[1::2]}
    again.record([told(request.trial, 0.5) for request in missing])
    assert again.finished
    assert sorted(scores(again, finalists[0])) == [0.6, 0.7]


def test_more_seeds_keep_the_trainings_there_are(tmp_path: Path) -> None:
    path, finalists = tmp_path / "f.jsonl", [finalist(0, 0.9)]
    first = queue(path, finalists, seeds=2)
    first.record([told(request.trial, 0.7) for request in first.take(9)])
    assert len(queue(path, finalists, seeds=5).take(9)) == 3


def test_failed_trainings_are_counted_and_leave_the_others(tmp_path: Path) -> None:
    only = finalist(0, 0.9)
    trials = queue(tmp_path / "f.jsonl", [only])
    first, second = trials.take(3)  # as many as there are
    trials.record([Outcome(first.trial, None, "error", "boom", 0.0, "host:1")])
    trials.record([told(second.trial, 0.7)])
    assert trials.finished
    assert scores(trials, only) == [0.7]


def test_the_search_result_does_not_choose_the_winner() -> None:
    lucky, good = finalist(0, 0.99), finalist(1, 0.80)
    fresh = {"network0": [0.70, 0.71], "network1": [0.80, 0.81]}
    verdict = judge([lucky, good], fresh, Objective())
    assert verdict is not None
    assert verdict.winner is good
    assert verdict.ties == ["network1"]
    assert verdict.accuracy == pytest.approx(0.805)


def test_rank_correlation_compares_search_and_longer_training() -> None:
    finalists = [finalist(0, 0.9), finalist(1, 0.8), finalist(2, 0.7)]
    fresh = {"network0": [0.5], "network1": [0.6], "network2": [0.7]}
    verdict = judge(finalists, fresh, Objective())
    assert verdict is not None
    assert verdict.rank_correlation == pytest.approx(-1.0)


def test_accuracies_are_read_back_from_penalised_rewards() -> None:
    objective = Objective((Target(metric="macs", limit=100, kind="absolute", weight=-0.5),))
    dear = finalist(0, 0.9, macs=150)
    reward = float(objective.reward(0.8, dear.costs))
    verdict = judge([dear], {"network0": [reward, reward]}, objective)
    assert verdict is not None
    assert verdict.accuracy == pytest.approx(0.8)


def test_no_verdict_where_every_training_failed() -> None:
    assert judge([finalist(0, 0.9)], {"network0": []}, Objective()) is None


def test_nsga2_has_its_whole_front_trained_again() -> None:
    dear = BaselineConfig(strategy="nsga2", finalists=1)
    trials = [finalist(0, 0.9, 300), finalist(1, 0.8, 100), finalist(2, 0.7, 200)]
    assert choose_finalists(trials, dear) == trials[:2]
    assert choose_finalists(trials, replace(dear, finalists=0)) == []
    assert choose_finalists(trials, replace(dear, strategy="random")) == trials[:1]


# The noise of one measurement makes networks look good that are not.
NOISY = """
def evaluate(architecture, seed):
    return min(0.5 + architecture.stages[-1].channels / 400 + seed % 97 / 300, 1.0)
"""


@pytest.mark.slow
@pytest.mark.usefixtures("ray_address")
def test_the_front_of_nsga2_goes_by_the_fresh_trainings(tmp_path: Path) -> None:
    config = BaselineConfig(
        space=write_space(tmp_path),
        evaluator=write_evaluator(tmp_path, NOISY),
        strategy="nsga2",
        strategy_options={"population": 4},
        samples=16,
        finalists=1,
        finalist_seeds=2,
        workers=2,
    )
    result = search_baseline(config, run_dir=tmp_path / "runs", quiet=True)
    rows = {row["id"]: row for row in result.answer["finalists"]["rows"]}
    found = result.answer["front"]
    assert set(rows) == {trial.arch_id for trial in choose_finalists(result.ranked, config)}
    assert 1 <= len(found) <= len(rows) > 1
    for row in found:
        fresh = rows[row["id"]]
        assert (row["accuracy"], row["low"]) == (fresh["accuracy"], fresh["low"])
        assert not any(
            other["accuracy"] > row["accuracy"] and other["macs"] <= row["macs"]
            for other in rows.values()
        )
    assert [row["macs"] for row in found] == sorted(row["macs"] for row in found)
