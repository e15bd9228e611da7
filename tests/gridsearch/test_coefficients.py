"""A whole grid search: every network once, an answer `scale` takes, and no way to lose a triple."""

import csv
import json
import os
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState
from searches import count_told, effsearch, wait_until

from effsearch.gridsearch.coefficients import resume_coefficients, search_coefficients
from effsearch.gridsearch.config import make_config
from effsearch.gridsearch.family import scale_family
from effsearch.gridsearch.scale_config import ScaleOptions
from effsearch.gridsearch.setup import make_plan
from effsearch.results.config import read_config
from effsearch.results.store.events import Asked, Event, Told
from effsearch.results.store.ledger import read_events
from effsearch.results.store.run import Run
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InfeasibleError, InputError, MissingResourceError
from effsearch.search_spaces.notation import format_architecture
from effsearch.training.trials.trainings import training_seed


@pytest.fixture
def options(tiny: Architecture) -> dict[str, Any]:
    """A grid of 20 triples and 12 networks, each trained in a blink."""
    return {
        "baseline": format_architecture(tiny),
        "epochs": 1,
        "step": 0.1,
        "max_images": 60,
        "proxy_resolution": 8,
        "repeats": 0,
        "reference": "none",
        "workers": 1,
    }


def networks_told(events: Sequence[Event]) -> Counter[str]:
    """How often each network's training ended well."""
    names = {event.trial: event.arch_id for event in events if isinstance(event, Asked)}
    return Counter(names[event.trial] for event in events if isinstance(event, Told))


def study_of(run: Path) -> optuna.Study:
    storage = f"sqlite:///{run}/study.db"
    (name,) = optuna.get_all_study_names(storage)
    return optuna.load_study(study_name=name, storage=storage)


@pytest.mark.slow
def test_a_grid_trains_every_network_once_and_scale_takes_its_answer(
    root: Path, options: dict[str, Any], ray_address: str
) -> None:
    options |= {"reference": "dimensions"}
    result = search_coefficients(make_config(options), run_dir=root, quiet=True)
    told = networks_told(read_events(result.path / "trials.jsonl"))
    assert len(told) == result.answer["grid"]["networks"] == 12
    assert set(told.values()) == {1}
    with (result.path / "trials.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len({(row["alpha"], row["beta"], row["gamma"]) for row in rows}) == len(rows) == 20
    assert {row["network"] for row in rows} == set(told)
    assert {row["state"] for row in rows} == {"done"}
    (chosen,) = (row for row in rows if row["chosen"] == "True")
    answer = json.loads((result.path / "coefficients.json").read_text())
    assert [answer["alpha"], answer["beta"], answer["gamma"]] == [
        float(chosen[name]) for name in ("alpha", "beta", "gamma")
    ]
    assert answer["network"]["id"] in {tie["network"] for tie in answer["ties"]}
    references = answer["references"]
    assert {row["name"] for row in references} <= {"depth alone", "width alone", "resolution alone"}
    assert references
    for row in references:
        assert 0.9 <= row["macs_ratio"] <= 1.12
        assert len(row["seeds"]) == 1
        assert row["name"] in row["headline"]
    assert answer["conditions"]["sentence"].endswith("px")
    assert (answer["conditions"]["seeds"], answer["conditions"]["epochs"]) == (1, 1)
    assert (result.path / "plots" / "heatmap.png").read_bytes().startswith(b"\x89PNG")
    study = study_of(result.path)
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE}
    assert len(study.trials) == 20
    again = make_config(read_config(result.path / "config.yaml"))
    assert again.to_dict() == Run.load(result.path).config

    family = scale_family(ScaleOptions(baseline="resnet-50", phis=(0, 1)), run_dir=root)
    assert family.notes[1].startswith(f"coefficients: run {result.run}: alpha {answer['alpha']:g}")


def started(
    root: Path, options: dict[str, Any], folder: Path, ray_address: str
) -> "subprocess.Popen[str]":
    """A real `effsearch coefficients` in a process of its own."""
    file = folder / "config.json"
    file.write_text(json.dumps(options))  # JSON is YAML
    command = [
        "coefficients", "--config", str(file), "--run-dir", str(root), "--workers", "2",
        "--ray-address", ray_address,
    ]  # fmt: skip
    return effsearch(*command, cwd=folder)


@pytest.mark.slow
def test_killed_at_a_random_moment_and_resumed_no_triple_is_lost_and_none_trained_twice(
    root: Path, options: dict[str, Any], tmp_path: Path, ray_address: str
) -> None:
    run = root / "coefficients" / "001"
    wanted = random.randrange(1, 7)
    process = started(root, options, tmp_path, ray_address)
    wait_until(lambda: count_told(run / "trials.jsonl") >= wanted, process)

    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    before = (run / "trials.jsonl").read_bytes()
    known = networks_told(read_events(run / "trials.jsonl"))
    assert wanted <= sum(known.values()) < 12

    resume_coefficients(str(run), {"workers": 1, "ray_address": None}, quiet=True)
    after = (run / "trials.jsonl").read_bytes()
    assert after.startswith(before[: before.rfind(b"\n") + 1])
    told = networks_told(read_events(run / "trials.jsonl"))
    assert len(told) == 12
    assert set(told.values()) == {1}
    complete = study_of(run).get_trials(states=(TrialState.COMPLETE,))
    assert len({tuple(trial.params.values()) for trial in complete}) == len(complete) == 20
    assert {trial.state for trial in study_of(run).trials} <= {
        TrialState.COMPLETE,
        TrialState.FAIL,
    }


@pytest.mark.slow
def test_top_networks_are_trained_again_longer_with_seeds_of_their_own(
    root: Path, options: dict[str, Any], ray_address: str
) -> None:
    config = make_config(
        options,
        {"step": 0.2, "seeds": 2, "top": 2, "top_epochs": 2, "top_seeds": 2},
    )
    result = search_coefficients(config, run_dir=root, quiet=True)
    answer = result.answer
    events = read_events(result.path / "top.jsonl")
    assert [len(event.measurements["curve"]) for event in events if isinstance(event, Told)] == (
        [2] * 4
    )
    grid = {
        event.seed for event in read_events(result.path / "trials.jsonl") if type(event) is Asked
    }
    assert not grid & {event.seed for event in events if isinstance(event, Asked)}
    assert (answer["decided_by"], answer["top"], answer["seeds"]) == ("top", 2, 2)
    low, high = answer["accuracy_interval"]
    assert 0 <= low <= high <= 1
    retrained = [row for row in result.triples if row["top_accuracy"] is not None]
    assert len({row["network"] for row in retrained}) == 2


@pytest.mark.slow
def test_a_few_networks_are_trained_again_and_later_the_same_ones(
    root: Path, options: dict[str, Any], ray_address: str
) -> None:
    config = make_config(options, {"step": 0.2, "repeats": 2})
    result = search_coefficients(config, run_dir=root, quiet=True)
    told = networks_told(read_events(result.path / "trials.jsonl"))
    again = {network for network, times in told.items() if times == 2}
    assert len(again) == result.answer["repeats"] == 2
    assert set(told.values()) == {1, 2}
    assert {row["network"] for row in result.triples if row["seeds"] == 2} == again

    later = search_coefficients(make_config(config.to_dict(), {"repeats": 0}), run_dir=root)
    resumed = resume_coefficients(later.run, {"repeats": 2}, run_dir=root, quiet=True)
    assert networks_told(read_events(resumed.path / "trials.jsonl")) == told
    assert resumed.answer["expected"] == pytest.approx(result.answer["expected"])
    with pytest.raises(InputError, match="another repeats"):
        resume_coefficients(later.run, {"repeats": 3}, run_dir=root, quiet=True)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_stop_names_the_command_that_resumes_and_leaves_a_table(
    number: signal.Signals, root: Path, options: dict[str, Any], tmp_path: Path, ray_address: str
) -> None:
    run = root / "coefficients" / "001"
    process = started(root, options, tmp_path, ray_address)
    wait_until(lambda: count_told(run / "trials.jsonl") >= 2, process)
    os.killpg(process.pid, number)
    _, talk = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert f"effsearch coefficients --resume coefficients/001 --run-dir {root}" in talk
    assert "Traceback" not in talk
    with open(run / "trainings.csv", newline="") as file:
        assert sum(row["state"] == "done" for row in csv.DictReader(file)) >= 2


@pytest.mark.slow
def test_a_finished_grid_can_be_decided_by_longer_trainings(
    root: Path, options: dict[str, Any], ray_address: str
) -> None:
    config = make_config(options, {"step": 0.2})
    grid = search_coefficients(config, run_dir=root, quiet=True)
    # As a run has it that was started before there were repeats and preferences.
    record = json.loads((grid.path / "run.json").read_text())
    del record["config"]["repeats"], record["config"]["prefer"]
    (grid.path / "run.json").write_text(json.dumps(record))
    ledger = (grid.path / "trials.jsonl").read_bytes()
    longer = {"top": 2, "top_epochs": 2, "top_seeds": 2}
    result = resume_coefficients(grid.run, longer, run_dir=root, quiet=True)
    assert (result.answer["decided_by"], result.answer["top"]) == ("top", 2)
    assert (grid.path / "trials.jsonl").read_bytes() == ledger
    assert Run.load(grid.path).config["top"] == 2
    with pytest.raises(InputError, match="another top"):
        resume_coefficients(grid.run, {"top": 3}, run_dir=root, quiet=True)


@pytest.mark.slow
def test_halving_stops_trainings_and_says_so(
    root: Path, options: dict[str, Any], ray_address: str
) -> None:
    # Enough images that accuracies differ after an epoch; with fewer all are at chance.
    more = {"max_images": 240, "epochs": 2, "pruning": "halving", "step": 0.1}
    config = make_config(options, more)
    result = search_coefficients(config, run_dir=root, quiet=True)
    stopped = result.answer["grid"]["stopped"]
    assert stopped > 0
    assert {row["state"] for row in result.triples} == {"done", "stopped"}
    pruned = study_of(result.path).get_trials(states=(TrialState.PRUNED,))
    assert len({trial.user_attrs["network"] for trial in pruned}) == stopped
    assert next(row for row in result.triples if row["chosen"])["state"] == "done"


def test_another_grid_is_not_resumed(root: Path, options: dict[str, Any]) -> None:
    config = make_config(options)
    Run.create(root, "coefficients", command=["x"], config=config.to_dict()).close()
    with pytest.raises(InputError, match="started with another step"):
        resume_coefficients("coefficients/001", {"step": 0.01}, run_dir=root, quiet=True)


@pytest.mark.slow
def test_a_second_process_on_one_run_is_refused_in_one_line(
    root: Path, options: dict[str, Any], tmp_path: Path
) -> None:
    config = make_config(options)
    plan = make_plan(config, root)
    with Run.create(
        root, "coefficients", command=["x"], config=plan.stored_config(), extra=plan.record
    ) as run:
        second = effsearch("coefficients", "--resume", str(run.path), cwd=tmp_path)
        shown, said = second.communicate(timeout=120)
    assert (second.returncode, shown) == (2, "")
    assert "is in use by another process" in said
    assert said.count("\n") == 1


def test_an_empty_grid_is_said_before_anything_is_written(
    root: Path, options: dict[str, Any]
) -> None:
    config = make_config(options, {"tolerance": 0.001, "step": 0.3})
    with pytest.raises(InfeasibleError, match="smallest --tolerance"):
        search_coefficients(config, run_dir=root, quiet=True)
    assert not root.exists()


def test_a_missing_gpu_is_said_at_once(root: Path, options: dict[str, Any]) -> None:
    config = make_config(options, {"gpus_per_trial": 64})
    with pytest.raises(MissingResourceError, match="GPUs were asked for"):
        search_coefficients(config, run_dir=root, quiet=True)
    assert not root.exists()


def test_seeds_of_trainings_differ_by_run_network_and_repetition() -> None:
    seeds = {training_seed(run, id, i) for run in (0, 1) for id in "ab" for i in (0, 1)}
    assert len(seeds) == 8
    assert all(0 <= seed < 2**32 for seed in seeds)
