"""Events joined to trials, and the best of them."""

import pytest
from making import asked, failed, small_search, told

from effsearch.results.store.ledger import Event
from effsearch.results.store.trials import count_states, join_trials, top
from effsearch.search_spaces.errors import InputError


def test_a_trial_is_what_was_asked_and_what_came_of_it() -> None:
    trials = join_trials(small_search())
    assert [trial.number for trial in trials] == [0, 1, 2, 3, 4, 5]
    assert [trial.state for trial in trials] == ["done"] * 4 + ["failed", "waiting"]
    done, lost, waiting = trials[1], trials[4], trials[5]
    assert (done.reward, done.accuracy, done.seconds) == (0.41, 0.51, 1.5)
    assert done.finished_at == 1_700_000_101.0
    assert done.costs["macs"] == 385_000_001
    assert (lost.reason, lost.reward) == ("error", None)
    assert (waiting.seconds, waiting.measurements) == (None, {})
    assert count_states(trials) == {"asked": 6, "done": 4, "failed": 1, "waiting": 1}


def test_results_may_come_in_any_order() -> None:
    events: list[Event] = [asked(1), asked(0), told(1), told(0)]
    assert [trial.number for trial in join_trials(events)] == [0, 1]


@pytest.mark.parametrize(
    ("events", "what"),
    [
        ([asked(0), asked(0)], "trial 0 is asked twice"),
        ([asked(0), told(0), failed(0)], "trial 0 ends twice"),
        ([told(0)], "trial 0 ends without having been asked"),
    ],
)
def test_a_ledger_that_contradicts_itself_is_refused(events: list[Event], what: str) -> None:
    with pytest.raises(InputError, match=what):
        join_trials(events)


def test_the_best_are_done_by_reward_then_fewer_macs_then_earlier() -> None:
    macs = {0: 5, 1: 9, 2: 4, 3: 4, 4: 1}
    events: list[Event] = [asked(trial, costs={"macs": macs[trial]}) for trial in macs]
    events += [told(0, reward=0.5), told(1, reward=0.9), told(2, reward=0.5), told(3, reward=0.5)]
    best = top(join_trials([*events, failed(4)]), 10)
    assert [trial.number for trial in best] == [1, 2, 3, 0]
    assert [trial.number for trial in top(join_trials(events), 2)] == [1, 2]


def test_without_a_done_trial_there_is_no_best() -> None:
    assert top(join_trials([asked(0), failed(0)]), 3) == []
    assert top([], 3) == []
