"""Labels as tables hold them, whole numbers or text, to places in the training part's classes."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from effsearch.search_spaces.errors import InputError

Labels: TypeAlias = npt.NDArray[np.int64]


def plain_labels(where: str, column: str, values: pa.Array) -> pa.Array:
    """Labels as int64 or text, whatever type holds them.

    Args:
        where: names the rows in error messages.

    Raises:
        InputError: a row without a label, or labels that are lists, fractions or of other types.
    """
    kind = values.type
    if values.null_count:
        row = values.is_null().to_pylist().index(True)
        raise InputError(f"row {row} of {where} has no label")
    if pa.types.is_dictionary(kind):
        return plain_labels(where, column, values.dictionary_decode())
    if pa.types.is_integer(kind):
        return values.cast(pa.int64())
    if pa.types.is_floating(kind):
        if not pc.all(pc.equal(values, pc.floor(values))).as_py():
            raise InputError(f"the labels in column '{column}' of {where} are not whole numbers")
        return values.cast(pa.int64())
    if pa.types.is_boolean(kind) or pa.types.is_large_string(kind):
        return values.cast(pa.string())
    if pa.types.is_string(kind):
        return values
    if pa.types.is_nested(kind):
        raise InputError(
            f"the labels in column '{column}' of {where} are lists, and a network here knows one "
            "class per image: name another one with --label-column"
        )
    raise InputError(
        f"the labels in column '{column}' of {where} are {kind}: whole numbers or text are known"
    )


def distinct_names(values: Sequence[pa.Array]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Class names where the data state none: the labels that occur, in order; and a line on them.

    Args:
        values: from `plain_labels`.
    """
    if all(pa.types.is_integer(part.type) for part in values):
        found = np.unique(np.concatenate([np.asarray(part) for part in values]))
        numbers = found[found >= 0].tolist()
        names = tuple(map(str, numbers))
        if numbers == list(range(len(numbers))):
            return names, ()
        line = f"labels from {numbers[0]} to {numbers[-1]}: the {len(numbers):,} that occur"
        return names, (f"{line} are the classes",)
    return tuple(sorted({str(label) for part in values for label in part.to_pylist()})), ()


def number_labels(
    where: str,
    values: pa.Array,
    class_names: Sequence[str],
    own_names: Sequence[str] | None = None,
) -> Labels:
    """Labels as places in the training part's class names.

    Args:
        where: names the rows in error messages.
        values: from `plain_labels`.
        own_names: what the numbers stand for here; None for `class_names`, which they are
            themselves where those are numbers.

    Raises:
        InputError: a label that is none of the classes.
    """
    place = {name: label for label, name in enumerate(class_names)}
    if not pa.types.is_integer(values.type):
        labels = np.array([place.get(str(v), -1) for v in values.to_pylist()], dtype=np.int64)
    else:
        numbers, inverse = np.unique(np.asarray(values), return_inverse=True)
        names = own_names
        if names is None and not all(name.isdecimal() for name in class_names):
            names = class_names
        called = [_name_of(number, names) for number in numbers.tolist()]
        labels = np.array([place.get(name, -1) for name in called], dtype=np.int64)[inverse]
        if own_names is not None:
            _refuse_strangers(where, called, inverse, place)
    outside = np.flatnonzero(labels < 0)
    if outside.size:
        row = int(outside[0])
        raise InputError(
            f"row {row} of {where} has the label {values[row]}, outside the {len(class_names)} "
            "classes of the training part"
        )
    return labels


def is_unlabelled(values: pa.Array) -> bool:
    """Whether no row has a label: none at all, or −1 as published test parts have it."""
    if values.null_count == len(values):
        return True
    return pa.types.is_integer(values.type) and bool((np.asarray(values) == -1).all())


def _name_of(number: int, names: Sequence[str] | None) -> str:
    """What a number stands for; empty where it stands for nothing."""
    if names is None:
        return str(number)
    return names[number] if 0 <= number < len(names) else ""


def _refuse_strangers(
    where: str, called: Sequence[str], inverse: npt.NDArray[np.intp], known: dict[str, int]
) -> None:
    strange = np.array([bool(name) and name not in known for name in called], dtype=bool)
    rows = np.flatnonzero(strange[inverse])
    if rows.size:
        raise InputError(
            f"row {rows[0]} of {where} is of the class '{called[inverse[rows[0]]]}', which the "
            "training part does not have"
        )
