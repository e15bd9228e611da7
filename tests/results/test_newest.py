"""Which answer is taken where none is named, and what is said of it."""

from pathlib import Path

from effsearch.results.store.answers import find_baseline, find_coefficients
from effsearch.results.store.files import write_json
from effsearch.results.store.run import Run
from effsearch.search_spaces.zoo import load_zoo


def answered(root: Path, network: str, samples: int, accuracy: float = 0.9772) -> None:
    """A finished search that found this network."""
    found = load_zoo(network)
    answer = {
        "architecture": found.to_dict(),
        "macs": 385_814_752,
        "accuracy": accuracy,
        "conditions": {"sentence": "on 359 held-out images of digits (10 classes)"},
        "samples": samples,
    }
    with Run.create(root, "baseline", None, command=["x"], config={"seed": 0}) as run:
        write_json(run.paths.answer, answer)
        run.finish("finished")


def test_the_newest_is_said_with_its_size_its_accuracy_and_what_else_there_is(
    tmp_path: Path,
) -> None:
    answered(tmp_path, "mobilenet-v2", 120)
    answered(tmp_path, "efficientnet-b0", 200)
    found = find_baseline(tmp_path, None)
    assert found.architecture.id == load_zoo("efficientnet-b0").id
    assert found.source == "run baseline/002"
    assert found.note == (
        "using baseline/002, as none was named; 385.8M MACs; accuracy 0.9772 on 359 held-out "
        "images of digits (10 classes); 200 networks evaluated; older: baseline/001 (120)"
    )
    assert find_baseline(tmp_path, "baseline").note == found.note
    assert find_baseline(tmp_path, "baseline/002").note == ""


def test_a_search_of_few_networks_is_not_taken_before_a_full_one(tmp_path: Path) -> None:
    answered(tmp_path, "efficientnet-b0", 100)
    answered(tmp_path, "mobilenet-v2", 8)
    found = find_baseline(tmp_path, None)
    assert found.source == "run baseline/001"
    assert found.note.endswith("newer, but of fewer than 100 networks: baseline/002 (8)")
    assert find_baseline(tmp_path, "baseline/002").source == "run baseline/002"


def test_where_all_are_of_few_networks_the_newest_is_taken_and_that_is_said(
    tmp_path: Path,
) -> None:
    answered(tmp_path, "efficientnet-b0", 32)
    answered(tmp_path, "mobilenet-v2", 8)
    found = find_baseline(tmp_path, None)
    assert found.source == "run baseline/002"
    assert "8 networks evaluated, fewer than the 100 of a full search" in found.note


def test_without_any_the_published_ones_are_taken(tmp_path: Path) -> None:
    assert find_baseline(tmp_path, None).source == "efficientnet-b0 (no finished baseline run)"
    assert find_coefficients(tmp_path, None).note == ""
