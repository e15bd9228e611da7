"""The legs for a card: what is measured is kept, gone on with, and ends in time."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.gpu.leg import Leg, TimeIsUpError
from benchmarks.gpu.setting import Setting, rehearsal

ROOT = Path(__file__).parents[2]
LEGS = ("search", "compare", "latency")


def leg(folder: Path, *, seconds: float = 60, setting: Setting | None = None) -> Leg:
    return Leg("search", setting or rehearsal("digits"), folder, seconds)


def test_a_measurement_is_kept_at_once_and_not_made_again(tmp_path: Path) -> None:
    leg(tmp_path).once("first", lambda: {"accuracy": 0.5})
    document = json.loads((tmp_path / "gpu_search.json").read_text(encoding="utf-8"))

    assert document["found"] == {"first": {"accuracy": 0.5}}
    assert not document["finished"]
    assert leg(tmp_path).once("first", lambda: pytest.fail("measured again")) == {"accuracy": 0.5}


def test_nothing_is_begun_that_the_time_does_not_hold(tmp_path: Path) -> None:
    short = leg(tmp_path, seconds=5)

    assert short.once("quick", lambda: 1, seconds=1) == 1
    with pytest.raises(TimeIsUpError):
        short.once("long", lambda: pytest.fail("begun"), seconds=10)


def test_what_another_setting_found_is_not_gone_on_with(tmp_path: Path) -> None:
    leg(tmp_path).once("first", lambda: 1)
    other = rehearsal("letters")

    assert leg(tmp_path, setting=other).found == {}


def test_a_leg_s_file_names_no_folder(tmp_path: Path) -> None:
    leg(tmp_path, setting=rehearsal("/somewhere/data/cifar10")).once("first", lambda: 1)

    assert "somewhere" not in (tmp_path / "gpu_search.json").read_text(encoding="utf-8")


@pytest.mark.slow
def test_rehearsed_legs_finish_and_a_second_call_finds_all_done(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.gpu", "--rehearse", "--out", str(tmp_path)]

    def called() -> str:
        done = subprocess.run(
            [*command, "--minutes", "20", *LEGS],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    first, second = called(), called()

    assert [line.split()[:2] for line in first.splitlines()[-len(LEGS) :]] == [
        [name, "finished"] for name in LEGS
    ]
    assert len(second.splitlines()) == len(LEGS) + 2  # the table alone: nothing is measured again
    for name in LEGS:
        document = json.loads((tmp_path / f"gpu_{name}.json").read_text(encoding="utf-8"))
        assert document["finished"]
        assert document["machine"]["cpu"]
