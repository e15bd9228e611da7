"""The grid of the compound coefficients, in integer hundredths so that nothing is rounded.

EfficientNet (section 3.3) asks for α·β²·γ² ≈ 2 with α, β, γ ≥ 1 and never says how near or how
fine. Here a triple is feasible where |α·β²·γ² − 2| < tolerance, strictly, worked out in integers:
in floating point 1.9 lies further than 0.1 from 2, and which side it falls on would be luck.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from effsearch.search_spaces.errors import InfeasibleError, InputError
from effsearch.search_spaces.scaling import Coefficients

TARGET = 2
_UNIT = 100**5  # α·β²·γ² in hundredths, to the fifth
_MOST = 10_000_000  # triples within the bounds that are looked at: some ten seconds


class Triple(NamedTuple):
    """α, β and γ in hundredths: (120, 110, 115) is the paper's."""

    alpha: int
    beta: int
    gamma: int

    @property
    def coefficients(self) -> Coefficients:
        """As the numbers they stand for."""
        return Coefficients(self.alpha / 100, self.beta / 100, self.gamma / 100)

    @property
    def product(self) -> Fraction:
        """α·β²·γ², exact."""
        return Fraction(self.alpha * self.beta**2 * self.gamma**2, _UNIT)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Values of α, β and γ: from each lower bound in steps up to the upper one, both included.

    Attributes:
        step: in hundredths, 1 or more.
        alpha, beta, gamma: bounds in hundredths, 100 or more.
    """

    step: int = 5
    alpha: tuple[int, int] = (100, 200)
    beta: tuple[int, int] = (100, 150)
    gamma: tuple[int, int] = (100, 150)

    @property
    def size(self) -> int:
        """Triples within the bounds, feasible or not."""
        return math.prod(len(self.values(each)) for each in (self.alpha, self.beta, self.gamma))

    def values(self, bounds: tuple[int, int]) -> range:
        """The values one coefficient takes, in hundredths."""
        return range(bounds[0], bounds[1] + 1, self.step)

    def __iter__(self) -> Iterator[Triple]:
        """Every triple within the bounds, α slowest, feasible or not."""
        for alpha in self.values(self.alpha):
            for beta in self.values(self.beta):
                for gamma in self.values(self.gamma):
                    yield Triple(alpha, beta, gamma)


def make_grid(
    step: float,
    alpha: tuple[float, float] = (1.0, 2.0),
    beta: tuple[float, float] = (1.0, 1.5),
    gamma: tuple[float, float] = (1.0, 1.5),
) -> Grid:
    """A grid from numbers as people write them.

    Raises:
        InputError: a step or a bound that is not a whole number of hundredths, a step of 0 or less,
            a bound below 1, an upper bound below the lower one, or more triples than can be
            looked at.
    """
    hundredths = _hundredths("step", step)
    if hundredths < 1:
        raise InputError(f"step must be 0.01 or more, not {step!r}")
    bounds = {}
    for name, (low, high) in (("alpha", alpha), ("beta", beta), ("gamma", gamma)):
        lowest, highest = _hundredths(f"{name} bound", low), _hundredths(f"{name} bound", high)
        if lowest < 100:
            raise InputError(f"bounds of {name} start at 1 or above, not at {low:g}")
        if highest < lowest:
            raise InputError(f"bounds of {name} are the wrong way round: {low:g} to {high:g}")
        bounds[name] = (lowest, highest)
    grid = Grid(step=hundredths, **bounds)
    if grid.size > _MOST:
        raise InputError(
            f"the grid has {grid.size:,} triples within its bounds, and at most {_MOST:,} are "
            "looked at: narrow the bounds, or take a larger step"
        )
    return grid


def exact_tolerance(tolerance: float) -> Fraction:
    """A tolerance as the decimal it was written as.

    Raises:
        InputError: it is not finite and above 0.
    """
    usable = isinstance(tolerance, int | float) and not isinstance(tolerance, bool)
    if not usable or not 0 < tolerance < math.inf:
        raise InputError(f"tolerance must be a finite number above 0, not {tolerance!r}")
    return Fraction(str(tolerance))


def feasible_triples(grid: Grid, tolerance: Fraction) -> list[Triple]:
    """All triples whose nominal product lies less than `tolerance` from 2.

    Raises:
        InfeasibleError: there is none; the message names the smallest tolerance that has one.
    """
    limit = tolerance * _UNIT
    numerator, denominator = limit.numerator, limit.denominator
    found, nearest = [], None
    for triple in grid:
        product = triple.alpha * triple.beta**2 * triple.gamma**2
        distance = abs(product - TARGET * _UNIT)
        if distance * denominator < numerator:
            found.append(triple)
        if nearest is None or distance < nearest:
            nearest = distance
    if found:
        return found
    assert nearest is not None
    raise InfeasibleError(
        f"no triple of the grid has alpha*beta^2*gamma^2 within {float(tolerance):g} of 2: the "
        f"smallest --tolerance that has one is {just_above(Fraction(nearest, _UNIT))}, "
        "or take a smaller --step"
    )


def just_above(distance: Fraction) -> str:
    """The shortest decimal above a distance, of four places or more: a tolerance that holds it."""
    places = 4
    while True:
        scale = 10**places
        text = f"{(math.floor(distance * scale) + 1) / scale:.{places}f}"
        if Fraction(text) > distance:
            return text.rstrip("0").rstrip(".")
        places += 1


def _hundredths(name: str, value: object) -> int:
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    if not usable or not math.isfinite(value):  # type: ignore[arg-type]
        raise InputError(f"{name} must be a number such as 0.05, not {value!r}")
    exact = Fraction(str(value)) * 100
    if exact.denominator != 1:
        raise InputError(
            f"{name} must be a whole number of hundredths, such as 0.05, not {value!r}"
        )
    return int(exact)
