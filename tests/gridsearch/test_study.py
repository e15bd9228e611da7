"""The Optuna study: complete, true to the ledger, and never of another grid."""

from collections import Counter
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from effsearch.gridsearch.candidates import Candidate, find_candidates
from effsearch.gridsearch.grid import Grid, exact_tolerance, make_grid
from effsearch.gridsearch.study import (
    StudySource,
    bring_in_line,
    check_storage,
    database_at_work,
    open_study,
)
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import EffsearchError, InputError, MissingResourceError
from effsearch.training.trials.jobs import Measured


@pytest.fixture
def grid() -> Grid:
    return make_grid(0.1)


@pytest.fixture
def candidates(tiny: Architecture, grid: Grid) -> list[Candidate]:
    return find_candidates(tiny, grid, phi=1, tolerance=exact_tolerance(0.1), constraint="nominal")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/study.db"


def source(
    study: optuna.Study,
    grid: Grid,
    candidates: list[Candidate],
    failed: frozenset[str] = frozenset(),
) -> StudySource:
    missing = bring_in_line(study, candidates, set(failed)).missing
    resolutions = dict.fromkeys((c.id for c in candidates), 8)
    return StudySource(study, missing, grid, candidates, resolutions)


def count(candidates: list[Candidate]) -> int:
    return sum(len(candidate.triples) for candidate in candidates)


def states(study: optuna.Study) -> Counter[str]:
    return Counter(trial.state.name for trial in study.get_trials(deepcopy=False))


@pytest.mark.slow
def test_every_triple_is_a_trial_and_every_network_a_job(
    url: str, grid: Grid, candidates: list[Candidate]
) -> None:
    study = open_study(url, "grid", "one")
    jobs = source(study, grid, candidates)
    assert states(study) == {"WAITING": count(candidates)}
    asked = []
    while job := jobs.next():
        asked.append(job.architecture.id)
        jobs.tell(asked[-1], Measured({0: 0.25, 1: 0.75}, [[0.1, 0.25], [0.2, 0.75]]))
    assert sorted(asked) == sorted(candidate.id for candidate in candidates)
    assert states(study) == {"COMPLETE": count(candidates)}
    trial = study.trials[0]
    assert trial.value == 0.5
    assert set(trial.params) == {"alpha", "beta", "gamma"}
    assert trial.intermediate_values == pytest.approx({1: 0.15, 2: 0.5})
    assert trial.user_attrs["accuracies"] == [0.25, 0.75]
    assert trial.user_attrs["network"] in asked


@pytest.mark.slow
def test_a_large_grid_is_enqueued_bit_by_bit(
    url: str, grid: Grid, candidates: list[Candidate], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("effsearch.gridsearch.study.ENQUEUED_TOGETHER", 3)
    study = open_study(url, "grid", "one")
    jobs = source(study, grid, candidates)
    assert states(study) == {"WAITING": 3}
    while job := jobs.next():
        jobs.tell(job.architecture.id, Measured({0: 0.5}))
    assert states(study) == {"COMPLETE": count(candidates)}


@pytest.mark.slow
def test_what_ran_when_its_process_died_is_retried_and_nothing_is_lost(
    url: str, grid: Grid, candidates: list[Candidate]
) -> None:
    study = open_study(url, "grid", "one")
    jobs = source(study, grid, candidates)
    done, cut_off = jobs.next(), jobs.next()
    assert done is not None
    assert cut_off is not None
    jobs.tell(done.architecture.id, Measured({0: 0.5}))
    again = open_study(url, "grid", "one")
    assert bring_in_line(again, candidates, set()).retried >= 1
    rest = source(again, grid, candidates)
    while job := rest.next():
        rest.tell(job.architecture.id, Measured({0: 0.5}))
    complete = again.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    triples = [tuple(trial.params.values()) for trial in complete]
    assert len(set(triples)) == len(triples) == count(candidates)
    retried = [trial for trial in complete if "failed_trial" in trial.system_attrs]
    assert retried


def test_a_trial_that_was_failed_but_not_yet_retried_is_enqueued(
    url: str, grid: Grid, candidates: list[Candidate]
) -> None:
    study = open_study(url, "grid", "one")
    job = source(study, grid, candidates).next()
    assert job is not None
    (running,) = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    study.tell(running.number, state=TrialState.FAIL)
    source(study, grid, candidates)
    assert states(study) == {"FAIL": 1, "WAITING": count(candidates)}
    source(study, grid, candidates)
    assert states(study)["WAITING"] == count(candidates)


def test_a_failure_on_record_is_not_tried_again(
    url: str, grid: Grid, candidates: list[Candidate]
) -> None:
    study = open_study(url, "grid", "one")
    jobs = source(study, grid, candidates)
    job = jobs.next()
    assert job is not None
    jobs.tell(job.architecture.id, Measured(errors=["accuracy is nan"]))
    before = states(study)
    source(study, grid, candidates, frozenset({job.architecture.id}))
    assert states(study) == before


def test_a_stopped_network_is_pruned(url: str, grid: Grid, candidates: list[Candidate]) -> None:
    study = open_study(url, "grid", "one")
    jobs = source(study, grid, candidates)
    job = jobs.next()
    assert job is not None
    jobs.tell(job.architecture.id, Measured(curves=[[0.2]], stopped=1))
    assert states(study)["PRUNED"] == 1


def test_a_trial_that_someone_else_enqueued_is_failed(
    url: str, grid: Grid, candidates: list[Candidate]
) -> None:
    study = open_study(url, "grid", "one")
    study.enqueue_trial({"alpha": 2.0, "beta": 1.5, "gamma": 1.5})
    jobs = StudySource(study, [], grid, candidates, {})
    assert jobs.next() is None
    assert states(study) == {"FAIL": 1}


def test_a_study_of_another_grid_is_refused(url: str) -> None:
    open_study(url, "grid", "step 0.05")
    with pytest.raises(InputError, match=r"another grid \(step 0\.05\)"):
        open_study(url, "grid", "step 0.01")


@pytest.mark.parametrize("url", ["study.db", "", "sqlite:/study.db"])
def test_what_is_no_url_of_a_database_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="not a database URL: give one such as sqlite:///study"):
        check_storage(url)


def test_a_database_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(MissingResourceError, match="does not answer") as caught:
        check_storage(f"sqlite:///{tmp_path}/missing/study.db")
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_database_that_fails_at_work_is_one_line(url: str, tmp_path: Path) -> None:
    study = open_study(url, "grid", "step 0.05")
    for file in tmp_path.glob("*.db"):
        file.write_bytes(b"no longer a database" * 1000)
    with (
        pytest.raises(MissingResourceError, match=r"study's database .* does not answer") as caught,
        database_at_work(url),
    ):
        study.enqueue_trial({"alpha": 1.2})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["postgresql://me:s3cret@host:port/db", "s3cret://", "x://me:s3cret@[::1/db", "nothing"]
)
def test_what_is_no_url_of_a_database_is_one_line_without_its_password(url: str) -> None:
    with pytest.raises(EffsearchError) as refused:
        check_storage(url)
    assert "me:s3cret" not in str(refused.value)
