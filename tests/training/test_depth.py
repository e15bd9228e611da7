"""Pictures of more than 8 bits: by what the file says, by the set's own range, never black."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from effsearch.search_spaces.errors import InputError
from effsearch.training.data.dataset import list_training, load_train
from effsearch.training.data.decode import to_rgb
from effsearch.training.data.depth import Levels, own_levels, to_grey
from effsearch.training.loop.pictures import sample_data
from effsearch.training.sources.parts import find_parts

RAMP = np.tile(np.linspace(0, 1, 16, dtype=np.float32), (16, 1))


def write_set(root: Path, arrays: list[np.ndarray], suffix: str = "tif") -> Path:
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
        for index, array in enumerate(arrays):
            Image.fromarray(array).save(root / name / f"{index}.{suffix}")
    return root


def stored(array: np.ndarray, **options: object) -> Image.Image:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "TIFF", **options)
    return Image.open(stream)


@pytest.mark.parametrize("white", [0.02, 1, 2.5, 63, 255, 1000, 4095, 65535, 1e6])
def test_float_pictures_of_any_range_span_black_to_white(tmp_path, white):
    images = load_train(str(write_set(tmp_path, [RAMP * white] * 2)), resolution=16).images

    assert images.min() == 0
    assert images.max() >= 60
    steps = images[0, 0, 0].int().diff()
    assert (steps >= 0).all()
    assert (steps > 0).sum() >= 12


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_whole_numbers_in_sixteen_bits_keep_their_upper_eight(tmp_path, bits):
    levels = (RAMP * (2**bits - 1)).astype(np.uint16)
    for suffix in ("tif", "png"):
        root = write_set(tmp_path / suffix, [levels] * 2, suffix)
        shown = load_train(str(root), resolution=16).images[0, 0].numpy()
        assert (shown == levels >> (bits - 8)).all()


def test_negative_levels_are_black_at_the_lowest_of_the_set(tmp_path):
    houndsfield = (RAMP * 4000 - 1000).astype(np.int32)
    images = load_train(str(write_set(tmp_path, [houndsfield] * 2)), resolution=16).images

    assert images.min() == 0
    assert images.max() > 180


def test_a_dark_picture_of_a_set_stays_dark(tmp_path):
    bright, dark = (RAMP * 65535).astype(np.uint16), (RAMP * 4000).astype(np.uint16)
    images = load_train(str(write_set(tmp_path, [bright, dark])), resolution=16).images

    assert images[0].max() == 255
    assert images[1].max() == 15


def test_a_set_of_zero_to_one_and_of_zero_to_255_is_black_nowhere(tmp_path):
    images = load_train(str(write_set(tmp_path, [RAMP, RAMP * 255])), resolution=16).images

    assert (images[0].int() - images[1].int()).abs().max() <= 1
    assert images[0].max() == 255


def test_what_a_file_says_of_its_white_counts():
    picture = stored((RAMP * 900).astype(np.uint16), tiffinfo={281: 4095})

    assert own_levels(picture) == Levels(black=0, white=4095)


def test_a_picture_brighter_than_its_set_is_not_burnt_out():
    picture = Image.fromarray((RAMP * 65535).astype(np.uint16))

    assert np.asarray(to_grey(picture, Levels(black=0, white=4095)))[0, 7] < 130


def test_the_levels_are_said_and_held_out_parts_share_them(tmp_path):
    twelve, dark = (RAMP * 4000).astype(np.uint16), (RAMP * 900).astype(np.uint16)
    write_set(tmp_path / "train", [twelve] * 4)
    write_set(tmp_path / "test", [dark] * 2)

    parts = find_parts(str(tmp_path), validation=0.25, split_seed=0)

    assert parts.test is not None
    assert parts.train.levels == parts.validation.levels == parts.test.levels
    assert parts.train.levels == Levels(black=0, white=4095)
    assert any("0 to 4095 is shown as black to white" in line for line in parts.notices)
    assert sample_data(str(tmp_path), 1)[0].picture.getextrema()[0][1] == 900 >> 4


def test_pictures_of_eight_bits_have_no_levels():
    assert list_training("digits").levels is None


def test_a_float_picture_without_a_number_is_named(tmp_path):
    root = write_set(tmp_path, [RAMP, np.full((16, 16), np.nan, dtype=np.float32)])
    with pytest.raises(InputError, match=r"a/1\.tif \(it holds no finite number\)"):
        load_train(str(root), resolution=16)


def test_colour_of_twelve_bits_in_sixteen_is_refused():
    pixels = np.array([[[4095, 800, 0], [16, 0, 0]]], dtype=">u2")
    rows = zlib.compress(b"".join(b"\0" + row.tobytes() for row in pixels))
    chunks = (
        (b"IHDR", struct.pack(">2I5B", 2, 1, 16, 2, 0, 0, 0)),
        (b"IDAT", rows),
        (b"IEND", b""),
    )
    file = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    with pytest.raises(ValueError, match="convert it to 8 bits"):
        to_rgb(Image.open(io.BytesIO(file)))
