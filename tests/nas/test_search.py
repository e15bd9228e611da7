"""The search without Ray: one ledger for one seed, however it is run, stopped and resumed."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searches import QUICK_OPTIONS, SMALL_SPACE, STRATEGIES

from effsearch.nas.objective import Objective, banded_target
from effsearch.nas.problem import Problem
from effsearch.nas.search import Search
from effsearch.nas.strategies.registry import make_strategy
from effsearch.nas.trial_records import trial_seed
from effsearch.results.store.events import Asked, Failed, Told
from effsearch.results.store.ledger import Ledger, digest, read_events
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.space_file import parse_space
from effsearch.training.trials.budget import Budget
from effsearch.training.trials.evaluator import Request
from effsearch.training.trials.outcome import Outcome, failure

SLOW = ("ppo", "tpe", "bayesian")


@pytest.fixture(scope="module")
def problem() -> Problem:
    target = banded_target("macs", 6e7, floor=0.5)
    return Problem.of(parse_space(SMALL_SPACE, "small"), Objective((target,)))


def measure(request: Request) -> Outcome:
    """Accuracy by the seed; every sixth network fails."""
    if request.seed % 6 == 0:
        return failure(request, "error", f"no luck with {request.seed}", 0.1)
    measurements: dict[str, object] = {"accuracy": request.seed % 1000 / 1000}
    return Outcome(request.trial, measurements, None, "", 0.1, "here:1")


def open_search(problem: Problem, ledger: Ledger, name: str, **changes: Any) -> Search:
    options: dict[str, Any] = {"samples": 12, "batch_size": 4, "seed": 0} | changes
    strategy = make_strategy(name, problem, options["seed"], **QUICK_OPTIONS[name])
    return Search(problem, strategy, ledger, events=read_events(ledger.path), **options)


def run(
    problem: Problem, path: Path, name: str, *, workers: int = 1, order: int = 0, **changes: Any
) -> Search:
    """Run a search to its end with so many trials under way, which end in a random order."""
    rng = np.random.default_rng(order)
    with Ledger.open(path) as ledger:
        search = open_search(problem, ledger, name, **changes)
        under_way: list[Request] = []
        while not search.finished:
            under_way += search.take(workers - len(under_way))
            if under_way:
                search.record([measure(under_way.pop(int(rng.integers(len(under_way)))))])
    return search


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in STRATEGIES],
)
def test_a_search_cut_off_at_any_byte_ends_with_the_ledger_of_the_uninterrupted_one(
    name: str, problem: Problem, tmp_path: Path
) -> None:
    whole, path = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    run(problem, whole, name, workers=3, order=1)
    content = whole.read_bytes()
    expected = digest(read_events(whole))
    ends = [i + 1 for i, byte in enumerate(content) if byte == ord("\n")]
    assert len(ends) == 24
    cuts = [0, *ends]
    cuts += [(start + end) // 2 for start, end in zip([0, *ends], ends, strict=False)]
    cuts += [end - 1 for end in ends[::5]]  # all of a line but its end
    for turn, cut in enumerate(sorted(cuts)):
        path.write_bytes(content[:cut])
        kept = max([0, *(end for end in ends if end <= cut)])
        run(problem, path, name, workers=1 + turn % 3, order=turn)
        assert path.read_bytes()[:kept] == content[:kept], f"cut at byte {cut}"
        assert digest(read_events(path)) == expected, f"cut at byte {cut}"


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_search_that_is_stopped_again_and_again_is_the_same_search(
    name: str, problem: Problem, tmp_path: Path
) -> None:
    run(problem, tmp_path / "whole.jsonl", name)
    path = tmp_path / "stopped.jsonl"
    finished, rounds = False, 0
    while not finished:
        with Ledger.open(path) as ledger:
            search = open_search(problem, ledger, name)
            requests = search.take(2)
            search.record([measure(request) for request in requests[:1]])
            finished, rounds = search.finished, rounds + 1
    assert rounds == 12
    assert digest(read_events(path)) == digest(read_events(tmp_path / "whole.jsonl"))


@settings(max_examples=20, deadline=None)
@given(
    name=st.sampled_from([name for name in STRATEGIES if name not in SLOW]),
    workers=st.integers(1, 9),
    order=st.integers(0, 1000),
)
def test_the_ledger_does_not_depend_on_workers_or_on_the_order_of_results(
    name: str,
    workers: int,
    order: int,
    problem: Problem,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("order")
    run(problem, folder / "one.jsonl", name)
    run(problem, folder / "many.jsonl", name, workers=workers, order=order)
    assert digest(read_events(folder / "one.jsonl")) == digest(read_events(folder / "many.jsonl"))


def test_each_trial_is_asked_once_handed_out_once_and_ends_once(
    problem: Problem, tmp_path: Path
) -> None:
    path = tmp_path / "trials.jsonl"
    search = run(problem, path, "evolution", workers=3, samples=20)
    events = read_events(path)
    asked = [event for event in events if isinstance(event, Asked)]
    ended = [event.trial for event in events if isinstance(event, Told | Failed)]
    assert [event.trial for event in asked] == list(range(20))
    assert sorted(ended) == list(range(20))
    assert len({event.arch_id for event in asked}) == 20
    assert search.done == search.asked == 20
    assert search.failed == sum(isinstance(event, Failed) for event in events) > 0


def test_a_result_that_comes_twice_counts_once(problem: Problem, tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    with Ledger.open(path) as ledger:
        search = open_search(problem, ledger, "random")
        outcome = measure(search.take(1)[0])
        search.record([outcome])
        search.record([outcome])
    assert sum(isinstance(event, Told | Failed) for event in read_events(path)) == 1


def test_nothing_of_the_next_batch_is_handed_out_before_the_last_result_of_this_one(
    problem: Problem, tmp_path: Path
) -> None:
    with Ledger.open(tmp_path / "trials.jsonl") as ledger:
        search = open_search(problem, ledger, "random")
        first = search.take(100)
        assert len(first) == 4
        search.record([measure(request) for request in first[:3]])
        assert search.take(100) == []
        assert not search.finished
        search.record([measure(first[3])])
        assert [request.trial for request in search.take(100)] == [4, 5, 6, 7]


def test_failures_are_recorded_with_their_cause_and_the_first_is_remembered(
    problem: Problem, tmp_path: Path
) -> None:
    path = tmp_path / "trials.jsonl"
    with Ledger.open(path) as ledger:
        search = open_search(problem, ledger, "random")
        one, two, three, four = search.take(4)
        search.record([failure(two, "timeout", "no result after 2 s", 2.0)])
        search.record([failure(one, "nan", "accuracy is nan", 0.5), measure(three), measure(four)])
        assert search.failed >= 2
        assert search.first_error == "no result after 2 s"
    failed = [event for event in read_events(path) if isinstance(event, Failed)]
    assert [(event.trial, event.reason, event.error) for event in failed[:2]] == [
        (1, "timeout", "no result after 2 s"),
        (0, "nan", "accuracy is nan"),
    ]


def test_no_time_left_hands_out_nothing_and_a_later_search_goes_on(
    problem: Problem, tmp_path: Path
) -> None:
    path = tmp_path / "trials.jsonl"
    with Ledger.open(path) as ledger:
        search = open_search(problem, ledger, "evolution", budget=Budget(seconds=0.0))
        assert search.out_of_time
        assert search.finished
        assert search.take(5) == []
    assert run(problem, path, "evolution").done == 12
    run(problem, tmp_path / "whole.jsonl", "evolution")
    assert digest(read_events(path)) == digest(read_events(tmp_path / "whole.jsonl"))


def test_trials_under_way_when_time_is_over_are_awaited(problem: Problem, tmp_path: Path) -> None:
    now = 0.0
    with Ledger.open(tmp_path / "trials.jsonl") as ledger:
        search = open_search(
            problem, ledger, "random", budget=Budget(seconds=5.0, clock=lambda: now)
        )
        requests = search.take(2)
        assert not search.out_of_time
        now = 5.0
        assert search.out_of_time
        assert search.take(2) == []
        assert not search.finished
        search.record([measure(request) for request in requests])
        assert search.finished
        assert search.done == 2


@pytest.mark.parametrize("name", STRATEGIES)
def test_more_samples_go_on_where_the_search_ended(
    name: str, problem: Problem, tmp_path: Path
) -> None:
    path = tmp_path / "trials.jsonl"
    run(problem, path, name, samples=10)
    before = path.read_bytes()
    assert run(problem, path, name, samples=18).done == 18
    after = read_events(path)
    assert path.read_bytes().startswith(before)
    assert len({event.arch_id for event in after if isinstance(event, Asked)}) == 18


@pytest.mark.parametrize("name", STRATEGIES)
def test_more_samples_may_be_given_while_a_last_small_batch_waits(
    name: str, problem: Problem, tmp_path: Path
) -> None:
    path = tmp_path / "trials.jsonl"
    with Ledger.open(path) as ledger:
        search = open_search(problem, ledger, name, samples=6)
        search.record([measure(request) for request in search.take(4)])
        search.prepare()
        assert search.asked == 6  # two are asked, and nothing came of them yet
    before = path.read_bytes()
    assert run(problem, path, name, samples=12).done == 12
    assert path.read_bytes().startswith(before)


def test_fewer_samples_than_asked_already_end_the_search_with_its_batch(
    problem: Problem, tmp_path: Path
) -> None:
    path = tmp_path / "trials.jsonl"
    with Ledger.open(path) as ledger:
        open_search(problem, ledger, "random").take(1)
    assert run(problem, path, "random", samples=2).done == 4


def test_a_space_that_runs_out_ends_the_search_and_its_resumption(tmp_path: Path) -> None:
    one_choice = SMALL_SPACE.replace("[48, 64, 80]", "48").replace("[64, 128]", "64")
    problem = Problem.of(
        parse_space(one_choice, "tiny"), Objective((banded_target("macs", 5.2e6, floor=0.1),))
    )
    path = tmp_path / "trials.jsonl"
    search = run(problem, path, "random", samples=5000, batch_size=50)
    assert search.exhausted
    assert 0 < search.done < 5000
    told = f"the cost band holds {search.done} networks: all were evaluated"
    assert search.exhausted_line == told
    before = path.read_bytes()
    again = run(problem, path, "random", samples=5000, batch_size=50)
    assert again.done == search.done
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("expand", "line"),
    [
        ("3", "the space holds 1 network: it was evaluated"),
        ("[3, 4]", "the space holds 2 networks: all were evaluated"),
    ],
)
def test_without_a_target_it_is_the_space_that_runs_out(
    tmp_path: Path, expand: str, line: str
) -> None:
    text = f"resolution: 32\nstages: [{{op: mbconv, channels: 16, expand: {expand}}}]"
    problem = Problem.of(parse_space(text, "tiny"), Objective())
    path = tmp_path / "trials.jsonl"
    assert run(problem, path, "random", samples=9).exhausted_line == line
    assert run(problem, tmp_path / "one.jsonl", "random", samples=1).exhausted_line == ""


def test_a_ledger_that_does_not_follow_from_the_seed_is_refused(
    problem: Problem, tmp_path: Path
) -> None:
    path = tmp_path / "trials.jsonl"
    with Ledger.open(path) as ledger:
        open_search(problem, ledger, "random", seed=1).prepare()
    before = path.read_bytes()
    with (
        Ledger.open(path) as ledger,
        pytest.raises(InputError, match=r"batch 0 .* does not follow from the run's seed"),
    ):
        open_search(problem, ledger, "random", seed=2)
    assert path.read_bytes() == before


@pytest.mark.parametrize("kept", [4, 2])
def test_a_batch_that_another_version_asked_is_gone_on_with(
    problem: Problem, tmp_path: Path, kept: int
) -> None:
    # Evolution stands for the former version: it asks for others than random search does.
    path = tmp_path / "trials.jsonl"
    run(problem, path, "evolution", samples=20)
    lines = path.read_bytes().splitlines(keepends=True)
    asked = [place for place, line in enumerate(lines) if b'"asked"' in line]
    path.write_bytes(b"".join(lines[: asked[16] + kept]))
    before = path.read_bytes()
    run(problem, path, "random", samples=24)
    assert path.read_bytes().startswith(before)
    networks = [event.arch_id for event in read_events(path) if isinstance(event, Asked)]
    assert len(set(networks)) == len(networks) == 24


def test_a_trials_seed_follows_from_the_runs_seed_and_the_network(
    problem: Problem, tmp_path: Path
) -> None:
    with Ledger.open(tmp_path / "trials.jsonl") as ledger:
        search = open_search(problem, ledger, "random", seed=7)
        requests = search.take(4)
    asked = [event for event in read_events(tmp_path / "trials.jsonl") if isinstance(event, Asked)]
    assert [r.seed for r in requests] == [trial_seed(7, r.architecture.id) for r in requests]
    assert [event.seed for event in asked] == [request.seed for request in requests]
    assert len({request.seed for request in requests}) == 4
    assert trial_seed(7, "abc") != trial_seed(8, "abc")


def test_the_driver_of_a_search_loads_no_torch() -> None:
    code = "import sys, effsearch.nas.baseline; print('torch' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"
