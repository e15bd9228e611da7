"""Spaces as YAML: what is read, and what is refused in one line."""

from pathlib import Path

import pytest

from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.space_file import load_space, parse_space

STAGES = "stages: [{op: conv, channels: 8}]"


def test_a_file_of_the_user_s_is_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("stages: [{op: conv, channels: [8, 16], layers: [1, 2]}]")
    space = load_space(str(file))
    assert space.name == "mine"
    assert space.size == 4


def test_a_file_can_name_itself() -> None:
    assert parse_space(f"name: other\n{STAGES}", "file").name == "other"


def test_a_list_of_one_is_no_choice() -> None:
    assert len(parse_space("stages: [{op: [conv], channels: [8]}]", "x")) == 0


def test_options_that_belong_together_are_one_choice() -> None:
    text = (
        "stages: [{block: [{op: conv, channels: 8}, {op: mbconv, channels: 16}], layers: [1, 2]}]"
    )
    assert [len(gene.options) for gene in parse_space(text, "x").genes] == [2, 2]


BAD = {
    "no mapping": ("- 1", "must be a mapping with 'stages'"),
    "empty": ("", "must be a mapping with 'stages'"),
    "not YAML": ("stages:\n  - [}", "not valid YAML, line 2"),
    "code": ("!!python/object/apply:os.getcwd []", "not valid YAML"),
    "no stages": ("resolution: 32", "needs 'stages'"),
    "empty stages": ("stages: []", "needs 'stages'"),
    "stages no list": ("stages: {op: conv}", "needs 'stages'"),
    "a stage that is none": ("stages: [5]", "stages.0: must be a mapping, not 5"),
    "an unknown outer key": (f"{STAGES}\nresolutoin: 32", "did you mean 'resolution'"),
    "an unknown key in a stage": (
        "stages: [{op: conv, channels: 8, kernal: 3}]",
        "unknown key 'kernal' in space 'mine', stages.0: did you mean 'kernel'",
    ),
    "an unknown key in the stem": (f"{STAGES}\nstem: {{chanels: 3}}", "did you mean 'channels'"),
    "an unknown key in a block": (
        "stages: [{block: [{op: conv, kernl: 3}], channels: 8}]",
        "did you mean 'kernel'",
    ),
    "a list in a block": (
        "stages: [{block: {op: conv, kernel: [3, 5]}, channels: 8}]",
        "list whole blocks, or move kernel out of 'block'",
    ),
    "a block outside a stage": (f"{STAGES}\nstem: {{block: [{{}}]}}", "'block'"),
    "a key that is a number": ("stages: [{op: conv, channels: 8, 5: 1}]", "'5'"),
    "an unknown operation": (
        "stages: [{op: [conv, mbcnov], channels: 8}]",
        "stages.0.op=mbcnov: unknown operation 'mbcnov': did you mean 'mbconv'",
    ),
    "an unknown skip": (
        "stages: [{op: conv, channels: 8, skip: [none, pooling]}]",
        "did you mean 'pool'",
    ),
    "an unknown activation": (f"{STAGES}\nactivation: [relu, silo]", "did you mean 'silu'"),
    "an empty choice": ("stages: [{op: conv, channels: []}]", "'channels' is an empty choice"),
    "a repeated option": ("stages: [{op: conv, channels: [8, 8]}]", "twice"),
    "a field set twice": (
        "stages: [{block: [{op: conv, kernel: 3}, {op: mbconv}], kernel: 5, channels: 8}]",
        "'kernel' is set by 'block' and 'kernel'",
    ),
    "no operation": ("stages: [{channels: 8}]", "lacks 'op'"),
    "no channels": ("stages: [{op: conv}]", "lacks 'channels'"),
    "an option without operation": (
        "stages: [{block: [{op: conv}, {kernel: 3}], channels: 8}]",
        "lacks 'op'",
    ),
    "a block option that is no mapping": (
        "stages: [{block: [conv], channels: 8}]",
        "each option of 'block' must be a mapping",
    ),
    "an even kernel": ("stages: [{op: conv, channels: 8, kernel: [3, 4]}]", "kernel=4"),
    "a channel count of zero": ("stages: [{op: conv, channels: [8, 0]}]", "channels=0"),
    "a value that is a mapping": ("stages: [{op: conv, channels: {a: 1}}]", "channels must be"),
    "a resolution of zero": (f"{STAGES}\nresolution: 0", "resolution must be"),
    "classes that vary": (f"{STAGES}\nclasses: [10, 100]", "'classes' cannot vary"),
    "a stem that is a number": (f"{STAGES}\nstem: 5", "stem: must be a mapping, not 5"),
    "a head of nothing": (f"{STAGES}\nhead: {{channels: [8, null]}}", "head.channels=None"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD.keys())
def test_a_bad_space_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        parse_space(text, "mine")
    assert message in str(error.value)
    assert "mine" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mnasnett", "unknown space 'mnasnett': did you mean 'mnasnet'"),
        ("missing.yaml", "no space file 'missing.yaml'"),
        ("zzz", "known: efficientnetv2, mnasnet"),
    ],
)
def test_a_space_that_is_not_there_is_named(name: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        load_space(name)
    assert message in str(error.value)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        load_space(str(file))
