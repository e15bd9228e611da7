"""Programs: the same numbers as the network they stand for, in torch and in ONNX Runtime, and
live tensors that are the closed form's peak memory to the byte."""

import weakref
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from network_weights import network_weights
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

from effsearch.latency.layers import layer_cost, layer_program, layers_of
from effsearch.latency.onnx_program import write_onnx
from effsearch.latency.program import Program, block_program, network_program
from effsearch.latency.torch_program import TorchProgram
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.block import Block
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.network import Network, build_network
from effsearch.search_spaces.parts import Head, Stage, Stem
from effsearch.search_spaces.space_file import load_space
from effsearch.search_spaces.zoo import load_zoo

CPU = torch.device("cpu")

EVERYTHING = Architecture(
    stem=Stem(channels=8, stride=1, pool=True),
    stages=(
        Stage(op="conv", channels=8, se=0.25, skip="identity"),
        Stage(op="conv", channels=12, stride=2, skip="pool"),
        Stage(op="depthwise_separable", channels=12, kernel=5),
        Stage(op="mbconv", channels=16, layers=2, expand=3, se=0.25, stride=2),
        Stage(op="mbconv", channels=24, skip="pool"),
        Stage(op="fused_mbconv", channels=24, layers=2, expand=2, se=0.5),
        Stage(op="bottleneck", channels=32, layers=2, expand=0.5, stride=2),
        Stage(op="identity", channels=20),
    ),
    head=Head(channels=0),
    resolution=33,
    classes=7,
)
MOBILE = Architecture(
    stem=Stem(channels=16, kind="deep"),
    stages=(
        Stage(op="mbconv", channels=16, se=0.25, squeeze="mobilenetv3", activation="relu"),
        Stage(op="inverted_residual", channels=24, layers=2, stride=2, se=0.25),
        Stage(op="edge_residual", channels=24, se=0.25, squeeze="fbnetv3"),
        Stage(op="basic", channels=32, layers=2, stride=2, group_size=8),
        Stage(op="bottleneck", channels=32, expand=0.5, group_size=4, se=0.25, squeeze="senet"),
        Stage(op="mbconv", channels=40, expand=2.3, sizes="timm", activation="relu6"),
    ),
    head=Head(channels=48, pooled="bias"),
    activation="hard_swish",
    resolution=48,
    classes=5,
)
LATER = Architecture(
    stem=Stem(channels=64, kind="deep_tiered", pool=True),
    stages=(
        Stage(op="mbconv", channels=18, kernel=(3, 5, 7), stride=2, se=0.25),
        Stage(op="mbconv", channels=18, expand=3, kernel=(3, 5), kernel_before=(1, 1)),
        Stage(op="mbconv", channels=24, expand=2, kernel=(3, 9), kernel_after=(1, 1), skip="pool"),
        Stage(op="mbconv", channels=24, expand=2, group_size=8),
        Stage(op="universal", channels=24, expand=2, kernel=5, kernel_before=3, stride=2),
        Stage(op="universal", channels=24, expand=2, kernel=0, kernel_before=3, kernel_after=5),
        Stage(op="universal", channels=24, expand=1, kernel=0, se=0.25),
        Stage(op="universal", channels=32, expand=3, kernel=0, kernel_after=3, stride=2),
        Stage(op="mbconv", channels=32, layers=2, expand=3, experts=4, se=0.25),
        Stage(op="mbconv", channels=40, kernel=5, experts=2, stride=2, skip="pool"),
    ),
    head=Head(channels=48),
    resolution=50,
    classes=6,
)
EVEN = replace(  # channels that every normalization can have
    LATER,
    stages=(
        Stage(op="mbconv", channels=16, kernel=(3, 5), stride=2, se=0.25),
        Stage(op="fused_mbconv", channels=24, expand=2, stride=2),
        Stage(op="bottleneck", channels=32, expand=0.5, stride=2),
        Stage(op="mbconv", channels=32, expand=2, experts=3),
        Stage(op="basic", channels=40, skip="pool"),
    ),
)
NETWORKS = [
    EVERYTHING,
    MOBILE,
    LATER,
    replace(LATER, padding="same"),
    replace(EVEN, norm="group8"),
    replace(EVEN, norm="layer", padding="same", head=Head(channels=48, pooled="norm")),
    replace(MOBILE, head=Head(channels=48, pooled="norm"), activation="silu"),
    replace(MOBILE, head=Head(channels=48, pooled="plain"), activation="relu"),
    *(
        Architecture(
            stages=EVERYTHING.stages, activation=activation, resolution=40, head=Head(channels=16)
        )
        for activation in ("relu", "relu6", "hard_swish")
    ),
]


def str_of(architecture: Architecture) -> str:
    return f"{architecture.activation}-{architecture.norm}-{architecture.padding}"


def _built(architecture: Architecture) -> Network:
    """A network whose normalization is not the identity."""
    torch.manual_seed(0)
    network = build_network(architecture).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.GroupNorm | nn.LayerNorm):
            nn.init.uniform_(module.weight, 0.9, 1.1)
            nn.init.normal_(module.bias, 0.0, 0.1)
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0.0, 0.1)
            module.running_var.uniform_(0.9, 1.1)
    return network


def _images(architecture: Architecture, batch: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    side = architecture.resolution
    return torch.randn(batch, architecture.in_channels, side, side, generator=generator)


@pytest.mark.parametrize("architecture", NETWORKS, ids=str_of)
def test_a_program_gives_its_networks_logits(architecture: Architecture) -> None:
    network, images = _built(architecture), _images(architecture)
    program = TorchProgram(
        network_program(architecture), network_weights(network), CPU, torch.float32
    )
    with torch.inference_mode():
        torch.testing.assert_close(program(images), network(images), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("architecture", NETWORKS, ids=str_of)
def test_the_onnx_file_gives_its_networks_logits(architecture: Architecture) -> None:
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    network, images = _built(architecture), _images(architecture)
    model = write_onnx(network_program(architecture), network_weights(network), batch=2)
    onnx.checker.check_model(model, full_check=True)
    session = runtime.InferenceSession(model.SerializeToString())
    found = session.run(None, {"images": images.numpy()})[0]
    with torch.inference_mode():
        np.testing.assert_allclose(found, network(images).numpy(), rtol=1e-4, atol=1e-4)


def test_an_efficientnet_written_as_onnx_gives_its_logits() -> None:
    runtime = pytest.importorskip("onnxruntime")
    b0 = load_zoo("efficientnet-b0")
    network, images = _built(b0), _images(b0, batch=1)[..., :96, :96]
    model = write_onnx(network_program(b0, 96), network_weights(network))
    session = runtime.InferenceSession(model.SerializeToString())
    found = session.run(None, {"images": images.numpy()})[0]
    with torch.inference_mode():
        np.testing.assert_allclose(found, network(images).numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("architecture", NETWORKS[:6], ids=str_of)
def test_a_networks_layers_in_a_row_are_its_program(architecture: Architecture) -> None:
    steps = [
        step
        for program in map(layer_program, layers_of(architecture))
        for step in _without_values(program)
    ]
    assert steps == list(_without_values(network_program(architecture)))


def _without_values(program: Program) -> Iterator[tuple[object, ...]]:
    for step in program.steps:
        function = step.kind == "activation" and (step.function or program.activation)
        yield step.kind, step.shapes, step.conv, function


def test_layers_have_the_networks_costs() -> None:
    b0 = load_zoo("efficientnet-b0")
    costs = [layer_cost(layer) for layer in layers_of(b0, 160)]
    assert sum(layer.macs for layer in costs) == cost(b0, 160).macs
    assert max(layer.peak for layer in costs) * 4 == cost(b0, 160).memory_bytes


class _LiveBytes(TorchDispatchMode):
    """Follows every tensor that an operation makes, from its making to its end."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        made = function(*args, **(kwargs or {}))
        for tensor in tree_iter(made):
            if isinstance(tensor, Tensor):
                self._follow(tensor.untyped_storage())
        return made

    def _follow(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._known:
            return
        self._known.add(key)
        self.now += size
        self.peak = max(self.peak, self.now)

        def ended() -> None:
            self._known.discard(key)
            self.now -= size

        weakref.finalize(storage, ended)


def _peak_bytes(architecture: Architecture, resolution: int, batch: int = 1) -> int:
    program = network_program(architecture, resolution)
    zeros = [
        (np.zeros(weight, np.float32), np.zeros(bias, np.float32))
        for weight, bias in program.shapes
    ]
    loaded = TorchProgram(program, zeros, CPU, torch.float32)
    with torch.inference_mode(), _LiveBytes() as live:
        # Nothing but this list holds the images, so that they end where the stem has read them.
        images = [torch.zeros(batch, architecture.in_channels, resolution, resolution)]
        loaded.run(images)
    return live.peak


@pytest.mark.slow
@pytest.mark.parametrize("space", ["mnasnet", "regnet"])
def test_peak_memory_of_random_networks_is_torchs_to_the_byte(space: str) -> None:
    found = load_space(space)
    for row in found.sample(np.random.default_rng(0), 30):
        architecture = found.decode(row)
        assert cost(architecture, 40).memory_bytes == _peak_bytes(architecture, 40)


@pytest.mark.parametrize("name", ["efficientnet-b0", "mobilenet-v1", "mnasnet-a1", "resnet-50"])
def test_peak_memory_of_published_networks_is_torchs_to_the_byte(name: str) -> None:
    assert cost(load_zoo(name), 64).memory_bytes == _peak_bytes(load_zoo(name), 64)


def test_peak_memory_of_random_stages_is_torchs_to_the_byte() -> None:
    rng = np.random.default_rng(1)
    for _ in range(40):
        stages = [LATER.stages[place] for place in rng.permutation(len(LATER.stages))[:3]]
        base = LATER
        if rng.random() < 0.5:
            stages = [EVEN.stages[place] for place in rng.permutation(len(EVEN.stages))[:3]]
            base = replace(EVEN, norm=str(rng.choice(["layer", "group8"])))
        padding = "same" if rng.random() < 0.5 else "symmetric"
        architecture = replace(base, stages=tuple(stages), padding=padding)
        side = int(rng.integers(9, 49))
        assert cost(architecture, side).memory_bytes == _peak_bytes(architecture, side)


@pytest.mark.parametrize("architecture", NETWORKS, ids=str_of)
@pytest.mark.parametrize("resolution", [8, 33, 48])
def test_peak_memory_of_every_kind_of_layer_is_torchs_to_the_byte(
    architecture: Architecture, resolution: int
) -> None:
    assert cost(architecture, resolution).memory_bytes == _peak_bytes(architecture, resolution)


def test_peak_memory_grows_with_the_batch() -> None:
    assert _peak_bytes(EVERYTHING, 33, batch=3) == 3 * cost(EVERYTHING, 33).memory_bytes


def test_values_are_freed_after_the_last_step_that_reads_them() -> None:
    block = Block("mbconv", 3, 1, 4, 8, 4, 2, "identity")
    program = block_program(block, "relu", 8)
    freed = [value for values in program.last_reads for value in values]
    assert sorted(freed) == sorted(set(freed))
    assert program.steps[-1].target not in freed
    assert program.last_reads[-1] == (0,)  # the block's input waits for the addition
