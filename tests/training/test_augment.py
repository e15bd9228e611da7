"""Random flips and shifts of batches."""

import torch

from effsearch.training.augment import random_flip_and_shift


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def marked(count: int, size: int = 9) -> torch.Tensor:
    """Black images with one white pixel in the middle of the left half."""
    images = torch.zeros(count, 3, size, size, dtype=torch.uint8)
    images[:, :, size // 2, 2] = 255
    return images


def test_nothing_to_do_gives_the_images_back():
    images = marked(2)

    assert random_flip_and_shift(images, generator(), flip=False, shift=0) is images


def test_flip_mirrors_about_half_of_the_images_whole():
    images = marked(400)
    out = random_flip_and_shift(images, generator(), flip=True, shift=0)
    mirrored = out[:, 0, 4, 6] == 255

    assert 150 < mirrored.sum() < 250
    assert torch.equal(out[mirrored], images[mirrored].flip(3))
    assert torch.equal(out[~mirrored], images[~mirrored])


def test_shift_moves_each_image_by_up_to_so_many_pixels():
    out = random_flip_and_shift(marked(400), generator(), flip=False, shift=2)
    _, rows, columns = (out[:, 0] == 255).nonzero(as_tuple=True)

    assert set(rows.tolist()) == {2, 3, 4, 5, 6}
    assert set(columns.tolist()) == {0, 1, 2, 3, 4}


def test_what_moves_in_repeats_the_edge():
    images = torch.full((50, 3, 5, 5), 7, dtype=torch.uint8)

    assert torch.equal(random_flip_and_shift(images, generator(), flip=True, shift=3), images)


def test_same_generator_same_images():
    images = torch.randint(0, 255, (8, 3, 6, 6), dtype=torch.uint8)
    one, two, other = (
        random_flip_and_shift(images, generator(seed), flip=True, shift=2) for seed in (1, 1, 2)
    )

    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert one.is_contiguous(memory_format=torch.channels_last)
