"""`effsearch train` from end to end: answers, repeats, stops, resumptions, bad input."""

import json
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from searches import effsearch, wait_until

import effsearch as package
from effsearch.search_spaces.cost import cost
from effsearch.training.models.checkpoint import read_checkpoint, save_checkpoint
from effsearch.training.models.model_file import read_model
from effsearch.training.sources import opening

TINY = "res16 stem_k3_s1_c8 ir_r1_k3_s2_e2_c16 head_c32 cls10"
SMALL = ["train", "--model", TINY, "--max-images", "120", "--epochs", "2", "--set", "threads=1"]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Two classes of twelve grey pictures, 20×20 pixels."""
    folder = tmp_path / "pictures"
    for number, name in enumerate(("dark", "light")):
        (folder / "train" / name).mkdir(parents=True)
        for index in range(12):
            picture = Image.new("L", (20, 20), 60 + 120 * number + index)
            picture.save(folder / "train" / name / f"{index}.png")
    return folder


def same_tensors(one: Path, other: Path) -> bool:
    """Whether two checkpoints hold the same tensors, bit for bit."""
    left, right = read_checkpoint(one)[0], read_checkpoint(other)[0]
    return left.keys() == right.keys() and all(torch.equal(left[n], right[n]) for n in left)


@pytest.mark.slow
def test_a_training_answers_with_a_model_and_repeats_from_its_config(cli, tmp_path: Path) -> None:
    answer = cli(*SMALL, "--set", "lr=0.01", "--logger", "tensorboard")
    assert answer.code == 0, answer.err
    assert [line.split()[0] for line in answer.out.splitlines()] == ["epoch", "validation", "test"]
    assert "epoch 2/2  loss" in answer.err
    run = tmp_path / "runs" / "train" / "001"
    found = json.loads((run / "train.json").read_text())
    architecture = package.Architecture.from_dict(found["architecture"])
    assert (cost(architecture).macs, cost(architecture).params) == (found["macs"], found["params"])
    assert found["data"]["train_images"] + found["data"]["validation_images"] == 120
    assert len(found["per_class"]) == 10
    assert (run / "metrics.csv").read_text().count("\n") == 3
    assert list((run / "tensorboard").iterdir())
    network = package.load_model(run / found["checkpoints"]["best"])
    assert network.architecture == architecture

    # config.yaml repeats the run, from another folder and whatever other runs there are.
    again = cli(
        "train", "--config", str(run / "config.yaml"), "--json", "-q",
        "--run-dir", str(tmp_path / "elsewhere"),
    )  # fmt: skip
    assert (again.code, again.err) == (0, "")
    repeated = tmp_path / "elsewhere" / "train" / "001" / "checkpoints"
    for name in ("last", "best"):
        assert same_tensors(
            run / f"checkpoints/{name}.safetensors", repeated / f"{name}.safetensors"
        )
    assert json.loads(again.out)["accuracy"] == found["accuracy"]

    # A finished training asked again says the same; other commands take it as it is.
    same = cli("train", "--resume", "train/001", "--json", "-q")
    assert json.loads(same.out) == found
    listed = json.loads(cli("results", "ls", "--json").out)["runs"]
    assert [(one["reference"], one["status"]) for one in listed] == [("train/001", "finished")]
    assert "finished" in cli("results", "show", "train/001").out
    profile = json.loads(cli("profile", str(run / "train.json"), "--json").out)
    assert profile["macs"] == found["macs"]


LONGER = [*SMALL, "--epochs", "6", "--set", "batch_size=8", "--set", "drop_path=0.3"]


@pytest.fixture(scope="module")
def never_stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a training that was left alone, which all that are stopped are held against."""
    folder = tmp_path_factory.mktemp("whole")
    process = effsearch(*LONGER, "-q", "--name", "whole", cwd=folder)
    assert process.wait(120) == 0
    return folder / "runs" / "train" / "whole"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_training_goes_on_to_the_same_weights(
    number: signal.Signals, cli, never_stopped: Path, tmp_path: Path
) -> None:
    process = effsearch(*LONGER, "--checkpoint-minutes", "0", "--name", "cut", cwd=tmp_path)
    cut, last = tmp_path / "runs/train/cut", Path("checkpoints/last.safetensors")
    wait_until(lambda: (cut / "metrics.csv").exists() and _rows(cut) == 3, process)
    process.send_signal(number)
    _, talk = process.communicate(timeout=60)
    steps = read_checkpoint(cut / last)[1]["progress"]["steps"]
    assert 24 <= steps < 72

    if number != signal.SIGKILL:
        assert process.returncode == 128 + number
        command = talk.splitlines()[-1].partition("Resume with: ")[2]
        assert command == "effsearch train --resume train/cut"
        if number == signal.SIGINT:  # the others leave the same state
            _assert_full_disk_is_survived(tmp_path, cut / last)
    else:
        command = "effsearch train --resume train/cut"
    again = cli(*shlex.split(command)[1:], "--json")
    assert again.code == 0, again.err
    assert "resuming train/cut" in again.err
    run = never_stopped
    for name in ("last", "best"):
        file = f"checkpoints/{name}.safetensors"
        assert same_tensors(run / file, cut / file)
    timeless = [
        [line.split(",")[:8] for line in (path / "metrics.csv").read_text().splitlines()]
        for path in (run, cut)
    ]
    assert timeless[0] == timeless[1]
    assert (
        json.loads(again.out)["accuracy"]
        == json.loads((run / "train.json").read_text())["accuracy"]
    )


def _only_epoch(run: Path) -> dict[str, float]:
    header, row = (run / "metrics.csv").read_text().splitlines()
    return dict(zip(header.split(","), map(float, row.split(",")), strict=True))


def _rows(run: Path) -> int:
    return (run / "metrics.csv").read_text().count("\n") - 1


def _assert_full_disk_is_survived(folder: Path, last: Path) -> None:
    """No file may grow beyond 20 kB, which the checkpoint does."""
    before = last.read_bytes()
    assert len(before) > 20_000
    source = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "from effsearch.cli.app import main\n"
        "sys.argv = ['effsearch', 'train', '--resume', 'train/cut']; main()"
    )
    answer = subprocess.run(
        [sys.executable, "-c", source], cwd=folder, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 1
    assert "cannot write" in answer.stderr.splitlines()[-1]
    assert last.read_bytes() == before


@pytest.mark.slow
def test_two_workers_measure_together_what_one_measures_in_the_end(
    cli, ray_address: str, tmp_path: Path
) -> None:
    answer = cli(
        *SMALL, "--epochs", "1", "--set", "validation=0.3", "--num-workers", "2",
        "--ray-address", ray_address, "--device", "cpu", "--json",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    accuracy = json.loads(answer.out)["accuracy"]["validation"]
    epoch = _only_epoch(tmp_path / "runs/train/001")
    assert (accuracy["top1"], accuracy["top5"]) == (epoch["top1"], epoch["top5"])
    assert accuracy["loss"] == pytest.approx(epoch["validation_loss"], abs=1e-5)


def test_a_training_that_diverges_at_once_ends_with_one_line(cli, tmp_path: Path) -> None:
    answer = cli(
        *SMALL, "-q", "--epochs", "4", "--set", "lr=1e25", "--set", "warmup_epochs=0",
        "--set", "optimizer=sgd", "--set", "schedule=exponential",
    )  # fmt: skip
    assert answer.code == 1
    assert "the loss is not a finite number after step" in answer.error
    assert "there is no checkpoint yet" in answer.error
    listed = json.loads(cli("results", "ls", "--json").out)["runs"]
    assert listed[0]["status"] == "failed"


def test_mean_and_deviation_that_are_given_are_those_of_the_model(cli, tmp_path: Path) -> None:
    done = cli(*SMALL, "-q", "--epochs", "1", "--mean", "0.5,0.5,0.5", "--std", "0.25,0.25,0.25")
    assert done.code == 0, done.err
    _, info = read_model(tmp_path / "runs/train/001/checkpoints/best.safetensors")
    assert (info.mean, info.std) == ((127.5,) * 3, (63.75,) * 3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        # Which of the two is seen first depends on when the last checkpoint falls due.
        (["--set", "lr=30"], "is not a finite number after step"),
        # Here a variance overflows first, by which losses are divided: they stay numbers.
        (
            ["--set", "lr=1000", "--set", "validation=0"],
            "a weight is not a finite number after step",
        ),
    ],
)
def test_a_training_that_diverges_later_names_the_good_checkpoint_and_keeps_it(
    options: list[str], said: str, tmp_path: Path
) -> None:
    # With lr x weight_decay above 2 each step makes the weights larger.
    process = effsearch(
        *SMALL, "-q", "--epochs", "20", "--set", "optimizer=sgd", "--batch-size", "32",
        "--set", "warmup_epochs=0",
        "--set", "weight_decay=0.1", *options, cwd=tmp_path,
    )  # fmt: skip
    _, talk = process.communicate(timeout=120)
    assert process.returncode == 1
    (line,) = talk.splitlines()
    checkpoints = Path("runs/train/001/checkpoints")
    assert line.startswith("effsearch: training diverged: ")
    assert said in line
    assert f"the last good checkpoint is {checkpoints / 'last.safetensors'}" in line
    assert "smaller learning rate" in line
    run = tmp_path / "runs/train/001"
    assert 1 <= _rows(run) < 20
    network = package.load_model(tmp_path / checkpoints / "best.safetensors")
    assert all(tensor.isfinite().all() for tensor in network.state_dict().values())
    tensors, header = read_checkpoint(tmp_path / checkpoints / "last.safetensors")
    assert all(tensor.isfinite().all() for tensor in tensors.values())
    assert header["progress"]["steps"] >= 4


def test_a_dry_run_shows_sizes_and_schedule_and_writes_nothing(cli, tmp_path: Path) -> None:
    answer = cli(*SMALL, "--dry-run", "--json")
    assert answer.code == 0
    document = json.loads(answer.out)
    assert (document["epochs"], document["steps_per_epoch"]) == (2, 13)  # batches of 8
    assert [row["epoch"] for row in document["schedule"]] == [1, 2]
    assert document["macs"] == cost(package.parse_architecture(TINY)).macs
    assert not (tmp_path / "runs").exists()
    assert "first_lr" in cli(*SMALL, "--dry-run").out


def test_the_way_of_the_family_reads_each_commands_files(cli, tmp_path: Path) -> None:
    (tmp_path / "tiny.json").write_text(
        json.dumps(package.parse_architecture(TINY.replace("16", "32", 1)).to_dict())
    )
    assert cli("scale", "--baseline", "tiny.json", "--phi", "0,1").code == 0
    answer = cli("train", "--phi", "1", *SMALL[3:], "--epochs", "1", "--json")
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)["model"] == "runs/family/001/phi1.json"
    member = package.Architecture.from_dict(
        json.loads((tmp_path / "runs/family/001/phi1.json").read_text())["architecture"]
    )
    assert json.loads(answer.out)["architecture"]["stages"] == member.to_dict()["stages"]


def test_a_checkpoint_is_fine_tuned_with_a_new_head(cli, tmp_path: Path, pictures: Path) -> None:
    assert cli(*SMALL, "-q").code == 0
    best = tmp_path / "runs/train/001/checkpoints/best.safetensors"
    answer = cli(
        "train", "--from", "train/001", "--data", str(pictures), "--recipe", "finetune",
        "--epochs", "1", "--batch-size", "8", "--json",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    assert "a new classifier for 2 classes in place of its 10" in answer.err
    found = json.loads(answer.out)
    assert (found["classes"], found["accuracy"]["test"]) == (2, None)
    assert found["start"] == str(best.relative_to(tmp_path))
    other = cli("train", "--from", str(best), "--model", "mobilenet-v2", "-q")
    assert other.code == 2
    assert "mobilenet-v2" in other.error


def test_an_own_validation_part_is_measured_after_each_epoch_and_at_the_end(
    cli, pictures: Path, tmp_path: Path
) -> None:
    for part in ("val", "test"):
        shutil.copytree(pictures / "train", pictures / part)
    answer = cli(
        "train", "--model", TINY, "--data", str(pictures), "--epochs", "1", "--batch-size", "8",
        "--set", "validation=0", "--json",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    assert "nothing is held out" not in answer.err
    accuracy = json.loads(answer.out)["accuracy"]
    assert (accuracy["validation"]["images"], accuracy["test"]["images"]) == (24, 24)
    epoch = _only_epoch(tmp_path / "runs/train/001")
    assert accuracy["validation"]["top1"] == epoch["top1"]
    assert accuracy["validation"]["loss"] == pytest.approx(epoch["validation_loss"])


def test_an_unreadable_image_is_named_or_left_out(cli, pictures: Path, tmp_path: Path) -> None:
    bad = pictures / "train" / "dark" / "3.png"
    bad.write_bytes(b"no picture")
    command = ["train", "--model", TINY, "--data", str(pictures), "--epochs", "1"]
    refused = cli(*command, "-q")
    assert refused.code == 2
    assert str(bad) in refused.error
    assert refused.error.endswith("repair or remove it, or leave such images out with --skip-bad")
    assert not (tmp_path / "runs").exists()
    answer = cli(*command, "--skip-bad")
    assert answer.code == 0, answer.err
    assert "1 " in next(line for line in answer.err.splitlines() if str(bad) in line)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--recipe", "moderm"], 2, "did you mean 'modern'"),
        (["--set", "learning=1"], 2, "unknown recipe option 'learning'"),
        (["--set", "lr"], 2, "is not an assignment: give key=value"),
        (["--set", "lr=big"], 2, "recipe option lr is 'big'"),
        (["--batch-size", "500"], 2, "is larger than the data, 100 training images"),
        (["--batch-size", "many"], 2, "batch_size must be a whole number of at least 2 or auto"),
        (["--mean", "125,120,110", "--std", "1,1,1"], 2, "mean must be three numbers of at most 1"),
        (["--std", "0.2,0.2,0.2"], 2, "mean and std belong together"),
        (["--device", "cuda:7"], 4, "cuda:7"),
        (["--from", "pickle.pt"], 2, "pickle.pt'"),
        (["--device", "tpu"], 2, "unknown device 'tpu'"),
        (["--num-workers", "2", "--device", "cuda:1"], 2, "device of workers"),
        (["--phi", "9", "--model", "family/001"], 2, "no run 'family/001'"),
        (["--data", "nowhere/at/all"], 2, "does not exist"),
        (["--from", "nothing.safetensors"], 2, "nothing.safetensors"),
        (["--logger", "tensorbord"], 2, "did you mean 'tensorboard'"),
        (["--config", "missing.yaml"], 2, "cannot be read"),
        (["--resume", "train/009"], 2, "no run 'train/009'"),
        (["--resume", "train/001", "--dry-run"], 2, "cannot be combined with"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_run(
    arguments: list[str], code: int, said: str, cli, tmp_path: Path
) -> None:
    if "cuda:7" in arguments and torch.cuda.device_count() > 7:
        pytest.skip("this machine has the device")
    (tmp_path / "pickle.pt").write_bytes(b"\x80\x04N.")
    answer = cli(*SMALL, *arguments)
    assert (answer.code, said in answer.error) == (code, True), answer.err
    assert not (tmp_path / "runs").exists()


def as_if_stopped(run: Path) -> None:
    """A run that finished reads as one that was stopped."""
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"status": "interrupted"}))


def test_a_finished_training_resumed_says_so_and_touches_nothing(cli, tmp_path: Path) -> None:
    assert cli(*SMALL, "-q").code == 0
    run = tmp_path / "runs" / "train" / "001"
    before = {file: file.stat().st_mtime_ns for file in run.rglob("*")}
    again = cli("train", "--resume", "train/001", "--loader-workers", "0", "--json")
    assert (again.code, json.loads(again.out)) == (0, json.loads((run / "train.json").read_text()))
    assert again.err == (
        "run train/001 is finished: nothing is left to do. Look at it: "
        "effsearch results show train/001\n"
    )
    assert {file: file.stat().st_mtime_ns for file in run.rglob("*")} == before
    changed = cli("train", "--resume", "train/001", "--set", "lr=1", "-q")
    assert (changed.code, "another set" in changed.error) == (2, True)


def test_a_run_resumes_where_its_images_fit_the_memory_no_more(
    cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli(*SMALL, "-q").code == 0
    found = json.loads((tmp_path / "runs/train/001/train.json").read_text())
    as_if_stopped(tmp_path / "runs/train/001")
    monkeypatch.setattr(opening, "memory_for_images", lambda device, processes: 0)
    answer = cli("train", "--resume", "train/001", "--loader-workers", "0", "--json")
    assert answer.code == 0, answer.err
    assert "images are decoded while training" in answer.err
    assert json.loads(answer.out)["data"] == found["data"]


def test_a_run_resumes_only_as_what_it_is(cli, tmp_path: Path) -> None:
    assert cli(*SMALL, "-q").code == 0
    assert cli(*SMALL, "-q", "--model", TINY.replace("c32", "c48")).code == 0
    changed = cli("train", "--resume", "train/001", "--set", "lr=1", "-q")
    assert (changed.code, "another set" in changed.error) == (2, True)
    runs = tmp_path / "runs" / "train"
    as_if_stopped(runs / "001")
    last = runs / "001" / "checkpoints" / "last.safetensors"
    whole = last.read_bytes()
    last.write_bytes((runs / "002" / "checkpoints" / "last.safetensors").read_bytes())
    foreign = cli("train", "--resume", "train/001", "-q")
    assert (foreign.code, "and this run trains" in foreign.error) == (2, True)
    last.write_bytes(whole[: len(whole) // 2])
    damaged = cli("train", "--resume", "train/001", "-q")
    assert (damaged.code, "cut off" in damaged.error) == (2, True)
    last.write_bytes(whole)
    tensors, header = read_checkpoint(last)
    tensors["head.0.weight"][0] = torch.nan
    save_checkpoint(last, tensors, header)
    broken = cli("train", "--resume", "train/001", "-q")
    assert (broken.code, "holds NaN or infinite values" in broken.error) == (2, True)
