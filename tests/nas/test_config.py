"""The configuration: files and flags into one value, and what a resumption may change of it."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from effsearch.nas.config import BaselineConfig, make_config
from effsearch.nas.objective import make_objective
from effsearch.nas.setup import make_plan
from effsearch.results.config import changed_keys, read_config, settings_of
from effsearch.search_spaces.errors import InputError
from effsearch.training.recipes.recipe import Recipe
from effsearch.training.trials.options import go_on_as_begun


def test_later_sources_go_over_earlier_ones() -> None:
    config = make_config({"samples": 5, "seed": 1}, {"samples": 7}, {})
    assert (config.samples, config.seed) == (7, 1)
    assert config == BaselineConfig(samples=7, seed=1)


@pytest.mark.parametrize(
    ("key", "value", "read"),
    [
        ("target_flops", "400M", 4e8),
        ("target_flops", "0.39G", 3.9e8),
        ("target_flops", "385814752", 385_814_752),
        ("target_flops", 4e8, 4e8),
        ("target_params", "5.3M", 5.3e6),
        ("target_memory", "64MB", 64e6),
        ("target_memory", 64_000_000, 64e6),
        ("time_budget", "4h", 14_400),
        ("time_budget", 90, 90),
        ("trial_timeout", "1.5s", 1.5),
    ],
)
def test_amounts_are_read_with_their_units_and_plain_numbers_in_the_keys_own(
    key: str, value: Any, read: float
) -> None:
    assert getattr(make_config({key: value}), key) == read


def test_whole_targets_are_whole_numbers() -> None:
    config = make_config({"target_flops": "0.39G", "target_memory": "1.5GiB"})
    assert config.targets == {"macs": 390_000_000, "memory_bytes": 1_610_612_736}
    assert {type(value) for value in config.targets.values()} == {int}


def test_a_target_on_memory_is_of_one_image_or_of_a_batch_with_the_weights() -> None:
    one = make_config({"target_memory": "64MB"})
    many = make_config({"target_memory": "64MB", "memory_batch": 8})
    assert one.targets == {"memory_bytes": 64_000_000}
    assert many.targets == {"total_memory_bytes": 64_000_000}


def test_a_latency_is_read_in_milliseconds_and_stands_after_what_is_counted() -> None:
    config = make_config({"target_latency": "8ms", "target_params": "5M", "latency_timeout": "1m"})
    assert config.targets == {"params": 5_000_000, "latency_ms": 8}
    assert config.latency_timeout == 60
    assert make_config({"target_latency": 8.5}).target_latency == 8.5
    with pytest.raises(InputError, match="target_latency: '8' is not a latency with its unit"):
        make_config({"target_latency": "8"})


@pytest.mark.slow
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "target_flops": st.floats(1.0, 1e12),
            "target_memory": st.floats(1.0, 1e12),
            "time_budget": st.floats(0.001, 1e6),
            "weight": st.floats(-10, 0),
            "cost_tolerance": st.floats(0, 1),
            "samples": st.integers(1, 10**6),
            "batch_size": st.none() | st.integers(1, 100),
            "seed": st.integers(0, 2**40),
            "gpus_per_trial": st.none() | st.floats(0, 8),
            "strategy_options": st.dictionaries(st.text(min_size=1), st.integers(), max_size=2),
            "space": st.sampled_from(["mnasnet", "my space.yaml", "null", "5"]),
        },
    )
)
def test_a_config_comes_back_from_the_yaml_that_a_run_keeps(values: dict[str, Any]) -> None:
    config = make_config(values)
    text = yaml.safe_dump(config.to_dict(), sort_keys=False)
    assert make_config(yaml.safe_load(text)) == config
    assert changed_keys(config.to_dict(), config) == []


def test_a_file_of_a_config_is_read(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("target_flops: 400M\nstrategy: ppo\nstrategy_options: {clip: 0.1}\n")
    assert make_config(read_config(path)) == BaselineConfig(
        target_flops=4e8, strategy="ppo", strategy_options={"clip": 0.1}
    )


def test_what_decides_the_search_may_not_change_and_all_else_may() -> None:
    before, may_change = BaselineConfig(finalists=3), BaselineConfig.may_change()
    by_type: dict[Any, Any] = {str: "x", int: 7, float: 0.5, bool: True, dict: {"a": 1}}
    by_type |= {tuple[str, ...]: ("x",), tuple[float, ...]: (2.0, 8.0)}
    by_name = {
        "objective": "absolute",
        "device": "cpu",
        "pruning": "halving",
        "table_missing": "nearest",
        "latency_measure": "each",
        "weight": -0.1,
    }
    for name, setting in settings_of(BaselineConfig).items():
        now = replace(before, **{name: by_name.get(name) or by_type[setting.kind]})
        expected = [] if name in may_change else [name]
        assert changed_keys(before.to_dict(), now) == expected
    assert {"samples", "workers", "ray_address", "trial_timeout"} <= may_change
    assert not {"seed", "batch_size", "space", "evaluator", "recipe"} & may_change


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ({}, 0.9, 1.0),
        ({"objective": "absolute"}, 0.9, 1.0),
        ({"objective": "soft"}, 0.0, float("inf")),
        ({"strategy": "nsga2"}, 0.0, 1.0),
        ({"cost_tolerance": 0.05, "cost_band": 0.2}, 0.8, 1.05),
        ({"objective": "soft", "cost_tolerance": 0.05}, 0.0, 1.05),
        ({"cost_band": 1}, 0.0, 1.0),
    ],
)
def test_the_band_around_the_target_follows_from_objective_and_strategy(
    values: dict[str, Any], low: float, high: float
) -> None:
    (target,) = make_objective(make_config({"target_flops": 1e8}, values)).targets
    assert (target.low, target.high) == (pytest.approx(low * 1e8), pytest.approx(high * 1e8))


def test_only_the_first_target_has_a_lower_bound() -> None:
    objective = make_objective(make_config({"target_flops": "400M", "target_params": "5M"}))
    assert [target.low for target in objective.targets] == [pytest.approx(3.6e8), 0.0]


def test_named_recipe_options_go_over_the_others() -> None:
    config = make_config({"recipe": {"epochs": 2, "lr": 0.1}, "epochs": 9, "proxy_resolution": 24})
    assert config.recipe_options() == {"epochs": 9, "lr": 0.1, "resolution": 24}


def test_a_function_stands_in_the_configuration_by_its_name() -> None:
    assert make_config({"evaluator": print}).to_dict()["evaluator"] == "python:print"
    with pytest.raises(InputError, match=r"device must be text|unknown device"):
        make_config({"device": print})


def test_an_unknown_key_is_named_with_the_nearest_known_one() -> None:
    with pytest.raises(InputError, match="unknown config key 'sample': did you mean 'samples'"):
        make_config({"sample": 5})


def test_a_run_keeps_what_was_the_default_when_it_began() -> None:
    config = make_config({"target_flops": "400M", "finalists": 2, "max_images": 300})
    stored = make_plan(config).stored_config()
    left_open = {key for key, value in stored.items() if value is None}
    assert left_open == {  # what is not wanted, and what the machine decides
        *("target_params", "target_memory", "memory_batch", "time_budget", "trial_timeout"),
        "gpu_hours",
        *("target_latency", "latency_table", "latency_command", "latency_backend", "latency_dtype"),
        *("latency_threads", "latency_batch", "image_column", "label_column", "start"),
        *("workers", "gpus_per_trial", "per_trial", "ray_address"),
        *("supernet_epochs", "supernet_recipe", "fidelities"),
    }
    assert (stored["epochs"], stored["proxy_resolution"]) == (3, 16)
    assert (stored["finalist_epochs"], stored["reference"]) == (9, "efficientnet-b0")
    assert (stored["weight"], stored["cost_tolerance"], stored["cost_band"]) == (-1.0, 0.0, 0.1)
    assert stored["strategy_options"] == {"start": 10, "generations": 5}
    assert stored["recipe"]["batch_size"] == 12  # 240 images in 20 steps
    assert len(stored["recipe"]) == len(fields(Recipe)) - 2
    again = make_plan(make_config(stored))
    assert again.stored_config() == stored


def test_a_resumed_run_has_the_recipe_it_began_with() -> None:
    begun = {"config": {"epochs": None, "recipe": {"lr": 0.1}}}
    record = begun | {"recipe": {"epochs": 3, "resolution": 16, "lr": 0.1, "batch_size": 48}}
    config, changes = go_on_as_begun(record, {"recipe": {"learning_rate": 0.2}, "epochs": None})
    assert config["recipe"] == {"lr": 0.1, "batch_size": 48}
    assert (config["epochs"], config["proxy_resolution"]) == (3, 16)
    assert changes == {"recipe": {"lr": 0.2, "batch_size": 48}}
