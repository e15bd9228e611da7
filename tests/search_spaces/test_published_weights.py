"""The same weights give the same logits as in torchvision and timm, under their names.

Random weights and random batch statistics: nothing is downloaded, and nothing cancels out.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from counted_network import counted, without_weights
from same_logits import largest_difference
from small_model import SMALL, write_model
from torch import nn

from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.network import build_network
from effsearch.search_spaces.notation import format_stage
from effsearch.search_spaces.parts import Stem
from effsearch.search_spaces.scaling import PUBLISHED_COEFFICIENTS, compound
from effsearch.search_spaces.zoo import load_zoo, resolve_architecture
from effsearch.training.export import export_model
from effsearch.training.models.model_file import empty_network
from effsearch.training.models.published_weights import load_published_weights, to_published
from effsearch.training.models.weight_names import layer_names

SEARCHED = (
    "act_hard_swish stem_c16 se_mobilenetv3 ds_r1_k3_s1_c16_nre ir_r1_k7_s2_e4_c24_se0.25 "
    "+ir_r1_k3_s1_e3_c24_se0.25_nre er_r1_k3_s1_c24 ir_r2_k5_s2_e2.3_c40 cn_r1_k1_s1_c96 "
    "head_c64_pooled"
)
"""A network of MobileNetV3's blocks that no library has ready."""

LATER = (
    "stem_c16 pad_same norm_group8 ds_r1_k3.5.7_s1_c16 ir_r1_k3.5.7_a1.1_p1.1_s2_e6_c24_se0.25 "
    "+ir_r1_k3_s1_e6_c24_gs8 ir_r2_k5_s2_e3_c40_se0.25_cc4 uir_r2_k3_a5_s2_e4_c48 head_c64"
)
"""Of later operations; three kernels share 16 channels as in timm, where the first has the rest."""

DEEP = (
    "act_relu stem_c32_{}_pool bs_r1_k3_s1_c24 bs_r2_k3_s2_c32 bs_r1_k3_s2_c32 bs_r1_k3_s2_c48 "
    "head_c0"
)
BOTTLENECKS = (
    "act_relu stem_k7_s2_c64_pool bt_r1_k3_s1_e0.25_c32 bt_r1_k3_s2_e0.25_c64 "
    "bt_r1_k3_s2_e0.25_c64 bt_r1_k3_s2_e0.25_c96 head_c0"
)
FOURTH = (
    "act_relu stem_c16 norm_layer cn_r1_k3_s2_c16 uir_r1_k5_a3_s2_e4_c24 +uir_r1_k0_a3_s1_e2_c24 "
    "uir_r1_k3_s2_e4_c40 cn_r1_k1_s1_c96 head_c64_poolednorm"
)

Import = Callable[[str], ModuleType]


def randomise_norms(network: nn.Module, images: torch.Tensor) -> float:
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


def compare(name: str, theirs: nn.Module) -> None:
    torch.manual_seed(0)
    # Smooth images of different brightness, for noise looks alike once it is pooled.
    coarse = torch.randn(4, 3, 7, 7) + torch.randn(4, 3, 1, 1)
    images = nn.functional.interpolate(coarse, size=128, mode="bilinear")
    epsilon = randomise_norms(theirs, images)
    theirs.eval()
    ours = build_network(replace(load_zoo(name), norm_eps=epsilon)).eval()
    load_published_weights(ours, theirs.state_dict())
    with torch.no_grad():
        expected = theirs(images)
        logits = ours(images)
    # Not one answer for everything: what is compared depends on the images.
    assert expected.std(dim=0).mean() > 0.05
    assert (logits - expected).abs().max() < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("efficientnet-b0", "efficientnet_b0"),
        ("efficientnetv2-s", "efficientnet_v2_s"),
        ("mobilenet-v2", "mobilenet_v2"),
        ("resnet-50", "resnet50"),
        ("mobilenet-v3-large", "mobilenet_v3_large"),
        ("mobilenet-v3-small", "mobilenet_v3_small"),
        ("resnet-18", "resnet18"),
        ("resnext-50", "resnext50_32x4d"),
    ],
)
def test_logits_equal_torchvision_s(name: str, theirs: str, import_vision: Import) -> None:
    torch.manual_seed(1)
    compare(name, getattr(import_vision("torchvision.models"), theirs)(weights=None))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("efficientnet-b0", "efficientnet_b0"),
        ("efficientnetv2-s", "efficientnetv2_s"),
        ("mobilenet-v1", "mobilenetv1_100"),
        ("mobilenet-v2", "mobilenetv2_100"),
        ("mnasnet-a1", "semnasnet_100"),
        ("resnet-50", "resnet50"),
        ("mobilenet-v3-large", "mobilenetv3_large_100"),
        ("mobilenet-v3-small", "mobilenetv3_small_100"),
        ("resnet-18", "resnet18"),
        ("resnext-50", "resnext50_32x4d"),
        ("se-resnet-50", "seresnet50"),
    ],
)
def test_logits_equal_timm_s(name: str, theirs: str, import_vision: Import) -> None:
    torch.manual_seed(1)
    compare(name, import_vision("timm").create_model(theirs, pretrained=False))


FAMILY = [(f"efficientnet-b{member}", f"efficientnet_b{member}") for member in range(8)]
OTHERS = [
    ("efficientnetv2-s", "efficientnetv2_s"),
    ("mobilenet-v1", "mobilenetv1_100"),
    ("mobilenet-v2", "mobilenetv2_100"),
    ("mnasnet-a1", "semnasnet_100"),
    ("resnet-50", "resnet50"),
    ("mobilenet-v3-large", "mobilenetv3_large_100"),
    ("mobilenet-v3-small", "mobilenetv3_small_100"),
    ("resnet-34", "resnet34"),
    ("resnet-101", "resnet101"),
    ("resnet-152", "resnet152"),
    ("resnext-50", "resnext50_32x4d"),
    ("se-resnet-50", "seresnet50"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "theirs"), FAMILY + OTHERS)
def test_timm_s_networks_take_our_names_and_shapes(
    name: str, theirs: str, import_vision: Import
) -> None:
    timm = import_vision("timm")
    architecture = load_zoo(name)
    state = empty_network(architecture, 10).state_dict()
    with torch.device("meta"):
        network = timm.create_model(theirs, num_classes=10)
    network.load_state_dict(to_published(architecture, state, "timm"), strict=True, assign=True)


@pytest.mark.slow
def test_a_member_of_the_formula_has_timm_s_logits(import_vision: Import) -> None:
    efficientnet = import_vision("timm.models.efficientnet")
    member = compound(load_zoo("efficientnet-b0"), PUBLISHED_COEFFICIENTS, 0.5)
    ours = build_network(replace(member, resolution=64), classes=10)
    images = torch.randn(2, 3, 64, 64)
    randomise_norms(ours, images)
    theirs = efficientnet.EfficientNet(
        efficientnet.decode_arch_def([[format_stage(stage)] for stage in member.stages]),
        num_classes=10,
        num_features=member.head.channels,
        stem_size=member.stem.channels,
        fix_stem=True,
        act_layer=nn.SiLU,
        norm_layer=partial(nn.BatchNorm2d, eps=member.norm_eps),
    )
    theirs.load_state_dict(to_published(member, ours.state_dict(), "timm"), strict=True)
    with torch.no_grad():
        difference = ours.eval()(images) - theirs.eval()(images)
    assert difference.abs().max() < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "widths"), [("deep", (32, 32, 64)), ("deep_tiered", (24, 32, 64))]
)
@pytest.mark.parametrize(
    ("name", "block"), [("resnet-18", "BasicBlock"), ("resnet-50", "Bottleneck")]
)
def test_a_deep_stem_is_timm_s(
    name: str, block: str, kind: str, widths: tuple[int, ...], import_vision: Import
) -> None:
    resnet = import_vision("timm.models.resnet")
    published = load_zoo(name)
    architecture = replace(
        published, stem=Stem(channels=64, kind=kind, pool=True), resolution=64, norm_eps=1e-5
    )
    layers = tuple(stage.layers for stage in published.stages)
    with without_weights():
        theirs = resnet.ResNet(getattr(resnet, block), layers, stem_type=kind, stem_width=32)
    convs = [module for module in theirs.conv1 if isinstance(module, nn.Conv2d)]
    assert tuple(conv.out_channels for conv in convs) == widths
    known = cost(architecture)
    assert counted(theirs.eval(), 64) == (known.params, known.macs)
    if block == "BasicBlock":
        assert largest_difference(theirs, architecture) < 1e-4
    with pytest.raises(InputError, match="torchvision has no ResNet like this one"):
        layer_names(architecture, "torchvision")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("efficientnet-b0", "timm"),
        (None, "timm"),
        ("mobilenet-v2", "torchvision"),
        ("mobilenet-v3-small", "timm"),
        ("mobilenet-v3-small", "torchvision"),
        (SEARCHED, "timm"),
        (LATER, "timm"),
        (FOURTH, "timm"),
        ("regnety-400mf", "timm"),
        ("mnasnet-b1-0.5", "torchvision"),
        (DEEP.format("deep"), "timm"),
        (DEEP.format("deep_tiered"), "timm"),
        (BOTTLENECKS, "timm"),
    ],
)
def test_the_lines_of_a_card_load_the_export(
    name: str | None,
    library: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    import_vision: Import,
) -> None:
    import_vision(library)
    architecture = SMALL
    if name is not None:
        architecture = replace(resolve_architecture(name), resolution=32)
    stem = replace(architecture.stem, stride=1)
    network = write_model(tmp_path / "best.safetensors", replace(architecture, stem=stem))
    done = export_model(
        tmp_path / "best.safetensors",
        tmp_path / "m.safetensors",
        format="safetensors",
        names=library,
        images=torch.randint(256, (2, 3, 32, 32), dtype=torch.uint8),
        images_from="noise",
    )
    monkeypatch.chdir(tmp_path)
    code = done.card.read_text().split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(code, names)
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.allclose(names["network"](images), network(images), atol=1e-4)
