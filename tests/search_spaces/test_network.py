"""The torch network: shapes, shortcuts, stochastic depth, initialisation."""

import math
from collections.abc import Callable
from itertools import product
from typing import get_args

import pytest
import torch
from torch import nn

from effsearch.search_spaces.activations import Activation
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.block import Op, Skip
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.network import PoolShortcut, Residual, SqueezeExcite, build_network
from effsearch.search_spaces.notation import parse_architecture
from effsearch.search_spaces.operations import OPERATIONS
from effsearch.search_spaces.parts import Head, Stage, Stem

pytestmark = pytest.mark.slow  # together they take many seconds

COMBINATIONS = list(product(tuple(OPERATIONS), get_args(Skip), (0, 0.25), (1, 2)))


def small(op: Op, skip: Skip, se: float, stride: int) -> Architecture:
    """Layers that keep the shape, widen, narrow and shrink it, on 16 pixels."""
    stage = {"op": op, "skip": skip, "se": se, "expand": 2}
    return Architecture(
        stem=Stem(channels=8, stride=1),
        stages=(
            Stage(channels=8, stride=stride, **stage),  # type: ignore[arg-type]
            Stage(channels=12, layers=2, stride=stride, kernel=5, **stage),  # type: ignore[arg-type]
            Stage(channels=4, **stage),  # type: ignore[arg-type]
        ),
        head=Head(channels=16),
        resolution=16,
        classes=10,
    )


@pytest.mark.parametrize(("op", "skip", "se", "stride"), COMBINATIONS)
def test_every_block_builds_runs_and_costs_what_fvcore_counts(
    op: Op,
    skip: Skip,
    se: float,
    stride: int,
    traced_counts: Callable[[Architecture, int], tuple[int, int]],
) -> None:
    architecture = small(op, skip, se, stride)
    for resolution in (16, 15):
        ours = cost(architecture, resolution)
        assert traced_counts(architecture, resolution) == (ours.params, ours.macs)
    logits = build_network(architecture)(torch.randn(2, 3, 15, 15))
    assert logits.shape == (2, 10)
    assert logits.isfinite().all()


@pytest.mark.parametrize("activation", get_args(Activation))
def test_every_activation_builds(activation: Activation) -> None:
    architecture = Architecture(
        stages=(Stage(op="mbconv", channels=8, expand=2, se=0.25),), activation=activation
    )
    logits = build_network(architecture, classes=3)(torch.randn(1, 3, 8, 8))
    assert logits.shape == (1, 3)
    assert not torch.allclose(logits[0, 0], logits[0, 1])


def test_classes_and_image_channels_can_differ_from_the_architecture_s() -> None:
    architecture = small("mbconv", "identity", 0.25, 1)
    network = build_network(architecture, classes=7, in_channels=1)
    assert network(torch.randn(3, 1, 16, 16)).shape == (3, 7)


def test_features_are_the_last_map_before_pooling() -> None:
    network = build_network(small("mbconv", "identity", 0.25, 2))
    assert network.features(torch.randn(2, 3, 16, 16)).shape == (2, 16, 4, 4)


def test_the_pooled_shortcut_averages_what_is_there_and_adds_empty_channels() -> None:
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    pooled = PoolShortcut(2, extra_channels=2)(x)
    # Windows of 3×3 around pixels (0|2, 0|2); outside the image there is nothing to average.
    expected = torch.tensor(
        [
            [(0 + 1 + 4 + 5) / 4, (1 + 2 + 3 + 5 + 6 + 7) / 6],
            [(4 + 5 + 8 + 9 + 12 + 13) / 6, (5 + 6 + 7 + 9 + 10 + 11 + 13 + 14 + 15) / 9],
        ]
    )
    assert pooled.shape == (1, 3, 2, 2)
    assert torch.allclose(pooled[0, 0], expected)
    assert (pooled[0, 1:] == 0).all()


def test_the_pooled_shortcut_keeps_the_channels_where_the_block_does() -> None:
    assert PoolShortcut(1, extra_channels=0)(torch.randn(2, 5, 7, 7)).shape == (2, 5, 7, 7)


def test_a_pooled_shortcut_is_added_to_the_block_s_output() -> None:
    block = Residual(nn.Conv2d(1, 1, 1), PoolShortcut(1, 0), nn.Identity(), 0.0)
    x = torch.randn(2, 1, 4, 4)
    assert torch.allclose(block(x), block.body(x) + block.shortcut(x))


def test_squeeze_excite_scales_each_channel_by_its_gate() -> None:
    block = SqueezeExcite(2, 1, nn.ReLU())
    nn.init.constant_(block.reduce.weight, 1.0)
    nn.init.zeros_(block.reduce.bias)  # type: ignore[arg-type]
    block.expand.weight.data = torch.tensor([1.0, -1.0]).reshape(2, 1, 1, 1)
    nn.init.zeros_(block.expand.bias)  # type: ignore[arg-type]
    x = torch.ones(1, 2, 3, 3)  # pooled: 1 and 1, reduced: 2, gates: sigmoid(±2)
    gates = 1 / (1 + math.exp(-2)), 1 / (1 + math.exp(2))
    assert torch.allclose(block(x)[0, :, 0, 0], torch.tensor(gates))


def test_stochastic_depth_keeps_the_expectation() -> None:
    torch.manual_seed(0)
    block = Residual(nn.Identity(), nn.Identity(), nn.Identity(), drop_path=0.25)
    block.train()
    y = block(torch.ones(20_000, 1, 1, 1))
    dropped, kept = sorted(y.unique().tolist())
    assert dropped == 1.0
    assert kept == pytest.approx(1 + 1 / 0.75)
    assert y.mean().item() == pytest.approx(2.0, abs=0.02)


def test_stochastic_depth_drops_whole_images() -> None:
    torch.manual_seed(0)
    block = Residual(nn.Identity(), nn.Identity(), nn.Identity(), drop_path=0.5).train()
    y = block(torch.ones(64, 3, 5, 5)).flatten(1)
    assert (y == y[:, :1]).all()
    assert len(y[:, 0].unique()) == 2


def test_evaluation_is_deterministic_with_dropout_and_stochastic_depth() -> None:
    architecture = small("mbconv", "identity", 0.25, 1)
    network = build_network(architecture, dropout=0.5, drop_path=0.5)
    x = torch.randn(4, 3, 16, 16)
    network.eval()
    assert torch.equal(network(x), network(x))
    network.train()
    assert not torch.equal(network(x), network(x))


def test_stochastic_depth_grows_with_the_block_s_index() -> None:
    architecture = Architecture(stages=(Stage(op="mbconv", channels=32, layers=4, expand=2),))
    network = build_network(architecture, drop_path=0.2)
    rates = [block.drop_path for block in network.blocks]
    assert rates == pytest.approx([0.0, 0.05, 0.1, 0.15])


def test_kernels_are_initialised_as_published() -> None:
    torch.manual_seed(0)
    stages = (Stage(op="mbconv", channels=256, kernel=5, expand=6),)
    network = build_network(Architecture(stages=stages))
    depthwise = next(m for m in network.modules() if isinstance(m, nn.Conv2d) and m.groups > 1)
    assert depthwise.weight.std().item() == pytest.approx(math.sqrt(2 / 25), rel=0.05)
    head = network.head[0]
    assert isinstance(head, nn.Conv2d)
    assert head.weight.std().item() == pytest.approx(math.sqrt(2 / 1280), rel=0.02)
    bound = 1 / math.sqrt(1000)
    assert network.classifier.weight.abs().max().item() <= bound
    assert network.classifier.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    assert (network.classifier.bias == 0).all()


def test_normalization_has_the_architecture_s_epsilon_and_the_given_momentum() -> None:
    architecture = Architecture(stages=(Stage(op="conv", channels=8),), norm_eps=1e-5)
    network = build_network(architecture, norm_momentum=0.1)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-5, 0.1)}


@pytest.mark.parametrize("norm", ["norm_group8", "norm_layer", "pad_same"])
def test_gradients_reach_every_parameter_of_later_layers(norm: str) -> None:
    network = build_network(
        parse_architecture(
            f"res16 stem_s1_c16 {norm} ds_r1_k3.5_s1_c16 ir_r1_k3_a1.1_p1.1_s2_e2_c24 "
            "ir_r2_k3_s1_e2_c24_gs8 ir_r2_k3_s2_e2_c32_se0.25_cc4 uir_r2_k0_a3_p3_s1_e2_c32"
        ),
        drop_path=0.1,
    ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = torch.randn(4, 3, 16, 16).to(memory_format=torch.channels_last)
    network.train()(images).square().sum().backward()
    without = [name for name, weight in network.named_parameters() if weight.grad is None]
    assert without == []


def test_gradients_reach_every_parameter() -> None:
    network = build_network(small("bottleneck", "identity", 0.25, 2))
    network(torch.randn(4, 3, 16, 16)).square().sum().backward()
    without = [name for name, weight in network.named_parameters() if weight.grad is None]
    assert without == []
