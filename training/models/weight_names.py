"""Our layers' names beside timm's and torchvision's, so that weights travel both ways.

The networks are the same layers in the same order; only what a state dict calls them differs.
"""

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
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

    timm: whatever its EfficientNet and MobileNetV3 classes build, searched networks of their
    blocks among it. torchvision: EfficientNet and EfficientNetV2, MobileNetV2 and V3, MnasNet-B1.
    Both: ResNet of four stages and its kin, RegNet.

    Raises:
        InputError: an unknown library, or it has no network with this one's blocks.
    """
    if library not in get_args(Library):
        raise unknown_name("library of weights", library, get_args(Library))
    if all("resnet" in OPERATIONS[stage.op].schemes for stage in architecture.stages):
        if architecture.stem.pool:
            return _resnet_names(architecture, library)
        return _regnet_names(architecture, library)
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
    """A state dict of another library, told apart by its names, under our names.

    timm's, torchvision's, and the EfficientNet-PyTorch package's. Blocks that timm numbers in other
    stages than the architecture (one list of strings for another) are taken in their order.
    Prefixes of wrappers are taken off (`module.`, `_orig_mod.`, `backbone.`, `model.`). Shapes are
    not looked at. Names that are none of the network's stay as they are.

    Args:
        source: what the weights are called in an error.

    Raises:
        InputError: the names are neither library's, or as `layer_names`.
    """
    state = without_prefixes(state)
    if "stem.0.weight" in state and "classifier.weight" in state:  # our own names already
        return state
    if "_conv_stem.weight" in state:
        names = _efficientnet_pytorch_names(architecture)
    else:
        library = _library_of(state, source)
        names = layer_names(architecture, library)
        if library == "timm":
            state = _renumbered(state, names.values())
    return _renamed(state, {theirs: ours for ours, theirs in names.items()})


def load_published_weights(network: Network, weights: Mapping[str, Tensor] | str | Path) -> None:
    """Copy the weights of timm or torchvision into a network of ours.

    A state dict does not say with which epsilon its batch normalization was trained: build the
    network with the library's `norm_eps` for the same logits (1e-5 for timm's `efficientnet_b*`
    and torchvision's EfficientNet-B0 to B4, 1e-3 for torchvision's B5 to B7). Nor does it say how
    it pads: timm's `tf_*` and the EfficientNet-PyTorch package's networks want `pad_same`.

    Args:
        weights: a state dict, or a file of one (see `weight_file.read_tensors`).

    Weights that were trained with another padding than the network's load with a warning.

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
    if note := padding_note(network.architecture, state, source):
        warnings.warn(f"{source}: {note}", stacklevel=2)


def padding_note(
    architecture: Architecture, state: Mapping[str, Tensor], source: str | Path
) -> str | None:
    """What is to be said where weights were trained with TensorFlow's padding and the network has
    another; None where there is nothing to say.

    A state dict does not tell. The name of its file does, if it is timm's (`tf_efficientnet_b0…`),
    and names of the EfficientNet-PyTorch package do.
    """
    tensorflow = "_conv_stem.weight" in state or _TENSORFLOW.search(str(source)) is not None
    if not tensorflow or architecture.padding == "same":
        return None
    return (
        "these weights were trained with TensorFlow's padding and this network pads alike on both "
        "sides, so that its outputs are others: take tf_ before its name, or pad_same in its line"
    )


_TENSORFLOW = re.compile(r"(?:^|[^0-9A-Za-z_])tf_")


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


def _renumbered(state: Mapping[str, Tensor], names: Iterable[str]) -> dict[str, Tensor]:
    """Blocks under the numbers that `names` has for them, where theirs are as many in other
    stages."""
    theirs, ours = (
        sorted({(int(found[1]), int(found[2])) for name in known if (found := _BLOCK.match(name))})
        for known in (state, list(names))
    )
    if len(theirs) != len(ours) or theirs == ours:
        return dict(state)
    numbers = dict(zip(theirs, ours, strict=True))
    renamed = {}
    for name, tensor in state.items():
        if found := _BLOCK.match(name):
            stage, layer = numbers[int(found[1]), int(found[2])]
            name = f"blocks.{stage}.{layer}.{name[found.end() :]}"
        renamed[name] = tensor
    return renamed


_BLOCK = re.compile(r"blocks\.(\d{1,6})\.(\d{1,6})\.")


def _efficientnet_pytorch_names(architecture: Architecture) -> dict[str, str]:
    """As the EfficientNet-PyTorch package calls the layers of an EfficientNet."""
    _refuse_foreign_blocks(architecture, "timm")
    leaves = {
        "conv_pw": "_expand_conv",
        "conv_dw": "_depthwise_conv",
        "conv_pwl": "_project_conv",
        "se.conv_reduce": "_se_reduce",
        "se.conv_expand": "_se_expand",
    }
    names = {"stem.0": "_conv_stem", "stem.1": "_bn0"}
    for place in _places(architecture):
        prefix = f"_blocks.{place.index}."
        found = place.named("")
        # Where nothing expands timm's projection is called as its expansion is elsewhere.
        expands = any(theirs == ".conv_pwl" for theirs in found.values())
        for ours, theirs in found.items():
            leaf = theirs.removeprefix(".")
            if not expands and leaf == "conv_pw":
                leaf = "conv_pwl"
            if leaf.startswith("bn"):
                names[ours] = f"{prefix}_bn{int(leaf[2:]) - expands}"
            elif leaf in leaves:
                names[ours] = prefix + leaves[leaf]
            else:
                raise InputError(
                    "the EfficientNet-PyTorch package has no network with the operation "
                    f"'{place.block.op}'"
                )
    return names | {"head.0": "_conv_head", "head.1": "_bn1", "classifier": "_fc"}


def _torchvision_names(architecture: Architecture) -> dict[str, str]:
    if _is_mnasnet(architecture):
        return _mnasnet_names(architecture)
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


def _is_mnasnet(architecture: Architecture) -> bool:
    """Whether torchvision would build it as a MnasNet-B1."""
    first, *others = architecture.stages
    plain = architecture.activation == "relu" and architecture.head.pooled is None
    blocks = architecture.blocks
    return (
        plain
        and first.layers == 1
        and blocks[0].mid_channels == blocks[0].in_channels
        and all(block.op == "mbconv" and not block.se_channels for block in blocks)
        and all(block.mid_channels > block.in_channels for block in blocks[1:])
        and bool(others)
    )


def _mnasnet_names(architecture: Architecture) -> dict[str, str]:
    """torchvision's MnasNet counts the modules of one row, activations among them."""
    (first, *places) = _places(architecture)
    names = {"stem.0": "layers.0", "stem.1": "layers.1"}
    for (_, (conv, norm)), at in zip(first.layers, (3, 6), strict=True):
        names |= {conv: f"layers.{at}", norm: f"layers.{at + 1}"}
    for place in places:
        prefix = f"layers.{7 + place.stage}.{place.layer}.layers"
        for position, (_, (conv, norm)) in enumerate(place.layers):
            names |= {conv: f"{prefix}.{3 * position}", norm: f"{prefix}.{3 * position + 1}"}
    last = 8 + places[-1].stage
    names |= {"head.0": f"layers.{last}", "head.1": f"layers.{last + 1}"}
    return names | {"classifier": "classifier.1"}


def _regnet_names(architecture: Architecture, library: Library) -> dict[str, str]:
    places = list(_places(architecture))
    squeezed = {place.block.squeeze for place in places if place.block.se_channels}
    skips = {place.block.shortcut for place in places} <= {"identity", "projection"}
    bottlenecks = all(place.block.op == "bottleneck" for place in places)
    four = places[-1].stage == 3 and not architecture.head.channels
    if not four or not bottlenecks or not skips or squeezed - {"efficientnet"}:
        raise InputError(
            f"{library} has no RegNet like this one: its names are for four stages of bottlenecks "
            "behind a stem without pooling, squeeze-excite between their convolutions, and no last "
            "convolution"
        )
    timm = library == "timm"
    leaf = {"conv": "conv", "norm": "bn"} if timm else {"conv": "0", "norm": "1"}
    names = {"stem.0": f"stem.{leaf['conv']}", "stem.1": f"stem.{leaf['norm']}"}
    inner = {"conv1": "f.a", "conv2": "f.b", "conv3": "f.c"}
    for place in places:
        stage, layer = place.stage + 1, place.layer
        prefix = f"trunk_output.block{stage}.block{stage}-{layer}"
        if timm:
            prefix = f"s{stage}.b{layer + 1}"
        for made, (first, second) in place.layers:
            if isinstance(made, SqueezeExcite):
                squeeze = f"{prefix}.se" if timm else f"{prefix}.f.se"
                names |= {first: f"{squeeze}.fc1", second: f"{squeeze}.fc2"}
            elif isinstance(made, Convolution):
                conv = made.names[0] if timm else inner[made.names[0]]
                names |= {first: f"{prefix}.{conv}.{leaf['conv']}"}
                names |= {second: f"{prefix}.{conv}.{leaf['norm']}"}
        if place.block.shortcut == "projection":
            ours, theirs = f"blocks.{place.index}.shortcut", "downsample" if timm else "proj"
            names |= {f"{ours}.0": f"{prefix}.{theirs}.{leaf['conv']}"}
            names |= {f"{ours}.1": f"{prefix}.{theirs}.{leaf['norm']}"}
    return names | {"classifier": "head.fc" if timm else "fc"}


def _resnet_names(architecture: Architecture, library: Library) -> dict[str, str]:
    """ResNet is called the same in timm and torchvision."""
    plain = architecture.stem.pool and not architecture.head.channels
    places = list(_places(architecture))
    squeezed = any(place.block.se_channels and place.block.squeeze != "senet" for place in places)
    squeezed = squeezed or (library == "torchvision" and any(p.block.se_channels for p in places))
    skips = {place.block.shortcut for place in places} <= {"identity", "projection"}
    if not plain or squeezed or not skips or places[-1].stage != 3:
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
    if library == "torchvision":
        _refuse_torchvision(architecture)
    if library == "torchvision" and not architecture.head.channels:
        raise _foreign(library, "no last convolution behind such blocks")


def _refuse_torchvision(architecture: Architecture) -> None:
    for block in architecture.blocks:
        if block.experts or block.before or block.after or not isinstance(block.kernel, int):
            raise _foreign("torchvision", "several kernels or experts in a convolution")
        if block.groups > 1:
            raise _foreign("torchvision", "groups of channels in such blocks")
    if architecture.norm != "batch":
        raise _foreign("torchvision", f"the normalization '{architecture.norm}' in such blocks")
    if architecture.padding != "symmetric":
        raise _foreign("torchvision", f"the padding '{architecture.padding}'")


def _foreign(library: Library, what: str) -> InputError:
    return InputError(
        f"{library} has no network with {what}: export with this project's own names instead"
    )


def _library_of(state: Mapping[str, Tensor], source: str) -> Library:
    if "conv_stem.weight" in state or "conv1.weight" in state or "stem.conv.weight" in state:
        return "timm"
    stems = ("features.0.0.weight", "layers.0.weight", "stem.0.weight")
    if any(stem in state for stem in stems):
        return "torchvision"
    raise InputError(
        f"{source} have names of neither timm nor torchvision (no 'conv_stem.weight', "
        "'conv1.weight', 'features.0.0.weight' or the like): give the state dict of one of their "
        "networks"
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
