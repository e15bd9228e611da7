"""Stratified splits and samples by a fixed seed: every class stands on both sides.

A pure function of labels and seed: every worker of a search carves the same validation part.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from effsearch.search_spaces.errors import InputError


def stratified_split(
    labels: Tensor,
    fraction: float,
    seed: int,
    class_names: Sequence[str] | None = None,
) -> tuple[Tensor, Tensor]:
    """Split indices in two so that each class gives ``fraction`` of its images to the second part.

    Args:
        labels: int64 (N,), non-negative.
        fraction: share of the second part, in [0, 1); each class gives at least one image to it
            and keeps at least one, unless it is 0: then the second part is empty.
        class_names: names for error messages.

    Returns:
        Two ascending int64 index tensors, disjoint, together all of 0..N−1.

    Raises:
        InputError: fraction out of range, no labels, or a class with a single image.
    """
    if not 0.0 <= fraction < 1.0:
        raise InputError(f"validation fraction {fraction} is not in [0, 1)")
    if fraction == 0:
        return torch.arange(len(labels)), torch.empty(0, dtype=torch.int64)
    counts = _class_counts(labels, class_names)
    wanted = (counts * fraction).round().long()
    chosen = torch.minimum(wanted.clamp(min=1), counts - 1).clamp(min=0)
    return _first_of_each_class(labels, counts, chosen, seed)


def stratified_sample(
    labels: Tensor,
    size: int,
    seed: int,
    class_names: Sequence[str] | None = None,
) -> Tensor:
    """Ascending indices of ``size`` images with every class at its share, two images at least.

    All indices come back where ``size`` is N or more.

    Raises:
        InputError: ``size`` leaves a class fewer than two images.
    """
    if size >= len(labels):
        return torch.arange(len(labels))
    counts = _class_counts(labels, class_names)
    present = int((counts > 0).sum())
    if size < 2 * present:
        raise InputError(
            f"a sample of {size} images is too small for {present} classes: "
            f"take at least {2 * present}"
        )
    share = counts * (size / len(labels))
    chosen = torch.minimum(share.floor().long().clamp(min=2), counts)
    # Largest remainders first; a class lifted to two images is paid for by the largest classes.
    while (missing := size - int(chosen.sum())) != 0:
        gap = share - chosen
        if missing > 0:
            gap[chosen >= counts] = -torch.inf
            step = gap.argsort(descending=True, stable=True)[:missing]
            chosen[step] += (chosen < counts)[step].long()
        else:
            gap[chosen <= 2] = torch.inf
            step = gap.argsort(stable=True)[:-missing]
            chosen[step] -= (chosen > 2)[step].long()
    _, picked = _first_of_each_class(labels, counts, chosen, seed)
    return picked


def _class_counts(labels: Tensor, class_names: Sequence[str] | None) -> Tensor:
    if len(labels) == 0:
        raise InputError("there are no images to split")
    counts = torch.bincount(labels)
    single = (counts == 1).nonzero().flatten().tolist()
    if single:
        name = class_names[single[0]] if class_names else single[0]
        raise InputError(
            f"class '{name}' has a single image: training and validation need one each; "
            "add images or remove the class"
        )
    return counts


def _first_of_each_class(
    labels: Tensor, counts: Tensor, chosen: Tensor, seed: int
) -> tuple[Tensor, Tensor]:
    """Shuffle, then take the first ``chosen[c]`` images of each class c: (the rest, the taken)."""
    shuffled = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    by_class = shuffled[labels[shuffled].argsort(stable=True)]
    starts = counts.cumsum(0) - counts
    rank = torch.arange(len(labels)) - starts[labels[by_class]]
    taken = rank < chosen[labels[by_class]]
    return by_class[~taken].sort().values, by_class[taken].sort().values
