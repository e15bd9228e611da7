"""Loggers of searches: what they were given, read back by their own libraries."""

import csv
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from making import asked, failed, make_run, told
from searched import search

from effsearch.results import loggers
from effsearch.results.followed import followed
from effsearch.results.loggers import LoggedRun, check_loggers, open_loggers
from effsearch.results.optuna_study import write_study
from effsearch.results.store.files import write_json
from effsearch.results.store.ledger import Ledger
from effsearch.results.store.run import Run
from effsearch.search_spaces.errors import InputError, MissingResourceError

pytestmark = pytest.mark.slow  # together they take many seconds


def log_a_search(root: Path, *names: str) -> Run:
    """Three trials of which one fails and one has a curve, then the answer."""
    with make_run(root) as run:
        with followed(run, names) as log, Ledger.open(run.paths.ledger) as ledger:
            ledger.append(asked(0), asked(1), asked(2))
            ledger.append(told(0, reward=0.25, measurements={"accuracy": 0.25}))
            ledger.append(failed(1))
            curve = {"accuracy": 0.75, "curve": [0.5, 0.75]}
            ledger.append(told(2, reward=0.75, measurements=curve))
            write_json(run.paths.answer, {"id": "abc", "accuracy": 0.75})
            log.end(run)
        run.finish("finished")
    return run


def test_a_csv_file_has_every_value_by_step_and_the_curves(tmp_path: Path) -> None:
    run = log_a_search(tmp_path, "csv")
    with (run.path / "log.csv").open() as file:
        rows = [
            (int(row["step"]), row["name"], float(row["value"])) for row in csv.DictReader(file)
        ]
    assert [row for row in rows if row[1] == "search/best_reward"] == [
        (1, "search/best_reward", 0.25),
        (2, "search/best_reward", 0.25),
        (3, "search/best_reward", 0.75),
    ]
    assert (2, "search/failed", 1.0) in rows
    with (run.path / "curves.csv").open() as file:
        assert [list(row.values()) for row in csv.DictReader(file)] == [
            ["1", "trial-00002", "0.5"],
            ["2", "trial-00002", "0.75"],
        ]


def test_a_resumed_search_goes_on_counting(tmp_path: Path) -> None:
    run = log_a_search(tmp_path, "csv")
    with Run.resume(tmp_path, run.path) as again:
        with followed(again, ["csv"]), Ledger.open(again.paths.ledger) as ledger:
            ledger.append(asked(3))
            ledger.append(told(3, reward=0.5))
        again.finish("finished")
    last = (run.path / "log.csv").read_text().splitlines()[-1]
    assert last.startswith("4,")
    assert "4,search/best_reward,0.75" in (run.path / "log.csv").read_text()


def test_tensorboard_has_scalars_pictures_and_the_answer(tmp_path: Path) -> None:
    from test_tensorboard import events

    run = log_a_search(tmp_path, "tensorboard")
    tags = {
        value.tag for event in events(run.path / "tensorboard") for value in event.summary.value
    }
    assert {"search/reward", "search/best_reward", "curves/trial-00002"} <= tags
    assert any(tag.startswith("pictures/") for tag in tags)
    assert any(tag.startswith("answer") for tag in tags)


def test_a_logger_that_fails_is_said_once_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Away(loggers.CsvFile):
        def log(self, metrics: Any, step: int) -> None:
            raise ConnectionError("no route to host")

    monkeypatch.setitem(loggers._KINDS, "csv", loggers._Kind("csv", Away))
    run = log_a_search(tmp_path, "csv")
    said = capsys.readouterr().err
    assert said == (
        "logger 'csv' failed (ConnectionError: no route to host): the run continues without it\n"
    )
    assert run.status == "finished"


def test_a_package_that_is_missing_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loggers, "find_spec", lambda name: None)
    with pytest.raises(MissingResourceError, match="needs the package mlflow: pip install mlflow"):
        check_loggers(["mlflow"])
    with pytest.raises(InputError, match="unknown logger 'wand'"):
        check_loggers(["wand"])


def wandb_records(content: bytes) -> Iterator[bytes]:
    """The records of an offline file: LevelDB's log format behind a header of seven bytes."""
    place, held = 7, b""
    while place + 7 <= len(content):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        length, kind = struct.unpack_from("<HB", content, place + 4)
        held += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield held
            held = b""


def test_wandb_keeps_it_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb")
    from wandb.proto import wandb_internal_pb2

    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    run = log_a_search(tmp_path, "wandb")
    (file,) = run.path.rglob("*.wandb")
    best, names = [], set()
    for data in wandb_records(file.read_bytes()):
        record = wandb_internal_pb2.Record.FromString(data)
        for item in record.history.item:
            name = item.key or "/".join(item.nested_key)
            names.add(name)
            if name == "search/best_reward":
                best.append(json.loads(item.value_json))
    assert best == [0.25, 0.25, 0.75]
    tops = {name.partition("/")[0] for name in names}
    assert {"curves", "pictures", "cost"} <= tops


def test_mlflow_keeps_it_in_its_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri())
    log_a_search(tmp_path, "mlflow")
    (found,) = mlflow.search_runs(experiment_names=["effsearch"], output_format="list")
    client = mlflow.MlflowClient()
    history = client.get_metric_history(found.info.run_id, "search/best_reward")
    assert [(one.step, one.value) for one in history] == [(1, 0.25), (2, 0.25), (3, 0.75)]
    curve = client.get_metric_history(found.info.run_id, "curves/trial-00002")
    assert [one.value for one in curve] == [0.5, 0.75]
    files = {one.path for one in client.list_artifacts(found.info.run_id)}
    assert {"answer.json", "pictures"} <= files


def test_a_server_that_is_away_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mlflow = pytest.importorskip("mlflow")
    mlflow.set_tracking_uri("http://127.0.0.1:9")
    run = LoggedRun(path=tmp_path, reference="baseline/001", settings={})
    with open_loggers(["mlflow"], run) as (logger,):
        logger.log({"x": 1.0}, 1)
        logger.log({"x": 2.0}, 2)
    assert capsys.readouterr().err.count("logger 'mlflow' failed") == 1


def test_a_study_holds_the_search_for_optuna_s_dashboard(tmp_path: Path) -> None:
    data = search(tmp_path / "runs", 10)
    run = Run.load(Path(data.path))
    for _ in range(2):  # written again it is the same study
        assert write_study(run, tmp_path / "study.db") == 10
    study = optuna.load_study(study_name="baseline/001", storage=f"sqlite:///{tmp_path}/study.db")
    assert len(study.trials) == 10
    assert data.best is not None
    assert study.best_value == pytest.approx(data.best.reward)
    assert study.best_trial.params["stage 1 kernel"] == "5"
    best = {trial.arch_id for trial in data.trials if trial.reward == data.best.reward}
    assert study.best_trial.user_attrs["id"] in best
    states = [trial.state.name for trial in study.trials]
    assert states.count("FAIL") == 1
    (tmp_path / "text.db").write_text("no database, but text " * 100)
    with pytest.raises(InputError, match="cannot write a study to"):
        write_study(run, tmp_path / "text.db")
