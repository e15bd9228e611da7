"""Our layers' names beside timm's and torchvision's, so that weights travel both ways.

The networks are the same layers in the same order; only what a state dict calls them differs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Literal, get_args

from torch import Tensor

from effsearch.search_spaces.architecture import Architecture, stage_blocks
from effsearch.search_spaces.block import Block
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.network import Network
from effsearch.search_spaces.operations import OPERATIONS, block_layers
from effsearch.search_spaces.operations.layer import (
    Convolution,
    Layer,
    Pair,
    Router,
    SqueezeExcite,
    is_lone,
)
from effsearch.search_spaces.operations.operation import Scheme
from effsearch.training.models.model_file import check_tensors
from effsearch.training.models.weight_file import read_tensors, without_prefixes

Library = Literal["timm", "torchvision"]


def layer_names(architecture: Architecture, library: Library) -> dict[str, str]:
    """The layers that hold tensors, from our name to the library's.

    timm: EfficientNet of any scale, EfficientNetV2, MobileNetV1 and V2, MnasNet-A1 and searched
    networks of their blocks. torchvision: EfficientNet, EfficientNetV2 and MobileNetV2. Both:
    ResNet of four stages.

    Raises:
        InputError: an unknown library, or it has no network with this one's blocks.
    """
    if library not in get_args(Library):
        raise unknown_name("library of weights", library, get_args(Library))
    if all("resnet" in OPERATIONS[stage.op].schemes for stage in architecture.stages):
        return _resnet_names(architecture, library)
    _refuse_foreign_blocks(architecture, library)
    if library == "timm":
        return _timm_names(architecture)
    return _torchvision_names(architecture)


def to_published(
    architecture: Architecture, state: Mapping[str, Tensor], library: Library
) -> dict[str, Tensor]:
    """Our state dict under the library's names; `load_state_dict(strict=True)` takes it there.

    Raises:
        InputError: as `layer_names`.
    """
    return _renamed(state, layer_names(architecture, library))


def from_published(
    architecture: Architecture, state: Mapping[str, Tensor], source: str = "the weights"
) -> dict[str, Tensor]:
    """A state dict of timm or torchvision, told apart by its names, under our names.

    Prefixes of wrappers are taken off (`module.`, `_orig_mod.`, `backbone.`, `model.`). Shapes are
    not looked at. Names that are none of the network's stay as they are.

    Args:
        source: what the weights are called in an error.

    Raises:
        InputError: the names are neither library's, or as `layer_names`.
    """
    state = without_prefixes(state)
    if "stem.0.weight" in state:  # our own names already
        return state
    names = layer_names(architecture, _library_of(state, source))
    return _renamed(state, {theirs: ours for ours, theirs in names.items()})


def load_published_weights(network: Network, weights: Mapping[str, Tensor] | str | Path) -> None:
    """Copy the weights of timm or torchvision into a network of ours.

    A state dict does not say with which epsilon its batch normalization was trained: build the
    network with the library's `norm_eps` for the same logits (1e-5 for timm's `efficientnet_b*`
    and torchvision's EfficientNet-B0 to B4, 1e-3 for torchvision's B5 to B7). timm's `tf_*`
    networks pad otherwise than any network here; their weights load, their logits differ.

    Args:
        weights: a state dict, or a file of one (see `weight_file.read_tensors`).

    Raises:
        InputError: an unreadable file, names of neither library, or a tensor that is missing, left
            over or of another shape.
    """
    source = "the weights" if isinstance(weights, Mapping) else f"'{weights}'"
    state = weights if isinstance(weights, Mapping) else read_tensors(Path(weights))
    ours = from_published(network.architecture, state, source)
    expected = network.state_dict()
    left_over = sorted(ours.keys() - expected.keys())
    if left_over:
        raise InputError(f"{source} hold '{left_over[0]}', which the network does not have")
    network.load_state_dict(check_tensors(ours, expected, source))


@dataclass(frozen=True)
class _Place:
    """A block, and where it stands: stage, layer in the stage, layer in the network; from 0."""

    block: Block
    stage: int
    layer: int
    index: int

    @property
    def layers(self) -> list[tuple[Layer, Pair]]:
        """The layers with tensors, and the names of their two in `search_spaces.network`."""
        body = f"blocks.{self.index}" + ("" if self.block.shortcut == "none" else ".body")
        layers = block_layers(self.block)
        if is_lone(layers):
            # A lone convolution is not nested, and what follows it stands behind its activation.
            return [(layers[0], (f"{body}.0", f"{body}.1"))]
        leaves = {SqueezeExcite: ("reduce", "expand"), Router: ("linear", "")}
        named: list[tuple[Layer, Pair]] = []
        for position, layer in enumerate(layers):
            one, other = leaves.get(type(layer), ("0", "1"))
            named.append((layer, (f"{body}.{position}.{one}", f"{body}.{position}.{other}")))
        return named

    def named(self, prefix: str) -> dict[str, str]:
        """From our names to those that the layers themselves say."""
        names = {}
        for layer, (first, second) in self.layers:
            if isinstance(layer, Router):
                names[first] = f"{prefix}.{layer.names[0]}"
            elif isinstance(layer, SqueezeExcite | Convolution):
                names[second] = f"{prefix}.{layer.names[1]}"
                if isinstance(layer, SqueezeExcite) or len(layer.parts) == 1:
                    names[first] = f"{prefix}.{layer.names[0]}"
                    continue
                for place, part in enumerate(layer.parts):
                    names[f"{first}.{place}"] = f"{prefix}.{part.names[0]}"
        return names


def _places(architecture: Architecture) -> Iterator[_Place]:
    index, channels = count(), architecture.stem.channels
    number, layer = -1, count()
    for stage in architecture.stages:
        if number < 0 or not stage.joined:
            number, layer = number + 1, count()
        for block in stage_blocks(stage, channels):
            yield _Place(block, number, next(layer), next(index))
        channels = stage.channels


def _timm_names(architecture: Architecture) -> dict[str, str]:
    pooled = architecture.head.pooled
    names = {"stem.0": "conv_stem", "stem.1": "bn1"}
    for place in _places(architecture):
        names |= place.named(f"blocks.{place.stage}.{place.layer}")
    names |= _head_names(architecture, ("conv_head", "norm_head" if pooled else "bn2"))
    return names | {"classifier": "classifier"}


def _head_names(architecture: Architecture, names: Pair) -> dict[str, str]:
    head = architecture.head
    if not head.channels:
        return {}
    conv, norm = names
    return {"head.0": conv} | ({"head.1": norm} if head.pooled in (None, "norm") else {})


def _torchvision_names(architecture: Architecture) -> dict[str, str]:
    # torchvision's MobileNets count their blocks through, its EfficientNet counts by stage;
    # MobileNetV2 wraps the last convolution of a block in nothing, MobileNetV3 has no stage for
    # what stands before the pooling.
    second, third = architecture.activation == "relu6", architecture.head.pooled == "bias"
    names = {"stem.0": "features.0.0", "stem.1": "features.0.1"}
    last = 0
    for place in _places(architecture):
        last = (place.index if second or third else place.stage) + 1
        prefix = f"features.{last}.{place.layer}.block"
        if second:
            prefix = f"features.{last}.conv"
        elif third:
            prefix = f"features.{last}.block"
        for position, (layer, ours) in enumerate(place.layers):
            leaves = (f"{position}.0", f"{position}.1")
            if isinstance(layer, SqueezeExcite):
                leaves = (f"{position}.fc1", f"{position}.fc2")
            elif second and position == len(place.layers) - 1:
                leaves = (f"{position}", f"{position + 1}")
            names[ours[0]], names[ours[1]] = (f"{prefix}.{leaf}" for leaf in leaves)
        if third and is_lone(block_layers(place.block)):
            (_, (conv, norm)), *_ = place.layers
            names |= {conv: f"features.{last}.0", norm: f"features.{last}.1"}
    if third:
        return names | {"head.0": "classifier.0", "classifier": "classifier.3"}
    names |= {"head.0": f"features.{last + 1}.0", "head.1": f"features.{last + 1}.1"}
    return names | {"classifier": "classifier.1"}


def _resnet_names(architecture: Architecture, library: Library) -> dict[str, str]:
    """ResNet is called the same in timm and torchvision."""
    plain = architecture.stem.pool and not architecture.head.channels
    places = list(_places(architecture))
    squeezed = any(place.block.se_channels and place.block.squeeze != "senet" for place in places)
    squeezed = squeezed or (library == "torchvision" and any(p.block.se_channels for p in places))
    skips = {place.block.shortcut for place in places} <= {"identity", "projection"}
    if not plain or squeezed or not skips or len(architecture.stages) != 4:
        raise InputError(
            f"{library} has no ResNet like this one: its names are for four stages of plain "
            "blocks behind a pooled stem, without a last convolution"
        )
    names = {"stem.0": "conv1", "stem.1": "bn1"}
    for place in places:
        prefix = f"layer{place.stage + 1}.{place.layer}"
        names |= place.named(prefix)
        if place.block.shortcut == "projection":
            shortcut = f"blocks.{place.index}.shortcut"
            names |= {f"{shortcut}.{part}": f"{prefix}.downsample.{part}" for part in (0, 1)}
    return names | {"classifier": "fc"}


def _refuse_foreign_blocks(architecture: Architecture, library: Library) -> None:
    scheme: Scheme = library
    if library == "torchvision" and architecture.activation == "relu6":
        scheme = "torchvision_mobilenet"
    for stage in architecture.stages:
        if scheme not in OPERATIONS[stage.op].schemes:
            raise _foreign(library, f"the operation '{stage.op}'")
    for block in architecture.blocks:
        if block.shortcut not in ("none", "identity"):
            raise _foreign(library, f"the skip option '{block.shortcut}'")
        layers = block_layers(block)
        if is_lone(layers) and len(layers) > 1:
            raise _foreign(library, "squeeze-excite behind a plain convolution")
        if library == "torchvision" and architecture.activation == "relu6" and block.se_channels:
            raise _foreign(library, "squeeze-excite and relu6")
    if architecture.stem.pool:
        raise _foreign(library, "a pooled stem before such blocks")
    if library == "torchvision" and not architecture.head.channels:
        raise _foreign(library, "no last convolution behind such blocks")


def _foreign(library: Library, what: str) -> InputError:
    return InputError(
        f"{library} has no network with {what}: export with this project's own names instead"
    )


def _library_of(state: Mapping[str, Tensor], source: str) -> Library:
    if "features.0.0.weight" in state:
        return "torchvision"
    if "conv_stem.weight" in state or "conv1.weight" in state:
        return "timm"
    raise InputError(
        f"{source} have names of neither timm nor torchvision (no 'conv_stem.weight', "
        "'conv1.weight' or 'features.0.0.weight'): give the state dict of one of their networks"
    )


def _renamed(state: Mapping[str, Tensor], layers: Mapping[str, str]) -> dict[str, Tensor]:
    renamed = {}
    for name, tensor in state.items():
        layer, _, leaf = name.rpartition(".")
        known = layers.get(layer)
        # A pooled convolution is a linear layer in torchvision: the same numbers, two sides less.
        if known == "head.0" and tensor.ndim == 2:
            tensor = tensor[:, :, None, None]
        elif known == "classifier.0" and layer == "head.0":
            tensor = tensor.flatten(1) if tensor.ndim == 4 else tensor
        renamed[f"{known}.{leaf}" if known else name] = tensor
    return renamed
