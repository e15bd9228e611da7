"""What a training run is told and keeps: settings, the network found, sizes, metrics, loggers."""

import json
import struct
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

from effsearch.gridsearch.family import scale_family
from effsearch.gridsearch.scale_config import ScaleOptions
from effsearch.results.config import changed_keys
from effsearch.results.loggers import LoggedRun, check_loggers, open_loggers
from effsearch.results.store.run import Run
from effsearch.search_spaces.errors import InputError, MissingResourceError
from effsearch.search_spaces.scaling import PUBLISHED_COEFFICIENTS, compound
from effsearch.search_spaces.zoo import load_zoo
from effsearch.training.runs.config import TrainConfig, make_config
from effsearch.training.runs.metrics import COLUMNS, append_row, write_rows
from effsearch.training.runs.model import find_model
from effsearch.training.runs.preparation import make_plan
from effsearch.training.runs.resolution import training_resolution


def test_flags_go_over_the_file_and_options_of_the_recipe_are_merged() -> None:
    config = make_config(
        {"epochs": 3, "set": {"lr": 0.1, "mixup": 0.2}}, {"epochs": 5, "set": {"lr": 0.2}}
    )
    assert config.recipe_options() == {"lr": 0.2, "mixup": 0.2, "epochs": 5}


def test_a_configuration_repeats_from_its_own_dictionary() -> None:
    given = {"phi": 2, "logger": ["tensorboard"], "batch_size": "auto"}
    config = make_config(given | {"mean": "0.5,0.5,0.5", "std": [0.2, 0.25, 0.3]})
    assert make_config(config.to_dict()) == config
    assert config.levels == ([127.5] * 3, [51.0, 63.75, 76.5])
    assert json.loads(json.dumps(config.to_dict())) == config.to_dict()


def test_assignments_are_read_as_what_they_spell() -> None:
    given = ["lr=1e-3", "epochs=7", "flip=false", "policy=none", "warmup_epochs=null"]
    assert make_config({"set": given}).set == {
        "lr": 0.001,
        "epochs": 7,
        "flip": False,
        "policy": "none",
        "warmup_epochs": None,
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"epoch": 3}, "did you mean 'epochs'"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1"),
        ({"batch_size": "large"}, "batch_size must be a whole number of at least 2 or auto"),
        ({"batch_size": 1}, "batch_size must be a whole number of at least 2"),
        ({"set": 5}, "config key 'set' must be a mapping"),
        ({"checkpoint_minutes": -1}, "checkpoint_minutes must be 0 or more"),
        ({"skip_bad": "yes"}, "skip_bad must be true or false"),
    ],
)
def test_settings_out_of_range_are_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        make_config(given)


def test_only_what_does_not_decide_the_weights_may_change_on_resuming() -> None:
    before = TrainConfig().to_dict()
    assert changed_keys(before, make_config({"device": "cuda", "checkpoint_minutes": 1})) == []
    assert changed_keys(before, make_config({"epochs": 9, "seed": 1})) == ["epochs", "seed"]


def test_the_member_of_the_newest_family_is_read_from_its_file(tmp_path: Path) -> None:
    scale_family(ScaleOptions(baseline="mobilenet-v2", phis=(0.0, 1.0)), run_dir=tmp_path)
    newest = scale_family(
        ScaleOptions(baseline="efficientnet-b0", phis=(0.0, 0.5, 2.0)), run_dir=tmp_path
    )
    found = find_model(tmp_path, None, 0.5)
    assert found.architecture == newest.members[1].architecture
    assert (found.source, found.phi) == (str(newest.path / "phi0.5.json"), 0.5)
    older = find_model(tmp_path, "family/001", 1.0)
    assert older.architecture == compound(load_zoo("mobilenet-v2"), PUBLISHED_COEFFICIENTS, 1.0)


def test_members_of_the_published_family_are_found_by_number(tmp_path: Path) -> None:
    scale_family(ScaleOptions(family="published", phis=(0.0, 3.0)), run_dir=tmp_path)
    found = find_model(tmp_path, None, 3.0)
    assert (found.architecture, found.phi) == (load_zoo("efficientnet-b3"), 3.0)


def test_without_a_family_the_baseline_is_scaled_and_what_was_taken_is_said(
    tmp_path: Path,
) -> None:
    found = find_model(tmp_path, None, 1.0)
    assert found.architecture == compound(load_zoo("efficientnet-b0"), PUBLISHED_COEFFICIENTS, 1.0)
    assert "efficientnet-b0 (no finished baseline run) scaled by phi = 1" in found.source
    assert "the paper's (no finished coefficients run)" in found.source
    given = find_model(tmp_path, "mobilenet-v2", 1.0)
    assert given.architecture == compound(load_zoo("mobilenet-v2"), PUBLISHED_COEFFICIENTS, 1.0)


def test_a_train_run_names_its_network(tmp_path: Path) -> None:
    network = load_zoo("mnasnet-a1")
    extra = {"architecture": network.to_dict()}
    with Run.create(tmp_path, "train", command=["effsearch"], config={}, extra=extra):
        pass
    assert find_model(tmp_path, "train/001", None).architecture == network


@pytest.mark.parametrize(
    ("model", "phi", "said"),
    [
        ("family/001", None, r"name --phi, one of 0, 1$"),
        ("family/001", 4.0, r"has no phi 4, only 0, 1: .*effsearch scale --phi 4"),
        ("family/002", 1.0, r"no run 'family/002'"),
        ("efficientnet-b9", None, r"did you mean 'efficientnet-b"),
        ("best.safetensors", None, r"is a checkpoint: give it by --from"),
    ],
)
def test_a_network_that_is_not_there_is_said(
    model: str, phi: float | None, said: str, tmp_path: Path
) -> None:
    scale_family(ScaleOptions(baseline="efficientnet-b0", phis=(0.0, 1.0)), run_dir=tmp_path)
    with pytest.raises(InputError, match=said):
        find_model(tmp_path, model, phi)


@pytest.mark.parametrize(
    ("own", "images", "wanted", "pixels"),
    [
        (224, 500, None, 224),  # photographs
        (224, 8, 16, 16),  # digits
        (300, 8, 16, 21),  # digits, a larger member
        (224, 32, None, 32),  # CIFAR
        (600, 32, None, 86),
        (32, 8, 16, 16),  # a network for small images
        (16, 8, 32, 16),
        (224, 1, None, 32),
    ],
)
def test_small_images_are_not_blown_up_to_the_networks_resolution(
    own: int, images: int, wanted: int | None, pixels: int
) -> None:
    assert training_resolution(own, images, wanted) == pixels


def test_metrics_are_appended_and_cut_back_to_what_a_checkpoint_knows(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    rows = [{"epoch": number, "step": 7 * number, "top1": 0.25 * number} for number in (1, 2, 3)]
    write_rows(path, [])
    for row in rows:
        append_row(path, row)
    assert path.read_text().splitlines() == [
        ",".join(COLUMNS),
        "1,7,,,,,0.25,,,",
        "2,14,,,,,0.5,,,",
        "3,21,,,,,0.75,,,",
    ]
    write_rows(path, rows[:1])
    assert path.read_text().splitlines()[1:] == ["1,7,,,,,0.25,,,"]


def test_tensorboard_gets_a_point_an_epoch_and_strikes_out_repeated_ones(tmp_path: Path) -> None:
    for done, epochs in ((0, (1, 2)), (1, (2, 3))):
        run = LoggedRun(path=tmp_path, reference="train/001", settings={}, epochs_done=done)
        with open_loggers(["tensorboard"], run) as (logger,):
            for epoch in epochs:
                logger.log({"top1": epoch / 4}, epoch)
    points = []
    for file in sorted((tmp_path / "tensorboard").iterdir(), key=lambda one: one.stat().st_mtime):
        points += _points(file)
    assert points == [(1, 0.25), (2, 0.5), "from 2", (2, 0.5), (3, 0.75)]


def _points(file: Path) -> list[object]:
    from tensorboardX.proto.event_pb2 import Event

    data, found = file.read_bytes(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        event = Event.FromString(data[12 : 12 + length])
        data = data[16 + length :]
        if event.HasField("session_log") and event.step:
            found.append(f"from {event.step}")
        found += [(event.step, value.simple_value) for value in event.summary.value]
    return found


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_clusters_gpus_are_not_looked_for_on_the_machine_that_starts_a_training(
    tmp_path: Path,
) -> None:
    notation = "res16 stem_k3_s1_c8 ir_r1_k3_s2_e2_c16 head_c32 cls10"
    config = TrainConfig(model=notation, max_images=60, device="cuda", ray_address="cluster:10001")
    assert make_plan(config, tmp_path).source.device.type == "cpu"
    with pytest.raises(MissingResourceError, match="there is no CUDA device"):
        make_plan(replace(config, ray_address=None), tmp_path)


@pytest.mark.parametrize(
    ("resolution", "workers", "options", "threads"),
    [
        (63, 1, {}, 1),
        (64, 1, {}, 4),
        (64, 2, {}, 2),
        (64, 8, {}, 1),
        (16, 1, {"threads": 3}, 3),
    ],
)
def test_threads_share_a_step_where_there_is_enough_to_share(
    resolution: int,
    workers: int,
    options: dict[str, Any],
    threads: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    notation = "res16 stem_k3_s1_c8 ir_r1_k3_s2_e2_c16 head_c32 cls10"
    config = TrainConfig(
        model=notation,
        max_images=60,
        device="cpu",
        resolution=resolution,
        num_workers=workers,
        set=options,
    )
    assert make_plan(config, tmp_path).recipe.threads == threads


def test_a_logger_that_is_unknown_or_not_installed_is_said() -> None:
    with pytest.raises(InputError, match="did you mean 'tensorboard'"):
        check_loggers(["tensorbord"])
    if find_spec("wandb"):
        pytest.skip("wandb is installed")
    with pytest.raises(MissingResourceError, match="pip install wandb"):
        check_loggers(["wandb"])
