"""The table of trials: typed, complete, and the same in CSV and frame."""

from pathlib import Path

import pandas as pd
from making import asked, failed, small_search, told

from effsearch.results.store.ledger import Event
from effsearch.results.store.table import csv_text, trials_frame, trials_rows, write_csv
from effsearch.results.store.trials import join_trials


def test_the_columns_come_in_the_documented_order() -> None:
    events = small_search()
    events += [told(5, measurements={"accuracy": 0.1, "latency_ms": 8.5, "macs": 1, "note": "n"})]
    header = csv_text(join_trials(events)).splitlines()[0]
    assert header == (
        "trial,batch,state,reward,accuracy,macs,params,memory_bytes,seconds,seed,arch_id,"
        "architecture,reason,error,latency_ms,measured_macs,note"
    )


def test_a_frame_has_typed_columns() -> None:
    frame = trials_frame(join_trials(small_search()))
    assert frame.dtypes.astype(str).to_dict() == {
        "trial": "Int64",
        "batch": "Int64",
        "state": "string",
        "reward": "Float64",
        "accuracy": "Float64",
        "macs": "Int64",
        "params": "Int64",
        "memory_bytes": "Int64",
        "seconds": "Float64",
        "seed": "Int64",
        "arch_id": "string",
        "architecture": "string",
        "reason": "string",
        "error": "string",
    }
    assert frame["macs"].tolist() == [385_000_000 + trial for trial in range(6)]
    assert frame["reward"].isna().tolist() == [False] * 4 + [True, True]


def test_csv_reads_back_through_pandas_to_the_same_frame(tmp_path: Path) -> None:
    events = small_search()
    events[0] = asked(0, seed=2**63 - 1)
    events.append(
        told(5, reward=-0.1, measurements={"accuracy": 1 / 3, "stable": True, "note": 'a "b",\nc'})
    )
    trials = join_trials(events)
    write_csv(trials, tmp_path / "trials.csv")
    frame = trials_frame(trials)
    read = pd.read_csv(tmp_path / "trials.csv", dtype=frame.dtypes.to_dict())
    pd.testing.assert_frame_equal(read, frame)


def test_counts_are_whole_integers_in_csv() -> None:
    row = csv_text(join_trials([asked(0), told(0)])).splitlines()[1]
    assert row.startswith("0,0,done,0.4,0.5,385000000,5288548,12345678,1.5,1000,")


def test_text_that_a_spreadsheet_would_run_is_defused_and_numbers_are_left_alone() -> None:
    events: list[Event] = [asked(0), failed(0, error='=HYPERLINK("x")')]
    events += [asked(1), told(1, reward=-0.5)]
    _, lost, done = csv_text(join_trials(events)).splitlines()
    assert lost.endswith('"\'=HYPERLINK(""x"")"')
    assert done.startswith("1,0,done,-0.5,")


def test_a_column_of_whole_and_other_numbers_is_float_and_of_text_is_text() -> None:
    events: list[Event] = [asked(trial) for trial in range(3)]
    events += [
        told(0, measurements={"accuracy": 0.5, "a": 1, "b": 1, "c": 2**70, "d": True}),
        told(1, measurements={"accuracy": 0.5, "a": 0.5, "b": "x", "c": 1, "d": False}),
    ]
    frame = trials_frame(join_trials(events))
    assert frame.dtypes.astype(str)[["a", "b", "c", "d"]].tolist() == [
        "Float64",
        "string",
        "Float64",
        "boolean",
    ]
    assert frame["b"].tolist()[:2] == ["1", "x"]


def test_no_trials_are_a_header_and_no_rows() -> None:
    assert csv_text([]).count("\n") == 1
    assert trials_rows([]) == []
    assert len(trials_frame([])) == 0
