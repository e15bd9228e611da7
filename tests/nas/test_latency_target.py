"""Searching for a latency: predicted by a table, measured before it is reported, by a stand-in."""

import json
import os
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from searches import count_told, effsearch, logging_evaluator, wait_until, write_space

from effsearch.latency.base_meter import Latency
from effsearch.latency.building import BuildOptions, build_from_networks
from effsearch.latency.command_meter import CommandMeter
from effsearch.latency.layers import stage_layers
from effsearch.latency.onnx_program import write_onnx
from effsearch.latency.program import network_program
from effsearch.latency.table import read_table
from effsearch.latency.weights import random_weights
from effsearch.nas.baseline import resume_baseline, search_baseline
from effsearch.nas.config import make_config
from effsearch.nas.latency_check import check_latency, measure_networks
from effsearch.nas.search import Search
from effsearch.nas.setup import SearchPlan, make_plan
from effsearch.results.store.events import digest
from effsearch.results.store.ledger import Ledger, read_events
from effsearch.results.store.trials import join_trials
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import (
    EffsearchError,
    InfeasibleError,
    InputError,
    MissingResourceError,
)
from effsearch.search_spaces.notation import parse_architecture
from effsearch.search_spaces.space_file import load_space
from effsearch.training.trials.outcome import Outcome

if find_spec("onnx") is None:
    pytest.skip("the extra onnx is not installed", allow_module_level=True)

TARGET = "6ms"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A space, a command that takes 1 ms for every 20 kB of weights, and the table it makes."""
    folder = tmp_path_factory.mktemp("latency")
    space = load_space(write_space(folder))
    meter = CommandMeter(phone(folder), timeout=30)
    build_from_networks(folder / "phone.csv", space, meter, BuildOptions(passes=1, networks=12))
    return folder


def phone(folder: Path, source: str = "os.path.getsize(sys.argv[1]) / 2e4") -> str:
    script = folder / "phone.py"
    script.write_text(f"import os, sys, time\nprint({source})")
    return shlex.join([sys.executable, str(script), "{onnx}"])


def options(folder: Path) -> dict[str, Any]:
    return {
        "space": str(folder / "small.yaml"),
        "evaluator": logging_evaluator(folder, pause=0.05)[0],
        "target_latency": TARGET,
        "latency_table": str(folder / "phone.csv"),
        "latency_command": phone(folder),
        "cost_band": 0.3,
        "strategy": "evolution",
        "strategy_options": {"population": 6, "sample": 3},
        "samples": 12,
        "batch_size": 4,
        "workers": 1,
    }


Latencies = Callable[[Sequence[Architecture]], list[float | EffsearchError]]


def measuring(plan: SearchPlan) -> Latencies:
    """What a search measures its networks with."""

    def latencies(networks: Sequence[Architecture]) -> list[float | EffsearchError]:
        assert plan.latency is not None
        return [
            found if isinstance(found, EffsearchError) else found.timing.low_ms
            for found in measure_networks(plan.latency, networks)
        ]

    return latencies


def run_through(plan: SearchPlan, path: Path, latencies: Latencies | None = None) -> Search:
    """A search of a plan without Ray, accuracy by the seed."""
    with Ledger.open(path) as ledger:
        search = Search(
            plan.problem, plan.strategy, ledger, samples=plan.config.samples,
            batch_size=plan.batch_size, seed=0, events=read_events(ledger.path),
            latencies=latencies,
        )  # fmt: skip
        while not search.finished:
            for request in search.take(3):
                told = {"accuracy": request.seed % 1000 / 1000}
                search.record([Outcome(request.trial, dict(told), None, "", 0.1, "here:1")])
    return search


def test_every_network_of_a_search_is_predicted_to_meet_the_target(
    folder: Path, tmp_path: Path
) -> None:
    plan = make_plan(make_config(options(folder)))
    run_through(plan, tmp_path / "trials.jsonl")
    trials = join_trials(read_events(tmp_path / "trials.jsonl"))
    predicted = [trial.costs["latency_ms"] for trial in trials]
    assert len(predicted) == 12
    assert all(4.2 <= ms <= 6.0 for ms in predicted)
    assert any(not float(ms).is_integer() for ms in predicted)
    assert {type(trial.costs["macs"]) for trial in trials} == {int}
    assert plan.record["objective"] == "hard latency 6ms (w=-1)"


def test_a_ledger_with_latencies_is_replayed_to_the_same_search(
    folder: Path, tmp_path: Path
) -> None:
    config = make_config(options(folder))
    whole, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    run_through(make_plan(config), whole)
    content = whole.read_bytes()
    cut.write_bytes(content[: len(content) // 2])
    run_through(make_plan(config), cut)
    assert digest(read_events(cut)) == digest(read_events(whole))


def test_where_each_network_is_measured_its_reward_goes_by_that(
    folder: Path, tmp_path: Path
) -> None:
    config = make_config(options(folder), {"latency_measure": "each"})
    whole, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    measured: list[str] = []

    def search(path: Path) -> None:
        plan = make_plan(config)

        def latencies(networks: Sequence[Architecture]) -> list[float | EffsearchError]:
            measured.extend(network.id for network in networks)
            return measuring(plan)(networks)

        run_through(plan, path, latencies)

    search(whole)
    assert len(measured) == len(set(measured)) == 12
    for trial in join_trials(read_events(whole)):
        ms, predicted = trial.costs["latency_ms"], trial.costs["predicted_latency_ms"]
        assert predicted <= 6 < 1.5 * ms
        assert ms != predicted
        assert trial.reward == pytest.approx((trial.accuracy or 0) * min(1, 6 / ms))

    # Killed in its second batch, it measures the third alone and comes to the same ledger.
    lines = whole.read_bytes().splitlines(keepends=True)
    cut.write_bytes(b"".join(lines[:14]))
    measured.clear()
    search(cut)
    assert len(measured) == 4
    assert digest(read_events(cut)) == digest(read_events(whole))


# Runs the smallest networks of its table, and only some of the others.
MOODY = """
import os, sys, time
size = os.path.getsize(sys.argv[1])
mood = size // 64 % 5 if size > 7e4 else 4
if mood == 0:
    sys.exit("no room for " + sys.argv[1])
if mood == 1:
    time.sleep({hangs})
else:
    print(size / 2e4)
"""


@pytest.mark.parametrize("batch", [4, 1])
def test_a_network_that_cannot_be_measured_is_a_failed_trial(
    folder: Path, tmp_path: Path, batch: int
) -> None:
    config = make_config(options(folder), {"latency_measure": "each", "batch_size": batch})
    (folder / "phone.py").write_text(MOODY.format(hangs=0))
    whole, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"

    def search(path: Path) -> None:
        plan = make_plan(config)
        run_through(plan, path, measuring(plan))

    search(whole)
    trials = join_trials(read_events(whole))
    failed = [trial for trial in trials if trial.state == "failed"]
    assert [trial.number for trial in trials] == list(range(12))
    assert 2 <= len(failed) <= 8
    for trial in trials:
        assert ("latency_ms" in trial.costs) == (trial.state == "done")
        assert "predicted_latency_ms" in trial.costs
    causes = "; ".join(trial.error or "" for trial in failed)
    assert "failed with exit code 1: no room for {onnx}" in causes
    assert "it printed nothing" in causes

    # Stopped after any line it ends in the same ledger, also where the cause was not written yet.
    lines = whole.read_bytes().splitlines(keepends=True)
    for kept in range(1, len(lines), 3):
        cut.write_bytes(b"".join(lines[:kept]))
        search(cut)
        assert digest(read_events(cut)) == digest(read_events(whole)), f"after {kept} lines"


def test_a_network_that_hangs_costs_its_own_measurement(folder: Path) -> None:
    plan = make_plan(make_config(options(folder), {"latency_timeout": "4s"}))
    assert plan.latency is not None
    table = plan.latency.predictor.table
    (folder / "phone.py").write_text(MOODY.format(hangs=60))
    small = min(table.networks, key=lambda network: table.networks[network].low_ms)
    hanging = next(network for network in sampled(plan) if onnx_size(network) // 64 % 5 == 1)
    found = list(measure_networks(plan.latency, [hanging, small]))
    assert "took more than 4 s and was stopped" in str(found[0])
    assert isinstance(found[1], Latency)


def test_a_phone_that_is_gone_is_no_networks_failure(folder: Path, tmp_path: Path) -> None:
    plan = make_plan(make_config(options(folder), {"latency_measure": "each"}))
    path = tmp_path / "trials.jsonl"
    (folder / "phone.py").write_text("raise SystemExit('device offline')")
    with pytest.raises(EffsearchError, match="exit code 1: device offline"):
        run_through(plan, path, measuring(plan))
    assert read_events(path) == []


def test_a_winner_that_the_device_does_not_run_is_passed_over(folder: Path, tmp_path: Path) -> None:
    plan = make_plan(make_config(options(folder)))
    search = run_through(plan, tmp_path / "trials.jsonl")
    ranked = search.ranked(join_trials(read_events(tmp_path / "trials.jsonl")))
    assert plan.latency is not None
    best = onnx_size(parse_architecture(ranked[0].architecture))
    phone(
        folder, f"os.path.getsize(sys.argv[1]) / (2e4 * (os.path.getsize(sys.argv[1]) != {best}))"
    )
    checked = check_latency(plan.latency, plan.problem.objective, ranked)
    assert checked.winner.trial is not ranked[0]
    assert checked.notes[0].startswith(f"trial {ranked[0].number} was skipped: latency command")
    assert "ZeroDivisionError" in checked.to_dict()["failed"][0]["error"]


def sampled(plan: SearchPlan) -> list[Architecture]:
    rows = plan.space.sample(np.random.default_rng(0), 40)
    return [plan.space.decode(row) for row in rows]


def onnx_size(network: Architecture) -> int:
    """Bytes of the file that the phone is given."""
    program = network_program(network)
    return len(write_onnx(program, random_weights(program), 1).SerializeToString())


def test_predictions_are_those_of_single_networks(folder: Path) -> None:
    plan = make_plan(make_config(options(folder)))
    assert plan.latency is not None
    rows = plan.space.sample(np.random.default_rng(0), 20)
    low, high = plan.ranges["latency_ms"]
    for row, ms in zip(rows, plan.problem.costs(rows)["latency_ms"], strict=True):
        alone = plan.latency.predictor.network_ms(plan.space.decode(row))
        assert ms == pytest.approx(alone, abs=1e-4)
        assert low <= ms <= high


def test_the_winner_is_the_first_of_the_best_that_meets_the_target_when_measured(
    folder: Path, tmp_path: Path
) -> None:
    plan = make_plan(make_config(options(folder)))
    search = run_through(plan, tmp_path / "trials.jsonl")
    ranked = search.ranked(join_trials(read_events(tmp_path / "trials.jsonl")))
    assert plan.latency is not None
    found = check_latency(plan.latency, plan.problem.objective, ranked)
    assert found.winner.measured_ms <= 6.0 * 1.01
    assert found.winner.measured_ms == pytest.approx(found.winner.predicted_ms, rel=0.2)

    # A device that is slower than its table says: none meets it, and the highest reward wins.
    slow = folder / "slow.py"
    slow.write_text("import os, sys; print(os.path.getsize(sys.argv[1]) / 1e4)")
    meter = CommandMeter(shlex.join([sys.executable, str(slow), "{onnx}"]), timeout=30)
    slower = replace(plan.latency, meter=meter)
    missed = check_latency(slower, plan.problem.objective, ranked)
    assert [one.trial for one in missed.tried] == list(ranked[:5])
    rewards = {
        one.trial.number: (one.trial.accuracy or 0) * 6 / one.measured_ms for one in missed.tried
    }
    assert missed.winner.trial.number == max(rewards, key=lambda number: rewards[number])
    document = missed.to_dict()
    assert document["error_of_target"] > 0.3
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert "measured 5 of the best for the target of 6ms: too slow: trial" in missed.notes[0]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"target_latency": "6"}, InputError, "target_latency: '6' is not a latency with its unit"),
        ({"target_latency": "6s"}, InfeasibleError, r"target of 6s latency is out of reach: the "
         r"space holds [\d.]+ms to [\d.]+ms"),
        ({"latency_command": None}, InputError, "was measured by a command: name it with --laten"),
        ({"latency_command": "adb {onnx}"}, InputError, "phone.csv was measured with device '.*', "
         "and this is 'adb {onnx}'"),
        ({"latency_command": "adb"}, InputError, "must say {onnx}"),
        ({"latency_batch": 4}, InputError, "was measured with batch '1', and this is '4'"),
        ({"latency_table": "none.csv"}, InputError, "no latency table none.csv: measure it with "
         "effsearch lut build --space .* --latency-command .* --output none.csv"),
        ({"latency_table": None}, InputError, "no latency table lut/small-command-b1.csv"),
        ({"latency_table": None, "target_latency": None}, InputError,
         "latency_command goes with target_latency or latency_table"),
        ({"latency_timeout": "3"}, InputError, "'3' is not a time with its unit"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_before_anything_starts(
    folder: Path, changes: dict[str, Any], error: type[EffsearchError], message: str
) -> None:
    with pytest.raises(error, match=message):
        make_plan(make_config(options(folder), changes))


def test_a_table_that_lacks_a_layer_names_it_and_a_device_that_is_missing_is_one(
    folder: Path, tmp_path: Path
) -> None:
    from effsearch.latency.building import measure_into
    from effsearch.latency.meter import make_meter

    space = load_space(str(folder / "small.yaml"))
    layers, _ = stage_layers(space.decode(space.sample(np.random.default_rng(0), 1)[0]).stages[0],
                             16, "silu", 32)  # fmt: skip
    path = tmp_path / "torch.csv"
    measure_into(path, layers, [], make_meter(), BuildOptions(passes=1, rounds=1, networks=0))
    assert read_table(path).setting.backend == "torch"
    changes = {"latency_table": str(path), "latency_command": None}
    with pytest.raises(InputError, match=r"torch\.csv lacks the layer .* effsearch lut build"):
        make_plan(make_config(options(folder), changes))
    with pytest.raises(MissingResourceError, match="cuda:99"):
        make_plan(make_config(options(folder), changes, {"latency_device": "cuda:99"}))


@pytest.mark.slow
@pytest.mark.parametrize("measure", ["winner", "each"])
def test_a_search_on_a_phone_is_killed_and_resumed_to_an_equal_ledger(
    folder: Path, tmp_path: Path, ray_address: str, measure: str
) -> None:
    import yaml

    config = options(folder) | {"latency_measure": measure}
    if measure == "each":
        (folder / "phone.py").write_text(MOODY.format(hangs=0))
    whole = search_baseline(make_config(config), run_dir=tmp_path / "whole", quiet=True)
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(config))
    process = effsearch(
        "baseline", "--config", str(file), "--ray-address", ray_address,
        "--run-dir", str(tmp_path / "killed"),
        cwd=tmp_path,
    )  # fmt: skip
    run = tmp_path / "killed" / "baseline" / "001"
    wait_until(lambda: count_told(run / "trials.jsonl") >= 5, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert count_told(run / "trials.jsonl") < 12

    resumed = resume_baseline(str(run), {"ray_address": None}, quiet=True)
    ledgers = [one / "trials.jsonl" for one in (run, whole.path)]
    assert digest(read_events(ledgers[0])) == digest(read_events(ledgers[1]))
    assert resumed.answer["id"] == whole.answer["id"]
    # This phone takes equally long for equal networks, so even the measurements are the same.
    assert resumed.answer["latency"] == whole.answer["latency"]
    assert resumed.latency_ms is not None
    assert resumed.latency_ms <= 6.0 * 1.01
    assert resumed.answer["latency"]["timing"]["backend"] == "command"


@pytest.mark.slow
def test_a_search_whose_measuring_program_is_gone_at_the_end_is_kept(
    folder: Path, tmp_path: Path, ray_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*arguments: object) -> None:
        raise MissingResourceError("latency command 'adb' cannot be started: No such file")

    with monkeypatch.context() as patched:
        patched.setattr(CommandMeter, "timing", gone)
        with pytest.raises(MissingResourceError, match="No such file; nothing finished is lost"):
            search_baseline(make_config(options(folder)), run_dir=tmp_path / "runs", quiet=True)
        before = (tmp_path / "runs" / "baseline" / "001" / "trials.jsonl").read_bytes()
        config = make_config(options(folder), {"latency_measure": "each"})
        with pytest.raises(MissingResourceError, match=r"No such file$"):
            search_baseline(config, run_dir=tmp_path / "none", quiet=True)
    assert not (tmp_path / "none" / "baseline" / "001").exists()
    resumed = resume_baseline(str(tmp_path / "runs" / "baseline" / "001"), {}, quiet=True)
    assert (resumed.path / "trials.jsonl").read_bytes() == before


@pytest.mark.slow
def test_a_phone_that_fails_at_the_end_leaves_a_search_that_only_measures_again(
    folder: Path, tmp_path: Path, ray_address: str
) -> None:
    config = make_config(options(folder))
    (folder / "phone.py").write_text("raise SystemExit('device offline')")
    with pytest.raises(EffsearchError, match="exit code 1: device offline; nothing finished is"):
        search_baseline(config, run_dir=tmp_path / "runs", quiet=True)
    run = tmp_path / "runs" / "baseline" / "001"
    assert json.loads((run / "run.json").read_text())["status"] == "interrupted"
    before = (run / "trials.jsonl").read_bytes()
    phone(folder)
    resumed = resume_baseline(str(run), {}, quiet=True)
    assert (run / "trials.jsonl").read_bytes() == before
    assert resumed.answer["latency"]["target_ms"] == 6
