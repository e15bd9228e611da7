"""The process in which evaluations happen: `python -m effsearch.training.trials.worker FD`.

It reads an evaluator from the pipe FD and answers it when ready, then reads requests and answers
each with an outcome. It is a process of its own so that an evaluation that hangs or crashes takes
nothing else with it. It ends when the pipe closes or its parent is gone.
"""

import contextlib
import json
import math
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import Connection

from effsearch.training.trials.evaluator import Evaluator, Measurements, Request
from effsearch.training.trials.outcome import Outcome, failure, one_line, worker_name

_WANTED = 'return a fraction or {"accuracy": 0.93}'


def main() -> None:
    """Answer requests until the pipe closes."""
    # Ctrl-C is the driver's to handle. SIGTERM ends us: Ray sends it when our parent is gone.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGHUP})
    threading.Thread(target=_die_with_parent, args=(os.getppid(),), daemon=True).start()
    connection = Connection(int(sys.argv[1]))
    evaluator: Evaluator = pickle.loads(connection.recv_bytes())
    problem = prepare_here(evaluator)
    with contextlib.suppress(EOFError, BrokenPipeError):
        connection.send("ready")
        while True:
            requests: Sequence[Request] = connection.recv()
            groups = [requests] if evaluator.batched else [[request] for request in requests]
            for group in groups:
                for outcome in evaluate_here(evaluator, group, problem):
                    connection.send(outcome)


def prepare_here(evaluator: Evaluator) -> str | None:
    """Prepare an evaluator in this process; what went wrong, in one line, or None."""
    try:
        evaluator.prepare()
    except Exception as error:
        return one_line(error)
    return None


def evaluate_here(
    evaluator: Evaluator, requests: Sequence[Request], problem: str | None
) -> list[Outcome]:
    """Evaluate in this process; an outcome for each request, failures for what goes wrong.

    Args:
        evaluator: prepared.
        requests: what it takes in one call.
        problem: why it could not be prepared; None where it was.
    """
    start = time.monotonic()
    error, results = problem, []
    if problem is None:
        try:
            results = evaluator.evaluate(requests)
            if len(results) != len(requests):
                error = f"evaluator returned {len(results)} results for {len(requests)} networks"
        except Exception as raised:
            error = one_line(raised)
    seconds = (time.monotonic() - start) / len(requests)
    if error is not None:
        started = problem is None
        return [
            replace(failure(request, "error", error, seconds), started=started)
            for request in requests
        ]
    return [_judge(*pair, seconds) for pair in zip(requests, results, strict=True)]


def _judge(request: Request, measured: Measurements, seconds: float) -> Outcome:
    try:
        measurements: Measurements = json.loads(json.dumps(measured, default=_plain))
    except (TypeError, ValueError) as error:
        return failure(request, "error", f"measurements are not plain data: {error}", seconds)
    accuracy = measurements.get("accuracy")
    if "error" in measurements and accuracy is None:
        return failure(request, "error", str(measurements["error"]), seconds)
    if not isinstance(accuracy, int | float) or isinstance(accuracy, bool):
        error_line = f"the evaluator returned {accuracy!r}: {_WANTED}"
        return failure(request, "error", error_line, seconds)
    if not math.isfinite(accuracy):
        return failure(request, "nan", f"accuracy is {accuracy}", seconds)
    if not 0 <= accuracy <= 1:
        hint = " (in percent? divide by 100)" if 1 < accuracy <= 100 else ""
        error_line = f"accuracy must be a fraction in [0, 1], not {accuracy}{hint}"
        return failure(request, "error", error_line, seconds)
    for name, value in measurements.items():
        if not _finite(value):
            return failure(request, "nan", f"measurement '{name}' is not finite", seconds)
    return Outcome(request.trial, measurements, None, "", seconds, worker_name())


def _finite(value: object) -> bool:
    """Whether plain data holds neither NaN nor infinities, which no ledger can hold."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


def _plain(value: object) -> object:
    """Numbers and arrays of numpy and torch as Python's own."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is neither a number nor text")


def _die_with_parent(parent: int) -> None:
    """A hanging evaluation never looks at its pipe, so look at the parent instead."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    main()
