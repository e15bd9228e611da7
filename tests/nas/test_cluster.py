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
    logging_evaluator,
    wait_until,
    write_space,
)

from nas.config import make_config
from nas.plan import make_plan
from nas.search import Search
from results.events import Told, digest
from results.ledger import Ledger, read_events
from training.trials.outcome import Outcome

SAMPLES = 32


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
    evaluator, log = logging_evaluator(tmp_path, pause=0.1)
    config = {
        "space": write_space(tmp_path),
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
    last = {line.split()[1] for line in log.read_text().splitlines()[at_death + 1 :]}
    assert len(last) == 1, "only the first node is left"
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
