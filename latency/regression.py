"""Latency as a sum over what layers do, for devices that measure whole networks only.

A command of the user's takes seconds a network, and a space has thousands of layers. A few dozen
whole networks tell what a multiply-add, a weight, an activation costs there; every layer follows.
It is less exact than a table of layers, and it says how far it is off.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from effsearch.latency.layers import Layer, layer_program, layers_of
from effsearch.latency.program import Conv, Program, Step
from effsearch.search_spaces.activations import GATES
from effsearch.search_spaces.architecture import Architecture

Floats = NDArray[np.float64]

FEATURES = (
    "depthwise_macs",
    "strided_depthwise_macs",
    "pointwise_macs",
    "dense_macs",
    "weights",
    "written",
    "cheap_activations",
    "smooth_activations",
    "other_reads",
    "steps",
)
"""What a layer is described by; counts, each of one image."""

_CHEAP = ("relu", "relu6")


@lru_cache(maxsize=2**16)
def layer_features(layer: Layer) -> Floats:
    """What a layer does, (features,)."""
    return program_features(layer_program(layer))


def program_features(program: Program) -> Floats:
    """What a program does, (features,)."""
    found = dict.fromkeys(FEATURES, 0)
    shapes = {0: (program.in_channels, program.size)}  # channels, pixels
    for step in program.steps:
        channels, size = shapes[step.source]
        found["steps"] += 1
        if step.conv is not None:
            out = -(-size // step.conv.stride)
            shapes[step.target] = (step.conv.out, out)
            weights = int(np.prod(step.conv.weight_shape))
            one = weights // max(1, step.conv.experts)
            found[_macs_of(step.conv)] += one * out**2
            if step.conv.experts:
                found["pointwise_macs"] += weights
            found["weights"] += weights
            found["written"] += step.conv.out * out**2
            continue
        if step.kind == "cat":
            channels = sum(shapes[value][0] for value in step.reads)
        found[_reads_of(step, program)] += channels * size**2
        if step.target not in shapes:
            shapes[step.target] = (channels, 1 if step.kind == "mean" else -(-size // step.stride))
    return np.array([found[name] for name in FEATURES], np.float64)


def fit_features(networks: Sequence[Architecture], measured_ms: Sequence[float]) -> Floats:
    """Milliseconds a unit of each feature, none below zero, (features,).

    Relative errors count, so that small networks weigh as much as large ones.

    Args:
        networks: at least one.
        measured_ms: of each.
    """
    from scipy.optimize import nnls

    sums = np.array([sum(map(layer_features, layers_of(network))) for network in networks])
    scale = np.maximum(sums.mean(axis=0), 1.0)
    columns = sums / scale / np.asarray(measured_ms, np.float64)[:, None]
    solution: Floats = nnls(columns, np.ones(len(networks)))[0] / scale
    return solution


def _macs_of(conv: Conv) -> str:
    if conv.groups > 1:
        return "depthwise_macs" if conv.stride == 1 else "strided_depthwise_macs"
    return "pointwise_macs" if conv.kernel == 1 else "dense_macs"


def _reads_of(step: Step, program: Program) -> str:
    function = step.function or program.activation
    if step.kind != "activation" or function in GATES:
        return "other_reads"
    return "cheap_activations" if function in _CHEAP else "smooth_activations"
