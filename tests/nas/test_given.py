"""Searches that are given objects of Python: functions, classes, spaces, objectives, callbacks."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from searches import SMALL_SPACE

import effsearch
from effsearch.nas.config import BaselineConfig
from effsearch.nas.evaluators.registry import make_evaluator
from effsearch.nas.evaluators.user import object_evaluator
from effsearch.nas.objective import OwnObjective, make_objective
from effsearch.nas.problem import Candidate
from effsearch.nas.setup import make_plan
from effsearch.results.callbacks import check_callbacks
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import EffsearchError, InputError
from effsearch.training.trials.evaluator import Request
from effsearch.training.trials.worker import evaluate_here

SPACE = effsearch.load_space(SMALL_SPACE)


def by_id(architecture: Architecture) -> float:
    return int(architecture.id[:4], 16) / 0x20000


class Last(effsearch.Strategy):
    """Proposes the band's last encodings."""

    def propose(self, rng: np.random.Generator, count: int) -> Sequence[Candidate]:
        rows = self.problem.in_band(self.problem.space.sample(rng, 64))
        return self.problem.new(rows[::-1], self.seen, count)


class Outside(effsearch.Strategy):
    def propose(self, rng: np.random.Generator, count: int) -> Sequence[Candidate]:
        first = self.problem.draw(rng, 1, self.seen)[0]
        return [Candidate((9,) * len(first.encoding), first.architecture, first.costs)]


class Stuck(effsearch.Strategy):
    def propose(self, rng: np.random.Generator, count: int) -> Sequence[Candidate]:
        return [self.problem.candidate(np.zeros(len(self.problem.space), dtype=np.int64))]


def efficient(accuracy: Any, costs: Any) -> Any:
    return accuracy * (costs["macs"] / 6e7) ** -0.1


def config(**options: Any) -> BaselineConfig:
    return BaselineConfig.make({"space": SPACE, "evaluator": by_id, "samples": 6} | options)


def evaluated(function: Any) -> str:
    """What a worker says of one network evaluated by a function; its accuracy where it has one."""
    evaluator, _ = object_evaluator(function)
    evaluator.prepare()
    network = SPACE.decode(np.zeros(len(SPACE), dtype=np.int64))
    (outcome,) = evaluate_here(evaluator, [Request(0, network, 7)], None)
    return outcome.error or str(outcome.accuracy)


def test_objects_stand_in_the_configuration_as_text_or_data() -> None:
    kept = config(strategy=Last, objective=efficient).to_dict()
    assert kept["evaluator"] == "python:by_id"
    assert kept["strategy"] == "python:Last"
    assert kept["objective"] == "python:efficient"
    assert effsearch.load_space(kept["space"]).digest == SPACE.digest
    json.dumps(kept)


def test_an_object_that_is_not_here_is_asked_for() -> None:
    for name, given in (("evaluator", by_id), ("strategy", Last), ("objective", efficient)):
        stored = config(**{name: given}).to_dict()
        stored["evaluator"] = stored["evaluator"] if name == "evaluator" else "x.csv"
        with pytest.raises(InputError, match=f"{name} was given from Python .*{name}=…"):
            make_plan(BaselineConfig.make(stored))


def test_a_function_takes_along_what_it_refers_to() -> None:
    share = 0.25

    def here(architecture: Architecture, seed: int) -> float:
        return share + seed / 100

    assert evaluated(here) == "0.32"
    assert evaluated(lambda architectures: [0.5 for _ in architectures]) == "0.5"
    record = make_evaluator(BaselineConfig.make({"evaluator": here}), SPACE).record
    assert "share + seed" in str(record["evaluator"])


def test_what_cannot_be_pickled_is_named() -> None:
    guard = threading.Lock()

    def locked(architecture: Architecture) -> float:
        with guard:
            return 0.5

    with pytest.raises(InputError, match=r"locked' cannot be sent .* it holds 'guard' \(a lock\)"):
        object_evaluator(locked)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda architecture: None, "the evaluator returned None: return a fraction"),
        (lambda architecture: float("nan"), "accuracy is nan"),
        (lambda architecture: 76.3, "must be a fraction in [0, 1], not 76.3 (in percent?"),
        (lambda architectures: [0.1, 0.2], "returned 2 results for 1 networks"),
        (lambda architectures: None, "returned None for 1 networks: return a list"),
        (lambda architectures: {"accuracy": 0.5}, "returned a dict for 1 networks"),
    ],
)
def test_a_wrong_result_is_one_line(function: Any, said: str) -> None:
    assert said in evaluated(function)


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        (Outside, r"strategy 'Outside' proposed the encoding .*outside the space 'small'"),
        (Stuck, r"strategy 'Stuck' proposed nothing but networks that were asked already, 5"),
    ],
)
def test_a_strategy_that_errs_is_named(strategy: type[effsearch.Strategy], said: str) -> None:
    search = effsearch.ask_tell(space=SPACE, strategy=strategy)

    def go_on() -> None:
        for _ in range(9):
            networks = search.ask(2)
            search.tell(networks, [0.5] * len(networks))

    with pytest.raises(EffsearchError, match=said):
        go_on()


def test_what_is_no_strategy_is_refused() -> None:
    for given, said in (
        (dict, "not a subclass of effsearch.Strategy"),
        (effsearch.Strategy, "lacks a method 'propose"),
        (5, "must be text or a subclass of effsearch.Strategy, not 5"),
    ):
        with pytest.raises(InputError, match=said):
            effsearch.ask_tell(space=SPACE, strategy=given)  # type: ignore[arg-type]


def test_an_objective_is_a_function_or_ours() -> None:
    own = make_objective(config(objective=efficient, target_flops=6e7))
    assert isinstance(own, OwnObjective)
    costs = {"macs": np.array([3e7, 6e7])}
    rewards = own.reward(np.array([0.5, 0.5]), costs)
    assert rewards[0] > rewards[1] == 0.5
    assert own.accuracies(rewards, costs) == pytest.approx([0.5, 0.5])
    assert own.targets[0].low == pytest.approx(5.4e7)
    target = effsearch.Target(metric="macs", limit=6e7)
    ours = effsearch.Objective((target,))
    assert make_objective(config(objective=ours)) is ours
    assert config(objective=ours).targets == {"macs": 6e7}
    with pytest.raises(InputError, match="holds its own targets, and target_flops"):
        config(objective=ours, target_flops=6e7)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda a, c: 0.5, r"a finite reward for each accuracy, shape \(64,\), not \(\)"),
        (lambda a, c: a * np.nan, "with NaN"),
        (lambda a, c: -a, "the more accurate one must have the higher reward"),
        (lambda a, c: a if c["macs"] > 5 else -a, "failed: ValueError.*numpy arrays"),
    ],
)
def test_a_function_that_is_no_objective_is_told_so(function: Any, said: str) -> None:
    with pytest.raises(EffsearchError, match=said):
        make_plan(config(objective=function))


def test_spaces_are_taken_in_any_way() -> None:
    built = effsearch.make_space(
        stages=[
            effsearch.stage(
                block=[effsearch.block(op="mbconv", kernel=3), effsearch.block(op="conv")],
                channels=[16, 24],
            )
        ],
        stem={"channels": [8, 16]},
        resolution=32,
    )
    assert built.size == 8
    as_data = {
        "name": "mine", "resolution": 32, "stem": {"channels": [8, 16]}, "head": {},
        "stages": [{"block": [{"op": "mbconv", "kernel": 3}, {"op": "conv"}],
                    "channels": [16, 24]}],
    }  # fmt: skip
    for space in (built, as_data):
        assert effsearch.load_space(config(space=space).space).digest == built.digest
    with pytest.raises(InputError, match="unknown key 'chanels' in space 'mine'"):
        config(space={"stages": [{"op": "conv", "chanels": 8}]})
    with pytest.raises(InputError, match="a space is a shipped one's name"):
        config(space=5)


class Watch:
    def __init__(self, stop_at: int = 10**9) -> None:
        self.seen: list[Any] = []
        self.ended: list[Any] = []
        self._stop_at = stop_at

    def on_trial(self, trial: Any) -> None:
        self.seen.append(trial)
        if len(self.seen) >= self._stop_at:
            raise effsearch.Stop

    def on_end(self, result: Any) -> None:
        self.ended.append(result)


@pytest.mark.slow
def test_a_search_with_objects_of_all_kinds_ends_at_a_wish_and_goes_on(
    ray_address: str, tmp_path: Path
) -> None:
    watch = Watch(stop_at=3)
    options: dict[str, Any] = {
        "space": SPACE, "evaluator": by_id, "strategy": Last, "objective": efficient,
    }  # fmt: skip
    more: dict[str, Any] = {"ray_address": ray_address, "workers": 1, "batch_size": 4}
    first = effsearch.search_baseline(
        **options, **more, samples=8, callbacks=watch, run_dir=tmp_path, quiet=True
    )
    assert [one.run for one in watch.ended] == ["baseline/001"]
    assert 3 <= len(watch.seen) < 8
    assert watch.seen[0].accuracy == by_id(effsearch.as_architecture(watch.seen[0].architecture))
    assert effsearch.load_run("baseline/001", run_dir=tmp_path).status == "finished"
    with pytest.raises(InputError, match="given from Python"):
        effsearch.resume_baseline("baseline/001", run_dir=tmp_path, quiet=True)
    again = effsearch.resume_baseline("baseline/001", run_dir=tmp_path, quiet=True, **options)
    assert len(again.trials) == 8
    assert again.trials[: len(first.trials)][0] == first.trials[0]


@pytest.mark.parametrize("given", [5, print, Watch, [Watch(), "x"]])
def test_a_callback_must_have_something_to_call(given: Any) -> None:
    with pytest.raises(InputError, match="has none of on_trial, on_epoch, on_end"):
        check_callbacks(given)
