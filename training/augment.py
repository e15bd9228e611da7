"""Random horizontal flip and shift of whole batches, on the device they live on."""

import torch
from torch import Tensor


def random_flip_and_shift(
    images: Tensor, generator: torch.Generator, *, flip: bool, shift: int
) -> Tensor:
    """Flip each image with probability ½ and move it by up to ``shift`` pixels each way.

    Pixels that move in from outside repeat the edge (pad and crop without the padding).

    Args:
        images: (N, C, H, W), any type.
        generator: source of randomness, on the images' device.
        flip: whether images may be mirrored left to right; digits and letters must not.
        shift: in pixels, 0 or more.

    Returns:
        (N, C, H, W), channels-last; ``images`` themselves where there is nothing to do.
    """
    if not flip and not shift:
        return images
    count, _, height, width = images.shape
    device = images.device

    def offsets() -> Tensor:
        return torch.randint(
            -shift, shift + 1, (count, 1), generator=generator, device=device, dtype=torch.int64
        )

    rows = (torch.arange(height, device=device) + offsets()).clamp_(0, height - 1)  # (N, H)
    columns = (torch.arange(width, device=device) + offsets()).clamp_(0, width - 1)  # (N, W)
    if flip:
        mirrored = torch.rand((count, 1), generator=generator, device=device) < 0.5
        columns = torch.where(mirrored, columns.flip(1), columns)
    image = torch.arange(count, device=device)
    moved = images.permute(0, 2, 3, 1)[image[:, None, None], rows[:, :, None], columns[:, None]]
    return moved.permute(0, 3, 1, 2)
