"""A trained model in one file: the network's tensors, and in the header all that is needed to use
them (architecture, classes, normalisation, resolution) and to know where they come from.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.zoo import load_zoo, zoo_names
from effsearch.training.data.named_columns import Columns
from effsearch.training.models.checkpoint import read_checkpoint, read_header, save_checkpoint

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from effsearch.search_spaces.network import Network

_SECTION = "model"


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """What a model file says beside its tensors.

    Attributes:
        architecture: of the network; its own `classes`, `resolution` and `in_channels` are not
            used, for those of the training stand here.
        class_names: one an output of the classifier, in its order.
        resolution: side in pixels at which the model was evaluated.
        crop_ratio: of evaluation, in (0, 1]: the shorter side of an image is resized to
            resolution / crop_ratio, and the centre is cropped.
        mean, std: of the three channels in grey levels 0..255; images are normalised by them.
        data: what it was trained on, at least its `name`.
        recipe: the recipe's fields.
        metrics: such as `top1` and `loss` on the validation part.
        versions: of the program and its libraries, at training.
    """

    architecture: Architecture
    class_names: tuple[str, ...]
    resolution: int
    crop_ratio: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    data: Mapping[str, Any]
    recipe: Mapping[str, Any]
    metrics: Mapping[str, Any]
    versions: Mapping[str, Any]

    @property
    def classes(self) -> int:
        """Outputs of the classifier."""
        return len(self.class_names)

    @property
    def data_name(self) -> str:
        """What the user called the data it was trained on."""
        return str(self.data.get("name", "unnamed data"))

    @property
    def columns(self) -> Columns:
        """Those of the data that its user named."""
        return Columns.from_dict(self.data)

    def to_header(self) -> dict[str, Any]:
        """The section of a checkpoint's header that `from_header` reads; JSON data."""
        document = {field.name: getattr(self, field.name) for field in fields(self)}
        lists = {name: list(document[name]) for name in ("class_names", "mean", "std")}
        return {_SECTION: document | lists | {"architecture": self.architecture.to_dict()}}

    @classmethod
    def from_header(cls, header: Mapping[str, Any], path: Path) -> "ModelInfo":
        """Read the section of a header; `path` is named in errors.

        Raises:
            InputError: there is none, or a value is missing or out of range.
        """
        section = header.get(_SECTION)
        if not isinstance(section, Mapping):
            raise InputError(f"checkpoint '{path}' holds no model: give a best.safetensors")
        missing = [field.name for field in fields(cls) if field.name not in section]
        if missing:
            raise InputError(f"the header of '{path}' lacks {', '.join(missing)}")
        try:
            return cls(**_checked(section))
        except InputError as error:
            raise InputError(f"the header of '{path}': {error}") from None


def save_model(path: Path, state: Mapping[str, "Tensor"], info: ModelInfo) -> None:
    """Write a model file, replacing what was there.

    Args:
        state: the network's state dict, `network.state_dict()`.

    Raises:
        EffsearchError: the file cannot be written; the earlier one is as it was.
    """
    save_checkpoint(path, state, info.to_header())


def read_model_info(path: str | Path) -> ModelInfo:
    """What a model file says, without reading its tensors.

    Raises:
        InputError: it is missing, cut off, damaged, pickled, or no model file of this version.

    Example:
        >>> import effsearch
        >>> info = effsearch.read_model_info("runs/train/001/checkpoints/best.safetensors")
        >>> info.resolution, len(info.class_names)
        (16, 10)
    """
    return ModelInfo.from_header(read_header(Path(path)), Path(path))


def load_model(path: str | Path, device: "str | torch.device" = "cpu") -> "Network":
    """The network of a model file, in evaluation mode.

    It maps images (N, 3, H, W), normalised by the file's `mean` and `std` (see
    `read_model_info`), to logits (N, classes).

    Args:
        path: a `best.safetensors` or `last.safetensors`; of the latter the last weights are
            taken, not their average.
        device: `cpu`, `cuda`, `cuda:1`, `auto`.

    Raises:
        InputError: as `read_model_info`, or the tensors do not fit the architecture.
        MissingResourceError: the device is not there.

    Example:
        >>> import effsearch
        >>> network = effsearch.load_model("runs/train/001/checkpoints/best.safetensors")
        >>> network.training
        False
    """
    from effsearch.training.devices.device import choose_device

    place = choose_device(str(device))
    network, _ = read_model(Path(path))
    return network.to(place)


def read_model(path: Path) -> tuple["Network", ModelInfo]:
    """The network of a model file on the CPU, in evaluation mode, and what the file says.

    Raises:
        InputError: as `load_model`.
    """
    tensors, header = read_checkpoint(path)
    info = ModelInfo.from_header(header, path)
    network = empty_network(info.architecture, info.classes)
    state = check_tensors(tensors, network.state_dict(), f"'{path}'")
    # Copied, for a file's tensors are not aligned in memory, and then the last bits differ.
    network.load_state_dict({name: t.clone() for name, t in state.items()}, assign=True)
    return network.eval(), info


def empty_network(architecture: Architecture, classes: int) -> "Network":
    """The network on the meta device: shapes without memory, so a lying header costs nothing."""
    import torch

    from effsearch.search_spaces.network import Network

    with torch.device("meta"):  # not `build_network`: initialising on meta imports for seconds
        return Network(
            architecture,
            classes=classes,
            in_channels=3,
            dropout=0.0,
            drop_path=0.0,
            norm_momentum=0.01,
        )


def check_tensors(
    state: Mapping[str, "Tensor"], expected: Mapping[str, "Tensor"], source: str
) -> dict[str, "Tensor"]:
    """The tensors a network expects, in its types; others of the state are left out.

    Counters of batch normalization may be missing; they start at zero.

    Args:
        expected: a state dict of the network, on any device.
        source: what the state is called in an error.

    Raises:
        InputError: a tensor is missing, of another shape, or holds a NaN or an infinite value.
    """
    from effsearch.training.models.weight_file import first_not_finite

    fitting = {}
    for name, wanted in expected.items():
        tensor = state.get(name)
        if tensor is None and name.endswith("num_batches_tracked"):
            tensor = _zero(wanted)
        if tensor is None:
            raise InputError(f"{source} does not fit the network: tensor '{name}' is missing")
        if tensor.shape != wanted.shape:
            raise InputError(
                f"{source} does not fit the network: tensor '{name}' has the shape "
                f"{tuple(tensor.shape)}, and the network's is {tuple(wanted.shape)}"
            )
        fitting[name] = tensor.to(wanted.dtype)
    if (broken := first_not_finite(fitting)) is not None:
        raise InputError(
            f"{source} holds NaN or infinite values, in tensor '{broken}': it is damaged, or of a "
            "training that diverged"
        )
    return fitting


def network_name(architecture: Architecture) -> str:
    """A network's name in the zoo, whatever its resolution and classes; else its id."""
    own = _structure(architecture)
    for name in zoo_names():
        published = _structure(load_zoo(name))
        if own == published:
            return name
        stride = architecture.stem.stride
        if own == replace(published, stem=replace(published.stem, stride=stride)):
            return f"{name} with stem stride {stride}"
    return f"network {architecture.id}"


def same_structure(one: Architecture, other: Architecture) -> bool:
    """Whether two networks have the same tensors but for the classifier."""
    return _structure(one) == _structure(other)


def _structure(architecture: Architecture) -> Architecture:
    return replace(architecture, resolution=224, classes=1000, in_channels=3, norm_eps=1e-3)


def _zero(like: "Tensor") -> "Tensor":
    import torch

    return torch.zeros(like.shape, dtype=like.dtype)


def _checked(section: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a header's section with their types restored."""
    values = {field.name: section[field.name] for field in fields(ModelInfo)}
    names = values["class_names"]
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise InputError("class_names must be a list of names")
    resolution = values["resolution"]
    if type(resolution) is not int or resolution < 1:
        raise InputError(f"resolution must be a positive number of pixels, not {resolution!r}")
    if not _is_number(values["crop_ratio"]) or not 0 < values["crop_ratio"] <= 1:
        raise InputError(f"crop_ratio must be in (0, 1], not {values['crop_ratio']!r}")
    for name in ("mean", "std"):
        channels = values[name]
        if not isinstance(channels, list) or len(channels) != 3:
            raise InputError(f"{name} must be three numbers, not {channels!r}")
        if not all(map(_is_number, channels)) or (name == "std" and min(channels) <= 0):
            raise InputError(f"{name} must be three numbers (std above 0), not {channels!r}")
        values[name] = tuple(map(float, channels))
    for name in ("data", "recipe", "metrics", "versions"):
        if not isinstance(values[name], Mapping):
            raise InputError(f"{name} must be a mapping, not {values[name]!r}")
    architecture = Architecture.from_dict(values["architecture"])
    return values | {"class_names": tuple(names), "architecture": architecture}


def _is_number(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)  # type: ignore[arg-type]
