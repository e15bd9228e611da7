"""Architecture: which networks are equal, and what is refused."""

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.block import Block
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.parts import Head, Stage, Stem
from effsearch.search_spaces.squeeze import squeeze_width
from effsearch.search_spaces.stage_blocks import stage_blocks
from effsearch.search_spaces.zoo import load_zoo

B0_ID = "975c002a0fd1"


def network(*stages: Stage, **values: Any) -> Architecture:
    return Architecture(stages=stages, **values)


CONV = Stage(op="conv", channels=16)


def test_the_id_of_b0_does_not_change_over_sessions() -> None:
    assert load_zoo("efficientnet-b0").id == B0_ID


def test_the_id_is_the_same_in_another_process() -> None:
    code = "from effsearch.search_spaces.zoo import load_zoo; print(load_zoo('efficientnet-b0').id)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout.strip() == B0_ID


EQUAL = {
    "a fused block without expansion is a convolution with its skip": (
        [Stage(op="fused_mbconv", channels=32, expand=1, layers=2)],
        [Stage(op="conv", channels=32, layers=2, skip="identity")],
    ),
    "layers in one stage or in two": (
        [Stage(op="mbconv", channels=24, layers=3, stride=2, expand=6)],
        [
            Stage(op="mbconv", channels=24, stride=2, expand=6),
            Stage(op="mbconv", channels=24, layers=2, expand=6),
        ],
    ),
    "an identity that changes nothing": (
        [CONV, Stage(op="identity", channels=16, layers=4)],
        [CONV],
    ),
    "a kernel that an identity does not have": (
        [Stage(op="identity", channels=16, kernel=3, se=0.5, skip="pool")],
        [Stage(op="identity", channels=16, kernel=5)],
    ),
    "a skip where the shape changes": (
        [Stage(op="mbconv", channels=64, stride=2, expand=6, skip="identity")],
        [Stage(op="mbconv", channels=64, stride=2, expand=6, skip="none")],
    ),
    "a pooled skip where channels get fewer": (
        [Stage(op="mbconv", channels=16, expand=6, skip="pool")],
        [Stage(op="mbconv", channels=16, expand=6, skip="none")],
    ),
    "an expansion that a convolution does not have": (
        [Stage(op="conv", channels=16, expand=6)],
        [Stage(op="conv", channels=16)],
    ),
    "whole numbers and fractions of one value": (
        [Stage(op="mbconv", channels=16, expand=6)],
        [Stage(op="mbconv", channels=16, expand=6.0)],
    ),
    "an expansion that rounds to the same width": (
        [Stage(op="mbconv", channels=16, expand=6.0)],
        [Stage(op="mbconv", channels=16, expand=6.001)],
    ),
}


@pytest.mark.parametrize("spellings", EQUAL.values(), ids=EQUAL.keys())
def test_two_spellings_of_one_network_are_equal(spellings: tuple[list[Stage], list[Stage]]) -> None:
    one, other = (network(*stages) for stages in spellings)
    assert one == other
    assert hash(one) == hash(other)
    assert one.id == other.id


BASE = network(Stage(op="mbconv", channels=32, layers=2, expand=6, se=0.25))
DIFFERENT = {
    "operation": network(Stage(op="fused_mbconv", channels=32, layers=2, expand=6, se=0.25)),
    "channels": network(Stage(op="mbconv", channels=40, layers=2, expand=6, se=0.25)),
    "layers": network(Stage(op="mbconv", channels=32, layers=3, expand=6, se=0.25)),
    "kernel": network(Stage(op="mbconv", channels=32, layers=2, expand=6, se=0.25, kernel=5)),
    "stride": network(Stage(op="mbconv", channels=32, layers=2, expand=6, se=0.25, stride=2)),
    "expansion": network(Stage(op="mbconv", channels=32, layers=2, expand=3, se=0.25)),
    "squeeze-excite": network(Stage(op="mbconv", channels=32, layers=2, expand=6)),
    "skip": network(Stage(op="mbconv", channels=32, layers=2, expand=6, se=0.25, skip="none")),
    "pooled skip": network(
        Stage(op="mbconv", channels=32, layers=2, expand=6, se=0.25, skip="pool")
    ),
    "stem": replace(BASE, stem=Stem(channels=24)),
    "stem's stride": replace(BASE, stem=Stem(stride=1)),
    "stem's pooling": replace(BASE, stem=Stem(pool=True)),
    "deep stem": replace(BASE, stem=Stem(kind="deep")),
    "tiered stem": replace(BASE, stem=Stem(kind="deep_tiered")),
    "head": replace(BASE, head=Head(channels=0)),
    "activation": replace(BASE, activation="relu"),
    "resolution": replace(BASE, resolution=192),
    "classes": replace(BASE, classes=10),
    "image channels": replace(BASE, in_channels=1),
    "epsilon": replace(BASE, norm_eps=1e-5),
}


@pytest.mark.parametrize("other", DIFFERENT.values(), ids=DIFFERENT.keys())
def test_different_networks_differ(other: Architecture) -> None:
    assert other != BASE
    assert other.id != BASE.id


def test_separable_convolution_of_mobilenet_v1_is_not_the_linear_one() -> None:
    linear = network(Stage(op="mbconv", channels=16, expand=1, skip="none"))
    assert network(Stage(op="depthwise_separable", channels=16, skip="none")) != linear


def test_a_stem_of_three_convolutions_has_timm_s_widths() -> None:
    assert Stem(channels=64).widths == (64,)
    assert Stem(channels=64, kind="deep").widths == (32, 32, 64)
    assert Stem(channels=64, kind="deep_tiered").widths == (24, 32, 64)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "tiered"}, "did you mean 'deep_tiered'"),
        ({"kind": "deep", "channels": 17}, "'deep' stem must be even and at least 2, not 17"),
        ({"kind": "deep_tiered", "channels": 6}, "even and at least 8, not 6"),
    ],
)
def test_a_stem_that_cannot_be_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Stem(**values)  # type: ignore[arg-type]


def test_equality_with_something_else_is_false() -> None:
    assert BASE != "efficientnet-b0"


def test_only_the_first_layer_of_a_stage_strides_and_widens() -> None:
    stage = Stage(op="mbconv", channels=24, layers=2, stride=2, expand=6, se=0.25, kernel=5)
    assert stage_blocks(stage, 16) == (
        Block("mbconv", 5, 2, 16, 96, 24, 4, "none"),
        Block("mbconv", 5, 1, 24, 144, 24, 6, "identity"),
    )


def test_a_bottleneck_is_as_wide_as_its_output_says() -> None:
    stage = Stage(op="bottleneck", channels=256, layers=2, expand=0.25)
    assert stage_blocks(stage, 64) == (
        Block("bottleneck", 3, 1, 64, 64, 256, 0, "projection"),
        Block("bottleneck", 3, 1, 256, 64, 256, 0, "identity"),
    )


@pytest.mark.parametrize(
    ("channels", "ratio", "width"), [(32, 0.25, 8), (18, 0.25, 4), (2, 0.25, 1), (32, 0, 0)]
)
def test_squeeze_width_is_rounded_down_but_never_to_zero(
    channels: int, ratio: float, width: int
) -> None:
    assert squeeze_width("efficientnet", ratio, {"input": channels}) == width


def test_features_are_the_last_stage_s_where_there_is_no_head() -> None:
    assert network(CONV, head=Head(channels=0)).features == 16
    assert network(CONV).features == 1280


BAD = {
    "no stages": ({"stages": []}, "at least one stage"),
    "stages missing": ({}, "'stages'"),
    "stages no list": ({"stages": 5}, "'stages'"),
    "a stage that is none": ({"stages": [5]}, "stage must be a mapping"),
    "no channels": ({"stages": [{"op": "conv"}]}, "stage lacks 'channels'"),
    "an unknown operation": (
        {"stages": [{"op": "mbcnov", "channels": 8}]},
        "did you mean 'mbconv'",
    ),
    "an unknown key": (
        {"stages": [{"op": "conv", "channels": 8, "kernal": 3}]},
        "did you mean 'kernel'",
    ),
    "an unknown outer key": (
        {"stages": [{"op": "conv", "channels": 8}], "resolutoin": 3},
        "did you mean 'resolution'",
    ),
    "an unknown skip": (
        {"stages": [{"op": "conv", "channels": 8, "skip": "pooling"}]},
        "did you mean 'pool'",
    ),
    "an unknown activation": (
        {"stages": [{"op": "conv", "channels": 8}], "activation": "relu7"},
        "did you mean 'relu",
    ),
    "an even kernel": ({"stages": [{"op": "conv", "channels": 8, "kernel": 4}]}, "odd"),
    "channels of zero": ({"stages": [{"op": "conv", "channels": 0}]}, "at least 1"),
    "channels in half": ({"stages": [{"op": "conv", "channels": 8.5}]}, "whole number"),
    "a truth value": ({"stages": [{"op": "conv", "channels": True}]}, "whole number"),
    "a negative ratio": ({"stages": [{"op": "conv", "channels": 8, "se": -1}]}, "se must be"),
    "a ratio that is not a number": (
        {"stages": [{"op": "mbconv", "channels": 8, "expand": float("nan")}]},
        "expand must be",
    ),
    "no expansion": ({"stages": [{"op": "mbconv", "channels": 8, "expand": 0}]}, "expand"),
    "a head of nothing": (
        {"stages": [{"op": "conv", "channels": 8}], "head": {"channels": None}},
        "head: channels",
    ),
    "a head that is false": (
        {"stages": [{"op": "conv", "channels": 8}], "head": {"channels": False}},
        "head: channels",
    ),
    "a pooling that is no truth value": (
        {"stages": [{"op": "conv", "channels": 8}], "stem": {"pool": 1}},
        "stem: pool",
    ),
    "a resolution of zero": (
        {"stages": [{"op": "conv", "channels": 8}], "resolution": 0},
        "resolution",
    ),
    "more layers than memory": (
        {"stages": [{"op": "conv", "channels": 8, "layers": 10**6}]},
        "at most 10000 layers",
    ),
    "more channels than memory": (
        {"stages": [{"op": "conv", "channels": 10**12}]},
        "at most 1000000",
    ),
}


@pytest.mark.parametrize(("document", "message"), BAD.values(), ids=BAD.keys())
def test_a_bad_document_is_refused_in_one_line(document: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        Architecture.from_dict(document)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("document", [None, 5, [], "text"])
def test_what_is_no_mapping_is_refused(document: Any) -> None:
    with pytest.raises(InputError, match="must be a mapping"):
        Architecture.from_dict(document)


def test_left_out_keys_take_the_defaults() -> None:
    short = Architecture.from_dict({"stages": [{"op": "conv", "channels": 16}]})
    assert short == network(CONV)


def test_json_keeps_the_spelling() -> None:
    written = network(CONV, Stage(op="identity", channels=16), resolution=64)
    read = Architecture.from_dict(json.loads(json.dumps(written.to_dict())))
    assert read.stages == written.stages
