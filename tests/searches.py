"""What tests of whole searches share: a small space, evaluators that keep a log, the ledger."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from effsearch.nas.strategies import registry as strategies
from effsearch.results.store.events import Asked, Event, Failed, Told

STRATEGIES = tuple(strategies.STRATEGIES)

_QUICK: dict[str, dict[str, Any]] = {
    "bayesian": {"start": 4},
    "evolution": {"population": 6, "sample": 3},
    "tpe": {"start": 4},
    "nsga2": {"population": 4},
}
QUICK_OPTIONS: dict[str, dict[str, Any]] = {name: _QUICK.get(name, {}) for name in STRATEGIES}
"""With these a strategy has begun to learn after half a dozen trials."""

# 69,984 encodings, 5M to 263M multiply-adds. The second stage may be an identity, so some of
# them spell the same network.
SMALL_SPACE = """
name: small
resolution: 32
classes: 10
stem: {channels: 16, stride: 1}
stages:
  - {op: mbconv, channels: [16, 24, 32], expand: [1, 3, 6], kernel: [3, 5], layers: [1, 2]}
  - block: [{op: identity}, {op: mbconv, kernel: 3, expand: 3}, {op: mbconv, kernel: 5, expand: 3}]
    se: [0, 0.25]
    channels: [16, 24, 40]
  - {op: mbconv, channels: [48, 64, 80], expand: [1, 3, 6], kernel: [3, 5], layers: [1, 2, 3]}
head: {channels: [64, 128]}
"""

# Appends a line for every evaluation that it has finished, and then returns the accuracy.
LOGGING_EVALUATOR = """
import os
import signal
import time

def evaluate(architecture, seed):
    print("noise")
    if {kills_a_worker} and not os.path.exists({killed!r}):
        open({killed!r}, "x").close()
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)  # until it is ended with its worker
    time.sleep({pause})
    with open({log!r}, "a") as file:
        print(architecture.id, os.environ.get("RAY_RAYLET_PID"), file=file)
    return {{"accuracy": seed % 1000 / 1000, "by": "seed"}}
"""


def write_space(folder: Path) -> str:
    """The small space as a file; its path."""
    path = folder / "small.yaml"
    path.write_text(SMALL_SPACE)
    return str(path)


def write_evaluator(folder: Path, source: str, name: str = "measure.py") -> str:
    """A user's evaluator file; what `--evaluator` is given for it."""
    path = folder / name
    path.write_text(source)
    return f"{path}:evaluate"


def logging_evaluator(folder: Path, pause: float, kills_a_worker: bool = False) -> tuple[str, Path]:
    """An evaluator that takes `pause` seconds and keeps a log, and where the log lies.

    With `kills_a_worker` its first evaluation kills the Ray worker that it runs for.
    """
    log = folder / "finished.log"
    source = LOGGING_EVALUATOR.format(
        pause=pause,
        log=str(log),
        kills_a_worker=kills_a_worker,
        killed=str(log.with_suffix(".killed")),
    )
    return write_evaluator(folder, source), log


def evaluations(log: Path) -> Counter[str]:
    """How often each network was evaluated to the end."""
    lines = log.read_text().splitlines() if log.exists() else []
    return Counter(line.split()[0] for line in lines)


def ended_networks(events: Sequence[Event]) -> list[str]:
    """Ids of the networks whose trials have ended, in the order they did."""
    names = {event.trial: event.arch_id for event in events if isinstance(event, Asked)}
    return [names[event.trial] for event in events if isinstance(event, Told | Failed)]


def effsearch(*arguments: str, cwd: Path) -> "subprocess.Popen[str]":
    """The real command in a process group of its own, so that it can be stopped like a job."""
    return subprocess.Popen(
        [sys.executable, "-m", "effsearch.cli.app", *arguments],
        cwd=cwd,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def count_told(ledger: Path) -> int:
    """Results so far in a ledger that another process writes."""
    return ledger.read_bytes().count(b'{"event":"told"') if ledger.exists() else 0


def wait_until(
    reached: Callable[[], bool], process: "subprocess.Popen[str]", seconds: float = 120.0
) -> None:
    """Wait for something that a running process brings about."""
    deadline = time.monotonic() + seconds
    while not reached():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise AssertionError(f"it never came to that: {process.communicate()}")
        time.sleep(0.01)


def answer_of(run: Path) -> dict[str, Any]:
    """The content of a run's `baseline.json`."""
    document: dict[str, Any] = json.loads((run / "baseline.json").read_text())
    return document
