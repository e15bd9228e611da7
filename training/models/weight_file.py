"""Weights as files of other tools hold them: tensors by name, and no code run to get at them."""

import os
import shlex
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from effsearch.search_spaces.errors import InputError

# What DataParallel, torch.compile and trainers put before a network's own names.
_PREFIXES = ("module.", "_orig_mod.", "backbone.", "model.")
# A tensor that each naming has: ours, timm's, ResNet's, torchvision's.
_ANCHORS = frozenset(
    {"stem.0.weight", "stem.0.0.weight", "conv_stem.weight"}
    | {"conv1.weight", "conv1.0.weight", "features.0.0.weight"}
)
# Where training scripts keep the network in what they save; averaged weights before the last ones,
# as those are what such a script publishes.
_STATES = ("state_dict_ema", "model_ema", "state_dict", "model_state_dict", "model")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The network's tensors in a file, whoever wrote it, without prefixes of wrappers.

    Args:
        path: `.safetensors`, or what `torch.save` wrote: a state dict, or a dict that holds one as
            `state_dict_ema`, `state_dict` or `model`.

    Raises:
        InputError: there is no such file, it is damaged, it holds no tensors, or reading it would
            run code.
    """
    if is_pickle(path):
        return without_prefixes(_saved_by_torch(path))
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return without_prefixes(load_file(path))
    except (SafetensorError, OSError):
        raise InputError(f"'{path}' is cut off, damaged or not a weights file") from None


def is_pickle(path: Path) -> bool:
    """Whether a file was pickled, as `torch.save` does it.

    Raises:
        InputError: there is no such file, or it cannot be read.
    """
    if not os.path.isfile(path):  # where `Path.is_file` raises an OSError on a very long text
        raise InputError(f"checkpoint '{path}' does not exist or is not a file")
    try:
        with path.open("rb") as stream:
            start = stream.read(9)
    except OSError as error:
        raise InputError(f"checkpoint '{path}' cannot be read: {error.strerror}") from None
    # safetensors begins with its header's length in eight bytes, which may look like a pickle's.
    if start[4:] == b"\0\0\0\0{":
        return False
    # Bare pickles begin with their protocol, `torch.save` makes a zip of one.
    return start.startswith((b"\x80", b"PK"))


def without_prefixes(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict under its network's own names; as it is where no prefix hides known ones."""
    names = dict(state)
    for _ in range(len(_PREFIXES)):
        if _ANCHORS & names.keys():
            return names
        prefix = next((p for p in _PREFIXES if any(name.startswith(p) for name in names)), None)
        if prefix is None:
            break
        names = {name.removeprefix(prefix): tensor for name, tensor in names.items()}
    return names if _ANCHORS & names.keys() else dict(state)


def first_not_finite(tensors: Mapping[str, Tensor]) -> str | None:
    """Name of a tensor with a NaN or an infinite value; None where there is none."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            return name
    return None


def _saved_by_torch(path: Path) -> dict[str, Tensor]:
    import pickle

    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of TorchScript's archives, which are refused below
            stored = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise _holds_code(path) from None
    except Exception as error:  # a cut-off file makes torch raise nearly anything
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"'{path}' is cut off, damaged or not a weights file: {reason[:200]}"
        ) from None
    tensors = _tensors_of(stored)
    if not tensors:
        raise InputError(f"'{path}' holds no state dict: give one with the network's tensors")
    return tensors


def _tensors_of(stored: Any) -> dict[str, Tensor]:
    if not isinstance(stored, Mapping):
        return {}
    for name in _STATES:
        if isinstance(stored.get(name), Mapping) and (inner := _tensors_of(stored[name])):
            return inner
    return {str(name): tensor for name, tensor in stored.items() if isinstance(tensor, Tensor)}


def _holds_code(path: Path) -> InputError:
    target = path.with_suffix(".safetensors")
    line = (
        "import torch; from safetensors.torch import save_file; "
        f"d = torch.load({str(path)!r}, weights_only=False); "
        f"save_file(d.get('state_dict', d), {str(target)!r})"
    )
    return InputError(
        f"'{path}' holds pickled code beside its weights, which is never run here; where you "
        f"trust who made it, convert it once: python -c {shlex.quote(line)}"
    )
