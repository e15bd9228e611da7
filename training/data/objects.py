"""Images that are given from Python: arrays, a torch dataset, a Hugging Face dataset.

data=(images, labels)                      uint8, or floats in [0, 1]; (N, H, W), (N, H, W, 3),
                                           (N, 3, H, W), or a list of pictures of any sizes
data=dataset                               of pairs (picture, class), with a length
data={"train": …, "test": …}               parts, each as above
data={…, "transform": function}            of a picture (PIL) to a picture, for all parts
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from PIL import Image

from effsearch.results.config import name_of
from effsearch.search_spaces.errors import EffsearchError, InputError
from effsearch.training.data.images import HeldOut, ImageListing, Picture
from effsearch.training.data.labels import distinct_names, number_labels, plain_labels
from effsearch.training.data.part_names import part_of
from effsearch.training.data.progress import progress_line

TRANSFORM = "transform"
"""Beside the parts: what makes a picture of a picture, such as a crop, before anything else."""

_IMAGE_KEYS = ("image", "img", "pixel_values", "x")
_LABEL_KEYS = ("label", "labels", "class", "fine_label", "target", "y")


@dataclass(frozen=True, eq=False)
class _Images:
    """Images and labels of one part, before anything is known of them.

    Attributes:
        pictures: by place.
        labels: one a picture.
        class_names: in the order of the labels; empty where they are not told.
    """

    pictures: Any
    labels: Sequence[Any]
    class_names: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Pictures:
    """Pictures of an array, or of a dataset's items, made as they are asked for."""

    name: str
    held: Any

    def __call__(self, indices: Sequence[int]) -> Iterator[tuple[str, Picture]]:
        """The pictures with these indices."""
        for i in indices:
            where = f"image {i} of {self.name}"
            yield where, as_picture(where, self.held[i])


def list_training_object(name: str, value: Any) -> ImageListing:
    """The training part of what was given as data.

    Raises:
        InputError: it is no data set that is known, or a picture or label of it cannot be used.
    """
    part = _part(value, "train")
    if part is None:
        raise InputError(f"data '{name}' has no part 'train': name it so in the mapping")
    found = _transformed(name, _read(name, part), value)
    values = _labels(name, found.labels)
    names, lines = (found.class_names, ()) if found.class_names else distinct_names([values])
    return _listing(name, found, values, names, lines)


def list_held_out_object(name: str, value: Any) -> HeldOut:
    """The test and the validation part, in this order; one alone is the test part.

    Raises:
        InputError: as `list_training_object`.
    """
    kept = [part for part in ("test", "validation") if _part(value, part) is not None]
    if not kept:
        return HeldOut(parts=())
    class_names = list_training_object(name, value).class_names
    listings = []
    for part in kept:
        where = f"the {part} part of {name}"
        found = _transformed(where, _read(where, _part(value, part)), value)
        listings.append(_listing(where, found, _labels(where, found.labels), class_names, ()))
    return HeldOut(parts=tuple(listings))


def as_picture(where: str, value: Any) -> Picture:
    """A picture of whatever holds one: PIL, bytes, an array or a tensor.

    Raises:
        InputError: it holds none, or levels of which black and white are not known.
    """
    if value is None or isinstance(value, Image.Image):
        return value
    if isinstance(value, torch.Tensor):
        array = value.detach().cpu().numpy()
        array = array.transpose(1, 2, 0) if array.ndim == 3 else array
    else:
        try:
            array = np.asarray(value)
        except (ValueError, TypeError):
            array = np.asarray(None)
        if array.ndim == 3 and array.shape[0] in (1, 3) and array.shape[2] not in (1, 3, 4):
            array = array.transpose(1, 2, 0)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise InputError(
            f"{where} is {_told(value, array)}: an image is (H, W), (H, W, 3) or (3, H, W)"
        )
    return Image.fromarray(_levels(where, array))


def _levels(where: str, array: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Grey levels of an array of bytes, whole numbers up to 255, or fractions."""
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    whole = np.issubdtype(array.dtype, np.integer)
    if not whole and not np.issubdtype(array.dtype, np.floating):
        raise InputError(f"{where} is of {array.dtype}: give uint8, or floats in [0, 1]")
    low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
    top = 255.0 if whole else 1.0
    if not (low >= 0 and high <= top):
        raise InputError(
            f"{where} is of {array.dtype} with values from {low:.3g} to {high:.3g}: give uint8, or "
            "floats in [0, 1], before any normalisation"
        )
    return np.ascontiguousarray(np.rint(array * (255.0 / top)).astype(np.uint8))


def _told(value: Any, array: npt.NDArray[Any]) -> str:
    return f"of shape {array.shape}" if array.ndim else f"a {type(value).__name__}"


def _part(value: Any, part: str) -> Any | None:
    """A part of what was given; all of it is the training part where it has none."""
    if not isinstance(value, Mapping):
        return value if part == "train" else None
    for name in value:
        if part_of(str(name)) == part:
            return value[name]
    return None


def _transformed(name: str, found: _Images, value: Any) -> _Images:
    """The images as a user's own function makes them; it is called once a picture that is read."""
    transform = value.get(TRANSFORM) if isinstance(value, Mapping) else None
    if transform is None:
        return found
    if not callable(transform):
        raise InputError(f"the transform of data '{name}' is {_kind(transform)}: give a function")
    return replace(found, pictures=_Transformed(name, found.pictures, transform))


@dataclass(frozen=True, eq=False)
class _Transformed:
    """Pictures after a user's own function, which is given them as PIL's."""

    name: str
    pictures: Any
    transform: Any

    def __getitem__(self, place: int) -> Any:
        picture = as_picture(f"image {place} of {self.name}", self.pictures[place])
        try:
            made = self.transform(picture)
        except Exception as error:  # the user's code
            text = " ".join(f"{type(error).__name__}: {error}".split())
            raise InputError(
                f"the transform of data '{self.name}' failed on image {place}: {text}"
            ) from error
        if made is None:
            raise InputError(
                f"the transform of data '{self.name}' returned nothing for image {place}: "
                "return the picture"
            )
        return made


def _read(name: str, part: Any) -> _Images:
    if isinstance(part, tuple | list) and len(part) == 2 and not hasattr(part, "dataset"):
        return _read_arrays(name, *part)
    if not hasattr(part, "__getitem__"):
        raise InputError(
            f"data '{name}' is {_kind(part)}: give a dataset with a length and items (picture, "
            "class), or (images, labels)"
        )
    try:
        count = len(part)
    except TypeError:
        raise InputError(
            f"data '{name}' is {_kind(part)} without a length: training and held-out images are "
            "drawn by number, so give one with __len__ and __getitem__"
        ) from None
    if not count:
        raise InputError(f"data '{name}' holds no images")
    return _read_items(name, part, count)


def _kind(value: Any) -> str:
    return f"a {name_of(type(value))}"


def _read_arrays(name: str, images: Any, labels: Any) -> _Images:
    values = labels.tolist() if hasattr(labels, "tolist") else list(labels)
    if len(images) != len(values):
        raise InputError(
            f"data '{name}' has {len(images)} images and {len(values)} labels: give one each"
        )
    if not len(values):
        raise InputError(f"data '{name}' holds no images")
    return _Images(images, values)


def _read_items(name: str, dataset: Any, count: int) -> _Images:
    first = _item(name, dataset, 0)
    picture_of, label_of = _picks(name, first)
    labels = _known_labels(dataset)
    if labels is None or len(labels) != count:
        tell = progress_line("labels read")
        labels = []
        for i in range(count):
            labels.append(label_of(_item(name, dataset, i)))
            if tell is not None:
                tell(i + 1, count)
    plain = [value.item() if hasattr(value, "item") else value for value in labels]
    pictures = _Items(dataset, picture_of)
    own = getattr(_innermost(dataset), "classes", None)
    names = tuple(map(str, own)) if isinstance(own, list | tuple) else ()
    whole = all(isinstance(label, int) for label in plain)
    fits = whole and names and min(plain) >= 0 and max(plain) < len(names)
    return _Images(pictures, plain, names if fits else ())


@dataclass(frozen=True, eq=False)
class _Items:
    """The pictures of a dataset's items."""

    dataset: Any
    pick: Any

    def __getitem__(self, place: int) -> Any:
        return self.pick(self.dataset[place])


def _item(name: str, dataset: Any, place: int) -> Any:
    try:
        return dataset[place]
    except EffsearchError:
        raise
    except Exception as error:  # the user's code
        text = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"item {place} of data '{name}' cannot be read: {text}") from error


def _picks(name: str, item: Any) -> tuple[Any, Any]:
    """What takes the picture and the class out of an item."""
    if isinstance(item, tuple | list) and len(item) >= 2:
        return itemgetter(0), itemgetter(1)
    if isinstance(item, Mapping):
        image = next((key for key in _IMAGE_KEYS if key in item), None)
        label = next((key for key in _LABEL_KEYS if key in item), None)
        if image is not None and label is not None:
            return itemgetter(image), itemgetter(label)
        raise InputError(
            f"items of data '{name}' have the keys {', '.join(map(str, item))}: give them as "
            "'image' and 'label'"
        )
    raise InputError(
        f"items of data '{name}' are {_kind(item)}: give pairs of a picture and its class"
    )


def _known_labels(dataset: Any) -> list[Any] | None:
    """Labels that a dataset tells without its pictures, as torchvision's do; None if it does not.

    A part of a dataset (torch's `Subset`) tells those of its places.
    """
    inner, places = getattr(dataset, "dataset", None), getattr(dataset, "indices", None)
    if inner is not None and places is not None:
        whole = _known_labels(inner)
        return None if whole is None else [whole[int(i)] for i in places]
    if getattr(dataset, "target_transform", None) is not None:
        return None
    for name in ("targets", "labels", "_labels"):
        found = getattr(dataset, name, None)
        if found is not None and hasattr(found, "__len__") and not isinstance(found, str | Mapping):
            return found.tolist() if hasattr(found, "tolist") else list(found)
    tensors = getattr(dataset, "tensors", None)
    return tensors[1].tolist() if isinstance(tensors, tuple) and len(tensors) == 2 else None


def _innermost(dataset: Any) -> Any:
    while hasattr(dataset, "dataset") and hasattr(dataset, "indices"):
        dataset = dataset.dataset
    return dataset


def _labels(name: str, labels: Sequence[Any]) -> pa.Array:
    if any(isinstance(label, list | tuple) for label in labels[:1]):
        raise InputError(f"the labels of data '{name}' are lists: give one class per image")
    try:
        values = pa.array(labels)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        raise InputError(
            f"the labels of data '{name}' are of several types: give whole numbers or text"
        ) from None
    return plain_labels(f"data '{name}'", "label", values)


def _listing(
    name: str,
    found: _Images,
    values: pa.Array,
    class_names: tuple[str, ...],
    notices: tuple[str, ...],
) -> ImageListing:
    own = found.class_names or None
    return ImageListing(
        name=name,
        labels=torch.from_numpy(number_labels(f"data '{name}'", values, class_names, own)),
        class_names=class_names,
        pictures=_Pictures(name, found.pictures),
        notices=notices,
    )
