"""Options on images mean the same in every command that reads images."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from effsearch.gridsearch.compare_scaling.config import ComparisonConfig
from effsearch.gridsearch.compare_scaling.networks import make_plan as plan_comparison
from effsearch.gridsearch.config import CoefficientsConfig
from effsearch.gridsearch.setup import make_plan as plan_coefficients
from effsearch.nas.config import BaselineConfig
from effsearch.nas.setup import make_plan as plan_baseline
from effsearch.search_spaces.errors import InputError
from effsearch.training.runs.config import TrainConfig
from effsearch.training.runs.preparation import make_plan as plan_training

TINY = "res16 act_relu stem_k3_s2_c8 ir_r1_k3_s2_e2_c8 head_c16"


def train_images(command: str, root: Path, **options: Any) -> int:
    """Images that a command would train on and validate on."""
    options |= {"data": str(root), "device": "cpu"}
    if command == "train":
        plan = plan_training(TrainConfig(model=TINY, resolution=16, **options), root)
        record = plan.record["data"]
    elif command == "baseline":
        config = BaselineConfig(target_flops=400e6, proxy_resolution=8, **options)
        record = plan_baseline(config).record["data"]
    elif command == "coefficients":
        config = CoefficientsConfig(baseline=TINY, proxy_resolution=8, step=0.2, **options)
        record = plan_coefficients(config, root).record["data"]
    else:
        scaled = ComparisonConfig(baseline=(TINY,), budgets=("2",), proxy_resolution=8, **options)
        record = plan_comparison(scaled, root).record["data"]
    return int(record["train_images"] + record["validation_images"])


COMMANDS = ("train", "baseline", "coefficients", "compare-scaling")


@pytest.mark.parametrize("command", COMMANDS)
def test_unreadable_images_are_left_out_where_asked(tmp_path: Path, command: str) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for index in range(8):
            Image.effect_noise((16, 16), 60).save(tmp_path / name / f"{index}.png")
    (tmp_path / "cat" / "3.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="leave such images out with --skip-bad"):
        train_images(command, tmp_path)

    assert train_images(command, tmp_path, skip_bad=True) == 15


@pytest.mark.parametrize("command", COMMANDS)
def test_columns_of_a_table_may_be_named(tmp_path: Path, command: str) -> None:
    table = {"scan": [[[index] * 8] * 8 for index in range(16)], "finding": [0, 1] * 8}
    pq.write_table(pa.table(table), tmp_path / "train.parquet")
    with pytest.raises(InputError, match="name it with --"):
        train_images(command, tmp_path)

    columns = {"image_column": "scan", "label_column": "finding"}
    assert train_images(command, tmp_path, **columns) == 16


@pytest.mark.parametrize("command", [*COMMANDS, "evaluate"])
def test_the_options_are_on_the_command_line(command: str, cli: Any) -> None:
    said = cli(command, "--help").out
    for flag in ("--skip-bad", "--image-column", "--label-column"):
        assert flag in said


@pytest.mark.slow
def test_a_dry_run_says_what_is_left_out(tmp_path: Path, cli: Any) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for index in range(8):
            Image.effect_noise((16, 16), 60).save(tmp_path / "set" / name / f"{index}.png")
    (tmp_path / "set" / "cat" / "3.png").write_bytes(b"no picture")
    options = ("--skip-bad", "--proxy-resolution", "8", "--epochs", "1", "--dry-run")
    answer = cli("baseline", "--target-flops", "400M", "--data", "set", *options)

    assert answer.code == 0, answer.err
    assert "1 unreadable image left out" in answer.out
