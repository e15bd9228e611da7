"""A working folder in which the commands of the pages find what they speak of."""

import shutil
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from small_model import HELD_OUT, SMALL, write_model
from written import ROOT, blocks

import effsearch
from effsearch.cli.app import main
from effsearch.gridsearch.compare_scaling.config import ComparisonConfig
from effsearch.gridsearch.config import CoefficientsConfig
from effsearch.nas.config import BaselineConfig
from effsearch.results.config import Settings
from effsearch.search_spaces.notation import format_architecture
from effsearch.training.runs.config import TrainConfig

RUNS = {
    "baseline/001": "baseline/finalists",
    "baseline/002": "baseline/finished",
    "coefficients/001": "coefficients/finished",
    "comparison/001": "comparison/interrupted",
    "comparison/002": "comparison/finished",
    "family/001": "family/formula",
    "train/001": "train/finished",
    "train/002": "train/finished",
    "bench/001": "bench/interrupted",
}
MINE = "def evaluate(architecture):\n    return 0.5 + len(architecture.stages) / 100\n"


@pytest.fixture(scope="session")
def working_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`photos`, runs of every kind, a space, a table, an evaluator, and the examples."""
    folder = tmp_path_factory.mktemp("docs")
    data = ROOT / "tests" / "data" / "runs"
    for name, source in RUNS.items():
        shutil.copytree(data / "runs" / source, folder / "runs" / name)
    for train in ("train/001", "train/002"):
        write_model(folder / "runs" / train / "checkpoints" / "best.safetensors", **HELD_OUT)
    (folder / "examples").symlink_to(ROOT / "examples")
    (folder / "lut").mkdir()
    shutil.copy(data / "lut" / "mini-torch-cpu-b1.csv", folder / "lut" / "mnasnet-torch-cpu-b1.csv")
    (space,) = blocks(ROOT / "docs" / "spaces.md", "yaml")
    (folder / "my_space.yaml").write_text(space.text)
    (folder / "mine.py").write_text(MINE)
    for file in ("measure.py", "tiny.yaml"):  # what the prepared search was made with
        shutil.copy(data / file, folder)
    (folder / "measured.csv").write_text(
        f"architecture,accuracy\n{format_architecture(SMALL)},0.9\n"
    )
    draw = {"__name__": "make_images"}
    exec((ROOT / "examples" / "make_images.py").read_text(), draw)
    draw["main"](folder / "photos", 16, 4)
    return folder


@pytest.fixture
def at_work(working_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, and this process in it."""
    monkeypatch.chdir(working_folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return working_folder


@pytest.fixture
def say(at_work: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Run `effsearch` with arguments in this process; its exit code, and what it said."""

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["effsearch", *arguments])
        said = StringIO()
        with redirect_stdout(said), redirect_stderr(said), pytest.raises(SystemExit) as left:
            main()
        assert isinstance(left.value.code, int)
        return left.value.code, said.getvalue()

    return run


TINY = "res16 stem_k3_s1_c8 ir_r1_k3_s2_e2_c16 head_c32 cls10"
SIZES: dict[type[Settings], dict[str, Any]] = {
    BaselineConfig: {
        "space": str(ROOT / "tests" / "data" / "runs" / "tiny.yaml"), "target_flops": "2M",
        "cost_band": 0.5, "strategy": "random", "samples": 2, "finalists": 1, "finalist_seeds": 1,
        "finalist_epochs": 1, "epochs": 1, "max_images": 32, "workers": 1, "proxy_resolution": 8,
        "reference": TINY,
    },
    CoefficientsConfig: {
        "epochs": 1, "max_images": 32, "step": 0.5, "tolerance": 0.3, "repeats": 0, "seeds": 1,
        "workers": 1, "proxy_resolution": 8, "baseline": TINY, "reference": "none",
    },
    TrainConfig: {"epochs": 1, "max_images": 32, "set": {"threads": 1}, "device": "cpu"},
}  # fmt: skip
"""What every search and training of the pages is told besides, over what the page says."""

PREPARED = {
    "search_baseline": (BaselineConfig, "resume_baseline", "baseline/001"),
    "search_coefficients": (CoefficientsConfig, "resume_coefficients", "coefficients/001"),
    "compare_scaling": (ComparisonConfig, "resume_comparison", "comparison/002"),
    "train": (TrainConfig, "resume_training", "train/001"),
}


@pytest.fixture
def at_small_size(monkeypatch: pytest.MonkeyPatch, ray_address: str) -> None:
    """What the pages say, with fewer and smaller networks, images and epochs."""
    for config, changes in SIZES.items():
        make = config.make.__func__  # type: ignore[attr-defined]
        known = changes | ({"ray_address": ray_address} if config is not TrainConfig else {})

        def smaller(cls: Any, *sources: Any, made: Any = make, known: Any = known) -> Any:
            return made(cls, *sources, known)

        monkeypatch.setattr(config, "make", classmethod(smaller))


@pytest.fixture
def prepared(at_work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The long functions read their options, and answer with a run that is finished already.

    What they do themselves, the README's whole way shows, and the tests of each function.
    """
    for name, (config, resume, run) in PREPARED.items():

        def answer(*objects: Any, config: Any = config, resume: str = resume, run: str = run,
                   **options: Any) -> Any:  # fmt: skip
            network = "model" if config is TrainConfig else "baseline"
            config.make(options, dict(zip([network], objects, strict=False)))
            return getattr(effsearch, resume)(run)

        monkeypatch.setattr(effsearch, name, answer)
