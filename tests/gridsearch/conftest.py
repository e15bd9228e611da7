"""What the tests of the grid share: a network small enough to be trained in a blink."""

from pathlib import Path

import pytest

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.notation import parse_architecture

TINY = (
    "res64 act_relu stem_k3_s2_c8 ir_r1_k3_s1_e1_c8 ir_r2_k3_s2_e2_c16 ir_r2_k3_s2_e2_c24 head_c32"
)


@pytest.fixture
def tiny() -> Architecture:
    return parse_architecture(TINY)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runs"
