"""Images that cannot be read: left out and counted where asked, in searches as in trainings."""

from pathlib import Path

import pytest
from PIL import Image

from effsearch.search_spaces.errors import InputError
from effsearch.training.data.dataset import load_train, load_train_within
from effsearch.training.data.progress import data_progress
from effsearch.training.trials.options import ProxyOptions
from effsearch.training.trials.proxy import make_proxy, make_scaled_proxy

LEFT_OUT = "1 unreadable image left out; the first: cannot read the image"


@pytest.fixture
def damaged(tmp_path: Path) -> str:
    """Two classes of eight, one file of them cut off."""
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for index in range(8):
            Image.effect_noise((24, 24), 60).save(tmp_path / name / f"{index}.jpg")
    file = tmp_path / "cat" / "3.jpg"
    file.write_bytes(file.read_bytes()[:300])
    return str(tmp_path)


@pytest.mark.parametrize("load", [load_train, load_train_within])
def test_an_unreadable_image_is_left_out_where_asked(damaged: str, load: object) -> None:
    size = {"resolution": 16} if load is load_train else {"largest": 16}
    with pytest.raises(InputError, match=r"cat/3\.jpg.*leave such images out with --skip-bad"):
        load(damaged, **size)  # type: ignore[operator]
    kept = load(damaged, **size, skip_bad=True)  # type: ignore[operator]

    assert kept.labels.tolist() == [0] * 7 + [1] * 8
    assert kept.images.shape == (15, 3, 16, 16)
    assert kept.notices[0].startswith(LEFT_OUT)


def test_proxy_trainings_leave_it_out_too(damaged: str) -> None:
    options = ProxyOptions(
        data=damaged, proxy_resolution=16, recipe={"validation": 0.25}, skip_bad=True
    )
    for evaluator, record in (
        make_proxy(options, "cpu"),
        make_scaled_proxy(options, "cpu", largest_factor=1.2),
    ):
        data = record["data"]
        assert isinstance(data, dict)
        assert data["train_images"] + data["validation_images"] == 15
        assert evaluator.notices[0].startswith(LEFT_OUT)


def test_a_sound_image_of_another_size_is_never_left_out(tmp_path: Path) -> None:
    for name, side in (("cat", 6), ("dog", 7)):
        (tmp_path / name).mkdir()
        for index in range(2):
            Image.new("RGB", (side, side)).save(tmp_path / name / f"{index}.png")
    with pytest.raises(InputError, match="give a resolution"):
        load_train(str(tmp_path), resolution=None, skip_bad=True)


def test_data_without_a_readable_image_is_one_line(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(b"no picture")
        (tmp_path / name / "b.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"no image of .* can be read; the first: .*cat/a\.png"):
        load_train(str(tmp_path), resolution=8, skip_bad=True)


def test_long_reading_says_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from effsearch.training.data import progress

    monkeypatch.setattr(progress, "_BETWEEN", 0.0)
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for index in range(400):
            Image.new("L", (2, 2)).save(tmp_path / name / f"{index}.png")
    said: list[str] = []
    with data_progress(said.append):
        load_train(str(tmp_path), resolution=2)
    load_train(str(tmp_path), resolution=2)

    assert said[0].endswith("of 800 images decoded")
    assert len(said) == len(set(said)) > 3
