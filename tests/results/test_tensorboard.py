"""What TensorBoard is given of a search, read back from the event files."""

import struct
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import other_kinds
import pytest
from making import asked, failed, make_run, told, write_ledger
from searched import search
from tensorboardX.proto.event_pb2 import Event

from effsearch.results.store.run import Run
from effsearch.results.tensorboard import TensorBoard
from effsearch.search_spaces.errors import InputError


def events(folder: Path) -> list[Event]:
    """All events of a folder's own files; a record is length, checksum, content, checksum."""
    found = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        content, place = path.read_bytes(), 0
        while place < len(content):
            [length] = struct.unpack_from("<Q", content, place)
            found.append(Event.FromString(content[place + 12 : place + 12 + length]))
            place += length + 16
    return found


def points(folder: Path) -> dict[str, list[tuple[int, float]]]:
    read: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for event in events(folder):
        for value in event.summary.value:
            read[value.tag].append((event.step, round(value.simple_value, 4)))
    return read


def test_curves_follow_the_order_in_which_trials_ended(tmp_path: Path) -> None:
    with make_run(tmp_path) as run:
        ended = [told(2, reward=0.3), told(0, reward=0.5), failed(1), told(3, reward=0.4)]
        late = [replace(event, time=2e9 + place) for place, event in enumerate(ended)]
        write_ledger(run.paths.ledger, [*map(asked, range(5)), *late])
        with TensorBoard(run, tmp_path / "board") as board:
            assert board.update() == 4
    read = points(tmp_path / "board")
    assert read["search/reward"] == [(1, 0.3), (2, 0.5), (4, 0.4)]
    assert read["search/best_reward"] == [(1, 0.3), (2, 0.5), (3, 0.5), (4, 0.5)]
    assert read["search/failed"] == [(1, 0), (2, 0), (3, 1), (4, 1)]
    assert read["cost/params"][0] == (1, 5_288_548)


def test_only_what_is_new_is_written(tmp_path: Path) -> None:
    with make_run(tmp_path) as run:
        write_ledger(run.paths.ledger, [asked(0), asked(1), told(0)])
        with TensorBoard(run, tmp_path / "board") as board:
            assert board.update() == 1
            assert board.update() == 0
            write_ledger(run.paths.ledger, [told(1)])
            assert board.update() == 1
    assert [step for step, _ in points(tmp_path / "board")["search/reward"]] == [1, 2]


def test_a_writer_strikes_out_what_was_written_before(tmp_path: Path) -> None:
    run = Run.load(Path(search(tmp_path, 4).path))
    with TensorBoard(run, tmp_path / "board") as board:
        board.update()
    [start] = [event for event in events(tmp_path / "board") if event.HasField("session_log")]
    assert start.step == 1


def test_each_network_has_its_choices_as_hyper_parameters(tmp_path: Path) -> None:
    run = Run.load(Path(search(tmp_path, 8).path))
    with TensorBoard(run, tmp_path / "board") as board:
        board.update()
    folders = sorted(path for path in (tmp_path / "board").iterdir() if path.is_dir())
    assert len(folders) == 8
    tags = {value.tag for event in events(folders[0]) for value in event.summary.value}
    assert {"trial/reward", "trial/accuracy", "trial/macs"} <= tags
    assert b"stage 1 kernel" in next(folders[0].glob("events*")).read_bytes()


def test_a_training_is_pointed_to_its_own_logger(tmp_path: Path) -> None:
    run = Run.load(Path(other_kinds.training(tmp_path).path))
    with pytest.raises(InputError, match="effsearch train --logger tensorboard"):
        TensorBoard(run, tmp_path / "board")
