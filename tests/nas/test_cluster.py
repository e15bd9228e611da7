"""One search over two Ray nodes, of which one is killed half-way."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from searches import (
    count_told,
    effsearch,
    ended_networks,
    evaluations,
    wait_until,
    write_evaluator,
    write_space,
)

from effsearch.nas.config import make_config
from effsearch.nas.search import Search
from effsearch.nas.setup import make_plan
from effsearch.results.store.events import Told, digest
from effsearch.results.store.ledger import Ledger, read_events
from effsearch.training.trials.outcome import Outcome

SAMPLES = 32

# The nodes wait for each other once, so that on a busy machine one of them does not do it all. Then
# a line for every evaluation that was finished, and a pause that leaves time to kill a node.
MEETING_EVALUATOR = """
import os
import time
from pathlib import Path

def evaluate(architecture, seed):
    node, here = os.environ.get("RAY_RAYLET_PID", "none"), Path({meeting!r})
    (here / node).touch()
    deadline = time.monotonic() + 90
    while len(list(here.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    with open({log!r}, "a") as file:
        print(architecture.id, node, file=file)
    return {{"accuracy": seed % 1000 / 1000, "by": "seed"}}
"""


@pytest.fixture
def two_nodes() -> Iterator[tuple[object, object]]:
    """A cluster of two nodes with one CPU each, both on this machine; and its second node."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
    )
    with contextlib.ExitStack() as stack:
        stack.callback(cluster.shutdown)
        yield cluster, cluster.add_node(num_cpus=1)


def nodes_of(log: Path) -> set[str]:
    """Process ids of the raylets on whose nodes evaluations ended; there is one a node."""
    lines = log.read_text().splitlines() if log.exists() else []
    return {line.split()[1] for line in lines}


@pytest.mark.slow
def test_a_search_over_two_nodes_outlives_one_of_them(two_nodes, tmp_path: Path) -> None:
    cluster, second = two_nodes
    meeting, log = tmp_path / "meeting", tmp_path / "finished.log"
    meeting.mkdir()
    source = MEETING_EVALUATOR.format(meeting=str(meeting), log=str(log))
    evaluator = write_evaluator(tmp_path, source)
    config = {
        "space": write_space(tmp_path),
        "no_target": True,
        "strategy": "evolution",
        "strategy_options": {"population": 8, "sample": 3},
        "evaluator": evaluator,
        "samples": SAMPLES,
        "batch_size": 4,
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    process = effsearch(
        "baseline", "--config", "config.yaml", "--ray-address", cluster.address, cwd=tmp_path
    )
    run = tmp_path / "runs" / "baseline" / "001"
    ledger = run / "trials.jsonl"
    wait_until(lambda: count_told(ledger) >= 6 and len(nodes_of(log)) == 2, process)
    before = ledger.read_bytes()
    cluster.remove_node(second, allow_graceful=False)
    known = ended_networks(read_events(ledger))
    assert len(known) < SAMPLES, "the node has to die half-way"
    at_death = log.read_text().count("\n")

    _, talk = process.communicate(timeout=180)
    assert process.returncode == 0, talk
    events = read_events(ledger)
    assert ledger.read_bytes().startswith(before[: before.rfind(b"\n") + 1])
    assert sum(isinstance(event, Told) for event in events) == SAMPLES
    assert (run / "baseline.json").exists()
    counts = evaluations(log)
    assert all(counts[network] == 1 for network in known), "evaluated again what was recorded"
    assert sum(counts.values()) <= SAMPLES + 2
    after = [line.split()[1] for line in log.read_text().splitlines()[at_death:]]
    (left,) = set(after[-SAMPLES // 4 :])
    # The dying node's processes notice within two seconds, in which they may still end a few.
    assert sum(node != left for node in after) <= 6, "only the first node is left"
    assert digest(events) == digest_of_the_same_search_without_ray(config, tmp_path)


def digest_of_the_same_search_without_ray(config: dict[str, object], folder: Path) -> str:
    plan = make_plan(make_config(config))
    plan.evaluator.prepare()
    path = folder / "reference.jsonl"
    with Ledger.open(path) as ledger:
        search = Search(
            plan.problem, plan.strategy, ledger,
            samples=plan.config.samples, batch_size=plan.batch_size, seed=plan.config.seed,
        )  # fmt: skip
        while not search.finished:
            for request in search.take(1):
                (measured,) = plan.evaluator.evaluate([request])
                search.record([Outcome(request.trial, measured, None, "", 0.0, "here:1")])
    return digest(read_events(path))
