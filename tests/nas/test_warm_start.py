"""What a search takes from earlier ones: measurements, and networks to begin with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from searches import SMALL_SPACE

import effsearch
from effsearch.nas.config import BaselineConfig
from effsearch.nas.earlier import Earlier
from effsearch.nas.landscape import SyntheticLandscape
from effsearch.nas.objective import Objective, banded_target
from effsearch.nas.problem import Problem, Result
from effsearch.nas.search import Search
from effsearch.nas.strategies.bayesian import Bayesian
from effsearch.nas.strategies.registry import make_strategy
from effsearch.nas.surrogate.transfer import align
from effsearch.nas.warm_start import OPENED, WarmStart, load_warm_start
from effsearch.results.store.ledger import Ledger, read_events
from effsearch.results.store.run import Run
from effsearch.results.store.trials import join_trials
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.space_file import parse_space
from effsearch.training.trials.evaluator import Request
from effsearch.training.trials.outcome import Outcome

SPACE = parse_space(SMALL_SPACE, "small")
LANDSCAPE = SyntheticLandscape(SPACE, 1, noise=0.0)
DIGITS = {"data": {"name": "digits", "classes": 10}, "recipe": {"epochs": 3}, "evaluator": None}


def problem(target: float) -> Problem:
    return Problem.of(SPACE, Objective((banded_target("macs", target, floor=0.3),)))


def measure(request: Request) -> Outcome:
    row = SPACE.encode(request.architecture)
    accuracy = float(LANDSCAPE.accuracy(row[None])[0])
    return Outcome(request.trial, {"accuracy": accuracy}, None, "", 0.1, "here:1")


def searched(search: Search) -> int:
    """Run a search to its end; how many evaluations it took."""
    evaluated = 0
    while not search.finished:
        for request in search.take(4):
            evaluated += 1
            search.record([measure(request)])
    return evaluated


def earlier_run(root: Path, record: Mapping[str, Any] = DIGITS, samples: int = 24) -> Run:
    """A finished search at 4e7 multiply-adds."""
    with Run.create(root, "baseline", command=["x"], config={"seed": 0}, extra=record) as run:
        with Ledger.open(run.paths.ledger) as ledger:
            random = make_strategy("random", problem(4e7), 0)
            searched(Search(problem(4e7), random, ledger, samples=samples, batch_size=8, seed=0))
        run.finish("finished")
    return run


def loaded(
    root: Path, record: Mapping[str, Any] = DIGITS, target: float = 6e7, **options: Any
) -> WarmStart:
    config = BaselineConfig.make({"space": SPACE} | options)
    made = make_strategy(config.strategy, problem(target))
    return load_warm_start(config, problem(target), made, record, root)


def test_a_run_under_the_same_conditions_need_not_be_repeated(tmp_path: Path) -> None:
    run = earlier_run(tmp_path)
    found = loaded(tmp_path, warm_start=run)
    (earlier,) = found.earlier
    assert (len(earlier.results), earlier.same, len(found.known)) == (24, True, 24)
    assert "what is asked again is not measured again" in found.notes[0]
    assert found.record["warm_start"][0]["networks"] == 24
    # Its costs and rewards are those of this search.
    best = max(earlier.results, key=lambda one: one.reward or 0.0)
    assert best.reward == pytest.approx(
        float(problem(6e7).objective.reward(best.accuracy or 0.0, best.candidate.costs))
    )


def test_other_epochs_are_other_conditions_and_other_data_none(tmp_path: Path) -> None:
    run = earlier_run(tmp_path)
    longer = DIGITS | {"recipe": {"epochs": 9}}
    found = loaded(tmp_path, record=longer, warm_start="baseline/001")
    assert (found.earlier[0].same, dict(found.known)) == (False, {})
    assert "what these change is learned" in found.notes[0]
    other = DIGITS | {"data": {"name": "flowers", "classes": 5}}
    with pytest.raises(InputError, match=r"trained on digits \(10 classes\), and this .* flowers"):
        loaded(tmp_path, record=other, warm_start=[run])


def test_a_table_is_taken_and_what_has_nothing_of_the_space_is_refused(tmp_path: Path) -> None:
    network = SPACE.decode(np.zeros(len(SPACE), dtype=np.int64))
    table = tmp_path / "mine.csv"
    line = effsearch.format_architecture(network)
    table.write_text(f"architecture,accuracy\n{line},0.5\n{line},0.7\n")
    (earlier,) = loaded(tmp_path, warm_start=table).earlier
    assert [one.accuracy for one in earlier.results] == [pytest.approx(0.6)]
    b0 = effsearch.format_architecture("efficientnet-b0")
    table.write_text(f"architecture,accuracy\n{b0},0.5\n")
    with pytest.raises(InputError, match="measured no network of space 'small'"):
        loaded(tmp_path, warm_start=table)
    with pytest.raises(InputError, match="strategy 'evolution' does not learn from earlier"):
        loaded(tmp_path, warm_start=table, strategy="evolution")
    with pytest.raises(InputError, match="warm_start must be a run, an answer or a CSV file"):
        loaded(tmp_path, warm_start=5)


def test_opening_points_are_asked_first_within_the_band(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    first, second = (one.architecture for one in problem(6e7).draw(rng, 2, set()))
    costly = SPACE.decode(SPACE.options - 1)
    found = loaded(tmp_path, start=[second, first, costly])
    assert [one.id for one in found.openings] == [second.id, first.id]
    assert "1 of 3 opening points lie outside the cost band" in found.notes[0]
    strategy = make_strategy("random", problem(6e7))
    strategy.openings = found.openings
    assert [one.id for one in strategy.ask(4)][:2] == [second.id, first.id]
    assert not {first.id, second.id} & {one.id for one in strategy.ask(4)}
    with pytest.raises(InputError, match=r"opening point 'efficientnet-b0': space 'small' does"):
        loaded(tmp_path, start="efficientnet-b0")


def test_a_table_of_opening_points_gives_its_best(tmp_path: Path) -> None:
    rows = SPACE.sample(np.random.default_rng(0), 2 * OPENED)
    table = tmp_path / "mine.csv"
    lines = [f"{effsearch.format_architecture(SPACE.decode(row))},{i / 100}"
             for i, row in enumerate(rows)]  # fmt: skip
    table.write_text("\n".join(["architecture,accuracy", *lines]))
    wide = Problem.of(SPACE, Objective())
    config = BaselineConfig.make({"space": SPACE, "start": str(table)})
    found = load_warm_start(config, wide, make_strategy("random", wide), DIGITS, tmp_path)
    assert [one.id for one in found.openings] == [SPACE.decode(row).id for row in rows[:9:-1]]


@pytest.mark.slow
def test_what_is_known_is_recorded_and_not_measured_again(tmp_path: Path) -> None:
    found = loaded(tmp_path, warm_start=earlier_run(tmp_path), target=4e7)
    strategy = make_strategy("bayesian", problem(4e7), start=8)
    strategy.earlier = found.earlier
    strategy.openings = [one.candidate for one in found.earlier[0].results[:3]]
    with Ledger.open(tmp_path / "new.jsonl") as ledger:
        options: dict[str, Any] = {"samples": 16, "batch_size": 8, "seed": 5}
        search = Search(problem(4e7), strategy, ledger, known=found.known, **options)
        evaluated = searched(search)
    trials = join_trials(read_events(tmp_path / "new.jsonl"))
    again = [trial for trial in trials if "measured_in" in trial.measurements]
    assert len(again) >= 3
    assert evaluated == 16 - len(again)
    assert {trial.measurements["measured_in"] for trial in again} == {"run baseline/001"}
    # A resumed search is the same search.
    whole = (tmp_path / "new.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "cut.jsonl").write_bytes(b"".join(whole[:12]))
    strategy = make_strategy("bayesian", problem(4e7), start=8)
    strategy.earlier = found.earlier
    strategy.openings = [one.candidate for one in found.earlier[0].results[:3]]
    with Ledger.open(tmp_path / "cut.jsonl") as ledger:
        events = read_events(ledger.path)
        searched(
            Search(problem(4e7), strategy, ledger, known=found.known, events=events, **options)
        )
    resumed = join_trials(read_events(tmp_path / "cut.jsonl"))
    assert [one.arch_id for one in resumed] == [one.arch_id for one in trials]


def test_measurements_elsewhere_are_shifted_and_stretched_to_those_here() -> None:
    rng = np.random.default_rng(0)
    there = rng.normal(0.6, 0.03, 60)
    here = 0.2 + 0.8 * there[:40] + rng.normal(0, 0.002, 40)
    found = align(here, there[:40], np.full(40, 0.002), float(there.std()))
    assert found.values(there[40:]) == pytest.approx(0.2 + 0.8 * there[40:], abs=0.006)
    assert found.doubt < 0.3 * there.std()
    nothing = align(np.empty(0), np.empty(0), np.empty(0), 0.03)
    assert (nothing.offset, nothing.slope, nothing.doubt) == (0.0, 1.0, pytest.approx(0.009))


def test_a_search_that_knows_an_earlier_one_starts_where_that_ended(tmp_path: Path) -> None:
    before = problem(4e7)
    rows = before.draw(np.random.default_rng(3), 60, set())
    accuracies = LANDSCAPE.accuracy(np.array([one.encoding for one in rows]))
    after = problem(6e7)
    results = [
        as_result(after, one.encoding, 0.7 * float(accuracy))
        for one, accuracy in zip(rows, accuracies, strict=True)
    ]
    cold, warm = Bayesian(after, 0), Bayesian(after, 0)
    warm.earlier = [Earlier(source="before", results=results, same=False)]

    def mean_of_first_batch(strategy: Bayesian) -> float:
        asked = np.array([one.encoding for one in strategy.ask(8)])
        return float(LANDSCAPE.accuracy(asked).mean())

    assert mean_of_first_batch(warm) > mean_of_first_batch(cold) + 0.01


def as_result(made: Problem, encoding: tuple[int, ...], accuracy: float) -> Result:
    candidate = made.candidate(encoding)
    return Result(candidate, accuracy, float(made.objective.reward(accuracy, candidate.costs)))
