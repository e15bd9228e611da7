"""Runs that an earlier version wrote are read, reported and gone on with as that version did.

`tests/data/runs` is a working folder with runs of every kind; its README says what wrote them.
What is expected stands here as that version printed it. Trainings that are gone on with may differ
from it in the last digits on another CPU, so that their accuracies are compared with a tolerance.
"""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from effsearch.cli.app import main

DATA = Path(__file__).parents[1] / "data" / "runs"
TINY = "res16 stem_k3_s1_c8 ir_r1_k3_s2_e2_c16 head_c32 cls10"
TRAINED = 0.03
"""How far an accuracy or a loss of a resumed training may lie from the one on another CPU."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder with the old runs, to be written in."""
    return Path(shutil.copytree(DATA, tmp_path / "work"))


def effsearch(folder: Path, *arguments: str) -> str:
    """What a command prints, which has to succeed; it is called in this process."""
    out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
    typed = patch.object(sys, "argv", ["effsearch", *arguments])
    with chdir(folder), redirect_stdout(out), redirect_stderr(err), typed:
        with pytest.raises(SystemExit) as left:
            main()
        out.flush()
    assert left.value.code == 0, err.getvalue()
    return out.buffer.getvalue().decode()  # type: ignore[attr-defined]


def on_the_cpu(folder: Path, *arguments: str) -> str:
    """As `effsearch`, in a process that sees no GPU: what is expected was trained on a CPU."""
    done = subprocess.run(
        [sys.executable, "-m", "effsearch.cli.app", *arguments],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def document(folder: Path, *arguments: str) -> Any:
    """The document that a command prints with `--json`."""
    return json.loads(effsearch(folder, *arguments, "--json"))


# run: status, ended well, failed, asked, reward and accuracy of the best
LISTED = {
    "baseline/finalists": ("finished", "20", "0", "20", "0.73414", "0.73414"),
    "baseline/finished": ("finished", "20", "0", "20", "0.73414", "0.73414"),
    "baseline/interrupted": ("interrupted", "9", "0", "10", "0.73082", "0.73082"),
    "baseline/latency": ("finished", "4", "0", "4", "0.45914", "0.45914"),
    "baseline/proxy": ("finished", "4", "0", "4", "0.2125", "0.2125"),
    "bench/finished": ("finished", "6", "0", "6", "", ""),
    "bench/interrupted": ("interrupted", "3", "0", "6", "", ""),
    "coefficients/finished": (
        "finished",
        "10",
        "0",
        "10",
        "0.6166666666666667",
        "0.6166666666666667",
    ),
    "coefficients/interrupted": ("interrupted", "5", "0", "6", "0.6", "0.6"),
    "coefficients/top": ("finished", "5", "0", "5", "0.6166666666666667", "0.6166666666666667"),
    "comparison/finished": ("finished", "8", "0", "8", "0.5166666666666667", "0.5166666666666667"),
    "comparison/interrupted": (
        "interrupted",
        "4",
        "0",
        "6",
        "0.5166666666666667",
        "0.5166666666666667",
    ),
    "family/formula": ("finished", "0", "0", "0", "", ""),
    "train/finished": ("finished", "4", "0", "4", "", "0.425"),
    "train/interrupted": ("interrupted", "2", "0", "4", "", "0.125"),
}


def test_every_run_is_listed_as_it_stood() -> None:
    rows = csv.DictReader(io.StringIO(effsearch(DATA, "results", "ls", "--csv")))
    shown = {
        row["reference"]: tuple(
            row[key]
            for key in ("status", "done", "failed", "asked", "best_reward", "best_accuracy")
        )
        for row in rows
    }
    assert shown == LISTED


# run: digest, number and network of the best trial
SHOWN = {
    "baseline/finalists": ("163e1cc256ce536b", 13, "dcacff479d07"),
    "baseline/finished": ("163e1cc256ce536b", 13, "dcacff479d07"),
    "baseline/interrupted": ("d14149016c0c6eb7", 8, "11b86c7dcf32"),
    "baseline/latency": ("e55d8ccd7fa13736", 3, "6a013f313a6c"),
    "baseline/proxy": ("56cc66a9e4d594a0", 1, "c010e15a6557"),
    "coefficients/finished": ("c32218312d516931", 6, "8d53ceeb86d8"),
    "coefficients/interrupted": ("69d6eed3c55c4fdd", 1, "a4a551e8d1df"),
    "coefficients/top": ("b14227d5eb85d63e", 3, "8d53ceeb86d8"),
    "comparison/finished": ("05810111301ab5cf", 2, "7c07aba06e39"),
    "comparison/interrupted": ("bb6943cfaf8a3c4c", 2, "7c07aba06e39"),
}


@pytest.mark.parametrize("run", SHOWN)
def test_a_search_is_shown_with_its_digest_and_its_best_trial(run: str) -> None:
    shown = document(DATA, "results", "show", run)
    best = shown["best"]
    assert (shown["digest"], best["trial"], best["arch_id"]) == SHOWN[run]
    (first,) = document(DATA, "results", "top", run, "-n", "1")["trials"]
    assert (first["trial"], first["arch_id"]) == SHOWN[run][1:]


# run: what `results show` counts, and the rows of its own table
COUNTED = {
    "bench/finished": ("searches", {"ended": 6, "planned": 6}, 6),
    "bench/interrupted": ("searches", {"ended": 3, "planned": 6}, 0),
    "family/formula": ("status", "finished", 3),
    "train/finished": ("epochs", {"done": 4, "planned": 4}, 4),
    "train/interrupted": ("epochs", {"done": 2, "planned": 4}, 2),
}


@pytest.mark.parametrize("run", COUNTED)
def test_a_run_without_trials_is_shown_with_what_it_has(run: str) -> None:
    key, counted, rows = COUNTED[run]
    assert document(DATA, "results", "show", run)[key] == counted
    assert document(DATA, "results", "top", run)["trials"] == []
    assert len(document(DATA, "results", "export", run)["rows"]) == rows


# run: what its report has to say, the answer or how to go on
REPORTED = {
    "baseline/finalists": "72.52%",
    "coefficients/top": "62.08%",
    "comparison/finished": "45.83%",
    "train/finished": "32.59%",
    "bench/finished": "0.7330",
    "family/formula": "991.7k",
    "baseline/interrupted": "effsearch baseline --resume baseline/interrupted",
    "coefficients/interrupted": "effsearch coefficients --resume coefficients/interrupted",
    "comparison/interrupted": "effsearch compare-scaling --resume comparison/interrupted",
    "train/interrupted": "effsearch train --resume train/interrupted",
    "bench/interrupted": "effsearch bench --resume bench/interrupted",
}


@pytest.mark.slow
@pytest.mark.parametrize("run", REPORTED)
def test_a_run_is_reported(run: str, folder: Path) -> None:
    effsearch(folder, "report", run, "--output", "page.html")
    page = (folder / "page.html").read_text()
    assert REPORTED[run] in page
    assert "<svg" in page or run in ("comparison/interrupted", "bench/interrupted")


def test_answers_are_what_the_next_commands_take(folder: Path) -> None:
    found = document(folder, "profile", "baseline/finished")
    assert (found["id"], found["macs"]) == ("dcacff479d07", 1337152)
    scaled = document(
        folder, "scale", "--baseline", "baseline/finished", "--phi", "1",
        "--coefficients", "coefficients/finished",
    )  # fmt: skip
    assert [member["network"] for member in scaled["members"]] == ["db22e889c8eb"]
    assert document(folder, "results", "diff", "baseline/latency")["left"] == "6a013f313a6c"


def test_latency_tables_are_shown_and_predict() -> None:
    for name, layers in (("torch-cpu", 35), ("command", 0)):
        table = document(DATA, "lut", "show", f"lut/mini-{name}-b1.csv")
        assert (table["layers"], table["networks"]) == (layers, 9)
    network = "res16 cls5 act_silu stem_k3_s2_c4 cn_r1_k3_s2_c8_skip head_c8"
    for name, milliseconds in (("torch-cpu", 0.0417), ("command", 0.2899)):
        table = f"lut/mini-{name}-b1.csv"
        predicted = document(DATA, "profile", network, "--latency-table", table)
        assert predicted["predicted_latency_ms"] == pytest.approx(milliseconds, rel=1e-6)


@pytest.mark.slow
def test_a_trained_model_is_evaluated_as_it_was(folder: Path) -> None:
    answer = read_answer(folder, "train/finished")
    measured = json.loads(on_the_cpu(folder, "evaluate", "train/finished", "--json"))
    assert measured["top1"] == pytest.approx(answer["accuracy"]["test"]["top1"], abs=TRAINED)


@pytest.mark.slow
def test_a_finished_search_asked_again_says_the_same(folder: Path) -> None:
    said = document(folder, "baseline", "--resume", "baseline/finished", "-q")
    assert said == read_answer(folder, "baseline/finished")


def resume(folder: Path, command: str, kind: str, run_it: Callable[..., str] = effsearch) -> Any:
    """Go on with the interrupted run of a kind; its answer, without what differs by its name."""
    run = folder / "runs" / kind / "interrupted"
    before = {path.name: path.read_bytes() for path in run.glob("*.jsonl")}
    run_it(folder, command, "--resume", f"{kind}/interrupted", "-q")
    for name, content in before.items():  # what had been measured stays as it was
        assert (run / name).read_bytes().startswith(content)
    assert json.loads((run / "run.json").read_text())["status"] == "finished"
    return read_answer(folder, f"{kind}/interrupted")


def read_answer(folder: Path, run: str) -> Any:
    """The content of the answer that a run wrote."""
    path = folder / "runs" / run
    return json.loads((path / f"{path.parent.name}.json").read_text())


# A baseline that was typed is, in a grid that is gone on with, said as the run keeps it.
_OF_ONE_RUN = {"run", "source", "versions", "seconds", "images_per_second"}


def assert_close(one: Any, other: Any, tolerance: float, place: str = "answer") -> None:
    """An answer is the other but for numbers within a tolerance, what no two runs share, and keys
    that are new since."""
    if isinstance(one, dict):
        assert one.keys() >= other.keys(), place
        for key in other.keys() - _OF_ONE_RUN:
            assert_close(one[key], other[key], tolerance, f"{place}.{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), place
        for number, pair in enumerate(zip(one, other, strict=True)):
            assert_close(*pair, tolerance, f"{place}[{number}]")
    elif isinstance(one, float):
        assert one == pytest.approx(other, abs=tolerance), place
    else:
        assert one == other, place


def asked(folder: Path, run: str) -> list[tuple[int, str, int]]:
    """Number, network and seed of every training that a run asked for."""
    events = map(json.loads, (folder / "runs" / run / "trials.jsonl").read_text().splitlines())
    return [
        (event["trial"], event["arch_id"], event["seed"])
        for event in events
        if event["event"] == "asked"
    ]


@pytest.mark.slow
def test_an_interrupted_search_goes_on_to_the_digest_of_an_uninterrupted_one(
    folder: Path, ray_address: str
) -> None:
    answer = resume(folder, "baseline", "baseline")
    shown = document(folder, "results", "show", "baseline/interrupted")
    assert shown["digest"] == SHOWN["baseline/finished"][0] == "163e1cc256ce536b"
    assert_close(answer, read_answer(folder, "baseline/finished"), 0.0)


@pytest.mark.slow
def test_an_interrupted_grid_goes_on_to_the_same_coefficients(
    folder: Path, ray_address: str
) -> None:
    answer = resume(folder, "coefficients", "coefficients")
    assert (answer["alpha"], answer["beta"], answer["gamma"]) == (2.0, 1.0, 1.0)
    assert answer["network"]["id"] == "a4a551e8d1df"
    assert_close(answer, read_answer(folder, "coefficients/finished"), TRAINED)
    assert asked(folder, "coefficients/interrupted") == asked(folder, "coefficients/finished")


@pytest.mark.slow
def test_an_interrupted_comparison_goes_on_to_the_same_rows(folder: Path, ray_address: str) -> None:
    answer = resume(folder, "compare-scaling", "comparison")
    rows = [(row["method"], row["network"], row["state"]) for row in answer["rows"]]
    assert rows == [
        ("baseline", "bd35416dae33", "done"),
        ("depth", "7c07aba06e39", "done"),
        ("width", "8ef7809122a9", "unreachable"),
        ("resolution", "6218330e3add", "done"),
        ("compound", "a12491168479", "done"),
    ]
    assert [row["accuracy"] for row in answer["rows"]] == pytest.approx(
        [0.35, 0.458333, None, 0.2625, 0.375], abs=TRAINED
    )
    assert asked(folder, "comparison/interrupted") == asked(folder, "comparison/finished")


@pytest.mark.slow
def test_an_interrupted_training_goes_on_to_the_same_model(folder: Path) -> None:
    answer = resume(folder, "train", "train", on_the_cpu)
    assert answer["accuracy"]["test"]["top1"] == pytest.approx(0.325905, abs=TRAINED)
    assert_close(answer["accuracy"], read_answer(folder, "train/finished")["accuracy"], TRAINED)
    one, other = (tensors(folder, f"train/{name}") for name in ("interrupted", "finished"))
    assert one.keys() == other.keys()
    for name in one:
        # Convolutions sum in another order than in that version, and SGD makes more of it.
        assert one[name] == pytest.approx(other[name], abs=1e-2), name


def tensors(folder: Path, run: str) -> Any:
    """The weights of a run's best model, by name."""
    from safetensors.numpy import load_file

    return load_file(folder / "runs" / run / "checkpoints" / "best.safetensors")


def test_an_interrupted_bench_goes_on_to_the_same_standings(folder: Path) -> None:
    answer = resume(folder, "bench", "bench")
    before = read_answer(folder, "bench/finished")
    best = {row["strategy"]: row["reward"] for row in answer["standings"]}
    assert best.keys() == {"random", "local_search", "bayesian"}
    # `bayesian` proposes other networks than that version did, and regret is to the best of all.
    for strategy in ("random", "local_search"):
        now, then = (
            [
                (row["evaluations"], row["reward"])
                for row in found["standings"]
                if row["strategy"] == strategy
            ]
            for found in (answer, before)
        )
        assert now == [pytest.approx(row, abs=1e-6) for row in then]
