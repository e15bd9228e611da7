"""Tables of images as people write them: in parquet, and through Hugging Face."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from small_model import write_model

from effsearch.search_spaces.errors import InputError
from effsearch.training.data.dataset import find_held_out, list_training, load_train
from effsearch.training.data.images import ImageDataset
from effsearch.training.data.named_columns import Columns
from effsearch.training.export.images import images_to_check
from effsearch.training.loop.evaluated_part import evaluate_checkpoint
from effsearch.training.sources.packed import readable_anywhere
from effsearch.training.sources.parts import find_parts

RED = [250, 120, 10, 200, 60, 5]
LABELS = [0, 1, 0, 1, 0, 1]


def array(red: int) -> np.ndarray:
    pixels = np.zeros((6, 6, 3), dtype=np.uint8)
    pixels[..., 0] = red
    return pixels


def png(red: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array(red)).save(stream, "PNG")
    return stream.getvalue()


def cells(reds: list[int] = RED) -> list[dict[str, Any]]:
    return [{"bytes": png(red), "path": None} for red in reds]


def write_table(file: Path, features: dict[str, Any] | None = None, **columns: Any) -> str:
    """A table of these columns; the folder it lies in."""
    file.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(columns)
    if features:
        about = {"huggingface": json.dumps({"info": {"features": features}})}
        table = table.replace_schema_metadata(about)
    pq.write_table(table, file, row_group_size=4)
    return str(file.parent)


def reds(dataset: ImageDataset) -> list[int]:
    return dataset.images[:, 0, 3, 3].tolist()


# images


def in_files(folder: Path) -> list[str]:
    (folder / "pictures").mkdir(parents=True)
    for red in RED:
        (folder / "pictures" / f"{red}.png").write_bytes(png(red))
    return [f"pictures/{red}.png" for red in RED]


@pytest.mark.parametrize(
    "kind", ["bytes", "struct", "base64", "data url", "rows", "channels first"]
)
def test_images_in_cells_are_read(tmp_path, kind):
    column = {
        "bytes": lambda red: png(red),
        "struct": lambda red: {"bytes": png(red), "path": "a.png"},
        "base64": lambda red: base64.b64encode(png(red)).decode(),
        "data url": lambda red: "data:image/png;base64," + base64.b64encode(png(red)).decode(),
        "rows": lambda red: array(red).tolist(),
        "channels first": lambda red: array(red).transpose(2, 0, 1).tolist(),
    }[kind]
    root = write_table(tmp_path / "train.parquet", image=list(map(column, RED)), label=LABELS)

    assert reds(load_train(root, resolution=6)) == RED


@pytest.mark.parametrize("place", ["absolute", "beside the file", "above data", "in the struct"])
def test_images_may_be_named_by_their_files(tmp_path, place):
    names: list[Any] = in_files(tmp_path)
    file = tmp_path / ("data/train.parquet" if place == "above data" else "train.parquet")
    if place == "absolute":
        names = [str(tmp_path / name) for name in names]
    if place == "in the struct":
        names = [{"bytes": None, "path": name} for name in names]
    write_table(file, image=names, label=LABELS)
    listing = readable_anywhere(list_training(str(tmp_path)), tmp_path / "cache")

    assert reds(load_train(str(tmp_path), resolution=6)) == RED
    assert [where for where, _ in listing.pictures([5, 0])]


def test_grey_pixels_may_be_rows_or_one_flat_list(tmp_path):
    grey = [array(red)[..., 0] for red in RED]
    rows = write_table(
        tmp_path / "a" / "train.parquet", image=[g.tolist() for g in grey], label=LABELS
    )
    flat = write_table(
        tmp_path / "b" / "train.parquet", pixels=[g.ravel().tolist() for g in grey], label=LABELS
    )
    assert reds(load_train(rows, resolution=6)) == reds(load_train(flat, resolution=6)) == RED


def test_pixels_of_zero_to_one_are_scaled(tmp_path):
    colours = [(array(red) / 255).tolist() for red in RED]
    root = write_table(tmp_path / "train.parquet", image=colours, label=LABELS)

    assert reds(load_train(root, resolution=6)) == RED


def test_packed_pictures_are_those_of_the_cells(tmp_path):
    deep = [(np.arange(36).reshape(6, 6) * 100).tolist()] * 6
    root = write_table(tmp_path / "train.parquet", image=deep, label=LABELS)
    listing = list_training(root)
    packed = readable_anywhere(listing, tmp_path / "cache")
    opened = [Image.open(picture) for _, picture in packed.pictures([4, 1])]  # type: ignore[arg-type]

    assert [np.asarray(image).max() for image in opened] == [3500, 3500]


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (["https://example.org/1.png"] * 6, "holds URLs, such as https://example.org/1.png"),
        ([[{"bytes": b"x", "path": None}]] * 6, "holds lists of struct.*: one image a row"),
        ([[[1.5, 2.5], [300.0]]] * 6, "row 0 .*lists of differing lengths"),
        ([[1, 2, 3]] * 6, "row 0 .*a flat list of 3 levels, which is not a grey square"),
        (["nowhere.png"] * 6, "nowhere.png .there is no such file"),
        ([1, 2, 3, 4, 5, 6], "holds int64, not images: name another one with --image-column"),
    ],
)
def test_images_that_cannot_be_read_are_one_line(tmp_path, column, said):
    root = write_table(tmp_path / "train.parquet", image=column, label=LABELS)
    with pytest.raises(InputError, match=said):
        load_train(root, resolution=6)


def test_columns_may_be_named(tmp_path):
    columns = Columns(image="scan", label="finding")
    table = {"photo": cells(), "scan": cells(RED[::-1]), "finding": LABELS, "label": [0] * 6}
    root = write_table(tmp_path / "train.parquet", **table)
    write_table(tmp_path / "test.parquet", **table)

    assert reds(load_train(root, resolution=6, columns=columns)) == RED[::-1]
    parts = find_parts(root, validation=0.3, split_seed=0, columns=columns)
    assert parts.test is not None
    assert parts.test.labels.tolist() == LABELS


def test_a_named_column_that_is_not_there_is_said(tmp_path):
    root = write_table(tmp_path / "train.parquet", image=cells(), label=LABELS)
    for columns in (Columns(image="scan"), Columns(label="scan")):
        with pytest.raises(InputError, match="no column 'scan': it has image, label"):
            list_training(root, columns)


def test_columns_are_of_tables_alone():
    with pytest.raises(InputError, match="'digits' is not a table"):
        list_training("digits", Columns(label="label"))


# labels


def test_label_numbers_with_gaps_are_the_classes_that_occur(tmp_path):
    numbers = [7, 52391, 7, 19, 19, 52391]
    root = write_table(tmp_path / "train.parquet", image=cells(), label=numbers)
    write_table(tmp_path / "test.parquet", image=cells(), label=[19] * 6)
    listing, (test,) = list_training(root), find_held_out(root).parts

    assert listing.class_names == ("7", "19", "52391")
    assert listing.labels.tolist() == [0, 2, 0, 1, 1, 2]
    assert listing.notices == ("labels from 7 to 52391: the 3 that occur are the classes",)
    assert test.labels.tolist() == [1] * 6


def test_a_held_back_number_between_the_gaps_is_named(tmp_path):
    root = write_table(tmp_path / "train.parquet", image=cells(), label=[0, 5] * 3)
    write_table(tmp_path / "test.parquet", image=cells(), label=[5, 1, 0, 0, 0, 0])
    with pytest.raises(InputError, match=r"row 1 of .*test\.parquet has the label 1, outside"):
        find_held_out(root)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([[0], [1]] * 3, "are lists, and a network here knows one class per image"),
        ([0.5, 1.0] * 3, "are not whole numbers"),
        ([b"a", b"b"] * 3, "are binary: whole numbers or text are known"),
    ],
)
def test_labels_that_are_no_classes_are_one_line(tmp_path, labels, said):
    root = write_table(tmp_path / "train.parquet", image=cells(), label=labels)
    with pytest.raises(InputError, match=said):
        list_training(root)


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([0.0, 1.0] * 3, ("0", "1")),
        ([True, False] * 3, ("false", "true")),
        (pa.array(["dog", "cat"] * 3).dictionary_encode(), ("cat", "dog")),
    ],
)
def test_labels_of_other_types_are_read(tmp_path, labels, names):
    root = write_table(tmp_path / "train.parquet", image=cells(), label=labels)

    assert list_training(root).class_names == names


def test_shards_of_different_class_orders_are_merged_by_name(tmp_path):
    def shard(number: int, names: list[str], labels: list[int]) -> None:
        features = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": names}}
        file = tmp_path / f"train-0000{number}.parquet"
        write_table(file, features, image=cells(RED[: len(labels)]), label=labels)

    shard(0, ["cat", "dog"], [0, 1, 0])
    shard(1, ["dog", "emu", "cat"], [0, 1, 2])
    listing = list_training(str(tmp_path))

    assert listing.class_names == ("cat", "dog", "emu")
    assert listing.labels.tolist() == [0, 1, 0, 1, 2, 0]


def test_class_names_that_are_null_are_none(tmp_path):
    features = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": None}}
    root = write_table(tmp_path / "train.parquet", features, image=cells(), label=LABELS)

    assert list_training(root).class_names == ("0", "1")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"image": cells()}, "has no label column"),
        ({"image": cells(), "label": [-1] * 6}, "has no labels"),
        ({"image": cells(), "label": pa.nulls(6, pa.int64())}, "has no labels"),
        ({"image": cells()[:0], "label": pa.array([], pa.int64())}, "has no"),
    ],
)
def test_a_test_part_without_labels_is_gone_on_without(tmp_path, table, said):
    root = write_table(tmp_path / "train.parquet", image=cells(), label=LABELS)
    write_table(tmp_path / "test.parquet", **table)
    parts = find_parts(root, validation=0.3, split_seed=0)

    assert parts.test is None
    assert parts.notices[0].startswith("the test part")
    assert said in parts.notices[0]


# places


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("Train-00000-of-00001.parquet", "TEST.parquet"),
        ("training.parquet", "testing.parquet"),
        ("train/0000.parquet", "test/0000.parquet"),
        ("default/train/0000.parquet", "default/test/0000.parquet"),
        ("set/data/train-0.parquet", "set/data/test-0.parquet"),
        ("cifar_train.parquet", "cifar_test.parquet"),
    ],
)
def test_parts_are_found_where_people_lay_them(tmp_path, train, test):
    write_table(tmp_path / train, image=cells(), label=LABELS)
    write_table(tmp_path / test, image=cells(RED[:2]), label=[1, 0])

    assert list_training(str(tmp_path)).labels.tolist() == LABELS
    assert [part.labels.tolist() for part in find_held_out(str(tmp_path)).parts] == [[1, 0]]


def test_several_configurations_are_refused_by_name(tmp_path):
    for config in ("coarse", "fine"):
        write_table(tmp_path / config / "train" / "0000.parquet", image=cells(), label=LABELS)
    with pytest.raises(InputError, match=r"several datasets of parquet .'coarse', 'fine'."):
        list_training(str(tmp_path))


def test_a_file_of_no_part_is_named(tmp_path):
    root = write_table(tmp_path / "everything.parquet", image=cells(), label=LABELS)
    with pytest.raises(InputError, match=r"no train part: .* but everything\.parquet"):
        list_training(root)


# Hugging Face


def test_a_local_set_without_features_is_read(tmp_path):
    pytest.importorskip("datasets")
    labels = [3, 90, 3, 90, 3, 90]
    write_table(tmp_path / "set" / "train.parquet", img=cells(), fine_label=labels, label_id=LABELS)
    train = load_train(f"hf:{tmp_path / 'set'}", resolution=6)

    assert reds(train) == RED
    assert train.class_names == ("3", "90")


def test_columns_of_a_local_set_may_be_named(tmp_path):
    pytest.importorskip("datasets")
    write_table(
        tmp_path / "set" / "train.parquet", scan=cells(), fine_label=LABELS, found=LABELS[::-1]
    )
    spec = f"hf:{tmp_path / 'set'}"
    listing = list_training(spec, Columns(image="scan", label="found"))

    assert listing.labels.tolist() == LABELS[::-1]
    assert torch.equal(listing.labels, torch.tensor([1, 0, 1, 0, 1, 0]))


def test_list_labels_of_a_hub_set_are_refused(tmp_path):
    pytest.importorskip("datasets")
    write_table(tmp_path / "set" / "train.parquet", image=cells(), label=[[0], [1]] * 3)
    with pytest.raises(InputError, match="are lists"):
        list_training(f"hf:{tmp_path / 'set'}")


def test_a_model_finds_the_columns_of_its_training_again(tmp_path):
    table = {"photo": cells(), "scan": cells(RED[::-1]), "finding": LABELS}
    root = write_table(tmp_path / "train.parquet", **table)
    write_table(tmp_path / "test.parquet", **table)
    columns = Columns(image="scan", label="finding")
    about = {"name": root, **columns.to_dict()}
    write_model(tmp_path / "m.safetensors", data=about, class_names=("0", "1"))
    done = evaluate_checkpoint(tmp_path / "m.safetensors", device="cpu")
    images, source = images_to_check(tmp_path / "m.safetensors", None, 6)

    assert done.evaluation.images == 6
    assert source == root
    assert images[:, 0, 8, 8].tolist() == RED[::-1]
