"""The zoo: published numbers as literals, and what a user may type for a network."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from counted_network import counted

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.network import Network
from effsearch.search_spaces.notation import format_architecture
from effsearch.search_spaces.zoo import (
    load_zoo,
    published_family,
    resolve_architecture,
    zoo_entry,
    zoo_name,
    zoo_names,
)

PARAMS_AND_MACS = {
    "efficientnet-b0": (5_288_548, 385_814_752),
    "efficientnet-b1": (7_794_184, 686_802_832),
    "efficientnet-b2": (9_109_994, 993_561_872),
    "efficientnet-b3": (12_233_232, 1_827_141_392),
    "efficientnet-b4": (19_341_616, 4_393_771_024),
    "efficientnet-b5": (30_389_784, 10_266_384_752),
    "efficientnet-b6": (43_040_704, 19_067_593_536),
    "efficientnet-b7": (66_347_960, 37_745_884_192),
    "mobilenet-v1": (4_231_976, 568_740_352),
    "mobilenet-v2": (3_504_872, 300_774_272),
    "mnasnet-a1": (3_887_038, 311_579_072),
    "resnet-50": (25_557_032, 4_089_184_256),
    # Published to four digits only, 8.37 GMACs; the last ones are fvcore's, compared below.
    "efficientnetv2-s": (21_458_488, 8_365_617_152),
    # As timm's networks of these names count.
    "mobilenet-v3-large": (5_483_032, 216_589_760),
    "mobilenet-v3-small": (2_542_856, 56_510_400),
    "resnet-18": (11_689_512, 1_814_073_344),
    "resnet-34": (21_797_672, 3_663_761_408),
    "resnet-101": (44_549_160, 7_801_405_440),
    "resnet-152": (60_192_808, 11_513_626_624),
    "resnext-50": (25_028_904, 4_230_479_872),
    "se-resnet-50": (28_088_024, 4_091_699_200),
    "efficientnet-lite0": (4_652_008, 385_187_552),
    "efficientnet-lite1": (5_416_680, 600_185_232),
    "efficientnet-lite2": (6_092_072, 859_736_272),
    "efficientnet-lite3": (8_197_096, 1_383_321_872),
    "efficientnet-lite4": (13_006_568, 2_553_034_336),
    "tinynet-a": (6_187_972, 336_867_712),
    "tinynet-b": (3_730_562, 200_709_360),
    "tinynet-c": (2_457_234, 99_536_432),
    "tinynet-d": (2_338_446, 51_580_656),
    "tinynet-e": (2_042_972, 24_356_848),
    "efficientnetv2-b0": (7_139_704, 718_086_176),
    "efficientnetv2-b1": (8_141_052, 1_196_819_360),
    "efficientnetv2-b2": (10_096_086, 1_697_542_832),
    "efficientnetv2-b3": (14_358_406, 3_011_458_816),
    # Published to four digits, 24.58 and 56.08 GMACs.
    "efficientnetv2-m": (54_139_356, 24_582_460_384),
    "efficientnetv2-l": (118_515_272, 56_079_699_008),
    "mnasnet-b1": (4_383_312, 314_415_872),
    # As torchvision's of these names count.
    "regnetx-400mf": (5_495_976, 413_812_608),
    "regnetx-800mf": (7_259_656, 799_699_712),
    "regnetx-1.6gf": (9_190_136, 1_602_849_792),
    "regnety-400mf": (4_344_144, 401_842_848),
    "regnety-800mf": (6_432_512, 833_856_256),
    "regnety-1.6gf": (11_202_430, 1_612_076_160),
    # As timm's.
    "mobilenetv4-conv-small": (3_774_024, 186_005_568),
    "mobilenetv4-conv-medium": (9_715_512, 827_649_984),
    "fbnet-c": (5_572_200, 384_960_160),
    "mixnet-s": (4_134_606, 239_173_360),
    "mixnet-m": (5_014_382, 339_172_672),
    # By width, as their builders (MobileNetV1 below 1: Keras) count.
    "mobilenet-v1-0.25": (470_072, 41_030_272),
    "mobilenet-v1-0.5": (1_331_592, 149_497_088),
    "mobilenet-v1-0.75": (2_585_560, 325_400_448),
    "mobilenet-v1-1.25": (6_270_840, 879_516_800),
    "mobilenet-v2-0.35": (1_677_128, 59_285_808),
    "mobilenet-v2-0.5": (1_968_680, 97_131_840),
    "mobilenet-v2-0.75": (2_636_424, 209_069_792),
    "mobilenet-v2-1.4": (6_108_776, 582_195_824),
    "mnasnet-a1-0.5": (2_082_006, 103_162_992),
    "mnasnet-a1-0.75": (2_912_278, 223_448_480),
    "mnasnet-a1-1.4": (6_105_992, 586_317_952),
    "mnasnet-b1-0.5": (2_218_512, 104_455_968),
    "mnasnet-b1-0.75": (3_170_208, 215_493_104),
    "mnasnet-b1-1.3": (6_282_256, 526_362_432),
    "mnasnet-b1-1.4": (7_115_728, 588_799_408),
}


def test_the_zoo_holds_the_networks_that_scripts_name() -> None:
    assert zoo_names() == list(PARAMS_AND_MACS)


@pytest.mark.parametrize("name", PARAMS_AND_MACS)
def test_parameters_and_macs_are_the_known_ones(name: str) -> None:
    counted = cost(load_zoo(name))
    assert (counted.params, counted.macs) == PARAMS_AND_MACS[name]


@pytest.mark.parametrize("name", PARAMS_AND_MACS)
def test_the_built_network_counts_as_many(
    name: str, empty_network: Callable[[Architecture], Network]
) -> None:
    network = load_zoo(name)
    assert counted(empty_network(network), network.resolution) == PARAMS_AND_MACS[name]


@pytest.mark.slow
@pytest.mark.parametrize(  # larger ones take fvcore seconds each: it runs what it counts
    "name", [name for name, (_, macs) in PARAMS_AND_MACS.items() if macs < 1e9]
)
def test_fvcore_counts_as_many_macs(
    name: str, traced_counts: Callable[[Architecture, int], tuple[int, int]]
) -> None:
    network = load_zoo(name)
    assert traced_counts(network, network.resolution) == PARAMS_AND_MACS[name]


def test_the_published_family_is_the_hand_rounded_table() -> None:
    table = [(m.width, m.depth, m.resolution, m.dropout, m.top1) for m in published_family()]
    assert table == [
        (1.0, 1.0, 224, 0.2, 77.1),
        (1.0, 1.1, 240, 0.2, 79.1),
        (1.1, 1.2, 260, 0.3, 80.1),
        (1.2, 1.4, 300, 0.3, 81.6),
        (1.4, 1.8, 380, 0.4, 82.9),
        (1.6, 2.2, 456, 0.4, 83.6),
        (1.8, 2.6, 528, 0.5, 84.0),
        (2.0, 3.1, 600, 0.5, 84.3),
    ]


@pytest.mark.parametrize("name", PARAMS_AND_MACS)
def test_what_the_paper_calls_flops_is_near_the_exact_count(name: str) -> None:
    entry = zoo_entry(name)
    if entry.paper_macs is None:
        pytest.skip("its source says none")
    assert entry.paper_macs == pytest.approx(PARAMS_AND_MACS[name][1], rel=0.06)


def test_every_entry_names_its_source() -> None:
    assert all(zoo_entry(name).source.startswith("arXiv ") for name in zoo_names())


@pytest.mark.parametrize("name", ["efficientnet-b0", " resnet-50 "])
def test_a_name_of_the_zoo_is_resolved(name: str) -> None:
    assert resolve_architecture(name) == load_zoo(name.strip())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("efficientnet_b0", "efficientnet-b0"),
        ("EfficientNet-B7", "efficientnet-b7"),
        ("resnet50", "resnet-50"),
        ("mobilenet_v2", "mobilenet-v2"),
        ("MnasNet A1", "mnasnet-a1"),
        ("efficientnet_v2_s", "efficientnetv2-s"),
        ("mobilenet_v3_large", "mobilenet-v3-large"),
        ("MobileNetV3-Small", "mobilenet-v3-small"),
        ("resnet18", "resnet-18"),
        ("regnet_x_400mf", "regnetx-400mf"),
        ("regnety_016", "regnety-1.6gf"),
        ("mobilenetv4_conv_small", "mobilenetv4-conv-small"),
        ("semnasnet_100", "mnasnet-a1"),
        ("mobilenetv2_100", "mobilenet-v2"),
    ],
)
def test_a_network_is_found_by_the_spellings_in_use(text: str, name: str) -> None:
    assert zoo_name(text) == name
    assert zoo_entry(text).name == name
    assert resolve_architecture(text) == load_zoo(name)


def test_a_name_of_timm_s_from_tensorflow_is_the_network_padded_so() -> None:
    network = resolve_architecture("tf_efficientnet_b0")
    assert network == replace(load_zoo("efficientnet-b0"), padding="same")
    assert network != load_zoo("efficientnet-b0")


def test_a_file_goes_before_a_spelling_of_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("resnet50").write_text(json.dumps(load_zoo("mnasnet-a1").to_dict()))
    Path("resnet-50").write_text("")
    assert resolve_architecture("resnet50") == load_zoo("mnasnet-a1")
    assert resolve_architecture("resnet-50") == load_zoo("resnet-50")


def test_a_line_of_notation_is_resolved() -> None:
    b3 = load_zoo("efficientnet-b3")
    assert resolve_architecture(format_architecture(b3)) == b3


@pytest.mark.parametrize(
    "wrap",
    [
        lambda network: network.to_dict(),
        lambda network: {"run": 1, "architecture": network.to_dict(), "accuracy": 0.9},
        lambda network: {"architecture": format_architecture(network)},
    ],
    ids=["bare", "a run's answer", "notation"],
)
def test_a_json_file_is_resolved(wrap: Callable[[Architecture], object], tmp_path: Path) -> None:
    network = load_zoo("mnasnet-a1")
    file = tmp_path / "baseline.json"
    file.write_text(json.dumps(wrap(network)))
    assert resolve_architecture(str(file)) == network


def test_a_file_needs_no_suffix(tmp_path: Path) -> None:
    file = tmp_path / "network"
    file.write_text(json.dumps(load_zoo("resnet-50").to_dict()))
    assert resolve_architecture(str(file)) == load_zoo("resnet-50")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("efficientnet-b8", "did you mean 'efficientnet-b"),
        ("efficientnetb", "did you mean 'efficientnet-b"),
        ("nothing-like-it", "known: "),
        ("", "known: "),
        ("missing.json", "no file 'missing.json'"),
        ("no/such/network", "no file 'no/such/network'"),
        ("ir_r2_q3_c24", "'q3'"),
        ("res224 stem_c8", "at least one stage"),
        ("cn_c8 " * 2000 + "xx_c8", "unknown operation"),
        ("a\0b", "unknown network"),
    ],
)
def test_what_is_no_network_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        resolve_architecture(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "not valid JSON, line 1"),
        (b"", "not valid JSON"),
        (b"[1, 2]", "must be a mapping"),
        (b"5", "must be a mapping"),
        (b'{"architecture": 5}', "must be a mapping"),
        (b'{"architecture": "ir_q"}', "'q'"),
        (b'{"accuracy": 0.9}', "'stages'"),
        (b'{"stages": [{"op": "conv", "chanels": 8}]}', "did you mean 'channels'"),
        (b"\xff\xfe\x00", "not a JSON document"),
        (b"[" * 100_000, "nested too deeply"),
        (b"9" * 5000, "not a JSON document"),
    ],
    ids=lambda value: None if isinstance(value, str) else "content",
)
def test_a_bad_file_is_named_in_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "network.json"
    file.write_bytes(content)
    with pytest.raises(InputError) as error:
        resolve_architecture(str(file))
    assert message in str(error.value)
    assert "network.json" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        resolve_architecture(str(tmp_path))
