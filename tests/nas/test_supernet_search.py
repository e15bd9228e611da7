"""A search by a supernet: trained once into the run, its finalists trained, its order told."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from searches import write_space

from effsearch.nas.baseline import resume_baseline, search_baseline
from effsearch.nas.config import make_config
from effsearch.nas.evaluators.supernet import SupernetEvaluator
from effsearch.nas.evaluators.zero_cost.registry import SCORES
from effsearch.nas.setup import make_plan
from effsearch.nas.supernet_file import train_supernet_file
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.space_file import load_space
from effsearch.training.trials.evaluator import Request

OPTIONS: dict[str, Any] = {
    "strategy": "random",
    "samples": 5,
    "finalists": 3,
    "finalist_seeds": 1,
    "finalist_epochs": 1,
    "reference": "none",
    "max_images": 200,
    "proxy_resolution": 8,
    "target_flops": "60M",
    "workers": 1,
    "evaluator": "supernet",
    "supernet_epochs": 1,
}


def config(folder: Path, **options: Any) -> Any:
    return make_config(OPTIONS | {"space": write_space(folder)} | options)


@pytest.mark.slow
def test_a_search_trains_its_supernet_once_and_says_what_its_order_was_worth(
    tmp_path: Path, ray_address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "runs"
    found = search_baseline(config(tmp_path, ray_address=ray_address), run_dir=root)
    assert "supernet: step" in capsys.readouterr().err
    answer = json.loads((found.path / "baseline.json").read_text())
    assert answer["chosen_by"] == "finalists"
    assert answer["evaluator"] == "supernet"
    rows = answer["estimates"]["rows"]
    assert rows[0]["name"] == "supernet"
    assert rows[0]["kendall_tau"] == pytest.approx(answer["finalists"]["rank_correlation"])
    assert {row["name"] for row in rows[1:]} == set(SCORES)
    written = (found.path / "supernet.safetensors").stat().st_mtime_ns
    again = resume_baseline(str(found.path), {"samples": 7}, run_dir=root)
    assert len(again.trials) == 7
    assert (found.path / "supernet.safetensors").stat().st_mtime_ns == written
    assert "supernet: step" not in capsys.readouterr().err


@pytest.mark.slow
def test_networks_are_looked_up_in_a_trained_file(tmp_path: Path) -> None:
    plain = config(tmp_path, supernet_epochs=None)
    path = tmp_path / "nets" / "net.safetensors"
    space = load_space(plain.space)
    options: dict[str, Any] = {"data": "digits", "resolution": 8, "max_images": 200}
    train_supernet_file(path, space, recipe="fair", epochs=1, target_flops=60e6, **options)
    plan = make_plan(config(tmp_path, supernet_epochs=None, evaluator=f"supernet:{path}"))
    assert isinstance(plan.evaluator, SupernetEvaluator)
    assert plan.config.finalist_count == 3
    plan.evaluator.prepare()
    (candidate,) = plan.problem.draw(np.random.default_rng(0), 1, set())
    (one,) = plan.evaluator.evaluate([Request(0, candidate.architecture, 1)])
    (other,) = plan.evaluator.evaluate([Request(1, candidate.architecture, 2)])
    assert one == other
    assert 0 <= float(one["accuracy"]) <= 1  # type: ignore[arg-type]
    with pytest.raises(InputError, match="trained on other images"):
        make_plan(
            config(tmp_path, supernet_epochs=None, evaluator=f"supernet:{path}", max_images=150)
        )
    with pytest.raises(InputError, match="is of space 'small'"):
        make_plan(
            config(
                tmp_path,
                supernet_epochs=None,
                evaluator=f"supernet:{path}",
                space="mobilenetv3",
                target_flops=None,
            )
        )


def test_options_of_its_training_need_a_supernet(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="need --evaluator supernet"):
        make_plan(config(tmp_path, evaluator="proxy"))
    with pytest.raises(InputError, match="need --evaluator supernet"):
        make_plan(
            config(tmp_path, evaluator="zero-cost", supernet_epochs=None, supernet_recipe="fair")
        )


def test_bad_recipes_and_files_are_refused_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'sandwich'"):
        make_plan(config(tmp_path, supernet_recipe="sandwhich"))
    with pytest.raises(InputError, match="does not exist"):
        make_plan(config(tmp_path, supernet_epochs=None, evaluator="supernet:none.safetensors"))


def test_too_few_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="too few to recalibrate"):
        make_plan(config(tmp_path, max_images=30))
