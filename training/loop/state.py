"""A training's tensors by name: the network's are plain, all others stand under a prefix."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from effsearch.search_spaces.errors import InputError

EMA, OPTIMIZER, TEACHER = "ema.", "optimizer.", "teacher."


def plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The network's own."""
    return {
        name: tensor
        for name, tensor in tensors.items()
        if not name.startswith((EMA, OPTIMIZER, TEACHER))
    }


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those under a prefix, by the rest of their names."""
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors with the prefix before their names."""
    return {prefix + name: tensor for name, tensor in tensors.items()}


def copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies on the CPU, which later steps leave alone."""
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in tensors.items()}


def fill(wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> None:
    """Write saved values into tensors that are in use, which keep their device and layout.

    Raises:
        InputError: names or shapes differ; nothing is written then.
    """
    missing, foreign = wanted.keys() - given.keys(), given.keys() - wanted.keys()
    if missing or foreign:
        raise InputError(
            "the checkpoint belongs to another network: "
            + (f"it lacks {min(missing)}" if missing else f"it has {min(foreign)} besides")
        )
    for name, tensor in wanted.items():
        if tensor.shape != given[name].shape:
            raise InputError(
                f"the checkpoint belongs to another network: {name} is {tuple(given[name].shape)} "
                f"there and {tuple(tensor.shape)} here"
            )
    with torch.no_grad():
        for name, tensor in wanted.items():
            tensor.copy_(given[name])


def all_finite(tensors: Iterable[Tensor]) -> bool:
    """Whether no floating-point number among them is infinite or NaN; waits for the device."""
    floats = [tensor.isfinite().all() for tensor in tensors if tensor.is_floating_point()]
    return not floats or bool(torch.stack(floats).all())
