"""Folders of images as people have them: what is a part, what is a class, what is never read."""

import os
from pathlib import Path

import pytest
import torch
from PIL import Image

from effsearch.search_spaces.errors import InputError
from effsearch.training.data.dataset import find_held_out, list_training, load_train
from effsearch.training.data.entries import picture_suffixes
from effsearch.training.data.images import ImageListing
from effsearch.training.sources.parts import find_parts

CLASSES = ("cat", "dog", "emu")


def write_pictures(folder: Path, count: int = 4, suffix: str = "png") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        Image.new("RGB", (6, 6), (40 * index, 0, 0)).save(folder / f"{index}.{suffix}")


def write_parts(root: Path, **parts: int) -> Path:
    for part, count in parts.items():
        for name in CLASSES:
            write_pictures(root / part / name, count)
    return root


def counts(listing: ImageListing) -> list[int]:
    return torch.bincount(listing.labels, minlength=len(listing.class_names)).tolist()


# parts


@pytest.mark.parametrize("train", ["train", "Train", "TRAIN", "training", "Training"])
@pytest.mark.parametrize("test", ["test", "Test", "testing", "TESTING"])
def test_parts_are_known_in_any_case(tmp_path, train, test):
    write_parts(tmp_path, **{train: 3, test: 2})
    (held_out,) = find_held_out(str(tmp_path)).parts

    assert counts(list_training(str(tmp_path))) == [3, 3, 3]
    assert counts(held_out) == [2, 2, 2]
    assert held_out.class_names == CLASSES


@pytest.mark.parametrize("name", ["val", "Valid", "VALIDATION", "dev"])
def test_a_validation_part_has_several_names(tmp_path, name):
    parts = find_parts(
        str(write_parts(tmp_path, Train=4, Test=1, **{name: 2})), validation=0.5, split_seed=0
    )

    assert [counts(part) for part in (parts.train, parts.validation)] == [[4, 4, 4], [2, 2, 2]]


def test_two_folders_of_one_part_are_refused_by_name(tmp_path):
    write_parts(tmp_path, train=2, Training=2)
    with pytest.raises(InputError, match="'Training' and 'train', both named like a train part"):
        list_training(str(tmp_path))


@pytest.mark.parametrize("names", [("seg_train", "seg_test"), ("train_set", "val_set", "extra")])
def test_classes_called_like_parts_are_refused_by_name(tmp_path, names):
    write_parts(tmp_path, **dict.fromkeys(names, 2))
    with pytest.raises(InputError, match="are named like parts, not like classes: name them"):
        list_training(str(tmp_path))


def test_classes_that_all_hold_the_same_folders_are_refused_by_name(tmp_path):
    write_parts(tmp_path, hospital_1=2, hospital_2=2)
    with pytest.raises(
        InputError, match=r"'hospital_1', 'hospital_2' .* same folders, 'cat', 'dog'"
    ):
        list_training(str(tmp_path))


def test_classes_may_each_hold_one_folder_of_the_same_name(tmp_path):
    for name in CLASSES:
        write_pictures(tmp_path / "train" / name / "images")

    assert counts(list_training(str(tmp_path))) == [4, 4, 4]


def test_a_class_may_be_called_train(tmp_path):
    for name in ("bus", "car", "train"):
        write_pictures(tmp_path / name)

    assert list_training(str(tmp_path)).class_names == ("bus", "car", "train")


def test_class_names_may_hold_the_names_of_parts(tmp_path):
    names = ("bullet_train", "cup", "dish", "ewer", "flask", "test_tube")
    for name in names:
        write_pictures(tmp_path / name)

    assert list_training(str(tmp_path)).class_names == names


def test_folders_beside_the_parts_are_said(tmp_path):
    write_parts(tmp_path, train=2, test=2, papers=1)

    assert any("not read: 'papers'" in line for line in list_training(str(tmp_path)).notices)


@pytest.mark.parametrize("inner", ["set", "archive/set"])
def test_a_wrapper_folder_is_looked_through(tmp_path, inner):
    write_parts(tmp_path / inner, Train=3, Test=1)
    write_pictures(tmp_path / "__MACOSX" / "set" / "Train" / "cat")
    listing = list_training(str(tmp_path))

    assert counts(listing) == [3, 3, 3]
    assert [counts(part) for part in find_held_out(str(tmp_path)).parts] == [[1, 1, 1]]
    assert listing.notices == (f"{tmp_path} holds {inner} alone: read it",)


def test_parts_inside_a_part_are_refused_by_name(tmp_path):
    write_parts(tmp_path / "train", train=3, test=1)
    with pytest.raises(InputError, match=r"'test', 'train' of .*train are named like parts"):
        list_training(str(tmp_path))


def test_a_part_may_be_wrapped_too(tmp_path):
    write_parts(tmp_path / "train", images=3)

    assert counts(list_training(str(tmp_path))) == [3, 3, 3]


# what is never read


def test_rubbish_is_left_out_and_counted(tmp_path):
    write_parts(tmp_path, train=4)
    for name in CLASSES:
        folder = tmp_path / "train" / name
        write_pictures(folder / ".ipynb_checkpoints", 2)
        write_pictures(folder / "@eaDir" / "0.png", 1)
        (folder / "Thumbs.db").write_bytes(b"")
        (folder / "._0.png").write_bytes(b"")
    (tmp_path / "train" / "cat" / "notes.txt").write_text("of the cat")
    write_pictures(tmp_path / "train" / ".hidden")

    listing = list_training(str(tmp_path))

    assert counts(listing) == [4, 4, 4]
    (line,) = listing.notices
    assert line.startswith(f"16 files left out of {tmp_path / 'train'}: 15 hidden or of the system")
    assert "1 no pictures (.txt)" in line


@pytest.mark.parametrize("suffix", ["jfif", "jpe", "JPG", "Jpeg", "jp2", "tga", "avif", "pnm"])
def test_every_suffix_that_pillow_reads_is_read_in_any_case(tmp_path, suffix):
    kinds = {"jfif": "JPEG", "jpe": "JPEG", "JPG": "JPEG", "Jpeg": "JPEG", "pnm": "PPM"}
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for index in range(2):
            file = tmp_path / name / f"{index}.{suffix}"
            Image.new("RGB", (6, 6)).save(file, kinds.get(suffix))

    assert load_train(str(tmp_path), resolution=6).labels.tolist() == [0, 0, 1, 1]


def test_formats_that_pillow_only_names_are_no_pictures():
    assert {".jpg", ".png", ".tif", ".webp", ".gif", ".bmp"} <= picture_suffixes()
    assert not {".h5", ".mpg", ".eps", ".pdf", ".txt"} & picture_suffixes()


def test_links_are_followed_once(tmp_path):
    write_pictures(tmp_path / "elsewhere" / "more", 3)
    for name in ("cat", "dog"):
        write_pictures(tmp_path / "set" / name)
    cat = tmp_path / "set" / "cat"
    os.symlink(tmp_path / "elsewhere" / "more", cat / "more")
    os.symlink(tmp_path / "elsewhere" / "more", cat / "more_again")
    os.symlink(cat / "0.png", cat / "z.png")
    os.symlink(tmp_path / "set", cat / "loop")
    os.symlink(tmp_path / "nowhere.png", cat / "lost.png")

    listing = list_training(str(tmp_path / "set"))

    assert counts(listing) == [7, 4]
    assert "3 links followed already or leading back" in listing.notices[0]
    assert "1 links that lead nowhere (lost.png)" in listing.notices[0]


def test_what_is_no_regular_file_is_never_opened(tmp_path):
    for name in ("cat", "dog"):
        write_pictures(tmp_path / name)
    os.mkfifo(tmp_path / "cat" / "pipe.png")
    os.symlink("/dev/zero", tmp_path / "cat" / "zero.png")

    assert counts(list_training(str(tmp_path))) == [4, 4]
    assert len(load_train(str(tmp_path), resolution=4)) == 8


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    for name in ("cat", "dog"):
        write_pictures(tmp_path / name)
    real = os.scandir

    def closed(folder):
        if Path(folder).name == "dog":
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(InputError, match=r"dog cannot be read: Permission denied"):
        list_training(str(tmp_path))


# held-back parts that lack something


def test_a_flat_test_part_is_gone_on_without(tmp_path):
    write_parts(tmp_path, train=4)
    write_pictures(tmp_path / "test")
    parts = find_parts(str(tmp_path), validation=0.25, split_seed=0)

    assert parts.test is None
    assert any(
        line.startswith("the test part") and line.endswith("so no labels: continuing without it")
        for line in parts.notices
    )


@pytest.mark.parametrize("inner", ["unknown", "images", "test"])
def test_a_test_part_of_one_folder_that_is_no_class_is_gone_on_without(tmp_path, inner):
    write_parts(tmp_path, train=4)
    write_pictures(tmp_path / "test" / inner)
    held_out = find_held_out(str(tmp_path))

    assert held_out.parts == ()
    assert f"'{inner}', which is not a class" in held_out.notices[0]


def test_an_empty_test_part_is_gone_on_without(tmp_path):
    write_parts(tmp_path, train=4, test=0)
    (tmp_path / "val").mkdir()
    held_out = find_held_out(str(tmp_path))

    assert held_out.parts == ()
    assert [line.split(", ")[0] for line in held_out.notices] == [
        "the test part",
        "the validation part",
    ]


def test_an_empty_class_of_a_validation_part_is_said_like_a_missing_one(tmp_path):
    lines = []
    for kind in ("missing", "empty"):
        root = write_parts(tmp_path / kind, train=4, val=2, test=1)
        for file in (root / "val" / "dog").iterdir():
            file.unlink()
        if kind == "missing":
            (root / "val" / "dog").rmdir()
        lines.append(find_parts(str(root), validation=0.2, split_seed=0).notices)

    assert lines[0] == lines[1] == ("the validation part has no images of 1 of 3 classes: dog",)
