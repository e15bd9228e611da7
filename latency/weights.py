"""Weights for a program: random ones, for a latency does not depend on them."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from effsearch.latency.program import Program

Weights: TypeAlias = list[tuple[NDArray[np.float32], NDArray[np.float32]]]
"""For each of a program's `shapes`, in order, its weight and its bias."""


def random_weights(program: Program, seed: int = 0) -> Weights:
    """Weights that keep activations near 1: vanishing ones (denormals) would slow a CPU down."""
    rng = np.random.default_rng(seed)
    made: Weights = []
    for shape, (out,) in program.shapes:
        if len(shape) == 1:
            made.append((np.ones(shape, np.float32), np.full(out, 0.01, np.float32)))
            continue
        scale = np.float32((2.0 / np.prod(shape[-3:])) ** 0.5)
        weight = rng.standard_normal(shape, dtype=np.float32) * scale
        made.append((weight, np.full(out, 0.01, np.float32)))
    return made
