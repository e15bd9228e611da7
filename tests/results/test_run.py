"""Run directories: made once, locked by one, never half there, found again."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from making import finished_run, make_run

from effsearch.results.store.ledger import Ledger
from effsearch.results.store.run import Run
from effsearch.results.store.run_index import newest_run, readable_records
from effsearch.search_spaces.errors import EffsearchError, InputError

ROOT = Path(__file__).parents[2]
HOLD = (
    "import sys, time; from pathlib import Path; from effsearch.results.store.run import Run\n"
    "run = Run.create(Path(sys.argv[1]), 'baseline', command=['x'], config={'seed': 1})\n"
    "print(run.path, flush=True); time.sleep(60)"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def edit_record(path: Path, **changes: object) -> None:
    record = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps(record | changes))


def test_a_new_run_records_what_was_asked_and_with_what(root: Path) -> None:
    with make_run(root) as run:
        assert run.path == root / "baseline" / "001"
        record = json.loads((run.path / "run.json").read_text())
    assert record["schema_version"] == 1
    assert (record["kind"], record["name"], record["status"]) == ("baseline", "001", "running")
    assert record["command"] == ["effsearch", "baseline", "--target-flops", "400M"]
    assert record["seed"] == 3
    assert record["flops_convention"] == "multiply-adds of convolutions and linear layers, batch 1"
    assert record["targets"] == {"macs": 400_000_000}
    assert record["created_at"].endswith("+00:00")
    assert record["versions"].keys() == {"python", "effsearch", "torch", "ray", "optuna", "numpy"}
    assert record["versions"]["torch"]


def test_the_written_config_is_the_recorded_one_in_the_same_order(root: Path) -> None:
    with make_run(root) as run:
        config = yaml.safe_load((run.path / "config.yaml").read_text())
    assert config == run.config
    assert list(config) == ["seed", "space", "resolutions", "data"]
    assert config["data"] == "digits"


def test_versions_are_read_without_importing_the_packages() -> None:
    code = (
        "import sys; from effsearch.results.store.record import installed_versions\n"
        "installed_versions()\n"
        "print([m for m in ('torch', 'ray', 'optuna', 'numpy', 'pandas') if m in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ended.stdout == "[]\n"


def test_runs_are_numbered_one_after_the_other(root: Path) -> None:
    for _ in range(2):
        make_run(root).close()
    (root / "baseline" / "009").mkdir()
    with make_run(root) as run, make_run(root, "coefficients") as other:
        assert (run.name, other.name) == ("010", "001")


def test_two_processes_that_make_runs_at_once_get_different_numbers(root: Path) -> None:
    code = (
        HOLD.replace("time.sleep(60)", "run.close()")
        .replace("run =", "for _ in range(20):\n  run =")
        .replace("\nprint", "\n  print")
    )
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(root)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    paths = [line for maker in makers for line in maker.communicate(timeout=60)[0].splitlines()]
    assert sorted(Path(path).name for path in paths) == [f"{n:03d}" for n in range(1, 41)]
    assert len(readable_records(root)) == 40


def test_a_name_is_taken_once(root: Path) -> None:
    with make_run(root, name="cifar-10_v1.2") as run:
        assert run.reference == "baseline/cifar-10_v1.2"
        with pytest.raises(InputError, match=r"exists already: choose another --name"):
            make_run(root, name="cifar-10_v1.2")


def test_of_a_run_that_is_never_resumed_no_resuming_is_advised(root: Path) -> None:
    Run.create(root, "family", "mine", command=["x"], config={}).close()
    with pytest.raises(InputError, match=r"choose another --name$"):
        Run.create(root, "family", "mine", command=["x"], config={})


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "a b", "-x", ".hidden", "ü", "a\n"])
def test_a_name_that_is_not_simple_is_refused(root: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot name a run"):
        make_run(root, name=name)
    assert not root.exists()


def test_a_run_that_cannot_be_recorded_leaves_nothing(root: Path) -> None:
    with pytest.raises(TypeError):
        Run.create(root, "baseline", command=[], config={}, extra={"bad": object()})
    with pytest.raises(ValueError, match="not JSON compliant"):
        Run.create(root, "baseline", command=[], config={"lr": float("nan")})
    with pytest.raises(ValueError, match="record sets status itself"):
        Run.create(root, "baseline", command=[], config={}, extra={"status": "finished"})
    assert [str(path) for path in root.rglob("*") if path != root / "baseline"] == []


def test_a_full_disk_leaves_no_half_made_run(root: Path) -> None:
    code = (
        "import sys, resource; from pathlib import Path\n"
        "from effsearch.results.store.run import Run\n"
        "from effsearch.search_spaces.errors import EffsearchError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try: Run.create(Path(sys.argv[1]), 'baseline', command=[], config={})\n"
        "except EffsearchError as problem: print(problem)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(root)], cwd=ROOT, capture_output=True, text=True
    )
    assert "run.json: File too large" in ended.stdout, ended.stderr
    assert list((root / "baseline").iterdir()) == []


def test_a_root_that_is_a_file_is_one_line(root: Path) -> None:
    root.touch()
    with pytest.raises(EffsearchError, match="cannot write"):
        make_run(root)


def test_a_second_process_is_refused_with_the_pid_of_the_first(root: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        path = Path(holder.stdout.readline().strip())
        with pytest.raises(InputError) as refused:
            Run.resume(root, "baseline/001")
        assert str(refused.value).startswith(
            f"run {path} is in use by another process (pid {holder.pid})"
        )
        assert Run.load(path).status == "running"
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert Run.load(path).status == "interrupted"
    with Run.resume(root, "baseline/001") as run:
        assert (run.status, run.record["resumed_at"][0][:2]) == ("running", "20")


def test_looking_at_a_run_does_not_keep_another_process_from_resuming_it(root: Path) -> None:
    make_run(root).close()
    code = (
        "import sys; from pathlib import Path; from effsearch.results.store.run import Run\n"
        "run = Run.load(Path(sys.argv[1])); print('ready', flush=True)\n"
        "while True: run.status"
    )
    looker = subprocess.Popen(
        [sys.executable, "-c", code, str(root / "baseline" / "001")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert looker.stdout is not None
        looker.stdout.readline()
        for _ in range(50):
            Run.resume(root, "baseline/001").close()
    finally:
        looker.kill()
        looker.wait()


def test_a_finished_run_says_so_and_keeps_what_it_was_given(root: Path) -> None:
    with make_run(root) as run:
        run.finish("finished", winner={"macs": 385_814_752})
        assert run.status == "finished"
    read = Run.open(root, "baseline/001")
    assert (read.status, read.record["winner"]) == ("finished", {"macs": 385_814_752})
    assert read.record["finished_at"] > read.record["created_at"]


def test_only_the_writer_can_finish_a_run_and_only_with_a_known_status(root: Path) -> None:
    with make_run(root) as run:
        with pytest.raises(ValueError, match="not 'done'"):
            run.finish("done")
        with pytest.raises(ValueError, match="open for reading only"):
            Run.latest(root).finish("finished")


def test_a_run_left_by_an_exception_reads_as_interrupted(root: Path) -> None:
    with pytest.raises(RuntimeError), make_run(root):
        raise RuntimeError
    assert Run.latest(root).status == "interrupted"


def test_a_run_is_found_by_path_by_kind_and_name_and_by_kind(root: Path) -> None:
    first, second = finished_run(root), finished_run(root)
    other = finished_run(root, "coefficients")
    make_run(root).close()
    assert Run.open(root, first.path).name == "001"
    assert Run.open(root, f"{first.path}/").name == "001"
    assert Run.open(root, "baseline/001").path == first.path
    assert Run.open(root, "baseline").path == second.path
    assert Run.open(root, None).path == other.path
    assert Run.latest(root, "baseline").name == "003"
    assert Run.latest(root).reference == "baseline/003"


def test_a_run_is_found_from_inside_its_directory(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(finished_run(root).path)
    assert Run.open(Path("runs"), ".").reference == "baseline/001"


@pytest.mark.parametrize(
    ("reference", "what"),
    [
        ("baseline/002", "there is no run 'baseline/002'"),
        ("nothing", "there is no run 'nothing'"),
        (None, "there is no finished run"),
        ("baseline", "there is no finished baseline run"),
        ("/", "/ is not a run directory (no run.json)"),
    ],
)
def test_a_reference_to_nothing_is_refused(root: Path, reference: str | None, what: str) -> None:
    make_run(root).close()
    with pytest.raises(InputError) as refused:
        Run.open(root, reference)
    assert str(refused.value).startswith(what)
    assert "effsearch results ls" in str(refused.value)


def test_no_finished_run_of_a_kind_is_refused(root: Path) -> None:
    with pytest.raises(InputError, match="there is no finished baseline run in"):
        newest_run(root, "baseline", ("finished",))


def test_a_record_of_a_newer_schema_is_refused_with_its_writer(root: Path) -> None:
    path = finished_run(root).path
    edit_record(path, schema_version=9, versions={"effsearch": "4.2.0"})
    with pytest.raises(InputError, match=r"written by effsearch 4\.2\.0 with schema 9") as refused:
        Run.open(root, "baseline/001")
    assert "upgrade" in str(refused.value)
    assert readable_records(root) == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 1}', "{"])
def test_a_broken_record_is_refused_by_name_and_does_not_hide_other_runs(
    root: Path, text: str
) -> None:
    broken, good = finished_run(root), finished_run(root)
    (broken.path / "run.json").write_text(text)
    with pytest.raises(InputError, match=r"001/run\.json"):
        Run.open(root, "baseline/001")
    assert [path for path, _ in readable_records(root)] == [good.path]


def test_hundreds_of_runs_are_listed_in_a_blink_and_foreign_folders_skipped(root: Path) -> None:
    model = finished_run(root).path
    record = json.loads((model / "run.json").read_text())
    for number in range(2, 502):
        path = root / "baseline" / f"{number:03d}"
        path.mkdir()
        (path / "run.json").write_text(json.dumps(record | {"name": path.name}))
    (root / "mine" / "photos").mkdir(parents=True)
    (root / "notes.txt").touch()
    start = time.process_time()
    runs = readable_records(root)
    assert time.process_time() - start < 1
    assert [path.name for path, _ in runs] == [f"{number:03d}" for number in range(1, 502)]


def test_an_answer_is_read_where_there_is_one(root: Path) -> None:
    run = finished_run(root)
    assert run.answer() is None
    assert run.paths.answer == run.path / "baseline.json"
    run.paths.answer.write_text('{"macs": 1}')
    assert run.answer() == {"macs": 1}


def test_a_resumed_run_keeps_its_record_and_ledger(root: Path) -> None:
    before = finished_run(root)
    with Run.resume(root, "baseline") as run:
        assert run.record["command"] == before.record["command"]
        assert run.record["finished_at"] is None
        with Ledger.open(run.paths.ledger) as ledger:
            assert len(list(ledger.events())) == 11
        run.finish("interrupted")
    assert Run.latest(root).status == "interrupted"


def test_a_lock_outlives_nothing(root: Path) -> None:
    for _ in range(3):
        make_run(root, name=f"n{time.monotonic_ns()}").close()
    descriptors = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for _ in range(20):
        assert Run.latest(root).status == "interrupted"
        Run.resume(root, "baseline").close()
    if descriptors:
        assert len(os.listdir("/proc/self/fd")) == descriptors
