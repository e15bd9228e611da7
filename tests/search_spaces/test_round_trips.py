"""JSON and notation give back what went in, for any architecture at all."""

import json
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from effsearch.search_spaces.activations import ACTIVATIONS, Activation
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.block import Skip
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.notation import (
    format_architecture,
    format_stage,
    parse_architecture,
    parse_stage,
)
from effsearch.search_spaces.operations import OPERATIONS
from effsearch.search_spaces.parts import Head, Pooled, Sizes, Stage, Stem
from effsearch.search_spaces.squeeze import SQUEEZES

odd = st.integers(0, 5).map(lambda half: 2 * half + 1)
ratios = st.one_of(
    st.sampled_from([0.25, 0.5, 1, 1.0, 3, 6, 1.5]), st.floats(1e-6, 1e3, exclude_min=True)
)
stages = st.builds(
    Stage,
    op=st.sampled_from(tuple(OPERATIONS)),
    channels=st.integers(1, 300),
    layers=st.integers(1, 4),
    kernel=odd,
    stride=st.integers(1, 3),
    expand=ratios,
    se=st.one_of(st.just(0), st.sampled_from([0.25, 0.5, 1]), st.floats(1e-6, 4)),
    skip=st.sampled_from(get_args(Skip)),
    squeeze=st.sampled_from(tuple(SQUEEZES)),
    activation=st.sampled_from((None, *ACTIVATIONS)),
    sizes=st.sampled_from(get_args(Sizes)),
    joined=st.booleans(),
)
architectures = st.builds(
    Architecture,
    stem=st.builds(
        Stem,
        channels=st.integers(1, 100),
        kernel=odd,
        stride=st.integers(1, 4),
        pool=st.booleans(),
    ),
    stages=st.lists(stages, min_size=1, max_size=6).map(tuple),
    head=st.one_of(
        st.builds(Head, channels=st.integers(0, 2000)),
        st.builds(Head, channels=st.integers(1, 2000), pooled=st.sampled_from(get_args(Pooled))),
    ),
    activation=st.sampled_from(get_args(Activation)),
    resolution=st.integers(1, 512),
    classes=st.integers(1, 2000),
    in_channels=st.integers(1, 6),
    norm_eps=st.sampled_from([1e-3, 1e-5, 0.1, 2, 1e-7, 0]),
)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(architectures)
def test_json_gives_the_architecture_back(architecture: Architecture) -> None:
    read = Architecture.from_dict(json.loads(json.dumps(architecture.to_dict())))
    assert read == architecture
    assert read.id == architecture.id
    assert read.stages == architecture.stages


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(architectures)
def test_notation_gives_the_architecture_back(architecture: Architecture) -> None:
    line = format_architecture(architecture)
    read = parse_architecture(line)
    assert read == architecture
    assert cost(read) == cost(architecture)
    assert format_architecture(read) == line


@settings(max_examples=200, deadline=None)
@given(stages)
def test_notation_gives_the_stage_back(stage: Stage) -> None:
    assert parse_stage(format_stage(stage)) == stage


@settings(max_examples=100, deadline=None)
@given(architectures, st.integers(0, 5), st.data())
def test_splitting_a_stage_changes_nothing(
    architecture: Architecture, place: int, data: st.DataObject
) -> None:
    split: list[Stage] = []
    for index, stage in enumerate(architecture.stages):
        if index == place and stage.layers > 1:
            first = data.draw(st.integers(1, stage.layers - 1))
            values = vars(stage) | {"layers": first}
            split.append(Stage(**values))
            split.append(Stage(**values | {"layers": stage.layers - first, "stride": 1}))
        else:
            split.append(stage)
    document = architecture.to_dict() | {"stages": [vars(stage) for stage in split]}
    assert Architecture.from_dict(document) == architecture
