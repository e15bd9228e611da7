"""Operations that need more than a table: colour, sharpness, and moving the pixels.

As Pillow defines colour and sharpness; batches of uint8 (N, 3, H, W), square where they are moved.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from effsearch.training.augment.levels import grey


def colour(images: Tensor, factor: Tensor) -> Tensor:
    """Towards grey (factor below 1) or away from it; 1 changes nothing."""
    return _blend(grey(images).float(), images, factor)


def sharpness(images: Tensor, factor: Tensor) -> Tensor:
    """Towards a smoothed image (factor below 1) or away from it; the outermost pixels stay."""
    if min(images.shape[-2:]) < 3:
        return images
    smoothed = images.float()
    # Sums and no convolution: cuDNN would round (TF32), and try its algorithms on each new size.
    rows = smoothed[:, :, :-2] + smoothed[:, :, 1:-1] + smoothed[:, :, 2:]
    around = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]
    inner = smoothed[:, :, 1:-1, 1:-1]  # weighs 5, its eight neighbours 1
    inner.copy_(around.add_(inner, alpha=4).div_(13).add_(0.5).floor_())
    return _blend(smoothed, images, factor)


def move(images: Tensor, matrices: Tensor, fill: Tensor) -> Tensor:
    """Draw each image through a linear map about its centre, bilinear.

    Args:
        images: uint8 (N, 3, S, S).
        matrices: float32 (N, 2, 3): where in the image each place of the result comes from, in
            units of half a side.
        fill: float32 (3,), grey levels of what comes from outside.
    """
    grid = F.affine_grid(matrices, list(images.shape), align_corners=False)
    shift = fill.view(1, 3, 1, 1)
    moved = F.grid_sample(images.float() - shift, grid, align_corners=False)
    return (moved + shift).round_().clamp_(0, 255).to(torch.uint8)


def rotation(degrees: Tensor) -> Tensor:
    """(N, 2, 3) for `move`: turned by ``degrees`` (N,), counter-clockwise."""
    angle = torch.deg2rad(degrees)
    return _matrices(angle.cos(), -angle.sin(), angle.sin(), angle.cos())


def shear_x(factor: Tensor) -> Tensor:
    """(N, 2, 3) for `move`: rows slide by ``factor`` (N,) of their distance from the centre."""
    one, zero = torch.ones_like(factor), torch.zeros_like(factor)
    return _matrices(one, factor, zero, one)


def shear_y(factor: Tensor) -> Tensor:
    """(N, 2, 3) for `move`: columns slide by ``factor`` (N,) of their distance from the centre."""
    one, zero = torch.ones_like(factor), torch.zeros_like(factor)
    return _matrices(one, zero, factor, one)


def translation_x(share: Tensor) -> Tensor:
    """(N, 2, 3) for `move`: moved by ``share`` (N,) of the side, left where it is positive."""
    matrices = rotation(torch.zeros_like(share))
    matrices[:, 0, 2] = 2 * share
    return matrices


def translation_y(share: Tensor) -> Tensor:
    """(N, 2, 3) for `move`: moved by ``share`` (N,) of the side, up where it is positive."""
    matrices = rotation(torch.zeros_like(share))
    matrices[:, 1, 2] = 2 * share
    return matrices


def _matrices(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    zero = torch.zeros_like(a)
    return torch.stack([a, b, zero, c, d, zero], dim=1).view(-1, 2, 3)


def _blend(degenerate: Tensor, images: Tensor, factor: Tensor) -> Tensor:
    mixed = degenerate + (images.float() - degenerate) * factor[:, None, None, None]
    return mixed.clamp_(0, 255).to(torch.uint8)
