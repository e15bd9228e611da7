"""One package is installed, and a user's own files may be named like our rooms."""

import os
import subprocess
import sys
import zipfile
from importlib import metadata, util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("nas", "gridsearch", "training", "latency", "results", "search_spaces")


@pytest.mark.slow
def test_the_wheel_holds_one_package_with_every_room_and_data_file(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    version = metadata.version("effsearch")
    assert {name.split("/")[0] for name in names} == {
        "effsearch",
        f"effsearch-{version}.dist-info",
    }
    assert {f"effsearch/{room}/__init__.py" for room in ROOMS} <= names
    assert {
        "effsearch/search_spaces/zoo.yaml",
        "effsearch/search_spaces/spaces/mnasnet.yaml",
        "effsearch/training/recipes/efficientnet.yaml",
        "effsearch/results/report/page.js",
    } <= names


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_importable_below_effsearch_alone(room: str, tmp_path: Path) -> None:
    code = (
        "from importlib.util import find_spec; "
        f"print(find_spec({room!r}), find_spec('effsearch.{room}') is not None)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert shown.stdout.split() == ["None", "True"]
    assert util.find_spec(f"effsearch.{room}") is not None


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A user's project with files and folders named like our rooms, all of which work."""
    (tmp_path / "training.py").write_text(
        "def fit(architecture): return 0.5 + len(architecture.stages) / 100\n"
    )
    (tmp_path / "results.py").write_text("WINNER = 1\n")
    (tmp_path / "nas").mkdir()
    (tmp_path / "nas" / "__init__.py").write_text("raise RuntimeError('not yours')\n")
    (tmp_path / "latency").mkdir()
    (tmp_path / "evaluator.py").write_text(
        "import results\nfrom training import fit\n"
        "def evaluate(architecture): return fit(architecture) * results.WINNER\n"
    )
    (tmp_path / "test_it.py").write_text(
        "import effsearch, training\n"
        "def test_both():\n"
        "    assert training.fit(effsearch.load_zoo('efficientnet-b0')) > 0.5\n"
    )
    (tmp_path / "search.py").write_text(
        "import effsearch, training\n"
        "family = effsearch.scale_family('efficientnet-b0', '1.2,1.1,1.15', [1])\n"
        "print(family.members[0].cost.macs)\n"
    )
    return tmp_path


@pytest.mark.parametrize("arguments", [["search.py"], ["-m", "pytest", "-q", "test_it.py"]])
@pytest.mark.parametrize("on_path", [False, True], ids=["cwd", "PYTHONPATH"])
def test_a_script_and_a_test_beside_them_use_both(
    arguments: list[str], on_path: bool, project: Path
) -> None:
    shown = _python(project, on_path, *arguments)
    assert shown.returncode == 0, shown.stderr
    assert ("992629472" in shown.stdout) or ("1 passed" in shown.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("on_path", [False, True], ids=["cwd", "PYTHONPATH"])
def test_an_evaluator_that_imports_the_users_own_modules_is_searched_with(
    on_path: bool, project: Path
) -> None:
    shown = _python(
        project, on_path, "-m", "effsearch.cli.app", "baseline", "--target-flops", "400M",
        "-n", "3", "--evaluator", "evaluator.py:evaluate", "--workers", "1", "-q",
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    assert "0.5700" in shown.stdout


def _python(project: Path, on_path: bool, *arguments: str) -> "subprocess.CompletedProcess[str]":
    path = os.pathsep.join(filter(None, [str(project), os.environ.get("PYTHONPATH")]))
    environment = os.environ | ({"PYTHONPATH": path} if on_path else {})
    return subprocess.run(
        [sys.executable, *arguments], cwd=project, env=environment, capture_output=True, text=True
    )
