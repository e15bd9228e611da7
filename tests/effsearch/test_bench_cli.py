"""`effsearch bench` as a user runs it."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

SPACE = """
name: tiny
resolution: 32
classes: 10
stages:
  - {op: mbconv, channels: 16, expand: [1, 3, 6], kernel: [3, 5], layers: [1, 2, 3]}
  - {op: mbconv, channels: [16, 24, 32], expand: [1, 3, 6], kernel: [3, 5]}
"""


@pytest.fixture
def space(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(SPACE)
    return path


def test_a_comparison_prints_one_document_and_leaves_its_files(
    cli, tmp_path: Path, space: Path
) -> None:
    options = ("--strategies", "random,bayesian", "--seeds", "2", "-n", "30", "--space", str(space))
    shown = cli("bench", *options, "--run-dir", str(tmp_path), "--json")
    assert shown.code == 0, shown.err
    document = json.loads(shown.out)
    marks = [(s["strategy"], s["evaluations"]) for s in document["standings"]]
    assert marks == [("random", 25), ("random", 30), ("bayesian", 25), ("bayesian", 30)]
    assert all(s["regret"] >= 0 for s in document["standings"])
    run = tmp_path / "bench" / "001"
    assert json.loads((run / "bench.json").read_text()) == document
    assert json.loads((run / "run.json").read_text())["status"] == "finished"
    with (run / "bench.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 4
    with (run / "traces.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 2 * 2 * 30
    assert (run / "bench.png").read_bytes().startswith(b"\x89PNG")


def test_a_resumed_comparison_repeats_no_search_that_ended(
    cli, tmp_path: Path, space: Path
) -> None:
    options = (
        "--strategies",
        "random,evolution",
        "--seeds",
        "2",
        "-n",
        "12",
        "--space",
        str(space),
    )
    options += ("--target-flops", "4M", "--objective", "soft")
    whole = cli("bench", *options, "--run-dir", str(tmp_path), "--json")
    assert whole.code == 0, whole.err
    run = tmp_path / "bench" / "001"
    searches = run / "searches.jsonl"
    lines = searches.read_bytes().splitlines(keepends=True)
    assert len(lines) == 4
    searches.write_bytes(b"".join(lines[:3]) + lines[3][:20])  # as a kill may leave it
    (run / "bench.json").unlink()
    shown = cli("bench", "--resume", "bench/001", "--run-dir", str(tmp_path), "--json")
    assert shown.code == 0, shown.err
    assert "3 searches have ended" in shown.err
    assert shown.err.count(" evaluations, ") == 1
    assert json.loads(shown.out) == json.loads(whole.out)
    assert len(searches.read_bytes().splitlines()) == 4
    files = {file: file.stat().st_mtime_ns for file in run.rglob("*")}
    again = cli("bench", "--resume", "bench/001", "--run-dir", str(tmp_path), "--json")
    assert "bench/001 is finished: nothing is left to do" in again.err
    assert (again.code, json.loads(again.out)) == (0, json.loads(whole.out))
    assert {file: file.stat().st_mtime_ns for file in run.rglob("*")} == files
    (run / "bench.json").unlink()
    space.write_text(SPACE.replace("24, 32", "24, 40"))
    changed = cli("bench", "--resume", "bench/001", "--run-dir", str(tmp_path))
    assert changed.code == 2
    assert "another space, table or function" in changed.err


def test_talk_goes_to_stderr_and_the_table_to_stdout(cli, tmp_path: Path, space: Path) -> None:
    options = ("--strategies", "random", "--seeds", "2", "-n", "5", "--space", str(space))
    shown = cli("bench", *options, "--run-dir", str(tmp_path))
    assert "2/2 random seed 1" in shown.err
    assert shown.out.startswith("strategy")
    assert "searches" not in shown.out


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--strategies", "bayes"), 2, "did you mean 'bayesian'"),
        (("--seeds", "1"), 2, "seeds must be a whole number of at least 2"),
        (("--evaluator", "proxy"), 2, "unknown evaluator of a bench"),
        (("--target-flops", "1K"), 3, "out of reach"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_run(
    cli, tmp_path: Path, options: tuple[str, ...], code: int, message: str
) -> None:
    shown = cli("bench", *options, "--run-dir", str(tmp_path))
    assert shown.code == code
    assert message in shown.err
    assert shown.err.count("\n") == 1
    assert not (tmp_path / "bench").exists()


def _cpu_seconds(session: int) -> float:
    """Processor time so far of all processes of a session, however loaded the machine is."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:13])) if int(fields[3]) == session else 0
    return ticks / os.sysconf("SC_CLK_TCK")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("workers", "number"), [(1, signal.SIGINT), (2, signal.SIGINT), (2, signal.SIGTERM)]
)
def test_a_signal_to_stop_ends_it_and_all_its_processes(
    tmp_path: Path, workers: int, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "effsearch.cli.app", "bench", "--strategies", "bayesian"]
    options = ["-n", "2000", "--run-dir", str(tmp_path), "--workers", str(workers)]
    process = subprocess.Popen(
        [*command, *options], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    record = tmp_path / "bench" / "001" / "run.json"
    while not record.exists() or _cpu_seconds(process.pid) < 4:  # in the searches, past imports
        assert process.poll() is None
        time.sleep(0.1)
    os.killpg(process.pid, number)  # as a terminal and a batch system do
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number, errors
    assert "Traceback" not in errors
    assert "effsearch bench --resume bench/001" in errors
    assert json.loads(record.read_text())["status"] == "interrupted"
    deadline = time.monotonic() + 20
    while _session(process.pid) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not _session(process.pid)


def _session(leader: int) -> list[str]:
    listed = ["ps", "-o", "pid=", "-s", str(leader)]
    return subprocess.run(listed, capture_output=True, text=True, check=False).stdout.split()
