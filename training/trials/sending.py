"""Objects of the user's on their way to worker processes: functions of a notebook, data sets.

cloudpickle takes along what a function refers to, so it need not be importable where it is called.
"""

import inspect
import pickle
import sys
import sysconfig
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

from effsearch.results.config import name_of
from effsearch.search_spaces.errors import InputError
from effsearch.training.trials.outcome import one_line

_DEPTH = 3  # objects in objects that are looked into for what cannot be pickled


def pickled(option: str, value: Any) -> bytes:
    """An object as bytes that `pickle.loads` reads in another process.

    Args:
        option: what it was given as, for the error.

    Raises:
        InputError: it cannot be pickled; what it holds that cannot be is named.
    """
    from ray import cloudpickle as untyped

    cloudpickle: Any = untyped
    module = _own_module(value)
    if module is not None:
        # Another machine has not the user's files: what they define travels whole, if it can.
        cloudpickle.register_pickle_by_value(module)
        try:
            taken: bytes = cloudpickle.dumps(value)
        except Exception:  # something beside it cannot: here at least it is importable
            pass
        else:
            return taken
        finally:
            cloudpickle.unregister_pickle_by_value(module)
    try:
        found: bytes = cloudpickle.dumps(value)
    except Exception as error:  # pickling runs whatever the object has
        held = _culprit(value, cloudpickle.dumps, _DEPTH)
        what = f"{held}, which" if held else "something that"
        raise InputError(
            f"{option} '{name_of(value)}' cannot be sent to worker processes: it holds {what} "
            f"cannot be pickled ({one_line(error)}): make it inside the function"
        ) from None
    return found


def unpickled(content: bytes) -> Any:
    """What `pickled` was given."""
    return pickle.loads(content)


def _own_module(value: Any) -> ModuleType | None:
    """The module of the user's that defines an object; None for a notebook's and installed ones."""
    while isinstance(value, partial):
        value = value.func
    home = getattr(value, "__module__", None) or type(value).__module__
    module = sys.modules.get(home)
    file = getattr(module, "__file__", None)
    if module is None or file is None or home == "__main__":
        return None
    installed = {sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")}
    return None if any(file.startswith(folder) for folder in installed) else module


def _culprit(value: Any, dumps: Callable[[Any], bytes], depth: int) -> str:
    """The innermost thing an object holds that cannot be pickled, by name; empty if none is."""
    for name, held in _held(value):
        try:
            dumps(held)
        except Exception:
            inner = _culprit(held, dumps, depth - 1) if depth else ""
            return inner or f"'{name}' (a {type(held).__name__})"
    return ""


def _held(value: Any) -> Iterator[tuple[str, Any]]:
    """What an object refers to, by name."""
    if isinstance(value, partial):
        yield from (("func", value.func), *value.keywords.items())
        yield from ((f"argument {place}", held) for place, held in enumerate(value.args))
    elif inspect.ismethod(value):
        yield "self", value.__self__
    elif inspect.isfunction(value):
        names = inspect.getclosurevars(value)
        yield from {**names.nonlocals, **names.globals}.items()
    else:
        yield from getattr(value, "__dict__", {}).items()
