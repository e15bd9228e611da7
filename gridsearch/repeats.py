"""Which networks are trained once more where each was trained once, so that noise is measured.

From one training each, a surface that bends more than the model thinks and noisy trainings look
alike. A few second trainings tell them apart.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from effsearch.gridsearch.candidates import Candidate
from effsearch.gridsearch.choice import choose, sizes_of
from effsearch.gridsearch.surface import Floats


def networks_to_repeat(
    candidates: Sequence[Candidate], first: Mapping[str, float], count: int
) -> list[Candidate]:
    """The networks to train again; the same ones for the same first trainings.

    Args:
        candidates: the networks of the grid.
        first: accuracy of each network's first training, by id; none of those that failed.
        count: how many to name, fewer where fewer were measured.
    """
    choice = choose(candidates, {id: [accuracy] for id, accuracy in first.items()})
    if choice is None:
        return []
    measured = [found for found in candidates if found.id in first]
    expected = np.array([choice.expected[found.id].mean for found in measured])
    return [measured[place] for place in pick(expected, np.log(sizes_of(measured)), count)]


def pick(expected: Floats, places: Floats, count: int) -> list[int]:
    """Half of them the best by what is expected, where the choice falls; the rest far from all.

    The best are where a second look is worth most. The others keep the noise from being that of
    one corner of the grid alone.

    Args:
        expected: accuracy of each of n networks, (n,).
        places: of each, (n, dimensions).
        count: how many to pick, at most n.

    Returns:
        Which ones, the best expected one first.
    """
    span = np.ptp(places, axis=0)
    places = places / np.where(span > 0, span, 1.0)
    order = [int(place) for place in np.argsort(-expected, kind="stable")]
    count = min(count, len(order))
    picked = order[: (count + 1) // 2]
    while len(picked) < count:
        apart = ((places[:, None] - places[picked]) ** 2).sum(axis=2).min(axis=1)
        apart[picked] = -1.0
        picked.append(int(np.argmax(apart)))
    return picked
