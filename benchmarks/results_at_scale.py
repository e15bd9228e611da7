"""Looking at large runs: seconds of `results top` and `report`, and how large the report is.

The runs are written here: networks sampled from the mnasnet space with their true costs, and an
accuracy that depends on their choices and on noise. The commands are whole processes, start and
imports included, as a user waits for them; the best of three is taken for `top`. CPU seconds stand
beside, because other work on the machine stretches the wall clock and not them.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import write_result
from effsearch.results.store.ledger import Asked, Event, Ledger, Told
from effsearch.results.store.run import Run
from effsearch.search_spaces.notation import format_architecture
from effsearch.search_spaces.population import PopulationCost
from effsearch.search_spaces.space_file import load_space

LARGE, SMALL = 10_000, 1_000
REQUIRED = {"top_seconds": 1.5, "report_seconds": 20.0, "small_report_bytes": 6_000_000}


def main() -> None:
    """Measure, print, write `results/results_at_scale.json`; exit 1 where a bound is missed."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, trials in (("large", LARGE), ("small", SMALL)):
            _write_run(root, name, trials)
        top = min(_seconds(root, "results", "top", "baseline/large") for _ in "123")
        large = _seconds(root, "report", "baseline/large")
        small = _seconds(root, "report", "baseline/small")
        measured = {
            "top_seconds": top[0],
            "top_cpu_seconds": top[1],
            "report_seconds": large[0],
            "report_cpu_seconds": large[1],
            "report_bytes": (root / "baseline/large/report.html").stat().st_size,
            "small_report_seconds": small[0],
            "small_report_cpu_seconds": small[1],
            "small_report_bytes": (root / "baseline/small/report.html").stat().st_size,
        }
    for key, value in measured.items():
        bound = f"required below {REQUIRED[key]:,}" if key in REQUIRED else ""
        print(f"{key:26}{value:>14,}  {bound}")
    trials = {"large": LARGE, "small": SMALL}
    result: dict[str, Any] = {"trials": trials, "measured": measured, "required": REQUIRED}
    path = write_result("results_at_scale", result, ("numpy", "matplotlib", "scikit-learn"))
    print(f"written: {path.name}")
    if any(measured[key] >= bound for key, bound in REQUIRED.items()):
        raise SystemExit(1)


def _write_run(root: Path, name: str, trials: int) -> None:
    space = load_space("mnasnet")
    rng = np.random.default_rng(0)
    rows = space.sample(rng, trials)
    costs = PopulationCost(space)(rows)
    effect = rng.normal(0, 0.01, rows.shape[1])
    accuracies = np.clip(0.6 + rows @ effect + rng.normal(0, 0.005, trials), 0, 1)
    with Run.create(
        root,
        "baseline",
        name,
        command=["effsearch", "baseline"],
        config={"seed": 0, "strategy": "random"},
        extra={"targets": {"macs": 400_000_000}},
    ) as run:
        events: list[Event] = []
        for number, row in enumerate(rows):
            network = space.decode(row)
            events += [
                Asked(
                    trial=number,
                    batch=number // 16,
                    seed=number,
                    arch_id=network.id,
                    architecture=format_architecture(network),
                    encoding=tuple(map(int, row)),
                    costs={metric: int(values[number]) for metric, values in costs.items()},
                    time=1e9 + number,
                ),
                Told(
                    trial=number,
                    measurements={
                        "accuracy": float(accuracies[number]),
                        "curve": [float(accuracies[number]) * part for part in (0.5, 0.8, 1.0)],
                    },
                    reward=float(accuracies[number]),
                    seconds=5.0,
                    worker="node:1",
                    time=1e9 + number + 5.0,
                ),
            ]
        with Ledger.open(run.paths.ledger) as ledger:
            ledger.append(*events)
        run.finish("finished")


def _seconds(root: Path, *arguments: str) -> tuple[float, float]:
    """Wall and CPU seconds of one command."""
    command = [sys.executable, "-m", "effsearch.cli.app", *arguments, "--run-dir", str(root), "-q"]
    start, spent = time.perf_counter(), _children_seconds()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return round(time.perf_counter() - start, 2), round(_children_seconds() - spent, 2)


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
