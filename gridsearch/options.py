"""Options of networks that are scaled, which grid, comparison and family share."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from effsearch.results.config import Form, Option
from effsearch.results.networks import NETWORK
from effsearch.search_spaces.rounding import Rounding as RoundingKind

if TYPE_CHECKING:
    from effsearch.search_spaces.rule import ScalingRule

GROUP = "Scaling"

Constraint = Literal["nominal", "measured"]
Prefer = Literal["default", "accuracy", "efficiency"]
"""What the choice among measured networks goes by; see `effsearch.gridsearch.choice`."""


def network_names() -> list[str]:
    """Networks of the zoo, for the shell."""
    from effsearch.search_spaces.zoo import zoo_names  # reads their file

    return zoo_names()


def rule_of(text: str | None) -> "ScalingRule":
    """The rule of an option `rule`; EfficientNet's where none is given.

    Raises:
        InputError: no such family or setting.
    """
    from effsearch.search_spaces.rule import EFFICIENTNET, parse_rule

    return EFFICIENTNET if text is None else parse_rule(text)


def _as_text(_: str, value: Any) -> Any:
    # YAML reads the rounding 8 as a number.
    return str(value) if isinstance(value, int) else value


NEWEST_BASELINE = "newest finished baseline run, else efficientnet-b0"
Baseline = Annotated[
    str | None,
    Option(
        "Network to scale: zoo name, JSON file, notation, or a baseline run.",
        GROUP,
        NEWEST_BASELINE,
        metavar="NETWORK",
        names=network_names,
        objects=NETWORK,
    ),
]
Coefficients = Annotated[
    str | None,
    Option(
        "Compound coefficients: alpha,beta,gamma such as 1.2,1.1,1.15, a coefficients.json, or a "
        "run.",
        GROUP,
        "newest finished coefficients run, else the paper's",
    ),
]
Rounding = Annotated[
    RoundingKind,
    Option("Rounding of the resolution.", GROUP, form=Form("exact|even|8|32", _as_text)),
]
Rule = Annotated[
    str | None,
    Option(
        "Scaling rule: that of a family, or what differs from EfficientNet's, such as "
        "stem=fixed,head=grown,ends=fixed,depth=nearest,divisor=4,limit=0.",
        GROUP,
        "EfficientNet's",
    ),
]
ProxyResolution = Annotated[
    int | None,
    Option(
        "Pixels that the baseline is trained at; scaled networks in proportion to their "
        "resolution.",
        "Training of each network",
        "the recipe's",
    ),
]
