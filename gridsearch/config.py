"""The configuration of `effsearch coefficients`: one frozen dataclass, from a file, then flags."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any, Literal, get_args

from effsearch.gridsearch.candidates import Constraint
from effsearch.gridsearch.choice import Prefer
from effsearch.gridsearch.grid import Grid, exact_tolerance, make_grid
from effsearch.results.config import (
    check_gpus,
    check_mapping,
    check_text,
    check_whole,
    merge_settings,
)
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.scaling import Rounding, round_resolution
from effsearch.search_spaces.units import parse_seconds

Pruning = Literal["none", "halving"]

MAY_CHANGE = frozenset(
    {
        "prefer",
        "storage",
        "workers",
        "cpus_per_trial",
        "gpus_per_trial",
        "trial_timeout",
        "device",
        "ray_address",
    }
)
"""Keys that a resumed study may be given anew; all others decide what is measured."""

TOP_KEYS = frozenset({"top", "top_epochs", "top_seeds"})
"""Keys that matter only once the grid is measured."""

BEFORE_REPEATS = {"repeats": 0}
"""What a run is taken to have been told that was started when networks were not repeated."""


@dataclass(frozen=True, kw_only=True)
class CoefficientsConfig:
    """What a grid search of the coefficients is told.

    Attributes:
        baseline: name of the zoo, file, notation or run; None for the newest finished baseline.
        phi: where the triples are compared, not 0.
        step: of the grid, a whole number of hundredths.
        tolerance: how far α·β²·γ² (or the measured growth) may lie from 2, above 0.
        alpha_bounds, beta_bounds, gamma_bounds: lowest and highest value, 1 or more.
        constraint: `nominal` holds α·β²·γ² to 2, `measured` the counted MACs to 2^φ.
        resolution_rounding: `exact`, `even`, `8` or `32`.
        data: `digits` or a directory of images.
        max_images: sample of the training images; None for all.
        epochs: of each training; None for the recipe's.
        proxy_resolution: pixels the baseline would be trained at; a candidate is trained at as
            many times that as its own resolution is of the baseline's. None for the recipe's.
        recipe: further options of the training.
        seeds: trainings of each network.
        repeats: with one seed, how many networks are trained once more, so that noise is measured.
        prefer: what the choice goes by, `default`, `accuracy` or `efficiency`; see
            `effsearch.gridsearch.choice`.
        pruning: `halving` gives trainings up that fall behind (asynchronous successive halving).
        top: how many of the best networks are trained again, longer, before the choice.
        top_epochs: of these trainings; None for three times the grid's.
        top_seeds: trainings of each of them.
        storage: URL of the study's database; None for `study.db` in the run directory.
        seed: of everything random.
        workers: trainings at a time; None for what the machine or cluster has.
        cpus_per_trial: CPU threads of a training.
        gpus_per_trial: fractions allowed; None for a share of the GPUs there are.
        trial_timeout: seconds one training may take; None for no limit.
        device: `auto`, `cpu`, `cuda`.
        ray_address: of a Ray cluster; None for this machine.
    """

    baseline: str | None = None
    phi: float = 1.0
    step: float = 0.05
    tolerance: float = 0.1
    alpha_bounds: tuple[float, float] = (1.0, 2.0)
    beta_bounds: tuple[float, float] = (1.0, 1.5)
    gamma_bounds: tuple[float, float] = (1.0, 1.5)
    constraint: Constraint = "nominal"
    resolution_rounding: Rounding = "exact"
    data: str = "digits"
    max_images: int | None = None
    epochs: int | None = None
    proxy_resolution: int | None = None
    recipe: dict[str, Any] = field(default_factory=dict)
    seeds: int = 1
    repeats: int = 5
    prefer: Prefer = "default"
    pruning: Pruning = "none"
    top: int = 0
    top_epochs: int | None = None
    top_seeds: int = 3
    storage: str | None = None
    seed: int = 0
    workers: int | None = None
    cpus_per_trial: int = 1
    gpus_per_trial: float | None = None
    trial_timeout: float | None = None
    device: str = "auto"
    ray_address: str | None = None

    def __post_init__(self) -> None:
        _check_phi(self.phi)
        self.make_grid()
        self.make_tolerance()
        round_resolution(1, self.resolution_rounding)
        for name, known in (
            ("constraint", Constraint),
            ("pruning", Pruning),
            ("prefer", Prefer),
        ):
            if getattr(self, name) not in get_args(known):
                raise unknown_name(name, getattr(self, name), get_args(known))
        for name in ("seeds", "top_seeds", "cpus_per_trial"):
            check_whole(name, getattr(self, name), 1)
        for name in ("seed", "top", "repeats"):
            check_whole(name, getattr(self, name), 0)
        for name in ("max_images", "epochs", "proxy_resolution", "top_epochs", "workers"):
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name), 1)
        check_gpus(self.gpus_per_trial)
        check_mapping("recipe", self.recipe)
        for name in ("baseline", "storage", "ray_address", "data", "device"):
            if getattr(self, name) is not None:
                check_text(name, getattr(self, name))

    def make_grid(self) -> Grid:
        """The grid, in hundredths."""
        bounds = {}
        for name in ("alpha", "beta", "gamma"):
            value = getattr(self, f"{name}_bounds")
            if not isinstance(value, list | tuple) or len(value) != 2:
                raise InputError(f"{name}_bounds must be two numbers such as 1,1.5, not {value!r}")
            bounds[name] = (value[0], value[1])
        return make_grid(self.step, **bounds)

    def make_tolerance(self) -> Fraction:
        """The tolerance as written."""
        return exact_tolerance(self.tolerance)

    def recipe_options(self) -> dict[str, Any]:
        """Options of the training, the named ones over the others."""
        named = {"epochs": self.epochs, "resolution": self.proxy_resolution}
        return self.recipe | {name: value for name, value in named.items() if value is not None}

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `make_config` takes back."""
        values = asdict(self)
        for name in ("alpha_bounds", "beta_bounds", "gamma_bounds"):
            values[name] = [float(bound) for bound in values[name]]
        return values


def make_config(*sources: Mapping[str, Any]) -> CoefficientsConfig:
    """A configuration from mappings, later ones over earlier ones.

    Raises:
        InputError: an unknown key (the nearest known one is named) or a value out of range.
    """

    def made(**values: Any) -> CoefficientsConfig:
        return CoefficientsConfig(**with_rounding_as_text(values))

    return merge_settings(made, CoefficientsConfig, sources, {"trial_timeout": parse_seconds})


def with_rounding_as_text(values: dict[str, Any]) -> dict[str, Any]:
    """The values with a rounding of the resolution that a YAML file holds as a number, as text."""
    rounding = values.get("resolution_rounding")
    return values | {"resolution_rounding": str(rounding)} if isinstance(rounding, int) else values


def _check_phi(phi: object) -> None:
    usable = isinstance(phi, int | float) and not isinstance(phi, bool)
    if not usable or not math.isfinite(phi):  # type: ignore[arg-type]
        raise InputError(f"phi must be a finite number such as 1, not {phi!r}")
    if phi == 0:
        raise InputError(
            "phi = 0 scales nothing: every triple gives the baseline itself; search at phi = 1"
        )
