"""`effsearch results`: data on stdout, talk on stderr, for whole, broken and empty runs."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from making import asked, failed, finished_run, make_run, small_search, write_ledger
from typer.testing import CliRunner, Result

from effsearch.cli import results
from effsearch.results.store.ledger import digest
from effsearch.results.store.table import trials_frame
from effsearch.results.store.trials import join_trials
from effsearch.search_spaces.errors import InputError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def call(root: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(results.app, [*arguments, "--run-dir", str(root)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def test_ls_shows_a_line_a_run_that_is_never_cut(root: Path) -> None:
    name = "a-name-of-many-letters" * 5
    finished_run(root, name=name)
    make_run(root, "coefficients").close()
    lines = call(root, "ls").stdout.splitlines()
    assert lines[0].split()[0] == "RUN"
    assert lines[1].startswith(f"baseline/{name} ")
    assert lines[1].split()[3:] == ["finished", "4", "1", "6", "0.4300", "0.5300", "macs", "400.0M"]
    assert lines[2].split()[3:] == ["interrupted", "0", "0", "0", "-", "-", "macs", "400.0M"]
    assert "\x1b" not in lines[1]


def test_ls_as_json_holds_whole_counts(root: Path) -> None:
    finished_run(root)
    [run] = json.loads(call(root, "ls", "--json").stdout)["runs"]
    assert run["reference"] == "baseline/001"
    assert (run["asked"], run["done"], run["failed"]) == (6, 4, 1)
    assert (run["best_reward"], run["best_accuracy"]) == (0.43, 0.53)
    assert run["targets"] == {"macs": 400_000_000}


def test_ls_of_nothing_is_no_error(root: Path) -> None:
    result = call(root, "ls")
    assert (result.stdout, result.stderr) == ("", f"no runs in {root} yet\n")
    assert json.loads(call(root, "ls", "--json").stdout) == {"runs": []}


def test_ls_names_what_it_cannot_read_and_lists_the_rest(root: Path) -> None:
    broken, corrupt, _ = finished_run(root), finished_run(root), finished_run(root)
    (broken.path / "run.json").write_text("{")
    corrupt.paths.ledger.write_text("x\ny\n")
    result = call(root, "ls")
    assert len(result.stdout.splitlines()) == 2
    assert "001/run.json is not valid JSON" in result.stderr
    assert "002/trials.jsonl, line 1" in result.stderr


def test_show_says_what_was_asked_found_and_lost(root: Path) -> None:
    run = finished_run(root)
    run.paths.answer.write_text(json.dumps({"macs": 385_814_752, "stages": list(range(99))}))
    result = call(root, "show")
    assert result.stderr == f"run baseline/001 (finished) in {run.path}\n"
    said = {line.split()[0]: line for line in result.stdout.splitlines() if line}
    assert "effsearch baseline --target-flops 400M" in said["command"]
    assert said["trials"].endswith("6 asked, 4 done, 1 failed, 1 waiting")
    assert said["best"].endswith("trial 3, reward 0.4300, accuracy 0.5300")
    assert said["digest"].endswith(digest(small_search()))
    assert said["1"].endswith("error   RuntimeError: no [bold]luck[/bold]")
    assert said["macs"].endswith("385.8M")
    assert said["stages"].endswith("(99 entries, see --json)")


def test_show_as_json_is_one_document(root: Path) -> None:
    run = finished_run(root)
    run.paths.answer.write_text('{"macs": 385814752}')
    document = json.loads(call(root, "show", "baseline/001", "--json").stdout)
    assert document["status"] == "finished"
    assert document["trials"] == {"asked": 6, "done": 4, "failed": 1, "waiting": 1}
    assert document["failures"][0]["count"] == 1
    assert document["best"]["trial"] == 3
    assert document["answer"] == {"macs": 385814752}
    assert document["record"]["seed"] == 3


def test_control_characters_of_an_error_do_not_reach_the_terminal(root: Path) -> None:
    with make_run(root) as run:
        write_ledger(run.paths.ledger, [asked(0), failed(0, error="a\x1b[2Jb\nc\udce9\x07d")])
    shown = call(root, "show").stdout
    assert "a [2Jb c  d" in shown


def test_top_ranks_and_json_counts_whole(root: Path) -> None:
    finished_run(root)
    lines = call(root, "top", "baseline", "-n", "2").stdout.splitlines()
    assert lines[0].split()[:6] == [
        "TRIAL",
        "REWARD",
        "ACCURACY",
        "MACS",
        "PARAMS",
        "MEMORY_BYTES",
    ]
    assert [line.split()[0] for line in lines[1:]] == ["3", "2"]
    assert lines[1].split()[3:6] == ["385.0M", "5.3M", "12.3MB"]
    trials = json.loads(call(root, "top", "-n", "2", "--json").stdout)["trials"]
    assert [trial["costs"]["macs"] for trial in trials] == [385_000_003, 385_000_002]
    assert trials[0]["measurements"]["curve"] == [0.25, 0.5]


@pytest.mark.parametrize("command", ["show", "top", "export"])
def test_an_empty_run_is_no_error(root: Path, command: str) -> None:
    with make_run(root):
        result = call(root, command)
        assert "no finished trials yet" in result.output
        assert "(running)" in result.stderr
        json.loads(call(root, command, "--json").stdout)
    assert "(interrupted)" in call(root, command).stderr


def test_a_run_of_a_torn_ledger_is_shown_and_left_alone(root: Path) -> None:
    run = finished_run(root)
    with run.paths.ledger.open("a") as stream:
        stream.write('{"event": "to')
    before = run.paths.ledger.read_bytes()
    assert json.loads(call(root, "show", "--json").stdout)["trials"]["asked"] == 6
    assert run.paths.ledger.read_bytes() == before


def test_csv_goes_to_stdout_and_to_a_file_alike(root: Path, tmp_path: Path) -> None:
    finished_run(root)
    printed = call(root, "export").stdout
    result = call(root, "export", "baseline/001", "--output", str(tmp_path / "t.csv"))
    assert result.stdout == ""
    assert result.stderr == f"wrote 6 trials to {tmp_path / 't.csv'}\n"
    assert (tmp_path / "t.csv").read_text() == printed
    assert len(pd.read_csv(io.StringIO(printed))) == 6


def test_parquet_holds_the_frame(root: Path, tmp_path: Path) -> None:
    finished_run(root)
    frame = trials_frame(join_trials(small_search()))
    call(root, "export", "--format", "parquet", "--output", str(tmp_path / "t.parquet"))
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet"), frame)
    piped = call(root, "export", "--format", "parquet").stdout_bytes
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(piped)), frame)


def test_json_export_holds_everything(root: Path) -> None:
    finished_run(root)
    document = json.loads(call(root, "export", "--json").stdout)
    assert [trial["trial"] for trial in document["trials"]] == list(range(6))
    assert document["trials"][0]["encoding"] == [0, 0, 7]
    assert document == json.loads(call(root, "export", "--format", "json").stdout)


def test_json_and_another_format_contradict(root: Path) -> None:
    finished_run(root)
    with pytest.raises(InputError, match="--json and --format csv contradict"):
        call(root, "export", "--format", "csv", "--json")


def test_quiet_says_nothing_on_stderr(root: Path) -> None:
    finished_run(root)
    for command in ("ls", "show", "top", "export"):
        assert call(root, command, "-q").stderr == ""


def test_no_run_at_all_is_refused(root: Path) -> None:
    with pytest.raises(InputError, match=f"there is no run in {root}"):
        call(root, "show")


def test_no_table_in_a_pipe_is_folded_whatever_the_width(root: Path) -> None:
    finished_run(root)
    code = "from effsearch.cli.results import app; app()"
    ended = subprocess.run(
        [sys.executable, "-c", code, "top", "--run-dir", str(root)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"COLUMNS": "40", "LC_ALL": "C", "PYTHONUTF8": "0"},
    )
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) == 5
    assert ended.stdout.splitlines()[1].endswith("| head 1280")


def test_nothing_slow_is_imported_until_it_is_needed() -> None:
    code = (
        "import sys, effsearch.cli.results\n"
        "slow = ('torch', 'ray', 'optuna', 'pandas', 'numpy', 'pyarrow')\n"
        "print([name for name in slow if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ended.stdout == "[]\n", ended.stderr
