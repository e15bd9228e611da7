"""The scores by name. A new one is a file beside this, which holds its `SCORE`, and a line here."""

from collections.abc import Sequence
from importlib import import_module

from effsearch.nas.evaluators.zero_cost.score import Score
from effsearch.search_spaces.errors import InputError, unknown_name

SCORES = ("params", "macs", "depth", "zen", "entropy", "naswot", "synflow", "gradient_norm")
"""A module of this folder each."""

DEFAULT = ("params",)
"""What `--evaluator zero-cost` goes by where no score is named.

A search compares networks of nearly equal cost, and there the parameter count ranks best and NASWOT
the wrong way round. That is known from outside, of ImageNet-trained networks of the `mnasnet` space
at 360M to 420M multiply-adds; no command here measures it.
"""


def score_of(name: str) -> Score:
    """The score of that name; hyphens serve for underscores.

    Raises:
        InputError: no such score.
    """
    known = name.strip().replace("-", "_")
    if known not in SCORES:
        raise unknown_name("zero-cost score", name.strip(), SCORES)
    found: Score = import_module(f"effsearch.nas.evaluators.zero_cost.{known}").SCORE
    return found


def scores_of(text: str) -> Sequence[Score]:
    """The scores that `zen` or `zen,macs` names; the default ones where it is empty.

    Raises:
        InputError: an unknown score, or one named twice.
    """
    names = text.split(",") if text.strip() else DEFAULT
    found = [score_of(name) for name in names]
    for place, score in enumerate(found):
        if score in found[:place]:
            raise InputError(f"zero-cost score '{score.name}' is named twice: name it once")
    return found
