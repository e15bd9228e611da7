"""RMSProp in TensorFlow's form, against steps worked out by hand."""

import math

import pytest
import torch
from torch import nn

from effsearch.training.loop.rmsprop import RMSpropTF


def test_first_two_steps_are_those_of_the_formula() -> None:
    weight = nn.Parameter(torch.tensor([2.0], dtype=torch.float64))
    optimizer = RMSpropTF([weight], lr=0.1, decay=0.9, momentum=0.5, eps=0.01)
    weight.grad = torch.tensor([3.0], dtype=torch.float64)
    optimizer.step()
    # s = .9·1 + .1·9 = 1.8;  m = .1·3/√1.81;  w = 2 − m
    first = 0.3 / math.sqrt(1.81)
    assert weight.item() == pytest.approx(2 - first, abs=1e-12)

    weight.grad = torch.tensor([-1.0], dtype=torch.float64)
    optimizer.param_groups[0]["lr"] = 0.2
    optimizer.step()
    # s = .9·1.8 + .1·1 = 1.72;  m = .5·m − .2/√1.73: the old rate stays in the old momentum
    second = 0.5 * first - 0.2 / math.sqrt(1.73)
    assert weight.item() == pytest.approx(2 - first - second, abs=1e-12)


def test_weight_decay_is_part_of_the_gradient() -> None:
    weight = nn.Parameter(torch.tensor([2.0], dtype=torch.float64))
    optimizer = RMSpropTF([weight], lr=0.1, momentum=0.0, eps=0.0, weight_decay=0.5)
    weight.grad = torch.tensor([1.0], dtype=torch.float64)
    optimizer.step()
    # g = 1 + .5·2 = 2;  s = .9 + .1·4 = 1.3
    assert weight.item() == pytest.approx(2 - 0.1 * 2 / math.sqrt(1.3), abs=1e-12)


def test_three_steps_with_decay_and_momentum_are_those_worked_out_by_hand() -> None:
    weight = nn.Parameter(torch.tensor([1.0], dtype=torch.float64))
    optimizer = RMSpropTF([weight], lr=0.1, decay=0.5, momentum=0.5, eps=0.19, weight_decay=0.1)
    seen = []
    for gradient in (0.9, -1.0, 0.0):
        weight.grad = torch.tensor([gradient], dtype=torch.float64)
        optimizer.step()
        seen.append(weight.item())
    # g = .9 + .1·1 = 1;          s = .5·1 + .5·1 = 1;        m = .1/√1.19 = .0916698
    # g = −1 + .0908330;          s = .5 + .5·.8265846;       m = .0458349 − .0909167/√1.1032923
    # g = 0 + .1·.9490515;        s = .4566462 + .5·.0090070; m = −.0203607 + .0094905/√.6511496
    assert seen == pytest.approx([0.9083302, 0.9490515, 0.9576510], abs=1e-7)


def test_it_is_not_torchs() -> None:
    ours, theirs = (nn.Parameter(torch.tensor([2.0])) for _ in range(2))
    for weight, optimizer in (
        (ours, RMSpropTF([ours], lr=0.1)),
        (theirs, torch.optim.RMSprop([theirs], lr=0.1, alpha=0.9, momentum=0.9, eps=1e-3)),
    ):
        weight.grad = torch.tensor([0.1])
        optimizer.step()
    # torch's square average starts at 0 and makes the first step three times the rate.
    assert 2 - ours.item() < 0.011
    assert 2 - theirs.item() > 0.25


def test_parameters_without_a_gradient_stay() -> None:
    moved, left = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    moved.grad = torch.ones(2)
    RMSpropTF([moved, left], lr=0.1).step()
    assert torch.equal(left, torch.ones(2))
    assert not torch.equal(moved, torch.ones(2))
