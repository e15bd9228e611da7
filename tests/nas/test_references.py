"""Published networks trained beside a search's finalists, and what the answer says of them."""

import json
from pathlib import Path
from typing import Any

import pytest
from searches import write_evaluator, write_space

from effsearch.nas.baseline import resume_baseline, search_baseline
from effsearch.nas.config import BaselineConfig, make_config
from effsearch.nas.references import load_references
from effsearch.search_spaces.errors import InputError

SCORES = "def evaluate(a, seed): return (0.8 if a.resolution > 100 else 0.9) + seed % 97 / 1e5"


def config(**options: Any) -> BaselineConfig:
    return make_config(options, {})


def test_b0_is_the_reference_where_finalists_are_trained() -> None:
    assert list(load_references(config(finalists=3))) == ["efficientnet-b0"]
    assert load_references(config(finalists=0)) == {}
    assert load_references(config(finalists=3, evaluator="table.csv")) == {}


def test_references_are_named_in_any_spelling_several_or_none() -> None:
    found = load_references(config(finalists=3, reference="EfficientNet-B0, mobilenet_v2"))
    assert list(found) == ["efficientnet-b0", "mobilenet-v2"]
    assert load_references(config(finalists=3, reference="none")) == {}


def test_an_unknown_reference_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'mobilenet-v2'"):
        load_references(config(finalists=3, reference="mobilenet-v9"))


def test_a_reference_without_finalists_is_refused() -> None:
    with pytest.raises(InputError, match="give --finalists"):
        config(reference="resnet-50")


@pytest.mark.slow
def test_the_answer_is_held_against_it_and_a_resumption_trains_it_once(
    tmp_path: Path, ray_address: str
) -> None:
    options = {
        "space": write_space(tmp_path),
        "evaluator": write_evaluator(tmp_path, SCORES),
        "strategy": "random",
        "no_target": True,
        "samples": 4,
        "finalists": 2,
        "finalist_seeds": 2,
        "reference": "mobilenet-v2",
        "workers": 1,
        "ray_address": ray_address,
    }
    root = tmp_path / "runs"
    result = search_baseline(make_config(options, {}), run_dir=root, quiet=True)
    (row,) = result.answer["references"]
    assert (row["name"], row["macs"], len(row["seeds"])) == ("mobilenet-v2", 300774272, 2)
    assert row["accuracy"] == pytest.approx(0.8, abs=0.001)
    assert row["difference_low"] > 0.09
    assert row["headline"].startswith("+10.")
    ledger = (result.path / "references.jsonl").read_bytes()
    again = resume_baseline(result.run, {}, run_dir=root, quiet=True)
    assert (result.path / "references.jsonl").read_bytes() == ledger
    assert json.loads(json.dumps(again.answer["references"])) == result.answer["references"]
