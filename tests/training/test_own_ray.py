"""The Ray of a search: on the loopback alone, with a token; lost or killed, it is one line."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import struct
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from searches import (
    count_told,
    effsearch,
    ended_networks,
    evaluations,
    logging_evaluator,
    wait_until,
    write_space,
)

from effsearch.nas.baseline import resume_baseline
from effsearch.results.store.ledger import read_events

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="looks into /proc"),
]
LISTENING = "0A"


def processes(session: int) -> dict[int, str]:
    """Processes of a terminal session by id, and their names."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            name, rest = (path / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
        except OSError:  # it has ended
            continue
        if int(rest.split()[3]) == session:
            found[int(path.name)] = name
    return found


def listening(pids: Iterable[int]) -> set[str]:
    """Addresses that processes listen on."""
    sockets = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                sockets.add(os.readlink(link))
            except OSError:
                continue
    hosts = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == LISTENING and f"socket:[{words[9]}]" in sockets:
                text = words[1].partition(":")[0]
                parts = [int(text[i : i + 8], 16) for i in range(0, len(text), 8)]
                hosts.add(socket.inet_ntop(family, struct.pack(f"={len(parts)}I", *parts)))
    return hosts


def assert_gone(session: int) -> None:
    """Nothing of a session is left within seconds."""
    deadline = time.monotonic() + 30
    while left := processes(session):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


@pytest.mark.parametrize("victim", ["gcs_server", "raylet"])
def test_a_search_whose_ray_is_killed_says_so_and_goes_on_later(
    victim: str, tmp_path: Path, ray_address: str
) -> None:
    evaluator, log = logging_evaluator(tmp_path, pause=0.2)
    process = effsearch(
        "baseline", "--space", write_space(tmp_path), "--evaluator", evaluator, "--samples", "60",
        "--workers", "1", "--no-target", "--json",
        cwd=tmp_path,
    )  # fmt: skip
    run = tmp_path / "runs" / "baseline" / "001"
    wait_until(lambda: count_told(run / "trials.jsonl") >= 3, process)
    ours = processes(process.pid)
    (killed,) = [pid for pid, name in ours.items() if name == victim]
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in ours]
    assert not [one for one in commands if b"monitor.py" in one]  # nothing reads what they say
    assert listening(ours) <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
    variables = Path(f"/proc/{killed}/environ").read_bytes().split(b"\0")
    assert b"RAY_AUTH_MODE=token" in variables
    assert any(re.fullmatch(b"RAY_AUTH_TOKEN=[0-9a-f]{64}", one) for one in variables)
    os.kill(killed, signal.SIGKILL)
    out, err = process.communicate(timeout=45)  # Ray itself would wait for 60 s
    assert (process.returncode, out) == (1, "")
    said = [line for line in err.splitlines() if line.startswith("effsearch: ")]
    lost = re.fullmatch(
        rf"effsearch: Ray was lost: its process {victim} was killed; nothing finished is lost. "
        "Resume with: (.*)",
        said[0],
    )
    assert len(said) == 1
    assert lost, err
    assert "Traceback" not in err
    record = json.loads((run / "run.json").read_text())
    assert record["status"] == "interrupted"
    known = ended_networks(read_events(run / "trials.jsonl"))
    assert_gone(process.pid)

    assert shlex.split(lost[1])[:2] == ["effsearch", "baseline"]
    resume_baseline(str(run), {"samples": len(known) + 2}, quiet=True)
    assert all(evaluations(log)[network] == 1 for network in known)


def test_what_a_killed_search_leaves_goes_when_it_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    place = Path(f"/tmp/effsearch-test-{os.getpid()}")  # short: Ray's sockets lie in it
    place.mkdir()
    request.addfinalizer(lambda: shutil.rmtree(place, ignore_errors=True))
    monkeypatch.setenv("TMPDIR", str(place))
    evaluator, _ = logging_evaluator(tmp_path, pause=0.2)
    process = effsearch(
        "baseline", "--space", write_space(tmp_path), "--evaluator", evaluator, "--samples", "60",
        "--workers", "1", "--no-target", "-q",
        cwd=tmp_path,
    )  # fmt: skip
    run = tmp_path / "runs" / "baseline" / "001"
    wait_until(lambda: count_told(run / "trials.jsonl") >= 2, process)
    process.kill()
    process.communicate()
    begun = run / f".baseline.json.{'0' * 12}.tmp"
    begun.write_text("{")
    left = [*place.glob("effsearch-tune-*"), *(place / "ray").glob("session_2*"), begun]
    assert len(left) == 3
    count = str(count_told(run / "trials.jsonl") + 1)
    resumed = effsearch("baseline", "--resume", "baseline/001", "-n", count, "-q", cwd=tmp_path)
    _, err = resumed.communicate(timeout=120)
    assert (resumed.returncode, err) == (0, "")
    assert not [path for path in left if path.exists()]
    assert_gone(process.pid)


def test_a_ray_that_does_not_come_up_is_one_line_and_leaves_no_running_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_gcs_server_request_timeout_seconds", "1")
    # What Ray starts, it starts with this interpreter's folder in the path; a wrong token in a
    # file that cannot be read ends each of its processes.
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "none"))
    evaluator, _ = logging_evaluator(tmp_path, pause=0.0)
    process = effsearch(
        "baseline", "--space", write_space(tmp_path), "--evaluator", evaluator, "-n", "2",
        "--no-target", "-q",
        cwd=tmp_path,
    )  # fmt: skip
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (4, "")
    assert err.startswith("effsearch: Ray did not start (")
    assert len(err.splitlines()) == 1
    assert not list((tmp_path / "runs" / "baseline").glob("*/run.json"))
