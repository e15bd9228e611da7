"""Networks with timm's manners, and as backbones of detectors and segmentation."""

from collections import OrderedDict
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.backbone import FeatureNetwork, Model
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.features import feature_levels
from effsearch.search_spaces.network import build_network
from effsearch.search_spaces.parts import Head, Stage, Stem
from effsearch.search_spaces.space_file import load_space, shipped_spaces
from effsearch.search_spaces.zoo import load_zoo

pytestmark = pytest.mark.slow  # together they take many seconds

SMALL = Architecture(
    stem=Stem(channels=8),
    stages=(
        Stage(op="mbconv", channels=8),
        Stage(op="mbconv", channels=16, layers=2, stride=2, expand=3, se=0.25),
        Stage(op="mbconv", channels=24, layers=2, stride=2, expand=3),
        Stage(op="mbconv", channels=32, stride=2, expand=3),
    ),
    head=Head(channels=64),
    resolution=64,
)


def model(network: Architecture = SMALL, **options: object) -> Model:
    return Model(network, **{"num_classes": 10, **options})  # type: ignore[arg-type]


def test_the_levels_are_those_of_timm_s_efficientnet() -> None:
    levels = feature_levels(load_zoo("efficientnet-b0"))
    assert [level.num_chs for level in levels] == [16, 24, 40, 112, 320]
    assert [level.reduction for level in levels] == [2, 4, 8, 16, 32]
    assert [level.module for level in levels][:2] == ["blocks.0", "blocks.2"]


@pytest.mark.parametrize("space", shipped_spaces())
def test_shapes_and_strides_of_random_networks_are_as_told(space: str) -> None:
    found = load_space(space)
    for row in found.sample(np.random.default_rng(15), 9):
        with torch.device("meta"):  # shapes alone
            network = FeatureNetwork(model(found.decode(row))).eval()
            maps = network(torch.zeros(1, 3, 224, 45))
        info = network.feature_info
        assert [one.shape[1] for one in maps] == info.channels()
        for one, reduction in zip(maps, info.reduction(), strict=True):
            assert one.shape[2:] == (-(-224 // reduction), -(-45 // reduction))


def test_the_maps_are_those_that_the_network_itself_computes() -> None:
    whole = model().eval()
    images = torch.rand(2, 3, 64, 64)
    seen: list[Tensor] = []
    whole.blocks[4].register_forward_hook(lambda module, given, out: seen.append(out))
    whole(images)
    with torch.inference_mode():
        (third,) = FeatureNetwork(whole, (2,)).eval()(images)
    assert torch.equal(third, seen[0])


def test_a_pooling_stem_has_a_map_before_and_behind_it() -> None:
    network = FeatureNetwork(model(load_zoo("resnet-50")), (0, 1)).eval()
    with torch.inference_mode():
        first, second = network(torch.zeros(1, 3, 64, 64))
    assert (first.shape, second.shape) == ((1, 64, 32, 32), (1, 256, 16, 16))


@pytest.mark.parametrize("pooled", [None, "bias", "norm", "plain"])
def test_features_and_head_together_are_the_network(pooled: str | None) -> None:
    network = Architecture(
        stages=SMALL.stages,
        stem=SMALL.stem,
        head=Head(channels=64, pooled=pooled),  # type: ignore[arg-type]
    )
    whole = model(network).eval()
    plain = build_network(network, classes=10).eval()
    plain.load_state_dict(whole.state_dict())
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        logits = whole.forward_head(whole.forward_features(images))
        assert torch.allclose(logits, plain(images), atol=1e-6)
        features = whole.forward_head(whole.forward_features(images), pre_logits=True)
    assert features.shape == (2, whole.num_features)


def test_the_classifier_is_replaced_and_removed() -> None:
    whole = model().eval()
    whole.reset_classifier(3)
    assert whole(torch.zeros(1, 3, 64, 64)).shape == (1, 3)
    whole.reset_classifier(0)
    assert whole(torch.zeros(1, 3, 64, 64)).shape == (1, 64)
    whole.reset_classifier(0, "")
    assert whole(torch.zeros(1, 3, 64, 64)).shape == (1, 64, 4, 4)
    with pytest.raises(InputError, match="needs pooled features"):
        whole.reset_classifier(5)


def test_an_index_of_no_map_is_told_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"out_indices has 7: .* 0 \(1/2\), 1 \(1/4\)"):
        FeatureNetwork(model(), (1, 7))


def test_blocks_can_be_computed_again_instead_of_kept() -> None:
    whole = model()
    images = torch.rand(4, 3, 32, 32)
    whole.set_grad_checkpointing()
    whole(images).sum().backward()
    again = [p.grad.clone() for p in whole.parameters() if p.grad is not None]
    assert len(again) == len(list(whole.parameters()))


class Pyramid(nn.Module):
    """What torchvision's detectors ask of a backbone: named maps of one width."""

    def __init__(self, backbone: FeatureNetwork, pyramid: nn.Module, width: int) -> None:
        super().__init__()
        self.backbone, self.pyramid, self.out_channels = backbone, pyramid, width

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        maps = self.backbone(x)
        named = OrderedDict((str(place), one) for place, one in enumerate(maps))
        found: dict[str, Tensor] = self.pyramid(named)
        return found


@pytest.mark.slow
def test_a_searched_network_is_the_backbone_of_torchvision_s_detector(
    import_vision: Callable[[str], ModuleType],
) -> None:
    detection = import_vision("torchvision.models.detection")
    anchors = import_vision("torchvision.models.detection.anchor_utils")
    ops = import_vision("torchvision.ops")
    torch.manual_seed(0)
    backbone = FeatureNetwork(model(), (1, 2, 3))
    pyramid = ops.FeaturePyramidNetwork(backbone.feature_info.channels(), 16)
    detector = detection.RetinaNet(
        Pyramid(backbone, pyramid, 16),
        num_classes=2,
        anchor_generator=anchors.AnchorGenerator(((8,), (16,), (32,)), ((1.0,),) * 3),
        min_size=64,
        max_size=64,
    ).train()
    images = [torch.rand(3, 64, 64) for _ in range(2)]
    boxes = torch.tensor([[8.0, 8.0, 40.0, 40.0]])
    targets = [{"boxes": boxes, "labels": torch.tensor([1])}] * 2
    before = [p.detach().clone() for p in backbone.parameters()]
    optimizer = torch.optim.AdamW(detector.parameters(), lr=2e-3)
    losses = []
    for _ in range(6):
        loss = sum(detector(images, targets).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert any(not torch.equal(*pair) for pair in zip(before, backbone.parameters(), strict=True))


class Unet(nn.Module):
    """A U-Net's decoder over the maps of an encoder, as segmentation_models_pytorch builds it."""

    def __init__(self, encoder: FeatureNetwork, classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        *skips, deepest = encoder.feature_info.channels()
        steps, into = [], deepest
        for skip in reversed(skips):
            steps.append(nn.Conv2d(into + skip, skip, 3, padding=1))
            into = skip
        self.steps, self.last = nn.ModuleList(steps), nn.Conv2d(into, classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        *skips, x = self.encoder(images)
        for step, skip in zip(self.steps, reversed(skips), strict=True):
            x = nn.functional.interpolate(x, size=skip.shape[2:])
            x = step(torch.cat([x, skip], 1)).relu()
        masks: Tensor = nn.functional.interpolate(self.last(x), size=images.shape[2:])
        return masks


def test_a_head_of_a_u_net_learns_on_it() -> None:
    torch.manual_seed(0)
    network = Unet(FeatureNetwork(model()), classes=2)
    images = torch.rand(2, 3, 64, 64)
    masks = (images.mean(1) > 0.5).long()
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
    losses = []
    for _ in range(6):
        loss = nn.functional.cross_entropy(network(images), masks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
