"""A search on a Ray that others started: it asks for a token, and has been told of a GPU."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from searches import effsearch

RAY = """
import ray
ray.init("local", num_cpus=2, num_gpus=1, include_dashboard=False, log_to_driver=False)
print(ray.get_runtime_context().gcs_address, flush=True)
input()
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Of a Ray of its own; the token is in this process's environment, the mode is not."""
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    ray = subprocess.Popen(
        [sys.executable, "-c", RAY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert ray.stdout is not None
    lines = iter(ray.stdout.readline, "")
    yield next(line.strip() for line in lines if line.rpartition(":")[2].strip().isdecimal())
    ray.communicate("\n", timeout=60)


def test_a_search_joins_with_the_user_s_token_and_finds_out_how_many_share_a_gpu(
    tmp_path: Path, address: str
) -> None:
    assert "RAY_AUTH_MODE" not in os.environ
    process = effsearch(
        "baseline", "--target-flops", "400M", "--samples", "2", "--finalists", "0", "--epochs", "1",
        "--max-images", "100", "--proxy-resolution", "8", "--device", "cpu",
        "--gpus-per-trial", "auto", "--ray-address", address,
        cwd=tmp_path,
    )  # fmt: skip
    out, err = process.communicate(timeout=240)

    assert process.returncode == 0, err
    assert "trying how many trainings share a GPU" in err
    assert " share a GPU: " in err or "one training at a time on a GPU" in err
    assert "InvalidAuthToken" not in err
    assert "accuracy" in out
