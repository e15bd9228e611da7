"""`effsearch.create_model`: every way to name a network, with weights; and timm's registry."""

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from small_model import SMALL, write_model

import effsearch
from effsearch.search_spaces.errors import InputError


def test_the_weights_of_a_training_come_with_the_network(tmp_path: Path) -> None:
    trained = write_model(tmp_path / "best.safetensors")
    made = effsearch.create_model(tmp_path / "best.safetensors", pretrained=True).eval()
    images = torch.rand(2, 3, 16, 16)
    assert torch.allclose(made(images), trained(images), atol=1e-6)
    config = made.pretrained_cfg
    assert (config["num_classes"], config["input_size"]) == (10, (3, 16, 16))
    assert config["mean"][0] == pytest.approx(78 / 255)


def test_other_classes_and_channels_keep_the_other_weights(tmp_path: Path) -> None:
    trained = write_model(tmp_path / "best.safetensors")
    made = effsearch.create_model(
        tmp_path / "best.safetensors", True, num_classes=3, in_chans=1
    ).eval()
    grey = torch.rand(2, 1, 16, 16)
    expected = trained.features(grey.expand(-1, 3, -1, -1))
    assert torch.allclose(made.forward_features(grey), expected, atol=1e-5)
    assert made(grey).shape == (2, 3)
    bare = effsearch.create_model(tmp_path / "best.safetensors", True, num_classes=0)
    assert bare.eval()(torch.rand(2, 3, 16, 16)).shape == (2, 32)


def test_a_backbone_has_the_weights_too(tmp_path: Path) -> None:
    trained = write_model(tmp_path / "best.safetensors")
    backbone = effsearch.create_model(
        str(tmp_path / "best.safetensors"), True, features_only=True, out_indices=(-1,)
    ).eval()
    images = torch.rand(2, 3, 16, 16)
    (last,) = backbone(images)
    assert torch.allclose(last, trained.blocks(trained.stem(images)), atol=1e-6)
    assert backbone.feature_info.channels() == [16]


@pytest.mark.parametrize(
    "network", [SMALL, effsearch.format_architecture(SMALL), SMALL.to_dict(), "effsearch/resnet50"]
)
def test_networks_are_taken_in_any_way(network: object) -> None:
    made = effsearch.create_model(network, num_classes=5)  # type: ignore[arg-type]
    assert made.num_classes == 5
    assert isinstance(made, torch.nn.Module)


def test_what_has_no_weights_says_where_they_come_from() -> None:
    with pytest.raises(InputError, match="pretrained weights come from a training"):
        effsearch.create_model(SMALL, pretrained=True)
    with pytest.raises(InputError, match="goes with features_only"):
        effsearch.create_model(SMALL, out_indices=(1,))


def test_timm_makes_them_once_ours_are_registered(
    import_vision: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    timm = import_vision("timm")
    importlib.import_module("effsearch.timm")
    assert "effsearch_efficientnet_b0" in timm.list_models("effsearch*")
    backbone = timm.create_model("effsearch_mobilenet_v2", features_only=True, out_indices=(1, 4))
    assert backbone.feature_info.reduction() == [4, 32]
    trained = write_model(tmp_path / "best.safetensors")
    again = timm.create_model(
        "effsearch", pretrained=True, network=tmp_path / "best.safetensors"
    ).eval()
    images = torch.rand(1, 3, 16, 16)
    assert torch.allclose(again(images), trained(images), atol=1e-6)
    config = timm.data.resolve_model_data_config(again)
    assert config["input_size"] == (3, 16, 16)
    assert config["mean"][0] == pytest.approx(78 / 255)
