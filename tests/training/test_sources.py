"""Sources of batches: on the device or streamed, they give the same images."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from effsearch.search_spaces.errors import InputError
from effsearch.training.data.images import ImageDataset
from effsearch.training.devices.device import choose_device, place_parts
from effsearch.training.devices.team import Team
from effsearch.training.recipes.recipe import Recipe
from effsearch.training.sources import (
    EvaluationView,
    ImageSource,
    ResidentSource,
    StreamedSource,
    TrainView,
    open_source,
    opening,
)
from effsearch.training.sources.base import evaluation_share
from effsearch.training.sources.crop import crop_and_resize, crop_boxes
from effsearch.training.sources.opening import open_streamed, stored_side
from effsearch.training.sources.parts import find_parts

CPU = choose_device("cpu")
RECIPE = Recipe(validation=0.25, resolution=None)
CUT = TrainView(resolution=12, crop_scale=0.3, seed=5)
LOOK = EvaluationView(batch_size=4, resolution=12, crop_ratio=0.875)


def write_photos(folder: Path, count: int, seed: int, kind: str = "png") -> None:
    """Smooth coloured pictures, 40×30 pixels and a little more."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    for index in range(count):
        coarse = random.integers(0, 256, (5, 6, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((40 + index, 30), Image.Resampling.BICUBIC)
        picture.save(folder / f"{index}.{kind}")


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("photos")
    for number, name in enumerate(("cat", "dog")):
        write_photos(root / "train" / name, 8, number)
        write_photos(root / "test" / name, 3, 10 + number, "jpg")
    return root


def streamed(root: Path, workers: int = 0, skip_bad: bool = False) -> StreamedSource:
    parts = find_parts(str(root), validation=0.25, split_seed=0)
    return open_streamed(parts, CPU, 12, workers=workers, skip_bad=skip_bad)


def opened(
    root: Path,
    recipe: Recipe = RECIPE,
    resolution: int = 12,
    device: torch.device = CPU,
    skip_bad: bool = False,
    **options: Any,
) -> ImageSource:
    parts = find_parts(str(root), validation=recipe.validation, split_seed=0)
    return open_source(
        parts, device, recipe=recipe, resolution=resolution, skip_bad=skip_bad, **options
    )


def resident(root: Path, **options: Any) -> ResidentSource:
    source = opened(root, **options)
    assert isinstance(source, ResidentSource)
    return source


def everything(batches) -> torch.Tensor:
    return torch.cat([images for images, _ in batches])


# crops


def test_a_crop_is_what_pillow_resizes():
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    pictures = [Image.fromarray(c).resize((50, 60), Image.Resampling.BICUBIC) for c in coarse]
    images = torch.from_numpy(np.stack([np.asarray(p) for p in pictures])).permute(0, 3, 1, 2)
    boxes = torch.tensor([[3.0, 4, 43, 54], [0, 0, 50, 60], [10, 20, 18, 33]])

    for resolution in (7, 16, 40):
        ours = crop_and_resize(images, boxes, resolution).permute(0, 2, 3, 1).int()
        for index, picture in enumerate(pictures):
            wanted = picture.resize((resolution,) * 2, 2, box=tuple(boxes[index].tolist()))
            wanted = torch.from_numpy(np.asarray(wanted).astype(np.int32))
            assert (ours[index] - wanted).abs().max() <= 1  # Pillow rounds after each pass


def test_crops_keep_to_share_aspect_and_image():
    sizes = torch.tensor([[30, 40], [224, 224], [1, 1], [3, 500]]).repeat(500, 1)
    left, top, right, bottom = crop_boxes(sizes, 0.2, 1, 2).unbind(1)
    height, width = sizes.unbind(1)
    ordinary = height > 20
    share = ((right - left) * (bottom - top) / (height * width))[ordinary]
    aspect = ((right - left) / (bottom - top))[ordinary]

    assert ((left >= 0) & (top >= 0) & (right <= width) & (bottom <= height)).all()
    assert ((right > left) & (bottom > top)).all()
    assert share.min() > 0.18
    assert share.max() > 0.95
    assert aspect.min() > 0.7
    assert aspect.max() < 1.42


def test_crops_follow_from_seed_and_number():
    sizes = torch.full((9, 2), 100)
    one, again, other = (crop_boxes(sizes, 0.1, 3, number) for number in (4, 4, 5))

    assert torch.equal(one, again)
    assert not torch.equal(one, other)


# evaluation


def test_images_no_larger_than_the_input_are_looked_at_whole():
    assert evaluation_share(32, 32, 0.875) == 1
    assert evaluation_share(8, 16, 0.875) == 1
    assert evaluation_share(256, 224, 0.875) == 0.875


def test_evaluation_crops_the_centre_of_the_resized_image(photos):
    picture = Image.open(photos / "test" / "cat" / "0.jpg").crop((5, 0, 35, 30))
    wanted = np.asarray(picture.resize((16, 16), 2).crop((1, 1, 15, 15))).astype(np.int32)
    on_device = opened(photos, resolution=14)
    for source in (streamed(photos), on_device):
        view = EvaluationView(batch_size=3, resolution=14, crop_ratio=0.875)
        images, labels = next(source.evaluation_batches("test", view))
        found = images[0].permute(1, 2, 0).int().numpy()
        assert np.abs(found - wanted).max() <= 1
        assert labels.tolist() == [0, 0, 0]


@pytest.mark.parametrize("make", [resident, streamed])
def test_workers_of_a_team_share_the_evaluation(photos, make):
    source = make(photos)
    whole = torch.cat([labels for _, labels in source.evaluation_batches("validation", LOOK)])
    shares = [
        torch.cat(
            [y for _, y in source.evaluation_batches("validation", replace(LOOK, team=Team(w, 3)))]
        )
        for w in range(3)
    ]

    assert torch.equal(whole, source.labels["validation"])
    assert [s.tolist() for s in shares] == [whole[w::3].tolist() for w in range(3)]


# training batches


@pytest.mark.parametrize("make", [resident, streamed])
def test_a_later_start_gives_the_same_images(photos, make):
    source = make(photos)
    batches = list(torch.arange(12).split(4))
    whole = [images.clone() for images, _ in source.train_batches(batches, CUT)]
    later = [images for images, _ in source.train_batches(batches[1:], replace(CUT, first=1))]

    assert torch.equal(torch.stack(whole[1:]), torch.stack(later))
    assert whole[0].shape == (4, 3, 12, 12)
    assert whole[0].is_contiguous(memory_format=torch.channels_last)


def test_batches_leave_the_random_state_alone(photos):
    for source in (resident(photos), streamed(photos)):
        torch.manual_seed(1)
        next(source.train_batches([torch.tensor([3, 0])], CUT))
        assert torch.rand(1) == torch.rand(1, generator=torch.Generator().manual_seed(1))


def test_worker_processes_change_nothing(photos):
    alone, helped = streamed(photos), streamed(photos, workers=2)
    batches = list(torch.randperm(12, generator=torch.Generator().manual_seed(0)).split(3))
    for _ in range(2):  # the second time with the same processes
        for (a, x), (b, y) in zip(
            alone.train_batches(batches, CUT), helped.train_batches(batches, CUT), strict=True
        ):
            assert torch.equal(a, b)
            assert torch.equal(x, y)
    assert torch.equal(
        everything(alone.evaluation_batches("test", LOOK)),
        everything(helped.evaluation_batches("test", LOOK)),
    )


def test_an_iteration_that_was_left_does_not_disturb_the_next(photos):
    source = streamed(photos, workers=1)
    left = source.train_batches(list(torch.arange(12).split(2)), CUT)
    next(left)
    _, labels = next(source.train_batches([torch.tensor([7, 1])], CUT))

    assert torch.equal(labels, source.labels["train"][[7, 1]])
    with pytest.raises(RuntimeError, match="newer iteration"):
        next(left)


def test_whole_images_are_the_same_from_both_sources(photos):
    on_device, from_files = resident(photos), streamed(photos)
    order = torch.tensor([5, 2, 9])
    cut = TrainView(resolution=12, crop_scale=1.0, seed=0)
    (a, x), (b, y) = (
        next(source.train_batches([order], cut)) for source in (on_device, from_files)
    )

    assert torch.equal(x, y)
    assert torch.equal(on_device.labels["train"], from_files.labels["train"])
    # Kept at 14 pixels for evaluation's margin, so resized twice.
    assert (a.int() - b.int()).abs().float().mean() < 3
    assert torch.allclose(on_device.mean, from_files.mean, atol=2)


# opening


def test_large_data_is_streamed(photos, monkeypatch):
    monkeypatch.setattr(opening, "memory_for_images", lambda device, processes: 1000)
    source = opened(photos, loader_workers=0)

    assert isinstance(source, StreamedSource)
    assert source.notices == (
        "images are decoded while training, by the training process itself",
        "mean and deviation measured on 12 of the training images",
    )


def test_parquet_is_streamed_through_a_cache(tmp_path, monkeypatch):
    from test_dataset import write_parquet

    write_parquet(tmp_path / "data" / "train.parquet", [0, 1] * 10, names=["a", "b"])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for _ in range(2):
        source = streamed(tmp_path / "data")
        images, labels = next(source.train_batches([torch.tensor([9, 0, 4])], CUT))
        red = images[:, 0, 0, 0]
        assert (red % 2).tolist() == labels.tolist() == source.labels["train"][[9, 0, 4]].tolist()
    assert len(list((tmp_path / "cache" / "effsearch").iterdir())) == 2


def test_sides_that_are_kept():
    assert stored_side(8, 16, 1.0, 0.875) == 8
    assert stored_side(500, 224, 1.0, 0.875) == 256
    assert stored_side(500, 224, 0.5, 0.875) == 317
    assert stored_side(5000, 224, 0.08, 0.875) == 448


def test_statistics_may_be_given(photos):
    source = resident(photos, statistics=((1.0, 2.0, 3.0), (4.0, 5.0, 6.0)))

    assert source.mean.tolist() == [1, 2, 3]
    assert source.std.tolist() == [4, 5, 6]


def test_nothing_is_held_out_where_the_share_is_zero(photos):
    source = opened(photos, recipe=Recipe(validation=0))

    assert len(source.labels["train"]) == 16
    assert len(source.labels["validation"]) == 0
    assert list(source.evaluation_batches("validation", LOOK)) == []


@pytest.mark.parametrize("make", [resident, streamed])
def test_a_part_that_is_not_there_has_no_batches(tmp_path, make):
    for number, name in enumerate(("cat", "dog")):
        write_photos(tmp_path / "train" / name, 4, number)
    source = make(tmp_path)

    assert "test" not in source.labels
    assert list(source.evaluation_batches("test", LOOK)) == []


def test_an_own_validation_part_is_used(photos, tmp_path):
    for part, count in (("train", 4), ("val", 2), ("test", 3)):
        for number, name in enumerate(("cat", "dog")):
            write_photos(tmp_path / part / name, count, number)
    source = resident(tmp_path)

    assert len(source.labels["train"]) == 8
    assert source.labels["validation"].tolist() == [0, 0, 1, 1]
    assert len(source.labels["test"]) == 6


def test_classes_that_a_held_back_part_lacks_are_said(tmp_path):
    for name in ("cat", "cow", "dog"):
        write_photos(tmp_path / "train" / name, 4, 0)
    write_photos(tmp_path / "test" / "dog", 2, 1)
    source = resident(tmp_path)

    assert source.notices == ("the test part has no images of 2 of 3 classes: cat, cow",)
    assert source.labels["test"].tolist() == [2, 2]


def test_a_class_that_the_training_part_lacks_is_an_error(tmp_path):
    for name in ("cat", "dog"):
        write_photos(tmp_path / "train" / name, 4, 0)
    write_photos(tmp_path / "test" / "zebra", 2, 1)
    with pytest.raises(InputError, match=r"class 'zebra' of .*test is not in"):
        resident(tmp_path)


# unreadable images


@pytest.fixture
def damaged(tmp_path) -> Path:
    for number, name in enumerate(("cat", "dog")):
        write_photos(tmp_path / "train" / name, 8, number)
        write_photos(tmp_path / "test" / name, 2, number)
    (tmp_path / "train" / "cat" / "2.png").write_bytes(b"torn")
    (tmp_path / "test" / "dog" / "1.png").write_bytes(b"")
    return tmp_path


def test_an_unreadable_image_is_named_by_both_sources(damaged):
    with pytest.raises(InputError, match=r"cannot read the image .*cat/2\.png .*--skip-bad"):
        resident(damaged)
    parts = find_parts(str(damaged), validation=0.25, split_seed=0)
    source = open_streamed(parts, CPU, 12, workers=0, statistics=((0, 0, 0), (1, 1, 1)))
    with pytest.raises(InputError, match=r"2\.png .*--skip-bad"):
        list(source.train_batches([torch.arange(len(source.labels["train"]))], CUT))


def test_unreadable_images_are_left_out_and_counted(damaged):
    source = resident(damaged, skip_bad=True)

    assert len(source.labels["train"]) + len(source.labels["validation"]) == 15
    assert len(source.labels["test"]) == 3
    (notice,) = source.notices
    assert notice.startswith("2 unreadable images left out; the first: cannot read the image ")


def test_a_streamed_batch_keeps_its_size_without_an_unreadable_image(damaged):
    source = streamed(damaged, skip_bad=True)
    everyone = torch.arange(len(source.labels["train"]))
    before = len(source.notices)
    images, labels = next(source.train_batches([everyone], CUT))
    tested = everything(source.evaluation_batches("test", LOOK))

    assert len(images) == len(labels) == len(everyone)
    assert torch.equal(images[0], images[-1])  # the first is shown again in place of the bad one
    assert len(tested) == 3
    assert source.notices[before].startswith("2 unreadable images left out")


# pictures of one pixel


def test_one_pixel_images_are_trained_on(tmp_path):
    for level, name in ((0, "black"), (255, "white")):
        (tmp_path / "train" / name).mkdir(parents=True)
        for index in range(4):
            picture = Image.new("CMYK" if index else "L", (1, 1), 0 if index else level)
            picture.save(tmp_path / "train" / name / f"{index}.tif")
    for source in (resident(tmp_path), streamed(tmp_path)):
        assert source.own_side == 1
        images, _ = next(source.train_batches([torch.arange(4)], CUT))
        assert images.shape == (4, 3, 12, 12)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_both_sources_deliver_to_a_cuda_device(photos):
    device = choose_device("cuda")
    parts = find_parts(str(photos), validation=0.25, split_seed=0)
    sources = (
        opened(photos, device=device),
        open_streamed(parts, device, 12, workers=1),
    )
    for source in sources:
        images, labels = next(source.train_batches([torch.arange(4)], CUT))
        assert images.device.type == labels.device.type == source.mean.device.type == "cuda"


def test_crops_on_the_device_are_cut_from_what_is_kept():
    level = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(4, 3, 16, 16)
    part = ImageDataset(
        name="ramp", images=level, labels=torch.tensor([0, 1, 0, 1]), class_names=("a", "b")
    )
    source = ResidentSource(place_parts(part, part, CPU))
    images, _ = next(source.train_batches([torch.arange(4)], CUT))

    assert source.class_names == ("0", "1")
    assert len(images.flatten(1).unique(dim=0)) == 4
    assert (images[:, 0].diff(dim=2) >= 0).all()
