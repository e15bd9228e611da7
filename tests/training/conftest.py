"""What the training tests share: small data on the CPU and a network that learns it at once."""

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from effsearch.training.data.dataset import load_train
from effsearch.training.devices.device import DeviceData, choose_device, place_on_device

sys.path.insert(0, str(Path(__file__).parent))  # for `scripted`, `supernets`


@pytest.fixture(scope="session")
def digits() -> DeviceData:
    dataset = load_train("digits", resolution=16)
    return place_on_device(dataset, choose_device("cpu"), validation=0.2, split_seed=0)


def tiny_network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Flatten(),
        nn.Linear(32 * 4 * 4, 10),
    )


@pytest.fixture
def factory():
    return tiny_network


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)
