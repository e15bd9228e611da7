"""timm's notation, read and written."""

import pytest

from effsearch.search_spaces.architecture import Architecture, Head, Stage, Stem
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.notation import (
    format_architecture,
    format_stage,
    parse_architecture,
    parse_stage,
)
from effsearch.search_spaces.zoo import load_zoo, zoo_names


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        (
            "ir_r2_k3_s2_e6_c24_se0.25",
            Stage(op="mbconv", layers=2, stride=2, expand=6, channels=24, se=0.25),
        ),
        ("ds_r1_k3_s1_e1_c16_noskip", Stage(op="mbconv", channels=16, skip="none")),
        ("er_r4_k3_s2_e4_c48", Stage(op="fused_mbconv", layers=4, stride=2, expand=4, channels=48)),
        ("cn_r2_k3_s1_e1_c24_skip", Stage(op="conv", layers=2, channels=24)),
        ("cn_c24", Stage(op="conv", channels=24, skip="none")),
        ("dsa_r1_k3_s2_c64", Stage(op="depthwise_separable", stride=2, channels=64, skip="none")),
        ("bt_r3_k3_s1_e0.25_c256", Stage(op="bottleneck", layers=3, expand=0.25, channels=256)),
        ("id_c64_s2", Stage(op="identity", stride=2, channels=64)),
        (
            "ir_r2_k5_s1_e3_c40_pool",
            Stage(op="mbconv", layers=2, kernel=5, expand=3, channels=40, skip="pool"),
        ),
    ],
)
def test_stages_are_read(text: str, stage: Stage) -> None:
    assert parse_stage(text) == stage


def test_a_stage_is_written_as_timm_writes_it() -> None:
    stage = Stage(op="mbconv", layers=2, stride=2, expand=6, channels=24, se=0.25)
    assert format_stage(stage) == "ir_r2_k3_s2_e6_c24_se0.25"


def test_timm_s_list_of_stages_is_b0_by_default() -> None:
    stages = [
        "ds_r1_k3_s1_e1_c16_se0.25",
        "ir_r2_k3_s2_e6_c24_se0.25",
        "ir_r2_k5_s2_e6_c40_se0.25",
        "ir_r3_k3_s2_e6_c80_se0.25",
        "ir_r3_k5_s1_e6_c112_se0.25",
        "ir_r4_k5_s2_e6_c192_se0.25",
        "ir_r1_k3_s1_e6_c320_se0.25",
    ]
    assert parse_architecture(stages) == load_zoo("efficientnet-b0")


def test_everything_around_the_stages_is_read() -> None:
    line = "res64 act_relu stem_k5_s1_c8_pool cn_c16 head_c0 cls10 in1 eps1e-05"
    assert parse_architecture(line) == Architecture(
        resolution=64,
        activation="relu",
        stem=Stem(kernel=5, stride=1, channels=8, pool=True),
        stages=(Stage(op="conv", channels=16, skip="none"),),
        head=Head(channels=0),
        classes=10,
        in_channels=1,
        norm_eps=1e-5,
    )


@pytest.mark.parametrize("name", zoo_names())
def test_every_network_of_the_zoo_goes_through_its_line(name: str) -> None:
    network = load_zoo(name)
    assert parse_architecture(format_architecture(network)) == network


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "at least one stage"),
        ("res224", "at least one stage"),
        ("irr_c24", "did you mean 'ir'"),
        ("ir_r2_k3", "lacks its channels"),
        ("ir_c24_q7", "'q7'"),
        ("ir_c24_k3.5", "'k3.5'"),
        ("ir_c24_k4", "odd"),
        ("ir_c24_r0", "layers"),
        ("ir_c24_e0", "expand"),
        ("ir_c", "'c'"),
        ("ir__c24", "''"),
        ("cn_c8 act_relu9", "did you mean 'relu"),
        ("cn_c8 stem_e6_c8", "'e6'"),
        ("cn_c8 head_k3", "'k3'"),
        ("cn_c8 head_pool", "'pool'"),
        ("cn_c8 res0", "resolution"),
        ("cn_c8 resX", "'resX'"),
        ("cn_c8 eps1e400", "norm_eps"),
        ("ir_c24_r999999999999", "layers"),
        ("cn_c8 res" + "9" * 5000, "unknown operation"),
        ("cn_c" + "9" * 5000, "not understood"),
    ],
)
def test_a_bad_line_is_refused_in_one_line(line: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        parse_architecture(line)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
