"""A recipe's augmentation of a batch: normalisation, mixing, erasing and their targets."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from effsearch.training.augment import Augmenter
from effsearch.training.augment.boxes import inside, random_boxes
from effsearch.training.augment.erasing import erase
from effsearch.training.augment.mixing import mix
from effsearch.training.recipes.recipe import Recipe
from effsearch.training.recipes.schedule import Phase

MEAN, STD = torch.tensor([100.0, 110.0, 120.0]), torch.tensor([50.0, 60.0, 70.0])
PLAIN = Phase(resolution=16, magnitude=9.0, mixup=0.0, dropout=0.0)
MIXED = Phase(resolution=16, magnitude=9.0, mixup=0.2, dropout=0.0)


def batch(count: int = 32, side: int = 16) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 3, side, side), generator=generator)
    return images.to(torch.uint8), torch.arange(count) % 5


def augmented(recipe: Recipe, phase: Phase, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(seed)
    return Augmenter(recipe, 5, MEAN, STD)(*batch(), phase)


def test_nothing_but_normalisation_keeps_images_and_labels():
    images, labels = batch()
    shown, targets = augmented(Recipe(flip=False), PLAIN)

    wanted = (images.float() - MEAN.view(1, 3, 1, 1)) / STD.view(1, 3, 1, 1)
    assert torch.equal(shown, wanted)
    assert targets.dtype == torch.int64
    assert torch.equal(targets, labels)
    assert shown.is_contiguous(memory_format=torch.channels_last)


def test_everything_at_once_follows_from_the_global_seed():
    recipe = Recipe(policy="trivialaugment", shift=2, mixup=0.2, cutmix=1.0, erasing=0.5)
    one, again, other = (augmented(recipe, MIXED, seed) for seed in (1, 1, 2))

    assert torch.equal(one[0], again[0])
    assert torch.equal(one[1], again[1])
    assert not torch.equal(one[0], other[0])
    assert one[0].is_contiguous(memory_format=torch.channels_last)
    assert one[0].dtype == one[1].dtype == torch.float32


def test_the_phase_says_how_strongly_images_are_mixed():
    recipe = Recipe(flip=False, mixup=0.2)

    assert augmented(recipe, PLAIN)[1].dtype == torch.int64
    assert augmented(recipe, MIXED)[1].shape == (32, 5)


def test_mixup_blends_each_image_with_the_one_before_by_its_target():
    images, labels = batch()
    images = images.float()
    torch.manual_seed(0)
    mixed, targets = mix(images, labels, 5, mixup=0.4, cutmix=0)
    own = targets.gather(1, labels[:, None]).view(-1, 1, 1, 1)

    assert torch.allclose(targets.sum(1), torch.ones(32))
    assert torch.allclose(mixed, own * images + (1 - own) * images.roll(1, 0), atol=1e-3)
    assert len(own.unique()) > 20


def test_cutmix_pastes_whole_pixels_by_its_target():
    images, labels = batch()
    images = images.float()
    torch.manual_seed(0)
    mixed, targets = mix(images, labels, 5, mixup=0, cutmix=1.0)
    kept = (mixed == images).all(1).float().mean((1, 2))
    own = targets.gather(1, labels[:, None]).flatten()

    assert ((mixed == images) | (mixed == images.roll(1, 0))).all()
    assert torch.allclose(kept, own, atol=0.02)  # a few pixels are equal by chance
    assert own.min() < 0.3
    assert own.max() > 0.8


def test_where_both_are_on_half_of_the_images_get_each():
    images = torch.zeros(1000, 3, 8, 8)
    images[::2] = 1
    torch.manual_seed(0)
    mixed, _ = mix(images, torch.arange(1000) % 2, 2, mixup=1.0, cutmix=1.0)
    blended = ((mixed > 0) & (mixed < 1)).flatten(1).any(1).float().mean()

    assert 0.44 < blended < 0.56


def test_smoothing_a_mixture_is_mixing_the_smoothed():
    images, labels = batch()
    torch.manual_seed(0)
    _, targets = mix(images.float(), labels, 5, mixup=1.0, cutmix=0)
    logits = torch.randn(32, 5)
    own = targets.gather(1, labels[:, None]).flatten()
    each = [
        F.cross_entropy(logits, y, label_smoothing=0.1, reduction="none")
        for y in (labels, labels.roll(1))
    ]

    soft = F.cross_entropy(logits, targets, label_smoothing=0.1)
    assert torch.allclose(soft, (own * each[0] + (1 - own) * each[1]).mean())


def test_erasing_takes_a_box_of_some_images():
    torch.manual_seed(0)
    images = torch.ones(400, 3, 32, 32)
    erased = erase(images, 0.25)
    lost = (erased == 0).float().mean((1, 2, 3))
    hit = lost[lost > 0]

    assert 70 < len(hit) < 130
    assert hit.min() > 0.01
    assert hit.max() < 0.36
    assert (images == 1).all()


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 60),
    st.integers(1, 60),
    st.floats(0.01, 1.0),
    st.integers(0, 1000),
)
def test_boxes_are_whole_pixels_within_the_image(height, width, share, seed):
    generator = torch.Generator().manual_seed(seed)
    sizes = torch.tensor([[height, width]]).expand(8, 2)
    boxes = random_boxes(sizes, (share, 1.0), (3 / 4, 4 / 3), generator)
    left, top, right, bottom = boxes.unbind(1)

    assert torch.equal(boxes, boxes.round())
    assert ((left >= 0) & (top >= 0) & (left < right) & (top < bottom)).all()
    assert ((right <= width) & (bottom <= height)).all()
    area = inside(boxes, height, width).sum((1, 2, 3))
    assert torch.equal(area.float(), (right - left) * (bottom - top))


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("policy", ["autoaugment", "randaugment", "trivialaugment"])
def test_policies_on_a_cuda_device_are_those_of_the_cpu(policy):
    recipe = Recipe(policy=policy, flip=False, mixup=0.2, cutmix=1.0, erasing=0.5)
    shown, targets = augmented(recipe, MIXED)
    torch.manual_seed(0)
    images, labels = (part.cuda() for part in batch())
    cuda = Augmenter(recipe, 5, MEAN.cuda(), STD.cuda())(images, labels, MIXED)

    assert torch.allclose(cuda[1].cpu(), targets)
    assert (cuda[0].cpu() - shown).abs().mean() < 0.01
