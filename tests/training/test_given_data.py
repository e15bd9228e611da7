"""Data that is given as objects of Python: arrays, torch's datasets, Hugging Face's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset

import effsearch
from effsearch.results.config import Given
from effsearch.search_spaces.errors import InputError
from effsearch.training.data.dataset import find_held_out, load_train
from effsearch.training.data.given import take_data

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
LABELS = np.arange(12) % 3
TENSORS = torch.from_numpy(IMAGES).permute(0, 3, 1, 2)


class Pictures(Dataset[Any]):
    """As torchvision's folders: pictures of PIL and classes by name."""

    classes = ("ant", "bee", "cat")

    def __init__(self, sizes: tuple[int, ...] = (8,)) -> None:
        self.sizes = sizes

    def __len__(self) -> int:
        return len(LABELS)

    def __getitem__(self, place: int) -> tuple[Image.Image, int]:
        side = self.sizes[place % len(self.sizes)]
        return Image.fromarray(IMAGES[place]).resize((side, side)), int(LABELS[place])


class Endless(IterableDataset[Any]):
    def __iter__(self) -> Iterator[Any]:
        return iter(Pictures())


def given(value: Any) -> str:
    return take_data("data", value)


def loaded(value: Any, resolution: int | None = None) -> Any:
    return load_train(given(value), resolution=resolution)


HUB = datasets.Dataset.from_dict(
    {"image": [Image.fromarray(one) for one in IMAGES], "label": LABELS.tolist()},
    features=datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["ant", "bee", "cat"])}
    ),
)
WAYS: dict[str, Any] = {
    "arrays": (IMAGES, LABELS),
    "arrays, channels first": (IMAGES.transpose(0, 3, 1, 2), LABELS.tolist()),
    "fractions": (TENSORS / 255, torch.from_numpy(LABELS)),
    "a list of pictures": ([Image.fromarray(one) for one in IMAGES], list("abcabcabcabc")),
    "torch's tensors": TensorDataset(TENSORS, torch.from_numpy(LABELS)),
    "a dataset": Pictures(),
    "a part of one": Subset(Pictures(), range(12)),
    "items as mappings": [
        {"image": i, "label": int(n)} for i, n in zip(IMAGES, LABELS, strict=True)
    ],
    "a hub dataset": HUB,
}


@pytest.mark.parametrize("way", WAYS)
def test_images_and_labels_are_the_same_whatever_holds_them(way: str) -> None:
    data = loaded(WAYS[way])
    assert torch.equal(data.images, TENSORS)
    assert data.labels.tolist() == LABELS.tolist()
    assert data.classes == 3


def test_names_of_classes_are_the_dataset_s() -> None:
    assert loaded(Pictures()).class_names == ("ant", "bee", "cat")
    assert loaded(HUB).class_names == ("ant", "bee", "cat")
    assert given(Pictures()) == "python:Pictures"


def test_parts_are_a_mapping() -> None:
    name = given({"train": Pictures(), "val": (IMAGES[:3], LABELS[:3])})
    assert len(load_train(name, resolution=None)) == 12
    (held_out,) = find_held_out(name).parts
    assert held_out.labels.tolist() == [0, 1, 2]
    assert find_held_out(given(Pictures())).parts == ()


def test_pictures_of_several_sizes_are_resized_or_told() -> None:
    assert loaded(Pictures((8, 12)), 8).images.shape == (12, 3, 8, 8)
    with pytest.raises(InputError, match=r"image 1 of python:Pictures.*12"):
        loaded(Pictures((8, 12)))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Endless(), "is a Endless without a length|is a Endless: give"),
        ((IMAGES, LABELS[:5]), "has 12 images and 5 labels"),
        ((IMAGES[:0], LABELS[:0]), "holds no images"),
        ((IMAGES / 100 - 1, LABELS), r"float64 with values from -1 to .*before any normalisation"),
        ((IMAGES.astype(complex), LABELS), "is of complex128: give uint8"),
        ((IMAGES.reshape(12, 1, 1, 8, 8, 3), LABELS), r"of shape \(1, 1, 8, 8, 3\): an image is"),
        ((IMAGES, [[1], [2]] * 6), "are lists: give one class per image"),
        ((IMAGES, [1, "a"] * 6), "are of several types"),
        ([IMAGES[0]] * 3, "are a ndarray: give pairs"),
        ({"test": Pictures()}, "has no part 'train'"),
        ((IMAGES, LABELS * 0), "images of one class only"),
    ],
)
def test_what_cannot_be_trained_on_is_told_in_one_line(value: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        loaded(value)


@pytest.mark.parametrize("value", [5, print, dict, b"x"])
def test_what_is_no_data_is_refused(value: Any) -> None:
    with pytest.raises(InputError, match="data must be text, a dataset, "):
        given(value)


@pytest.mark.slow
def test_a_training_takes_a_dataset_and_stops_at_a_wish(tmp_path: Path) -> None:
    class Second:
        def on_epoch(self, report: Any) -> None:
            if report.epoch == 2:
                raise effsearch.Stop

    options: dict[str, Any] = {"epochs": 4, "resolution": 16, "device": "cpu"}
    options["set"] = {"validation": 0.25, "batch_size": 4}
    network = effsearch.parse_architecture("res16 act_relu stem_k3_s1_c8 cn_r1_k3_s2_c8 head_c16")
    result = effsearch.train(
        network, data=Pictures(), **options, callbacks=Second(), run_dir=tmp_path, quiet=True
    )
    run = effsearch.load_run("train/001", run_dir=tmp_path)
    assert (len(result.curve), run.status) == (2, "finished")
    assert run.record["data"]["name"] == "python:Pictures"
    assert run.architecture == result.architecture
    with pytest.raises(InputError, match="data was given from Python"):
        effsearch.resume_training("train/001", run_dir=tmp_path)
    again = effsearch.resume_training("train/001", data=Pictures(), run_dir=tmp_path, quiet=True)
    assert len(again.curve) == 4


def test_the_text_that_stands_for_data_keeps_it() -> None:
    name = given(Pictures())
    assert isinstance(name, Given)
    assert isinstance(name.value, Pictures)


def test_a_transform_of_ones_own_is_applied_to_every_part() -> None:
    def left_half(picture: Image.Image) -> Image.Image:
        return picture.crop((0, 0, 4, 8))

    value = {"train": Pictures(), "test": (IMAGES, LABELS), "transform": left_half}
    whole = {"train": (IMAGES[:, :, :4], LABELS), "test": (IMAGES[:, :, :4], LABELS)}
    assert torch.equal(loaded(value, 4).images, loaded(whole, 4).images)
    (test,) = find_held_out(given(value)).parts
    assert next(test.pictures([0]))[1].size == (4, 8)


@pytest.mark.parametrize(
    ("transform", "said"),
    [
        ("crop", "is a str: give a function"),
        (lambda _: None, "returned nothing for image 0: return the picture"),
        (lambda picture: picture.nothing, "failed on image 0: AttributeError"),
        (lambda picture: np.asarray(picture) / -2.0, "with values from"),
    ],
)
def test_a_transform_that_cannot_be_used_is_named(transform: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        loaded({"train": (IMAGES, LABELS), "transform": transform})
