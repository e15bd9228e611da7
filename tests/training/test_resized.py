"""Images of one decoding at several sizes, as trainings of scaled networks need them."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.notation import parse_architecture
from effsearch.training.data.dataset import load_train, load_train_within
from effsearch.training.devices.device import DeviceData, resized
from effsearch.training.trials.evaluator import Request
from effsearch.training.trials.options import ProxyOptions
from effsearch.training.trials.proxy import make_scaled_proxy

TINY = "res32 act_relu stem_k3_s2_c8 ir_r1_k3_s2_e2_c16 head_c32"


@pytest.fixture
def network() -> Architecture:
    return parse_architecture(TINY)


def test_the_same_size_is_the_same_images(digits: DeviceData) -> None:
    assert resized(digits, 16) is digits


@pytest.mark.parametrize("resolution", [8, 16, 23])
def test_resizing_on_the_device_is_what_decoding_would_give(resolution: int) -> None:
    from effsearch.training.devices.device import choose_device, place_on_device

    options = {"validation": 0.2, "split_seed": 0}
    own, wanted = (
        place_on_device(load_train("digits", resolution=side), choose_device("cpu"), **options)
        for side in (8, resolution)
    )
    found = resized(own, resolution)
    difference = found.train_images.int() - wanted.train_images.int()
    assert found.train_images.dtype == torch.uint8
    assert difference.abs().max() <= 1  # Pillow rounds after each of its two passes
    assert torch.equal(found.train_labels, own.train_labels)
    assert torch.equal(found.mean, own.mean)


def test_images_are_decoded_no_larger_than_they_are(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for index in range(3):
            Image.new("RGB", (40, 30 + index)).save(tmp_path / name / f"{index}.png")
    assert load_train_within(str(tmp_path), largest=64).resolution == 32
    assert load_train_within(str(tmp_path), largest=20).resolution == 20
    assert load_train_within("digits", largest=24).resolution == 8


def test_a_request_names_the_pixels_it_is_trained_at(network: Architecture) -> None:
    evaluator, record = make_scaled_proxy(
        ProxyOptions(epochs=1, proxy_resolution=12, max_images=100), "cpu", largest_factor=1.5
    )
    evaluator.prepare()
    small, large = (
        evaluator.evaluate([Request(0, network, 7, resolution)])[0] for resolution in (12, 18)
    )
    assert small == evaluator.evaluate([Request(0, network, 7)])[0]
    assert small != large
    assert record["recipe"]["resolution"] == 12  # type: ignore[index]


def test_a_training_that_falls_behind_stops_and_says_where(network: Architecture) -> None:
    evaluator, _ = make_scaled_proxy(
        ProxyOptions(epochs=3, max_images=100), "cpu", largest_factor=1
    )
    evaluator.prepare()
    whole = evaluator.evaluate([Request(0, network, 7)])[0]
    assert "stopped_after" not in whole
    stopped = evaluator.evaluate([Request(0, network, 7, None, ((2, 1.1),))])[0]
    assert stopped["stopped_after"] == 2
    assert stopped["curve"] == whole["curve"][:2]  # type: ignore[index]


def test_a_training_is_never_stopped_after_its_last_epoch(network: Architecture) -> None:
    evaluator, _ = make_scaled_proxy(
        ProxyOptions(epochs=2, max_images=100), "cpu", largest_factor=1
    )
    evaluator.prepare()
    done = evaluator.evaluate([Request(0, network, 7, None, ((2, 1.1),))])[0]
    assert "stopped_after" not in done
