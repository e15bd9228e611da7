"""The same weights in a library's network and in ours: equal names, shapes, and logits."""

import math
from collections.abc import Mapping

import torch
from counted_network import plain_network, shared_blocks, without_weights
from torch import Tensor, nn

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.network import Network
from effsearch.training.models.published_weights import from_published

SIDE = 64


def check_names(theirs: nn.Module, architecture: Architecture) -> None:
    """Every tensor of theirs has a name in ours, with the same shape, and none is missing."""
    with shared_blocks():
        ours = plain_network(architecture).state_dict()
    found = from_published(architecture, theirs.state_dict())
    assert {name: one.shape for name, one in found.items()} == {
        name: one.shape for name, one in ours.items()
    }


def few_of_each_kind(exact: Mapping[str, Architecture]) -> list[str]:
    """The two smallest networks of each kind; of a kind as large as any, one."""
    kinds: dict[tuple[object, ...], list[str]] = {}
    for name in sorted(exact, key=lambda name: cost(exact[name], SIDE).macs):
        kinds.setdefault(kind_of(exact[name]), []).append(name)
    few: list[str] = []
    for names in kinds.values():
        few += [name for name in names[:2] if name is names[0] or _is_small(exact[name])]
    return few


def _is_small(architecture: Architecture) -> bool:
    known = cost(architecture, SIDE)
    return known.macs < 150e6 and known.params < 15e6


def _with_weights_of(theirs: nn.Module, architecture: Architecture) -> Network:
    """Our network with the tensors of theirs, without a copy."""
    with without_weights():
        ours = plain_network(architecture)
    state = from_published(architecture, theirs.state_dict())
    ours.load_state_dict(state, strict=True, assign=True)
    return ours.eval()


def kind_of(architecture: Architecture) -> tuple[object, ...]:
    """What is computed in it, sizes aside."""
    blocks = {
        (
            block.op,
            block.shortcut,
            block.activation,
            block.squeeze if block.se_channels else None,
            block.groups > 1,
            type(block.kernel),
            bool(block.before),
            bool(block.after),
            block.experts > 0,
        )
        for block in architecture.blocks
    }
    network = (architecture.style, architecture.activation, architecture.head.pooled)
    return (frozenset(blocks), *network)


def largest_difference(theirs: nn.Module, architecture: Architecture) -> float:
    """Between the logits of both, of random weights and statistics that keep signals alive.

    Args:
        theirs: on the meta device; it is filled.
    """
    torch.manual_seed(0)
    theirs.to_empty(device="cpu")
    # Smooth images of different brightness, for noise looks alike once it is pooled.
    coarse = torch.randn(3, 3, 5, 5) + torch.randn(3, 3, 1, 1)
    images = nn.functional.interpolate(coarse, size=SIDE, mode="bilinear")
    _fill(theirs)
    with torch.no_grad():
        theirs.train()(images)  # statistics of these images
        for norm in _norms(theirs):
            if isinstance(norm, nn.BatchNorm2d) and norm.running_mean is not None:
                assert norm.running_var is not None
                norm.running_mean.mul_(torch.empty_like(norm.running_mean).uniform_(0.8, 1.2))
                norm.running_var.mul_(torch.empty_like(norm.running_var).uniform_(0.8, 1.2))
        expected: Tensor = theirs.eval()(images)
        logits = _with_weights_of(theirs, architecture)(images)
    # Not one answer for everything: what is compared depends on the images.
    assert expected.std(dim=0).mean() > 0.02
    return float((logits - expected).abs().max() / expected.abs().max())


def _norms(network: nn.Module) -> list[nn.Module]:
    kinds = (nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm)
    return [module for module in network.modules() if isinstance(module, kinds)]


def _fill(network: nn.Module) -> None:
    for parameter in network.parameters():
        fan_in = max(1, parameter[0].numel()) if parameter.ndim > 1 else 100
        nn.init.normal_(parameter, std=(2.0 / fan_in) ** 0.5)
    for module in network.modules():
        if type(module).__name__ == "CondConv2d":  # (experts, numbers)
            fan_in = math.prod(module.weight_shape[1:])  # type: ignore[arg-type]
            nn.init.normal_(module.weight, std=(2.0 / fan_in) ** 0.5)  # type: ignore[arg-type]
    for norm in _norms(network):
        nn.init.uniform_(norm.weight, 0.5, 1.5)  # type: ignore[arg-type]
        if isinstance(norm, nn.BatchNorm2d):
            norm.reset_running_stats()
            norm.momentum = 1.0
