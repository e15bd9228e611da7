"""The configuration of `effsearch compare-scaling`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from effsearch.gridsearch.config import with_rounding_as_text
from effsearch.results.config import (
    check_gpus,
    check_mapping,
    check_text,
    check_whole,
    merge_settings,
)
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.scaling import Rounding, round_resolution
from effsearch.search_spaces.units import parse_count, parse_seconds

LARGEST_MULTIPLE = 1000.0


@dataclass(frozen=True, kw_only=True)
class ComparisonConfig:
    """What a comparison is told.

    Attributes:
        baseline: networks to scale, each a name of the zoo, a file, notation or a run; empty for
            the newest finished baseline.
        coefficients: three numbers, file or run; None for the newest found, else the paper's.
        budgets: `2` for twice the baseline's MACs, `1.2G` for an amount.
        budget_tolerance: relative distance from a budget that still counts as equal.
        resolution_rounding: `exact`, `even`, `8` or `32`.
        data, max_images, epochs, proxy_resolution, recipe, seed, workers, cpus_per_trial,
        gpus_per_trial, trial_timeout, device, ray_address: as in `CoefficientsConfig`.
        seeds: trainings of each network.
    """

    baseline: tuple[str, ...] = ()
    coefficients: str | None = None
    budgets: tuple[str, ...] = ("2", "4")
    budget_tolerance: float = 0.03
    resolution_rounding: Rounding = "exact"
    data: str = "digits"
    max_images: int | None = None
    epochs: int | None = None
    proxy_resolution: int | None = None
    recipe: dict[str, Any] = field(default_factory=dict)
    seeds: int = 3
    seed: int = 0
    workers: int | None = None
    cpus_per_trial: int = 1
    gpus_per_trial: float | None = None
    trial_timeout: float | None = None
    device: str = "auto"
    ray_address: str | None = None

    def __post_init__(self) -> None:
        for name in ("baseline", "budgets"):
            _check_list(name, getattr(self, name))
        if not self.budgets:
            raise InputError("budgets are missing: give multiples or amounts such as 2,4 or 1.2G")
        self.budgets_of(1)
        round_resolution(1, self.resolution_rounding)
        tolerance = self.budget_tolerance
        usable = isinstance(tolerance, int | float) and not isinstance(tolerance, bool)
        if not usable or not 0 < tolerance < 1:
            raise InputError(f"budget_tolerance must lie between 0 and 1, not {tolerance!r}")
        for name in ("seeds", "cpus_per_trial"):
            check_whole(name, getattr(self, name), 1)
        check_whole("seed", self.seed, 0)
        for name in ("max_images", "epochs", "proxy_resolution", "workers"):
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name), 1)
        check_gpus(self.gpus_per_trial)
        check_mapping("recipe", self.recipe)
        for name in ("coefficients", "ray_address", "data", "device"):
            if getattr(self, name) is not None:
                check_text(name, getattr(self, name))

    def budgets_of(self, macs: int) -> list[float]:
        """The budgets in MACs for a baseline of so many, each once.

        Raises:
            InputError: one of them is no positive multiple or amount.
        """
        return list(dict.fromkeys(_budget(text, macs) for text in self.budgets))

    def recipe_options(self) -> dict[str, Any]:
        """Options of the training, the named ones over the others."""
        named = {"epochs": self.epochs, "resolution": self.proxy_resolution}
        return self.recipe | {name: value for name, value in named.items() if value is not None}

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `make_config` takes back."""
        return asdict(self) | {"baseline": list(self.baseline), "budgets": list(self.budgets)}


def make_config(*sources: Mapping[str, Any]) -> ComparisonConfig:
    """A configuration from mappings, later ones over earlier ones.

    Raises:
        InputError: an unknown key (the nearest known one is named) or a value out of range.
    """

    def made(**values: Any) -> ComparisonConfig:
        for name in ("baseline", "budgets"):
            if isinstance(values.get(name), list):
                values[name] = tuple(str(value) for value in values[name])
        return ComparisonConfig(**with_rounding_as_text(values))

    return merge_settings(made, ComparisonConfig, sources, {"trial_timeout": parse_seconds})


def _budget(text: str, macs: int) -> float:
    value = parse_count(text)
    return value * macs if value <= LARGEST_MULTIPLE else value


def _check_list(name: str, value: object) -> None:
    if not isinstance(value, tuple) or not all(isinstance(item, str) for item in value):
        raise InputError(f"{name} must be a list of texts, not {value!r}")
