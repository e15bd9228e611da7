"""Writes a program as an ONNX graph, node by node: no tracing, so a few milliseconds a network."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from effsearch.latency.program import Program, Step
from effsearch.latency.weights import Weights
from effsearch.search_spaces.errors import MissingResourceError

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

OPSET = 17  # widely understood: ONNX Runtime since 1.12, and converters for phones
_IR_VERSION = 8


def write_onnx(program: Program, weights: Weights, batch: int = 1) -> "ModelProto":
    """The program as an ONNX model: input `images` (batch, channels, size, size), output `output`.

    Raises:
        MissingResourceError: the package onnx is not installed.
    """
    try:
        from onnx import TensorProto, helper
    except ImportError:
        raise missing("onnx") from None

    graph = _Graph(weights, program.activation)
    for step in program.steps:
        graph.add(step)
    output = graph.names[program.steps[-1].target]
    graph.node("Flatten" if program.flat else "Identity", [output], "output", axis=1)
    shape = [batch, program.in_channels, program.size, program.size]
    # Rank 2 or 4; the sizes follow from the nodes.
    rank = 2 if program.flat else 4
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "network",
            [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("output", TensorProto.FLOAT, [None] * rank)],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="effsearch",
    )
    model.ir_version = _IR_VERSION
    return model


def missing(package: str) -> MissingResourceError:
    """The error for a package of the extra `onnx` that is not there."""
    return MissingResourceError(
        f"this needs the package {package}: install it with pip install 'effsearch[onnx]'"
    )


class _Graph:
    """Nodes and constants so far, and the name under which each value of the program is known."""

    def __init__(self, weights: Weights, activation: str) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[Any] = []
        self.names = {0: "images"}
        self._weights = iter(weights)
        self._activation = activation
        self._count = 0
        self._channels: dict[int, int] = {}  # of the values that a convolution wrote

    def node(self, op: str, inputs: list[str], output: str | None = None, **attributes: Any) -> str:
        from onnx import helper

        if output is None:
            self._count += 1
            output = f"v{self._count}"
        if op == "Identity":
            attributes = {}
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def constant(self, array: "np.ndarray[Any, Any]") -> str:
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(self, step: Step) -> None:
        x = self.names[step.source]
        if step.conv is not None:
            self.names[step.target] = self._conv(step, x)
            self._channels[step.target] = step.conv.out
        elif step.kind == "activation":
            function = _ACTIVATIONS[step.function or self._activation]
            self.names[step.target] = function(self, x)
        elif step.kind == "mean":
            self.names[step.target] = self.node("GlobalAveragePool", [x])
        elif step.kind in ("avg_pool", "max_pool"):
            self.names[step.target] = self._pool(step, x)
            self._channels[step.target] = self._channels_of(step.source)
        else:
            assert step.other is not None
            other = self.names[step.other]
            if step.kind == "add":
                other = self._widened(step, other)
            op = "Add" if step.kind == "add" else "Mul"
            self.names[step.target] = self.node(op, [x, other])

    def _conv(self, step: Step, x: str) -> str:
        conv = step.conv
        assert conv is not None
        self._channels.setdefault(step.source, conv.into)
        weight, bias = next(self._weights)
        side = conv.kernel // 2
        return self.node(
            "Conv",
            [x, self.constant(weight), self.constant(bias)],
            kernel_shape=[conv.kernel] * 2,
            strides=[conv.stride] * 2,
            pads=[side] * 4,
            group=conv.groups,
        )

    def _pool(self, step: Step, x: str) -> str:
        shape: dict[str, Any] = {"kernel_shape": [3, 3], "strides": [step.stride] * 2}
        if step.kind == "max_pool":
            return self.node("MaxPool", [x], pads=[1] * 4, **shape)
        return self.node("AveragePool", [x], pads=[1] * 4, count_include_pad=0, **shape)

    def _widened(self, step: Step, other: str) -> str:
        """`other` with zero channels behind it, where it is narrower than what it is added to."""
        assert step.other is not None
        extra = self._channels_of(step.source) - self._channels_of(step.other)
        if not extra:
            return other
        pads = self.constant(np.array([0, 0, 0, 0, 0, extra, 0, 0], np.int64))
        return self.node("Pad", [other, pads])

    def _channels_of(self, value: int) -> int:
        return self._channels[value]


def _silu(graph: _Graph, x: str) -> str:
    return graph.node("Mul", [x, graph.node("Sigmoid", [x])])


def _relu6(graph: _Graph, x: str) -> str:
    low, high = (graph.constant(np.array(value, np.float32)) for value in (0.0, 6.0))
    return graph.node("Clip", [x, low, high])


_ACTIVATIONS: dict[str, Callable[[_Graph, str], str]] = {
    "relu": lambda graph, x: graph.node("Relu", [x]),
    "relu6": _relu6,
    "silu": _silu,
    "hard_swish": lambda graph, x: graph.node("HardSwish", [x]),
    "sigmoid": lambda graph, x: graph.node("Sigmoid", [x]),
    "hard_sigmoid": lambda graph, x: graph.node("HardSigmoid", [x], alpha=1 / 6, beta=0.5),
}
