"""Random horizontal flip and shift of whole batches, on the device they live on."""

import torch
from torch import Tensor


def random_flip_and_shift(
    images: Tensor, generator: torch.Generator | None = None, *, flip: bool, shift: int
) -> Tensor:
    """Flip each image with probability ½ and move it by up to ``shift`` pixels each way.

    Pixels that move in from outside repeat the edge (pad and crop without the padding).

    Args:
        images: (N, C, H, W), any type.
        generator: source of randomness, on the images' device; None for torch's own.
        flip: whether images may be mirrored left to right; digits and letters must not.
        shift: in pixels, 0 or more.

    Returns:
        (N, C, H, W), channels-last; ``images`` themselves where there is nothing to do.
    """
    if not flip and not shift:
        return images
    count, channels, height, width = images.shape
    device = images.device
    mirrored = torch.zeros(count, 1, dtype=torch.bool, device=device)
    if flip:
        mirrored = torch.rand((count, 1), generator=generator, device=device) < 0.5
    if not shift:
        flipped = torch.where(mirrored[:, :, None, None], images.flip(3), images)
        return flipped.contiguous(memory_format=torch.channels_last)

    def offsets() -> Tensor:
        return torch.randint(-shift, shift + 1, (count, 1), generator=generator, device=device)

    rows = (torch.arange(height, device=device) + offsets()).clamp_(0, height - 1)  # (N, H)
    columns = (torch.arange(width, device=device) + offsets()).clamp_(0, width - 1)  # (N, W)
    columns = torch.where(mirrored, columns.flip(1), columns)
    rows += torch.arange(count, device=device)[:, None] * height
    places = rows[:, :, None] * width + columns[:, None]  # of all pixels of the batch
    pixels = images.permute(0, 2, 3, 1).reshape(-1, channels)
    moved = pixels.index_select(0, places.flatten()).view(count, height, width, channels)
    return moved.permute(0, 3, 1, 2)
