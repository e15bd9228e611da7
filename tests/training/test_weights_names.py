"""Names of weights: a bijection, timm loads what is exported, and transfers say what they did."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from small_model import SMALL, lively_network, small_info, write_model
from torch import Tensor

from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.network import build_network
from effsearch.search_spaces.notation import parse_architecture
from effsearch.search_spaces.parts import Head
from effsearch.search_spaces.zoo import load_zoo
from effsearch.training.models.model_file import empty_network
from effsearch.training.models.published_weights import (
    from_published,
    load_published_weights,
    to_published,
)
from effsearch.training.models.transfer import read_weights, transfer_weights
from effsearch.training.models.weight_names import layer_names

FAMILY = [f"efficientnet-b{member}" for member in range(8)]


@pytest.mark.parametrize(
    "name", [*FAMILY, "efficientnetv2-s", "mobilenet-v1", "mobilenet-v2", "mnasnet-a1", "resnet-50"]
)
def test_every_layer_with_tensors_has_one_name_at_timm(name: str) -> None:
    network = empty_network(load_zoo(name), 10)
    layers = {key.rpartition(".")[0] for key in network.state_dict()}
    names = layer_names(network.architecture, "timm")
    assert names.keys() == layers
    assert len(set(names.values())) == len(names)


def test_published_names_are_these() -> None:
    b0 = load_zoo("efficientnet-b0")
    timm, vision = layer_names(b0, "timm"), layer_names(b0, "torchvision")
    assert timm["stem.0"] == "conv_stem"
    assert timm["blocks.0.1.reduce"] == "blocks.0.0.se.conv_reduce"
    assert timm["blocks.2.body.3.1"] == "blocks.1.1.bn3"
    assert vision["blocks.2.body.3.1"] == "features.2.1.block.3.1"
    assert (timm["head.1"], vision["head.1"]) == ("bn2", "features.8.1")
    assert (timm["classifier"], vision["classifier"]) == ("classifier", "classifier.1")


@pytest.mark.parametrize(
    ("name", "library", "theirs"),
    [
        ("regnety-400mf", "timm", "s2.b1.se.fc1"),
        ("regnety-400mf", "torchvision", "trunk_output.block2.block2-0.f.se.fc1"),
        ("mnasnet-b1", "torchvision", "layers.9.0.layers.3"),
        ("mixnet-s", "timm", "blocks.2.0.conv_dw.2"),
        ("mobilenetv4-conv-small", "timm", "blocks.2.0.dw_start.conv"),
    ],
)
def test_other_families_have_their_own_names(name: str, library: str, theirs: str) -> None:
    architecture = load_zoo(name)
    names = layer_names(architecture, library)  # type: ignore[arg-type]
    layers = {key.rpartition(".")[0] for key in empty_network(architecture, 10).state_dict()}
    assert theirs in names.values()
    assert names.keys() == layers
    assert len(set(names.values())) == len(names)


@pytest.mark.parametrize("library", ["timm", "torchvision"])
def test_there_and_back_is_the_same_state(library: str) -> None:
    state = lively_network(SMALL).state_dict()
    published = to_published(SMALL, state, library)  # type: ignore[arg-type]
    back = from_published(SMALL, published)
    assert back.keys() == state.keys()
    assert all(back[name] is state[name] for name in state)


@pytest.mark.parametrize(
    ("notation", "library", "said"),
    [
        ("stem_k3_s2_c8 ir_r1_k3_s1_e3_c8_pool head_c8", "timm", "skip option 'pool'"),
        ("stem_k3_s2_c8 ir_r1_k3_s1_e3_c8 id_r1_s2_c16", "timm", "operation 'identity'"),
        ("stem_k3_s2_c8 dsa_r1_k3_s1_c8 head_c8", "torchvision", "'depthwise_separable'"),
        ("stem_k3_s2_c8 ir_r1_k3_s1_e3_c8 head_c0", "torchvision", "no last convolution"),
        ("stem_k3_s2_c8 bt_r1_k3_s1_e0.25_c16 head_c0", "timm", "four stages"),
    ],
)
def test_networks_a_library_does_not_have_are_refused(
    notation: str, library: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        layer_names(parse_architecture(notation), library)  # type: ignore[arg-type]


def test_an_unknown_library_is_refused() -> None:
    with pytest.raises(InputError, match="did you mean 'timm'"):
        layer_names(SMALL, "tim")  # type: ignore[arg-type]


def test_published_weights_load_from_a_safetensors_file(tmp_path: Path) -> None:
    theirs = lively_network(SMALL)
    save_file(to_published(SMALL, theirs.state_dict(), "timm"), tmp_path / "timm.safetensors")
    ours = build_network(SMALL, classes=10).eval()
    load_published_weights(ours, tmp_path / "timm.safetensors")
    images = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        assert torch.equal(ours(images), theirs(images))


def test_blocks_in_other_stages_are_taken_in_their_order() -> None:
    theirs = lively_network(SMALL)
    flat = parse_architecture(
        "res16 act_silu stem_k3_s1_c8 ds_r1_k3_s1_c8_se0.25 +ir_r1_k3_s2_e2_c16_se0.25 "
        "ir_r1_k3_s1_e2_c16_se0.25 +ir_r1_k5_s2_e2_c16_se0.25 head_c32"
    )
    ours = build_network(flat, classes=10).eval()
    load_published_weights(ours, to_published(SMALL, theirs.state_dict(), "timm"))
    images = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        assert torch.equal(ours(images), theirs(images))


def test_names_of_the_efficientnet_pytorch_package_are_read() -> None:
    theirs = lively_network(replace(SMALL, padding="same"))
    names = {
        "stem.0": "_conv_stem",
        "stem.1": "_bn0",
        "blocks.0.body.0.0": "_blocks.0._depthwise_conv",
        "blocks.0.body.0.1": "_blocks.0._bn1",
        "blocks.0.body.1.reduce": "_blocks.0._se_reduce",
        "blocks.0.body.1.expand": "_blocks.0._se_expand",
        "blocks.0.body.2.0": "_blocks.0._project_conv",
        "blocks.0.body.2.1": "_blocks.0._bn2",
        "head.0": "_conv_head",
        "head.1": "_bn1",
        "classifier": "_fc",
    }
    for block in (1, 2, 3):
        body = f"blocks.{block}" + (".body" if block == 2 else "")
        parts = ("_expand_conv", "_bn0", "_depthwise_conv", "_bn1")
        places = (f"{body}.0.0", f"{body}.0.1", f"{body}.1.0", f"{body}.1.1")
        parts += ("_se_reduce", "_se_expand", "_project_conv", "_bn2")
        places += (f"{body}.2.reduce", f"{body}.2.expand", f"{body}.3.0", f"{body}.3.1")
        names |= {ours: f"_blocks.{block}.{leaf}" for ours, leaf in zip(places, parts, strict=True)}
    state = {}
    for name, tensor in theirs.state_dict().items():
        layer, _, leaf = name.rpartition(".")
        state[f"{names[layer]}.{leaf}"] = tensor
    same = build_network(theirs.architecture, classes=10).eval()
    load_published_weights(same, state)
    images = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        assert torch.equal(same(images), theirs(images))
    with pytest.warns(UserWarning, match="TensorFlow's padding"):
        load_published_weights(build_network(SMALL, classes=10), state)


def _of_unknown_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """As a network of one's own would list them; its first convolution is called as many are."""
    layers = {name.rpartition(".")[0]: None for name in state}
    new = {layer: f"part{number}" for number, layer in enumerate(layers)} | {"stem.0": "conv1"}
    return {f"{new[n.rpartition('.')[0]]}.{n.rpartition('.')[2]}": t for n, t in state.items()}


def test_unknown_names_are_taken_in_their_order_and_it_is_said() -> None:
    theirs = lively_network(SMALL)
    state = _of_unknown_names(theirs.state_dict())
    ours = build_network(SMALL, classes=10).eval()
    with pytest.warns(UserWarning, match="taken in their order, as all shapes fit"):
        load_published_weights(ours, state)
    images = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        assert torch.equal(ours(images), theirs(images))
    fewer = build_network(SMALL, classes=7)
    said = transfer_weights(fewer, state, None)
    assert "a new classifier for 7 classes" in said
    assert "taken in their order" in said


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: dict(list(state.items())[1:]), "they are 82 tensors and the network has 83"),
        (lambda state: dict(sorted(state.items())), "in the order of the alphabet"),
        (lambda state: state | {"conv1.weight": torch.zeros(8, 3, 5, 5)}, r"conv1.weight' \(8, 3"),
        (lambda state: {n.replace("bias", "shift"): t for n, t in state.items()}, "'part1.shift'"),
    ],
)
def test_unknown_names_are_refused_where_anything_does_not_fit(
    change: Callable[[dict[str, Tensor]], dict[str, Tensor]], message: str
) -> None:
    network = build_network(SMALL, classes=10)
    state = change(_of_unknown_names(network.state_dict()))
    with pytest.raises(InputError, match=message):
        load_published_weights(network, state)


def test_a_checkpoint_of_tensorflow_s_padding_is_said(tmp_path: Path) -> None:
    state = to_published(SMALL, lively_network(SMALL).state_dict(), "timm")
    file = tmp_path / "tf_efficientnet_b0.in1k.safetensors"
    save_file(state, file)
    ours = build_network(SMALL, classes=10)
    with pytest.warns(UserWarning, match="take tf_ before its name"):
        load_published_weights(ours, file)
    said = transfer_weights(ours, *read_weights(file), file)
    assert "trained with TensorFlow's padding" in said
    same = build_network(replace(SMALL, padding="same"), classes=10)
    assert "padding" not in transfer_weights(same, *read_weights(file), file)


def test_published_weights_of_another_network_are_refused() -> None:
    network = build_network(SMALL, classes=10)
    state = to_published(SMALL, network.state_dict(), "timm")
    with pytest.raises(InputError, match=r"'classifier\.bias' is missing"):
        load_published_weights(network, {k: t for k, t in state.items() if k != "classifier.bias"})
    with pytest.raises(InputError, match=r"hold 'blocks\.9\.conv\.weight'"):
        load_published_weights(network, state | {"blocks.9.conv.weight": torch.zeros(1)})
    with pytest.raises(InputError, match="neither timm nor torchvision"):
        load_published_weights(network, {"weight": torch.zeros(1)})
    with pytest.raises(InputError, match=r"\(12, 3, 3, 3\)"):
        load_published_weights(network, state | {"conv_stem.weight": torch.zeros(12, 3, 3, 3)})


def test_counters_that_a_file_leaves_out_start_at_zero() -> None:
    network = lively_network(SMALL)
    state = to_published(SMALL, network.state_dict(), "torchvision")
    load_published_weights(network, {k: t for k, t in state.items() if "num_batches" not in k})
    assert int(network.state_dict()["stem.1.num_batches_tracked"]) == 0


def test_a_transfer_to_the_same_classes_takes_the_classifier_too(tmp_path: Path) -> None:
    theirs = write_model(tmp_path / "m.safetensors")
    ours = build_network(SMALL, classes=10)
    said = transfer_weights(ours, *read_weights(tmp_path / "m.safetensors"))
    assert said.endswith("trained on digits, the classifier too")
    assert all(torch.equal(ours.state_dict()[k], t) for k, t in theirs.state_dict().items())


def test_a_transfer_to_other_classes_leaves_the_new_classifier_alone(tmp_path: Path) -> None:
    theirs = write_model(tmp_path / "m.safetensors").state_dict()
    ours = build_network(replace(SMALL, resolution=24), classes=4)
    head = ours.classifier.weight.clone()
    said = transfer_weights(ours, *read_weights(tmp_path / "m.safetensors"))
    assert said.endswith("a new classifier for 4 classes in place of its 10")
    assert torch.equal(ours.classifier.weight, head)
    assert torch.equal(ours.state_dict()["head.0.weight"], theirs["head.0.weight"])


def test_a_transfer_from_timm_s_file_swaps_the_head(tmp_path: Path) -> None:
    state = to_published(SMALL, lively_network(SMALL).state_dict(), "timm")
    save_file(state, tmp_path / "timm.safetensors")
    ours = build_network(SMALL, classes=4)
    said = transfer_weights(ours, *read_weights(tmp_path / "timm.safetensors"))
    assert said == (
        "weights taken from published weights; a new classifier for 4 classes in place of its 10"
    )


def test_a_transfer_from_another_architecture_names_both(tmp_path: Path) -> None:
    write_model(tmp_path / "m.safetensors")
    ours = build_network(replace(SMALL, head=Head(channels=16)), classes=10)
    with pytest.raises(InputError, match=f"holds network {SMALL.id}, and the network to train is"):
        transfer_weights(ours, *read_weights(tmp_path / "m.safetensors"))


def test_a_transfer_that_fits_no_tensor_changes_nothing() -> None:
    ours = build_network(SMALL, classes=10)
    before = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
    broken = lively_network(SMALL).state_dict()
    del broken["head.0.weight"]
    with pytest.raises(InputError, match=r"'head\.0\.weight' is missing"):
        transfer_weights(ours, broken, small_info())
    assert all(torch.equal(ours.state_dict()[name], tensor) for name, tensor in before.items())
