"""Weights of other tools: prefixes, training dicts, pickles without code, values that are none."""

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from small_model import SMALL, lively_network, write_model
from torch import Tensor

from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.network import build_network
from effsearch.training.loop.evaluated_part import evaluate_checkpoint
from effsearch.training.models.checkpoint import read_checkpoint, save_checkpoint
from effsearch.training.models.model_file import load_model
from effsearch.training.models.published_weights import load_published_weights, to_published
from effsearch.training.models.transfer import read_weights, transfer_weights
from effsearch.training.models.weight_file import read_tensors


@pytest.fixture(scope="module")
def timm() -> dict[str, Tensor]:
    return to_published(SMALL, lively_network(SMALL).state_dict(), "timm")


def check(path: Path) -> None:
    """The file holds the weights of `lively_network`, for a published load and for a transfer."""
    expected = lively_network(SMALL).state_dict()
    for load in (
        load_published_weights,
        lambda net, file: transfer_weights(net, *read_weights(file)),
    ):
        network = build_network(SMALL, classes=10)
        load(network, path)
        for name, tensor in network.state_dict().items():
            assert torch.equal(tensor, expected[name]), name


@pytest.mark.parametrize(
    "prefix",
    ["module.", "_orig_mod.", "backbone.", "model.", "module._orig_mod.", "model.backbone."],
)
def test_prefixes_of_wrappers_are_taken_off(tmp_path: Path, timm: dict[str, Tensor], prefix: str):
    save_file({prefix + name: tensor for name, tensor in timm.items()}, tmp_path / "w.safetensors")

    check(tmp_path / "w.safetensors")


@pytest.mark.parametrize("library", ["timm", "torchvision", "ours"])
@pytest.mark.parametrize("legacy", [False, True])
def test_a_saved_state_dict_is_read_without_running_code(
    tmp_path: Path, library: Any, legacy: bool
):
    state = lively_network(SMALL).state_dict()
    if library != "ours":
        state = to_published(SMALL, state, library)
    torch.save(state, tmp_path / "w.pth", _use_new_zipfile_serialization=not legacy)

    check(tmp_path / "w.pth")


@pytest.mark.parametrize("name", ["state_dict", "state_dict_ema", "model", "model_state_dict"])
def test_the_network_of_a_training_s_file_is_found(
    tmp_path: Path, timm: dict[str, Tensor], name: str
):
    saved = {"epoch": 3, "arch": "b0", name: timm, "optimizer": {"state": {0: torch.ones(2)}}}
    torch.save(saved, tmp_path / "w.pth.tar")

    check(tmp_path / "w.pth.tar")


def test_averaged_weights_come_before_the_last_ones(tmp_path: Path, timm: dict[str, Tensor]):
    last = {name: torch.zeros_like(tensor) for name, tensor in timm.items()}
    torch.save({"state_dict": last, "state_dict_ema": timm}, tmp_path / "w.pth.tar")

    check(tmp_path / "w.pth.tar")


def test_a_state_dict_of_ours_needs_no_header(tmp_path: Path):
    save_file(lively_network(SMALL).state_dict(), tmp_path / "w.safetensors")

    check(tmp_path / "w.safetensors")


class Harm:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("make", [Harm, lambda path: argparse.Namespace(lr=0.1)])
def test_a_file_that_holds_code_is_refused_unread(
    tmp_path: Path, timm: dict[str, Tensor], make: Any
):
    torch.save({"state_dict": timm, "args": make(tmp_path / "harm")}, tmp_path / "w.pth.tar")
    with pytest.raises(
        InputError, match=r"pickled code.*never run here.*convert it once: python -c"
    ):
        read_tensors(tmp_path / "w.pth.tar")
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    "content", [b"", b"\x80\x02", b"PK\x03\x04" + b"\0" * 40, b"\x80\x04K\x05.", b"no weights"]
)
def test_a_file_without_weights_is_one_line(tmp_path: Path, content: bytes):
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_tensors(tmp_path / "w.pth")
    assert "\n" not in str(caught.value)
    assert "w.pth" in str(caught.value)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.pth")
    for path in (tmp_path / "pipe.pth", Path("/dev/zero"), tmp_path / ("x" * 5000)):
        with pytest.raises(InputError, match="does not exist or is not a file"):
            read_tensors(path)


# values that are none


def broken_model(path: Path, value: float) -> Path:
    write_model(path)
    tensors, header = read_checkpoint(path)
    tensors["head.0.weight"][0] = value
    save_checkpoint(path, tensors, {k: v for k, v in header.items() if k != "format"})
    return path


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_named(tmp_path: Path, value: float):
    path = broken_model(tmp_path / "m.safetensors", value)
    said = r"m\.safetensors' holds NaN or infinite values, in tensor 'head\.0\.weight'"
    with pytest.raises(InputError, match=said):
        load_model(path)
    with pytest.raises(InputError, match=said):
        evaluate_checkpoint(path, device="cpu")
    with pytest.raises(InputError, match="holds NaN or infinite values"):
        transfer_weights(build_network(replace(SMALL), classes=10), *read_weights(path))
