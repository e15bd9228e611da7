"""The options of `effsearch scale`."""

from dataclasses import dataclass
from typing import Annotated

from effsearch.gridsearch.options import GROUP, Baseline, Coefficients, Rounding
from effsearch.latency.options import LatencyOptions
from effsearch.results.config import BYTES, COUNT, MILLISECONDS, NUMBERS, Option
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.rule import ruled_families

_TARGETS = "Targets"
PLAIN_FAMILIES = ("formula", "published")


def family_names() -> list[str]:
    """What `family` may be."""
    return [*PLAIN_FAMILIES, *ruled_families()]


@dataclass(frozen=True, kw_only=True)
class ScaleOptions(LatencyOptions):
    """What a family is made of; `effsearch scale --help` says what each option is."""

    MAIN = ("baseline", "coefficients", "phis", "family", "width", "target_flops")

    baseline: Baseline = None
    coefficients: Coefficients = None
    phis: Annotated[
        tuple[float, ...],
        Option(
            "Values of phi: 0..7, or -1,0.5,2. With --family published the members' numbers.",
            GROUP,
            "0..7; with a target none",
            NUMBERS,
            flags=("--phi",),
        ),
    ] = ()
    family: Annotated[
        str,
        Option(
            "formula: depth, width and resolution are alpha^phi, beta^phi, gamma^phi. published: "
            "the table EfficientNet-B0 to B7, rounded by hand; no phi reproduces it (B7 has 66.3M "
            "parameters, phi = 7 gives 68.7M). Or a family that was scaled by a rule of its own, "
            "such as mobilenetv2: its published members, or its base at --depth, --width, "
            "--resolution or --phi.",
            GROUP,
            names=family_names,
        ),
    ] = "formula"
    depth: Annotated[
        float | None,
        Option("Multiplier of the layers, in place of phi.", GROUP, "1", example="1.2"),
    ] = None
    width: Annotated[
        float | None,
        Option("Multiplier of the channels, in place of phi.", GROUP, "1", example="0.35"),
    ] = None
    resolution: Annotated[
        int | None, Option("Pixels, in place of phi.", GROUP, "the baseline's")
    ] = None
    rule: Annotated[
        str | None,
        Option(
            "Scaling rule: that of a family, or what differs from EfficientNet's, such as "
            "stem=fixed,head=grown,ends=fixed,depth=nearest,divisor=4,limit=0.",
            GROUP,
            "the family's",
        ),
    ] = None
    resolution_rounding: Rounding = "exact"
    target_flops: Annotated[
        float | None,
        Option("Multiply-adds to find the phi for, such as 2G.", _TARGETS, form=COUNT),
    ] = None
    target_memory: Annotated[
        float | None,
        Option(
            "Activation memory at batch 1 to find the phi for, such as 64MB.", _TARGETS, form=BYTES
        ),
    ] = None
    target_latency: Annotated[
        float | None,
        Option(
            "Latency to find the phi for, such as 8ms: up to ten networks are measured.",
            _TARGETS,
            form=MILLISECONDS,
        ),
    ] = None

    @property
    def multiplied(self) -> bool:
        """Whether one network is asked for by its multipliers."""
        return any(value is not None for value in (self.depth, self.width, self.resolution))

    @property
    def targets(self) -> tuple[float | None, ...]:
        """What a cost is to come to, for each cost that can be given."""
        return (self.target_flops, self.target_memory, self.target_latency)

    def check(self) -> None:
        """Raise an InputError where the family is not known or values do not go together."""
        if self.family not in family_names():
            raise unknown_name("family", self.family, family_names())
        if self.multiplied and self.phis:
            raise InputError(
                "--depth, --width and --resolution stand in place of --phi: leave one of them out"
            )
        ruled = self.family not in PLAIN_FAMILIES or self.rule is not None or self.multiplied
        if ruled and any(target is not None for target in self.targets):
            raise InputError(
                "a target is reached by phi with EfficientNet's rule: leave --family, --rule, "
                "--depth, --width and --resolution out, or the target"
            )
