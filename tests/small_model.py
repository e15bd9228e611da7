"""A small trained-looking model file: what tests of everything after training start from."""

from pathlib import Path
from typing import Any

import torch

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.network import Network, build_network
from effsearch.search_spaces.notation import parse_architecture
from effsearch.training.models.model_file import ModelInfo, save_model

# Two strides: at 16 pixels the last feature map is 4×4.
SMALL = parse_architecture(
    "res16 act_silu stem_k3_s1_c8 ds_r1_k3_s1_c8_se0.25 ir_r2_k3_s2_e2_c16_se0.25 "
    "ir_r1_k5_s2_e2_c16_se0.25 head_c32"
)

# What a training says that held a fifth of the digits out.
HELD_OUT: dict[str, Any] = {
    "data": {"name": "digits", "train_images": 1151, "validation_images": 287},
    "recipe": {"validation": 0.2, "split_seed": 0},
}


def small_info(architecture: Architecture = SMALL, **changes: Any) -> ModelInfo:
    """What a training on the digits would say."""
    values: dict[str, Any] = {
        "architecture": architecture,
        "class_names": tuple("0123456789"),
        "resolution": architecture.resolution,
        "crop_ratio": 1.0,
        "mean": (78.0, 78.0, 78.0),
        "std": (96.0, 96.0, 96.0),
        "data": {"name": "digits"},
        "recipe": {"epochs": 1, "lr": 0.01},
        "metrics": {"epoch": 1, "top1": 0.25, "loss": 2.0},
        "versions": {"effsearch": "0.1.0"},
    }
    return ModelInfo(**values | changes)


def lively_network(architecture: Architecture, classes: int = 10) -> Network:
    """Seeded weights and statistics of a network that saw noise: its logits differ by image."""
    torch.manual_seed(3)
    network = build_network(architecture, classes=classes, norm_momentum=1.0)
    side = architecture.resolution
    with torch.no_grad():
        network.train()(torch.randn(16, architecture.in_channels, side, side))
        torch.nn.init.normal_(network.classifier.weight, std=architecture.features**-0.5)
    return network.eval()


def write_model(path: Path, architecture: Architecture = SMALL, **changes: Any) -> Network:
    """Write a model file and give its network."""
    info = small_info(architecture, **changes)
    network = lively_network(architecture, info.classes)
    save_model(path, network.state_dict(), info)
    return network
