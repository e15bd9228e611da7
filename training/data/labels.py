"""Labels as tables hold them, whole numbers or text, to places in the training part's classes."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from effsearch.search_spaces.errors import InputError

Labels: TypeAlias = npt.NDArray[np.int64]


def distinct_names(values: Sequence[pa.Array]) -> tuple[str, ...]:
    """Class names where the data states none: the labels themselves, in order."""
    if all(pa.types.is_integer(part.type) for part in values):
        highest = max((int(np.asarray(part).max()) for part in values if len(part)), default=-1)
        return tuple(str(label) for label in range(highest + 1))
    return tuple(sorted({str(label) for part in values for label in part.to_pylist()}))


def number_labels(
    where: str,
    values: pa.Array,
    class_names: Sequence[str],
    own_names: Sequence[str] | None = None,
) -> Labels:
    """Labels as places in the training part's class names.

    Args:
        where: names the rows in error messages.
        values: whole numbers or text.
        own_names: what the numbers stand for here; None for `class_names`.

    Raises:
        InputError: a label that is none of the classes.
    """
    number = {name: label for label, name in enumerate(class_names)}
    if not pa.types.is_integer(values.type):
        labels = np.array([number.get(str(v), -1) for v in values.to_pylist()], dtype=np.int64)
    else:
        labels = np.asarray(values).astype(np.int64)
        if own_names is not None and tuple(own_names) != tuple(class_names):
            within = (labels >= 0) & (labels < len(own_names))
            table = np.array([number.get(name, -1) for name in own_names], dtype=np.int64)
            stranger = np.flatnonzero(within & (table[labels * within] < 0))
            if stranger.size:
                name = own_names[labels[stranger[0]]]
                raise InputError(
                    f"row {stranger[0]} of {where} is of the class '{name}', which the training "
                    "part has not"
                )
            labels = np.where(within, table[labels * within], -1)
    outside = np.flatnonzero((labels < 0) | (labels >= len(class_names)))
    if outside.size:
        row = int(outside[0])
        raise InputError(
            f"row {row} of {where} has the label {values[row]}, outside the {len(class_names)} "
            "classes of the training part"
        )
    return labels


def is_unlabelled(values: pa.Array) -> bool:
    """Whether all labels are −1, as published test parts without labels have it."""
    return pa.types.is_integer(values.type) and bool((np.asarray(values) == -1).all())
