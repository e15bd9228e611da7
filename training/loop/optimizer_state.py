"""An optimizer's state as named tensors and plain numbers, so that no pickle is needed for it.

The learning rate and the other options are not part of it: they follow from the recipe.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from effsearch.search_spaces.errors import InputError


def optimizer_tensors(optimizer: torch.optim.Optimizer, network: nn.Module) -> dict[str, Tensor]:
    """Its tensors by the parameter's name and their own: `stem.0.weight/momentum_buffer`."""
    return {
        f"{name}/{key}": value
        for name, state in _states(optimizer, network)
        for key, value in state.items()
        if isinstance(value, Tensor)
    }


def optimizer_numbers(
    optimizer: torch.optim.Optimizer, network: nn.Module
) -> dict[str, int | float]:
    """What else it remembers, by the same names; JSON gives these numbers back exactly."""
    return {
        f"{name}/{key}": value
        for name, state in _states(optimizer, network)
        for key, value in state.items()
        if isinstance(value, int | float)
    }


def restore_optimizer(
    optimizer: torch.optim.Optimizer,
    network: nn.Module,
    tensors: Mapping[str, Tensor],
    numbers: Mapping[str, Any],
) -> None:
    """Give an optimizer of `network` the state that the two functions above named.

    Raises:
        InputError: a name or a shape that does not fit, as from another network.
    """
    parameters = dict(network.named_parameters())
    states: dict[Tensor, dict[str, Any]] = {}
    for name, value in (*tensors.items(), *numbers.items()):
        parameter_name, _, key = name.rpartition("/")
        parameter = parameters.get(parameter_name)
        if parameter is None:
            raise InputError(f"the state of the optimizer belongs to another network: {name}")
        if isinstance(value, Tensor):
            value = _as_kept(value, parameter, name)
        states.setdefault(parameter, {})[key] = value
    optimizer.state.clear()
    optimizer.state.update(states)


def _states(
    optimizer: torch.optim.Optimizer, network: nn.Module
) -> list[tuple[str, dict[str, Any]]]:
    return [
        (name, optimizer.state[parameter])
        for name, parameter in network.named_parameters()
        if parameter in optimizer.state
    ]


def _as_kept(value: Tensor, parameter: nn.Parameter, name: str) -> Tensor:
    """On the parameter's device and in its layout, which fused optimizers take for granted."""
    if value.shape == parameter.shape:
        return torch.empty_like(parameter, dtype=value.dtype).copy_(value)
    if value.ndim:
        raise InputError(f"the state of the optimizer belongs to another network: {name}")
    return value.to(parameter.device, copy=True)
