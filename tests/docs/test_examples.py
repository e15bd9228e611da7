"""The examples do what they say, at small size."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from written import ROOT

EXAMPLES = ROOT / "examples"


def _names(file: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile((EXAMPLES / file).read_text(), file, "exec"), names)
    return names


def test_a_family_for_three_budgets(capsys: pytest.CaptureFixture[str]) -> None:
    found = _names("three_budgets.py")["main"]()
    assert list(found) == ["phone", "laptop", "server"]
    assert "multiply-adds" in capsys.readouterr().out


def test_a_space_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    _names("own_space.py")["main"]()
    assert "networks of" in capsys.readouterr().out


def test_a_strategy_of_ones_own_finds_better_and_better() -> None:
    search = _names("own_strategy.py")["main"]
    assert search(8) > search(1) > 0


@pytest.mark.slow
def test_an_evaluator_of_ones_own(say: Callable[..., tuple[int, str]], ray_address: str) -> None:
    code, said = say(
        "baseline", "--space", str(ROOT / "tests" / "data" / "runs" / "tiny.yaml"),
        "--target-flops", "2M", "--cost-band", "0.5", "--samples", "3", "--workers", "1",
        "--evaluator", "examples/own_evaluator.py:evaluate", "--ray-address", ray_address,
        "--name", "own", "-q",
    )  # fmt: skip
    assert code == 0, said
    assert "logit_spread" in Path("runs/baseline/own/trials.jsonl").read_text()


@pytest.mark.slow
def test_a_device_of_ones_own(say: Callable[..., tuple[int, str]]) -> None:
    command = f"{sys.executable} examples/own_device.py {{onnx}}"
    code, said = say("profile", "res16 ds_r1_k3_s1_c8 cls10", "--latency-command", command)
    assert code == 0, said
    assert "ms" in said


def test_the_whole_way_on_ones_own_images_can_be_typed(tmp_path: Path) -> None:
    """Each line is given to a stand-in that keeps it; the commands have tests of their own."""
    stand_in = tmp_path / "effsearch"
    stand_in.write_text('#!/bin/sh\necho "$@" >> typed\n')
    stand_in.chmod(0o755)
    subprocess.run(
        [EXAMPLES / "own_images.sh", "photos"], check=True, cwd=tmp_path,
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "GRID": "--step 0.1"},
    )  # fmt: skip
    typed = (tmp_path / "typed").read_text().splitlines()
    assert typed[2] == "coefficients --phi 1 --data photos --step 0.1"
    assert len(typed) == 7


def test_the_cluster_file_is_what_rays_launcher_reads() -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = yaml.safe_load((EXAMPLES / "ray_cluster.yaml").read_text())
    validate_config(prepare_config(config))


def test_the_job_of_kubernetes_starts_a_command_that_exists() -> None:
    job = yaml.safe_load((EXAMPLES / "kubernetes.yaml").read_text())
    assert job["spec"]["entrypoint"].startswith("effsearch baseline --target-flops 400M")
    groups = job["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    assert groups[0]["replicas"] == groups[0]["maxReplicas"]


def test_the_job_of_slurm_is_bash() -> None:
    subprocess.run(["bash", "-n", EXAMPLES / "slurm.sh"], check=True)
