"""Our convolution against torch's: equal numbers, and unseen by whatever looks at a network."""

import copy
from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from effsearch.search_spaces import convolution
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.convolution import Conv2d
from effsearch.search_spaces.network import Network, build_network
from effsearch.search_spaces.parts import Stage, Stem
from effsearch.search_spaces.space_file import load_space, shipped_spaces
from effsearch.search_spaces.zoo import load_zoo

SIDES = ((1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (9, 9), (1, 4), (7, 2))
LAYERS = {
    "depthwise": (6, 6, 6),
    "dense": (6, 6, 1),
    "grouped": (6, 4, 2),
    "one channel": (1, 8, 1),
}


def plain_copy(module: nn.Module) -> nn.Module:
    """The same weights under torch's own convolutions."""
    found = copy.deepcopy(module)
    for part in found.modules():
        if isinstance(part, Conv2d):
            part.__class__ = nn.Conv2d
    return found


def learnt(module: nn.Module, images: Tensor) -> list[Tensor]:
    """Outputs, then gradients of the images and of each weight."""
    images = images.clone(memory_format=torch.channels_last).requires_grad_()
    output = module(images)
    torch.manual_seed(1)
    wanted = [images, *module.parameters()]
    return [output.detach(), *torch.autograd.grad(output, wanted, torch.randn_like(output))]


def farthest(module: nn.Module, images: Tensor) -> float:
    """Largest difference to torch's convolutions, relative to each tensor's largest number."""
    ours, theirs = learnt(module, images), learnt(plain_copy(module), images)
    # What batch normalization takes out again has no gradient but rounding.
    least = 1e-9 * max(float(gradient.abs().max()) for gradient in theirs[1:])
    return max(
        float((own - plain).abs().max()) / max(float(plain.abs().max()), least)
        for own, plain in zip(ours, theirs, strict=True)
    )


@pytest.mark.parametrize(("kernel", "stride"), list(product((1, 3, 5, 7), (1, 2, 3))))
@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_outputs_and_gradients_are_those_of_torch(
    layer: tuple[int, int, int], kernel: int, stride: int
) -> None:
    into, out, groups = layer
    for side, bias in product(SIDES, (False, True)):
        module = Conv2d(into, out, kernel, stride, kernel // 2, groups=groups, bias=bias).double()
        assert farthest(module, torch.randn(3, into, *side, dtype=torch.float64)) < 1e-12


def test_other_paddings_and_dilations_are_left_to_torch() -> None:
    images = torch.randn(2, 4, 5, 5, dtype=torch.float64)
    for options in ({"padding": 0}, {"padding": 2, "dilation": 2}, {"padding_mode": "circular"}):
        module = Conv2d(4, 4, 3, groups=4, bias=False, **options).double()  # type: ignore[arg-type]
        if "padding_mode" in options:
            module.padding = (1, 1)
        assert torch.equal(module(images), plain_copy(module)(images))


def test_second_derivatives_are_those_of_torch() -> None:
    module = Conv2d(4, 4, 5, 1, 2, groups=4, bias=False).double()
    images = torch.randn(2, 4, 3, 3, dtype=torch.float64).contiguous(
        memory_format=torch.channels_last
    )

    assert torch.autograd.gradcheck(module, (images.requires_grad_(),))
    assert torch.autograd.gradgradcheck(module, (images,))


def images_for(network: Architecture, pixels: int) -> Tensor:
    torch.manual_seed(0)
    return torch.randn(4, network.in_channels, pixels, pixels, dtype=torch.float64)


def trained(network: Architecture) -> Network:
    torch.manual_seed(0)
    built = build_network(network, classes=10).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    doubled: Network = built.double().train()
    return doubled


@pytest.mark.slow
@pytest.mark.parametrize("pixels", [8, 16, 32, 33])
@pytest.mark.parametrize("space", shipped_spaces())
def test_a_random_network_learns_what_it_learns_with_torch_s_own(space: str, pixels: int) -> None:
    found = load_space(space)
    (row,) = found.sample(np.random.default_rng(pixels), 1)
    network = found.decode(row)
    assert farthest(trained(network), images_for(network, pixels)) < 1e-6


@pytest.mark.parametrize("name", ["efficientnet-b0", "mobilenet-v2", "mnasnet-a1"])
def test_a_published_network_learns_what_it_learns_with_torch_s_own(name: str) -> None:
    network = load_zoo(name)
    assert farthest(trained(network), images_for(network, 16)) < 1e-6


@pytest.fixture
def network() -> Network:
    architecture = Architecture(
        stem=Stem(channels=8),
        stages=(
            Stage(op="mbconv", channels=8, kernel=5, expand=2, se=0.25, stride=2),
            Stage(op="fused_mbconv", channels=8, expand=2, stride=2),
            Stage(op="depthwise_separable", channels=8, kernel=5, stride=2),
        ),
    )
    built = build_network(architecture, classes=10)
    return built.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


@pytest.fixture
def images() -> Tensor:
    return torch.randn(4, 3, 16, 16).contiguous(memory_format=torch.channels_last)


def test_training_takes_the_fast_forms_where_they_exist(
    network: Network, images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convolution, "_X86", True)
    asked = []
    real = F.linear
    monkeypatch.setattr(F, "linear", lambda *args: asked.append(1) or real(*args))
    network.train()(images)

    assert len(asked) == 8


def test_evaluation_is_torch_s_own_to_the_last_bit(network: Network, images: Tensor) -> None:
    assert torch.equal(network.eval()(images), plain_copy(network).eval()(images))


def test_a_state_dict_is_that_of_torch_s_own(network: Network) -> None:
    ours, plain = network.state_dict(), plain_copy(network).state_dict()
    assert [(name, value.shape) for name, value in ours.items()] == [
        (name, value.shape) for name, value in plain.items()
    ]


def test_a_flop_counter_counts_a_training_step_as_torch_s_own(
    network: Network, images: Tensor
) -> None:
    def flops(module: nn.Module) -> int:
        with FlopCounterMode(display=False) as counter:
            module.train()(images).sum().backward()
        return counter.get_total_flops()

    assert flops(network) == flops(plain_copy(network))


def test_a_traced_network_in_training_is_torch_s_own(network: Network, images: Tensor) -> None:
    def operations(module: nn.Module) -> list[str]:
        traced = torch.jit.trace(module.train(), images, check_trace=False)  # type: ignore[no-untyped-call]
        return [node.kind() for node in traced.inlined_graph.nodes()]

    assert operations(network) == operations(plain_copy(network))


def test_an_exported_program_in_training_is_torch_s_own(network: Network, images: Tensor) -> None:
    def operations(module: nn.Module) -> list[str]:
        program = torch.export.export(module.train(), (images,), strict=False)
        return [str(node.target) for node in program.graph.nodes if node.op == "call_function"]

    assert operations(network) == operations(plain_copy(network))


def test_the_convolution_can_be_scripted() -> None:
    layer = Conv2d(4, 4, 3, 1, 1, groups=4, bias=False)
    images = torch.randn(2, 4, 5, 5)

    assert torch.equal(torch.jit.script(layer)(images), plain_copy(layer)(images))  # type: ignore[no-untyped-call]
