"""A strategy, an operation and a metric, added to a copy by following the architecture page."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from written import ROOT, blocks

FOLDERS = ("src", "nas", "gridsearch", "training", "latency", "results", "search_spaces")
PAGE = ROOT / "docs" / "architecture.md"
TITLE = re.compile(r'title="([^"]+)"')

TRIED = {
    "A strategy": """
from effsearch.nas.objective import Objective, banded_target
from effsearch.nas.problem import Problem, Result
from effsearch.nas.strategies.registry import make_strategy
from effsearch.search_spaces.space_file import load_space
problem = Problem.of(load_space("mnasnet"), Objective((banded_target("macs", 4e8),)))
strategy = make_strategy("crossover", problem, 1)
for _ in range(3):
    batch = strategy.ask(4)
    strategy.tell([Result(one, 0.5, one.costs["params"] / 1e8) for one in batch])
    assert len(batch) == 4 and all(one.costs["macs"] <= 4e8 for one in batch)
""",
    "An operation": """
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.fvcore_check import fvcore_macs
from effsearch.search_spaces.notation import format_architecture, parse_architecture
network = parse_architecture("res16 stem_k3_s1_c8 dc_r1_k3_s2_e1_c24 head_c32 cls10")
assert parse_architecture(format_architecture(network)) == network
assert cost(network).macs == fvcore_macs(network)
""",
    "A metric": """
from effsearch.nas.cost_model import KnownCosts
from effsearch.search_spaces.metrics import find_metric
from effsearch.search_spaces.space_file import load_space
import numpy as np
space = load_space("mnasnet")
known = KnownCosts(space)
costs = known(space.sample(np.random.default_rng(0), 3))
assert (costs["weight_bytes"] == costs["params"]).all()
assert set(known.ranges) >= {"weight_bytes"}
assert find_metric("weight_bytes").unit == "B"
""",
}
FILES = {"A strategy": 2, "An operation": 2, "A metric": 2}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages, with the links between them."""
    root = tmp_path_factory.mktemp("copy")
    for folder in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, root / folder, symlinks=True, ignore=ignored)
    return root


@pytest.mark.parametrize("title", TRIED)
def test_what_the_page_adds_works(title: str, copy: Path) -> None:
    changed = {}
    for block in blocks(PAGE, "python", "diff"):
        if not _is_below(title, block.line):
            continue
        found = TITLE.search(block.info)
        assert found, f"{PAGE.name}:{block.line} names no file"
        path = copy / found[1]
        changed.setdefault(path, path.read_text() if path.exists() else None)
        path.write_text(_applied(path, block.text))
    try:
        assert len(changed) == FILES[title]
        done = subprocess.run(
            [sys.executable, "-c", TRIED[title]],
            env=os.environ | {"PYTHONPATH": str(copy / "src")},
            capture_output=True, text=True, cwd=copy,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    finally:  # taken out again
        for path, before in changed.items():
            path.unlink() if before is None else path.write_text(before)


def _is_below(title: str, line: int) -> bool:
    headings = [
        text.strip("# ")
        for text in PAGE.read_text().splitlines()[:line]
        if text.startswith("##")
    ]  # fmt: skip
    return headings[-1] == title


def _applied(path: Path, block: str) -> str:
    """The file with a block: whole where it is new, else the new lines behind the one above."""
    if not path.exists():
        return block
    anchor, *new = (line[1:] for line in block.splitlines(keepends=True))
    text = path.read_text()
    assert text.count(f"\n{anchor}") == 1, f"{path.name} has not one line {anchor!r}"
    return text.replace(f"\n{anchor}", f"\n{anchor}{''.join(new)}")
