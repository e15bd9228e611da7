"""A search that is killed and resumed is the search that was never killed, with real processes."""

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from searches import (
    QUICK_OPTIONS,
    count_told,
    effsearch,
    ended_networks,
    evaluations,
    logging_evaluator,
    wait_until,
    write_space,
)

from effsearch.nas.baseline import resume_baseline, search_baseline
from effsearch.nas.config import make_config
from effsearch.results.store.events import Told, digest
from effsearch.results.store.ledger import read_events

SAMPLES = 24
# That each replays to the same search is tested without Ray, cut off at any byte (`test_search`);
# `benchmarks.faults` kills them all. Here stand one of ours and one with weights of its own.
KILLED = ("bayesian", "ppo")


def options(folder: Path, strategy: str) -> tuple[dict[str, Any], Path]:
    """A search of the small space that takes a second or two, and its evaluator's log."""
    evaluator, log = logging_evaluator(folder, pause=0.05)
    found = {
        "space": write_space(folder),
        "target_flops": "60M",
        "cost_band": 0.5,
        "strategy": strategy,
        "strategy_options": QUICK_OPTIONS[strategy],
        "evaluator": evaluator,
        "samples": SAMPLES,
        "batch_size": 4,
    }
    return found, log


@pytest.mark.slow
@pytest.mark.parametrize("strategy", KILLED)
def test_killed_at_a_random_moment_and_resumed_it_is_the_same_search(
    strategy: str, tmp_path: Path, ray_address: str
) -> None:
    import yaml

    config, log = options(tmp_path, strategy)
    whole = search_baseline(
        make_config(config, {"workers": 1}), run_dir=tmp_path / "whole", quiet=True
    )
    log.unlink()

    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(config))
    process = effsearch(
        "baseline", "--config", str(file), "--workers", "2", "--ray-address", ray_address,
        "--run-dir", str(tmp_path / "killed"),
        cwd=tmp_path,
    )  # fmt: skip
    run = tmp_path / "killed" / "baseline" / "001"
    wanted = random.randrange(1, SAMPLES - 2)
    wait_until(lambda: count_told(run / "trials.jsonl") >= wanted, process)
    time.sleep(random.uniform(0, 0.1))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    before = (run / "trials.jsonl").read_bytes()
    known = ended_networks(read_events(run / "trials.jsonl"))
    assert wanted <= len(known) < SAMPLES
    assert not (run / "baseline.json").exists()

    resumed = resume_baseline(str(run), {"workers": 1, "ray_address": None}, quiet=True)
    after = (run / "trials.jsonl").read_bytes()
    complete = before[: before.rfind(b"\n") + 1]
    assert after.startswith(complete), "what was recorded before the kill was touched"
    events = read_events(run / "trials.jsonl")
    assert digest(events) == digest(read_events(whole.path / "trials.jsonl"))
    assert sum(isinstance(event, Told) for event in events) == SAMPLES
    assert {key: value for key, value in resumed.answer.items() if key != "run"} == {
        key: value for key, value in whole.answer.items() if key != "run"
    }
    counts = evaluations(log)
    assert all(counts[network] == 1 for network in known), "evaluated again what was recorded"
    # What was under way at the kill may have ended without being recorded.
    assert sum(counts.values()) <= SAMPLES + 2
