"""An evaluator that runs a line of Python for each network. A worker process imports this file."""

from collections.abc import Sequence

from effsearch.training.trials.evaluator import Evaluator, Measurements, Request


class Scripted(Evaluator):
    """Runs `lines[trial]` with the request as `r`; it gives a result to `give`.

    Args:
        lines: one for each trial; the last one serves all that follow.
        before: run when the process gets ready.
        batched: whether it takes many networks in one call.
    """

    def __init__(self, *lines: str, before: str = "", batched: bool = False) -> None:
        self.batched = batched  # type: ignore[misc]
        self._lines = lines
        self._before = before

    def prepare(self) -> None:
        exec(self._before, {})

    def evaluate(self, requests: Sequence[Request]) -> list[Measurements]:
        results: list[Measurements] = []
        for request in requests:
            line = self._lines[min(request.trial, len(self._lines) - 1)]
            exec(
                f"import math, os, signal, sys, time, numpy\n{line}",
                {"r": request, "give": results.append},
            )
        return results
