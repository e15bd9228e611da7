"""The user's own evaluator: every form it may have, and what is said where it has none."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from searches import write_evaluator

from effsearch.nas.config import BaselineConfig
from effsearch.nas.evaluators.registry import make_evaluator
from effsearch.nas.evaluators.user import UserEvaluator, load_user_evaluator
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.space_file import load_space
from effsearch.search_spaces.zoo import load_zoo
from effsearch.training.trials.evaluator import Measurements, Request

REQUESTS = [Request(0, load_zoo("mobilenet-v1"), 11), Request(1, load_zoo("mobilenet-v2"), 22)]


def measured(evaluator: UserEvaluator) -> list[Measurements]:
    """What it says of two networks, handed over as it wants them."""
    evaluator.prepare()
    if evaluator.batched:
        return evaluator.evaluate(REQUESTS)
    return [result for request in REQUESTS for result in evaluator.evaluate([request])]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def evaluate(a): return 0.5", [{"accuracy": 0.5}] * 2),
        ("def evaluate(a): return 1", [{"accuracy": 1}] * 2),
        (
            "def evaluate(a): return {'accuracy': 0.5, 'latency_ms': 3}",
            [{"accuracy": 0.5, "latency_ms": 3}] * 2,
        ),
        ("import numpy\ndef evaluate(a): return numpy.float32(0.5)", [{"accuracy": 0.5}] * 2),
        ("import numpy\ndef evaluate(a): return numpy.array([0.5])", [{"accuracy": 0.5}] * 2),
        ("import torch\ndef evaluate(a): return torch.tensor(0.5)", [{"accuracy": 0.5}] * 2),
        (
            "def evaluate(a, seed): return seed / 100",
            [{"accuracy": 0.11}, {"accuracy": 0.22}],
        ),
        (
            "def evaluate(a, *, extra=1, seed=0): return seed / 100",
            [{"accuracy": 0.11}, {"accuracy": 0.22}],
        ),
        (
            "def evaluate(architecture): return len(architecture.stages) / 100",
            [{"accuracy": len(r.architecture.stages) / 100} for r in REQUESTS],
        ),
        (
            "class Measure:\n    def __call__(self, a): return 0.25\nevaluate = Measure()",
            [{"accuracy": 0.25}] * 2,
        ),
        ("import functools\nevaluate = functools.partial(max, 0.5, key=id)", None),
    ],
)
def test_a_function_of_one_network(
    source: str, expected: list[Measurements] | None, tmp_path: Path
) -> None:
    evaluator = load_user_evaluator(write_evaluator(tmp_path, source))
    assert not evaluator.batched
    if expected is not None:
        assert measured(evaluator) == expected


@pytest.mark.parametrize(
    "source",
    [
        "def evaluate(architectures): return [0.1, 0.2]",
        "def evaluate(architectures): return (x for x in (0.1, 0.2))",
        "import numpy\ndef evaluate(architectures): return numpy.array([0.1, 0.2])",
        "def evaluate(architectures, seeds): return [0.1, 0.2] if seeds == [11, 22] else []",
        "def evaluate(architectures): return [{'accuracy': 0.1}, {'accuracy': 0.2}]",
    ],
)
def test_a_function_of_many_networks_is_known_by_its_first_parameter(
    source: str, tmp_path: Path
) -> None:
    evaluator = load_user_evaluator(write_evaluator(tmp_path, source))
    assert evaluator.batched
    assert measured(evaluator) == [{"accuracy": 0.1}, {"accuracy": 0.2}]


def test_a_function_of_many_networks_is_known_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "measure.py"
    path.write_text("def evaluate_batch(networks): return [0.5 for _ in networks]")
    evaluator = load_user_evaluator(f"{path}:evaluate_batch")
    assert evaluator.batched
    assert measured(evaluator) == [{"accuracy": 0.5}] * 2


def test_a_function_of_a_module_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "my_project"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "measuring.py").write_text("def accuracy(network, seed): return seed / 100")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    evaluator = load_user_evaluator("my_project.measuring:accuracy")
    assert measured(evaluator) == [{"accuracy": 0.11}, {"accuracy": 0.22}]
    assert evaluator.source is None


def test_the_file_travels_with_the_evaluator_and_finds_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("FACTOR = 0.25")
    named = write_evaluator(tmp_path, "import beside\ndef evaluate(a): return beside.FACTOR")
    evaluator = load_user_evaluator(named)
    (tmp_path / "measure.py").unlink()
    content = pickle.dumps(evaluator)
    script = (
        "import pickle, sys\n"
        "from effsearch.search_spaces.zoo import load_zoo\n"
        "from effsearch.training.trials.evaluator import Request\n"
        "evaluator = pickle.load(sys.stdin.buffer)\n"
        "evaluator.prepare()\n"
        "print(evaluator.evaluate([Request(0, load_zoo('mobilenet-v1'), 1)]))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], input=content, capture_output=True, cwd=root
    )
    assert done.stdout.decode().strip() == "[{'accuracy': 0.25}]", done.stderr.decode()


def test_dataclasses_work_in_a_users_file(tmp_path: Path) -> None:
    source = (
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "@dataclass\nclass Score:\n    value: float\n"
        "def evaluate(a): return Score(0.5).value"
    )
    assert measured(load_user_evaluator(write_evaluator(tmp_path, source)))[0] == {"accuracy": 0.5}


@pytest.mark.parametrize("name", ["random.py", "training.py", "nas.py", "json.py"])
def test_a_file_may_bear_the_name_of_a_module_we_use(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = sys.modules.get(Path(name).stem)
    evaluator = load_user_evaluator(write_evaluator(tmp_path, "def evaluate(a): return 0.5", name))
    assert measured(evaluator) == [{"accuracy": 0.5}] * 2
    assert sys.modules.get(Path(name).stem) is before


def test_what_a_file_prints_while_it_is_imported_goes_to_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load_user_evaluator(write_evaluator(tmp_path, "print('hello')\ndef evaluate(a): return 0.5"))
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "hello\n"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def other(a): return 0.5", "'.*measure.py' has no function 'evaluate'"),
        ("evaluate = 5", "'evaluate' in '.*measure.py' is not a function"),
        (
            "import no_such_package",
            r"ModuleNotFoundError: .*no_such_package.*\(measure.py, line 1\)",
        ),
        ("x = 1\nx.missing", r"AttributeError: .*missing.*\(measure.py, line 2\)"),
        ("def evaluate(a:", r"SyntaxError: .*\(.*measure.py, line 1\)"),
        ("import json\njson.loads('{')", r"JSONDecodeError: .*\(decoder.py, line \d+\)"),
        (
            "import importlib\nimportlib.import_module('no_such')",
            r"no_such.*\(measure.py, line 2\)",
        ),
        (
            "import sys\nsys.exit('usage: measure')",
            r"SystemExit: usage: measure \(measure.py, line 2\)",
        ),
    ],
)
def test_code_that_cannot_be_used_is_refused_with_its_place(
    source: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message) as refused:
        load_user_evaluator(write_evaluator(tmp_path, source))
    assert "\n" not in str(refused.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "measure.py").write_bytes(b"\xff\xfe\x00evaluate")
    with pytest.raises(InputError, match="is not Python source"):
        load_user_evaluator(f"{tmp_path / 'measure.py'}:evaluate")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("plain.py", "'plain.py' names no function: give plain.py:evaluate$"),
        ("file.txt:f", "cannot be imported: ModuleNotFoundError: No module named 'file'$"),
        ("prox", "unknown evaluator 'prox': did you mean 'proxy'"),
        ("missing.py:evaluate", "evaluator file 'missing.py' does not exist"),
        ("no_such_module:evaluate", "'no_such_module' cannot be imported: ModuleNotFoundError"),
        ("json:no_such", "'json' has no function 'no_such'"),
        ("json:", "'json:' is not understood"),
        (":evaluate", "':evaluate' is not understood"),
        ("missing.csv", "table 'missing.csv' cannot be read: No such file"),
    ],
)
def test_an_evaluator_that_is_not_there_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_evaluator(BaselineConfig.make({"evaluator": text}), load_space("mnasnet"))


def test_a_folder_is_no_evaluator_file(tmp_path: Path) -> None:
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        load_user_evaluator(f"{tmp_path / 'folder.py'}:evaluate")
