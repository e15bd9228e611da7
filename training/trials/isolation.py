"""Evaluations in a child process that may hang or crash: the child dies, the caller goes on."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing import Pipe
from typing import IO, Any

from effsearch.training.trials.evaluator import Request
from effsearch.training.trials.outcome import Outcome, failure

START_SECONDS = 120.0
"""Allowed to a new process, where there is a time-out, until it is ready: imports, data."""

_KEPT_BYTES = 1 << 20
"""Of what a process has written to stderr, all is dropped beyond so much before each request."""


class StoppedFromOutside(Exception):
    """The evaluation was told to stop, as all processes of a batch job are: no network failed."""


class IsolatedEvaluator:
    """Runs an evaluator in a child process that is started when needed.

    Args:
        evaluator: what to run, pickled, so that this process need not import what it brings.
        batched: whether it takes many networks in one call.
        timeout: seconds one network may take; None for no limit.
        threads: CPU threads of the child.
    """

    def __init__(
        self, evaluator: bytes, *, batched: bool, timeout: float | None, threads: int
    ) -> None:
        self._evaluator = evaluator
        self._batched = batched
        self._timeout = timeout
        self._threads = threads
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Any = None
        self._said: IO[bytes] | None = None
        self._ready = False

    def evaluate(self, requests: Sequence[Request]) -> list[Outcome]:
        """One outcome a request, in order, whatever happens to the child.

        Raises:
            StoppedFromOutside: a signal that asks to stop reached the child.
        """
        outcomes: list[Outcome] = []
        while len(outcomes) < len(requests):
            left = requests[len(outcomes) :]
            outcomes += self._attempt(left)
        return outcomes

    def close(self) -> None:
        """Kill the child, if there is one."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._connection.close()
        if self._said is not None:
            self._said.close()
        self._process = self._said = None
        self._ready = False

    def _attempt(self, requests: Sequence[Request]) -> list[Outcome]:
        """Outcomes up to and including the first one that cost the child its life."""
        outcomes: list[Outcome] = []
        try:
            if self._process is None:
                self._start()
                if not self._connection.poll(None if self._timeout is None else START_SECONDS):
                    return self._timed_out(requests, START_SECONDS)
                self._connection.recv()
                self._ready = True
            self._forget_talk()
            self._connection.send(requests)
            patience = self._timeout
            if patience is not None and self._batched:
                patience *= len(requests)
            while len(outcomes) < len(requests):
                if not self._connection.poll(patience):
                    return outcomes + self._timed_out(requests[len(outcomes) :], patience or 0.0)
                outcomes.append(self._connection.recv())
        except (EOFError, ConnectionError):
            return outcomes + self._crashed(requests[len(outcomes) :])
        return outcomes

    def _timed_out(self, requests: Sequence[Request], seconds: float) -> list[Outcome]:
        started = self._ready
        self.close()
        lost = self._lost(requests)
        text = f"no result after {seconds:g} s"
        return [
            replace(failure(request, "timeout", text, seconds / len(lost)), started=started)
            for request in lost
        ]

    def _crashed(self, requests: Sequence[Request]) -> list[Outcome]:
        code = self._process.wait() if self._process else 0
        if -code in (signal.SIGTERM, signal.SIGHUP):
            self.close()
            raise StoppedFromOutside(f"{signal.Signals(-code).name} ended the evaluation process")
        started, said = self._ready, self._last_line()
        self.close()
        cause = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        if said and code > 0:  # a process that was killed had no last words
            cause = f"{cause}: {said}"
        text = f"evaluation process {'died' if started else 'did not start'}: {cause}"
        return [
            replace(failure(request, "error", text, 0.0), died=True, started=started)
            for request in self._lost(requests)
        ]

    def _last_line(self) -> str:
        """The last line that the process wrote to stderr: of a traceback, the exception."""
        if self._said is None:
            return ""
        self._said.seek(max(0, self._said.seek(0, os.SEEK_END) - 4096))
        lines = self._said.read().decode(errors="replace").split("\n")
        return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "")

    def _forget_talk(self) -> None:
        if self._said is not None and os.fstat(self._said.fileno()).st_size > _KEPT_BYTES:
            self._said.truncate(0)

    def _lost(self, requests: Sequence[Request]) -> Sequence[Request]:
        return requests if self._batched else requests[:1]

    def _start(self) -> None:
        ours, theirs = Pipe()
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
            "OMP_NUM_THREADS": str(self._threads),
        }
        self._said = tempfile.TemporaryFile("ab+")  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "effsearch.training.trials.worker", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            env=environment,
        )
        theirs.close()
        self._connection = ours
        self._connection.send_bytes(self._evaluator)
