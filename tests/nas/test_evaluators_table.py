"""The table of measured networks: looked up by what a network is, not by how it is written."""

import csv
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from searches import SMALL_SPACE

from effsearch.nas.baseline import _table_note
from effsearch.nas.config import BaselineConfig
from effsearch.nas.evaluators.registry import make_evaluator
from effsearch.nas.evaluators.spreadsheet import number
from effsearch.nas.evaluators.table import TableEvaluator, load_table, read_table
from effsearch.nas.options import TableMissing
from effsearch.search_spaces.errors import InputError
from effsearch.search_spaces.notation import format_architecture
from effsearch.search_spaces.space_file import load_space, parse_space
from effsearch.search_spaces.zoo import load_zoo
from effsearch.training.trials.evaluator import Request

SPELLED = """
name: spelled
resolution: 32
stages:
  - block: [{op: identity}, {op: mbconv, kernel: 3}, {op: mbconv, kernel: 5}]
    se: [0, 0.25]
    channels: 16
"""
SPACE = parse_space(SMALL_SPACE, "small")
ROWS = SPACE.sample(np.random.default_rng(0), 3)
ONE, TWO, LACKED = (SPACE.decode(row) for row in ROWS)


def write_table(folder: Path, *rows: Sequence[object], encoding: str = "utf-8") -> Path:
    path = folder / "table.csv"
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows(rows)
    return path


def small_table(folder: Path, missing: TableMissing = "fail") -> TableEvaluator:
    return load_table(
        write_table(
            folder,
            ("architecture", "accuracy", "latency_ms", "note"),
            (format_architecture(ONE), 0.5, 3, "quick"),
            (json.dumps(TWO.to_dict()), 0.7, "nan", ""),
            (format_architecture(ONE), 0.6, 4, "again"),
        ),
        SPACE,
        missing,
    )


def test_a_network_is_found_by_notation_or_json_with_its_numbers(tmp_path: Path) -> None:
    evaluator = small_table(tmp_path)
    results = evaluator.evaluate([Request(0, ONE, 0), Request(1, TWO, 5)])
    assert results == [{"accuracy": 0.5, "latency_ms": 3.0}, {"accuracy": 0.7}]


def test_of_several_rows_of_a_network_the_seed_picks_one(tmp_path: Path) -> None:
    evaluator = small_table(tmp_path)
    picked = [evaluator.evaluate([Request(0, ONE, seed)])[0]["accuracy"] for seed in range(6)]
    assert picked == [0.5, 0.6, 0.5, 0.6, 0.5, 0.6]


def test_a_network_that_the_table_lacks_fails_alone(tmp_path: Path) -> None:
    evaluator = small_table(tmp_path)
    results = evaluator.evaluate([Request(0, LACKED, 0), Request(1, TWO, 0)])
    assert results == [
        {
            "error": f"network {LACKED.id} is not in the table; --table-missing nearest takes the "
            "nearest one's values"
        },
        {"accuracy": 0.7},
    ]


def test_a_network_that_the_table_lacks_may_take_the_nearest_ones_values(tmp_path: Path) -> None:
    evaluator = small_table(tmp_path, "nearest")
    away = [(ROWS[place] != ROWS[2]).sum() for place in (0, 1)]
    assert away[0] != away[1]
    near, accuracy = ((ONE, 0.5), (TWO, 0.7))[int(np.argmin(away))]
    lacked, known = evaluator.evaluate([Request(0, LACKED, 0), Request(1, TWO, 0)])
    assert (lacked["accuracy"], lacked["taken_from"]) == (accuracy, near.id)
    assert known == {"accuracy": 0.7}
    assert evaluator.evaluate([Request(0, LACKED, 0)]) == [lacked]


def test_what_a_table_lacks_is_counted_by_network_not_by_spelling(tmp_path: Path) -> None:
    space = parse_space(SPELLED, "spelled")
    one, *others = {space.decode(row).id: space.decode(row) for row in space.enumerate()}.values()
    assert len(others) + 1 < space.size
    path = write_table(tmp_path, ("architecture", "accuracy"), (format_architecture(one), 0.5))
    table = load_table(path, space, "fail")
    assert table.coverage.lacking == len(others)
    assert _table_note(table).startswith(f"the table lacks {len(others)} networks of the space: ")


@pytest.mark.parametrize(
    ("missing", "become"),
    [
        ("fail", "each that is asked for is a failed trial (--table-missing nearest takes"),
        ("nearest", "the values of the nearest one are used"),
    ],
)
def test_of_a_space_too_large_to_count_what_the_table_holds_is_told(
    tmp_path: Path, missing: TableMissing, become: str
) -> None:
    space = load_space("mnasnet")
    network = space.decode(space.sample(np.random.default_rng(0), 1)[0])
    path = write_table(tmp_path, ("architecture", "accuracy"), (format_architecture(network), 0.5))
    note = _table_note(load_table(path, space, missing))
    held = f"the table holds 1 network of the space's {space.size:.2g} or fewer, and lacks the"
    assert note.startswith(f"{held} others: {become}")


@pytest.mark.parametrize(
    ("kept", "note"), [(0, ""), (1, "the table lacks 1 network of the space: ")]
)
def test_a_table_that_lacks_one_network_or_none(tmp_path: Path, kept: int, note: str) -> None:
    space = parse_space(SPELLED, "spelled")
    every = {space.decode(row).id: space.decode(row) for row in space.enumerate()}
    rows = [(format_architecture(network), 0.5) for network in every.values()]
    path = write_table(tmp_path, ("architecture", "accuracy"), *rows[kept:])
    assert _table_note(load_table(path, space, "fail"))[: len(note) or None] == note


def test_a_table_without_a_network_of_the_space_is_refused(tmp_path: Path) -> None:
    path = write_table(
        tmp_path,
        ("architecture", "accuracy"),
        (format_architecture(load_zoo("mobilenet-v1")), 0.7),
    )
    with pytest.raises(InputError, match="holds no network of space 'small'"):
        load_table(path, SPACE, "fail")


def test_the_mark_that_excel_puts_first_does_no_harm(tmp_path: Path) -> None:
    path = write_table(
        tmp_path,
        ("architecture", "accuracy"),
        (format_architecture(ONE), 0.5),
        encoding="utf-8-sig",
    )
    assert load_table(path, SPACE, "fail").evaluate([Request(0, ONE, 0)]) == [{"accuracy": 0.5}]


def test_the_record_of_a_run_tells_a_changed_table(tmp_path: Path) -> None:
    records = []
    for accuracy in (0.5, 0.5, 0.6):
        path = write_table(
            tmp_path, ("architecture", "accuracy"), (format_architecture(ONE), accuracy)
        )
        source = make_evaluator(BaselineConfig.make({"evaluator": str(path)}), SPACE)
        records.append(source.record)
    assert records[0] == records[1] != records[2]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "lacks the column 'architecture'"),
        ([("architecture", "acc")], "lacks the column 'accuracy'"),
        ([("architecture", "accuracy")], "has no rows"),
        (
            [("architecture", "accuracy"), ("ir_r1_k3", 0.5)],
            "line 2: ",
        ),
        ([("architecture", "accuracy"), ('{"stem": 5}', 0.5)], "line 2: "),
        ([("architecture", "accuracy"), ("{torn", 0.5)], "line 2: "),
        ([("architecture", "accuracy"), ("", 0.5)], "line 2: the architecture is missing"),
        (
            [("accuracy", "architecture"), (0.5,)],
            "line 2: the architecture is missing",
        ),
        (
            [("architecture", "accuracy"), (format_architecture(ONE), 71.3)],
            r"line 2: accuracy 71.3 is not a fraction in \[0, 1\]; divide percents by 100",
        ),
        (
            [("architecture", "accuracy"), (format_architecture(ONE), "nan")],
            "line 2: accuracy is 'nan', not a number",
        ),
        (
            [("architecture", "accuracy"), (format_architecture(ONE), "good")],
            "line 2: accuracy is 'good', not a number",
        ),
        (
            [("architecture", "accuracy"), (format_architecture(ONE),)],
            "line 2: accuracy is '', not a number",
        ),
        (
            [("architecture", "accuracy"), (format_architecture(ONE), -0.1)],
            "line 2: accuracy -0.1 is not a fraction",
        ),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_its_line(
    rows: list[Sequence[object]], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message) as refused:
        load_table(write_table(tmp_path, *rows), SPACE, "fail")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00\x01", b'architecture,accuracy\n"\x00'])
def test_a_file_that_is_no_csv_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match="table "):
        load_table(path, SPACE, "fail")


# as spreadsheets write it


def spreadsheet(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "sheet.csv"
    path.write_text(text.replace("ONE", format_architecture(ONE)), encoding=encoding, newline="")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "architecture,accuracy,latency_ms\nONE,0.713,3.5\n",
        "architecture;accuracy;latency_ms\r\nONE;0,713;3,5\r\n",
        "architecture\taccuracy\tlatency_ms\nONE\t0.713\t3.5\n",
        "sep=;\r\narchitecture;accuracy;latency_ms\r\nONE;0,713;3,5\r\n",
        " Architecture , ACCURACY ,latency_ms\n ONE , 0.713 , 3.5 \n",
        "architecture,accuracy,latency_ms\nONE,71.3%,3.5\n",
        "architecture;Accuracy (%);latency_ms\nONE;71,3;3,5\n",
        "architecture;accuracy in percent;latency_ms\nONE;71,3 %;3,5\n",
        "architecture,accuracy,latency_ms,,\nONE,0.713,3.5,,\n,,,,\n\n,,,,\n",
        '"architecture","accuracy","latency_ms"\n"ONE","0,713","3,5"\n',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_a_spreadsheet_writes_is_read(tmp_path: Path, text: str, encoding: str) -> None:
    (rows,) = read_table(spreadsheet(tmp_path, text, encoding)).values()
    (row,) = rows
    assert row["accuracy"] == pytest.approx(0.713)
    assert row["latency_ms"] == 3.5


def test_the_columns_that_were_found_are_named(tmp_path: Path) -> None:
    path = spreadsheet(tmp_path, "model;top1\nONE;0,7\n")
    said = "lacks the column 'architecture': its columns are 'model', 'top1'"
    with pytest.raises(InputError, match=said):
        read_table(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.234,5", 1234.5),
        ("1,234.5", 1234.5),
        ("385,814,752", 385814752),
        ("7 %", 0.07),
    ],
)
def test_numbers_of_every_country(text: str, value: float) -> None:
    assert number(text) == pytest.approx(value)


def test_what_is_no_table_is_one_line(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "book.csv").write_bytes(b"PK\x03\x04")
    (tmp_path / "long.csv").write_text("x" * 300_000)
    for path, said in (
        (tmp_path / "pipe.csv", "not a regular file"),
        (Path("/dev/zero"), "not a regular file"),
        (tmp_path / "book.csv", "save it as CSV"),
        (tmp_path / "long.csv", "is not a CSV"),
        (tmp_path / ("x" * 5000), "cannot be read"),
    ):
        with pytest.raises(InputError, match=said):
            read_table(path)
