"""Random networks of every operation and option: built, traced, timed and exported alike."""

import random
from collections.abc import Callable

import numpy as np
import pytest
import torch
from counted_network import counted
from network_weights import network_weights

from effsearch.latency.onnx_program import write_onnx
from effsearch.latency.program import network_program
from effsearch.latency.torch_program import TorchProgram
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.network import Network, build_network
from effsearch.search_spaces.notation import format_architecture, parse_architecture
from effsearch.search_spaces.parts import Head, Stage, Stem

pytestmark = pytest.mark.slow  # together they take many seconds

Build = Callable[[Architecture], Network]
Count = Callable[[Architecture, int], tuple[int, int]]
KINDS = ("mixed", "universal", "experts", "grouped", "residual", "fused")


def _stage(draw: random.Random, kind: str) -> Stage:
    common = {
        "channels": draw.choice((16, 24, 32)),
        "layers": draw.choice((1, 2)),
        "stride": draw.choice((1, 2)),
        "se": draw.choice((0.0, 0.25)),
        "skip": draw.choice(("identity", "none", "pool")),
    }
    kernels = [(3,), (3, 5), (3, 5, 7), (3, 5, 7, 9)]
    match kind:
        case "mixed":
            around = {"kernel_before": draw.choice((0, (1, 1)))}
            around |= {"kernel_after": draw.choice((0, (1, 1), 3))}
            expand = draw.choice((1.0, 2.0, 3.0))
            kernel = draw.choice(kernels)
            return Stage(op="mbconv", kernel=kernel, expand=expand, **common, **around)
        case "universal":
            middle, before, after = (draw.choice((0, 3, 5)) for _ in range(3))
            if common["stride"] > 1 and not (middle or before or after):
                middle = 3
            return Stage(
                op="universal",
                kernel=middle,
                kernel_before=before,
                kernel_after=after,
                expand=draw.choice((1.0, 2.0)),
                **common,
            )
        case "experts":
            expand, experts = draw.choice((1.0, 2.0)), draw.choice((2, 4))
            return Stage(op="mbconv", expand=expand, experts=experts, **common)
        case "grouped":
            return Stage(op="mbconv", expand=2.0, group_size=8, **common)
        case "residual":
            op = draw.choice(("basic", "bottleneck"))
            groups = draw.choice((0, 8)) if op == "bottleneck" else 0
            return Stage(op=op, expand=1.0, group_size=groups, **common)
        case _:
            return Stage(op="fused_mbconv", expand=draw.choice((1.0, 2.0)), **common)


def _network(kind: str, seed: int) -> Architecture:
    draw = random.Random(f"{kind} {seed}")
    stages = [_stage(draw, kind), _stage(draw, draw.choice(KINDS)), _stage(draw, kind)]
    stem, channels = draw.choice((("plain", 16), ("deep", 16), ("deep_tiered", 64)))
    pool = draw.choice((False, False, True))
    return Architecture(
        stem=Stem(channels=channels, stride=draw.choice((1, 2)), pool=pool, kind=stem),
        stages=tuple(stages),
        head=Head(channels=32, pooled=draw.choice((None, "bias", "norm"))),
        resolution=draw.choice((17, 24, 32)),
        classes=5,
        activation=draw.choice(("relu", "silu", "hard_swish")),
        norm=draw.choice(("batch", "batch", "layer", "group8")),
        padding=draw.choice(("symmetric", "same")),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_params_and_macs_are_those_of_what_is_built(kind: str, empty_network: Build) -> None:
    for seed in range(20):
        network = _network(kind, seed)
        known = cost(network)
        assert counted(empty_network(network), network.resolution) == (known.params, known.macs)
        assert parse_architecture(format_architecture(network)) == network


@pytest.mark.parametrize("kind", KINDS)
def test_both_are_fvcore_s(kind: str, traced_counts: Count) -> None:
    for seed in (0, 1):
        network = _network(kind, seed)
        known = cost(network)
        assert traced_counts(network, network.resolution) == (known.params, known.macs)


@pytest.mark.parametrize("kind", KINDS)
def test_torch_and_onnx_run_what_is_built(kind: str) -> None:
    runtime = pytest.importorskip("onnxruntime")
    for seed in (0, 1, 2):
        network = _network(kind, seed)
        torch.manual_seed(seed)
        built = build_network(network).eval()
        side = network.resolution
        images = torch.randn(2, 3, side, side)
        program, weights = network_program(network), network_weights(built)
        with torch.inference_mode():
            expected = built(images)
            timed = TorchProgram(program, weights, torch.device("cpu"), torch.float32)(images)
        session = runtime.InferenceSession(write_onnx(program, weights, 2).SerializeToString())
        found = session.run(None, {"images": images.numpy()})[0]
        scale = float(expected.abs().max())
        assert (timed - expected).abs().max() < 1e-4 * max(1.0, scale)
        np.testing.assert_allclose(found, expected.numpy(), atol=1e-4 * max(1.0, scale))
