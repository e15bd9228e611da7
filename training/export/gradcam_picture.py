"""Class activation maps of several models side by side: a row an image, a column a model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from effsearch.results.plots.style import GREEN, INK, STYLE, VERMILION
from effsearch.results.store.files import write_bytes_atomically
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.units import format_count
from effsearch.training.export.gradcam import ClassMap, class_maps
from effsearch.training.loop.pictures import Sample, model_input
from effsearch.training.models.model_file import ModelInfo, network_name, read_model

if TYPE_CHECKING:
    import torch
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CELL = 1.75  # inches
_SHARE = 0.7  # of the heat's colour where it is hottest
_HEAT = "inferno"
_FINEST = 128  # pixels a map is drawn with, at least
_NAMED = 5  # classes in a message
_LONGEST = 24  # characters of a name over a cell


@dataclass(frozen=True, kw_only=True)
class Column:
    """One model of the picture.

    Attributes:
        images: uint8 (N, 3, R, R), as the model sees them.
        maps: one an image.
    """

    label: str
    info: ModelInfo
    images: Any
    maps: tuple[ClassMap, ...]


def draw_gradcam(
    paths: Sequence[Path],
    output: Path,
    *,
    data: str | None = None,
    images: Sequence[Path] = (),
    count: int = 5,
    labels: Sequence[str] | None = None,
    seed: int = 0,
    device: str = "auto",
) -> list[Column]:
    """Write the picture of several model files; what is drawn in its columns.

    Args:
        paths: model files, a column each.
        output: PNG to write.
        data: whose test part gives images; None for what the first model was trained on.
        images: pictures, or folders of pictures, in place of `data`.
        count: images of `data`, a row each.
        labels: over the columns; None for the networks' names.
        seed: of the choice of images.
        device: `auto`, `cpu`, `cuda`, `cuda:1`.

    Raises:
        InputError: data and images at once, other labels than models, or see `map_model`.
    """
    from effsearch.training.data.named_columns import ANY_COLUMNS
    from effsearch.training.devices.device import choose_device
    from effsearch.training.loop.pictures import sample_data, sample_files
    from effsearch.training.models.model_file import read_model_info

    if data is not None and images:
        raise InputError("--data and --images exclude each other: give one")
    names: Sequence[str | None] = [None] * len(paths) if labels is None else labels
    if len(names) != len(paths):
        raise InputError(f"--labels names {len(names)} columns, and there are {len(paths)} models")
    where = choose_device(device)
    if images:
        samples = sample_files(images)
    else:
        info = read_model_info(paths[0])
        source, columns = (info.data_name, info.columns) if data is None else (data, ANY_COLUMNS)
        samples = sample_data(source, count, seed, columns)
    drawn = [map_model(path, samples, where, name) for path, name in zip(paths, names, strict=True)]
    write_picture(output, samples, drawn)
    return drawn


def map_model(
    path: Path, samples: Sequence[Sample], device: "torch.device", label: str | None = None
) -> Column:
    """Run one model file over pictures, each at the model's own resolution.

    Args:
        label: over its column; None for the network's name.

    Raises:
        InputError: the file is no model file, a picture is of a class that the model does not
            know, or none of its feature maps can say where.
    """
    from effsearch.training.augment.augmenter import normalised
    from effsearch.training.loop.evaluation import channel_levels

    network, info = read_model(path)
    _check_classes(samples, info, label or network_name(info.architecture))
    images = model_input(samples, info.resolution, info.crop_ratio)
    shown = normalised(images.to(device), *channel_levels(info, device))
    return Column(
        label=label or network_name(info.architecture),
        info=info,
        images=images,
        maps=tuple(class_maps(network.to(device), shown)),
    )


def _check_classes(samples: Sequence[Sample], info: ModelInfo, name: str) -> None:
    """Refuse pictures of classes that a model was not trained on: it can only be wrong there."""
    known = set(info.class_names)
    for sample in samples:
        if sample.class_name is not None and sample.class_name not in known:
            raise InputError(
                f"'{sample.where}' shows '{sample.class_name}', and {name} knows other classes: "
                f"{_some(info.class_names)}. Give --data with its classes, or --images"
            )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(f"'{name}'" for name in names[:_NAMED]) + more


def write_picture(path: Path, samples: Sequence[Sample], columns: Sequence[Column]) -> None:
    """Write the picture as PNG.

    Raises:
        EffsearchError: the file cannot be written.
    """
    import io

    import matplotlib as mpl

    with mpl.rc_context(STYLE):
        figure = _draw(samples, columns)
        stream = io.BytesIO()
        figure.savefig(stream, format="png")
    write_bytes_atomically(path, stream.getvalue())


def early_columns(columns: Sequence[Column]) -> list[str]:
    """What to say of models whose last feature map is too small to say where, a line each."""
    return [
        f"{column.label}: the last feature map is too small at {column.info.resolution} pixels to "
        f"say where, so the map is of {column.maps[0].of}: later blocks are not in it"
        for column in columns
        if column.maps[0].of
    ]


def _draw(samples: Sequence[Sample], columns: Sequence[Column]) -> "Figure":
    from matplotlib.figure import Figure

    rows, width = len(samples), len(columns) + 1
    size = (_CELL * width, (_CELL + 0.2) * rows + 0.4)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, width, squeeze=False)
    for row, sample in enumerate(samples):
        _show_picture(grid[row][0], sample)
        for column, cell in zip(columns, grid[row][1:], strict=True):
            _show_map(cell, column, row, sample)
    for column, cell in zip(columns, grid[0][1:], strict=True):
        cell.set_title(f"{_short(column.label)}\n{_size(column.info)}", fontsize=8)
    return figure


def _show_picture(cell: "Axes", sample: Sample) -> None:
    """The picture itself, its centre square, and what it is."""
    from effsearch.training.data.decode import fit_square

    cell.imshow(fit_square(sample.picture, min(sample.picture.size)))
    _frame(cell, _short(sample.class_name or sample.where), INK)


def _show_map(cell: "Axes", column: Column, row: int, sample: Sample) -> None:
    """What the model saw, the hotter the more it speaks for the class named below.

    In grey, for on a picture of warm colours heat cannot be told from the picture.
    """
    import matplotlib as mpl
    from torch.nn.functional import interpolate

    side = column.info.resolution
    found = column.maps[row]
    # Drawn finer than the image, so that a coarse map does not look like pixels of a fine one.
    fine = (max(side, _FINEST),) * 2
    heat = interpolate(found.heat[None, None], size=fine, mode="bilinear")[0, 0].numpy()
    extent = (0, side, side, 0)
    grey = column.images[row].float().mean(0).numpy()
    cell.imshow(grey, cmap="gray", vmin=0, vmax=255, extent=extent)
    cell.imshow(mpl.colormaps[_HEAT](heat), alpha=_SHARE * heat, extent=extent)
    name = column.info.class_names[found.predicted]
    text, color = f"{_short(name)} {found.probability:.0%}", INK
    if sample.class_name is not None:
        right = name == sample.class_name
        text, color = (f"✓ {text}", GREEN) if right else (f"✗ {text}", VERMILION)
    _frame(cell, text, color)


def _frame(cell: "Axes", text: str, color: str) -> None:
    cell.set_xticks([])
    cell.set_yticks([])
    cell.grid(visible=False)
    for spine in cell.spines.values():
        spine.set_visible(False)
    cell.set_xlabel(text, color=color, fontsize=8)


def _size(info: ModelInfo) -> str:
    macs = cost(info.architecture, info.resolution).macs
    return f"{info.resolution} px, {format_count(macs)} FLOPs"


def _short(name: str) -> str:
    # matplotlib reads text between dollar signs as mathematics.
    plain = name.replace("$", "\\$")
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1] + "…"
