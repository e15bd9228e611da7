"""Writes a program as an ONNX graph, node by node: no tracing, so a few milliseconds a network."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from effsearch.latency.program import Conv, Program, Step
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

    graph = _Graph(program, weights, batch)
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

    def __init__(self, program: Program, weights: Weights, batch: int) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[Any] = []
        self.names = {0: "images"}
        self._weights = iter(weights)
        self._activation, self._eps, self._batch = program.activation, program.norm_eps, batch
        self._count = 0
        self._channels = {0: program.in_channels}
        self._sizes = {0: program.size}

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
        if step.target != step.source:
            self._sizes[step.target] = self._size(step)
            self._channels[step.target] = self._channels_of(step.source)
        if step.conv is not None:
            self.names[step.target] = self._conv(step, step.conv, x)
            self._channels[step.target] = step.conv.out
        elif step.kind == "cat":
            parts = [self.names[value] for value in step.reads]
            self.names[step.target] = self.node("Concat", parts, axis=1)
            self._channels[step.target] = sum(map(self._channels_of, step.reads))
        elif step.kind == "norm":
            self.names[step.target] = self._norm(step, x)
        elif step.kind == "activation":
            function = _ACTIVATIONS[step.function or self._activation]
            self.names[step.target] = function(self, x)
        elif step.kind == "mean":
            self.names[step.target] = self.node("GlobalAveragePool", [x])
        elif step.kind in ("avg_pool", "max_pool"):
            self.names[step.target] = self._pool(step, x)
        else:
            assert step.other is not None
            other = self.names[step.other]
            if step.kind == "add":
                other = self._widened(step, other)
            op = "Add" if step.kind == "add" else "Mul"
            self.names[step.target] = self.node(op, [x, other])

    def _size(self, step: Step) -> int:
        if step.kind == "mean":
            return 1
        return -(-self._sizes[step.source] // (step.conv.stride if step.conv else step.stride))

    def _conv(self, step: Step, conv: Conv, x: str) -> str:
        weight, bias = next(self._weights)
        before, behind = conv.padded(self._sizes[step.source])
        shape: dict[str, Any] = {
            "kernel_shape": [conv.kernel] * 2,
            "strides": [conv.stride] * 2,
            "pads": [before, before, behind, behind],
        }
        if conv.into < self._channels_of(step.source):
            x = self._slice(x, conv.first, conv.first + conv.into)
        if step.other is None:
            inputs = [x, self.constant(weight), self.constant(bias)]
            return self.node("Conv", inputs, group=conv.groups, **shape)
        # Every image has a kernel of its own: the images of a batch become groups of one.
        count, side = self._batch, self._sizes[step.source]
        shares = self._reshape(self.names[step.other], count, conv.experts)
        experts = self.constant(weight.reshape(conv.experts, -1))
        kernels = self.node("MatMul", [shares, experts])
        kernels = self._reshape(kernels, count * conv.out, *weight.shape[2:])
        x = self._reshape(x, 1, count * conv.into, side, side)
        biases = self.constant(np.tile(bias, count))
        out = self.node("Conv", [x, kernels, biases], group=conv.groups * count, **shape)
        return self._reshape(out, count, conv.out, *[self._sizes[step.target]] * 2)

    def _norm(self, step: Step, x: str) -> str:
        weight, bias = next(self._weights)
        if not step.groups:
            x = self.node("Transpose", [x], perm=[0, 2, 3, 1])
            inputs = [x, self.constant(weight), self.constant(bias)]
            x = self.node("LayerNormalization", inputs, axis=-1, epsilon=self._eps)
            return self.node("Transpose", [x], perm=[0, 3, 1, 2])
        # A group normalization is an instance normalization of the groups laid out as channels.
        side = self._sizes[step.source]
        x = self._reshape(x, self._batch, step.groups, -1)
        ones, zeros = np.ones(step.groups, np.float32), np.zeros(step.groups, np.float32)
        inputs = [x, self.constant(ones), self.constant(zeros)]
        x = self.node("InstanceNormalization", inputs, epsilon=self._eps)
        x = self._reshape(x, self._batch, step.channels, side, side)
        x = self.node("Mul", [x, self.constant(weight.reshape(-1, 1, 1))])
        return self.node("Add", [x, self.constant(bias.reshape(-1, 1, 1))])

    def _slice(self, x: str, start: int, stop: int) -> str:
        where = [self.constant(np.array([value], np.int64)) for value in (start, stop, 1)]
        return self.node("Slice", [x, *where])

    def _reshape(self, x: str, *shape: int) -> str:
        return self.node("Reshape", [x, self.constant(np.array(shape, np.int64))])

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
