"""`effsearch doctor` looks at all that the project says it needs."""

import re
import tomllib
from pathlib import Path

from effsearch.cli import doctor

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=~! ;]", one)[0].lower() for one in requirements}


def test_every_dependency_is_looked_at() -> None:
    assert names(PROJECT["dependencies"]) <= set(doctor._NEEDED)


def test_every_extra_for_users_is_looked_at() -> None:
    extras = {
        name: names(packages)
        for name, packages in PROJECT["optional-dependencies"].items()
        if name not in ("dev", "docs")
    }
    assert {name: set(packages) for name, packages in doctor._EXTRAS.items()} == extras


def test_what_an_extra_lacks_is_named_with_its_cure() -> None:
    said = doctor._extra("onnx", ("onnx", "no-such-package"))
    assert said == "no no-such-package: pip install 'effsearch[onnx]' where you want it"


def test_a_package_that_does_not_import_is_a_problem() -> None:
    problems: list[str] = []
    assert doctor._imports("no_such_package", problems) == "broken"
    assert problems == ["no_such_package does not import: No module named 'no_such_package'"]
