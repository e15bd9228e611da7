"""The same weights give the same logits as in torchvision and timm.

Random weights and random batch statistics: nothing is downloaded, and nothing cancels out.
"""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from search_spaces.network import build_network
from search_spaces.zoo import load_zoo

Import = Callable[[str], ModuleType]


def randomise_norms(network: nn.Module, images: Tensor) -> float:
    """Give every normalization its own scales and statistics near the true ones; their epsilon.

    With statistics far from the true ones the signal dies out and the logits compare nothing.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.normal_(norm.bias, std=0.2)
        norm.momentum = 1.0
    with torch.no_grad():
        network.train()(images)
    for norm in norms:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.mul_(torch.empty_like(norm.running_mean).uniform_(0.8, 1.2))
        norm.running_var.mul_(torch.empty_like(norm.running_var).uniform_(0.8, 1.2))
    (epsilon,) = {norm.eps for norm in norms}
    return epsilon


def tensors(network: nn.Module) -> list[Tensor]:
    """Weights and statistics in the order of the layers, which both sides share."""
    return [t for name, t in network.state_dict().items() if "num_batches" not in name]


def compare(name: str, theirs: nn.Module) -> None:
    torch.manual_seed(0)
    # Smooth images of different brightness, for noise looks alike once it is pooled.
    coarse = torch.randn(4, 3, 7, 7) + torch.randn(4, 3, 1, 1)
    images = nn.functional.interpolate(coarse, size=224, mode="bilinear")
    epsilon = randomise_norms(theirs, images)
    theirs.eval()
    ours = build_network(replace(load_zoo(name), norm_eps=epsilon)).eval()
    pairs = list(zip(tensors(ours), tensors(theirs), strict=True))
    for mine, other in pairs:
        assert mine.shape == other.shape
        mine.copy_(other)
    with torch.no_grad():
        expected = theirs(images)
        logits = ours(images)
    # Not one answer for everything: what is compared depends on the images.
    assert expected.std(dim=0).mean() > 0.05
    assert (logits - expected).abs().max() < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "theirs"), [("efficientnet-b0", "efficientnet_b0"), ("resnet-50", "resnet50")]
)
def test_logits_equal_torchvision_s(name: str, theirs: str, import_vision: Import) -> None:
    torch.manual_seed(1)
    compare(name, getattr(import_vision("torchvision.models"), theirs)(weights=None))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "theirs"), [("efficientnet-b0", "efficientnet_b0"), ("resnet-50", "resnet50")]
)
def test_logits_equal_timm_s(name: str, theirs: str, import_vision: Import) -> None:
    torch.manual_seed(1)
    compare(name, import_vision("timm").create_model(theirs, pretrained=False))
