"""Splits and samples: stratified, reproducible, and clear about classes that are too small."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from effsearch.search_spaces.errors import InputError
from effsearch.training.data.split import stratified_sample, stratified_split

counts = st.lists(st.integers(2, 30), min_size=2, max_size=8)


def labels_of(class_counts: list[int]) -> torch.Tensor:
    ordered = torch.repeat_interleave(torch.arange(len(class_counts)), torch.tensor(class_counts))
    return ordered[torch.randperm(len(ordered), generator=torch.Generator().manual_seed(1))]


@given(counts, st.floats(0.01, 0.99), st.integers(0, 2**31))
def test_split_is_a_partition_with_every_class_on_both_sides(class_counts, fraction, seed):
    labels = labels_of(class_counts)
    train, validation = stratified_split(labels, fraction, seed)

    assert torch.equal(torch.cat([train, validation]).sort().values, torch.arange(len(labels)))
    for side in (train, validation):
        assert set(labels[side].tolist()) == set(range(len(class_counts)))
        assert torch.equal(side, side.sort().values)


@given(counts, st.floats(0.05, 0.95))
def test_each_class_gives_its_share_to_within_one_image(class_counts, fraction):
    labels = labels_of(class_counts)
    _, validation = stratified_split(labels, fraction, seed=0)
    given_up = torch.bincount(labels[validation], minlength=len(class_counts))

    assert ((given_up - torch.tensor(class_counts) * fraction).abs() <= 1).all()


def test_same_seed_same_split_and_another_seed_another():
    labels = labels_of([50, 50])
    first, again, other = (stratified_split(labels, 0.2, seed)[1] for seed in (3, 3, 4))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_class_with_a_single_image_is_named():
    with pytest.raises(InputError, match="class 'dog' has a single image"):
        stratified_split(torch.tensor([0, 0, 1]), 0.5, seed=0, class_names=["cat", "dog"])


@pytest.mark.parametrize("fraction", [1.0, -0.1, float("nan")])
def test_fraction_out_of_range_is_refused(fraction):
    with pytest.raises(InputError, match="validation fraction"):
        stratified_split(torch.tensor([0, 0, 1, 1]), fraction, seed=0)


def test_no_labels_are_refused():
    with pytest.raises(InputError, match="no images"):
        stratified_split(torch.tensor([], dtype=torch.int64), 0.5, seed=0)


@given(counts, st.data())
def test_sample_has_the_size_asked_for_and_two_of_every_class(class_counts, data):
    labels = labels_of(class_counts)
    size = data.draw(st.integers(2 * len(class_counts), len(labels)))
    sample = stratified_sample(labels, size, seed=0)

    assert len(sample) == len(set(sample.tolist())) == size
    assert (torch.bincount(labels[sample], minlength=len(class_counts)) >= 2).all()


def test_sample_keeps_the_shares_of_the_classes():
    sample = stratified_sample(labels_of([600, 300, 100]), 100, seed=0)

    assert torch.bincount(labels_of([600, 300, 100])[sample]).tolist() == [60, 30, 10]


def test_sample_of_everything_is_everything():
    assert stratified_sample(torch.tensor([0, 1, 1]), 99, seed=0).tolist() == [0, 1, 2]


def test_sample_too_small_for_the_classes_is_refused():
    with pytest.raises(InputError, match="at least 6"):
        stratified_sample(labels_of([9, 9, 9]), 5, seed=0)
