"""Scaling rules: how a published family rounds, and what of its base it leaves as it is."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib import resources
from typing import Any, Literal, get_args

from effsearch.search_spaces.errors import InputError, unknown_name

Stem = Literal["scaled", "fixed"]
Head = Literal["scaled", "fixed", "grown"]
Depth = Literal["up", "nearest"]


@dataclass(frozen=True, kw_only=True)
class ScalingRule:
    """What multiplying a network's depth and width means.

    Attributes:
        stem: whether the width scales the first convolution.
        head: whether it scales the last; `grown` never below its own size.
        ends: the first and the last stage keep their layers.
        depth: layers are rounded up, or to the nearest (halves to even).
        divisor: channels are rounded to multiples of it.
        limit: rounding that leaves less than this fraction of the wanted channels goes up.
    """

    stem: Stem = "scaled"
    head: Head = "scaled"
    ends: Literal["scaled", "fixed"] = "scaled"
    depth: Depth = "up"
    divisor: int = 8
    limit: float = 0.9

    def __post_init__(self) -> None:
        for name, known in (("stem", Stem), ("head", Head), ("ends", Stem), ("depth", Depth)):
            if getattr(self, name) not in get_args(known):
                raise unknown_name(
                    f"{name} of a scaling rule", getattr(self, name), get_args(known)
                )
        if type(self.divisor) is not int or not 1 <= self.divisor <= 1024:
            raise InputError(
                f"divisor of a scaling rule must be a whole number of 1 to 1024, not {self.divisor}"
            )
        if isinstance(self.limit, bool) or not 0 <= self.limit <= 1:
            raise InputError(f"limit of a scaling rule must be between 0 and 1, not {self.limit}")

    def __str__(self) -> str:
        """What differs from EfficientNet's rule, as `parse_rule` reads it."""
        default = ScalingRule()
        return ",".join(
            f"{item.name}={getattr(self, item.name)}"
            for item in fields(self)
            if getattr(self, item.name) != getattr(default, item.name)
        )


EFFICIENTNET = ScalingRule()
"""EfficientNet's (arXiv 1905.11946), as its code rounds."""


@dataclass(frozen=True, kw_only=True)
class RuledFamily:
    """A published family.

    Attributes:
        name: such as `mobilenetv2`.
        base: name of the zoo.
        rule: by which its members follow from the base.
        members: from a name to the depth, the width and the resolution.
    """

    name: str
    base: str
    rule: ScalingRule
    members: Mapping[str, tuple[float, float, int]]


@lru_cache(maxsize=1)
def ruled_families() -> dict[str, RuledFamily]:
    """Every published family by its name."""
    import yaml  # with its file, for those who ask: options are declared with these names

    text = (resources.files("effsearch.search_spaces") / "families.yaml").read_text("utf-8")
    return {
        name: RuledFamily(
            name=name,
            base=values["base"],
            rule=ScalingRule(**values.get("rule", {})),
            members={member: tuple(at) for member, at in values["members"].items()},
        )
        for name, values in yaml.safe_load(text).items()
    }


def parse_rule(text: str) -> ScalingRule:
    """A rule of the user's: a family's name, or settings such as `stem=fixed,head=grown,limit=0`.

    Raises:
        InputError: neither.
    """
    families = ruled_families()
    if "=" not in text:
        if text not in families:
            raise unknown_name("family with a scaling rule", text, families)
        return families[text].rule
    values: dict[str, Any] = {}
    for part in text.split(","):
        key, _, value = (word.strip() for word in part.partition("="))
        known = [item.name for item in fields(ScalingRule)]
        if key not in known:
            raise unknown_name("setting of a scaling rule", key, known)
        numbers: dict[str, type[int] | type[float]] = {"divisor": int, "limit": float}
        try:
            values[key] = numbers[key](value) if key in numbers else value
        except ValueError:
            raise InputError(f"{key} of a scaling rule must be a number, not '{value}'") from None
    return ScalingRule(**values)
