"""RMSProp as TensorFlow computes it, which EfficientNet was trained with."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, overload

import torch
from torch import Tensor


class RMSpropTF(torch.optim.Optimizer):
    """RMSProp with the epsilon inside the root, a square average that starts at 1, and the
    learning rate inside the momentum buffer.

    With g the gradient plus ``weight_decay`` · w:

        s ← decay · s + (1 − decay) · g²
        m ← momentum · m + lr · g / √(s + eps)
        w ← w − m

    torch's own adds the epsilon outside the root, starts s at 0 and multiplies m by the learning
    rate, so a learning rate of one is no learning rate of the other.

    Args:
        params: parameters, or groups of them with their own ``weight_decay``.
        decay: of the square average, in [0, 1).
        momentum: in [0, 1).
        eps: above 0.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        *,
        decay: float = 0.9,
        momentum: float = 0.9,
        eps: float = 1e-3,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {
            "lr": lr,
            "decay": decay,
            "momentum": momentum,
            "eps": eps,
            "weight_decay": weight_decay,
        }
        super().__init__(params, defaults)

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Move the parameters by their gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if weights:
                self._move(weights, group)
        return loss

    def _move(self, weights: list[Tensor], group: dict[str, Any]) -> None:
        gradients: Sequence[Tensor] = [w.grad for w in weights if w.grad is not None]
        if group["weight_decay"]:
            gradients = torch._foreach_add(list(gradients), weights, alpha=group["weight_decay"])
        gradients = list(gradients)
        squares = [self._kept(weight, "square_avg", 1.0) for weight in weights]
        momenta = [self._kept(weight, "momentum_buffer", 0.0) for weight in weights]
        torch._foreach_mul_(squares, group["decay"])
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - group["decay"])
        roots = torch._foreach_add(squares, group["eps"])
        torch._foreach_sqrt_(roots)
        torch._foreach_mul_(momenta, group["momentum"])
        torch._foreach_addcdiv_(momenta, gradients, roots, group["lr"])
        torch._foreach_sub_(weights, momenta)

    def _kept(self, weight: Tensor, name: str, start: float) -> Tensor:
        state = self.state[weight]
        if name not in state:
            state[name] = torch.full_like(weight, start)
        kept: Tensor = state[name]
        return kept
