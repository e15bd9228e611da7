"""Image datasets of the Hugging Face hub, `hf:NAME[:CONFIG]`, through the package `datasets`.

NAME may also be a directory: one that `datasets` can load, or one that `save_to_disk` wrote.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch

from effsearch.search_spaces.errors import InputError, MissingResourceError
from effsearch.training.data.images import HeldOut, ImageListing, Picture
from effsearch.training.data.labels import distinct_names, is_unlabelled, number_labels

VALIDATION_PARTS = ("validation", "valid", "val", "dev")
IMAGE_COLUMNS = ("image", "img", "picture")
LABEL_COLUMNS = ("label", "labels", "class", "target")


@dataclass(frozen=True, kw_only=True, eq=False)
class HubPictures:
    """Encoded pictures of one column, read from Arrow files as they are asked for."""

    name: str
    rows: Any
    column: str

    def __call__(self, indices: Sequence[int]) -> Iterator[tuple[str, Picture]]:
        """The pictures with these indices."""
        for i in indices:
            cell = self.rows[i][self.column] or {}
            where = f"{i} of {self.name}"
            if cell.get("bytes"):
                yield where, BytesIO(cell["bytes"])
            else:
                yield where, Path(cell["path"]) if cell.get("path") else None


def list_training_hub(spec: str) -> ImageListing:
    """The training part.

    Raises:
        InputError: the dataset is unknown, has no part `train`, or no image or label column, or a
            row without a label.
        MissingResourceError: the package `datasets` is not installed, or the hub is out of reach.
    """
    parts = _load(spec)
    if "train" not in parts:
        raise InputError(f"'{spec}' has no part 'train': it has {', '.join(parts)}")
    listing = _list_part(spec, "train", parts["train"], names=None)
    assert listing is not None
    return listing


def list_held_out_hub(spec: str) -> HeldOut:
    """The test and the validation part, in this order; one alone is the test part.

    A part without labels (−1) is none.

    Raises:
        InputError, MissingResourceError: as `list_training_hub`.
    """
    parts = _load(spec)
    validation = [name for name in VALIDATION_PARTS if name in parts][:1]
    names = list_training_hub(spec).class_names
    listed = [
        _list_part(spec, part, parts[part], names=names)
        for part in (["test"] * ("test" in parts) + validation)
    ]
    return HeldOut(parts=tuple(listing for listing in listed if listing is not None))


@lru_cache(maxsize=4)  # the parts are asked for one by one, and loading looks at the hub
def _load(spec: str) -> dict[str, Any]:
    """All parts by name."""
    try:
        import datasets
    except ImportError as error:
        raise MissingResourceError(
            f"'{spec}' needs the package datasets: pip install 'effsearch[hf]'"
        ) from error
    name, config = _name_and_config(spec)
    try:
        if os.path.isfile(Path(name) / "dataset_dict.json"):
            return dict(datasets.load_from_disk(name))
        with _quiet_hub():
            return dict(datasets.load_dataset(name, config))
    except datasets.exceptions.DatasetNotFoundError as error:
        raise InputError(
            f"{_out_of_reach(spec)}: there is no such dataset, or it asks for a login "
            "(hf auth login)"
        ) from error
    except Exception as error:  # requests, httpx, huggingface_hub and pyarrow all raise their own
        if _is_about_network(error):
            raise MissingResourceError(
                f"{_out_of_reach(spec)}: the hub cannot be reached from here; download it where "
                "it can be and give its directory"
            ) from error
        raise InputError(f"{_out_of_reach(spec)}: {_first_line(error)}") from error


@contextmanager
def _quiet_hub() -> Iterator[None]:
    """Without a word on each attempt to reach the hub: the last one's error is told."""
    logger = logging.getLogger("huggingface_hub")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _name_and_config(spec: str) -> tuple[str, str | None]:
    whole = spec.removeprefix("hf:")
    name, _, config = whole.partition(":")
    if not name:
        raise InputError(f"'{spec}' names no dataset: give hf:NAME or hf:NAME:CONFIG")
    folder = os.path.expanduser(whole)
    if os.path.isdir(folder):  # whose own name may hold a colon
        return folder, None
    folder = os.path.expanduser(name)
    return folder if os.path.isdir(folder) else name, config or None


def _list_part(
    spec: str, part: str, rows: Any, names: tuple[str, ...] | None
) -> ImageListing | None:
    """A part's rows; None for a held-back part (whose names are given) without any label."""
    where = f"the part '{part}' of '{spec}'"
    image, label = _columns(spec, rows)
    values = _label_values(where, rows, label)
    if names is not None and is_unlabelled(values):
        return None
    own = getattr(rows.features[label], "names", None)
    class_names = names or (tuple(own) if own else distinct_names([values]))
    return ImageListing(
        name=spec,
        labels=torch.from_numpy(number_labels(where, values, class_names, own)),
        class_names=class_names,
        pictures=HubPictures(name=where, rows=_encoded(rows, image), column=image),
    )


def _columns(spec: str, rows: Any) -> tuple[str, str]:
    """Names of the image and the label column; of several, the label with the most classes."""
    import datasets

    features = rows.features
    images = [name for name, kind in features.items() if isinstance(kind, datasets.Image)]
    labels = [name for name, kind in features.items() if isinstance(kind, datasets.ClassLabel)]
    labels.sort(key=lambda name: -features[name].num_classes)
    image = next((name for name in (*IMAGE_COLUMNS, *images) if name in images), None)
    label = next((n for n in (LABEL_COLUMNS[0], *labels, *LABEL_COLUMNS) if n in features), None)
    for kind, found in (("image", image), ("label", label)):
        if found is None:
            raise InputError(f"'{spec}' has no {kind} column: it has {', '.join(features)}")
    assert image is not None
    assert label is not None
    return image, label


def _label_values(where: str, rows: Any, column: str) -> pa.Array:
    values = rows.select_columns([column]).with_format("arrow")[:].column(0).combine_chunks()
    if not pa.types.is_integer(values.type) and not pa.types.is_string(values.type):
        raise InputError(
            f"the labels of {where} are {values.type}: whole numbers or text are known"
        )
    if values.null_count:
        row = values.is_null().to_pylist().index(True)
        raise InputError(f"row {row} of {where} has no label")
    return values


def _encoded(rows: Any, column: str) -> Any:
    import datasets

    return rows.select_columns([column]).cast_column(column, datasets.Image(decode=False))


def _out_of_reach(spec: str) -> str:
    return f"cannot load '{spec}'"


def _is_about_network(error: BaseException | None) -> bool:
    """Whether an error, or one that it came from, is of the connection."""
    names = ("Connect", "Offline", "Timeout", "Proxy", "SSL", "LocalEntryNotFound")
    while error is not None:
        if isinstance(error, ConnectionError) or any(n in type(error).__name__ for n in names):
            return True
        error = error.__cause__ or error.__context__
    return False


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
