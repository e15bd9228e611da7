"""A search of 20,000 trials: what it costs to look at it, to report it, and to go on with it.

Processor seconds and the most memory of whole commands, imports included. Going on is counted up
to the first new trial, which stands in the ledger before Ray is started.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import write_result
from effsearch.nas.config import make_config
from effsearch.nas.setup import make_plan
from effsearch.results.store.ledger import Asked, Event, Ledger, Told
from effsearch.results.store.run import Run
from effsearch.search_spaces.notation import format_architecture

TRIALS, BATCH = 20_000, 16
REQUIRED = {
    "top_cpu_seconds": 1.5,
    "ls_cpu_seconds": 1.5,
    "report_cpu_seconds": 20.0,
    "resume_cpu_seconds": 5.0,
    "top_mb": 400,
    "ls_mb": 400,
    "report_mb": 400,
    "resume_mb": 400,
}


def main() -> None:
    """Measure, print, write `results/load.json`; exit 1 where a bound is missed."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "measure.py").write_text("def evaluate(architecture):\n    return 0.5\n", "utf-8")
        _write_run(root)
        measured: dict[str, float] = {}
        for what, words in (
            ("top", ("results", "top", "baseline/large")),
            ("ls", ("results", "ls")),
            ("report", ("report", "baseline/large")),
        ):
            seconds, peak = _whole(root, words)
            measured |= {f"{what}_cpu_seconds": seconds, f"{what}_mb": peak}
        seconds, peak = _until_asked(root)
        measured |= {"resume_cpu_seconds": seconds, "resume_mb": peak}
    for key, value in measured.items():
        print(f"{key:24}{value:>10,}  required below {REQUIRED[key]:,}")
    result: dict[str, Any] = {"trials": TRIALS, "measured": measured, "required": REQUIRED}
    write_result("load", result, ("numpy", "scipy", "matplotlib", "scikit-learn", "ray"))
    if any(measured[key] >= bound for key, bound in REQUIRED.items()):
        raise SystemExit(1)


def _write_run(root: Path) -> None:
    """A bayesian search of the mnasnet space, its networks drawn at random."""
    config = make_config(
        {
            "space": "mnasnet",
            "strategy": "bayesian",
            "evaluator": f"{root / 'measure.py'}:evaluate",
            "samples": TRIALS,
            "batch_size": BATCH,
            "workers": 1,
            "target_flops": "400M",
        }
    )
    plan = make_plan(config)
    rng = np.random.default_rng(0)
    rows = plan.space.sample(rng, TRIALS)
    costs = plan.costs(rows)
    effect = rng.normal(0, 0.01, rows.shape[1])
    accuracies = np.clip(0.6 + rows @ effect + rng.normal(0, 0.005, TRIALS), 0, 1)
    events: list[Event] = []
    for number, row in enumerate(rows):
        network = plan.space.decode(row)
        accuracy = float(accuracies[number])
        known = {metric: int(values[number]) for metric, values in costs.items()}
        reward = float(plan.problem.objective.reward(accuracy, known))
        events += [
            Asked(
                trial=number,
                batch=number // BATCH,
                seed=number,
                arch_id=network.id,
                architecture=format_architecture(network),
                encoding=tuple(map(int, row)),
                costs=known,
                time=1e9 + number,
            ),
            Told(
                trial=number,
                measurements={"accuracy": accuracy, "curve": [accuracy / 2, accuracy]},
                reward=reward,
                seconds=5.0,
                worker="node:1",
                time=1e9 + number + 5.0,
            ),
        ]
    with (
        Run.create(
            root / "runs",
            "baseline",
            "large",
            command=["effsearch", "baseline"],
            config=plan.stored_config(),
            extra=plan.record,
        ) as run,
        Ledger.open(run.paths.ledger) as ledger,
    ):
        ledger.append(*events)
        run.finish("finished")


def _command(root: Path, words: tuple[str, ...]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "effsearch.cli.app", *words, "-q"],
        cwd=root,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def _whole(root: Path, words: tuple[str, ...]) -> tuple[float, int]:
    """Processor seconds and megabytes of one command."""
    _, status, used = os.wait4(_command(root, words).pid, 0)
    if status:
        raise SystemExit(f"{' '.join(words)} failed")
    return round(used.ru_utime + used.ru_stime, 2), used.ru_maxrss // 1024


def _until_asked(root: Path) -> tuple[float, int]:
    """The same until a resumed search has asked for more."""
    ledger = root / "runs" / "baseline" / "large" / "trials.jsonl"
    before = ledger.stat().st_size
    more = ("baseline", "--resume", "baseline/large", "--samples", str(TRIALS + BATCH))
    process = _command(root, more)
    while ledger.stat().st_size == before:
        if process.poll() is not None:
            raise SystemExit("the search did not go on")
        time.sleep(0.01)
    folder = Path(f"/proc/{process.pid}")
    ticks = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[11:13]
    peak = (folder / "status").read_text(encoding="utf-8").partition("VmHWM:")[2].split()[0]
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return round(sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK"), 2), int(peak) // 1024


if __name__ == "__main__":
    main()
