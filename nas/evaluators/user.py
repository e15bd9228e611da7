"""The user's own evaluator: `package.module:function` or `path/file.py:function`.

    def evaluate(architecture) -> float | dict           one network
    def evaluate_batch(architectures) -> list[...]       many at once

The result is the accuracy as a fraction, or a dict with `accuracy` and more. A parameter named
`seed` (`seeds`) is given the trial's seed. A function is of the second form where its first
parameter is named `architectures` or its own name ends with `batch`.
"""

import importlib
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from nas.evaluators.base import Evaluator, Measurements, Request
from search_spaces.errors import InputError


class UserEvaluator(Evaluator):
    """Calls a function of the user's in the worker process.

    Args:
        module: dotted name, or the file's path.
        function: name in it.
        source: the file's text, None for a module. It travels to the workers, so the file need
            not lie on their machines.
        batched: whether the function takes many networks.
        seeded: whether it takes the seeds.
        search_path: folders that imports of the user's code are looked up in.
    """

    def __init__(
        self,
        *,
        module: str,
        function: str,
        source: str | None,
        batched: bool,
        seeded: bool,
        search_path: list[str],
    ) -> None:
        self.batched = batched  # type: ignore[misc]  # of this function, not of the class
        self.cheap = batched  # type: ignore[misc]
        self._module = module
        self._function = function
        self._source = source
        self._seeded = seeded
        self._search_path = search_path
        self._call: Callable[..., Any] | None = None

    @property
    def source(self) -> str | None:
        """The file's text, to tell whether it changed between a run and its resumption."""
        return self._source

    def prepare(self) -> None:
        """Import the user's code."""
        sys.path[:0] = [folder for folder in self._search_path if folder not in sys.path]
        if self._source is None:
            module = importlib.import_module(self._module)
        else:
            module = _run_source(self._module, self._source)
        self._call = getattr(module, self._function)

    def evaluate(self, requests: Sequence[Request]) -> list[Measurements]:
        assert self._call is not None
        architectures = [request.architecture for request in requests]
        seeds = [request.seed for request in requests]
        if self.batched:
            options = {"seeds": seeds} if self._seeded else {}
            return [_measurements(result) for result in self._call(architectures, **options)]
        options_one = {"seed": seeds[0]} if self._seeded else {}
        return [_measurements(self._call(architectures[0], **options_one))]


def load_user_evaluator(text: str) -> UserEvaluator:
    """Find the function that `package.module:function` or `file.py:function` names.

    Raises:
        InputError: no such file, module or function, or code that cannot be imported.
    """
    module, _, function = text.rpartition(":")
    if not module or not function.isidentifier():
        raise InputError(
            f"evaluator '{text}' is not understood: give proxy, TABLE.csv, "
            "package.module:function or file.py:function"
        )
    source, search_path = None, [os.getcwd()]
    if module.endswith(".py"):
        path = Path(module)
        if not path.is_file():
            raise InputError(f"evaluator file '{module}' does not exist")
        source = path.read_text(encoding="utf-8")
        search_path = [str(path.resolve().parent), *search_path]
    named = {"module": module, "function": function, "source": source, "search_path": search_path}
    probe = UserEvaluator(batched=False, seeded=False, **named)  # type: ignore[arg-type]
    try:
        probe.prepare()
    except AttributeError:
        raise InputError(f"'{module}' has no function '{function}'") from None
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise InputError(
            f"evaluator '{module}' cannot be imported: {type(error).__name__}: {error} "
            f"({Path(place.filename).name}, line {place.lineno})"
        ) from None
    if not callable(probe._call):
        raise InputError(f"'{function}' in '{module}' is no function")
    parameters = list(inspect.signature(probe._call).parameters)
    batched = function.endswith("batch") or parameters[:1] == ["architectures"]
    seeded = ("seeds" if batched else "seed") in parameters
    return UserEvaluator(batched=batched, seeded=seeded, **named)  # type: ignore[arg-type]


def _run_source(name: str, source: str) -> ModuleType:
    module = ModuleType(Path(name).stem)
    module.__file__ = name
    sys.modules[module.__name__] = module  # dataclasses and pickle look a class's module up
    exec(compile(source, name, "exec"), vars(module))
    return module


def _measurements(result: Any) -> Measurements:
    if isinstance(result, dict):
        return result
    return {"accuracy": result.item() if hasattr(result, "item") else result}
