"""The user's own evaluator: `package.module:function`, `path/file.py:function`, or a function.

    def evaluate(architecture) -> float | dict           one network
    def evaluate_batch(architectures) -> list[...]       many at once

The result is the accuracy as a fraction, or a dict with `accuracy` and more. A parameter named
`seed` (`seeds`) is given the trial's seed. A function is of the second form where its first
parameter is named `architectures` or its own name ends with `batch`.
"""

import contextlib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from effsearch.results.config import name_of
from effsearch.search_spaces.errors import InputError
from effsearch.training.trials.evaluator import Evaluator, Measurements, Request
from effsearch.training.trials.outcome import one_line
from effsearch.training.trials.sending import pickled, unpickled


class CallingEvaluator(Evaluator):
    """Calls a function of the user's in the worker process, which `prepare` has set.

    Args:
        batched: whether the function takes many networks.
        seeded: whether it takes the seeds.
    """

    def __init__(self, *, batched: bool, seeded: bool) -> None:
        self.batched = batched  # type: ignore[misc]  # of this function, not of the class
        self.cheap = batched  # type: ignore[misc]
        self.seeded = seeded
        self._call: Callable[..., Any] | None = None

    def evaluate(self, requests: Sequence[Request]) -> list[Measurements]:
        assert self._call is not None
        architectures = [request.architecture for request in requests]
        seeds = [request.seed for request in requests]
        if self.batched:
            options = {"seeds": seeds} if self.seeded else {}
            return _each(self._call(architectures, **options), len(architectures))
        options_one = {"seed": seeds[0]} if self.seeded else {}
        return [_measurements(self._call(architectures[0], **options_one))]


class ObjectEvaluator(CallingEvaluator):
    """Calls a function that was given as such; it travels to the workers pickled.

    Args:
        content: from `training.trials.sending.pickled`.
        search_path: folders that imports of the user's code are looked up in.
    """

    def __init__(
        self, content: bytes, *, batched: bool, seeded: bool, search_path: list[str]
    ) -> None:
        super().__init__(batched=batched, seeded=seeded)
        self._content, self._search_path = content, search_path

    def prepare(self) -> None:
        """Unpickle the function."""
        sys.path[:0] = [folder for folder in self._search_path if folder not in sys.path]
        self._call = unpickled(self._content)


class UserEvaluator(CallingEvaluator):
    """Calls a function of the user's by its name.

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
        super().__init__(batched=batched, seeded=seeded)
        self._module = module
        self._function = function
        self._source = source
        self._search_path = search_path

    @property
    def source(self) -> str | None:
        """The file's text, to tell whether it changed between a run and its resumption."""
        return self._source

    def prepare(self) -> None:
        """Import the user's code."""
        self._call = getattr(self.load(), self._function)

    def load(self) -> ModuleType:
        """The user's module, imported or run."""
        sys.path[:0] = [folder for folder in self._search_path if folder not in sys.path]
        if self._source is None:
            return importlib.import_module(self._module)
        return _run_source(self._module, self._source)


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
        source = _read_source(path)
        search_path = [str(path.resolve().parent), *search_path]
    named = {"module": module, "function": function, "source": source, "search_path": search_path}
    probe = UserEvaluator(batched=False, seeded=False, **named)  # type: ignore[arg-type]
    try:
        # What the user's code prints while it is imported is talk, not data.
        with contextlib.redirect_stdout(sys.stderr):
            found = getattr(probe.load(), function, None)
    except (Exception, SystemExit) as error:
        raise InputError(
            f"evaluator '{module}' cannot be imported: {one_line(error)}{_place(error)}"
        ) from None
    if found is None:
        raise InputError(f"'{module}' has no function '{function}'")
    if not callable(found):
        raise InputError(f"'{function}' in '{module}' is not a function")
    batched, seeded = _form(found, function)
    return UserEvaluator(batched=batched, seeded=seeded, **named)  # type: ignore[arg-type]


def object_evaluator(function: Callable[..., Any]) -> tuple[ObjectEvaluator, str | None]:
    """The evaluator of a function that was given as such, and its source where it has one.

    Raises:
        InputError: it cannot be sent to worker processes.
    """
    batched, seeded = _form(function, name_of(function))
    content = pickled("evaluator", function)
    path = [folder for folder in sys.path if folder] + [os.getcwd()]
    made = ObjectEvaluator(content, batched=batched, seeded=seeded, search_path=path)
    return made, _source_of(function)


def _form(function: Callable[..., Any], name: str) -> tuple[bool, bool]:
    """Whether a function takes many networks, and whether it takes seeds."""
    parameters = _parameters(function)
    batched = name.endswith("batch") or parameters[:1] == ["architectures"]
    return batched, ("seeds" if batched else "seed") in parameters


def _source_of(function: Callable[..., Any]) -> str | None:
    """The text of a function, to tell whether it changed; None for one without a text of its own.

    That of a lambda is the whole line it stands in.
    """
    if not inspect.isfunction(function) or function.__name__ == "<lambda>":
        return None
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return None


def _read_source(path: Path) -> str:
    try:
        return importlib.util.decode_source(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"evaluator file '{path}' does not exist") from None
    except OSError as error:
        raise InputError(f"evaluator file '{path}' cannot be read: {error.strerror}") from None
    except (SyntaxError, UnicodeDecodeError) as error:
        raise InputError(f"evaluator file '{path}' is not Python source: {error}") from None


def _place(error: BaseException) -> str:
    """Where in code that is not ours an error arose, ` (file.py, line 3)`; else empty."""
    if isinstance(error, SyntaxError):
        return ""  # says so itself
    ours = (__file__, importlib.__file__)
    places = [
        place
        for place in traceback.extract_tb(error.__traceback__)
        if place.filename not in ours and not place.filename.startswith("<frozen")
    ]
    return f" ({Path(places[-1].filename).name}, line {places[-1].lineno})" if places else ""


def _parameters(function: Callable[..., Any]) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # some functions written in C have none
        return []


def _run_source(name: str, source: str) -> ModuleType:
    # A name of its own: a file called random.py or training.py must not replace that module.
    module = ModuleType(f"evaluator_{Path(name).stem}")
    module.__file__ = name
    sys.modules[module.__name__] = module  # dataclasses and pickle look a class's module up
    exec(compile(source, name, "exec"), vars(module))
    return module


def _each(results: Any, count: int) -> list[Measurements]:
    """The results of a batch, one a network."""
    if results is None or isinstance(results, str | dict) or not hasattr(results, "__iter__"):
        shown = "a dict" if isinstance(results, dict) else repr(results)
        raise InputError(
            f"the evaluator returned {shown} for {count} networks: return a list, one per network"
        )
    return [_measurements(result) for result in results]


def _measurements(result: Any) -> Measurements:
    if isinstance(result, dict):
        return result
    return {"accuracy": result.item() if hasattr(result, "item") else result}
