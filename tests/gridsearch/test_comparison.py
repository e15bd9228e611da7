"""One dimension against three: equal budgets, equal training, and what cannot be reached."""

import csv
import json
from pathlib import Path

import pytest

from effsearch.gridsearch.compare_scaling.answer import judge_methods
from effsearch.gridsearch.compare_scaling.command import compare_scaling, resume_comparison
from effsearch.gridsearch.compare_scaling.config import ComparisonConfig, make_config
from effsearch.gridsearch.compare_scaling.networks import make_plan
from effsearch.results.store.files import write_json
from effsearch.results.store.run import Run
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.notation import format_architecture
from effsearch.search_spaces.zoo import load_zoo
from effsearch.training.trials.jobs import Measured

SMALL = {"epochs": 1, "max_images": 60, "proxy_resolution": 8, "seeds": 1, "workers": 1}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["efficientnet-b0", "mobilenet-v2", "resnet-50"])
def test_what_is_called_equal_is_within_three_percent(name: str, tmp_path: Path) -> None:
    config = make_config({"baseline": [name], "budgets": ["2", "3", "4"], "max_images": 60})
    plan = make_plan(config, tmp_path)
    assert len(plan.entries) == 1 + 3 * 4
    for entry in plan.entries:
        assert entry.reachable == (abs(entry.cost.macs / entry.budget - 1) <= 0.03)
    assert sum(entry.reachable for entry in plan.entries) >= 11


def test_pixels_of_the_training_grow_as_the_resolution_does(tmp_path: Path) -> None:
    config = make_config({"baseline": ["resnet-50"], "max_images": 60, "proxy_resolution": 16})
    for entry in make_plan(config, tmp_path).entries:
        own = load_zoo("resnet-50").resolution
        assert entry.pixels == pytest.approx(16 * entry.architecture.resolution / own, abs=0.5)


def test_a_comparison_scales_by_a_family_s_rule(tmp_path: Path) -> None:
    options = {"baseline": ["efficientnet-lite0"], "max_images": 60, "rule": "efficientnet-lite"}
    plan = make_plan(make_config(options), tmp_path)
    base = load_zoo("efficientnet-lite0")
    assert all(entry.architecture.head == base.head for entry in plan.entries)
    assert all(entry.architecture.stem == base.stem for entry in plan.entries)
    with pytest.raises(InputError, match="did you mean 'efficientnet-lite'"):
        make_config(options | {"rule": "efficientnet-lit"})


def test_a_comparison_scales_by_the_rule_of_its_coefficients(tmp_path: Path) -> None:
    config = {"seed": 0, "rule": "efficientnet-lite"}
    with Run.create(tmp_path, "coefficients", None, command=["x"], config=config) as run:
        write_json(run.paths.answer, {"alpha": 1.2, "beta": 1.1, "gamma": 1.15})
        run.finish("finished")
    options = {"baseline": ["efficientnet-lite0"], "max_images": 60}
    plan = make_plan(make_config(options | {"coefficients": "coefficients/001"}), tmp_path)
    assert plan.config.rule == "efficientnet-lite"
    assert any("rule: efficientnet-lite, as run coefficients/001" in note for note in plan.notes)
    stem = load_zoo("efficientnet-lite0").stem
    assert all(entry.architecture.stem == stem for entry in plan.entries)


@pytest.mark.slow
def test_a_comparison_ends_with_table_picture_and_answer(root: Path, ray_address: str) -> None:
    config = make_config(SMALL, {"baseline": ["mobilenet-v2"], "budgets": ["2"]})
    result = compare_scaling(config, run_dir=root, quiet=True)
    with (result.path / "comparison.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["method"] for row in rows] == [
        "baseline",
        "depth",
        "width",
        "resolution",
        "compound",
    ]
    assert all(row["state"] == "done" and float(row["accuracy"]) >= 0 for row in rows)
    assert json.loads((result.path / "comparison.json").read_text())["rows"] == result.rows
    assert (result.path / "plots" / "comparison.png").read_bytes().startswith(b"\x89PNG")
    before = (result.path / "trials.jsonl").read_bytes()
    again = resume_comparison(result.run, {}, run_dir=root, quiet=True)
    assert again.rows == result.rows
    assert again.answer["coefficients"] == result.answer["coefficients"]
    assert (result.path / "trials.jsonl").read_bytes() == before


@pytest.mark.slow
def test_what_a_run_keeps_finds_its_baselines_again(tmp_path: Path, tiny: Architecture) -> None:
    notation = format_architecture(tiny)
    config = make_config({"baseline": [notation, "mobilenet-v2"], "max_images": 60})
    plan = make_plan(config, tmp_path)
    again = make_plan(make_config(plan.stored_config()), tmp_path)
    assert list(again.baselines) == [tiny.id, "mobilenet-v2"]
    assert again.entries == plan.entries


def test_a_resumption_as_another_comparison_is_refused(root: Path) -> None:
    config = ComparisonConfig(baseline=("mobilenet-v2",), coefficients="1.2,1.1,1.15")
    Run.create(root, "comparison", command=["x"], config=config.to_dict()).close()
    with pytest.raises(InputError, match="started with another seeds"):
        resume_comparison("comparison/001", {"seeds": 2}, run_dir=root, quiet=True)


def test_all_three_dimensions_are_said_beside_each_one_alone(tmp_path: Path) -> None:
    options = {"baseline": ["resnet-50"], "budgets": ["2"], "budget_tolerance": 0.3}
    config = make_config(options, {"max_images": 60})
    entries = make_plan(config, tmp_path).entries
    scores = {"depth": 0.8, "width": 0.9, "resolution": 0.88, "compound": 0.9, "baseline": 0.7}
    measured = {
        entry.architecture.id: Measured(
            rewards={0: scores[entry.method], 1: scores[entry.method] + 0.01}
        )
        for entry in entries
    }
    depth, width, resolution = judge_methods(entries, measured)
    assert (depth["baseline"], depth["name"]) == ("resnet-50", "depth alone")
    assert depth["headline"].startswith("+10.0 points (90%: ")
    assert " over depth alone at " in depth["headline"]
    assert depth["difference_low"] > 0.07
    assert width["headline"].startswith("no clear difference from width alone: +0.0 points")
    assert resolution["difference"] == pytest.approx(0.02)
    assert judge_methods(entries, {}) == []
