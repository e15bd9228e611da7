"""The tables that runs write beside their ledgers, read as they stand on the disk."""

from pathlib import Path

import other_kinds
import pytest

from effsearch.results.kinds.registry import kind_of
from effsearch.results.listing import summarise
from effsearch.results.loading import load_run_data
from effsearch.results.store.kind_table import read_table
from effsearch.results.store.run import Run
from effsearch.search_spaces.errors import InputError
from effsearch.training.runs.metrics import COLUMNS


def test_numbers_are_numbers_and_flags_are_flags(tmp_path: Path) -> None:
    first = other_kinds.coefficients(tmp_path).rows[0]
    assert (first["alpha"], first["macs"], first["top_accuracy"]) == (2.0, 700_000_000, None)
    assert (first["tied"], first["chosen"], first["network"]) == (False, False, "net0")
    assert isinstance(first["macs"], int)


def test_a_training_has_all_columns_of_its_metrics(tmp_path: Path) -> None:
    rows = other_kinds.training(tmp_path).rows
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert tuple(rows[0]) == COLUMNS
    assert all(isinstance(value, int | float) for row in rows for value in row.values())


def test_a_line_that_is_being_written_is_passed_over(tmp_path: Path) -> None:
    data = other_kinds.training(tmp_path)
    with (Path(data.path) / "metrics.csv").open("a") as stream:
        stream.write("5,180,0.0")
    assert len(read_table(Path(data.path), kind_of("train").table)) == 4


def test_before_the_first_row_there_are_none(tmp_path: Path) -> None:
    data = other_kinds.training(tmp_path, epochs=0, answer=False)
    assert data.rows == ()
    (Path(data.path) / "metrics.csv").unlink()
    assert read_table(Path(data.path), kind_of("train").table) == ()
    assert read_table(Path(data.path), kind_of("baseline").table) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epoch,step\n1,2\n", r"metrics\.csv has no column images_per_second"),
        (
            ",".join(COLUMNS) + "\n1,2,x" + "," * 7 + "\n",
            r"line 2, learning_rate: 'x' is not a number",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    data = other_kinds.training(tmp_path)
    (Path(data.path) / "metrics.csv").write_text(text)
    with pytest.raises(InputError, match=said):
        read_table(Path(data.path), kind_of("train").table)


def test_a_training_is_listed_by_its_epochs(tmp_path: Path) -> None:
    data = other_kinds.training(tmp_path, epochs=3, answer=False)
    summary = summarise(Run.load(Path(data.path)))
    assert (summary.done, summary.asked, summary.status) == (3, 4, "interrupted")
    assert summary.best_accuracy == pytest.approx(1 - 0.5 / 3)


def test_the_network_of_a_training_is_that_of_its_record(tmp_path: Path) -> None:
    data = other_kinds.training(tmp_path)
    assert data.network is not None
    assert data.network.id == "f5d9815b2a8b"
    data.record["architecture"] = {"stages": "none"}
    assert load_run_data(Run.load(Path(data.path))).network is not None
