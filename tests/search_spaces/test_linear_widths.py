"""RegNet's linear rule: the published widths, and the space that is made of them."""

import itertools
from typing import Any

import pytest

from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.linear_widths import regnet_stages
from effsearch.search_spaces.space_file import load_space

# Depth, start, slope, step and group of RegNetX and Y from 400M to 1.6G.
DEPTHS = (14, 16, 18, 22, 27)
STARTS = ((24, 2.54), (48, 2.09), (48, 2.65), (56, 2.28), (56, 2.4), (80, 2.25))
SLOPES = (20.71, 24.48, 27.89, 34.01, 35.73, 38.84)
GROUPS = (8, 16, 24)


@pytest.mark.parametrize(
    ("rule", "widths"),
    [
        ((22, 24, 24.48, 2.54, 16), [(32, 1), (64, 2), (160, 7), (400, 12)]),
        ((16, 56, 35.73, 2.28, 16), [(64, 1), (128, 3), (288, 7), (672, 5)]),
        ((27, 48, 20.71, 2.65, 24), [(48, 2), (120, 6), (336, 17), (888, 2)]),
    ],
)
def test_the_published_widths_follow(
    rule: tuple[int, int, float, float, int], widths: list[tuple[int, int]]
) -> None:
    stages = _stages(*rule)
    assert [(stage.channels, stage.layers) for stage in stages] == widths
    assert all(stage.channels % stage.group_size == 0 for stage in stages)


def test_the_space_has_the_widths_of_the_rule() -> None:
    wanted: list[set[tuple[int, int]]] = [set() for _ in range(4)]
    for depth, (start, step), slope, group in itertools.product(DEPTHS, STARTS, SLOPES, GROUPS):
        stages = _stages(depth, start, slope, step, group)
        if len(stages) == 4:
            for found, stage in zip(wanted, stages, strict=True):
                found.add((stage.channels, stage.group_size))
    space = load_space("regnet")
    for place, widths in enumerate(wanted):
        options = space.local_options(f"stages.{place}")
        assert {(one["channels"], one["group_size"]) for one in options} == widths


@pytest.mark.parametrize(
    "wrong", [{"depth": 0}, {"start": 20}, {"slope": -1.0}, {"step": 1.0}, {"group": 0}]
)
def test_a_rule_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    rule: dict[str, Any] = {"depth": 22, "start": 24, "slope": 24.5, "step": 2.5, "group": 16}
    with pytest.raises(InputError, match="a RegNet needs"):
        regnet_stages(**rule | wrong)


def _stages(depth: int, start: int, slope: float, step: float, group: int):  # type: ignore[no-untyped-def]
    return regnet_stages(depth=depth, start=start, slope=slope, step=step, group=group)
