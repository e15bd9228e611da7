"""A search within a budget of time, its trainings on a clock of the test's in place of Ray."""

import json
from pathlib import Path
from typing import Any

import pytest
from clocked import LONGER, SECONDS, WORKERS, Cluster
from searches import write_space

from effsearch.nas import baseline, setup
from effsearch.nas.baseline import resume_baseline, search_baseline
from effsearch.nas.config import make_config
from effsearch.results.lifecycle import find_run, is_done


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()
    made.stand_in(monkeypatch, baseline, setup)
    return made


def config(folder: Path, budget: float | None, **changes: Any) -> Any:
    options: dict[str, Any] = {
        "space": write_space(folder),
        "strategy": "random",
        "no_target": True,
        "samples": 200,
        "batch_size": 4,
        "finalists": 3,
        "finalist_seeds": 2,
        "max_images": 200,
        "time_budget": budget,
    }
    return make_config(options | changes)


@pytest.mark.slow
@pytest.mark.parametrize("budget", [200.0, 400.0, 1000.0])
def test_a_budget_holds_for_all_and_the_finalists_are_trained(
    tmp_path: Path, cluster: Cluster, budget: float
) -> None:
    found = search_baseline(config(tmp_path, budget), run_dir=tmp_path / "runs", quiet=True)
    assert cluster.ended["finalists"] == 6
    assert cluster.ended["references"] == 2
    assert cluster.now <= budget + LONGER
    # Finalists take three rounds, the reference one: what is left is searched in.
    assert cluster.ended["search"] >= WORKERS * (budget - 8 * LONGER) / SECONDS
    assert cluster.now >= budget - 4 * LONGER
    assert found.answer["trainings_left"] is None


@pytest.mark.slow
def test_without_a_budget_all_samples_are_evaluated(tmp_path: Path, cluster: Cluster) -> None:
    wanted = config(tmp_path, None, samples=20)
    search_baseline(wanted, run_dir=tmp_path / "runs", quiet=True)
    assert cluster.ended == {"search": 20, "finalists": 6, "references": 2}


@pytest.mark.slow
def test_finalists_that_take_longer_than_believed_are_cut_and_gone_on_with(
    tmp_path: Path, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.longer = 120.0
    wanted = config(tmp_path, 300.0, samples=8)
    found = search_baseline(wanted, run_dir=tmp_path / "runs")
    assert cluster.now <= 300.0 + 120.0
    ended = cluster.ended["finalists"] + cluster.ended.get("references", 0)
    assert 0 < ended < 8
    assert found.answer["trainings_left"] == 8 - ended
    assert "trainings of finalists were not begun; --resume continues" in capsys.readouterr().err
    run = find_run(tmp_path / "runs", None, "baseline")
    assert not is_done(run, type(wanted), {})
    cluster.now = 0.0
    again = resume_baseline(None, {"time_budget": 10_000.0}, run_dir=tmp_path / "runs", quiet=True)
    assert (cluster.ended["finalists"], cluster.ended["references"]) == (6, 2)
    assert again.answer["trainings_left"] is None
    answer = json.loads((again.path / "baseline.json").read_text())
    assert len(answer["finalists"]["rows"]) == 3
