"""Tensors whose names no one knows, told apart by their order and their shapes."""

from collections.abc import Mapping

from torch import Tensor

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError
from effsearch.training.models.model_file import empty_network

_COUNTERS = "num_batches_tracked"  # which old files lack
_CLASSIFIER = "classifier."

SAID = "no library known here has their names: taken in their order, as all shapes fit"
"""What was done, for people: that shapes fit does not prove that layers mean the same."""


def by_position(architecture: Architecture, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict under our names, where each tensor has the shape of ours at its place.

    torch lists tensors as the modules were made, most often as they run. The classifier may have
    other classes, and a 1×1 convolution may be a linear layer.

    Raises:
        InputError: their order says nothing, they are not as many, or one does not fit; the reason
            alone, to stand in a sentence.
    """
    theirs = {name: tensor for name, tensor in state.items() if not name.endswith(_COUNTERS)}
    empty = empty_network(architecture, architecture.classes).state_dict()
    ours = {name: tensor for name, tensor in empty.items() if not name.endswith(_COUNTERS)}
    if len(theirs) != len(ours):
        raise InputError(f"they are {len(theirs)} tensors and the network has {len(ours)}")
    if list(theirs) == sorted(theirs):  # as safetensors are written
        raise InputError(
            "they lie in the order of the alphabet and not of the layers (take what torch.save "
            "wrote)"
        )
    found: dict[str, Tensor] = {}
    for (name, expected), (their_name, tensor) in zip(ours.items(), theirs.items(), strict=True):
        shape, wanted = tuple(tensor.shape), tuple(expected.shape)
        if tensor.ndim == 2 and wanted[2:] == (1, 1):
            shape = (*shape, 1, 1)
        first = 1 if name.startswith(_CLASSIFIER) else 0
        same_leaf = name.rpartition(".")[2] == their_name.rpartition(".")[2]
        if not same_leaf or len(shape) != len(wanted) or shape[first:] != wanted[first:]:
            raise InputError(
                f"'{their_name}' {shape} stands where the network has '{name}' {wanted}"
            )
        found[name] = tensor.reshape(shape)
    return found
