"""Searches through the real Ray Tune: trials that fail, hang or die, batches, lost workers."""

from pathlib import Path
from typing import Any

import pytest
from searches import write_evaluator, write_space

from effsearch.nas.answer import BaselineResult
from effsearch.nas.baseline import search_baseline
from effsearch.nas.config import make_config
from effsearch.search_spaces.errors import EffsearchError, MissingResourceError
from effsearch.training.trials.cluster import Resources, Session, fit_resources

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("ray_address")]

TUNE_RUNNER = "effsearch.training.trials.tune_runner"  # by name: with it comes Ray Tune
BEHAVIOURS = """
import math, os, signal, sys, time
import numpy

def place(architecture):
    \"\"\"How many evaluations began before this one.\"\"\"
    for number in range(1000):
        try:
            with open(f"{folder}/{{number}}.began", "x") as file:
                file.write(architecture.id)
            return number
        except FileExistsError:
            pass

def evaluate(architecture):
    print("noise on stdout")
    os.write(1, b"noise on the file of stdout")
    match place(architecture) % 10:
        case 0: raise RuntimeError("no luck")
        case 1: return math.nan
        case 2: return 71.3
        case 3: os._exit(7)
        case 4: os.kill(os.getpid(), signal.SIGSEGV)
        case 5: time.sleep(600)
        case 6: return "good"
        case 7: return {{"accuracy": 0.7, "network": object()}}
        case 8: return numpy.float32(0.5)
        case 9: return {{"accuracy": numpy.float64(0.625), "latency_ms": numpy.int32(3)}}
"""

CPU_ONLY = Session(4, 1, 0.0)

EXPECTED: list[tuple[str | None, str]] = [
    ("error", "RuntimeError: no luck"),
    ("nan", "accuracy is nan"),
    ("error", "accuracy must be a fraction in [0, 1], not 71.3 (in percent? divide by 100)"),
    ("error", "evaluation process died: exit code 7"),
    ("error", "evaluation process died: SIGSEGV"),
    ("timeout", "no result after 0.5 s"),
    (
        "error",
        "the evaluator returned 'good': return a fraction or {\"accuracy\": 0.93}",
    ),
    ("error", "measurements are not plain data: object is neither a number nor text"),
]


def search(folder: Path, source: str, **changes: Any) -> BaselineResult:
    options = {
        "space": write_space(folder),
        "evaluator": write_evaluator(folder, source),
        "strategy": "random",
        "no_target": True,
        "samples": 8,
        "workers": 2,
    }
    return search_baseline(make_config(options, changes), run_dir=folder / "runs", quiet=True)


def test_every_kind_of_failure_is_recorded_and_survived(tmp_path: Path) -> None:
    source = BEHAVIOURS.format(folder=tmp_path)
    result = search(tmp_path, source, samples=20, trial_timeout=0.5)
    kinds = {
        file.read_text(): int(file.stem) % len("0123456789") for file in tmp_path.glob("*.began")
    }
    assert len(kinds) == len(result.trials) == 20
    for trial in result.trials:
        kind = kinds[trial.arch_id]
        if kind < 8:
            assert (trial.state, trial.reason, trial.error) == ("failed", *EXPECTED[kind])
        elif kind == 8:
            assert trial.measurements == {"accuracy": 0.5}
        else:
            assert trial.measurements == {"accuracy": 0.625, "latency_ms": 3}
    assert result.accuracy == 0.625
    assert (result.answer["samples"], result.answer["failed"]) == (20, 16)
    assert (result.path / "trials.csv").read_text().count("process died: SIGSEGV") == 2


def test_a_batch_evaluator_is_given_an_even_share_of_a_batch_at_once(tmp_path: Path) -> None:
    source = "def evaluate(architectures): return [len(architectures) / 10 for _ in architectures]"
    result = search(tmp_path, source, samples=12, batch_size=7)
    assert [trial.accuracy for trial in result.trials] == [0.4] * 4 + [0.3] * 3 + [0.4] * 4 + [0.1]


def test_a_long_search_is_several_fits_of_tune(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{TUNE_RUNNER}.TRIALS_PER_FIT", 3)
    result = search(tmp_path, "def evaluate(a, seed): return seed % 1000 / 1000", samples=5)
    assert [trial.state for trial in result.trials] == ["done"] * 5


def test_trials_whose_worker_dies_are_run_again_and_fail_where_that_does_not_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(f"{TUNE_RUNNER}.RETRIES", 1)
    source = (
        "import os, signal, time\n"
        "from pathlib import Path\n"
        f"here = Path({str(tmp_path)!r})\n"
        "def claims(network, name):\n"
        "    try:\n"
        "        with open(here / name, 'x') as file: file.write(network)\n"
        "    except FileExistsError: pass\n"
        "    return (here / name).read_text() == network\n"
        "def evaluate(architecture):\n"
        "    deadly = claims(architecture.id, 'deadly')\n"
        "    if deadly or (claims(architecture.id, 'unlucky') and not (here / 'once').exists()):\n"
        "        if not deadly: (here / 'once').touch()\n"
        "        os.kill(os.getppid(), signal.SIGKILL)\n"
        "        time.sleep(600)\n"
        "    return 0.5\n"
    )
    result = search(tmp_path, source, samples=3, workers=1)
    states = {trial.arch_id: (trial.state, trial.accuracy) for trial in result.trials}
    deadly, unlucky = (tmp_path / "deadly").read_text(), (tmp_path / "unlucky").read_text()
    assert states.pop(deadly) == ("failed", None)
    assert states.pop(unlucky) == ("done", 0.5)
    assert list(states.values()) == [("done", 0.5)]
    (error,) = [trial.error for trial in result.trials if trial.error]
    assert error.startswith("worker lost 2 times: ")
    assert "Trials did not complete" not in capfd.readouterr().err


def test_a_search_none_of_whose_first_trials_starts_stops_and_says_why(tmp_path: Path) -> None:
    source = (
        "import sys\n"
        "if sys.argv[0].endswith('worker.py'): raise ImportError('libcuda.so is missing')\n"
        "def evaluate(architecture): return 0.5\n"
    )
    with pytest.raises(EffsearchError, match=r"no trial could be started: .*libcuda.so is missing"):
        search(tmp_path, source, samples=50, workers=1)
    ledger = (tmp_path / "runs/baseline/001/trials.jsonl").read_text()
    assert ledger.count('"failed"') == 3


@pytest.mark.parametrize(
    ("resources", "have", "expected"),
    [
        (Resources(), {"CPU": 8.0}, Session(8, 1, 0.0)),
        (Resources(workers=3), {"CPU": 8.0}, Session(3, 1, 0.0)),
        (Resources(workers=99), {"CPU": 8.0}, Session(8, 1, 0.0)),
        (Resources(cpus_per_trial=3), {"CPU": 8.0}, Session(2, 3, 0.0)),
        (Resources(gpus_per_trial=0.25), {"CPU": 16.0, "GPU": 1.0}, Session(4, 1, 0.25)),
        (Resources(gpus_per_trial=1.0), {"CPU": 16.0, "GPU": 2.0}, Session(2, 1, 1.0)),
        (Resources(gpus_per_trial=0.0, shares_gpus=True), {"CPU": 4.0, "GPU": 1.0}, CPU_ONLY),
        (Resources(shares_gpus=True), {"CPU": 16.0, "GPU": 1.0}, Session(4, 1, 0.25)),
        (Resources(shares_gpus=True, workers=8), {"CPU": 16.0, "GPU": 1.0}, Session(8, 1, 0.125)),
        (Resources(shares_gpus=True), {"CPU": 2.0, "GPU": 1.0}, Session(2, 1, 0.5)),
        (Resources(shares_gpus=True, workers=3), {"CPU": 8.0, "GPU": 2.0}, Session(3, 1, 0.5)),
        (Resources(shares_gpus=True), {"CPU": 7.0, "GPU": 1.0}, Session(4, 1, 0.25)),
        (Resources(gpus_per_trial=0.6), {"CPU": 8.0, "GPU": 2.0}, Session(2, 1, 0.6)),
    ],
)  # fmt: skip
def test_as_many_trials_run_as_fit(
    resources: Resources, have: dict[str, float], expected: Session
) -> None:
    assert fit_resources(resources, have) == expected


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        (Resources(gpus_per_trial=0.5), "a trial needs 0.5 GPU but Ray sees 0"),
        (Resources(cpus_per_trial=9), "a trial needs 9 CPUs but Ray sees 8"),
    ],
)
def test_a_cluster_in_which_not_one_trial_fits_is_refused(
    resources: Resources, message: str
) -> None:
    with pytest.raises(MissingResourceError, match=message):
        fit_resources(resources, {"CPU": 8.0})
