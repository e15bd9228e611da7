"""Datasets from every source, and the one line that each kind of bad data gets."""

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from effsearch.search_spaces.errors import InputError
from effsearch.training.data.dataset import find_held_out, load_train
from effsearch.training.data.decode import decode_pictures
from effsearch.training.data.digits import list_held_out_digits, list_training_digits

CIFAR = Path(__file__).parents[2].parent / "shared" / "data" / "cifar10"


def encoded(level: int, size: tuple[int, int] = (6, 6), kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (level, 0, 255 - level)).save(buffer, kind)
    return buffer.getvalue()


def write_class(folder: Path, count: int = 3, size: tuple[int, int] = (6, 6)) -> None:
    folder.mkdir(parents=True)
    for index in range(count):
        (folder / f"{index}.png").write_bytes(encoded(index, size))


def write_parquet(
    path: Path,
    labels: list[object],
    *,
    names: list[str] | None = None,
    label_column: str = "label",
    images: list[bytes | None] | None = None,
    label_type: pa.DataType | None = None,
    row_group_size: int = 4,
) -> None:
    cells = images or [encoded(index) for index in range(len(labels))]
    table = pa.table(
        {
            "image": pa.array(
                [{"bytes": cell, "path": None} for cell in cells],
                pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
            ),
            label_column: pa.array(labels, label_type or pa.int64()),
        }
    )
    if names is not None:
        features = {
            "image": {"_type": "Image"},
            label_column: {"names": names, "_type": "ClassLabel"},
        }
        table = table.replace_schema_metadata(
            {"huggingface": json.dumps({"info": {"features": features}})}
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=row_group_size)


def held_out_labels(folder: Path) -> list[list[int]]:
    """Labels of the test and the validation part."""
    return [part.labels.tolist() for part in find_held_out(str(folder)).parts]


# digits


def test_digits_have_a_training_and_a_test_part_without_common_images():
    train, (listing,) = load_train("digits", resolution=None), find_held_out("digits").parts
    test = decode_pictures(listing.pictures(range(359)), 359, None)

    assert (len(train), len(listing.labels)) == (1438, 359)
    assert train.images.shape == (1438, 3, 8, 8)
    assert train.images.dtype == torch.uint8
    assert train.images.max() == 255
    assert train.class_names == tuple("0123456789")
    pixels = [{image.numpy().tobytes() for image in images} for images in (train.images, test)]
    assert not pixels[0] & pixels[1]


def test_digits_at_another_resolution():
    assert load_train("digits", resolution=20).images.shape == (1438, 3, 20, 20)


def test_fingerprint_follows_the_content():
    first, again, smaller = (
        load_train("digits", resolution=8, max_images=size) for size in (200, 200, 100)
    )

    assert first.fingerprint == again.fingerprint
    assert first.fingerprint != smaller.fingerprint
    assert len(first.fingerprint) == 16


def test_sample_is_stratified_and_always_the_same():
    one, two = (load_train("digits", resolution=None, max_images=100) for _ in range(2))

    assert len(one) == 100
    assert torch.equal(one.images, two.images)
    assert torch.bincount(one.labels).tolist() == [10] * 10


# folders


def test_folder_with_train_and_test_parts(tmp_path):
    write_class(tmp_path / "train" / "cat", 3)
    write_class(tmp_path / "train" / "dog", 2)
    write_class(tmp_path / "test" / "dog", 1)
    (tmp_path / "train" / "cat" / "notes.txt").write_text("not an image")

    train, (test,) = load_train(str(tmp_path), resolution=6), find_held_out(str(tmp_path)).parts

    assert train.class_names == test.class_names == ("cat", "dog")
    assert train.labels.tolist() == [0, 0, 0, 1, 1]
    assert test.labels.tolist() == [1]
    assert train.images[2, :, 0, 0].tolist() == [2, 0, 253]
    assert train.name == tmp_path.name


def test_folder_of_classes_alone_is_a_training_part_without_a_test_part(tmp_path):
    write_class(tmp_path / "cat")
    write_class(tmp_path / "dog")

    assert load_train(str(tmp_path), resolution=None).images.shape == (6, 3, 6, 6)
    assert find_held_out(str(tmp_path)).parts == ()


def test_val_folder_serves_as_test_part(tmp_path):
    for part in ("train", "val"):
        write_class(tmp_path / part / "cat")
        write_class(tmp_path / part / "dog")

    assert held_out_labels(tmp_path) == [[0, 0, 0, 1, 1, 1]]


def test_images_of_differing_size_come_to_one_square(tmp_path):
    write_class(tmp_path / "cat", 2, (40, 10))
    write_class(tmp_path / "dog", 2, (7, 1))

    assert load_train(str(tmp_path), resolution=12).images.shape == (4, 3, 12, 12)


def test_images_of_differing_size_need_a_resolution(tmp_path):
    write_class(tmp_path / "cat", 2, (6, 6))
    write_class(tmp_path / "dog", 2, (7, 6))

    with pytest.raises(InputError, match=r"dog/0\.png is 7×6 pixels, not 6×6: give a resolution"):
        load_train(str(tmp_path), resolution=None)


# parquet


def test_parquet_with_class_names_in_its_metadata(tmp_path):
    write_parquet(tmp_path / "train-00000.parquet", [0, 1, 0, 1, 2], names=["a", "b", "c"])
    write_parquet(tmp_path / "train-00001.parquet", [2, 1], names=["a", "b", "c"])
    write_parquet(tmp_path / "test.parquet", [2], names=["a", "b", "c"])

    train, (test,) = load_train(str(tmp_path), resolution=6), find_held_out(str(tmp_path)).parts

    assert train.class_names == ("a", "b", "c")
    assert train.labels.tolist() == [0, 1, 0, 1, 2, 2, 1]
    assert train.images[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4, 0, 1]
    assert test.labels.tolist() == [2]


def test_parquet_sample_decodes_the_right_rows(tmp_path):
    write_parquet(tmp_path / "train.parquet", [0, 1] * 20, names=["even", "odd"])

    sample = load_train(str(tmp_path), resolution=None, max_images=10)

    assert len(sample) == 10
    assert (sample.images[:, 0, 0, 0] % 2).tolist() == sample.labels.tolist()


def test_parquet_label_column_found_through_the_metadata(tmp_path):
    write_parquet(tmp_path / "train.parquet", [0, 1], names=["a", "b"], label_column="kind")

    assert load_train(str(tmp_path), resolution=6, max_images=99).class_names == ("a", "b")


def test_parquet_without_metadata_numbers_its_classes(tmp_path):
    write_parquet(tmp_path / "train.parquet", [0, 2, 1, 0])
    train = load_train(str(tmp_path), resolution=6)

    assert train.class_names == ("0", "1", "2")
    assert train.notices == ()


def test_parquet_with_text_labels(tmp_path):
    for part, labels in (("train", ["dog", "cat", "dog"]), ("test", ["dog"])):
        write_parquet(tmp_path / f"{part}.parquet", list(labels), label_type=pa.string())

    assert load_train(str(tmp_path), resolution=6).class_names == ("cat", "dog")
    assert held_out_labels(tmp_path) == [[1]]


def test_parquet_test_labels_follow_the_names_of_the_training_part(tmp_path):
    write_parquet(tmp_path / "train.parquet", [0, 1, 2], names=["a", "b", "c"])
    write_parquet(tmp_path / "test.parquet", [0, 1], names=["c", "a"])

    assert held_out_labels(tmp_path) == [[2, 0]]


def test_parquet_test_part_with_a_class_of_its_own(tmp_path):
    write_parquet(tmp_path / "train.parquet", [0, 1], names=["a", "b"])
    write_parquet(tmp_path / "test.parquet", [1, 0], names=["a", "zebra"])
    with pytest.raises(InputError, match=r"row 0 of .*test\.parquet is of the class 'zebra'"):
        find_held_out(str(tmp_path))


def test_parquet_validation_part_stands_in_for_a_test_part_without_labels(tmp_path):
    write_parquet(tmp_path / "train.parquet", [0, 1], names=["a", "b"])
    write_parquet(tmp_path / "validation.parquet", [1, 1, 0], names=["a", "b"])
    write_parquet(tmp_path / "test.parquet", [-1, -1], names=["a", "b"])

    assert held_out_labels(tmp_path) == [[1, 1, 0]]


def test_own_validation_part_beside_a_test_part(tmp_path):
    for part, labels in (("train", [0, 1]), ("validation", [1]), ("test", [0, 0])):
        write_parquet(tmp_path / "parquet" / f"{part}.parquet", labels, names=["a", "b"])
    for part, count in (("train", 3), ("validation", 2), ("test", 1)):
        write_class(tmp_path / "folder" / part / "a", count)
        write_class(tmp_path / "folder" / part / "b", count)
    assert held_out_labels(tmp_path / "parquet") == [[0, 0], [1]]
    assert held_out_labels(tmp_path / "folder") == [[0, 1], [0, 0, 1, 1]]


def test_parquet_in_the_data_folder_of_a_hub_checkout(tmp_path):
    write_parquet(tmp_path / "data" / "train-0.parquet", [0, 1, 0, 1])

    assert len(load_train(str(tmp_path), resolution=6)) == 4


def test_search_never_opens_the_test_part(tmp_path):
    write_parquet(tmp_path / "train.parquet", [0, 1, 0, 1], names=["a", "b"])
    (tmp_path / "test.parquet").write_bytes(b"torn")
    write_class(tmp_path / "folder" / "train" / "cat")
    write_class(tmp_path / "folder" / "train" / "dog")
    write_class(tmp_path / "folder" / "test" / "unheard-of", 0)

    assert len(load_train(str(tmp_path), resolution=6)) == 4
    assert len(load_train(str(tmp_path / "folder"), resolution=6)) == 6
    with pytest.raises(InputError, match=r"test\.parquet"):
        find_held_out(str(tmp_path))
    with pytest.raises(InputError, match="class 'unheard-of'"):
        find_held_out(str(tmp_path / "folder"))


@pytest.mark.skipif(not CIFAR.is_dir(), reason="needs ../shared/data/cifar10")
def test_cifar10_sample():
    cifar = load_train(str(CIFAR), resolution=None, max_images=500)

    assert cifar.images.shape == (500, 3, 32, 32)
    assert cifar.class_names[:3] == ("airplane", "automobile", "bird")
    assert torch.bincount(cifar.labels).tolist() == [50] * 10


# bad input


def test_unknown_name_says_the_nearest():
    with pytest.raises(InputError, match="did you mean 'digits'"):
        load_train("digit", resolution=8)


def test_missing_directory(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        load_train(str(tmp_path / "nowhere"), resolution=8)


def test_file_instead_of_directory(tmp_path):
    (tmp_path / "train.zip").write_bytes(b"")
    with pytest.raises(InputError, match="is a file"):
        load_train(str(tmp_path / "train.zip"), resolution=8)


def test_empty_directory(tmp_path):
    with pytest.raises(InputError, match="no images in"):
        load_train(str(tmp_path), resolution=8)


def test_images_without_class_folders(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded(0))
    with pytest.raises(InputError, match="have no labels"):
        load_train(str(tmp_path), resolution=8)


def test_empty_class_folder_is_named(tmp_path):
    write_class(tmp_path / "cat")
    write_class(tmp_path / "dog", 0)
    with pytest.raises(InputError, match="dog holds no images"):
        load_train(str(tmp_path), resolution=8)


def test_folder_with_a_test_part_alone(tmp_path):
    write_class(tmp_path / "test" / "cat")
    with pytest.raises(InputError, match="no train part"):
        load_train(str(tmp_path), resolution=8)


def test_parquet_with_a_test_part_alone(tmp_path):
    write_parquet(tmp_path / "test.parquet", [0, 1])
    with pytest.raises(InputError, match="no train part"):
        load_train(str(tmp_path), resolution=8)


def test_one_class_only(tmp_path):
    write_class(tmp_path / "folder" / "cat")
    write_parquet(tmp_path / "parquet" / "train.parquet", [1, 1], names=["a", "b"])
    for source in ("folder", "parquet"):
        with pytest.raises(InputError, match="one class only"):
            load_train(str(tmp_path / source), resolution=8)


@pytest.mark.parametrize(
    "content", [b"", b"no picture", encoded(0)[:48]], ids=["empty", "text", "torn"]
)
def test_unreadable_image_is_named(tmp_path, content):
    write_class(tmp_path / "cat")
    write_class(tmp_path / "dog")
    (tmp_path / "dog" / "broken.png").write_bytes(content)
    with pytest.raises(InputError, match=r"cannot read the image .*dog/broken\.png"):
        load_train(str(tmp_path), resolution=8)


@pytest.mark.parametrize(("content", "said"), [(b"no", "cannot read"), (None, "holds no image")])
def test_unreadable_parquet_row_is_named(tmp_path, content, said):
    images = [encoded(0)] * 6 + [content]
    write_parquet(tmp_path / "train.parquet", [0, 1, 0, 1, 0, 1, 0], images=images)
    with pytest.raises(InputError, match=rf"{said}|row 6 of .*train\.parquet.*{said}") as caught:
        load_train(str(tmp_path), resolution=8)
    assert "row 6 of" in str(caught.value)
    assert said in str(caught.value)


def test_torn_parquet_is_named(tmp_path):
    (tmp_path / "train.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(InputError, match=r"cannot read .*train\.parquet"):
        load_train(str(tmp_path), resolution=8)


def test_parquet_torn_in_the_middle_is_named(tmp_path):
    file = tmp_path / "train.parquet"
    write_parquet(file, [0, 1] * 50, row_group_size=10)
    whole = file.read_bytes()
    file.write_bytes(whole[:4] + b"\xff" * 2000 + whole[2004:])
    with pytest.raises(InputError, match=r"cannot read .*train\.parquet"):
        load_train(str(tmp_path), resolution=8)


@pytest.mark.parametrize("label", [-1, 2, None])
def test_parquet_row_without_a_usable_label_is_named(tmp_path, label):
    write_parquet(tmp_path / "train.parquet", [0, 1, label], names=["a", "b"])
    with pytest.raises(InputError, match=r"row 2 of .*train\.parquet has"):
        load_train(str(tmp_path), resolution=8)


def test_parquet_without_label_or_image_column(tmp_path):
    write_parquet(tmp_path / "a" / "train.parquet", [0, 1], label_column="weight")
    with pytest.raises(InputError, match="no label column: it has image, weight"):
        load_train(str(tmp_path / "a"), resolution=8)
    (tmp_path / "b").mkdir()
    pq.write_table(pa.table({"label": [0, 1]}), tmp_path / "b" / "train.parquet")
    with pytest.raises(InputError, match="no image column"):
        load_train(str(tmp_path / "b"), resolution=8)


@pytest.mark.parametrize("resolution", [0, -8])
def test_resolution_that_is_no_size(resolution):
    with pytest.raises(InputError, match="resolution"):
        load_train("digits", resolution=resolution)


def test_sample_that_is_no_amount():
    with pytest.raises(InputError, match="sample of 0"):
        load_train("digits", resolution=8, max_images=0)


# pictures


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_mode_becomes_rgb_of_the_same_colour(tmp_path, mode):
    kind = "tif" if mode == "CMYK" else "png"
    if mode == "I;16":
        picture = Image.fromarray(np.full((9, 9), 65535, dtype=np.uint16))
    else:
        picture = Image.new("RGB", (9, 9), (255, 255, 255)).convert(mode)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        picture.save(tmp_path / name / f"x.{kind}")
        picture.save(tmp_path / name / f"y.{kind}")

    images = load_train(str(tmp_path), resolution=5).images

    assert images.shape == (4, 3, 5, 5)
    assert images.min() >= 254


def test_transparent_pixels_lie_on_white(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for index in range(2):
            Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / name / f"{index}.png")

    assert load_train(str(tmp_path), resolution=4).images.min() == 255


def test_large_jpeg_is_decoded_at_a_smaller_scale_and_cropped_at_the_centre(tmp_path):
    pixels = np.zeros((600, 1800, 3), dtype=np.uint8)
    pixels[:, 600:1200] = 200
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for index in range(2):
            Image.fromarray(pixels).save(tmp_path / name / f"{index}.jpg", quality=95)

    inner = load_train(str(tmp_path), resolution=32).images[:, :, :, 2:-2].float()

    assert (inner - 200).abs().max() < 8


def test_the_digits_are_scikit_learn_s() -> None:
    from sklearn.datasets import load_digits

    digits = load_digits()
    theirs = {
        (np.rint(image * (255 / 16)).astype(np.uint8).tobytes(), int(label))
        for image, label in zip(digits.images, digits.target, strict=True)
    }
    (held_out,) = list_held_out_digits().parts
    parts = (list_training_digits(), held_out)
    ours = [
        (np.asarray(picture).tobytes(), int(part.labels[index]))
        for part in parts
        for index, (_, picture) in enumerate(part.pictures(range(len(part.labels))))
    ]
    assert set(ours) == theirs
    assert [len(part.labels) for part in parts] == [1438, 359]
    assert parts[0].class_names == tuple(str(name) for name in digits.target_names)
