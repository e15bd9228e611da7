"""The ledger: nothing fsynced is lost, nothing corrupt is believed."""

import json
import random
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import asked, failed, small_search, told, write_ledger

from effsearch.results.store.ledger import Event, Ledger, digest, iterate_events, read_events
from effsearch.search_spaces.errors import EffsearchError, InputError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trials.jsonl"


def test_events_read_back_as_they_were_appended(path: Path) -> None:
    write_ledger(path, small_search())
    assert read_events(path) == small_search()
    with Ledger.open(path) as ledger:
        assert ledger.notice is None
        ledger.append(told(5))
        assert list(ledger.events()) == [*small_search(), told(5)]


def test_what_a_ledger_held_when_it_was_opened_is_read_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_ledger(path, small_search())
    with Ledger.open(path) as ledger:
        with monkeypatch.context() as closed:
            closed.setattr(Path, "open", None)
            assert ledger.history() == small_search()
        assert ledger.history() == small_search()
    with Ledger.open(path) as ledger:
        ledger.append(asked(9))
        with pytest.raises(InputError, match="contradicts itself"):
            ledger.history()


def test_a_line_is_an_object_with_its_kind_under_event(path: Path) -> None:
    write_ledger(path, [asked(0), told(0), failed(1)])
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["asked", "told", "failed"]
    assert lines[0]["costs"]["macs"] == 385_000_000
    assert path.read_text().endswith("\n")


@given(
    error=st.text(),
    reward=st.floats(allow_nan=False, allow_infinity=False),
    seed=st.integers(min_value=0),
)
def test_any_text_and_any_finite_number_round_trips(error: str, reward: float, seed: int) -> None:
    from effsearch.results.store.events import decode_event, encode_event

    for event in (asked(0, seed=seed), told(0, reward=reward), failed(0, error=error)):
        line = encode_event(event)
        assert "\n" not in line
        assert decode_event(line.encode()) == event


def test_numbers_of_numpy_are_written_as_plain_ones(path: Path) -> None:
    event = told(0, reward=np.float64(0.5), measurements={"accuracy": np.float32(0.25)})
    counted = asked(0, costs={"macs": np.int64(7)}, encoding=tuple(np.array([1, 2])))
    write_ledger(path, [counted, event])
    first, second = read_events(path)
    assert first == asked(0, costs={"macs": 7}, encoding=(1, 2))
    assert second == told(0, reward=0.5, measurements={"accuracy": 0.25})
    assert digest([counted, event]) == digest([first, second])


@pytest.mark.parametrize(
    "measurements", [{"accuracy": float("nan")}, {"accuracy": 1, "extra": object()}]
)
def test_what_json_cannot_hold_is_refused_and_nothing_is_written(
    path: Path, measurements: dict[str, object]
) -> None:
    with Ledger.open(path) as ledger:
        with pytest.raises(InputError, match="trial 7 cannot be recorded as 'told'"):
            ledger.append(asked(7), told(7, measurements=measurements))
        ledger.append(asked(8))
    assert read_events(path) == [asked(8)]


@pytest.mark.parametrize("cut", [1, 2, 40])
def test_a_torn_last_line_is_passed_over_in_reading_and_cut_off_on_opening(
    path: Path, cut: int
) -> None:
    write_ledger(path, small_search())
    path.write_bytes(path.read_bytes()[:-cut])
    torn = path.read_bytes()
    assert read_events(path) == small_search()[:-1]
    assert path.read_bytes() == torn
    with Ledger.open(path) as ledger:
        assert ledger.notice is not None
        assert "dropped a torn last line" in ledger.notice
        ledger.append(failed(4))
    assert read_events(path) == small_search()


def test_a_last_line_of_zeros_counts_as_torn(path: Path) -> None:
    write_ledger(path, [asked(0)])
    with path.open("ab") as stream:
        stream.write(b"\0" * 30 + b"\n")
    with Ledger.open(path) as ledger:
        assert ledger.notice is not None
    assert read_events(path) == [asked(0)]


def test_a_ledger_of_one_torn_line_is_an_empty_ledger(path: Path) -> None:
    path.write_text('{"event": "as')
    assert read_events(path) == []
    with Ledger.open(path) as ledger:
        assert ledger.notice is not None
    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"event": "asked", "tri', "not JSON"),
        ("\xff\xfe", "not JSON"),
        ("", "not JSON"),
        ('{"event": "told", "reward": NaN}', "not JSON"),
        ("[1, 2]", "unknown event None"),
        ('{"event": "paused"}', "unknown event 'paused'"),
        ('{"event": ["told"]}', "unknown event"),
        ('{"event": "told", "trial": 0}', "'measurements' is missing from 'told'"),
        ('{"event": "failed", "trial": "0"}', "'trial' of 'failed' cannot be '0'"),
    ],
)
def test_a_corrupt_middle_is_refused_with_file_line_and_cure(
    path: Path, line: str, what: str
) -> None:
    write_ledger(path, [asked(0), told(0)])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + line.encode("latin-1") + b"\n" + lines[1])
    before = path.read_bytes()
    for act in (read_events, Ledger.open):
        with pytest.raises(InputError) as refused:
            act(path)
        message = str(refused.value)
        assert message.startswith(f"{path}, line 2: ")
        assert what in message
        assert "head -n 1" in message
        assert "\n" not in message
    assert path.read_bytes() == before


@pytest.mark.parametrize("key", ["trial", "costs", "encoding", "architecture", "time"])
def test_a_missing_key_is_refused_even_on_the_last_line(path: Path, key: str) -> None:
    write_ledger(path, [asked(0)])
    document = json.loads(path.read_text())
    del document[key]
    path.write_text(json.dumps(document) + "\n")
    with pytest.raises(InputError, match=f"line 1: '{key}' is missing"):
        read_events(path)


def test_a_missing_ledger_is_an_input_error(path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read the ledger .*trials\.jsonl"):
        read_events(path)


def test_the_digest_does_not_depend_on_order_times_or_workers() -> None:
    events = small_search()
    shuffled: list[Event] = [replace(event, time=0.0) for event in events]
    shuffled = [
        event if hasattr(event, "costs") else replace(event, worker="x", seconds=9.0)
        for event in shuffled
    ]
    random.Random(0).shuffle(shuffled)
    assert digest(shuffled) == digest(events)
    assert len(digest(events)) == 16


@pytest.mark.parametrize(
    "changed",
    [told(0, reward=0.5), told(0, measurements={"accuracy": 0.1}), failed(0), asked(0, seed=1)],
)
def test_the_digest_depends_on_everything_else(changed: Event) -> None:
    assert digest([asked(1), changed]) != digest([asked(1), told(0)])
    assert digest([asked(1)]) != digest([])


def test_a_full_disk_keeps_the_events_before_and_none_of_the_group(path: Path) -> None:
    code = (
        "import sys, resource; from pathlib import Path\n"
        "sys.path.insert(0, 'tests/results'); from making import *\n"
        "from effsearch.search_spaces.errors import EffsearchError\n"
        "ledger = Ledger.open(Path(sys.argv[1])); ledger.append(asked(0))\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (2000, {resource.RLIM_INFINITY}))\n"
        "try: ledger.append(*map(asked, range(1, 50)))\n"
        "except EffsearchError as problem: print(problem)\n"
        "ledger.append(told(0))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True
    )
    assert ended.stdout.startswith(f"cannot write {path}: File too large"), ended.stderr
    assert read_events(path) == [asked(0), told(0)]


def test_a_writer_killed_at_any_moment_loses_no_line_it_had_reported(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "sys.path.insert(0, 'tests/results'); from making import *\n"
        "ledger = Ledger.open(Path(sys.argv[1]))\n"
        "for trial in range(1_000_000):\n"
        "    ledger.append(asked(trial), told(trial)); print(trial, flush=True)"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    for _ in range(20):
        writer.stdout.readline()
    time.sleep(random.random() / 20)
    writer.send_signal(signal.SIGKILL)
    reported = 20 + len(writer.stdout.read().splitlines())
    writer.wait(timeout=10)
    with Ledger.open(path):
        events = read_events(path)
    assert sum(event == told(event.trial) for event in events) >= reported
    assert [event.trial for event in events if event == asked(event.trial)] == list(
        range((len(events) + 1) // 2)
    )


def test_a_ledger_that_is_being_written_reads_as_far_as_it_goes(path: Path) -> None:
    with Ledger.open(path) as ledger:
        ledger.append(asked(0))
        reading = iterate_events(path)
        assert next(reading) == asked(0)
        ledger.append(told(0))
        assert read_events(path) == [asked(0), told(0)]


def test_ten_thousand_trials_are_read_in_well_under_a_second_and_a_few_tens_of_megabytes(
    path: Path,
) -> None:
    encoding = tuple(range(30))
    with Ledger.open(path) as ledger:
        for start in range(0, 10_000, 500):
            trials = range(start, start + 500)
            ledger.append(*(asked(trial, encoding=encoding) for trial in trials))
            ledger.append(*(told(trial) for trial in trials))
    code = (
        "import resource, sys, time; from pathlib import Path\n"
        "from effsearch.results.store.ledger import read_events\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "before, start = peak(), time.process_time()\n"
        "events = read_events(Path(sys.argv[1]))\n"
        "print(len(events), time.process_time() - start, peak() - before)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True
    )
    count, seconds, megabytes = ended.stdout.split()
    assert int(count) == 20_000
    assert float(seconds) < 1.5  # about 0.3 on an idle core
    assert float(megabytes) < 40


def test_opening_where_nothing_can_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(EffsearchError, match="cannot write"):
        Ledger.open(tmp_path / "no-folder" / "trials.jsonl")
