"""Scaling rules: every published member is exact from its base, and one's own rule is read."""

from collections.abc import Callable
from types import ModuleType

import pytest
from counted_network import counted, without_weights

from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.family import Member, ruled_members
from effsearch.search_spaces.rule import ScalingRule, parse_rule, ruled_families
from effsearch.search_spaces.scaling import scale
from effsearch.search_spaces.zoo import load_zoo

# Parameters and MACs as timm's networks count; MobileNetV1 below width 1 as Keras's.
PUBLISHED = {
    "efficientnet-b8": (87_413_142, 62_597_461_568),
    "efficientnet-l2": (480_309_308, 475_703_653_280),
    "mobilenetv1-0.25": (470_072, 41_030_272),
    "mobilenetv1-0.5": (1_331_592, 149_497_088),
    "mobilenetv1-0.75": (2_585_560, 325_400_448),
    "mobilenetv1-1.25": (6_270_840, 879_516_800),
    "mobilenetv2-0.35": (1_677_128, 59_285_808),
    "mobilenetv2-0.5": (1_968_680, 97_131_840),
    "mobilenetv2-0.75": (2_636_424, 209_069_792),
    "mobilenetv2-1.4": (6_108_776, 582_195_824),
    "mobilenetv2-110d": (4_516_520, 430_516_080),
    "mobilenetv2-120d": (5_831_144, 668_857_568),
    "mobilenetv3-large-0.75": (3_993_528, 154_560_624),
    "mobilenetv3-small-0.5": (1_593_224, 24_188_688),
    "mobilenetv3-small-0.75": (2_041_872, 43_399_344),
    "mnasnet-a1-0.5": (2_082_006, 103_162_992),
    "mnasnet-a1-0.75": (2_912_278, 223_448_480),
    "mnasnet-a1-1.4": (6_105_992, 586_317_952),
    "mnasnet-b1-0.5": (2_218_512, 104_455_968),
    "mnasnet-b1-0.75": (3_170_208, 215_493_104),
    "mnasnet-b1-1.4": (7_115_728, 588_799_408),
}
MEMBERS = {member.name: member for family in ruled_families() for member in ruled_members(family)}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_member_is_exact_from_its_base(name: str) -> None:
    cost = MEMBERS[name].cost
    assert (cost.params, cost.macs) == PUBLISHED[name]


@pytest.mark.parametrize(
    "name", [*(f"efficientnet-lite{n}" for n in range(5)), *(f"tinynet-{n}" for n in "abcde")]
)
def test_a_member_in_the_zoo_is_the_family_s(name: str) -> None:
    assert MEMBERS[name].architecture == load_zoo(name)


def _timm_name(member: str) -> str:
    base, _, width = member.rpartition("-")
    if base.startswith("mobilenetv") or base.startswith("mnasnet"):
        base = {"mnasnet-a1": "semnasnet", "mnasnet-b1": "mnasnet"}.get(base, base)
        if "." in width:
            return f"{base.replace('-', '_')}_{round(float(width) * 100):03d}"
    tensorflow = member.startswith("efficientnetv2-b") or member == "efficientnet-l2"
    return ("tf_" if tensorflow else "") + member.replace("-", "_")


@pytest.mark.slow
@pytest.mark.parametrize(
    "member",
    [m for m in MEMBERS.values() if m.name[:13] not in ("mobilenetv1-0",)],
    ids=lambda member: member.name,
)
def test_a_member_counts_as_timm_s(
    member: Member, import_vision: Callable[[str], ModuleType]
) -> None:
    timm = import_vision("timm")
    with without_weights():
        theirs = timm.create_model(_timm_name(member.name)).eval()
    assert (member.cost.params, member.cost.macs) == counted(theirs, member.resolution)


def test_a_rule_of_one_s_own_is_read_and_written() -> None:
    rule = parse_rule("stem=fixed, head=grown,ends=fixed,depth=nearest,divisor=4,limit=0")
    assert rule == ScalingRule(
        stem="fixed", head="grown", ends="fixed", depth="nearest", divisor=4, limit=0.0
    )
    assert parse_rule(str(rule)) == rule
    assert parse_rule("mobilenetv2") == ScalingRule(head="grown")


def test_joined_stages_share_their_layers() -> None:
    large = load_zoo("mobilenet-v3-large")
    deeper = scale(large, depth=2)
    assert [stage.layers for stage in deeper.stages] == [2, 2, 2, 6, 2, 2, 4, 4, 6, 2]


def test_groups_stay_whole() -> None:
    widened = scale(load_zoo("resnext-50"), width=1.1)
    assert [stage.channels for stage in widened.stages] == [280, 560, 1120, 2240]
    assert {block.groups for block in widened.blocks} == {35}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mobilnetv2", "did you mean 'mobilenetv2'"),
        ("limt=0", "did you mean 'limit'"),
        ("stem=big", "unknown stem of a scaling rule 'big'"),
        ("divisor=x", "must be a number, not 'x'"),
        ("divisor=0", "divisor of a scaling rule must be a whole number"),
        ("limit=2", "between 0 and 1"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_rule(text)
