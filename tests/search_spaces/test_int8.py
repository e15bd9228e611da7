"""Int8: what the graph holds, how near it stays to float32, and what cannot be quantised."""

import logging
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from effsearch.latency.onnx_program import write_onnx
from effsearch.latency.program import network_program
from effsearch.latency.weights import random_weights
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError, MissingResourceError
from effsearch.search_spaces.int8 import check_runs_int8, quantised
from effsearch.search_spaces.notation import parse_architecture

ort = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

SQUEEZED = parse_architecture(
    "res16 act_silu stem_k3_s1_c8 ds_r1_k3_s1_c8_se0.25 ir_r2_k3_s2_e2_c16_se0.25 head_c32"
)
# Kernels of their own for every image, shares of the channels, layers beyond MBConv.
LATER = parse_architecture(
    "res16 stem_s1_c16 pad_same norm_group8 ds_r1_k3.5_s1_c16 ir_r1_k3_a1.1_p1.1_s2_e2_c24 "
    "ir_r1_k3_s2_e2_c32_se0.25_cc4 uir_r1_k3_a5_s2_e2_c32 head_c32"
)


def graph(architecture: Architecture, fill: float | None = None) -> Any:
    program = network_program(architecture)
    weights = random_weights(program)
    if fill is not None:
        weights[0][0][:] = fill
    return write_onnx(program, weights, 2)


def images() -> NDArray[np.float32]:
    return np.random.default_rng(0).random((2, 3, 16, 16), np.float32)


def run(model: bytes) -> NDArray[np.float32]:
    (output,) = ort.InferenceSession(model).run(None, {"images": images()})
    assert isinstance(output, np.ndarray)
    return output


@pytest.mark.slow
@pytest.mark.parametrize("architecture", [SQUEEZED, LATER])
def test_a_quantised_graph_stays_near_float32(architecture: Architecture) -> None:
    model = graph(architecture)
    before = model.SerializeToString()
    made = quantised(model, [{"images": images()}])
    assert model.SerializeToString() == before
    expected = run(before)
    assert 0 < abs(run(made) - expected).max() < 0.1 * abs(expected).max()


def test_weights_are_in_int8_with_a_scale_for_each_output_channel() -> None:
    from onnx import TensorProto, load_from_string

    made = load_from_string(quantised(graph(SQUEEZED), [{"images": images()}])).graph
    tensors = {tensor.name: tensor for tensor in made.initializer}
    nodes = {node.output[0]: node for node in made.node}
    convolutions = [node for node in made.node if node.op_type == "Conv"]
    assert convolutions
    for node in convolutions:
        values, scale, _ = (tensors.get(name) for name in nodes[node.input[1]].input)
        assert values is not None
        assert scale is not None
        assert values.data_type == TensorProto.INT8
        assert list(scale.dims) == [values.dims[0]]
        *_, zero = nodes[node.input[0]].input
        assert tensors[zero].data_type == TensorProto.UINT8


@pytest.mark.parametrize(
    ("fill", "said"), [(np.nan, "its weights are not"), (1e38, "its activations are not")]
)
def test_a_network_without_finite_numbers_is_refused(fill: float, said: str) -> None:
    with pytest.raises(InputError, match=f"cannot be quantised to int8: {said} finite") as caught:
        quantised(graph(SQUEEZED, fill), [{"images": images()}])
    assert "\n" not in str(caught.value)


def test_a_graph_without_weights_is_refused() -> None:
    model = graph(SQUEEZED)
    del model.graph.node[:]
    with pytest.raises(InputError, match="it has none of Conv, Gemm, MatMul"):
        quantised(model, [{"images": images()}])


def test_logging_is_left_as_it_was() -> None:
    before = logging.root.manager.disable
    with pytest.raises(InputError):
        quantised(graph(SQUEEZED, 1e38), [{"images": images()}])
    assert logging.root.manager.disable == before


def test_a_missing_package_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingResourceError, match="pip install 'effsearch") as caught:
        quantised(graph(SQUEEZED), [{"images": images()}])
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_int8_runs_on_the_cpu_alone(device: str) -> None:
    check_runs_int8("auto")
    with pytest.raises(InputError, match=f"not on {device}"):
        check_runs_int8(device)
