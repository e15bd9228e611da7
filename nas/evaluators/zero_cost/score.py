"""Score: a number that is told of a network without training it, and what it is told from."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from effsearch.search_spaces.architecture import Architecture

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What a score may look at besides the network itself.

    Attributes:
        images: float32 (N, 3, R, R), normalised, of the training part.
        labels: int64 (N,).
        classes: of the data.
        seed: of initial weights and of random images.
    """

    images: "Tensor"
    labels: "Tensor"
    classes: int
    seed: int = 0

    @property
    def resolution(self) -> int:
        """Side of the images in pixels."""
        return int(self.images.shape[-1])


@dataclass(frozen=True, kw_only=True)
class Score:
    """A number that is expected to rank networks as their accuracies do.

    Attributes:
        name: as in `registry.SCORES`.
        label: in tables.
        measure: from a network and a probe to the score; higher is better.
        closed_form: it is counted; nothing is built, and the probe is not looked at.
    """

    name: str
    label: str
    measure: Callable[[Architecture, Probe], float]
    closed_form: bool = False


def plain_chain(architecture: Architecture) -> Architecture:
    """The network without shortcuts and squeeze-excite: its layers in one row."""
    stages = tuple(replace(stage, skip="none", se=0.0) for stage in architecture.stages)
    return replace(architecture, stages=stages)
