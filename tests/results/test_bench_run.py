"""What `effsearch results` says of a comparison of strategies, whole and under way."""

import json
from pathlib import Path

import other_kinds
import pytest
from typer.testing import CliRunner

from effsearch.cli import results
from effsearch.results.bench_files import SEARCHES, TRACES, final_standings, read_rewards
from effsearch.results.loading import load_run_data
from effsearch.results.report.summaries import summary
from effsearch.results.store.run import Run
from effsearch.results.store.run_data import RunData
from effsearch.search_spaces.errors import InputError

pytestmark = pytest.mark.slow  # together they take many seconds


@pytest.fixture
def bench(tmp_path: Path) -> RunData:
    return other_kinds.bench(tmp_path)


def call(data: RunData, *arguments: str) -> str:
    root = Path(data.path).parents[1]
    result = CliRunner().invoke(results.app, [*arguments, "--run-dir", str(root)])
    assert result.exit_code == 0, result.output
    return str(result.output)


def under_way(data: RunData, searches: int) -> RunData:
    """The run as it was when only so many of its searches had ended."""
    directory = Path(data.path)
    for name in ("bench.csv", "bench.json", "bench.png", TRACES):
        (directory / name).unlink()
    lines = (directory / SEARCHES).read_bytes().splitlines(keepends=True)
    (directory / SEARCHES).write_bytes(b"".join(lines[:searches]) + lines[searches][:20])
    record = json.loads((directory / "run.json").read_text())
    (directory / "run.json").write_text(json.dumps(record | {"status": "interrupted"}))
    return load_run_data(Run.load(directory))


def test_its_searches_are_counted_and_its_strategies_ranked(bench: RunData) -> None:
    first, last = final_standings(bench.rows)
    assert (first["evaluations"], first["seeds"]) == (30, 2)
    assert first["reward"] >= last["reward"]
    line, _, *standings = call(bench, "watch", "bench/001", "--once").splitlines()
    best = f"best {first['strategy']}, mean reward {first['reward']:.4f} after 30 evaluations"
    assert line == f"bench/001 finished; 4/4 searches ended; {best}"
    assert [row.split()[0] for row in standings] == [first["strategy"], last["strategy"]]
    assert call(bench, "watch", "bench/001") == f"{line}\n"
    assert "searches  4 of 4\n" in call(bench, "show", "bench/001")
    assert call(bench, "ls").splitlines()[1].split()[3:6] == ["finished", "4", "0"]


def test_while_it_is_under_way_only_its_searches_are_told(bench: RunData) -> None:
    data = under_way(bench, 3)
    assert call(data, "watch", "bench/001", "--once").splitlines() == [
        "bench/001 interrupted; 3/4 searches ended",
        "",
        "the strategies are compared when all searches have ended",
    ]
    words = summary(data)
    assert words.sentences[-1] == "The strategies are compared when all searches have ended."
    assert "effsearch bench --resume bench/001" in words.steps[0].command


def test_trials_are_not_what_it_has(bench: RunData) -> None:
    said = f"a bench run has no trials: `effsearch results export {bench.reference}"
    assert said in call(bench, "top", "bench/001")
    exported = call(bench, "export", "bench/001")
    assert exported == (Path(bench.path) / "bench.csv").read_text()
    assert call(bench, "plot", "bench/001").splitlines() == [f"{bench.path}/plots/strategies.png"]


def test_the_report_says_who_stands_best_and_how_sure_that_is(bench: RunData) -> None:
    found, budget, sure = summary(bench).sentences
    first = final_standings(bench.rows)[0]
    assert f"after 30 evaluations {first['strategy']} is best" in found
    assert f"{first['regret']:.4f} below the best that any search reached" in found
    assert budget.startswith("Budget: 2 strategies, 2 searches each, on mnasnet by the evaluator")
    assert f"is ± {first['half_width']:.4f}" in sure


@pytest.mark.parametrize("damaged", ["random,0,2,high\n", "random,0\n", "random,7,1,0.5\n"])
def test_damaged_traces_are_named(bench: RunData, damaged: str) -> None:
    path = Path(bench.path) / TRACES
    assert {name: len(runs) for name, runs in read_rewards(path.parent).items()} == {
        "random": 2,
        "evolution": 2,
    }
    path.write_text(path.read_text() + damaged)
    with pytest.raises(InputError, match=f"{TRACES}.*restore it from a copy"):
        read_rewards(path.parent)
