"""State dicts of timm, torchvision and others under our names, and ours under theirs."""

import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from torch import Tensor

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.network import Network
from effsearch.training.models import by_position
from effsearch.training.models.block_places import Library
from effsearch.training.models.model_file import check_tensors
from effsearch.training.models.weight_file import read_tensors, without_prefixes
from effsearch.training.models.weight_names import efficientnet_pytorch_names, layer_names


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
    stages than the architecture (one list of strings for another) are taken in their order, and so
    are all tensors whose names are not known, where each has the shape of ours (`loading_note`).
    Prefixes of wrappers are taken off (`module.`, `_orig_mod.`, `backbone.`, `model.`). Shapes are
    not looked at. Names that are none of the network's stay as they are.

    Args:
        source: what the weights are called in an error.

    Raises:
        InputError: the names are neither library's and the shapes do not fit one by one, or as
            `layer_names`.
    """
    state = without_prefixes(state)
    if _is_ours(state):
        return state
    library = _library_of(state)
    if library is None:
        return _taken_in_order(architecture, state, source)
    if library == "package":
        names = efficientnet_pytorch_names(architecture)
    else:
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
    if note := loading_note(network.architecture, state, source):
        warnings.warn(f"{source}: {note}", stacklevel=2)


def loading_note(
    architecture: Architecture, state: Mapping[str, Tensor], source: str | Path
) -> str | None:
    """What is to be said of weights that were loaded: that they were taken by their order, or were
    trained with TensorFlow's padding and the network has another; None for nothing.

    A state dict does not tell how its network pads. The name of its file does, if it is timm's
    (`tf_efficientnet_b0…`), and names of the EfficientNet-PyTorch package do.
    """
    names = without_prefixes(state)
    if not _is_ours(names) and _library_of(names) is None:
        return by_position.SAID
    tensorflow = "_conv_stem.weight" in names or _TENSORFLOW.search(str(source)) is not None
    if not tensorflow or architecture.padding == "same":
        return None
    return (
        "these weights were trained with TensorFlow's padding and this network pads alike on both "
        "sides, so that its outputs are others: take tf_ before its name, or pad_same in its line"
    )


_TENSORFLOW = re.compile(r"(?:^|[^0-9A-Za-z_])tf_")


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


def _is_ours(state: Mapping[str, Tensor]) -> bool:
    stems = ("stem.0.weight", "stem.0.0.weight")
    return "classifier.weight" in state and any(stem in state for stem in stems)


def _library_of(state: Mapping[str, Tensor]) -> Library | Literal["package"] | None:
    """Whose names these are: a library's or the EfficientNet-PyTorch package's; None for others."""
    if "_conv_stem.weight" in state:
        return "package"
    if "conv1.weight" in state and not any(name.startswith("layer1.") for name in state):
        return None  # ResNet's first layer, and that of many another network
    if any(first in state for first in _FIRST_OF_TIMM):
        return "timm"
    return "torchvision" if any(first in state for first in _FIRST_OF_TORCHVISION) else None


_FIRST_OF_TIMM = ("conv_stem.weight", "conv1.weight", "conv1.0.weight", "stem.conv.weight")
_FIRST_OF_TORCHVISION = ("features.0.0.weight", "layers.0.weight", "stem.0.weight")


def _taken_in_order(
    architecture: Architecture, state: Mapping[str, Tensor], source: str
) -> dict[str, Tensor]:
    try:
        return by_position.by_position(architecture, state)
    except InputError as reason:
        raise InputError(
            f"{source} have names of neither timm nor torchvision (no 'conv_stem.weight', "
            "'layer1.0.conv1.weight', 'features.0.0.weight' or the like): give the state dict of "
            f"one of their networks. Nor can they be taken in their order: {reason}"
        ) from None


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
