"""`effsearch evaluate`, `export` and `gradcam` on the command line."""

import json
from pathlib import Path

import pytest
from small_model import SMALL, write_model

from effsearch.results.store.run import Run


def make_run(root: Path, name: str | None = None) -> Path:
    """A finished train run with nothing in it but its best model."""
    with Run.create(root / "runs", "train", name, command=["x"], config={"seed": 0}) as run:
        (run.path / "checkpoints").mkdir()
        write_model(run.path / "checkpoints" / "best.safetensors")
        run.finish("finished")
    return run.path


def test_evaluate_prints_every_class_and_the_whole(cli, tmp_path: Path) -> None:
    write_model(tmp_path / "m.safetensors")
    answer = cli("evaluate", "m.safetensors")
    assert answer.code == 0
    assert len(answer.out.split("\n\n")[0].splitlines()) == 11
    for word in ("images: 359", "top-1: ", "top-5: ", "loss: ", "images/s: "):
        assert word in answer.out
    assert answer.err == "model: m.safetensors\ndata: digits, test part\n"


def test_evaluate_takes_the_newest_run_and_prints_json(cli, tmp_path: Path) -> None:
    make_run(tmp_path)
    make_run(tmp_path)
    answer = cli("evaluate", "--json", "-q")
    document = json.loads(answer.out)
    assert (answer.code, answer.err) == (0, "")
    assert document["checkpoint"] == "runs/train/002/checkpoints/best.safetensors"
    assert (document["data"], document["part"], document["images"]) == ("digits", "test", 359)
    assert [score["name"] for score in document["classes"]] == list("0123456789")
    assert sum(score["images"] for score in document["classes"]) == 359


def test_export_of_a_run_prints_the_file_and_writes_a_card(cli, tmp_path: Path) -> None:
    path = make_run(tmp_path)
    answer = cli("export", "train/001", "--format", "torchscript", "--output", "out/b0.pt")
    assert (answer.code, answer.out) == (0, "out/b0.pt\n")
    assert "checked on 8 images of digits" in answer.err
    assert (tmp_path / "out" / "b0.pt.md").read_text().startswith(f"# network {SMALL.id}")
    assert sorted(p.name for p in (path / "checkpoints").iterdir()) == ["best.safetensors"]


def test_export_under_timm_s_names_lies_beside_the_checkpoint(cli, tmp_path: Path) -> None:
    write_model(tmp_path / "m.safetensors")
    answer = cli("export", "m.safetensors", "--format", "safetensors", "--names", "timm", "--json")
    document = json.loads(answer.out)
    assert (document["path"], document["names"]) == ("m.timm.safetensors", "timm")
    assert document["largest_difference"] < 1e-4
    assert (tmp_path / document["card"]).is_file()


def test_gradcam_draws_a_column_a_model(cli, tmp_path: Path) -> None:
    make_run(tmp_path)
    write_model(tmp_path / "m.safetensors", resolution=4)
    given = ("--labels", "baseline,tiny", "-n", "2", "--output", "cam.png")
    answer = cli("gradcam", "train/001", "m.safetensors", *given)
    assert (answer.code, answer.out) == (0, "cam.png\n")
    assert answer.err.startswith("tiny: the last feature map is too small at 4 pixels")
    assert (tmp_path / "cam.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("evaluate", "there is no finished train run in runs"),
        ("evaluate train/007", "there is no run 'train/007'"),
        ("evaluate no.safetensors", "checkpoint 'no.safetensors' does not exist"),
        ("evaluate pickle.pt", "holds pickled code"),
        ("evaluate cut.safetensors", "cut off"),
        ("evaluate m.safetensors --part tests", "did you mean 'test'"),
        ("evaluate m.safetensors --data digit", "did you mean 'digits'"),
        ("evaluate other.safetensors", "is none of the model's 2"),
        ("export m.safetensors --format onx", "did you mean 'onnx'"),
        ("export m.safetensors --format onnx --names timm", "for the format safetensors"),
        ("export m.safetensors --format safetensors --output m.safetensors", "checkpoint itself"),
        ("export m.safetensors --format torchscript --data nowhere/at/all", "does not exist"),
        ("gradcam m.safetensors --labels a,b", "--labels names 2 columns, and there are 1 models"),
        ("gradcam m.safetensors --data digits --images x.png", "exclude each other"),
        ("gradcam m.safetensors --images x.png", "picture 'x.png' does not exist"),
        (f"gradcam m.safetensors --images {'x' * 300}", "does not exist"),
        ("gradcam m.safetensors -n 0", "Invalid value for '-n'"),
    ],
)
def test_bad_input_is_one_line_that_exits_2(
    cli, tmp_path: Path, arguments: str, message: str
) -> None:
    write_model(tmp_path / "m.safetensors")
    write_model(tmp_path / "other.safetensors", class_names=("cat", "dog"))
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "m.safetensors").read_bytes()[:999])
    (tmp_path / "pickle.pt").write_bytes(b"\x80\x04N.")
    before = {path.name for path in tmp_path.iterdir()}
    answer = cli(*arguments.split(" "))
    assert message in answer.error
    assert (answer.code, answer.out) == (2, "")
    assert {path.name for path in tmp_path.iterdir()} == before


def test_a_device_that_is_not_there_exits_4(cli, tmp_path: Path) -> None:
    write_model(tmp_path / "m.safetensors")
    answer = cli("evaluate", "m.safetensors", "--device", "cuda:9")
    assert answer.code == 4
    assert "cuda:9" in answer.error


def test_a_run_of_another_kind_has_no_model(cli, tmp_path: Path) -> None:
    with Run.create(tmp_path / "runs", "baseline", command=["x"], config={"seed": 0}) as run:
        run.finish("finished")
    answer = cli("export", "baseline/001")
    assert (answer.code, answer.error) == (
        2,
        "run baseline/001 trained no model: give a checkpoint or a train run",
    )
