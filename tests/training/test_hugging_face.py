"""Datasets named `hf:NAME[:CONFIG]`, from directories that the package `datasets` loads."""

import logging
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from effsearch.search_spaces.errors import InputError, MissingResourceError
from effsearch.training.data import hugging_face
from effsearch.training.data.dataset import find_held_out, load_train
from effsearch.training.devices.device import choose_device
from effsearch.training.recipes.recipe import Recipe
from effsearch.training.sources import TrainView, open_source
from effsearch.training.sources.parts import find_parts

datasets = pytest.importorskip("datasets", reason="the extra hf is not installed")
NAMES = ["cat", "cow", "dog"]


@pytest.fixture(autouse=True)
def _cache_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    hugging_face._load.cache_clear()


def part(labels: list[int], names: list[str] | None = None, label: str = "label") -> object:
    pictures = [Image.new("RGB", (9, 7), (20 * index, 0, 0)) for index in range(len(labels))]
    kind = datasets.ClassLabel(names=names or NAMES)
    features = datasets.Features({"picture": datasets.Image(), label: kind})
    return datasets.Dataset.from_dict({"picture": pictures, label: labels}, features=features)


def saved(folder: Path, **parts: object) -> str:
    datasets.DatasetDict(parts).save_to_disk(folder)
    return f"hf:{folder}"


def test_a_saved_dataset_with_its_class_names(tmp_path):
    spec = saved(tmp_path / "saved", train=part([0, 1, 2, 1]), test=part([2, 0]))
    train, (test,) = load_train(spec, resolution=7), find_held_out(spec).parts

    assert train.class_names == tuple(NAMES)
    assert train.labels.tolist() == [0, 1, 2, 1]
    assert train.images[:, 0, 3, 3].tolist() == [0, 20, 40, 60]
    assert test.labels.tolist() == [2, 0]


def test_a_directory_of_parquet(tmp_path):
    (tmp_path / "data").mkdir()
    part([0, 1] * 3).to_parquet(tmp_path / "data" / "train-0.parquet")  # type: ignore[attr-defined]

    assert load_train(f"hf:{tmp_path}", resolution=7).labels.tolist() == [0, 1] * 3


def test_all_three_parts_and_batches_of_them(tmp_path):
    spec = saved(
        tmp_path / "saved", train=part([0, 1, 2] * 2), validation=part([1, 1]), test=part([2])
    )
    parts = find_parts(spec, validation=0.2, split_seed=0)
    source = open_source(parts, choose_device("cpu"), recipe=Recipe(), resolution=7)

    assert source.labels["train"].tolist() == [0, 1, 2] * 2
    assert source.labels["validation"].tolist() == [1, 1]
    images, labels = next(
        source.train_batches(
            [torch.tensor([4, 0])], TrainView(resolution=7, crop_scale=1.0, seed=0)
        )
    )
    assert images[:, 0, 3, 3].tolist() == [80, 0]
    assert labels.tolist() == [1, 0]
    assert len(source.notices) == 2  # the classes that the small parts lack


def test_labels_follow_the_names_of_the_training_part(tmp_path):
    turned = part([0, 2], names=["dog", "cow", "cat"])
    spec = saved(tmp_path / "saved", train=part([0, 1, 2, 2]), test=turned)

    (test,) = find_held_out(spec).parts
    assert test.labels.tolist() == [2, 0]


def test_a_class_that_the_training_part_has_not(tmp_path):
    turned = part([0, 1], names=["dog", "zebra", "cat"])
    spec = saved(tmp_path / "saved", train=part([0, 1, 2, 2]), test=turned)
    with pytest.raises(InputError, match=r"row 1 of the part 'test' .* of the class 'zebra'"):
        find_held_out(spec)


def test_a_test_part_without_labels_gives_way_to_the_validation_part(tmp_path):
    spec = saved(
        tmp_path / "saved", train=part([0, 1, 2]), validation=part([1]), test=part([-1, -1])
    )

    (test,) = find_held_out(spec).parts
    assert test.labels.tolist() == [1]


def test_no_training_part(tmp_path):
    spec = saved(tmp_path / "saved", test=part([0, 1]))
    with pytest.raises(InputError, match="no part 'train': it has test"):
        load_train(spec, resolution=7)


def test_no_image_column(tmp_path):
    rows = datasets.Dataset.from_dict({"text": ["a", "b"], "label": [0, 1]})
    spec = saved(tmp_path / "saved", train=rows)
    with pytest.raises(InputError, match="no image column: it has text, label"):
        load_train(spec, resolution=7)


def test_without_the_package_the_command_that_installs_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingResourceError, match=r"pip install 'effsearch\[hf\]'"):
        load_train("hf:mnist", resolution=7)


def test_out_of_reach_is_one_line(monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    with pytest.raises(MissingResourceError, match="cannot load 'hf:nobody/nothing'") as caught:
        load_train("hf:nobody/nothing", resolution=7)
    assert "\n" not in str(caught.value)


def test_attempts_to_reach_the_hub_are_not_told(monkeypatch):
    logger = logging.getLogger("huggingface_hub.utils._http")
    told = []

    def unreachable(*_):
        told.append(logger.isEnabledFor(logging.WARNING))
        raise ConnectionError

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    with pytest.raises(MissingResourceError, match="the hub cannot be reached from here"):
        load_train("hf:nobody/nothing", resolution=7)
    assert told == [False]
    assert logger.isEnabledFor(logging.WARNING)


def test_a_name_is_needed():
    with pytest.raises(InputError, match="names no dataset"):
        load_train("hf:", resolution=7)
