"""A damaged run never hides the others, whichever of its files is damaged and how."""

import json
import shutil
from itertools import product
from pathlib import Path

import pytest

from effsearch.results.listing import list_runs
from effsearch.results.loading import load_run_data, understood
from effsearch.results.report.summaries import heading, summary
from effsearch.results.store.files import read_json_object
from effsearch.results.store.kind_table import Table, read_table
from effsearch.results.store.ledger import history
from effsearch.results.store.run import Run
from effsearch.results.store.run_index import find_latest
from effsearch.search_spaces.errors import InputError

pytestmark = pytest.mark.slow  # together they take many seconds

OLD = Path(__file__).parents[1] / "data" / "runs" / "runs"
FILES = sorted(
    str(path.relative_to(OLD))
    for path in OLD.rglob("*")
    if path.suffix in (".json", ".jsonl", ".csv", ".yaml") and "/plots/" not in str(path)
)
DEEP = b"[" * 3000 + b"]" * 3000
DAMAGE = {
    "empty": b"",
    "endless line": b"a" * 300_000 + b"\n",
    "endless number": b'{"a": ' + b"9" * 300_000 + b"}\n",
    "no text": b"\x00\xff\xfe" * 100 + b"\n",
    "nested": DEEP + b"\n",
    "a list": b"[1]\n" * 3,
    "infinite": b'{"schema_version": 1, "targets": {"macs": 1e999}}\n' * 3,
}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A sound run, and the older and newer ones of every kind beside it."""
    return Path(shutil.copytree(OLD, tmp_path / "runs"))


@pytest.mark.parametrize("damage", DAMAGE)
def test_the_others_are_listed_whichever_file_is_damaged(damage: str, runs: Path) -> None:
    sound = {summary.reference for summary in list_runs(runs)[0]}
    for name in FILES:
        path, run = runs / name, "/".join(Path(name).parts[:2])
        before = path.read_bytes()
        path.write_bytes(DAMAGE[damage])
        found, skipped = list_runs(runs)
        assert sound - {one.reference for one in found} <= {run}, name
        assert all(run in why and "\n" not in why for why in skipped), (name, skipped)
        find_latest(runs, None)  # the newest run is found all the same
        path.write_bytes(before)


@pytest.mark.parametrize(
    "record",
    [
        {"targets": {"macs": [1]}, "config": {}},
        {"targets": {"macs": {"a": 1}}, "config": {"strategies": 1, "seeds": "x"}},
        {"config": {"target_flops": 1e300, "strategies": ["a"], "seeds": 10**30}},
        {"recipe": [1], "command": 5, "versions": 3, "config": {}},
        {"config": {}, "kind": "nothing"},
        {"config": {}, "kind": "../baseline"},
        {"config": {}, "created_at": "\x1b[31m"},
    ],
)
def test_a_record_of_absurd_values_hides_no_other_run(
    record: dict[str, object], runs: Path
) -> None:
    for kind in ("baseline", "train", "bench", "family", "coefficients"):
        folder = runs / kind / "odd"
        folder.mkdir()
        whole = {"schema_version": 1, "kind": kind, "status": "running", "created_at": "2026"}
        (folder / "run.json").write_text(json.dumps(whole | record))
    found, _ = list_runs(runs)
    assert {"baseline/finished", "train/finished", "bench/finished"} <= {
        one.reference for one in found
    }


ODD = ({"x": 1}, [1], "text", 5, None)


@pytest.mark.parametrize("run", sorted(str(path.parent) for path in OLD.rglob("run.json")))
def test_an_answer_of_other_shapes_is_told_or_named_in_one_line(run: str, runs: Path) -> None:
    found = Run.load(runs / Path(run).relative_to(OLD))
    if not found.paths.answer.exists():
        return
    answer = json.loads(found.paths.answer.read_bytes())
    for key, odd in product(answer, ODD):
        found.paths.answer.write_text(json.dumps(answer | {key: odd}))
        data = load_run_data(found)
        said = ""
        try:
            with understood(data):
                said = heading(data) + " ".join(summary(data).sentences)
        except InputError as refused:
            said = str(refused)
        assert said
        assert "\n" not in said


TABLE = Table(file="t.csv", title="", numbers=("epoch", "loss"), known=("epoch",), shown=())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epoch,loss\n1," + "9" * 200_000 + "\n", "is damaged"),
        ("epoch,loss\n1," + "9" * 5_000 + "\n", "is not a number"),
        ("epoch,loss\n,0.5\n", "has no epoch"),
        ("\nepoch,loss\n1,0.5\n", "has no column epoch"),
        ("epoch,loss\n1\n", None),
        ("epoch\n1\n", "has no column loss"),
        ("epoch,loss\n1,x\n", "line 2, loss: 'x' is not a number"),
    ],
)
def test_a_damaged_table_is_one_short_line(text: str, said: str | None, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text)
    if said is None:
        assert read_table(tmp_path, TABLE) == ({"epoch": 1, "loss": None},)
        return
    with pytest.raises(InputError) as refused:
        read_table(tmp_path, TABLE)
    assert said in str(refused.value)
    assert len(str(refused.value)) < 400


def test_what_is_not_finite_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("epoch,loss\n1,nan\n2,inf\n3,0.5\n")
    assert [row["loss"] for row in read_table(tmp_path, TABLE)] == [None, None, 0.5]


def test_a_number_too_large_for_a_float_is_no_json(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"alpha": 1e999}')
    with pytest.raises(InputError, match="1e999 is too large a number"):
        read_json_object(path)


def _line(event: str, trial: int, **more: object) -> str:
    asked = {
        "batch": 0, "seed": 1, "arch_id": "a", "architecture": "x", "encoding": [0],
        "costs": {"macs": 1},
    }  # fmt: skip
    told = {"measurements": {"accuracy": 0.5}, "reward": 0.5, "seconds": 1, "worker": "w"}
    values = asked if event == "asked" else told
    return json.dumps({"event": event, "trial": trial, "time": 1.0, **values, **more})


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((_line("told", 0), _line("asked", 0)), "line 1: .* trial 0 ends before it was asked"),
        ((_line("asked", 1),), "line 1: .* trial 1 instead of 0"),
        ((_line("asked", 0), _line("asked", 0)), "line 2: .* trial 0 instead of 1"),
        (
            (_line("asked", 0), _line("told", 0), _line("told", 0)),
            "line 3: .* trial 0 ends twice",
        ),
        (
            (_line("asked", 0), _line("told", 0, measurements={"accuracy": "half"})),
            "line 2: .* trial 0 has no accuracy",
        ),
    ],
    ids=["swapped", "lost", "asked twice", "ended twice", "no accuracy"],
)
def test_a_ledger_whose_lines_contradict_each_other_is_not_gone_on_with(
    lines: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "trials.jsonl"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match=said):
        history(path)
