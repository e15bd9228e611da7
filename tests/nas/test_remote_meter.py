"""Measuring in a Ray worker: on the CPU, in place of the GPU that it is for."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from searches import logging_evaluator

from effsearch.latency.base_meter import Latency
from effsearch.latency.building import BuildOptions, build_table
from effsearch.latency.meter import make_meter
from effsearch.latency.prediction import Predictor
from effsearch.latency.table import LatencyTable
from effsearch.nas.baseline import search_baseline
from effsearch.nas.config import make_config
from effsearch.nas.latency_check import check_latency
from effsearch.nas.latency_trials import measure_in_turn
from effsearch.nas.ray_meter import RemoteMeter
from effsearch.nas.setup import make_plan
from effsearch.results.store.events import Asked
from effsearch.results.store.ledger import read_events
from effsearch.results.store.trials import Trial
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import EffsearchError, InputError, MissingResourceError
from effsearch.search_spaces.notation import format_architecture
from effsearch.search_spaces.parts import Stage
from effsearch.search_spaces.space_file import load_space

SPACE = """
resolution: 32
classes: 10
stem: {channels: 8, stride: 2}
stages:
  - {op: mbconv, channels: [8, 16, 24], expand: [1, 3], kernel: [3, 5], layers: [1, 2]}
head: {channels: 32}
"""
SMALL = Architecture(stages=(Stage(op="mbconv", channels=8, expand=2),), resolution=32)
HUGE = replace(SMALL, resolution=400_000)  # two terabytes of pixels
QUICK = BuildOptions(passes=1, rounds=2, networks=6)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> LatencyTable:
    """A table of a tiny space, measured with torch on this CPU."""
    folder = tmp_path_factory.mktemp("remote")
    (folder / "tiny.yaml").write_text(SPACE)
    space = load_space(str(folder / "tiny.yaml"))
    return build_table(folder / "tiny.csv", space, make_meter(), QUICK)


def test_a_network_that_does_not_fit_the_device_fails_alone() -> None:
    huge, small, beside = measure_in_turn(make_meter(), [HUGE, SMALL], [SMALL])
    assert isinstance(huge, EffsearchError)
    assert f"network {HUGE.id} could not be run: RuntimeError: " in str(huge)
    assert isinstance(small, Latency)
    assert isinstance(beside, Latency)


@pytest.mark.parametrize(("networks", "beside"), [([SMALL], [HUGE]), ([HUGE], [])])
def test_a_device_that_runs_nothing_that_is_known_fails_itself(
    networks: list[Architecture], beside: list[Architecture]
) -> None:
    with pytest.raises(EffsearchError, match="could not be run"):
        list(measure_in_turn(make_meter(), networks, beside))


def test_a_table_that_the_device_has_left_behind_is_told(table: LatencyTable) -> None:
    slowest = max(ms.low_ms for ms in table.networks.values())
    config = {
        "space": str(table.path.with_suffix(".yaml")),
        "target_latency": f"{slowest}ms",
        "cost_band": 1,
        "latency_table": str(table.path),
    }
    plan = make_plan(make_config(config))
    assert plan.latency is not None
    once = {network: replace(ms, low_ms=ms.low_ms / 10) for network, ms in table.networks.items()}
    source = replace(plan.latency, predictor=Predictor(replace(table, networks=once)))
    (candidate,) = plan.problem.draw(np.random.default_rng(0), 1, set())
    trial = Trial(
        number=0,
        batch=0,
        seed=0,
        arch_id=candidate.id,
        architecture=format_architecture(candidate.architecture),
        encoding=candidate.encoding,
        costs=candidate.costs,
        state="done",
        asked_at=0.0,
        measurements={"accuracy": 0.5},
    )
    found = check_latency(source, plan.problem.objective, [trial])
    assert found.drift is not None
    assert found.drift > 1
    assert "slower than when it was measured" in " ".join(found.notes)
    assert found.to_dict()["drift_of_table"] == found.drift


def test_without_a_gpu_and_a_cluster_nothing_is_started(table: LatencyTable) -> None:
    config = {
        "space": str(table.path.with_suffix(".yaml")),
        "target_latency": "1ms",
        "latency_table": str(table.path),
        "latency_device": "cuda:7",
    }
    with pytest.raises(MissingResourceError, match="there is no device 'cuda:7', this machine has"):
        make_plan(make_config(config))


@pytest.mark.slow
def test_a_worker_measures_while_trials_hold_every_cpu(
    table: LatencyTable, ray_address: str
) -> None:
    import ray

    @ray.remote(num_cpus=2)
    class Trial:
        def ready(self) -> bool:
            return True

    trial = Trial.remote()
    assert ray.get(trial.ready.remote())
    meter = RemoteMeter("cpu", table, None)
    known = list(table.networks)
    huge, *found = meter.measure([HUGE, *known[:2]], known[2:4])
    ray.kill(trial)
    assert "could not be run: RuntimeError" in str(huge)
    for network, latency in zip(known, found, strict=False):
        assert isinstance(latency, Latency)
        assert latency.setting == table.setting
        assert latency.resolution == network.resolution
    with pytest.raises(EffsearchError, match="could not be run"):
        meter.measure([SMALL], [HUGE])


@pytest.mark.slow
def test_a_worker_refuses_another_device_and_a_missing_one(
    table: LatencyTable, ray_address: str
) -> None:
    with pytest.raises(InputError, match=r"tiny\.csv was measured with batch '1', and this is '2'"):
        RemoteMeter("cpu", table, None, batch=2).check()
    with pytest.raises(MissingResourceError, match="no node of the Ray cluster has the dev"):
        RemoteMeter("cuda", table, None).check()


@pytest.mark.slow
def test_a_search_whose_networks_a_worker_measures(
    table: LatencyTable, tmp_path: Path, ray_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("effsearch.nas.latency_target._is_cuda", lambda config: True)
    config = {
        "space": str(table.path.with_suffix(".yaml")),
        "evaluator": logging_evaluator(tmp_path, pause=0.01)[0],
        "target_latency": "100ms",
        "cost_band": 1,
        "latency_table": str(table.path),
        "latency_measure": "each",
        "strategy": "random",
        "samples": 4,
        "batch_size": 2,
        "ray_address": ray_address,
    }
    found = search_baseline(make_config(config), run_dir=tmp_path / "runs", quiet=True)
    asked = [
        event for event in read_events(found.path / "trials.jsonl") if isinstance(event, Asked)
    ]
    assert len(asked) == 4
    assert all(event.costs["latency_ms"] != event.costs["predicted_latency_ms"] for event in asked)
    assert found.answer["latency"]["timing"]["device"] == table.setting.device
    assert json.loads((found.path / "run.json").read_text())["status"] == "finished"
