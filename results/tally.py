"""What is told of a search trial by trial: how far it is, and how good its best is."""

from dataclasses import dataclass

from effsearch.results.store.trials import Trial


@dataclass
class Tally:
    """Counts trials as they end.

    Attributes:
        ended: trials so far; the step at which the last one is told.
        failed: of them.
        best: highest reward of a whole training; None before the first.
    """

    ended: int = 0
    failed: int = 0
    best: float | None = None

    def take(self, trial: Trial) -> None:
        """Count a trial that ended."""
        self.ended += 1
        self.failed += trial.state == "failed"
        if trial.reward is not None and not trial.partial:
            self.best = trial.reward if self.best is None else max(self.best, trial.reward)

    def values(self, trial: Trial) -> dict[str, float]:
        """What is told of a trial that was counted, by name; what it does not have is left out."""
        named = {
            "search/failed": self.failed,
            "search/reward": trial.reward,
            "search/best_reward": self.best,
            "search/accuracy": trial.accuracy,
            "search/seconds": trial.seconds,
            **{f"cost/{name}": value for name, value in trial.costs.items()},
        }
        return {name: float(value) for name, value in named.items() if value is not None}
