"""Programs that are forked off a process which has read all modules: a start costs milliseconds.

They are processes and sessions of their own, with an environment, a folder and an end of their
own; only the reading of modules, a few seconds for each, is not repeated.
"""

import ctypes
import importlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypedDict

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
_READ = (
    "effsearch.nas.baseline", "effsearch.gridsearch.coefficients", "effsearch.nas.bench.run",
    "effsearch.gridsearch.compare_scaling.command", "effsearch.training.runs.run",
    "effsearch.latency.building", "effsearch.cli.app", "effsearch.cli.commands", "optuna", "torch",
    "ray.tune", "sqlalchemy", "scipy.stats", "scipy.optimize", "matplotlib.figure", "pandas",
    "effsearch.training.trials.tune_runner", "effsearch.training.trials.cluster",
)  # fmt: skip

_ended: dict[int, int] = {}


class Program:
    """A program that was started: `pid`, and its exit code where it has ended."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    @property
    def returncode(self) -> int | None:
        """As of `subprocess.Popen`."""
        return _ended.get(self.pid)

    def poll(self) -> int | None:
        """Its exit code, or None where it runs."""
        with suppress(ChildProcessError):
            while True:  # also what a killed one leaves to us
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    break
                _ended[pid] = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Its exit code.

        Raises:
            TimeoutExpired: it has none by then.
        """
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(0.01)
        return code


class Nursery:
    """Starts programs, anew or forked off a process of its own."""

    def __init__(self) -> None:
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
        self._server = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.faults.warm"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
            start_new_session=True,
        )

    def start(
        self, words: Sequence[str], folder: Path, more: Mapping[str, str], *, anew: bool
    ) -> Program:
        """Run `effsearch WORDS` in a folder; what it says on stderr goes into a file there."""
        if anew:
            with (folder / "stderr").open("wb") as err:
                return Program(
                    subprocess.Popen(
                        [sys.executable, "-m", "effsearch.cli.app", *words],
                        cwd=folder,
                        env=os.environ | more,
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        stderr=err,
                        start_new_session=True,
                    ).pid
                )
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        order: _Order = {"words": list(words), "folder": str(folder), "more": dict(more)}
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        return Program(int(self._server.stdout.readline()))


class _Order(TypedDict):
    words: list[str]
    folder: str
    more: dict[str, str]


def _serve() -> _Order | None:
    """Fork a program for each line that comes; returns in the programs alone, with their line."""
    for line in sys.stdin:
        between = os.fork()
        if between:
            os.waitpid(between, 0)
            continue
        pid = os.fork()
        if pid:
            print(pid, flush=True)
            os._exit(0)  # so that it becomes the campaign's child
        os.setsid()
        order: _Order = json.loads(line)
        return order
    return None


def _become(order: _Order) -> None:
    os.environ |= order["more"]
    os.chdir(order["folder"])
    out, nothing = os.open("stderr", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), os.open("/dev/null", 2)
    for number, file in ((0, nothing), (1, nothing), (2, out)):
        os.dup2(file, number)
    sys.argv = ["effsearch", *order["words"]]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    random.seed()


if __name__ == "__main__":
    for module in _READ:
        importlib.import_module(module)
    mine = _serve()
    if mine is not None:
        _become(mine)
        from effsearch.cli.app import main

        main()
