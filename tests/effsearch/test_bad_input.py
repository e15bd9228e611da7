"""Bad input to `effsearch baseline`: one line that names it, its code, nothing left behind."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from searches import write_evaluator, write_space

from effsearch.api import search_baseline

FLAGS: list[tuple[tuple[str, ...], int, str]] = [
    (("--target-flops", "0"), 2, "target_flops: '0' must be more than zero and finite"),
    (("--target-flops", "-5M"), 2, "target_flops: '-5M' must be more than zero"),
    (("--target-flops", "4Z"), 2, "target_flops: '4Z' is not an amount such as 400M"),
    (("--target-flops", "nan"), 2, "target_flops: 'nan' is not an amount"),
    (("--target-flops", ""), 2, "target_flops: '' is not an amount"),
    (("--target-params", "-1"), 2, "target_params: '-1' must be more than zero"),
    (("--target-memory", "8"), 2, "target_memory: '8' is not a memory size with its unit"),
    (("--memory-batch", "0"), 2, "memory_batch must be a whole number of at least 1"),
    (("--target-latency", "8"), 2, "target_latency: '8' is not a latency with its unit"),
    (("--target-latency", "8ms"), 2, "effsearch lut build --space mnasnet --device cpu --output"),
    (("--target-latency", "8ms", "--latency-device", "cuda:99"), 4, "device 'cuda:99'"),
    (("--latency-table", "missing.csv"), 2, "there is no latency table missing.csv"),
    (("--latency-threads", "2"), 2, "latency_threads goes with target_latency or latency_table"),
    (("--latency-measure", "every"), 2, "unknown latency_measure 'every'"),
    (("--trial-timeout", "0s"), 2, "trial_timeout: '0s' must be more than zero"),
    (("--trial-timeout", "90"), 2, "trial_timeout: '90' is not a time with its unit"),
    (("--time-budget", "-4h"), 2, "time_budget: '-4h' must be more than zero"),
    (("--gpu-hours", "0"), 2, "gpu_hours must be more than zero, not 0"),
    (("--gpu-hours", "8", "--device", "cpu"), 4, "gpu_hours count the GPUs of the trainings"),
    (("--samples", "0"), 2, "samples must be a whole number of at least 1, not 0"),
    (("--samples", "4Z"), 2, "Invalid value for '--samples'"),
    (("--batch-size", "0"), 2, "batch_size must be a whole number of at least 1"),
    (("--workers", "0"), 2, "workers must be a whole number of at least 1"),
    (("--workers", "-2"), 2, "workers must be a whole number of at least 1"),
    (("--cpus-per-trial", "0"), 2, "cpus_per_trial must be a whole number of at least 1"),
    (("--per-trial", "0"), 2, "per_trial must be a whole number of at least 1"),
    (("--seed", "-1"), 2, "seed must be a whole number of at least 0"),
    (("--epochs", "0"), 2, "epochs must be a whole number of at least 1"),
    (("--proxy-resolution", "0"), 2, "proxy_resolution must be a whole number of at least 1"),
    (("--max-images", "0"), 2, "max_images must be a whole number of at least 1"),
    (("--gpus-per-trial", "-1"), 2, "gpus_per_trial must be 0 or more"),
    (("--gpus-per-trial", "nan"), 2, "gpus_per_trial must be 0 or more"),
    (("--weight", "nan"), 2, "weight must be a number, not nan"),
    (("--weight", "0.5"), 2, "weight of macs must be zero or less"),
    (("--weight", "much"), 2, "weight must be a number or auto, not 'much'"),
    (("--weight", "auto"), 2, "weight auto belongs to a soft objective with one target"),
    (("--weight", "auto", "--objective", "soft"), 2, "runs holds none: search once without it"),
    (("--table-missing", "neares"), 2, "unknown table_missing 'neares': did you mean 'nearest'?"),
    (("--pruning", "halvin"), 2, "unknown pruning 'halvin': did you mean 'halving'?"),
    (("--pruning", "halving", "--epochs", "1"), 2, "needs trainings of at least 2 epochs"),
    (("--pruning", "halving", "--evaluator", "x.csv"), 2, "others have no epochs"),
    (("--cost-tolerance", "-0.1"), 2, "cost tolerance must be 0 or more"),
    (("--cost-tolerance", "inf"), 2, "cost_tolerance must be a number, not inf"),
    (("--cost-band", "0"), 2, "cost band must lie in (0, 1]"),
    (("--cost-band", "1.5"), 2, "cost band must lie in (0, 1]"),
    (("--objective", "sofft"), 2, "unknown objective 'sofft': did you mean 'soft'?"),
    (("--space", "mnasnt"), 2, "unknown space 'mnasnt': did you mean 'mnasnet'?"),
    (("--space", "missing.yaml"), 2, "missing.yaml"),
    (("--strategy", "evoluton"), 2, "unknown strategy 'evoluton': did you mean 'evolution'?"),
    (("--evaluator", "prox"), 2, "unknown evaluator 'prox': did you mean 'proxy'?"),
    (("--evaluator", "missing.py:evaluate"), 2, "'missing.py' does not exist"),
    (("--device", "cudda"), 2, "unknown device 'cudda'"),
    (("--data", "missing"), 2, "unknown dataset 'missing'"),
    (("--target-flops", "1M"), 3, "target of 1.0M macs is out of reach: the space holds 45.4M to"),
    (("--target-flops", "90G"), 3, "target of 90.00G macs is out of reach: the space holds"),
    (("--target-params", "1k"), 3, "target of 1.0k params is out of reach: the space holds"),
    (("--name", "../up"), 2, "'../up' cannot name a run"),
    (("--config", "missing.yaml"), 2, "config 'missing.yaml' cannot be read: No such file"),
    (("--resume", "baseline/007"), 2, "there is no run 'baseline/007' in runs"),
    (("--resume", "baseline/001", "--name", "x"), 2, "--resume cannot be combined"),
    (("--resume", "baseline/001", "--dry-run"), 2, "--resume cannot be combined"),
    (("--sample", "5", "--foo"), 2, "No such option"),
    (("unexpected",), 2, "unexpected extra argument"),
]


@pytest.mark.parametrize(
    ("flags", "code", "message"), FLAGS, ids=[" ".join(flags) for flags, *_ in FLAGS]
)
def test_flags_that_cannot_be_meant_are_refused(
    flags: tuple[str, ...], code: int, message: str, cli, tmp_path: Path
) -> None:
    target = () if "--target-flops" in flags else ("--target-flops", "400M")
    answer = cli("baseline", *target, *flags)
    assert message in answer.error
    assert (answer.code, answer.out) == (code, "")
    assert list(tmp_path.iterdir()) == []


CONFIGS = [
    ("taget_flops: 400M", "unknown config key 'taget_flops': did you mean 'target_flops'?"),
    ("5: 6", "unknown config key '5'"),
    ("target_flops: [1]", "target_flops: '[1]' is not an amount"),
    ("target_flops: .nan", "target_flops: 'nan' is not an amount"),
    ("target_flops: -4e+8", "target_flops: '-4e+8' must be more than zero"),
    ("samples: many", "samples must be a whole number of at least 1, not 'many'"),
    ("samples: 2.5", "samples must be a whole number of at least 1, not 2.5"),
    ("samples: true", "samples must be a whole number of at least 1, not True"),
    ("samples:", "samples must be a whole number of at least 1, not None"),
    ("strategy: 5", "strategy must be text or a subclass of effsearch.Strategy, not 5"),
    ("space: [mnasnet]", "not ['mnasnet']"),
    ("evaluator:", "evaluator must be text or a function, not None"),
    ("data: {a: 1}", "data must be text"),
    ("device: 0", "device must be text, not 0"),
    ("ray_address: 6379", "ray_address must be text, not 6379"),
    ("weight: heavy", "weight must be a number or auto, not 'heavy'"),
    ("cost_band: wide", "cost_band must be a number, not 'wide'"),
    ("gpus_per_trial: all", "gpus_per_trial must be a number of at least 0 or auto, not 'all'"),
    ("max_images: few", "max_images must be a whole number of at least 1, not 'few'"),
    ("strategy_options: fast", "config key 'strategy_options' must be a mapping"),
    ("strategy_options: {1: 2}", "config key 'strategy_options' must be a mapping from names"),
    (
        "{strategy: evolution, strategy_options: {popultion: 5}}",
        "unknown option 'popultion' of strategy 'evolution': did you mean 'population'?",
    ),
    (
        "{strategy: evolution, strategy_options: {population: 0}}",
        "strategy 'evolution': population must be",
    ),
    ("recipe: {epoch: 5}", "'epoch'"),
    ("recipe: {epochs: many}", "recipe option epochs is 'many': it must be a whole number"),
    ("recipe: {epochs: 2.5}", "recipe option epochs is 2.5: it must be a whole number"),
    ("recipe: {lr: .nan}", "recipe option lr is nan: it must be above 0"),
    ("recipe: {lr: fast}", "recipe option lr is 'fast': it must be a number"),
    ("recipe: {flip: 1}", "recipe option flip is 1: it must be true or false"),
    ("- a\n- b", "must be a mapping of option names to values"),
    ("just text", "must be a mapping of option names to values"),
    ("", "must be a mapping of option names to values"),
    ("a: [1", "is not valid YAML, line"),
    ("a: b: c", "is not valid YAML, line 1"),
    ("!!python/object/apply:os.system ['touch here']", "is not valid YAML"),
]


@pytest.mark.parametrize(("text", "message"), CONFIGS, ids=[text for text, _ in CONFIGS])
def test_a_config_that_cannot_be_meant_is_refused(
    text: str, message: str, cli, tmp_path: Path
) -> None:
    (tmp_path / "config.yaml").write_text(text)
    given = () if "target" in text else ("--no-target",)
    answer = cli("baseline", "--config", "config.yaml", *given)
    assert message in answer.error
    assert (answer.code, answer.out) == (2, "")
    assert [file.name for file in tmp_path.iterdir()] == ["config.yaml"]


SPACES = [
    (
        "stem: {chanels: 16}\nstages:\n  - {op: mbconv, channels: 16}\nhead: {channels: 8}",
        "unknown key 'chanels' in space 'mine', stem: did you mean 'channels'?",
    ),
    ("stages: 5", "stages"),
    ("stem: {channels: 16}\nstages:\n  - {op: mbcov, channels: 16}\nhead: {channels: 8}", "mbcov"),
    ("stem: {channels: [1", "line"),
]


@pytest.mark.parametrize(("text", "message"), SPACES)
def test_a_space_that_is_none_is_refused_by_name(
    text: str, message: str, cli, tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    answer = cli("baseline", "--no-target", "--space", "mine.yaml")
    assert "'mine'" in answer.error
    assert message in answer.error
    assert (answer.code, answer.out) == (2, "")
    assert [file.name for file in tmp_path.iterdir()] == ["mine.yaml"]


def write_image(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8, 3), value, np.uint8)).save(path)


def data_refused(cli, tmp_path: Path) -> str:
    answer = cli("baseline", "--target-flops", "400M", "--data", str(tmp_path / "images"))
    assert (answer.code, answer.out) == (2, "")
    assert not (tmp_path / "runs").exists()
    return str(answer.error)


def test_an_empty_folder_is_no_data(cli, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    assert f"no images in {tmp_path / 'images'}" in data_refused(cli, tmp_path)


def test_one_class_is_no_data_to_tell_apart(cli, tmp_path: Path) -> None:
    for number in range(8):
        write_image(tmp_path / "images" / "cat" / f"{number}.png", number)
    assert "class" in data_refused(cli, tmp_path)


def test_an_image_that_cannot_be_read_is_named(cli, tmp_path: Path) -> None:
    for number in range(16):
        write_image(tmp_path / "images" / ("cat", "dog")[number % 2] / f"{number}.png", number)
    broken = tmp_path / "images" / "dog" / "7.png"
    broken.write_bytes(broken.read_bytes()[:40])
    assert str(broken) in data_refused(cli, tmp_path)


def test_a_file_is_no_data_directory(cli, tmp_path: Path) -> None:
    (tmp_path / "images").write_text("no images")
    assert str(tmp_path / "images") in data_refused(cli, tmp_path)


@pytest.mark.parametrize("flags", [("--gpus-per-trial", "1"), ("--device", "cuda")])
def test_a_gpu_that_is_not_there_is_missed_at_once(
    flags: tuple[str, str], cli, tmp_path: Path
) -> None:
    import torch

    if torch.cuda.device_count():
        pytest.skip("this machine has a GPU")
    answer = cli("baseline", "--target-flops", "400M", *flags)
    assert "GPUs were asked for but this machine has 0" in answer.error
    assert (answer.code, answer.out) == (4, "")
    assert list(tmp_path.iterdir()) == []


def test_a_cluster_that_does_not_answer_is_missed_within_seconds(tmp_path: Path) -> None:
    evaluator = write_evaluator(tmp_path, "def evaluate(a): return 0.5")
    # Port 1 is reserved, so nothing listens there.
    command = [
        "baseline", "--no-target", "--evaluator", evaluator, "--ray-address", "127.0.0.1:1", "-q"
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "effsearch.cli.app", *command],
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 4
    (line,) = done.stderr.splitlines()
    assert line.startswith("effsearch: no Ray cluster answers at '127.0.0.1:1': ")
    assert list(tmp_path.glob("runs/*/*")) == []


def test_a_run_directory_that_cannot_be_written_is_named(cli, tmp_path: Path) -> None:
    evaluator = write_evaluator(tmp_path, "def evaluate(a): return 0.5")
    (tmp_path / "file").write_text("no folder")
    answer = cli("baseline", "--no-target", "--evaluator", evaluator, "--run-dir", "file")
    assert answer.error.startswith("cannot write file/baseline: ")
    assert answer.code == 1


# What is wrong with a run that is there already


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, ray_address: str) -> Path:
    """A folder with a finished run and all that it needs."""
    folder = tmp_path_factory.mktemp("finished")
    search_baseline(
        run_dir=folder / "runs",
        quiet=True,
        space=write_space(folder),
        evaluator=write_evaluator(folder, "def evaluate(a, seed): return seed % 1000 / 1000"),
        strategy="random",
        no_target=True,
        samples=4,
        workers=1,
    )
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished run, in the working folder."""
    return Path(shutil.copytree(finished / "runs" / "baseline" / "001", tmp_path / "run"))


def contents(run: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in run.iterdir() if file.name != "lock"}


@pytest.mark.parametrize(
    ("flags", "key"),
    [
        (("--seed", "5"), "seed"),
        (("--target-flops", "60M"), "target_flops"),
        (("--strategy", "evolution"), "strategy"),
        (("--space", "mnasnet"), "space"),
        (("--batch-size", "5"), "batch_size"),
        (("--evaluator", "proxy"), "evaluator"),
        (("--seed", "5", "--epochs", "3"), "seed, epochs"),
    ],
)
def test_a_resume_with_another_config_names_the_key(
    flags: tuple[str, ...], key: str, cli, run: Path
) -> None:
    before = contents(run)
    answer = cli("baseline", "--resume", "run", *flags)
    assert (
        f"was started with another {key}: resume it as it was, or start a new run" in answer.error
    )
    assert answer.code == 2
    assert contents(run) == before


@pytest.mark.slow
def test_a_resume_with_a_changed_evaluator_or_space_is_refused(
    cli, run: Path, finished: Path
) -> None:
    evaluator, space = finished / "measure.py", finished / "small.yaml"
    for file, key in ((evaluator, "evaluator"), (space, "space")):
        text = file.read_text()
        file.write_text(text.replace("1000", "100").replace("[64, 128]", "[64, 96]"))
        answer = cli("baseline", "--resume", "run", "--samples", "8")
        file.write_text(text)
        assert f"was started with another {key} (its content)" in answer.error
        assert answer.code == 2


def test_a_corrupt_middle_of_the_ledger_is_refused_and_its_line_named(cli, run: Path) -> None:
    ledger = run / "trials.jsonl"
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[:2]) + b"damaged\n" + b"".join(lines[2:]))
    before = ledger.read_bytes()
    answer = cli("baseline", "--resume", "run", "--samples", "8", "-q")
    assert "trials.jsonl, line 3: this is not JSON" in answer.error
    assert answer.code == 2
    assert ledger.read_bytes() == before


@pytest.mark.slow
def test_a_torn_last_line_is_dropped_with_a_notice(cli, run: Path, ray_address: str) -> None:
    ledger = run / "trials.jsonl"
    whole = ledger.read_bytes()
    ledger.write_bytes(whole[:-20])
    answer = cli("baseline", "--resume", "run")
    assert answer.code == 0
    assert "trials.jsonl: dropped a torn last line (" in answer.err
    torn_at = whole[:-20].rfind(b"\n") + 1
    assert ledger.read_bytes()[:torn_at] == whole[:torn_at]
    assert ledger.read_bytes().count(b"\n") == whole.count(b"\n")


def test_a_run_that_another_process_writes_is_left_alone(cli, run: Path) -> None:
    before = contents(run)
    with another_process_writes(run) as pid:
        answer = cli("baseline", "--resume", "run")
    assert f"run run is in use by another process (pid {pid})" in answer.error
    assert answer.code == 2
    assert contents(run) == before


class another_process_writes:
    """While the block runs, a process of its own holds the lock of a run."""

    def __init__(self, run: Path) -> None:
        self._run = run

    def __enter__(self) -> int:
        script = (
            "import sys; from pathlib import Path\n"
            "from effsearch.results.store.lock import take_lock\n"
            "take_lock(Path(sys.argv[1])); print('locked', flush=True); sys.stdin.read()"
        )
        self._process = subprocess.Popen(
            [sys.executable, "-c", script, str(self._run)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"locked\n"
        return self._process.pid

    def __exit__(self, *error: object) -> None:
        self._process.communicate()


def test_a_name_that_is_taken_is_refused(cli, tmp_path: Path) -> None:
    taken = tmp_path / "runs" / "baseline" / "mine"
    taken.mkdir(parents=True)
    evaluator = write_evaluator(tmp_path, "def evaluate(a): return 0.5")
    answer = cli("baseline", "--no-target", "--evaluator", evaluator, "--name", "mine")
    assert "runs/baseline/mine exists already: choose another --name" in answer.error
    assert answer.code == 2
    assert list(taken.iterdir()) == []


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (b"{", "run.json is not valid JSON"),
        (b"[]", "run.json holds no JSON object"),
        (b"{}", "run.json is not the record of an effsearch run"),
    ],
)
def test_a_damaged_record_is_refused(damage: bytes, message: str, cli, run: Path) -> None:
    (run / "run.json").write_bytes(damage)
    answer = cli("baseline", "--resume", "run")
    assert message in answer.error
    assert answer.code == 2


def test_a_run_of_a_newer_program_is_refused(cli, run: Path) -> None:
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"schema_version": 99}))
    answer = cli("baseline", "--resume", "run")
    assert "newer than schema 1" in answer.error
    assert answer.code == 2
