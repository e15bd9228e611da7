"""An operation is an entry: what it says of itself is all that anything else knows of it."""

from collections.abc import Callable, Iterator

import pytest
import torch
from network_weights import network_weights

from effsearch.latency.program import network_program
from effsearch.latency.torch_program import TorchProgram
from effsearch.results.stages import stage_summaries
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.block import Block
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.network import build_network
from effsearch.search_spaces.notation import format_architecture, parse_architecture
from effsearch.search_spaces.operations import OPERATIONS
from effsearch.search_spaces.operations.layer import Convolution, Layer
from effsearch.search_spaces.operations.operation import Operation
from effsearch.training.models.weight_names import layer_names


def _layers(block: Block) -> tuple[Layer, ...]:
    into, out = block.in_channels, block.out_channels
    return (
        Convolution(("conv_dw", "bn1"), into, into, block.kernel, block.stride, groups=into),
        Convolution(("conv_pw", "bn2"), into, out),
        Convolution(("conv_dw2", "bn3"), out, out, block.kernel, groups=out, active=False),
    )


SANDWICH = Operation(
    name="sandwich", code="sw", label="Sandwich", layers=_layers, schemes=("timm",)
)


@pytest.fixture
def network() -> Iterator[Architecture]:
    OPERATIONS["sandwich"] = SANDWICH
    yield parse_architecture("res32 stem_k3_s1_c8 sw_r2_k5_s2_c16 ir_r1_k3_s1_e2_c16 head_c24")
    del OPERATIONS["sandwich"]


def test_a_new_operation_is_read_and_written(network: Architecture) -> None:
    assert parse_architecture(format_architecture(network)) == network
    assert stage_summaries(network)[1].operator == "Sandwich 5x5"


def test_a_new_operation_costs_what_is_built(
    network: Architecture, traced_counts: Callable[[Architecture, int], tuple[int, int]]
) -> None:
    assert traced_counts(network, 32) == (cost(network).params, cost(network).macs)


def test_a_new_operation_is_timed_as_the_network_it_is(network: Architecture) -> None:
    module = build_network(network).eval()
    program = network_program(network)
    run = TorchProgram(program, network_weights(module), torch.device("cpu"), torch.float32)
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.allclose(run(images), module(images), atol=1e-4)


def test_a_new_operation_says_how_its_weights_are_called(network: Architecture) -> None:
    assert layer_names(network, "timm")["blocks.1.body.2.1"] == "blocks.0.1.bn3"
