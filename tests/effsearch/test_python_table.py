"""The table of docs/python.md: every line runs as it stands there."""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import datasets
import numpy as np
import pytest
from PIL import Image
from searches import SMALL_SPACE
from torch.utils.data import Dataset

import effsearch
from effsearch.nas.problem import Candidate
from effsearch.search_spaces.architecture import Architecture

DOCS = Path(__file__).parents[2] / "docs" / "python.md"
ROWS = re.findall(r"^\| (.+?) \| `(.+)` \|$", DOCS.read_text(), re.MULTILINE)
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (24, 8, 8, 3), dtype=np.uint8)
LABELS = np.arange(24) % 3
TINY = "res16 act_relu stem_k3_s1_c8 cn_r1_k3_s2_c8 head_c16"


class Photos(Dataset[Any]):
    def __len__(self) -> int:
        return len(LABELS)

    def __getitem__(self, place: int) -> tuple[Image.Image, int]:
        return Image.fromarray(IMAGES[place]), int(LABELS[place])


class Mine(effsearch.Strategy):
    def propose(self, rng: np.random.Generator, count: int) -> Sequence[Candidate]:
        return self.problem.new(
            self.problem.in_band(self.problem.space.sample(rng, 64)), self.seen, count
        )


class Patience(effsearch.Callback):
    def on_trial(self, trial: Any) -> None:
        if trial.number == 2:
            raise effsearch.Stop


def measure(architecture: Architecture) -> float:
    return int(architecture.id[:4], 16) / 0x20000


def measure_batch(architectures: Sequence[Architecture]) -> list[float]:
    return [measure(one) for one in architectures]


@pytest.fixture(scope="module")
def names(ray_address: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the lines may name: searches join the tests' Ray, trainings are small."""
    folder = tmp_path_factory.mktemp("table")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        small = {"set": {"validation": 0.25, "batch_size": 4}, "device": "cpu", "quiet": True}
        search = partial(effsearch.search_baseline, ray_address=ray_address, workers=1, quiet=True)
        space = effsearch.load_space(SMALL_SPACE)
        network = space.decode(np.zeros(len(space), dtype=np.int64))
        answer = search(
            evaluator=measure, samples=12, space=space, name="first", target_flops="40M"
        )
        tiny = effsearch.parse_architecture(TINY)
        train = partial(effsearch.train, **small)  # type: ignore[arg-type]
        train(tiny, data=(IMAGES, LABELS), epochs=1, resolution=16, name="first")
        picture = folder / "picture.png"
        Image.fromarray(IMAGES[0]).resize((32, 32)).save(picture)
        shown = {name: getattr(effsearch, name) for name in effsearch.__all__}
        hub = datasets.Dataset.from_dict(
            {"image": [Image.fromarray(one) for one in IMAGES], "label": LABELS.tolist()},
            features=datasets.Features(
                {"image": datasets.Image(), "label": datasets.ClassLabel(num_classes=3)}
            ),
        )
        yield {
            "effsearch": SimpleNamespace(
                **shown | {"search_baseline": search, "train": train, "plots": effsearch.plots}
            ),
            "space": space, "network": network, "answer": answer, "photos": Photos(),
            "images": IMAGES, "labels": LABELS, "hub_dataset": hub, "measure": measure,
            "measure_batch": measure_batch, "Mine": Mine, "Patience": Patience, "picture": picture,
        }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("have", "line"), ROWS, ids=[have for have, _ in ROWS])
def test_the_line_runs(have: str, line: str, names: dict[str, Any]) -> None:
    exec(line, dict(names))


def test_the_table_is_there_and_whole() -> None:
    lines = [line for line in DOCS.read_text().splitlines() if line.startswith("| ")]
    assert len(ROWS) == len(lines) - 1 >= 20  # the heading is no row
