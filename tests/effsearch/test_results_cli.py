"""`effsearch results` and `effsearch report` on whole, running, empty and broken runs."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from effsearch.cli.commands import app
from effsearch.results.store.ledger import Asked, Failed, Ledger, Told, read_events
from effsearch.results.store.run import Run
from effsearch.results.store.trials import join_trials, top
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.errors import EffsearchError, InputError
from effsearch.search_spaces.notation import format_architecture, parse_architecture
from effsearch.search_spaces.zoo import load_zoo
from effsearch.training.runs.metrics import COLUMNS, write_rows

NETWORKS = ("mobilenet-v2", "mnasnet-a1", "efficientnet-b0", "efficientnet-b1")


def write_search(run: Run, networks: tuple[str, ...] = NETWORKS) -> None:
    """Each network measured once, the larger the better; one more fails, one more waits."""
    with Ledger.open(run.paths.ledger) as ledger:
        for number, name in enumerate((*networks, "resnet-50", "mobilenet-v1")):
            network = load_zoo(name)
            counted = cost(network)
            ledger.append(
                Asked(
                    trial=number,
                    batch=0,
                    seed=number,
                    arch_id=network.id,
                    architecture=format_architecture(network),
                    encoding=(number,),
                    costs={"macs": counted.macs, "params": counted.params},
                    time=1e9,
                )
            )
            if name == "resnet-50":
                ledger.append(
                    Failed(
                        trial=number,
                        reason="error",
                        error="E: no",
                        seconds=1.0,
                        worker="w",
                        time=1e9 + number,
                    )
                )
            elif name != "mobilenet-v1":
                accuracy = 0.5 + number / 10
                ledger.append(
                    Told(
                        trial=number,
                        measurements={"accuracy": accuracy, "curve": [0.1, accuracy]},
                        reward=accuracy,
                        seconds=1.0,
                        worker="w",
                        time=1e9 + number,
                    )
                )


def make(root: Path, **config: object) -> Run:
    return Run.create(
        root,
        "baseline",
        command=["effsearch", "baseline"],
        config={"seed": 0, "strategy": "random", **config},
        extra={"targets": {"macs": 400_000_000}},
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "runs"
    with make(root) as run:
        write_search(run)
        run.finish("finished")
    return root


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Path]:
    with make(tmp_path / "empty"):
        yield tmp_path / "empty"


def call(root: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(app, [*arguments, "--run-dir", str(root)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def document(root: Path, *arguments: str) -> dict[str, object]:
    read: dict[str, object] = json.loads(call(root, *arguments, "--json").stdout)
    return read


def rows(root: Path, *arguments: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(call(root, *arguments, "--csv").stdout)))


def test_pareto_lists_the_front_cheapest_first(root: Path) -> None:
    lines = call(root, "results", "pareto").stdout.splitlines()
    assert lines[0].split() == ["TRIAL", "ACCURACY", "MACS", "REWARD", "ID", "ARCHITECTURE"]
    assert [line.split()[:3] for line in lines[1:3]] == [
        ["0", "0.5000", "300.8M"],
        ["1", "0.6000", "311.6M"],
    ]
    front = document(root, "results", "pareto", "--cost", "params")["front"]
    assert [one["trial"] for one in front] == [0, 1, 2, 3]  # type: ignore[index,attr-defined]
    assert rows(root, "results", "pareto")[0]["macs"] == "300774272"


def test_trial_shows_a_network_whole(root: Path) -> None:
    text = call(root, "results", "trial", "baseline/001", "2").stdout
    assert "0.1 0.7" in text
    assert "stage 7, layer 1" in text
    whole = document(root, "results", "trial", "baseline/001", load_zoo("efficientnet-b0").id)
    assert whole["trial"] == 2
    layers = whole["layers"]
    assert sum(layer["macs"] for layer in layers) == 385_814_752  # type: ignore[attr-defined]
    assert len(rows(root, "results", "trial", "baseline/001", "2")) == 18
    failure = call(root, "results", "trial", "baseline/001", "4").stdout
    assert "E: no" in failure


def test_compare_puts_runs_at_equal_evaluations(root: Path) -> None:
    with make(root, strategy="tpe") as run:
        write_search(run, ("efficientnet-b1", "mobilenet-v2"))
        run.finish("finished")
    compared = document(root, "results", "compare", "baseline/001", "baseline/002")
    assert compared["budget"] == 3
    assert [one["reward"] for one in compared["runs"]] == [0.7, 0.6]  # type: ignore[index,attr-defined]
    assert [
        row["strategy"] for row in rows(root, "results", "compare", "baseline", "baseline")
    ] == [
        "tpe",
        "tpe",
    ]
    assert (
        "the first 3 evaluations"
        in call(root, "results", "compare", "baseline/001", "baseline/002").stderr
    )


def test_diff_is_against_b0_unless_told(root: Path) -> None:
    result = call(root, "results", "diff", "efficientnet-b1")
    assert "right: efficientnet-b0" in result.stderr
    ratio = next(line for line in result.stdout.splitlines() if line.startswith("macs"))
    assert ratio.split() == ["macs", "686.8M", "1.78x", "385.8M"]
    same = document(root, "results", "diff", "mnasnet-a1", "mnasnet-a1")
    assert all(part["same"] for part in same["parts"])  # type: ignore[attr-defined]
    assert rows(root, "results", "diff", "resnet-50")[0] == {
        "name": "resolution",
        "left": "224",
        "right": "224",
    }


def test_plot_writes_the_kinds_asked_for(root: Path, tmp_path: Path) -> None:
    files = document(
        root, "results", "plot", "--kind", "front", "--kind", "time", "--format", "svg"
    )["files"]
    assert [Path(name).name for name in files] == ["front.svg", "time.svg"]  # type: ignore[attr-defined]
    assert all(Path(name).parent == root / "baseline/001/plots" for name in files)  # type: ignore[attr-defined]
    folder = tmp_path / "a" / "b"
    printed = call(root, "results", "plot", "--kind", "network", "-o", str(folder)).stdout
    assert printed == f"{folder / 'network.png'}\n"
    html = call(root, "results", "plot", "--format", "html", "-o", str(folder)).stdout
    assert Path(html.strip()).read_text().startswith("<!DOCTYPE html>")


def test_plot_draws_what_runs_of_the_kind_have(root: Path, tmp_path: Path) -> None:
    scaled = ("scale", "--baseline", "mobilenet-v2", "--coefficients", "1.2,1.1,1.15", "--phi", "1")
    call(root, *scaled, "-q")
    result = call(root, "results", "plot", "family", "-o", str(tmp_path / "pictures"))
    assert [Path(name).name for name in result.stdout.split()] == ["family.png", "published.png"]
    other = call(root, "results", "plot", "family", "--kind", "training", "-o", str(tmp_path))
    assert "a family run has no picture 'training', only family, published" in other.stderr


def test_export_of_a_family_and_a_training_writes_their_rows(root: Path) -> None:
    scaled = ("scale", "--baseline", "mobilenet-v2", "--coefficients", "1.2,1.1,1.15", "--phi", "1")
    call(root, *scaled, "-q")
    [member] = csv.DictReader(io.StringIO(call(root, "results", "export", "family/001").stdout))
    assert (member["member"], member["macs"].isdecimal()) == ("phi1", True)
    exported = document(root, "results", "export", "family/001")
    assert exported["rows"][0]["member"] == "phi1"  # type: ignore[index]
    with Run.create(root, "train", command=["effsearch", "train"], config={}) as run:
        write_rows(run.path / "metrics.csv", [dict.fromkeys(COLUMNS, 1) | {"top1": 0.75}])
        run.finish("finished")
    [epoch] = csv.DictReader(io.StringIO(call(root, "results", "export", "train").stdout))
    assert epoch["top1"] == "0.75"
    [listed] = [row for row in rows(root, "results", "ls") if row["kind"] == "train"]
    assert (listed["done"], listed["best_accuracy"]) == ("1", "0.75")
    shown = call(root, "results", "show", "train/001").stdout
    assert "1 of 1" in shown
    assert "top-1 0.7500 on the validation part" in shown
    assert "a train run has no trials" in call(root, "results", "top", "train/001").stderr
    line = call(root, "results", "watch", "train/001").stdout
    assert line.startswith("train/001 finished; 1/1 epochs; training loss 1.0000; ")
    assert "top-1 on the validation" in call(root, "results", "watch", "train", "--once").stdout


def test_tensorboard_files_are_written_live_or_at_once(root: Path, tmp_path: Path) -> None:
    result = call(root, "results", "export", "--format", "tensorboard", "-o", str(tmp_path / "tb"))
    assert result.stdout == f"{tmp_path / 'tb'}\n"
    assert "wrote 5 trials: tensorboard --logdir" in result.stderr
    call(root, "results", "watch", "baseline/001", "--once", "--logger", "tensorboard")
    assert list((root / "baseline/001/tensorboard").glob("events.out.tfevents.*"))


def test_report_is_one_file_beside_the_run_or_where_told(root: Path, tmp_path: Path) -> None:
    printed = call(root, "report", "baseline/001").stdout
    assert printed == f"{root / 'baseline/001/report.html'}\n"
    two = tmp_path / "two.html"
    made = document(root, "report", "baseline/001", "baseline/001", "--output", str(two))
    assert made == {
        "report": str(two),
        "bytes": two.stat().st_size,
        "runs": ["baseline/001", "baseline/001"],
    }
    assert call(root, "results", "report", "-q").stderr == ""


def test_watch_tells_how_a_run_stands_and_ends_with_it(root: Path) -> None:
    line = call(root, "results", "watch").stdout
    assert line.startswith("baseline/001 finished; 5 ended, 1 failed; ")
    assert "best 0.8000 (trial 3" in line
    picture = call(root, "results", "watch", "--once").stdout
    assert picture.count("o") > 3
    assert "MACs 686.8M" in picture
    look = document(root, "results", "watch")
    assert look["failures"] == {"error": 1}


def test_watch_follows_a_running_search(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    with make(root) as run:
        command = [sys.executable, "-m", "effsearch.cli.app", "results", "watch", "baseline/001"]
        watching = subprocess.Popen(
            [*command, "--run-dir", str(root), "--interval", "0.1", "--logger", "tensorboard"],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert watching.stdout is not None
        assert "running; 0 ended" in watching.stdout.readline()
        write_search(run)
        run.finish("finished")
    said = watching.communicate(timeout=30)[0].splitlines()
    assert watching.returncode == 0
    assert "finished; 5 ended, 1 failed" in said[-1]
    [events] = (root / "baseline/001/tensorboard").glob("events.out.tfevents.*")
    assert b"search/best_reward" in events.read_bytes()


@pytest.mark.parametrize(
    "arguments",
    [("pareto",), ("watch",), ("compare", "baseline/001"), ("top",), ("show",), ("ls",)],
)
def test_an_empty_running_run_is_no_error(empty: Path, arguments: tuple[str, ...]) -> None:
    if arguments == ("watch",):
        arguments = ("watch", "--once")
    call(empty, "results", *arguments)
    assert isinstance(document(empty, "results", *arguments), dict)


def test_plots_and_report_of_an_empty_run_say_so(empty: Path) -> None:
    result = call(empty, "results", "plot", "baseline/001", "--kind", "progress")
    assert result.stderr == "progress: no finished trials yet\n"
    path = Path(call(empty, "report").stdout.strip())
    assert "no finished trials yet" in path.read_text()


def test_a_torn_ledger_is_reported_and_left_alone(root: Path) -> None:
    ledger = root / "baseline/001/trials.jsonl"
    with ledger.open("a") as stream:
        stream.write('{"event": "to')
    before = ledger.read_bytes()
    call(root, "report", "baseline/001")
    call(root, "results", "pareto", "baseline/001")
    assert ledger.read_bytes() == before


COMMANDS = [
    ("results", "show", "baseline/001"),
    ("results", "top", "baseline/001"),
    ("results", "export", "baseline/001"),
    ("report", "baseline/001"),
    ("results", "pareto", "baseline/001"),
    ("results", "trial", "baseline/001", "0"),
    ("results", "compare", "baseline/001"),
    ("results", "plot", "baseline/001"),
    ("results", "watch", "baseline/001"),
]


@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_newer_schema_names_who_reads_it(root: Path, arguments: tuple[str, ...]) -> None:
    record = root / "baseline/001/run.json"
    record.write_text(record.read_text().replace('"schema_version": 1', '"schema_version": 9'))
    with pytest.raises(InputError, match=r"written by effsearch .* upgrade effsearch"):
        call(root, *arguments)


@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_path_that_is_no_run_is_refused(
    root: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    wrong = [str(tmp_path) if word == "baseline/001" else word for word in arguments]
    with pytest.raises(InputError, match=r"is not a run directory \(no run\.json\)"):
        call(root, *wrong)


@pytest.mark.parametrize("arguments", COMMANDS[:-1])
def test_a_corrupt_ledger_is_named_with_its_line(root: Path, arguments: tuple[str, ...]) -> None:
    (root / "baseline/001/trials.jsonl").write_text("x\ny\n")
    with pytest.raises(InputError, match=r"trials\.jsonl, line 1"):
        call(root, *arguments)


def test_a_folder_that_cannot_be_written_is_one_line(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EffsearchError, match="name a writable folder with --output"):
        call(root, "results", "plot", "--kind", "time", "-o", str(tmp_path / "file"))
    with pytest.raises(EffsearchError, match="cannot write"):
        call(root, "report", "-o", str(tmp_path / "file" / "report.html"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("trial", "family/001", "0"),
        ("compare", "baseline/001", "family/001"),
        ("export", "family/001", "--format", "tensorboard"),
    ],
)
def test_of_a_run_without_trials_none_are_looked_for(
    root: Path, arguments: tuple[str, ...]
) -> None:
    Run.create(root, "family", command=["effsearch", "scale"], config={}).close()
    with pytest.raises(InputError, match=r"a family run has no trials: .* family/001 --run-dir"):
        call(root, "results", *arguments)


def test_the_budget_of_a_family_is_listed_as_the_cost_it_is(root: Path) -> None:
    config = {"target_flops": 2e9, "target_memory": None}
    Run.create(root, "family", command=["effsearch", "scale"], config=config).close()
    listed = document(root, "results", "ls")["runs"]
    assert [run["targets"] for run in listed if run["kind"] == "family"] == [{"macs": 2e9}]  # type: ignore[index, union-attr]


@pytest.mark.parametrize("command", ["ls", "top", "pareto"])
def test_json_and_csv_contradict(root: Path, command: str) -> None:
    with pytest.raises(InputError, match="--json and --csv contradict"):
        call(root, "results", command, "--json", "--csv")


def test_the_architecture_column_alone_rebuilds_the_winner(root: Path) -> None:
    exported = rows(root, "results", "top", "-n", "1")
    winner = top(join_trials(read_events(root / "baseline/001/trials.jsonl")), 1)[0]
    network = parse_architecture(exported[0]["architecture"])
    assert network.id == winner.arch_id
    assert cost(network).macs == winner.costs["macs"] == int(exported[0]["macs"])


def test_looking_imports_nothing_slow() -> None:
    code = (
        "import sys, effsearch.cli.commands, effsearch.results.watch\n"
        "import effsearch.results.pareto, effsearch.results.store.run_data\n"
        "slow = ('torch', 'ray', 'matplotlib', 'pandas', 'sklearn', 'scipy')\n"
        "print([name for name in slow if name in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert ended.stdout == "[]\n", ended.stderr
