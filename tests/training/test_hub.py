"""`effsearch export --to`: a folder of the Hub's form, and the Hub itself."""

import json
from pathlib import Path

import pytest
import torch
from small_model import write_model

import effsearch
from effsearch.search_spaces.errors import InputError, MissingResourceError
from effsearch.training.export.hub import export_to

IMAGES = torch.zeros(2, 3, 16, 16, dtype=torch.uint8)


def test_a_folder_holds_card_weights_and_configuration(tmp_path: Path) -> None:
    trained = write_model(tmp_path / "best.safetensors")
    place, done = export_to(
        str(tmp_path / "hub"), tmp_path / "best.safetensors",
        names="effsearch", images=IMAGES, images_from="nothing",
    )  # fmt: skip
    folder = Path(place)
    assert sorted(one.name for one in folder.iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    card = done.card.read_text()
    assert card.startswith("---\nlibrary_name: effsearch\n")
    assert "\n- timm can load it" in card
    config = json.loads((folder / "config.json").read_text())
    assert config["num_classes"] == 10
    assert config["pretrained_cfg"]["input_size"] == [3, 16, 16]
    again = effsearch.create_model(folder, pretrained=True).eval()
    images = torch.rand(2, 3, 16, 16)
    assert torch.allclose(again(images), trained(images), atol=1e-6)


def test_a_name_that_is_none_and_a_hub_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_model(tmp_path / "best.safetensors")
    options = {"names": "effsearch", "images": IMAGES, "images_from": "nothing"}
    with pytest.raises(InputError, match="names no model of the Hub: give hf:USER/NAME"):
        export_to("hf:alone", tmp_path / "best.safetensors", **options)  # type: ignore[arg-type]
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_TOKEN", "hf_none")
    with pytest.raises(MissingResourceError, match="the Hub cannot be reached from here"):
        export_to("hf:me/mine", tmp_path / "best.safetensors", **options)  # type: ignore[arg-type]
