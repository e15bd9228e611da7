"""Model files: what is written is read, and what is no such file is refused in one line."""

import json
import pickle
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from small_model import SMALL, lively_network, small_info, write_model

from effsearch.search_spaces.errors import InputError, MissingResourceError
from effsearch.search_spaces.notation import parse_architecture
from effsearch.search_spaces.zoo import load_zoo
from effsearch.training.models.checkpoint import save_checkpoint
from effsearch.training.models.model_file import (
    ModelInfo,
    load_model,
    network_name,
    read_model_info,
    save_model,
)


def test_a_model_loads_with_the_logits_it_was_saved_with(tmp_path: Path) -> None:
    network = write_model(tmp_path / "best.safetensors")
    loaded = load_model(tmp_path / "best.safetensors")
    images = torch.randn(3, 3, 16, 16)
    assert not loaded.training
    with torch.no_grad():
        assert torch.equal(loaded(images), network(images))


def test_what_a_file_says_comes_back_as_it_was(tmp_path: Path) -> None:
    info = small_info(mean=(1.25, 2.5, 127.1), crop_ratio=0.875, metrics={})
    save_model(tmp_path / "m.safetensors", lively_network(SMALL).state_dict(), info)
    assert read_model_info(tmp_path / "m.safetensors") == info


def test_a_training_s_last_checkpoint_loads_as_a_model(tmp_path: Path) -> None:
    network = lively_network(SMALL)
    tensors = network.state_dict()
    more = {"ema.stem.0.weight": torch.zeros(1), "optimizer.0.momentum": torch.zeros(2)}
    header = small_info().to_header() | {"progress": {"step": 7}}
    save_checkpoint(tmp_path / "last.safetensors", tensors | more, header)
    loaded = load_model(tmp_path / "last.safetensors").state_dict()
    assert loaded.keys() == tensors.keys()
    assert all(torch.equal(loaded[name], tensors[name]) for name in tensors)


def test_the_network_has_the_classes_of_the_training_not_of_the_architecture(
    tmp_path: Path,
) -> None:
    write_model(tmp_path / "m.safetensors", class_names=("cat", "dog"))
    assert load_model(tmp_path / "m.safetensors").classifier.out_features == 2


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_model(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_pickled_code_is_refused_and_not_run(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "harmed",))

    (tmp_path / "a.safetensors").write_bytes(pickle.dumps(Harm()))
    torch.save({"harm": Harm()}, tmp_path / "b.safetensors")
    for name in ("a", "b"):
        assert "pickled" in refusal(tmp_path / f"{name}.safetensors")
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize("kept", [0, 5, 300, -1])
def test_a_truncated_file_is_refused(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "m.safetensors"
    write_model(path)
    path.write_bytes(path.read_bytes()[:kept])
    assert "cut off" in refusal(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "no.safetensors")


def test_somebody_else_s_safetensors_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"stem": torch.zeros(1)}, tmp_path / "m.safetensors")
    assert "not a checkpoint of effsearch" in refusal(tmp_path / "m.safetensors")


def test_a_newer_format_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    write_model(path)
    content = path.read_bytes()
    assert content.count(b"effsearch/1") == 1
    path.write_bytes(content.replace(b"effsearch/1", b"effsearch/9"))
    assert "effsearch/9" in refusal(path)


def test_tensors_of_another_architecture_are_refused_by_name(tmp_path: Path) -> None:
    other = parse_architecture("res16 stem_k3_s1_c8 ds_r1_k3_s1_c8 head_c32")
    state = lively_network(SMALL).state_dict()
    save_model(tmp_path / "wide.safetensors", state, small_info(load_zoo("efficientnet-b0")))
    assert "'stem.0.weight' has the shape (8, 3, 3, 3)" in refusal(tmp_path / "wide.safetensors")
    save_model(tmp_path / "less.safetensors", lively_network(other).state_dict(), small_info())
    assert "'blocks.0.body.1.reduce.weight' is missing" in refusal(tmp_path / "less.safetensors")


def test_a_header_that_claims_a_huge_network_costs_no_memory(tmp_path: Path) -> None:
    stage = replace(SMALL.stages[0], channels=1_000_000, layers=50, expand=6.0)
    save_model(
        tmp_path / "m.safetensors",
        lively_network(SMALL).state_dict(),
        small_info(replace(SMALL, stages=(stage,))),
    )
    assert "does not fit" in refusal(tmp_path / "m.safetensors")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("std", [1.0, 0.0, 1.0], "std"),
        ("mean", [1.0], "mean must be three numbers"),
        ("crop_ratio", 1.5, "crop_ratio"),
        ("resolution", 0, "resolution"),
        ("class_names", [], "class_names"),
        ("architecture", {"stages": []}, "at least one stage"),
        ("recipe", None, "recipe must be a mapping"),
    ],
)
def test_a_header_with_a_value_out_of_range_is_refused(
    tmp_path: Path, key: str, value: object, said: str
) -> None:
    header = json.loads(json.dumps(small_info().to_header()))
    header["model"][key] = value
    save_checkpoint(tmp_path / "m.safetensors", lively_network(SMALL).state_dict(), header)
    assert said in refusal(tmp_path / "m.safetensors")


def test_a_checkpoint_without_a_model_is_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "m.safetensors", {"a": torch.zeros(1)}, {})
    assert "holds no model" in refusal(tmp_path / "m.safetensors")


def test_a_header_longer_than_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(struct.pack("<Q", 2**40) + b"{}")
    assert "cut off" in refusal(path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_a_missing_resource(tmp_path: Path) -> None:
    write_model(tmp_path / "m.safetensors")
    with pytest.raises(MissingResourceError, match="no CUDA device"):
        load_model(tmp_path / "m.safetensors", device="cuda")


def test_networks_are_called_by_their_name_in_the_zoo() -> None:
    b0 = load_zoo("efficientnet-b0")
    small = replace(b0, resolution=32, classes=10, norm_eps=1e-5)
    assert network_name(small) == "efficientnet-b0"
    cifar = replace(b0, stem=replace(b0.stem, stride=1))
    assert network_name(cifar) == "efficientnet-b0 with stem stride 1"
    assert network_name(SMALL) == f"network {SMALL.id}"


def test_model_info_needs_nothing_but_its_own_section() -> None:
    info = small_info()
    assert ModelInfo.from_header(info.to_header(), Path("m")) == info
