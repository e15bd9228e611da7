"""A small piece of the fuzz campaign (`python -m benchmarks.fuzz`), and what it looks for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.fuzz.trial import Input, Outcome

ROOT = Path(__file__).parents[2]
GIVEN = Input(area="yaml", what="cut", arguments=("results", "ls"), shows="family/formula")


@pytest.mark.parametrize(
    ("outcome", "wrong"),
    [
        (Outcome(0, "family/formula\n", "", 0.1), None),
        (Outcome(2, "", "effsearch: no\n", 0.1), None),
        (Outcome(None, "", "", 120.0), "hang"),
        (Outcome(71, "", "Traceback (most recent call last):\nKeyError: 1\n", 0.1), "traceback"),
        (Outcome(-11, "", "", 0.1), "crash"),
        (Outcome(2, "", "", 0.1), "silence"),
        (Outcome(2, "", "effsearch: a\neffsearch: b\n", 0.1), "silence"),
        (Outcome(2, "", "effsearch: \x1b[31m\n", 0.1), "control"),
        (Outcome(0, "baseline/001\n", "", 0.1), "hidden"),
    ],
)
def test_what_is_wrong_is_seen(outcome: Outcome, wrong: str | None) -> None:
    found = outcome.wrong(GIVEN)
    assert (found is None) if wrong is None else (found or "").startswith(wrong)


@pytest.mark.slow
def test_forty_damaged_inputs_end_in_one_line_each() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.fuzz", "--inputs", "40", "--seed", "7"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout
