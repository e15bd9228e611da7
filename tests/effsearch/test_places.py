"""Odd machines: each oddity works, or is one line with its cure; `doctor` knows them all."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from searches import SMALL_SPACE, write_evaluator

from effsearch.cli import places
from effsearch.cli.places import Finding, look_at_places

ODD = "Köln – zwei Worte"
NOBODY = ["unshare", "--user"] if shutil.which("unshare") else []
"""Runs a command as a user without rights, to whom the files still belong."""


def no_namespaces() -> bool:
    """Whether this machine lets nobody be nobody."""
    return not NOBODY or subprocess.run([*NOBODY, "true"], capture_output=True).returncode != 0


def found(environment: dict[str, str]) -> dict[str, Finding]:
    return {one.what: one for one in look_at_places(environment)}


def test_a_sound_machine_has_no_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert not [one for one in found({"HOME": str(tmp_path)}).values() if one.state == "problem"]


@pytest.mark.parametrize(
    ("variables", "what", "said"),
    [
        ({"TMPDIR": "/no/such/folder"}, "temporary files", "is not there"),
        ({"HOME": "/proc"}, "home", "set HOME"),
        ({}, "home", "set HOME"),
        ({"CUDA_VISIBLE_DEVICES": ""}, "CUDA_VISIBLE_DEVICES", "unset it"),
        ({"RAY_ADDRESS": "h:6379"}, "RAY_ADDRESS", "--ray-address h:6379"),
        ({"RAY_AUTH_MODE": "disabled"}, "RAY_AUTH_MODE", "unset it"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_odd_is_noted_with_its_cure(
    variables: dict[str, str], what: str, said: str
) -> None:
    finding = found(variables)[what]
    assert finding.state == "note"
    assert said in finding.said


def test_a_working_folder_that_cannot_be_written_is_a_problem(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir("/proc")
    finding = found({})["working folder"]
    assert finding.state == "problem"
    assert "--run-dir" in finding.said


def test_a_working_folder_that_was_removed_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "gone"
    here.mkdir()
    monkeypatch.chdir(here)
    here.rmdir()
    assert found({})["working folder"].state == "problem"


def test_little_shared_memory_and_a_full_disk_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "SHARED_MEMORY", 1 << 62)
    monkeypatch.setattr(places, "FREE", 1 << 62)
    seen = found({})
    assert seen["shared memory"].state == "note"
    assert "--shm-size" in seen["shared memory"].said
    assert seen["working folder"].state == "note"
    assert "make room" in seen["working folder"].said


def program(
    *arguments: str, cwd: Path, variables: dict[str, str], start: list[str] | None = None
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*(start or []), sys.executable, "-m", "effsearch.cli.app", *arguments],
        cwd=cwd,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=180,
        check=False,
    )


ASCII = {"LC_ALL": "POSIX", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
LATIN = ASCII | {"PYTHONIOENCODING": "latin-1"}


@pytest.mark.slow
@pytest.mark.skipif(no_namespaces(), reason="needs user namespaces")
def test_a_search_on_a_machine_where_everything_is_odd(tmp_path: Path) -> None:
    folder, home = tmp_path / ODD, tmp_path / "home"
    folder.mkdir()
    home.mkdir(mode=0o500)
    (folder / "räum.yaml").write_text(f"# ü\n{SMALL_SPACE}", encoding="utf-8")
    write_evaluator(
        folder,
        "# ß\ndef evaluate(architecture):\n    return int(architecture.id, 16) % 1000 / 1000\n",
    )
    odd = ASCII | {
        "HOME": str(home),
        "TMPDIR": str(tmp_path / "gone"),
        "CUDA_VISIBLE_DEVICES": "",
        "RAY_ADDRESS": "127.0.0.1:1",
    }
    here = {"cwd": folder, "variables": odd, "start": NOBODY}
    searched = program(
        "baseline", "--space", "räum.yaml", "--evaluator", "measure.py:evaluate", "-n", "3",
        "--workers", "1", "--no-target", "--json", "-q",
        **here,  # type: ignore[arg-type]
    )  # fmt: skip
    assert (searched.returncode, searched.stderr) == (0, "")
    assert json.loads(searched.stdout)["samples"] == 3
    for arguments in (
        ("results", "ls"),
        ("results", "show", "baseline/001"),
        ("report", "baseline/001", "-q"),
        ("scale", "--baseline", "baseline/001", "--coefficients", "1.2,1.1,1.15", "--phi", "0,1"),
    ):
        done = program(*arguments, **here)  # type: ignore[arg-type]
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("variables", [ASCII, LATIN], ids=["ascii", "latin-1"])
def test_names_and_files_in_utf8_work_in_any_locale(
    variables: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "räum.yaml").write_text(f"# ü\n{SMALL_SPACE}", encoding="utf-8")
    for arguments in (
        ("profile", "efficientnet-b0", "--json"),  # reads zoo.yaml
        ("spaces", "show", "mnasnet"),
        ("spaces", "show", "räum.yaml"),
        ("scale", "--baseline", "mobilenet-v2", "--coefficients", "1.2,1.1,1.15", "--phi", "1"),
    ):
        done = program(*arguments, cwd=tmp_path, variables=variables)
        assert done.returncode == 0, done.stderr
    refused = program("spaces", "show", "fehlt-ü.yaml", cwd=tmp_path, variables=variables)
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.skipif(no_namespaces(), reason="needs user namespaces")
def test_a_read_only_working_folder_is_one_line_unless_the_runs_lie_elsewhere(
    tmp_path: Path,
) -> None:
    here = tmp_path / "locked"
    here.mkdir(mode=0o500)
    family = ("scale", "--baseline", "mobilenet-v2", "--coefficients", "1.2,1.1,1.15", "-q")
    refused = program(*family, cwd=here, variables={}, start=NOBODY)
    assert refused.returncode == 1
    assert refused.stderr.startswith("effsearch: cannot write ")
    assert len(refused.stderr.splitlines()) == 1
    runs = str(tmp_path / "runs")
    done = program(*family, "--run-dir", runs, cwd=here, variables={}, start=NOBODY)
    assert (done.returncode, done.stderr) == (0, "")
