"""Evaluation: figures worked out by hand, classes by name, and the part that was held out."""

import math
from pathlib import Path

import pytest
import torch
from PIL import Image
from small_model import SMALL, small_info, write_model
from torch import Tensor, nn

from effsearch.search_spaces.errors import EffsearchError, InputError, MissingResourceError
from effsearch.training.data.dataset import find_held_out
from effsearch.training.loop.evaluated_part import class_order, evaluate_checkpoint
from effsearch.training.loop.evaluation import evaluate_network, evaluation_batch


class Echo(nn.Module):
    """Logits that stand in the first row of each image, as grey levels."""

    def forward(self, images: Tensor) -> Tensor:
        return images[:, 0, 0, :3]


LEVELS = (torch.zeros(3), torch.ones(3))


def batch(logits: list[list[int]], labels: list[int]) -> tuple[Tensor, Tensor]:
    images = torch.zeros(len(labels), 3, 4, 4, dtype=torch.uint8)
    images[:, 0, 0, :3] = torch.tensor(logits, dtype=torch.uint8)
    return images, torch.tensor(labels)


def test_figures_are_those_worked_out_by_hand() -> None:
    batches = [batch([[2, 0, 0], [0, 2, 0]], [0, 0]), batch([[0, 0, 2]], [2])]
    found = evaluate_network(Echo(), batches, "abc", *LEVELS)
    right = math.log(math.e**2 + 2) - 2
    wrong = math.log(math.e**2 + 2)
    assert found.images == 3
    assert found.loss == pytest.approx((2 * right + wrong) / 3)
    assert (found.top1, found.top5) == (pytest.approx(2 / 3), 1.0)
    assert [(one.name, one.images, one.top1) for one in found.classes] == [
        ("a", 2, 0.5),
        ("b", 0, None),
        ("c", 1, 1.0),
    ]


def test_top_5_counts_the_first_five() -> None:
    class Seven(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return torch.arange(7, 0, -1).float().expand(len(images), 7)

    images = torch.zeros(7, 3, 4, 4, dtype=torch.uint8)
    found = evaluate_network(Seven(), [(images, torch.arange(7))], "abcdefg", *LEVELS)
    assert (found.top1, found.top5) == (pytest.approx(1 / 7), pytest.approx(5 / 7))


def test_without_images_nothing_is_known() -> None:
    found = evaluate_network(Echo(), [], "abc", *LEVELS)
    assert found.images == 0
    assert all(math.isnan(figure) for figure in (found.loss, found.top1, found.top5))
    assert [one.top1 for one in found.classes] == [None] * 3


def test_large_images_are_evaluated_fewer_at_a_time() -> None:
    assert [evaluation_batch(pixels) for pixels in (32, 224, 600, 9000)] == [512, 256, 35, 1]


def test_a_lack_of_memory_is_one_line() -> None:
    class Hungry(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return torch.empty(len(images), 2**60)

    with pytest.raises(EffsearchError, match="out of memory: the network cannot be evaluated"):
        evaluate_network(Hungry(), [batch([[1, 2, 3]], [0])], "abc", *LEVELS)


def test_classes_are_matched_by_name_not_by_number() -> None:
    info = small_info(class_names=("cat", "dog", "emu"))
    assert class_order(("emu", "cat", "dog"), info, "zoo").tolist() == [2, 0, 1]


def test_other_classes_are_refused_by_name() -> None:
    info = small_info(class_names=("cat", "dog"))
    with pytest.raises(InputError, match="class 'emu' of 'zoo' is none of the model's 2"):
        class_order(("cat", "dog", "emu"), info, "zoo")
    with pytest.raises(InputError, match="'zoo' has no class 'dog', and the model does"):
        class_order(("cat",), info, "zoo")


def test_a_model_file_is_evaluated_on_the_test_part(tmp_path: Path) -> None:
    write_model(tmp_path / "m.safetensors")
    done = evaluate_checkpoint(tmp_path / "m.safetensors")
    assert (done.data, done.evaluation.images) == ("digits", 359)
    counts = torch.bincount(find_held_out("digits").parts[0].labels).tolist()
    assert [one.images for one in done.evaluation.classes] == counts
    assert done.evaluation.images_per_second > 0


HELD_OUT = {"name": "digits", "train_images": 1151, "validation_images": 287}


def test_validation_is_what_the_training_held_out(tmp_path: Path) -> None:
    recipe = {"validation": 0.2, "split_seed": 0}
    write_model(tmp_path / "m.safetensors", data=HELD_OUT, recipe=recipe)
    done = evaluate_checkpoint(tmp_path / "m.safetensors", part="validation")
    assert done.evaluation.images == 287


def test_data_that_changed_since_is_refused(tmp_path: Path) -> None:
    recipe = {"validation": 0.1, "split_seed": 0}
    write_model(tmp_path / "m.safetensors", data=HELD_OUT, recipe=recipe)
    with pytest.raises(InputError, match="no longer what this model was trained on"):
        evaluate_checkpoint(tmp_path / "m.safetensors", part="validation")


def folder(root: Path, part: str, names: str) -> None:
    for name in names:
        (root / part / name).mkdir(parents=True)
        for number in range(2):
            level = 40 * number + ord(name) % 7
            Image.new("RGB", (20, 24), (level,) * 3).save(root / part / name / f"{number}.png")


def test_without_a_test_part_what_was_held_out_is_evaluated_and_said(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    folder(tmp_path / "data", "train", "ab")
    write_model(
        tmp_path / "m.safetensors", class_names=("a", "b"),
        data={"name": data, "train_images": 2, "validation_images": 2},
        recipe={"validation": 0.5, "split_seed": 0},
    )  # fmt: skip
    done = evaluate_checkpoint(tmp_path / "m.safetensors")
    assert (done.part, done.evaluation.images) == ("validation", 2)
    assert "has no test part: these images chose the best epoch" in done.notices[-1]


def test_parts_that_are_not_there_are_said(tmp_path: Path) -> None:
    folder(tmp_path / "data", "train", "ab")
    write_model(tmp_path / "m.safetensors", class_names=("a", "b"))
    for part in ("test", "validation"):
        with pytest.raises(InputError, match=f"has no {part} part"):
            evaluate_checkpoint(tmp_path / "m.safetensors", data=str(tmp_path / "data"), part=part)
    with pytest.raises(InputError, match="unknown part 'tests': did you mean 'test'"):
        evaluate_checkpoint(tmp_path / "m.safetensors", part="tests")


def test_an_unreadable_image_is_named_or_skipped_and_counted(tmp_path: Path) -> None:
    data = tmp_path / "data"
    folder(data, "train", "ab")
    folder(data, "test", "ab")
    (data / "test" / "a" / "0.png").write_bytes(b"rubbish")
    write_model(tmp_path / "m.safetensors", class_names=("a", "b"))
    with pytest.raises(InputError, match=r"0\.png"):
        evaluate_checkpoint(tmp_path / "m.safetensors", data=str(data))
    done = evaluate_checkpoint(tmp_path / "m.safetensors", data=str(data), skip_bad=True)
    assert done.evaluation.images == 3
    assert "1 unreadable image left out" in done.notices[-1]
    for file in data.glob("test/*/*.png"):
        file.write_bytes(b"rubbish")
    with pytest.raises(InputError, match=r"no image of the test part of .* can be read"):
        evaluate_checkpoint(tmp_path / "m.safetensors", data=str(data), skip_bad=True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_said_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(MissingResourceError, match="no CUDA device"):
        evaluate_checkpoint(tmp_path / "missing.safetensors", device="cuda")


def test_the_small_model_has_the_classes_of_the_digits() -> None:
    assert small_info(SMALL).class_names == find_held_out("digits").parts[0].class_names
