"""timm's notation, read and written."""

import pytest

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.notation import (
    format_architecture,
    format_stage,
    parse_architecture,
    parse_stage,
    parse_stored,
)
from effsearch.search_spaces.parts import Head, Stage, Stem
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


def test_widths_are_rounded_as_timm_rounds_them() -> None:
    (stage,) = parse_architecture("stem_c80 ir_r1_k3_s1_e2.3_c80").stages
    assert stage.sizes == "exact"  # 184, with rounding and without
    assert parse_architecture("stem_c12 ir_r1_k3_s1_e3_c80").blocks[0].mid_channels == 40
    assert parse_architecture("stem_c12 ir_r1_k3_s1_e3_c80_exact").blocks[0].mid_channels == 36


def test_an_expansion_of_one_keeps_its_convolution_as_in_timm() -> None:
    kept, none = (parse_stage(text) for text in ("ir_r1_k3_s1_e1_c16", "ds_r1_k3_s1_e1_c16"))
    assert (kept.op, none.op) == ("inverted_residual", "mbconv")
    assert parse_stage("er_r1_k3_s1_e1_c16").op == "edge_residual"
    assert format_stage(kept) == "ir_r1_k3_s1_e1_c16"


def test_a_whole_line_whose_widths_are_ambiguous_is_refused_but_a_stored_one_is_exact() -> None:
    line = "res64 act_relu stem_k3_s2_c12 ir_r1_k3_s1_e3_c16 head_c0"
    with pytest.raises(InputError, match=r"end it in _timm .* in _exact"):
        parse_architecture(line)
    stored = parse_stored(line)
    assert stored.blocks[0].mid_channels == 36
    assert parse_architecture(format_architecture(stored)) == stored


def test_the_kind_of_a_squeeze_that_is_not_there_is_not_written() -> None:
    stage = Stage(op="mbconv", channels=24, expand=3, squeeze="mobilenetv3")
    assert format_stage(stage) == "ir_r1_k3_s1_e3_c24"


def test_a_list_is_read_as_it_stands_in_timm_s_source() -> None:
    source = """act_relu [
        # stage 0, 112x112 in
        ['ds_r1_k3_s1_e1_c16_nre'],  # relu
        ['ir_r1_k3_s2_e4_c24_nr6', 'ir_r1_k3_s1_e3_c24'],
    ]"""
    stages = parse_architecture(source).stages
    assert [stage.joined for stage in stages] == [False, False, True]
    assert [stage.activation for stage in stages] == [None, "relu6", None]
    assert (
        parse_architecture(
            [["act_relu"], ["ds_r1_k3_s1_c16"], ["ir_r1_k3_s2_e4_c24_nr6", "ir_r1_k3_s1_e3_c24"]]
        ).stages
        == stages
    )


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


@pytest.mark.parametrize(
    ("token", "stem"),
    [
        ("stem_k3_s2_c64_deep_pool", Stem(channels=64, kind="deep", pool=True)),
        ("stem_k3_s1_c48_deep_tiered", Stem(channels=48, kind="deep_tiered", stride=1)),
    ],
)
def test_a_stem_of_three_convolutions_is_read_and_written(token: str, stem: Stem) -> None:
    network = parse_architecture(f"{token} cn_c16")
    assert network.stem == stem
    assert token in format_architecture(network).split()


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
        ("er_c24_k3.5", "must be one odd whole number"),
        ("uir_c24_k3.5", "must be one odd whole number"),
        ("ir_c24_k3.4", "kernel must be an odd whole number, not 4"),
        ("ir_c24_k0", "kernel must be an odd whole number, not 0"),
        ("ir_c24_a2", "kernel_before must be an odd whole number, not 2"),
        ("ir_e2_c24_k3.5.7_gs8", "several kernels have no groups"),
        ("stem_c2 ds_c24_k3.5.7", "3 kernels cannot share 2 channels"),
        ("uir_c24_k0_s2", "needs a depthwise convolution"),
        ("er_c24_a3", "kernel_before is for mbconv and universal"),
        ("er_e2_c24_cc4", "no experts"),
        ("ds_c24_cc4", "ds does not: write ir_"),
        ("ir_e2_c24_k3.5_cc4", "experts have one kernel"),
        ("cn_c24 norm_bach", "did you mean 'batch'"),
        ("cn_c24 norm_group0", "unknown normalization 'group0'"),
        ("cn_c20 norm_group8", "20 channels cannot be normalized in groups of 8"),
        ("cn_c24 pad_sam", "did you mean 'same'"),
        ("ds_c32_gs32", "leaves one group of all channels"),
        ("ir_e2_c24_gs5", "not a multiple of the group size 5"),
        ("ir_c24_k4", "odd"),
        ("ir_c24_r0", "layers"),
        ("ir_c24_e0", "expand"),
        ("ir_c", "'c'"),
        ("ds_e6_c24", "ds does not: write ir_"),
        ("ir_c24_se0.25_senett", "'senett'"),
        ("bt_c24_gs5", "not a multiple of the group size 5"),
        ("uir_e2_c24_gs8", "cannot be grouped"),
        ("stem_c32 cn_c20_gs4", "8 groups between 32 and 20 channels"),
        ("cn_c24 head_c0_pooled", "channels of 0"),
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


@pytest.mark.parametrize("line", ["ir_r1_k3_s1_e2_c8 [::1", "] ir_r1_k3_s1_e2_c8 [", "[#]"])
def test_a_bracket_without_its_other_half_is_refused(line: str) -> None:
    with pytest.raises(InputError):
        parse_architecture(line)
