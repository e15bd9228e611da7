"""`effsearch supernet train | evaluate | extract`, also after a kill."""

import json
import signal
import time
from pathlib import Path

import pytest
from searches import effsearch

from effsearch.training.models.model_file import read_model_info

SPACE = """
name: tiny
resolution: 8
classes: 10
stem: {channels: 8, stride: 1}
stages:
  - {op: mbconv, expand: [1, 2], kernel: [3, 5], channels: [8, 12], layers: [1, 2], stride: 2}
head: {channels: 16}
"""


def run(*arguments: str, cwd: Path, code: int = 0) -> tuple[str, str]:
    process = effsearch(*arguments, cwd=cwd)
    out, talk = process.communicate(timeout=240)
    assert process.returncode == code, talk
    return out, talk


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    (tmp_path / "tiny.yaml").write_text(SPACE)
    options = ("--space", "tiny.yaml", "--resolution", "8", "--max-images", "240")
    out, _ = run("supernet", "train", *options, "--epochs", "3", "-q", "--json", cwd=tmp_path)
    document = json.loads(out)
    assert document["supernet"] == "supernets/tiny.safetensors"
    assert document["side_by_side"]["stages.0"]
    return tmp_path / "supernets" / "tiny.safetensors"


@pytest.mark.slow
def test_networks_are_evaluated_and_extracted(trained: Path, tmp_path: Path) -> None:
    file = str(trained)
    out, _ = run("supernet", "evaluate", file, "--random", "3", "--json", cwd=tmp_path)
    rows = json.loads(out)["networks"]
    assert len(rows) == 3
    assert [row["accuracy"] for row in rows] == sorted(
        (row["accuracy"] for row in rows), reverse=True
    )
    best = rows[0]
    out, _ = run(
        "supernet",
        "extract",
        file,
        best["notation"],
        "--output",
        "one.safetensors",
        "--json",
        cwd=tmp_path,
    )
    assert json.loads(out)["accuracy"] == best["accuracy"]
    assert read_model_info(tmp_path / "one.safetensors").architecture.id == best["id"]
    train = ("train", "--from", "one.safetensors", "--epochs", "1", "--max-images", "240")
    out, _ = run(*train, "--resolution", "8", "--json", "-q", cwd=tmp_path)
    assert json.loads(out)["kind"] == "train"
    _, talk = run("supernet", "evaluate", file, code=2, cwd=tmp_path)
    assert "no network to evaluate" in talk
    _, talk = run("supernet", "evaluate", file, "efficientnet-b0", code=2, cwd=tmp_path)
    assert "does not hold this network" in talk


@pytest.mark.slow
def test_a_killed_training_goes_on(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(SPACE)
    command = (
        "supernet",
        "train",
        "--space",
        "tiny.yaml",
        "--resolution",
        "8",
        "--max-images",
        "240",
        "--epochs",
        "4000",
        "--output",
        "net.safetensors",
    )
    process = effsearch(*command, cwd=tmp_path)
    path = tmp_path / "net.safetensors"
    deadline = time.monotonic() + 200
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert path.exists()
    process = effsearch(*command, cwd=tmp_path)
    assert process.stderr is not None
    told = next(line for line in process.stderr if line.startswith("step"))
    process.send_signal(signal.SIGINT)
    _, talk = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on" in talk
    step = int(told.split()[1].replace(",", ""))
    assert step > 0
