"""Weights of one training as the start of another: all but a classifier of another size.

The paper transfers so (EfficientNet, section 5.3, Table 5): ImageNet's network with a new head.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from effsearch.search_spaces.errors import InputError
from effsearch.training.models.checkpoint import is_checkpoint, read_checkpoint
from effsearch.training.models.model_file import (
    ModelInfo,
    check_tensors,
    network_name,
    same_structure,
)
from effsearch.training.models.published_weights import from_published, loading_note
from effsearch.training.models.weight_file import read_tensors

if TYPE_CHECKING:
    from torch import Tensor

    from effsearch.search_spaces.network import Network

_HEAD = ("classifier.weight", "classifier.bias")


def read_weights(path: str | Path) -> tuple[dict[str, "Tensor"], ModelInfo | None]:
    """The tensors of a model file with what it says, or of another tool's file of weights.

    Returns:
        Tensors under the names they have in the file, prefixes of wrappers taken off; None where
        the file is not one of ours.

    Raises:
        InputError: no such file, cut off, damaged, with code in it, or of another version.
    """
    tensors = read_tensors(Path(path))
    if not is_checkpoint(Path(path)):
        return tensors, None
    tensors, header = read_checkpoint(Path(path))
    return tensors, ModelInfo.from_header(header, Path(path))


def transfer_weights(
    network: "Network",
    state: Mapping[str, "Tensor"],
    info: ModelInfo | None,
    file: str | Path = "",
) -> str:
    """Copy all weights that fit into a network; a classifier of another size stays as it is.

    Args:
        state, info: as `read_weights` gives them.
        file: that they are from, whose name tells timm's networks of TensorFlow.

    Returns:
        What was done, in a sentence.

    Raises:
        InputError: the weights are another network's, which is named.
    """
    target = network.architecture
    note = loading_note(target, state, file) if info is None else None
    said = f"; {note}" if note else ""
    if info is None:
        # A name the mapping does not know is no tensor of ours, and is missed below.
        ours, source = from_published(target, state), "published weights"
    else:
        ours, source = dict(state), network_name(info.architecture)
        if not same_structure(info.architecture, target):
            raise InputError(
                f"the checkpoint holds {source}, and the network to train is "
                f"{network_name(target)}: leave the model out to take the checkpoint's"
            )
        source += f" trained on {info.data_name}"
    expected = network.state_dict()
    found = ours.get(_HEAD[0])
    keeps_head = found is not None and found.shape == expected[_HEAD[0]].shape
    wanted = {n: t for n, t in expected.items() if keeps_head or n not in _HEAD}
    network.load_state_dict(check_tensors(ours, wanted, "the checkpoint"), strict=False)
    if keeps_head:
        return f"all weights taken from {source}, the classifier too{said}"
    classes = "no" if found is None else str(len(found))
    return (
        f"weights taken from {source}; a new classifier for {network.classifier.out_features} "
        f"classes in place of its {classes}{said}"
    )
