"""Class activation maps: right by hand, one an image and model, and drawn to a PNG."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from small_model import SMALL, lively_network, write_model

from effsearch.search_spaces.errors import EffsearchError, InputError
from effsearch.training.export.gradcam import class_maps
from effsearch.training.export.gradcam_picture import early_columns, map_model, write_picture
from effsearch.training.loop.pictures import Sample, model_input, sample_data, sample_files

CPU = torch.device("cpu")


def test_the_map_is_the_classifier_s_weights_on_the_last_features() -> None:
    """Behind mean pooling and one linear layer Grad-CAM is the class activation map itself."""
    network = lively_network(SMALL)
    images = torch.randn(5, 3, 16, 16)
    with torch.no_grad():
        logits, features = network(images), network.features(images)
    for index, found in enumerate(class_maps(network, images)):
        best = int(logits[index].argmax())
        assert found.predicted == best
        assert found.probability == pytest.approx(float(logits[index].softmax(0)[best]), rel=1e-5)
        weights = network.classifier.weight.detach()[best]
        heat = torch.einsum("c,chw->hw", weights, features[index]).clamp(min=0)
        assert found.heat.shape == (4, 4)
        assert torch.allclose(found.heat, heat / heat.max(), atol=1e-5)


def test_maps_leave_no_gradients_and_no_training_mode() -> None:
    network = lively_network(SMALL).train()
    class_maps(network, torch.randn(2, 3, 16, 16))
    assert not network.training
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_map_without_evidence_is_all_zero() -> None:
    network = lively_network(SMALL)
    torch.nn.init.zeros_(network.classifier.weight)
    (found,) = class_maps(network, torch.randn(1, 3, 16, 16))
    assert torch.equal(found.heat, torch.zeros(4, 4))


def test_models_of_different_sizes_are_drawn_side_by_side(tmp_path: Path) -> None:
    write_model(tmp_path / "a.safetensors")
    write_model(tmp_path / "b.safetensors", replace(SMALL, resolution=32))
    samples = sample_data("digits", 2)
    columns = [
        map_model(tmp_path / "a.safetensors", samples, CPU),
        map_model(
            tmp_path / "b.safetensors", samples, CPU, "with $ and a very long name of 40 ch."
        ),
    ]
    assert [column.images.shape[-1] for column in columns] == [16, 32]
    assert [column.maps[0].heat.shape for column in columns] == [(4, 4), (8, 8)]
    write_picture(tmp_path / "cam.png", samples, columns)
    with Image.open(tmp_path / "cam.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > picture.height  # three columns, two rows
    with pytest.raises(EffsearchError, match="cannot write"):
        write_picture(tmp_path / "no" / "cam.png", samples, columns)


def test_where_the_last_map_is_one_place_the_last_of_at_least_four_is_taken(
    tmp_path: Path,
) -> None:
    write_model(tmp_path / "m.safetensors", resolution=8)  # its maps: 4x4, then 2x2
    column = map_model(tmp_path / "m.safetensors", sample_data("digits", 2), CPU, "tiny")
    assert [found.heat.shape for found in column.maps] == [(4, 4), (4, 4)]
    assert float(column.maps[0].heat.max()) == pytest.approx(1.0)
    (line,) = early_columns([column])
    assert line.startswith("tiny: the last feature map is too small at 8 pixels to say where")
    assert "so the map is of " in line


def test_a_network_without_a_map_that_says_where_is_refused(tmp_path: Path) -> None:
    write_model(tmp_path / "m.safetensors", resolution=3)
    with pytest.raises(InputError, match=r"no feature map is as large as 4x4 at 3 pixels"):
        map_model(tmp_path / "m.safetensors", sample_data("digits", 1), CPU)


def test_pictures_of_classes_that_a_model_does_not_know_are_refused(tmp_path: Path) -> None:
    write_model(tmp_path / "m.safetensors")
    (one,) = sample_data("digits", 1)
    with pytest.raises(InputError, match=r"shows 'cat', and .* knows other classes: '0', '1'"):
        map_model(tmp_path / "m.safetensors", [replace(one, class_name="cat")], CPU)
    # Of a picture whose class is not known nothing is assumed.
    map_model(tmp_path / "m.safetensors", [replace(one, class_name=None)], CPU)


def test_samples_show_each_class_once_before_one_twice() -> None:
    classes = [sample.class_name for sample in sample_data("digits", 13)]
    assert len(classes) == 13
    assert len(set(classes)) == 10
    again = sample_data("digits", 13)
    assert [one.where for one in again] == [one.where for one in sample_data("digits", 13)]
    assert [one.where for one in again] != [one.where for one in sample_data("digits", 13, seed=1)]


def test_pictures_of_files_and_folders_are_cut_as_in_evaluation(tmp_path: Path) -> None:
    image = Image.new("L", (80, 40), 0)
    image.paste(255, (20, 0, 60, 40))  # the centred square is white
    image.save(tmp_path / "b.png")
    Image.new("CMYK", (30, 30)).save(tmp_path / "a.jpg")
    (tmp_path / "notes.txt").write_text("no picture")
    samples = sample_files([tmp_path, tmp_path / "b.png"])
    assert [sample.where for sample in samples] == ["a.jpg", "b.png", "b.png"]
    shown = model_input(samples[1:2], 20, 0.875)
    assert shown.shape == (1, 3, 20, 20)
    assert int(shown.min()) == 255


def test_pictures_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n rubbish")
    with pytest.raises(InputError, match=r"bad\.png"):
        sample_files([tmp_path / "bad.png"])
    with pytest.raises(InputError, match="does not exist"):
        sample_files([tmp_path / "no.png"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no pictures"):
        sample_files([tmp_path / "empty"])


def test_a_sample_keeps_its_own_size() -> None:
    (one,) = sample_data("digits", 1)
    assert isinstance(one, Sample)
    assert (one.picture.size, one.picture.mode) == ((8, 8), "RGB")
