"""Learning rates and phases, against the published numbers."""

import pytest

from effsearch.training.recipes import named_recipe
from effsearch.training.recipes.recipe import Recipe
from effsearch.training.recipes.schedule import (
    learning_rate,
    peak_rate,
    phase_at,
    schedule_notes,
    schedule_rows,
    warmup_epochs,
)

IMAGENET_STEPS = 5004  # of 256 images


def test_efficientnet_climbs_for_five_epochs_and_falls_by_three_percent_every_2_4() -> None:
    recipe = named_recipe("efficientnet", "imagenet")

    def rate(epoch: float) -> float:
        return learning_rate(round(epoch * IMAGENET_STEPS), IMAGENET_STEPS, recipe)

    assert rate(0) == pytest.approx(0.016 / (5 * IMAGENET_STEPS))
    assert rate(2.5) == pytest.approx(0.008, rel=1e-3)
    assert rate(5.01) == pytest.approx(0.016 * 0.97**2)
    assert rate(7.19) == pytest.approx(0.016 * 0.97**2)
    assert rate(7.21) == pytest.approx(0.016 * 0.97**3)
    assert rate(349.99) == pytest.approx(0.016 * 0.97**145)


def test_rate_meant_for_256_images_is_256_thousandths_at_4096() -> None:
    recipe = named_recipe("efficientnet", "imagenet", {"batch_size": 4096})
    assert peak_rate(recipe) == pytest.approx(0.256)
    shared = named_recipe("efficientnet", "imagenet", {"batch_size": 512, "accumulate": 2})
    assert peak_rate(shared, workers=4) == pytest.approx(0.256)


def test_modern_climbs_for_five_epochs_and_follows_a_cosine_to_zero() -> None:
    recipe = named_recipe("modern", "imagenet", {"batch_size": 1024})
    assert learning_rate(5 * 10, 10, recipe) == pytest.approx(0.5)
    halfway = 5 * 10 + (600 - 5) * 10 // 2
    assert learning_rate(halfway, 10, recipe) == pytest.approx(0.25)
    assert 0 < learning_rate(5999, 10, recipe) < 1e-6


def test_a_warm_up_in_epochs_takes_a_fifth_of_a_short_training() -> None:
    recipe = named_recipe("efficientnet", "imagenet", {"epochs": 5})
    assert warmup_epochs(recipe) == 1
    assert learning_rate(10, 10, recipe) == pytest.approx(0.016)


def test_progressive_grows_size_and_regularisation_in_four_phases() -> None:
    recipe = named_recipe("progressive", "imagenet")
    phases = [phase_at(epoch, recipe, 300) for epoch in (0, 88, 175, 263, 349)]
    assert [phase.resolution for phase in phases] == [128, 185, 243, 300, 300]
    assert [phase.magnitude for phase in phases] == pytest.approx([5, 25 / 3, 35 / 3, 15, 15])
    assert [phase.mixup for phase in phases] == pytest.approx([0, 0.2 / 3, 0.4 / 3, 0.2, 0.2])
    assert [phase.dropout for phase in phases] == pytest.approx([0.1, 0.5 / 3, 0.7 / 3, 0.3, 0.3])
    assert [phase_at(e, recipe, 300).resolution for e in (87, 88)] == [128, 185]


def test_phases_keep_their_share_of_small_images_and_fit_short_trainings() -> None:
    recipe = named_recipe("progressive", "imagenet", {"epochs": 2})
    assert [phase_at(epoch, recipe, 32).resolution for epoch in (0, 1)] == [14, 32]
    assert [phase_at(0, recipe, side).resolution for side in (16, 8, 4)] == [8, 8, 4]
    single = named_recipe("progressive", "imagenet", {"epochs": 1})
    assert phase_at(0, single, 32).resolution == 32


def test_recipes_without_phases_stay_as_they_are() -> None:
    recipe = Recipe(epochs=3, dropout=0.2, mixup=0.1)
    assert {phase_at(epoch, recipe, 32) for epoch in range(3)} == {phase_at(0, recipe, 32)}


def test_schedule_has_a_row_an_epoch() -> None:
    rows = schedule_rows(named_recipe("progressive", "x", {"epochs": 4}), 300, 10)
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert [row["resolution"] for row in rows] == [128, 185, 243, 300]
    assert [row["magnitude"] for row in rows] == pytest.approx([5, 25 / 3, 35 / 3, 15])
    assert rows[0]["last_lr"] == pytest.approx(0.016)  # warm-up ends after 0.8 epochs
    assert rows[-1]["last_lr"] == pytest.approx(0.016 * 0.97)


@pytest.mark.parametrize(
    ("name", "epochs", "said"),
    [
        ("efficientnet", 350, []),
        ("efficientnet", 5, ["warm-up of 5 epochs is shortened to 1"]),
        ("efficientnet", 2, ["shortened to 0.4", "does not fall"]),
        ("progressive", 3, ["shortened to 0.6", "3 of 4 phases"]),
        ("proxy", 1, []),
    ],
)
def test_what_a_short_training_leaves_out_is_said(name: str, epochs: int, said: list[str]) -> None:
    notes = schedule_notes(named_recipe(name, "imagenet", {"epochs": epochs}))
    assert len(notes) == len(said)
    assert all(part in note for part, note in zip(said, notes, strict=True))


def test_finetune_and_proxy_climb_for_their_share_and_end_near_zero() -> None:
    finetune = named_recipe("finetune", "flowers", {"batch_size": 256})
    assert learning_rate(2 * 10, 10, finetune) == pytest.approx(0.01)
    assert learning_rate(199, 10, finetune) < 0.01 / 1000
    proxy = named_recipe("proxy", "photographs")
    assert learning_rate(6, 10, proxy) == pytest.approx(0.01)
    assert learning_rate(29, 10, proxy) < 0.01 / 100
