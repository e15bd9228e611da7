"""Whether what was recorded still holds."""

from collections.abc import Mapping
from typing import Any


def still_holds(then: Any, now: Any) -> bool:
    """Whether a record says the same as what would be recorded now.

    Options that there were not yet when it was made are not compared: their defaults are what was
    done before.

    >>> still_holds({"recipe": {"lr": 0.1}}, {"recipe": {"lr": 0.1, "later": False}})
    True
    >>> still_holds({"recipe": {"lr": 0.1, "gone": 1}}, {"recipe": {"lr": 0.1}})
    False
    """
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        return all(name in now and still_holds(value, now[name]) for name, value in then.items())
    return bool(then == now)
