"""The queue of trainings: each network once a seed, whatever is interrupted or killed."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from effsearch.results.store.ledger import Ledger, read_events
from effsearch.search_spaces.notation import parse_architecture
from effsearch.search_spaces.scaling import scale
from effsearch.training.trials.evaluator import Request
from effsearch.training.trials.halving import Halving
from effsearch.training.trials.jobs import Job, ListSource, Measured, failures
from effsearch.training.trials.outcome import Outcome, failure
from effsearch.training.trials.trainings import DEATHS, Trainings, training_seed

Make = Callable[..., Trainings]


TINY = "res32 act_relu stem_k3_s2_c8 ir_r1_k3_s1_e1_c8 ir_r2_k3_s2_e2_c16 head_c32"


@pytest.fixture
def jobs() -> list[Job]:
    tiny = parse_architecture(TINY)
    networks = [scale(tiny, width=width) for width in (1, 2, 3)]
    return [Job(architecture=network, resolution=8, label=(1,)) for network in networks]


@pytest.fixture
def make(tmp_path: Path, jobs: list[Job]) -> Make:
    def made(seeds: int = 1, **options: object) -> Trainings:
        ledger = Ledger.open(tmp_path / "trials.jsonl")
        return Trainings(
            ListSource(jobs),
            ledger,
            read_events(ledger.path),
            networks=len(jobs),
            seeds=seeds,
            seed_of=partial(training_seed, 0),
            **options,  # type: ignore[arg-type]
        )

    return made


def measured(request: Request, accuracy: float = 0.5) -> Outcome:
    values: dict[str, object] = {"accuracy": accuracy, "curve": [accuracy]}
    return Outcome(request.trial, values, None, "", 1.0, "here:1")


def drain(queue: Trainings) -> list[Request]:
    taken: list[Request] = []
    while not queue.finished:
        requests = queue.take(1)
        taken += requests
        queue.record([measured(request) for request in requests])
    return taken


def test_every_network_is_trained_once_a_seed_with_seeds_of_its_own(
    make: Make, jobs: list[Job]
) -> None:
    taken = drain(make(seeds=2))
    assert len(taken) == 6
    assert len({request.seed for request in taken}) == 6
    assert taken[1].seed == training_seed(0, jobs[0].architecture.id, 1)
    assert {request.resolution for request in taken} == {8}


def test_what_was_cut_off_is_trained_and_nothing_else_is(make: Make) -> None:
    first = make(seeds=2)
    requests = first.take(3)
    first.record([measured(requests[0]), measured(requests[2], 0.75)])
    again = make(seeds=2)
    assert again.done == 2
    taken = drain(again)
    assert requests[1] in taken
    assert len(taken) == 4
    assert requests[0].trial not in {request.trial for request in taken}
    assert again.done == again.samples == 6


def test_the_leader_is_said_with_how_many_seeds_its_mean_is_of(make: Make, jobs: list[Job]) -> None:
    queue = make(seeds=2)
    queue.record([measured(request) for request in queue.take(1)])
    leader = jobs[0].architecture.id
    assert queue.best_line == f"best 0.5000 (network {leader}, 1 seed)"
    drain(queue)
    assert queue.best_line == f"best 0.5000 (network {leader}, 2 seeds)"


def test_a_finished_queue_asks_for_nothing(make: Make) -> None:
    drain(make())
    again = make()
    again.prepare()
    assert again.finished


def test_a_killed_training_is_started_again_and_a_third_death_is_its_failure(make: Make) -> None:
    queue = make()
    (request,) = queue.take(1)
    for _ in range(DEATHS):
        queue.record([replace(failure(request, "error", "died", 0.0), died=True)])
        waiting = queue.take(10)
        assert request in waiting
    assert queue.done == 0
    queue.record([replace(failure(request, "error", "died", 0.0), died=True)])
    assert queue.measured[request.architecture.id].errors == ["died"]


def test_a_failure_is_kept_and_not_tried_again(make: Make) -> None:
    queue = make()
    (request,) = queue.take(1)
    queue.record([failure(request, "nan", "accuracy is nan", 1.0)])
    taken = drain(make())
    assert request.architecture not in {one.architecture for one in taken}


def test_a_network_one_of_whose_trainings_was_stopped_has_no_mean(make: Make) -> None:
    queue = make(seeds=2, halving=Halving(4))
    one, other = queue.take(2)
    stopped = {"accuracy": 0.2, "curve": [0.2], "stopped_after": 1}
    queue.record([measured(one), Outcome(other.trial, stopped, None, "", 1.0, "here:1")])
    found = queue.measured[one.architecture.id]
    assert (found.ended, found.stopped, found.mean) == (2, 1, None)


def test_thresholds_travel_with_later_trainings(make: Make) -> None:
    queue = make(halving=Halving(2))
    one, other = queue.take(2)
    assert one.stop_below == ()
    queue.record([measured(one, 0.2), measured(other, 0.4)])
    (last,) = queue.take(1)
    assert last.stop_below == ((1, 0.4),)


def test_failures_are_counted_by_network_and_the_first_is_named() -> None:
    broken = Measured(errors=["RuntimeError: first\n  cause", "second"])
    measured = {"a": Measured(rewards={0: 0.5}), "b": broken, "c": Measured(errors=["third"])}
    assert failures(measured, "networks") == (
        "2 of 3 networks failed; the first: RuntimeError: first cause"
    )
    assert failures({"a": measured["a"]}, "networks") == ""
