"""A budget of time on a clock of the test's: what is kept back, and when nothing more is begun."""

from functools import partial
from pathlib import Path

import pytest

from effsearch.results.store.ledger import Ledger
from effsearch.search_spaces.errors import InputError, MissingResourceError
from effsearch.search_spaces.notation import parse_architecture
from effsearch.search_spaces.scaling import scale
from effsearch.training.trials.budget import Budget, Later, start_budget
from effsearch.training.trials.jobs import Job, ListSource
from effsearch.training.trials.outcome import Outcome
from effsearch.training.trials.trainings import Trainings, training_seed


class Clock:
    """Seconds that pass when they are told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_without_a_limit_nothing_is_ever_spent() -> None:
    clock = Clock()
    budget = Budget(clock=clock)
    clock.now = 1e9
    assert not budget.spent


def test_time_is_kept_back_for_what_follows_once_a_training_was_timed() -> None:
    clock = Clock()
    budget = Budget(seconds=100.0, clock=clock)
    budget.use(2, 0.0)
    budget.begin([Later(trainings=5, times=3.0), Later(trainings=1, times=3.0, macs=4e6)])
    assert budget.reserved == 0.0
    for seconds, macs in ((4.0, 1e6), (6.0, 3e6), (0.0, 9e9)):  # the last was known already
        budget.note(seconds, macs)
    # Five trainings take three rounds on two workers; the larger network twice as long.
    assert budget.reserved == 3 * 3 * 5.0 + 1 * 3 * 5.0 * 2
    clock.now += 24.0
    assert not budget.spent
    clock.now += 1.0
    assert budget.spent


def test_a_stage_that_is_over_stays_over_and_the_next_has_what_was_kept() -> None:
    clock = Clock()
    budget = Budget(seconds=100.0, clock=clock)
    budget.begin([Later(trainings=9)])
    budget.note(10.0, 1e6)
    clock.now += 10.0
    assert budget.spent
    budget.note(1.0, 1e6)  # what is kept back is less now
    assert budget.spent
    budget.begin()
    assert not budget.spent


def test_longer_trainings_tell_of_short_ones() -> None:
    budget = Budget(seconds=1000.0)
    budget.begin([Later(trainings=2, times=3.0)], times=3.0)
    budget.note(30.0, 1e6)
    assert budget.reserved == 60.0


def test_a_smaller_network_is_not_believed_to_be_faster() -> None:
    budget = Budget(seconds=100.0)
    budget.begin([Later(trainings=1, macs=1e3)])
    budget.note(10.0, 1e6)
    assert budget.reserved == 10.0


def test_gpu_hours_are_wall_clock_times_gpus() -> None:
    clock = Clock()
    budget = Budget(seconds=3000.0, gpu_hours=1.0, clock=clock)
    budget.use(8, 0.25)  # half an hour on two GPUs
    clock.now += 1799.0
    assert not budget.spent
    clock.now += 1.0
    assert budget.spent


def test_gpu_hours_without_a_gpu_are_refused_with_their_cure() -> None:
    with pytest.raises(MissingResourceError, match="give --time-budget"):
        Budget(gpu_hours=1.0).use(4, 0.0)
    with pytest.raises(MissingResourceError, match="give --time-budget") as caught:
        start_budget(None, 1.0, device="cpu", ray_address=None)
    assert (caught.value.exit_code, "\n" in str(caught.value)) == (4, False)
    start_budget(60.0, None, device="cpu", ray_address=None)
    start_budget(None, 1.0, device="auto", ray_address="host:6379")  # the cluster is asked
    with pytest.raises(InputError, match="gpu_hours must be more than zero, not 0"):
        start_budget(None, 0.0, device="auto", ray_address=None)


def test_trainings_end_with_the_budget_and_go_on_with_another(tmp_path: Path) -> None:
    tiny = parse_architecture("res32 act_relu stem_k3_s2_c8 ir_r2_k3_s2_e2_c16 head_c32")
    jobs = [Job(architecture=scale(tiny, width=width)) for width in (1, 2, 3)]
    clock = Clock()

    def queue(budget: Budget | None) -> Trainings:
        ledger = Ledger.open(tmp_path / "trials.jsonl")
        options = {"networks": 3, "seeds": 1, "seed_of": partial(training_seed, 0)}
        return Trainings(ListSource(jobs), ledger, ledger.history(), **options, budget=budget)  # type: ignore[arg-type]

    first = queue(Budget(seconds=10.0, clock=clock))
    (request,) = first.take(1)
    clock.now += 11.0
    assert (first.take(1), first.finished) == ([], False)  # one is awaited
    first.record([Outcome(request.trial, {"accuracy": 0.5}, None, "", 11.0, "here:1")])
    assert (first.finished, first.done, first.left) == (True, 1, 2)
    again = queue(None)
    assert len(again.take(3)) == 2
