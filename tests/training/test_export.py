"""Exports: what is written was run on real images, and what disagrees is not written."""

import errno
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from small_model import SMALL, small_info, write_model
from torch import Tensor

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import EffsearchError, InputError
from effsearch.search_spaces.notation import parse_architecture
from effsearch.training.export import export_model
from effsearch.training.export.card import model_card
from effsearch.training.export.exporting import Export
from effsearch.training.export.formats import PixelNetwork
from effsearch.training.export.images import images_to_check
from effsearch.training.models.model_file import load_model, read_model_info, save_model
from effsearch.training.models.published_weights import load_published_weights


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write_model(tmp_path / "best.safetensors")
    return tmp_path / "best.safetensors"


def digits() -> Tensor:
    """Eight real digits at 16 pixels."""
    from effsearch.training.loop.pictures import model_input, sample_data

    return model_input(sample_data("digits", 8), 16, 1.0)


def export(model: Path, output: Path | None = None, **options: Any) -> Export:
    return export_model(model, output, images=digits(), images_from="digits", **options)


@pytest.mark.slow
def test_an_onnx_graph_is_quantised_as_it_is(model: Path, tmp_path: Path) -> None:
    ort, onnx = pytest.importorskip("onnxruntime"), pytest.importorskip("onnx")
    from onnxruntime.quantization import CalibrationDataReader, quantize_dynamic, quantize_static

    class Digits(CalibrationDataReader):
        def __init__(self) -> None:
            self.left = list(digits().float().split(1))

        def get_next(self) -> dict[str, Any] | None:
            return {"pixels": self.left.pop().numpy()} if self.left else None

    path = export(model, format="onnx").path
    graph = onnx.load(path).graph
    stated = {value.name for value in graph.value_info}
    assert not stated & {tensor.name for tensor in graph.initializer}
    quantize_dynamic(path, tmp_path / "dynamic.onnx")
    quantize_static(path, tmp_path / "static.onnx", Digits())
    pixels = digits().float().numpy()
    expected = ort.InferenceSession(path).run(["logits"], {"pixels": pixels})[0]
    for name in ("dynamic", "static"):
        session = ort.InferenceSession(tmp_path / f"{name}.onnx")
        (logits,) = session.run(["logits"], {"pixels": pixels})
        assert logits.shape == (8, 10)
        assert abs(logits - expected).max() < 0.35 * abs(expected).max(), name


@pytest.mark.slow
def test_an_onnx_graph_takes_pixels_in_batches_of_any_size(model: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    done = export(model, format="onnx")
    assert done.path == model.with_name("best.onnx")
    assert done.largest_difference < 1e-4
    session = onnxruntime.InferenceSession(done.path, providers=["CPUExecutionProvider"])
    network, info = load_model(model), read_model_info(model)
    for count in (1, 3):
        pixels = digits()[:count].float()
        (logits,) = session.run(["logits"], {"pixels": pixels.numpy()})
        with torch.no_grad():
            expected = network((pixels - info.mean[0]) / info.std[0])
        assert torch.allclose(torch.from_numpy(logits), expected, atol=1e-4)
    said = session.get_modelmeta().custom_metadata_map
    assert json.loads(said["class_names"]) == list("0123456789")
    assert said["normalisation"].startswith("inside the graph")
    assert json.loads(said["mean"]) == [78.0, 78.0, 78.0]


@pytest.mark.slow
@pytest.mark.parametrize("format", ["onnx", "torchscript"])
def test_later_layers_are_exported_for_batches_of_any_size(tmp_path: Path, format: str) -> None:
    line = (
        "res16 stem_s1_c16 pad_same norm_group8 ds_r1_k3.5_s1_c16 ir_r1_k3_a1.1_p1.1_s2_e2_c24 "
        "ir_r1_k3_s2_e2_c32_se0.25_cc4 uir_r1_k3_a5_s2_e2_c32 head_c32"
    )
    model = tmp_path / "best.safetensors"
    write_model(model, parse_architecture(line))
    assert export(model, format=format).largest_difference < 1e-3  # of two images and of one


def test_a_torchscript_module_takes_pixels(model: Path) -> None:
    done = export(model, format="torchscript")
    said = {"metadata.json": ""}
    loaded = torch.jit.load(done.path, _extra_files=said)  # type: ignore[no-untyped-call]
    network, info = load_model(model), read_model_info(model)
    pixels = digits()[:5].float()
    with torch.no_grad():
        expected = PixelNetwork(network, info)(pixels)
        assert torch.allclose(loaded(pixels), expected, atol=1e-4)
    assert json.loads(said["metadata.json"])["resolution"] == "16"
    assert zipfile.is_zipfile(io.BytesIO(done.path.read_bytes()))


def test_exported_safetensors_are_a_model_file(model: Path) -> None:
    done = export(model, format="safetensors")
    assert done.path.name == "best.effsearch.safetensors"
    assert read_model_info(done.path) == read_model_info(model)


def test_an_export_under_timm_s_names_loads_again(model: Path) -> None:
    done = export(model, format="safetensors", names="timm")
    assert "blocks.1.0.conv_pwl.weight" in load_file(done.path)
    ours = load_model(model)
    weights = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
    torch.nn.init.zeros_(ours.classifier.weight)
    load_published_weights(ours, done.path)
    assert all(torch.equal(ours.state_dict()[name], weights[name]) for name in weights)


@pytest.mark.slow
def test_an_export_that_disagrees_is_not_written_and_leaves_the_earlier_one(model: Path) -> None:
    output = model.with_name("out.pt")
    output.write_text("earlier")
    state = load_model(model).state_dict()
    # Logits of infinity less infinity: a NaN agrees with nothing.
    state["classifier.weight"] = torch.full_like(state["classifier.weight"], 3e38)
    state["classifier.bias"] = torch.full((10,), -3e38)
    save_model(model, state, small_info())
    with pytest.raises(EffsearchError, match="disagrees with torch") as caught:
        export(model, output, format="torchscript")
    assert caught.value.exit_code == 1
    assert output.read_text() == "earlier"
    assert sorted(p.name for p in model.parent.iterdir()) == ["best.safetensors", "out.pt"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"format": "onx"}, "did you mean 'onnx'"),
        ({"format": "onnx", "names": "timm"}, "names of timm are for the format safetensors"),
        ({"format": "safetensors", "names": "keras"}, "unknown naming of tensors 'keras'"),
    ],
)
def test_wrong_options_are_refused(model: Path, options: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        export(model, **options)


def test_an_export_never_takes_the_checkpoint_s_place(model: Path) -> None:
    with pytest.raises(InputError, match="is the checkpoint itself"):
        export(model, model, format="safetensors")
    with pytest.raises(InputError, match="is a folder"):
        export(model, model.parent, format="torchscript")


def test_an_unwritable_place_is_named(model: Path) -> None:
    (model.parent / "file").write_text("")
    for place in (model.parent / "file" / "x.pt", model.parent / ("x" * 300)):
        with pytest.raises(EffsearchError, match=f"cannot write {place}: "):
            export(model, place, format="torchscript")


@pytest.mark.parametrize("format", ["safetensors", "torchscript"])
def test_a_full_disk_is_told_of_the_file_that_was_asked_for(
    format: str, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    output = model.parent / "x.bin"
    with pytest.raises(EffsearchError, match=f"cannot write {output}: No space left"):
        export(model, output, format=format)
    assert list(model.parent.iterdir()) == [model]


def test_names_that_a_library_does_not_have_leave_nothing_behind(tmp_path: Path) -> None:
    pooled = parse_architecture("res16 stem_k3_s1_c8 ir_r1_k3_s1_e2_c8_pool head_c8")
    write_model(tmp_path / "m.safetensors", pooled)
    with pytest.raises(InputError, match="skip option 'pool'"):
        export(tmp_path / "m.safetensors", format="safetensors", names="timm")
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]


def test_images_are_the_model_s_own_or_the_digits(tmp_path: Path) -> None:
    write_model(tmp_path / "m.safetensors", data={"name": str(tmp_path / "gone")})
    images, source = images_to_check(tmp_path / "m.safetensors", None, 4)
    assert (tuple(images.shape), images.dtype) == ((4, 3, 16, 16), torch.uint8)
    assert "cannot be read here" in source
    with pytest.raises(InputError, match="does not exist"):
        images_to_check(tmp_path / "m.safetensors", str(tmp_path / "gone"), 4)


def card(architecture: Architecture = SMALL, names: str = "timm", **changes: Any) -> str:
    done = Export(
        path=Path("m.safetensors"),
        card=Path("m.safetensors.md"),
        format="safetensors",
        names=names,
        images=8,
        images_from="digits",
        largest_difference=1e-6,
    )
    return model_card(done, small_info(architecture, **changes))


def test_a_card_says_what_a_user_has_to_know() -> None:
    text = card()
    for said in (
        "trained on digits",
        "295,328 (multiply-adds of convolutions and linear layers, batch 1)",
        "6,094",
        "`res16 act_silu",
        "mean (78, 78, 78)",
        "| top1 | 0.25 |",
        "| lr | 0.01 |",
        "| effsearch | 0.1.0 |",
        "0, 1, 2, 3, 4, 5, 6, 7, 8, 9.",
        "1e-06 at most",
    ):
        assert said in text


def test_a_card_shows_strangers_names_as_text() -> None:
    text = card(class_names=("<script>x</script>", "a|b", "`c`\n# d"))
    assert "<script>" not in text.replace("\\<", "")
    assert r"a\|b" in text
    assert "\n# d" not in text
