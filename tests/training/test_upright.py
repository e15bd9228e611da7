"""Pictures that are stored turned are seen as a viewer shows them, wherever they are decoded."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image, ImageOps

from effsearch.training.data.dataset import load_train
from effsearch.training.data.decode import cut_square, open_picture
from effsearch.training.data.upright import orientation_of
from effsearch.training.devices.device import choose_device
from effsearch.training.loop.pictures import model_input, sample_data, sample_files
from effsearch.training.sources import EvaluationView, TrainView
from effsearch.training.sources.opening import open_streamed
from effsearch.training.sources.parts import find_parts

TAGS = range(1, 9)
FORMATS = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "tif": "TIFF"}
# What undoes each turn: 6 and 8 undo each other.
STORE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def scene(width: int = 48, height: int = 32) -> Image.Image:
    """Brighter to the right, greener to the bottom: no turn leaves it as it is."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[..., 0] = np.linspace(0, 250, width)[None]
    pixels[..., 1] = np.linspace(0, 250, height)[:, None]
    return Image.fromarray(pixels)


def encoded(tag: int, kind: str = "JPEG", size: tuple[int, int] = (48, 32)) -> bytes:
    """The scene, stored so that the tag shows it upright."""
    picture = scene(*size)
    exif = Image.Exif()
    exif[0x0112] = tag
    stream = io.BytesIO()
    options = {"lossless": True} if kind == "WEBP" else {}
    options |= {"quality": 95} if kind == "JPEG" else {}
    stored = picture.transpose(STORE[tag]) if tag in STORE else picture
    stored.save(stream, kind, exif=exif, **options)
    return stream.getvalue()


def far(one: object, other: object) -> int:
    return int(np.abs(np.asarray(one, dtype=int) - np.asarray(other, dtype=int)).max())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of the same upright scene, each file turned otherwise."""
    root = tmp_path_factory.mktemp("turned")
    for part in ("train", "test"):
        for name in ("a", "b"):
            (root / part / name).mkdir(parents=True)
            for tag in TAGS:
                (root / part / name / f"{tag}.jpg").write_bytes(encoded(tag))
    return root


def test_every_format_and_turn_is_what_a_viewer_shows():
    for kind in FORMATS.values():
        for tag in TAGS:
            stream = io.BytesIO(encoded(tag, kind))
            opened = open_picture("here", stream)
            assert opened.size == (48, 32), (kind, tag)
            shown = cut_square("here", opened, (4, 2, 32, 30), 28)
            stream.seek(0)
            expected = ImageOps.exif_transpose(Image.open(stream)).convert("RGB")
            assert far(shown, expected.crop((4, 2, 32, 30))) <= 1, (kind, tag)


def test_a_large_photograph_is_turned_after_it_was_decoded_small():
    upright = cut_square("here", open_picture("here", scene(2400, 1600)), (400, 0, 2000, 1600), 32)
    for tag in TAGS:
        opened = open_picture("here", io.BytesIO(encoded(tag, size=(2400, 1600))))
        shown = cut_square("here", opened, (400, 0, 2000, 1600), 32)
        assert opened.image.size != (2400, 1600)
        assert far(shown, upright) <= 6, tag


def test_folders_are_decoded_upright(folder: Path):
    images = load_train(str(folder), resolution=32).images

    assert (images.float() - images[:1].float()).abs().max() <= 8
    assert images[0, 0, :, -1].float().mean() > images[0, 0, :, 0].float().mean() + 100


def test_parquet_is_decoded_upright(tmp_path: Path):
    cells = [{"bytes": encoded(tag), "path": None} for tag in TAGS]
    pq.write_table(pa.table({"image": cells, "label": [0, 1] * 4}), tmp_path / "train.parquet")
    images = load_train(str(tmp_path), resolution=32).images

    assert (images.float() - images[:1].float()).abs().max() <= 8


def test_hugging_face_is_decoded_upright(tmp_path: Path):
    datasets = pytest.importorskip("datasets")
    cells = [{"bytes": encoded(tag), "path": None} for tag in TAGS]
    features = datasets.Features(
        image=datasets.Image(), label=datasets.ClassLabel(names=["a", "b"])
    )
    rows = datasets.Dataset.from_dict({"image": cells, "label": [0, 1] * 4}, features=features)
    datasets.DatasetDict(train=rows).save_to_disk(tmp_path / "saved")
    images = load_train(f"hf:{tmp_path / 'saved'}", resolution=32).images

    assert (images.float() - images[:1].float()).abs().max() <= 8


def test_streamed_training_and_evaluation_are_upright(folder: Path):
    parts = find_parts(str(folder), validation=0.25, split_seed=0)
    source = open_streamed(parts, choose_device("cpu"), 32, workers=0)
    view = TrainView(resolution=32, crop_scale=1.0, seed=0)
    (trained,) = [images for images, _ in source.train_batches([torch.arange(12)], view)]
    look = EvaluationView(batch_size=16, resolution=32, crop_ratio=1.0)
    (tested,) = [images for images, _ in source.evaluation_batches("test", look)]

    assert (trained.float() - trained[:1].float()).abs().max() <= 8
    assert (tested.float() - trained[:1].float()).abs().max() <= 8


def test_pictures_to_look_at_are_upright(folder: Path):
    for samples in (sample_data(str(folder), 16), sample_files([folder / "test" / "a"])):
        images = model_input(samples, 32, 1.0)
        assert {sample.picture.size for sample in samples} == {(48, 32)}
        assert (images.float() - images[:1].float()).abs().max() <= 8


def test_damaged_exif_data_leave_a_picture_as_it_is_stored():
    stream = io.BytesIO()
    scene().save(stream, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12" * 9)

    assert orientation_of(Image.open(stream)) == 1


def test_an_orientation_beyond_eight_says_nothing():
    assert orientation_of(Image.open(io.BytesIO(encoded(9)))) == 1
