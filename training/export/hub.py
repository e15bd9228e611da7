"""A trained model as a folder of the Hugging Face Hub's form, and on the Hub itself.

The folder holds README.md (the card), model.safetensors and config.json (architecture, classes,
how images are prepared); `effsearch.create_model` reads it back.
"""

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from effsearch.results.store.files import cannot_write, write_atomically, write_json
from effsearch.search_spaces.errors import EffsearchError, InputError, MissingResourceError
from effsearch.training.export.exported import Export
from effsearch.training.export.exporting import export_model

if TYPE_CHECKING:
    from torch import Tensor

HUB = "hf:"
WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"


def export_to(
    place: str,
    checkpoint: Path,
    *,
    names: str,
    images: "Tensor",
    images_from: str,
) -> tuple[str, Export]:
    """Export a model file to a folder, or to `hf:USER/NAME`.

    Args:
        place: where to; a folder is made, what it holds of these files is replaced.
        checkpoint: a model file.
        names, images, images_from: as of `export_model`.

    Returns:
        The folder or the page of the model, and the export.

    Raises:
        InputError: a name that is none, or as `export_model`.
        MissingResourceError: huggingface_hub is not installed, or the Hub cannot be reached.
        EffsearchError: the Hub refuses, or as `export_model`.
    """
    options = {"names": names, "images": images, "images_from": images_from}
    if not place.startswith(HUB):
        return place, _write(Path(place), checkpoint, options)
    repository = place.removeprefix(HUB)
    if repository.count("/") != 1 or not all(repository.split("/")):
        raise InputError(f"'{place}' names no model of the Hub: give hf:USER/NAME")
    hub = _hub()
    with tempfile.TemporaryDirectory(prefix="effsearch-hub-") as folder:
        done = _write(Path(folder), checkpoint, options)
        page = _upload(hub, repository, folder)
    return page, replace(done, path=Path(WEIGHTS), card=Path(CARD))


def _write(folder: Path, checkpoint: Path, options: dict[str, Any]) -> Export:
    """The three files."""
    from effsearch.training.models.create import pretrained_cfg
    from effsearch.training.models.model_file import read_model_info

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise cannot_write(folder, problem) from problem
    done = export_model(checkpoint, folder / WEIGHTS, format="safetensors", **options)
    info = read_model_info(checkpoint)
    about = pretrained_cfg(info.architecture, info.classes, 3, info)
    document = {
        "library_name": "effsearch",
        "architecture": info.architecture.to_dict(),
        "num_classes": info.classes,
        "pretrained_cfg": about,
    }
    write_json(folder / CONFIG, document)
    card = done.card.read_text(encoding="utf-8")
    tags = "tags:\n- image-classification\n- effsearch"
    write_atomically(folder / CARD, f"---\nlibrary_name: effsearch\n{tags}\n---\n\n{card}")
    os.unlink(done.card)
    return replace(done, card=folder / CARD)


def _hub() -> Any:
    try:
        import huggingface_hub
    except ImportError:
        raise MissingResourceError(
            "the Hub needs the package huggingface_hub: pip install 'effsearch[hf]', or give a "
            "folder"
        ) from None
    return huggingface_hub


def _upload(hub: Any, repository: str, folder: str) -> str:
    """Upload a folder's content; the address of the model's page."""
    try:
        api = hub.HfApi()
        page = api.create_repo(repository, exist_ok=True)
        api.upload_folder(repo_id=repository, folder_path=folder, commit_message="effsearch export")
    except Exception as error:  # requests, httpx and the Hub all raise their own
        text = (str(error).strip() or type(error).__name__).splitlines()[0]
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status in (401, 403) or "oken" in text:
            raise EffsearchError(
                f"the Hub does not let you write '{repository}': log in by hf auth login ({text})"
            ) from error
        if status is not None:
            raise EffsearchError(f"the Hub refused '{repository}': {text}") from error
        raise MissingResourceError(
            f"the Hub cannot be reached from here: {text}; give a folder to --to instead"
        ) from error
    return str(page)
