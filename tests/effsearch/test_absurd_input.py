"""Numbers, names, addresses and files that nobody can mean: one line, and nothing is begun."""

import json
import os
import shutil
from pathlib import Path

import pytest
from searches import write_evaluator

from effsearch.nas.bench.finished import kept_traces
from effsearch.results.config.values import LARGEST
from effsearch.search_spaces.errors import InputError

OLD = Path(__file__).parents[1] / "data" / "runs" / "runs"
ENDLESS = "9" * 30
NETWORK = "res16 stem_k3_s1_c8 ir_r1_k3_s2_e2_c16 head_c32 cls10"
SEARCH = ("baseline", "--no-target")


@pytest.mark.parametrize(
    "command",
    [
        (*SEARCH, "--epochs", "1"),
        ("coefficients", "--baseline", NETWORK),
        ("compare-scaling", "--baseline", NETWORK),
        ("train", "--model", NETWORK, "--data", "digits"),
        ("lut", "build", "--space", "mnasnet"),
        ("supernet", "train", "--space", "mnasnet", "--data", "digits"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_device_that_is_none_is_refused_before_anything_starts(
    cli, tmp_path: Path, command: tuple[str, ...]
) -> None:
    answer = cli(*command, "--device", "nope")
    assert answer.error.startswith("unknown device 'nope': known: ")  # and nothing before it
    assert answer.code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "line",
    [
        "baseline --no-target --samples {}",
        "baseline --no-target --finalist-seeds {}",
        "bench --samples {}",
        "bench --seeds {}",
        "coefficients --epochs {}",
        "compare-scaling --seeds {}",
        "train --data digits --epochs {}",
        "lut build --networks {}",
        "lut build --passes {}",
        "supernet train --space mnasnet --data digits --epochs {}",
        "supernet evaluate none --random {}",
    ],
)
def test_a_count_of_thirty_digits_is_refused(cli, tmp_path: Path, line: str) -> None:
    answer = cli(*line.format(ENDLESS).split())
    assert " at most 9,007,199,254,740,991" in answer.error or "less than or equal" in answer.error
    assert answer.code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("count", [10**30, -(10**30), 10**5000], ids=["large", "negative", "huge"])
def test_a_count_of_a_file_is_bounded_alike(cli, tmp_path: Path, count: int) -> None:
    # Python refuses to write whole numbers of over 4,300 digits.
    written = "1" + "0" * 5000 if count == 10**5000 else str(count)
    (tmp_path / "search.yaml").write_text(f"no_target: true\nsamples: {written}\nweight: {written}")
    answer = cli("baseline", "--config", "search.yaml")
    assert len(answer.error) < 400
    assert answer.code == 2
    assert LARGEST == 2**53 - 1


@pytest.mark.parametrize("place", range(3))
def test_a_coefficient_beyond_all_bounds_is_refused_in_a_short_line(cli, place: int) -> None:
    coefficients = ["1.2", "1.1", "1.15"]
    coefficients[place] = "1e300"
    answer = cli("scale", "--baseline", "mobilenet-v2", "--coefficients", ",".join(coefficients))
    assert answer.code == 2
    assert len(answer.error) < 300


@pytest.mark.slow
@pytest.mark.parametrize(
    "address", ["127.0.0.1:99999", "127.0.0.1:0", "127.0.0.1:-1", "127.0.0.1:x", "ray://[::1]:"]
)
def test_a_port_that_is_none_is_said_and_no_run_is_left(cli, tmp_path: Path, address: str) -> None:
    evaluator = write_evaluator(tmp_path, "def evaluate(a): return 0.5")
    answer = cli(*SEARCH, "--evaluator", evaluator, "--ray-address", address, "-q")
    assert "is not a port: give HOST:PORT" in answer.error
    assert answer.code == 4
    assert not list(tmp_path.glob("runs/*/*"))


@pytest.mark.parametrize("url", ["postgresql://u:geheim@h:99999999/x", "sqlite://u:geheim@h:x/x"])
def test_a_port_of_a_database_that_is_none_is_said_without_the_password(cli, url: str) -> None:
    answer = cli("coefficients", "--baseline", NETWORK, "--storage", url)
    assert answer.code in (2, 4)
    assert "geheim" not in answer.error


DAMAGE = {
    "cut": lambda line: line[: len(line) // 2],
    "empty line": lambda line: b"",
    "no text": lambda line: b"\x00\xff\xfe",
    "endless": lambda line: b"[" * 100_000,
    "a list": lambda line: b"[1]",
    "infinite": lambda line: _changed(line, rewards=[float("inf")]),
    "text": lambda line: _changed(line, seconds="long"),
    "true": lambda line: _changed(line, seed=True),
    "nothing": lambda line: _changed(line, strategy=None),
    "unknown key": lambda line: _changed(line, more=1),
    "missing key": lambda line: line.replace(b'"evaluated"', b'"valued"'),
    "too short": lambda line: _changed(line, rewards=[0.5], sampled=[0.5]),
    "another result": lambda line: line + b"\n" + _changed(line, seconds=1.0, evaluated=1),
}


def _changed(line: bytes, **values: object) -> bytes:
    return json.dumps(json.loads(line) | values).encode()


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_searches_of_a_bench_are_refused_by_line_and_left_as_they_are(
    cli, tmp_path: Path, damage: str
) -> None:
    run = Path(shutil.copytree(OLD / "bench" / "interrupted", tmp_path / "runs/bench/interrupted"))
    shutil.copy(OLD.parent / "wide.yaml", tmp_path)
    searches = run / "searches.jsonl"
    lines = searches.read_bytes().splitlines()
    searches.write_bytes(b"\n".join([DAMAGE[damage](lines[0]), *lines[1:], b""]))
    damaged = searches.read_bytes()
    answer = cli("bench", "--resume", "bench/interrupted", "-q")
    assert answer.code == 2, answer.err
    assert "search" in answer.error
    assert len(answer.error) < 500
    assert searches.read_bytes() == damaged
    assert cli("results", "ls").code == 0


def test_searches_of_a_bench_that_are_no_file_are_said(tmp_path: Path) -> None:
    (tmp_path / "searches.jsonl").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        kept_traces(tmp_path / "searches.jsonl")


def test_a_report_of_a_damaged_answer_is_one_line(cli, tmp_path: Path) -> None:
    run = Path(shutil.copytree(OLD / "comparison/finished", tmp_path / "runs/comparison/one"))
    answer = json.loads((run / "comparison.json").read_bytes())
    (run / "comparison.json").write_text(json.dumps(answer | {"confidence": {"x": 1}}))
    shown = cli("report", "comparison/one", "--output", "page.html")
    assert shown.code == 2
    assert "does not read as a comparison run" in shown.error
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("path", ["x" * 5000, "a/" * 2500], ids=["name", "folders"])
@pytest.mark.parametrize(
    "line",
    [
        "baseline --no-target --space {}",
        "baseline --no-target --config {}",
        "baseline --no-target --evaluator {}.py:f",
        "scale --baseline {}",
        "scale --baseline mobilenet-v2 --coefficients {}",
        "train --model mobilenet-v2 --data {}",
        "evaluate {}",
        "report {}",
        "profile efficientnet-b0 --latency-table {}",
        "lut show {}",
    ],
)
def test_a_path_of_five_thousand_characters_is_one_short_line(cli, line: str, path: str) -> None:
    answer = cli(*line.format(path).split())
    assert answer.code == 2
    assert "…" in answer.error
    assert len(answer.error) < 1500  # with all that is known


def test_a_path_that_is_too_long_to_be_written_is_one_short_line(cli, tmp_path: Path) -> None:
    evaluator = write_evaluator(tmp_path, "def evaluate(a): return 0.5")
    for folder in ("x" * 5000, "a/" * 2500):
        answer = cli(*SEARCH, "--evaluator", evaluator, "--run-dir", folder)
        assert answer.code == 1
        assert answer.error.startswith("cannot write ")
        assert len(answer.error) < 800


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("deep.yaml", "baseline --config {}"),
        ("deep.yaml", "baseline --no-target --space {}"),
        ("deep.yaml", "train --config {}"),
        ("deep.yaml", "coefficients --config {}"),
        ("deep.json", "scale --baseline {}"),
        ("deep.json", "scale --baseline mobilenet-v2 --coefficients {}"),
    ],
)
def test_a_document_without_bottom_is_nested_too_deeply(
    cli, tmp_path: Path, file: str, line: str
) -> None:
    (tmp_path / "deep.yaml").write_text("samples: " + "[" * 20_000 + "]" * 20_000)
    (tmp_path / "deep.json").write_text("[" * 200_000)
    answer = cli(*line.format(file).split())
    assert answer.code == 2
    assert "nested too deeply" in answer.error


def test_what_never_ends_is_not_read_as_a_file(cli, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("/dev/zero", str(tmp_path / "pipe")):
        for line in (
            f"baseline --no-target --config {name}",
            f"baseline --no-target --space {name}",
            f"scale --baseline {name}",
            f"scale --baseline mobilenet-v2 --coefficients {name}",
            f"profile efficientnet-b0 --latency-table {name}",
            f"evaluate {name} --data digits",
        ):
            answer = cli(*line.split())
            assert answer.code == 2, (line, answer.err)
            assert Path(name).name in answer.error
