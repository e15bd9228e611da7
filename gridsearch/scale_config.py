"""The options of `effsearch scale`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from effsearch.gridsearch.options import GROUP, Baseline, Coefficients, Rounding
from effsearch.latency.options import LatencyOptions
from effsearch.results.config import BYTES, COUNT, MILLISECONDS, NUMBERS, Option

_TARGETS = "Targets"


@dataclass(frozen=True, kw_only=True)
class ScaleOptions(LatencyOptions):
    """What a family is made of; `effsearch scale --help` says what each option is."""

    MAIN = ("baseline", "coefficients", "phis", "family", "target_flops")

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
        Literal["formula", "published"],
        Option(
            "formula: depth, width and resolution are alpha^phi, beta^phi, gamma^phi. published: "
            "the table EfficientNet-B0 to B7, rounded by hand; no phi reproduces it (B7 has 66.3M "
            "parameters, phi = 7 gives 68.7M).",
            GROUP,
        ),
    ] = "formula"
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
