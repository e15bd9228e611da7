"""Which device a training runs on, in which precision, and the images that live there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from effsearch.search_spaces.errors import InputError, MissingResourceError
from effsearch.training.data.images import ImageDataset
from effsearch.training.data.split import stratified_split

_RESIZE_BATCH = 4096


@dataclass(frozen=True, kw_only=True, eq=False)
class DeviceData:
    """Training and validation images of one device, shared by all trainings on it.

    Attributes:
        train_images, validation_images: uint8 (N, 3, H, W), channels-last.
        train_labels, validation_labels: int64 (N,).
        mean, std: float32 (3,), per channel over the training images, in grey levels 0..255.
    """

    train_images: Tensor
    train_labels: Tensor
    validation_images: Tensor
    validation_labels: Tensor
    mean: Tensor
    std: Tensor
    classes: int

    @property
    def device(self) -> torch.device:
        """Where the images live."""
        return self.train_images.device


def choose_device(name: str | None = None) -> torch.device:
    """A torch device by name: ``auto`` (or None), ``cpu``, ``cuda``, ``cuda:1``.

    ``auto`` is the first CUDA device where there is one.

    Raises:
        InputError: another name.
        MissingResourceError: a CUDA device that this machine does not have.
    """
    present = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name in (None, "auto"):
        return torch.device("cuda:0" if present else "cpu")
    if name == "cpu":
        return torch.device("cpu")
    kind, _, index = str(name).partition(":")
    if kind != "cuda" or (":" in str(name) and not index.isdecimal()):
        raise InputError(f"unknown device '{name}': known: auto, cpu, cuda, cuda:INDEX")
    if not present:
        raise MissingResourceError(
            f"device '{name}' was asked for, and there is no CUDA device: use --device cpu"
        )
    if int(index or 0) >= present:
        raise MissingResourceError(
            f"device '{name}' was asked for, and there are {present} CUDA devices: "
            f"cuda:0 to cuda:{present - 1}"
        )
    return torch.device(f"cuda:{int(index or 0)}")


def choose_precision(precision: str, device: torch.device) -> torch.dtype:
    """The type to compute in: ``auto`` is bfloat16 on a CUDA device that has it, else float32.

    On CPUs without AMX bfloat16 is slower than float32, so there ``auto`` stays with float32.
    """
    if precision == "bf16" or (precision == "auto" and _has_bf16(device)):
        return torch.bfloat16
    return torch.float32


def _has_bf16(device: torch.device) -> bool:
    if device.type != "cuda":
        return False
    # torch answers for its current device. Older ones compute bfloat16 through float32, slowly.
    with torch.cuda.device(device):
        found: bool = torch.cuda.is_bf16_supported(including_emulation=False)
    return found


def place_on_device(
    dataset: ImageDataset, device: torch.device, *, validation: float, split_seed: int
) -> DeviceData:
    """Carve a stratified validation part from a training part and put both on the device.

    Args:
        validation: share of the images that are validated on, in [0, 1); 0 trains on all.

    Raises:
        InputError: a class has a single image.
    """
    train, held_out = stratified_split(dataset.labels, validation, split_seed, dataset.class_names)
    return place_parts(dataset.subset(train), dataset.subset(held_out), device)


def place_parts(train: ImageDataset, validation: ImageDataset, device: torch.device) -> DeviceData:
    """Put a training and a validation part of one size on the device."""
    train_images = _channels_last(train.images)
    mean, std = channel_statistics(train_images)
    return DeviceData(
        train_images=train_images.to(device),
        train_labels=train.labels.to(device),
        validation_images=_channels_last(validation.images).to(device),
        validation_labels=validation.labels.to(device),
        mean=mean.to(device),
        std=std.to(device),
        classes=train.classes,
    )


def resized(data: DeviceData, resolution: int) -> DeviceData:
    """The same images at another size: bilinear with antialias, on the device they live on.

    Mean and deviation stay those of the images as they were placed, so that networks trained at
    different sizes see the same normalisation.

    Args:
        resolution: side in pixels, 1 or more; `data` itself where it is the images' own.
    """
    if data.train_images.shape[-1] == resolution:
        return data
    return replace(
        data,
        train_images=resize_images(data.train_images, resolution),
        validation_images=resize_images(data.validation_images, resolution),
    )


@contextmanager
def cpu_threads(count: int) -> Iterator[None]:
    """Compute with ``count`` threads inside the block; torch's setting is the process's."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def resize_images(images: Tensor, resolution: int) -> Tensor:
    """Square images at another size: bilinear with antialias; themselves where it is their own.

    Args:
        images: uint8 (N, 3, S, S).

    Returns:
        uint8 (N, 3, R, R), channels-last.
    """
    size = (resolution, resolution)
    if images.shape[-2:] == size:
        return images
    # Part by part: floats take four times as much memory.
    out = images.new_empty((len(images), images.shape[1], *size))
    out = out.contiguous(memory_format=torch.channels_last)
    for some, into in zip(
        torch.split(images, _RESIZE_BATCH), torch.split(out, _RESIZE_BATCH), strict=True
    ):
        shown = F.interpolate(
            some.float(), size=size, mode="bilinear", align_corners=False, antialias=True
        )
        into.copy_(shown.round_().clamp_(0, 255))
    return out


def _channels_last(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last)


def channel_statistics(images: Tensor) -> tuple[Tensor, Tensor]:
    """Exact mean and deviation of each channel of uint8 (N, C, H, W), as float32 (C,)."""
    # From a histogram of the 256 grey levels: no float copy of the images is made.
    levels = torch.arange(256, dtype=torch.float64)
    means, deviations = [], []
    for channel in range(images.shape[1]):
        share = torch.bincount(images[:, channel].flatten(), minlength=256).double()
        share /= share.sum()
        mean = (share * levels).sum()
        means.append(mean)
        deviations.append((share * (levels - mean) ** 2).sum().sqrt())
    # A channel of one grey level has no deviation; one level then counts as one.
    return torch.stack(means).float(), torch.stack(deviations).clamp(min=1.0).float()
