"""Between a search's candidates and the lines of its ledger, both ways."""

import hashlib
from pathlib import Path

from effsearch.nas.problem import Candidate, Problem, Result
from effsearch.results.store.events import Asked, Failed, Told
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.notation import format_architecture
from effsearch.training.trials.evaluator import Measurements
from effsearch.training.trials.outcome import Outcome


class TrialRecords:
    """What a search writes of its trials, and what it reads there when it is resumed.

    Args:
        problem: space and objective.
        seed: the run's, from which each trial's seed follows.
        path: the ledger's, for messages.
        with_curves: trainings may be given up, so that each result needs its learning curve.
    """

    def __init__(self, problem: Problem, seed: int, path: Path, *, with_curves: bool) -> None:
        self._problem = problem
        self._seed = seed
        self._path = path
        self._with_curves = with_curves

    def seed(self, candidate: Candidate) -> int:
        """The seed of a candidate's trial."""
        return trial_seed(self._seed, candidate.key)

    def asked(self, number: int, batch: int, candidate: Candidate, now: float) -> Asked:
        """The line of a trial that is asked for."""
        return Asked(
            trial=number,
            batch=batch,
            seed=self.seed(candidate),
            arch_id=candidate.id,
            architecture=format_architecture(candidate.architecture),
            encoding=candidate.encoding,
            costs=dict(candidate.costs),
            time=now,
            epochs=candidate.epochs,
        )

    def result(self, candidate: Candidate, outcome: Outcome) -> Result:
        """What a trial that just ended says of its candidate."""
        if outcome.measurements is None:
            return Result(candidate, None, None)
        accuracy = float(outcome.measurements["accuracy"])  # type: ignore[arg-type]
        reward = float(self._problem.objective.reward(accuracy, candidate.costs))
        return self._measured(outcome.trial, candidate, outcome.measurements, reward)

    def candidate(self, event: Asked) -> Candidate:
        """The candidate of a line.

        Raises:
            InputError: it is none of the space.
        """
        if not self._problem.space.holds(event.encoding):
            raise self._foreign(event.trial, "its encoding is not one of the space")
        space, costs = self._problem.space, dict(event.costs)
        return Candidate.recorded(event.encoding, space, costs, event.arch_id, event.epochs)

    def recorded_result(self, candidate: Candidate, event: Told | Failed) -> tuple[Result, str]:
        """What a line says of how a trial ended, and its error.

        Raises:
            InputError: it lacks its curve.
        """
        if isinstance(event, Failed):
            return Result(candidate, None, None), event.error
        reward = float(event.reward)
        return self._measured(event.trial, candidate, event.measurements, reward), ""

    def _measured(
        self, number: int, candidate: Candidate, measurements: Measurements, reward: float
    ) -> Result:
        accuracy = float(measurements["accuracy"])  # type: ignore[arg-type]
        if not self._with_curves:
            return Result(candidate, accuracy, reward, partial=candidate.epochs is not None)
        curve = measurements.get("curve")
        if not isinstance(curve, list):
            raise self._foreign(number, "it has no curve")
        return Result(
            candidate, accuracy, reward, tuple(curve), partial="stopped_after" in measurements
        )

    def _foreign(self, number: int, what: str) -> InputError:
        return InputError(
            f"trial {number} of {self._path} does not belong to this search ({what}): restore the "
            "ledger from a copy, or start a new run"
        )


def trial_seed(seed: int, key: str) -> int:
    """A trial's seed, 0 … 2³² − 1, from the run's seed and the network's id, or what else tells
    the trial from others."""
    return int(hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()[:8], 16)
