"""Trainings of several lengths in one search: what is learned of them, asked, kept and resumed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from searches import SMALL_SPACE, write_space

from effsearch.nas.baseline import search_baseline
from effsearch.nas.config import make_config
from effsearch.nas.fidelities import Fidelities
from effsearch.nas.landscape import SyntheticLandscape
from effsearch.nas.objective import Objective, banded_target
from effsearch.nas.problem import Candidate, Problem, Result
from effsearch.nas.search import Search
from effsearch.nas.setup import make_plan
from effsearch.nas.strategies.bayesian import Bayesian
from effsearch.nas.surrogate.features import FeatureTables
from effsearch.nas.surrogate.fidelities import FidelityProcess
from effsearch.nas.surrogate.gaussian_process import GaussianProcess
from effsearch.results.store.events import Asked, digest
from effsearch.results.store.ledger import Ledger, read_events
from effsearch.results.store.trials import Trial, join_trials
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.space_file import load_space, parse_space
from effsearch.training.trials.evaluator import Request
from effsearch.training.trials.outcome import Outcome

LEVELS = Fidelities(cheaper=(2,), whole=8)


def problem() -> Problem:
    target = banded_target("macs", 4e8, floor=0.1)
    return Problem.of(load_space("mnasnet"), Objective((target,)))


def drawn(of: Problem, count: int) -> list[Candidate]:
    return of.draw(np.random.default_rng(0), count, set())


def fitted(alike: bool) -> tuple[FidelityProcess, np.ndarray, np.ndarray]:
    """A model of 20 whole and 60 short measurements; features of 40 more networks, their values."""
    of = problem()
    tables = FeatureTables(of.space)
    rows = np.array([one.encoding for one in drawn(of, 120)])
    here = SyntheticLandscape(of.space, seed=1)
    there = here if alike else SyntheticLandscape(of.space, seed=2)
    noise = np.random.default_rng(1).normal(0.0, 0.002, 80)
    short = 0.3 + 0.5 * there.accuracy(rows[:60])
    if not alike:
        short = np.random.default_rng(2).permutation(short)
    values = np.concatenate([here.accuracy(rows[:20]), short]) + noise
    levels = np.repeat([0, 1], [20, 60])
    model = FidelityProcess.of(
        tables(np.concatenate([rows[:20], rows[:60]])), values, levels, 2, of.space.options
    )
    return model, tables(rows[80:]), here.accuracy(rows[80:])


@pytest.mark.slow
def test_short_trainings_that_tell_of_whole_ones_make_the_model_better() -> None:
    model, features, truth = fitted(alike=True)
    whole = GaussianProcess.fit(
        model.measured.rows(np.arange(20)),
        model.values[:20] * model.spread + model.mean,
        problem().space.options,
    )
    both, alone = (np.corrcoef(one.expect(features), truth)[0, 1] for one in (model, whole))
    assert both > alone + 0.1
    assert model.correlations[1] > 0.8
    whole_gain, short_gain = model.gains(features)
    assert (short_gain > whole_gain / 4).all()  # worth their price


@pytest.mark.slow
def test_of_short_trainings_that_tell_nothing_none_is_worth_its_price() -> None:
    model, features, _ = fitted(alike=False)
    assert abs(model.correlations[1]) < 0.5
    whole_gain, short_gain = model.gains(features)
    assert (short_gain < whole_gain / 4).all()


@pytest.mark.slow
def test_without_short_measurements_it_is_the_ordinary_process() -> None:
    model, features, _ = fitted(alike=True)
    some = model.measured.rows(np.arange(20))
    values = model.values[:20]
    options = problem().space.options
    plain = GaussianProcess.fit(some, values, options)
    same = FidelityProcess.of(some, values, np.zeros(20, dtype=np.int64), 2, options)
    np.testing.assert_allclose(same.expect(features), plain.expect(features), atol=1e-4)


@pytest.mark.slow
def test_a_gain_is_what_a_measurement_takes_off_the_variance() -> None:
    model, features, _ = fitted(alike=True)
    one = features.rows(np.array([3]))
    before = model.predict(one)[1] ** 2
    for level in (0, 1):
        more = FidelityProcess(
            kernel=model.kernel,
            measured=_joined(model.measured, one),
            mean=model.mean,
            spread=model.spread,
            weights=model.weights,
            noise=model.noise,
            values=np.append(model.values, 0.0),
            doubts=np.append(model.doubts, 0.0),
            levels=np.append(model.levels, level),
            slopes=model.slopes,
            own=model.own,
            noises=model.noises,
        )
        after = more.predict(one)[1] ** 2
        np.testing.assert_allclose(before - after, model.gains(one)[level], rtol=1e-4)


def _joined(a: Any, b: Any) -> Any:
    return type(a)(
        **{
            name: np.concatenate([getattr(a, name), getattr(b, name)])
            for name in ("genes", "numbers", "blocks")
        }
    )


def told(strategy: Bayesian, batch: list[Candidate], see: Callable[[Candidate], float]) -> None:
    results = []
    for one in batch:
        accuracy = see(one)
        reward = float(strategy.problem.objective.reward(accuracy, one.costs))
        results.append(Result(one, accuracy, reward, partial=one.epochs is not None))
    strategy.tell(results)


def test_half_of_the_first_networks_are_trained_at_every_length() -> None:
    strategy = Bayesian(problem(), start=6)
    strategy.fidelities = LEVELS
    batch = strategy.ask(8)
    assert [one.epochs for one in batch] == [None, 2, None, 2, None, 2, 2, 2]
    assert [one.id for one in batch[0:6:2]] == [one.id for one in batch[1:6:2]]
    assert len({one.id for one in batch}) == 5
    assert strategy.seen == {one.key for one in batch}


@pytest.mark.slow
def test_an_answer_was_trained_whole_and_the_likeliest_to_beat_it_is_too() -> None:
    of = problem()
    landscape = SyntheticLandscape(of.space, seed=3, noise=0.0)
    strategy = Bayesian(of, start=6)
    strategy.fidelities = LEVELS

    def see(one: Candidate) -> float:
        accuracy = float(landscape.accuracy(np.array([one.encoding]))[0])
        return accuracy if one.epochs is None else accuracy - 0.2

    for _ in range(6):
        told(strategy, strategy.ask(8), see)
    ranked = strategy.ranked()
    whole = [result for result in strategy.measured if result.candidate.epochs is None]
    assert {one.candidate.id for one in ranked} == {one.candidate.id for one in whole}
    assert len(whole) < len(strategy.measured) - len(whole)  # short ones tell all, for a quarter
    assert strategy.learned_correlations()[2] > 0.8


def search(folder: Path, samples: int, batches: int | None = None) -> Path:
    """A search over a small space with an evaluator of our own; stopped after some batches."""
    space = parse_space(SMALL_SPACE, "small")
    of = Problem.of(space, Objective())
    landscape = SyntheticLandscape(space, seed=1)
    strategy = Bayesian(of, start=4, generations=1)
    strategy.fidelities = LEVELS
    path = folder / "trials.jsonl"
    with Ledger.open(path) as ledger:
        made = Search(
            of,
            strategy,
            ledger,
            samples=samples,
            batch_size=4,
            seed=5,
            events=ledger.history(),
            fidelities=LEVELS,
        )
        while not made.finished and batches != 0:
            made.record([outcome(landscape, one) for one in made.take(4)])
            batches = None if batches is None else batches - 1
        if batches is None:
            assert made.done <= samples
    return path


def outcome(landscape: SyntheticLandscape, request: Request) -> Outcome:
    accuracy = landscape.evaluate(request.architecture, request.seed)
    assert request.epochs in (2, 8)
    measured: dict[str, object] = {"accuracy": accuracy, "epochs": request.epochs}
    return Outcome(request.trial, measured, None, "", 1.0, "here:1")


def spent(trials: list[Trial]) -> float:
    return sum(LEVELS.price(trial.epochs) for trial in trials)


def test_samples_are_whole_trainings_and_shorter_ones_count_as_their_share(tmp_path: Path) -> None:
    trials = join_trials(read_events(search(tmp_path, samples=9)))
    assert 9 - 0.25 < spent(trials) <= 9
    assert len(trials) > 9
    assert {trial.partial for trial in trials if trial.epochs == 2} == {True}
    assert not any(trial.partial for trial in trials if trial.epochs is None)
    keys = [(trial.arch_id, trial.epochs) for trial in trials]
    assert len(set(keys)) == len(keys)
    assert len({trial.arch_id for trial in trials}) < len(trials)  # some at both lengths
    assert {trial.measurements["epochs"] for trial in trials} == {2, 8}


@pytest.mark.parametrize("batches", [1, 3])
def test_a_search_that_was_stopped_goes_on_as_it_would_have(tmp_path: Path, batches: int) -> None:
    for name in ("whole", "stopped"):
        (tmp_path / name).mkdir()
    whole = read_events(search(tmp_path / "whole", samples=8))
    stopped = search(tmp_path / "stopped", samples=8, batches=batches)
    # A batch is asked, and nothing of it came back.
    lines = stopped.read_bytes().splitlines(keepends=True)
    stopped.write_bytes(b"".join(lines[:-1]))
    resumed = read_events(search(tmp_path / "stopped", samples=8))
    assert digest(resumed) == digest(whole)


def test_the_ledger_of_a_search_of_whole_trainings_is_written_as_it_was(tmp_path: Path) -> None:
    event = Asked(
        trial=0,
        batch=0,
        seed=1,
        arch_id="a",
        architecture="b",
        encoding=(1,),
        costs={"macs": 1},
        time=1.0,
    )
    with Ledger.open(tmp_path / "a.jsonl") as ledger:
        ledger.append(event)
    assert b"epochs" not in (tmp_path / "a.jsonl").read_bytes()
    assert read_events(tmp_path / "a.jsonl") == [event]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"fidelities": "2"}, "two or more different numbers of epochs"),
        ({"fidelities": "2,2.5"}, "two or more different numbers of epochs"),
        ({"fidelities": "0,2"}, "two or more different numbers of epochs"),
        ({"fidelities": "2,8", "epochs": 4}, "exclude each other"),
        ({"fidelities": "2,8", "pruning": "halving"}, "no pruning"),
        ({"fidelities": "2,8", "evaluator": "table.csv"}, "need the evaluator proxy"),
    ],
)
def test_what_does_not_go_with_fidelities_is_refused(options: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        make_config(options)


def test_a_strategy_that_asks_for_whole_trainings_alone_is_refused(tmp_path: Path) -> None:
    config = make_config({"fidelities": "1,2", "strategy": "random", "no_target": True})
    with pytest.raises(InputError, match="take bayesian"):
        make_plan(config, tmp_path)


@pytest.mark.slow
def test_a_search_trains_networks_for_few_and_for_many_epochs(tmp_path: Path) -> None:
    options = {
        "space": write_space(tmp_path),
        "no_target": True,
        "strategy_options": {"start": 4, "generations": 1},
        "max_images": 100,
        "proxy_resolution": 8,
        "recipe": {"batch_size": 50},
        "fidelities": "1,4",
        "samples": 3,
        "batch_size": 4,
        "workers": 1,
    }
    found = search_baseline(make_config(options), run_dir=tmp_path, quiet=True)
    assert found.answer["conditions"]["epochs"] == 4
    rows = found.answer["fidelities"]
    assert [row["epochs"] for row in rows] == [4, 1]
    assert sum(row["trainings"] for row in rows) == found.answer["samples"] == len(found.trials)
    winner = found.trials[found.answer["trial"]]
    assert winner.epochs is None
    assert len(winner.measurements["curve"]) == 4  # type: ignore[arg-type]
    table = (found.path / "trials.csv").read_text()
    assert "epochs" in table.splitlines()[0].split(",")
