"""Devices by name, and what is placed on them."""

import pytest
import torch

from effsearch.search_spaces.errors import InputError, MissingResourceError
from effsearch.training.data.dataset import load_train
from effsearch.training.data.images import ImageDataset
from effsearch.training.devices.device import choose_device, choose_precision, place_on_device

NO_CUDA = not torch.cuda.is_available()


def test_cpu_and_auto_are_always_there():
    assert choose_device("cpu").type == "cpu"
    assert choose_device() == choose_device("auto")
    assert choose_device().type == ("cpu" if NO_CUDA else "cuda")


@pytest.mark.parametrize("name", ["cuda:99", *(["cuda"] if NO_CUDA else [])])
def test_cuda_device_that_is_not_there(name):
    with pytest.raises(MissingResourceError, match=f"{name}.*: (use --device cpu|cuda:0 to)"):
        choose_device(name)


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "cuda:-1", ""])
def test_unknown_device_name(name):
    with pytest.raises(InputError, match="unknown device"):
        choose_device(name)


def test_auto_precision_on_the_cpu_is_fp32():
    assert choose_precision("auto", torch.device("cpu")) == torch.float32
    assert choose_precision("bf16", torch.device("cpu")) == torch.bfloat16


def test_statistics_are_those_of_the_training_images():
    dataset = load_train("digits", resolution=None)
    data = place_on_device(dataset, torch.device("cpu"), validation=0.2, split_seed=0)

    assert len(data.train_labels) + len(data.validation_labels) == len(dataset)
    pixels = data.train_images.double()
    assert torch.allclose(data.mean.double(), pixels.mean((0, 2, 3)))
    assert torch.allclose(data.std.double(), pixels.std((0, 2, 3), correction=0))
    assert data.train_images.is_contiguous(memory_format=torch.channels_last)


def test_channel_without_variation_does_not_divide_by_zero():
    dataset = ImageDataset(
        name="black",
        images=torch.zeros(4, 3, 2, 2, dtype=torch.uint8),
        labels=torch.tensor([0, 1, 0, 1]),
        class_names=("a", "b"),
    )
    data = place_on_device(dataset, torch.device("cpu"), validation=0.5, split_seed=0)

    assert data.std.tolist() == [1.0, 1.0, 1.0]
