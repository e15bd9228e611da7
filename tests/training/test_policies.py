"""Policies: operations as Pillow defines them, a different one for each image of a batch."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps

from effsearch.training.augment import levels, pixels
from effsearch.training.augment.operations import NAMES, apply_operations
from effsearch.training.augment.policies import AUTOAUGMENT, POLICIES, apply_policy

GREY = torch.tensor([120.0, 130.0, 140.0])


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    """Six pictures with shapes, gradients and a flat one; uint8 (6, 3, 24, 24)."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randint(0, 256, (6, 3, 5, 5), generator=generator).float()
    smooth = torch.nn.functional.interpolate(coarse, size=(24, 24), mode="bicubic")
    smooth[1] = smooth[1] * 0.3 + 90
    smooth[5] = 77
    return smooth.clamp(0, 255).to(torch.uint8)


def pillow(image: torch.Tensor) -> Image.Image:
    return Image.fromarray(image.permute(1, 2, 0).contiguous().numpy())


def difference(ours: torch.Tensor, theirs: Image.Image) -> int:
    wanted = torch.from_numpy(np.asarray(theirs).copy()).permute(2, 0, 1)
    return int((ours.int() - wanted.int()).abs().max())


def changed(images: torch.Tensor, name: str, strength: float) -> torch.Tensor:
    operations = torch.full((len(images),), NAMES.index(name))
    return apply_operations(images, operations, torch.full((len(images),), strength), GREY)


ENHANCERS = {
    "brightness": ImageEnhance.Brightness,
    "contrast": ImageEnhance.Contrast,
    "color": ImageEnhance.Color,
    "sharpness": ImageEnhance.Sharpness,
}


@pytest.mark.parametrize("factor", [0.1, 0.55, 1.0, 1.9])
@pytest.mark.parametrize("name", ENHANCERS)
def test_factors_do_what_pillow_does(images, name, factor):
    for ours, image in zip(changed(images, name, factor), images, strict=True):
        assert difference(ours, ENHANCERS[name](pillow(image)).enhance(factor)) <= 1


@pytest.mark.parametrize(
    ("name", "strength", "theirs"),
    [
        ("posterize", 4, lambda image: ImageOps.posterize(image, 4)),
        ("posterize", 8, lambda image: image),
        ("solarize", 128, lambda image: ImageOps.solarize(image, 128)),
        ("solarize", 256, lambda image: image),
        ("invert", 0, ImageOps.invert),
        ("equalize", 0, ImageOps.equalize),
        ("auto_contrast", 0, ImageOps.autocontrast),
        ("identity", 0, lambda image: image),
    ],
)
def test_tables_do_what_pillow_does(images, name, strength, theirs):
    for ours, image in zip(changed(images, name, strength), images, strict=True):
        assert difference(ours, theirs(pillow(image))) <= (1 if name == "auto_contrast" else 0)


def test_rotation_by_a_right_angle_is_a_rotation(images):
    turned = pixels.move(images, pixels.rotation(torch.full((6,), 90.0)), GREY)

    assert (turned.int() - images.rot90(1, (2, 3)).int()).abs().max() <= 1


def test_translation_moves_whole_pixels_and_fills_with_the_mean(images):
    moved = pixels.move(images, pixels.translation_x(torch.full((6,), 6 / 24)), GREY)

    assert (moved[..., :18].int() - images[..., 6:].int()).abs().max() <= 1
    assert (moved[..., 18:] == GREY.view(1, 3, 1, 1)).all()


def test_shear_slides_rows_by_their_distance_from_the_centre():
    image = torch.zeros(1, 3, 21, 21, dtype=torch.uint8)
    image[..., 10] = 255
    sheared = pixels.move(image, pixels.shear_x(torch.tensor([0.5])), torch.zeros(3))
    columns = sheared[0, 0].argmax(1)

    assert columns[10] == 10
    assert (columns[4] - columns[16]).abs() == 6


def test_images_get_their_own_operation_and_stay_in_place(images):
    operations = torch.tensor([NAMES.index(n) for n in ("invert", "color", "identity")] * 2)
    strengths = torch.tensor([0.0, 0.3, 0.0] * 2)
    kept = images.clone()
    out = apply_operations(images, operations, strengths, GREY)

    assert torch.equal(images, kept)
    assert torch.equal(out[[0, 3]], 255 - images[[0, 3]])
    assert torch.equal(out[[1, 4]], pixels.colour(images[[1, 4]], torch.full((2,), 0.3)))
    assert torch.equal(out[[2, 5]], images[[2, 5]])
    assert out.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_draws_for_each_image_and_from_the_seed_alone(images, name):
    batch = images[:1].expand(64, 3, 24, 24)
    outs = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        outs.append(apply_policy(name, batch, 9, GREY))

    assert torch.equal(outs[0], outs[1])
    assert not torch.equal(outs[0], outs[2])
    assert outs[0].dtype == torch.uint8
    assert len(outs[0].flatten(1).unique(dim=0)) > 15


def test_each_operation_of_randaugment_is_as_likely():
    torch.manual_seed(0)
    ((operations, _), _) = POLICIES["randaugment"](14_000, 9)
    counts = torch.bincount(operations, minlength=len(NAMES))

    assert counts[NAMES.index("invert")] == 0
    used = counts[counts > 0]
    assert len(used) == 14
    assert (used - 1000).abs().max() < 150


def test_magnitude_goes_from_nothing_to_the_ends_of_the_ranges():
    def reach(magnitude: float, name: str) -> tuple[float, float]:
        torch.manual_seed(0)
        operations, strengths = POLICIES["randaugment"](2_000, magnitude)[0]
        of = strengths[operations == NAMES.index(name)]
        return round(float(of.min()), 3), round(float(of.max()), 3)

    assert reach(0, "rotate") == (0, 0)
    assert reach(10, "rotate") == (-30, 30)
    assert reach(15, "rotate") == (-45, 45)
    assert reach(5, "brightness") == (0.55, 1.45)
    assert reach(10, "posterize") == (4, 4)
    assert reach(15, "solarize") == (0, 0)


def test_autoaugment_happens_with_the_learned_probabilities():
    torch.manual_seed(0)
    first, second = POLICIES["autoaugment"](40_000, 9)
    share = (first[0] > 0).float().mean()
    wanted = sum(pair[0][1] for pair in AUTOAUGMENT) / len(AUTOAUGMENT)

    assert len(AUTOAUGMENT) == 25
    assert share == pytest.approx(wanted, abs=0.01)
    posterized = first[1][first[0] == NAMES.index("posterize")]
    assert set(posterized.tolist()) == {6, 7}  # levels 5, 6, 7 and 8 of the range 4..8
    turned = second[1][second[0] == NAMES.index("rotate")]
    assert set(turned.round().tolist()) == {-27, -24, 24, 27}


def test_a_single_pixel_survives_every_operation():
    image = torch.full((1, 3, 1, 1), 9, dtype=torch.uint8)
    for name in NAMES:
        assert changed(image, name, 1.0).shape == (1, 3, 1, 1)
    assert levels.equalize(image, torch.zeros(1))[0, 0, 9] == 9
