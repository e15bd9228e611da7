"""Our layers' names beside timm's and torchvision's.

The networks are the same layers in the same order; only what a state dict calls them differs.
"""

from typing import get_args

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.operations import OPERATIONS, block_layers
from effsearch.search_spaces.operations.layer import Pair, SqueezeExcite, is_lone
from effsearch.search_spaces.operations.operation import Scheme
from effsearch.training.models.block_places import Library, places, stem_names
from effsearch.training.models.residual_names import regnet_names, resnet_names


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
            return resnet_names(architecture, library)
        return regnet_names(architecture, library)
    _refuse_foreign_blocks(architecture, library)
    if library == "timm":
        return _timm_names(architecture)
    return _torchvision_names(architecture)


def _timm_names(architecture: Architecture) -> dict[str, str]:
    pooled = architecture.head.pooled
    names = stem_names(architecture, ("conv_stem", "bn1"))
    for place in places(architecture):
        names |= place.named(f"blocks.{place.stage}.{place.layer}")
    names |= _head_names(architecture, ("conv_head", "norm_head" if pooled else "bn2"))
    return names | {"classifier": "classifier"}


def _head_names(architecture: Architecture, names: Pair) -> dict[str, str]:
    head = architecture.head
    if not head.channels:
        return {}
    conv, norm = names
    return {"head.0": conv} | ({"head.1": norm} if head.pooled in (None, "norm") else {})


def efficientnet_pytorch_names(architecture: Architecture) -> dict[str, str]:
    """As the EfficientNet-PyTorch package calls the layers of an EfficientNet."""
    _refuse_foreign_blocks(architecture, "timm")
    leaves = {
        "conv_pw": "_expand_conv",
        "conv_dw": "_depthwise_conv",
        "conv_pwl": "_project_conv",
        "se.conv_reduce": "_se_reduce",
        "se.conv_expand": "_se_expand",
    }
    names = stem_names(architecture, ("_conv_stem", "_bn0"))
    for place in places(architecture):
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
    names = stem_names(architecture, ("features.0.0", "features.0.1"))
    last = 0
    for place in places(architecture):
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
    (first, *placed) = places(architecture)
    names = stem_names(architecture, ("layers.0", "layers.1"))
    for (_, (conv, norm)), at in zip(first.layers, (3, 6), strict=True):
        names |= {conv: f"layers.{at}", norm: f"layers.{at + 1}"}
    for place in placed:
        prefix = f"layers.{7 + place.stage}.{place.layer}.layers"
        for position, (_, (conv, norm)) in enumerate(place.layers):
            names |= {conv: f"{prefix}.{3 * position}", norm: f"{prefix}.{3 * position + 1}"}
    last = 8 + placed[-1].stage
    names |= {"head.0": f"layers.{last}", "head.1": f"layers.{last + 1}"}
    return names | {"classifier": "classifier.1"}


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
    if architecture.stem.kind != "plain":
        raise _foreign(library, "a deep stem before such blocks")
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
