"""The configuration of `effsearch compare-scaling`."""

from dataclasses import dataclass
from typing import Annotated

from effsearch.gridsearch.options import (
    GROUP,
    NEWEST_BASELINE,
    Coefficients,
    ProxyResolution,
    Rounding,
    Rule,
    network_names,
    rule_of,
)
from effsearch.results.config import LIST, NAMES, Option
from effsearch.results.networks import NETWORKS
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.units import parse_count
from effsearch.training.trials.options import BudgetOptions, ClusterOptions, ProxyOptions, Seed

LARGEST_MULTIPLE = 1000.0


@dataclass(frozen=True, kw_only=True)
class ComparisonConfig(BudgetOptions, ClusterOptions, ProxyOptions):
    """What a comparison is told; `effsearch compare-scaling --help` says what each option is."""

    MAIN = ("baseline", "budgets", "data", "epochs", "seeds")

    baseline: Annotated[
        tuple[str, ...],
        Option(
            "Network to scale: zoo name, JSON file, notation, or a baseline run; may be repeated.",
            GROUP,
            NEWEST_BASELINE,
            NAMES,
            metavar="NETWORK",
            names=network_names,
            objects=NETWORKS,
        ),
    ] = ()
    budgets: Annotated[
        tuple[str, ...],
        Option(
            "Multiply-adds that every method spends: 2,4 for multiples of the baseline's, or "
            "amounts such as 800M,1.6G.",
            GROUP,
            form=LIST,
        ),
    ] = ("2", "4")
    budget_tolerance: Annotated[
        float, Option("Relative distance that still counts as the same budget.", GROUP)
    ] = 0.03
    coefficients: Coefficients = None
    resolution_rounding: Rounding = "exact"
    rule: Rule = None
    proxy_resolution: ProxyResolution = None
    seeds: Annotated[int, Option("Trainings of each network.", "Training of each network")] = 3
    seed: Seed = 0

    def check(self) -> None:
        """Raise an InputError where a budget is none."""
        if not self.budgets:
            raise InputError("budgets are missing: give multiples or amounts such as 2,4 or 1.2G")
        self.budgets_of(1)
        rule_of(self.rule)
        if not 0 < self.budget_tolerance < 1:
            raise InputError(
                f"budget_tolerance must lie between 0 and 1, not {self.budget_tolerance!r}"
            )

    def budgets_of(self, macs: int) -> list[float]:
        """The budgets in MACs for a baseline of so many, each once.

        Raises:
            InputError: one of them is not a positive multiple or amount.
        """
        return list(dict.fromkeys(_budget(text, macs) for text in self.budgets))


make_config = ComparisonConfig.make


def _budget(text: str, macs: int) -> float:
    value = parse_count(text)
    return value * macs if value <= LARGEST_MULTIPLE else value
