"""What a Ray had started is ended with it, also where it does not die with its parent."""

import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
import ray

from effsearch.training.trials import own_ray

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("parent_dies_first", [False, True])
def test_an_agent_is_ended_whether_or_not_its_parent_lives(
    parent_dies_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    agent = int(parent.stdout.readline())
    killed = []

    def kill(**how: bool) -> None:
        killed.append(how)
        parent.kill()

    node = SimpleNamespace(live_processes=lambda: [("raylet", parent)], kill_all_processes=kill)
    monkeypatch.setattr(ray._private.worker, "_global_node", node)
    monkeypatch.setattr(own_ray.atexit, "unregister", lambda function: None)
    own_ray.note_processes()
    if parent_dies_first:
        parent.kill()
        parent.wait()
    own_ray.abandon()
    parent.wait()
    assert killed == [{"check_alive": False, "allow_graceful": False}]
    deadline = time.monotonic() + 20
    while _lives(agent):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _lives(pid: int) -> bool:
    try:
        return own_ray.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
