"""Networks cut from a supernet: what they share, and that they are whole."""

from pathlib import Path
from typing import Any

import pytest
import torch
from supernets import IMAGES, SPACE, make, pick, random_networks
from torch import nn

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.block import Block
from effsearch.search_spaces.errors import EffsearchError, InputError
from effsearch.search_spaces.network import Network
from effsearch.search_spaces.operations import OPERATIONS
from effsearch.search_spaces.operations.layer import Convolution, Layer
from effsearch.search_spaces.operations.operation import Operation
from effsearch.search_spaces.space_file import load_space, parse_space, shipped_spaces
from effsearch.training.models.model_file import read_model
from effsearch.training.supernet.calibration import recalibrate
from effsearch.training.supernet.cutting import cuts, trained_tensors
from effsearch.training.supernet.extracting import extract
from effsearch.training.supernet.recipe import SupernetRecipe
from effsearch.training.supernet.supernet import Supernet

pytestmark = pytest.mark.slow  # together they take many seconds


def tensors(network: Network) -> list[torch.Tensor]:
    return [getattr(module, name).detach() for module, name in trained_tensors(network)]


def extracted_difference(supernet: Supernet, network: Architecture, folder: Path) -> float:
    """How far the logits of a network's own file are from those of the supernet's slices."""
    side = 32 if network.resolution > 32 else network.resolution
    images = torch.randn(4, 3, side, side, generator=torch.Generator().manual_seed(2))
    cut = recalibrate(supernet.cut(network), [images])
    info: Any = type("Info", (), {})()
    info.class_names, info.resolution = tuple("0123456789"), side
    info.mean = info.std = (1.0, 1.0, 1.0)
    info.data, info.recipe = {"name": "noise"}, SupernetRecipe()
    found: Any = type("Found", (), {"top1": 0.5, "loss": 1.0})
    extract(folder / "one.safetensors", cut, info, found, {})
    alone, _ = read_model(folder / "one.safetensors")
    alone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as it is used
    with torch.no_grad():
        return float((alone(images) - cut(images)).abs().max())


def test_every_network_of_a_space_can_be_cut() -> None:
    supernet = make()
    for network in random_networks(SPACE, 30):
        assert supernet.cut(network)(IMAGES).shape == (6, 10)


def test_an_extracted_network_answers_as_the_supernets_slices(tmp_path: Path) -> None:
    supernet = make()
    for network in random_networks(SPACE, 10):
        assert extracted_difference(supernet, network, tmp_path) <= 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped_spaces())
def test_networks_of_shipped_spaces_are_extracted_whole(name: str, tmp_path: Path) -> None:
    space = load_space(name)
    supernet = Supernet(space, 10)
    for network in random_networks(space, 2):
        assert extracted_difference(supernet, network, tmp_path) <= 1e-6


def test_kernels_are_the_centre_of_the_largest_and_channels_the_first() -> None:
    supernet = make()
    small, large = (
        supernet.cut(pick(stages_0_block=3, stages_0_kernel=k, stages_0_channels=c))
        for k, c in ((0, 0), (2, 1))
    )
    three, seven = (one.blocks[0][1][0].weight for one in (small, large))  # type: ignore[union-attr, index]
    assert three.shape[2:] == (3, 3)
    assert torch.equal(three, seven[:, :, 2:5, 2:5])
    narrow, wide = (one.blocks[0][2][0].weight for one in (small, large))  # type: ignore[union-attr, index]
    assert narrow.shape[0] == 8
    assert torch.equal(narrow, wide[:8])


def test_a_network_of_fewer_layers_is_the_beginning_of_a_longer_one() -> None:
    supernet = make()
    short, long = (supernet.cut(pick(stages_0_layers=layers)) for layers in (0, 2))
    for one, other in zip(short.blocks[0].parameters(), long.blocks[0].parameters(), strict=True):
        assert torch.equal(one, other)
    assert len(long.blocks) == len(short.blocks) + 2


def test_squeeze_excite_and_skips_are_switched_and_change_no_other_weight() -> None:
    supernet = make()
    plain, gated = (supernet.cut(pick(stages_0_block=2, stages_0_se=se)) for se in (0, 1))
    shared = list(cuts(plain.architecture, 10))
    also = {one.shared for one in cuts(gated.architecture, 10)}
    assert {one.shared for one in shared} < also
    none, identity = (pick(stages_0_skip=skip) for skip in (0, 1))
    assert list(cuts(none, 10)) == list(cuts(identity, 10))


def test_what_shares_no_weights_is_named() -> None:
    apart = make().sharing.side_by_side
    assert apart["stages.0"] == [
        "conv (conv)",
        "mbconv (conv_dw+conv_pw)",
        "mbconv (conv_pw+conv_dw+conv_pwl)",
    ]
    assert any("bottleneck" in kind for kind in apart["stages.1"])
    assert "stands side by side in stages.0, stages.1" in make().sharing.notice


def test_groups_of_different_sizes_share_no_weights() -> None:
    space = parse_space(
        """
resolution: 8
stem: {channels: 8, stride: 1}
stages:
  - block: [{op: bottleneck, expand: 0.5}, {op: bottleneck, expand: 0.5, group_size: 2}]
    channels: [16, 32]
""",
        "grouped",
    )
    kinds = make(space).sharing.side_by_side["stages.0"]
    assert kinds[1:] == ["bottleneck's conv2 (2x2)", "bottleneck's conv2 (no groups)"]


def test_a_space_in_which_all_is_shared_says_nothing() -> None:
    space = load_space("mobilenetv3")
    assert make(space).sharing.notice == ""


def test_a_supernet_too_large_is_refused() -> None:
    space = parse_space(
        "{stages: [{op: conv, channels: [8, 60000]}, {op: conv, channels: 60000}]}", "vast"
    )
    with pytest.raises(InputError, match="narrow its widths"):
        Supernet(space, 10)


@pytest.mark.parametrize("op", sorted(OPERATIONS))
def test_every_operation_is_shared(op: str, tmp_path: Path) -> None:
    space = parse_space(
        f"{{resolution: 8, stem: {{channels: 8, stride: 1}}, stages: [{{op: {op}, "
        "channels: [8, 16], stride: 2, layers: [1, 2]}]}",
        op,
    )
    supernet = make(space)
    for row in space.enumerate():
        assert extracted_difference(supernet, space.decode(row), tmp_path) <= 1e-6


def test_an_operation_that_nobody_knew_needs_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def layers(block: Block) -> tuple[Layer, ...]:
        into, out = block.in_channels, block.out_channels
        return (
            Convolution(("tall", "bn1"), into, into, block.kernel, groups=into),
            Convolution(("wide", "bn2"), into, out, block.kernel, block.stride),
        )

    monkeypatch.setitem(
        OPERATIONS, "new", Operation(name="new", code="nw", label="New", layers=layers)
    )
    space = parse_space(
        "{resolution: 8, stem: {channels: 8, stride: 1}, stages: [{op: new, kernel: [3, 5], "
        "channels: [8, 16], layers: [1, 2]}]}",
        "new",
    )
    supernet = make(space)
    for row in space.enumerate():
        assert extracted_difference(supernet, space.decode(row), tmp_path) <= 1e-6


def test_gradients_go_where_the_slices_came_from() -> None:
    supernet = make()
    small, large = pick(stages_0_block=3), pick(stages_0_block=3, stages_0_kernel=2)
    wanted: dict[str, torch.Tensor] = {}
    for architecture in (small, large):
        network = supernet.cut(architecture)
        network(IMAGES).square().sum().backward()
        supernet.collect(network)
        for (module, name), cut in zip(
            trained_tensors(network), cuts(architecture, 10), strict=True
        ):
            whole = torch.zeros(supernet.sharing.shapes[cut.shared])
            part = whole[tuple(slice(0, length) for length in cut.shape[:2])]
            if len(cut.shape) == 4:
                edge = (part.shape[2] - cut.shape[2]) // 2
                part = part[:, :, edge : edge + cut.shape[2], edge : edge + cut.shape[3]]
            part.copy_(getattr(module, name).grad)
            wanted[cut.shared] = wanted.get(cut.shared, 0) + whole
    for name, parameter in supernet.named_parameters():
        if name in wanted:
            assert parameter.grad is not None
            torch.testing.assert_close(parameter.grad, wanted[name])
        else:
            assert parameter.grad is None


def test_a_learned_map_of_kernels_begins_as_none_and_learns() -> None:
    plain, mapped = make(), make(kernel_transform=True)
    network = pick(stages_0_block=3, stages_0_kernel=0)
    for one, other in zip(tensors(plain.cut(network)), tensors(mapped.cut(network)), strict=True):
        torch.testing.assert_close(one, other)
    cut = mapped.cut(network)
    cut(IMAGES).square().sum().backward()
    mapped.collect(cut)
    maps = {n: p for n, p in mapped.named_parameters() if n.endswith("transform:3")}
    learned = [name for name, parameter in maps.items() if parameter.grad is not None]
    assert any("depthwise" in name for name in learned)
    assert all(
        parameter.grad.abs().sum() > 0 for name, parameter in maps.items() if name in learned
    )  # type: ignore[union-attr]


def test_a_network_that_overflows_is_told() -> None:
    supernet = make()
    with torch.no_grad():
        supernet.get_parameter("stem:conv_stem:conv_stem:weight").fill_(float("inf"))
    with pytest.raises(EffsearchError, match="overflows with the supernet's weights"):
        recalibrate(supernet.cut(pick()), [IMAGES])


def test_recalibration_is_the_statistics_of_the_batches() -> None:
    network = make().cut(pick())
    seen: list[torch.Tensor] = []
    first = next(module for module in network.modules() if isinstance(module, nn.BatchNorm2d))
    hook = first.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    recalibrate(network, [IMAGES[:3], IMAGES[3:]])
    hook.remove()
    means = torch.stack([one.mean((0, 2, 3)) for one in seen]).mean(0)
    assert first.running_mean is not None
    torch.testing.assert_close(first.running_mean, means)
    assert not network.training


@pytest.mark.parametrize(
    "stage",
    [
        "{op: mbconv, expand: [2, 3], kernel: [[3, 5], [3, 5, 7], 5], channels: [16, 24]}",
        "{op: mbconv, expand: [2, 3], experts: 2, channels: [16, 24], layers: [1, 2]}",
        "{op: universal, kernel_before: [0, 3], kernel_after: [0, 3], channels: [16, 24]}",
    ],
)
@pytest.mark.parametrize("norm", ["batch", "layer", "group8"])
def test_newer_layers_are_shared_too(stage: str, norm: str, tmp_path: Path) -> None:
    space = parse_space(
        f"{{resolution: 8, norm: {norm}, stem: {{channels: 8, stride: 1}}, "
        f"stages: [{stage}], head: {{channels: 16}}}}",
        "newer",
    )
    supernet = make(space)
    for network in random_networks(space, 4):
        assert extracted_difference(supernet, network, tmp_path) <= 1e-6
    if "experts" in stage:
        kinds = supernet.sharing.side_by_side["stages.0"]
        assert any("experts of" in kind for kind in kinds)


def test_stems_of_one_and_of_three_convolutions_stand_side_by_side(tmp_path: Path) -> None:
    space = parse_space(
        "{resolution: 8, stem: {channels: [8, 16], stride: 1, kind: [plain, deep, deep_tiered]}, "
        "stages: [{op: conv, channels: 8}], head: {channels: 16}}",
        "stems",
    )
    supernet = make(space)
    for network in space.enumerate():
        assert extracted_difference(supernet, space.decode(network), tmp_path) <= 1e-6
