"""The configuration: what it takes, and what it says of what it does not."""

from typing import Any

import pytest

from effsearch.gridsearch.compare_scaling.config import make_config as make_comparison
from effsearch.gridsearch.config import make_config
from effsearch.search_spaces.errors import InputError


def test_a_configuration_survives_the_way_through_a_file() -> None:
    config = make_config({"phi": 2, "alpha_bounds": [1, 1.5], "trial_timeout": "90s"})
    assert make_config(config.to_dict()) == make_config(make_config(config.to_dict()).to_dict())
    assert config.trial_timeout == 90


def test_a_rounding_may_be_a_number_as_it_is_in_a_yaml_file() -> None:
    assert make_config({"resolution_rounding": 8}).resolution_rounding == "8"
    assert make_comparison({"resolution_rounding": 32}).resolution_rounding == "32"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"phi": 0}, "phi = 0 scales nothing"),
        ({"phi": float("nan")}, "phi must be a number, not nan"),
        ({"step": 0}, "step must be"),
        ({"tolerance": 0}, "tolerance must be"),
        ({"alpha_bounds": [0.5, 2]}, "bounds of alpha start at 1"),
        ({"beta_bounds": 2}, "beta_bounds must be two numbers"),
        ({"constraint": "mesured"}, "did you mean 'measured'"),
        ({"pruning": "halvin"}, "did you mean 'halving'"),
        ({"resolution_rounding": "7"}, "unknown resolution_rounding"),
        ({"prefer": "acuracy"}, "did you mean 'accuracy'"),
        ({"repeats": -1}, "repeats must be a whole number of at least 0"),
        ({"seeds": 0}, "seeds must be a whole number of at least 1"),
        ({"top": -1}, "top must be"),
        ({"tollerance": 0.1}, "did you mean 'tolerance'"),
        ({"recipe": 3}, "recipe"),
        ({"trial_timeout": "4parsecs"}, "trial_timeout"),
    ],
)
def test_a_bad_value_is_named_in_one_line(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        make_config(values)
    assert "\n" not in str(caught.value)


def test_budgets_are_multiples_or_amounts() -> None:
    config = make_comparison({"budgets": ["2", "1.2G", 4]})
    assert config.budgets_of(300_000_000) == [6e8, 1.2e9]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"budgets": []}, "budgets are missing"),
        ({"budgets": ["-2"]}, "-2"),
        ({"budgets": 5}, "list of texts"),
        ({"budget_tolerance": 0}, "budget_tolerance"),
        ({"seeds": 0}, "seeds"),
    ],
)
def test_a_bad_comparison_is_named_in_one_line(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_comparison(values)
