"""A training that is stopped and resumed is the training that never stopped, bit for bit."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.network import build_network
from effsearch.search_spaces.notation import parse_architecture
from effsearch.training.data.digits import list_training_digits
from effsearch.training.data.images import ImageDataset
from effsearch.training.devices.device import DeviceData, choose_device, place_on_device
from effsearch.training.loop.reports import (
    EpochReport,
    StepReport,
    report_from_json,
    report_to_json,
)
from effsearch.training.loop.trainer import DivergedError, Trainer
from effsearch.training.models.checkpoint import read_checkpoint, save_checkpoint
from effsearch.training.recipes.recipe import Recipe
from effsearch.training.recipes.seeds import build_seeded, mixed_seed
from effsearch.training.sources import ResidentSource
from effsearch.training.sources.streamed import StreamedSource

# Dropout, stochastic depth, flips, shifts, momentum or moments, clipping and averages.
RECIPE = Recipe(
    epochs=2,
    batch_size=32,
    lr=0.01,
    flip=True,
    shift=2,
    dropout=0.2,
    drop_path=0.4,
    gradient_clip=1.0,
    ema_decay=0.9,
)
EPOCH = 4  # steps


@pytest.fixture(scope="module")
def few_digits(digits: DeviceData) -> DeviceData:
    return replace(
        digits,
        train_images=digits.train_images[:128],
        train_labels=digits.train_labels[:128],
        validation_images=digits.validation_images[:50],
        validation_labels=digits.validation_labels[:50],
    )


def network(recipe: Recipe, features: int = 16) -> nn.Module:
    return build_network(
        parse_architecture(f"act_silu stem_k3_s2_c8 ir_r3_k3_s1_e2_c8_se0.25 head_c{features}"),
        classes=10,
        dropout=recipe.dropout,
        drop_path=recipe.drop_path,
        norm_momentum=0.1,
    )


def new_trainer(data: DeviceData, recipe: Recipe, seed: int = 3) -> Trainer:
    built = build_seeded(lambda: network(recipe), seed)
    return Trainer(built, ResidentSource(data), recipe, resolution=16, seed=seed)


def saved(trainer: Trainer, path: Path) -> Callable[[Any], None]:
    """A callback that keeps the state of every step or epoch under its number of steps."""

    def save(report: StepReport | EpochReport) -> None:
        progress = trainer.progress()
        name = f"{type(report).__name__}_{progress['steps']}"
        save_checkpoint(path / name, trainer.state(), {"progress": progress})

    return save


def resumed(data: DeviceData, recipe: Recipe, path: Path) -> Trainer:
    trainer = new_trainer(data, recipe)
    tensors, header = read_checkpoint(path)
    trainer.restore(tensors, header["progress"])
    return trainer


def timeless(report: EpochReport) -> dict[str, Any]:
    document = report_to_json(report)
    del document["seconds"], document["images_per_second"]
    return document


def assert_same(one: Trainer, other: Trainer) -> None:
    wanted = one.state()
    state = other.state()
    assert state.keys() == wanted.keys()
    assert [name for name in state if not torch.equal(state[name], wanted[name])] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "sgd"},
        {"optimizer": "adamw", "accumulate": 2, "batch_size": 16, "precision": "bf16"},
        {"optimizer": "rmsprop", "schedule": "exponential"},
        {"policy": "randaugment", "mixup": 0.2, "cutmix": 1.0, "erasing": 0.5, "crop_scale": 0.5},
        {"phases": 2, "first_resolution": 0.5, "first_magnitude": 2, "first_dropout": 0.0},
    ],
    ids=lambda options: "-".join(map(str, options)),
)
def test_resumed_anywhere_it_ends_with_the_same_bits(
    few_digits: DeviceData, tmp_path: Path, options: dict[str, Any]
) -> None:
    recipe = replace(RECIPE, **options)
    whole = new_trainer(few_digits, recipe)
    save = saved(whole, tmp_path)
    result = whole.train(on_step=save, on_epoch=save)

    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 2 * EPOCH + 2
    for name in (f"StepReport_{EPOCH - 2}", f"StepReport_{EPOCH}", f"EpochReport_{EPOCH}"):
        torch.rand(5)  # the process's own random state must not matter
        trainer = resumed(few_digits, recipe, tmp_path / name)
        again = trainer.train()
        assert_same(whole, trainer)
        assert list(map(timeless, again.curve)) == list(map(timeless, result.curve))


def test_resumed_from_a_stream_it_ends_with_the_same_bits(tmp_path: Path) -> None:
    listing = replace(list_training_digits(), labels=list_training_digits().labels[:128])
    recipe = replace(RECIPE, crop_scale=0.5)

    def streamed() -> Trainer:
        source = StreamedSource(
            {"train": listing, "validation": listing},
            torch.device("cpu"),
            mean=torch.full((3,), 78.0),
            std=torch.full((3,), 81.0),
            own_side=8,
            workers=0,
        )
        built = build_seeded(lambda: network(recipe), 3)
        return Trainer(built, source, recipe, resolution=16, seed=3)

    whole = streamed()
    whole.train(on_step=saved(whole, tmp_path))
    trainer = streamed()
    tensors, header = read_checkpoint(tmp_path / f"StepReport_{EPOCH - 2}")
    trainer.restore(tensors, header["progress"])
    trainer.train()
    assert_same(whole, trainer)


def test_a_finished_training_is_not_trained_further(few_digits: DeviceData, tmp_path: Path) -> None:
    whole = new_trainer(few_digits, RECIPE)
    result = whole.train(on_epoch=saved(whole, tmp_path))

    trainer = resumed(few_digits, RECIPE, tmp_path / f"EpochReport_{2 * EPOCH}")
    again = trainer.train(on_step=pytest.fail)
    assert_same(whole, trainer)
    assert again.curve == result.curve
    assert again.accuracy == result.accuracy


def test_callbacks_do_not_change_the_training(few_digits: DeviceData) -> None:
    one, other = (new_trainer(few_digits, RECIPE) for _ in range(2))
    one.train()

    def look(report: object) -> None:
        other.state()
        other.model_weights()
        torch.rand(3)

    other.train(on_step=look, on_epoch=look)
    assert_same(one, other)


def test_steps_are_reported_with_what_was_trained_on(few_digits: DeviceData) -> None:
    steps: list[StepReport] = []
    recipe = replace(RECIPE, accumulate=2, batch_size=16, warmup=0.0)
    result = new_trainer(few_digits, recipe).train(on_step=steps.append)

    assert [(r.epoch, r.step) for r in steps] == [(e, s) for e in (1, 2) for s in (1, 2, 3, 4)]
    assert {(r.epochs, r.steps) for r in steps} == {(2, 4)}
    assert [r.images for r in steps[:4]] == [32, 64, 96, 128]
    assert steps[0].learning_rate == recipe.lr > steps[-1].learning_rate > 0
    assert steps[3].loss == result.curve[0].train_loss
    assert 0 < steps[2].seconds < steps[3].seconds <= result.curve[0].seconds


def test_accumulated_batches_take_the_step_of_one_large_batch(few_digits: DeviceData) -> None:
    """Without normalization, which sees each batch alone, and without anything random."""
    plain = Recipe(
        epochs=1, batch_size=32, optimizer="sgd", lr=0.1, flip=False, gradient_clip=0.5, warmup=0.0
    )
    trained = []
    for recipe in (plain, replace(plain, batch_size=8, accumulate=4)):
        linear = build_seeded(lambda: nn.Sequential(nn.Flatten(), nn.Linear(768, 10)), 0)
        trainer = Trainer(linear, ResidentSource(few_digits), recipe, resolution=16, seed=0)
        trained.append((trainer.train(), trainer.model_weights()["1.weight"]))

    (one, weights), (other, accumulated) = trained
    assert one.loss == pytest.approx(other.loss, abs=1e-5)
    assert torch.allclose(weights, accumulated, atol=1e-5)


def test_averaged_weights_are_validated_and_given_as_the_model(few_digits: DeviceData) -> None:
    trainer = new_trainer(few_digits, RECIPE)
    report = trainer.train().curve[-1]
    last = {name: tensor for name, tensor in trainer.state().items() if "." in name}
    model = trainer.model_weights()
    assert report.averaged
    assert not torch.equal(model["classifier.weight"], last["classifier.weight"])
    assert torch.equal(model["classifier.weight"], last["ema.classifier.weight"])

    # The same weights, as a network without averages, measure the same.
    plain = replace(RECIPE, ema_decay=0.0)
    other = network(plain)
    other.load_state_dict(model)
    shown = Trainer(other, ResidentSource(few_digits), plain, resolution=16, seed=0).validate()
    assert (shown.loss, shown.top1, shown.top5) == (
        report.validation_loss,
        report.accuracy,
        report.top5,
    )
    assert report.accuracy <= report.top5 <= 1


def test_without_averages_the_last_weights_are_the_model(few_digits: DeviceData) -> None:
    trainer = new_trainer(few_digits, replace(RECIPE, ema_decay=0.0))
    report = trainer.train().curve[-1]

    assert not report.averaged
    state = trainer.state()
    model = trainer.model_weights()
    assert all(torch.equal(model[name], state[name]) for name in model)
    assert not any(name.startswith("ema.") for name in state)


def test_a_training_without_a_validation_part_has_no_accuracy(few_digits: DeviceData) -> None:
    data = replace(
        few_digits,
        validation_images=few_digits.validation_images[:0],
        validation_labels=few_digits.validation_labels[:0],
    )
    trainer = new_trainer(data, replace(RECIPE, epochs=1))
    result = trainer.train()

    (report,) = result.curve
    assert not report.validated
    assert not report.diverged
    assert math.isnan(result.accuracy)
    assert math.isnan(result.best_accuracy)
    json.dumps(trainer.progress(), allow_nan=False)


def test_a_diverged_training_says_at_which_step_and_gives_no_state(
    few_digits: DeviceData,
) -> None:
    trainer = new_trainer(few_digits, replace(RECIPE, optimizer="sgd", gradient_clip=0.0))
    seen: list[int] = []

    def poison(report: StepReport) -> None:
        seen.append(report.step)
        if report.step == 2:
            with torch.no_grad():
                trainer._network.classifier.bias.fill_(math.nan)

    result = trainer.train(on_step=poison)

    assert result.diverged
    assert result.curve[-1].diverged_at == 3
    assert seen == [1, 2]
    with pytest.raises(DivergedError, match="after step 3"):
        trainer.state()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"batch_size": 64}, "steps per epoch 2, the checkpoint 4"),
        ({"optimizer": "adamw"}, "optimizer adamw, the checkpoint sgd"),
        ({"ema_decay": 0.5}, None),
        ({"ema_decay": 0.0}, "averaged weights False, the checkpoint True"),
    ],
)
def test_a_state_of_another_recipe_is_refused(
    few_digits: DeviceData, options: dict[str, Any], told: str | None
) -> None:
    begun = new_trainer(few_digits, replace(RECIPE, epochs=1))
    begun.train()
    other = new_trainer(few_digits, replace(RECIPE, **options))
    if told is None:
        other.restore(begun.state(), begun.progress())
        return
    with pytest.raises(InputError, match=told):
        other.restore(begun.state(), begun.progress())


def test_a_state_of_another_network_is_refused(few_digits: DeviceData) -> None:
    begun = new_trainer(few_digits, replace(RECIPE, epochs=1))
    begun.train()
    for built, told in [
        (network(RECIPE, features=4), r"head\.0\.weight is \(16, 8, 1, 1\) there and \(4, "),
        (nn.Sequential(nn.Flatten(), nn.Linear(768, 10)), r"it lacks 1\.bias"),
    ]:
        other = Trainer(built, ResidentSource(few_digits), RECIPE, resolution=16, seed=3)
        with pytest.raises(InputError, match=told):
            other.restore(begun.state(), begun.progress())


def test_too_few_images_for_the_accumulated_batches_are_refused() -> None:
    dataset = ImageDataset(
        name="ten",
        images=torch.zeros((10, 3, 4, 4), dtype=torch.uint8),
        labels=torch.arange(10) % 2,
        class_names=("a", "b"),
    )
    data = place_on_device(dataset, choose_device("cpu"), validation=0.2, split_seed=0)
    with pytest.raises(InputError, match="8 training images are too few for 8 batches of two"):
        new_trainer(data, replace(RECIPE, accumulate=8))


def test_reports_survive_json_with_what_is_no_number() -> None:
    report = EpochReport(
        epoch=1,
        epochs=2,
        train_loss=math.inf,
        validation_loss=math.nan,
        accuracy=0.1,
        top5=1.0,
        learning_rate=1e-3,
        resolution=32,
        seconds=1.5,
        images_per_second=9.0,
        diverged_at=7,
    )
    back = report_from_json(json.loads(json.dumps(report_to_json(report), allow_nan=False)))

    assert math.isnan(back.validation_loss)
    assert replace(back, validation_loss=0.0) == replace(report, validation_loss=0.0)


def test_neighbouring_seeds_have_nothing_in_common() -> None:
    seeds = [mixed_seed(seed, step) for seed in range(50) for step in range(50)]
    assert len({seed % 2**32 for seed in seeds}) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)
