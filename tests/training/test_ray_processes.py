"""What a Ray had started is ended with it, also where it does not die with its parent."""

import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import ray

from effsearch.training.trials import own_ray

# Its Ray has been shut down, but it has not ended: Ray leaves the log of the program open.
DRIVER = """
import sys, time
from types import SimpleNamespace
import ray
from effsearch.training.trials import own_ray
ray._private.worker._global_node = SimpleNamespace(get_session_dir_path=lambda: sys.argv[1])
with own_ray.marked_processes():
    own_ray.claim_session()
log = open(sys.argv[1] + "/driver.log", "w")
ray._private.worker._global_node = None
print(flush=True)
time.sleep(60)
"""
WRITER = "import sys, time; f = open(*sys.argv[1:]); print(flush=True); time.sleep(60)"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_what_writes_below_a_lost_session_is_ended_and_what_only_reads_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "session" / "logs" / "agent.log"
    log.parent.mkdir(parents=True)
    claims = tmp_path / "session" / ".effsearch-owner"
    agent, reader, sweeper, marked, other = (
        _opened(path, how, mark)
        for path, how, mark in (
            (log, "a", ""), (log, "r", ""), (claims, "w", ""), (tmp_path / "out", "w", "m" * 16),
            (tmp_path / "session2", "w", "o" * 16),
        )
    )  # fmt: skip
    killed = []
    node = SimpleNamespace(
        get_session_dir_path=lambda: str(tmp_path / "session"),
        kill_all_processes=lambda **how: killed.append(how),
    )
    monkeypatch.setattr(ray._private.worker, "_global_node", node)
    monkeypatch.setattr(own_ray.atexit, "unregister", lambda function: None)
    own_ray.abandon()  # not ours: nothing bears our mark
    time.sleep(0.2)
    assert [one.poll() for one in (agent, reader, sweeper, marked, other)] == [None] * 5
    monkeypatch.setenv("EFFSEARCH_RAY", "m" * 16)
    own_ray.abandon()
    assert killed == [{"check_alive": False, "allow_graceful": False}] * 2
    assert (agent.wait(20), marked.wait(20)) == (-9, -9)
    left = (reader, sweeper, other)
    assert [one.poll() for one in left] == [None] * 3
    for one in left:
        one.kill()
        one.wait()


def _opened(path: Path, how: str, mark: str) -> subprocess.Popen[bytes]:
    """A process that keeps a file open and bears a mark."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, path, how],
        stdout=subprocess.PIPE,
        env={"EFFSEARCH_RAY": mark},
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_program_that_shuts_its_ray_down_is_not_taken_for_what_a_dead_one_left(
    tmp_path: Path,
) -> None:
    session = tmp_path / "session_2026"
    session.mkdir()
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, session], stdout=subprocess.PIPE)
    assert driver.stdout is not None
    driver.stdout.readline()
    own_ray.sweep_sessions(tmp_path)  # as another program does that starts a Ray of its own
    assert driver.poll() is None
    assert session.exists()
    driver.kill()
    driver.wait()
    own_ray.sweep_sessions(tmp_path)
    assert not session.exists()


def test_a_program_that_starts_ray_again_removes_what_its_last_ray_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = tmp_path / "session_2026"
    session.mkdir()
    node = SimpleNamespace(get_session_dir_path=lambda: str(session))
    monkeypatch.setattr(ray._private.worker, "_global_node", node)
    own_ray.claim_session()
    own_ray.sweep_sessions(tmp_path)
    assert not session.exists()
