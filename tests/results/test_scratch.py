"""Folders for the time of a process: the next sweeps what a killed one left, and nothing else."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from effsearch.results.store.run import Run
from effsearch.results.store.scratch import claim, scratch_folder, sweep

HOLDS = """
import time
from effsearch.results.store.scratch import scratch_folder
with scratch_folder("tune") as folder:
    (folder / "large").write_text("x")
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def holder() -> tuple[subprocess.Popen[str], Path]:
    """A process that holds a scratch folder, and the folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLDS], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_it_goes_with_its_block(place: Path) -> None:
    with scratch_folder("tune") as folder:
        assert folder.parent == place
        assert folder.is_dir()
    assert list(place.iterdir()) == []


def test_what_a_killed_process_left_goes_when_the_next_begins(place: Path) -> None:
    dead, left = holder()
    alive, kept = holder()
    foreign = place / "effsearch-tune-mine"
    foreign.mkdir()  # nobody claimed it
    try:
        dead.send_signal(signal.SIGKILL)
        dead.wait()
        with scratch_folder("tune"):
            assert not left.exists()
            assert (kept / "large").exists()
            assert foreign.exists()
    finally:
        alive.kill()
        alive.wait()


def test_one_that_is_in_use_is_not_swept(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    owner = claim(folder)
    assert sweep([folder]) == []
    os.close(owner)
    assert sweep([folder]) == [folder]
    assert sweep([folder, tmp_path / "none"]) == []


def test_a_resumed_run_removes_what_was_begun_to_be_written(tmp_path: Path) -> None:
    with Run.create(tmp_path, "train", "one", command=["effsearch"], config={}) as run:
        checkpoints = run.path / "checkpoints"
        checkpoints.mkdir()
        begun = checkpoints / ".last.safetensors.0123456789ab.tmp"
        begun.write_bytes(b"x" * 1000)
        own = [checkpoints / "last.safetensors", checkpoints / ".notes.tmp", run.path / "a.tmp"]
        for path in own:
            path.write_text("x")
    Run.load(run.path)
    assert begun.exists()  # a reader leaves it: its writer may be alive
    with Run.resume(tmp_path, "train/one"):
        assert not begun.exists()
        assert all(path.exists() for path in own)
