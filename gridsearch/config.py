"""The configuration of `effsearch coefficients`: groups of options, in one frozen dataclass."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from effsearch.gridsearch.options import (
    Baseline,
    Constraint,
    Prefer,
    ProxyResolution,
    Rounding,
    Rule,
    rule_of,
)
from effsearch.results.config import MACHINE, PAIR, Option, Settings
from effsearch.search_spaces.errors import InputError
from effsearch.training.trials.options import (
    BudgetOptions,
    ClusterOptions,
    ProxyOptions,
    Pruning,
    Seed,
)

if TYPE_CHECKING:
    from fractions import Fraction

    from effsearch.gridsearch.grid import Grid

TOP_KEYS = frozenset({"top", "top_epochs", "top_seeds"})
"""Keys that matter only once the grid is measured."""

BEFORE = {"repeats": 0, "reference": "none"}
"""What a run is taken to have been told that was started when there were no such trainings."""

_GRID, _AGAIN = "Grid", "Second look"


@dataclass(frozen=True, kw_only=True)
class GridOptions(Settings):
    """Which triples there are."""

    baseline: Baseline = None
    phi: Annotated[float, Option("phi at which triples are compared; not 0.", _GRID)] = 1.0
    step: Annotated[float, Option("Step of the grid, a multiple of 0.01.", _GRID)] = 0.05
    tolerance: Annotated[
        float, Option("Distance of alpha*beta^2*gamma^2 from 2, itself excluded.", _GRID)
    ] = 0.1
    alpha_bounds: Annotated[
        tuple[float, float], Option("Lowest and highest alpha.", _GRID, form=PAIR)
    ] = (1.0, 2.0)
    beta_bounds: Annotated[
        tuple[float, float], Option("Lowest and highest beta.", _GRID, form=PAIR)
    ] = (1.0, 1.5)
    gamma_bounds: Annotated[
        tuple[float, float], Option("Lowest and highest gamma.", _GRID, form=PAIR)
    ] = (1.0, 1.5)
    constraint: Annotated[
        Constraint,
        Option(
            "nominal: alpha*beta^2*gamma^2 is about 2. measured: the counted multiply-adds are "
            "about 2^phi times the baseline's.",
            _GRID,
        ),
    ] = "nominal"
    resolution_rounding: Rounding = "exact"
    rule: Rule = None

    def make_grid(self) -> "Grid":
        """The grid, in hundredths."""
        from effsearch.gridsearch.grid import make_grid  # imports much, and `--help` needs none

        return make_grid(self.step, self.alpha_bounds, self.beta_bounds, self.gamma_bounds)

    def make_tolerance(self) -> "Fraction":
        """The tolerance as written."""
        from effsearch.gridsearch.grid import exact_tolerance

        return exact_tolerance(self.tolerance)


@dataclass(frozen=True, kw_only=True)
class CoefficientsConfig(BudgetOptions, ClusterOptions, ProxyOptions, GridOptions):
    """What a grid search is told; `effsearch coefficients --help` says what each option is."""

    MAIN = ("baseline", "data", "phi", "epochs", "top")

    proxy_resolution: ProxyResolution = None
    seeds: Annotated[int, Option("Trainings of each network.", "Training of each network")] = 1
    repeats: Annotated[
        int,
        Option(
            "Networks that are trained once more where there is one seed, chosen by the model of "
            "the surface, so that noise is measured; 0 for none.",
            "Training of each network",
            at_least=0,
        ),
    ] = 5
    prefer: Annotated[
        Prefer,
        Option(
            "default: the cheapest network within one posterior standard deviation of the best "
            "expected accuracy. accuracy: the best expected one. efficiency: the best of expected "
            "accuracy * MACs^-0.07.",
            "Choice",
            may_change=True,
        ),
    ] = "default"
    pruning: Pruning = "none"
    top: Annotated[
        int,
        Option(
            "Best networks that are trained again, longer, before the choice.", _AGAIN, at_least=0
        ),
    ] = 0
    top_epochs: Annotated[
        int | None,
        Option("Epochs per training of the --top networks.", _AGAIN, "3 times the grid's"),
    ] = None
    top_seeds: Annotated[int, Option("Trainings of each of the --top networks.", _AGAIN)] = 3
    reference: Annotated[
        Literal["dimensions", "none"],
        Option(
            "dimensions: depth, width and resolution alone at the chosen network's cost, trained "
            "as it was, which it is held against. none: no such trainings.",
            "Choice",
            may_change=True,
        ),
    ] = "dimensions"
    storage: Annotated[
        str | None,
        Option(
            "URL of the study's database.",
            MACHINE,
            "study.db in the run",
            metavar="URL",
            may_change=True,
        ),
    ] = None
    seed: Seed = 0

    def check(self) -> None:
        """Raise an InputError where there is no such grid."""
        if self.phi == 0:
            raise InputError(
                "phi = 0 scales nothing: every triple gives the baseline itself; search at phi = 1"
            )
        self.make_grid()
        self.make_tolerance()
        rule_of(self.rule)


make_config = CoefficientsConfig.make
