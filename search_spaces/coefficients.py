"""Coefficients as people hand them in: `1.2,1.1,1.15`, or a JSON document with three numbers."""

from collections.abc import Mapping

from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.scaling import Coefficients

FAR_FROM_TWO = 0.2
"""A product α·β²·γ² further from 2 than this is worth a warning; the paper's is 1.92."""


def parse_coefficients(text: str) -> Coefficients:
    """Read `alpha,beta,gamma`, such as `1.2,1.1,1.15`.

    Raises:
        InputError: not three numbers, or one below 1.
    """
    parts = [part.strip() for part in text.split(",")]
    try:
        alpha, beta, gamma = (float(part) for part in parts)
    except ValueError:
        raise InputError(
            f"coefficients '{text}' are not three numbers: give alpha,beta,gamma such as "
            "1.2,1.1,1.15, a coefficients.json or a run"
        ) from None
    return read_coefficients({"alpha": alpha, "beta": beta, "gamma": gamma}, f"'{text}'")


def read_coefficients(document: Mapping[str, object], where: str) -> Coefficients:
    """The coefficients of a document with the keys `alpha`, `beta` and `gamma`; others are left.

    Args:
        document: the content of a `coefficients.json`, written by a run or by hand.
        where: names the document in error messages.

    Raises:
        InputError: a number is missing, is none, is not finite, or lies below 1.
    """
    for name in ("alpha", "beta", "gamma"):
        if name not in document:
            raise InputError(f"{where} lacks {name}: coefficients are alpha, beta and gamma")
        value = document[name]
        usable = isinstance(value, int | float) and not isinstance(value, bool)
        if not usable or not 1 <= value < float("inf"):  # type: ignore[operator]
            raise InputError(
                f"{where}: {name} must be a finite number of at least 1, not {value!r}"
            )
    return Coefficients(*(float(str(document[name])) for name in ("alpha", "beta", "gamma")))


def doubts(coefficients: Coefficients) -> str | None:
    """What is odd about usable coefficients, in one line; None where nothing is."""
    if abs(coefficients.product - 2) <= FAR_FROM_TWO:
        return None
    return (
        f"alpha*beta^2*gamma^2 is {coefficients.product:.3f}, far from 2: each step of phi "
        f"multiplies the nominal cost by that"
    )
