"""What the modelled accuracy surface of a grid says, in words for a terminal and a report."""

from collections.abc import Mapping
from typing import Any

from effsearch.results.kinds.opening import percent

_PREFERENCES = {
    "default": "the cheapest network within one posterior standard deviation of the difference "
    "from the best expected accuracy",
    "accuracy": "the best expected accuracy",
    "efficiency": "the best of expected accuracy · MACs^-0.07",
}
_UNITS = {"layers": "layers", "channels": "channels on average", "resolution": "pixels"}


def why_chosen(answer: Mapping[str, Any]) -> str:
    """The rule that the choice followed; empty for an answer older than the rules."""
    rule = _PREFERENCES.get(str(answer.get("prefer")))
    if rule is None:
        return ""
    by = ", by the longer trainings" if answer.get("decided_by") == "top" else ""
    return f"Chosen: {rule}{by}."


def what_is_expected(answer: Mapping[str, Any]) -> str:
    """Measured and expected accuracy of the chosen network, with its interval where known."""
    said = f"measured {percent(answer['accuracy'])}, expected {percent(answer['expected'])}"
    interval = answer.get("accuracy_interval")
    if not isinstance(interval, list):
        return f"{said}, interval"
    low, high = (percent(value) for value in interval)
    return f"{said} ({answer['confidence']:.0%} interval {low} to {high})"


def what_mattered(answer: Mapping[str, Any]) -> str:
    """What the choice depended on, most first; empty where no surface was modelled."""
    found = answer.get("depends_on")
    if not isinstance(found, list) or not found:
        return ""
    told = [_moves(one) for one in found if one["told"]]
    untold = [_moves(one) for one in found if not one["told"]]
    said = []
    if told:
        said.append(f"What mattered, on the modelled surface: {'; '.join(told)}.")
    if untold:
        start = (
            "Not distinguishable from noise"
            if told
            else "No dimension can be distinguished from noise"
        )
        said.append(f"{start}: {'; '.join(untold)}.")
    return " ".join(said)


def _moves(one: Mapping[str, Any]) -> str:
    return (
        f"{one['dimension']} {100 * one['change']:.1f} ± {100 * one['deviation']:.1f} points "
        f"between {one['low']:.0f} and {one['high']:.0f} {_UNITS[one['dimension']]}, "
        f"best at {one['best']:.0f}"
    )
