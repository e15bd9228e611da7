"""`effsearch baseline` from end to end: answers, documents, quiet, dry runs, repeats, stops."""

import csv
import json
import math
import os
import re
import shlex
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from searches import (
    count_told,
    effsearch,
    ended_networks,
    evaluations,
    logging_evaluator,
    wait_until,
    write_evaluator,
    write_space,
)

import effsearch as package
from effsearch.results.store.events import Told, digest
from effsearch.results.store.ledger import read_events
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.space_file import load_space

SEEDED = "def evaluate(architecture, seed): return seed % 1000 / 1000"


def small(folder: Path, source: str = SEEDED) -> list[str]:
    """Arguments of a search of the small space."""
    space, evaluator = write_space(folder), write_evaluator(folder, source)
    return [
        "baseline", "--space", space, "--evaluator", evaluator, "--target-flops", "60M",
        "--cost-band", "0.5", "--samples", "6", "--batch-size", "3", "--strategy", "random",
    ]  # fmt: skip


def digest_of(run: Path) -> str:
    return digest(read_events(run / "trials.jsonl"))


def counts_are_whole(value: Any) -> bool:
    """Whether nothing in a document that counts something is a fraction."""
    if isinstance(value, dict):
        return all(
            counts_are_whole(item)
            and (key not in ("macs", "params", "memory_bytes") or type(item) in (int, dict))
            for key, item in value.items()
        )
    return all(map(counts_are_whole, value)) if isinstance(value, list) else True


@pytest.mark.slow
def test_a_search_answers_with_a_network_in_the_band(cli, tmp_path: Path, ray_address: str) -> None:
    answer = cli(*small(tmp_path))
    assert answer.code == 0, answer.err
    rows = answer.out.splitlines()
    assert rows[0].split() == ["trial", "reward", "accuracy", "MACs", "params", "network"]
    assert len(rows) == 6
    run = tmp_path / "runs" / "baseline" / "001"
    assert f"baseline: {run.relative_to(tmp_path) / 'baseline.json'}" in answer.err
    assert "6/6 after" in answer.err
    found = json.loads((run / "baseline.json").read_text())
    assert 30_000_000 <= found["macs"] <= 60_000_000
    architecture = package.Architecture.from_dict(found["architecture"])
    assert cost(architecture).macs == found["macs"]
    assert (architecture.id, package.format_architecture(architecture)) == (
        found["id"],
        found["notation"],
    )
    record = json.loads((run / "run.json").read_text())
    assert record["status"] == "finished"
    assert record["command"][:2] == ["effsearch", "baseline"]
    assert (run / "trials.csv").read_text().count("\n") == 7
    assert counts_are_whole(found)

    # config.yaml repeats the run, from another folder too.
    again = cli(
        "baseline", "--config", str(run / "config.yaml"), "--workers", "1", "--json", "-q",
        "--run-dir", str(tmp_path / "elsewhere"),
    )  # fmt: skip
    assert (again.code, again.err) == (0, "")
    document = json.loads(again.out)  # one document and nothing else
    assert counts_are_whole(document)
    assert digest_of(tmp_path / "elsewhere" / "baseline" / "001") == digest_of(run)
    assert {k: v for k, v in document.items() if k != "run"} == {
        k: v for k, v in found.items() if k != "run"
    }

    # More samples go on; a finished search asked again says the same without doing anything.
    before = (run / "trials.jsonl").read_bytes()
    times = {file: file.stat().st_mtime_ns for file in run.rglob("*")}
    same = cli("baseline", "--resume", "baseline/001", "--workers", "3", "--json")
    assert (same.code, json.loads(same.out)) == (0, found)
    assert "run baseline/001 is finished: nothing is left to do" in same.err
    assert {file: file.stat().st_mtime_ns for file in run.rglob("*")} == times
    more = cli("baseline", "--resume", str(run), "--samples", "9", "--json")
    assert more.code == 0
    assert json.loads(more.out)["samples"] == 9
    assert (run / "trials.jsonl").read_bytes().startswith(before)

    # What has been found is the input of other commands, without conversion.
    profile = json.loads(cli("profile", str(run / "baseline.json"), "--json").out)
    assert profile["macs"] == json.loads((run / "baseline.json").read_text())["macs"]
    listed = json.loads(cli("results", "ls", "--json").out)["runs"]
    assert [(one["reference"], one["status"], one["done"]) for one in listed] == [
        ("baseline/001", "finished", 9)
    ]
    shown = json.loads(cli("results", "show", "baseline/001", "--json", "-q").out)
    assert shown["digest"] == digest_of(run)
    assert shown["targets"] == {"macs": 60_000_000}


def test_a_search_for_no_cost_is_refused_unless_it_is_meant(cli, tmp_path: Path) -> None:
    whole = small(tmp_path)
    place = whole.index("--target-flops")
    without = [*whole[:place], *whole[place + 4 :]]
    for more in ([], ["--dry-run"]):
        refused = cli(*without, *more)
        assert "none was given: give --target-flops 400M" in refused.error
        assert "--no-target for the most accurate" in refused.error
        assert (refused.code, refused.out) == (2, "")
    assert not (tmp_path / "runs").exists()
    assert cli(*without, "--no-target", "--dry-run").code == 0
    assert cli(*without, "--strategy", "nsga2", "--dry-run").code == 0  # it seeks a front
    both = cli(*whole, "--no-target")
    assert "no_target and a target exclude each other" in both.error


@pytest.mark.slow
def test_where_all_fail_the_command_fails_with_the_first_cause(
    cli, tmp_path: Path, ray_address: str
) -> None:
    answer = cli(*small(tmp_path, "def evaluate(a): raise ValueError('all bad')"), "-q")
    assert answer.error == "none of 6 evaluations succeeded; the first: ValueError: all bad"
    assert (answer.code, answer.out) == (1, "")
    run = tmp_path / "runs" / "baseline" / "001"
    assert not (run / "baseline.json").exists()
    assert json.loads((run / "run.json").read_text())["status"] == "failed"


@pytest.mark.slow
def test_a_time_budget_stops_a_search_that_can_be_resumed(
    cli, tmp_path: Path, ray_address: str
) -> None:
    stopped = cli(*small(tmp_path), "--time-budget", "1ms", "-q")
    assert stopped.error == "no evaluation ended within the time budget: continue with --resume"
    assert stopped.code == 1
    resumed = cli("baseline", "--resume", "baseline/001", "--time-budget", "1h", "--json", "-q")
    assert (resumed.code, resumed.err) == (0, "")
    assert json.loads(resumed.out)["samples"] == 6
    record = json.loads((tmp_path / "runs" / "baseline" / "001" / "run.json").read_text())
    assert record["status"] == "finished"
    assert "error" not in record


def test_a_dry_run_says_what_would_run_and_writes_nothing(cli, tmp_path: Path) -> None:
    arguments = [*small(tmp_path), "--dry-run", "--workers", "4"]
    before = sorted(tmp_path.rglob("*"))
    answer = cli(*arguments, "--json")
    assert (answer.code, answer.err) == (0, "")
    plan = json.loads(answer.out)
    assert plan["encodings"] == 69_984
    low, high = plan["ranges"]["macs"]
    assert type(low) is int
    assert low < 60_000_000 < high
    assert (plan["samples"], plan["batch_size"], plan["workers"]) == (6, 3, 4)
    assert plan["seconds_per_network"] is None  # nobody knows how long the user's code takes
    table = cli(*arguments)
    assert (table.code, table.err) == (0, "")
    assert "69,984" in table.out
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow
def test_a_dry_run_of_proxy_training_measures_one_training(cli, tmp_path: Path) -> None:
    arguments = ["--space", write_space(tmp_path), "--epochs", "2", "--samples", "100"]
    arguments += ["--no-target", "--time-budget", "1s"]
    plan = json.loads(cli("baseline", *arguments, "--dry-run", "--json", "--workers", "2").out)
    assert plan["data"]["name"] == "digits"
    assert plan["seconds_per_network"] > 0
    assert plan["estimated_seconds"] == pytest.approx(plan["seconds_per_network"] * 50, abs=1)
    assert plan["estimated_hours"] == pytest.approx(plan["estimated_seconds"] / 3600, abs=0.01)
    assert (plan["epochs"], plan["pixels"]) == (2, 16)
    assert plan["budget"] == "1 s, less than all takes"
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("flags", "note"),
    [
        (("--no-target",), "no target: the reward is the accuracy alone"),
        (("--target-flops", "60M", "--objective", "soft"), "it does not move the optimum"),
    ],
)
def test_what_an_objective_does_not_do_is_said_on_stderr(
    flags: tuple[str, ...], note: str, cli, tmp_path: Path
) -> None:
    # Ended by its time budget before anything is started.
    arguments = [*small(tmp_path), "--time-budget", "1ms"]
    place = arguments.index("--target-flops")
    answer = cli(*arguments[:place], *arguments[place + 4 :], *flags)
    assert note in answer.err
    assert answer.out == ""


@pytest.mark.slow
def test_a_soft_search_says_where_its_optimum_lies_and_teaches_the_next_its_weight(
    cli, tmp_path: Path, ray_address: str
) -> None:
    space = load_space(write_space(tmp_path))
    with (tmp_path / "table.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["architecture", "accuracy"])
        for row in space.sample(np.random.default_rng(0), 400):
            network = space.decode(row)
            logs = math.log(cost(network).macs / 2e7)
            writer.writerow(
                [package.format_architecture(network), 0.7 + 0.1 * logs - 0.02 * logs**2]
            )
    arguments = [
        "baseline", "--space", "small.yaml", "--evaluator", "table.csv", "--target-flops", "60M",
        "--objective", "soft", "--samples", "24", "--table-missing", "nearest",
    ]  # fmt: skip
    answer = cli(*arguments)
    assert answer.code == 0, answer.err
    assert "networks of the space: the values of the nearest one are used" in answer.err
    assert "optimum of the soft reward: about" in answer.out
    assert "weight expected to put it at the target: -0." in answer.out
    run = tmp_path / "runs" / "baseline" / "001"
    found = json.loads((run / "baseline.json").read_text())
    assert counts_are_whole(found)
    calibration = found["calibration"]
    assert (calibration["metric"], calibration["target"]) == ("macs", 60_000_000)
    taken = [
        event for event in read_events(run / "trials.jsonl")
        if isinstance(event, Told) and "taken_from" in event.measurements
    ]  # fmt: skip
    assert taken
    again = cli(*arguments, "--weight", "auto", "--json")
    assert again.code == 0, again.err
    assert "as baseline/001 worked it out" in again.err
    assert json.loads(again.out)["calibration"]["weight"] == calibration["weight_at_target"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "send"),
    [
        (signal.SIGINT, 130, os.killpg),  # as a terminal does it: the whole job
        (signal.SIGTERM, 143, os.kill),  # docker stop, Kubernetes
        (signal.SIGTERM, 143, os.killpg),  # a batch system
        (signal.SIGHUP, 129, os.killpg),  # a lost connection
    ],
)
def test_a_signal_to_stop_gives_its_exit_code_and_names_a_command_that_resumes(
    number: signal.Signals,
    code: int,
    send: Callable[[int, int], None],
    cli,
    tmp_path: Path,
    ray_address: str,
) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    evaluator, log = logging_evaluator(tmp_path, pause=0.2, kills_a_worker=True)
    process = effsearch(
        "baseline", "--space", write_space(tmp_path), "--evaluator", evaluator, "--samples", "40",
        "--no-target",
        "--workers", "2", "--seed", "3", "--run-dir", "a folder/runs", "--json",
        cwd=tmp_path,
    )  # fmt: skip
    run = folder / "runs" / "baseline" / "001"
    wait_until(lambda: count_told(run / "trials.jsonl") >= 3, process)
    send(process.pid, number)
    out, err = process.communicate(timeout=60)
    # Neither what evaluations print nor what Ray says of the lost worker is on stdout.
    assert (process.returncode, out) == (code, "")
    assert log.with_suffix(".killed").exists()
    last = err.splitlines()[-1]
    stopped = re.fullmatch(r"effsearch: stopped; nothing finished is lost. Resume with: (.*)", last)
    assert stopped, err
    assert "Traceback" not in err
    assert json.loads((run / "run.json").read_text())["status"] == "interrupted"
    assert (run / "trials.csv").exists()
    known = ended_networks(read_events(run / "trials.jsonl"))
    assert 3 <= len(known) < 40
    assert_gone(process.pid)

    command = shlex.split(stopped.group(1))
    assert command[:2] == ["effsearch", "baseline"]
    resumed = cli(*command[1:], "--samples", str(len(known) + 3), "--json", "-q")
    assert (resumed.code, resumed.err) == (0, "")
    assert json.loads(resumed.out)["samples"] >= len(known) + 3
    counts = evaluations(log)
    assert all(counts[network] == 1 for network in known)


@pytest.mark.slow
def test_ctrl_c_while_ray_is_starting_is_a_clean_stop_too(tmp_path: Path) -> None:
    process = effsearch(*small(tmp_path), cwd=tmp_path)
    run = tmp_path / "runs" / "baseline" / "001"
    ledger = run / "trials.jsonl"
    wait_until(lambda: ledger.exists() and b"asked" in ledger.read_bytes(), process)
    time.sleep(1.0)  # what is asked is written before Ray starts, which takes seconds
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, ""), err
    assert err.splitlines()[-1].endswith("effsearch baseline --resume baseline/001")
    assert "Traceback" not in err
    assert_gone(process.pid)


def assert_gone(group: int, seconds: float = 20.0) -> None:
    """Nothing of a process group is left."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    raise AssertionError("the search left processes behind")


@pytest.mark.slow
def test_the_python_api_returns_plain_objects(tmp_path: Path, ray_address: str) -> None:
    options = {
        "space": write_space(tmp_path),
        "evaluator": write_evaluator(tmp_path, SEEDED),
        "target_flops": "60M",
        "cost_band": 0.5,
        "samples": 4,
        "strategy": "random",
    }
    result = package.search_baseline(run_dir=tmp_path / "runs", quiet=True, **options)
    assert result.run == "baseline/001"
    assert result.path == tmp_path / "runs" / "baseline" / "001"
    assert isinstance(result.architecture, package.Architecture)
    assert result.macs == package.cost(result.architecture).macs <= 60_000_000
    assert 0 <= result.accuracy <= 1
    assert result.reward == max(trial.reward for trial in result.trials if trial.reward is not None)
    more = package.resume_baseline("baseline/001", run_dir=tmp_path / "runs", quiet=True, samples=6)
    assert len(more.trials) == 6
    run = package.load_run("baseline/001", run_dir=tmp_path / "runs")
    assert run.answer() == more.answer
    with pytest.raises(package.EffsearchError, match="did you mean 'target_flops'"):
        package.search_baseline(run_dir=tmp_path / "runs", taget_flops="60M")
