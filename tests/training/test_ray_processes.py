"""What a Ray had started is ended with it, also where it does not die with its parent."""

import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import ray

from effsearch.training.trials import own_ray

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
