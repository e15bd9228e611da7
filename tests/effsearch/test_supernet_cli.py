"""`effsearch supernet train | evaluate | extract`, also after a kill."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from effsearch.training.models.model_file import read_model_info
from effsearch.training.supernet.storing import read_supernet
from tests.effsearch.conftest import Cli

SPACE = """
name: tiny
resolution: 8
classes: 10
stem: {channels: 8, stride: 1}
stages:
  - {op: mbconv, expand: [1, 2], kernel: [3, 5], channels: [8, 12], layers: [1, 2], stride: 2}
head: {channels: 16}
"""
TRAIN = ("supernet", "train", "--space", "tiny.yaml", "--resolution", "8", "--max-images", "240")


def test_networks_are_trained_evaluated_and_extracted(cli: Cli) -> None:
    Path("tiny.yaml").write_text(SPACE)
    trained = cli(*TRAIN, "--epochs", "3", "--json")
    assert "stands side by side in stages.0" in trained.err
    file = json.loads(trained.out)["supernet"]
    assert file == "supernets/tiny.safetensors"
    rows = json.loads(cli("supernet", "evaluate", file, "--random", "3", "--json").out)["networks"]
    accuracies = [row["accuracy"] for row in rows]
    assert accuracies == sorted(accuracies, reverse=True)
    best = rows[0]
    shown = cli("supernet", "extract", file, best["notation"], "--output", "one.safetensors")
    assert f"accuracy {best['accuracy']:.4f} on" in shown.out
    assert read_model_info("one.safetensors").architecture.id == best["id"]
    alone = cli("evaluate", "one.safetensors", "--part", "validation", "--json", "-q")
    assert json.loads(alone.out)["top1"] == pytest.approx(best["accuracy"])
    started = cli(
        *("train", "--from", "one.safetensors", "--epochs", "1", "--max-images", "64"),
        *("--resolution", "8", "--json", "-q"),
    )
    assert json.loads(started.out)["kind"] == "train"


def test_bad_requests_are_one_line(cli: Cli) -> None:
    Path("tiny.yaml").write_text(SPACE)
    assert cli(*TRAIN, "--epochs", "1", "-q").code == 0
    file = "supernets/tiny.safetensors"
    for arguments, said in (
        (("evaluate", file), "no network to evaluate"),
        (("evaluate", file, "efficientnet-b0"), "does not hold this network"),
        (("extract", "none.safetensors", "efficientnet-b0"), "does not exist"),
        (("train", "--space", "tiny.yaml", "--recipe", "fare"), "did you mean 'fair'"),
        (
            ("train", "--space", "tiny.yaml", "--output", file, "--max-images", "240"),
            "other images",
        ),
    ):
        refused = cli("supernet", *arguments, *(("-q",) if arguments[0] == "train" else ()))
        assert refused.code == 2
        assert said in refused.error


@pytest.mark.slow
def test_a_killed_training_goes_on(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(SPACE)
    command = (sys.executable, "-m", "effsearch.cli.app", *TRAIN, "--epochs", "4000")
    path = tmp_path / "supernets" / "tiny.safetensors"
    first = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 200
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    kept = read_supernet(path)[1].progress["steps"]
    second = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert second.stderr is not None
    told = next(line for line in second.stderr if line.startswith("step"))
    second.send_signal(signal.SIGINT)
    _, talk = second.communicate(timeout=60)
    assert second.returncode == 130
    assert "the same command continues" in talk
    assert int(told.split()[1].replace(",", "")) > kept > 0
