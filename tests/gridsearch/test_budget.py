"""A grid and a comparison within a budget of time, on a clock of the test's in place of Ray."""

import csv
from pathlib import Path
from typing import Any

import pytest
from clocked import LONGER, SECONDS, Cluster

from effsearch.gridsearch import coefficients, setup
from effsearch.gridsearch.coefficients import resume_coefficients, search_coefficients
from effsearch.gridsearch.compare_scaling import command, networks
from effsearch.gridsearch.compare_scaling import config as comparison
from effsearch.gridsearch.compare_scaling.command import compare_scaling
from effsearch.gridsearch.config import make_config
from effsearch.results.lifecycle import find_run, is_done
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.notation import format_architecture


@pytest.fixture
def options(tiny: Architecture) -> dict[str, Any]:
    return {"epochs": 1, "max_images": 60, "proxy_resolution": 8, "baseline": tiny_line(tiny)}


def tiny_line(tiny: Architecture) -> str:
    return format_architecture(tiny)


@pytest.mark.slow
def test_a_grid_leaves_time_for_its_top_and_is_gone_on_with(
    options: dict[str, Any], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster()
    cluster.stand_in(monkeypatch, coefficients, setup)
    # The top takes 2 × 30 s, the references as much, two trainings at a time.
    wanted = make_config(
        options | {"step": 0.1, "top": 2, "top_seeds": 2, "repeats": 0, "time_budget": 150.0}
    )
    found = search_coefficients(wanted, run_dir=root, quiet=True)
    assert cluster.ended["top"] == 4
    assert 0 < cluster.ended["grid"] < 12
    assert cluster.now <= 150.0 + LONGER
    left = found.answer["trainings_left"]
    assert left >= 12 - cluster.ended["grid"]
    run = find_run(root, None, "coefficients")
    assert not is_done(run, type(wanted), {})
    cluster.now = 0.0
    again = resume_coefficients(None, {"time_budget": 10_000.0}, run_dir=root, quiet=True)
    assert again.answer["trainings_left"] is None
    assert cluster.ended["grid"] == 12
    assert is_done(find_run(root, None, "coefficients"), type(wanted), {})
    (again.path / "coefficients.json").write_text("{")  # what is damaged is made again
    assert not is_done(find_run(root, None, "coefficients"), type(wanted), {})


@pytest.mark.slow
def test_a_comparison_says_which_networks_it_left_out(
    options: dict[str, Any], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster()
    cluster.stand_in(monkeypatch, command, networks)
    given = options | {"baseline": [options["baseline"]], "budgets": "2", "seeds": 2}
    wanted = comparison.make_config(given | {"time_budget": SECONDS})
    found = compare_scaling(wanted, run_dir=root, quiet=True)
    assert cluster.now == SECONDS  # for the two seeds of the first network
    wanted_networks = {row["network"] for row in found.rows if row["state"] != "unreachable"}
    assert found.answer["trainings_left"] == 2 * len(wanted_networks) - 2
    with (found.path / "comparison.csv").open() as stream:
        states = [row["state"] for row in csv.DictReader(stream)]
    assert states.count("done") == 1
    assert "left out" in states
