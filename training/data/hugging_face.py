"""Image datasets of the Hugging Face hub, `hf:NAME[:CONFIG]`, through the package `datasets`.

NAME may also be a directory: one that `datasets` can load, or one that `save_to_disk` wrote.
"""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch

from effsearch.results.config import given_object
from effsearch.search_spaces.errors import InputError, MissingResourceError
from effsearch.training.data.cells import CellKind, cell_kind, read_cell
from effsearch.training.data.columns import (
    TableSchema,
    find_label_column,
    image_column,
    label_column,
)
from effsearch.training.data.images import HeldOut, ImageListing, Picture
from effsearch.training.data.labels import (
    distinct_names,
    is_unlabelled,
    number_labels,
    plain_labels,
)
from effsearch.training.data.named_columns import Columns
from effsearch.training.data.part_names import PARTS, part_of

# Cells that tell how a column holds its pictures.
_EXAMPLES = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class HubPictures:
    """Pictures of one column, read from Arrow files as they are asked for.

    Attributes:
        kind: how the column holds them.
        folders: where files that it names may lie.
    """

    name: str
    rows: Any
    column: str
    kind: CellKind
    folders: tuple[Path, ...]

    def __call__(self, indices: Sequence[int]) -> Iterator[tuple[str, Picture]]:
        """The pictures with these indices."""
        for i in indices:
            cell = read_cell(self.kind, self.rows[i][self.column], self.folders)
            yield f"{i} of {self.name}", cell


def list_training_hub(spec: str, columns: Columns) -> ImageListing:
    """The training part.

    Raises:
        InputError: the dataset is unknown, has no part `train`, or no image or label column, or a
            row without a label.
        MissingResourceError: the package `datasets` is not installed, or the hub is out of reach.
    """
    parts = _parts(spec)
    named = _named_parts(parts)
    if "train" not in named:
        raise InputError(f"'{spec}' has no part 'train': it has {', '.join(parts)}")
    rows = parts[named["train"]]
    where = f"the part '{named['train']}' of '{spec}'"
    schema = _schema(where, rows)
    label = label_column(schema, columns)
    values = plain_labels(where, label, _column(rows, label))
    own = schema.class_names.get(label, ())
    class_names, lines = (own, ()) if own else distinct_names([values])
    return _listing(spec, rows, schema, columns, values, label, class_names, lines)


def list_held_out_hub(spec: str, columns: Columns) -> HeldOut:
    """The test and the validation part, in this order; one alone is the test part.

    A part without labels (−1) is none.

    Raises:
        InputError, MissingResourceError: as `list_training_hub`.
    """
    parts = _parts(spec)
    named = _named_parts(parts)
    held_back = [part for part in ("test", "validation") if part in named]
    if not held_back:
        return HeldOut(parts=())
    class_names = list_training_hub(spec, columns).class_names
    listings, notices = [], []
    for part in held_back:
        found = _list_held_out(spec, named[part], parts[named[part]], columns, class_names)
        if isinstance(found, ImageListing):
            listings.append(found)
        else:
            notices.append(f"the {part} part of '{spec}' {found}: continuing without it")
    return HeldOut(parts=tuple(listings), notices=tuple(notices))


def _list_held_out(
    spec: str, part: str, rows: Any, columns: Columns, class_names: tuple[str, ...]
) -> ImageListing | str:
    """The part, or what it lacks to be one."""
    where = f"the part '{part}' of '{spec}'"
    schema = _schema(where, rows)
    label = find_label_column(schema, columns)
    if label is None:
        return "has no label column"
    raw = _column(rows, label)
    if not len(raw):
        return "has no rows"
    if is_unlabelled(raw):
        return "has no labels"
    values = plain_labels(where, label, raw)
    return _listing(spec, rows, schema, columns, values, label, class_names, ())


def _listing(
    spec: str,
    rows: Any,
    schema: TableSchema,
    columns: Columns,
    values: pa.Array,
    label: str,
    class_names: tuple[str, ...],
    notices: tuple[str, ...],
) -> ImageListing:
    own = schema.class_names.get(label) or None
    image = image_column(schema, columns)
    encoded = _encoded(rows, image)
    examples = [cell[image] for cell in encoded.select(range(min(_EXAMPLES, len(rows))))]
    examples = [example for example in examples if example is not None]
    folders = _folders(spec)
    return ImageListing(
        name=spec,
        labels=torch.from_numpy(number_labels(schema.where, values, class_names, own)),
        class_names=class_names,
        pictures=HubPictures(
            name=schema.where,
            rows=encoded,
            column=image,
            kind=cell_kind(schema.where, image, schema.types[image], examples, folders),
            folders=folders,
        ),
        notices=notices,
    )


def _named_parts(parts: Mapping[str, Any]) -> dict[str, str]:
    """The dataset's own name of each part, the usual one where there are several."""
    named: dict[str, str] = {}
    for part, names in PARTS.items():
        found = [name for name in parts if part_of(name) == part]
        found.sort(key=lambda name: names.index(name.casefold()))
        if found:
            named[part] = found[0]
    return named


def _parts(spec: str) -> Mapping[str, Any]:
    """All parts by name, of a dataset that is named or was given from Python."""
    given = given_object("data", spec)
    if given is None:
        return _load(spec)
    return given if isinstance(given, Mapping) else {"train": given}


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
            f"{_out_of_reach(spec)}: there is no such dataset, or it requires a login "
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


def _schema(where: str, rows: Any) -> TableSchema:
    import datasets

    features = rows.features
    return TableSchema(
        where=where,
        types={field.name: field.type for field in features.arrow_schema},
        images=tuple(n for n, kind in features.items() if isinstance(kind, datasets.Image)),
        class_names={
            name: tuple(kind.names or ())
            for name, kind in features.items()
            if isinstance(kind, datasets.ClassLabel)
        },
    )


def _column(rows: Any, column: str) -> pa.Array:
    return rows.select_columns([column]).with_format("arrow")[:].column(0).combine_chunks()


def _folders(spec: str) -> tuple[Path, ...]:
    """Where files that a local dataset names may lie."""
    name, _ = _name_and_config(spec)
    folder = Path(name) if os.path.isdir(name) else Path.cwd()
    return folder, folder / "data"


def _encoded(rows: Any, column: str) -> Any:
    import datasets

    alone = rows.select_columns([column])
    if isinstance(rows.features[column], datasets.Image):
        return alone.cast_column(column, datasets.Image(decode=False))
    return alone.with_format(None)


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
