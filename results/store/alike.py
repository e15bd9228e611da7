"""Whether recorded options still hold."""

from collections.abc import Mapping
from typing import Any


def still_holds(then: Any, now: Any) -> bool:
    """Whether options, such as a recipe's, are recorded as they would be now.

    Those that there were not yet are not compared: their defaults are what was done before.

    >>> still_holds({"lr": 0.1}, {"lr": 0.1, "later": False})
    True
    >>> still_holds({"lr": 0.1, "gone": 1}, {"lr": 0.1})
    False
    """
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        return all(name in now and value == now[name] for name, value in then.items())
    return bool(then == now)
