"""The commands as Python functions: what they take, and what they say of what they do not."""

from collections.abc import Callable
from pathlib import Path

import pytest

import effsearch

PAPER = "1.2,1.1,1.15"


@pytest.fixture(autouse=True)
def in_a_new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_family_takes_paths_and_ranges_as_the_command_line_does() -> None:
    first = effsearch.scale_family("efficientnet-b0", PAPER, "0..1", resolution_rounding="8")
    file = Path("mine.json")
    file.write_text('{"alpha": 1.2, "beta": 1.1, "gamma": 1.15}')
    again = effsearch.scale_family(first.path / "phi0.json", file, [0, 1], resolution_rounding=8)  # type: ignore[arg-type]
    assert [one.cost for one in again.members] == [one.cost for one in first.members]


WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: effsearch.scale_family(5), "baseline: a network is a name of the zoo"),  # type: ignore[arg-type]
    (
        lambda: effsearch.scale_family(None, (1.2, 1.1, 1.15)),  # type: ignore[arg-type]
        r"coefficients must be text, not \(1\.2, 1\.1, 1\.15\)",
    ),
    (lambda: effsearch.scale_family(phis=1), r"phis must be numbers such as \[0, 1, 2\], not 1"),  # type: ignore[arg-type]
    (lambda: effsearch.scale_family(phis=["x"]), "phis must be numbers"),  # type: ignore[list-item]
    (lambda: effsearch.scale_family(phis="3..1"), r"the range 3\.\.1 falls"),
    (lambda: effsearch.scale_family(resolution_rounding=7), "unknown resolution_rounding"),  # type: ignore[arg-type]
    (lambda: effsearch.scale_family(phis=[0], name=5), "'5' cannot name a run"),  # type: ignore[arg-type]
    (
        lambda: effsearch.search_baseline(space=Path("none.yaml"), target_flops="400M"),
        "no space file 'none.yaml'",
    ),
    (lambda: effsearch.search_baseline(target_flops=True), "'True' is not an amount"),
    (lambda: effsearch.search_coefficients(phi="1"), "phi must be a number, not '1'"),
    (lambda: effsearch.search_coefficients(baseline=Path("none.json")), "no file 'none.json'"),
    (lambda: effsearch.compare_scaling([Path("none.json")]), "no file 'none.json'"),
    (lambda: effsearch.compare_scaling(budgets=5), "budgets must be a list of texts"),
    (lambda: effsearch.resume_comparison("comparison/007"), "there is no run"),
    (lambda: effsearch.train(Path("none.json")), "no file 'none.json'"),
    (lambda: effsearch.train("efficientnet-b0", data=Path("none")), "unknown dataset 'none'"),
    (lambda: effsearch.load_run("baseline/007"), "there is no run 'baseline/007'"),
]


@pytest.mark.parametrize(("call", "message"), WRONG, ids=[message for _, message in WRONG])
def test_what_cannot_be_meant_is_an_error_of_ours(
    call: Callable[[], object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(effsearch.EffsearchError, match=message):
        call()
    assert list(tmp_path.rglob("run.json")) == []
