"""An answer is the same, whether its run went through at once or was gone on with."""

import json
import shutil
from pathlib import Path

import pytest


@pytest.mark.slow
def test_an_answer_names_its_baseline_as_it_was_given_also_where_the_run_goes_on(
    cli, tmp_path: Path
) -> None:
    old = Path(__file__).parents[1] / "data/runs/runs/coefficients/finished"
    run = Path(shutil.copytree(old, tmp_path / "runs/coefficients/1"))
    record = json.loads((run / "run.json").read_text())
    record["baseline"]["source"] = "my network"
    (run / "run.json").write_text(json.dumps(record))
    answer = cli("coefficients", "--resume", "coefficients/1", "--prefer", "accuracy", "-q")
    assert answer.code == 0, answer.err
    found = json.loads((run / "coefficients.json").read_text())
    assert found["baseline"]["source"] == "my network"
