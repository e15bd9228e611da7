"""Evaluations a second through Ray Tune with an evaluator that costs nothing, and what they leave.

Measured in one run: our driver with 256 architectures a trial and with one, a plain Tune function
trainable as a user would write it, growth of the driver's memory over a long search, and the time
a resumed search needs to its next candidate.
"""

import argparse
import contextlib
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import write_result
from effsearch.nas.evaluators.user import load_user_evaluator
from effsearch.nas.objective import Objective, banded_target
from effsearch.nas.problem import Problem
from effsearch.nas.search import Search
from effsearch.nas.strategies.registry import make_strategy
from effsearch.results.store.ledger import Ledger, read_events
from effsearch.search_spaces.space_file import load_space
from effsearch.training.trials.cluster import Resources, ray_session
from effsearch.training.trials.tune_runner import run_trials

LONG = 10_000
BATCHED = 256  # architectures in one Tune trial
PLAIN_TRIALS = 12
WORKERS = 2
REQUIRED = {"batched": 1000.0, "unbatched": 15.0, "growth_mb": 150.0, "resume_seconds": 3.0}

_EVALUATOR = """
def evaluate_batch(architectures):
    return [int(a.id, 16) % 1000 / 1000 for a in architectures]

def evaluate(architecture):
    return int(architecture.id, 16) % 1000 / 1000
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, write `results/driver.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--unbatched", type=int, default=LONG, help="evaluations one a trial")
    unbatched_samples = parser.parse_args(arguments).unbatched
    with tempfile.TemporaryDirectory() as folder:
        evaluators = Path(folder) / "trivial.py"
        evaluators.write_text(_EVALUATOR)
        ledger = Path(folder) / "batched.jsonl"
        with ray_session(Resources(workers=WORKERS)):
            batched = _search(ledger, f"{evaluators}:evaluate_batch", LONG, 2048, BATCHED)
            resume = _resume_seconds(ledger)
            unbatched = _search(
                Path(folder) / "unbatched.jsonl", f"{evaluators}:evaluate", unbatched_samples, 64, 1
            )
            plain = _plain_tune()
    rows = {
        f"{BATCHED} architectures a trial": batched,
        "1 architecture a trial": unbatched,
        "plain Tune function": {"evaluations": PLAIN_TRIALS, "a_second": plain},
    }
    print(f"{'driver':26}{'evaluations':>12}{'a second':>10}{'growth MB':>11}")
    for name, row in rows.items():
        growth = f"{row['growth_mb']:.0f}" if "growth_mb" in row else "-"
        print(f"{name:26}{row['evaluations']:>12,}{row['a_second']:>10.1f}{growth:>11}")
    print(f"resume of {LONG:,} evaluations: next candidate after {resume:.2f} s")
    print(f"required: {REQUIRED}")
    path = write_result("driver", {"rows": rows, "resume_seconds": resume, "required": REQUIRED})
    print(f"written: {path.name}")


def _problem() -> Problem:
    target = banded_target("macs", 400e6, floor=0.1)
    return Problem.of(load_space("mnasnet"), Objective((target,)))


def _search(
    path: Path, evaluator: str, samples: int, batch_size: int, per_trial: int
) -> dict[str, Any]:
    problem = _problem()
    found = load_user_evaluator(evaluator)
    with Ledger.open(path) as ledger, ray_session(Resources(workers=WORKERS)) as session:
        _warm_up(problem, found, session, path)
        before = _resident_mb()
        search = Search(
            problem,
            make_strategy("evolution", problem, 0),
            ledger,
            samples=samples,
            batch_size=batch_size,
            seed=0,
        )
        start = time.perf_counter()
        run_trials(search, found, session, per_trial=per_trial, timeout=60.0)
        seconds = time.perf_counter() - start
    if search.done != samples or search.failed:
        raise SystemExit(f"{search.done} of {samples} done, {search.failed} failed")
    return {
        "evaluations": samples,
        "a_second": round(samples / seconds, 1),
        "growth_mb": round(_resident_mb() - before, 1),
    }


def _warm_up(problem: Problem, evaluator: Any, session: Any, path: Path) -> None:
    """Load what is loaded once, so that growth shows what every evaluation leaves."""
    with Ledger.open(path.with_suffix(".warm")) as ledger:
        search = Search(
            problem,
            make_strategy("random", problem, 1),
            ledger,
            samples=4,
            batch_size=4,
            seed=1,
        )
        run_trials(search, evaluator, session, per_trial=1, timeout=60.0)


def _resume_seconds(path: Path) -> float:
    """From opening a ledger to the next batch in hand, imports done."""
    start = time.perf_counter()
    problem = _problem()
    with Ledger.open(path) as ledger:
        search = Search(
            problem,
            make_strategy("evolution", problem, 0),
            ledger,
            samples=LONG + 2048,
            batch_size=2048,
            seed=0,
            events=read_events(path),
        )
        search.prepare()
    if search.asked <= LONG:
        raise SystemExit("the resumed search asked for nothing")
    return time.perf_counter() - start


def _plain_tune() -> float:
    """Trials a second of Tune as its tutorials show it: a function, loggers on, no reuse."""
    from ray import tune

    def objective(config: dict[str, float]) -> None:
        tune.report({"accuracy": config["x"]})

    with tempfile.TemporaryDirectory() as storage, contextlib.redirect_stdout(None):
        tuner = tune.Tuner(
            objective,
            param_space={"x": tune.uniform(0, 1)},
            tune_config=tune.TuneConfig(num_samples=PLAIN_TRIALS),
            run_config=tune.RunConfig(storage_path=storage, verbose=0),
        )
        start = time.perf_counter()
        tuner.fit()
        return PLAIN_TRIALS / (time.perf_counter() - start)


def _resident_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    main()
